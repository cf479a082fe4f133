"""The columns of a table block by block in; the same, of the types that the whole table has, out.

A reader of tables takes the type of a column from all of its values: a block of whole numbers is of
integers by itself, and of floats in a table in which a later number is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, listed
from elman.data.tables.plain import EXACT, as_numbers, missing_values, object_array

Array = NDArray[Any]

_NAMES = {
    "numbers": "numbers",
    "booleans": "booleans",
    "text": "text",
    "dates": "dates",
    "lists": "lists",
    "others": "values of other types",
}


class Kinds:
    """The type of every column of a table, as far as its blocks were seen."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._categorical: frozenset[str] = frozenset()

    def see(self, columns: Columns) -> None:
        """Learn from a block; ReaderError if its columns are not those of the blocks before."""
        if not self._kinds:
            self._kinds = {name: Kind() for name in columns.columns}
        self._check_names(columns)
        self._categorical |= columns.categorical
        for name, kind in self._kinds.items():
            kind.see(columns.columns[name], columns.place(0) if columns.n_rows else "")
            kind.check(f"{columns.source}: column {cut(name)}")

    def families(self) -> dict[str, str]:
        """What each column holds, missing values aside: "numbers", "text", ..., or ""."""
        return {name: " and ".join(sorted(kind.seen)) for name, kind in self._kinds.items()}

    def beyond_int64(self, name: str) -> bool:
        """Whether a column of whole numbers has one that only uint64 holds."""
        return name in self._kinds and self._kinds[name].most >= 2**63

    def any_missing(self, name: str) -> bool:
        """Whether a value of a column, or of its lists, is missing."""
        return name in self._kinds and self._kinds[name].any_missing()

    def alike(self, columns: Columns) -> Columns:
        """A block with its columns in the order and of the types of the whole table."""
        self._check_names(columns)
        found = {name: kind.of(columns.columns[name]) for name, kind in self._kinds.items()}
        return replace(columns, columns=found, categorical=self._categorical)

    def feature_dtype(self, names: Iterable[str]) -> np.dtype[Any]:
        """float32 if that holds every value of the types of these columns, else float64."""
        narrow = all(
            np.can_cast(self._kinds[name].as_feature(), np.float32, "safe") for name in names
        )
        return np.dtype(np.float32 if narrow else np.float64)

    def _check_names(self, columns: Columns) -> None:
        found = columns.columns.keys()
        if found == self._kinds.keys():
            return
        where = columns.place(0) if columns.n_rows else columns.source
        lacks = [name for name in self._kinds if name not in found]
        more = [name for name in found if name not in self._kinds]
        parts = [f"lacks {listed(lacks)}"] * bool(lacks) + [f"has {listed(more)}"] * bool(more)
        raise ReaderError(
            f"{columns.source}: the block of rows that begins in {where} {' and '.join(parts)}, "
            "unlike the blocks before: make all of them alike"
        )


