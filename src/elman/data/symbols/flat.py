"""Values of one column over all steps, whatever Python or NumPy calls them, in; one type out."""

from __future__ import annotations

import decimal
import numbers
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.places import Place
from elman.targets.checks import shown

Array = NDArray[Any]
Kind = Literal["text", "int", "bool", "number", "nothing"]

NULLS = frozenset({"NoneType", "NAType", "NaTType"})
"""Names of the types whose values stand for a missing value."""

EXACT = 2**53
"""Up to here float64 holds every whole number."""

WORDS: dict[str, str] = {
    "text": "text",
    "int": "whole numbers",
    "bool": "bools",
    "number": "numbers",
    "nothing": "missing values alone",
}
"""What an error calls the values of each kind."""


class Flat(NamedTuple):
    """One column of all steps of all samples, one after another."""

    kind: Kind
    values: Any
    """text: a list of str, with None where a value is missing; int: int64; bool: bool; number:
    float64 or float32, NaN where one is missing; nothing: an empty list"""
    missing: NDArray[np.bool_] | None
    """which values are missing; None: none is"""
    n: int
    """how many values there are"""
    categorical: bool = False
    """whether the type of the column says that its values are categories"""
    odd_bool: int | None = None
    """where the first bool among numbers is: as numbers they are 0 and 1, but no categories"""


def a_kind(value: Any) -> str:
    """What a value is, for a message: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def is_missing(value: Any) -> bool:
    """Whether a value of a column stands for none: None, NaN, NaT or pandas' NA."""
    if type(value).__name__ in NULLS:
        return True
    return isinstance(value, (float, np.floating, decimal.Decimal)) and bool(value != value)


def flat_list(values: list[Any], place: Place, *, categorical: bool = False) -> Flat:
    """Values of a list, which are all text, all bools, or all numbers, apart from missing ones.

    Raises
    ------
    TypeError
        Text stands beside numbers, or a value is neither; names the sample and the step.
    """
    n = len(values)
    kinds = set(map(type, values))
    missing = None
    if kinds == {str}:
        return Flat("text", values, None, n, categorical)
    if any(kind.__name__ in NULLS or issubclass(kind, NANS) for kind in kinds):
        flags = np.fromiter(map(is_missing, values), bool, n)
        if flags.any():
            missing = flags
            present = [v for v, no in zip(values, flags.tolist(), strict=True) if not no]
            kinds = set(map(type, present))
            if not kinds:
                return Flat("nothing", [], missing, n, categorical)
    if not kinds:
        return Flat("nothing", [], None, n, categorical)
    if all(issubclass(kind, str) for kind in kinds):
        absent = [False] * n if missing is None else missing.tolist()
        texts = [None if no else str.__str__(v) for v, no in zip(values, absent, strict=True)]
        return Flat("text", texts, missing, n, categorical)
    if not all(issubclass(kind, REAL) for kind in kinds):
        _refuse(values, missing, place)
    if missing is not None:
        values = [0 if no else v for v, no in zip(values, missing.tolist(), strict=True)]
    bools = {kind for kind in kinds if issubclass(kind, (bool, np.bool_))}
    if bools == kinds:
        return Flat("bool", np.array(values, bool), missing, n, categorical)
    odd = next(i for i, v in enumerate(values) if type(v) in bools) if bools else None
    if all(issubclass(kind, (numbers.Integral, np.bool_)) for kind in kinds):
        try:
            return Flat("int", np.array(values, np.int64), missing, n, categorical, odd)
        except OverflowError:
            pass
    found = np.empty(n)
    for i, value in enumerate(values):
        try:
            found[i] = float(value)
        except OverflowError as error:
            raise ValueError(f"{place(i)} is {shown(value)}, too large for float64") from error
    if missing is not None:
        found[missing] = np.nan
    return Flat("number", found, missing, n, categorical, odd)


NANS = (float, np.floating, decimal.Decimal)
REAL = (numbers.Real, np.bool_, decimal.Decimal)


def _refuse(values: list[Any], missing: Array | None, place: Place) -> NoReturn:
    """Say which value is no category and no number, or that there are both kinds."""
    at: dict[str, int] = {}
    for i, value in enumerate(values):
        if missing is not None and missing[i]:
            continue
        if isinstance(value, (list, tuple, np.ndarray)):
            raise TypeError(
                f"{place(i)} is {shown(value)}, {a_kind(value)}: X is nested deeper than "
                "sequences of steps, or some steps are rows and others are not"
            )
        if isinstance(value, bytes):
            raise TypeError(f"{place(i)} is {shown(value)}, of bytes: decode it to a str")
        if isinstance(value, Mapping):
            raise TypeError(
                f"{place(i)} is {shown(value)}, {a_kind(value)}: pass a data frame for each "
                "sequence (pandas.DataFrame(steps)), or a tuple of values for each step"
            )
        if not isinstance(value, (str, *REAL)):
            raise TypeError(
                f"{place(i)} is {shown(value)}, {a_kind(value)}: a category is a str, an "
                "int or a bool, and any other value has to be a number"
            )
        at.setdefault("text" if isinstance(value, str) else "number", i)
    text, number = at["text"], at["number"]
    raise TypeError(
        f"{place(text)} is {shown(values[text])}, a str, but {place(number)} is "
        f"{shown(values[number])}, {a_kind(values[number])}: all values of a column are "
        "text, or all are numbers; write the numbers as text if they are categories"
    )


