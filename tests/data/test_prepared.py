"""Prepared batches against NumPy by hand, kept whole or made of what the caller has: the same bits.

`SMALL` is 0 where sequences are to be treated as large ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.sequence_data import RAGGED, assert_batch, ragged
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.backends import get_backend
from elman.data import Sequences, check_sequences
from elman.data import sequences as module
from elman.data.missing import without_missing_steps
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, location_and_scale, moments, scaled
from elman.data.sources import Apart
from elman.training.checkpoints import digest

BACKEND = get_backend("reference")
SCALE = Standardisation(np.array([0.25, -3.0]), np.array([0.5, 7.0]))


@pytest.fixture
def samples(rng):
    return ragged(rng)


@pytest.fixture
def cube(rng):
    return rng.standard_normal((4, 5, 2)).astype(np.float32)


def as_kinds(X):
    """What a user may pass of the same samples."""
    if isinstance(X, list):
        objects = np.empty(len(X), object)
        objects[:] = X
        return {
            "list": X,
            "objects": objects,
            "columns first": [np.asfortranarray(x) for x in X],
            "other bytes": [x.astype(x.dtype.newbyteorder()) for x in X],
        }
    return {
        "array": X,
        "list": list(X),
        "every other": np.repeat(X, 2, axis=0)[::2],
        "channels first": np.swapaxes(np.swapaxes(X, 1, 2).copy(), 1, 2),
        "other bytes": X.astype(X.dtype.newbyteorder()),
    }


def large(monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)


def complete(x, missing, scale, dtype):
    """A sample as a network takes it."""
    if missing == "skip":
        x = x[np.isfinite(x).all(axis=1)]
    out = x.astype(np.float64)
    if scale is not None:
        out = (out - scale.mean) / scale.scale
    if missing == "mask":
        out = np.hstack([np.where(np.isnan(x), 0, out), np.isnan(x)])
    return out.astype(dtype)


def with_gaps(X, rng):
    X = [x.copy() for x in X] if isinstance(X, list) else X.copy()
    for x in X:
        x[rng.random(x.shape) < 0.2] = np.nan
    X[0][:, 1] = np.nan
    return X


# Sequences that are read where they are


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wanted", [None, np.float64, np.float32])
@pytest.mark.parametrize("equal", [False, True])
def test_large_sequences_are_the_same_ones(equal, wanted, dtype, samples, cube, monkeypatch):
    X = cube.astype(dtype) if equal else [x.astype(dtype) for x in samples]
    for given_X in as_kinds(X).values():
        expected = check_sequences(given_X, dtype=wanted)
        with monkeypatch.context() as patch:
            large(patch)
            found = check_sequences(given_X, dtype=wanted)
            assert found.dtype == expected.dtype
            assert found.values.tobytes() == expected.values.tobytes()
            assert found.lengths.tolist() == expected.lengths.tolist()
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)
            blocks = list(found.blocks())
            assert {len(block) for block in blocks[:-1]} <= {3}
            assert np.concatenate(blocks).tobytes() == expected.values.tobytes()
            for indices in ([2, 0, 3], slice(1, 4), [], [1], [3, -1, 3]):
                subset = found.subset(indices)
                one, other = subset.values, expected.subset(indices).values
                assert one.tobytes() == other.tobytes()
                turned = slice(None, None, -1)
                one, other = subset.subset(turned), expected.subset(indices).subset(turned)
                assert one.values.tobytes() == other.values.tobytes()
                one, other = found.batch(indices), expected.batch(indices)
                assert one.X.tobytes() == other.X.tobytes()
                assert one.order.tolist() == other.order.tolist()
                np.testing.assert_equal(one.lengths, other.lengths)


def test_a_large_array_that_fits_is_not_copied(cube, monkeypatch):
    large(monkeypatch)
    for X in (cube, cube[:, :, 0].copy()):
        found = check_sequences(X)
        assert all(np.shares_memory(block, X) for block in found.blocks())
        assert np.shares_memory(found.batch(slice(1, 3)).X, X)
    samples = list(cube)
    found = check_sequences(samples)
    assert all(np.shares_memory(x, own) for x, own in zip(found, samples, strict=True))


def test_a_large_2d_array_of_integers(monkeypatch):
    X = np.arange(12, dtype=np.int16).reshape(3, 4)
    large(monkeypatch)
    found = check_sequences(X)
    assert found.two_d
    assert found.n_features_in == 4
    assert found.dtype == np.float32
    assert found.values.ravel().tolist() == list(range(12))
    found = check_sequences(X, dtype=np.float64).subset([2])
    assert found.two_d
    assert found.values.ravel().tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize(("value", "message"), [
    (np.nan, r"Input X contains NaN: sample 2, timestep 4, feature 1"),
    (-np.inf, r"contains infinity: sample 2, timestep 4, feature 1 is -inf"),
    (1e300, r"too large for float32 \(infinity\): sample 2, timestep 4, feature 1 is 1e\+300"),
])  # fmt: skip
@pytest.mark.parametrize("equal", [False, True])
def test_a_value_of_large_sequences_that_cannot_be_used(
    equal, value, message, samples, cube, monkeypatch
):
    X = cube.astype(np.float64) if equal else [x.astype(np.float64) for x in samples]
    X[2][4, 1] = value
    for given_X in as_kinds(X).values():
        for bound in (module.SMALL, 0):
            with monkeypatch.context() as patch:
                patch.setattr(module, "SMALL", bound)
                patch.setattr(module, "BLOCK_VALUES", 7)
                with pytest.raises(ValueError, match=message):
                    check_sequences(given_X, dtype=np.float32)


def test_samples_of_no_step_among_large_ones(rng, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", 6)
    lengths = [0, 0, 3, 0, 7, 1, 0, 2, 0]
    X = ragged(rng, lengths)
    found = Sequences(Apart(X, np.dtype(np.float32)), lengths)
    assert [len(block) for block in found.blocks()] == [3, 3, 3, 3, 1]
    assert np.concatenate(list(found.blocks())).tobytes() == np.concatenate(X).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("equal", [False, True])
def test_statistics_do_not_depend_on_where_the_steps_are(
    equal, dtype, samples, cube, rng, monkeypatch
):
    monkeypatch.setattr(module, "BLOCK_VALUES", 8)
    X = with_gaps(cube.astype(dtype) if equal else [x.astype(dtype) for x in samples], rng)
    picks = [3, 0, 2, 1]
    weights = rng.uniform(size=4)
    results = []
    for bound in (module.SMALL, 0):
        monkeypatch.setattr(module, "SMALL", bound)
        found = []
        for given_X in as_kinds(X).values():
            for missing in ("mask", "skip"):
                data = check_sequences(given_X, dtype=None, missing=missing)
                data = without_missing_steps(data).subset(picks)
                found += [*moments(data), *moments(data, weights)]
                found += [*location_and_scale(data), *location_and_scale(data, weights)]
                found.append(scaled(data, *SCALE).values)
                found.append(np.frombuffer(digest(data).encode(), np.uint8))
                by_array = digest(data.values, data.lengths)
                assert digest(data) == by_array
        results.append(found)
    for one, other in zip(*results, strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


# Batches


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("bound", [module.SMALL, 0])
@pytest.mark.parametrize("scale", [None, SCALE])
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("equal", [False, True])
def test_batches_for_training(equal, missing, scale, bound, name, samples, cube, rng, monkeypatch):
    monkeypatch.setattr(module, "SMALL", bound)
    X = cube if equal else samples
    if missing != "error":
        X = with_gaps(X, rng)
    backend = make_backend(name, n_threads=2)
    for dtype in (np.float32, np.float64):
        expected = [complete(x, missing, scale, dtype) for x in X]
        data = check_sequences(X, dtype=None, missing=missing)
        prepared = Prepared.for_training(data, scale, dtype)
        assert prepared.n_features == expected[0].shape[1]
        assert prepared.n_steps == sum(map(len, expected))
        assert prepared.lengths.tolist() == [len(x) for x in expected]
        assert prepared.offsets.tolist() == [0, *np.cumsum(prepared.lengths).tolist()]
        assert len(prepared) == len(X)
        for indices in ([2, 0, 3, 1], [1], [0, 1, 2], [3, 3], []):
            batch = prepared.batch(indices, backend)
            assert batch.X.dtype == dtype
            assert_batch(batch, expected, indices)
            batch = prepared.subset(indices).batch(slice(None), backend)
            assert_batch(batch, [expected[i] for i in indices] or expected, range(len(indices)))
        assert_batch(prepared.batch(slice(1, 3), backend), expected, [1, 2])


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 7), min_size=1, max_size=9),
    missing=st.sampled_from(["error", "mask", "skip"]),
    data=st.data(),
)
def test_any_batch_of_large_sequences(lengths, missing, data):
    rng = np.random.default_rng(0)
    X = ragged(rng, lengths)
    if missing != "error":
        X = with_gaps(X, rng)
    expected = [complete(x, missing, SCALE, np.float32) for x in X]
    indices = data.draw(st.lists(st.integers(0, len(X) - 1), max_size=9))
    with pytest.MonkeyPatch.context() as patch:
        large(patch)
        found = check_sequences(X, ensure_min_timesteps=0, missing=missing)
        prepared = Prepared.for_training(found, SCALE, np.float32)
        assert_batch(prepared.batch(indices, BACKEND), expected, indices)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 6, 7])
@pytest.mark.parametrize("bound", [module.SMALL, 0])
def test_batches_cover_all_samples_in_order(samples, cube, batch_size, bound, monkeypatch):
    monkeypatch.setattr(module, "SMALL", bound)
    for X in (samples, cube):
        answers = np.empty(len(X))
        batches = list(Prepared(check_sequences(X)).batches(batch_size, BACKEND))
        assert [len(batch.order) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        seen = 0
        for batch in batches:
            n = len(batch.order)
            assert_batch(batch, X, list(range(seen, seen + n)))
            seen += n
            answers[batch.order] = batch.X.sum(axis=(1, 2))
        np.testing.assert_allclose(answers, [np.sum(x) for x in X], rtol=1e-4, atol=1e-5)


def test_batches_of_equal_lengths_are_views(cube):
    for batch in Prepared(check_sequences(cube)).batches(3, BACKEND):
        assert np.shares_memory(batch.X, cube)


def test_batch_size_that_cannot_be(samples):
    with pytest.raises(ValueError, match="batch_size=0"):
        next(Prepared(check_sequences(samples)).batches(0, BACKEND))


def test_what_is_small_is_prepared_once(samples, monkeypatch):
    data = check_sequences(samples)
    whole = Prepared.for_training(data, SCALE, np.float32)
    assert whole.standardisation is None
    assert not np.shares_memory(whole.data.values, data.values)
    monkeypatch.setattr(module, "SMALL", 2 * sum(RAGGED) - 1)
    assert Prepared.for_training(data, SCALE, np.float32).data is data


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("bound", [module.SMALL, 0])
def test_scaling_out_of_range_is_found_before_training(samples, missing, bound, monkeypatch):
    monkeypatch.setattr(module, "SMALL", bound)
    monkeypatch.setattr(module, "BLOCK_VALUES", 7)
    if missing != "error":
        samples[3][0, 1] = np.nan
    samples[2][4, 1] = 1e30
    data = check_sequences(samples, missing=missing)
    scale = Standardisation(np.zeros(2), np.array([1, 1e-20]))
    with pytest.raises(ValueError, match=r"sample 2, timestep 4, feature 1 is 1\.0\d*e\+30"):
        Prepared.for_training(data, scale, np.float32)


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("name", BACKENDS)
def test_values_that_nobody_has_looked_at_are_looked_at_when_read(samples, missing, name):
    backend = make_backend(name)
    samples[2][4, 1] = np.inf
    data = check_sequences(samples, missing=missing, look_at_values=False)
    for scale in (None, SCALE):
        prepared = Prepared(data, scale, np.float32)
        prepared.batch([0, 1, 3], backend)
        with pytest.raises(ValueError, match="infinity: sample 2, timestep 4, feature 1 is inf"):
            prepared.batch([3, 2], backend)


def test_values_that_change_while_they_are_trained_on(cube, monkeypatch):
    large(monkeypatch)
    prepared = Prepared.for_training(check_sequences(cube), SCALE, np.float32)
    prepared.batch([2], BACKEND)
    cube[2, 3, 1] = np.inf
    with pytest.raises(ValueError, match="X: sample 2, timestep 3, feature 1 is inf"):
        prepared.batch([2], BACKEND)
