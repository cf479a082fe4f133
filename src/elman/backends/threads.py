"""How many threads a call may use, from `n_jobs` and what the process was given."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path


@cache
def _cgroup_cpus() -> float:
    """CPU quota of this process's control group in cores; infinity without one."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.inf if quota == "max" else float(quota) / float(period)
    except (OSError, ValueError):
        return math.inf


def _usable_cpus() -> int:
    try:
        n_cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        n_cpus = os.cpu_count() or 1
    return max(1, math.ceil(min(n_cpus, _cgroup_cpus())))


def available_threads(n_jobs: int | None = None) -> int:
    """Threads a call may use: never more than `n_jobs`, the usable cores, or OMP_NUM_THREADS.

    Parameters
    ----------
    n_jobs : int or None
        As in scikit-learn: None or -1 for all, -2 for all but one, and so on.

    Raises
    ------
    ValueError
        `n_jobs` is 0.
    """
    limit = _usable_cpus()
    omp = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if omp.isdigit() and int(omp) > 0:
        limit = min(limit, int(omp))
    if n_jobs is None:
        return limit
    if n_jobs == 0:
        raise ValueError("n_jobs=0 has no meaning; give a positive number, or -1 for all cores")
    return min(n_jobs, limit) if n_jobs > 0 else max(1, limit + 1 + n_jobs)
