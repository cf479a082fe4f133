"""Columns of a table to sequences: the order of ids and steps, labels, weights, and each error."""

from __future__ import annotations

import pytest

from elman.data.columns import Columns
from elman.data.dataset import ReaderError
from elman.data.tables import dataset_of
from elman.data.tables.plain import plain_column


def table(**columns):
    columns = {name: plain_column(values) for name, values in columns.items()}
    return Columns(columns, len(next(iter(columns.values()))))


def test_interleaved_rows_are_sorted_by_time_and_ids_keep_their_first_appearance():
    data = dataset_of(
        table(run=["b", "a", "b", "a", "b"], t=[12, 1, 3, 5, 7], x=[1.0, 2.0, 3.0, 4.0, 5.0]),
        id="run",
        time="t",
    )
    assert data.ids.tolist() == ["b", "a"]
    assert [x.tolist() for x in data.X] == [[[3], [5], [1]], [[2], [4]]]
    assert data.feature_names == data.X.feature_names == ("x",)
    assert data.y is None


def test_without_time_the_rows_keep_their_order():
    data = dataset_of(table(run=[7, 3, 7, 3, 7], x=[9.0, 2.0, 1.0, 8.0, 5.0]), id="run")
    assert data.ids.tolist() == [7, 3]
    assert [x.ravel().tolist() for x in data.X] == [[9, 1, 5], [2, 8]]


def test_a_repeated_time_names_both_rows():
    rows = table(run=["a", "b", "a", "b", "b"], t=[1, 1, 2, 4, 1], x=[1.0] * 5)
    with pytest.raises(ReaderError, match=r"run 'b' has the time 1 .* in row 1 and in row 4"):
        dataset_of(rows, id="run", time="t")
