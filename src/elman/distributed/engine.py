"""What runs tasks elsewhere, and what can go wrong there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class DistributedError(RuntimeError):
    """Work handed to other processes could not be done; the message says which, and why."""


class WorkerLostError(DistributedError):
    """A task was lost with its worker, or timed out, more often than `retries` allows."""


class NoWorkersError(DistributedError):
    """There is no worker to hand work to, and none came in time."""


class EnvironmentMismatchError(DistributedError):
    """A worker would compute other bits: another version, instruction set or backend."""


class Task(Protocol):
    """A piece of work that can be sent, and may be done twice."""

    @property
    def name(self) -> str:
        """What errors call it, such as "samples 0 to 63 of a batch"."""
        ...

    def run(self) -> Any:
        """Do it, on the worker, from nothing but what the task holds."""
        ...


class Engine(Protocol):
    """Runs tasks, wherever that is.

    A task depends on nothing but its own fields, so that it may be run again, and twice at once,
    when a worker is lost or slow; which of the results is taken makes no difference.
    """

    @property
    def n_workers(self) -> int:
        """How many tasks run at a time: into so many shares a batch is cut."""
        ...

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and messages: of several that run the same program one
        does.
        """
        ...

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order.

        Raises
        ------
        WorkerLostError, NoWorkersError, EnvironmentMismatchError
        Exception
            What a task raised.
        """
        ...

    def shared(self, make: Callable[[], T]) -> T:
        """What `make` returns, called by the one process that writes if several run the same
        program; an error that it raises is raised in all of them.
        """
        ...

    def check_same(self, make: Callable[[], Any], what: str) -> None:
        """Raise an error unless all processes that run the same program make equal values.

        Raises
        ------
        DistributedError
            They differ; the message calls the values `what`.
        """
        ...

    def close(self) -> None:
        """Give up what the engine itself has started, and nothing of the user's."""
        ...


class OneCaller(Engine):
    """What engines have in common whose tasks come from one process."""

    @property
    def is_writer(self) -> bool:
        """True: there is one caller."""
        return True

    def shared(self, make: Callable[[], T]) -> T:
        """What `make` returns."""
        return make()

    def check_same(self, make: Callable[[], Any], what: str) -> None:
        """Nothing: there is one caller."""
