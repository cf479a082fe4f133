"""Checks the labels and weights of time steps, and joins those of all samples end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.callers import warn_caller
from elman.targets.checks import listed, refuse_none, shown
from elman.targets.labels import (
    check_classes,
    codes_among,
    refuse_other_kind,
    refuse_other_than_labels,
    sorted_labels,
    warn_of_texts,
)
from elman.targets.masked import refuse_masked
from elman.targets.missing import LONG, Plain, is_missing, plain, without_scalars
from elman.targets.weights import check_weights, checked_weights, refuse_no_number

Array = NDArray[Any]

NO_LABEL = (
    "to leave a time step without a label, make it -1 among integers, as .filled(-1) does, or None "
    "among strings"
)
LARGEST_WHOLE = 2.0**53
"""Up to which a float holds every integer."""


def check_tags(
    y: Any,
    lengths: NDArray[np.int64],
    *,
    classes: Array | None = None,
    name: str = "y",
    strangers: bool = False,
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each time step's label.

    Parameters
    ----------
    y : array-like
        A list of 1-D label sequences, each of its sample's length or None, or a 2-D array padded
        with -1 or with missing values. A step has no label where the value is missing (None, NaN,
        NaT, pandas' NA), or -1 among integers. Floats that are whole are integers: pandas has them
        where one of the integers is missing.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample.
    classes : ndarray of shape (n_classes,), optional
        The classes there are.
    name : str
        What errors call y.
    strangers : bool
        Whether there may be labels that are not among `classes`, though of their kind. What is
        returned are then the classes of y.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (total_steps,), int64
        Samples end to end; -1 for a step without a label.

    Raises
    ------
    TypeError
        Labels that are not ints, bools or strings, or are of several of these kinds.
    ValueError
        Another number of samples or steps than X has, a label that is masked or unknown, or none
        at all.
    """
    refuse_none(y, name, "RNNTagger", "a label for each time step")
    refuse_masked(y, name, NO_LABEL)
    labels, present = _joined_labels(y, lengths, name)
    if not present.any():
        raise ValueError(f"{name} labels no time step: at least one must have a label")
    found, known_codes = sorted_labels(labels[present])

    def place(code: int) -> str:
        at = int(np.flatnonzero(present)[np.flatnonzero(known_codes == code)[0]])
        return "{}[{}][{}]".format(name, *_sample_and_step(at, lengths))

    if classes is None:
        found = _as_text(found)
        warn_of_texts(found, name)
        if found.dtype.kind in "iu":
            _warn_of_blanks(labels[~present], found, name)
    elif strangers:
        refuse_other_kind(found, classes, name)
    else:
        known_codes = codes_among(found, known_codes, classes, name, place)
        found = classes
    codes = np.full(len(labels), -1, np.int64)
    codes[present] = known_codes
    return found, codes


def check_tag_classes(classes: Any, known: Array | None = None) -> Array:
    """As `elman.targets.labels.check_classes`, of labels that time steps can have.

    Raises
    ------
    TypeError, ValueError
        They are not; or -1 is among them, which says that a step has no label.
    """
    given = check_classes(classes)
    labels = _tags(Plain(*(part.reshape(-1) for part in plain(classes))), "classes")
    if labels.dtype.kind in "iu" and (labels == -1).any():
        raise ValueError(
            f"classes={listed(given)} lists -1, which says that a time step has no label: leave it "
            "out"
        )
    return check_classes(_as_text(labels), known)


