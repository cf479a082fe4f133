"""The adapters to aeon: its own checks, all of them, and what only aeon does."""

from __future__ import annotations

from importlib.metadata import version

import joblib
import numpy as np
import pytest
from aeon.classification.compose import ClassifierPipeline
from aeon.testing.estimator_checking import _yield_multithreading_checks, check_estimator
from aeon.transformations.collection import Normalizer
from helpers.adapting import LIMITS, given, ragged, report_checks, targets
from sklearn.model_selection import GridSearchCV, cross_val_score

from elman.adapters.aeon import ElmanClassifier, ElmanRegressor

N_CHECKS = {"1.6": 56}
"""How many checks each version has for a class with our two sets of hyper-parameters."""


@pytest.mark.parametrize("made", [ElmanClassifier, ElmanRegressor])
def test_all_checks_of_aeon_pass(made, monkeypatch, capsys):
    monkeypatch.setattr(_yield_multithreading_checks, "MULTITHREAD_TESTING", True)
    n_checks = report_checks(check_estimator(made), made.__name__, "aeon", capsys)
    known = N_CHECKS.get(".".join(version("aeon").split(".")[:2]))
    assert n_checks == known if known else n_checks >= min(N_CHECKS.values())


def test_aeon_finds_fault_with_what_is_wrong():
    """Or its checks would say nothing of ours."""

    class Wrong(ElmanClassifier):
        def _predict(self, X):
            self.seen_ = len(X)
            return super()._predict(X)

    results = check_estimator(Wrong, use_first_parameter_set=True)
    failed = [name.split("(")[0] for name, result in results.items() if result != "PASSED"]
    assert "check_non_state_changing_method" in failed


@pytest.mark.parametrize("made", [ElmanClassifier, ElmanRegressor])
def test_files_of_joblib(made, rng, tmp_path):
    X = given("aeon", ragged(rng))
    fitted = made(**LIMITS).fit(X, targets(made.__name__, len(X)))
    joblib.dump(fitted, tmp_path / "model.joblib")
    read = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(read.predict(X), fitted.predict(X))


def test_threads_are_counted_as_aeon_does(rng):
    X, y = rng.normal(size=(9, 3, 5)), targets("ElmanClassifier", 9)
    fitted = ElmanClassifier(**LIMITS).fit(X, y)
    assert (fitted.n_jobs, fitted._n_jobs, fitted.estimator_.n_jobs) == (1, 1, 1)
    fitted.set_params(n_jobs=None).fit(X, y)
    assert (fitted.n_jobs, fitted._n_jobs, fitted.estimator_.n_jobs) == (None, 1, 1)


def test_searches_pipelines_and_estimates_of_training_data(rng):
    X, y = rng.normal(size=(12, 3, 7)), targets("ElmanClassifier", 12)
    search = GridSearchCV(ElmanClassifier(**LIMITS), {"cell": ["elman", "gru"]}, cv=2)
    assert search.fit(X, y).predict(X).shape == (12,)
    lists = given("aeon", ragged(rng, n=12))
    scores = cross_val_score(ElmanRegressor(**LIMITS), lists, targets("ElmanRegressor", 12), cv=2)
    assert np.isfinite(scores).all()
    piped = ClassifierPipeline(Normalizer(), ElmanClassifier(**LIMITS)).fit(X, y)
    assert piped.predict(X).shape == (12,)
    assert ElmanClassifier(**LIMITS).fit_predict_proba(lists, y, cv_size=2).shape == (12, 3)


def test_targets_of_time_steps_are_refused(rng):
    X, y = rng.normal(size=(9, 3, 5)), targets("ElmanRegressor", 9)
    with pytest.raises(ValueError, match="y has no targets of time steps"):
        ElmanRegressor(**LIMITS, readout="every").fit(X, y)
