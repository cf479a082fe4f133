"""Hidden states in; their sums over time, in float64, one step after another, out.

Sums are kept in float64, whatever the dtype of the states, because a sum in float32 stops growing
after 2^24 equal steps and is wrong long before. At the end sum and divisor are rounded to the dtype
of the states and divided. The error of a mean of n states, relative to the mean of their absolute
values, is at most n 2^-53 from the sum (1.1e-7 after 10^9 steps), and in float32 1.8e-7 from the
roundings at the end. For attention the first part can be twice as large, because its weights are
summed as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_BLOCK = 256  # steps converted to float64 at a time


def sum_over_time(
    A: Array, weights: NDArray[np.float64] | None = None, start: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Sum over time in float64, one step after another, however many of them are padding.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_timesteps, width)
    weights : ndarray of shape (n_samples, n_timesteps), optional
        What each step is multiplied by.
    start : ndarray of shape (n_samples, width), optional
        The sum of the steps before these.

    Returns
    -------
    ndarray of shape (n_samples, width)
        The same bits whether the steps come in one array or in several, one after the other.
    """
    n_samples, n_timesteps, width = A.shape
    total = np.zeros((n_samples, width)) if start is None else start
    if n_timesteps == 1:  # as below, at half the cost for a stream
        return np.asarray(total + (A[:, 0] if weights is None else A[:, 0] * weights))
    for begin in range(0, n_timesteps, _BLOCK):
        block = A[:, begin : begin + _BLOCK].astype(np.float64, order="C")
        if weights is not None:
            block *= weights[:, begin : begin + _BLOCK, np.newaxis]
        block[:, 0] += total
        if width == 1:
            # NumPy would sum one long row in pieces, whose number changes with the padding
            total = np.add.accumulate(block, axis=1)[:, -1]
        else:
            total = np.add.reduce(block, axis=1)
    return total


def sums_over_time(
    A: Array, start: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """All sums that `sum_over_time` goes through, a block of steps at a time.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_timesteps, width)
    start : ndarray of shape (n_samples, width)
        The sum of the steps before these.

    Yields
    ------
    steps : slice
        Which steps.
    sums : ndarray of shape (n_samples, n_steps, width)
        The sum up to each of them.
    """
    total = start
    for begin in range(0, A.shape[1], _BLOCK):
        steps = slice(begin, begin + _BLOCK)
        block = A[:, steps].astype(np.float64, order="C")
        block[:, 0] += total
        sums = np.add.accumulate(block, axis=1)
        total = sums[:, -1]
        yield steps, sums
