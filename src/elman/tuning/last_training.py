"""The winner of a search in; the winner, fitted on all samples, out."""

from __future__ import annotations

import math
import warnings
from typing import Any

from elman.tuning.material import Samples
from elman.tuning.space import Changes
from elman.tuning.trial import Clock

ATTEMPTS = 4
"""trainings at most, each from other weights"""


class LastTraining:
    """Fits an estimator with the changes of the winner on all samples.

    A training that starts from unlucky weights may end far from where those of the folds did. It is
    known for one when the network answers the samples that it was trained on worse than the
    networks of the folds answered samples that they had not seen. Then others are trained, from
    other weights, and the one that answers its training samples best is kept.
    """

    def __init__(
        self,
        given: Any,
        changes: Changes,
        X: Any,
        y: Any,
        sample_weight: Any,
        scoring: Any,
        clock: Clock,
    ) -> None:
        self._given, self._changes, self._clock = given, changes, clock
        self._samples, self._scoring = Samples(X, y, sample_weight), scoring

    def fitted(self, seed: int, expected: float, end: float | None) -> tuple[Any, bool]:
        """The estimator, and whether the time was over before its last epoch.

        Parameters
        ----------
        seed : int
            Of the first attempt; each further one has the next number. `random_state` of the
            estimator is that of the attempt that was kept.
        expected : float
            The mean score of the winner on samples that it had not seen; NaN if it is not known.
        end : float or None
            When the time is over, by the clock. A first training that has failed is repeated once
            all the same.
        """
        best, cut_short = self._trained(seed, end)
        if cut_short or best.history_.stopped_by == "interrupt" or math.isnan(expected):
            return best, cut_short
        reached = self._score(best)
        for attempt in range(1, ATTEMPTS):
            late = end is not None and self._clock() >= end
            if reached >= expected or (late and attempt > 1):
                break
            other, _ = self._trained(seed + attempt, None)
            if other.history_.stopped_by == "interrupt":
                break
            if (score := self._score(other)) > reached:
                best, reached = other, score
        return best, False

    def _trained(self, seed: int, end: float | None) -> tuple[Any, bool]:
        from sklearn.base import clone

        given, clock = self._given, self._clock
        best = clone(given).set_params(**self._changes, random_state=seed)
        if end is not None:
            best.set_params(on_epoch=[*best._own_hooks(), lambda _: clock() >= end])
        with warnings.catch_warnings(record=True) as told:
            best.fit(*self._samples)
        for each in told:  # as if the user had called fit
            if "training was interrupted" not in str(each.message):  # which the table says
                warnings.warn(each.message, each.category, stacklevel=5)
        best.set_params(on_epoch=given.on_epoch)
        history = best.history_
        if history.stopped_by == "interrupt" and not len(history):
            raise KeyboardInterrupt
        return best, end is not None and history.stopped_by == "on_epoch" and clock() >= end

    def _score(self, estimator: Any) -> float:
        """The score on the training samples."""
        from elman.estimators.scoring import score_of

        X, y, sample_weight = self._samples
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self._scoring is None:
                return float(estimator.score(X, y, sample_weight))
            try:
                return score_of(estimator, self._scoring, X, y, sample_weight)
            except Exception:  # of the user's function: what was found must not be lost for it
                return math.inf
