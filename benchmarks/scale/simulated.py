"""A cluster that exists on paper: real tasks, results and bits, on a clock that is only counted."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.distributed.engine import OneCaller, Task


@dataclass(frozen=True)
class Conditions:
    """What the workers of a simulated cluster are like; times in seconds."""

    lost_per_hour: float = 0.01
    """share of the workers that die in an hour, each at a random moment"""
    noticed_after: float = 3.0
    """from a worker's death until the caller knows"""
    replaced_after: float = 120.0
    """from a worker's death until another one takes its place"""
    slow_share: float = 0.01
    """share of the tasks that take `slow_factor` times as long"""
    slow_factor: float = 50.0
    timeout: float = 60.0
    """after which a task without a result is given to another worker as well"""
    latency: float = 0.5e-3
    per_task: float = 0.2e-3
    """what handing out a task costs the caller"""


@dataclass
class Counts:
    """What happened."""

    seconds: float = 0.0
    """on the simulated clock"""
    busy: float = 0.0
    """seconds of workers that led to a result which was taken"""
    rounds: int = 0
    lost: int = 0
    """workers that died with a task"""
    resent: int = 0
    """tasks that timed out and were given to another worker as well"""
    repeated: int = 0
    """results that came twice"""
    differing: int = 0
    """of these, with other bits"""


@dataclass
class SimulatedEngine(OneCaller):
    """An engine whose workers, deaths and stragglers are drawn from a generator.

    The order in which workers take tasks, die, come back and answer is simulated by events; what
    they compute is computed here, by the tasks' own code, once for each answer that arrives.

    Parameters
    ----------
    workers : int
    duration : callable
        A task -> seconds that a worker of usual speed takes for it.
    conditions : Conditions
    rng : numpy.random.Generator
    """

    workers: int
    duration: Callable[[Any], float]
    conditions: Conditions
    rng: np.random.Generator
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        c = self.conditions
        self._rate = -np.log1p(-c.lost_per_hour) / 3600 if c.lost_per_hour else 0.0
        self._free_at = np.zeros(self.workers)
        self._dies_at = self._lifetimes(self.workers)

    @property
    def n_workers(self) -> int:
        """All of them: who is dead now is noticed when its task does not come back."""
        return self.workers

    def close(self) -> None:
        """Nothing is held."""

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """The results of tasks, in order, after as much simulated time as they take."""
        c, counts = self.conditions, self.counts
        counts.rounds += 1
        results: dict[int, Any] = {}
        events: list[tuple[float, int, str, int, float]] = []  # time, number, what, task, work
        n_events = 0

        def at(when: float, what: str, task: int, work: float = 0.0) -> None:
            nonlocal n_events
            heapq.heappush(events, (when, n_events, what, task, work))
            n_events += 1

        def hand_out(task: int, now: float) -> None:
            """Give a task to the worker that is free first, and see what becomes of it."""
            worker = int(np.argmin(self._free_at))
            start = max(now, float(self._free_at[worker])) + c.latency
            work = self.duration(tasks[task])
            if self.rng.random() < c.slow_share:
                work *= c.slow_factor
            end = start + work
            if self._dies_at[worker] < end:
                death = max(float(self._dies_at[worker]), start)
                self._free_at[worker] = death + c.replaced_after
                self._dies_at[worker] = death + c.replaced_after + self._lifetimes(1)[0]
                at(death + c.noticed_after, "lost", task)
            else:
                self._free_at[worker] = end
                at(end + c.latency, "done", task, work)
                at(start + c.timeout, "late", task)

        now = counts.seconds
        for task in range(len(tasks)):
            now += c.per_task
            hand_out(task, now)
        while len(results) < len(tasks):
            now, _, what, task, work = heapq.heappop(events)
            if what == "done" and task not in results:
                results[task] = tasks[task].run()
                counts.busy += work
            elif task not in results:
                counts.lost += what == "lost"
                counts.resent += what == "late"
                hand_out(task, now)
        counts.seconds = now
        self._see_late_answers(events, tasks, results)
        return [results[task] for task in range(len(tasks))]

    def _see_late_answers(
        self, events: list[Any], tasks: Sequence[Task], results: dict[int, Any]
    ) -> None:
        """Compute the answers that come too late as well, and compare them with those taken."""
        for _, _, what, task, _ in events:
            if what == "done":
                self.counts.repeated += 1
                again = tasks[task].run()
                self.counts.differing += not _same(again, results[task])

    def _lifetimes(self, n: int) -> np.ndarray:
        if not self._rate:
            return np.full(n, np.inf)
        return self.rng.exponential(1 / self._rate, n)


def _same(a: Any, b: Any) -> bool:
    """Whether two results have the same bits, in all but the seconds they took."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return set(a) == set(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        fields = getattr(a, "_fields", range(len(a)))
        pairs = zip(fields, a, b, strict=True)
        return len(a) == len(b) and all(_same(x, y) for name, x, y in pairs if name != "seconds")
    return bool(a == b)
