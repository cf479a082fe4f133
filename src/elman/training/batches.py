"""The batches of an epoch, and how they are dealt to replicas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.chunks import Chunk, chunks
from elman.nn.dropout import Masking
from elman.nn.gradient import Samples
from elman.training.gradients import Gradients
from elman.training.labelled import Labelled

Indices = NDArray[np.int64]


class TrainingBatch(NamedTuple):
    """A batch of an epoch, cut into the chunks of which each is a step of the optimizer."""

    number: int
    """which batch of the epoch, from 0"""
    order: Indices
    """(n_samples,), which of the training data its samples are"""
    numbers: Indices
    """(n_samples,), their numbers in what was passed in"""
    chunks: Iterable[tuple[Chunk, Samples]]
    """in order of time, without the states that they go on from"""


class EpochBatches:
    """The batches of an epoch, or some of them; each is made when its turn comes.

    Parameters
    ----------
    training : Labelled
    indices : list of ndarray
        The samples of each batch of the epoch.
    backend : Backend
    gradients : Gradients
        Makes the batches.
    masking : (int, int) or None
        The seed of the dropout masks and the number of the epoch; None: nothing is left out.
    steps : int or None
        Time steps of a chunk where every chunk is a step of its own.
    numbers : range, optional
        Which of the batches; all by default.
    """

    def __init__(
        self,
        training: Labelled,
        indices: list[Indices],
        backend: Backend,
        gradients: Gradients,
        masking: tuple[int, int] | None,
        steps: int | None,
        numbers: range | None = None,
    ) -> None:
        self._training, self._indices, self._backend = training, indices, backend
        self._gradients, self._masking, self._steps = gradients, masking, steps
        self._numbers = range(len(indices)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def some(self, numbers: range) -> EpochBatches:
        """Those of these numbers, of all the batches of the epoch."""
        return EpochBatches(
            self._training,
            self._indices,
            self._backend,
            self._gradients,
            self._masking,
            self._steps,
            numbers,
        )

    def __iter__(self) -> Iterator[TrainingBatch]:
        training = self._training
        wanted = [self._indices[i] for i in self._numbers]
        made = self._gradients.batches(training.X, wanted, self._backend)
        for number, batch in zip(self._numbers, made, strict=True):
            order = batch.order
            masking = None if self._masking is None else Masking(*self._masking, order)
            cut = (
                (chunk, training.samples(batch, chunk, masking))
                for chunk in chunks(batch.lengths, len(batch.X), batch.X.shape[1], self._steps)
            )
            numbers = order if training.source is None else training.source[order]
            yield TrainingBatch(number, order, numbers, cut)


def dealt(n_batches: int, n_replicas: int, local_steps: int) -> Iterator[list[range]]:
    """Deal the batches of an epoch to replicas, round by round, like cards.

    A round takes the next `n_replicas * local_steps` batches of the epoch. Batch i of a round is
    that of replica i % n_replicas, as its batch i // n_replicas of the round. In the last round of
    an epoch the rest is dealt in the same way: some replicas may have one batch fewer, or none.

    Parameters
    ----------
    n_batches : int
        Of the epoch.
    n_replicas, local_steps : int

    Yields
    ------
    list of range
        For each replica the numbers of its batches in the round.
    """
    for start in range(0, n_batches, n_replicas * local_steps):
        stop = min(start + n_replicas * local_steps, n_batches)
        yield [range(start + k, stop, n_replicas) for k in range(n_replicas)]
