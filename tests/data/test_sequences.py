"""Sequences: subsets, padded batches and moments, against loops over samples."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.backends import available_backends, get_backend
from elman.data import Sequences, check_sequences
from elman.data import sequences as module
from elman.data.sequences import first_infinite, first_not_finite, standardise

RAGGED = (3, 0, 5, 3, 1, 5)


def ragged(rng, lengths=RAGGED, n_features=2, dtype=np.float32):
    return [rng.standard_normal((n, n_features)).astype(dtype) for n in lengths]


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


def assert_batch(batch, X, indices):
    assert sorted(batch.order.tolist()) == sorted(indices)
    lengths = [len(X[i]) for i in batch.order]
    assert lengths == sorted(lengths, reverse=True)
    n_timesteps = max(lengths, default=batch.X.shape[1])
    assert batch.X.shape == (len(indices), n_timesteps, 2)
    assert batch.X.flags.c_contiguous
    assert batch.X.flags.aligned
    if batch.lengths is None:
        assert set(lengths) <= {n_timesteps}
    else:
        assert batch.lengths.dtype == np.int64
        assert batch.lengths.tolist() == lengths
        assert len(set(lengths)) > 1
    for row, i, length in zip(batch.X, batch.order, lengths, strict=True):
        np.testing.assert_array_equal(row[:length], X[i])
        assert not row[length:].any()
    # Stable: samples of one length stay in the order asked for.
    for length in set(lengths):
        asked = [i for i in indices if len(X[i]) == length]
        assert [i for i in batch.order if len(X[i]) == length] == asked


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


@pytest.mark.parametrize("batch_size", [1, 2, 4, 6, 7])
def test_batches_cover_all_samples_in_order(samples, cube, batch_size):
    for X in (samples, cube):
        answers = np.empty(len(X))
        batches = list(check_sequences(X).batches(batch_size))
        assert [len(batch.order) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        seen = 0
        for batch in batches:
            n = len(batch.order)
            assert_batch(batch, X, list(range(seen, seen + n)))
            seen += n
            answers[batch.order] = batch.X.sum(axis=(1, 2))
        np.testing.assert_allclose(answers, [np.sum(x) for x in X], rtol=1e-4, atol=1e-5)


def test_batches_of_equal_lengths_are_views(cube):
    for batch in check_sequences(cube).batches(3):
        assert np.shares_memory(batch.X, cube)


def test_batch_size_that_cannot_be(samples):
    with pytest.raises(ValueError, match="batch_size=0"):
        next(check_sequences(samples).batches(0))


@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_moments(samples, cube, monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK_VALUES", block)
    for X in (samples, cube):
        steps = np.concatenate(list(X)).astype(np.float64)
        mean, std = check_sequences(X).moments()
        np.testing.assert_allclose(mean, steps.mean(axis=0), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(std, steps.std(axis=0), rtol=1e-13)


def test_weighted_moments_are_those_of_repeated_samples(samples):
    weights = np.array([2, 0, 1, 0, 3, 1])
    found = check_sequences(samples)
    repeated = found.subset(np.repeat(np.arange(6), weights))
    for a, b in zip(found.moments(weights), repeated.moments(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(5,\)"):
        found.moments(np.ones(5))


def test_moments_of_nothing(samples):
    for weights in (np.zeros(6), np.array([0, 1, 0, 0, 0, 0])):
        mean, std = check_sequences(samples).moments(weights)
        assert mean.tolist() == std.tolist() == [0, 0]


def test_moments_keep_small_differences_beside_a_large_offset(rng):
    X = 1e9 + rng.standard_normal((3, 5, 2))
    mean, std = check_sequences(X, dtype=np.float64).moments()
    np.testing.assert_allclose(mean, X.mean(axis=(0, 1)), rtol=1e-15)
    np.testing.assert_allclose(std, (X - 1e9).std(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("size", [1e308, 1e-308, 1e-320])
def test_moments_of_extreme_values(size):
    X = size * np.array([[[1.0], [-1.0], [1.0], [-1.0]]])
    mean, std = check_sequences(X, dtype=np.float64).moments()
    assert mean == [0]
    np.testing.assert_allclose(std, [size], rtol=1e-3)
    mean, std = check_sequences(np.full((3, 5, 1), size), dtype=np.float64).moments()
    np.testing.assert_allclose(mean, [size], rtol=1e-3)
    np.testing.assert_allclose(std / size, [0], atol=1e-12)


def test_moments_of_large_float32():
    X = np.full((3, 5, 2), 3e38, dtype=np.float32)
    mean, std = check_sequences(X).moments()
    np.testing.assert_allclose(mean, X[0, 0], rtol=1e-15)
    np.testing.assert_allclose(std / mean, 0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaled(samples, cube, dtype, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)
    for X in (samples, cube, cube[:, :, 0]):
        before = check_sequences(X, dtype=np.float64)
        mean, std = before.moments()
        kept = before.values.copy()
        after = before.scaled(mean, std, dtype)
        np.testing.assert_array_equal(before.values, kept)
        assert after.dtype == dtype
        assert after.two_d == before.two_d
        assert after.lengths.tolist() == before.lengths.tolist()
        np.testing.assert_array_equal(after.values, ((kept - mean) / std).astype(dtype))
        mean, std = after.moments()
        np.testing.assert_allclose(mean, 0, atol=1e-7)
        np.testing.assert_allclose(std, 1, rtol=1e-6)


def test_scaling_out_of_range_says_where(samples):
    samples[2][4, 1] = 1e30
    found = check_sequences(samples)
    with pytest.raises(ValueError, match=r"sample 2, timestep 4, feature 1 is 1\.0\d*e\+30"):
        found.scaled([0, 0], [1, 1e-20], np.float32)


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


def test_scaling_keeps_nan_where_it_is_allowed(samples):
    samples[2][4, 1] = np.nan
    found = check_sequences(samples, missing="mask").scaled([1, 2], [3, 4])
    assert found.missing == "mask"
    expected = (samples[2].astype(np.float64) - [1, 2]) / [3, 4]
    np.testing.assert_array_equal(found[2], expected.astype(np.float32))
    samples[5][1, 0] = 1e30
    with pytest.raises(ValueError, match=r"sample 5, timestep 1, feature 0 is 1\.0\d*e\+30"):
        check_sequences(samples, missing="mask").scaled([0, 0], [1e-20, 1], np.float32)


def test_a_sum_that_overflows_is_not_an_infinity():
    assert first_not_finite(np.full((9, 2), 3e38, dtype=np.float32)) is None
    assert first_not_finite(np.array([[3e38, 3e38, -3e38, -3e38]], dtype=np.float32)) is None


@pytest.mark.parametrize(
    ("n_steps", "n_features"), [(0, 3), (1, 3), (351, 3), (40_007, 7), (3, 1029)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardise(n_steps, n_features, dtype, rng):
    values = rng.normal(size=(n_steps, n_features)).astype(dtype)
    mean, scale = rng.normal(size=n_features), rng.uniform(0.5, 2, size=n_features)
    out = np.full_like(values, np.nan)
    standardise(values, mean, scale, out)
    np.testing.assert_array_equal(out, ((values - mean) / scale).astype(dtype))


@pytest.mark.skipif("native" not in available_backends(), reason="the kernel was not built")
@pytest.mark.parametrize("to", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 3), (5000, 31), (300_000, 1), (3, 900)])
def test_the_compiled_standardisation_has_the_bits_of_numpy(rng, shape, dtype, to):
    fused = get_backend("native").fused
    values = rng.normal(size=shape).astype(dtype)
    mean, scale = rng.normal(size=shape[1]), rng.uniform(0.1, 3, shape[1])
    out, expected = np.empty(shape, to), np.empty(shape, to)
    assert standardise(values, mean, scale, expected)
    for n_threads in (1, 3):
        assert fused.standardise(values, mean, scale, out, n_threads)
        assert out.tobytes() == expected.tobytes()
    if not values.size:
        return
    # denormals are numbers: as values, as scales, and as results
    tiny = np.finfo(dtype).smallest_subnormal
    for factor, scale_of in (
        (tiny * 1000, float(tiny) * 7),
        (1.0, 1e39 if to is np.float32 else 1e308),
    ):
        small = (values * factor).astype(dtype)
        standardise(small, mean * 0, scale * 0 + scale_of, expected)
        fused.standardise(small, mean * 0, scale * 0 + scale_of, out, 2)
        assert out.tobytes() == expected.tobytes()
    for bad in (np.nan, np.inf, -np.inf):
        values[-1, -1] = bad
        assert not standardise(values, mean, scale, expected)
        assert not fused.standardise(values, mean, scale, out, 2)
        assert not fused.all_finite(values, 2)
        values[-1, -1] = 0
        assert fused.all_finite(values, 2)
