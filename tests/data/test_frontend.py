"""The front end against loops written by hand; its gradient against central differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend

from elman.data import check_sequences
from elman.data import sequences as module
from elman.data.frontend import PLAIN, Frontend, block_means, learn_frontend
from elman.data.missing import without_missing_steps
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, location_and_scale

LENGTHS = (5, 0, 7, 1, 3, 11)
COMBINATIONS = [*product((0, 1, 2), (1, 3, 20), (False, True))]
SCALE = Standardisation(np.array([0.25, -3.0]), np.array([0.5, 7.0]))


def samples(rng, *, gaps=False):
    X = [rng.normal(size=(n, 2)).cumsum(axis=0) for n in LENGTHS]
    if gaps:
        for x in X:
            x[rng.random(x.shape) < 0.3] = np.nan
        X[4][:] = np.nan
    return X


def frontend(deltas, stride, scale_each, rng):
    scale = rng.uniform(0.5, 2, size=(deltas, 2))
    logs = Standardisation(rng.normal(size=2), rng.uniform(0.5, 2, 2)) if scale_each else None
    return Frontend(deltas, stride, scale_each, scale, logs)


def by_hand(front, x, missing):
    """What the network reads of one standardised sample: a list of rows."""
    x = x.copy()
    logs, means_of_x = [], []
    if front.scale_each:
        for f in range(2):
            seen = [v for v in x[:, f] if not np.isnan(v)]
            means_of_x.append(np.mean(seen) if seen else np.nan)
            amplitude = max(np.std(seen), 1e-12) if seen else np.nan
            logs.append(np.log(amplitude))
            if seen:
                x[:, f] = (x[:, f] - means_of_x[f]) / amplitude
        logs = (np.array(logs) - front.log_amplitude.mean) / front.log_amplitude.scale
    rows = []
    blocks = [x[i : i + front.stride] for i in range(0, len(x), front.stride)]
    means = [
        [np.mean([v for v in block[:, f] if not np.isnan(v)] or [np.nan]) for f in range(2)]
        for block in blocks
    ]
    for t in range(len(means)):
        row = list(means[t])
        for order in range(1, front.deltas + 1):
            for f in range(2):
                known = [means[t - k][f] if t >= k else np.nan for k in range(order + 1)]
                change = known[0] - known[1] if order == 1 else known[0] - 2 * known[1] + known[2]
                row.append(change / front.delta_scale[order - 1, f])
        row += [*logs, *means_of_x]
        if missing == "mask":
            row += [float(np.isnan(v)) for v in means[t]]
        rows.append([0.0 if np.isnan(v) else v for v in row])
    return np.array(rows).reshape(len(rows), front.n_inputs(2, missing))


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize(("deltas", "stride", "scale_each"), COMBINATIONS)
def test_every_column_is_that_of_a_loop(deltas, stride, scale_each, missing, rng):
    X = samples(rng, gaps=missing == "mask")
    front = frontend(deltas, stride, scale_each, rng)
    found, lengths = front.apply(np.concatenate(X), np.array(LENGTHS), missing)
    expected = [by_hand(front, x, missing) for x in X]
    assert lengths.tolist() == [len(rows) for rows in expected]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize(("deltas", "stride", "scale_each"), COMBINATIONS)
def test_a_sample_alone_has_the_same_bits(deltas, stride, scale_each, missing, rng):
    X = samples(rng, gaps=missing == "mask")
    front = frontend(deltas, stride, scale_each, rng)
    found, _ = front.apply(np.concatenate(X), np.array(LENGTHS), missing)
    alone = [front.apply(x, np.array([len(x)]), missing)[0] for x in X]
    assert np.concatenate(alone).tobytes() == found.tobytes()


@pytest.mark.parametrize(("deltas", "stride", "scale_each"), COMBINATIONS)
def test_the_gradient_is_that_of_central_differences(deltas, stride, scale_each, rng):
    front = frontend(deltas, stride, scale_each, rng)
    for n in LENGTHS:
        x = rng.normal(size=(n, 2))
        lengths = np.array([n])
        weights = rng.normal(size=front.apply(x, lengths, "error")[0].shape)

        def loss(x, lengths=lengths, weights=weights):
            return float((front.apply(x, lengths, "error")[0] * weights).sum())

        numeric = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[place] = 1e-5
            numeric[place] = (loss(x + step) - loss(x - step)) / 2e-5
        np.testing.assert_allclose(front.taken_back(x, weights), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
def test_learned_scales_make_differences_and_logarithms_of_size_one(weighted, rng):
    X = check_sequences([x * 10.0**i for i, x in enumerate(samples(rng))])
    weights = rng.integers(1, 4, size=len(LENGTHS)).astype(float) if weighted else None
    front = learn_frontend(X, SCALE, weights, deltas=2, stride=2, scale_each=True)
    values = (X.values - SCALE.mean) / SCALE.scale
    found, lengths = front.apply(values, X.lengths, "error")
    counts = np.ones(len(LENGTHS)) if weights is None else weights
    at = np.concatenate([np.arange(n) for n in lengths])
    of_steps = np.repeat(counts, lengths)
    for order in (1, 2):
        known = at >= order
        squares = np.square(found[known, 2 * order : 2 * order + 2])
        np.testing.assert_allclose(np.average(squares, axis=0, weights=of_steps[known]), 1)
    first = at == 0
    logs, of_samples = found[first, 6:8], counts[lengths > 0]
    np.testing.assert_allclose(np.average(logs, axis=0, weights=of_samples), 0, atol=1e-12)
    np.testing.assert_allclose(np.average(logs**2, axis=0, weights=of_samples), 1)


def test_what_never_changes_is_zero_and_what_is_silent_is_not_blown_up(rng):
    X = check_sequences([np.full((n, 2), 3.25) for n in LENGTHS])
    front = learn_frontend(X, location_and_scale(X), None, deltas=2, stride=2, scale_each=True)
    found, _ = front.apply(np.zeros((4, 2)), np.array([4]), "error")
    assert (found == 0).all()
    quiet, _ = front.apply(np.full((4, 2), 1e-20), np.array([4]), "error")
    assert np.abs(quiet).max() < 1e-6


def steady(rng, dtype):
    """Features of which something is the same but for rounding, and one of which nothing is."""
    lengths = (31, 8, 26, 13)
    X = []
    for n in lengths:
        of_sample, count = rng.normal(size=2) * [1, 100], 0.1 * np.arange(n)
        X.append(np.stack([np.full(n, of_sample[0]), count + of_sample[1], rng.normal(size=n)], 1))
    return check_sequences([x.astype(dtype) for x in X], dtype=None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale_each", [False, True])
@pytest.mark.parametrize("stride", [1, 3, 7])
def test_rounding_is_not_blown_up_to_differences(stride, scale_each, dtype, rng):
    X = steady(rng, dtype)
    scale = location_and_scale(X)
    front = learn_frontend(X, scale, None, deltas=2, stride=stride, scale_each=scale_each)
    values = (X.values.astype(np.float64) - scale.mean) / scale.scale
    found, lengths = front.apply(values, X.lengths, "error")
    assert np.abs(found[:, 3]).max() < 1e-2  # first differences of what stays as it is
    assert np.abs(found[:, 5]).max() > 0.5
    assert np.abs(found[:, 6]).max() < 1e-2  # second ones of it
    # and of what counts time, but for a last block, which is shorter
    inner = np.concatenate([np.arange(n) < n - 1 for n in lengths.tolist()])
    assert stride > 1 or np.abs(found[inner, 7]).max() < 1e-2
    assert np.abs(found[:, 8]).max() > 0.5


def test_amplitudes_that_agree_but_for_rounding_say_nothing(rng):
    X = rng.normal(size=(9, 20, 1))
    X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    data = check_sequences(X.round(5))
    front = learn_frontend(
        data, location_and_scale(data), None, deltas=0, stride=1, scale_each=True
    )
    found, _ = front.apply(data.values, data.lengths, "error")
    assert np.abs(found[:, 1]).max() < 1e-3


@pytest.mark.parametrize("offset", [0.0, -7.0, 100.0])
def test_a_quiet_recording_reads_like_a_loud_one(offset, rng):
    """However far it is from the mean of the training data."""
    x = rng.normal(size=(9, 2))
    X = check_sequences([a * x + offset * max(a, 1e-3) for a in (1e4, 1.0, 1e-4)], dtype=None)
    scale = location_and_scale(X)
    front = learn_frontend(X, scale, None, deltas=1, stride=2, scale_each=True)
    found, lengths = front.apply((X.values - scale.mean) / scale.scale, X.lengths, "error")
    loud, normal, quiet = np.split(found[:, :4], np.cumsum(lengths)[:-1])
    np.testing.assert_allclose(normal, loud, atol=1e-3)
    np.testing.assert_allclose(quiet, loud, atol=1e-2 if offset else 1e-3)


@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e300])
@pytest.mark.filterwarnings("error")
def test_values_whose_squares_leave_the_range_have_amplitudes(unit, rng):
    x = rng.normal(size=(9, 2))
    given = {"deltas": 1, "stride": 2, "scale_each": True}
    found = []
    for each in (1.0, unit):
        X = check_sequences([each * x, each * 3 * x[:5], each * x[2:3]], dtype=None)
        scale = location_and_scale(X) if unit < 1 else None
        front = learn_frontend(X, scale, None, **given)
        values = X.values if scale is None else (X.values - scale.mean) / scale.scale
        found.append(front.apply(values, X.lengths, "error")[0][:, :6])
    np.testing.assert_allclose(found[1][:, :4], found[0][:, :4], rtol=1e-9, atol=1e-9)
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("stride", [2, 7, 40, 2**31 - 1])
def test_few_long_blocks_have_the_bits_of_steps_added_one_by_one(stride, rng):
    x = rng.normal(size=(101, 3)) * 10.0 ** rng.integers(-8, 8, size=(101, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 2] = -0.0
    alone, n_blocks = block_means(x, np.array([101]), stride)
    many, _ = block_means(np.tile(x, (300, 1)), np.full(300, 101), stride)
    assert many.tobytes() == np.tile(alone, (300, 1)).tobytes()
    for i in range(int(n_blocks[0])):
        total, count = np.zeros(3), np.zeros(3)
        for step in x[i * stride : (i + 1) * stride]:
            total += np.where(np.isnan(step), 0.0, step)
            count += ~np.isnan(step)
        with np.errstate(invalid="ignore"):
            assert alone[i].tobytes() == (total / count).tobytes()


def test_a_stride_beyond_all_recordings_takes_no_memory(rng):
    front = Frontend(stride=2**31 - 1)
    answers = rng.normal(size=(1, 2))
    assert np.array_equal(front.spread(answers, 3), np.repeat(answers, 3, axis=0))
    assert front.spread(answers[:0], 0).shape == (0, 2)


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prepared_small_and_large_and_asked_have_the_same_bits(
    kind, missing, dtype, rng, monkeypatch
):
    backend = make_backend(kind)
    X = check_sequences(samples(rng, gaps=missing != "error"), missing=missing)
    kept = without_missing_steps(X)
    front = learn_frontend(kept, SCALE, None, deltas=1, stride=3, scale_each=True)
    small = Prepared.for_training(X, SCALE, dtype, front)
    monkeypatch.setattr(module, "SMALL", 0)
    large = Prepared.for_training(X, SCALE, dtype, front)
    asked = Prepared(X, SCALE, dtype, front)
    assert small.done
    assert not large.done
    assert small.lengths.tolist() == large.lengths.tolist()
    assert small.offsets.tolist() == large.offsets.tolist() == kept.offsets.tolist()
    order = np.array([5, 0, 1, 3, 0])
    for some in (lambda p: p, lambda p: p.subset([4, 1, 2, 3, 0, 5]), lambda p: p.narrowed(order)):
        found = [some(p).batch([4, 2, 0, 1], backend) for p in (small, large, asked)]
        for batch in found:
            assert batch.X.dtype == dtype
            assert batch.X.tobytes() == found[0].X.tobytes()
            assert batch.order.tolist() == found[0].order.tolist()


def test_what_leaves_the_range_names_the_sample(rng):
    X = [rng.normal(size=(n, 2)) for n in (4, 3)]
    X[1][:, 1] = [3e38, -3e38, 3e38]
    front = Frontend(1, 1, False, np.ones((1, 2)))
    with pytest.raises(ValueError, match="sample 1, feature 1, leaves the range of float32"):
        Prepared.for_training(check_sequences(X), None, np.float32, front)


@pytest.mark.parametrize(("deltas", "stride", "scale_each"), COMBINATIONS)
def test_a_description_is_restored(deltas, stride, scale_each, rng):
    front = frontend(deltas, stride, scale_each, rng)
    described, arrays = front.describe()
    found = Frontend.restore(described or None, arrays, 2)
    values = rng.normal(size=(7, 2))
    given = values, np.array([7]), "error"
    assert found.apply(*given)[0].tobytes() == front.apply(*given)[0].tobytes()
    assert repr(found) == repr(front)


FORGED = {
    "deltas is 3": {"deltas": 3},
    "deltas is True": {"deltas": True},
    "stride is 0": {"stride": 0},
    "scale_each is 1": {"scale_each": 1},
    "short list": {"reasons": ["x" * 2000]},
    "unknown parts": {"more": 1},
    "the arrays": {"deltas": 1},
}


@pytest.mark.parametrize("message", FORGED)
def test_a_forged_description_is_refused(message):
    with pytest.raises((TypeError, ValueError), match=message):
        Frontend.restore(FORGED[message], {}, 2)


@pytest.mark.parametrize("scale", [np.zeros((1, 2)), np.full((1, 2), np.nan), np.ones((2, 1))])
def test_forged_scales_are_refused(scale):
    with pytest.raises(ValueError, match="delta_scale"):
        Frontend.restore({"deltas": 1}, {"delta_scale": scale}, 2)


def test_nothing_is_described_of_nothing():
    assert PLAIN.plain
    assert PLAIN.describe() == ({}, {})
    assert Frontend(reasons=("stride=1: short",)).describe() != ({}, {})
