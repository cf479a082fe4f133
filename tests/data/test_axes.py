"""Arrays of other layouts: channels first, padded, one feature without an axis for it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman.data import check_sequences, from_channels_first, load_japanese_vowels, unpad
from elman.data.axes import padding_hint, warn_of_channels_first

LENGTHS = (4, 0, 6, 2)


@pytest.fixture
def samples(rng):
    return [rng.standard_normal((n, 3)) for n in LENGTHS]


def padded(samples, value=np.nan, n_timesteps=7):
    X = np.full((len(samples), n_timesteps, samples[0].shape[1]), value)
    for row, x in zip(X, samples, strict=True):
        row[: len(x)] = x
    return X


def assert_all_same(found, expected):
    assert isinstance(found, list)
    assert [np.shape(x) for x in found] == [np.shape(x) for x in expected]
    for x, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(x, float), e)


# Padding


@pytest.mark.parametrize("value", [np.nan, 0.0, -999.0])
def test_unpad(samples, value):
    X = padded(samples, value)
    X[2, 1, 0] = X[2, 3] = value  # missing, within a sequence
    samples[2][1, 0] = samples[2][3] = value
    assert_all_same(unpad(X, value), samples)
    assert_all_same(unpad(list(X), value), samples)
    assert_all_same(unpad(tuple(X), value=value), samples)
    objects = np.empty(len(X), object)
    objects[:] = [x.astype(object) for x in X]
    assert_all_same(unpad(objects, value), samples)
    assert_all_same(unpad(X.astype(object), value), samples)
    assert_all_same(unpad(X[:, :, 0], value), [x[:, :1] for x in samples])
    assert_all_same(unpad(list(X[:, :, 0]), value), [x[:, :1] for x in samples])
    assert_all_same(unpad(X.tolist(), value), samples)
    assert np.shares_memory(unpad(X, value)[0], X)


def test_a_step_is_padding_only_if_every_feature_is(samples):
    X = padded(samples)
    X[0, 5, 2] = 1.0
    assert [len(x) for x in unpad(X)] == [6, 0, 6, 2]
    assert [len(x) for x in unpad(padded(samples, 0.0))] == [7, 7, 7, 7]


def test_unpad_whole_numbers():
    X = np.array([[3, -1, 5, -1], [-1, -1, -1, -1]])
    assert_all_same(unpad(X, -1), [[[3], [-1], [5]], np.empty((0, 1))])
    assert_all_same(unpad(X), [X[0][:, np.newaxis], X[1][:, np.newaxis]])


def test_frames_that_are_unpadded_keep_their_names(samples):
    names = ["ax", "ay", "az"]
    X = padded(samples)
    found = unpad([pd.DataFrame(x, columns=names) for x in X])
    assert [list(x.columns) for x in found] == [names] * 4
    assert_all_same(found, samples)
    found = unpad([pl.DataFrame(x, schema=names) for x in X])
    assert [x.columns for x in found] == [names] * 4
    assert_all_same(found, samples)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.ones(3), ValueError, ["X has shape (3,)", "(n_samples, n_timesteps, n_features)"]),
        ([np.ones((2, 3)), np.ones((2, 3, 1))], ValueError, ["X: sample 1 has shape (2, 3, 1)"]),
        ([np.ones((2, 3)), np.full((2, 3), "a")], TypeError, ["X: sample 1 has dtype <U1"]),
    ],
)
def test_what_cannot_be_unpadded(X, error, words):
    with pytest.raises(error) as caught:
        unpad(X)
    for word in words:
        assert word in str(caught.value)


def test_an_error_about_padding_names_unpad(samples):
    X = padded(samples)
    with pytest.raises(ValueError, match="Input X contains NaN: sample 0, timestep 4") as caught:
        check_sequences(X)
    assert "elman.data.unpad(X)" in str(caught.value)
    assert "(3 of 4 have some)" in str(caught.value)
    assert 'missing="mask"' in str(caught.value)
    for other in (list(X), X[:, :, 0], [X[0], X[2][:6]], X.astype(object)):
        with pytest.raises(ValueError, match=r"Input X_val contains NaN.*unpad\(X_val\)"):
            check_sequences(other, name="X_val")
    pending = check_sequences(X, look_at_values=False)
    with pytest.raises(ValueError, match="unpad"):
        pending.pending_check()
    with pytest.raises(ValueError, match=r"unpad, in Python,"):
        check_sequences(X, name="runs.npz")
    for missing in ("mask", "skip", "keep"):
        assert len(check_sequences(X, missing=missing)) == 4


NOT_PADDING = {
    "one feature": lambda X: X.__setitem__((0, slice(4, None), 1), 5.0),
    "a gap as well": lambda X: X.__setitem__((2, 1), np.nan),
    "a value as well": lambda X: X.__setitem__((2, 1, 0), np.nan),
    "ends with a value": lambda X: X.__setitem__((3, 6), 5.0),
    "at the beginning": lambda X: X.__setitem__(slice(None), X[:, ::-1].copy()),
    "whole sequences": lambda X: X.__setitem__(slice(None, None, 2), np.nan),
}


@pytest.mark.parametrize("spoil", NOT_PADDING.values(), ids=NOT_PADDING)
def test_other_missing_values_are_not_called_padding(samples, spoil):
    X = padded(samples)
    if spoil is NOT_PADDING["whole sequences"]:
        X[1::2] = 1.0
    spoil(X)
    with pytest.raises(ValueError, match="contains NaN") as caught:
        check_sequences(X)
    assert "unpad" not in str(caught.value)


def test_a_fitted_2d_X_is_not_told_to_become_a_list(samples):
    X = padded(samples)[:, :, 0]
    with pytest.raises(ValueError, match="contains NaN") as caught:
        check_sequences(X, n_features=7, two_d=True)
    assert "unpad" not in str(caught.value)


def test_padding_across_blocks(rng):
    X = [rng.normal(size=(n, 5)) for n in (30_000, 40_000, 1)]
    X[0][29_000:] = X[1][39_999:] = np.nan
    found = check_sequences(X, missing="keep")
    assert "(2 of 3 have some)" in padding_hint(found, "X")
    X[1][100] = np.nan
    assert padding_hint(check_sequences(X, missing="keep"), "X") == ""


# Channels first


def warned(X):
    """Whether X to train on is said to be of another layout."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_channels_first(check_sequences(X, dtype=None, missing="keep"))
    for warning in caught:
        assert warning.category is UserWarning
        assert "elman.data.from_channels_first(X)" in str(warning.message)
    return bool(caught)


