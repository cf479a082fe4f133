"""Columns of text, categories and texts: what becomes of them, and which are there by mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman.data import from_table
from elman.data.columns import Columns
from elman.data.dataset import ReaderError
from elman.data.tables import dataset_of
from elman.data.tables.plain import plain_column

RUNS = {
    "run": ["b", "a", "b", "a", "b"],
    "t": [12, 1, 3, 5, 7],
    "x": [1, 2, None, 4, 5],
    "place": ["in", None, "out", "in", "in"],
    "item": [7, 8, 9, 7, 7],
}


def table(categorical=(), **columns):
    columns = {name: plain_column(values) for name, values in columns.items()}
    n_rows = len(next(iter(columns.values())))
    return Columns(columns, n_rows, categorical=frozenset(categorical))


def rows_of(data):
    """The sequences as lists, None for NaN."""
    return [[[None if v != v else v for v in row] for row in x.tolist()] for x in data.X]


def kinds_of(data):
    return [{type(v) for v in column} for column in np.concatenate(list(data.X)).T.tolist()]


# What is a category


@pytest.mark.parametrize(
    "made",
    [
        dict,
        pd.DataFrame,
        lambda d: pd.DataFrame(d).astype({"place": "category"}),
        lambda d: pd.DataFrame(d).convert_dtypes(),
        pl.DataFrame,
        lambda d: pl.DataFrame(d, schema_overrides={"place": pl.Enum(["out", "in"])}),
        lambda d: pl.DataFrame(d, schema_overrides={"place": pl.Categorical}),
        pa.table,
        lambda d: pl.DataFrame(d).lazy(),
    ],
    ids=["dict", "pandas", "category", "dtypes", "polars", "Enum", "Categorical", "arrow", "lazy"],
)
def test_text_is_a_category_beside_numbers_in_every_library(made):
    data = from_table(made(RUNS), id="run", time="t", categorical_features=["item"])
    assert rows_of(data) == [
        [[None, "out", 9], [5.0, "in", 7], [1.0, "in", 7]],
        [[2.0, None, 8], [4.0, "in", 7]],
    ]
    assert kinds_of(data) == [{float}, {str, type(None)}, {int}]
    assert all(x.dtype == object and x.ndim == 2 for x in data.X)
    assert data.feature_names == data.X.feature_names == ("x", "place", "item")
    assert data.categorical == data.X.categorical == ("place", "item")
    assert repr(data) == "Dataset(2 sequences, 3 features x place item, 2 categorical, 2-3 steps)"


def test_integers_that_nobody_calls_categories_are_numbers():
    data = from_table(RUNS, id="run", features=["item", "place"])
    assert kinds_of(data) == [{float}, {str, type(None)}]
    assert from_table(RUNS, id="run", features=["item", "t"]).X[0].dtype == np.float64


def test_text_alone_and_the_time_since_the_step_before():
    data = from_table(RUNS, id="run", features=["place"])
    assert rows_of(data) == [[["in"], ["out"], ["in"]], [[None], ["in"]]]
    data = from_table(RUNS, id="run", time="t", features=["place"], time_delta=True)
    assert rows_of(data) == [[["out", 0], ["in", 4], ["in", 5]], [[None, 0], ["in", 4]]]
    assert data.categorical == ("place",)
    assert kinds_of(data)[1] == {float}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1.0, np.nan, 3.0], [1, None, 3]),
        ([1, None, 2**60 + 1], [1, None, 2**60 + 1]),
        ([True, False, None], [True, False, None]),
        (["1", "2", "2"], ["1", "2", "2"]),
        (["2024-01-01", "12:30", None], ["2024-01-01", "12:30", None]),
        ([None, None, None], [None, None, None]),
    ],
)
def test_named_categories_keep_their_values(values, expected):
    data = dataset_of(table(run=[1, 1, 1], n=values), id="run", categorical_features="n")
    assert data.X[0][:, 0].tolist() == expected
    assert list(map(type, data.X[0][:, 0])) == list(map(type, expected))


def test_categories_of_integers_are_categories_without_being_named():
    data = dataset_of(table(["n"], run=[1, 1, 2], n=[4, None, 3]), id="run")
    assert rows_of(data) == [[[4], [None]], [[3]]]
    assert data.categorical == ("n",)


@pytest.mark.parametrize("made", [dict, pl.DataFrame, pa.table])
def test_lists_of_words_have_a_word_for_each_step(made):
    # In a table with lists no column is refused for how many values differ.
    words = [[f"w{k}" for k in range(5 * i, 5 * i + 4)] for i in range(7)]
    data = from_table(
        made({"words": words, "n": [list(range(4))] * 7, "y": list("abababa")}), label="y"
    )
    assert data.X[6].tolist() == [["w30", 0.0], ["w31", 1.0], ["w32", 2.0], ["w33", 3.0]]
    assert data.categorical == ("words",)
    alone = from_table(made({"words": [["p", None], ["q"], []]}))
    assert [x.tolist() for x in alone.X] == [[["p"], [None]], [["q"]], []]


# What is there by mistake


def of_30(values, **more):
    """Six sequences of five steps."""
    return table(run=[f"r{k // 5}" for k in range(30)], x=np.arange(30.0), n=values, **more)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1"] * 30, "holds '1' in row 0, numbers as text: convert .*, or name it in categorical_"),
        (["1,5", "2"] * 15, "numbers as text"),
        (["1'000", "2"] * 15, "numbers as text"),
        (["7", "n.a."] * 15, r"holds text \('n.a.' in row 1\), and half of its values.*correct it"),
        (["2024-01-01", "2024-01-02T12:00"] * 15, "holds dates as text .*time_delta=True"),
        (["01/02/2024", "3.4.2024"] * 15, r"dates or times as text \('01/02/2024' in row 0\)"),
        (["9:30", "12:15:01.5 pm"] * 15, "holds dates or times as text"),
        (
            [f"note {k}" for k in range(30)],
            "30 different values in 30 rows .'note 0' in row 0.*leave",
        ),
        (["a"] * 9 + [None] + [f"b{k}" for k in range(20)], "21 different values in 29 rows"),
    ],
)
def test_text_that_is_no_category_is_refused_unless_it_is_named(values, message):
    with pytest.raises(ReaderError, match=rf"column 'n' .*{message}"):
        dataset_of(of_30(values), id="run")
    with pytest.raises(ReaderError, match=rf"feature 'n' .*{message}"):
        dataset_of(of_30(values), id="run", features=["n"])
    data = dataset_of(of_30(values), id="run", categorical_features=["n"])
    assert [v for x in data.X for v in x[:, 1]] == values
    assert dataset_of(of_30(values), id="run", features=["x"]).X[0].dtype == np.float64


@pytest.mark.parametrize(
    "values",
    [
        [f"10.0.0.{k % 15}" for k in range(30)],  # neither numbers nor dates
        [f"1.2.{k % 15}" for k in range(30)],
        ["GET", "404", "GET"] * 10,
        [f"w{k}" for k in range(15)] * 2,
    ],
)
def test_other_text_is_a_category(values):
    data = dataset_of(of_30(values), id="run")
    assert [v for x in data.X for v in x[:, 1]] == values


def test_few_rows_may_all_differ():
    values = [f"w{k}" for k in range(19)]
    assert len(dataset_of(table(run=[1] * 19, n=values), id="run").X[0]) == 19


def test_a_text_for_each_sequence_is_counted_by_sequences():
    runs = np.repeat(np.arange(20), 3)
    comments = [f"comment {i}" for i in runs]
    rows = table(run=runs, x=np.arange(60.0), n=comments)
    with pytest.raises(ReaderError, match="20 different values in 20 sequences"):
        dataset_of(rows, id="run")
    rows = table(run=runs[:57], x=np.arange(57.0), n=comments[:57])
    assert dataset_of(rows, id="run").categorical == ("n",)


@pytest.mark.parametrize("role", ["label", "step_label"])
def test_a_category_that_says_the_label_in_other_words_is_refused(role):
    runs = np.repeat(np.arange(20), 2)
    species = ["cat" if i % 3 else "dog" for i in runs]
    rows = {
        "run": runs,
        "x": np.arange(40.0),
        "y": [int(s == "cat") for s in species],
        "name": species,
    }
    with pytest.raises(
        ReaderError, match="'name' says the answer in other words: 'dog' always goes"
    ):
        dataset_of(table(**rows), id="run", **{role: "y"})
    named = dataset_of(table(**rows), id="run", categorical_features=["name"], **{role: "y"})
    assert named.categorical == ("name",)
    rows["name"][-2:] = ["cow", "cow"]
    assert dataset_of(table(**rows), id="run", **{role: "y"}).categorical == ("name",)


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        ([0.5, 1, 2], {}, "holds 0.5 in row 0, and categories are text, integers"),
        ([np.inf, 1, 2], {}, "holds inf in row 0"),
        (np.zeros(3, "M8[s]"), {}, "'n' holds dates, and categories"),
        ([1, "a", None], {}, "holds 1 in row 0 and is of type int, str: categories are all text"),
        ([1, 2, 3], {"label": "n"}, "'n' is in categorical_features= and is label= as well"),
        ([1, 2, 3], {"features": ["x"]}, "'n' is in categorical_features= and not in features="),
        ([1, 2, 3], {"categorical_features": ["m"]}, "no column 'm', which categorical_features="),
    ],
)
def test_what_cannot_be_named_as_a_category(values, arguments, message):
    rows = table(run=[1, 1, 2], x=[1.0, 2.0, 3.0], n=values)
    with pytest.raises(ReaderError, match=message):
        dataset_of(rows, **{"id": "run", "categorical_features": ["n"], **arguments})


# Texts


NAMES = {"name": ["Nagy", "Ó", "Kowalski"], "language": ["hu", "ga", "pl"], "n": [1, 2, 3]}


@pytest.mark.parametrize("made", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_a_text_for_each_sequence(made):
    data = from_table(made(NAMES), text="name", label="language", weight="n")
    assert NAMES["name"] == data.X
    assert type(data.X) is list
    assert type(data.X[0]) is str
    assert data.y.tolist() == NAMES["language"]
    assert data.sample_weight.tolist() == [1, 2, 3]
    assert data.ids is None
    assert data.feature_names == ("name",)
    assert data.metadata.get("id") is None
    assert repr(data) == "Dataset(3 sequences, text name, 1-8 characters, 3 classes)"
    by_id = from_table(made(NAMES), text="name", id="language", labels={"pl": 1, "hu": 0, "ga": 0})
    assert by_id.ids.tolist() == ["hu", "ga", "pl"]
    assert by_id.y.tolist() == [0, 0, 1]


def test_labels_of_characters_are_lists_or_texts_as_long():
    proteins = {"aa": ["MKV", "AL"], "fold": ["HHE", "CC"], "w": [[1, 2, 1], [1, 1]]}
    data = from_table(proteins, text="aa", step_label="fold", weight="w")
    assert [y.tolist() for y in data.y] == [["H", "H", "E"], ["C", "C"]]
    assert [w.tolist() for w in data.sample_weight] == [[1, 2, 1], [1, 1]]
    proteins["fold"] = [[0.5, 1, 2], [3, None]]
    data = from_table(proteins, text="aa", step_target="fold")
    assert np.array_equal(np.concatenate(data.y), [0.5, 1, 2, 3, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("more", "arguments", "message"),
    [
        ({"name": ["a", None, "b"]}, {}, r"the text, column 'name', is missing in row 1: leave"),
        ({"name": ["a", None, None]}, {}, r"is missing in row 1, the first of 2 such rows: leave"),
        ({"name": [7, 8, 9]}, {}, "'name' holds 7 in row 0, of type int, and text= takes a text"),
        ({"name": [["a"], ["b"], ["c"]]}, {}, r"'name' holds lists.*features=\['name'\]"),
        ({}, {"text": "nam"}, "no column 'nam', which text= names; did you mean 'name'"),
        ({}, {"features": ["n"]}, "features= is given beside text='name'"),
        ({}, {"time": "n"}, "time= is given beside text='name'"),
        ({}, {"categorical_features": ["n"]}, "categorical_features= is given beside text='name'"),
        ({}, {"label": "name"}, "'name' is given twice, as text= and as label="),
        (
            {"k": [1, 2, 1]},
            {"id": "k"},
            "k 1 is in row 0 and in row 2, but a table with a text for",
        ),
        ({"k": ["abcd", "x", "y"]}, {"step_label": "k"}, r"row 2 .*'name' has 8 char.*'k' has 1"),
        ({}, {"step_label": "n"}, "'n' has one value in each row, and needs a list"),
        ({"k": ["abcd", "x", None]}, {"step_label": "k"}, "'k' has no list in row 2"),
    ],
)
def test_what_is_refused_beside_a_text(more, arguments, message):
    with pytest.raises(ReaderError, match=message):
        from_table({**NAMES, **more}, **{"text": "name", **arguments})


def test_a_table_without_id_says_how_texts_are_read():
    with pytest.raises(ReaderError, match=r"id= has to name .* pass text='name'$"):
        from_table(NAMES, label="language")
