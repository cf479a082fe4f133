"""Shares of a batch, and the work of replicas, as tasks.

Whatever a worker needs is in the task, and a worker keeps nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend
from elman.distributed.engine import EnvironmentMismatchError
from elman.distributed.tree import Branch
from elman.nn.gradient import Samples, gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.training.gradients import Piece, read

Array = NDArray[Any]

version = cache(metadata.version)  # it reads a file, and every round and every task asks for it


class Environment(NamedTuple):
    """What of a process decides the bits that it computes."""

    elman: str
    numpy: str
    backend: str
    isa: str

    @classmethod
    def of(cls, backend: Backend) -> Environment:
        """That of this process with a backend."""
        return cls(version("elman"), np.__version__, backend.name, backend.isa)


class Work(NamedTuple):
    """A branch of the tree and the samples of the share that it is made of."""

    branch: Branch
    start: int
    stop: int


class PartSums(NamedTuple):
    """What a worker returns for one branch."""

    branch: Branch
    losses: NDArray[np.float64]
    marks: Array
    gradient: Array
    """flat, the sum over the samples of the branch"""
    states: dict[str, Array]


class ShareSums(NamedTuple):
    """What a worker returns for a share."""

    parts: list[PartSums]
    seconds: float
    """of computing, without what the engine took"""


@dataclass(frozen=True)
class GradientTask:
    """The loss and the gradient of consecutive groups of a batch.

    Parameters
    ----------
    name : str
        What errors call it.
    environment : Environment
        That of the caller, which the worker must have too.
    n_jobs : int or None
        Threads of a worker, as the estimators take it. They change no bit.
    layout, flat
        The network: its layout and its weights in one vector.
    samples : Samples
        Of the share, as a part of the batch; where X lies in a store it is a `Deferred`.
    work : list of Work
    objective, total, bptt_steps, recompute_every
        As `elman.nn.gradient.gradient` takes them.
    """

    name: str
    environment: Environment
    n_jobs: int | None
    layout: Layout
    flat: Array
    samples: Samples
    work: list[Work]
    objective: Objective
    total: float
    bptt_steps: int | None
    recompute_every: int

    def run(self) -> ShareSums:
        """Compute the sums of each branch, in the arithmetic of the caller."""
        start = time.perf_counter()
        backend = backend_like(self.environment, self.n_jobs)
        network = Network.over(self.layout, self.flat)
        samples = read(self.samples, backend)
        parts = []
        with np.errstate(all="ignore"):  # the caller looks for what is not finite
            for branch, first, last in self.work:
                sums = gradient(
                    network,
                    samples.part(first, last),
                    self.objective,
                    backend,
                    self.total,
                    bptt_steps=self.bptt_steps,
                    recompute_every=self.recompute_every,
                )
                flat = sums.gradient.flat
                parts.append(PartSums(branch, sums.losses, sums.marks, flat, sums.states))
        return ShareSums(parts, time.perf_counter() - start)


class PieceResult(NamedTuple):
    """What a worker returns for a piece of work."""

    value: Any
    """what the piece returned"""
    seconds: float
    """of computing, without what the engine took"""


@dataclass(frozen=True)
class PieceTask:
    """A piece of work for a worker, such as the local steps of a replica.

    Parameters
    ----------
    environment : Environment
        That of the caller, which the worker must have too.
    n_jobs : int or None
        Threads of a worker, as the estimators take it. They change no bit.
    piece : Piece
        A portable one.
    """

    environment: Environment
    n_jobs: int | None
    piece: Piece

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.piece.name

    def run(self) -> PieceResult:
        """Do the work, in the arithmetic of the caller."""
        start = time.perf_counter()
        value = self.piece.run(backend_like(self.environment, self.n_jobs))
        return PieceResult(value, time.perf_counter() - start)


def backend_like(environment: Environment, n_jobs: int | None) -> Backend:
    """The backend of a worker, to the bits of the caller's.

    Raises
    ------
    EnvironmentMismatchError
        This process has another version of elman or NumPy, or cannot compute on the instruction
        set that the caller uses.
    """
    isa = environment.isa if environment.backend == "native" else None
    try:
        backend = get_backend(environment.backend, n_threads=available_threads(n_jobs), isa=isa)
    except (ImportError, ValueError) as error:
        raise EnvironmentMismatchError(
            f"a worker cannot compute the bits of the caller, whose backend is "
            f"{environment.backend} ({environment.isa}): {error}. Force an instruction set that "
            "all machines have with the environment variable ELMAN_ISA of the caller"
        ) from error
    own = Environment.of(backend)
    for field, wanted, found in zip(Environment._fields, environment, own, strict=True):
        if wanted != found:
            raise EnvironmentMismatchError(
                f"a worker would compute other bits than the caller: its {field} is {found}, the "
                f"caller's is {wanted}. Install the same versions on every machine"
            )
    return backend
