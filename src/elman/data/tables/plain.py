"""The values of one column, of any kind, in; an array as `Columns` holds it out."""

from __future__ import annotations

import datetime
import decimal
import itertools
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EXACT = 2**53
"""Up to here float64 holds every integer."""

NANOSECONDS = 1_000_000_000

REAL = (numbers.Real, decimal.Decimal, np.bool_)
"""Types of whose values float64 holds the nearest, if not always the same."""

OUT_OF_RANGE = (
    "a date outside the years 1678 to 2261, which nanoseconds since 1970 do not reach: replace it, "
    "or make it missing"
)


def plain_column(values: Any) -> Array:
    """Values of one column, as `Columns` holds them.

    Parameters
    ----------
    values : array-like of shape (n_rows,)
        An array of any type, or a list. None, NaN, NaT and pandas' NA are missing values, whatever
        stands beside them.

    Returns
    -------
    ndarray of shape (n_rows,)
        Numbers, booleans, dates in UTC, text or lists, as `Columns` says. Durations are seconds in
        float64, and decimal numbers are float64. Values of several kinds that no array of one type
        holds remain objects, with None where one is missing.

    Raises
    ------
    ValueError
        A date that datetime64[ns] does not hold.
    """
    array = values if isinstance(values, np.ndarray) else object_array(values)
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(array)
    if kind == "f":
        wanted = np.float32 if array.dtype.itemsize <= 4 else np.float64
        return array.astype(wanted, copy=False)
    if kind in "iub":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if kind == "M":
        return nanoseconds(array)
    if kind == "m":
        return seconds(array)
    return array.astype(object)


def object_array(values: Any) -> Array:
    """A 1-D array of the objects of a list, however alike they are."""
    return np.fromiter(values, object, len(values))


def nanoseconds(dates: Array) -> Array:
    """datetime64 of any unit as datetime64[ns]; ValueError where that would not be the same."""
    exact = dates.astype("datetime64[ns]")
    same = (exact.astype(dates.dtype) == dates) | np.isnat(dates)
    if not same.all():
        raise ValueError(f"{dates[~same][0]!s} is {OUT_OF_RANGE}")
    return exact


def seconds(durations: Array) -> Array:
    """timedelta64 of any unit as seconds in float64, NaN where it is NaT."""
    exact = durations.astype("timedelta64[ns]")
    same = (exact.astype(durations.dtype) == durations) | np.isnat(durations)
    if not same.all():
        raise ValueError(f"{durations[~same][0]!s} is a duration of more than 292 years")
    found = exact.astype(np.int64) / NANOSECONDS
    found[np.isnat(durations)] = np.nan
    return found


def missing_values(column: Array) -> NDArray[np.bool_]:
    """Which values of a column of `Columns` are missing."""
    kind = column.dtype.kind
    if kind == "f":
        return np.isnan(column)
    if kind == "M":
        return np.isnat(column)
    if kind == "O":
        return np.fromiter(map(operator.is_, column, itertools.repeat(None)), bool, len(column))
    return np.zeros(len(column), bool)


def is_text(column: Array) -> bool:
    """Whether a column of `Columns` holds text and nothing else, None aside."""
    return column.dtype == object and _kinds(column) <= {str}


def holds_lists(column: Array) -> bool:
    """Whether a column of `Columns` has an array in each row, None aside."""
    return column.dtype == object and _kinds(column) == {np.ndarray}


def as_numbers(column: Array) -> Array | None:
    """A column as numbers, NaN where one is missing; None if it does not hold numbers."""
    if column.dtype.kind in "fiub":
        return column
    if column.dtype != object:
        return None
    if all(issubclass(kind, REAL) for kind in _kinds(column)):
        try:
            return column.astype(np.float64)  # None becomes NaN
        except OverflowError:
            return None
    return None


