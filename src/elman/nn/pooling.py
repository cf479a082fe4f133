"""Hidden states a chunk of steps at a time in; the readout of all steps, and its gradient, out.

What `elman.nn.readouts` takes from all states at once, from chunks of them one after the other, to
the same bits: sums, largest values and a softmax that are still going on. The gradient at the
readout is then shared out among the states of each chunk again. Rows are samples, longest first;
those that have ended are left out of a chunk.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.nn.chunks import Chunk
from elman.nn.layers import Run, States
from elman.nn.parameters import Parameters
from elman.nn.readouts import Attention, split_scores
from elman.nn.running import NOTHING, sum_over_time, times_power

Array = NDArray[Any]


class Pooling(Protocol):
    """A readout over chunks.

    Parameters
    ----------
    run : Run
    lengths : ndarray of shape (n_samples, 1)
        Steps of each sample, over all chunks.
    width : int
        Of a hidden state.
    """

    def __init__(self, run: Run, lengths: NDArray[np.int64], width: int) -> None: ...

    def take(self, H: Array, chunk: Chunk) -> None:
        """One more chunk: the states of its samples, zero past each one's end."""
        ...

    def reads(self, chunk: Chunk) -> bool:
        """Whether the value depends on the states of the chunk at all."""
        ...

    def value(self, final: Array) -> Array:
        """(n_samples, width), once all was taken; `final` as in `States`."""
        ...

    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """The gradient at the states of a chunk, from that at the value.

        What the chunk adds to the gradient of the readout's own weights is written to `gradient`.
        """
        ...


class _Everywhere:
    """A readout of all steps."""

    def reads(self, chunk: Chunk) -> bool:
        """See `Pooling.reads`."""
        return True


class LastOfChunks:
    """See `readouts.Last`: the state at the end says it all."""

    def __init__(self, run: Run, lengths: NDArray[np.int64], width: int) -> None:
        self.lengths = lengths

    def reads(self, chunk: Chunk) -> bool:
        """See `Pooling.reads`."""
        return bool(self._end_in(chunk).any())

    def take(self, H: Array, chunk: Chunk) -> None:
        """See `Pooling.take`."""

    def value(self, final: Array) -> Array:
        """See `Pooling.value`."""
        return final

    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """See `Pooling.share`."""
        return States(None, _rows_where(self._end_in(chunk), dvalue, chunk))

    def _end_in(self, chunk: Chunk) -> NDArray[np.bool_]:
        """(n_samples, 1), which are read once the chunk is over."""
        past_start = self.lengths >= chunk.start if chunk.start == 0 else self.lengths > chunk.start
        return past_start & (self.lengths <= chunk.stop)


class MeanOfChunks(_Everywhere):
    """See `readouts.Mean`."""

    def __init__(self, run: Run, lengths: NDArray[np.int64], width: int) -> None:
        self.lengths = lengths
        self.total = np.zeros((len(lengths), width))
        self._divisor = np.maximum(lengths, 1)

    def take(self, H: Array, chunk: Chunk) -> None:
        """See `Pooling.take`."""
        n = len(H)
        self.total[:n] = sum_over_time(H, start=self.total[:n])

    def value(self, final: Array) -> Array:
        """See `Pooling.value`."""
        mean = self.total.astype(final.dtype) / self._divisor.astype(final.dtype)
        return np.where(self.lengths == 0, final, mean + final.dtype.type(0))

    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """See `Pooling.share`."""
        shares = (dvalue / self._divisor.astype(dvalue.dtype))[: len(H), np.newaxis]
        dH = np.repeat(shares, H.shape[1], axis=1)
        return States(dH, _where_empty(self.lengths, dvalue, chunk))


class MaxOfChunks(_Everywhere):
    """See `readouts.Max`."""

    def __init__(self, run: Run, lengths: NDArray[np.int64], width: int) -> None:
        self.lengths = lengths
        self.largest = np.full((len(lengths), width), -np.inf, run.params.dtype)
        self.ties = np.zeros((len(lengths), width), np.int64)

    def take(self, H: Array, chunk: Chunk) -> None:
        """See `Pooling.take`."""
        past = chunk.past
        if past is not None:
            H = np.where(past[:, :, np.newaxis], H.dtype.type(-np.inf), H)
        n = len(H)
        before = self.largest[:n].copy()
        np.maximum(before, np.maximum.reduce(H, axis=1), out=self.largest[:n])
        reached = np.count_nonzero(self.largest[:n, np.newaxis] == H, axis=1)
        self.ties[:n] = np.where(self.largest[:n] == before, self.ties[:n], 0) + reached

    def value(self, final: Array) -> Array:
        """See `Pooling.value`."""
        return np.where(self.lengths == 0, final, self.largest + final.dtype.type(0))

    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """See `Pooling.share`."""
        n, past = len(H), chunk.past
        reached = self.largest[:n, np.newaxis] == H
        if past is not None:
            reached[past] = False
        ties = np.maximum(self.ties[:n], 1).astype(dvalue.dtype)
        dH = reached * (dvalue[:n] / ties)[:, np.newaxis]
        return States(dH, _where_empty(self.lengths, dvalue, chunk))


