"""What is X with symbols, told from its types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman.data import SequenceStore, StoreWriter
from elman.data.symbols import has_symbols

TEXTS = ["Nagy", "", "Kovács"]
TOKENS = [["to", "be"], [], ["or"]]
FRAME = pd.DataFrame({"item": ["a", "b"], "price": [1.5, 2.0]})
STRINGS = np.dtypes.StringDType()


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        np.array(TEXTS, STRINGS),
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="category"),
        pl.Series(TEXTS),
        pl.Series(TEXTS, dtype=pl.Categorical),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS]),
        [None, "a"],
        TOKENS,
        [[], [None, "a"]],
        [np.array(tokens, str) for tokens in TOKENS],
        [np.array(tokens, object) for tokens in TOKENS],
        [pd.Series(tokens, dtype=str) for tokens in TOKENS],
        [pl.Series(tokens, dtype=pl.String) for tokens in TOKENS],
        [pa.array(tokens, pa.string()) for tokens in TOKENS],
        [pd.Series([3, 1, 3], dtype="category")],
        pd.Series(TOKENS),
        np.array([["a", "b"], ["c", "d"]]),
        [[(1, "a"), (2, "b")]],
        [[(1, None), (2, "b")]],
        [np.array([[1, None], [2, "b"]], object)],
        np.array([[[1, "a"], [2, "b"]]], object),
        [FRAME],
        [FRAME.astype({"item": object})],
        [FRAME[["price"]].assign(item=pd.Series([1, 2], dtype="category"))],
        [pl.from_pandas(FRAME)],
        [pl.from_pandas(FRAME).with_columns(pl.col("item").cast(pl.Enum(["a", "b"])))],
        [pa.Table.from_pandas(FRAME)],
        FRAME.assign(run=[0, 1]).groupby("run"),
        pl.from_pandas(FRAME).with_columns(run=1).group_by("run", maintain_order=True),
        pd.concat([FRAME, FRAME], keys=[0, 1]),
        "a single text",
        b"bytes",
        [b"bytes"],
    ],
    ids=lambda X: f"{type(X).__name__} {str(X)[:20]!r}",
)
def test_symbols(X):
    assert has_symbols(X) is True


class Unread(list):
    """A list of which only the first element may be asked for."""

    def __iter__(self):
        yield self[0]
        raise AssertionError("the list is scanned")

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the list is converted")


NUMBERS = pd.DataFrame({"a": [1.5, 2.0], "b": [3, 4], "c": [True, False]})


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 5)),
        np.zeros((3, 5, 2), np.int16),
        np.zeros((3, 5), bool),
        Unread([np.zeros((5, 2))]),
        Unread([[1.0, 2.0]]),
        Unread([[[1.0, 2.0]]]),
        Unread([1.0]),
        Unread([NUMBERS]),
        Unread([pl.from_pandas(NUMBERS)]),
        Unread([pd.Series([1, 2])]),
        Unread([pl.Series([1, 2])]),
        Unread([pa.array([1, 2])]),
        np.array([[[1, 2.5], [None, 3]]], object),
        [[[float("nan"), 1.0], [2.0, 3.0]]],
        [[]],
        [],
        None,
        3,
        {"a": [1]},
        NUMBERS,
        FRAME,
        pd.Series([1.0, 2.0]),
        NUMBERS.groupby("b"),
        FRAME.groupby("item"),
        pd.concat([NUMBERS, NUMBERS], keys=[0, 1]),
        object(),
    ],
    ids=lambda X: f"{type(X).__name__} {str(X)[:20]!r}",
)
def test_numbers_are_answered_without_a_look(X):
    assert has_symbols(X) is False


def test_a_store_is_not_read(tmp_path):
    with StoreWriter(tmp_path / "store") as writer:
        writer.add(np.zeros((5, 2), np.float32))
    assert has_symbols(SequenceStore(tmp_path / "store")) is False


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("all", True),
        ([0], True),
        (["b"], True),
        ([False, True], True),
        (np.array([1]), True),
        ([], False),
        ([False, False], False),
    ],
)
def test_columns_that_are_named_decide(asked, expected):
    assert has_symbols([np.zeros((5, 2))], asked) is expected


@pytest.mark.parametrize("asked", ["some", 3, {"a"}, [[0]], [0.5], [0, "a"], [True, 1]])
def test_columns_that_cannot_be_named(asked):
    with pytest.raises((TypeError, ValueError), match="categorical_features"):
        has_symbols([[1]], asked)


def test_columns_that_were_not_selected_of_a_groupby_do_not_count():
    table = pd.DataFrame({"run": [1, 1, 2], "x": [1.0, 2.0, 3.0], "note": [None, "a", "b"]})
    assert not has_symbols(table.groupby("run")[["x"]])
    assert not has_symbols(table.groupby("run")["x"])
    assert has_symbols(table.groupby("run")[["note"]])
    assert has_symbols(table.groupby("run")["note"])
    assert has_symbols(table.groupby("run"))
    assert not has_symbols(table.groupby(["run", "note"]))


def test_columns_that_polars_groups_by_do_not_count():
    table = pl.DataFrame({"run": ["a", "a", "b"], "x": [1.0, 2.0, 3.0], "k": list("uvu")})
    assert not has_symbols(table.select("run", "x").group_by("run", maintain_order=True))
    assert not has_symbols(table.group_by(["run", pl.col("k")], maintain_order=True))
    assert has_symbols(table.group_by("run", maintain_order=True))
