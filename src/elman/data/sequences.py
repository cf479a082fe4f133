"""Validated sequences in; subsets, padded batches and per-feature moments out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.contract import Fused

Array = NDArray[Any]
Indices = NDArray[np.int64]

BLOCK_VALUES = 1 << 18  # values looked at in one piece: 1-2 MiB, so temporaries stay in cache
ROW_VALUES = 1 << 10  # values along one row of elementwise work


class Batch(NamedTuple):
    """A few sequences, ready for a backend."""

    X: Array
    """(b, n_timesteps, n_features), C-contiguous, zero past each sample's end"""
    lengths: NDArray[np.int64] | None
    """(b,), longest first; None if every sample has n_timesteps steps"""
    order: Indices
    """(b,), which sample of the `Sequences` each row is"""
    kept: NDArray[np.bool_] | None = None
    """(b, steps of the longest before any was left out), which steps X has; None if it has all"""


class Sequences:
    """Sequences of equal or unequal lengths, end to end in one array.

    `check_sequences` makes these from what a user passes. An array of equal-length sequences whose
    dtype and layout already fit is held, not copied; it is never written.

    Parameters
    ----------
    values : ndarray of shape (total_steps, n_features)
        Every time step of every sample, in order; C-contiguous float32 or float64.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample, summing to total_steps; 0 is allowed.
    two_d : bool, default=False
        Whether the user's X was 2-D: one feature, a column per time step.

    Attributes
    ----------
    values : ndarray of shape (total_steps, n_features)
    lengths : ndarray of shape (n_samples,), int64
    offsets : ndarray of shape (n_samples + 1,), int64
        Sample i is `values[offsets[i] : offsets[i + 1]]`.
    n_timesteps : int or None
        The length of every sample, or None if they differ.
    two_d : bool
    refuse : callable or None
        Nobody has looked yet whether all values are finite, and this raises the error if one is
        not: for who reads them once, from a slow memory.
    missing : {"error", "keep", "mask", "skip"}
        What NaN is to become; "error" if there is none, or if it is to be refused. "keep" is for
        who only counts and scales what was observed. See `elman.data.missing`.
    """

    __slots__ = ("lengths", "missing", "n_timesteps", "offsets", "refuse", "two_d", "values")

    def __init__(self, values: Array, lengths: Any, *, two_d: bool = False) -> None:
        self.values = values
        self.lengths: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
        self.offsets: NDArray[np.int64] = np.zeros(len(self.lengths) + 1, dtype=np.int64)
        np.cumsum(self.lengths, out=self.offsets[1:])
        if values.ndim != 2 or self.offsets[-1] != len(values):
            raise ValueError(
                f"lengths sum to {self.offsets[-1]}, but values has shape {values.shape}: "
                "it must be (total_steps, n_features)"
            )
        equal = len(self.lengths) > 0 and bool((self.lengths == self.lengths[0]).all())
        self.n_timesteps: int | None = int(self.lengths[0]) if equal else None
        self.two_d = two_d
        self.refuse: Callable[[], None] | None = None
        self.missing = "error"

    @classmethod
    def from_array(cls, X: Array, *, two_d: bool = False) -> Sequences:
        """Sequences over a C-contiguous (n_samples, n_timesteps, n_features) array, not copied."""
        n_samples, n_timesteps, n_features = X.shape
        values = X.reshape(n_samples * n_timesteps, n_features)
        return cls(values, np.full(n_samples, n_timesteps, dtype=np.int64), two_d=two_d)

    @property
    def n_features(self) -> int:
        """Width of one time step, as the network sees it: 1 for a 2-D X."""
        return int(self.values.shape[1])

    @property
    def n_features_in(self) -> int:
        """`X.shape[-1]` of what the user passed: the number of columns for a 2-D X."""
        if self.two_d:
            return self.n_timesteps or 0
        return self.n_features

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.values.dtype

    @property
    def n_steps(self) -> int:
        """Time steps of all samples together."""
        return len(self.values)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Array:
        """Sample `index`, (n_timesteps_i, n_features): a view."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index %= len(self)
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Array]:
        for i in range(len(self)):
            yield self[i]

    def __repr__(self) -> str:
        steps = (
            f"{self.n_timesteps} steps"
            if self.n_timesteps is not None
            else f"{self.lengths.min(initial=0)} to {self.lengths.max(initial=0)} steps"
        )
        return (
            f"<Sequences: {len(self)} samples, {steps}, {self.n_features} features, {self.dtype}>"
        )

    def where(self, flat_index: int) -> tuple[int, int, int]:
        """Sample, timestep and feature of `values.ravel()[flat_index]`."""
        step, feature = divmod(int(flat_index), self.n_features)
        sample = int(np.searchsorted(self.offsets, step, side="right")) - 1
        return sample, step - int(self.offsets[sample]), feature

    def subset(self, indices: Any) -> Sequences:
        """The samples at `indices` (integers, a mask or a slice), in that order: a copy.

        Raises
        ------
        IndexError
            If an index lies outside the samples.
        """
        order = self._normalised(indices)
        lengths = self.lengths[order]
        if self.n_timesteps is not None:
            picked = self._cube()[order]
            values = picked.reshape(len(order) * self.n_timesteps, self.n_features)
        else:
            # Row r of the result is the r-th step overall: its sample's start plus its own place.
            ends = np.cumsum(lengths)
            rows = np.arange(int(lengths.sum()), dtype=np.int64)
            rows += np.repeat(self.offsets[order] - (ends - lengths), lengths)
            values = self.values[rows]
        picked_sequences = Sequences(values, lengths, two_d=self.two_d)
        picked_sequences.missing = self.missing
        return picked_sequences

    def batch(self, indices: Any, fused: Fused | None = None) -> Batch:
        """The samples at `indices` as one zero-padded array, longest first (a stable sort).

        Parameters
        ----------
        indices : array-like of int, mask or slice
            Samples, in any order, repeats allowed.
        fused : Fused, optional
            A backend's compiled way to gather them.

        Returns
        -------
        Batch
            `X` is a fresh array, unless `indices` is a slice of step 1 over samples of equal
            lengths: then it is a view.
        """
        if self.n_timesteps is not None:
            order = self._normalised(indices)
            unit_step = isinstance(indices, slice) and indices.step in (None, 1)
            X = self._cube()[indices if unit_step else order]
            return Batch(X, None, order)
        order = self._normalised(indices)
        lengths = self.lengths[order]
        longest_first = np.argsort(-lengths, kind="stable")
        order, lengths = order[longest_first], lengths[longest_first]
        n_timesteps = int(lengths[0]) if len(lengths) else 0
        if fused is not None:
            X = fused.gather(self.values, self.offsets, order, n_timesteps)
        else:
            X = self._gather(order, lengths, n_timesteps)
        if len(order) == 0 or lengths[-1] == n_timesteps:
            return Batch(X, None, order)
        return Batch(X, lengths, order)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """All samples, `batch_size` at a time in storage order, each batch as `batch` makes it.

        Equal lengths are not copied. `order` puts answers back: `out[batch.order] = answer`.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}; it must be at least 1")
        for start in range(0, len(self), batch_size):
            yield self.batch(slice(start, min(start + batch_size, len(self))))

    def moments(self, sample_weight: Any = None) -> tuple[Array, Array]:
        """Mean and standard deviation of each feature over all time steps.

        Where NaN is allowed, over the steps at which the feature was observed.

        Parameters
        ----------
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each sample; every step of a sample counts with it.

        Returns
        -------
        mean, std : ndarray of shape (n_features,), float64
            Weighted population moments (division by the sum of weights), by two passes. Zeros if
            there is no step, or no weight.
        """
        total: Any
        if sample_weight is None:
            weights = None
            total = float(self.n_steps)
        else:
            weights = np.asarray(sample_weight, dtype=np.float64)
            if weights.shape != (len(self),):
                raise ValueError(
                    f"sample_weight has shape {weights.shape}; expected ({len(self)},), "
                    "one weight for each sample of X"
                )
            total = float(np.sum(weights * self.lengths))
            weights = np.repeat(weights, self.lengths)
        if total <= 0:
            return np.zeros(self.n_features), np.zeros(self.n_features)
        if self.missing != "error":
            total = self._observed_weight(weights)

        # Powers of two, so that neither sums nor squares of huge values leave the range of float64.
        unit = self._feature_units()
        mean = np.zeros(self.n_features)
        for rows in self._blocks():
            mean += _weighted_sum(self._filled(self.values[rows] / unit), weights, rows)
        mean /= total
        variance = np.zeros(self.n_features)
        for rows in self._blocks():
            deviation = self._filled(self.values[rows] / unit - mean)
            variance += _weighted_sum(deviation * deviation, weights, rows)
        variance /= total
        return mean * unit, np.sqrt(variance) * unit

    def scaled(self, mean: Any, scale: Any, dtype: DTypeLike = np.float32) -> Sequences:
        """(x - mean) / scale of every step, computed in float64 and stored as `dtype`.

        NaN stays NaN where it is allowed.

        Parameters
        ----------
        mean, scale : array-like of shape (n_features,)
            `scale` has no zeros.
        dtype : {float32, float64}
            Of the result.

        Raises
        ------
        ValueError
            If a scaled value does not fit in `dtype`.
        """
        mean = np.asarray(mean, dtype=np.float64)
        scale = np.asarray(scale, dtype=np.float64)
        out = np.empty(self.values.shape, dtype=dtype)
        finite = standardise(self.values, mean, scale, out)
        result = Sequences(out, self.lengths, two_d=self.two_d)
        result.missing = self.missing
        look = first_not_finite if self.missing == "error" else first_infinite
        bad = None if finite else look(out)
        if bad is not None:
            sample, timestep, feature = self.where(bad)
            raise ValueError(
                f"X: sample {sample}, timestep {timestep}, feature {feature} is "
                f"{float(self.values.ravel()[bad])!r}, so far from this feature's mean "
                f"{float(mean[feature])!r} that it leaves the range of {out.dtype} once divided by "
                f"{float(scale[feature])!r}: correct the value"
            )
        return result

    def _gather(self, order: Indices, lengths: Indices, n_timesteps: int) -> Array:
        """The samples at `order` in a zero-padded array."""
        X = np.zeros((len(order), n_timesteps, self.n_features), dtype=self.dtype)
        starts = self.offsets[order].tolist()
        # A copy for each sample: index arithmetic over all steps wins only below some 10 steps.
        for row, start, length in zip(X, starts, lengths.tolist(), strict=True):
            row[:length] = self.values[start : start + length]
        return X

    def _cube(self) -> Array:
        """(n_samples, n_timesteps, n_features) view; only for equal lengths."""
        return self.values.reshape(len(self), self.n_timesteps or 0, self.n_features)

    def _normalised(self, indices: Any) -> Indices:
        """Integers in [0, n_samples) for any index NumPy takes."""
        if isinstance(indices, slice):
            return np.arange(*indices.indices(len(self)), dtype=np.int64)
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        return np.atleast_1d(np.arange(len(self), dtype=np.int64)[indices])

    def _blocks(self) -> Iterator[slice]:
        n_rows = max(1, BLOCK_VALUES // max(1, self.n_features))
        for start in range(0, self.n_steps, n_rows):
            yield slice(start, min(start + n_rows, self.n_steps))

    def _filled(self, fresh: Array) -> Array:
        """An array that is nobody else's, with 0 for NaN if NaN is allowed."""
        if self.missing != "error":
            fresh[np.isnan(fresh)] = 0
        return fresh

    def _observed_weight(self, weights: Array | None) -> Array:
        """For each feature the weight of the steps at which it is not NaN; 1 instead of 0."""
        total = np.zeros(self.n_features)
        for rows in self._blocks():
            total += _weighted_sum(~np.isnan(self.values[rows]), weights, rows)
        return np.where(total > 0, total, 1.0)

    def _feature_units(self) -> Array:
        """For each feature a power of two near its largest magnitude if that is extreme, else 1."""
        if self.dtype != np.float64:
            return np.ones(self.n_features)  # squares of float32 always fit in float64
        largest = np.zeros(self.n_features)
        for rows in self._blocks():
            # fmax leaves NaN out
            np.fmax(largest, np.fmax.reduce(np.abs(self.values[rows]), axis=0), out=largest)
        extreme = ((largest > 2.0**400) | (largest < 2.0**-400)) & (largest > 0)
        _, exponent = np.frexp(largest)
        unit: Array = np.ldexp(1.0, np.where(extreme, np.maximum(exponent - 1, -1022), 0))
        return unit


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


def _weighted_sum(block: Array, weights: Array | None, rows: slice) -> Array:
    # Not a matrix product: BLAS may sum in another order with another number of threads.
    if weights is not None:
        block = block * weights[rows, np.newaxis]
    total: Array = block.sum(axis=0)
    return total


def first_not_finite(values: Array) -> int | None:
    """Flat index of the first NaN or infinity in a C-contiguous array, or None; bounded memory."""
    flat = values.reshape(-1)
    for start in range(0, flat.size, BLOCK_VALUES):
        block = flat[start : start + BLOCK_VALUES]
        with np.errstate(over="ignore", invalid="ignore"):
            # A NaN or an infinity always shows in the sum; the sum of finite values may overflow.
            if np.isfinite(np.add.reduce(block)):
                continue
        finite = np.isfinite(block)
        if not finite.all():
            return start + int(np.argmin(finite))
    return None


def first_infinite(values: Array) -> int | None:
    """Flat index of the first infinity in a C-contiguous array, or None; bounded memory."""
    flat = values.reshape(-1)
    for start in range(0, flat.size, BLOCK_VALUES):
        infinite = np.isinf(flat[start : start + BLOCK_VALUES])
        if infinite.any():
            return start + int(np.argmax(infinite))
    return None
