"""Blocks of the rows of a long table in; blocks of whole sequences out.

The rows of a sequence may go on in the next block, so that the last sequence of each block waits
for it. What is held in memory is one block, one sequence, and the id of every sequence.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError
from elman.data.tables.steps import shown
from elman.data.tables.targets import id_keys

Array = NDArray[Any]


class Cutter:
    """Cuts the blocks of one table between sequences.

    Parameters
    ----------
    ids : sequence of str
        The columns that say which sequence a row belongs to.
    one_row_each : bool
        Whether a row is a whole sequence.
    """

    def __init__(self, ids: Iterable[str], one_row_each: bool) -> None:
        self._ids = [*ids]
        self._one_row_each = one_row_each
        self._starts: list[int] = []
        self._places: list[Any] = []
        self._n_rows = 0
        self._last_row: dict[Any, int] = {}
        """the last row of every sequence that has ended, by its id"""

    def cut(self, blocks: Iterable[Columns]) -> Iterator[Columns]:
        """Blocks of whole sequences, in the order of the rows.

        A table of a single block is given back as it is, in whatever order its rows are.
        """
        each = iter(blocks)
        first = next(each, None)
        if first is None:
            return
        second = next(each, None)
        if second is None or not self._ids:
            yield first
            if second is not None:
                yield second
                yield from each
            return
        waiting: list[Columns] = []
        for block in self._chained(first, second, each):
            start = self._begin(block)
            edges = self._edges(block)
            if waiting and not self._goes_on(waiting[-1], block):
                yield self._ended(waiting, start)
                waiting = []
            last = edges[-2]
            if waiting and last > 0:
                first_end = edges[1]
                yield self._ended([*waiting, _rows(block, 0, first_end)], start + first_end)
                waiting = []
                edges = edges[1:]
            if edges[0] < last and not waiting:
                self._note(block, edges[:-1], start)
                yield self._placed(_rows(block, edges[0], last), start + edges[0])
            waiting.append(_copied(_rows(block, last, block.n_rows)))
        yield self._ended(waiting, self._n_rows)

    def _chained(
        self, first: Columns, second: Columns, others: Iterator[Columns]
    ) -> Iterator[Columns]:
        for block in (first, second):
            if block.n_rows:
                yield block
        yield from (block for block in others if block.n_rows)

    def _begin(self, block: Columns) -> int:
        """The number of the first row of a block in the whole table."""
        start = self._n_rows
        self._starts.append(start)
        self._places.append(block.place)
        self._n_rows += block.n_rows
        return start

    def _edges(self, block: Columns) -> list[int]:
        """Where the rows of another sequence begin, from 0 to the number of rows."""
        if self._one_row_each:
            return [*range(block.n_rows + 1)]
        changes = np.zeros(max(block.n_rows - 1, 0), bool)
        for name in self._ids:
            column = block.columns[name]
            changes |= np.asarray(column[1:] != column[:-1]).astype(bool)
        return [0, *(np.flatnonzero(changes) + 1).tolist(), block.n_rows]

    def _goes_on(self, waiting: Columns, block: Columns) -> bool:
        if self._one_row_each:
            return False
        return bool(self._keys(waiting, [-1]) == self._keys(block, [0]))

    def _keys(self, block: Columns, rows: list[int]) -> list[Any]:
        return id_keys([block.columns[name][rows] for name in self._ids])

    def _note(self, block: Columns, edges: list[int], start: int) -> None:
        """Take note of sequences of a block that begin and end at these edges."""
        keys = self._keys(block, edges[:-1])
        for key, (begin, end) in zip(keys, pairwise(edges), strict=True):
            self._end(key, start + begin, start + end - 1, block, begin)

    def _end(self, key: Any, begin: int, last: int, block: Columns, row: int) -> None:
        before = self._last_row.get(key)
        if before is not None and key is not None:
            self._refuse(block, row, before, begin)
        self._last_row[key] = last

    def _refuse(self, block: Columns, row: int, before: int, again: int) -> None:
        called = ", ".join(f"{name} {shown(block.columns[name][row])}" for name in self._ids)
        if self._one_row_each:
            raise ReaderError(
                f"{block.source}: {called} is in {self.place(before)} and in {self.place(again)}, "
                "but a table with lists has one row for each sequence"
            )
        raise ReaderError(
            f"{block.source}: the rows of {called} do not stand together: they end in "
            f"{self.place(before)} and go on in {self.place(again)}, after those of others. To "
            "build a store, a table is read some rows at a time: sort it by its id first, or, if "
            "it fits in memory, pass a block_size= of more bytes than it takes"
        )

    def _ended(self, parts: list[Columns], end: int) -> Columns:
        """The rows of one sequence, which has ended before the row `end`."""
        whole = _joined(parts)
        begin = end - whole.n_rows
        key = self._keys(whole, [0])[0]
        self._end(key, begin, end - 1, whole, 0)
        return self._placed(whole, begin)

    def _placed(self, columns: Columns, start: int) -> Columns:
        return replace(columns, place=lambda row: self.place(start + row))

    def place(self, row: int) -> str:
        """Where a row of the whole table is."""
        i = bisect.bisect_right(self._starts, row) - 1
        return str(self._places[i](row - self._starts[i]))


def _rows(block: Columns, start: int, stop: int) -> Columns:
    columns = {name: column[start:stop] for name, column in block.columns.items()}
    return replace(block, columns=columns, n_rows=stop - start)


def _copied(rows: Columns) -> Columns:
    """Rows that do not keep the block alive of which they are a part."""
    return replace(rows, columns={name: column.copy() for name, column in rows.columns.items()})


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns
    }
    return replace(parts[0], columns=columns, n_rows=sum(part.n_rows for part in parts))
