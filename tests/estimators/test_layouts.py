"""Containers and layouts through the estimators: the same bits as the arrays that they hold."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from sklearn.base import clone

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.data import from_channels_first, from_table, unpad

LENGTHS = (4, 1, 6, 3, 2, 5)
IDS = [7, 2, 11, 3, 20, 5]
NAMES = ["ax", "ay"]
ESTIMATORS = [RNNClassifier, RNNRegressor, RNNTagger]


@pytest.fixture
def samples(rng):
    return [rng.standard_normal((n, 2)) for n in LENGTHS]


@pytest.fixture
def table(samples):
    steps = np.concatenate([np.arange(n) for n in LENGTHS])
    table = pd.DataFrame(np.concatenate(samples), columns=NAMES)
    return table.assign(run=np.repeat(IDS, LENGTHS), t=steps)


def small(kind, **options):
    return kind(hidden_size=3, max_iter=2, random_state=0, **options)


def targets(kind, lengths=LENGTHS):
    if kind is RNNTagger:
        return [np.arange(n) % 2 for n in lengths]
    return np.arange(len(lengths)) % 2


def over_time(estimator, X):
    """An answer at every step."""
    name = {RNNClassifier: "predict_proba_over_time", RNNRegressor: "predict_over_time"}
    return getattr(estimator, name.get(type(estimator), "predict_proba"))(X)


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def grouped(samples, table):
    return table.groupby("run", sort=False)[NAMES]


def indexed(samples, table):
    return table.set_index(["run", "t"])


def nested(samples, table):
    return pd.DataFrame({n: [pd.Series(x[:, j]) for x in samples] for j, n in enumerate(NAMES)})


def lists_of_axes(samples, table):
    return [xr.DataArray(x, dims=("time", "feature")) for x in samples]


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("make", [grouped, indexed, nested, lists_of_axes])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
def test_the_same_bits_from_every_container(samples, table, kind, make):
    y, X = targets(kind), make(samples, table)
    expected = small(kind).fit(samples, y, X_val=samples, y_val=y)
    found = small(kind).fit(X, y, X_val=X, y_val=y)
    assert found.loss_curve_ == expected.loss_curve_
    assert found.validation_scores_ == expected.validation_scores_
    for fitted in (expected, found):
        assert_equal(fitted.predict(X), expected.predict(samples))
        for answers in (over_time(fitted, X), fitted.hidden_states(X)):
            assert isinstance(answers, list)
        assert_equal(over_time(fitted, X), over_time(expected, samples))
        assert_equal(fitted.hidden_states(X), expected.hidden_states(samples))
        assert fitted.score(X, y) == expected.score(samples, y)
    expected.partial_fit(samples, y)
    found.partial_fit(X, y)
    np.testing.assert_array_equal(found.network_.params.flat, expected.network_.params.flat)


@pytest.mark.parametrize("make", [grouped, indexed, nested, lists_of_axes])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
def test_a_scaler_makes_lists_of_containers(samples, table, make):
    X = make(samples, table)
    scaler = SequenceScaler().fit(X)
    np.testing.assert_array_equal(scaler.mean_, SequenceScaler().fit(samples).mean_)
    found = scaler.transform(X)
    assert isinstance(found, list)
    assert_equal(found, SequenceScaler().fit_transform(samples))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_held_out_samples_of_a_container_are_scored(samples, table, kind):
    scoring = "r2" if kind is RNNRegressor else "accuracy"
    options = {"early_stopping": True, "validation_fraction": 0.34, "scoring": scoring}
    y = np.repeat([0, 1, 0], 2) if kind is not RNNTagger else targets(kind)
    expected = small(kind, **options).fit(samples, y)
    for make in (grouped, indexed, nested):
        found = small(kind, **options).fit(make(samples, table), y)
        assert found.validation_scores_ == expected.validation_scores_


def test_answers_to_an_array_with_other_clothes_are_an_array(rng):
    X = rng.normal(size=(4, 5, 2))
    for kind in ESTIMATORS:
        fitted = small(kind).fit(X, targets(kind, [5] * 4))
        for other in (xr.DataArray(X, dims=("sample", "time", "feature")), memoryview(X)):
            assert isinstance(over_time(fitted, other), np.ndarray)
            np.testing.assert_array_equal(over_time(fitted, other), over_time(fitted, X))
    scaler = SequenceScaler().fit(X)
    assert scaler.transform(memoryview(X)).shape == X.shape
    assert scaler.transform(X[:, :0]).shape == (4, 0, 2)


# What belongs to the sequences


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("make", [grouped, indexed])
def test_an_index_of_y_in_another_order_than_the_sequences(samples, table, kind, make):
    X = make(samples, table)
    y = pd.Series(list(targets(kind)), index=IDS)
    found = small(kind).fit(X, y)
    assert found.loss_curve_ == small(kind).fit(samples, targets(kind)).loss_curve_
    message = r"the index of y has the ids of X.*entry 0 is of 2, sequence 0 is 7.*y\.loc\[ids\]"
    with pytest.raises(ValueError, match=message):
        small(kind).fit(X, y.sort_index())
    with pytest.raises(ValueError, match="the index of y has the ids"):
        found.partial_fit(X, y.sort_index())
    with pytest.raises(ValueError, match="the index of y_val has the ids of X_val"):
        small(kind).fit(X, y, X_val=X, y_val=y.sort_index())
    weights = pd.Series(1.0, index=sorted(IDS))
    with pytest.raises(ValueError, match="the index of sample_weight has the ids of X"):
        small(kind).fit(X, y, sample_weight=weights)
    small(kind).fit(X, y.reset_index(drop=True))
    if kind is not RNNTagger:
        small(kind).fit(X, y.sort_index().to_numpy())


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_long_table_in_the_place_of_sequences(table, kind):
    y = targets(kind, [2] * 6)
    values = table[NAMES]
    longs = {
        "frame": values,
        "repeated index": values.set_index(table["run"]),
        "array": values.to_numpy(),
        "rows": list(values.to_numpy()),
    }
    for name, X in longs.items():
        with pytest.raises(ValueError, match=r"y has 6 .*X has 21 sample") as caught:
            small(kind).fit(X, y)
        assert "elman.data.from_table(table, id=...)" in str(caught.value)
        assert "groupby" in str(caught.value)
        assert ("ids that repeat" in str(caught.value)) == (name == "repeated index")
    with pytest.raises(ValueError, match=r"X_val has 21 .*from_table"):
        small(kind).fit(values[:6], y, X_val=values, y_val=y)
    with pytest.raises(ValueError, match=r"y has 21 entries, but X has 6 .*from_table"):
        small(kind).fit(table.groupby("run"), list(range(21)))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_one_label_for_each_step_end_to_end(samples, kind):
    with pytest.raises(ValueError, match=r"as many as X has time steps.*np\.split") as caught:
        small(kind).fit(samples, np.zeros(21, int))
    call = str(caught.value).split("each sequence, ")[1].split(", which")[0]
    found = eval(call, {"np": np, "X": samples, "y": np.zeros(21, int)})
    assert [len(row) for row in found] == list(LENGTHS)


# One feature without an axis for it


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_unequal_rows_are_read_alike_everywhere(rng, kind, tmp_path):
    rows = [rng.standard_normal(n) for n in LENGTHS]
    columns = [row[:, np.newaxis] for row in rows]
    y = targets(kind)
    expected = small(kind).fit(columns, y, X_val=columns[:2], y_val=y[:2])
    found = small(kind).fit(rows, y, X_val=rows[:2], y_val=y[:2])
    assert found.loss_curve_ == expected.loss_curve_
    assert found.n_features_in_ == 1
    found.save(tmp_path / "model.safetensors")
    loaded = kind.load(tmp_path / "model.safetensors")
    equal = [np.resize(row, 3) for row in rows]
    for X in (rows, equal, [x[:1] for x in rows], rows[:1], tuple(equal), [equal[0].tolist()]):
        as_columns = [np.reshape(x, (-1, 1)) for x in X]
        for fitted in (found, loaded, pickle.loads(pickle.dumps(found))):
            assert_equal(fitted.predict(X), expected.predict(as_columns))
            assert_equal(over_time(fitted, X), over_time(expected, as_columns))
    of_equal = targets(kind, [3] * 6)
    small(kind).fit(rows, y, X_val=equal, y_val=of_equal)
    found.partial_fit(equal, of_equal)
    expected.partial_fit([x[:, np.newaxis] for x in equal], of_equal)
    np.testing.assert_array_equal(found.network_.params.flat, expected.network_.params.flat)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_unequal_rows_where_columns_were_learned_are_an_error(rng, kind):
    X = rng.normal(size=(6, 4))
    rows = [rng.standard_normal(n) for n in LENGTHS]
    fitted = small(kind).fit(X, targets(kind, [4] * 6))
    message = "sample 1 has 1 values but sample 0 has 4.*2-D X of 4 columns"
    with pytest.raises(ValueError, match=message):
        fitted.predict(rows)
    with pytest.raises(ValueError, match=message):
        fitted.partial_fit(rows, targets(kind))
    with pytest.raises(ValueError, match=message):
        small(kind).fit(list(X), targets(kind, [4] * 6), X_val=rows, y_val=targets(kind))
    np.testing.assert_array_equal(fitted.predict(list(X)), fitted.predict(X))


def test_a_scaler_of_unequal_rows(rng):
    rows = [rng.standard_normal(n) for n in LENGTHS]
    columns = [row[:, np.newaxis] for row in rows]
    scaler = SequenceScaler().fit(rows)
    for X in (rows, [x[:1] for x in rows], rows[2:3]):
        as_columns = [np.reshape(x, (-1, 1)) for x in X]
        assert_equal(scaler.transform(X), SequenceScaler().fit(columns).transform(as_columns))
        np.testing.assert_allclose(
            np.concatenate(scaler.inverse_transform(scaler.transform(X))).ravel(),
            np.concatenate(X),
        )
    with pytest.raises(ValueError, match="2-D X of 4 columns"):
        SequenceScaler().fit(rng.normal(size=(3, 4))).transform(rows)


# Layouts


def test_channels_first_is_said_at_fit_only(rng):
    X = rng.normal(size=(6, 2, 50))
    for kind in ESTIMATORS:
        with pytest.warns(UserWarning, match=r"elman\.data\.from_channels_first\(X\)"):
            fitted = small(kind).fit(X, targets(kind, [2] * 6))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted.predict(X)
            fitted.partial_fit(X, targets(kind, [2] * 6))
            small(kind).fit(from_channels_first(X), targets(kind, [50] * 6))
    with pytest.warns(UserWarning, match=r"elman\.data\.from_channels_first\(X\)"):
        scaler = SequenceScaler().fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaler.transform(X)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_padded_sequences_once_unpadded(samples, kind):
    X = np.full((6, 7, 2), np.nan)
    for row, x in zip(X, samples, strict=True):
        row[: len(x)] = x
    y = targets(kind)
    fitted = small(kind).fit(samples, y)
    with pytest.raises(ValueError, match=r"elman\.data\.unpad\(X\)"):
        small(kind).fit(X, y if kind is not RNNTagger else np.zeros((6, 7), int))
    with pytest.raises(ValueError, match=r"elman\.data\.unpad\(X\)"):
        fitted.predict(X)
    with pytest.raises(ValueError, match=r"elman\.data\.unpad\(X_val\)"):
        small(kind).fit(samples, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match=r"elman\.data\.unpad\(X\)"):
        SequenceScaler().fit(X)
    assert_equal(fitted.predict(unpad(X)), fitted.predict(samples))
    small(kind, missing="skip").fit(X, targets(kind, [7] * 6))


# Numbers for a classifier


def test_numbers_for_a_classifier(rng):
    X = rng.normal(size=(60, 3, 1))
    y = rng.integers(0, 30, size=60)
    numerous = np.arange(60) % 53  # more classes than half of the samples
    for numbers in (y, y.astype(float), numerous, numerous.astype(object)):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            fitted = small(RNNClassifier).fit(X, numbers)
        (only,) = warned
        assert "different numbers in 60 samples" in str(only.message)
        assert "RNNRegressor" in str(only.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.score(X, numerous.astype(object))
        small(RNNClassifier).fit(X, numerous.astype(str))
        small(RNNClassifier).partial_fit(X, y, classes=np.arange(30))
        small(RNNRegressor).fit(X, y)


INDEX = [5, 3, 8, 1]


@pytest.mark.parametrize("kind", [RNNClassifier, RNNRegressor])
def test_rows_and_targets_whose_index_is_turned_are_warned_of(kind, rng):
    X = pd.DataFrame(rng.normal(size=(4, 3)), index=INDEX)
    y = pd.Series([0, 1, 0, 1], index=INDEX)
    message = "the same index in another order.*row 5 of X goes with entry 1 of y"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = small(kind).fit(X, y)
        fitted.score(X, y)
        fitted.score(X, y.reset_index(drop=True))
    for do in (small(kind).fit, small(kind).partial_fit, fitted.score):
        more = {"classes": [0, 1]} if "partial" in do.__name__ and kind is RNNClassifier else {}
        with pytest.warns(UserWarning, match=message):
            do(X, y[::-1], **more)
    with pytest.warns(UserWarning, match="X_val and y_val have the same index in another order"):
        small(kind).fit(X, y, X_val=X, y_val=y[::-1])
    with pytest.warns(UserWarning, match="entry 1 of sample_weight"):
        fitted.score(X, y, y[::-1] + 1)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_score_refuses_what_is_in_another_order_than_the_groups(kind, rng):
    table = pd.DataFrame(rng.normal(size=(10, 2)), columns=["u", "v"])
    groups = table.assign(run=np.repeat(["b", "a"], 5)).groupby("run")
    y = [0, 1] if kind is not RNNTagger else [[0, 1, 0, 1, 1]] * 2
    fitted = small(kind).fit(groups, y)
    with pytest.raises(ValueError, match="the index of y has the ids of X"):
        fitted.score(groups, pd.Series(y, index=["b", "a"]))
    with pytest.raises(ValueError, match="the index of sample_weight has the ids of X"):
        fitted.score(groups, y, pd.Series([1.0, 2.0], index=["b", "a"]))


DAYS = pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-06", "2020-01-02", "2020-01-05"])


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize(
    "columns",
    [
        {"id": [5, 3, 8, 1, 6]},
        {"id": ["e", "c", "h", "a", "f"]},
        {"id": DAYS},
        {"id": [5, 3, 5, 1, 3], "day": DAYS},
    ],
    ids=["ints", "text", "dates", "two columns"],
)
def test_values_in_another_order_than_the_ids_of_a_data_set(kind, columns, rng):
    table = pd.DataFrame({name: np.repeat(ids, 3) for name, ids in columns.items()})
    table["u"] = rng.standard_normal(15)
    X = from_table(table, id=list(columns), features="u").X
    index = pd.MultiIndex.from_frame(pd.DataFrame(columns)) if len(columns) > 1 else columns["id"]
    y = pd.Series(targets(kind, [3] * 5), index=index)
    weights = pd.Series(np.arange(5) + 1.0, index=index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = small(kind).fit(X, y, weights)
        fitted.partial_fit(X[1:], y[1:])
        fitted.score(X, y.reset_index(drop=True), weights)
        fitted.score(X, y[::-1].loc[list(X.ids)])
        fitted.score(X[::-1], y[::-1])
        small(kind).fit(list(X), y[::-1])
        fitted.score(X, pd.Series(y.to_numpy(), [*"vwxyz"]))
    message = r"the index of {} has the ids of X{} in another order: entry 0 is .*\.loc\[list\(X"
    for do in (small(kind).fit, fitted.partial_fit, fitted.score):
        with pytest.raises(ValueError, match=message.format("y", "")):
            do(X, y[::-1])
        with pytest.raises(ValueError, match=message.format("y", "")):
            do(X[:3], y[:3][::-1])
        with pytest.raises(ValueError, match=message.format("sample_weight", "")):
            do(X, y, sample_weight=weights[::-1])
    with pytest.raises(ValueError, match=message.format("y_val", "_val")):
        small(kind).fit(X, y, X_val=X, y_val=y[::-1])


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_a_groupby_that_sorts_is_held_against_y(kind):
    """Ids are often text: "r10" comes before "r9"."""
    names = ["r8", "r9", "r10", "r11"]
    table = pd.DataFrame({"run": np.repeat(names, 3), "x": np.arange(12) / 4})
    y = pd.Series([0, 1, 0, 1], names)
    if kind is RNNTagger:
        y = pd.Series([[0, 1, 1]] * 4, names)
    est = kind(hidden_size=2, max_iter=1)
    sorted_groups, groups = table.groupby("run")[["x"]], table.groupby("run", sort=False)[["x"]]
    for values in (y.tolist(), y.reset_index(drop=True)):
        with pytest.warns(UserWarning, match="that has sorted its 4 groups, 'r10', 'r11', 'r8'"):
            est.fit(sorted_groups, values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est.fit(groups, y.tolist())
        est.fit(sorted_groups, y.sort_index())
        est.fit(
            table.replace({"run": {"r8": "r1"}}).query("run != 'r9'").groupby("run"), y[:3].tolist()
        )
    with pytest.raises(ValueError, match="in another order"):
        est.fit(sorted_groups, y)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_long_table_in_the_place_of_samples_is_warned_of(make, estimator, rng):
    """Every row would be a sequence of its own, and each feature a step of it."""
    table = make({"ax": rng.normal(size=40), "ay": rng.normal(size=40)})
    y = np.repeat([0, 1], 20)
    network = estimator(hidden_size=3, max_iter=1, random_state=0)
    seen = r"columns \['ax', 'ay'\], .*2 time steps.*from_table makes"
    with pytest.warns(UserWarning, match=seen):
        fitted = network.fit(table, y)
    steps = {"t0": table["ax"].to_numpy(), "t1": table["ay"].to_numpy()}
    quiet = [make(steps), table.to_numpy(), [table.to_numpy()[:20], table.to_numpy()[20:]]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(network).fit(quiet[0], y)
        clone(network).fit(quiet[1], y)
        clone(network).fit(quiet[2], [0, 1])
        fitted.predict(table)
