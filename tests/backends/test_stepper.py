"""One time step at a time: the same bits as whole sequences, and errors for what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import GATED, KINDS, cell_of, draw_weights


def problem(rng, dtype, n_samples, n_timesteps, n_features, hidden_size, kind="tanh"):
    weights = draw_weights(rng, cell_of(kind), n_features, hidden_size, dtype)
    return rng.standard_normal((n_samples, n_timesteps, n_features)).astype(dtype), weights


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(1, 9, 3, 33), (3, 5, 2, 7), (15, 4, 1, 130), (0, 2, 3, 5)])
def test_steps_are_the_sequence(backend, rng, dtype, kind, sizes):
    X, weights = problem(rng, dtype, *sizes, kind=kind)
    cell = cell_of(kind)
    H, final, *_ = backend.forward(cell, X, None, None, weights)
    stepper = backend.stepper(cell, weights, sizes[0])
    assert stepper.state.shape == (sizes[0], cell.state_size(sizes[3]))
    assert not stepper.state.any()
    for t in range(sizes[1]):
        stepper.step(X[:, t].copy())
        np.testing.assert_array_equal(stepper.state[:, : sizes[3]], H[:, t])
    np.testing.assert_array_equal(stepper.state, final)


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_state_can_be_written(backend, rng, kind):
    X, weights = problem(rng, "float64", 3, 5, 2, 7, kind=kind)
    cell = cell_of(kind)
    after = [
        backend.forward(cell, X[:, :n].copy(), None, None, weights, outputs="final").final
        for n in range(6)
    ]
    stepper = backend.stepper(cell, weights, 3)
    stepper.state[...] = after[3]
    stepper.step(X[:, 3].copy())
    np.testing.assert_array_equal(stepper.state, after[4])
    stepper.state[1] = 0
    stepper.step(X[:, 0].copy())
    np.testing.assert_array_equal(stepper.state[1], after[1][1])


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_a_stepper_keeps_its_own_weights_and_its_state_alive(backend, rng, kind):
    X, weights = problem(rng, "float32", 1, 2, 3, 5, kind=kind)
    cell = cell_of(kind)
    expected = backend.forward(cell, X, None, None, weights).H
    stepper = backend.stepper(cell, weights)
    for w in weights.arrays:
        w[...] = 0
    state, step = stepper.state, stepper.step
    del stepper
    for t in range(2):
        step(X[:, t].copy())
        np.testing.assert_array_equal(state[:, :5], expected[:, t])


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_what_does_not_fit_is_refused(backend, rng, kind):
    X, weights = problem(rng, "float32", 3, 5, 2, 7, kind=kind)
    cell = cell_of(kind)
    stepper = backend.stepper(cell, weights, 3)
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
        backend.stepper(cell, weights, -1)
    with pytest.raises(TypeError, match="W_h has dtype"):
        backend.stepper(cell, weights._replace(W_h=weights.W_h.astype(np.float64)))
