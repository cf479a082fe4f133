"""A time limit and a small loss end training, each fit by itself, in every copy alike."""

from __future__ import annotations

import copy
import math
import pickle
import time

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.callbacks import StopBelow, TimeLimit


@pytest.fixture
def samples(rng):
    return make_samples(rng, 23, "ragged")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def quick(on_epoch, **options):
    return RNNClassifier(3, **{"max_iter": 6, "random_state": 0, "on_epoch": on_epoch, **options})


class Ticking:
    """Each epoch takes 10 s; then the limit is asked."""

    def __init__(self, clock, limit):
        self.clock, self.limit = clock, limit

    def __call__(self, epoch):
        self.clock[0] += 10.0
        epoch.seconds = 10.0
        return self.limit(epoch)


@pytest.mark.parametrize(
    ("limit", "n_epochs"),
    [
        (TimeLimit(30), 3),
        (TimeLimit(seconds=29.5), 3),
        (TimeLimit(31), 4),
        (TimeLimit(minutes=0.75), 5),
        (TimeLimit(1e-9), 1),
        (TimeLimit(minutes=10), 6),
    ],
)
def test_the_time_runs_from_the_first_epoch_of_each_fit(samples, clock, limit, n_epochs):
    clf = quick(Ticking(clock, limit))
    for _ in range(2):
        clock[0] += 500.0
        assert clf.fit(*samples).n_iter_ == n_epochs
        assert clf.history_.stopped_by == ("max_iter" if n_epochs == 6 else "on_epoch")


def test_epochs_before_a_checkpoint_do_not_count(samples, clock, tmp_path):
    def ended(epoch):
        if epoch.epoch == 4:
            raise KeyError

    options = {"max_iter": 9, "checkpoint": tmp_path}
    with pytest.raises(KeyError):
        quick(ended, **options).fit(*samples)
    clf = quick(Ticking(clock, TimeLimit(20)), **options).fit(*samples)
    assert clf.n_iter_ == 3 + 2


def test_partial_fit_has_the_whole_time_in_each_call(samples, clock):
    clf = quick(Ticking(clock, TimeLimit(15)), max_iter=1)
    for _ in range(3):
        clf.partial_fit(*samples, classes=["down", "up"])
    assert clf.n_iter_ == 3


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_a_loss_below_ends_training(rng, samples, kind):
    X, y = samples
    if kind is not RNNClassifier:
        y = [x[:, 0] > 0 for x in X] if kind is RNNTagger else [float(x[:, 0].sum()) for x in X]
    options = {"max_iter": 15, "random_state": 0, "learning_rate_init": 0.05, "hidden_size": 4}
    whole = kind(**options).fit(X, y).loss_curve_
    limit = whole[7]
    n_epochs = next(i for i, loss in enumerate(whole) if loss < limit) + 1
    stopped = kind(on_epoch=StopBelow(loss=limit), **options).fit(X, y)
    assert stopped.loss_curve_ == whole[:n_epochs]
    assert stopped.history_.stopped_by == "on_epoch"


def test_a_validation_loss_below_ends_training(samples):
    options = {"learning_rate_init": 0.05, "max_iter": 15}
    fit = {"X_val": samples[0][:11], "y_val": samples[1][:11]}
    losses = quick(None, **options).fit(*samples, **fit).history_.validation_loss
    limit = sorted(losses)[8]
    n_epochs = next(i for i, loss in enumerate(losses) if loss < limit) + 1
    stop = StopBelow(validation_loss=limit)
    assert quick(stop, **options).fit(*samples, **fit).n_iter_ == n_epochs
    never = StopBelow(loss=-1, validation_loss=limit)  # both have to be
    assert quick(never, **options).fit(*samples, **fit).n_iter_ == 15


def test_a_validation_loss_that_there_is_none_of(samples):
    clf = quick(StopBelow(validation_loss=0.1))
    with pytest.raises(ValueError, match="asks for the loss of validation data, and this training"):
        clf.fit(*samples)
    assert not hasattr(clf, "model_")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TimeLimit(), ValueError, "either seconds or minutes"),
        (lambda: TimeLimit(5, minutes=1), ValueError, "either seconds or minutes"),
        (lambda: TimeLimit(0), ValueError, r"TimeLimit\(seconds=0\): pass a finite number above 0"),
        (lambda: TimeLimit(minutes=math.inf), ValueError, r"TimeLimit\(minutes=inf\)"),
        (lambda: TimeLimit("5"), TypeError, r"TimeLimit\(seconds='5'\) is no number"),
        (lambda: TimeLimit(True), TypeError, r"TimeLimit\(seconds=True\) is no number"),
        (lambda: StopBelow(), ValueError, "StopBelow wants loss, validation_loss or both"),
        (lambda: StopBelow(math.nan), ValueError, r"StopBelow\(loss=nan\): pass a finite number"),
        (lambda: StopBelow(validation_loss=[1]), TypeError, r"StopBelow\(validation_loss=\[1\]\)"),
    ],
)
def test_what_is_no_limit_is_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("hook", [TimeLimit(5), TimeLimit(minutes=2), StopBelow(0.5)])
def test_copies_are_equal_and_carry_no_fit(samples, hook):
    clf = quick(hook, max_iter=1).fit(*samples)
    for copied in (clone(clf).on_epoch, copy.deepcopy(hook), pickle.loads(pickle.dumps(hook))):
        assert copied == hook
        assert repr(copied) == repr(hook)
        assert getattr(copied, "_begun", None) is None or copied._begun.newest is None
    again = pickle.loads(pickle.dumps(clf))
    assert again.fit(*samples).n_iter_ == 1
    assert TimeLimit(5) != TimeLimit(6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_grid_search_over_callbacks(samples, n_jobs):
    grid = {"on_epoch": [StopBelow(100.0), StopBelow(-1.0), TimeLimit(1e-9)]}
    search = GridSearchCV(quick(None), grid, cv=2, n_jobs=n_jobs, scoring=n_epochs_of)
    search.fit(*samples)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], [1, 6, 1])


def n_epochs_of(estimator, X, y):
    return estimator.n_iter_


def test_fits_side_by_side_that_share_a_limit_have_their_own_time(samples, clock):
    limit = TimeLimit(35)

    def another(epoch):
        clock[0] += 10
        assert quick(limit, max_iter=2).fit(*samples).n_iter_ == 2

    clf = quick([another, limit], max_iter=9).fit(*samples)
    assert (clf.n_iter_, clf.history_.stopped_by) == (5, "on_epoch")
