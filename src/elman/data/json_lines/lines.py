"""The lines of a file in, an object on each; columns out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import check_memory
from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, listed
from elman.data.json_lines.long import LongList, without_long_lists
from elman.data.json_lines.values import NAMES, UnusableError, Values
from elman.data.names import first_repeated
from elman.data.wanted import Choice, everything

Array = NDArray[Any]

CHARACTERS = 1 << 18
"""Of lines that are held as Python's objects at a time, unless a line has more."""
MOST_PARTS = 1 << 22
"""Bytes that a line may take as Python's objects, beside eight times its own."""


_TEXT_OR_NUMBER = re.compile(r'"(?:[^"\\]++|\\.)*+"|-?[0-9][0-9.eE+-]*+')

MOST_CELLS = 1 << 23
"""Rows times keys that any file may have; beyond, no more than it has characters, of which each
value that is not left out takes several."""


class JsonLines:
    """One pass over the lines of a file; `line` is the number of the one being read."""

    def __init__(self, path: str, max_bytes: int | None, choose: Choice) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.choose = choose
        self.wanted = everything(())
        self.line = 0
        self.any_infinite = False
        self._values: dict[str, Values] = {}
        self._ignored: set[str] = set()
        self._lines: list[Array] = []
        self._n_rows = 0
        self._n_characters = 0

    def fail(self, reason: str, line: int | None = None) -> NoReturn:
        """Raise a ReaderError about a line; by default the one that is being read."""
        raise ReaderError(f"{self.path}, line {line or self.line}: {reason}")

    def read(self, lines: Iterator[str]) -> None:
        """Take all lines."""
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        n_characters = 0
        for self.line, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            rows.append(self._object(line))
            numbers.append(self.line)
            n_characters += len(line)
            self._n_characters += len(line)
            if n_characters > CHARACTERS:
                self._take(rows, numbers)
                rows, numbers, n_characters = [], [], 0
        self._take(rows, numbers)
        if not self._n_rows:
            raise ReaderError(f"{self.path}: holds no line; expected an object on each line")

    def columns(self) -> Columns:
        """What they hold."""
        found: dict[str, Array] = {}
        for name, values in self._values.items():
            for full_name, column in values.columns(name):
                if full_name in found:
                    raise ReaderError(
                        f"{self.path}: the lists of {cut(name)} would become a column "
                        f"{cut(full_name)}, which is there already: rename it"
                    )
                found[full_name] = column
        self.any_infinite = any(map(_holds_infinite, found.values()))
        lines = np.concatenate(self._lines)
        return Columns(
            found,
            self._n_rows,
            place=lambda row: f"{self.path}, line {lines[row]}",
            source=self.path,
        )

    def refuse_overflow(self, lines: Iterator[str]) -> None:
        """Raise a ReaderError about the first number in the file that float64 does not hold."""
        for self.line, line in enumerate(lines, start=1):
            for match in _TEXT_OR_NUMBER.finditer(line):
                if line[match.start()] != '"' and math.isinf(float(match[0])):
                    self.fail(f"{cut(match[0])} is too large for float64")

    def _object(self, line: str) -> dict[str, Any]:
        shorter, long = without_long_lists(line)
        found = self._loaded(shorter)
        if not long:
            return found
        values = {k: long.get(v, v) if isinstance(v, str) else v for k, v in found.items()}
        if sum(isinstance(value, LongList) for value in values.values()) == len(long):
            return values
        return self._loaded(line)  # lists within lists or objects, which may be of no use

    def _loaded(self, line: str) -> dict[str, Any]:
        # The sizes are those of CPython's list, dict, key with its place, and number or reference.
        n_parts = 88 * line.count("[") + 232 * line.count("{") + 40 * line.count(",")
        n_parts += 130 * line.count('":')
        if n_parts > 8 * len(line) + MOST_PARTS:
            self.fail(
                f"would take about {n_parts:,} bytes of memory: write a line for each time step, "
                "or a list of numbers for each feature"
            )
        with self._errors():
            found = json.loads(line, object_pairs_hook=self._pairs)
        if not isinstance(found, dict):
            kind = NAMES.get(type(found), "null")
            self.fail(
                f'is {kind}; expected an object on each line, such as {{"run": 7, "ax": 1.25}}'
            )
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of JSON as those of the line."""
        try:
            yield
        except RecursionError:
            self.fail("is nested too deeply")
        except json.JSONDecodeError as error:
            if self.line == 1 and error.doc.lstrip().startswith("["):
                self.fail(
                    "begins an array, where each line is an object of its own: write the objects "
                    "of the array a line each, without commas between them"
                )
            self.fail(f"is not JSON: {error.msg}, at character {error.colno}")
        except ValueError as error:  # a number of more digits than Python converts
            if isinstance(error, ReaderError):
                raise
            self.fail(f"is not JSON that can be read: {error}")

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = first_repeated(key for key, _ in pairs)
            self.fail(f"has the key {cut(twice or '')} twice")
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
        n_rows, n_keys = self._n_rows + len(rows), len(self._values)
        if n_rows * n_keys > MOST_CELLS + self._n_characters:
            self.fail(
                f"the {n_rows:,} lines up to here leave out nearly all of the {n_keys:,} keys of "
                "the first one: name the features (features=[...]), or write a line for each time "
                "step of a sequence, with its id",
                numbers[-1],
            )
        for name, values in self._values.items():
            try:
                values.extend([row.get(name) for row in rows])
            except UnusableError as error:
                self.fail(f"{cut(name)} {error}", numbers[error.row])
        self._lines.append(np.array(numbers, np.int64))
        self._n_rows += len(rows)
        check_memory(self.path, sum(v.n_bytes for v in self._values.values()), self.max_bytes)

    def _learn(self, row: dict[str, Any]) -> None:
        for name in row:
            if self._is_wanted(name):
                self._values[name] = Values()
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
                "features (features=[...])",
                number,
            )
        self._ignored.update(strangers)


def _holds_infinite(column: Array) -> bool:
    if column.dtype.kind == "f":
        return bool(np.isinf(column).any())
    if column.dtype.kind != "O":
        return False
    # Floats among large integers, or a list in each row.
    floats = (v for v in column if isinstance(v, float) or getattr(v, "dtype", None) == np.float64)
    return any(np.isinf(value).any() for value in floats)


def _names_of(row: dict[str, Any]) -> Iterator[str]:
    """The columns that an object has: one for each key, or for each feature of lists of lists."""
    for name, value in row.items():
        part = value.first() if isinstance(value, LongList) else value
        if isinstance(part, list) and part and isinstance(part[0], list):
            yield from (f"{name}[{k}]" for k in range(len(part[0])))
        else:
            yield name
