"""Where the time of training rounds goes, and which batch size would use the workers better."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

N_LEFT_OUT = 1
"""first rounds not counted: workers import the package in them"""
N_COUNTED = 8
AIM = 0.88
"""share of the workers' time that a recommended batch size aims at"""


class Efficiency(NamedTuple):
    """Medians over the first rounds."""

    compute: float
    """seconds in which the slowest worker of a round computes"""
    communication: float
    """seconds of a round beside that"""
    share: float
    """of the workers' time that they compute"""
    n_samples: int
    """in a batch"""
    recommended: int | None
    """samples in a batch with which `expected` could be reached; None if it is reached already"""
    expected: float

    def __str__(self) -> str:
        seen = (
            f"compute {self.compute * 1e3:.1f} ms, communication {self.communication * 1e3:.1f} ms "
            f"a round: {self.share:.0%} of the workers' time"
        )
        if self.recommended is None:
            return seen
        return f"{seen}; batch_size={self.recommended} would give {self.expected:.0%}"


class Timing:
    """Collects the times of rounds; it decides nothing."""

    def __init__(self) -> None:
        self._rounds: list[tuple[float, float, float, int]] = []
        self._n_seen = 0

    @property
    def is_full(self) -> bool:
        """Whether as many rounds were seen as are counted."""
        return len(self._rounds) >= N_COUNTED

    def add(self, seconds: float, computing: list[float], n_samples: int) -> None:
        """Take a round into account: its time, and the time of each of its tasks."""
        self._n_seen += 1
        if self._n_seen > N_LEFT_OUT and not self.is_full:
            slowest, mean = max(computing), sum(computing) / len(computing)
            self._rounds.append((seconds, slowest, mean, n_samples))

    def reporter(self, write: Callable[[str], Any]) -> Callable[[Any], None]:
        """A function that, called after each epoch, writes the efficiency once it is known."""
        written: list[Efficiency] = []

        def report(epoch: Any) -> None:
            found = self.efficiency()
            if found is not None and not written and (self.is_full or epoch.epoch > 1):
                written.append(found)
                write(str(found))

        return report

    def efficiency(self) -> Efficiency | None:
        """What the rounds so far say; None before any was counted."""
        if not self._rounds:
            return None
        compute = median(r[1] for r in self._rounds)
        communication = median(max(r[0] - r[1], 0.0) for r in self._rounds)
        share = median(r[2] / r[0] for r in self._rounds)
        n_samples = round(median(r[3] for r in self._rounds))
        if share >= AIM or compute <= 0:
            return Efficiency(compute, communication, share, n_samples, None, share)
        # Computing grows with the batch, communication does not, but for the samples themselves.
        factor = AIM / (1 - AIM) * communication / compute
        size = 1
        while size < n_samples * factor:
            size *= 2
        larger = compute * size / n_samples
        return Efficiency(
            compute, communication, share, n_samples, size, larger / (larger + communication)
        )
