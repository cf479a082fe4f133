"""Validated sequences in; their steps block by block, subsets and padded batches out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.fused import Fused
from elman.data.names import Names
from elman.data.sources import Picked, Source
from elman.targets.checks import shown

Array = NDArray[Any]
Indices = NDArray[np.int64]

BLOCK_VALUES = 1 << 18  # values looked at in one piece: 1-2 MiB, so temporaries stay in cache
SMALL = 1 << 24
"""Values, 64 to 128 MiB. Sequences of no more are copied where that makes later readings quicker;
larger ones are read where they are, so that nothing of the size of the caller's X is copied."""


class Batch(NamedTuple):
    """A few sequences, ready for a backend.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import check_sequences
    >>> sequences = check_sequences([np.zeros((3, 2)), np.ones((5, 2))])
    >>> batch = sequences.batch(np.array([0, 1]))
    >>> print(batch.X.shape, batch.lengths, batch.order)
    (2, 5, 2) [5 3] [1 0]
    """

    X: Array
    """(b, n_timesteps, n_features), C-contiguous, zero past each sample's end"""
    lengths: NDArray[np.int64] | None
    """(b,), longest first; None if every sample has n_timesteps steps"""
    order: Indices
    """(b,), which sample of the `Sequences` each row is"""
    kept: NDArray[np.bool_] | None = None
    """(b, steps of the longest before any was left out), which steps X has; None if it has all"""


