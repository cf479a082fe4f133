"""What is wrong with an X with symbols, where, and what to do."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman.data import SequenceStore, StoreWriter
from elman.data.symbols import Symbols

FRAME = pd.DataFrame({"item": ["a"], "price": [1.5]})


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ("abc", r"a single str; .*pass \[X\]"),
        (b"abc", "a single bytes; .*decode"),
        ([], "no samples"),
        (["", ""], "every sequence is empty"),
        ([[], []], "every sequence is empty"),
        ([b"ab"], "X: sample 0 is b'ab'.*decode"),
        (np.array([b"ab"]), "decode"),
        (["a", None], "X: sample 1 is None.*cannot be missing"),
        ([["a"], float("nan")], "X: sample 1 is nan.*cannot be missing"),
        (pd.Series(["a", None]), "X: sample 1 is nan"),
        (pl.Series(["a", None]), "X: sample 1 is None"),
        (["a", 3], "X: sample 1 is 3, an int"),
        (["a", ["b"]], r"X: sample 1 is \['b'\], a list, but sample 0 is 'a', a str"),
        ([[], "a"], r"X: sample 0 is \[\], a list"),
        ([["a"], {"b": 1}], "X: sample 1 is .*a dict: pass a data frame"),
        ([["a", 1]], "sample 0, time step 0 is 'a', a str, but X: sample 0, time step 1 is 1"),
        ([["a"], ["b", 2.5]], "X: sample 1, time step 1 is 2.5, a float"),
        ([["a", ["b"]]], r"time step 1 is \['b'\], a list: X is nested deeper"),
        ([[("a", [1])]], r"time step 0, column 1 is \[1\], a list: X is nested deeper"),
        ([[{"item": "a", "price": 1.5}]], r"time step 0 is .*a dict: pass a data frame for each"),
        ([["a", b"b"]], "X: sample 0, time step 1 is b'b', of bytes"),
        ([["a", datetime.date(2020, 1, 1)]], "time step 1 is datetime.date"),
        ([[("a", 1), ("b",)]], r"sample 0, time step 1 has 1 value\(s\)"),
        ([[("a", 1), "b"]], "time step 1 is 'b', a str, but other steps are rows"),
        ([[("a", 1), ("b", "c")]], "time step 1, column 1 is 'c', a str, but .* is 1, an int"),
        ([np.array([["a"]], object), np.zeros((3, 2))], r"sample 1 has 2 column\(s\)"),
        ([np.zeros((2, 3, 4))], "sample 0 is an array of 3"),
        ([np.ma.array(["a", "b"], mask=[False, True])], "sample 0 is a masked array"),
        (np.ma.array([["a", "b"]], mask=[[False, True]]), "X is a masked array"),
        ([[("a", 1), ("b", 10**400)]], "time step 1, column 1 is 1000.*, too large for float64"),
        ([[("a", 1j)]], "time step 0, column 1 is 1j, a complex"),
        ([FRAME, [("a", 1.5)]], "sample 1 is .*, a list, but sample 0"),
        ([FRAME, FRAME[["item"]]], "sample 1 has the columns 'item', .* it has no 'price'"),
        ([FRAME, FRAME[["price", "item"]]], "sample 1 has the columns 'price', 'item'"),
        ([FRAME.assign(at=pd.Timestamp("2020-01-01"))], "column 'at', holds datetime64"),
        ([pl.DataFrame({"a": ["x"], "t": [datetime.date(2020, 1, 1)]})], "column 't', holds Date"),
        (FRAME, r"a single DataFrame: pass one of its columns, X\[\"text\"\]"),
        (["a\ud800"], "surrogate"),
        ([["ab\udfff"]], "surrogate"),
        ([["x" * 65_537]], "a token of 65,537 bytes"),
        pytest.param(iter(["a"]), "an iterator", id="iterator"),
        ({"a": "b"}, "a dict"),
        (None, "X is None"),
        ([[1.5]], "no categorical column"),
    ],
    ids=lambda X: str(X)[:30],
)
def test_training_data(X, says):
    with pytest.raises((TypeError, ValueError), match=says) as error:
        Symbols.learn(X)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ([[1, 2.5]], "time step 1 is 2.5, but X is categorical"),
        ([[1, 2**70]], "time step 1 is 1.18.*fits in 64 bits"),
        ([np.array([1, 2**63 + 5], np.uint64)], "64 bits"),
        ([np.array([1, np.inf])], "time step 1 is inf"),
        ([[1, "a"]], "a str, but"),
        ([np.ma.array([1, 2], mask=[False, True])], "sample 0 is a masked array"),
    ],
)
def test_ids_that_are_none(X, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Symbols.learn(X, categorical_features="all")


def test_text_that_is_not_among_the_categories():
    with pytest.raises(TypeError, match=r"column 'item' of X is not among .*holds text \('a' at"):
        Symbols.learn([FRAME.assign(n=1)], categorical_features=["n"])


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ([FRAME.assign(item=3)], "column 'item' of X held text in training, .* whole numbers now"),
        ([FRAME.assign(item=True)], "column 'item' of X held text in training, .* bools now"),
        ([FRAME.assign(price="b")], r"column 'price' of X held numbers .* text \('b' at X: sam"),
        (
            [FRAME.assign(price=pd.Series([3], dtype="category"))],
            "column 'price' of X held numbers in training, and now holds categories",
        ),
        ([FRAME[["item"]]], "yet now missing:\n- price"),
        ([FRAME.assign(more=1)], "unseen at fit time:\n- more"),
        ([FRAME[["price", "item"]]], "same order"),
        ([[("a", 1.5, 2)]], r"X has 3 column\(s\), but the model was trained on 2"),
        ([["a"]], r"X has 1 column\(s\), but the model was trained on 2"),
        (["a"], "X holds text, a str for each .* on sequences of rows: pass sequences of rows"),
    ],
    ids=str,
)
def test_other_columns_than_in_training(new, says):
    symbols = Symbols.learn([FRAME])
    with pytest.raises((TypeError, ValueError), match=says):
        symbols.encode(new)


@pytest.mark.parametrize(
    ("train", "new", "says"),
    [
        (["ab"], [["a"]], "trained on text, a str for each sequence: pass .*join"),
        (
            ["ab"],
            [FRAME],
            "rows, but .*trained on text, a str for each sequence: pass a list of str$",
        ),
        ([["a"]], ["a"], r"trained on sequences of tokens: pass text.split\(\)"),
        ([[1]], [["a"]], "held whole numbers in training, and holds text now"),
        ([[True]], [[1]], "held bools in training, and holds whole numbers now"),
        ([[1]], [[True]], "held whole numbers in training, and holds bools now"),
        ([[1]], [[0.5]], "is 0.5, but X is categorical"),
    ],
)
def test_other_tokens_than_in_training(train, new, says):
    symbols = Symbols.learn(train, categorical_features="all")
    with pytest.raises((TypeError, ValueError), match=says):
        symbols.encode(new)


def test_names_on_one_side_only_are_a_warning():
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        Symbols.learn([FRAME]).encode([[("a", 1.5)]])
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        Symbols.learn([[("a", 1.5)]]).encode([FRAME])


def test_nothing_to_encode():
    symbols = Symbols.learn([FRAME])
    assert symbols.encode([]) == []
    assert [x.shape for x in symbols.encode([FRAME.iloc[:0]])] == [(0, 2)]
    assert [x.shape for x in Symbols.learn(["a"]).encode(["", ""])] == [(0, 1), (0, 1)]


def test_a_store_is_refused_where_it_is_large(tmp_path, monkeypatch):
    with StoreWriter(tmp_path / "store") as writer:
        writer.add(np.array([[3, 0.5], [7, 1.5]], np.float32))
    store = SequenceStore(tmp_path / "store")
    symbols = Symbols.learn(store, categorical_features=[0])
    np.testing.assert_array_equal(symbols.encode(store)[0], [[1, 0.5], [2, 1.5]])
    monkeypatch.setattr("elman.data.symbols.raw.is_small", lambda n: n < 4)
    with pytest.raises(ValueError, match=r"is a store of 4 values, .* to partial_fit"):
        symbols.encode(store)


@pytest.mark.parametrize(
    "X",
    [
        np.array([["0.5", "1"], ["2", "-1e3"]]),
        [["0.5", "nan"], ["7"]],
        [pd.DataFrame({"speed": ["0.5", "1.25"], "gear": ["a", "b"]})],
    ],
    ids=["array", "tokens", "table"],
)
def test_numbers_as_text_are_no_categories_unless_it_is_said(X):
    with pytest.raises(ValueError, match=r"holds numbers as text \('0.5'\).*astype\(float\)"):
        Symbols.learn(X)
    assert Symbols.learn(X, categorical_features="all").n_categories[0] >= 3
    Symbols.learn([["12", "7"], ["7"]])  # whole numbers may be ids
