"""Computes the dropout masks of samples from a seed and the number of an epoch.

The masks come from a counter-based generator: what a sample loses in an epoch depends on the seed,
on the epoch and on which sample it is, not on its batch, its place there or the threads at work.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Words = NDArray[np.uint64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85


def philox(
    counter: tuple[Words, Words, Words, Words], key: tuple[int, int]
) -> tuple[Words, Words, Words, Words]:
    """Four random 32-bit words for every counter, by Philox4x32-10.

    Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".

    Parameters
    ----------
    counter : four arrays of uint64 that broadcast together
        Each value below 2^32.
    key : two ints below 2^32

    Returns
    -------
    four arrays of uint64
        Each value below 2^32.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0)
        c2 = (p0 >> _HALF) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & _LOW, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


class Masking(NamedTuple):
    """What the dropout masks of a training step depend on."""

    seed: int
    """below 2^64"""
    epoch: int
    samples: NDArray[np.int64]
    """(n_samples,) each row's number in the training data"""

    def mask(self, place: int, width: int, share: float, dtype: DTypeLike) -> Array:
        """A mask (n_samples, width): 0 with probability `share`, else 1 / (1 - share).

        Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from
        overfitting", scaled in training so that nothing is to be done at inference.

        Parameters
        ----------
        place : int
            Number of the place in the network; each has masks of its own.
        """
        blocks = np.arange(-(-width // 4), dtype=np.uint64)
        samples = self.samples.astype(np.uint64)[:, np.newaxis]
        here, epoch = np.uint64(place), np.uint64(self.epoch)
        counter = np.broadcast_arrays(blocks, here, epoch, samples)
        key = self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF
        words = np.stack(philox((counter[0], counter[1], counter[2], counter[3]), key), axis=-1)
        kept = words.reshape(len(samples), -1)[:, :width] >= np.uint64(round(share * 2.0**32))
        return np.multiply(kept, 1 / (1 - share), dtype=dtype)
