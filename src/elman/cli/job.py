"""The processes that `mpiexec` started as one command: one writes, and they end together."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from elman.cli.errors import UserError

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")
"""Where MPICH (and what is made of it), Open MPI and MVAPICH tell a process how many there are."""
RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", "MPI_LOCALRANKID")
GRACE = 2.0
"""Seconds in which the others may fail as well, before a process that failed ends them all."""
LOOK = 0.005


def job_of(environment: Mapping[str, str]) -> Job | None:
    """The processes among which this one was started by MPI; None if it was not, or alone.

    Raises
    ------
    UserError
        There are several, but they cannot speak to each other.
    """
    size = _number(environment, SIZES)
    if size is None and "PMIX_RANK" in environment:  # PMIx alone, as under srun
        size = _number(environment, ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"))
    if size is None or size < 2:
        return None
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no library of MPI
        raise UserError(
            f"MPI started {size} processes, which need mpi4py to work together and not to write "
            f"one file {size} times ({error}): pip install elman[mpi]"
        ) from error
    world = MPI.COMM_WORLD
    if world.Get_size() != size:
        raise UserError(
            f"MPI started {size} processes, but mpi4py finds {world.Get_size()}: it was built for "
            "another MPI than that whose mpiexec was used. Use the mpiexec that belongs to it"
        )
    return Job(world)


def is_first(environment: Mapping[str, str]) -> bool:
    """Whether this is the process, of those that MPI started, that says what all would say."""
    return not _number(environment, RANKS)


def _number(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        if environment.get(name, "").isdecimal():
            return int(environment[name])
    return None


class Job:
    """Processes that run the same command.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
        All of them.

    Attributes
    ----------
    comm : mpi4py.MPI.Comm
        What estimators take as executor.
    is_writer : bool
        Whether this is the one that prints and writes files.
    """

    def __init__(self, world: Any) -> None:
        self.comm = world
        self.is_writer = world.Get_rank() == 0
        self._ending = world.Dup()  # whose messages meet no others

    def run(
        self, command: Callable[[], int], together: bool, report: Callable[[BaseException], int]
    ) -> int:
        """Run a command in every process, and end them together.

        Parameters
        ----------
        command : callable
            Returns an exit code, the same in every process.
        together : bool
            Whether the processes share its work; if not, the one that writes runs it alone.
        report : callable
            Prints an error and returns the exit code.

        Returns
        -------
        int
            The exit code. If some processes failed and others may wait for them, it does not
            return: MPI ends all of them.
        """
        code, error = 0, None
        if together or self.is_writer:
            with contextlib.ExitStack() as stack:
                if not self.is_writer:
                    nowhere = stack.enter_context(open(os.devnull, "w"))
                    stack.enter_context(contextlib.redirect_stdout(nowhere))
                try:
                    code = command()
                except Exception as raised:
                    error = raised
        if not self._all_ended(wait=error is None and code == 0):
            if error is not None:
                code = report(error)
            sys.stdout.flush()
            sys.stderr.flush()
            self._ending.Abort(code)
        outcomes = self._ending.allgather((code, error is not None))
        first = next((rank for rank, (_, failed) in enumerate(outcomes) if failed), None)
        if error is not None and first == self._ending.Get_rank():
            code = report(error)
        return int(max(self._ending.allgather(code)))

    def _all_ended(self, *, wait: bool) -> bool:
        """Whether every process has ended its command; without `wait` within a short while.

        They are not ended by the first that failed: where all fail for one reason, one says it.
        """
        rank = self._ending.Get_rank()
        # The lower rank is the first to give up, so that one alone says what went wrong.
        deadline = time.monotonic() + GRACE * (1 + rank / 10)
        request = self._ending.Ibarrier()
        while not request.Test():
            if not wait and time.monotonic() > deadline:
                return False
            time.sleep(LOOK)
        return True
