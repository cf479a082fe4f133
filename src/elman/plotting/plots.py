"""The pictures as plain functions: models and recordings in, matplotlib Axes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from elman.plotting.accuracy_by_share import AccuracyByShareDisplay
from elman.plotting.confusion import plot_confusion_matrix
from elman.plotting.gradient_flow import GradientFlowDisplay
from elman.plotting.hidden_states import HiddenStatesDisplay
from elman.plotting.knowledge import KnowledgeCurveDisplay
from elman.plotting.loss_curve import LossCurveDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "plot_accuracy_by_share",
    "plot_confusion_matrix",
    "plot_gradient_flow",
    "plot_hidden_states",
    "plot_loss_curve",
    "plot_probabilities_over_time",
]


def plot_loss_curve(estimator: Any, *, ax: Axes | None = None) -> Axes:
    """Losses and scores by epoch; see `LossCurveDisplay.from_estimator` for all arguments.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import plot_loss_curve
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit([[[0], [1]], [[1], [0]]], [0, 1])
    >>> plot_loss_curve(clf).get_title()
    'Learning curve'
    """
    return LossCurveDisplay.from_estimator(estimator, ax=ax).ax_


def plot_hidden_states(
    estimator: Any,
    x: ArrayLike,
    *,
    n_units: int | None = 16,
    step_label: str = "time step",
    ax: Axes | None = None,
) -> Axes:
    """Hidden states while one recording is read; see `HiddenStatesDisplay.from_estimator`.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import plot_hidden_states
    >>> X = [[[0], [1], [1]], [[1], [0]]]
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, [0, 1])
    >>> plot_hidden_states(clf, X[0]).get_xlabel()
    'time step'
    """
    options: dict[str, Any] = {"n_units": n_units, "step_label": step_label, "ax": ax}
    return HiddenStatesDisplay.from_estimator(estimator, x, **options).ax_


def plot_probabilities_over_time(
    estimator: Any,
    x: ArrayLike,
    *,
    true_class: Any = None,
    probability: float | None = None,
    step_label: str = "time step",
    ax: Axes | None = None,
) -> Axes:
    """When did it know what one recording is? See `KnowledgeCurveDisplay.from_estimator`.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import plot_probabilities_over_time
    >>> X = [[[0], [1], [1]], [[1], [0]]]
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, [0, 1])
    >>> plot_probabilities_over_time(clf, X[0]).get_ylabel()
    'probability, had it stopped here'
    """
    options: dict[str, Any] = {"true_class": true_class, "probability": probability}
    options |= {"step_label": step_label, "ax": ax}
    return KnowledgeCurveDisplay.from_estimator(estimator, x, **options).ax_


def plot_accuracy_by_share(
    estimator: Any, X: Any, y: ArrayLike, *, n_shares: int = 20, ax: Axes | None = None
) -> Axes:
    """Accuracy by the share of each recording seen; see `AccuracyByShareDisplay.from_estimator`.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import plot_accuracy_by_share
    >>> X = [[[0], [1], [1]], [[1], [0]]]
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, [0, 1])
    >>> plot_accuracy_by_share(clf, X, [0, 1]).get_title()
    'How early could it answer?'
    """
    return AccuracyByShareDisplay.from_estimator(estimator, X, y, n_shares=n_shares, ax=ax).ax_


def plot_gradient_flow(estimator: Any, X: Any, y: Any, *, ax: Axes | None = None) -> Axes:
    """How far back the loss's gradient reaches; see `GradientFlowDisplay.from_estimator`.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.plotting import plot_gradient_flow
    >>> X = [[[0], [1], [1]], [[1], [0]]]
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, [0, 1])
    >>> plot_gradient_flow(clf, X, [0, 1]).get_xlabel()
    'time steps before the end'
    """
    return GradientFlowDisplay.from_estimator(estimator, X, y, ax=ax).ax_
