"""Labels and weights of time steps as a user passes them in; the same, samples end to end, out."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import refuse_none
from elman.targets.hints import advice_on_floats
from elman.targets.labels import check_classes, sorted_labels
from elman.targets.masked import refuse_masked
from elman.targets.weights import check_weights, checked_weights

Array = NDArray[Any]

NO_LABEL = (
    "to leave a time step without a label, make it -1 among integers, as .filled(-1) does, or None "
    "among strings"
)


def check_tags(
    y: Any, lengths: NDArray[np.int64], *, classes: Array | None = None, name: str = "y"
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each time step's label.

    Parameters
    ----------
    y : array-like
        A list of 1-D label sequences, each of its sample's length, or a 2-D array padded with -1.
        Among integers -1 or None, and among strings None, says that a step has no label.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample.

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
    sequences = _step_sequences(y, lengths, name, "labels", "-1")
    labels, present = _joined_labels(sequences, name)
    if not present.any():
        raise ValueError(f"{name} labels no time step: at least one must have a label")
    found, known_codes = sorted_labels(labels[present], name)
    if classes is not None:
        known = np.isin(found, classes)
        if not known.all():
            stranger = found[~known][0]
            at = int(np.flatnonzero(present & (labels == stranger))[0])
            sample, step = _sample_and_step(at, lengths)
            raise ValueError(
                f"{name}[{sample}][{step}] is {stranger.item()!r}, which is not one of the classes "
                f"{classes.tolist()}"
            )
        known_codes = np.searchsorted(classes, found)[known_codes].astype(np.int64)
    codes = np.full(len(labels), -1, np.int64)
    codes[present] = known_codes
    return found if classes is None else classes, codes


def check_tag_classes(classes: Any, known: Array | None = None) -> Array:
    """As `elman.targets.labels.check_classes`, of labels that time steps can have.

    Raises
    ------
    TypeError, ValueError
        They are not; or -1 is among them, which says that a step has no label.
    """
    given = check_classes(classes, known)
    _, present = _joined_labels([given], "classes")
    if not present.all():
        raise ValueError(
            f"classes={given.tolist()} lists what says that a time step has no label: leave it out"
        )
    return given


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
    sequences = _step_sequences(sample_weight, lengths, "sample_weight", "weights", None)
    try:
        if any(np.iscomplexobj(s) for s in sequences):
            raise TypeError("they are complex")
        weights = np.concatenate([np.asarray(s, np.float64) for s in sequences])
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"sample_weight cannot be read as numbers ({error}): pass one number for each sample, "
            "or a sequence of numbers for each"
        ) from error
    return checked_weights(
        weights, lambda at: "sample_weight[{}][{}]".format(*_sample_and_step(at, lengths))
    )


def _step_sequences(
    y: Any, lengths: NDArray[np.int64], name: str, what: str, padding: str | None
) -> list[Array]:
    """One 1-D array for each sample, of its length, from a list of them or a padded array."""
    if not isinstance(y, (list, tuple)):
        y = np.asarray(y)
        if y.dtype == object and y.ndim == 1:
            y = y.tolist()
    X = "X_val" if name == "y_val" else "X"
    shape = f"pass a list with a 1-D sequence of {what} for each sample, one for each time step" + (
        "" if padding is None else f", or a 2-D array of integers padded with {padding}"
    )
    if isinstance(y, np.ndarray) and y.ndim != 2:
        raise ValueError(f"{name} has shape {y.shape}: {shape}")
    if len(y) != len(lengths):
        raise ValueError(
            f"{name} has {len(y)} sequence(s) of {what}, but {X} has {len(lengths)} sample(s): "
            f"{shape}"
        )
    if isinstance(y, np.ndarray):
        return _unpadded(y, lengths, name, X, padding)
    sequences = []
    for i, (row, length) in enumerate(zip(y, lengths.tolist(), strict=True)):
        if isinstance(row, str) or np.ndim(row) != 1:
            raise ValueError(f"{name}[{i}] is {_shown(row)}, no 1-D sequence: {shape}")
        if len(row) != length:
            raise ValueError(
                f"{name}[{i}] has {len(row)} {what}, but {X}[{i}] has {length} time step(s): pass "
                "one for each step"
            )
        sequences.append(_labels_of(row, f"{name}[{i}]"))
    return sequences


def _unpadded(
    y: Array, lengths: NDArray[np.int64], name: str, X: str, padding: str | None
) -> list[Array]:
    longest = int(lengths.max(initial=0))
    if y.shape[1] < longest or (y.shape[1] > longest and padding is None):
        raise ValueError(
            f"{name} has {y.shape[1]} columns, but {X} has up to {longest} steps: pass one for "
            "each step"
        )
    beyond = np.arange(y.shape[1]) >= lengths[:, np.newaxis]
    if padding is not None and beyond.any():
        if y.dtype.kind not in "iu":
            raise ValueError(
                f"{name} is a 2-D array of type {y.dtype}, wider than some samples are long: only "
                "integers can be padded, with -1; pass a list of sequences"
            )
        bad = np.argwhere(beyond & (y != -1))
        if len(bad):
            row, column = bad[0].tolist()
            raise ValueError(
                f"{name}[{row}, {column}] is {y[row, column]}, but {X}[{row}] has only "
                f"{lengths[row]} time step(s): pad with -1 past its end"
            )
    return [row[:length] for row, length in zip(y, lengths.tolist(), strict=True)]


def _labels_of(row: Any, place: str) -> Array:
    array = np.asarray(row)
    if array.dtype.kind == "U" and not isinstance(row, np.ndarray):
        for t, label in enumerate(row):  # NumPy has made strings of all
            if not isinstance(label, str):
                raise TypeError(
                    f"{place}[{t}] is {label!r} ({type(label).__name__}) among strings: make all "
                    "labels strings, or none; None is for a step without a label"
                )
    return array


def _joined_labels(sequences: list[Array], name: str) -> tuple[Array, NDArray[np.bool_]]:
    """All labels end to end, and which of them are there."""
    kinds: dict[str, int] = {}
    parts: list[Array] = []
    blank: dict[int, int] = {}
    for i, part in enumerate(sequences):
        if len(part) == 0:
            continue
        if part.dtype.kind == "O":
            part = _plain_labels(part, f"{name}[{i}]")
            if all(label is None for label in part.tolist()):  # of the others' kind
                blank[len(parts)] = i
                parts.append(part)
                continue
        if part.dtype.kind == "f":
            raise TypeError(
                f"{name}[{i}] has labels of type {part.dtype}, and labels of time steps are ints, "
                f"bools or strings: {advice_on_floats(part)}"
            )
        if part.dtype.kind not in "biuUO":
            raise TypeError(
                f"{name}[{i}] has labels of type {part.dtype}, such as {part[:1].tolist()}: labels "
                "of time steps are ints, bools or strings; convert them, for example by "
                "y.astype(str)"
            )
        kinds.setdefault({"u": "i", "O": "U"}.get(part.dtype.kind, part.dtype.kind), i)
        parts.append(part)
    for at, i in blank.items():
        if "i" in kinds:
            parts[at] = np.full(len(parts[at]), -1)
        else:
            kinds.setdefault("U", i)
    if len(kinds) > 1:
        (_, i), (_, k) = list(kinds.items())[:2]
        raise TypeError(
            f"{name}[{i}] has labels of type {sequences[i].dtype} and {name}[{k}] of "
            f"{sequences[k].dtype}: make all labels ints, all bools, or all strings"
        )
    labels = np.concatenate(parts) if parts else np.empty(0, np.int64)
    if labels.dtype.kind == "O":
        present = np.array([label is not None for label in labels.tolist()], bool)
        labels = np.array([label or "" for label in labels.tolist()], dtype=str)
    elif labels.dtype.kind == "f":  # of uint64 and int64
        raise TypeError(f"{name} mixes signed and unsigned integers: convert them to one type")
    else:
        present = labels != -1 if labels.dtype.kind in "iu" else np.ones(len(labels), bool)
    return labels, present


def _plain_labels(part: Array, place: str) -> Array:
    """An array of objects as ints, bools, or strings and None."""
    labels = part.tolist()
    there = [label for label in labels if label is not None]
    if all(isinstance(label, str) for label in there):
        return part
    if all(isinstance(label, (bool, np.bool_)) for label in labels):
        return np.array(labels, bool)
    if all(isinstance(label, numbers.Integral) and not isinstance(label, bool) for label in there):
        try:
            return np.array([-1 if label is None else label for label in labels], np.int64)
        except OverflowError as error:
            raise TypeError(
                f"{place} holds a label beyond int64 ({error}): make the labels strings"
            ) from error
    kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
    if all(isinstance(label, numbers.Real) for label in there):
        raise TypeError(
            f"{place} holds labels of type {kinds}, and labels of time steps are ints, bools or "
            f"strings: {advice_on_floats(np.array(there, np.float64))}"
        )
    raise TypeError(
        f"{place} holds labels of type {kinds}: make them all ints, all bools, or all strings"
    )


def _sample_and_step(at: int, lengths: NDArray[np.int64]) -> tuple[int, int]:
    ends = np.cumsum(lengths)
    sample = int(np.searchsorted(ends, at, side="right"))
    return sample, at - int(ends[sample] - lengths[sample])


def _holds_sequences(array: Array) -> bool:
    return array.dtype == object and any(np.ndim(entry) > 0 for entry in array.ravel())


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
