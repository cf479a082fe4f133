"""Readouts taken from states that are there already, beside those that a backend takes."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import make_backend

from elman.backends.cells import Cell
from elman.nn.layers import PassContext, RecurrentLayer
from elman.nn.parameters import Parameters
from elman.nn.readouts import READOUTS, readout_named

REFERENCE = make_backend("reference")


def problem(rng, activation, hidden_size, lengths, name):
    def layer(outputs):
        return RecurrentLayer(
            "recurrent0", Cell("elman", activation), 2, hidden_size, outputs, learn_initial=True
        )

    params = Parameters(layer("final").shapes() | {"attention.query": (hidden_size,)}, np.float64)
    params.flat[...] = rng.normal(size=params.flat.size)
    n_timesteps = max(lengths, default=0)
    X = rng.normal(size=(len(lengths), n_timesteps, 2))
    return layer, X, params, PassContext(params, REFERENCE, np.array(lengths, dtype=np.int64), True)


@pytest.mark.parametrize(
    "name", ["last", "mean", "max", ("max", "last"), ("mean", "last"), ("max", "last", "mean")]
)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("lengths", [(5, 4, 1, 0), (0, 0, 0), (9,), ()])
@pytest.mark.parametrize("hidden_size", [1, 7])
def test_they_are_what_the_backend_takes(rng, name, activation, lengths, hidden_size):
    layer, X, params, context = problem(rng, activation, hidden_size, lengths, name)
    readout = readout_named(name)
    taken, taken_back = layer(readout.outputs).forward(X, context)
    states, states_back = layer("states").forward(X, context)
    read, read_back = readout.of_whole(states, context, hidden_size)
    assert read.tobytes() == taken.tobytes()
    d = rng.normal(size=read.shape)
    gradients = [params.zeros_like() for _ in range(2)]
    dX = taken_back(d, gradients[0])
    dX_states = states_back(read_back(d, gradients[1]), gradients[1])
    np.testing.assert_allclose(dX_states, dX, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradients[1].flat, gradients[0].flat, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("lengths", [(5, 4, 1, 0), (0, 0)])
def test_attention_of_a_zero_query_is_the_mean(rng, lengths):
    layer, X, params, context = problem(rng, "tanh", 7, lengths, "attention")
    params["attention.query"][...] = 0
    states, _ = layer("states").forward(X, context)
    mean, _ = READOUTS["mean"].of_whole(states, context, 7)
    attended, _ = READOUTS["attention"].of_whole(states, context, 7)
    np.testing.assert_allclose(attended, mean, rtol=1e-14)


def test_attention_looks_at_one_step_however_large_the_scores(rng):
    layer, X, params, context = problem(rng, "tanh", 3, (5, 4, 1, 0), "attention")
    states, _ = layer("states").forward(X, context)
    params["attention.query"][...] = [0, 1e6, 0]
    attended, backward = READOUTS["attention"].of_whole(states, context, 3)
    for i, n in enumerate(context.lengths):
        own = states.H[i, :n]
        expected = own[np.argmax(own[:, 1])] if n else states.final[i]
        np.testing.assert_allclose(attended[i], expected, rtol=1e-12)
    gradient = params.zeros_like()
    gradient.flat[...] = np.nan
    backward(np.ones((4, 3)), gradient)
    assert np.isfinite(gradient["attention.query"]).all()
