"""How right answers were: true and predicted labels or values in, counts, rates and errors out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.models.early import right_by_share
from elman.models.fitted import fitted
from elman.targets.checks import listed, refuse_missing, shown
from elman.targets.masked import refuse_masked
from elman.targets.missing import plain

__all__ = [
    "ClassScore",
    "ValueScore",
    "accuracy_by_share",
    "class_scores",
    "confusion_counts",
    "label_scores",
    "value_scores",
]


class ClassScore(NamedTuple):
    """One class in numbers.

    Examples
    --------
    >>> from elman.evaluation.scores import ClassScore
    >>> score = ClassScore.of_counts("walk", n_true=8, n_predicted=10, n_both=6)
    >>> score.precision, score.recall
    (0.6, 0.75)
    """

    label: Any
    n_true: int
    """samples of this class"""
    precision: float
    """of those predicted to be this class, the share that are; NaN when none was"""
    recall: float
    """of those in this class, the share that was found; NaN when there is none"""
    f1: float
    """harmonic mean of the two; NaN where the class neither occurs nor was predicted"""

    @classmethod
    def of_counts(cls, label: Any, n_true: int, n_predicted: int, n_both: int) -> ClassScore:
        """From how many samples are of the class, were predicted to be, and both."""
        return cls(
            label,
            n_true,
            n_both / n_predicted if n_predicted else np.nan,
            n_both / n_true if n_true else np.nan,
            2 * n_both / (n_true + n_predicted) if n_true + n_predicted else np.nan,
        )


class ValueScore(NamedTuple):
    """One target in numbers.

    Examples
    --------
    >>> from elman.evaluation.scores import value_scores
    >>> score = value_scores([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])[0]
    >>> print(f"{score.mae:.2f} {score.r_squared:.2f}")
    0.33 0.50
    """

    mse: float
    """mean squared error"""
    mae: float
    """mean absolute error"""
    r_squared: float
    """1 - squared error / squared deviation from the mean; of a target that is constant 1 if it was
    met exactly, else 0; NaN for fewer than two samples"""


def confusion_counts(
    y_true: ArrayLike, y_pred: ArrayLike, classes: ArrayLike | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count every pair of true and predicted label.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
    classes : array-like of shape (n_classes,) or None
        Order of rows and columns; None takes the sorted labels that occur in either.

    Returns
    -------
    classes : array of shape (n_classes,)
    counts : int64 array of shape (n_classes, n_classes)
        counts[i, j] samples of class i were predicted to be class j.

    Raises
    ------
    ValueError
        The two differ in length, a label is not among `classes`, or one is missing or masked.

    Examples
    --------
    >>> from elman.evaluation.scores import confusion_counts
    >>> classes, counts = confusion_counts(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    >>> print(classes, counts.tolist())
    ['a' 'b'] [[1, 1], [0, 2]]
    """
    refuse_masked(classes, "classes")
    joined = "labels of time steps are joined first: np.concatenate(y_true), np.concatenate(y_pred)"
    try:
        y_true, y_pred = whole("y_true", y_true), whole("y_pred", y_pred)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"y_true or y_pred has entries of unequal lengths; {joined}") from error
    if y_true.ndim != 1 or y_true.shape != y_pred.shape:
        raise ValueError(
            "y_true and y_pred must be 1-D and equally long, got shapes "
            f"{y_true.shape} and {y_pred.shape}; {joined}"
        )
    classes = np.unique(np.concatenate([y_true, y_pred])) if classes is None else classes
    classes = np.asarray(classes)
    place = {label: i for i, label in enumerate(classes.tolist())}
    if len(place) < len(classes):
        raise ValueError(f"classes names a label twice: {listed(classes)}")
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for name, y in (("y_true", y_true), ("y_pred", y_pred)):
        for i, label in enumerate(y.tolist()):
            if label not in place:
                raise ValueError(
                    f"{name}[{i}] is {shown(label)}, which is not a known class: {listed(place)}"
                )
    rows = np.array([place[label] for label in y_true.tolist()], dtype=np.intp)
    columns = np.array([place[label] for label in y_pred.tolist()], dtype=np.intp)
    np.add.at(counts, (rows, columns), 1)
    return classes, counts


