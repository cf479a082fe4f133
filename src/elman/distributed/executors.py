"""Tasks on an executor of `concurrent.futures`: process pools, thread pools, MPI pools."""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from typing import Any

from elman.distributed.engine import DistributedError, OneCaller, Task, WorkerLostError

LOOKS_EVERY = 0.5
"""Seconds after which futures that were cancelled in silence are looked for."""
BREAKS_TOGETHER = 2
"""After so many broken pools tasks are sent one at a time, to find the one that breaks them."""
STARTS = 2
"""So many new pools in a row break of nothing but their start before that is an error."""
FACTORY = (
    "Pass a function that makes the executor, such as executor=lambda: ProcessPoolExecutor(4), and "
    "it is made anew whenever that happens"
)
MAIN = (
    "What a worker itself wrote stands above. In a script, put the calls under "
    '`if __name__ == "__main__":`, as each process of a pool imports the script'
)


def packed(task: Task) -> bytes:
    """A task as it is sent.

    Whoever passes it on, the queue of a pool or the scheduler of Dask, has no need of the package,
    and opens no store; and what goes wrong when it is unpacked is an error of the task, as it would
    end a process of a pool.
    """
    return pickle.dumps(task, pickle.HIGHEST_PROTOCOL)


def run_packed(raw: bytes, name: str) -> Any:
    """Run a task that was sent: what a worker is asked to call."""
    try:
        task: Task = pickle.loads(raw)
    except Exception as error:
        failure = _to_send(error, name)
    else:
        return run_task(task)
    raise failure


def run_task(task: Task) -> Any:
    """Run a task.

    An error that it raises gets a note that says where it was raised, and loses the errors that it
    came of, which the note has. One that cannot be sent back is replaced by one that can, as it
    would end the worker, or have the caller wait for ever.
    """
    try:
        return task.run()
    except Exception as error:
        failure = _to_send(error, task.name)
    raise failure


def _to_send(error: Exception, name: str) -> Exception:
    place = f"process {os.getpid()} of {platform.node() or 'an unnamed machine'}"
    trace = "".join(traceback.format_exception(error)).rstrip()
    note = f"It was raised in {place}, which computed {name}:\n{trace}"
    error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = DistributedError(f"a worker raised {type(error).__name__}: {error}")
    error.add_note(note)
    return error


