"""One training round: a batch in shares, computed elsewhere, and added in the fixed tree."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.deferred import Deferred, deferred_batch
from elman.data.prepared import Prepared
from elman.data.sequences import Batch
from elman.distributed.engine import DistributedError, Engine, EnvironmentMismatchError
from elman.distributed.tasks import (
    Environment,
    GradientTask,
    PieceResult,
    PieceTask,
    ShareSums,
    Work,
)
from elman.distributed.timing import Round, Timing
from elman.distributed.tree import added, branches_of, shares
from elman.nn.gradient import GradientSums, Samples, fixed_groups
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.parameters import Parameters
from elman.training.checkpoints import digest
from elman.training.gradients import Piece, read

Array = NDArray[Any]
Indices = NDArray[np.int64]
T = TypeVar("T")
MOST_NAMED = 64
"""samples that the name of a task has"""
MOST_FILES = 8


class SharedGradients:
    """Gradients of batches whose groups are computed by the workers of an engine.

    Whatever the number of workers, and whichever of them computes what, the sums are those of one
    process to the bit.

    Parameters
    ----------
    engine : Engine
    n_jobs : int or None
        Threads of each worker.
    timing : Timing
        Told where the time of the rounds went.
    source : ndarray of int64, optional
        The number of each sample of the training data in the user's X, for errors; by default they
        are the same.
    """

    def __init__(
        self,
        engine: Engine,
        n_jobs: int | None,
        timing: Timing,
        source: Indices | None = None,
    ) -> None:
        self.engine, self.n_jobs = engine, n_jobs
        self.timing = timing
        self._round = 0
        self._largest = 0
        self._source = source
        self._order: Indices | None = None  # the samples of the batch that is trained on

    def batches(self, X: Prepared, batches: list[Indices], backend: Backend) -> Iterator[Batch]:
        """The batches of an epoch; of sequences in a store no more than where they are."""
        for indices in batches:
            deferred = deferred_batch(X, indices)
            batch = X.batch(indices, backend) if deferred is None else deferred
            self._order = batch.order if self._source is None else self._source[batch.order]
            yield batch

    def here(self, samples: Samples, backend: Backend) -> Samples:
        """The samples with X in the memory of this process."""
        return read(samples, backend)

    def gradient(
        self,
        network: Network,
        samples: Samples,
        objective: Objective,
        backend: Backend,
        *,
        bptt_steps: int | None = None,
        recompute_every: int = 0,
        out: Parameters | None = None,
    ) -> GradientSums:
        """As `elman.nn.gradient.gradient`, of a whole batch."""
        start = time.perf_counter()
        n_samples, n_timesteps = samples.X.shape[:2]
        borders = fixed_groups(network.layout, n_samples, n_timesteps, backend, bptt_steps)
        n_groups = len(borders) - 1
        weights = objective.row_weights(samples.targets, samples.weights)
        total = objective.weight_sum(weights, len(samples.targets), backend.fused)
        environment = Environment.of(backend)
        if self._round == 0:
            self._check_environment(environment)
        tasks = []
        self._round += 1
        n_workers = self.engine.n_workers
        for first, last in shares(_work_of(samples, borders), n_workers):
            begin = int(borders[first])
            work = []
            for branch in branches_of(first, last, n_groups):
                a, b = branch.groups(n_groups)
                work.append(Work(branch, int(borders[a]) - begin, int(borders[b]) - begin))
            stop = int(borders[last])
            tasks.append(
                GradientTask(
                    self._name(samples, begin, stop),
                    environment,
                    self.n_jobs,
                    network.layout,
                    network.params.flat,
                    samples.part(begin, stop),
                    work,
                    objective,
                    total,
                    bptt_steps,
                    recompute_every,
                )
            )
        results: list[ShareSums] = self.engine.run(tasks)
        parts = [part for result in results for part in result.parts]
        flat = added({part.branch: part.gradient for part in parts}, n_groups)
        out = network.params.zeros_like() if out is None else out
        out.flat[...] = flat
        states = {
            name: np.concatenate([part.states[name] for part in parts]) for name in parts[0].states
        }
        losses = np.concatenate([part.losses for part in parts])
        marks = np.concatenate([part.marks for part in parts])
        computing = [result.seconds for result in results]
        self.timing.add(Round(time.perf_counter() - start, computing, n_workers, n_samples))
        return GradientSums(losses, weights, marks, out, states)

    def run(self, pieces: Iterable[Piece], backend: Backend) -> list[Any]:
        """What pieces of work return, in order, each done by a worker."""
        start = time.perf_counter()
        environment = Environment.of(backend)
        tasks = [PieceTask(environment, self.n_jobs, piece.portable()) for piece in pieces]
        n_workers = self.engine.n_workers
        results: list[PieceResult] = self.engine.run(tasks)
        computing = [result.seconds for result in results]
        sizes = [task.piece.n_batches for task in tasks]
        self._largest = max(self._largest, sum(sizes))
        if sum(sizes) == self._largest:  # a shorter one, at the end of an epoch, says little
            self.timing.add(Round(time.perf_counter() - start, computing, n_workers, max(sizes)))
        return [result.value for result in results]

    def agreed(self, value: T, network: Network) -> T:
        """What the process that writes says; DistributedError where another has other weights."""
        self.engine.check_same(lambda: digest(network.params.flat), "network")
        return self.engine.shared(lambda: value)

    def _check_environment(self, environment: Environment) -> None:
        """Raise an error unless all callers, if there are several, compute the same bits."""
        try:
            self.engine.check_same(lambda: environment, "version, backend or instruction set")
        except DistributedError as error:
            raise EnvironmentMismatchError(str(error)) from error

    def _name(self, samples: Samples, start: int, stop: int) -> str:
        """What errors call a share of a batch: by the numbers that the user's X has for it."""
        if self._order is None or len(self._order) < stop:
            return f"samples {start} to {stop - 1} of the batch of round {self._round}"
        numbers = self._order[start:stop]
        named = ", ".join(map(str, numbers[:MOST_NAMED].tolist()))
        more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
        where = ""
        if isinstance(samples.X, Deferred):
            files = samples.X[start:stop].data.data.files
            where = ", which are in " + ", ".join(files[:MOST_FILES])
            where += f" and {len(files) - MOST_FILES} more files" if files[MOST_FILES:] else ""
        return f"samples {named}{more} of X (round {self._round}{where})"


def _work_of(samples: Samples, borders: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n_groups,), the time steps of each group, and one for each sample."""
    n_samples, n_timesteps = samples.X.shape[:2]
    lengths = samples.lengths
    steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
    return np.array([steps[a:b].sum() + b - a for a, b in pairwise(borders.tolist())], np.float64)
