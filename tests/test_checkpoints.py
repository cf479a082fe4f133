"""Checkpointing: a fraction of the history in memory, and every bit the same."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier
from elman.backends.contract import Cell, Weights, n_checkpoints


def problem(rng, dtype, n_samples, n_timesteps, n_features, hidden_size, *, ragged, initial):
    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    scale = hidden_size**-0.5
    weights = Weights(
        normal(n_features, hidden_size),
        (normal(hidden_size, hidden_size) * scale).astype(dtype),
        normal(hidden_size),
    )
    lengths = None
    if ragged:
        lengths = np.sort(rng.integers(0, n_timesteps + 1, n_samples))[::-1].copy()
        lengths[0] = n_timesteps
    X = normal(n_samples, n_timesteps, n_features)
    h0 = normal(n_samples, hidden_size) if initial else None
    gradients = normal(n_samples, n_timesteps, hidden_size), normal(n_samples, hidden_size)
    return X, lengths, h0, weights, gradients


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("sizes", "every"),
    [
        ((3, 5, 2, 7), 1),
        ((3, 5, 2, 7), 5),
        ((3, 5, 2, 7), 99),
        ((3, 1, 2, 7), 4),
        ((3, 0, 2, 7), 4),
        ((13, 37, 3, 33), 8),
        ((19, 211, 2, 130), 16),
        ((1, 300, 5, 20), 64),
    ],
)
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_checkpoints_change_no_bit(backend, rng, dtype, sizes, every, ragged, activation):
    X, lengths, h0, weights, (dH, dfinal) = problem(
        rng, dtype, *sizes, ragged=ragged, initial=ragged
    )
    cell = Cell(activation=activation)
    whole = backend.forward(cell, X, lengths, h0, weights, keep_tape=True)
    kept = backend.forward(
        cell, X, lengths, h0, weights, outputs="final", keep_tape=True, checkpoint_every=every
    )
    assert kept.H is None
    assert kept.tape.checkpoint_every >= every
    n_kept = n_checkpoints(sizes[1], kept.tape.checkpoint_every)
    assert kept.tape.H.shape == (sizes[0], n_kept, sizes[3])
    np.testing.assert_array_equal(kept.final, whole.final)
    for arguments in [(None, dfinal), (dH, None), (dH, dfinal)]:
        expected = backend.backward(*arguments, whole.tape)
        actual = backend.backward(*arguments, kept.tape)
        for a, b in zip([*expected[:2], *expected[2]], [*actual[:2], *actual[2]], strict=True):
            np.testing.assert_array_equal(a, b)


def test_outputs_and_checkpoints_together(backend, rng):
    X, lengths, h0, weights, _ = problem(rng, "float64", 3, 50, 2, 7, ragged=True, initial=True)
    whole = backend.forward(Cell(), X, lengths, h0, weights)
    both = backend.forward(Cell(), X, lengths, h0, weights, keep_tape=True, checkpoint_every=7)
    np.testing.assert_array_equal(both.H, whole.H)
    assert both.tape.H.shape[1] < 50
    without_tape = backend.forward(Cell(), X, lengths, h0, weights, checkpoint_every=7)
    assert without_tape.tape is None


def test_a_negative_number_of_steps_is_refused(backend, rng):
    X, lengths, h0, weights, _ = problem(rng, "float64", 3, 5, 2, 7, ragged=True, initial=True)
    with pytest.raises(ValueError, match="checkpoint_every=-1 must be 0"):
        backend.forward(Cell(), X, lengths, h0, weights, keep_tape=True, checkpoint_every=-1)


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
def test_a_classifier_with_checkpoints_learns_the_same_bits(readout):
    rng = np.random.default_rng(5)
    X = [rng.standard_normal((n, 2)) for n in rng.integers(0, 300, 33)]
    y = rng.integers(0, 3, 33)
    settings = {"hidden_size": 9, "max_iter": 2, "readout": readout, "random_state": 0}
    whole = RNNClassifier(**settings).fit(X, y)
    kept = RNNClassifier(**settings, checkpoint_every=16).fit(X, y)
    for name, weight in whole.weights_.items():
        np.testing.assert_array_equal(kept.weights_[name], weight)
