"""Tasks on a cluster of Dask, through its client. Dask itself is not imported until then."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from elman.distributed.engine import Engine, NoWorkersError, Task, WorkerLostError
from elman.distributed.executors import run_task

T = TypeVar("T")
ROUNDS_BETWEEN_LOOKS = 20
"""after so many rounds the number of workers is asked for again"""


class DaskEngine(Engine):
    """An engine over a `distributed.Client`, which is never closed here.

    Everything a task needs travels within it. Nothing is left on a worker or on the scheduler, so
    that losing any worker loses nothing but time: Dask runs its task again on another one.

    Parameters
    ----------
    client : distributed.Client
        A synchronous one.
    timeout, retries
        As `connect` takes them. How often Dask itself runs a task again whose worker died is its
        own setting, `distributed.scheduler.allowed-failures`.
    """

    def __init__(self, client: Any, timeout: float, retries: int) -> None:
        if getattr(client, "asynchronous", False):
            raise TypeError("the Client is asynchronous; pass one made with asynchronous=False")
        self._client, self._timeout, self._retries = client, timeout, retries
        self._run_id = uuid.uuid4().hex[:12]
        self._n_rounds = 0
        self._workers: list[str] = []
        self._stuck: set[str] = set()  # workers that kept work without doing it

    @property
    def n_workers(self) -> int:
        """Workers of the cluster that answer; waits for the first one.

        Raises
        ------
        NoWorkersError
            None came within the time-out.
        """
        if not self._workers or self._n_rounds % ROUNDS_BETWEEN_LOOKS == 0:
            self._look()
        return len(self._workers)

    @property
    def is_writer(self) -> bool:
        """True: there is one caller."""
        return True

    def shared(self, make: Callable[[], T]) -> T:
        """What `make` returns."""
        return make()

    def check_same(self, make: Callable[[], Any], what: str) -> None:
        """Nothing: there is one caller."""

    def close(self) -> None:
        """Nothing: client and cluster are the user's."""

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order; one whose worker does not answer is sent to another."""
        from distributed import wait as wait_for

        wait: Any = wait_for

        self._n_rounds += 1
        results: dict[int, Any] = {}
        futures: dict[Any, int] = {}
        attempts = [0] * len(tasks)

        def submit(i: int) -> None:
            key = f"elman-{self._run_id}-{self._n_rounds}-{i}-{attempts[i]}"
            workers = self._workers if self._stuck else None
            future = self._client.submit(
                run_task,
                tasks[i],
                key=key,
                pure=False,
                workers=workers,
                allow_other_workers=workers is not None,
            )
            futures[future] = i

        try:
            for i in range(len(tasks)):
                submit(i)
            while len(results) < len(tasks):
                try:
                    done = wait(
                        list(futures), timeout=self._timeout, return_when="FIRST_COMPLETED"
                    ).done
                except TimeoutError:
                    self._look(futures)
                    for i in sorted(set(range(len(tasks))) - set(results)):
                        attempts[i] += 1
                        if attempts[i] > self._retries:
                            raise WorkerLostError(
                                f"{tasks[i].name} could not be computed: no result came within "
                                f"{self._timeout:g} s, {attempts[i]} times"
                            ) from None
                        submit(i)
                    continue
                for future in done:
                    i = futures.pop(future)
                    if i not in results:
                        results[i] = self._result(future, tasks[i])
        finally:
            if futures:  # late ones, of which another attempt was taken, or of a failed round
                self._client.cancel(list(futures))
        return [results[i] for i in range(len(tasks))]

    def _result(self, future: Any, task: Task) -> Any:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            self._workers = []
            raise WorkerLostError(
                f"{task.name} could not be computed: every worker that was given it died "
                f"({error}). Look at what these samples hold and at the memory of the workers"
            ) from error

    def _look(self, waiting: dict[Any, int] | None = None) -> None:
        """See which workers there are, and which of them keep work that others wait for."""
        if waiting:
            keys = {future.key for future in waiting}
            for worker, held in self._client.processing().items():
                if keys & set(held):
                    self._stuck.add(worker)
        deadline = time.monotonic() + self._timeout
        while True:
            present = list(self._client.nthreads())
            self._stuck &= set(present)
            good = [worker for worker in present if worker not in self._stuck]
            if good or present:
                self._workers = good or present
                return
            if time.monotonic() > deadline:
                raise NoWorkersError(
                    f"the cluster of {self._client} has no worker, and none came within "
                    f"{self._timeout:g} s: start workers, or pass a longer timeout to "
                    "elman.distributed.connect"
                )
            time.sleep(min(0.05, self._timeout / 10))