class Sequences:
    """Sequences of equal or unequal lengths.

    `check_sequences` makes these from what a user passes. An array of equal-length sequences whose
    dtype and layout already fit is held, not copied; it is never written. So is whatever else has
    more than `SMALL` values: it is read, and converted, some samples at a time.

    Parameters
    ----------
    steps : ndarray of shape (total_steps, n_features), or Source
        Every time step of every sample, in order; C-contiguous float32 or float64. Or what reads
        them when they are asked for.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample, summing to total_steps; 0 is allowed.
    two_d : bool, default=False
        Whether the user's X was 2-D: one feature, a column per time step.

    Attributes
    ----------
    lengths : ndarray of shape (n_samples,), int64
    offsets : ndarray of shape (n_samples + 1,), int64
        Sample i has the steps from `offsets[i]` to `offsets[i + 1]`, counted through all samples.
    n_timesteps : int or None
        The length of every sample, or None if they differ.
    n_features : int
        Width of one time step: 1 for a 2-D X.
    dtype : {float32, float64}
    two_d : bool
    feature_names : tuple of str or None
        The names of the columns of what the user passed, where they have any: those of the
        features, or for a 2-D X those of the time steps.
    pending_check : callable or None
        Set while values are unchecked; call it to raise the validation error if a value is not
        finite. It lets values that are read once, from a slow memory, be checked as they are read.
    missing : {"error", "keep", "mask", "skip"}
        What NaN is to become; "error" if there is none, or if it is to be refused. "keep" is for
        `SequenceScaler`, which leaves NaN where it is. `elman.data.missing` has the others.
    ends : tuple of two ndarray of shape (n_features,), or None
        The lowest and the highest value of each feature, once `location_and_scale` has seen them.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import check_sequences
    >>> sequences = check_sequences([np.zeros((3, 2)), np.ones((5, 2))])
    >>> print(sequences.offsets, sequences.n_timesteps, sequences.dtype)
    [0 3 8] None float32
    """

    __slots__ = (
        "_joined",
        "_source",
        "dtype",
        "ends",
        "feature_names",
        "lengths",
        "missing",
        "n_features",
        "n_timesteps",
        "offsets",
        "pending_check",
        "two_d",
    )

    def __init__(self, steps: Array | Source, lengths: Any, *, two_d: bool = False) -> None:
        self.lengths: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
        self.offsets: NDArray[np.int64] = np.zeros(len(self.lengths) + 1, dtype=np.int64)
        np.cumsum(self.lengths, out=self.offsets[1:])
        self._joined: Array | None = None
        self._source: Source | None = None
        if isinstance(steps, np.ndarray):
            if steps.ndim != 2 or self.offsets[-1] != len(steps):
                raise ValueError(
                    f"lengths sum to {self.offsets[-1]}, but values has shape {steps.shape}: "
                    "it must be (total_steps, n_features)"
                )
            self._joined = steps
            self.n_features = int(steps.shape[1])
        else:
            self._source = steps
            self.n_features = steps.n_features
        self.dtype: np.dtype[Any] = steps.dtype
        equal = len(self.lengths) > 0 and bool((self.lengths == self.lengths[0]).all())
        self.n_timesteps: int | None = int(self.lengths[0]) if equal else None
        self.two_d = two_d
        self.feature_names: Names | None = None
        self.pending_check: Callable[[], None] | None = None
        self.missing = "error"
        self.ends: tuple[Array, Array] | None = None

    @classmethod
    def from_array(cls, X: Array, *, two_d: bool = False) -> Sequences:
        """Sequences over a C-contiguous (n_samples, n_timesteps, n_features) array, not copied."""
        n_samples, n_timesteps, n_features = X.shape
        values = X.reshape(n_samples * n_timesteps, n_features)
        return cls(values, np.full(n_samples, n_timesteps, dtype=np.int64), two_d=two_d)

    @property
    def n_features_in(self) -> int:
        """`X.shape[-1]` of what the user passed: the number of columns for a 2-D X."""
        if self.two_d:
            return self.n_timesteps or 0
        return self.n_features

    @property
    def n_steps(self) -> int:
        """Time steps of all samples together."""
        return int(self.offsets[-1])

    @property
    def values(self) -> Array:
        """Every time step of every sample in one array, which is joined now if it is not one."""
        return self.rows(slice(None))

    @property
    def reads(self) -> Indices:
        """(n_samples,): how many steps reading each sample takes; more than it has if some are
        left out.
        """
        return self.lengths if self._source is None else self._source.reads

    @property
    def on_disk(self) -> bool:
        """Whether steps are read from a disk when they are asked for."""
        return self._source is not None and self._source.on_disk

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Array:
        """Sample `index`, (n_timesteps_i, n_features); to be read only."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index %= len(self)
        return self.rows(slice(index, index + 1))

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
        """Sample, timestep and feature of a value, counted through all of them in order."""
        step, feature = divmod(int(flat_index), self.n_features)
        sample = int(np.searchsorted(self.offsets, step, side="right")) - 1
        return sample, step - int(self.offsets[sample]), feature

    def place(self, flat_index: int) -> str:
        """Where a value is, counted through all of them in order, for an error message."""
        sample, timestep, feature = self.where(flat_index)
        place = f"sample {sample}, timestep {timestep}, feature {feature}"
        if self.feature_names is None:
            return place
        return f"{place} (column {shown(self.feature_names[timestep if self.two_d else feature])})"

    def rows(self, samples: Any) -> Array:
        """The steps of some samples, end to end: (their steps, n_features), C-contiguous.

        Parameters
        ----------
        samples : array-like of int, mask or slice
            In any order, repeats allowed.

        Returns
        -------
        ndarray
            To be read only: where nothing needs to be copied it is the memory of the caller's X.
        """
        if self._joined is None:
            assert self._source is not None
            return self._source.rows(self.normalised(samples))
        if isinstance(samples, slice) and samples.step in (None, 1):
            start, stop, _ = samples.indices(len(self))
            return self._joined[self.offsets[start] : self.offsets[max(start, stop)]]
        order = self.normalised(samples)
        if self.n_timesteps is not None:
            picked = self._cube()[order]
            return picked.reshape(len(order) * self.n_timesteps, self.n_features)
        # Row r of the result is the r-th step overall: its sample's start plus its own place.
        lengths = self.lengths[order]
        ends = np.cumsum(lengths)
        rows = np.arange(int(lengths.sum()), dtype=np.int64)
        rows += np.repeat(self.offsets[order] - (ends - lengths), lengths)
        return self._joined[rows]

    def blocks(self) -> Iterator[Array]:
        """All steps in order, some `BLOCK_VALUES` values at a time: (n, n_features) arrays.

        All but the last are of one size, which depends on `n_features` alone, so that sums over
        blocks have the same bits wherever the steps come from. To be read only.
        """
        n_rows = max(1, BLOCK_VALUES // max(1, self.n_features))
        if self._joined is not None:
            for start in range(0, self.n_steps, n_rows):
                yield self._joined[start : start + n_rows]
            return
        waiting: list[Array] = []
        n_waiting = 0
        for piece in self._pieces(n_rows):
            while n_waiting + len(piece) >= n_rows:
                rest = n_rows - n_waiting
                waiting.append(piece[:rest])
                yield waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
                piece = piece[rest:]
                waiting, n_waiting = [], 0
            if len(piece):
                waiting.append(piece)
                n_waiting += len(piece)
        if waiting:
            yield np.concatenate(waiting)

    def first(self, look: Callable[[Array], int | None]) -> int | None:
        """Flat index among all values of the first that `look` finds in a block, or None."""
        start = 0
        for block in self.blocks():
            found = look(block)
            if found is not None:
                return start + found
            start += block.size
        return None

    def subset(self, indices: Any) -> Sequences:
        """The samples at `indices` (integers, a mask or a slice), in that order.

        A copy, if it is small.

        Raises
        ------
        IndexError
            If an index lies outside the samples.
        """
        order = self.normalised(indices)
        found = Sequences(Picked(self, order), self.lengths[order], two_d=self.two_d)
        found.missing, found.feature_names = self.missing, self.feature_names
        return found.settled()

    @property
    def files(self) -> list[str]:
        """The files that the steps are in, where they are in a store; for errors."""
        found: list[str] = getattr(self._source, "files", [])
        return found

    def narrowed(self, order: Indices) -> Sequences:
        """The samples at `order`, still where they are, with nothing of the others."""
        found = Sequences(self.narrowed_source(order), self.lengths[order], two_d=self.two_d)
        found.missing, found.feature_names = self.missing, self.feature_names
        return found

    def narrowed_source(self, order: Indices) -> Source:
        """What reads the samples at `order` and no others."""
        return Picked(self, order) if self._source is None else self._source.narrowed(order)

    def settled(self) -> Sequences:
        """The same sequences in one array, if they are small and in memory."""
        if self._joined is not None or not is_small(self.n_steps * self.n_features):
            return self
        if self.on_disk:
            return self
        found = copy.copy(self)
        found._joined, found._source = self.values, None
        return found

    def without_gaps(self) -> Sequences:
        """The same sequences, known to hold no NaN."""
        found = copy.copy(self)
        found.missing = "error"
        return found

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
        order = self.normalised(indices)
        if self._joined is None:
            read = Sequences(self.rows(order), self.lengths[order]).batch(slice(None), fused)
            return read._replace(order=order[read.order])
        if self.n_timesteps is not None:
            unit_step = isinstance(indices, slice) and indices.step in (None, 1)
            X = self._cube()[indices if unit_step else order]
            return Batch(X, None, order)
        lengths = self.lengths[order]
        longest_first = np.argsort(-lengths, kind="stable")
        order, lengths = order[longest_first], lengths[longest_first]
        n_timesteps = int(lengths[0]) if len(lengths) else 0
        if fused is not None:
            X = fused.gather(self._joined, self.offsets, order, n_timesteps)
        else:
            X = self._gather(self._joined, order, lengths, n_timesteps)
        if len(order) == 0 or lengths[-1] == n_timesteps:
            return Batch(X, None, order)
        return Batch(X, lengths, order)

    def normalised(self, indices: Any) -> Indices:
        """Integers in [0, n_samples) for any index NumPy takes."""
        if isinstance(indices, slice):
            return np.arange(*indices.indices(len(self)), dtype=np.int64)
        indices = np.asarray(indices)
        plain = indices.dtype == np.int64 and indices.ndim == 1 and indices.size > 0
        # The usual case needs no array of n_samples numbers. As unsigned, a negative one is huge.
        if plain and indices.view(np.uint64).max() < len(self):
            return np.asarray(indices, np.int64)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        return np.atleast_1d(np.arange(len(self), dtype=np.int64)[indices])

    def _gather(self, values: Array, order: Indices, lengths: Indices, n_timesteps: int) -> Array:
        """The samples at `order` in a zero-padded array."""
        X = np.zeros((len(order), n_timesteps, self.n_features), dtype=self.dtype)
        starts = self.offsets[order].tolist()
        # A copy for each sample: index arithmetic over all steps wins only below some 10 steps.
        for row, start, length in zip(X, starts, lengths.tolist(), strict=True):
            row[:length] = values[start : start + length]
        return X

    def _cube(self) -> Array:
        """(n_samples, n_timesteps, n_features) view; only for equal lengths."""
        assert self._joined is not None
        return self._joined.reshape(len(self), self.n_timesteps or 0, self.n_features)

    def _pieces(self, n_rows: int) -> Iterator[Array]:
        """All steps in order, as many samples at a time as take `n_rows` to read, at least one."""
        ends = np.cumsum(self.reads)
        start = 0
        while start < len(self):
            begins = ends[start] - self.reads[start]
            stop = max(start + 1, int(np.searchsorted(ends, begins + n_rows, side="right")))
            yield self.rows(slice(start, stop))
            start = stop


def is_small(n_values: int) -> bool:
    """Whether a copy of as many values costs little memory."""
    return n_values <= SMALL


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
