"""Reports on texts, words and tables with categories: no number of a category is an amount."""

from __future__ import annotations

import numpy as np
import pytest

import elman
from elman.data import from_table
from elman.models.fitted import fitted
from elman.reporting.facts import report_facts
from elman.reporting.page import page

SMALL = {"hidden_size": 3, "max_iter": 2, "random_state": 0, "backend": "reference"}
TEXTS = ["abba", "ab", "bab", "cdc", "ddc", "cd", "aab", "dcdc", "bb", "dd", "ba", "cc"]
LABELS = ["p" if {*text} <= {*"ab"} else "q" for text in TEXTS]


def facts_of(estimator, X, y, **more):
    options = {"training": None, "ids": None, "title": None, "date": None}
    return report_facts(fitted(estimator), X, y, **options | more, n_resamples=10, seed=0)


def test_a_report_on_texts():
    clf = elman.RNNClassifier(**SMALL).fit(TEXTS, LABELS)
    facts = facts_of(clf, [*TEXTS[:-1], "xc"], LABELS)
    assert facts["data"]["symbols"] == [
        {
            "column": "symbols",
            "n_known": 4,
            "unknown": pytest.approx(1 / sum(map(len, TEXTS))),
            "unknown_in_training": 0.0,
        }
    ]
    assert facts["drift"] is None
    assert facts["data"]["n_values"] == 0
    rules = {row["name"]: row for row in facts["baselines"]["rows"]}
    assert rules["logistic regression on how often each symbol occurs"]["columns"] == 5
    shown = {one["index"]: one for one in facts["recordings"]}
    for i, one in shown.items():
        expected = ["�c" if i == 11 else TEXTS[i]]
        assert [each["text"] for each in one["series"]["symbols"]] == expected
        assert one["series"]["features"] == []
        assert len(one["attribution"]["values"]) == len(TEXTS[i])
    told = page(facts)
    assert "4 known to the model" in told
    assert "which share of the symbols the model does not know" in told


@pytest.mark.parametrize("tagger", [True, False])
def test_a_report_on_words(tagger):
    words = [[*text] for text in TEXTS]
    if tagger:
        y = [[c.upper() for c in text] for text in TEXTS]
        facts = facts_of(elman.RNNTagger(**SMALL).fit(words, y), words, y)
        rules = {row["name"]: row["score"] for row in facts["baselines"]["rows"]}
        assert rules["logistic regression on the time step alone"]["value"] == 1.0
    else:
        y = np.array([len(text) for text in TEXTS], float)
        facts = facts_of(elman.RNNRegressor(**SMALL).fit(words, y), words, y)
        rules = {row["name"]: row["score"] for row in facts["baselines"]["rows"]}
        assert rules["ridge regression on how often each symbol occurs"]["value"] > 0.5
    assert {one["series"]["symbols"][0]["text"] for one in facts["recordings"]} <= {
        " ".join(text) for text in TEXTS
    }
    assert "recording" in page(facts)


def test_numbers_beside_categories_have_their_names_and_their_drift():
    table = {
        "run": np.repeat(np.arange(12), 2),
        "x": np.arange(24.0),
        "place": ["in", "out", "in", "in"] * 6,
        "far": np.arange(24.0) % 5,
    }
    y = LABELS
    X = from_table(table, id="run").X
    clf = elman.RNNClassifier(**SMALL).fit(X, y)
    moved = from_table({**table, "far": table["far"] + 100}, id="run").X
    facts = facts_of(clf, moved, y, training=(X, y))
    rows = {row["feature"]: row for row in facts["drift"]["features"]}
    assert [*rows] == ["x", "far"]
    assert [rows[name]["flagged"] for name in rows] == [False, True]
    assert facts["data"]["symbols"][0]["column"] == "place"
    series = facts["recordings"][0]["series"]
    assert series["features"] == ["x", "far"]
    assert series["symbols"][0]["text"] in ("in out", "in in")
    assert page(facts)


def test_columns_of_counts():
    from elman.evaluation.baselines import symbol_counts, symbols_before

    X = [np.array([[1.0, 5.0], [300.0, 7.0]]), np.array([[np.nan, 1.0]]), np.zeros((0, 2))]
    counts = symbol_counts([400])(X)
    assert counts.shape == (3, 256 + 4)
    assert counts[0, :2].tolist() == [1, 1]  # 300 is rare, and counted as unknown
    assert counts[:, :256].sum(axis=1).tolist() == [2, 0, 0]
    pairs = symbol_counts([3], pairs=True)([np.array([[2.0], [1.0], [2.0], [1.0]])])
    assert pairs[0, 3:].tolist() == [0, 0, 0, 0, 0, 1, 0, 2, 0]
    steps = symbols_before([2], 1)([np.array([[1.0, 0.5], [0.0, np.nan]])])
    assert steps.shape == (2, 6)
    assert np.array_equal(steps[1], [0, 1, 1, 0, 0.5, np.nan], equal_nan=True)
