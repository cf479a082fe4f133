"""Finds where a batch can be cut so that the gradients of its parts add up to the same bits.

A gradient of weights is a sum over samples, taken over fixed groups in a fixed tree: neighbours
first, then neighbours of sums (`elman.backends.contract.Backend.group_rows`). Two sums with groups
of other sizes have a border in common where 2^k groups of the one end with 2^l of the other: then
both trees have a branch there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def samples_in_branch(group_rows: int, rows_per_sample: int, n_samples: int) -> int:
    """Samples in the smallest branch of a tree over rows that ends where a sample does.

    Parameters
    ----------
    group_rows : int
        Rows in a group.
    rows_per_sample : int
    n_samples : int
        In the batch: the answer if no branch but the whole tree does.
    """
    if rows_per_sample < 1:
        return n_samples
    rows = group_rows
    while rows < rows_per_sample * n_samples:
        if rows % rows_per_sample == 0:
            return rows // rows_per_sample
        rows *= 2
    return n_samples


def common_branch(sizes: Iterable[int], n_samples: int) -> int:
    """Samples in the smallest part of a batch that is a branch of every one of several trees.

    Parameters
    ----------
    sizes : iterable of int
        Samples in the smallest branch of each tree.
    n_samples : int
        In the batch: the answer if only the whole batch is such a part.
    """
    sizes = list(sizes)
    size = max(sizes)
    for smaller in sizes:
        ratio, rest = divmod(size, smaller)
        if rest or ratio & (ratio - 1):  # not 2^k of it
            return n_samples
    return min(size, n_samples)


def add_in_tree(vectors: Sequence[Array]) -> Array:
    """The sum of vectors, at least one: neighbours first, then neighbours of sums."""
    sums = list(vectors)
    while len(sums) > 1:
        pairs = [a + b for a, b in zip(sums[::2], sums[1::2], strict=False)]
        sums = pairs + sums[2 * len(pairs) :]
    return sums[0]
