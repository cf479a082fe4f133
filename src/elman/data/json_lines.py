"""A file of JSON lines, an object on each, in; its columns out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import PathLike, ReaderError, cut, listed
from elman.data.texts import check_memory, not_text, undecodable
from elman.data.wanted import Choice, everything

Array = NDArray[Any]

CHARACTERS = 1 << 18
"""Of lines that are held as Python's objects at a time, unless a line has more."""
MOST_PARTS = 1 << 24
"""Bytes that a line may take as Python's objects, beside eight times its own."""
EXACT = 2**53
"""Up to here float64 holds every integer."""

_NAMES = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}


def read_json_lines(
    path: PathLike, *, max_bytes: int | None = None, choose: Choice = everything
) -> Columns:
    """Read the columns of a file of JSON lines (.jsonl, .ndjson).

    Each line is an object. It is a time step of a long table, ``{"run": 7, "t": 0.5, "ax": 1.25}``;
    or a sequence with a list in the place of each number, ``{"run": 7, "t": [0, 0.5], "ax": [1, 2],
    "label": "up"}``; or a sequence whose features are in one list of lists, one for each time step,
    ``{"X": [[1, 2], [3, 4]], "label": "up"}``: these become the columns ``X[0]``, ``X[1]``, ...

    ``null``, ``NaN`` and a key that an object leaves out are missing values. Values of a key are
    all numbers, all text, all ``true`` or ``false``, or all lists.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.
    choose : callable
        Is given the names of the columns, as the first line has them, and says which to read.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError
        The file is not such a file; names file, line and fix.
    OSError
        The file cannot be opened.
    """
    file = _JsonLines(os.fspath(path), max_bytes, choose)
    encoding = not_text(file.path) or "utf-8-sig"
    try:
        with open(file.path, encoding=encoding, newline="\n") as lines:
            file.read(lines)
    except UnicodeDecodeError as error:
        undecodable(file.path, encoding, error)
    return file.columns()


