"""Sequences: subsets and padded batches, against loops over samples."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from helpers.sequence_data import RAGGED, assert_batch, ragged
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.backends import available_backends, get_backend
from elman.data import Sequences, check_sequences
from elman.data import sequences as module
from elman.data.sequences import first_infinite, first_not_finite


@pytest.fixture
def samples(rng):
    return ragged(rng)


@pytest.fixture
def cube(rng):
    return rng.standard_normal((4, 5, 2)).astype(np.float32)


def test_attributes(samples, cube):
    found = check_sequences(samples)
    assert len(found) == 6
    assert found.n_features == found.n_features_in == 2
    assert found.n_timesteps is None
    assert found.n_steps == 17
    assert found.dtype == np.float32
    assert found.lengths.dtype == np.int64
    assert found.lengths.tolist() == list(RAGGED)
    assert found.offsets.tolist() == [0, 3, 3, 8, 11, 12, 17]
    assert "6 samples, 0 to 5 steps, 2 features" in repr(found)
    equal = check_sequences(cube)
    assert equal.n_timesteps == 5
    assert equal.lengths.tolist() == [5, 5, 5, 5]
    assert "4 samples, 5 steps, 2 features" in repr(equal)


def test_samples_come_back(samples, cube):
    for X in (samples, cube):
        found = check_sequences(X)
        assert len(list(found)) == len(X)
        for x, expected in zip(found, X, strict=True):
            np.testing.assert_array_equal(x, expected)
        np.testing.assert_array_equal(found[-1], X[-1])
        for outside in (len(X), -len(X) - 1):
            with pytest.raises(IndexError, match=str(outside)):
                found[outside]


def test_where(samples):
    found = check_sequences(samples)
    places = [found.where(i) for i in range(found.values.size)]
    assert places == [
        (i, t, f) for i, x in enumerate(samples) for t in range(len(x)) for f in range(x.shape[1])
    ]


def test_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match="lengths sum to 4"):
        Sequences(np.zeros((5, 2)), [1, 3])


@pytest.mark.parametrize(
    "indices",
    [
        [2, 0, 5],
        [1],
        [],
        [-1, 3, 3],
        slice(1, 4),
        slice(None, None, -2),
        np.array([True, False, True, False, False, True]),
        np.array([4], dtype=np.uint8),
        2,
    ],
    ids=str,
)
def test_subset(samples, indices):
    found = check_sequences(samples).subset(indices)
    expected = [
        samples[i]
        for i in np.atleast_1d(
            np.arange(6)[np.array(indices, dtype=int) if isinstance(indices, list) else indices]
        )
    ]
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)
    assert not np.shares_memory(found.values, samples[2])


def test_subset_of_equal_lengths(cube):
    found = check_sequences(cube).subset([3, 1, 1])
    assert found.n_timesteps == 5
    np.testing.assert_array_equal(np.stack(list(found)), cube[[3, 1, 1]])


def test_subset_keeps_what_a_2d_x_was(cube):
    found = check_sequences(cube[:, :, 0]).subset([2, 0])
    assert found.two_d
    assert found.n_features_in == 5


@pytest.mark.parametrize("indices", [[6], [-7], [0, 99]])
def test_indices_outside(samples, indices):
    found = check_sequences(samples)
    for method in (found.subset, found.batch):
        with pytest.raises(IndexError):
            method(indices)


FUSED = [get_backend(name).fused for name in available_backends()]


@pytest.mark.parametrize("fused", FUSED, ids=available_backends())
@pytest.mark.parametrize("indices", [[0, 1, 2, 3, 4, 5], [1, 4, 0], [3, 0], [1], [5, 2, 2], []])
def test_batch(samples, indices, fused):
    assert_batch(check_sequences(samples).batch(indices, fused), samples, indices)


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(0, 7), min_size=1, max_size=9), data=st.data())
def test_any_batch(lengths, data):
    X = ragged(np.random.default_rng(0), lengths)
    found = check_sequences(X, ensure_min_timesteps=0)
    indices = data.draw(st.lists(st.integers(0, len(X) - 1), max_size=9))
    for fused in FUSED:
        assert_batch(found.batch(indices, fused), X, indices)
    expected = found.subset(indices)
    for x, i in zip(expected, indices, strict=True):
        np.testing.assert_array_equal(x, X[i])


@pytest.mark.parametrize("fused", FUSED, ids=available_backends())
def test_a_sample_that_is_not_there(samples, fused):
    with pytest.raises(IndexError):
        check_sequences(samples).batch([0, len(samples)], fused)


def test_equal_lengths_in_a_ragged_set_need_no_lengths(samples):
    batch = check_sequences(samples).batch([0, 3])
    assert batch.lengths is None
    assert batch.X.shape == (2, 3, 2)


def test_batch_of_equal_lengths(cube):
    batch = check_sequences(cube).batch([2, 0])
    assert batch.lengths is None
    assert batch.order.tolist() == [2, 0]
    np.testing.assert_array_equal(batch.X, cube[[2, 0]])
    assert not np.shares_memory(batch.X, cube)


def test_pickles(samples):
    found = pickle.loads(pickle.dumps(check_sequences(samples)))
    np.testing.assert_array_equal(found[2], samples[2])
    assert found.n_timesteps is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 6, 7, 19])
def test_first_not_finite(monkeypatch, bad, place):
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)
    values = np.ones((10, 2), dtype=np.float32)
    assert first_not_finite(values) is None
    values.ravel()[place] = bad
    assert first_not_finite(values) == place
    values.ravel()[place + 1 :] = np.nan
    assert first_not_finite(values) == place


@pytest.mark.parametrize("place", [0, 6, 7, 19])
def test_first_infinite(monkeypatch, place):
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)
    values = np.full((10, 2), np.nan)
    assert first_infinite(values) is None
    values.ravel()[place:] = -np.inf
    assert first_infinite(values) == place


def test_a_sum_that_overflows_is_not_an_infinity():
    assert first_not_finite(np.full((9, 2), 3e38, dtype=np.float32)) is None
    assert first_not_finite(np.array([[3e38, 3e38, -3e38, -3e38]], dtype=np.float32)) is None
