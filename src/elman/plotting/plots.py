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
    """Losses and scores by epoch, of training and validation, with the best epoch marked.

    Parameters
    ----------
    estimator : RNNClassifier, RNNTagger, RNNRegressor or Pipeline
        Fitted. A pipeline has to end in one of the three estimators.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        It is no estimator, it is not fitted, or it has no record of its training.

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
    step_label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Hidden states of the units that tell most, while one recording is read.

    `HiddenStatesDisplay` says how units are ranked and ordered.

    Parameters
    ----------
    estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. A pipeline has to end in one of the three estimators.
    x : array-like of shape (n_timesteps, n_features)
        One recording.
    n_units : int or None, default=16
        How many units to draw, those that tell most; None draws all.
    step_label : str or None
        Label of the horizontal axis. None says what stands below it: "time step",
        "character", "token", or the names of the categorical columns.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        There is no fitted model, or `x` is not one recording of at least one step.

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
    step_label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Probability of each class had the recording stopped at step t: when did it know?

    Parameters
    ----------
    estimator : RNNClassifier, Pipeline or TrainedModel
        Fitted, and of one label for each sequence. A pipeline has to end in an RNNClassifier.
    x : array-like of shape (n_timesteps, n_features)
        One recording.
    true_class : label or None
        Drawn strongest when given, else the class predicted at the end is.
    probability : float or None
        From which probability on, kept to the end, the answer counts as known. None is halfway from
        a blind guess to certainty: 0.75 of two classes, 0.55 of ten.
    step_label : str or None
        Label of the horizontal axis. None says what stands below it: "time step",
        "character", "token", or the names of the categorical columns.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        The model is not a classifier of one label a sequence, it has no answer before a sequence
        has ended, `x` is not one recording, or `true_class` is not a known class.

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
    """Accuracy by the share of each recording seen: how early could it have answered?

    Parameters
    ----------
    estimator : RNNClassifier, Pipeline or TrainedModel
        Fitted, and of one label for each sequence. A pipeline has to end in an RNNClassifier.
    X : array-like
        Recordings of at least one time step.
    y : array-like of shape (n_samples,)
    n_shares : int, default=20
        Points of the curve, evenly spaced from a share near 0 to the whole recording.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        The model is not a classifier of one label a sequence, it has no answer before a sequence
        has ended, or X or y cannot be used.

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
    """Norm of the loss's gradient at the state after each time step: does it reach step 1?

    Parameters
    ----------
    estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. A pipeline has to end in one of the three estimators.
    X : array-like
        Recordings.
    y : array-like
        Their targets, as `fit` takes them.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        There is no fitted model, or X or y cannot be used.

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
