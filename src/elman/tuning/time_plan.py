"""The minutes of a search in; when each part of it has to end, out.

Without minutes nothing has to end, and nothing here looks at the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.tuning.candidates import Candidate
from elman.tuning.trial import Clock

FEWEST_EPOCHS = 10
"""A candidate is not judged before so many."""
FIRST_SHARE = 0.6
"""of all the time, after which even the untouched estimator is stopped"""
FINAL_SHARE = 0.25
"""of all the time, at most, that is kept for the finalists"""
MARGIN = 1.25
"""by which the last training, on all samples, may take longer than expected"""
WISHED_REPEATS = 4
"""of the folds, each cut anew, that the finalists are to be trained on"""
LAST_SHARE = 0.2
"""of all the time, at most, that the last training may need; dearer candidates are left out"""
N_FINAL = 3
"""Candidates, the best of all, one of which the last training is expected to be of"""

FACTORS: dict[str, dict[Any, float]] = {
    "bidirectional": {True: 1.7},
    "cell": {"gru": 2.2, "lstm": 2.6},
    "n_layers": {2: 2.0},
}
"""How many times longer a change makes training, about; it decides what there is time for."""


def cost_of(estimator: Any, changes: Mapping[str, Any], automatic: Mapping[str, Any]) -> float:
    """How many times longer a training takes with the changes than without, about.

    `automatic` has the numbers that hyper-parameters of the estimator come to that are "auto".
    """
    cost = 1.0
    for name, value in changes.items():
        own = automatic.get(name, getattr(estimator, name))
        if name in FACTORS:
            cost *= FACTORS[name].get(value, 1.0) / FACTORS[name].get(own, 1.0)
        elif not (_is_number(value) and _is_number(own)):
            continue
        elif name == "max_iter":
            cost *= value / own
        elif name == "stride":
            cost *= own / value
        elif name == "hidden_size":
            cost *= max(value / own, 0.5)
    return cost


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def shares_of(n_epochs: int, eta: int) -> tuple[float, ...]:
    """Of the epochs, at which candidates are compared: 1/9, 1/3 and 1, or the last of these."""
    shares = [1.0]
    while len(shares) < 3 and n_epochs * shares[0] / eta >= FEWEST_EPOCHS:
        shares.insert(0, shares[0] / eta)
    return tuple(shares)


class TimePlan:
    """When the parts of a search end.

    Parameters
    ----------
    clock : callable
    seconds : float or None
        That there are in all, the last training included; None: no limit.
    begun : float
        When they began, on the clock.
    n_workers : int
    n_train, n_samples : float
        Samples that a fold, and the last training, learn from.
    """

    def __init__(
        self,
        clock: Clock,
        seconds: float | None,
        begun: float,
        *,
        n_workers: int,
        n_train: float,
        n_samples: int,
    ) -> None:
        self._clock, self._total, self._n_workers = clock, seconds, n_workers
        self._growth = n_samples / n_train
        self._begun = begun
        self._of_one = 0.0
        self._ranked: Sequence[Candidate] = ()

    @property
    def end(self) -> float | None:
        """When all has to be done, on the clock."""
        return None if self._total is None else self._begun + self._total

    def left(self) -> float | None:
        """Seconds for the search; None: as many as it takes."""
        end = self.search_ends(self._ranked)
        return None if end is None else max(end - self._clock(), 0.0)

    def learn(self, untouched: Candidate) -> None:
        """Take notice of how long the untouched estimator took."""
        self._of_one = _of_full(untouched)
        self._ranked = [untouched]

    def seconds(self, cost: float) -> float:
        """Seconds that trainings take which cost as much as so many of the untouched estimator."""
        return cost * self._of_one / self._n_workers

    def first_ends(self) -> float | None:
        """When training of the untouched estimator ends, whether or not it is done."""
        return None if self._total is None else self._begun + FIRST_SHARE * self._total

    def is_affordable(self, cost: float) -> bool:
        """Whether the last training leaves enough time for the search if it costs so much."""
        if self._total is None:
            return True
        return self._last(cost * self._of_one) <= LAST_SHARE * self._total

    def search_ends(self, ranked: Sequence[Candidate], cost: float = 1.0) -> float | None:
        """When there is an end of new candidates, the dearest of which costs so much."""
        if self._total is None:
            return None
        known = [_of_full(each) for each in ranked[:N_FINAL]]
        longest = max([*known, self._of_one, cost * self._of_one])
        end = self._begun + self._total - self._last(longest)
        folds = max((len(each.of_full) for each in ranked[:1]), default=0)
        final = (N_FINAL + 1) * WISHED_REPEATS * folds * longest / self._n_workers
        return end - min(final, FINAL_SHARE * self._total)

    def final_ends(self, ranked: Sequence[Candidate]) -> float | None:
        """When the finalists have to be done, for the best of them to be trained once more."""
        if self._total is None:
            return None
        longest = max((_of_full(each) for each in ranked), default=self._of_one)
        return self._begun + self._total - self._last(longest)

    def _last(self, of_fold: float) -> float:
        """Seconds for the last training, of what takes so many on a fold."""
        return MARGIN * self._growth * of_fold

    def fits(self, candidates: Sequence[Candidate], n_folds: int, end: float | None) -> bool:
        """Whether there is time to train candidates on so many folds."""
        if end is None:
            return True
        needed = sum(_of_full(each) for each in candidates) * n_folds / self._n_workers
        return self._clock() + needed <= end

    def n_fitting(
        self, costs: Sequence[float], shares: Sequence[float], eta: int, end: float | None
    ) -> int:
        """How many of the first candidates there is time for, halved at these shares."""
        n = len(costs)
        while n and end is not None:
            needed, before, alive = 0.0, 0.0, n
            for share in shares:
                needed += (share - before) * alive * float(np.mean(costs[:n]))
                before, alive = share, max(alive // eta, 1)
            if self._clock() + self.seconds(needed) <= end:
                break
            n -= 1
        return n


def _of_full(candidate: Candidate) -> float:
    """Seconds of a whole training on a fold."""
    found = [*candidate.of_full.values()]
    return float(np.mean(found)) if found else 0.0