def is_number(text: str) -> bool:
    """Whether text is a number as Python writes it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def two_become_one(numbers: Iterable[Any], floats: Iterable[float]) -> bool:
    """Whether different numbers, none of them missing, are the same once they are floats.

    Ids and labels would then be taken for one.
    """
    return len({value for value in floats if value == value}) < len(set(numbers))


def _kinds(column: Array) -> set[type]:
    return set(map(type, column)) - {type(None)}


def _of_objects(array: Array) -> Array:
    kinds = set(map(type, array))
    array = _without_missing(array, kinds)
    kinds = {kind for kind in set(map(type, array)) if kind is not type(None)}
    if not kinds:
        return np.full(len(array), np.nan)
    if all(issubclass(kind, str) for kind in kinds):
        return array if kinds == {str} else _mapped(array, str)
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return _mapped(array, bool) if _any_missing(array) else array.astype(bool)
    if all(issubclass(kind, (numbers.Integral, np.bool_)) for kind in kinds):
        return _of_integers(_mapped(array, int))
    if all(issubclass(kind, REAL) for kind in kinds):
        return _of_reals(array)
    if all(issubclass(kind, (datetime.date, np.datetime64)) for kind in kinds):
        return _of_dates(array)
    if all(issubclass(kind, (datetime.timedelta, np.timedelta64)) for kind in kinds):
        return seconds(np.array([_duration(v) for v in array], "timedelta64[ns]"))
    if all(issubclass(kind, (list, tuple, np.ndarray)) for kind in kinds):
        return _of_lists(array)
    return array


def _without_missing(array: Array, kinds: set[type]) -> Array:
    """None in the place of each value that says that there is none."""
    may_be = {
        kind
        for kind in kinds
        if issubclass(kind, (float, np.floating, decimal.Decimal, np.datetime64, np.timedelta64))
        or kind.__name__ in ("NAType", "NaTType")
    }
    if not may_be:
        return array
    array = array.copy()
    for i, value in enumerate(array):
        # What is not equal to itself is NaN or NaT; a comparison with NA gives NA.
        if type(value) in may_be and (type(value).__name__ == "NAType" or value != value):
            array[i] = None
    return array


def _any_missing(array: Array) -> bool:
    return bool(missing_values(array).any())


def _mapped(array: Array, kind: type) -> Array:
    return object_array([None if value is None else kind(value) for value in array])


def _of_reals(array: Array) -> Array:
    """Numbers of several kinds and None: integers if all are whole decimals; floats unless two
    different numbers, which may be ids, would become one.
    """
    there = [value for value in array if value is not None]
    if all(
        isinstance(v, decimal.Decimal) and v.is_finite() and v == v.to_integral_value()
        for v in there
    ):
        return _of_integers(_mapped(array, int))
    try:
        floats = [np.nan if value is None else float(value) for value in array]
    except OverflowError:
        return array
    return array if two_become_one(there, floats) else np.array(floats, np.float64)


def _of_integers(array: Array) -> Array:
    """Python integers and None: integers if all are there, else floats if they are exact."""
    there = array[~missing_values(array)]
    if len(there) < len(array):
        exact = max(map(abs, there)) <= EXACT
        return array.astype(np.float64) if exact else array
    for wanted in (np.int64, np.uint64):
        try:
            return array.astype(wanted)
        except OverflowError:
            continue
    return array


def _of_dates(array: Array) -> Array:
    """Dates and date-times as datetime64[ns] in UTC; as they are if only some have a time zone."""
    zones = {value.tzinfo is not None for value in array if isinstance(value, datetime.datetime)}
    if len(zones) > 1:
        return array
    found = np.empty(len(array), "datetime64[ns]")
    for i, value in enumerate(array):
        found[i] = _date(value)
    return found


def _date(value: Any) -> Any:
    if value is None:
        return np.datetime64("NaT", "ns")
    if hasattr(value, "to_datetime64"):  # pandas' Timestamp, of nanoseconds
        return nanoseconds(np.array([value.to_datetime64()]))[0]
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return nanoseconds(
        np.array([value], value.dtype if isinstance(value, np.datetime64) else "M8[us]")
    )[0]


def _duration(value: Any) -> Any:
    if value is None:
        return np.timedelta64("NaT", "ns")
    if hasattr(value, "to_timedelta64"):
        return value.to_timedelta64()
    return np.timedelta64(value)


def _of_lists(array: Array) -> Array:
    """Each list as an array of one dimension; as it is if it is nested deeper."""
    rows: list[Any] = []
    for value in array:
        if value is None:
            rows.append(None)
        elif isinstance(value, np.ndarray) and value.ndim != 1:
            rows.append(value)
        else:
            rows.append(plain_column(value))
    return object_array(rows)
