"""Texts, tokens and tables are searched as they are, over what matters to them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.symbol_fits import DATA, LABELS, SMALL, fitted_once

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.symbols import Symbols, encoded_sequences
from elman.tuning.folds import Fold
from elman.tuning.material import samples_of
from elman.tuning.rules import Judged, rules_on
from elman.tuning.space import make_space

pytestmark = pytest.mark.filterwarnings("ignore::elman.TrainingWarning")

QUICK = {"cv": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}


def words(n_words=70, n_samples=60):
    rng = np.random.default_rng(0)
    return [[f"w{i}" for i in rng.integers(0, n_words, size=9)] for _ in range(n_samples)]


def space_of(estimator, X, overrides=None, **options):
    symbols = Symbols.learn(X, **options)
    data = encoded_sequences(X, symbols)
    return make_space(
        estimator, data, overrides, streams=False, of_steps=False, n_train=40, symbols=symbols
    )


def test_what_is_made_of_numbers_is_not_searched():
    space = space_of(RNNClassifier(), words())
    assert {"deltas", "stride", "scale_each"}.isdisjoint(space.values)
    assert space.automatic == {**space.automatic, "deltas": 0, "stride": 1}
    for changes in space.singles:
        assert space.is_possible(changes)
    with pytest.raises(ValueError, match="space has 'stride', which is made for numbers alone"):
        space_of(RNNClassifier(), words(), {"stride": [1, 2]})
    assert "stride" not in space_of(RNNClassifier(), words(), {"stride": None}).values


def test_sizes_of_embeddings_are_searched_where_there_are_many_categories():
    many = space_of(RNNClassifier(), words())  # of which "auto" makes vectors of 16
    assert many.values["embedding_size"] == ["auto", None, 32, 64]
    assert {"embedding_size": None} in many.singles
    own = space_of(RNNClassifier(embedding_size=32), words())
    assert own.values["embedding_size"] == [32, None, 16, 64]
    assert "embedding_size" not in space_of(RNNClassifier(), DATA["characters"]()).values
    given = RNNClassifier(embedding_init={"w1": [0.0, 1.0]})
    assert "embedding_size" not in space_of(given, words()).values


def test_of_several_columns_only_those_of_many_categories_change():
    rng = np.random.default_rng(0)
    X = [[("ab"[i % 2], f"item{i}", 0.5) for i in rng.integers(0, 90, size=9)] for _ in range(99)]
    found = space_of(RNNClassifier(), X).values["embedding_size"]
    assert found == ["auto", {1: None}, {1: 32}, {1: 64}]


def test_rare_tokens_are_left_out_only_where_there_are_some():
    assert "min_frequency" not in space_of(RNNClassifier(), DATA["tables"]()).values
    X = [["the", "sea"] * 4, ["the", "cat", "cat"], ["sea"]]
    space = space_of(RNNClassifier(), X)
    assert space.values["min_frequency"] == [None, 5]  # "cat" occurs twice, the others more often
    assert {"min_frequency": 5} in space.singles
    assert "min_frequency" not in space_of(RNNClassifier(min_frequency=3), X).values


@pytest.mark.parametrize("form", DATA)
def test_samples_are_taken_as_they_are(form):
    X = DATA[form]()
    model = fitted_once("classifier", form).model_
    data = model.check(X)
    for one in (X,) if form == "tables" else (X, tuple(X), np.array(X, object)):
        taken = samples_of(one, data, LABELS, None, model.symbols).take(np.array([4, 1]))
        part = model.check(taken.X)
        for i, j in enumerate((4, 1)):
            np.testing.assert_array_equal(part[i], data[j])
        assert taken.y.tolist() == LABELS[[4, 1]].tolist()


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
@pytest.mark.parametrize("form", DATA)
def test_every_kind_is_tuned(kind, form):
    X = DATA[form]() * 2 if form != "tables" else DATA[form]()
    y = {
        RNNClassifier: [("no", "yes")[len(x) % 2] for x in X],
        RNNTagger: [[("no", "yes")[i % 2] for i in range(len(x))] for x in X],
        RNNRegressor: [float(len(x)) for x in X],
    }[kind]
    start = kind(**SMALL | {"max_iter": 1})
    if form == "tables":
        start.set_params(categorical_features=["action", "item"])
    best, table = elman.tune(X, y, estimator=start, n_candidates=2, **QUICK)
    assert best.symbols_.form == {"tables": "steps"}.get(form, form)
    told = table.to_dict()
    assert len(told["candidates"]) == 2
    names = [row["name"] for row in told["baselines"]]
    if kind is RNNTagger:
        assert names[1:] == [
            "logistic regression on the time step alone",
            "logistic regression on it and the 4 before it",
        ]
    else:
        assert "counts of tokens and of pairs of neighbours" in names[-1]


def test_pairs_tell_what_counts_cannot():
    y = np.arange(40) % 2
    X = ["abc" if label else "bac" for label in y]
    symbols = Symbols.learn(X)
    data = encoded_sequences(X, symbols)
    judged = Judged(
        samples=samples_of(X, data, y, None, symbols),
        data=data,
        folds=[Fold(np.arange(20), np.arange(20, 40))],
        scoring=None,
        targets=y,
        of_numbers=False,
        of_steps=False,
        multilabel=False,
        n_categories=symbols.n_categories,
    )
    assert [rule.scores for rule in rules_on(judged)] == [[0.5], [0.5], [1.0]]
