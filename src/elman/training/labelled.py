"""Sequences together with their targets and weights, from which batches are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.prepared import Prepared
from elman.data.sequences import Batch
from elman.nn.chunks import Chunk
from elman.nn.dropout import Masking
from elman.nn.gradient import Samples
from elman.nn.objectives import Marked, Objective

Array = NDArray[Any]


class Labelled(NamedTuple):
    """Sequences, their targets and their weights."""

    X: Prepared
    targets: Array
    """as the objective takes them, a row for each sample; `per_step` a row for each time step of X,
    of which some may have no target (`has_target`). Where the front end puts time steps into
    blocks, each that has a target is one for the answer to its block"""
    weights: NDArray[np.float64] | None
    """a weight for each row of `targets`, or None (all equal)"""
    per_step: bool = False
    """whether the network has an answer at every time step"""
    source: NDArray[np.intp] | None = None
    """(n_samples,), which samples they are of those that were passed in; None: the same"""
    score_weights: NDArray[np.float64] | None = None
    """a weight for each row of `targets` in the score of training, where `weights` counts more than
    the user's weights, as `class_weight` does; None: `weights`"""

    def subset(self, indices: NDArray[np.intp]) -> Labelled:
        """The samples at `indices`, in that order."""
        rows = self._steps_of(indices) if self.per_step else indices
        weights, score_weights = (
            None if own is None else own[rows] for own in (self.weights, self.score_weights)
        )
        return self._replace(
            X=self.X.subset(indices),
            targets=self.targets[rows],
            weights=weights,
            score_weights=score_weights,
            source=indices if self.source is None else self.source[indices],
        )

    def sample_weights(self) -> NDArray[np.float64] | None:
        """(n_samples,): of steps their mean; None if all are equal."""
        if self.weights is None or not self.per_step:
            return self.weights
        sample = np.repeat(np.arange(len(self.X)), self.X.time_steps)
        sums = np.bincount(sample, weights=self.weights, minlength=len(self.X))
        return np.asarray(sums / np.maximum(self.X.time_steps, 1))

    def samples(
        self,
        batch: Batch,
        chunk: Chunk,
        masking: Masking | None = None,
        states: dict[str, Array] | None = None,
    ) -> Samples:
        """The samples of a batch's chunk with their targets, as the gradient takes them.

        Parameters
        ----------
        batch : Batch
            Of `X`.
        chunk : Chunk
        masking : Masking, optional
            Of the batch's samples.
        states : dict, optional
            By a layer's name the states (all samples of the batch, state_size) to go on from.
        """
        places, rows = self._rows_of(batch, chunk) if self.per_step else (None, batch.order)
        return Samples(
            chunk.of(batch.X),
            chunk.lengths,
            self.targets[rows],
            None if self.weights is None else self.weights[rows],
            places,
            chunk.masking(masking),
            None if states is None else chunk.states(states),
            score_weights=None if self.score_weights is None else self.score_weights[rows],
        )

    def scoring(self, objective: Objective) -> Callable[[Marked], float]:
        """What takes the sum of the marks of all rows with a target to their score."""
        targets = self.targets
        weights = self.weights if self.score_weights is None else self.score_weights
        if self.per_step:
            counts = has_target(targets)
            targets = targets[counts]
            weights = None if weights is None else weights[counts]
        return objective.scoring(targets, weights)

    def _rows_of(self, batch: Batch, chunk: Chunk) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Which of the answers to a batch's chunk count, and the rows of `targets` they belong to.

        The answers are numbered through (chunk.n_samples * its steps). An answer to a block of time
        steps counts once for each of them that has a target.
        """
        order = batch.order[: chunk.n_samples]
        n_timesteps, stride = chunk.stop - chunk.start, self.X.frontend.stride
        start, most = chunk.start * stride, n_timesteps * stride
        lengths = np.clip(self.X.time_steps[order] - start, 0, most)
        rows = _consecutive(self.X.offsets[order] + start, lengths)
        places = _consecutive(np.arange(len(order)) * most, lengths)
        if stride > 1:
            places //= stride
        counts = has_target(self.targets[rows])
        return places[counts], rows[counts]

    def _steps_of(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """The numbers of some samples' steps, counted through all samples."""
        return _consecutive(self.X.offsets[indices], self.X.time_steps[indices])


def has_target(targets: Array) -> NDArray[np.bool_]:
    """(n_rows,), whether there is something to learn at each row of targets of time steps.

    Indices of classes are -1 where there is no label; of numbers (n_rows, n_targets) those that are
    not known are NaN.
    """
    known = ~np.isnan(targets).all(axis=1) if targets.ndim == 2 else targets >= 0
    return np.asarray(known)


def _consecutive(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every i the `counts[i]` consecutive numbers that begin with `starts[i]`, end to end."""
    ends = np.cumsum(counts)
    numbers = np.arange(int(counts.sum()), dtype=np.int64)
    numbers += np.repeat(starts - (ends - counts), counts)
    return numbers