def smooth(rng, shape, axis=-1, memory=0.9):
    """Noise in which each value along an axis remembers the one before."""
    X = np.moveaxis(rng.normal(size=shape), axis, -1)
    for t in range(1, X.shape[-1]):
        X[..., t] = memory * X[..., t - 1] + np.sqrt(1 - memory**2) * X[..., t]
    return np.moveaxis(X, -1, axis)


CHANNELS_FIRST = {
    "signals": lambda rng: smooth(rng, (30, 6, 100)),
    "one channel": lambda rng: smooth(rng, (30, 1, 150)),
    "many channels": lambda rng: smooth(rng, (30, 24, 120)),
    "correlated channels": lambda rng: smooth(rng, (30, 1, 99)) + smooth(rng, (30, 9, 99)) / 2,
    "of different size": lambda rng: smooth(rng, (30, 3, 100)) * np.array([[1], [1e4], [1e-6]]),
    "of different level": lambda rng: smooth(rng, (30, 3, 100)) + np.array([[1], [1e4], [-7]]),
    "whole numbers": lambda rng: (10 * smooth(rng, (30, 6, 100))).astype(int),
    "one sample": lambda rng: smooth(rng, (1, 6, 100)),
    "a list": lambda rng: list(smooth(rng, (30, 6, 100))),
    "padded": lambda rng: np.where(np.arange(100) < 60, smooth(rng, (30, 6, 100)), np.nan),
    "random walks": lambda rng: np.cumsum(rng.normal(size=(30, 3, 128)), axis=2),
    "noise": lambda rng: rng.normal(size=(30, 3, 100)),
    "many samples": lambda rng: rng.normal(size=(3000, 2, 50)),
}

