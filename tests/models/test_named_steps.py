"""Steps of a stream by name: the same bits as by position, and errors for other names."""

from __future__ import annotations

import collections
import sqlite3
import types
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger

OPTIONS = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
NAMES = ["u", "v", "w"]
X = np.random.default_rng(5).normal(size=(6, 4, 3))
TURNED = [2, 0, 1]
"""another order of the names"""


@pytest.fixture(scope="module")
def named():
    frames = [pd.DataFrame(x, columns=NAMES) for x in X]
    return RNNClassifier(**OPTIONS).fit(frames, np.arange(6) % 2)


@pytest.fixture(scope="module")
def unnamed():
    return RNNClassifier(**OPTIONS).fit(X, np.arange(6) % 2)


def as_dict(x):
    return {NAMES[i]: float(x[i]) for i in TURNED}


def as_named_tuple(x):
    return collections.namedtuple("Row", [NAMES[i] for i in TURNED])(*x[TURNED])


def as_record(x):
    dtype = [(NAMES[i], float) for i in TURNED]
    return np.array([tuple(x[TURNED])], dtype)[0]


def as_database_row(x):
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row
    return base.execute(
        f"select {x[2]!r} as w, {x[0]!r} as u, {x[1]!r} as v".replace("np.float64", "")
    ).fetchone()


ROWS = {
    "dict": as_dict,
    "mapping": lambda x: types.MappingProxyType(as_dict(x)),
    "named tuple": as_named_tuple,
    "series": lambda x: pd.Series(as_dict(x)),
    "series of objects": lambda x: pd.Series(as_dict(x), dtype=object),
    "series, nullable": lambda x: pd.Series(as_dict(x), dtype="Float64"),
    "record": as_record,
    "database": as_database_row,
    "pandas": lambda x: pd.DataFrame([as_dict(x)], index=[7]),
    "pandas, nullable": lambda x: pd.DataFrame([as_dict(x)]).convert_dtypes(),
    "polars": lambda x: pl.DataFrame([as_dict(x)]),
    "polars row": lambda x: pl.DataFrame([as_dict(x)]).row(0, named=True),
    "pyarrow": lambda x: pa.Table.from_pylist([as_dict(x)]),
}


@pytest.mark.parametrize("make", ROWS.values(), ids=ROWS)
def test_a_step_by_name(named, make):
    by_name, by_position = named.stream(), named.stream()
    for x in X[0]:
        assert by_name.step(make(x)).tobytes() == by_position.step(x).tobytes()
        assert by_name.predict() == by_position.predict()
    assert by_name.predict(make(X[1, 0])) == by_position.predict(X[1, 0])


def test_rows_of_a_frame(named):
    frame = pd.DataFrame(X[0], columns=NAMES)[["w", "u", "v"]]
    expected = named.predict_proba_over_time([pd.DataFrame(X[0], columns=NAMES)])[0]
    for rows in (
        [row for _, row in frame.iterrows()],
        frame.itertuples(index=False),
        frame.to_dict("records"),
        pl.from_pandas(frame).iter_rows(named=True),
    ):
        live = named.stream()
        assert np.array([live.step(row) for row in rows]).tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match=r"'Index', which is unknown.*itertuples\(index=False\)"):
        named.stream().step(next(frame.itertuples()))


def frame_of(x, make):
    return make({NAMES[i]: x[:, i] for i in TURNED})


TABLES = {
    "pandas": lambda x: frame_of(x, pd.DataFrame),
    "polars": lambda x: frame_of(x, pl.DataFrame),
    "pyarrow": lambda x: frame_of(x, pa.table),
    "dicts": lambda x: [as_dict(row) for row in x],
    "tuple of series": lambda x: tuple(pd.Series(as_dict(row)) for row in x),
    "named tuples": lambda x: [as_named_tuple(row) for row in x],
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_steps_of_streams_side_by_side(named, make):
    by_name, by_position = named.stream(6), named.stream(6)
    for t in range(4):
        x = np.ascontiguousarray(X[:, t])
        assert by_name.step(make(x)).tobytes() == by_position.step(x).tobytes()


@pytest.mark.parametrize("make", [RNNRegressor, RNNTagger])
def test_other_estimators(make):
    frames = [pd.DataFrame(x, columns=NAMES) for x in X]
    y = X[:, :, 0] > 0 if make is RNNTagger else X[:, -1, 0]
    live = make(**OPTIONS).fit(frames, y).stream()
    expected = live.step(X[0, 0])
    assert live.reset().step(as_dict(X[0, 0])).tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match=f"has no 'v'; {make.__name__} was trained on 'u', 'v'"):
        live.step({"u": 1.0, "w": 2.0})


def refused(live, x, error, match):
    before = live.state
    with pytest.raises(error, match=match):
        live.step(x)
    assert all(np.array_equal(before[name], value) for name, value in live.state.items())


WRONG = [
    ({"u": 1.0, "v": 2.0}, "has no 'w'; RNNClassifier was trained on 'u', 'v', 'w'"),
    ({"u": 1.0, "v": 2.0, "w": 3.0, "x": 4.0}, "has 'x', which is unknown; RNNClassifier was"),
    ({"u": 1.0, "y": 2.0, "x": 4.0}, "has no 'v', 'w' and has 'y', 'x', which is unknown"),
    ({}, "has no 'u', 'v', 'w'"),
    ({0: 1.0, 1: 2.0, 2: 3.0}, "has no 'u', 'v', 'w' and has 0, 1, 2"),
]


