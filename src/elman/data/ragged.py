"""The rows of samples end to end in, a list with an array for each sample out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SEQUENCE_BYTES = 160
"""What a list of arrays takes for each of them beside its values."""
EMPTY_BYTES = 8
"""What it takes for each that has no rows."""
BLOCK = 4096


def split_rows(rows: Array, lengths: NDArray[Any]) -> list[Array]:
    """The rows of each sample.

    Parameters
    ----------
    rows : ndarray of shape (total, ...)
    lengths : ndarray of shape (n_samples,), integers
        How many rows each sample has; they sum to total.

    Returns
    -------
    list of ndarray
        Views of `rows`; samples without rows are one and the same empty array.
    """
    found: list[Array] = []
    empty = rows[:0]
    start = 0
    for block in range(0, len(lengths), BLOCK):
        ends = np.cumsum(lengths[block : block + BLOCK], dtype=np.int64) + start
        bounds = [start, *ends.tolist()]
        found += [rows[a:b] if a < b else empty for a, b in pairwise(bounds)]
        start = bounds[-1]
    return found