AS_EXPECTED = {
    "signals": lambda rng: smooth(rng, (30, 100, 6), axis=1),
    "as many features as steps": lambda rng: smooth(rng, (30, 40, 40), axis=1),
    "embeddings": lambda rng: rng.normal(size=(30, 29, 768)),
    "one wide step": lambda rng: rng.normal(size=(30, 1, 384)),
    "ten steps of word vectors": lambda rng: rng.normal(size=(30, 10, 300)),
    "frames of pictures": lambda rng: np.maximum(smooth(rng, (30, 8, 512), axis=1), 0),
    "one-hot": lambda rng: np.eye(500)[rng.integers(0, 500, size=(200, 5))],
    "features of different size": lambda rng: (
        smooth(rng, (30, 6, 100), axis=1) * 10 ** rng.uniform(-3, 3, 100) + np.arange(100) ** 2
    ),
    "one trend in all features": lambda rng: (
        np.arange(5)[:, np.newaxis] + rng.normal(size=(50, 5, 120)) / 10
    ),
    "one factor in all features": lambda rng: (
        smooth(rng, (50, 6, 1), axis=1) + rng.normal(size=(50, 6, 200)) / 2
    ),
    "features that go together": lambda rng: (
        rng.normal(size=(50, 6, 8)) @ rng.normal(size=(8, 200))
    ),
    "padded embeddings": lambda rng: np.where(
        np.arange(8)[:, np.newaxis] < rng.integers(2, 9, size=(60, 1, 1)),
        rng.normal(size=(60, 8, 128)),
        0,
    ),
    "constant": lambda rng: np.ones((5, 3, 100)),
    "nothing observed": lambda rng: np.full((5, 3, 100), np.nan),
    "without steps": lambda rng: [np.empty((0, 100))] * 3 + [np.ones((1, 100))],
    "2-D": lambda rng: smooth(rng, (30, 100)),
    "2-D, channels first": lambda rng: smooth(rng, (3, 400)),
    "narrow": lambda rng: smooth(rng, (30, 4, 20)),
    "one value": lambda rng: rng.normal(size=(1, 1, 64)),
}


@pytest.mark.parametrize("make", CHANNELS_FIRST.values(), ids=CHANNELS_FIRST)
def test_a_warning_about_channels_first(rng, make):
    X = make(rng)
    assert warned(X)
    if isinstance(X, np.ndarray):
        assert not warned(from_channels_first(X))


@pytest.mark.parametrize("make", AS_EXPECTED.values(), ids=AS_EXPECTED)
def test_no_warning_about_ordinary_data(rng, make):
    assert not warned(make(rng))


def test_no_warning_about_real_data():
    X = load_japanese_vowels()[0]
    assert not warned(X)
    assert not warned([x[:7] for x in X])


def test_lists_of_channels_first_are_an_error(rng):
    X = [rng.normal(size=(2, n)) for n in (7, 5, 9)]
    with pytest.raises(ValueError, match=r"elman\.data\.from_channels_first\(X\)"):
        check_sequences(X)
    assert check_sequences(from_channels_first(X)).lengths.tolist() == [7, 5, 9]
    for known in (X, X[:1], np.stack([X[0]] * 3)):
        with pytest.raises(ValueError, match=r"elman\.data\.from_channels_first\(X\)"):
            check_sequences(known, n_features=2, two_d=False)


# One feature without an axis for it

ONE = (5, 1, 0, 3)


@pytest.fixture
def rows(rng):
    return [rng.standard_normal(n) for n in ONE]