class _JsonLines:
    """One pass over the lines of a file; `line` is the number of the one being read."""

    def __init__(self, path: str, max_bytes: int | None, choose: Choice) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.choose = choose
        self.wanted = everything(())
        self.line = 0
        self._values: dict[str, _Values] = {}
        self._ignored: set[str] = set()
        self._lines: list[Array] = []
        self._n_rows = 0

    def fail(self, reason: str, line: int | None = None) -> NoReturn:
        raise ReaderError(f"{self.path}, line {line or self.line}: {reason}")

    def read(self, lines: Iterator[str]) -> None:
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        n_characters = 0
        for self.line, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            rows.append(self._object(line))
            numbers.append(self.line)
            n_characters += len(line)
            if n_characters > CHARACTERS:
                self._take(rows, numbers)
                rows, numbers, n_characters = [], [], 0
        self._take(rows, numbers)
        if not self._n_rows:
            raise ReaderError(f"{self.path}: holds no line; expected an object on each line")

    def columns(self) -> Columns:
        found: dict[str, Array] = {}
        for name, values in self._values.items():
            for full_name, column in values.columns(name):
                if full_name in found:
                    raise ReaderError(
                        f"{self.path}: the lists of {cut(name)} would become a column "
                        f"{cut(full_name)}, which is there already: rename it"
                    )
                found[full_name] = column
        lines = np.concatenate(self._lines)
        return Columns(
            found,
            self._n_rows,
            place=lambda row: f"{self.path}, line {lines[row]}",
            source=self.path,
        )

    def _object(self, line: str) -> dict[str, Any]:
        # The sizes are those of CPython's list, dict, and number or reference.
        n_parts = 88 * line.count("[") + 232 * line.count("{") + 40 * line.count(",")
        if n_parts > 8 * len(line) + MOST_PARTS:
            self.fail(
                f"would take about {n_parts:,} bytes of memory: write a line for each time step, "
                "or a list of numbers for each feature"
            )
        try:
            found = json.loads(line, object_pairs_hook=self._pairs)
        except RecursionError:
            self.fail("is nested too deeply")
        except json.JSONDecodeError as error:
            if line.lstrip().startswith("[") and self.line == 1:
                self.fail(
                    "begins an array, where each line is an object of its own: write the objects "
                    "of the array a line each, without commas between them"
                )
            self.fail(f"is not JSON: {error.msg}, at character {error.colno}")
        except ValueError as error:  # a number of more digits than Python converts
            if isinstance(error, ReaderError):
                raise
            self.fail(f"is not JSON that can be read: {error}")
        if not isinstance(found, dict):
            kind = _NAMES.get(type(found), "null")
            self.fail(f'is {kind}; expected an object, such as {{"run": 7, "t": 0.5, "ax": 1.25}}')
        return found

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            self.fail(f"has the key {cut(next(k for k in keys if keys.count(k) > 1))} twice")
        return found

    def _take(self, rows: list[dict[str, Any]], numbers: list[int]) -> None:
        """Add objects, which are on the lines of these numbers."""
        if not rows:
            return
        if not self._n_rows:
            self.wanted = self.choose([*_names_of(rows[0])])
            self._learn(rows[0])
        known = self._values.keys() | self._ignored
        for row, number in zip(rows, numbers, strict=True):
            if not row.keys() <= known:
                self._learn_later(row, number)
                known = self._values.keys() | self._ignored
        for name, values in self._values.items():
            try:
                values.extend([row.get(name) for row in rows])
            except _UnusableError as error:
                self.fail(f"{cut(name)} {error}", numbers[error.row])
        self._lines.append(np.array(numbers, np.int64))
        self._n_rows += len(rows)
        check_memory(self.path, sum(v.n_bytes for v in self._values.values()), self.max_bytes)

    def _learn(self, row: dict[str, Any]) -> None:
        for name in row:
            if self._is_wanted(name):
                self._values[name] = _Values()
            else:
                self._ignored.add(name)

    def _is_wanted(self, name: str) -> bool:
        if self.wanted.has(name):
            return True
        of_lists = re.compile(re.escape(name) + r"\[[0-9]+\]")
        return any(map(of_lists.fullmatch, self.wanted.names or ()))

    def _learn_later(self, row: dict[str, Any], number: int) -> None:
        """A key that no line before has; an error if it would be taken for a feature."""
        strangers = [name for name in row if name not in self._values.keys() | self._ignored]
        if self.wanted.names is None:
            self.fail(
                f"has the key {cut(strangers[0])}, which the first line has not: its keys are "
                f"{listed(self._values)}. Write null where a value is missing, or name the "
                "features (features=[...], on the command line --features a,b,c)",
                number,
            )
        self._ignored.update(strangers)


def _names_of(row: dict[str, Any]) -> Iterator[str]:
    """The columns that an object has: one for each key, or for each feature of lists of lists."""
    for name, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], list):
            yield from (f"{name}[{k}]" for k in range(len(value[0])))
        else:
            yield name


