"""Labels of samples as a user passes them in; classes, and the index of each label, out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.callers import warn_caller
from elman.targets.checks import (
    check_length,
    listed,
    refuse_missing,
    refuse_none,
    refuse_not_finite,
    shown,
)
from elman.targets.masked import refuse_masked
from elman.targets.missing import Plain, kind_of, plain

Array = NDArray[Any]

AS_TEXT = "np.asarray(labels).astype(str)"
"""How errors say that labels are made text. Never where one is missing: it would become a text."""

TEXTS_OF_MISSING = ("nan", "<NA>", "NaT")
"""What a missing value becomes where all values are made text."""


def check_labels(
    y: Any,
    n_samples: int,
    *,
    classes: Array | None = None,
    name: str = "y",
    strangers: bool = False,
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each label among them.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        In any container that `elman.targets.missing.plain` takes.
    n_samples : int
    classes : ndarray of shape (n_classes,), optional
        The classes there are.
    name : str
        What errors call y.
    strangers : bool
        Whether there may be labels that are not among `classes`, though of their kind. What is
        returned are then the classes of y.

    Raises
    ------
    TypeError
        Labels of several kinds, or of one that no labels are of.
    ValueError
        Labels that are missing, masked, not one for each sample, of a continuous target, infinite,
        or unknown.
    """
    from sklearn.utils.multiclass import type_of_target

    refuse_none(y, name, "RNNClassifier", "one label for each sample")
    labels = _label_array(
        y, name, "RNNClassifier needs a label for every sample", "leave that sample out"
    )
    found, codes = sorted_labels(labels)
    # check_classification_targets also warns of many classes, which `warn_of_numbers` does better.
    kind = type_of_target(found)
    if kind not in ("binary", "multiclass"):
        fix = " RNNRegressor predicts numbers." if labels.dtype.kind == "f" else ""
        raise ValueError(
            f"Unknown label type: {kind}. A classifier learns discrete classes, and these are the "
            f"values of a regression.{fix}"
        )
    check_length(len(labels), n_samples, name, "label")
    if classes is None:
        warn_of_texts(found, name)
        return found, codes
    if strangers:
        refuse_other_kind(found, classes, name)
        return found, codes
    return classes, codes_among(
        found, codes, classes, name, lambda code: f"{name}[{np.flatnonzero(codes == code)[0]}]"
    )


def is_indicator(y: Any) -> bool:
    """Whether `y` has a column for each of several labels, not one label for each sample."""
    if hasattr(y, "toarray"):
        return True
    if isinstance(y, (list, tuple)) and {*map(type, y)} == {str}:
        return False  # without an array as wide as the longest text for each
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
        Other values, missing or masked ones, another number of rows than samples, or of columns
        than `n_labels`.
    """
    refuse_masked(y, name)
    found = plain(y.toarray() if hasattr(y, "toarray") else y)
    refuse_missing(
        found,
        name,
        "RNNClassifier needs a 0 or a 1 for every label of every sample",
        "leave that sample out",
    )
    array = found.values
    refuse_not_finite(array, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}: pass an indicator matrix of 0 and 1 (n_samples, "
            "n_labels), with a column for each label"
        )
    try:
        bad = np.argwhere(~np.isin(array, (0, 1)))
    except TypeError:
        bad = np.zeros((1, 2), int)
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(
            f"{name} has shape {array.shape} with {shown(array.tolist()[row][column])} at "
            f"[{row}, {column}]: "
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
        They are none, missing, not labels, of several kinds, or not those known.
    """
    labels = _label_array(classes, "classes", "a class needs a name", "list only labels")
    if len(labels) == 0:
        raise ValueError("classes is empty: list every label there will be")
    refuse_not_finite(labels, "classes")
    given = sorted_labels(labels)[0]
    if known is not None and not np.array_equal(given, known):
        raise ValueError(
            f"classes={listed(given)} differ from those of the first call, {listed(known)}: "
            "leave classes out, or start a new estimator"
        )
    return given


NO_CLASSES = "classes must be given in the first call of partial_fit: every label there will be"
NOT_BALANCED = (
    "class_weight='balanced' needs all samples at once, which partial_fit never sees: pass a dict "
    "{label: weight}"
)


def _label_array(y: Any, name: str, why: str, fix: str) -> Array:
    """Labels (n,) of one kind; `why` none may be missing, and the `fix`, are for the error."""
    from sklearn.utils.validation import column_or_1d

    refuse_masked(y, name)
    try:
        found = plain(y)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} has entries that are sequences, of unequal lengths: pass one label for each "
            "sample, not one for each step, which RNNTagger takes; several labels of a sample are "
            "an indicator matrix, which scikit-learn's MultiLabelBinarizer makes of them"
        ) from error
    refuse_missing(found, name, why, fix)
    if found.values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {found.values.dtype}")
    labels = np.asarray(column_or_1d(found.values, warn=True))
    refuse_not_finite(labels, name)
    refuse_other_than_labels(Plain(labels, np.zeros(len(labels), bool)), name)
    return labels


