"""Outcomes of trials in; what is known of each candidate, and of pairs of them, out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from elman.tuning.space import Changes, described
from elman.tuning.trial import Outcome


class Estimate(NamedTuple):
    """A mean over folds, with its standard error."""

    mean: float
    error: float
    """NaN of a single fold"""
    n_folds: int


@dataclass(eq=False)
class Candidate:
    """Hyper-parameters, and the scores they got."""

    number: int
    changes: Changes
    origin: str
    """"untouched", "single change", "combined" or "random" """
    scores: dict[float, dict[int, float]] = field(default_factory=dict)
    """by share of the epochs the score of each fold"""
    losses: dict[float, dict[int, float]] = field(default_factory=dict)
    n_epochs: int = 0
    seconds: float = 0.0
    of_full: dict[int, float] = field(default_factory=dict)
    """by fold the seconds that a whole training took"""
    epochs_in_all: int = 0
    failure: str | None = None
    """of the first fold that it failed on, in whatever order folds were done"""
    _failed_on: int | None = None
    _spent: dict[int, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it changes, in words."""
        return described(self.changes)

    @property
    def share(self) -> float:
        """The largest share of its epochs that it was scored at; 0 without a score."""
        return max((share for share, found in self.scores.items() if found), default=0.0)

    def add(self, fold: int, share: float, outcome: Outcome) -> None:
        """Take an outcome into account."""
        self.n_epochs += outcome.n_epochs
        self.seconds += outcome.seconds
        self._spent[fold] = self._spent.get(fold, 0.0) + outcome.seconds
        self.epochs_in_all = outcome.epochs_in_all or self.epochs_in_all
        if outcome.failure is not None and (self._failed_on is None or fold < self._failed_on):
            self.failure, self._failed_on = outcome.failure, fold
        if outcome.score is None:
            return
        self.scores.setdefault(share, {})[fold] = outcome.score
        if outcome.loss is not None:
            self.losses.setdefault(share, {})[fold] = outcome.loss
        if share == 1:
            self.of_full[fold] = self._spent[fold]

    def mean(self, folds: Iterable[int], share: float = 1.0) -> float:
        """The mean score over folds; NaN if one of them has none."""
        found = self.scores.get(share, {})
        values = [found.get(fold, math.nan) for fold in folds]
        return float(np.mean(values)) if values else math.nan

    def promise(self, folds: Sequence[int], share: float = 1.0) -> tuple[float, float, int]:
        """What candidates are ranked by while the search goes on, the larger the better.

        The score, then the cross-entropy, which says more of how a training will go on than equal
        scores do, then what came first.
        """
        return self._level(folds, share), -self._loss(folds, share), -self.number

    def merit(self, folds: Sequence[int]) -> tuple[float, int, float, int]:
        """What the winner is chosen by, the larger the better.

        The score, then how little is changed, then the cross-entropy, then what came first: a
        change has to earn its place by the score.
        """
        return self._level(folds), -len(self.changes), -self._loss(folds), -self.number

    def _level(self, folds: Sequence[int], share: float = 1.0) -> float:
        """The mean score, without what is only rounding; that of a failure is below all others."""
        score = self.mean(folds, share)
        if math.isnan(score) or self.failure is not None:
            return -math.inf
        return without_rounding(score)

    def _loss(self, folds: Sequence[int], share: float = 1.0) -> float:
        found = self.losses.get(share, {})
        return float(np.mean([found.get(fold, math.inf) for fold in folds]))


def without_rounding(score: float) -> float:
    """A mean of scores to 12 digits: the order in which folds are added up changes only the rest.

    Equal scores are equal after it.
    """
    return float(f"{score:.12g}")


def estimate(values: Sequence[float], n_train: float, n_test: float) -> Estimate:
    """The mean over folds, and its standard error as Nadeau and Bengio (2003) correct it.

    Folds share most of what they train on, so that the plain standard error of their scores is too
    small. "Inference for the generalization error", Machine Learning 52, has the variance of the
    mean of n folds as (1/n + n_test/n_train) times that of their scores.
    """
    n = len(values)
    if n == 0:
        return Estimate(math.nan, math.nan, 0)
    mean = float(np.mean(values))
    if n == 1:
        return Estimate(mean, math.nan, 1)
    variance = float(np.var(values, ddof=1))
    return Estimate(mean, math.sqrt((1 / n + n_test / n_train) * variance), n)


QUANTILES = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""of Student's t, two-sided at 5 %, for 1, 2, ... degrees of freedom; after these 2.2 is taken"""
FEWEST_TO_TELL = 3
"""Folds: the scores of two are often equal by chance, which makes a standard error of 0."""


def is_clear(gain: float, error: float, n_folds: int) -> bool:
    """Whether a mean over folds differs from 0 by more than chance gives once in twenty times.

    Two standard errors are enough only where there are many folds: the fewer there are, the less
    is known of the standard error itself, as Student's t counts.
    """
    if n_folds < FEWEST_TO_TELL:
        return False
    freedom = n_folds - 1
    quantile = QUANTILES[freedom - 1] if freedom <= len(QUANTILES) else 2.2
    return abs(gain) > quantile * error


class Effect(NamedTuple):
    """What a change was worth, from the scores with it and without it on the same folds."""

    change: str
    gain: float
    error: float
    n_folds: int
    share: float
    """of the epochs at which they are compared"""

    @property
    def within_noise(self) -> bool:
        """Whether it is no more than chance gives once in twenty times where nothing is gained."""
        return not is_clear(self.gain, self.error, self.n_folds)

    def to_dict(self) -> dict[str, Any]:
        """By name, `within_noise` too."""
        return {**self._asdict(), "within_noise": self.within_noise}


def effect(
    changed: Candidate,
    untouched: Candidate,
    folds: Iterable[int],
    n_train: float,
    n_test: float,
    name: str | None = None,
) -> Effect | None:
    """What a change is worth on the folds that both were scored on; None if there are none.

    They are compared at the largest share of the epochs that both have come to.
    """
    if changed.failure is not None or untouched.failure is not None:
        return None
    common = sorted(set(changed.scores) & set(untouched.scores), reverse=True)
    for share in common:
        one, other = changed.scores[share], untouched.scores[share]
        both = [fold for fold in folds if fold in one and fold in other]
        if both:
            found = estimate([one[fold] - other[fold] for fold in both], n_train, n_test)
            means = (np.mean([scores[fold] for fold in both]) for scores in (one, other))
            level, beside = map(without_rounding, map(float, means))
            gain = 0.0 if level == beside else found.mean
            return Effect(name or changed.name, gain, found.error, found.n_folds, share)
    return None