class _UnusableError(Exception):
    """What is wrong with a value: the message goes behind its name; `row` is its number."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


class _Values:
    """The values of one key, some rows at a time."""

    def __init__(self) -> None:
        self._parts: list[Array] = []
        self._kind: type | None = None
        """bool, str, float (of all numbers) or list"""
        self._any_missing = self._any_float = self._any_large = False
        self._texts: dict[str, str] = {}
        self._width: int | None = None
        """the number of features, of lists of lists"""
        self._any_flat = False
        self.n_bytes = 0

    def extend(self, values: list[Any]) -> None:
        """Add values; `_UnusableError` if one is not of the kind of the others."""
        kinds = set(map(type, values))
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
        """The column, or several of a key that has lists of lists, with their names."""
        if self._width is None:
            yield name, self._column()
            return
        rows = np.concatenate(self._parts)
        for k in range(self._width):
            part = _objects([None if row is None else _column_of(row, k) for row in rows])
            yield f"{name}[{k}]", part

    def _column(self) -> Array:
        parts, self._parts = self._parts, []
        n_rows = sum(map(len, parts))
        if self._kind is None:
            return np.full(n_rows, np.nan)
        if self._kind is not float:
            return np.concatenate(parts)
        dtype: Any = np.float64
        if not self._any_float:
            if self._any_large:
                return _of_large(parts, self._any_missing)
            dtype = np.float64 if self._any_missing else np.int64
        column = np.empty(n_rows, dtype)
        start = 0
        for part in parts:
            column[start : start + len(part)] = (
                _floats(part.tolist()) if part.dtype == object else part
            )
            start += len(part)
        return column

    def _check_kinds(self, kinds: set[type], values: list[Any]) -> None:
        for kind in kinds - {type(None)}:
            wanted = float if kind is int else kind
            if kind is dict:
                raise _UnusableError(
                    _first(values, dict),
                    "is an object; expected a number, text or list: leave it out, or name the "
                    "columns to read",
                )
            if self._kind is None:
                first = next(type(value) for value in values if value is not None)
                self._kind = float if first is int else first
            if wanted is not self._kind:
                row = next(
                    i
                    for i, value in enumerate(values)
                    if value is not None and _kind_of(value) is not self._kind
                )
                raise _UnusableError(
                    row,
                    f"is {_NAMES.get(type(values[row]), 'an object')} here, and "
                    f"{_NAMES.get(self._kind, 'an object')} on the lines before: make them alike",
                )

    def _numbers(self, values: list[Any], kinds: set[type]) -> Array:
        if float not in kinds:
            large = max((abs(v) for v in values if v is not None), default=0) > EXACT
            self._any_large |= large
            if large:
                return _objects(values)
            if type(None) not in kinds:
                return np.array(values, np.int64)
        return _floats(values)

    # Lists

    def _add_lists(self, values: list[Any]) -> None:
        rows: list[Any] = []
        for i, value in enumerate(values):
            try:
                row = None if value is None else self._row(value)
            except ValueError as error:
                raise _UnusableError(i, str(error)) from None
            rows.append(row)
            self.n_bytes += 128 + (0 if row is None else row.nbytes)
        self._parts.append(_objects(rows))

    def _row(self, value: list[Any]) -> Array:
        """A list as an array: (n_timesteps,), or (n_timesteps, n_features) of a list of lists."""
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
                + listed(sorted({_NAMES.get(kind, "objects") for kind in kinds})).replace("'", "")
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
            if len(step) != self._width:
                raise ValueError(
                    f"has {len(step)} value(s) at time step {t}, and {self._width} before: the "
                    "lists of lists are a list for each time step, with a value for each feature"
                )
            for k, number in enumerate(step):
                if number is not None and _kind_of(number) is not float:
                    raise ValueError(
                        f"has {_NAMES.get(type(number), 'an object')} at time step {t}, feature "
                        f"{k}; expected a number"
                    )
        found = np.array([_floats(step) for step in value], np.float64)
        return found.reshape(len(value), self._width or 0)


def _kind_of(value: Any) -> type:
    return float if type(value) is int else type(value)


def _first(values: list[Any], kind: type) -> int:
    return next(i for i, value in enumerate(values) if type(value) is kind)


def _floats(values: list[Any]) -> Array:
    """Numbers and None as floats; an integer beyond float64 is infinite, as JSON's 1e999 is."""
    try:
        return np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        return np.array([_float(value) for value in values], np.float64)


def _float(value: Any) -> float:
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _of_large(parts: list[Array], any_missing: bool) -> Array:
    """Integers, some of them beyond 2^53."""
    every = [None if v is None or v != v else int(v) for part in parts for v in part.tolist()]
    if not any_missing:
        least, most = min(every), max(every)  # type: ignore[type-var]
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max:  # type: ignore[operator]
                return np.array(every, dtype)
    return _objects(every)


def _column_of(row: Array, k: int) -> Array:
    """A feature of a list of lists; an empty list has none, of any width."""
    return row[:, k] if row.ndim == 2 else row


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array
