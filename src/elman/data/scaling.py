"""Sequences in; mean and deviation of each feature, and the same sequences standardised, out.

Everything is read a block at a time, so that memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.data.sequences import BLOCK_VALUES, Sequences, first_infinite, first_not_finite

Array = NDArray[Any]
Float64s = NDArray[np.float64]

ROW_VALUES = 1 << 10  # values along one row of elementwise work


class Standardisation(NamedTuple):
    """What is subtracted from a feature, and what it is divided by."""

    mean: Float64s
    """(n_features,)"""
    scale: Float64s
    """(n_features,), no zeros"""


# Statistics


def location_and_scale(data: Sequences, sample_weight: Float64s | None = None) -> Standardisation:
    """Mean and deviation of each feature over all time steps, in float64.

    Where NaN is allowed, over the steps at which the feature was observed; (0, 1) if there is none.

    A feature that never changes has its own value as the mean and 1 as the deviation, so that it
    becomes 0; its computed deviation need not be 0, for a mean has rounding.

    Parameters
    ----------
    data : Sequences
    sample_weight : ndarray of shape (n_samples,), float64, optional
        Weight of each sample; every step of a sample counts with it.
    """
    ends = _Ends(data.n_features)
    mean, std = _moments(data, sample_weight, ends)
    if not ends.any_seen:  # there is no weight, but there may be steps
        _see_all(data, ends)
    lowest, highest = data.ends = ends.lowest, ends.highest
    constant = lowest == highest
    mean, std = np.where(constant, lowest, mean), np.where(constant, 1.0, std)
    rounding = 10 * np.finfo(np.float64).eps * np.abs(mean)
    return Standardisation(mean, np.where(std > rounding, std, 1.0))


def moments(data: Sequences, sample_weight: Any = None) -> tuple[Float64s, Float64s]:
    """Mean and standard deviation of each feature over all time steps.

    Where NaN is allowed, over the steps at which the feature was observed.

    Parameters
    ----------
    data : Sequences
    sample_weight : array-like of shape (n_samples,), optional
        Weight of each sample; every step of a sample counts with it.

    Returns
    -------
    mean, std : ndarray of shape (n_features,), float64
        Weighted population moments (division by the sum of weights), by two passes. Zeros if
        there is no step, or no weight.
    """
    return _moments(data, sample_weight, _Ends(data.n_features))


class _Ends:
    """The lowest and the highest value of each feature, of the blocks that were seen."""

    def __init__(self, n_features: int) -> None:
        self.lowest, self.highest = np.full(n_features, np.nan), np.full(n_features, np.nan)
        self.any_seen = False

    def see(self, block: Array) -> None:
        """Take some steps into account; NaN is left out."""
        self.any_seen = True
        np.fmin(self.lowest, np.fmin.reduce(block, axis=0), out=self.lowest)
        np.fmax(self.highest, np.fmax.reduce(block, axis=0), out=self.highest)


def _see_all(data: Sequences, ends: _Ends) -> None:
    for block in data.blocks():
        ends.see(block)


def _moments(data: Sequences, sample_weight: Any, ends: _Ends) -> tuple[Float64s, Float64s]:
    """As `moments`, which also sees the lowest and highest values, unless there is no weight."""
    total: Any
    weights: Float64s | None = None
    if sample_weight is None:
        total = float(data.n_steps)
    else:
        weights = np.asarray(sample_weight, dtype=np.float64)
        if weights.shape != (len(data),):
            raise ValueError(
                f"sample_weight has shape {weights.shape}; expected ({len(data)},), "
                "one weight for each sample of X"
            )
        total = float(np.sum(weights * data.lengths))
    if total <= 0:
        return np.zeros(data.n_features), np.zeros(data.n_features)
    gaps = data.missing != "error"
    if gaps:
        total = _observed_weight(data, weights)

    # Powers of two, so that neither sums nor squares of huge values leave the range of float64.
    wide = data.dtype == np.float64  # squares of float32 always fit in float64
    if wide:
        _see_all(data, ends)
    unit = _feature_units(ends) if wide else np.ones(data.n_features)
    mean = np.zeros(data.n_features)
    for block, of_steps in _weighted_blocks(data, weights):
        if not wide:
            ends.see(block)
        mean += _weighted_sum(_filled(block / unit, gaps), of_steps)
    mean /= total
    variance = np.zeros(data.n_features)
    for block, of_steps in _weighted_blocks(data, weights):
        deviation = _filled(block / unit - mean, gaps)
        variance += _weighted_sum(deviation * deviation, of_steps)
    variance /= total
    return mean * unit, np.sqrt(variance) * unit


def _weighted_blocks(
    data: Sequences, weights: Float64s | None
) -> Iterator[tuple[Array, Float64s | None]]:
    """The steps block by block, each with the weights of its steps if there are any."""
    start = 0
    for block in data.blocks():
        stop = start + len(block)
        of_steps = None
        if weights is not None:
            first, last = np.searchsorted(data.offsets, [start, stop - 1], side="right") - 1
            begins, ends = data.offsets[first : last + 1], data.offsets[first + 1 : last + 2]
            counts = np.minimum(ends, stop) - np.maximum(begins, start)
            of_steps = np.repeat(weights[first : last + 1], counts)
        yield block, of_steps
        start = stop


def _weighted_sum(block: Array, weights: Float64s | None) -> Array:
    # Not a matrix product: BLAS may sum in another order with another number of threads.
    if weights is not None:
        block = block * weights[:, np.newaxis]
    total: Array = block.sum(axis=0)
    return total


def _filled(fresh: Array, gaps: bool) -> Array:
    """Put 0 for NaN, in place, if NaN is allowed; nothing else may hold the array."""
    if gaps:
        fresh[np.isnan(fresh)] = 0
    return fresh


def _observed_weight(data: Sequences, weights: Float64s | None) -> Array:
    """For each feature the weight of the steps at which it is not NaN; 1 instead of 0."""
    total = np.zeros(data.n_features)
    for block, of_steps in _weighted_blocks(data, weights):
        total += _weighted_sum(~np.isnan(block), of_steps)
    return np.where(total > 0, total, 1.0)


def _feature_units(ends: _Ends) -> Array:
    """For each feature a power of two near its largest magnitude if that is extreme, else 1."""
    largest = np.fmax(np.fmax(np.abs(ends.lowest), np.abs(ends.highest)), 0.0)
    extreme = ((largest > 2.0**400) | (largest < 2.0**-400)) & (largest > 0)
    _, exponent = np.frexp(largest)
    unit: Array = np.ldexp(1.0, np.where(extreme, np.maximum(exponent - 1, -1022), 0))
    return unit


# Scaling


def scaled(data: Sequences, mean: Any, scale: Any, dtype: DTypeLike = np.float32) -> Sequences:
    """(x - mean) / scale of every step, computed in float64 and stored as `dtype`: a copy.

    NaN stays NaN where it is allowed.

    Parameters
    ----------
    data : Sequences
    mean, scale : array-like of shape (n_features,)
        `scale` has no zeros.
    dtype : {float32, float64}
        Of the result.

    Raises
    ------
    ValueError
        If a scaled value does not fit in `dtype`.
    """
    out = np.empty((data.n_steps, data.n_features), dtype=dtype)
    start = 0
    for block in scaled_blocks(data, mean, scale, dtype):
        out[start : start + len(block)] = block
        start += len(block)
    result = Sequences(out, data.lengths, two_d=data.two_d)
    result.missing, result.feature_names = data.missing, data.feature_names
    return result


def scaled_blocks(data: Sequences, mean: Any, scale: Any, dtype: DTypeLike) -> Iterator[Array]:
    """As `scaled`, a block of steps at a time.

    Raises
    ------
    ValueError
        If a scaled value does not fit in `dtype`, once its block is reached.
    """
    mean, scale = np.asarray(mean, np.float64), np.asarray(scale, np.float64)
    look = first_not_finite if data.missing == "error" else first_infinite
    start = 0
    for block in data.blocks():
        out = np.empty(block.shape, dtype)
        finite = standardise(block, mean, scale, out)
        bad = None if finite else look(out)
        if bad is not None:
            place = data.place(start * data.n_features + bad)
            feature = bad % data.n_features
            raise ValueError(
                f"X: {place} is "
                f"{float(block.ravel()[bad])!r}, so far from this feature's mean "
                f"{float(mean[feature])!r} that it leaves the range of {out.dtype} once divided by "
                f"{float(scale[feature])!r}: correct the value"
            )
        yield out
        start += len(block)


def standardise(values: Array, mean: Array, scale: Array, out: Array) -> bool:
    """Write (values - mean) / scale, computed in float64, to `out`; bounded memory.

    Returns whether all of it is finite.

    Parameters
    ----------
    values, out : ndarray of shape (n_steps, n_features), C-contiguous
        What does not fit in `out` becomes infinite, without a warning.
    mean, scale : ndarray of shape (n_features,), float64
    """
    n_steps, n_features = values.shape
    # Many steps as one long row, because NumPy's inner loop runs along a row.
    n_joined = max(1, ROW_VALUES // max(1, n_features))
    n_whole = n_steps - n_steps % n_joined
    with np.errstate(over="ignore", invalid="ignore"):
        if n_whole:
            source, target = (a[:n_whole].reshape(-1, n_joined * n_features) for a in (values, out))
            means, scales = (np.tile(row, n_joined) for row in (mean, scale))
            n_rows = max(1, BLOCK_VALUES // (8 * source.shape[1]))
            for start in range(0, len(source), n_rows):
                rows = slice(start, start + n_rows)
                shifted = source[rows] - means
                shifted /= scales
                target[rows] = shifted
        if n_whole < n_steps:
            out[n_whole:] = (values[n_whole:] - mean) / scale
    return first_not_finite(out) is None
