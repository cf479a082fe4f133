"""Labels as a user passes them in; arrays that a .npz file holds without a pickle, out; and back.

What NumPy keeps in an array of numbers, or of texts of about one length, is stored as that array.
Where labels are missing, or one text is far longer than the others, every label is stored as its
place among those that there are: `NAME_codes`, with -1 for a missing one, and `NAME_classes`.
Texts of very unequal lengths are end to end in UTF-8: `NAME_text` and `NAME_lengths`.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.text import Texts
from elman.targets.checks import shown
from elman.targets.missing import array_of, is_missing, need_integers

Array = NDArray[Any]

KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str"}
"""Kinds of labels by the letters of NumPy's types."""
HOW = "labels are stored as numbers, bools or strings"
PART_OF_IDS = "ids_part"
"""What arrays of ids that are tuples are called, before the number of the column."""
LARGEST_WHOLE = 2**53
"""Up to which a float holds every whole number."""
MOST_WIDTH = 256
"""Bytes of a text in an array of one width that need no thought of how long the others are."""
BLOCK = 1 << 16
TEXT_BYTES = 70
"""What a text takes as an object beside its characters."""


class BadArrayError(ValueError):
    """Arrays of a file that do not go together; the message says why."""


# Writing


def flat_labels(labels: Any, place: str, how: str = HOW) -> Array:
    """Labels of one sequence as a 1-D array of numbers, or of objects of one kind and None.

    `how` says in errors what they may be.

    Raises
    ------
    TypeError
        If there are labels of several kinds, or of one that no file holds.
    """
    if isinstance(labels, (list, tuple)):
        # NumPy would make texts of None and of numbers that stand among texts.
        entries = list(labels)
    else:
        array = array_of(labels)
        if array.dtype.kind in KINDS:
            return array
        if array.dtype.kind != "O":
            raise TypeError(f"{place} has dtype {array.dtype}; {how}")
        entries = array.tolist()
    missing = [is_missing(entry) for entry in entries]
    kinds: dict[str, int] = {}
    for i, entry in enumerate(entries):
        if not missing[i]:
            kinds.setdefault(_kind(entry, f"{place}[{i}]", how), i)
    if len(kinds) > 1 and set(kinds) != {"int", "float"}:
        (one, i), (other, k) = list(kinds.items())[:2]
        raise TypeError(
            f"{place}[{i}] is {shown(entries[i])} ({one}) and {place}[{k}] is "
            f"{shown(entries[k])} ({other}): make all labels of one kind"
        )
    if {"int", "float"} <= set(kinds):
        there = [x for gone, x in zip(missing, entries, strict=True) if not gone]
        if need_integers(there):
            entries = [x if gone else int(x) for gone, x in zip(missing, entries, strict=True)]
            del kinds["float"]
    if "float" in kinds:
        for i, (gone, entry) in enumerate(zip(missing, entries, strict=True)):
            if not gone and isinstance(entry, numbers.Integral) and _is_rounded(entry):
                raise TypeError(_rounded(f"{place}[{i}]", entry))
        pairs = zip(missing, entries, strict=True)
        return np.array([np.nan if gone else entry for gone, entry in pairs], float)
    found = np.empty(len(entries), dtype=object)
    found[:] = [None if gone else x for gone, x in zip(missing, entries, strict=True)]
    if any(missing) or "str" in kinds or not entries:
        return found
    return _exact(entries, place)


def _exact(values: list[Any], place: str) -> Array:
    """Bools, or whole numbers, as an array that holds each of them exactly."""
    numeric: Array = np.array(values)
    if numeric.dtype.kind not in "biu":
        try:
            return np.array(values, np.uint64)
        except OverflowError:
            raise TypeError(
                f"{place} holds whole numbers beyond 64 bits: make them strings"
            ) from None
    return numeric


def _is_rounded(whole: Any) -> bool:
    """Whether float64 holds a whole number only in part."""
    return abs(int(whole)) > LARGEST_WHOLE and int(float(whole)) != int(whole)


def _rounded(place: str, whole: Any) -> str:
    return (
        f"{place} is {shown(whole)}, which would be rounded beside numbers that are not whole: "
        "make all of them strings, or all of them floats"
    )


def _kind(label: Any, place: str, how: str = HOW) -> str:
    if isinstance(label, str):
        return "str"
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    if isinstance(label, numbers.Integral):
        return "int"
    if isinstance(label, numbers.Real):
        return "float"
    raise TypeError(
        f"{place} is {shown(label)}, a {type(label).__name__}; {how}: pass them as one of these"
    )


def joined_labels(parts: list[Array], name: str) -> Array:
    """Labels of several sequences, each by `flat_labels`, end to end in one array.

    Raises
    ------
    TypeError
        If they are of several kinds.
    """
    kinds: dict[str, int] = {}
    for i, part in enumerate(parts):
        kind = _kind_of(part)
        if kind is not None:
            kinds.setdefault(kind, i)
    if len(kinds) > 1 and set(kinds) != {"int", "float"}:
        (one, i), (other, k) = list(kinds.items())[:2]
        raise TypeError(
            f"{name} mixes labels of types {one} (in {name}[{i}]) and {other} (in {name}[{k}]): "
            "make them all alike"
        )
    parts = [part for part in parts if len(part)]
    if not parts:
        return np.empty(0, int)
    if "float" in kinds:
        for part in parts:
            whole = [x for x in part.tolist() if isinstance(x, int) and _is_rounded(x)]
            if whole:
                raise TypeError(_rounded(f"a label in {name}", whole[0]))
        parts = [_floats(part) for part in parts]
    widest = max((part.itemsize for part in parts if part.dtype.kind == "U"), default=0)
    if any(part.dtype == object for part in parts) or widest > MOST_WIDTH:
        parts = [part.astype(object) for part in parts]
    joined = np.concatenate(parts)
    if joined.dtype.kind == "f" and "float" not in kinds:
        raise TypeError(f"{name} mixes signed and unsigned integers: convert them to one type")
    return joined


