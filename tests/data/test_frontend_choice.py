"""What "auto" chooses of series whose smoothness is known, and the reason that it gives."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data import check_sequences
from elman.data.frontend_choice import LONG, _spread, choose


def sines(rng, n_steps, period, *, noise=0.0, n=9):
    phases = rng.uniform(0, 2 * np.pi, size=(n, 1))
    waves = np.sin(2 * np.pi * np.arange(n_steps) / period + phases)
    return (waves + noise * rng.normal(size=waves.shape))[:, :, np.newaxis]


def auto(X, dtype=np.float32, **options):
    data = check_sequences(X, dtype=dtype, missing="mask")
    return choose(data, "auto", "auto", options.pop("weights", None), **options)


def test_short_and_rough_is_left_alone(rng):
    found = auto(rng.normal(size=(7, 50, 2)))
    assert found[:2] == (0, 1)
    assert "at most 128" in found.reasons[0]
    assert "rough enough" in found.reasons[1]


def test_short_and_smooth_gets_differences(rng):
    found = auto(sines(rng, 100, 50))
    assert found[:2] == (1, 1)
    assert "neighbouring steps have an autocorrelation of 0.99" in found.reasons[1]


def test_long_and_smooth_is_thinned_to_about_128(rng):
    X = sines(rng, 1000, 500)
    found = auto(X)
    assert found.stride == 8
    assert -(-X.shape[1] // found.stride) <= LONG
    assert "means of 8 steps lose only" in found.reasons[0]
    assert found.deltas == 1


def test_long_and_rough_is_not(rng):
    found = auto(rng.normal(size=(5, 700, 1)))
    assert found.stride == 1
    assert "too rough" in found.reasons[0]


def test_a_stride_stops_where_the_variance_would_be_lost(rng):
    found = auto(sines(rng, 1500, 20))
    assert found.stride == 2
    assert "those of 3 over 5 %" in found.reasons[0]
    assert found.deltas == auto(sines(rng, 100, 20)).deltas


def test_offsets_and_amplitudes_of_recordings_change_nothing(rng):
    X = rng.normal(size=(9, 60, 1))
    moved = X * 10.0 ** np.arange(-4, 5)[:, np.newaxis, np.newaxis] + 1e3 * np.arange(9).reshape(
        9, 1, 1
    )
    assert auto(moved).deltas == auto(X).deltas == 0


def test_answers_at_every_step_are_not_thinned(rng):
    found = auto(sines(rng, 1000, 500), every_step=True)
    assert found.stride == 1
    assert "answer of its own" in found.reasons[0]


def test_gaps_are_left_out(rng):
    X = sines(rng, 200, 60)
    X[rng.random(X.shape) < 0.2] = np.nan
    assert auto(X).deltas == 1


@pytest.mark.parametrize(
    "X", [[np.zeros((n, 2)) for n in (0, 1, 5)], [np.ones((40, 2))], [np.full((40, 2), np.nan)]]
)
def test_what_says_nothing_is_left_alone(X):
    found = auto(X)
    assert found[:2] == (0, 1)
    assert "to tell whether it is smooth" in found.reasons[1]


def test_numbers_are_taken_as_they_are(rng):
    data = check_sequences(rng.normal(size=(3, 9, 1)))
    assert choose(data, 2, 5) == (2, 5, ())
    found = choose(data, "auto", 5)
    assert found[:2] == (0, 5)
    assert [reason[:8] for reason in found.reasons] == ["deltas=0"]


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.filterwarnings("error")
def test_the_unit_of_a_feature_changes_nothing(unit, rng):
    X = sines(rng, 300, 100, noise=0.05)
    X[3, 5] = np.nan
    scaled = check_sequences(X * 2.0 ** np.frexp(unit)[1], dtype=None, missing="mask")
    assert choose(scaled, "auto", "auto") == auto(X, dtype=None)


def test_what_never_changes_is_not_called_rough():
    found = auto(np.full((5, 200, 2), 0.1))
    assert found[:2] == (0, 1)
    assert "none of at least 8 steps changes" in found.reasons[0]
    assert "nan" not in " ".join(found.reasons)


def test_features_of_unlike_smoothness_are_left_alone_unless_most_are_smooth(rng):
    smooth, rough = sines(rng, 100, 50, n=7), rng.normal(size=(7, 100, 1))
    same = np.ones((7, 100, 1)) * rng.normal(size=(7, 1, 1))
    assert auto(np.concatenate([smooth, rough], axis=2)).deltas == 0
    assert auto(np.concatenate([smooth, same], axis=2)).deltas == 1
    flags = (rng.random((7, 100, 3)) < 0.1).astype(float)
    assert auto(np.concatenate([smooth, flags], axis=2)).deltas == 0
    assert auto(flags).deltas == 0


@pytest.mark.parametrize("n_turns", [2, 3, 5])
@pytest.mark.parametrize("first", [0, 1])
def test_recordings_of_kinds_that_take_turns_are_looked_at_alike(n_turns, first, rng):
    """More than are looked at, the first kind smooth and the others rough."""
    n = 100 * n_turns
    X = rng.normal(size=(n, 9, 1))
    X[first::n_turns] = np.cumsum(np.ones(9))[:, np.newaxis]
    found = _spread(n)
    of_kinds = np.bincount(found % n_turns, minlength=n_turns)
    assert len(found) == 100
    assert found.max() < n
    assert of_kinds.min() >= 0.8 * 100 / n_turns
    if n_turns > 2:
        assert auto(X).deltas == 0


@pytest.mark.parametrize("n", [0, 1, 7, 99, 100])
def test_few_recordings_are_all_looked_at(n):
    np.testing.assert_array_equal(_spread(n), np.arange(n))


@pytest.mark.parametrize("n", [101, 137, 199, 1001, 10**9 + 7])
def test_of_many_recordings_each_part_is_looked_at(n):
    found = _spread(n)
    assert len(found) == 100
    assert np.diff(found, prepend=0, append=n).max() <= 2 * n / 100 + 1


def of_two_kinds(rng):
    """Short and rough ones, then long and smooth ones, each of another length."""
    rough = [rng.normal(size=(n, 2)) for n in (20, 25, 30, 23)]
    smooth = [sines(rng, n, n / 2, n=1)[0] + np.zeros(2) for n in (260, 301, 287, 293, 310)]
    return [*rough, *smooth]


@pytest.mark.parametrize(
    "weights",
    [[1, 1, 1, 1, 2, 0, 1, 1, 2], [1, 1, 1, 1, 1, 3, 1, 1, 1], [2, 2, 2, 1, 1, 1, 1, 1, 0]],
)
def test_a_weight_counts_as_repeated_recordings(weights, rng):
    X = of_two_kinds(rng)
    expected = auto([X[i] for i in np.repeat(np.arange(len(X)), weights)])
    for scale in (1, 0.1, 3):
        assert auto(X, weights=scale * np.array(weights, np.float64)) == expected
    assert auto(X, weights=np.full(9, 0.1)) == auto(X)