def accuracy_by_share(
    estimator: Any, X: Any, y: ArrayLike, n_shares: int = 20
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy by how much of each recording has been seen.

    Parameters
    ----------
    estimator : RNNClassifier, Pipeline or TrainedModel
        Fitted, and of one label for each recording. A pipeline has to end in an RNNClassifier.
    X : array-like
        Recordings of at least one time step.
    y : array-like of shape (n_samples,)
    n_shares : int, default=20

    Returns
    -------
    shares : ndarray of shape (n_shares,)
        1 / n_shares to 1; of a recording the first ceil(share * n_timesteps) steps.
    accuracy : ndarray of shape (n_shares,)

    Raises
    ------
    TypeError
        The model is not a classifier of sequences.
    ValueError
        A label that is missing, masked or not known, a recording without a step, or a network that
        has no answer before a sequence has ended.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.evaluation.scores import accuracy_by_share
    >>> X = np.random.default_rng(0).normal(size=(40, 6, 1))
    >>> y = (X[:, -1, 0] > 0).astype(int)  # the last step decides
    >>> clf = RNNClassifier(hidden_size=8, readout="last", random_state=0).fit(X, y)
    >>> shares, accuracies = accuracy_by_share(clf, X, y, n_shares=3)
    >>> print(shares.round(2), accuracies[-1] > accuracies[0])
    [0.33 0.67 1.  ] True
    """
    found = fitted(estimator)
    model: Any = found.model
    if model.kind != "RNNClassifier":
        raise TypeError(f"accuracy by share wants a classifier of sequences, got a {model.kind}")
    y = whole("y", y)
    if n_shares < 1:
        raise ValueError(f"n_shares={n_shares} must be at least 1")
    if model.multilabel:
        raise ValueError("accuracy by share wants one label for each recording, not several")
    place = {label: i for i, label in enumerate(model.classes.tolist())}
    over_time = model.predict_proba_over_time(model.check(found.transform(X)))
    labels = y.tolist()
    if np.ndim(y) != 1 or len(labels) != len(over_time):
        raise ValueError(
            f"y has shape {np.shape(y)}, expected ({len(over_time)},): one label for each recording"
        )
    for i, label in enumerate(labels):
        if label not in place:
            raise ValueError(
                f"y[{i}] is {shown(label)}, which is not a known class: {listed(place)}"
            )
    codes = [np.asarray(p).argmax(axis=1) for p in over_time]
    return right_by_share(codes, [place[label] for label in labels], n_shares)


def class_scores(classes: NDArray[Any], counts: NDArray[np.int64]) -> list[ClassScore]:
    """Precision, recall and F1 of every class, from the answer of `confusion_counts`.

    Examples
    --------
    >>> from elman.evaluation.scores import class_scores, confusion_counts
    >>> counted = confusion_counts(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    >>> for score in class_scores(*counted):
    ...     print(score.label, score.n_true, f"{score.precision:.2f} {score.recall:.2f}")
    a 2 1.00 0.50
    b 2 0.67 1.00
    """
    n_true, n_predicted = counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist()
    both = np.diag(counts).tolist()
    return [*map(ClassScore.of_counts, classes.tolist(), n_true, n_predicted, both)]


def label_scores(y_true: ArrayLike, y_pred: ArrayLike) -> list[ClassScore]:
    """Precision, recall and F1 of every one of several labels, which is called by its number.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples, n_labels)
        Indicators of 0 and 1.

    Raises
    ------
    ValueError
        One of them is missing or masked.

    Examples
    --------
    >>> from elman.evaluation.scores import label_scores
    >>> for score in label_scores([[1, 0], [1, 1]], [[1, 0], [0, 1]]):
    ...     print(score.label, score.n_true, score.recall)
    0 2 0.5
    1 1 1.0
    """
    true, predicted = whole("y_true", y_true) != 0, whole("y_pred", y_pred) != 0
    columns = (
        range(true.shape[1]),
        true.sum(axis=0).tolist(),
        predicted.sum(axis=0).tolist(),
        (true & predicted).sum(axis=0).tolist(),
    )
    return [*map(ClassScore.of_counts, *columns)]


def value_scores(y_true: ArrayLike, y_pred: ArrayLike) -> list[ValueScore]:
    """Errors and R^2 of every target.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_targets)

    Raises
    ------
    ValueError
        A value is missing or masked.

    Examples
    --------
    >>> from elman.evaluation.scores import value_scores
    >>> for score in value_scores([[1.0, 5.0], [3.0, 7.0]], [[1.0, 6.0], [3.0, 8.0]]):
    ...     print(score.mse, score.r_squared)
    0.0 1.0
    1.0 0.0
    """
    true = whole("y_true", y_true).astype(np.float64)
    predicted = whole("y_pred", y_pred).astype(np.float64)
    true, predicted = (y.reshape(len(y), -1) for y in (true, predicted))
    error = predicted - true
    squared = (error**2).sum(axis=0)
    deviation = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    constant = deviation == 0
    r_squared = 1 - squared / np.where(constant, 1.0, deviation)
    r_squared[constant] = squared[constant] == 0
    if len(true) < 2:
        r_squared[:] = np.nan
    mse, mae = squared / len(true), np.abs(error).mean(axis=0)
    return [*map(ValueScore, mse.tolist(), mae.tolist(), r_squared.tolist())]


def whole(name: str, y: Any) -> NDArray[Any]:
    """Labels or values as an array, of which none may be missing or masked."""
    refuse_masked(y, name)
    found = plain(y)
    refuse_missing(found, name, "a score compares what is there", "leave it out of both")
    return found.values
