"""A store keeps numbers alone: text and categories are refused with what to do, and that works."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import SequenceStore, StoreWriter, build_store, from_table, sequences
from elman.data.dataset import ReaderError

WHAT = "a store keeps numbers alone: give fit the data themselves, .* categorical_features= in tr"
TABLE = pd.DataFrame(
    {"run": [1, 1, 2], "w": ["a", "b", "a"], "x": [1.0, 2, 3], "y": ["u", "u", "v"]}
)
SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
IN_MEMORY = {
    "text": "abc",
    "tokens": ["a", "b"],
    "an array of text": np.array(["a", "b"]),
    "rows": [("a", 0.5)],
    "objects": np.array([["a", 0.5]], object),
    "pandas": TABLE[["w", "x"]],
    "categories of pandas": pd.DataFrame({"n": pd.Categorical([1, 2])}),
    "a series": pd.Series([1, 2], dtype="category"),
    "polars": pl.DataFrame({"w": ["a"], "x": [1.0]}),
    "Arrow": pa.array([1, 2]).dictionary_encode(),
}


@pytest.mark.parametrize("what", IN_MEMORY)
def test_sequences_with_categories(tmp_path, what):
    x = IN_MEMORY[what]
    with pytest.raises(TypeError, match=f"sequence 0 holds text or categories, and {WHAT}"):
        SequenceStore.write(tmp_path / "a", [x])
    with StoreWriter(tmp_path / "b") as writer:
        writer.add(np.ones((2, 1)))
        with pytest.raises(TypeError, match=f"sequence 1 holds text or categories, and {WHAT}"):
            writer.add(x)


def test_a_data_set_with_categories(tmp_path):
    data = from_table(TABLE, id="run", label="y")
    with pytest.raises(TypeError, match=f"X holds text or categories, and {WHAT}"):
        SequenceStore.write(tmp_path / "a", data)


def as_csv(path):
    TABLE.to_csv(path, index=False)


def as_json_lines(path):
    TABLE.to_json(path, orient="records", lines=True)


def as_nested_json(path):
    path.write_text(json.dumps({"run": 1, "X": [["a", 1], ["b", 2]], "y": "u"}))


def as_parquet(path):
    TABLE.astype({"w": "category"}).to_parquet(path)


FILES = {
    "t.csv": as_csv,
    "t.jsonl": as_json_lines,
    "nested.jsonl": as_nested_json,
    "t.parquet": as_parquet,
}


@pytest.mark.parametrize("name", FILES)
def test_files_with_categories(tmp_path, name):
    FILES[name](tmp_path / name)
    with pytest.raises(ReaderError, match=rf"column '(w|X\[0\])' .*{WHAT}"):
        build_store(tmp_path / name, tmp_path / "store", id="run", label="y")


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_whole_numbers_in_a_store_are_categories_all_at_once_or_in_parts(
    kind, tmp_path, monkeypatch
):
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 5, size=(7, 1)).astype(float) for _ in range(6)]
    y = [[0, 1, 0, 1, 1, 0, 1]] * 6 if kind is RNNTagger else [0, 1] * 3
    store = SequenceStore.write(tmp_path / "a", X)
    model = kind(**SMALL, categorical_features="all", categories=[[0, 1, 2, 3, 4]])
    whole = kind(**SMALL, categorical_features="all", categories=[[0, 1, 2, 3, 4]]).fit(X, y)
    np.testing.assert_array_equal(model.fit(store, y).predict(store), whole.predict(X))
    monkeypatch.setattr(sequences, "SMALL", 25)
    first = {} if kind is RNNRegressor else {"classes": [0, 1]}
    in_parts = kind(**model.get_params())
    for ask in (lambda: model.fit(store, y), lambda: whole.predict(store)):
        with pytest.raises(ValueError, match=r"a store of 42 values.*partial_fit.*list\(X\)"):
            ask()
    for start in (0, 3):
        in_parts.partial_fit(store[start : start + 3], y[start : start + 3], **first)
    again = kind(**model.get_params())
    for start in (0, 3):
        again.partial_fit(X[start : start + 3], y[start : start + 3], **first)
    np.testing.assert_array_equal(in_parts.predict(store[:3]), again.predict(X[:3]))
    np.testing.assert_array_equal(model.fit(list(store), y).predict(X), whole.predict(X))
