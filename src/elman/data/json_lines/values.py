"""The values of one key of JSON lines, some rows at a time, in; a column out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import listed
from elman.data.json_lines.long import LongList
from elman.data.tables.plain import two_become_one

Array = NDArray[Any]

EXACT = 2**53
"""Up to here float64 holds every integer."""

NAMES = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
"""What errors call a value of JSON."""


MOST_ACCEPTED = 64
"""kinds of steps of lists of lists that are remembered, so that others like them pass at once"""


class UnusableError(Exception):
    """What is wrong with a value: the message goes behind its name; `row` is its number."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


class Values:
    """The values of one key, some rows at a time."""

    def __init__(self) -> None:
        self._parts: list[Array] = []
        self._kind: type | None = None
        """bool, str, float (of all numbers) or list"""
        self._any_missing = self._any_float = self._any_large = False
        self._texts: dict[str, str] = {}
        self._width: int | None = None
        """the number of features, of lists of lists"""
        self._features: list[type | None] = []
        """what each of them holds: str, float (of all numbers), or None as long as it has none"""
        self._accepted: set[tuple[type, ...]] = set()
        """the types of the values of steps that were looked at"""
        self._any_flat = False
        self.n_bytes = 0

    def extend(self, values: list[Any]) -> None:
        """Add values; `UnusableError` if one is not of the kind of the others."""
        kinds = {list if kind is LongList else kind for kind in map(type, values)}
        self._check_kinds(kinds, values)
        self._any_missing |= type(None) in kinds
        if self._kind is list:
            self._add_lists(values)
            return
        if self._kind is str:
            known = self._texts
            part = _objects([None if v is None else known.setdefault(v, v) for v in values])
            if len(known) > 1 << 16:
                self._texts = {}
        elif self._kind is float:
            self._any_float |= float in kinds
            part = self._numbers(values, kinds)
        elif self._kind is bool and kinds == {bool}:
            part = np.array(values, bool)
        else:
            part = _objects(values)
        self._parts.append(part)
        self.n_bytes += part.nbytes

    def columns(self, name: str) -> Iterator[tuple[str, Array]]:
        """The column, or several of a key that has lists of lists, with their names.

        What was added until now is forgotten then, but for what it says of the kind of values.
        """
        self.n_bytes = 0
        if self._width is None:
            yield name, self._column()
            return
        rows, self._parts = np.concatenate(self._parts), []
        for k in range(self._width):
            is_text = self._features[k] is str
            part = [None if row is None else _column_of(row, k, is_text=is_text) for row in rows]
            yield f"{name}[{k}]", _objects(part)

    def _column(self) -> Array:
        parts, self._parts = self._parts, []
        n_rows = sum(map(len, parts))
        if self._kind is None:
            return np.full(n_rows, np.nan)
        if self._kind is not float:
            return np.concatenate(parts)
        if self._any_large:
            return self._of_large([value for part in parts for value in part.tolist()])
        dtype: Any = np.float64
        if not self._any_float:
            dtype = np.float64 if self._any_missing else np.int64
        column = np.empty(n_rows, dtype)
        start = 0
        for part in parts:
            column[start : start + len(part)] = (
                _floats(part.tolist()) if part.dtype == object else part
            )
            start += len(part)
        return column

    def _of_large(self, values: list[Any]) -> Array:
        """Numbers, of which some are integers beyond 2^53."""
        values = [None if v is None or v != v else v for v in values]
        there = [value for value in values if value is not None]
        if self._any_float:
            floats = _floats(values)
            return _objects(values) if two_become_one(there, floats.tolist()) else floats
        values = [None if value is None else int(value) for value in values]
        if not self._any_missing:
            for dtype in (np.int64, np.uint64):
                if np.iinfo(dtype).min <= min(there) and max(there) <= np.iinfo(dtype).max:
                    return np.array(values, dtype)
        return _objects(values)

    def _check_kinds(self, kinds: set[type], values: list[Any]) -> None:
        for kind in kinds - {type(None)}:
            wanted = float if kind is int else kind
            if kind is dict:
                raise UnusableError(
                    _first(values, dict),
                    "is an object; expected a number, text or list: leave it out, or name the "
                    "columns to read",
                )
            if self._kind is None:
                self._kind = next(kind_of(value) for value in values if value is not None)
            if wanted is not self._kind:
                row = next(
                    i
                    for i, value in enumerate(values)
                    if value is not None and kind_of(value) is not self._kind
                )
                raise UnusableError(
                    row,
                    f"is {NAMES.get(type(values[row]), 'an object')} here, and "
                    f"{NAMES.get(self._kind, 'an object')} on the lines before: make them alike",
                )

    def _numbers(self, values: list[Any], kinds: set[type]) -> Array:
        if int in kinds and max(abs(v) for v in values if type(v) is int) > EXACT:
            self._any_large = True
            return _objects(values)
        if kinds == {int}:
            return np.array(values, np.int64)
        return _floats(values)

    # Lists

    def _add_lists(self, values: list[Any]) -> None:
        rows: list[Any] = []
        for i, value in enumerate(values):
            try:
                row = None if value is None else self._row(value)
            except ValueError as error:
                raise UnusableError(i, str(error)) from None
            rows.append(row)
            self.n_bytes += 128 + (0 if row is None else row.nbytes)
        self._parts.append(_objects(rows))

    def _row(self, value: list[Any] | LongList) -> Array:
        """A list as an array: (n_timesteps,), or (n_timesteps, n_features) of a list of lists."""
        if isinstance(value, LongList):
            parts = [self._row(part) for part in value.pieces()]
            if (
                len({"number" if part.dtype.kind in "if" else part.dtype.kind for part in parts})
                > 1
            ):
                raise ValueError("is a list of values of several types; expected numbers")
            return np.concatenate(parts)
        kinds = set(map(type, value)) - {type(None)}
        if list in kinds:
            return self._steps(value)
        if self._width is not None and value:
            raise ValueError("is a list of numbers, and a list of lists on the lines before")
        self._any_flat |= bool(value)
        if kinds <= {int, float}:
            if kinds == {int} and None not in value:
                try:
                    return np.array(value, np.int64)
                except OverflowError:
                    pass
            return _floats(value)
        if kinds == {bool} and None not in value:
            return np.array(value, bool)
        if len(kinds) > 1 or dict in kinds:
            raise ValueError(
                "is a list of "
                + listed(sorted({NAMES.get(kind, "objects") for kind in kinds})).replace("'", "")
                + "; expected numbers, or else text, one for each time step"
            )
        return _objects(value)

    def _steps(self, value: list[Any]) -> Array:
        for t, step in enumerate(value):
            if not isinstance(step, list):
                raise ValueError(f"is a list of lists, but for time step {t}")
            if self._width is None:
                if self._any_flat:
                    raise ValueError("is a list of lists, and of numbers on the lines before")
                if not step:
                    raise ValueError(f"has no value at time step {t}")
                self._width = len(step)
                self._features = [None] * self._width
            if len(step) != self._width:
                raise ValueError(
                    f"has {len(step)} value(s) at time step {t}, and {self._width} before: the "
                    "lists of lists are a list for each time step, with a value for each feature"
                )
            kinds = tuple(map(type, step))
            if kinds not in self._accepted:
                for k, part in enumerate(step):
                    if part is not None:
                        self._check_part(part, t, k)
                if len(self._accepted) < MOST_ACCEPTED:
                    self._accepted.add(kinds)
        if str in self._features:
            found = np.empty((len(value), len(self._features)), object)
            for t, step in enumerate(value):
                found[t] = step
            return found
        return np.array([_floats(step) for step in value], np.float64)

    def _check_part(self, part: Any, t: int, k: int) -> None:
        """What a feature of lists of lists holds is text everywhere, or numbers everywhere."""
        kind = kind_of(part)
        if kind not in (str, float):
            raise ValueError(
                f"has {NAMES.get(type(part), 'an object')} at time step {t}, feature {k}; "
                "expected a number or text"
            )
        if self._features[k] not in (None, kind):
            raise ValueError(
                f"has {NAMES[type(part)]} at time step {t}, feature {k}, which held "
                f"{NAMES[self._features[k] or kind]} before: make them alike"
            )
        self._features[k] = kind


def kind_of(value: Any) -> type:
    """The type of a value: float of every number, list of every list."""
    return {int: float, LongList: list}.get(type(value), type(value))


def _first(values: list[Any], kind: type) -> int:
    return next(i for i, value in enumerate(values) if type(value) is kind)


def _floats(values: list[Any]) -> Array:
    """Numbers and None as floats; one beyond float64 is infinite until its line is refused."""
    try:
        return np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        return np.array([_float(value) for value in values], np.float64)


def _float(value: Any) -> float:
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _column_of(row: Array, k: int, *, is_text: bool) -> Array:
    """A feature of a list of lists; an empty list has none, of any width."""
    column = row[:, k] if row.ndim == 2 else row
    if not is_text:
        return _floats(column.tolist()) if column.dtype == object else column
    # A list of numbers has none but missing ones where others have text.
    return column if column.dtype == object else _objects([None] * len(column))


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array
