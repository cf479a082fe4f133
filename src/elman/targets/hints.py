"""Labels in; a warning, or advice for an error, where they look like numbers to be predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.callers import warn_caller

Array = NDArray[Any]

MANY_CLASSES = 20
FEW_SAMPLES = 10


def warn_of_numbers(classes: Array, codes: NDArray[np.int64]) -> None:
    """Warn of labels that look like numbers to be predicted: many of them, of few samples each.

    The labels are numbers, there are more than 20 different ones, and fewer than 10 samples for
    each on average. Numbers of classes are told from measured ones by how even they are: there is
    no warning if every class has two samples at least, and none more than twice as many as another.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (n_samples,)
        The class of each sample, as its index.
    """
    n_classes, n_samples = len(classes), len(codes)
    if n_classes <= MANY_CLASSES or n_samples >= FEW_SAMPLES * n_classes or not _numeric(classes):
        return
    counts = np.bincount(codes, minlength=n_classes)
    if counts.min() >= 2 and counts.max() <= 2 * counts.min():
        return
    warn_caller(
        f"y has {n_classes} different numbers in {n_samples} samples, and each becomes a class of "
        "its own, to which the others are no nearer or farther. If they are amounts, RNNRegressor "
        "predicts numbers; if they are names of classes, strings say "
        "so: np.asarray(y).astype(str)",
    )


def _numeric(classes: Array) -> bool:
    if classes.dtype.kind == "O":
        kinds = set(map(type, classes.tolist()))
        return bool(kinds) and all(issubclass(kind, (int, float)) for kind in kinds - {bool})
    return classes.dtype.kind in "iuf"
