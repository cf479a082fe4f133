"""Sources: they read time steps of sequences that do not lie end to end in one array.

`Sequences` of more than `SMALL` values are made over these, so that nothing of the size of the
caller's X is copied; smaller ones are copied once, which makes every later reading quicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from elman.data.sequences import Sequences

Array = NDArray[Any]
Indices = NDArray[np.int64]


class Source(Protocol):
    """Sequences that are read some samples at a time."""

    dtype: np.dtype[Any]
    n_features: int
    reads: Indices
    """(n_samples,), how many steps reading each sample takes"""
    on_disk: bool
    """whether the values lie in a store: reading them takes the time of a disk, and another process
    can open it by itself"""

    def rows(self, order: Indices, /) -> Array:
        """The steps of the samples at `order`, end to end: (their steps, n_features), C-contiguous.

        To be read only: it may be the memory of the caller's X.
        """
        ...

    def narrowed(self, order: Indices, /) -> Source:
        """A source of the samples at `order` alone, which knows nothing of the others.

        Where the values lie in a store it can be sent to another process in a few bytes a sample.
        """
        ...


class Apart:
    """Samples that are arrays of their own, of any real number type and layout.

    Parameters
    ----------
    samples : sequence of ndarray of shape (n_timesteps_i, n_features), or one 3-D ndarray
    dtype : {float32, float64}
        What they are converted to when they are read.
    n_features : int, optional
        By default that of the first sample, of which there must be one then.
    """

    on_disk = False

    def __init__(
        self,
        samples: Sequence[Array] | Array,
        dtype: np.dtype[Any],
        n_features: int | None = None,
    ) -> None:
        self.samples = samples
        self.dtype = dtype
        self.n_features = int(samples[0].shape[1]) if n_features is None else n_features
        if isinstance(samples, np.ndarray):
            self.reads: Indices = np.full(len(samples), samples.shape[1], np.int64)
        else:
            self.reads = np.fromiter(map(len, samples), np.int64, len(samples))

    def rows(self, order: Indices, /) -> Array:
        """As `Source.rows`."""
        if len(order) == 1:
            return converted(self.samples[order[0]], self.dtype)
        out = np.empty((int(self.reads[order].sum()), self.n_features), self.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(self.samples, np.ndarray):
                out.reshape(len(order), *self.samples.shape[1:])[...] = self.samples[order]
            elif len(order):
                picked = [self.samples[i] for i in order.tolist()]
                np.concatenate(picked, out=out, casting="unsafe")
        return out

    def narrowed(self, order: Indices, /) -> Source:
        """As `Source.narrowed`."""
        if isinstance(self.samples, np.ndarray):
            return Apart(self.samples[order], self.dtype, self.n_features)
        return Apart([self.samples[i] for i in order.tolist()], self.dtype, self.n_features)


class Picked:
    """Some samples of other sequences.

    Parameters
    ----------
    sequences : Sequences
    order : ndarray of int64
        Which samples, in which order.
    """

    def __init__(self, sequences: Sequences, order: Indices) -> None:
        self.sequences, self.order = sequences, order
        self.dtype, self.n_features = sequences.dtype, sequences.n_features
        self.reads: Indices = sequences.reads[order]
        self.on_disk = sequences.on_disk

    def rows(self, order: Indices, /) -> Array:
        """As `Source.rows`."""
        return self.sequences.rows(self.order[order])

    def narrowed(self, order: Indices, /) -> Source:
        """As `Source.narrowed`."""
        return self.sequences.narrowed_source(self.order[order])


class Observed:
    """Other sequences without the steps at which any feature is NaN."""

    def __init__(self, sequences: Sequences) -> None:
        self.sequences = sequences
        self.dtype, self.n_features = sequences.dtype, sequences.n_features
        self.reads: Indices = sequences.reads
        self.on_disk = sequences.on_disk

    def rows(self, order: Indices, /) -> Array:
        """As `Source.rows`."""
        rows = self.sequences.rows(order)
        observed = observed_rows(rows)
        return rows if observed.all() else rows[observed]

    def narrowed(self, order: Indices, /) -> Source:
        """As `Source.narrowed`."""
        return Observed(self.sequences.narrowed(order))

    @property
    def files(self) -> list[str]:
        """The files that the steps are in."""
        return self.sequences.files


def observed_rows(rows: Array) -> NDArray[np.bool_]:
    """(n_steps,): at which of the steps (n_steps, n_features) no feature is NaN."""
    return np.asarray(~np.isnan(rows).any(axis=1))


def converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """C-contiguous, aligned, native array of `dtype`: the same memory if it already is one."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.require(array, dtype=dtype, requirements=["C", "A"])
