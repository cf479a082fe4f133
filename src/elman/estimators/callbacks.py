"""scikit-learn's experimental callback protocol (1.9 and later), where it exists.

elman's own progress and `on_epoch` do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from elman.models.history import Epoch

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks
except ImportError:

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing to support: this scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupport", "FitTask", "with_callbacks"]


class FitTask:
    """One `fit` as a task of scikit-learn's callbacks, each epoch a task below it.

    Parameters
    ----------
    estimator : estimator instance
        Whose `fit`, wrapped in `with_callbacks`, is running.
    max_iter : int or None
        Epochs at most; None if that is not known yet.
    X, y, sample_weight
        As the user passed them; callbacks may ask for them.
    """

    def __init__(
        self, estimator: Any, max_iter: int | None, X: Any, y: Any, sample_weight: Any
    ) -> None:
        self.draft: Any = None
        """the estimator with the model that is in training, once there is one"""
        self._context: Any = None
        self._shared = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": {"sample_weight": sample_weight},
        }
        if hasattr(estimator, "_init_callback_context"):
            self._context = estimator._init_callback_context(max_subtasks=max_iter)
            self._context.call_on_fit_task_begin(**self._shared)

    @property
    def hooks(self) -> list[Callable[[Epoch], bool]]:
        """What to call after each epoch: nothing, where there are no callbacks."""
        return [] if self._context is None else [self._end_epoch]

    def _end_epoch(self, epoch: Epoch) -> bool:
        task = self._context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(**self._shared)
        stop = task.call_on_fit_task_end(
            **self._shared, reconstruction_attributes=lambda: self._fitted_so_far(epoch)
        )
        return bool(stop)

    def _fitted_so_far(self, epoch: Epoch) -> dict[str, Any]:
        """What a copy of the estimator takes over to answer as it would after this epoch."""
        model = replace(self.draft.model_, network=epoch.network.copy())
        return {"model_": model, "history_": epoch.history, "_going_on": None}

    def end(self) -> None:
        """Tell callbacks that the estimator is fitted."""
        if self._context is not None:
            self._context.call_on_fit_task_end(**self._shared, reconstruction_attributes=dict)