RAGGED = {
    "arrays": list,
    "tuple": tuple,
    "objects": lambda X: np.array([*X, None], object)[:-1],
    "lists": lambda X: [x.tolist() for x in X],
    "series": lambda X: [pd.Series(x) for x in X],
    "a series of arrays": pd.Series,
    "whole numbers": lambda X: [(9 * x).astype(int) for x in X],
    "objects within": lambda X: [x.astype(object) for x in X],
}


@pytest.mark.parametrize("change", RAGGED.values(), ids=RAGGED)
@pytest.mark.parametrize("known", [{}, {"n_features": 1, "two_d": False}], ids=["fit", "fitted"])
def test_unequal_rows_are_sequences_of_one_feature(rows, change, known):
    X = change(rows)
    found = check_sequences(X, dtype=None, **known)
    assert not found.two_d
    assert found.n_features_in == 1
    assert found.lengths.tolist() == list(ONE)
    for x, row in zip(found, X, strict=True):
        np.testing.assert_array_equal(x[:, 0], np.asarray(row, float))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_fitted_estimator_reads_equal_rows_as_it_read_unequal_ones(rng, n):
    for X in (rng.normal(size=(3, n)), rng.normal(size=(1, n))):
        for rows in (list(X), X.tolist()):
            found = check_sequences(
                rows, n_features=1, two_d=False, ensure_min_timesteps=0, dtype=None
            )
            assert not found.two_d
            assert found.lengths.tolist() == [n] * len(X)
            np.testing.assert_array_equal(found.values.ravel(), X.ravel())


def test_equal_rows_stay_2d(rng):
    X = rng.normal(size=(3, 5))
    for known in ({}, {"n_features": 5, "two_d": True}):
        found = check_sequences(list(X), dtype=None, **known)
        assert found.two_d
        assert found.n_features_in == 5
    with pytest.raises(ValueError, match="X is 2-D"):  # an array or a frame says so itself
        check_sequences(X, n_features=1, two_d=False)
    with pytest.raises(ValueError, match="X is 2-D"):
        check_sequences(pd.DataFrame(X), n_features=1, two_d=False)


def test_unequal_rows_for_another_estimator(rows):
    with pytest.raises(ValueError, match="sample 1") as caught:
        check_sequences(rows, n_features=5, two_d=True, estimator="RNNTagger")
    for word in ("sample 1 has 1 values but sample 0 has 5", "RNNTagger", "2-D X of 5 columns"):
        assert word in str(caught.value)
    with pytest.raises(ValueError, match=r"one feature, but .* sequences of 3 features"):
        check_sequences(rows, n_features=3, two_d=False)
    with pytest.raises(ValueError, match="X is 2-D"):
        check_sequences([x[:1] for x in rows[:2]], n_features=3, two_d=False)


def test_places_in_unequal_rows(rows):
    rows[3][1] = np.inf
    with pytest.raises(ValueError, match="sample 3, timestep 1, feature 0 is inf"):
        check_sequences(rows)
    rows[3] = np.array(["a", "b"])
    with pytest.raises(TypeError, match="sample 3 has dtype <U1"):
        check_sequences(rows)


@pytest.mark.parametrize("n_axes", [2, 3])
@pytest.mark.parametrize("container", [lambda X: X, list, tuple])
def test_unpad_does_not_take_masked_values_for_values(n_axes, container):
    X = np.ma.masked_array(np.arange(6.0).reshape(2, 3, 1)[(..., 0)[: 4 - n_axes]])
    mask = X > 3
    assert [len(x) for x in unpad(container(X.filled(np.nan)))] == [3, 3]
    X.mask = mask
    with pytest.raises(ValueError, match=r"masked value.*make them NaN with \.filled"):
        unpad(container(X))


@pytest.mark.parametrize("value", [None, "0"])
def test_unpad_says_that_padding_is_a_number(value):
    with pytest.raises(TypeError, match="it must be the number that X is padded with, or NaN"):
        unpad(np.ones((1, 2, 1)), value)
