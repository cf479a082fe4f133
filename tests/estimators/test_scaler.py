from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from helpers.sequence_data import make_samples
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from elman import RNNClassifier, RNNRegressor, SequenceScaler


@pytest.mark.parametrize("kind", ["equal", "ragged", "object"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_standard_scaler_of_all_time_steps(kind, dtype, rng):
    X, _ = make_samples(rng, 9, kind, dtype, n_features=3)
    X = X * 3 + 5 if kind == "equal" else [(x * 3 + 5).astype(dtype) for x in X]
    steps = np.vstack(list(X))
    expected = StandardScaler().fit(steps.astype(np.float64))
    scaler = SequenceScaler().fit(X)
    np.testing.assert_allclose(scaler.mean_, expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler.scale_, expected.scale_, rtol=1e-12)
    out = scaler.transform(X)
    assert type(out) is (np.ndarray if kind == "equal" else list)
    assert [x.shape for x in out] == [x.shape for x in X]
    assert all(x.dtype == dtype for x in out)
    np.testing.assert_allclose(
        np.vstack(list(out)), expected.transform(steps.astype(np.float64)), rtol=1e-5
    )
    for back, x in zip(scaler.inverse_transform(out), X, strict=True):
        # of values up to 15: a few ulp of the largest
        np.testing.assert_allclose(back, x, rtol=0, atol=100 * np.finfo(dtype).eps)


def test_weights_repeat_samples(rng):
    X, _ = make_samples(rng, 5, "ragged")
    repeats = np.array([2, 0, 1, 3, 1])
    one = SequenceScaler().fit(X, sample_weight=repeats)
    other = SequenceScaler().fit([x for x, n in zip(X, repeats, strict=True) for _ in range(n)])
    np.testing.assert_allclose(one.mean_, other.mean_, rtol=1e-12)
    np.testing.assert_allclose(one.scale_, other.scale_, rtol=1e-12)


def test_a_constant_feature_is_only_shifted(rng):
    X = rng.normal(size=(9, 5, 3))
    X[:, :, 1] = 4.2
    X[:, :, 2] = 0
    scaler = SequenceScaler().fit(X)
    assert scaler.scale_[1:].tolist() == [1, 1]
    assert not scaler.transform(X)[:, :, 1:].any()
    np.testing.assert_array_equal(scaler.inverse_transform(scaler.transform(X))[:, :, 1], 4.2)


def test_a_2d_X_is_one_feature(rng):
    X = rng.normal(2, 3, size=(9, 5))
    scaler = SequenceScaler().fit(X)
    assert scaler.mean_.shape == scaler.scale_.shape == (1,)
    assert scaler.n_features_in_ == 5
    np.testing.assert_allclose(scaler.transform(X), (X - X.mean()) / X.std(), rtol=1e-12)


def test_data_frames_and_names(rng):
    import pandas as pd

    X = pd.DataFrame(rng.normal(size=(9, 3)), columns=["t0", "t1", "t2"])
    scaler = SequenceScaler().fit(X)
    assert scaler.feature_names_in_.tolist() == ["t0", "t1", "t2"]
    assert scaler.get_feature_names_out().tolist() == ["t0", "t1", "t2"]
    assert scaler.fit(rng.normal(size=(9, 5, 3))).get_feature_names_out().tolist() == [
        "x0",
        "x1",
        "x2",
    ]
    assert not hasattr(scaler, "feature_names_in_")


def test_clone_and_pickle(rng):
    X, _ = make_samples(rng, 5, "ragged")
    scaler = SequenceScaler().fit(X)
    again = pickle.loads(pickle.dumps(scaler))
    assert again.transform(X)[3].tobytes() == scaler.transform(X)[3].tobytes()
    with pytest.raises(NotFittedError):
        clone(scaler).transform(X)
    with pytest.raises(NotFittedError):
        SequenceScaler().inverse_transform(X)


# Missing values


@pytest.mark.parametrize("kind", ["equal", "ragged", "object"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_is_left_out_of_the_statistics_and_kept(kind, dtype, rng):
    X, _ = make_samples(rng, 9, kind, dtype, n_features=3)
    X = X * 3 + 5 if kind == "equal" else [(x * 3 + 5).astype(dtype) for x in X]
    X[1][0, 2] = X[4][0, 0] = X[7][-1, 2] = np.nan
    steps = np.vstack(list(X)).astype(np.float64)
    expected = StandardScaler().fit(steps)
    scaler = SequenceScaler(allow_nan=True).fit(X)
    np.testing.assert_allclose(scaler.mean_, expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler.scale_, expected.scale_, rtol=1e-12)
    out = scaler.transform(X)
    assert all(x.dtype == dtype for x in out)
    np.testing.assert_allclose(np.vstack(list(out)), expected.transform(steps), rtol=1e-5)
    back = scaler.inverse_transform(out)
    np.testing.assert_allclose(np.vstack(list(back)), steps, atol=100 * np.finfo(dtype).eps)
    assert scaler.__sklearn_tags__().input_tags.allow_nan


def test_nan_without_being_allowed(rng):
    X = rng.normal(size=(3, 5, 2))
    X[2, 4, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN: sample 2, timestep 4, feature 1.*allow_nan=True"):
        SequenceScaler().fit(X)
    assert not SequenceScaler().__sklearn_tags__().input_tags.allow_nan
    with pytest.raises(TypeError, match="allow_nan='yes' is a str"):
        SequenceScaler(allow_nan="yes").fit(X)


def test_infinity_is_not_a_missing_value(rng):
    X = rng.normal(size=(3, 5, 2))
    scaler = SequenceScaler(allow_nan=True).fit(X)
    X[0, 0, 0], X[2, 4, 1] = np.nan, -np.inf
    for method in (scaler.fit, scaler.transform, scaler.inverse_transform):
        with pytest.raises(ValueError, match="infinity: sample 2, timestep 4, feature 1 is -inf"):
            method(X)


def test_constant_and_unseen_features_with_missing_values(rng):
    X = rng.normal(size=(9, 5, 3))
    X[:, :, 1], X[:, :, 2] = 4.2, np.nan
    X[3, :, 1] = np.nan
    scaler = SequenceScaler(allow_nan=True).fit(X)
    assert scaler.mean_[1:].tolist() == [4.2, 0]
    assert scaler.scale_[1:].tolist() == [1, 1]
    out = scaler.transform(X)
    assert (np.nan_to_num(out[:, :, 1:]) == 0).all()
    np.testing.assert_array_equal(np.isnan(out), np.isnan(X))


@pytest.fixture(params=["pandas", "polars", "everywhere pandas", "everywhere polars"])
def output(request):
    """A library of data frames, and how a scaler is told of it."""
    *everywhere, library = request.param.split()
    if not everywhere:
        yield library, lambda scaler: scaler.set_output(transform=library)
        return
    with config_context(transform_output=library):
        yield library, lambda scaler: scaler


@pytest.mark.parametrize("kind", ["equal", "ragged", "object", "frames"])
def test_sequences_are_no_table_to_be_put_out(kind, output, rng):
    X, y = make_samples(rng, 9, "ragged" if kind == "frames" else kind)
    X = [pd.DataFrame(x) for x in X] if kind == "frames" else X
    plain = SequenceScaler().fit(X)
    with config_context(transform_output="default"):
        expected = plain.transform(X)
    scaler = output[1](SequenceScaler())
    for found in (scaler.fit_transform(X), scaler.fit(X).transform(X)):
        assert type(found) is type(expected)
        assert [type(x) for x in found] == [type(x) for x in expected]
        assert all(map(np.array_equal, found, expected))
    classifier = RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
    pipeline = make_pipeline(output[1](SequenceScaler()), classifier).fit(X, y)
    by_hand = clone(classifier).fit(expected, y)
    assert pipeline.predict_proba(X).tobytes() == by_hand.predict_proba(expected).tobytes()


def test_a_table_is_put_out_as_any_table(output, rng):
    library, told = output
    X = rng.normal(size=(9, 5))
    frame = pd.DataFrame(X, columns=list("abcde"), index=range(3, 12))
    with config_context(transform_output="default"):
        expected = SequenceScaler().fit(X).transform(X)
    for given, names in ((X, [f"x{i}" for i in range(5)]), (frame, list("abcde"))):
        found = told(SequenceScaler()).fit_transform(given)
        assert type(found).__module__.split(".")[0] == library
        assert list(found.columns) == names
        assert np.array_equal(found.to_numpy(), expected)
    if library == "pandas":
        assert found.index.tolist() == frame.index.tolist()
    pipeline = make_pipeline(told(SequenceScaler()), RNNRegressor(hidden_size=3, max_iter=1))
    assert pipeline.fit(frame, X[:, 0]).predict(frame).shape == (9,)