class Kind:
    """The type of one column, or of the values of its lists, as far as it was seen.

    Parameters
    ----------
    in_lists : bool
        Whether it is of the values of lists, which are joined as numbers whatever they hold.
    """

    def __init__(self, in_lists: bool = False) -> None:
        self.seen: dict[str, str] = {}
        """the families of values, each with the place of the first block that has it"""
        self._in_lists = in_lists
        self._missing = False
        self._dtypes: set[np.dtype[Any]] = set()
        self._large = False
        self._least = self._most = 0
        self._lists: Kind | None = None

    def see(self, column: Array, place: str) -> None:
        """Learn from a column of `Columns`."""
        kind = column.dtype.kind
        if not len(column):
            return
        if kind == "O":
            self._see_objects(column, place)
            return
        missing = missing_values(column)
        self._missing |= bool(missing.any())
        if kind == "f" and column.dtype == np.float64 and missing.all():
            return  # a column of any type in which everything is missing
        if kind in "iu":
            self._see_range(int(column.min()), int(column.max()))
        self._dtypes |= {column.dtype} if kind in "fiub" else set()
        family = {"M": "dates", "b": "booleans"}.get(kind, "numbers")
        self.seen.setdefault(family, place)

    def any_missing(self) -> bool:
        """Whether a value, or one of the values of lists, is missing."""
        return self._missing or (self._lists is not None and self._lists.any_missing())

    def check(self, what: str) -> None:
        """Raise ReaderError if the blocks hold what one column cannot."""
        found = set(self.seen)
        whole = all(dtype.kind in "iu" for dtype in self._dtypes)
        if len(found) < 2 or found == {"numbers", "booleans"}:
            return
        if found == {"numbers", "text"} and whole and not self._in_lists:
            return  # labels that are numbers in one file, and text in another
        if self._in_lists:
            return  # `dataset_of` says what is wrong
        places = [f"{_NAMES[family]} in {place}" for family, place in self.seen.items()]
        raise ReaderError(f"{what} holds {' and '.join(places)}: make its values alike")

    def of(self, column: Array) -> Array:
        """A column of this type, its values those of another that was seen."""
        if self._lists is not None:
            of_lists = self._lists
            if column.dtype != object:
                return object_array([None] * len(column))
            return object_array([None if v is None else of_lists.of(v) for v in column])
        wanted = self._dtype()
        if wanted is None or (column.dtype == wanted and wanted.kind != "O"):
            return column
        if wanted.kind != "O":
            numbers = column if wanted.kind == "M" else as_numbers(column)
            if column.dtype.kind == "f" and wanted.kind == "M":
                return np.full(len(column), np.datetime64("NaT", "ns"))
            return column if numbers is None else numbers.astype(wanted)
        if column.dtype == object:
            return column
        missing = missing_values(column)
        values = column.tolist()
        if "text" in self.seen:
            values = [str(value) for value in values]
        elif self._large and column.dtype.kind == "f":
            values = [int(v) if v == v and v == np.trunc(v) else v for v in values]
        return object_array(
            [None if gone else value for gone, value in zip(missing, values, strict=True)]
        )

    @property
    def most(self) -> int:
        """The largest whole number, if there are any above 0."""
        return self._most if self._lists is None else self._lists.most

    def as_feature(self) -> np.dtype[Any]:
        """The type of the numbers that it is as a feature."""
        if self._lists is not None:
            return self._lists.as_feature()
        dtype = self._dtype()
        return np.dtype(np.float64) if dtype is None or dtype.kind == "O" else dtype

    def _dtype(self) -> np.dtype[Any] | None:
        """The type of the whole column; None if every block is as it has to be."""
        found = set(self.seen)
        if not found:
            return np.dtype(np.float64)
        if found == {"dates"}:
            return np.dtype("datetime64[ns]")
        if not found <= {"numbers", "booleans"}:
            return np.dtype(object) if found <= {"text", "numbers"} else None
        if found == {"booleans"} and self._missing:
            return np.dtype(np.float64 if self._in_lists else object)
        return self._of_numbers()

    def _of_numbers(self) -> np.dtype[Any]:
        kinds = {dtype.kind for dtype in self._dtypes}
        whole = bool(kinds & set("iu"))
        any_float = "f" in kinds or self._missing
        if self._large or (whole and any_float and not self._in_lists):
            far = max(-self._least, self._most) > EXACT
            return np.dtype(object if far and not self._in_lists else np.float64)
        if any_float and "f" not in kinds:
            return np.dtype(np.float64)
        if whole and len(self._dtypes) > 1 and not self._in_lists:
            for dtype in (np.int64, np.uint64):
                if np.iinfo(dtype).min <= self._least and self._most <= np.iinfo(dtype).max:
                    return np.dtype(dtype)
            return np.dtype(object)
        return np.result_type(*self._dtypes)

    def _see_range(self, least: int, most: int) -> None:
        self._least, self._most = min(self._least, least), max(self._most, most)

    def _see_objects(self, column: Array, place: str) -> None:
        there = [value for value in column if value is not None]
        self._missing |= len(there) < len(column)
        kinds = set(map(type, there))
        if not kinds:
            return
        if kinds == {str}:
            family = "text"
        elif kinds == {bool}:
            family = "booleans"
            self._dtypes.add(np.dtype(np.bool_))
        elif kinds <= {int, float}:
            family, self._large = "numbers", True
            whole = [value for value in there if type(value) is int]
            self._see_range(min(whole, default=0), max(whole, default=0))
        elif kinds == {np.ndarray}:
            family = "lists"
            self._lists = self._lists or Kind(in_lists=True)
            for value in there:
                if value.ndim == 1:
                    self._lists.see(value, place)
        else:
            family = "others"
        self.seen.setdefault(family, place)


def contradiction(before: dict[str, str], now: dict[str, str]) -> str | None:
    """What a later block says of a column against what the first said; None if nothing."""
    for name, family in now.items():
        if family != before[name]:
            was = before[name] or "nothing but missing values"
            return f"column {cut(name)} holds {family} here, and {was} in the first part"
    return None
