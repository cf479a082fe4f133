"""One time step at a time: the same bits as whole sequences, and errors for what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from elman.backends.contract import Cell, Weights


def problem(rng, dtype, n_samples, n_timesteps, n_features, hidden_size):
    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    weights = Weights(
        normal(n_features, hidden_size),
        (normal(hidden_size, hidden_size) * hidden_size**-0.5).astype(dtype),
        normal(hidden_size),
    )
    return normal(n_samples, n_timesteps, n_features), weights


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("sizes", [(1, 9, 3, 33), (3, 5, 2, 7), (15, 4, 1, 130), (0, 2, 3, 5)])
def test_steps_are_the_sequence(backend, rng, dtype, activation, sizes):
    X, weights = problem(rng, dtype, *sizes)
    cell = Cell(activation=activation)
    H = backend.forward(cell, X, None, None, weights).H
    stepper = backend.stepper(cell, weights, sizes[0])
    assert stepper.state.shape == (sizes[0], sizes[3])
    assert not stepper.state.any()
    for t in range(sizes[1]):
        stepper.step(X[:, t].copy())
        np.testing.assert_array_equal(stepper.state, H[:, t])


def test_state_can_be_written(backend, rng):
    X, weights = problem(rng, "float64", 3, 5, 2, 7)
    H = backend.forward(Cell(), X, None, None, weights).H
    stepper = backend.stepper(Cell(), weights, 3)
    stepper.state[...] = H[:, 2]
    stepper.step(X[:, 3].copy())
    np.testing.assert_array_equal(stepper.state, H[:, 3])
    stepper.state[1] = 0
    stepper.step(X[:, 0].copy())
    np.testing.assert_array_equal(stepper.state[1], H[1, 0])


def test_a_stepper_keeps_its_own_weights_and_its_state_alive(backend, rng):
    X, weights = problem(rng, "float32", 1, 2, 3, 5)
    expected = backend.forward(Cell(), X, None, None, weights).H
    stepper = backend.stepper(Cell(), weights)
    for w in weights:
        w[...] = 0
    state, step = stepper.state, stepper.step
    del stepper
    for t in range(2):
        step(X[:, t].copy())
        np.testing.assert_array_equal(state, expected[:, t])


def test_what_does_not_fit_is_refused(backend, rng):
    X, weights = problem(rng, "float32", 3, 5, 2, 7)
    stepper = backend.stepper(Cell(), weights, 3)
    x = X[:, 0].copy()
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(3, 2)
    wrong = [
        x.astype(np.float64),
        x[:2],
        x[0],
        X[:, 0],
        unaligned,
        np.ma.masked_array(x, x > 0),
        x.tolist(),
        None,
    ]
    for bad in wrong:
        with pytest.raises(TypeError, match=r"(?i)\bx |expected"):
            stepper.step(bad)
    assert not stepper.state.any()
    with pytest.raises(ValueError, match="n_samples=-1"):
        backend.stepper(Cell(), weights, -1)
    with pytest.raises(TypeError, match="W_h has dtype"):
        backend.stepper(Cell(), weights._replace(W_h=weights.W_h.astype(np.float64)))
