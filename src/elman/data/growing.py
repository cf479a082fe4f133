"""A column of text fields, chunk by chunk, in; an array of numbers, booleans or text out.

A list of Python's texts takes over fifty bytes a field. Numbers are therefore converted as they
come, into eight bytes each, and a text that occurs again and again is held once.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import cut

Array = NDArray[Any]

MISSING = frozenset(
    ("", "?", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "null", "NULL", "NaT")
)
"""The fields that stand for a missing value."""
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
BOOLEANS["FALSE"] = False

EXACT = 2**53
"""Up to here float64 holds every integer."""
MOST_DISTINCT = 1 << 16
"""Distinct texts of a column beyond which it is asked whether to look for them pays."""

WHOLE = re.compile(r"[+-]?[0-9]+")
_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


TEXT_FIRST = ("label", "id", "name", "text", "category")
"""Roles of columns whose texts are kept until all of them say what they are."""
WORDS = ("feature", "category", "text")
"""Roles of columns in whose text only an empty field is missing."""


class TooLargeError(ValueError):
    """A number that float64 does not hold: the index of its field, and the field."""

    def __init__(self, index: int, field: str) -> None:
        super().__init__(f"{cut(field.strip())} is too large for float64")
        self.index = index


def overflows(text: str) -> bool:
    """Whether a text that becomes an infinite float is written as a number, not as infinite."""
    return any(character.isdigit() for character in text)


class Growing:
    """A column while it is read.

    Parameters
    ----------
    role : {"number", "feature", "category", "time", "label", "id", "name", "text"}
        What its texts may be. A column of ids or labels is numbers only if no two texts become one
        number and none loses anything: an integer such as 007 keeps the whole column text, and so
        do digits of other scripts and 1e-400; in one of ids, 1.10 does as well. One of categories
        is integers under the same condition, or else text. One of names is text whatever it holds.
        In texts, and in features and categories that are text, only an empty field is missing: "?"
        and "NA" are words.
    decimal : {".", ","}
        The decimal mark of its numbers.
    """

    def __init__(self, role: str, decimal: str) -> None:
        self._role = role
        self._decimal = decimal
        self.n_rows = 0
        self._kind = "text" if role in TEXT_FIRST else "missing"
        self._bytes = bytearray()
        self._texts: list[str] = []
        self._distinct: dict[str, str] | None = {}
        self.failed = False
        """whether it must be read again, as text: what came before its first text is lost"""

    def as_text(self) -> None:
        """Begin to read it as text."""
        self._kind = "text"

    def first_text(self, fields: Sequence[str], *, underscores: bool = True) -> int | None:
        """Where in these fields the first is that is neither a number nor a missing value."""
        for i, field in enumerate(fields):
            try:
                if field.strip() not in MISSING and self._floats((field,), underscores) is None:
                    return i
            except TooLargeError:
                continue
        return None

    def extend(self, fields: Sequence[str], *, underscores: bool = True) -> bool:
        """Add fields; `underscores` is False if it is known that none of them holds one.

        Returns
        -------
        bool
            Whether they are numbers or missing values as far as the column was until now.

        Raises
        ------
        TooLargeError
            One of the numbers is beyond float64.
        """
        self.n_rows += len(fields)
        if self._kind == "text":
            self._add_texts(fields)
            return True
        if self.failed or self._add(fields, underscores):
            return True
        if self._kind == "missing" and self.n_rows == len(fields):
            self._kind = "text"  # from its first chunk on: nothing is lost
            self._add_texts(fields)
        else:
            self.failed = True
            self._bytes = bytearray()
        return False

    @property
    def is_numbers(self) -> bool:
        """Whether it has held numbers until now, and nothing else but missing values."""
        return self._kind in ("int", "float")

    @property
    def n_bytes(self) -> int:
        """About how much memory it takes by now."""
        distinct = self._texts if self._distinct is None else self._distinct
        return len(self._bytes) + 8 * len(self._texts) + 56 * len(distinct)

    def array(self) -> Array:
        """The column of `Columns`."""
        if self._kind == "missing":
            return np.full(self.n_rows, np.nan)
        if self._kind == "text":
            return self._typed()
        dtype: Any = {"int": np.int64, "float": np.float64, "bool": np.bool_}[self._kind]
        return np.frombuffer(self._bytes, dtype)

    # Numbers

    def _add(self, fields: Sequence[str], underscores: bool) -> bool:
        """Whether the fields are of a kind that goes with those before; they are then added."""
        if self._kind in ("missing", "int"):
            found = self._integers(fields, underscores)
            if found is not None and self.n_rows == len(fields) + len(self._bytes) // 8:
                self._kind = "int"
                self._bytes += found.data
                return True
        if self._kind in ("missing", "bool") and self._all_booleans(fields):
            if self.n_rows > len(fields) + len(self._bytes):  # missing values came before
                return False
            self._kind = "bool"
            self._bytes += bytes(BOOLEANS[field] for field in fields)
            return True
        if self._kind == "bool":
            return False
        found = self._floats(fields, underscores)
        if found is None:
            found = self._with_missing(fields, underscores)
        if found is None:
            return False
        if np.isnan(found).all() and self._kind == "missing":
            return True
        if self._kind == "missing":
            n_before = self.n_rows - len(fields)
            self._bytes = bytearray(np.full(n_before, np.nan).data)
        elif self._kind == "int":
            self._bytes = bytearray(np.frombuffer(self._bytes, np.int64).astype(np.float64).data)
        self._kind = "float"
        self._bytes += found.data
        return True

    def _integers(self, fields: Sequence[str], underscores: bool) -> Array | None:
        if underscores and any("_" in field for field in fields):
            return None  # 1_000 is a number in Python's own code alone
        if "-0" in fields:  # which no integer is
            return None
        try:
            return np.fromiter(map(int, fields), np.int64, len(fields))
        except (ValueError, OverflowError):
            return None

    def _floats(self, fields: Sequence[str], underscores: bool) -> Array | None:
        if underscores and any("_" in field for field in fields):
            return None
        if self._decimal != ".":
            if any("." in field for field in fields):
                return None
            fields = [field.replace(self._decimal, ".") for field in fields]
        try:
            found = np.fromiter(map(float, fields), np.float64, len(fields))
        except ValueError:
            return None
        for i in np.flatnonzero(np.isinf(found)).tolist():
            if overflows(fields[i]):
                raise TooLargeError(i, fields[i])
        return found

    def _with_missing(self, fields: Sequence[str], underscores: bool) -> Array | None:
        known = ["nan" if field.strip() in MISSING else field for field in fields]
        return self._floats(known, underscores)

    @staticmethod
    def _all_booleans(fields: Sequence[str]) -> bool:
        return BOOLEANS.keys() >= set(fields)

    # Text

    def _add_texts(self, fields: Iterable[str]) -> None:
        known = self._distinct
        if known is None:
            self._texts += fields
            return
        self._texts += [known.setdefault(field, field) for field in fields]
        if len(known) > MOST_DISTINCT and 2 * len(known) > len(self._texts):
            self._distinct = None

    def _typed(self) -> Array:
        """The texts as what all of them are."""
        texts = self._texts if self._distinct is None else self._distinct.keys()
        gone = {field for field in texts if field.strip() in MISSING}
        there = [field for field in texts if field not in gone] if gone else texts
        if self._role in ("name", "text"):
            return self._as_text(gone)
        if not there and not (self._role == "category" and any(map(str.strip, gone))):
            return np.full(self.n_rows, np.nan)
        if self._role == "category":
            if there and all(WHOLE.fullmatch(field.strip()) for field in there):
                return self._typed_integers(there, gone)
            return self._as_text(gone)
        exactly = self._role in ("label", "id")
        if all(field in BOOLEANS for field in there):
            different = set(there)
            if exactly and len(different) > len({BOOLEANS[field] for field in different}):
                return self._as_text(gone)  # "true" and "TRUE"
            return self._mapped(BOOLEANS, object if gone else np.bool_)
        if all(WHOLE.fullmatch(field.strip()) for field in there):
            return self._typed_integers(there, gone)
        if self._role not in ("id", "feature"):
            floats = self._as_floats(there)
            if floats is not None and not (exactly and self._loses(floats)):
                return self._mapped(floats, np.float64)
        return self._as_text(gone)

    def _as_floats(self, fields: Iterable[str]) -> dict[str, float] | None:
        """The number of each field; None if one is no plain, finite number."""
        found: dict[str, float] = {}
        for field in fields:  # most columns of text have one that is none among the first
            text = self._with_point(field.strip())
            if text is None or not _PLAIN.fullmatch(text):
                return None
            found[field] = float(text)
            if np.isinf(found[field]):
                return None
        return found

    def _with_point(self, field: str) -> str | None:
        """A number with a point as its decimal mark; None if it has another."""
        if self._decimal == ".":
            return field
        return None if "." in field else field.replace(self._decimal, ".")

    def _loses(self, floats: Mapping[str, float]) -> bool:
        """Whether whole numbers would be no more what their texts are, or two of them one.

        Numbers with fractions are left to those who refuse them as labels.
        """
        if not all(number.is_integer() for number in floats.values()):
            return False
        if len(set(floats.values())) < len(floats):
            return True
        try:
            return any(
                decimal.Decimal(self._with_point(field.strip()) or "") != int(number)
                for field, number in floats.items()
            )
        except decimal.InvalidOperation:  # an exponent of more digits than Python takes
            return True

    def _typed_integers(self, there: Collection[str], gone: set[str]) -> Array:
        exactly = self._role in ("label", "id", "category")
        try:
            integers = {field: int(field) for field in there}
        except ValueError:  # more digits than Python converts
            return self._as_text(gone)
        if exactly and any(str(number) != field for field, number in integers.items()):
            return self._as_text(gone)
        least, most = min(integers.values()), max(integers.values())
        if gone:
            exact = max(-least, most) <= EXACT or not exactly
            return self._mapped(integers, np.float64 if exact else object)
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max:
                return self._mapped(integers, dtype)
        if exactly:
            return self._as_text(gone)
        return self._mapped({field: float(field) for field in there}, np.float64)

    def _as_text(self, gone: set[str]) -> Array:
        """The texts, None where they are missing."""
        if self._role in WORDS:
            gone = {field for field in gone if not field.strip()}
        array = np.empty(self.n_rows, object)
        array[:] = self._texts
        self._texts = []
        if gone:
            array[[text in gone for text in array]] = None
        return array

    def _mapped(self, values: Mapping[str, Any], dtype: Any) -> Array:
        """The value of each text; None, or NaN in float64, of what is missing."""
        if dtype is object:
            array = np.empty(self.n_rows, object)
            array[:] = [values.get(text) for text in self._texts]
            return array
        found: Iterable[Any] = map(values.__getitem__, self._texts)
        if dtype == np.float64:
            found = (values.get(text, np.nan) for text in self._texts)
        return np.fromiter(found, dtype, self.n_rows)
