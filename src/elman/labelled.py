"""Sequences and their targets in; batches of them, each with the targets that belong to it, out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Batch, Sequences

Array = NDArray[Any]


class Labelled(NamedTuple):
    """Sequences, already scaled and of the network's dtype, with what they should be taken for."""

    X: Sequences
    targets: Array
    """as the objective takes them, a row for each sample; `per_step` a row for each of `X.values`,
    class indices with -1 for a step without a label"""
    weights: NDArray[np.float64] | None
    """a weight for each row of `targets`, or None (all equal)"""
    per_step: bool = False
    """whether the network has an answer at every time step"""

    def subset(self, indices: NDArray[np.intp]) -> Labelled:
        """The samples at `indices`, in that order."""
        rows = self._steps_of(indices) if self.per_step else indices
        weights = None if self.weights is None else self.weights[rows]
        return self._replace(X=self.X.subset(indices), targets=self.targets[rows], weights=weights)

    def sample_weights(self) -> NDArray[np.float64] | None:
        """(n_samples,): of steps their mean; None if all are equal."""
        if self.weights is None or not self.per_step:
            return self.weights
        sample = np.repeat(np.arange(len(self.X)), self.X.lengths)
        sums = np.bincount(sample, weights=self.weights, minlength=len(self.X))
        return np.asarray(sums / np.maximum(self.X.lengths, 1))

    def rows_of(self, batch: Batch) -> tuple[NDArray[np.intp] | None, NDArray[np.int64]]:
        """Which of a batch's answers count, and the rows of `targets` that belong to them.

        The answers are numbered through (n_samples * n_timesteps); None: all, one for each sample.
        """
        if not self.per_step:
            return None, batch.order
        rows = self._steps_of(batch.order)
        lengths = self.X.lengths[batch.order]
        starts = np.arange(len(lengths)) * batch.X.shape[1] - (np.cumsum(lengths) - lengths)
        places = np.arange(len(rows)) + np.repeat(starts, lengths)
        labelled = self.targets[rows] >= 0
        return places[labelled], rows[labelled]

    def _steps_of(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """Where in `X.values` the steps of some samples are."""
        lengths = self.X.lengths[indices]
        ends = np.cumsum(lengths)
        rows = np.arange(int(lengths.sum()), dtype=np.int64)
        rows += np.repeat(self.X.offsets[indices] - (ends - lengths), lengths)
        return rows
