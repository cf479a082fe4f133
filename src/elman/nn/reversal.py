"""Reverses each sample of a batch within its own length."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Reversal(NamedTuple):
    """Where each step of a batch goes: its own inverse, and so its own gradient too."""

    source: NDArray[np.int64]
    """(n_samples, n_timesteps), rows of the batch laid out as one long sequence of steps"""
    past: NDArray[np.bool_]
    """(n_samples, n_timesteps), whether a step lies past its sample's end"""

    @classmethod
    def of(cls, lengths: NDArray[np.int64], n_timesteps: int) -> Reversal:
        """The reversal of samples of these lengths."""
        steps = np.arange(n_timesteps, dtype=np.int64)
        past = steps >= lengths[:, np.newaxis]
        source = lengths[:, np.newaxis] - 1 - steps
        source[past] = 0
        source += np.arange(len(lengths), dtype=np.int64)[:, np.newaxis] * n_timesteps
        return cls(source, past)

    def apply(self, X: Array) -> Array:
        """X (n_samples, n_timesteps, width) reversed: a fresh array, zero past each end.

        What X holds past an end is not read.
        """
        if X.size == 0:
            return X.copy()
        out = np.take(X.reshape(-1, X.shape[2]), self.source, axis=0)
        out[self.past] = 0
        return out
