"""Interleaved timing: functions in, medians and spreads out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

WARM_SECONDS = 5e-3
"""how long a function runs untimed before its turn; one that takes longer needs no warming"""


class Timing(NamedTuple):
    """Seconds of one call."""

    median: float
    low: float
    """first quartile"""
    high: float
    """third quartile"""
    n_rounds: int


def interleave(
    functions: Sequence[Callable[[], object]], *, seconds: float, min_rounds: int = 5
) -> list[Timing]:
    """Time the functions in turn, round after round, so that what disturbs one disturbs all.

    A quick function is called several times in a row and the mean of those taken, so that the
    clock's grain does not show. Before its turn is timed a quick function runs untimed for some
    milliseconds, so that it finds its own data in the caches, not its predecessor's, and the other
    core free of threads that a predecessor left spinning. Rounds go on until `seconds` have passed
    for each function.
    """
    repeats, warm = [], []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        taken = time.perf_counter() - start
        repeats.append(max(1, min(1000, int(2e-4 / taken))))
        warm.append(min(1000, int(WARM_SECONDS / taken)))

    def run(i: int) -> float:
        for _ in range(warm[i]):
            functions[i]()
        start = time.perf_counter()
        for _ in range(repeats[i]):
            functions[i]()
        return (time.perf_counter() - start) / repeats[i]

    return interleave_measured(
        [lambda i=i: run(i) for i in range(len(functions))], seconds=seconds, min_rounds=min_rounds
    )


def interleave_measured(
    functions: Sequence[Callable[[], float]], *, seconds: float, min_rounds: int = 5
) -> list[Timing]:
    """The same for functions that time themselves and return the seconds."""
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds * len(functions)
    while len(times[0]) < min_rounds or time.perf_counter() < end:
        for function, samples in zip(functions, times, strict=True):
            samples.append(function())
    return [_summary(samples) for samples in times]


def _summary(samples: list[float]) -> Timing:
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Timing(median, low, high, len(samples))


def peak_flops(isa: int, n: int = 200_000, n_rounds: int = 15) -> float:
    """Multiply-adds a second of one core, doubled: the best of a few rounds of nothing else."""
    from elman.backends import _native

    best = 0.0
    for _ in range(n_rounds):
        start = time.perf_counter()
        flops = _native.multiply_adds(isa, n)
        best = max(best, flops / (time.perf_counter() - start))
    return best


def memory_bandwidth(n_bytes: int = 1 << 28, n_rounds: int = 5) -> float:
    """Bytes a second one core reads and writes when it copies more than any cache holds."""
    import numpy as np

    source, target = np.ones(n_bytes, np.uint8), np.ones(n_bytes, np.uint8)
    best = 0.0
    for _ in range(n_rounds):
        start = time.perf_counter()
        np.copyto(target, source)
        best = max(best, 2 * n_bytes / (time.perf_counter() - start))
    return best
