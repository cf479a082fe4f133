"""Steps some of whose columns are categories; what a recurrent layer makes of them, and back.

A category that is fed one-hot picks a row of W_x. One with an embedding E has a vector, its row of
E, and the product of that with its rows of W_x is again one row: of E W_x. A recurrent layer
therefore gives its backend a table with a row for each category that a batch names
(`elman.backends.contract.Coded`), and neither the ones and zeros nor the vectors of all steps are
ever made.

The rows of W_x begin with those of the first column of categories, as many as it has categories if
it is fed one-hot, and else as its vectors are long; those of the other columns follow, and then
those of the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend

Array = NDArray[Any]
Columns = tuple[tuple[int, int], ...]
"""For each column of categories how many there are, and the length of their vectors; 0: the column
is fed one-hot"""


def embedding_name(column: int) -> str:
    """What the matrix of a column of categories is called."""
    return f"embedding{column}.E"


def embeddings_of(columns: Columns) -> tuple[str, ...]:
    """The names of all matrices, in the order of the columns that have one."""
    return tuple(embedding_name(k) for k, (_, size) in enumerate(columns) if size)


def n_rows(columns: Columns) -> int:
    """How many rows of W_x belong to columns of categories."""
    return sum(size or n_categories for n_categories, size in columns)


def fan_in(columns: Columns, n_numbers: int) -> int:
    """How many inputs of a step are of about size 1: of a column that is fed one-hot it is one."""
    return sum(size or 1 for _, size in columns) + n_numbers


def blocks_of(W_x: Array, columns: Columns) -> list[Array]:
    """The rows of W_x that belong to each column: views."""
    blocks, start = [], 0
    for column in columns:
        stop = start + n_rows((column,))
        blocks.append(W_x[start:stop])
        start = stop
    return blocks


class Named(NamedTuple):
    """The categories of one column that a batch names."""

    rows: NDArray[np.intp] | None
    """which they are, ascending; None: all of the column, named or not"""
    vectors: Array | None
    """(that many, size), of the embedding; None: the column is fed one-hot"""
    trained: bool = False
    """whether the gradient at the vectors is asked for"""


def all_named(columns: Columns, params: Mapping[str, Array]) -> tuple[Named, ...]:
    """All categories of each column, for a table that any step may name a row of."""
    return tuple(
        Named(None, params[embedding_name(k)] if size else None)
        for k, (_, size) in enumerate(columns)
    )


class CodedSteps(NamedTuple):
    """Steps as the first recurrent layer takes them if some of their columns are categories."""

    numbers: Array
    """(n_samples, n_timesteps, n_numbers), the other columns"""
    codes: NDArray[np.int32]
    """(n_samples, n_timesteps, n_codes): the place of a category among all that are named, those of
    the first column first; 0 past a sample's end"""
    named: tuple[Named, ...]
    """of each column"""

    def turned(self, turn: Callable[[Array], Array]) -> CodedSteps:
        """The same with `turn` applied to the time steps."""
        return CodedSteps(turn(self.numbers), turn(self.codes), self.named)


class CodedGradient(NamedTuple):
    """The gradient at `CodedSteps`."""

    dnumbers: Array | None
    """as `CodedSteps.numbers`, or None where nobody asks"""
    dvectors: tuple[Array | None, ...]
    """as `Named.vectors` of each column, or None where nobody asks"""

    def plus(self, other: CodedGradient, turn: Callable[[Array], Array]) -> CodedGradient:
        """The sum with that of a second direction, whose time steps `turn` puts in order."""
        dnumbers = None
        if self.dnumbers is not None and other.dnumbers is not None:
            dnumbers = self.dnumbers + turn(other.dnumbers)
        pairs = zip(self.dvectors, other.dvectors, strict=True)
        return CodedGradient(
            dnumbers, tuple(None if a is None or b is None else a + b for a, b in pairs)
        )


def table_of(named: Sequence[Named], blocks: Sequence[Array], backend: Backend) -> Array:
    """What each named category adds to x W_x; the rows of W_x themselves where those are all.

    Parameters
    ----------
    named : sequence of Named
        Of each column.
    blocks : sequence of ndarray
        The rows of W_x of each column, as `blocks_of` cuts them.
    backend : Backend

    Returns
    -------
    ndarray of shape (named categories of all columns, columns of W_x)
    """
    parts = []
    for each, block in zip(named, blocks, strict=True):
        if each.vectors is not None:
            zeros = np.zeros(block.shape[1], block.dtype)
            parts.append(backend.linear_forward(each.vectors, block, zeros))
        else:
            parts.append(block if each.rows is None else block[each.rows])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def table_backward(
    dtable: Array,
    named: Sequence[Named],
    blocks: Sequence[Array],
    dblocks: Sequence[Array],
    backend: Backend,
) -> tuple[Array | None, ...]:
    """Take the gradient at the table back: to the rows of W_x, and to the vectors that are trained.

    Parameters
    ----------
    dtable : ndarray
        Of the shape that `table_of` gave.
    named, blocks, backend
        As `table_of` takes them.
    dblocks : sequence of ndarray
        Where the gradients at the rows of W_x are written, all of them.

    Returns
    -------
    tuple of ndarray or None
        Of each column that at its vectors, if it has any that are trained.
    """
    dvectors: list[Array | None] = []
    start = 0
    for (rows, vectors, trained), block, dblock in zip(named, blocks, dblocks, strict=True):
        n = len(block) if rows is None else len(rows)
        if vectors is not None:
            n = len(vectors)
        own = dtable[start : start + n]
        start += n
        if vectors is not None:
            into = dblock, np.empty(block.shape[1], block.dtype)  # there is no bias
            dvectors.append(
                backend.linear_backward(own, vectors, block, need_dX=trained, out=into)[0]
            )
            continue
        dvectors.append(None)
        into_rows(dblock, rows, own)
    return tuple(dvectors)


def into_rows(out: Array, rows: NDArray[np.intp] | None, values: Array) -> None:
    """Write values to these rows of `out`, None being all, and 0 to the others."""
    if rows is None:
        out[...] = values
    else:
        out.fill(0)
        out[rows] = values
