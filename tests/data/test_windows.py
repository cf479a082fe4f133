"""Series cut into windows, each with what came after it."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman import RNNRegressor
from elman.data import windows

SERIES = np.arange(7.0)
TABLE = np.column_stack([np.arange(9.0), 100 + np.arange(9), -np.arange(9.0)])


def test_the_next_values_follow_each_window():
    X, y = windows(SERIES, 3)
    assert X[:, :, 0].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    assert y.tolist() == [3, 4, 5, 6]
    X, y = windows(SERIES, 3, 2)
    assert X.shape == (3, 3, 1)
    assert y.tolist() == [[3, 4], [4, 5], [5, 6]]
    X, y = windows(SERIES, 2, [3, 1], step=2)
    assert X[:, :, 0].tolist() == [[0, 1], [2, 3]]
    assert y.tolist() == [[4, 2], [6, 4]]
    assert windows(SERIES, 2, [5])[1].tolist() == [[6]]
    assert windows(SERIES, 6)[0].shape == (1, 6, 1)


def test_every_window_that_there_is():
    """By a loop, for odd sizes."""
    for n in range(3, 12):
        for length, horizon, step in ((1, 1, 1), (2, 1, 3), (1, 2, 2), (2, 1, 5)):
            X, y = windows(np.arange(float(n)), length, horizon, step=step)
            starts = [s for s in range(0, n, step) if s + length + horizon <= n]
            assert X[:, :, 0].tolist() == [[*range(s, s + length)] for s in starts]
            ahead = [[*range(s + length, s + length + horizon)] for s in starts]
            assert y.reshape(len(y), -1).tolist() == ahead


def test_several_features_and_targets():
    X, y = windows(TABLE, 4, 2)
    assert X.shape == (4, 4, 3)
    assert X[1].tolist() == TABLE[1:5].tolist()
    assert y[1].tolist() == [*TABLE[5], *TABLE[6]]
    assert np.array_equal(y.reshape(4, 2, 3)[1], TABLE[5:7])
    assert windows(TABLE, 4)[1].tolist() == TABLE[4:].tolist()
    assert windows(TABLE, 4, target=1)[1].tolist() == TABLE[4:, 1].tolist()
    assert windows(TABLE, 4, 2, target=[2, 0])[1][0].tolist() == [-4, 4, -5, 5]
    assert windows(TABLE, 4, target=-1)[1].tolist() == TABLE[4:, 2].tolist()


@pytest.mark.parametrize(
    "frame", [pd.DataFrame(TABLE, columns=list("abc")), pl.DataFrame(TABLE, schema=list("abc"))]
)
def test_frames_have_targets_by_name(frame):
    expected = windows(TABLE, 4, 2, target=[1, 2])
    for found in (windows(frame, 4, 2, target=["b", "c"]), windows([frame], 4, 2, target=[1, 2])):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
    assert windows(frame["b"], 4)[1].tolist() == TABLE[4:, 1].tolist()
    with pytest.raises(ValueError, match=r"target='d' is no column .* which has a, b, c"):
        windows(frame, 4, target="d")
    with pytest.raises(ValueError, match=r"series\[1\] has the columns \['c', 'b', 'a'\], but"):
        windows([frame, frame[["c", "b", "a"]]], 4)


def test_no_window_reaches_from_one_series_into_the_next():
    series = [np.arange(5.0), 10 + np.arange(4.0), [20, 21, 22, 23]]
    X, y = windows(series, 2, 2)
    assert X[:, :, 0].tolist() == [[0, 1], [1, 2], [10, 11], [20, 21]]
    assert y.tolist() == [[2, 3], [3, 4], [12, 13], [22, 23]]
    cube = np.stack([TABLE, TABLE + 50])
    assert windows(cube, 8)[0].tolist() == windows([*cube], 8)[0].tolist()
    objects = np.empty(3, dtype=object)
    objects[:] = series
    assert windows(objects, 2, 2)[1].tolist() == y.tolist()


def test_missing_values_stay_in_windows_and_are_never_forecast():
    series = pd.Series([0, 1, None, 3, 4, 5, 6], dtype="Float64")
    for given in (series, series.tolist(), series.to_numpy(float, na_value=np.nan)):
        X, y = windows(given, 2)
        assert y.tolist() == [3, 4, 5, 6]
        np.testing.assert_array_equal(X[:, :, 0], [[1, np.nan], [np.nan, 3], [3, 4], [4, 5]])
    X, y = windows(series, 2, 2)
    assert y.tolist() == [[3, 4], [4, 5], [5, 6]]
    with pytest.raises(ValueError, match="every window is followed by a missing value"):
        windows([0, 1, np.nan], 2)


def test_a_single_series_is_not_copied():
    series = np.random.default_rng(0).normal(size=(20_000, 3))
    tracemalloc.start()
    X, y = windows(series, 500, target=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert X.nbytes > 200e6
    assert peak < 4e6
    assert np.shares_memory(X, series)
    assert not X.flags.writeable
    assert X.dtype == y.dtype == np.float64
    assert windows(series.astype(np.float32), 500)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((SERIES, 7), ValueError, r"^series has 7 time step.*length=7 .* 1 step.* take 8"),
        ((SERIES, 2, [1, 6]), ValueError, r"series has 7 .* 6 step\(s\) ahead of it take 8"),
        (([SERIES, SERIES[:3]], 3), ValueError, r"^series\[1\] has 3 time step"),
        (([], 3), ValueError, "series has 0 time step"),
        ((SERIES, 0), ValueError, "length=0; it must be at least 1"),
        ((SERIES, 2.0), TypeError, "length=2.0; it must be a whole number"),
        ((SERIES, True), TypeError, "length=True"),
        ((SERIES, 2, 0), ValueError, "horizon=0"),
        ((SERIES, 2, []), TypeError, r"horizon=\[\]"),
        ((SERIES, 2, [1, -1]), ValueError, r"horizon\[1\]=-1"),
        ((SERIES, 2, [2, 2]), ValueError, r"horizon=\[2, 2\] names a step twice"),
        ((np.array([1, np.inf, 3]), 1), ValueError, "series.*infinity"),
        ((list("abcd"), 1), TypeError, "series"),
        ((None, 1), TypeError, "series is None, a NoneType; expected an array"),
        (("abcd", 1), TypeError, "series is 'abcd', a str; expected an array"),
    ],
)
def test_what_cannot_be_cut(arguments, error, message):
    with pytest.raises(error, match=message):
        windows(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"step": 0}, ValueError, "step=0"),
        ({"target": 3}, ValueError, r"target=3, but the series has 3 column\(s\)"),
        ({"target": -4}, ValueError, "target=-4"),
        ({"target": [0, -3]}, ValueError, "names a column twice"),
        ({"target": []}, ValueError, "or none"),
        ({"target": 0.0}, TypeError, "the number or the name of a column"),
        (
            {"target": "a"},
            ValueError,
            "target='a' is no column of the series, which has no names",
        ),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        windows(TABLE, 4, **options)


def test_a_regressor_takes_them():
    series = np.sin(np.arange(60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for horizon in (1, 3, [2], 5):  # as many as steps, too
            X, y = windows(series, 5, horizon)
            reg = RNNRegressor(3, readout="last", max_iter=1, random_state=0).fit(X, y)
            assert reg.predict(X).shape == y.shape
            copied = RNNRegressor(3, readout="last", max_iter=1, random_state=0).fit(X.copy(), y)
            assert reg.predict(X).tobytes() == copied.predict(X.copy()).tobytes()
