"""Moments and scaling of sequences, against NumPy over all steps at once."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import assert_same_bits
from helpers.sequence_data import ragged

from elman.backends import available_backends, get_backend
from elman.data import check_sequences
from elman.data import sequences as module
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, location_and_scale, moments, scaled, standardise
from elman.data.sequences import Sequences
from elman.data.sources import Apart


@pytest.fixture
def samples(rng):
    return ragged(rng)


@pytest.fixture
def cube(rng):
    return rng.standard_normal((4, 5, 2)).astype(np.float32)


@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_moments(samples, cube, monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK_VALUES", block)
    for X in (samples, cube):
        steps = np.concatenate(list(X)).astype(np.float64)
        mean, std = moments(check_sequences(X))
        np.testing.assert_allclose(mean, steps.mean(axis=0), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(std, steps.std(axis=0), rtol=1e-13)


def test_weighted_moments_are_those_of_repeated_samples(samples):
    weights = np.array([2, 0, 1, 0, 3, 1])
    found = check_sequences(samples)
    repeated = found.subset(np.repeat(np.arange(6), weights))
    for a, b in zip(moments(found, weights), moments(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(5,\)"):
        moments(found, np.ones(5))


def test_moments_of_nothing(samples):
    for weights in (np.zeros(6), np.array([0, 1, 0, 0, 0, 0])):
        mean, std = moments(check_sequences(samples), weights)
        assert mean.tolist() == std.tolist() == [0, 0]


def test_moments_keep_small_differences_beside_a_large_offset(rng):
    X = 1e9 + rng.standard_normal((3, 5, 2))
    mean, std = moments(check_sequences(X, dtype=np.float64))
    np.testing.assert_allclose(mean, X.mean(axis=(0, 1)), rtol=1e-15)
    np.testing.assert_allclose(std, (X - 1e9).std(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("size", [1e308, 1e-308, 1e-320])
def test_moments_of_extreme_values(size):
    X = size * np.array([[[1.0], [-1.0], [1.0], [-1.0]]])
    mean, std = moments(check_sequences(X, dtype=np.float64))
    assert mean == [0]
    np.testing.assert_allclose(std, [size], rtol=1e-3)
    mean, std = moments(check_sequences(np.full((3, 5, 1), size), dtype=np.float64))
    np.testing.assert_allclose(mean, [size], rtol=1e-3)
    np.testing.assert_allclose(std / size, [0], atol=1e-12)


def test_moments_of_large_float32():
    X = np.full((3, 5, 2), 3e38, dtype=np.float32)
    mean, std = moments(check_sequences(X))
    np.testing.assert_allclose(mean, X[0, 0], rtol=1e-15)
    np.testing.assert_allclose(std / mean, 0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaled(samples, cube, dtype, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)
    for X in (samples, cube, cube[:, :, 0]):
        before = check_sequences(X, dtype=np.float64)
        mean, std = moments(before)
        kept = before.values.copy()
        after = scaled(before, mean, std, dtype)
        np.testing.assert_array_equal(before.values, kept)
        assert after.dtype == dtype
        assert after.two_d == before.two_d
        assert after.lengths.tolist() == before.lengths.tolist()
        np.testing.assert_array_equal(after.values, ((kept - mean) / std).astype(dtype))
        mean, std = moments(after)
        np.testing.assert_allclose(mean, 0, atol=1e-7)
        np.testing.assert_allclose(std, 1, rtol=1e-6)


def test_scaling_out_of_range_says_where(samples):
    samples[2][4, 1] = 1e30
    found = check_sequences(samples)
    with pytest.raises(ValueError, match=r"sample 2, timestep 4, feature 1 is 1\.0\d*e\+30"):
        scaled(found, [0, 0], [1, 1e-20], np.float32)


def test_scaling_keeps_nan_where_it_is_allowed(samples):
    samples[2][4, 1] = np.nan
    found = scaled(check_sequences(samples, missing="mask"), [1, 2], [3, 4])
    assert found.missing == "mask"
    expected = (samples[2].astype(np.float64) - [1, 2]) / [3, 4]
    np.testing.assert_array_equal(found[2], expected.astype(np.float32))
    samples[5][1, 0] = 1e30
    with pytest.raises(ValueError, match=r"sample 5, timestep 1, feature 0 is 1\.0\d*e\+30"):
        scaled(check_sequences(samples, missing="mask"), [0, 0], [1e-20, 1], np.float32)


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


class Counted(Apart):
    """Samples of which it is counted how many steps are read."""

    on_disk = True
    n_read = 0

    def rows(self, order, /):
        rows = super().rows(order)
        self.n_read += len(rows)
        return rows


@pytest.mark.parametrize(("dtype", "n_passes"), [(np.float32, 2), (np.float64, 3)])
@pytest.mark.parametrize("missing", ["error", "mask"])
def test_what_is_on_a_disk_is_read_as_seldom_as_can_be(dtype, n_passes, missing, rng, monkeypatch):
    """In float32 the first pass sees the lowest and highest values too, and none looks for what
    leaves the range of the network once it is standardised."""
    monkeypatch.setattr(module, "SMALL", 0)
    samples = [rng.normal(3.0, 5.0, (n, 3)).astype(dtype) for n in (5, 1, 7, 4)]
    source = Counted(samples, np.dtype(dtype))
    data = Sequences(source, [len(x) for x in samples])
    data.missing = missing
    found = location_and_scale(data)
    n_passes += missing == "mask"  # which counts the steps that were observed
    assert source.n_read == n_passes * data.n_steps
    Prepared.for_training(data, found, np.float32)
    assert source.n_read == n_passes * data.n_steps
    joined = Sequences(np.concatenate(samples), data.lengths)
    joined.missing = missing
    for ours, expected in zip(found, location_and_scale(joined), strict=True):
        assert_same_bits(ours, expected)


def test_the_ends_find_what_leaves_the_range_of_the_network(monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0)
    X = np.zeros((1, 20, 1))
    X[0, 7] = 1.0
    X[0, 9] = 2e60
    data = Sequences.from_array(X)
    narrow = Standardisation(np.zeros(1), np.full(1, 1e-3))
    location_and_scale(data)
    with pytest.raises(ValueError, match=r"timestep 9.* leaves the range of float32"):
        Prepared.for_training(data, narrow, np.float32)
