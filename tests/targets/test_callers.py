"""Warnings about what a person passed name that person's line, however the call came about."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler

SMALL = {"hidden_size": 2, "max_iter": 1, "random_state": 0}
FRAMES = [pd.DataFrame({"a": [i, 2.5, 1.0], "b": [0.5, i, 3.0]}) for i in range(6)]
ARRAYS = [frame.to_numpy() for frame in FRAMES]
TEXTS = ["abc", "bca", "cab", "aab", "bbc", "cca"]
TABLES = [frame.assign(t=["x", "y", "x"]) for frame in FRAMES]
TURNED = pd.DataFrame({1: [0.5, 2.5], 0: [1.5, 2.5]})
TARGETS = {
    RNNClassifier: [0, 1] * 3,
    RNNTagger: [[0, 1, 0], [1, 1, 0]] * 3,
    RNNRegressor: [0.5, 1.0] * 3,
}


@pytest.fixture(params=TARGETS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def fitted(kind, X):
    return kind(**SMALL).fit(X, TARGETS[kind])


def piped(kind, X):
    return make_pipeline(SequenceScaler(), kind(**SMALL)).fit(X, TARGETS[kind])


CALLS = {
    "predict": lambda kind: fitted(kind, FRAMES).predict(ARRAYS),
    "score": lambda kind: fitted(kind, FRAMES).score(ARRAYS, TARGETS[kind]),
    "hidden_states": lambda kind: fitted(kind, ARRAYS).hidden_states(FRAMES),
    "partial_fit": lambda kind: fitted(kind, FRAMES).partial_fit(ARRAYS, TARGETS[kind]),
    "a pipeline": lambda kind: piped(kind, FRAMES).predict(ARRAYS),
    "transform": lambda kind: SequenceScaler().fit(FRAMES).transform(ARRAYS),
    "tables": lambda kind: fitted(kind, TABLES).predict([t.to_numpy() for t in TABLES]),
    "cross-validation": lambda kind: cross_val_score(
        kind(**SMALL),
        [TURNED] * 6,
        [y[:2] if kind is RNNTagger else y for y in TARGETS[kind]],
        cv=2,
    ),
    "numbered columns": lambda kind: SequenceScaler().fit([TURNED]),
}


@pytest.mark.parametrize("call", CALLS)
def test_names_that_are_missing_are_said_where_the_call_is(kind, call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[call](kind)
    about_names = [
        w for w in caught if "feature names" in str(w.message) or "called by num" in str(w.message)
    ]
    assert about_names
    assert {w.filename for w in about_names} == {__file__}


def test_unknown_tokens_are_said_where_the_call_is(kind):
    model, others = fitted(kind, TEXTS), [text.upper() * 2 for text in TEXTS]
    stepped = [model.predict, model.hidden_states, FunctionTransformer(model.predict).transform]
    for ask in stepped:
        with pytest.warns(UserWarning, match="are unknown") as caught:
            ask(others)
        assert {w.filename for w in caught} == {__file__}


WARNED = {
    "numbers that may be ids": lambda: RNNClassifier(**SMALL).fit(
        np.random.default_rng(0).integers(0, 7, (10, 9)), [0, 1] * 5
    ),
    "many classes": lambda: RNNClassifier(**SMALL).fit(np.ones((30, 2)), np.arange(30)),
    "a class that was missing": lambda: RNNClassifier(**SMALL).fit(
        np.ones((4, 2)), ["nan", "a"] * 2
    ),
    "-1 of a tagger": lambda: RNNTagger(**SMALL).fit(np.ones((2, 3)), [[0, 1, -1], [1, 0, 0]]),
    "targets of steps": lambda: RNNRegressor(**SMALL).fit(np.ones((3, 2)), np.ones((3, 2))),
    "targets of steps, further": lambda: RNNRegressor(**SMALL).partial_fit(
        np.ones((3, 2)), np.ones((3, 2))
    ),
    "a feature that is missing": lambda: RNNRegressor(**SMALL, missing="mask").fit(
        np.full((3, 2, 1), np.nan), np.ones(3)
    ),
    "columns that may be features": lambda: RNNRegressor(**SMALL).fit(
        pd.DataFrame(np.ones((20, 2)), columns=["speed", "height"]), np.ones(20)
    ),
}


@pytest.mark.parametrize("what", WARNED)
def test_what_x_and_y_may_mean_is_asked_where_the_call_is(what):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WARNED[what]()
    said = [w for w in caught if w.category is UserWarning]
    assert said
    assert {w.filename for w in said} == {__file__}


def test_no_module_of_data_or_targets_counts_calls():
    """How many lie between differs with the method: one place finds out."""
    source = Path(elman.__file__).parent
    counting = []
    for folder in ("data", "targets"):
        for path in (source / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("warnings.warn"):
                    counting.append(str(path.relative_to(source)))
    assert counting == ["targets/callers.py"]
