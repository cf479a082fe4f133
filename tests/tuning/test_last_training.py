"""The winner is fitted on all samples, and again where that training plainly went wrong."""

import math
from typing import ClassVar

import numpy as np
import pytest

from elman import RNNClassifier
from elman.tuning.last_training import ATTEMPTS, LastTraining

N_SAMPLES = 11


class Scores(RNNClassifier):
    """Scores by its seed, as if some trainings had gone wrong."""

    by_seed: ClassVar[dict] = {}
    seen: ClassVar[list] = []

    def score(self, X, y, sample_weight=None):
        Scores.seen.append((self.random_state, len(X)))
        return Scores.by_seed[self.random_state]


@pytest.fixture
def last():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(N_SAMPLES, 3, 1)), np.arange(N_SAMPLES) % 2
    Scores.seen.clear()
    now = [0.0]
    given = Scores(hidden_size=2, random_state=99)
    made = LastTraining(given, {"max_iter": 2}, X, y, None, None, lambda: now[0])
    made.now = now
    return made


def test_a_training_that_went_well_is_kept_and_not_repeated(last):
    Scores.by_seed = {5: 0.9}
    best, cut_short = last.fitted(5, 0.9, None)
    assert (best.random_state, best.n_iter_, cut_short) == (5, 2, False)
    assert Scores.seen == [(5, N_SAMPLES)]


def test_one_that_does_worse_than_on_unseen_samples_is_repeated_with_other_weights(last):
    Scores.by_seed = {5: 0.4, 6: 0.6, 7: 0.95}
    best, _ = last.fitted(5, 0.8, None)
    assert best.random_state == 7
    assert [seed for seed, _ in Scores.seen] == [5, 6, 7]


def test_the_best_on_its_own_samples_is_kept_where_none_went_well(last):
    Scores.by_seed = {5: 0.4, 6: 0.7, 7: 0.1, 8: 0.6}
    assert len(Scores.by_seed) == ATTEMPTS
    best, _ = last.fitted(5, 0.8, None)
    assert best.random_state == 6
    assert best.predict(np.zeros((1, 3, 1))).shape == (1,)


def test_without_time_left_it_is_repeated_once(last):
    Scores.by_seed = {5: 0.4, 6: 0.5}
    last.now[0] = 0.0
    ticks = iter([0.0] * 3 + [9.0] * 20)
    last._clock = lambda: next(ticks)
    best, cut_short = last.fitted(5, 0.8, 5.0)
    assert (best.random_state, cut_short) == (6, False)


def test_one_that_the_time_cut_short_is_not_repeated(last):
    last.now[0] = 7.0
    best, cut_short = last.fitted(5, 0.8, 5.0)
    assert (best.n_iter_, cut_short, Scores.seen) == (1, True, [])


def test_without_a_score_to_expect_nothing_is_repeated(last):
    best, _ = last.fitted(5, math.nan, None)
    assert (best.random_state, Scores.seen) == (5, [])


def test_a_scorer_that_fails_on_the_training_samples_loses_nothing(last):
    def fails(estimator, X, y):
        raise ZeroDivisionError("of the user")

    last._scoring = fails
    best, cut_short = last.fitted(5, 0.8, None)
    assert (best.random_state, cut_short) == (5, False)