def check_step_weights(sample_weight: Any, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each time step, samples end to end: (total_steps,), scaled as by `check_weights`.

    Parameters
    ----------
    sample_weight : array-like
        One number for each sample, or a list of 1-D arrays of its lengths, or a padded 2-D array.

    Raises
    ------
    TypeError, ValueError
        It is something else, or holds a weight that is negative or not finite.
    """
    refuse_masked(sample_weight, "sample_weight")
    try:
        array = np.asarray(sample_weight)
        per_sample = array.ndim < 2 and not _holds_sequences(array)
    except ValueError:  # sequences of unequal lengths
        per_sample = False
    if per_sample:
        return np.repeat(check_weights(sample_weight, len(lengths)), lengths)
    rows = _rows_of_steps(sample_weight, lengths, "sample_weight", "weights", None)
    try:
        for i, row in enumerate(rows):
            refuse_no_number(row, f"sample_weight[{i}]")
        if any(np.iscomplexobj(row) for row in rows):
            raise TypeError("they are complex")
        weights = np.concatenate([np.asarray(row, np.float64) for row in rows])
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"sample_weight cannot be read as numbers ({error}): pass one number for each sample, "
            "or a sequence of numbers for each"
        ) from error
    return checked_weights(
        weights, lambda at: "sample_weight[{}][{}]".format(*_sample_and_step(at, lengths))
    )


def _joined_labels(
    y: Any, lengths: NDArray[np.int64], name: str
) -> tuple[Array, NDArray[np.bool_]]:
    """The labels of all samples end to end, and which of them are there."""
    rows = _rows_of_steps(y, lengths, name, "labels", "-1")
    if isinstance(rows, np.ndarray):
        labels, missing = plain(rows)
        _check_padding(labels, missing, lengths, name)
        parts = zip(labels, missing, lengths.tolist(), strict=True)
        return _joined([Plain(row[:n], gone[:n]) for row, gone, n in parts], name)
    kinds = {row.dtype.kind if isinstance(row, np.ndarray) else "" for row in rows}
    if kinds in ({"b"}, {"i"}, {"u"}, {"U"}):
        labels = np.concatenate(rows)  # of one kind, none of them missing: at once
        return labels, _not_blank(labels)
    return _joined([plain(row) for row in rows], name)


def _rows_of_steps(
    y: Any, lengths: NDArray[np.int64], name: str, what: str, padding: str | None
) -> list[Any] | Array:
    """A sequence for each sample, of its length; or, if they may be padded, a 2-D array."""
    shape = f"pass a list with a 1-D sequence of {what} for each sample, one for each time step" + (
        "" if padding is None else f", or a 2-D array of integers padded with {padding}"
    )
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is a sparse {type(y).__name__}: pass {name}.toarray()")
    y = without_scalars(y)
    if not isinstance(y, (list, tuple)):
        y = np.asarray(y)
        if y.dtype == object and y.ndim == 1:
            y = y.tolist()
    X = "X_val" if name == "y_val" else "X"
    if isinstance(y, np.ndarray) and y.ndim != 2:
        raise ValueError(f"{name} has shape {y.shape}: {shape}")
    if len(y) != len(lengths):
        raise ValueError(
            f"{name} has {len(y)} sequence(s) of {what}, but {X} has {len(lengths)} sample(s): "
            f"{shape}"
        )
    if isinstance(y, np.ndarray):
        longest = int(lengths.max(initial=0))
        if y.shape[1] < longest or (y.shape[1] > longest and padding is None):
            raise ValueError(
                f"{name} has {y.shape[1]} columns, but {X} has up to {longest} steps: pass one for "
                "each step"
            )
        if padding is not None:
            return y
        return [row[:length] for row, length in zip(y, lengths.tolist(), strict=True)]
    rows = []
    for i, (row, length) in enumerate(zip(y, lengths.tolist(), strict=True)):
        if not isinstance(row, (list, np.ndarray)):
            if padding is not None and is_missing(row):  # no label at any step
                row = np.full(length, None)
            elif getattr(row, "shape", ())[1:] == (1,):  # a table of one column
                row = np.asarray(row)[:, 0]
        if isinstance(row, str) or _n_dimensions(row) != 1:
            raise ValueError(f"{name}[{i}] is {shown(row)}, no 1-D sequence: {shape}")
        if len(row) != length:
            raise ValueError(
                f"{name}[{i}] has {len(row)} {what}, but {X}[{i}] has {length} time step(s): pass "
                "one for each step"
            )
        rows.append(row)
    return rows


def _n_dimensions(row: Any) -> int:
    if isinstance(row, np.ndarray):
        return row.ndim
    plain_types = (str, int, float, np.generic, type(None))
    if isinstance(row, list) and all(issubclass(t, plain_types) for t in set(map(type, row))):
        return 1  # without a look at every entry
    try:
        return np.ndim(without_scalars(row))
    except ValueError:  # sequences of unequal lengths
        return 2


def _check_padding(
    labels: Array, missing: NDArray[np.bool_], lengths: NDArray[np.int64], name: str
) -> None:
    """Raise ValueError if there is a label past the end of a sample."""
    beyond = (np.arange(labels.shape[1]) >= lengths[:, np.newaxis]) & ~missing
    if labels.dtype.kind in "iuf":
        beyond &= labels != -1
    if beyond.any():
        row, column = np.argwhere(beyond)[0].tolist()
        X = "X_val" if name == "y_val" else "X"
        pad = "-1" if labels.dtype.kind in "iuf" else "None"
        raise ValueError(
            f"{name}[{row}, {column}] is {shown(labels[row, column])}, but {X}[{row}] has only "
            f"{lengths[row]} time step(s): pad with {pad} past its end, or pass a list of sequences"
        )


def _joined(sequences: list[Plain], name: str) -> tuple[Array, NDArray[np.bool_]]:
    first_of: dict[str, int] = {}
    parts: list[Array | None] = []
    for i, found in enumerate(sequences):
        if len(found.values) == 0 or found.missing.all():
            parts.append(None)  # of the others' kind
            continue
        part = _tags(found, f"{name}[{i}]")
        first_of.setdefault({"u": "i", "O": "U"}.get(part.dtype.kind, part.dtype.kind), i)
        parts.append(part)
    if len(first_of) > 1:
        (_, i), (_, k) = list(first_of.items())[:2]
        raise TypeError(
            f"{name}[{i}] has labels such as {_one_of(sequences[i])}, and {name}[{k}] such as "
            f"{_one_of(sequences[k])}: make all labels ints, all bools, or all strings"
        )
    there = [part for part in parts if part is not None]
    blank = np.zeros(1, there[0].dtype if there else np.int64)
    joined = [
        np.repeat(blank, len(found.values)) if part is None else part
        for found, part in zip(sequences, parts, strict=True)
    ]
    labels = np.concatenate(joined) if joined else np.empty(0, np.int64)
    missing = [found.missing for found in sequences]
    present = ~np.concatenate(missing) if missing else np.empty(0, bool)
    if labels.dtype.kind == "f":  # of uint64 and int64
        raise TypeError(f"{name} mixes signed and unsigned integers: convert them to one type")
    return labels, present & _not_blank(labels)


def _warn_of_blanks(unlabelled: Array, classes: Array, name: str) -> None:
    """Warn of -1 that may be meant as a class: beside a single one, 0 and 1, or other negatives."""
    likely = len(classes) == 1 or classes.tolist() == [0, 1] or bool((classes < 0).any())
    if not (likely and (unlabelled == -1).any()):
        return
    one = len(classes) == 1
    others = f"label {classes[0]}" if one else f"labels {listed(classes)}"
    up = -min(-1, int(classes[0]))
    leaves = "is one class" if one else f"are {len(classes)} classes"
    # Without a count, so that filters of warnings see one text in all fits of a search.
    warn_caller(
        f"{name} has -1 at some time steps beside the {others}: there it says that a step has no "
        f"label, so that there {leaves} to learn. If -1 is a class, add {up} to every label, "
        "or make all of them text; if it is none, None in its place says so "
        "without this warning",
    )


def _not_blank(labels: Array) -> NDArray[np.bool_]:
    """Which labels are not -1 among integers, which says that there is none."""
    return np.asarray(labels != -1 if labels.dtype.kind in "iu" else np.ones(len(labels), bool))


def _tags(found: Plain, place: str) -> Array:
    """Labels of a sample, of which there is at least one, as ints, bools or strings."""
    if found.values.dtype.kind == "f":
        return _whole(found, place)
    refuse_other_than_labels(found, place)
    return found.values


def _whole(found: Plain, place: str) -> Array:
    """Whole floats as the integers that they are."""
    numbers = np.where(found.missing, 0, found.values)
    bad = np.flatnonzero(~(np.abs(numbers) <= LARGEST_WHOLE) | (numbers != np.round(numbers)))
    if len(bad):
        t = int(bad[0])
        raise TypeError(
            f"{place}[{t}] is {shown(numbers[t])}: labels of time steps are ints, bools or "
            "strings; RNNRegressor predicts numbers"
        )
    return np.asarray(numbers.astype(np.int64))


def _as_text(classes: Array) -> Array:
    """Classes that are strings in an array of objects as an array of strings."""
    if classes.dtype != object or max(map(len, classes.tolist()), default=0) > LONG:
        return classes  # an array of texts has the width of the longest everywhere
    texts = classes.astype(str)
    return texts if np.array_equal(texts, classes) else classes  # NumPy cuts "a\0" to "a"


def _one_of(found: Plain) -> str:
    at = int(np.flatnonzero(~found.missing)[0])
    return shown(found.values[at])


def _sample_and_step(at: int, lengths: NDArray[np.int64]) -> tuple[int, int]:
    ends = np.cumsum(lengths)
    sample = int(np.searchsorted(ends, at, side="right"))
    return sample, at - int(ends[sample] - lengths[sample])


def _holds_sequences(array: Array) -> bool:
    return array.dtype == object and any(np.ndim(entry) > 0 for entry in array.ravel())
