"""A model of the time of a training round over 1 to 1,024 workers.

Sources of the formulas: R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of Collective
Communication Operations in MPICH", 2005 (ring and tree); a star is one message after another
through the link of the caller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

GROUPS = 16
"""the kernel sums a batch in at most so many groups, which is how many workers can share one"""


@dataclass(frozen=True)
class Net:
    """A network between machines."""

    name: str
    latency: float
    """seconds of a message"""
    bandwidth: float
    """bytes a second of one machine's link"""


ONE_GBE = Net("1 GbE", 100e-6, 0.125e9)
TEN_GBE = Net("10 GbE", 50e-6, 1.25e9)


@dataclass(frozen=True)
class Engine:
    """What an engine costs beside the network."""

    name: str
    round_trip: float
    """seconds of a round with one task that does nothing"""
    task: float
    """seconds that each further task of a round costs the caller"""


@dataclass(frozen=True)
class Job:
    """A batch and a network."""

    compute: float
    """seconds of the whole batch in one process"""
    weights: int
    """bytes"""
    samples: int = 0
    """bytes of the batch, if it travels with the tasks; 0 if workers read a store"""


def star(job: Job, engine: Engine, net: Net, n_workers: int, n_cores: int | None = None) -> float:
    """Seconds of a round in which the caller hands out tasks and takes sums back.

    Parameters
    ----------
    n_cores : int, optional
        On which the workers run; by default each has one of its own.
    """
    used = min(n_workers, GROUPS)
    at_once = used if n_cores is None else min(used, n_cores)
    moved = used * 2 * job.weights + job.samples
    overhead = engine.round_trip + (used - 1) * engine.task
    return computing(job, at_once) + overhead + 2 * net.latency + moved / net.bandwidth


def tree(job: Job, net: Net, n_workers: int) -> float:
    """Seconds of a round whose sums go up the fixed tree, and the weights down again."""
    used = min(n_workers, GROUPS)
    levels = math.ceil(math.log2(used)) if used > 1 else 0
    return computing(job, used) + 2 * levels * (net.latency + job.weights / net.bandwidth)


def ring(job: Job, net: Net, n_workers: int) -> float:
    """Seconds of a round with a ring all-reduce, whose sums depend on the number of workers.

    It is here for comparison: its bits are not those of one process, and it is not used.
    """
    n = n_workers
    return (
        job.compute / n + 2 * (n - 1) * net.latency + 2 * (n - 1) / n * job.weights / net.bandwidth
    )


def computing(job: Job, n_at_once: int) -> float:
    """Seconds of the share with the most groups."""
    return job.compute * math.ceil(GROUPS / n_at_once) / GROUPS


def local(
    job: Job, engine: Engine, net: Net, n_workers: int, local_steps: int, states: int = 3
) -> float:
    """Seconds of a local round, in which each worker takes steps on batches of its own.

    Parameters
    ----------
    local_steps : int
        Of each replica between two averages.
    states : int
        Vectors as long as the weights that travel each way: the weights and Adam's two moments.
    """
    moved = n_workers * 2 * states * job.weights
    overhead = engine.round_trip + (n_workers - 1) * engine.task
    return local_steps * job.compute + overhead + 2 * net.latency + moved / net.bandwidth


def local_steps_for(job: Job, engine: Engine, net: Net, n_workers: int, share: float = 0.9) -> int:
    """Local steps with which workers compute for that share of their time."""
    rest = local(job, engine, net, n_workers, 0)
    return max(1, math.ceil(share / (1 - share) * rest / job.compute))
