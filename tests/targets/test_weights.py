"""Weights are numbers: text and dates, of which NumPy would make some, are refused by place."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger

SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
Y = {
    RNNClassifier: [0, 1, 0, 1],
    RNNRegressor: [0.5, 1, 2, 3],
    RNNTagger: [[0, 1, 0]] * 4,
}
WRONG = {
    "text": (["1", "2", "1", "1"], r"\[0\] is '1', which is text"),
    "text among numbers": ([1, 2, "1", 1], r"\[2\] is '1', which is text"),
    "bytes": ([1, b"2", 1, 1], r"\[1\] is b'2', which is text"),
    "dates": (np.array(["2020-01-01"] * 4, "M8[D]"), r"\[0\] is .*2020, 1, 1.*a date or a time"),
    "times": ([1, 1, 1, datetime.timedelta(days=1)], r"\[3\] is .*a date or a time"),
}
HOLDERS = {
    "list": lambda values: values,
    "array": np.asarray,
    "objects": lambda values: np.array(list(values), dtype=object),
    "pandas": lambda values: pd.Series(values, index=[4, 5, 6, 7]),
}


@pytest.mark.parametrize("kind", Y)
@pytest.mark.parametrize("name", WRONG)
def test_weights_of_samples_that_are_no_numbers(kind, name, rng):
    X = rng.normal(size=(4, 3, 2))
    values, message = WRONG[name]
    fitted = kind(**SMALL).fit(X, Y[kind], [1, True, 0.5, 2])
    with pytest.raises(TypeError, match="sample_weight" + message):
        kind(**SMALL).fit(X, Y[kind], values)
    with pytest.raises(TypeError, match="sample_weight" + message):
        fitted.score(X, Y[kind], values)
    with pytest.raises(TypeError, match="sample_weight" + message):
        fitted.partial_fit(X, Y[kind], sample_weight=values)


@pytest.mark.parametrize("holder", [*HOLDERS, "polars"])
def test_text_in_any_container(holder, rng):
    make = HOLDERS.get(holder, pl.Series)
    with pytest.raises(TypeError, match=r"sample_weight\[0\] is '1', which is text"):
        RNNRegressor(**SMALL).fit(rng.normal(size=(4, 3, 2)), [1, 2, 3, 4], make([*"1111"]))


@pytest.mark.parametrize("rows", [[[1, 1], [1, 2, "3"]], [[1, 1, 1], [1, 2, "3"]]])
@pytest.mark.parametrize("kind", [RNNTagger, RNNRegressor])
def test_weights_of_steps_that_are_text(kind, rows, rng):
    X = [rng.normal(size=(len(row), 2)) for row in rows]
    y = [np.arange(len(row)) % 2 + (0.5 if kind is RNNRegressor else 0) for row in rows]
    model = RNNTagger(**SMALL) if kind is RNNTagger else RNNRegressor(**SMALL, readout="every")
    y = y if kind is RNNRegressor else [row.astype(int) for row in y]
    for weights in (rows, [np.array(row) for row in rows]):
        with pytest.raises(TypeError, match=r"sample_weight\[[01]\]\[\d\] is '\d', which is text"):
            model.fit(X, y, weights)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger])
@pytest.mark.parametrize("weight", ["1", b"1", np.str_("1"), datetime.timedelta(1)])
def test_weights_of_classes_that_are_no_numbers(kind, weight, rng):
    X = rng.normal(size=(4, 3, 2))
    with pytest.raises(TypeError, match=r"gives the label 1 the weight .*not a number"):
        kind(**SMALL, class_weight={0: 2.0, 1: weight}).fit(X, Y[kind])
