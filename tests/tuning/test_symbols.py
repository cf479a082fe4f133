"""A search on texts, words and tables with categories: folds of what was passed, apt candidates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import elman
from elman.data import from_table

FEW = {"n_candidates": 2, "cv": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}
TEXTS = ["abba", "ab", "bab", "cdc", "ddc", "cd", "aab", "dcdc"]
LABELS = ["p", "p", "p", "q", "q", "q", "p", "q"]


def small(kind=elman.RNNClassifier):
    return kind(hidden_size=3, max_iter=1, random_state=0, backend="reference")


def mixed():
    table = {
        "run": np.repeat(np.arange(8), 2),
        "item": [7, 8] * 4 + [9, 8] * 4,
        "x": np.arange(16.0),
        "place": ["in", "out"] * 8,
    }
    return from_table(table, id="run", categorical_features=["item"]).X


KINDS = {
    "a list": lambda: TEXTS,
    "an array": lambda: np.array(TEXTS, object),
    "a series": lambda: pd.Series(TEXTS),
    "tokens": lambda: [list(text) for text in TEXTS],
    "a table": mixed,
}


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
def test_every_training_numbers_its_own_symbols(made, monkeypatch):
    seen = []
    fit = elman.RNNClassifier.fit
    monkeypatch.setattr(
        elman.RNNClassifier, "fit", lambda self, X, *a, **k: seen.append(X) or fit(self, X, *a, **k)
    )
    best, table = elman.tune(made(), LABELS, estimator=small(), **FEW)
    assert best.model_.symbols is not None
    assert {len(X) for X in seen} == {4, 8}  # of folds, and of the last training
    assert {type(X[0]) for X in seen} == {type(made()[0])}
    if hasattr(made(), "categorical"):
        assert {X.categorical for X in seen} == {("item", "place")}
    names = " ".join(str(rule) for rule in table.to_dict()["baselines"])
    assert "how often each symbol occurs" in names
    changed = {name for row in table.rows for name in row["changes"]}
    assert not changed & {"deltas", "stride", "scale_each"}


def test_a_search_for_a_tagger_of_words():
    words = [[*text] for text in TEXTS]
    tags = [[c.upper() for c in text] for text in TEXTS]
    best, table = elman.tune(words, tags, estimator=small(elman.RNNTagger), **FEW)
    rules = {rule["name"]: rule["score"] for rule in table.to_dict()["baselines"]}
    assert best.predict([["a", "d"]])[0].shape == (2,)
    alone = next(score for name, score in rules.items() if "the time step alone" in name)
    assert alone == 1.0


def test_what_cannot_be_asked_of_symbols_is_no_candidate():
    from elman.tuning.checks import checked_data
    from elman.tuning.space import make_space

    given = small()
    data, symbols, _, _ = checked_data(given, TEXTS, LABELS, None)
    space = make_space(
        given, data, None, streams=False, of_steps=False, n_train=4, categories=symbols.n_categories
    )
    assert not space.values.keys() & {"deltas", "stride", "scale_each"}
    assert space.values["embedding_size"] == ["auto", None]
    more = make_space(given, data, None, streams=False, of_steps=False, n_train=4, categories=[60])
    assert more.values["embedding_size"] == ["auto", None, 8, 32]
