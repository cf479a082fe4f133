from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from elman.backends.cells import Cell
from elman.nn.cells import INITIAL_GAINS, initial_weights, weight_shapes
from elman.nn.initializers import RECURRENT, glorot_uniform, orthogonal
from elman.nn.parameters import Parameters

SHAPES = {"recurrent0.W_x": (2, 7), "recurrent0.b": (7,), "head.W": (7, 3)}


def test_views_share_the_vector(rng):
    params = Parameters(SHAPES, np.float32)
    assert params.names() == tuple(SHAPES)
    assert params.flat.shape == (14 + 7 + 21,)
    params["recurrent0.b"][...] = 5
    assert params.flat.sum() == 35
    params.flat[...] = np.arange(42)
    assert params["head.W"][0, 0] == 21
    assert all(np.shares_memory(params[name], params.flat) for name in params)
    assert not np.shares_memory(params.copy().flat, params.flat)
    assert params.zeros_like().shapes == params.shapes


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_views_still_share_the_vector_after_a_copy(rng, duplicate):
    params = Parameters(SHAPES, np.float32, rng.normal(size=42).astype(np.float32))
    again = duplicate(params)
    assert np.array_equal(again.flat, params.flat)
    again["head.W"][...] = 0
    assert (again.flat[21:] == 0).all()


def test_parameters_refuse_a_vector_of_another_size():
    with pytest.raises(ValueError, match=r"shape \(41,\).*\(42,\)"):
        Parameters(SHAPES, np.float32, np.zeros(41, dtype=np.float32))


def test_orthogonal_keeps_lengths_and_prefers_no_direction(rng):
    for size in (1, 2, 7):
        Q = orthogonal(rng, size)
        np.testing.assert_allclose(Q.T @ Q, np.eye(size), atol=1e-13)
    draws = np.stack([orthogonal(rng, 3) for _ in range(4000)])
    # Haar: entries have mean 0 and variance 1 / size; both signs of the determinant are as likely.
    np.testing.assert_allclose(draws.mean(axis=0), np.zeros((3, 3)), atol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), np.full((3, 3), 1 / 3), atol=0.03)
    assert abs(np.mean(np.linalg.det(draws) > 0) - 0.5) < 0.04


def test_initial_weights():
    cell = Cell("elman", "relu")
    rng = np.random.default_rng(3)
    weights = initial_weights(cell, 2, 7, "identity", rng)
    assert {k: v.shape for k, v in weights.items()} == weight_shapes(cell, 2, 7)
    assert np.array_equal(weights["W_h"], np.eye(7))
    assert not weights["b"].any()
    limit = np.sqrt(6 / (200 + 300))
    drawn = glorot_uniform(rng, 200, 300)
    assert 0.99 * limit < np.abs(drawn).max() <= limit
    assert abs(drawn.var() - 2 / 500) < 1e-4
    uniform = RECURRENT["uniform"](rng, 100)
    assert 0.099 < np.abs(uniform).max() <= 0.1


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_initial_gains_are_those_of_the_cell(monkeypatch, name):
    monkeypatch.setitem(INITIAL_GAINS, name, 0.75)
    cell = Cell(name, layer_norm=True)
    weights = initial_weights(cell, 2, 3, "orthogonal", np.random.default_rng(3))
    assert {k: v.shape for k, v in weights.items()} == weight_shapes(cell, 2, 3)
    assert np.all(weights["gain"] == 0.75)
