"""An .arff file with a row of a table on each line in; its columns out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.arff.file import ArffFile, Attribute
from elman.data.budget import check_memory
from elman.data.columns import Columns
from elman.data.dataset import PathLike, ReaderError, cut
from elman.data.growing import TEXT_FIRST, Growing, TooLargeError
from elman.data.tables.plain import object_array
from elman.data.wanted import Choice, everything

Array = NDArray[Any]

CELLS = 1 << 15
"""Fields that are in memory as texts at a time, unless a line has more."""


def read_arff_columns(
    path: PathLike, *, max_bytes: int | None = None, choose: Choice = everything
) -> Columns:
    """Read the columns of an .arff file that is a table.

    Numeric attributes are numbers, all others text, and nominal ones categorical; ``?`` is a
    missing value.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.
    choose : callable
        Is given the names of the attributes, and says which of them to read.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError, OSError
        As `read_arff`.
    """
    file = ArffFile(path)
    with file.opened():
        return _table(file, max_bytes, choose)


def _table(file: ArffFile, max_bytes: int | None, choose: Choice) -> Columns:
    names = [attribute.name for attribute in file.attributes]
    twice = {name for name, n in Counter(names).items() if n > 1}
    wanted = choose(names)
    columns: dict[str, tuple[int, _Text | Growing]] = {}
    for k, attribute in enumerate(file.attributes):
        if not wanted.has(attribute.name):
            continue
        if attribute.name in twice:
            raise ReaderError(f"{file.path}: two attributes are called {cut(attribute.name)}")
        if attribute.kind == "relational":
            raise ReaderError(
                f"{file.path}: attribute {cut(attribute.name)} is relational, so that each line is "
                "a sequence: read the file without id="
            )
        is_number = attribute.kind == "numeric"
        role = wanted.role(attribute.name)  # by which ids and labels that differ stay so
        columns[attribute.name] = (k, Growing(role, ".") if is_number else _Text(attribute))
    lines: list[Array] = []
    rows: list[list[str | None]] = []
    numbers: list[int] = []

    def take() -> None:
        lines.append(np.array(numbers, np.int64))
        for name, (k, column) in columns.items():
            fields = [row[k] for row in rows]
            if isinstance(column, _Text):
                column.extend(file, fields, numbers)
            else:
                texts = ["" if text is None else text for text in fields]
                try:
                    numeric = column.extend(texts)
                except TooLargeError as error:
                    file.fail(f"{cut(name)}: {error}", numbers[error.index])
                i = None
                if not numeric or wanted.role(name) in TEXT_FIRST:  # which may be text
                    i = column.first_text(texts)
                if i is not None:
                    file.fail(f"{cut(name)} is {cut(texts[i])}, not a number or '?'", numbers[i])
        check_memory(file.path, sum(c.n_bytes for _, c in columns.values()), max_bytes)
        rows.clear()
        numbers.clear()

    for line in file.rows():
        rows.append(file.fields(line))
        numbers.append(file.line)
        if len(rows) * len(names) >= CELLS:
            take()
    if rows:
        take()
    if not lines:
        raise ReaderError(f"{file.path}: no line of data after @data")
    every_line = np.concatenate(lines)
    found = {name: column.array() for name, (_, column) in columns.items()}
    return Columns(
        found,
        len(every_line),
        place=lambda row: f"{file.path}, line {every_line[row]}",
        source=file.path,
        categorical=frozenset(a.name for a in file.attributes if a.kind == "nominal"),
    )


class _Text:
    """A column of texts or labels while it is read; the same text is held once."""

    def __init__(self, attribute: Attribute) -> None:
        self._attribute = attribute
        self._known: dict[str, str] = dict(attribute.labels or {})
        self._texts: list[str | None] = []

    @property
    def n_bytes(self) -> int:
        return 8 * len(self._texts) + 56 * len(self._known)

    def extend(self, file: ArffFile, fields: list[str | None], lines: list[int]) -> None:
        known = self._known
        if self._attribute.labels is not None:
            for field, file.line in zip(fields, lines, strict=True):
                file.label(self._attribute, field)
        self._texts += [None if f is None else known.setdefault(f, f) for f in fields]

    def array(self) -> Array:
        return object_array(self._texts)
