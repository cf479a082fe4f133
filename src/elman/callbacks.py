"""scikit-learn's experimental callback protocol (1.9 and later), where it exists.

elman's own progress and `on_epoch` do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elman.training import Epoch

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks
except ImportError:

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing to support: this scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """The method as it is."""
        return method


__all__ = ["CallbackSupport", "epoch_hook", "with_callbacks"]


def epoch_hook(
    estimator: Any, context: Any, X: Any, y: Any, sample_weight: Any
) -> Callable[[Epoch], bool]:
    """An `on_epoch` that makes each epoch a task below `context` and asks callbacks to stop."""

    def tell(epoch: Epoch) -> bool:
        shared = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": {"sample_weight": sample_weight},
        }
        task = context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(**shared)
        return bool(task.call_on_fit_task_end(**shared, reconstruction_attributes=dict))

    return tell
