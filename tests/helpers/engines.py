"""Engines for tests, and an engine that does harm to its workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from elman.distributed import Engine

SECONDS = 60
TESTS = Path(__file__).parents[1]


def at_most(seconds=SECONDS):
    """A context in which a test that takes longer fails, with the stacks of its threads."""
    return _AtMost(seconds)


class _AtMost:
    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        def too_long(number, frame):
            pytest.fail(f"the test hangs: it was not over after {self.seconds} s")

        self.before = signal.signal(signal.SIGALRM, too_long)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *error):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


def pool(n_workers, **options):
    """A process pool whose workers have imported everything when they start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["helpers.engine_fits", "elman.distributed"])
    return ProcessPoolExecutor(n_workers, mp_context=context, **options)


def mpiexec(n, *arguments, **options):
    """The end of a program that n processes run, under mpi4py's care."""
    return subprocess.run(mpi_command(n, *arguments), **(mpi_options() | options))


def mpi_command(n, *arguments):
    return [mpiexec_path(), "-n", str(n), sys.executable, "-m", "mpi4py", *arguments]


def mpi_options():
    return {
        "cwd": TESTS,
        "env": os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"},
        "capture_output": True,
        "text": True,
        "timeout": SECONDS,
    }


def mpiexec_path():
    return str(Path(sys.executable).with_name("mpiexec"))


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def first(mark):
    """Whether this is the first call with this file."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


class Faulty(Engine):
    """An engine whose tasks do harm to whoever runs them.

    Parameters
    ----------
    engine : Engine
    harm : callable
        Called with the number of a round and its tasks; returns the tasks to run instead.
    """

    def __init__(self, engine, harm):
        self.engine, self.harm, self.n_rounds = engine, harm, 0

    n_workers = property(lambda self: self.engine.n_workers)
    is_writer = property(lambda self: self.engine.is_writer)

    def run(self, tasks):
        self.n_rounds += 1
        return self.engine.run(self.harm(self.n_rounds, tasks))

    def shared(self, make):
        return self.engine.shared(make)

    def check_same(self, make, what):
        self.engine.check_same(make, what)

    def close(self):
        self.engine.close()


class Harmful:
    """A task that does harm the first time it is run: `mark` is a file that remembers it."""

    def __init__(self, task, mark, seconds=0.0):
        self.task, self.mark, self.seconds = task, str(mark), seconds
        self.name = task.name

    def run(self):
        if first(self.mark):
            return self.harmed()
        return self.task.run()

    def harmed(self):
        raise NotImplementedError


class DiesBefore(Harmful):
    def harmed(self):
        kill_self()


class DiesDuring(Harmful):
    def harmed(self):
        thread = threading.Thread(target=self.task.run, daemon=True)
        thread.start()
        kill_self()


class DiesAfter(Harmful):
    """Its result is sent, and then its worker dies."""

    def harmed(self):
        result = self.task.run()
        subprocess.Popen(["sh", "-c", f"sleep 0.1; kill -KILL {os.getpid()}"])
        return result


class Stops(Harmful):
    """Its worker is stopped, and does not die; the mark holds its process id."""

    def harmed(self):
        Path(self.mark).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
        return self.task.run()


class IsLate(Harmful):
    """Its result comes `seconds` late."""

    def harmed(self):
        time.sleep(self.seconds)
        return self.task.run()


class AlwaysDies:
    """A task that kills whoever runs it."""

    def __init__(self, task):
        self.task, self.name = task, task.name

    def run(self):
        kill_self()


class Raises:
    """A task with a mistake in it: an error, or a function that makes one."""

    def __init__(self, task, error):
        self.task, self.name, self.error = task, task.name, error

    def run(self):
        raise self.error() if callable(self.error) else self.error


def unsendable():
    """An error that cannot be pickled."""
    error = ValueError("no pickle of it")
    error.lock = threading.Lock()
    return error


def in_round(number, kind, *arguments, which=0, **options):
    """Harm to one task of one round."""

    def harm(n_rounds, tasks):
        if n_rounds != number:
            return tasks
        tasks = list(tasks)
        tasks[which] = kind(tasks[which], *arguments, **options)
        return tasks

    return harm
