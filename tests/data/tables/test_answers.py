"""Answers with their ids back in a table: every shape of answers, in every library."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import from_table, to_table

CONTENT = {
    "run": ["b", "a", "b", "a", "b"],
    "t": [dt.datetime(2024, 3, day) for day in (9, 1, 3, 5, 7)],
    "x": [1.0, 2.0, 3.0, 4.0, 5.0],
    "y": ["q", "p", "q", "p", "q"],
    "tag": ["u", "v", None, "u", "v"],
}
LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def content(table):
    """Any table as a dict of lists."""
    if isinstance(table, dict):
        return {name: values.tolist() for name, values in table.items()}
    if isinstance(table, pa.Table):
        return table.to_pydict()
    return (
        table.to_dict("list") if isinstance(table, pd.DataFrame) else table.to_dict(as_series=False)
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_predictions_of_each_estimator_in_the_library_of_the_data(library):
    table = LIBRARIES[library](CONTENT)
    options = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
    roles = {"id": "run", "time": "t", "features": ["x"]}

    data = from_table(table, label="y", **roles)
    classifier = RNNClassifier(**options).fit(data.X, data.y)
    found = to_table(classifier.predict(data.X), data)
    assert type(found) is type(table)
    assert content(found) == {"run": ["b", "a"], "prediction": classifier.predict(data.X).tolist()}
    shares = classifier.predict_proba(data.X)
    found = content(to_table(shares, data, name=classifier.classes_))
    assert found == {"run": ["b", "a"], "p": shares[:, 0].tolist(), "q": shares[:, 1].tolist()}
    found = content(to_table(classifier.predict_proba_over_time(data.X), data, name=["p", "q"]))
    assert found["run"] == ["b", "b", "b", "a", "a"]
    assert [time.day for time in found["t"]] == [3, 7, 9, 1, 5]
    assert found["p"][2] == pytest.approx(shares[0, 0])

    data = from_table(table, step_label="tag", **roles)
    tagger = RNNTagger(**options).fit(data.X, data.y)
    tags = tagger.predict(data.X)
    found = content(to_table(tags, data, name="tag"))
    assert found["tag"] == [*tags[0], *tags[1]]
    assert list(found) == ["run", "t", "tag"]

    regressor = RNNRegressor(**options).fit(data.X, [[1.0, 2.0], [3.0, 4.5]])
    found = content(to_table(regressor.predict(data.X), data))
    assert list(found) == ["run", "prediction_0", "prediction_1"]


@pytest.mark.parametrize(
    ("like", "kind"),
    [
        (None, dict),
        ({}, dict),
        ("polars", pl.DataFrame),
        ("pyarrow", pa.Table),
        (pd.DataFrame({"any": [1]}), pd.DataFrame),
        (pl.LazyFrame({"any": [1]}), pl.DataFrame),
    ],
)
@pytest.mark.parametrize(
    "ids",
    [
        ["a", "b"],
        np.array(["a", "bc"]),
        [5, 7],
        np.array([5, 7], np.int16),
        [True, False],
        np.array(["2024-03-01", "2024-03-02"], "M8[ns]"),
    ],
)
def test_ids_of_any_type_in_the_library_that_is_asked_for(like, kind, ids):
    found = to_table(np.array([0.5, 2.5]), ids, like=like, id="run", name="size")
    assert isinstance(found, kind)
    expected = ids if isinstance(ids, list) else ids.tolist()
    seen = content(found)["run"]
    if isinstance(seen[0], dt.datetime):
        seen = [int(np.datetime64(pd.Timestamp(one), "ns").astype(int)) for one in seen]
    assert seen == expected
    assert content(found)["size"] == [0.5, 2.5]


def test_several_ids_are_several_columns():
    table = pl.DataFrame(
        {"who": [1, 1, 2], "day": [dt.date(2024, 3, d) for d in (1, 2, 1)], "x": [1.0] * 3}
    )
    data = from_table(table, id=["who", "day"])
    found = to_table([3, 4, 5], data)
    assert found["who"].to_list() == [1, 1, 2]
    assert [day.day for day in found["day"]] == [1, 2, 1]
    assert list(to_table([3, 4], [(1, "a"), (2, "b")])) == ["id_0", "id_1", "prediction"]


def test_sequences_without_ids_are_numbered():
    data = from_table({"x": [[1.0, 2.0], [3.0]]})
    assert content(to_table([7, 8], data)) == {"sequence": [0, 1], "prediction": [7, 8]}
    found = content(to_table([np.array([1, 2]), np.array([3])], data))
    assert found == {"sequence": [0, 0, 1], "step": [0, 1, 0], "prediction": [1, 2, 3]}


def test_equal_lengths_over_time():
    tags = np.array([["u", "v", "v"], ["v", "u", "u"]])
    found = content(to_table(tags, ["a", "b"], over_time=True))
    assert found["id"] == ["a", "a", "a", "b", "b", "b"]
    assert found["step"] == [0, 1, 2, 0, 1, 2]
    assert found["prediction"] == ["u", "v", "v", "v", "u", "u"]
    cube = np.arange(12.0).reshape(2, 3, 2)
    found = content(to_table(cube, ["a", "b"], name=["p", "q"]))
    assert found["q"] == [1, 3, 5, 7, 9, 11]
    assert to_table(tags, ["a", "b"]).keys() == {
        "id",
        "prediction_0",
        "prediction_1",
        "prediction_2",
    }


@pytest.mark.parametrize(
    ("answers", "options", "message"),
    [
        ([1, 2, 3], {}, "3 answers and 2 ids"),
        (np.ones((2, 3)), {"name": ["p", "q"]}, "2 names, but the answers have 3 columns"),
        ([1, 2], {"name": ["p", "q"]}, "2 names for one column"),
        (np.ones((2, 2)), {"name": ["p", "run"]}, "two columns .* called 'run'"),
        ([np.ones(3), np.ones(4)], {}, r"answers\[1\] has 4 step.s., but the sequence has 2"),
        ([np.ones((3, 2)), np.ones((2, 3))], {}, r"answers\[1\] has shape \(2, 3\)"),
        (np.ones((2, 3, 2, 1)), {"over_time": False}, "have shape"),
        ([1, 2], {"id": ["p", "q"]}, "2 name.s., but the ids have 1 column"),
    ],
)
def test_what_does_not_fit_is_refused(answers, options, message):
    data = from_table(CONTENT, id="run", features=["x"])
    with pytest.raises(ValueError, match=message):
        to_table(answers, data, **options)


@pytest.mark.parametrize("like", [3, [1, 2], "excel", pd.Series([1])])
def test_what_is_no_library_is_refused(like):
    with pytest.raises(TypeError, match=r"like=.* cannot be made"):
        to_table([1, 2], ["a", "b"], like=like)
