"""Where the time of training rounds goes, and what would use the workers better."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

N_LEFT_OUT = 1
"""first rounds not counted: workers import the package in them"""
N_COUNTED = 8
AIM = 0.88
"""share of the workers' time that a recommended batch size aims at"""


class Round(NamedTuple):
    """What was measured of one round."""

    seconds: float
    """of the whole round, as the caller waited for it"""
    computing: list[float]
    """seconds that each task computed"""
    n_workers: int
    n_samples: int
    """in the batch; in local mode, where replicas learn, batches of each replica"""


class Efficiency(NamedTuple):
    """Medians over the first rounds."""

    compute: float
    """seconds in which the slowest worker of a round computes"""
    communication: float
    """seconds of a round beside that"""
    share: float
    """of the time of all workers, the idle ones too, that they compute"""
    n_idle: int
    """workers for which the batch has no group of samples"""
    n_workers: int
    batch_size: int | None
    """a power of two with which more of the workers' time would be used, no larger than the
    training data; None if there is none. In local mode of `local_steps`"""
    expected: float
    """what share that would be, if computing grows with the batch and the rest stays"""
    local: bool = False
    """whether replicas learn by themselves in a round"""

    def __str__(self) -> str:
        text = (
            f"compute {self.compute * 1e3:.1f} ms, communication {self.communication * 1e3:.1f} ms "
            f"a round: {100 * self.share:.0f} % of the workers' time"
        )
        if self.batch_size is not None:
            size = "local_steps" if self.local else "batch_size"
            text += f"; {size}={self.batch_size} would give {100 * self.expected:.0f} %"
        if self.n_idle:
            why = (
                "there are fewer replicas"
                if self.local
                else "a batch has too few groups of samples"
            )
            text += f"; {self.n_idle} of {self.n_workers} workers have nothing to do, because {why}"
        return text


class Timing:
    """Collects the times of rounds; it decides nothing.

    Parameters
    ----------
    n_samples : int
        Of the training data, which no batch exceeds; in local mode batches of each replica in an
        epoch.
    local : bool, default=False
        Whether replicas learn by themselves in a round.
    """

    def __init__(self, n_samples: int, *, local: bool = False) -> None:
        self._n_samples, self._local = n_samples, local
        self._rounds: list[Round] = []
        self._n_seen = 0

    @property
    def is_full(self) -> bool:
        """Whether as many rounds were seen as are counted."""
        return len(self._rounds) >= N_COUNTED

    def add(self, one: Round) -> None:
        """Take a round into account."""
        self._n_seen += 1
        if self._n_seen > N_LEFT_OUT and not self.is_full:
            self._rounds.append(one)

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
        compute = median(max(r.computing) for r in self._rounds)
        communication = median(max(r.seconds - max(r.computing), 0.0) for r in self._rounds)
        share = median(sum(r.computing) / (r.n_workers * r.seconds) for r in self._rounds)
        n_workers = self._rounds[-1].n_workers
        n_idle = max(n_workers - len(self._rounds[-1].computing), 0)
        n_samples = median(r.n_samples for r in self._rounds)
        # Computing grows with the batch; the rest does not, while the samples are few beside it.
        busy = share * (compute + communication) / compute if compute else 0.0
        size, expected = 1, 0.0
        while expected < min(AIM, busy * AIM) and 2 * size <= self._n_samples:
            size *= 2
            larger = compute * size / n_samples
            expected = busy * larger / (larger + communication)
        better = size if size > n_samples and expected > share else None
        return Efficiency(
            compute, communication, share, n_idle, n_workers, better, expected, self._local
        )
