"""Pools of processes one of whose workers is killed while it has a task."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial


def once_killed(mark, task, *args):
    """Kill this process if it is the first to come here; else do the task."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return task(*args)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process outlived SIGKILL")


class KillingPool(ProcessPoolExecutor):
    """A pool in which whoever has the task of this number is killed, unless `mark` is there."""

    def __init__(self, n_workers, mark, number):
        super().__init__(n_workers)
        self._mark, self._number, self._n_submitted = mark, number, 0

    def submit(self, task, /, *args):
        self._n_submitted += 1
        if self._n_submitted - 1 == self._number:
            task = partial(once_killed, self._mark, task)
        return super().submit(task, *args)
