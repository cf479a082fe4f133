"""A file of comma-separated values (CSV, TSV and their kin) in, its columns out."""

from __future__ import annotations

import bisect
import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NoReturn

import numpy as np

from elman.data.budget import check_memory
from elman.data.columns import Columns
from elman.data.dataset import PathLike, ReaderError, cut
from elman.data.growing import MISSING, Growing, TooLargeError
from elman.data.text_files import not_text, undecodable
from elman.data.values import ONLY_NUMBERS
from elman.data.wanted import Choice, everything

MOST_COLUMNS = 50_000
"""A line of more fields is refused before Python's texts of them fill the memory."""
CELLS = 1 << 15
"""Fields that are in memory as texts at a time, unless a line has more."""
BLOCK = 1 << 16
"""Characters that are read at a time, unless a line has more."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_THOUSANDS = re.compile(
    r"\s*[+-]?[0-9]{1,3}([,.' _\u00a0\u202f])[0-9]{3}(?:\1[0-9]{3})*([.,][0-9]*)?\s*"
)
"""A number whose digits stand in threes."""


def read_csv(
    path: PathLike,
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool = True,
    max_bytes: int | None = None,
    choose: Choice = everything,
) -> Columns:
    """Read the columns of a CSV file.

    The first line names the columns. Fields may be quoted ("..."; a quote inside is written twice)
    and then hold delimiters and ends of lines. Lines without any character are passed over. Text is
    UTF-8, with or without a byte order mark, or UTF-16 with one.

    A column becomes integers, floats (as Python's `float` reads them) or booleans (true, false, in
    one of three cases) if all its fields are; otherwise text, dates included. These fields are
    missing values: an empty one, ``?``, ``NA``, ``N/A``, ``#N/A``, ``<NA>``, ``NaN``, ``nan``,
    ``NAN``, ``-nan``, ``NaT``, ``null`` and ``NULL``.

    Parameters
    ----------
    path : path-like
        The file.
    delimiter : str of length 1, optional
        What stands between fields. By default a tab in a .tsv file, a semicolon if the decimal mark
        is a comma, and a comma in every other file.
    decimal : {".", ","}
        The decimal mark. With ",", a number that holds a point is text.
    header : bool
        Whether the first line names the columns; if not, they are called "0", "1", ...
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.
    choose : callable
        Is given the names of the columns, and says which of them to read and which may hold text.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError
        The file is not such a file, or damaged; names file, line and fix.
    ValueError
        An argument has a value that it cannot have.
    OSError
        The file cannot be opened.
    """
    file = CsvFile(path, delimiter, decimal, header, max_bytes, choose)
    columns = file.columns()
    if file.unfinished:
        # Columns whose first text came after numbers, which are texts then: 1.0 and 1 differ.
        again = CsvFile(path, delimiter, decimal, header, max_bytes, choose)
        columns |= again.columns(file.unfinished)
        if again.n_rows != file.n_rows:
            file.fail(None, "was changed while it was read; read it again")
    ordered = {name: columns[name] for name in file.names}
    return Columns(ordered, file.n_rows, place=file.place, source=os.fspath(path))


class CsvFile:
    """One pass over the lines of a file; the arguments are those of `read_csv`."""

    def __init__(
        self,
        path: PathLike,
        delimiter: str | None,
        decimal: str,
        header: bool,
        max_bytes: int | None,
        choose: Choice,
    ) -> None:
        if decimal not in (".", ","):
            raise ValueError(f"decimal={decimal!r} is not known; choose '.' or ','")
        if delimiter is None:
            tabs = os.fspath(path).lower().endswith(".tsv")
            delimiter = "\t" if tabs else ";" if decimal == "," else ","
        if len(delimiter) != 1 or delimiter in '"\r\n\0':
            raise ValueError(
                f"delimiter={delimiter!r} cannot be used; it is one character, such as ';' or '\\t'"
            )
        if delimiter == decimal:
            raise ValueError(
                f"delimiter={delimiter!r} and decimal={decimal!r} are the same: choose two "
                "characters"
            )
        self.path = os.fspath(path)
        self.delimiter = delimiter
        self.decimal = decimal
        self.header = header
        self.max_bytes = max_bytes
        self.choose = choose
        self.wanted = everything(())
        self.names: list[str] = []
        self.n_rows = 0
        self.unfinished: list[str] = []
        self._n_fields = 0
        self._underscores = False
        self._opening: list[str] = []
        """the first lines of the file, for a look at how it is written"""
        self._gap: int | None = None
        # Where rows begin: from row _rows[i] on, at line _lines[i] and one line each, or, where
        # fields hold ends of lines, at the lines of an array.
        self._rows: list[int] = []
        self._lines: list[Any] = []

    def fail(self, line: int | None, reason: str) -> NoReturn:
        """Raise a ReaderError about a line, or about the whole file."""
        where = self.path if line is None else f"{self.path}, line {line}"
        raise ReaderError(f"{where}: {reason}")

    def place(self, row: int) -> str:
        """Where a row is, for an error."""
        return f"{self.path}, line {self.line_of(row)}"

    def line_of(self, row: int) -> int:
        """The line on which a row begins, from 1."""
        i = bisect.bisect_right(self._rows, row) - 1
        if i < 0:
            return row + 1
        lines, beyond = self._lines[i], row - self._rows[i]
        return int(lines[beyond]) if isinstance(lines, np.ndarray) else int(lines) + beyond

    def columns(self, only: Sequence[str] | None = None) -> dict[str, Any]:
        """The columns as arrays; `only` reads some of them, as text."""

        def make(name: str) -> Growing | None:
            if only is not None and name not in only:
                return None
            column = Growing(self.wanted.role(name), self.decimal)
            if only is not None:
                column.as_text()
            return column

        found, growing = {}, {}
        for growing in self.takes(make):  # noqa: B007 -- the last one holds all rows
            pass
        for name, (_, column) in growing.items():
            if column.failed:
                self.unfinished.append(name)
            else:
                found[name] = column.array()
        return found

    def takes(
        self, make: Callable[[str], Growing | None], cells: int = CELLS
    ) -> Iterator[dict[str, tuple[int, Growing]]]:
        """Read the file, and yield its columns whenever some rows were added to each.

        Parameters
        ----------
        make : callable
            Makes the column of a name, or None for one that is left out; called once `names` and
            `wanted` are known. What is yielded may be replaced in place between two takes.
        cells : int
            About how many fields are added at a time.
        """
        encoding = not_text(self.path) or "utf-8-sig"
        try:
            with open(self.path, encoding=encoding, newline="") as file:
                yield from self._takes(file, make, cells)
        except UnicodeDecodeError as error:
            undecodable(self.path, encoding, error)
        except csv.Error as error:
            self._refuse_syntax(error, encoding)

    def _takes(
        self, file: io.TextIOWrapper, make: Callable[[str], Growing | None], cells: int
    ) -> Iterator[dict[str, tuple[int, Growing]]]:
        reader = csv.reader(
            chain.from_iterable(self._blocks(file)),
            delimiter=self.delimiter,
            skipinitialspace=self.delimiter != " ",
            strict=True,
        )
        first = next((row for row in reader if row), None)
        if first is None:
            self.fail(None, "is empty; the first line of a CSV file names its columns")
        named = self._named(first, reader.line_num)
        self.names = [*named]
        made = {name: (k, make(name)) for name, k in named.items()}
        growing = {name: (k, one) for name, (k, one) in made.items() if one is not None}
        if not self.header:
            self._take([first], reader.line_num - 1, reader.line_num, growing)
            yield growing
        at_once = max(1, cells // self._n_fields)
        before = reader.line_num
        while rows := list(islice(reader, at_once)):
            self._take(rows, before, reader.line_num, growing)
            before = reader.line_num
            yield growing
        if not self.n_rows:
            self.fail(None, "has the names of columns and no rows")

    def _blocks(self, file: io.TextIOWrapper) -> Iterator[list[str]]:
        """The lines, some at a time, after a look at what no CSV file holds."""
        n_lines = 0
        while lines := file.readlines(BLOCK):
            self._opening = self._opening or lines
            text = "".join(lines)
            if "\0" in text:
                i = next(i for i, line in enumerate(lines) if "\0" in line)
                self.fail(n_lines + i + 1, "holds a NUL character: is this a text file?")
            self._underscores = self._underscores or "_" in text
            if len(text) > MOST_COLUMNS:
                for i, line in enumerate(lines):
                    if len(line) > MOST_COLUMNS and line.count(self.delimiter) > MOST_COLUMNS:
                        self.fail(
                            n_lines + i + 1,
                            f"has more than {MOST_COLUMNS:,} fields; a long table has a row for "
                            "each time step",
                        )
            yield lines
            n_lines += len(lines)

    # The first line

    def _named(self, first: list[str], line: int) -> dict[str, int]:
        """The columns that are wanted, by name: their positions."""
        self._n_fields = len(first)
        names = [name.strip() for name in first]
        self._refuse_preamble(names[0], line)
        if len(names) == 1:
            self._refuse_spaces(line)
            for other in (";", "\t", "|", ","):
                if other in names[0] and other != self.delimiter:
                    semicolons = other == ";" and self.decimal == "."
                    self.fail(
                        line,
                        f"the first line holds no {self.delimiter!r}, but {other!r}: pass "
                        f"delimiter={other!r}"
                        + (", or decimal=',' if commas are decimal marks" if semicolons else ""),
                    )
        if not self.header:
            names = [*map(str, range(len(names)))]
            self.wanted = self.choose(names)
            return {name: k for k, name in enumerate(names) if self.wanted.has(name)}
        numbers = Growing("number", self.decimal)
        if numbers.first_text(names) is None and any(names) and not _counts(names):
            self.fail(
                line,
                f"the first line holds numbers ({cut(self.delimiter.join(first))}), not the names "
                "of columns: write the names above them, or pass header=False",
            )
        self.wanted = self.choose([name for name in names if name])
        found: dict[str, int] = {}
        for k, name in enumerate(names):
            if not name and self.wanted.names is None:
                self.fail(
                    line,
                    f"column {k + 1} of {len(names)} has no name; name it, leave it out (pandas: "
                    "index=False), or name the features among the columns (features=[...])",
                )
            if name in found and self.wanted.has(name):
                self.fail(
                    line,
                    f"columns {found[name] + 1} and {k + 1} are both {cut(name)}; rename one",
                )
            if name and self.wanted.has(name):
                found[name] = k
        return found

    def _following(self, line: int) -> list[str]:
        """The first lines behind one, without empty ones."""
        return [text for text in self._opening[line:] if text.strip()]

    def _refuse_preamble(self, name: str, line: int) -> None:
        """Raise ReaderError if the first line is no names of columns, but about the file."""
        if separator := re.fullmatch(r"sep=(.)?", name):
            self.fail(
                line,
                f"{cut(name)} is a note for Excel, not the names of "
                f"columns: remove the line, and pass delimiter={separator[1] or self.delimiter!r}",
            )
        if not name.startswith("#"):
            return
        rest = [text for text in self._following(line) if not text.lstrip().startswith("#")]
        after = next(csv.reader(rest[:1], delimiter=self.delimiter), [])
        if len(after) != self._n_fields:
            self.fail(
                line,
                f"begins with '#' ({cut(name)}), as a comment does, where the names of the columns "
                "are expected: remove the lines that are comments",
            )

    def _refuse_spaces(self, line: int) -> None:
        """Raise ReaderError if spaces are what stands between the fields."""
        lines = [*self._opening[line - 1 : line], *self._following(line)[:1]]
        rows = [text.split() for text in lines]
        if self.delimiter == " " or len(rows) < 2 or not 2 <= len(rows[0]) == len(rows[1]):
            return
        if any(mark in lines[0] for mark in ',;\t|"'):
            return
        fix = "pass delimiter=' '"
        if any(" ".join(row) != text.strip() for row, text in zip(rows, lines, strict=True)):
            fix = "replace the spaces between two fields by a comma"
        self.fail(
            line,
            f"the first line holds no {self.delimiter!r}, but {len(rows[0])} words with spaces "
            f"between them, as does the next: {fix}",
        )

    # Rows

    def _take(
        self,
        rows: list[list[str]],
        before: int,
        after: int,
        growing: dict[str, tuple[int, Growing]],
    ) -> None:
        """Add rows, which are read from the lines after `before` up to `after`."""
        lines = None
        if after - before != len(rows) or not all(rows) or self._gap is not None:
            lines = _first_lines(rows, before + 1)
            if self._n_fields == 1:
                self._refuse_gap(rows, lines)
            there = [i for i, row in enumerate(rows) if row]
            rows, lines = [rows[i] for i in there], lines[there]
        if not rows:
            return
        self._rows.append(self.n_rows)
        self._lines.append(before + 1 if lines is None else lines)
        if set(map(len, rows)) != {self._n_fields}:
            i = next(i for i, row in enumerate(rows) if len(row) != self._n_fields)
            self._refuse_ragged(rows[i], self.line_of(self.n_rows + i))
        columns = list(zip(*rows, strict=True))
        for name, (k, column) in growing.items():
            were_numbers = column.is_numbers
            try:
                as_before = column.extend(columns[k], underscores=self._underscores)
            except TooLargeError as error:
                self.fail(self.line_of(self.n_rows + error.index), f"column {cut(name)}: {error}")
            if not as_before and not self.wanted.may_be_text(name):
                self._refuse_text(name, column, columns[k])
            if not as_before and self.wanted.role(name) == "feature":
                self._refuse_odd_text(name, column, columns[k], were_numbers)
        self.n_rows += len(rows)
        n_bytes = sum(column.n_bytes for _, column in growing.values())
        check_memory(self.path, n_bytes, self.max_bytes)

    def _refuse_gap(self, rows: list[list[str]], first_lines: Any) -> None:
        """In a file of one column, an empty line before others may be a missing value."""
        for row, line in zip(rows, first_lines.tolist(), strict=True):
            if not row:
                self._gap = self._gap or line
            elif self._gap is not None:
                self.fail(
                    self._gap,
                    "is empty, which may be a missing value or nothing: write NaN, or remove it",
                )

    def _refuse_ragged(self, row: list[str], line: int) -> NoReturn:
        seen = f"{len(row)} field{'s' * (len(row) != 1)}"
        of = "the first line" if self.header else "the first row"
        fix = ""
        if row[0].startswith("#"):
            fix = f": {cut(row[0])} looks like a comment, which CSV has none of; remove it"
        elif len(row) > self._n_fields and self.delimiter == ",":
            fix = (
                ": a text that holds a comma is quoted; if commas separate thousands, remove them; "
                "if they are decimal marks, pass delimiter=';' and decimal=','"
            )
        self.fail(line, f"has {seen}, but {of} has {self._n_fields}{fix}")

    def _refuse_odd_text(
        self, name: str, column: Growing, fields: Sequence[str], were_numbers: bool
    ) -> None:
        """Raise ReaderError for a text among numbers: a column is categories if fewer are."""
        i = column.first_text(fields) or 0
        there = [field for field in fields if field.strip() not in MISSING]
        n_numbers = sum(column.first_text((field,)) is None for field in there)
        fix = self._fix_of_number(fields[i])
        if fix is None and (were_numbers or 2 * n_numbers >= len(there)):
            fix = (
                "the other values of this column are numbers; correct it, or leave the field empty "
                "if the value is missing; if all of them are categories, name the column in "
                "categorical_features=[...]"
            )
        if fix is not None:
            self.fail(
                self.line_of(self.n_rows + i),
                f"column {cut(name)} holds {cut(fields[i])}, where numbers are expected: {fix}",
            )

    def _refuse_text(self, name: str, column: Growing, fields: Sequence[str]) -> NoReturn:
        i = column.first_text(fields) or 0
        fix = (
            "name the features among the columns (features=[...]), or say what else this one is "
            "(id=, time=, label=, ...)"
        )
        if self.wanted.others == "number" and self.wanted.roles is not None:
            fix += f". If it is a category: {ONLY_NUMBERS}"
        if name in (self.wanted.roles or {}):
            fix = "targets and weights are numbers; label= takes classes"
        there = [field for field in fields if field.strip() not in MISSING]
        if 2 * sum(column.first_text((field,)) is None for field in there) > len(there):
            fix = (
                "the other values of this column are numbers; correct it, or leave the field empty "
                "if the value is missing"
            )
        fix = self._fix_of_number(fields[i]) or fix
        self.fail(
            self.line_of(self.n_rows + i),
            f"column {cut(name)} holds {cut(fields[i])}, where numbers are expected: {fix}",
        )

    def _fix_of_number(self, field: str) -> str | None:
        """What to do about a field that is a number as people write it; None if it is none."""
        is_decimal = self.decimal == "." and re.fullmatch(r"\s*[+-]?\d+,\d+\s*", field)
        found = _THOUSANDS.fullmatch(field)
        if found is None:
            return "if its comma is a decimal mark, pass decimal=','" if is_decimal else None
        marks = {".": "point", ",": "comma", "'": "apostrophe", "_": "underscore"}
        fix = f"if the {marks.get(found[1], 'space')} in it separates thousands, remove it"
        if is_decimal:
            return f"{fix} everywhere; if it is a decimal mark, pass decimal=','"
        if self.decimal == "." and (found[1] == "." or (found[2] or ".")[0] == ","):
            return f"{fix} everywhere, and pass decimal=',' if commas are decimal marks"
        return f"{fix} everywhere"

    def _refuse_syntax(self, error: csv.Error, encoding: str) -> NoReturn:
        """Say what is wrong with quotes, and on which line the row begins that is."""
        line = 1
        with open(self.path, encoding=encoding, newline="") as file:
            reader = csv.reader(
                file, delimiter=self.delimiter, skipinitialspace=self.delimiter != " ", strict=True
            )
            try:
                for _ in reader:
                    line = reader.line_num + 1
            except csv.Error:
                pass
        text = str(error)
        if "unexpected end" in text:
            reason = "a quote is opened here that is never closed"
        elif "field larger" in text:
            reason = (
                f"a field begins here that has more than {csv.field_size_limit():,} characters: is "
                "a quote not closed?"
            )
        elif "expected after" in text:
            reason = (
                "a quoted field goes on after its closing quote; a quote inside one is written "
                "twice"
            )
        else:
            reason = f"is not CSV ({text})"
        self.fail(line, reason)


def _counts(names: list[str]) -> bool:
    """Whether names are 0, 1, 2, ... or 1, 2, 3, ..., as programs call columns without names."""
    return any(names == [str(k + start) for k in range(len(names))] for start in (0, 1))


def _first_lines(rows: list[list[str]], line: int) -> Any:
    """The line on which each row begins, where fields hold ends of lines."""
    found = np.empty(len(rows), np.int64)
    for i, row in enumerate(rows):
        found[i] = line
        line += 1 + sum(len(_LINE_END.findall(field)) for field in row)
    return found
