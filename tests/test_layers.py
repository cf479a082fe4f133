from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from sequence_data import make_batch

from elman.backends.contract import Cell
from elman.nn.cells import initial_weights, weight_shapes
from elman.nn.initializers import RECURRENT, glorot_uniform, orthogonal
from elman.nn.parameters import Parameters
from elman.nn.readouts import READOUTS, Hidden

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


def by_hand(name, h):
    if name == "last":
        return h[-1]
    if name == "max":
        return h.max(axis=0)
    return h.sum(axis=0) / len(h)


@pytest.mark.parametrize("name", READOUTS)
def test_readout_over_each_samples_own_length(name, rng):
    _, lengths = make_batch(rng)
    H = np.zeros((4, 5, 7))
    for i, n in enumerate(lengths):
        H[i, :n] = rng.normal(size=(n, 7)) - 3  # padding zeros would win every max
    initial = rng.normal(size=7)
    final = np.stack([h[n - 1] if n else initial for h, n in zip(H, lengths, strict=True)])
    before = H.copy()
    features, _ = READOUTS[name].forward(Hidden(H, final), lengths)
    for i, n in enumerate(lengths):
        expected = by_hand(name, H[i, :n]) if n else initial
        np.testing.assert_allclose(features[i], expected, rtol=1e-14)
    assert np.array_equal(H, before)


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("lengths", [(5, 4, 1), None])
def test_readout_gradient(name, lengths, rng):
    lengths = None if lengths is None else np.array(lengths)
    H = rng.normal(size=(3, 5, 7))
    if lengths is not None:
        H[np.arange(5) >= lengths[:, np.newaxis]] = 0
    ends = np.full(3, 5) if lengths is None else lengths
    weight = rng.normal(size=(3, 7))
    readout = READOUTS[name]

    def value(H):
        final = H[np.arange(3), ends - 1]
        return float((readout.forward(Hidden(H, final), lengths)[0] * weight).sum())

    _, backward = readout.forward(Hidden(H, H[np.arange(3), ends - 1]), lengths)
    gradient = backward(weight)
    dH = np.zeros_like(H) if gradient.H is None else gradient.H.copy()
    if gradient.final is not None:
        dH[np.arange(3), ends - 1] += gradient.final
    for index in np.ndindex(H.shape):
        if index[1] >= ends[index[0]]:
            continue  # past the end the backend reads nothing
        step = np.zeros_like(H)
        step[index] = 1e-6
        numeric = (value(H + step) - value(H - step)) / 2e-6
        assert abs(dH[index] - numeric) < 1e-8


def test_a_tied_maximum_shares_its_gradient():
    H = np.array([[[1.0], [1.0], [0.5], [0.0]]])
    features, backward = READOUTS["max"].forward(Hidden(H, H[:, 2]), np.array([3]))
    assert features.tolist() == [[1.0]]
    assert backward(np.array([[3.0]])).H.ravel().tolist() == [1.5, 1.5, 0.0, 0.0]


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("hidden_size", [1, 2, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_readout_bits_do_not_depend_on_padding(name, hidden_size, dtype, rng):
    """A long sum whose order would change with the padded length, were it left to numpy.sum."""
    h = rng.normal(size=(1, 301, hidden_size)).astype(dtype)
    alone, _ = READOUTS[name].forward(Hidden(h, h[:, -1]), None)
    padded = np.zeros((2, 1021, hidden_size), dtype=dtype)
    padded[0] = rng.normal(size=(1021, hidden_size))
    padded[1, :301] = h[0]
    final = np.stack([padded[0, -1], h[0, -1]])
    together, _ = READOUTS[name].forward(Hidden(padded, final), np.array([1021, 301]))
    assert together[1].tobytes() == alone[0].tobytes()
    over_time = READOUTS[name].over_time(padded)
    assert over_time[1, 300].tobytes() == alone[0].tobytes()
    assert over_time.dtype == alone.dtype == dtype
