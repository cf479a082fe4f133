"""Cuts a batch of sequences of unequal lengths into chunks of consecutive time steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.nn.dropout import Masking

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None


class Chunk(NamedTuple):
    """Some consecutive steps of a batch, and the samples that have any of them."""

    start: int
    stop: int
    n_samples: int
    """that many, the first ones: those that have ended drop out; in the first chunk all"""
    lengths: Lengths
    """(n_samples,), steps of each within the chunk; None if all are full"""

    def of(self, X: Array) -> Array:
        """X (all samples, n_timesteps, width) within the chunk, contiguous if it is in memory."""
        part = X[: self.n_samples, self.start : self.stop]
        return np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part

    @property
    def past(self) -> NDArray[np.bool_] | None:
        """(n_samples, steps of the chunk), which lie past a sample's end; None if none does."""
        if self.lengths is None:
            return None
        return np.asarray(np.arange(self.stop - self.start) >= self.lengths[:, np.newaxis])

    def masking(self, masking: Masking | None) -> Masking | None:
        """That of the chunk's samples, whose masks are the same in every chunk."""
        if masking is None:
            return None
        return masking._replace(samples=masking.samples[: self.n_samples])

    def states(self, carried: dict[str, Array]) -> dict[str, Array]:
        """The states (all samples, state_size) of layers, of the chunk's samples."""
        return {name: state[: self.n_samples] for name, state in carried.items()}

    def carry(self, states: dict[str, Array], carried: dict[str, Array]) -> None:
        """Put the states after the chunk in their place; samples that have ended keep theirs."""
        for name, state in states.items():
            if name in carried:
                state = np.concatenate([state, carried[name][self.n_samples :]])
            carried[name] = state


def chunks(
    lengths: Lengths, n_samples: int, n_timesteps: int, bptt_steps: int | None
) -> Iterator[Chunk]:
    """A batch, `bptt_steps` time steps at a time from the first step on; None: all of them.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,), int64, longest first, or None
    """
    if bptt_steps is None or bptt_steps >= n_timesteps:
        yield Chunk(0, n_timesteps, n_samples, lengths)
        return
    for start in range(0, n_timesteps, bptt_steps):
        stop = min(start + bptt_steps, n_timesteps)
        if lengths is None:
            yield Chunk(start, stop, n_samples, None)
            continue
        n_live = int(np.count_nonzero(lengths > start)) if start else n_samples
        own = np.clip(lengths[:n_live] - start, 0, stop - start)
        yield Chunk(start, stop, n_live, None if (own == stop - start).all() else own)
