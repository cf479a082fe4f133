"""The rows of a long table in any order; the steps of each sequence, end to end, out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Indices = NDArray[np.int64]

BLOCK = 4096
"""Sequences whose bounds are integers of Python at a time."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Which rows are the steps of which sequence."""

    order: Indices | None
    """(n_rows,): the row of each step, the steps of all sequences end to end; None if the rows are
    in this order already"""
    offsets: Indices
    """(n_sequences + 1,): sequence i has the steps from offsets[i] to offsets[i + 1]"""

    @property
    def n_sequences(self) -> int:
        """How many sequences there are."""
        return len(self.offsets) - 1

    def steps(self, column: Array) -> Array:
        """The values of a column in the order of the steps."""
        return column if self.order is None else column[self.order]

    def row(self, step: int) -> int:
        """The row of a step."""
        return step if self.order is None else int(self.order[step])

    def sequence_of(self, step: Any) -> Any:
        """The sequence that a step, or each of several, belongs to."""
        return np.searchsorted(self.offsets, step, side="right") - 1

    def split(self, values: Array) -> list[Array]:
        """Values of all steps, cut into those of each sequence: views, not copies."""
        return list(self.parts(values))

    def parts(self, values: Array) -> Iterator[Array]:
        """What `split` gives, one after the other."""
        for i in range(0, self.n_sequences, BLOCK):  # as few integers of Python at a time
            ends = self.offsets[i : i + BLOCK + 1].tolist()
            for a, b in itertools.pairwise(ends):
                yield values[a:b]


def first_rows(columns: list[Array]) -> tuple[Indices, Indices]:
    """Rows that agree in all columns, numbered in the order of their first appearance.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
        The number of each row's group, from 0.
    firsts : ndarray of shape (n_groups,)
        The first row of each group.
    """
    codes, firsts = _first_rows(columns[0])
    for column in columns[1:]:
        more, n = _first_rows(column)
        codes, firsts = _first_rows(codes * len(n) + more)
    return codes, firsts


def _first_rows(column: Array) -> tuple[Indices, Indices]:
    n_rows = len(column)
    changes = np.asarray(column[1:] != column[:-1]).astype(bool)
    starts = np.flatnonzero(np.concatenate([np.ones(min(n_rows, 1), bool), changes]))
    if column.dtype.kind in "iuM":
        is_first, numbers = _numbered(column[starts])
        return np.repeat(numbers, np.diff(starts, append=n_rows)), starts[is_first]
    known: dict[Any, int] = {}
    # The first run of rows that has the value of each run: `setdefault` is the loop, in C.
    values = column[starts].tolist()
    first = np.fromiter(map(known.setdefault, values, range(len(starts))), np.int64)
    is_first = first == np.arange(len(starts))
    numbers = (np.cumsum(is_first) - 1)[first]
    lengths = np.diff(starts, append=n_rows)
    return np.repeat(numbers, lengths), starts[is_first]


def _numbered(values: Array) -> tuple[NDArray[np.bool_], Indices]:
    """Which of the integers or dates are not among those before, and the number of each."""
    n = len(values)
    if bool((values[1:] > values[:-1]).all()):
        return np.ones(n, bool), np.arange(n)
    order = np.argsort(values, kind="stable")
    sorted_values = values[order]
    is_new = np.concatenate([np.ones(min(n, 1), bool), sorted_values[1:] != sorted_values[:-1]])
    first = np.empty(n, np.int64)
    first[order] = order[is_new][np.cumsum(is_new) - 1]
    is_first = first == np.arange(n)
    return is_first, (np.cumsum(is_first) - 1)[first]


def grouped(codes: Indices, n_groups: int, time: Array | None) -> Groups:
    """Rows by the number of their group, and within it by time, or else in the order they are in.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        The number of each row's group.
    n_groups : int
        How many groups there are.
    time : ndarray of shape (n_rows,), or None
        What the rows of a group are sorted by: numbers or dates, none of them missing.
    """
    offsets = np.zeros(n_groups + 1, np.int64)
    np.cumsum(np.bincount(codes, minlength=n_groups), out=offsets[1:])
    same = codes[1:] == codes[:-1]
    in_order = bool((codes[1:] >= codes[:-1]).all())
    if in_order and (time is None or bool((~same | (time[1:] >= time[:-1])).all())):
        return Groups(None, offsets)
    if time is None:
        return Groups(np.argsort(codes, kind="stable"), offsets)
    if in_order and not same.any():
        return Groups(None, offsets)
    return Groups(np.lexsort((time, codes)), offsets)


def repeated_time(groups: Groups, time: Array) -> tuple[int, int] | None:
    """The first two rows of one sequence that have the same time, if there are any."""
    times = groups.steps(time)
    same = times[1:] == times[:-1]
    last = groups.offsets[1:-1] - 1
    same[last[(last >= 0) & (last < len(same))]] = False  # these are of two sequences
    found = np.flatnonzero(same)
    if not len(found):
        return None
    later = found + 1 if groups.order is None else groups.order[found + 1]
    step = int(found[np.argmin(later)])
    return groups.row(step), groups.row(step + 1)


def differences(groups: Groups, time: Array) -> Array:
    """The time from the step before to each step, 0 at the first of a sequence; seconds of dates.

    Parameters
    ----------
    time : ndarray of shape (n_rows,)
        In the order of the rows.
    """
    times = groups.steps(time)
    found = np.zeros(len(times))
    if times.dtype.kind == "f":
        found[1:] = np.diff(times.astype(np.float64))
    else:
        # Within a sequence no difference is negative, and modulo 2^64 none is too large.
        whole = times.view(np.int64) if times.dtype.kind == "M" else times
        wide = whole.astype(np.int64 if whole.dtype.kind == "i" else np.uint64)
        found[1:] = np.diff(wide.view(np.uint64))
    first = groups.offsets[:-1]
    found[first[first < len(found)]] = 0
    return found / 1e9 if times.dtype.kind == "M" else found