class AttentionOfChunks(_Everywhere):
    """See `readouts.Attention`.

    Its softmax is kept relative to the largest score so far: Milakov and Gimelshein (2018), "Online
    normalizer calculation for softmax", algorithm 3; here to its power of two, as in
    `elman.nn.running`.
    """

    def __init__(self, run: Run, lengths: NDArray[np.int64], width: int) -> None:
        self.run, self.lengths = run, lengths
        self.exponent = np.full((len(lengths), 1), NOTHING)
        self.weight = np.zeros((len(lengths), 1))
        self.sum = np.zeros((len(lengths), width))
        self.pooled: Array = self.sum  # until `value` has divided it

    def take(self, H: Array, chunk: Chunk) -> None:
        """See `Pooling.take`."""
        n = len(H)
        r, k = self._split_scores(H, chunk)
        before = self.exponent[:n].copy()
        self.exponent[:n] = np.max(k, axis=1, keepdims=True, initial=NOTHING)
        np.maximum(self.exponent[:n], before, out=self.exponent[:n])
        kept = times_power(np.ones_like(before), before - self.exponent[:n])
        weights = times_power(r, k - self.exponent[:n])
        self.weight[:n] = sum_over_time(weights[:, :, np.newaxis], start=self.weight[:n] * kept)
        self.sum[:n] = sum_over_time(H, weights, start=self.sum[:n] * kept)

    def value(self, final: Array) -> Array:
        """See `Pooling.value`."""
        self.weight[self.weight == 0] = 1
        self.pooled = self.sum.astype(final.dtype) / self.weight.astype(final.dtype)
        return np.where(self.lengths == 0, final, self.pooled + final.dtype.type(0))

    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """See `Pooling.share`."""
        # as in `Attention.forward`; sum_s share_s (dvalue . h_s) is dvalue . pooled
        n, width = len(H), H.shape[2]
        r, k = self._split_scores(H, chunk)
        weights = times_power(r, k - self.exponent[:n])
        shares = (weights / self.weight[:n]).astype(H.dtype)
        dshares = np.add.reduce(H * dvalue[:n, np.newaxis], axis=2)
        dscores = dshares - np.add.reduce(self.pooled * dvalue, axis=1)[:n, np.newaxis]
        dscores *= shares
        dscores *= H.dtype.type(1 / math.sqrt(width))
        query = self.run.params[Attention.NAME]
        _, dquery, _ = self.run.backend.linear_backward(
            np.ascontiguousarray(dscores.reshape(-1, 1)),
            H.reshape(-1, width),
            query[:, np.newaxis],
            need_dX=False,
        )
        gradient[Attention.NAME][...] = dquery[:, 0]
        dH = shares[:, :, np.newaxis] * dvalue[:n, np.newaxis]
        dH += dscores[:, :, np.newaxis] * query
        return States(dH, _where_empty(self.lengths, dvalue, chunk))

    def _split_scores(self, H: Array, chunk: Chunk) -> tuple[Array, Array]:
        """(n_samples, n_timesteps) twice: exp(score) as r 2^k, 0 past an end."""
        return split_scores(Attention(H.shape[2]).scores(H, self.run), chunk.past)


POOLING: dict[str, type[LastOfChunks | MeanOfChunks | MaxOfChunks | AttentionOfChunks]] = {
    "last": LastOfChunks,
    "mean": MeanOfChunks,
    "max": MaxOfChunks,
    "attention": AttentionOfChunks,
}
"""Readouts over chunks by name."""


def _where_empty(lengths: NDArray[np.int64], dvalue: Array, chunk: Chunk) -> Array:
    """At `States.final`, the gradient of samples without a step, which were read as that."""
    return _rows_where((lengths == 0) & (chunk.start == 0), dvalue, chunk)


def _rows_where(where: NDArray[np.bool_], dvalue: Array, chunk: Chunk) -> Array:
    """(chunk.n_samples, width): the rows of `dvalue` at which `where` (n_samples, 1), else zero."""
    n = chunk.n_samples
    return np.where(where[:n], dvalue[:n], dvalue.dtype.type(0))
