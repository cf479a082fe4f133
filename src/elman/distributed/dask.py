"""Tasks on a cluster of Dask, through its client. Dask itself is not imported until then."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from elman.distributed.engine import (
    DistributedError,
    NoWorkersError,
    OneCaller,
    Task,
    WorkerLostError,
)
from elman.distributed.executors import packed, run_packed

ROUNDS_BETWEEN_LOOKS = 20
"""after so many rounds the number of workers is asked for again"""


class DaskEngine(OneCaller):
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
        self._address = getattr(getattr(client, "scheduler", None), "address", "an unknown address")
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
        DistributedError
            The scheduler does not answer.
        """
        if not self._workers or self._n_rounds % ROUNDS_BETWEEN_LOOKS == 0:
            from distributed.client import ClosedClientError

            try:
                self._look()
            except (ClosedClientError, OSError) as error:
                raise self._gone() from error
        return len(self._workers)

    def close(self) -> None:
        """Nothing: client and cluster are the user's."""

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order; one whose worker does not answer is sent to another."""
        from distributed.client import ClosedClientError

        self._n_rounds += 1
        futures: dict[Any, int] = {}
        try:
            return self._run(tasks, futures)
        except (ClosedClientError, OSError) as error:
            raise self._gone() from error
        finally:
            if futures:  # late ones, of which another attempt was taken, or of a failed round
                with suppress(ClosedClientError, OSError):
                    self._client.cancel(list(futures))

    def _run(self, tasks: Sequence[Task], futures: dict[Any, int]) -> list[Any]:
        from distributed import KilledWorker
        from distributed import wait as wait_for

        wait: Any = wait_for
        results: dict[int, Any] = {}
        killed: dict[int, Exception] = {}
        attempts = [0] * len(tasks)

        def submit(i: int) -> None:
            key = f"elman-{self._run_id}-{self._n_rounds}-{i}-{attempts[i]}"
            workers = self._workers if self._stuck else None
            future = self._client.submit(
                run_packed,
                packed(tasks[i]),
                tasks[i].name,
                key=key,
                pure=False,
                workers=workers,
                allow_other_workers=workers is not None,
            )
            futures[future] = i

        def again(lost: Iterable[int], why: str) -> None:
            for i in sorted(lost):
                attempts[i] += 1
                if attempts[i] > self._retries:
                    raise WorkerLostError(
                        f"{tasks[i].name} could not be computed: {why}, {attempts[i]} times. "
                        "`timeout` and `retries` of elman.distributed.connect allow for more"
                    )
                submit(i)

        for i in range(len(tasks)):
            submit(i)
        while len(results) + len(killed) < len(tasks):
            try:
                with self._client.as_current():  # `wait` asks no client by name
                    wait(list(futures), timeout=self._timeout, return_when="FIRST_COMPLETED")
            except TimeoutError:
                self._look(futures)
                missing = set(range(len(tasks))) - set(results) - set(killed)
                again(missing, f"no result came within {self._timeout:g} s")
                continue
            except CancelledError:  # the cluster was restarted, or the connection was lost
                pass
            lost = set()
            for future in [future for future in futures if future.done()]:
                i = futures.pop(future)
                if i in results:
                    continue
                try:
                    results[i] = future.result()
                except KilledWorker as error:
                    killed[i] = error
                except CancelledError:
                    lost.add(i)
            if lost:
                self._reconnect()
                self._look()
                again(lost - set(results) - set(futures.values()), "it was cancelled")
        if len(killed) == 1:
            ((i, cause),) = killed.items()
            self._workers = []
            raise WorkerLostError(
                f"{tasks[i].name} could not be computed: every worker that was given it died "
                f"({cause}). Look at what these samples hold and at the memory of the workers"
            ) from cause
        for i in killed:  # one may have died of the other's task: each is tried alone
            (results[i],) = self.run([tasks[i]])
        return [results[i] for i in range(len(tasks))]

    def _reconnect(self) -> None:
        """Wait until the client has found its scheduler again."""
        deadline = time.monotonic() + self._timeout
        while self._client.status != "running":
            if self._client.status == "closed" or time.monotonic() > deadline:
                raise self._gone()
            time.sleep(min(0.05, self._timeout / 10))

    def _gone(self) -> DistributedError:
        return DistributedError(
            f"the scheduler of Dask at {self._address} is gone, or the client was closed: start a "
            "cluster, and go on from a checkpoint if the estimator has one"
        )

    def _look(self, waiting: dict[Any, int] | None = None) -> None:
        """See which workers there are, and which of them keep work that others wait for."""
        if waiting:
            keys = {future.key for future in waiting}
            for worker, held in self._client.processing().items():
                if keys & set(held):
                    self._stuck.add(worker)
        if self._client.status == "closed":
            raise self._gone()
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