def _floats(part: Array) -> Array:
    """Numbers, NaN where one is missing."""
    if part.dtype != object:
        return part
    return np.array([np.nan if entry is None else entry for entry in part.tolist()], float)


def _kind_of(part: Array) -> str | None:
    """The kind of a sequence's labels; None if it has none."""
    if len(part) == 0:
        return None
    if part.dtype != object:
        return KINDS[part.dtype.kind]
    return next((_kind(label, "y") for label in part.tolist() if label is not None), None)


def stored(name: str, labels: Array) -> dict[str, Array]:
    """Labels by `flat_labels` as arrays for a file."""
    if labels.dtype.kind == "U" and labels.itemsize > MOST_WIDTH:
        labels = labels.astype(object)
    if labels.dtype != object:
        return {name: labels}
    entries = labels.tolist()
    if None not in entries:  # texts
        texts = Texts(entries).as_array()
        if texts.dtype != object:
            return {name: texts}
    places: dict[Any, int] = {None: -1}
    classes: list[Any] = []
    for entry in entries:
        if entry not in places:
            places[entry] = len(classes)
            classes.append(entry)
    codes = np.fromiter((places[entry] for entry in entries), np.int64, len(entries))
    found = {f"{name}_codes": codes}
    if classes and not isinstance(classes[0], str):
        return found | {f"{name}_classes": _exact(classes, name)}
    return found | stored_texts(f"{name}_classes", classes)


def stored_texts(name: str, texts: Iterable[str]) -> dict[str, Array]:
    """Texts as arrays for a file: one of one width, or all end to end."""
    held = Texts(texts)
    array = held.as_array()
    if array.dtype != object:
        return {name: array}
    return {
        f"{name}_text": np.frombuffer(bytes(held.utf8), np.uint8),
        f"{name}_lengths": np.array(held.lengths, np.int64),
    }


# Reading


def take_labels(name: str, arrays: dict[str, Array], budget: Budget) -> Array | None:
    """The labels that `stored` made arrays of, which are taken out of `arrays`; None without any.

    Raises
    ------
    BadArrayError
        If the arrays contradict each other.
    """
    if name in arrays:
        return arrays.pop(name)
    if f"{name}_codes" not in arrays:
        return None
    classes = take_texts(f"{name}_classes", arrays, budget)
    if classes is None:
        return None
    codes = arrays.pop(f"{name}_codes")
    if codes.ndim != 1 or codes.dtype.kind not in "iu" or classes.ndim != 1:
        raise BadArrayError(f"{name}_codes and {name}_classes must be 1-D arrays, of integers")
    if len(codes) and (codes.min() < -1 or codes.max() >= len(classes)):
        raise BadArrayError(f"{name}_codes has others than -1 to {len(classes) - 1}")
    budget.take_objects(8 * len(codes), codes.nbytes, f"the labels in {name}_codes")
    known = np.empty(len(classes) + 1, dtype=object)
    known[:-1] = classes.tolist()
    found = np.empty(len(codes), dtype=object)
    for start in range(0, len(codes), BLOCK):
        found[start : start + BLOCK] = known[codes[start : start + BLOCK]]  # the last is None
    return found


def take_texts(name: str, arrays: dict[str, Array], budget: Budget) -> Array | None:
    """The texts that `stored_texts` made arrays of; as `take_labels`."""
    if name in arrays:
        return arrays.pop(name)
    if f"{name}_text" not in arrays or f"{name}_lengths" not in arrays:
        return None
    text, lengths = arrays.pop(f"{name}_text"), arrays.pop(f"{name}_lengths")
    if text.dtype != np.uint8 or text.ndim != 1:
        raise BadArrayError(f"{name}_text must be a 1-D array of uint8, texts in UTF-8")
    if total_of(lengths, f"{name}_lengths") != len(text):
        raise BadArrayError(f"{name}_lengths does not sum to the {len(text)} bytes of {name}_text")
    budget.take_objects(
        TEXT_BYTES * len(lengths), text.nbytes + lengths.nbytes, f"the texts in {name}_text"
    )
    try:
        return Texts.of(text, lengths).as_array()
    except UnicodeDecodeError as error:
        raise BadArrayError(f"{name}_text is not UTF-8 ({error})") from error


def total_of(lengths: Array, name: str) -> int:
    """The sum of an array of lengths, which cannot wrap round.

    Raises
    ------
    BadArrayError
        If they are not a 1-D array of whole numbers, 0 or more.
    """
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise BadArrayError(f"{name} must be a 1-D array of whole numbers, 0 or more")
    if len(lengths) == 0 or lengths.max() < 2**31:
        return int(lengths.sum(dtype=np.uint64))
    high, low = lengths >> 32, lengths & 0xFFFFFFFF
    return (int(high.sum(dtype=np.uint64)) << 32) + int(low.sum(dtype=np.uint64))
