"""Tasks among the processes of an MPI communicator, all of which run the same program."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, TypeVar

from elman.distributed.engine import DistributedError, Engine, Task
from elman.distributed.executors import run_task

T = TypeVar("T")
LONGEST_SHOWN = 120
"""characters of a value that an error has"""


class MpiEngine(Engine):
    """An engine over an `mpi4py.MPI.Comm`, whose processes make the same calls with the same data.

    Each process does its share of the tasks and receives the results of the others. Sums are not
    reduced by MPI, whose order of adding is its own, but travel as they are.

    An error of a task, and Ctrl-C in any process while the engine is `attended`, is raised in all
    of them at the same place. What goes wrong elsewhere in one process only is not known to the
    others, who wait for it: run the program with `python -m mpi4py program.py`, which then ends the
    job.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Of which a duplicate is used, so that no message meets one of the user's.
    timeout : float, default=60
        Seconds of waiting for the other processes to make the same call, after which a warning
        says so. They may still load their data, so that it goes on waiting.
    """

    def __init__(self, comm: Any, timeout: float = 60.0) -> None:
        self._comm, made = comm.Idup()
        _await(made, timeout, comm.Get_rank(), comm.Get_size())
        self._interrupted = False

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
        own = [_outcome(partial(run_task, task)) for task in tasks[rank::size]]
        said = self._comm.allgather((self._interrupted, own))
        if any(interrupted for interrupted, _ in said):
            self._interrupted = False
            raise KeyboardInterrupt
        every = [outcomes for _, outcomes in said]
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
            one, first = values[other], values[0]
            if isinstance(one, dict) and isinstance(first, dict):  # only what differs is shown
                names = [name for name in {**first, **one} if one.get(name) != first.get(name)]
                one, first = ({name: of.get(name) for name in names} for of in (one, first))
            texts = [repr(one), repr(first)]
            shown = f" ({texts[0]}, not {texts[1]})" if max(map(len, texts)) < LONGEST_SHOWN else ""
            raise DistributedError(
                f"process {other} of {len(values)} has another {what} than process 0{shown}: all "
                "of them must run the same version and make the same call with the same data, the "
                "same parameters and the same random_state"
            )

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Have Ctrl-C, in whichever process, end the next round in all of them.

        A second one in a process is not waited with.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are not ours to take
            return

        def note(number: int, frame: FrameType | None) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True

        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield  # the program has a way of its own
            return
        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            late, self._interrupted = self._interrupted, False
        if late:  # it came after the last round
            raise KeyboardInterrupt

    def close(self) -> None:
        """Free the duplicate of the communicator."""
        self._comm.Free()


def _await(made: Any, timeout: float, rank: int, size: int) -> None:
    """Wait until every process makes the call that this one makes; warn if that takes long."""
    begun, pause, warned = time.monotonic(), 1e-5, False
    while not made.Test():
        if not warned and time.monotonic() - begun > timeout:
            warned = True
            warnings.warn(
                f"process {rank} of {size} has waited {timeout:g} s for the others, and goes on "
                "waiting: every process of the communicator has to make this call, not that of "
                "rank 0 alone",
                stacklevel=2,
            )
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


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
