"""Labels of samples as a user passes them in; classes, and the index of each label, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import check_length, refuse_none, refuse_not_finite
from elman.targets.masked import refuse_masked

Array = NDArray[Any]


def check_labels(
    y: Any, n_samples: int, *, classes: Array | None = None, name: str = "y"
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each label among them.

    Raises
    ------
    TypeError
        Strings among other labels, or labels that cannot be sorted.
    ValueError
        Labels that are missing, masked, not one for each sample, of a continuous target, NaN, or
        unknown.
    """
    from sklearn.utils.multiclass import check_classification_targets

    refuse_none(y, name, "RNNClassifier", "one label for each sample")
    labels = _label_array(y, name)
    found, codes = sorted_labels(labels, name)
    try:
        check_classification_targets(labels)
    except ValueError as error:
        if labels.dtype.kind != "f":
            raise
        raise ValueError(f"{error} RNNRegressor predicts numbers.") from error
    check_length(len(labels), n_samples, name, "label")
    if classes is None:
        return found, codes
    known = np.isin(found, classes)
    if not known.all():
        stranger = found[~known][0]
        sample = int(np.flatnonzero(labels == stranger)[0])
        known_as = stranger.item() if isinstance(stranger, np.generic) else stranger
        raise ValueError(
            f"{name}[{sample}] is {known_as!r}, which is not one of the classes {classes.tolist()}"
        )
    return classes, np.searchsorted(classes, found)[codes].astype(np.int64)


def is_indicator(y: Any) -> bool:
    """Whether `y` has a column for each of several labels, not one label for each sample."""
    if hasattr(y, "toarray"):
        return True
    try:
        array = np.asarray(y)
    except ValueError:  # sequences of unequal lengths
        return False
    return array.ndim == 2 and array.shape[1] > 1


def check_indicator(
    y: Any, n_samples: int, *, n_labels: int | None = None, name: str = "y"
) -> NDArray[np.uint8]:
    """Which of several labels each sample has, (n_samples, n_labels) of 0 and 1.

    Raises
    ------
    ValueError
        Other values, masked ones, another number of rows than samples, or of columns than
        `n_labels`.
    """
    refuse_masked(y, name)
    array = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    refuse_not_finite(array, name)
    try:
        bad = np.argwhere(~np.isin(array, (0, 1)))
    except TypeError:
        bad = np.zeros((1, 2), int)
    if len(bad):
        row, column = bad[0].tolist()
        seen = array.tolist()[row][column]
        raise ValueError(
            f"{name} has shape {array.shape} with {seen!r} at [{row}, {column}]: "
            "pass one label for each sample (a 1d array), or an indicator matrix of 0 and 1 "
            "(n_samples, n_labels); labels of time steps are for RNNTagger"
        )
    check_length(len(array), n_samples, name, "row")
    if n_labels is not None and array.shape[1] != n_labels:
        raise ValueError(
            f"{name} has {array.shape[1]} columns, but there are {n_labels} labels: pass a column "
            "for each, in the order of the training data"
        )
    return array.astype(np.uint8)


def check_classes(classes: Any, known: Array | None = None) -> Array:
    """The labels a user lists, sorted, each once; those `known` from an earlier call, if any.

    Raises
    ------
    TypeError, ValueError
        They are none, NaN, not labels, of kinds that cannot be sorted together, or not those known.
    """
    labels = _label_array(classes, "classes")
    if len(labels) == 0:
        raise ValueError("classes is empty: list every label there will be")
    given = sorted_labels(labels, "classes")[0]
    if known is not None and not np.array_equal(given, known):
        raise ValueError(
            f"classes={given.tolist()} differ from those of the first call, {known.tolist()}: "
            "leave classes out, or start a new estimator"
        )
    return given


NO_CLASSES = "classes must be given in the first call of partial_fit: every label there will be"
NOT_BALANCED = (
    "class_weight='balanced' needs all samples at once, which partial_fit never sees: pass a dict "
    "{label: weight}"
)


def _label_array(y: Any, name: str) -> Array:
    from sklearn.utils.validation import column_or_1d

    refuse_masked(y, name)
    try:
        labels = np.asarray(column_or_1d(y, warn=True))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} has entries that are sequences, of unequal lengths: pass one label for each "
            "sample, not one for each step, which RNNTagger takes; several labels of a sample are "
            "an indicator matrix, which scikit-learn's MultiLabelBinarizer makes of them"
        ) from error
    refuse_not_finite(labels, name)
    if labels.dtype.kind == "U" and isinstance(y, (list, tuple)):
        for i, label in enumerate(y):  # NumPy has made strings of all
            if np.ndim(label) == 0 and not isinstance(label, str):
                raise TypeError(
                    f"{name}[{i}] is {label!r} ({type(label).__name__}) among strings: make all "
                    "labels strings, or none"
                )
    return labels


def sorted_labels(labels: Array, name: str) -> tuple[Array, NDArray[np.int64]]:
    """Labels sorted, each once, and the index of every label among them."""
    try:
        found, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels.tolist()}))
        raise TypeError(
            f"{name} mixes labels that cannot be sorted together ({kinds}): make them all "
            "strings, or leave out those that are missing"
        ) from error
    return found, codes.astype(np.int64)
