"""How right a classifier was: true and predicted labels in, counts and rates out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ClassScore", "class_scores", "confusion_counts"]


class ClassScore(NamedTuple):
    """One class in numbers."""

    label: Any
    n_true: int
    """samples of this class"""
    precision: float
    """of those predicted to be this class, the share that are; NaN when none was"""
    recall: float
    """of those in this class, the share that was found; NaN when there is none"""
    f1: float
    """harmonic mean of the two; NaN where the class neither occurs nor was predicted"""


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
        The two differ in length, or a label is not among `classes`.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim != 1 or y_true.shape != y_pred.shape:
        raise ValueError(
            "y_true and y_pred must be 1-D and equally long, got shapes "
            f"{y_true.shape} and {y_pred.shape}"
        )
    classes = np.unique(np.concatenate([y_true, y_pred])) if classes is None else classes
    classes = np.asarray(classes)
    place = {label: i for i, label in enumerate(classes.tolist())}
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for name, y in (("y_true", y_true), ("y_pred", y_pred)):
        for i, label in enumerate(y.tolist()):
            if label not in place:
                known = ", ".join(map(str, place))
                raise ValueError(f"{name}[{i}] is {label!r}, which is not a known class: {known}")
    rows = np.array([place[label] for label in y_true.tolist()], dtype=np.intp)
    columns = np.array([place[label] for label in y_pred.tolist()], dtype=np.intp)
    np.add.at(counts, (rows, columns), 1)
    return classes, counts


def class_scores(classes: NDArray[Any], counts: NDArray[np.int64]) -> list[ClassScore]:
    """Precision, recall and F1 of every class, from the answer of `confusion_counts`."""
    scores = []
    for k, label in enumerate(classes.tolist()):
        hits, n_true, n_pred = int(counts[k, k]), int(counts[k].sum()), int(counts[:, k].sum())
        scores.append(
            ClassScore(
                label,
                n_true,
                hits / n_pred if n_pred else np.nan,
                hits / n_true if n_true else np.nan,
                2 * hits / (n_true + n_pred) if n_true + n_pred else np.nan,
            )
        )
    return scores