def flat_array(array: Array, place: Place) -> Flat:
    """A 1-D array of any type.

    Raises
    ------
    TypeError
        It holds dates, complex numbers or bytes, or what `flat_list` refuses.
    """
    kind, n = array.dtype.kind, len(array)
    if kind in "OUT":
        return flat_list(array.tolist(), place)
    if kind == "b":
        return Flat("bool", array, None, n)
    if kind == "i" or (kind == "u" and (array.dtype.itemsize < 8 or not (array >> 63).any())):
        return Flat("int", array.astype(np.int64), None, n)
    if kind in "fu":
        wide = array.dtype.itemsize > 4 or kind == "u"
        found = array.astype(np.float64 if wide else np.float32)
        missing = np.isnan(found)
        return Flat("number", found, missing if missing.any() else None, n)
    fix = "decode it to str" if kind == "S" else "make numbers of it, or text"
    first = f" is {shown(array[0])}, and" if n else ""
    raise TypeError(f"{place(0)}{first} has the type {array.dtype}: {fix}")


def as_numbers(flat: Flat, place: Place, column: str, was: str = "") -> Array:
    """A column of numbers as float64 or float32, NaN where a value is missing."""
    if flat.kind == "text" or flat.categorical:
        raise TypeError(
            f"{column} {was or 'is not among categorical_features, and'} holds "
            f"{'text' if flat.kind == 'text' else 'categories'}"
            f"{_first(flat, place)}: {FIX_NUMBERS if was else FIX_CATEGORIES}"
        )
    if flat.kind == "nothing":
        return np.full(flat.n, np.nan)
    found: Array = flat.values
    if flat.kind != "number":
        found = found.astype(np.float64)
        if flat.missing is not None:
            found[flat.missing] = np.nan
    return found


FIX_NUMBERS = "make it the numbers that it held in training"
FIX_CATEGORIES = "name it in categorical_features, or make numbers of it"


def as_categories(
    flat: Flat, place: Place, column: str, fix: Callable[[], str] | None = None
) -> Flat:
    """A column as text, int or bool: whole numbers in floats become int.

    `fix` says what to do where a number is no category.

    Raises
    ------
    TypeError
        Bools stand beside numbers.
    ValueError
        A number is not whole, or so large that float64 no longer tells it from its neighbours.
    """
    if flat.odd_bool is not None:
        raise TypeError(
            f"{place(flat.odd_bool)} is a bool, but other values of {column} are numbers: the "
            "categories of a column are all text, all whole numbers, or all bools"
        )
    if flat.kind != "number":
        return flat
    i = first_fraction(flat)
    if i is not None:
        raise ValueError(
            f"{place(i)} is {flat.values[i].item()!r}, but {column} is categorical, and a category "
            "is text, a bool, or a whole number that fits in 64 bits: "
            f"{FIX_FRACTIONS if fix is None else fix()}"
        )
    values = flat.values.astype(np.float64)
    if flat.missing is not None:
        values[flat.missing] = 0
    return Flat("int", values.astype(np.int64), flat.missing, flat.n, flat.categorical)


FIX_FRACTIONS = "leave the column out of categorical_features, or write its values as text"


def first_fraction(flat: Flat) -> int | None:
    """Where the first number is that is not whole, or too large to be told from its neighbours."""
    if flat.kind != "number":
        return None
    values = flat.values.astype(np.float64)
    if flat.missing is not None:
        values[flat.missing] = 0
    with np.errstate(invalid="ignore"):
        bad = ~((np.abs(values) <= EXACT) & (np.floor(values) == values))
    return int(np.argmax(bad)) if bad.any() else None


def first_value(flat: Flat) -> tuple[int, Any] | None:
    """The number and the value of the first step that is not missing."""
    if flat.n == 0 or flat.kind == "nothing":
        return None
    if flat.missing is not None and flat.missing.all():
        return None
    i = 0 if flat.missing is None else int(np.argmin(flat.missing))
    return i, flat.values[i]


def _first(flat: Flat, place: Place) -> str:
    found = first_value(flat)
    return "" if found is None else f" ({shown(found[1])} at {place(found[0])})"
