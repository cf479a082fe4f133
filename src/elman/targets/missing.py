"""Labels or targets in any container in; a plain array, and which of its values are missing, out.

What pandas, polars and pyarrow hold is recognised by what it can do, so that none is imported.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool, np.bool_),
    "str": (str,),
    # before the integers, of which NumPy says that a time difference is one
    "date": (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64),
    "int": (numbers.Integral,),
    "float": (numbers.Real,),
}

LONG = 64
"""Characters of a text that an array of one width for all should not be made of."""

AS_LIST = ("to_pylist", "tolist", "to_list")
"""How pyarrow, pandas and polars call the method that gives a list of Python's own values."""


class Plain(NamedTuple):
    """What a container held."""

    values: Array
    """Bools, integers, floats, dates or strings, in an array of that type; strings stay objects if
    they came as objects, or if some are missing. Whatever mixes these, or is something else, is an
    array of objects. Where a value is missing, what stands there means nothing."""
    missing: NDArray[np.bool_]
    """Of the shape of `values`."""


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, NaT, pandas' NA, or pyarrow's null."""
    if hasattr(value, "as_py"):
        value = value.as_py()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    # NaN is the one number that differs from itself
    return isinstance(value, numbers.Complex) and bool(value != value)


def plain(values: Any) -> Plain:
    """Convert labels or targets from whatever holds them.

    Parameters
    ----------
    values : array-like
        A list, a tuple, an array of any type, a Series or an array of pandas, polars or pyarrow,
        or anything else that NumPy converts; of any shape.

    Returns
    -------
    Plain

    Raises
    ------
    ValueError
        It holds sequences of unequal lengths.
    """
    array = array_of(values)
    if array.dtype.kind in "fc":
        return Plain(array, np.isnan(array))
    if array.dtype.kind in "mM":
        return Plain(array, np.isnat(array))
    if array.dtype.kind == "T":  # NumPy's strings of any length
        array = array.astype(object)
    if array.dtype.kind == "O":
        return _narrowed(array)
    return Plain(array, np.zeros(array.shape, bool))


def kind_of(value_type: type) -> str:
    """What a type is among labels: a key of `KINDS`, or the type's own name."""
    for name, types in KINDS.items():
        if issubclass(value_type, types):
            return name
    return value_type.__name__


def array_of(values: Any) -> Array:
    """An array in which no missing value has become a text, nor an integer a float."""
    values = without_scalars(values)
    if isinstance(values, (list, tuple)) and _has_long_text(values):
        # NumPy would give every label the width of the longest
        return np.array(values, dtype=object)
    array = np.asarray(values)
    if isinstance(values, (list, tuple)):
        if array.dtype.kind in "USfiu" and len(_types(_entries(values, array.ndim))) > 1:
            # NumPy has made texts of all in ["a", nan] or ["a", 1], and numbers in [True, nan] or
            # in [True, 1]
            return np.array(values, dtype=object)
        if array.dtype.kind in "US" and any(
            text.endswith(("\0", b"\0")[isinstance(text, bytes)])
            for text in _entries(values, array.ndim)
        ):
            return np.array(values, dtype=object)  # NumPy cuts "a\0" to "a"
    elif (
        not isinstance(values, np.ndarray)
        and array.dtype.kind == "f"
        and array.ndim == 1
        and np.isnan(array).any()
    ):
        # Integers come out as floats, which hold fewer digits, where one of them is missing
        for method in AS_LIST:
            if hasattr(values, method):
                return np.array(getattr(values, method)(), dtype=object)
    return array


def _has_long_text(values: Any) -> bool:
    """Whether a list, or one of the lists in it, holds a text of more than `LONG` characters."""
    types = set(map(type, values))
    if any(issubclass(t, (list, tuple)) for t in types):
        return any(isinstance(row, (list, tuple)) and _has_long_text(row) for row in values)
    if types == {str}:
        return max(map(len, values)) > LONG
    return str in types and any(isinstance(v, str) and len(v) > LONG for v in values)


def without_scalars(values: Any) -> Any:
    """A list of pyarrow's scalars, which NumPy takes for sequences, as one of Python's values."""
    if isinstance(values, (list, tuple)) and any(hasattr(t, "as_py") for t in {*map(type, values)}):
        return [value.as_py() if hasattr(value, "as_py") else value for value in values]
    return values


def _entries(values: Any, depth: int) -> Iterator[Any]:
    """What lists within lists, `depth` of them, hold."""
    if depth <= 1:
        yield from values
    else:
        for row in values:
            yield from _entries(row, depth - 1)


def _types(values: Any) -> set[str]:
    return {kind_of(value_type) for value_type in set(map(type, values))}


def _narrowed(array: Array) -> Plain:
    """An array of objects as what all of them are."""
    flat = array.flatten()
    values = flat.tolist()
    sure = (str, bytes, int, np.bool_)
    doubtful = {t for t in set(map(type, values)) if not issubclass(t, sure)}
    missing = np.array([type(value) in doubtful and is_missing(value) for value in values], bool)
    numeric = _numbers([v for v, m in zip(values, missing.tolist(), strict=True) if not m])
    if numeric is not None:
        flat = np.zeros(len(values), numeric.dtype)
        flat[~missing] = numeric
    return Plain(flat.reshape(array.shape), missing.reshape(array.shape))


def _numbers(values: list[Any]) -> Array | None:
    """Bools, integers or floats as an array of their type; None for anything else."""
    kinds = _types(values)
    if kinds == {"bool"}:
        return np.array(values, bool)
    if kinds == {"int", "float"} and need_integers(values):
        values, kinds = [int(value) for value in values], {"int"}
    if kinds == {"float"} or kinds == {"int", "float"}:
        return np.array(values, np.float64)
    if kinds == {"int"}:
        for dtype in (np.int64, np.uint64):
            try:
                return np.array(values, dtype)
            except OverflowError:
                continue
    return None


def need_integers(values: list[Any]) -> bool:
    """Whether numbers, all whole, include an integer with more digits than float64 holds."""
    floats = np.array([v for v in values if not isinstance(v, numbers.Integral)], np.float64)
    return bool(np.all(np.isfinite(floats) & (floats == np.trunc(floats)))) and any(
        isinstance(v, numbers.Integral) and abs(int(v)) > 2**53 for v in values
    )