def refuse_other_than_labels(found: Plain, name: str) -> None:
    """Raise TypeError unless labels (n,) are all bools, all numbers, or all strings.

    Dates, bytes and other objects are refused because no model file can hold them.
    """
    dtype = found.values.dtype
    if dtype.kind in "biufU":
        return
    if dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {dtype}")
    if dtype.kind in "mM":
        first = next(iter(np.flatnonzero(~found.missing)), None)
        if first is not None:
            _refuse_kind("date", found.values[first : first + 1].astype(str)[0], name, int(first))
        return
    labels = found.values.tolist()
    seen: dict[str, int] = {}
    for i in np.flatnonzero(~found.missing).tolist():
        seen.setdefault(kind_of(type(labels[i])), i)
    if len(seen) > 1:
        parts = [f"{name}[{i}] is {shown(labels[i])} ({kind})" for kind, i in seen.items()]
        # which would make a text of a missing one as well
        how = "" if found.missing.any() else f", for example by {AS_TEXT}"
        raise TypeError(
            f"{name} mixes labels of several kinds: {', '.join(parts[:5])}; make them all of one "
            f"kind{how}"
        )
    for kind, i in seen.items():
        if kind != "str":
            _refuse_kind(kind, labels[i], name, i)


def _refuse_kind(kind: str, label: Any, name: str, i: int) -> None:
    place = f"{name}[{i}] is {shown(label)}"
    if kind in ("bytes", "bytes_"):
        raise TypeError(f"{place}: labels cannot be bytes; decode them, with label.decode()")
    if kind == "int":
        raise TypeError(f"{place}, which is beyond int64: make the labels text, by {AS_TEXT}")
    what = "a date or a time" if kind == "date" else f"of type {kind}"
    raise TypeError(
        f"{place}, {what}: labels are strings, ints, bools or whole floats, which a file can hold; "
        f"make them text, for example by {AS_TEXT}"
    )


def sorted_labels(labels: Array) -> tuple[Array, NDArray[np.int64]]:
    """Labels of one kind, sorted, each once, and the index of every label among them."""
    if labels.dtype == object:
        # at the speed of a dictionary, and without an array as wide as the longest text
        names = sorted(set(labels.tolist()))
        place = {label: i for i, label in enumerate(names)}
        found = np.empty(len(names), dtype=object)
        found[:] = names
        return found, np.array([place[label] for label in labels.tolist()], np.int64)
    found, codes = np.unique(labels, return_inverse=True)
    return found, codes.astype(np.int64)


def codes_among(
    found: Array,
    codes: NDArray[np.int64],
    classes: Array,
    name: str,
    place: Callable[[int], str],
) -> NDArray[np.int64]:
    """The index of every label among the classes that there are.

    Parameters
    ----------
    found, codes
        As `sorted_labels` returns them.
    classes : ndarray of shape (n_classes,)
    name : str
        What errors call the labels.
    place : callable
        The index of a label in `found` -> what an error calls the first place where it stands.

    Raises
    ------
    ValueError
        A label is not among the classes.
    """
    refuse_other_kind(found, classes, name)
    index = {label: i for i, label in enumerate(classes.tolist())}
    for code, label in enumerate(found.tolist()):
        if label not in index:
            raise ValueError(
                f"{place(code)} is {shown(label)}, which is not one of the classes "
                f"{listed(classes)}"
            )
    return np.array([index[label] for label in found.tolist()], np.int64)[codes]


def refuse_other_kind(labels: Array, classes: Array, name: str) -> None:
    """Raise ValueError if labels are strings and classes are not, or the reverse."""
    texts = [array.dtype.kind in "UO" for array in (labels, classes)]
    if len(labels) and len(classes) and texts[0] != texts[1]:
        wanted = "str" if texts[1] else str(classes.dtype)
        raise ValueError(
            f"{name} holds labels such as {shown(labels[0])}, but the classes are "
            f"{listed(classes)}: pass labels of the same kind, for example "
            f"np.asarray(labels).astype({wanted!r})"
        )


def warn_of_texts(classes: Array, name: str) -> None:
    """Warn of classes that are what missing values become where all is made text."""
    if classes.dtype.kind in "UO":
        for text in {*classes.tolist()}.intersection(TEXTS_OF_MISSING):
            warn_caller(
                f"{name} has the class {text!r}, which is what a missing value becomes when all "
                "labels are made text; if it is one, pass the labels before that is done",
            )