class ExecutorEngine(OneCaller):
    """An engine over an executor, or over a function that makes executors.

    A pool that has broken because a worker died is made anew if there is a function that makes
    one; else the loss of a worker is an error.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        The user's, which is never shut down here.
    factory : callable or None
        Makes an executor, which is shut down here.
    timeout, retries
        As `connect` takes them.
    """

    def __init__(
        self,
        executor: Executor | None,
        factory: Callable[[], Executor] | None,
        timeout: float,
        retries: int,
    ) -> None:
        self._factory, self._timeout, self._retries = factory, timeout, retries
        self._executor = executor
        self._is_new, self._has_answered = True, False
        if executor is None:
            self._renew()

    @property
    def n_workers(self) -> int:
        """The number of workers that the executor says it has, at least 1."""
        for name in ("num_workers", "_max_workers"):
            count = getattr(self._executor, name, None)
            if isinstance(count, int):
                return max(count, 1)
        return 1

    def close(self) -> None:
        """Shut down what the factory made."""
        if self._factory is not None and self._executor is not None:
            _give_up(self._executor)
            self._executor = None

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order; a lost or late one is run again."""
        results: dict[int, Any] = {}
        futures: dict[Future[Any], int] = {}
        lost = dict.fromkeys(range(len(tasks)), 0)
        n_breaks = 0
        try:
            while len(results) < len(tasks):
                alone = n_breaks > BREAKS_TOGETHER
                in_flight = set(futures.values())
                for i in range(len(tasks)):
                    if i not in results and i not in in_flight and not (alone and in_flight):
                        future = self._submitted(tasks[i])
                        if future is not None:
                            futures[future] = i
                            in_flight.add(i)
                done = _done(futures, self._timeout)
                broken = not futures  # nothing could be submitted
                for future in done:
                    i = futures.pop(future)
                    try:
                        results.setdefault(i, future.result())
                        self._has_answered = True
                    except (BrokenExecutor, CancelledError):
                        broken = True
                if not broken and done:
                    continue
                waiting = sorted({i for i in range(len(tasks)) if i not in results})
                if broken:
                    n_breaks += 1
                    culprits = in_flight & set(waiting) if alone else set()
                    self._count(culprits, lost, tasks, "its worker died")
                    if n_breaks > BREAKS_TOGETHER + (self._retries + 1) * len(tasks):
                        raise WorkerLostError(f"the workers died {n_breaks} times in one round")
                else:
                    late = in_flight & set(waiting)
                    why = f"no result came within {self._timeout:g} s"
                    self._count(late, lost, tasks, why)
                if broken or self._factory is not None:
                    self._replace_pool()
                    if broken and not self._has_answered:
                        self._check_start()
                    futures = {}
                else:  # late: send again, and take whichever result comes first
                    for i in waiting:
                        future = self._submitted(tasks[i])
                        if future is not None:
                            futures[future] = i
        finally:
            for future in futures:
                future.cancel()
        return [results[i] for i in range(len(tasks))]

    def _count(
        self, culprits: set[int], lost: dict[int, int], tasks: Sequence[Task], why: str
    ) -> None:
        for i in sorted(culprits):
            lost[i] += 1
            if lost[i] > self._retries:
                raise WorkerLostError(
                    f"{tasks[i].name} could not be computed: {why}, {lost[i]} times. Look at what "
                    "these samples hold and at the memory of the workers; `retries` and `timeout` "
                    "of elman.distributed.connect allow for more"
                )

    def _submitted(self, task: Task) -> Future[Any] | None:
        """The future of a task; None if the executor is broken and can be made anew."""
        assert self._executor is not None
        sent = packed(task)
        try:
            future = self._executor.submit(run_packed, sent, task.name)
            self._is_new = False
            return future
        except (BrokenExecutor, OSError) as error:  # its pipe closes a moment before it is broken
            if self._factory is None and self._is_new:
                raise WorkerLostError(
                    f"the {type(self._executor).__name__} was broken already, as a worker of it "
                    f"died: make a new one. {FACTORY}"
                ) from error
            return None
        except RuntimeError as error:  # it was shut down, by whoever else has it
            if self._factory is not None and not self._is_new:
                return None
            raise DistributedError(
                f"the {type(self._executor).__name__} takes no work: {error}"
            ) from error

    def _replace_pool(self) -> None:
        if self._factory is None:
            raise WorkerLostError(
                f"a worker of the {type(self._executor).__name__} died, which breaks it for good"
                + (
                    f". {FACTORY}"
                    if self._has_answered
                    else f", before any answered. {MAIN}. {FACTORY}"
                )
            )
        if self._executor is not None:
            _give_up(self._executor)
        self._renew()

    def _check_start(self) -> None:
        """Raise an error if the workers of a pool that was just made die of no task at all."""
        for _ in range(STARTS):
            assert self._executor is not None
            try:
                self._executor.submit(os.getpid).result(self._timeout)
                return
            except TimeoutError:
                return
            except (BrokenExecutor, CancelledError):
                self._replace_pool()
        raise WorkerLostError(
            f"the workers of the {type(self._executor).__name__} die as they are started, before "
            f"they are given anything to do. {MAIN}"
        )

    def _renew(self) -> None:
        assert self._factory is not None
        executor = self._factory()
        if not isinstance(executor, Executor):
            raise TypeError(
                f"the function that was passed as executor made a {type(executor).__name__}; it "
                "must make a concurrent.futures executor. A Dask client or an MPI communicator "
                "is passed as it is, not a function that makes it"
            )
        self._executor, self._is_new = executor, True


def _done(futures: dict[Future[Any], int], timeout: float) -> set[Future[Any]]:
    """Those that are done, once one is; none after `timeout` seconds.

    A pool that is shut down cancels futures without telling those who wait for them.
    """
    end = time.monotonic() + timeout
    while futures:
        left = end - time.monotonic()
        done, _ = wait(futures, max(0.0, min(left, LOOKS_EVERY)), FIRST_COMPLETED)
        done |= {future for future in futures if future.cancelled()}
        if done or left <= 0:
            return done
    return set()


def _give_up(executor: Executor) -> None:
    """End an executor without waiting for it: also one whose workers are stopped."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with contextlib.suppress(Exception):  # it may have ended already
            process.kill()
