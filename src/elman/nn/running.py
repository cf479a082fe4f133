"""States one step after another in; the readout of all so far out, in the memory of one state.

Every row is a sample of its own. The bits are those of `elman.nn.readouts` over whole sequences.

Attention weighs states by exp(score), of which only ratios matter. So that a new largest score can
shift what was summed before without rounding it, exp(s) is held as r 2^k with r in [0.7, 1.42]:
a change of the power of two is exact, unless a product falls below the smallest normal number.

Sums are kept in float64, whatever the dtype of the states, because a sum in float32 stops growing
after 2^24 equal steps and is wrong long before. At the end sum and divisor are rounded to the dtype
of the states and divided. The error of a mean of n states, relative to the mean of their absolute
values, is at most n 2^-53 from the sum (1.1e-7 after 10^9 steps), and in float32 1.8e-7 from the
roundings at the end. For attention the first part can be twice as large, because its weights are
summed as well.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend

Array = NDArray[Any]
Rows = NDArray[np.int64] | slice
ALL = slice(None)

LARGEST = 2.0**40
"""Where scores are cut off, so that they and their powers of two stay apart by whole numbers."""
NOTHING = -4 * LARGEST
"""The power of two of what weighs nothing."""
_SMALLEST_RATIO = -5000  # as a power of two: far below what float64 can hold
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # 32 bits of ln 2, so that k * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10
_TAYLOR = [1 / math.factorial(i) for i in range(12, -1, -1)]
_BLOCK = 256  # steps converted to float64 at a time


def split_exp(x: Array) -> tuple[Array, Array]:
    """R and k, in float64, with exp(x) = r 2^k, k integers, r in [0.7, 1.42].

    Of additions and multiplications in a fixed order, so that the kernel can have the same bits.

    Parameters
    ----------
    x : ndarray, float32 or float64
        Cut off at `LARGEST`.

    Returns
    -------
    r : ndarray of the same shape
        By the Taylor series to the 13th power; its first omitted term is below 2^-57.
    k : ndarray of the same shape
    """
    exact = np.clip(x.astype(np.float64), -LARGEST, LARGEST)
    k = np.rint(exact * _LOG2_E)
    rest = (exact - k * _LN2_HIGH) - k * _LN2_LOW
    r = np.full(x.shape, 1 / math.factorial(13))
    for factor in _TAYLOR:
        r *= rest
        r += factor
    return r, k


def times_power(r: Array, k: Array) -> Array:
    """R 2^k for k <= 0, as `split_exp` gives them."""
    return np.ldexp(r, np.maximum(k, _SMALLEST_RATIO).astype(np.intc))


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


def means_over_time(A: Array) -> Array:
    """The mean of every prefix of A (n_samples, n_timesteps, width), summed in float64."""
    n_samples, n_timesteps, width = A.shape
    means = np.empty_like(A)
    total = np.zeros((n_samples, width))
    for begin in range(0, n_timesteps, _BLOCK):
        block = A[:, begin : begin + _BLOCK].astype(np.float64, order="C")
        block[:, 0] += total
        sums = np.add.accumulate(block, axis=1)
        total = sums[:, -1]
        n_steps = np.arange(begin + 1, begin + 1 + block.shape[1]).astype(A.dtype)
        means[:, begin : begin + _BLOCK] = sums.astype(A.dtype) / n_steps[:, np.newaxis]
    return means


def attention_scores(H: Array, query: Array, backend: Backend) -> Array:
    """States (n, width) -> h . q / sqrt(width), (n,)."""
    zero = np.zeros(1, query.dtype)
    scores = backend.linear_forward(H, query[:, np.newaxis], zero)[:, 0]
    return np.asarray(scores * H.dtype.type(1 / math.sqrt(len(query))))


class Running(Protocol):
    """A readout taken while the states are made."""

    state: dict[str, Array]
    """what is kept of each row, by name; changed in place"""

    def take(self, h: Array, rows: Rows = ALL) -> None:
        """The states (n, width) after one more step, of which only these rows took it."""
        ...

    def value(self, n_steps: NDArray[np.int64]) -> Array:
        """(n, width) after so many steps of each row; without a step it means nothing."""
        ...


class RunningMean:
    """See `Running`."""

    def __init__(self, n_rows: int, width: int, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.sum = np.zeros((n_rows, width))
        self.state = {"readout.sum": self.sum}

    def take(self, h: Array, rows: Rows = ALL) -> None:
        """See `Running.take`."""
        self.sum[rows] += h[rows]

    def value(self, n_steps: NDArray[np.int64]) -> Array:
        """See `Running.value`."""
        n = np.maximum(n_steps, 1).astype(self.dtype)
        means = self.sum.astype(self.dtype) / n[:, np.newaxis]
        return np.asarray(means + self.dtype.type(0))  # the sign of a zero is not told apart


class RunningMax:
    """See `Running`."""

    def __init__(self, n_rows: int, width: int, dtype: Any) -> None:
        self.largest = np.full((n_rows, width), -np.inf, dtype)
        self.state = {"readout.largest": self.largest}

    def take(self, h: Array, rows: Rows = ALL) -> None:
        """See `Running.take`."""
        self.largest[rows] = np.maximum(self.largest[rows], h[rows])

    def value(self, n_steps: NDArray[np.int64]) -> Array:
        """See `Running.value`."""
        return np.asarray(self.largest + self.largest.dtype.type(0))


class RunningAttention:
    """See `Running`; what is summed is in units of 2^exponent."""

    def __init__(self, n_rows: int, query: Array, backend: Backend) -> None:
        self._query, self._backend = query, backend
        self.sum = np.zeros((n_rows, len(query)))
        self.weight = np.zeros(n_rows)
        self.exponent = np.zeros(n_rows)
        self.state = {
            "readout.sum": self.sum,
            "readout.weight": self.weight,
            "readout.exponent": self.exponent,
        }

    def take(self, h: Array, rows: Rows = ALL) -> None:
        """See `Running.take`."""
        h = np.ascontiguousarray(h[rows])
        self.take_scored(h, attention_scores(h, self._query, self._backend), rows)

    def take_scored(self, h: Array, scores: Array, rows: Rows = ALL) -> None:
        """`take`, of rows whose scores are known."""
        r, k = split_exp(scores)
        first = self.weight[rows] == 0
        exponent = np.where(first, k, np.maximum(k, self.exponent[rows]))
        kept = times_power(np.ones_like(r), np.where(first, 0, self.exponent[rows] - exponent))
        weight = times_power(r, k - exponent)
        self.exponent[rows] = exponent
        self.weight[rows] = self.weight[rows] * kept + weight
        self.sum[rows] = self.sum[rows] * kept[:, np.newaxis] + h * weight[:, np.newaxis]

    def value(self, n_steps: NDArray[np.int64]) -> Array:
        """See `Running.value`."""
        weight = np.where(self.weight == 0, 1, self.weight)
        dtype = self._query.dtype
        means = self.sum.astype(dtype) / weight.astype(dtype)[:, np.newaxis]
        return np.asarray(means + means.dtype.type(0))


def make_running(
    readout: str, n_rows: int, width: int, dtype: Any, query: Array | None, backend: Backend
) -> Running | None:
    """The readout of that name; None where it is the state itself: "last" and "every"."""
    if readout == "mean":
        return RunningMean(n_rows, width, dtype)
    if readout == "max":
        return RunningMax(n_rows, width, dtype)
    if readout == "attention" and query is not None:
        return RunningAttention(n_rows, query, backend)
    return None