@pytest.mark.parametrize(("row", "match"), WRONG)
def test_names_that_are_missing_or_unknown(named, row, match):
    refused(named.stream(), row, ValueError, f"^x_t {match}")
    good = as_dict(X[0, 0])
    refused(named.stream(3), [good, good, row], ValueError, f"^x_t: stream 2 {match}")
    if row and all(isinstance(name, str) for name in row):
        refused(named.stream(), pd.Series(row), ValueError, f"^x_t {match}")
        refused(named.stream(), pd.DataFrame([row]), ValueError, f"^x_t {match}")
        refused(named.stream(2), pl.DataFrame([row, row]), ValueError, f"^x_t {match}")


def test_a_name_twice(named):
    twice = ["u", "v", "w", "v"]
    refused(named.stream(), pd.Series(range(4), index=twice), ValueError, "has 'v' twice")
    refused(named.stream(), pd.DataFrame([range(4)], columns=twice), ValueError, "has 'v' twice")


def test_values_that_are_no_numbers(named):
    good = as_dict(X[0, 0])
    refused(named.stream(), good | {"v": "1.5"}, TypeError, "x_t: 'v' is '1.5', a str: convert it")
    refused(named.stream(), good | {"v": [1.0, 2.0]}, ValueError, r"x_t: 'v' has shape \(2,\)")
    refused(named.stream(), good | {"v": object()}, TypeError, "feature 1 is <object")
    refused(named.stream(), good | {"v": np.ma.masked}, ValueError, "masked")
    dates = pd.Series(good | {"v": pd.Timestamp("2024")}, dtype=object)
    refused(named.stream(), dates, TypeError, "feature 1 is Timestamp")
    refused(named.stream(), pd.DataFrame([good]).assign(v="on"), TypeError, "column 'v' holds text")
    refused(named.stream(), frame_of(X[:2, 0], pd.DataFrame), ValueError, "table of 2 rows.*one by")
    refused(named.stream(3), frame_of(X[:2, 0], pd.DataFrame), ValueError, r"shape \(2, 3\)")
    refused(named.stream(2), [good, [1.0, 2.0, 3.0], good], ValueError, r"shape \(3, 3\)")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_values_by_name(named, missing):
    bad = as_dict(X[0, 0]) | {"v": missing}
    place = r"NaN: feature 1 \(column 'v'\), time step 0\. RNNClassifier accepts"
    refused(named.stream(), bad, ValueError, place)
    refused(named.stream(2), [as_dict(X[0, 0]), bad], ValueError, "NaN: stream 1, feature 1")
    frames = [pd.DataFrame(x, columns=NAMES) for x in X]
    live = RNNClassifier(**OPTIONS, missing="mask").fit(frames, np.arange(6) % 2).stream()
    expected = live.step(np.array([X[0, 0, 0], np.nan, X[0, 0, 2]]))
    assert live.reset().step(bad).tobytes() == expected.tobytes()
    assert live.reset().step(pd.Series(bad, dtype=object)).tobytes() == expected.tobytes()


def test_infinity_is_named(named):
    infinite = as_dict(X[0, 0]) | {"w": -np.inf}
    refused(named.stream(), infinite, ValueError, r"feature 2 \(column 'w'\), time step 0 is -inf")


def test_a_model_without_names(unnamed):
    live = unnamed.stream()
    expected = live.step(X[0, 0])
    message = (
        "x_t is a dict, whose values have names, but RNNClassifier was trained without feature"
    )
    refused(live, as_dict(X[0, 0]), ValueError, message)
    refused(unnamed.stream(2), [as_dict(X[0, 0])] * 2, ValueError, "x_t: stream 0 is a dict")
    for row in (pd.Series(X[0, 0], index=NAMES), pd.DataFrame(X[0, :1], columns=NAMES)):
        with pytest.warns(
            UserWarning, match="^x_t has feature names, but RNNClassifier was fitted"
        ):
            assert live.reset().step(row).tobytes() == expected.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in (
            pd.Series(X[0, 0]),
            pd.DataFrame(X[0, :1]),
            pd.Series(X[0, 0], dtype="Float64"),
        ):
            assert live.reset().step(row).tobytes() == expected.tobytes()


def test_numbered_rows_of_a_model_with_names_are_read_by_position(named):
    live = named.stream()
    expected = live.step(X[0, 0])
    for row in (X[0, 0].tolist(), tuple(X[0, 0]), pd.Series(X[0, 0]), pd.DataFrame(X[0, :1])):
        assert live.reset().step(row).tobytes() == expected.tobytes()


def test_a_two_dimensional_X_has_names_of_steps():
    table = pd.DataFrame(X[:, :, 0], columns=list("abcd"))
    live = RNNClassifier(**OPTIONS).fit(table, np.arange(6) % 2).stream()
    expected = live.step(X[0, 0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in (pd.Series({"x": X[0, 0, 0]}), pd.DataFrame({"x": [X[0, 0, 0]]})):
            assert live.reset().step(row).tobytes() == expected.tobytes()
    refused(live, {"a": 1.0}, ValueError, "trained on a 2-D X, whose names are of time steps")
