"""Tasks among the processes of an MPI communicator, all of which run the same program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from elman.distributed.engine import DistributedError, Engine, Task

T = TypeVar("T")


class MpiEngine(Engine):
    """An engine over an `mpi4py.MPI.Comm`, whose processes make the same calls with the same data.

    Each process does its share of the tasks and receives the results of the others. Sums are not
    reduced by MPI, whose order of adding is its own, but travel as they are.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Of which a duplicate is used, so that no message meets one of the user's.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm.Dup()

    @property
    def n_workers(self) -> int:
        """Processes of the communicator."""
        return int(self._comm.Get_size())

    @property
    def is_writer(self) -> bool:
        """Whether this is the process of rank 0."""
        return int(self._comm.Get_rank()) == 0

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order; an error in one process is raised in all."""
        rank, size = self._comm.Get_rank(), self._comm.Get_size()
        own = [_outcome(task.run) for task in tasks[rank::size]]
        every = self._comm.allgather(own)
        return [_value(every[i % size][i // size]) for i in range(len(tasks))]

    def shared(self, make: Callable[[], T]) -> T:
        """What `make` returns in the process of rank 0, the only one that calls it."""
        outcome = _outcome(make) if self.is_writer else None
        value: T = _value(self._comm.bcast(outcome, root=0))
        return value

    def check_same(self, make: Callable[[], Any], what: str) -> None:
        """Raise an error unless every process makes an equal value."""
        outcomes = self._comm.allgather(_outcome(make))
        values = [_value(outcome) for outcome in outcomes]
        other = next((rank for rank, value in enumerate(values) if value != values[0]), None)
        if other is not None:
            raise DistributedError(
                f"process {other} of {len(values)} has another {what} than process 0: all of them "
                "must make the same call with the same data, the same parameters and the same "
                "random_state"
            )

    def close(self) -> None:
        """Free the duplicate of the communicator."""
        self._comm.Free()


def _outcome(make: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether a call returned, and what; else the error that it raised."""
    try:
        return True, make()
    except Exception as error:
        return False, error


def _value(outcome: tuple[bool, Any]) -> Any:
    returned, value = outcome
    if not returned:
        raise value
    return value
