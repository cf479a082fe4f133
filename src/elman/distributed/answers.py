"""Sequences through a trained network on the workers of an engine; answers in their order out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.frontend import Frontend
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, scaled_blocks
from elman.data.sequences import Sequences
from elman.distributed.connecting import connected
from elman.distributed.engine import Engine
from elman.distributed.tasks import Environment, backend_like
from elman.distributed.tree import shares
from elman.models.model import Question, TrainedModel
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.training.checkpoints import digest

Array = NDArray[Any]
T = TypeVar("T")
M = TypeVar("M", bound=TrainedModel)

PIECE_VALUES = 1 << 22
"""Values of X in the largest piece, but for a single sample of more: 16 to 32 MiB."""
LEAST_VALUES = 1 << 14
"""Values of X for which more than one piece for each worker is worth it."""
PER_WORKER = 4
"""Pieces that are under way at a time for each worker: a quick worker takes one more."""


@contextmanager
def answering(model: M, executor: Any) -> Iterator[M]:
    """The model, asking its network on the workers of `executor` for as long as the body runs.

    Parameters
    ----------
    model : TrainedModel
    executor : object
        What `elman.distributed.connect` takes; None is this process.
    """
    with connected(executor) as engine:
        yield model if engine is None else answering_on(engine, model)


def answering_on(engine: Engine, model: M) -> M:
    """The model, asking its network on the workers of an engine."""
    return replace(model, asking=SharedAnswers(engine, model.n_jobs))


class SharedAnswers:
    """Asks a network on the workers of an engine: an `elman.models.model.Asking`.

    The sequences are cut into pieces of consecutive ones. A sample's answer has the same bits in
    any batch, so that neither the cut nor the number of workers changes any. Only a bounded number
    of pieces is under way at a time, and what lies in a store travels as its path and the numbers
    of its samples.

    Parameters
    ----------
    engine : Engine
    n_jobs : int or None
        Threads of each worker.
    """

    def __init__(self, engine: Engine, n_jobs: int | None) -> None:
        self.engine, self.n_jobs = engine, n_jobs

    def __call__(
        self, question: Question[T], network: Network, data: Prepared, backend: Backend, /
    ) -> T:
        """The answers to all samples, in their order."""
        self.engine.check_same(
            lambda: (identity(data.data), digest(network.params.flat), question.__name__),
            "X or network",
        )
        # Asked about no sample, it raises what is wrong with the network, before anything is sent.
        results: list[Any] = [question(network, data.narrowed(np.arange(0)), backend)]
        n_workers = self.engine.n_workers
        borders = pieces(data, n_workers)
        n_at_once = n_workers * PER_WORKER
        for i in range(0, len(borders), n_at_once):
            tasks = [
                self._task(question, network, data, backend, start, stop)
                for start, stop in borders[i : i + n_at_once]
            ]
            try:
                results += self.engine.run(tasks)
            except ValueError as error:
                if not data.frontend.plain:  # a piece does not know the number of its first sample
                    for _ in data.batches(1, backend):
                        pass
                say_where(data.data, data.standardisation, data.dtype, error)
        joined: Any
        if isinstance(results[0], np.ndarray):
            joined = np.concatenate(results)
        else:  # copies, for the memory of a message may be read-only and lies at any address
            joined = [np.array(answers, order="C") for part in results for answers in part]
        found: T = joined
        return found

    def _task(
        self,
        question: Question[Any],
        network: Network,
        data: Prepared,
        backend: Backend,
        start: int,
        stop: int,
    ) -> AnswerTask:
        return AnswerTask(
            f"samples {start} to {stop - 1}",
            Environment.of(backend),
            self.n_jobs,
            network.layout,
            network.params.flat,
            question,
            piece_of(data.data, start, stop),
            data.data.pending_check is not None,
            data.standardisation,
            data.frontend,
        )


@dataclass(frozen=True)
class AnswerTask:
    """A question about consecutive samples.

    Parameters
    ----------
    name : str
        What errors call it.
    environment : Environment
        That of the caller, which the worker must have too.
    n_jobs : int or None
        Threads of a worker.
    layout, flat
        The network: its layout and its weights in one vector.
    question : callable
        A function of `elman.models.inference`.
    data : Sequences
        The samples; those in a store are read by the worker.
    unchecked : bool
        Whether their values are still to be looked at.
    standardisation : Standardisation or None
    frontend : Frontend
    """

    name: str
    environment: Environment
    n_jobs: int | None
    layout: Layout
    flat: Array
    question: Question[Any]
    data: Sequences
    unchecked: bool
    standardisation: Standardisation | None
    frontend: Frontend

    def run(self) -> Any:
        """Answer, in the arithmetic of the caller."""
        backend = backend_like(self.environment, self.n_jobs)
        network = Network.over(self.layout, self.flat)
        samples = self.data
        if not samples.on_disk:  # what came in a message may lie at any address
            steps = np.require(samples.values, requirements=["C", "A"])
            samples = Sequences(steps, samples.lengths, two_d=samples.two_d)
            samples.missing = self.data.missing
        if self.unchecked:
            samples.pending_check = _refuse
        data = Prepared(samples, self.standardisation, network.params.dtype, self.frontend)
        return self.question(network, data, backend)


def pieces(data: Prepared, n_workers: int) -> list[tuple[int, int]]:
    """The first sample and the one after the last of each piece, about the same work in each."""
    work = (data.data.reads + 1).astype(np.float64) * max(data.n_features, 1)
    total = float(work.sum())
    each = min(PER_WORKER, max(1, int(total // (n_workers * LEAST_VALUES))))
    return shares(work, max(n_workers * each, int(-(-total // PIECE_VALUES))))


def piece_of(data: Sequences, start: int, stop: int) -> Sequences:
    """Consecutive samples, with nothing of the others, for another process to read."""
    if data.on_disk:
        return data.narrowed(np.arange(start, stop))
    found = Sequences(data.rows(slice(start, stop)), data.lengths[start:stop], two_d=data.two_d)
    found.missing, found.feature_names = data.missing, data.feature_names
    return found


class _UnusableValueError(ValueError):
    """A value that is not finite, or must not be missing."""


def _refuse() -> NoReturn:
    raise _UnusableValueError("X holds a value that cannot be used")


def say_where(
    data: Sequences,
    standardisation: Standardisation | None,
    dtype: np.dtype[Any],
    error: ValueError,
) -> NoReturn:
    """Raise the error of a piece as one process would: a piece does not know all samples."""
    if type(error) in (ValueError, _UnusableValueError):
        if data.pending_check is not None:
            data.pending_check()
        if standardisation is not None:
            for _ in scaled_blocks(data, *standardisation, dtype):
                pass
    raise error


def identity(data: Sequences) -> str:
    """SHA-256 that tells these sequences from all others; nothing of a store is read for it."""
    source = data.narrowed_source(np.arange(len(data))) if data.on_disk else None
    known = getattr(source, "identity", None)
    return digest(data) if known is None else digest(*known)
