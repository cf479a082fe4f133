"""scikit-learn's experimental callbacks, where this scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.model_selection import GridSearchCV

from elman import RNNClassifier
from elman.training import enough

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 and later")


class Recorder:
    """Sees every task of a fit, and stops it after `n_epochs`."""

    def __init__(self, n_epochs=None):
        self.n_epochs = n_epochs
        self.calls = []
        self.scores = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id + 1 == self.n_epochs


def test_every_epoch_is_a_task(rng):
    X, y = make_samples(rng, 30, "ragged")
    recorder = Recorder()
    clf = RNNClassifier(5, max_iter=3, random_state=0).set_callbacks(recorder).fit(X, y)
    epochs = ["begin epoch", "end epoch"] * 3
    assert recorder.calls == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert recorder.scores[-1] == recorder.scores[-2] == clf.score(X, y)
    plain = RNNClassifier(5, max_iter=3, random_state=0).fit(X, y)
    assert plain.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


def test_every_epoch_that_auto_chose_is_a_task(rng, monkeypatch):
    monkeypatch.setattr(enough, "MIN_EPOCHS", 2)
    monkeypatch.setattr(enough, "MIN_STEPS", 7)
    recorder = Recorder()
    clf = RNNClassifier(5, max_iter="auto", batch_size=8, random_state=0).set_callbacks(recorder)
    clf.fit(*make_samples(rng, 21, "ragged"))
    assert clf.n_iter_ == 3
    assert recorder.calls.count("end epoch") == 3


def test_a_callback_can_stop(rng):
    X, y = make_samples(rng, 30, "equal")
    clf = RNNClassifier(5, max_iter=50).set_callbacks(Recorder(n_epochs=4)).fit(X, y)
    assert clf.n_iter_ == 4


def test_teardown_comes_after_an_error_too(rng):
    recorder = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        RNNClassifier().set_callbacks(recorder).fit(np.full((3, 5, 2), np.nan), [0, 1, 0])
    assert recorder.calls[-1] == "teardown"


def test_the_progress_bar_and_the_monitor_of_scikit_learn(rng, capsys):
    X, y = make_samples(rng, 30, "ragged")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(RNNClassifier(max_iter=2), {"hidden_size": [2, 3]}, cv=2)
    search.set_callbacks(callback.ProgressBar()).fit(X, y)
    RNNClassifier(max_iter=2).set_callbacks(monitor).fit(X, y)
    assert len(monitor.get_logs().data_as_pandas) >= 2
