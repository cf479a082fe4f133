"""The adapters to sktime: its own checks, all of them, and what only sktime does."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from helpers.adapting import LIMITS, given, ragged, report_checks, targets
from sktime.base import load
from sktime.datatypes import convert_to
from sktime.transformations.exponent import ExponentTransformer
from sktime.utils.estimator_checks import check_estimator

import elman
from elman.adapters.sktime import ElmanClassifier, ElmanRegressor

N_CHECKS = {"1.2": {ElmanClassifier: 258, ElmanRegressor: 146}}
"""How many checks each version has for a class with our two sets of hyper-parameters."""


@pytest.mark.parametrize("made", [ElmanClassifier, ElmanRegressor])
def test_all_checks_of_sktime_pass(made, capsys):
    results = check_estimator(made, verbose=False)
    n_checks = report_checks(results, made.__name__, "sktime", capsys)
    known = N_CHECKS.get(".".join(version("sktime").split(".")[:2]))
    least = min(each[made] for each in N_CHECKS.values())
    assert n_checks == known[made] if known else n_checks >= least


def test_sktime_finds_fault_with_what_is_wrong():
    """Or its checks would say nothing of ours."""

    class Wrong(ElmanClassifier):
        def _predict(self, X):
            self.seen_ = len(X)
            return super()._predict(X)

    name = "test_non_state_changing_method_contract"
    results = check_estimator(Wrong, verbose=False, tests_to_run=name)
    assert any(result != "PASSED" for result in results.values())


@pytest.mark.parametrize("made", [ElmanClassifier, ElmanRegressor])
def test_files_of_sktime(made, rng, tmp_path):
    X = given("sktime", ragged(rng))
    fitted = made(**LIMITS).fit(X, targets(made.__name__, len(X)))
    fitted.save(tmp_path / "model")
    for read in (load(str(tmp_path / "model")), load(fitted.save())):
        assert type(read) is made
        np.testing.assert_array_equal(read.predict(X), fitted.predict(X))


@pytest.mark.parametrize("mtype", ["pd-multiindex", "nested_univ", "df-list"])
def test_every_type_of_panel_gives_the_same_bits(rng, mtype):
    """Frames whose index of time begins anywhere."""
    frames = [
        pd.DataFrame(x, columns=list("pqr"), index=np.arange(len(x)) + 40) for x in ragged(rng)
    ]
    y = targets("ElmanClassifier", len(frames))
    judge = elman.RNNClassifier(**LIMITS).fit([each.to_numpy() for each in frames], y)
    X = convert_to(frames, mtype)
    fitted = ElmanClassifier(**LIMITS).fit(X, y)
    np.testing.assert_array_equal(
        fitted.predict_proba(X), judge.predict_proba([each.to_numpy() for each in frames])
    )
    np.testing.assert_array_equal(fitted.predict_proba(frames), fitted.predict_proba(X))


def test_columns_in_another_order_are_refused(rng):
    frames = [pd.DataFrame(x, columns=list("pqr")) for x in ragged(rng)]
    fitted = ElmanClassifier(**LIMITS).fit(frames, targets("ElmanClassifier", len(frames)))
    with pytest.raises(ValueError, match="same order"):
        fitted.predict([each[["q", "p", "r"]] for each in frames])


def test_categories_are_symbols(rng):
    frames = [
        pd.DataFrame({"word": rng.choice(list("uvw"), size=n), "value": rng.normal(size=n)})
        for n in rng.integers(1, 6, size=11)
    ]
    y = targets("ElmanClassifier", 11)
    assert ElmanClassifier.get_class_tag("capability:categorical_in_X") is True
    fitted = ElmanClassifier(**LIMITS).fit(frames, y)
    judge = elman.RNNClassifier(**LIMITS).fit(frames, y)
    assert fitted.estimator_.symbols_ is not None
    np.testing.assert_array_equal(fitted.predict_proba(frames), judge.predict_proba(frames))
    table = pd.concat(frames, keys=range(11))
    np.testing.assert_array_equal(
        ElmanClassifier(**LIMITS).fit(table, y).predict_proba(table), judge.predict_proba(frames)
    )


def test_several_targets_have_one_network(rng):
    X, y = rng.normal(size=(11, 3, 5)), rng.normal(size=(11, 2))
    assert ElmanRegressor.get_class_tag("capability:multioutput") is True
    fitted = ElmanRegressor(**LIMITS).fit(X, y)
    judge = elman.RNNRegressor(**LIMITS).fit(X.transpose(0, 2, 1), y)
    np.testing.assert_array_equal(fitted.predict(X), judge.predict(X.transpose(0, 2, 1)))
    assert fitted.estimator_.n_outputs_ == 2
    frame = pd.DataFrame(y, columns=["left", "right"])
    pd.testing.assert_frame_equal(
        ElmanRegressor(**LIMITS).fit(X, frame).predict(X),
        pd.DataFrame(fitted.predict(X), columns=frame.columns),
    )


@pytest.mark.parametrize("form", [np.asarray, pd.Series, lambda y: y[:, np.newaxis]])
def test_a_single_target_in_any_form(rng, form):
    X, y = rng.normal(size=(11, 3, 5)), targets("ElmanRegressor", 11)
    judge = elman.RNNRegressor(**LIMITS).fit(X.transpose(0, 2, 1), y)
    np.testing.assert_array_equal(
        ElmanRegressor(**LIMITS).fit(X, form(y)).predict(X), judge.predict(X.transpose(0, 2, 1))
    )


def test_several_labels_have_a_classifier_each(rng):
    X = rng.normal(size=(11, 3, 5))
    y = pd.DataFrame({"one": targets("ElmanClassifier", 11), "two": np.arange(11) % 2})
    answers = ElmanClassifier(**LIMITS).fit(X, y).predict(X)
    for name in y:
        alone = ElmanClassifier(**LIMITS).fit(X, y[name]).predict(X)
        np.testing.assert_array_equal(answers[name], alone)


def test_pipelines_and_folds(rng):
    X, y = rng.normal(size=(12, 3, 7)), targets("ElmanClassifier", 12)
    piped = ExponentTransformer(3) * ElmanClassifier(**LIMITS)
    assert piped.fit(X, y).predict(X).shape == (12,)
    table = convert_to(X, "pd-multiindex")
    assert ElmanClassifier(**LIMITS).fit_predict(table, np.arange(12) % 3, cv=2).shape == (12,)
    piped = ExponentTransformer(3) * ElmanRegressor(**LIMITS)
    assert piped.fit(X, targets("ElmanRegressor", 12)).predict(X).shape == (12,)


def test_tags_of_sktime_alone():
    for made in (ElmanClassifier, ElmanRegressor):
        assert made.get_class_tag("property:randomness") == "derandomized"
        assert made.get_class_tag("capability:random_state") is True
    assert ElmanClassifier.get_class_tag("capability:predict_proba") is True
    assert ElmanClassifier.get_class_tag("capability:class_weight") is True
    assert ElmanClassifier.get_class_tag("capability:multioutput") is False
