"""A CSV file in; its columns some rows at a time, of the types that the whole file has, out.

What a field says of its column depends on the others: 7 is a number, and text in a column of labels
that has 007. The first pass keeps a few fields of each column that say all of this. In the second
they stand in front of the fields of each block, and are cut off again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from elman.data.columns import Columns
from elman.data.csv import CELLS, CsvFile
from elman.data.dataset import PathLike
from elman.data.growing import BOOLEANS, MISSING, WHOLE, Growing, TooLargeError
from elman.data.wanted import Choice


class CsvBlocks:
    """The rows of a CSV file, some at a time, as often as is asked.

    Parameters
    ----------
    path : path-like
    block_size : int
        Bytes of the columns of a block, about.
    choose : callable
        As `elman.data.csv.read_csv` takes it.
    delimiter, decimal, header
        As `read_csv` takes them.
    """

    def __init__(
        self,
        path: PathLike,
        block_size: int,
        choose: Choice,
        *,
        delimiter: str | None = None,
        decimal: str = ".",
        header: bool = True,
    ) -> None:
        self._arguments = path, delimiter, decimal, header, None, choose
        self._block_size = block_size
        self._cells = max(1, min(CELLS, block_size // 8))
        self._path, self._decimal = os.fspath(path), decimal
        self._told: dict[str, list[str]] | None = None
        self._roles: dict[str, str] = {}
        self._n_rows = 0

    def __call__(self) -> Iterator[Columns]:
        """The blocks in their order."""
        return self._blocks(self._look())

    def types(self) -> Columns:
        """The few values of each column that say of what type it is, as a table without rows."""
        columns = {}
        for name, fields in self._look().items():
            column = Growing(self._roles[name], self._decimal)
            column.extend(fields)
            columns[name] = column.array()
        return Columns(columns, 0, source=self._path)

    def _look(self) -> dict[str, list[str]]:
        if self._told is None:
            self._told = self._look_at_all()
        return self._told

    def _look_at_all(self) -> dict[str, list[str]]:
        file = CsvFile(*self._arguments)

        def make(name: str) -> Growing:
            return Telling(file.wanted.role(name), file.decimal)

        growing: dict[str, tuple[int, Any]] = {}
        for growing in file.takes(make, self._cells):  # noqa: B007 -- the last one has seen all
            pass
        self._n_rows = file.n_rows
        self._roles = {name: file.wanted.role(name) for name in growing}
        return {name: column.told() for name, (_, column) in growing.items()}

    def _blocks(self, told: dict[str, list[str]]) -> Iterator[Columns]:
        file = CsvFile(*self._arguments)

        def make(name: str) -> Growing:
            column = Growing(file.wanted.role(name), file.decimal)
            if told.get(name):
                column.extend(told[name])
            return column

        start = 0
        growing: dict[str, tuple[int, Growing]] = {}
        for growing in file.takes(make, self._cells):
            if sum(column.n_bytes for _, column in growing.values()) >= self._block_size:
                yield self._block(file, growing, told, start)
                start = file.n_rows
                growing.update({name: (k, make(name)) for name, (k, _) in growing.items()})
        if start < file.n_rows:
            yield self._block(file, growing, told, start)
        if file.n_rows != self._n_rows:
            self._changed(file)

    def _block(
        self,
        file: CsvFile,
        growing: dict[str, tuple[int, Growing]],
        told: dict[str, list[str]],
        start: int,
    ) -> Columns:
        columns = {}
        for name, (_, column) in growing.items():
            if column.failed:
                self._changed(file)
            columns[name] = column.array()[len(told.get(name, [])) :]
        return Columns(
            columns,
            file.n_rows - start,
            place=lambda row: file.place(start + row),
            source=file.path,
        )

    @staticmethod
    def _changed(file: CsvFile) -> NoReturn:
        file.fail(None, "was changed while it was read; read it again")


class Telling(Growing):
    """A column of which only those fields are kept that say of what type all of them are."""

    def __init__(self, role: str, decimal: str) -> None:
        super().__init__(role, decimal)
        self._number = role in ("number", "time")
        self._kept: dict[str, str] = {}
        self._labels: dict[float, str] = {}  # the first label of each number
        self._least: tuple[int, str] | None = None
        self._most: tuple[int, str] | None = None

    def told(self) -> list[str]:
        """The fields."""
        ends = [end[1] for end in (self._least, self._most) if end is not None]
        return list(dict.fromkeys([*self._kept.values(), *ends]))

    def extend(self, fields: Sequence[str], *, underscores: bool = True) -> bool:
        """As `Growing.extend`: whether the fields are numbers or missing, if those before were."""
        self.n_rows += len(fields)
        if self._says_nothing(fields, underscores):
            return self._kept.keys().isdisjoint(("text", "boolean")) or not self._number
        for field in set(fields):
            try:
                self._see(field)
            except TooLargeError as error:
                raise TooLargeError(fields.index(field), field) from error
        if not self._number:
            return True
        numbers = Growing(self._role, self._decimal)
        return numbers.extend(self.told())

    def _says_nothing(self, fields: Sequence[str], underscores: bool) -> bool:
        """Whether it is quickly seen that the fields say nothing new."""
        if not self._number and ("text" in self._kept or self._role == "name"):
            return True  # text whatever comes; a missing value is one by itself
        if self._number and "float" in self._kept:
            if "missing" in self._kept:
                return self._with_missing(fields, underscores) is not None
            return self._floats(fields, underscores) is not None
        found = self._integers(fields, underscores)
        if found is None or not len(found):
            return False
        if not self._number and [*map(str, found.tolist())] != [*fields]:
            return False
        for i in (int(found.argmin()), int(found.argmax())):
            self._see_whole(int(found[i]), fields[i])
        if self._role == "label":
            for field in set(fields):
                self._see_twice(float(field), field)
        return True

    def _see(self, field: str) -> None:
        text = field.strip()
        if text in MISSING:
            self._kept.setdefault("missing", field)
            return
        if field in BOOLEANS:
            self._kept.setdefault("boolean", field)
            self._kept.setdefault(f"boolean {field}", field)
            return
        try:
            whole = self._whole(field)
        except ValueError:  # more digits than Python converts
            self._kept.setdefault("long", field)
            return
        if whole is not None:
            if str(whole) != field:
                self._kept.setdefault("written otherwise", field)
            self._see_whole(whole, field)
            if self._role == "label":
                self._see_twice(float(whole), field)
            return
        number = self._as_float(field)
        if number is None:
            self._kept.setdefault("text", field)
            return
        self._kept.setdefault("float", field)
        if self._number:
            return
        if not number.is_integer():
            self._kept.setdefault("fraction", field)
            return
        self._see_twice(number, field)
        if self._loses({field: number}):
            self._kept.setdefault("inexact", field)

    def _see_twice(self, number: float, field: str) -> None:
        """Keep two labels whose numbers would be the same, as 1 and 1.0."""
        if "other of two" in self._kept:
            return
        first = self._labels.setdefault(number, field)
        if first != field:
            self._kept["one of two"], self._kept["other of two"] = first, field

    def _as_float(self, field: str) -> float | None:
        """A field as a number with a fraction or an exponent; None if it is text."""
        if self._number:
            found = self._floats((field,), True)
            return None if found is None else float(found[0])
        floats = None if self._role == "id" else self._as_floats((field,))
        return None if floats is None else floats[field]

    def _whole(self, field: str) -> int | None:
        if not self._number:
            return int(field) if WHOLE.fullmatch(field.strip()) else None
        found = self._integers((field,), True)
        return None if found is None else int(found[0])

    def _see_whole(self, whole: int, field: str) -> None:
        if self._least is None or whole < self._least[0]:
            self._least = whole, field
        if self._most is None or whole > self._most[0]:
            self._most = whole, field
