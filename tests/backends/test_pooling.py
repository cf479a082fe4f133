"""Readouts: each sample's mean or largest state over its own steps, taken while they are made."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import GATED, KINDS, cell_of, draw_weights, random_lengths

from elman.backends.cells import Cell, Weights
from elman.nn.layers import PassContext
from elman.nn.parameters import Parameters
from elman.nn.readouts import READOUTS


def problem(rng, dtype, n_samples, n_timesteps, n_features, hidden_size, *, ragged, kind="tanh"):
    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    cell = cell_of(kind)
    weights = draw_weights(rng, cell, n_features, hidden_size, dtype)
    lengths = random_lengths(rng, n_samples, n_timesteps) if ragged else None
    X = normal(n_samples, n_timesteps, n_features)
    return X, lengths, normal(n_samples, cell.state_size(hidden_size)), weights


def by_hand(name, h, initial):
    if len(h) == 0:
        return initial
    return h.max(axis=0) if name == "max" else h.sum(axis=0) / len(h)


SIZES = [(3, 5, 2, 7), (1, 9, 2, 1), (4, 1, 3, 33), (15, 40, 1, 50), (3, 0, 2, 7)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["mean", "max"])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_pooled_states(backend, rng, dtype, name, sizes, ragged, kind):
    X, lengths, h0, weights = problem(rng, dtype, *sizes, ragged=ragged, kind=kind)
    cell = cell_of(kind)
    whole = backend.forward(cell, X, lengths, h0, weights)
    out = backend.forward(cell, X, lengths, h0, weights, outputs=name)
    assert out.H is None
    np.testing.assert_array_equal(out.final, whole.final)
    ends = [sizes[1]] * sizes[0] if lengths is None else lengths
    context = PassContext(Parameters({}, dtype), backend, None)
    over_time = READOUTS[name](context, np.zeros(sizes[0], np.int64), sizes[3]).over_time(whole.H)
    rtol = 1e-6 if dtype == "float32" else 1e-14
    for i, n in enumerate(ends):
        expected = by_hand(name, whole.H[i, :n], h0[i, : sizes[3]])
        np.testing.assert_allclose(out.pooled[i], expected, rtol=rtol, atol=rtol)
        # bit for bit what the prefixes say, whatever the padding
        if n:
            assert out.pooled[i].tobytes() == over_time[i, n - 1].tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["mean", "max"])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("every", [0, 3])
def test_pooled_gradient_is_that_of_the_states(backend, rng, kind, name, ragged, every):
    X, lengths, h0, weights = problem(rng, "float64", 15, 40, 2, 33, ragged=ragged, kind=kind)
    cell = cell_of(kind)
    dpooled, dfinal = rng.standard_normal((15, 33)), rng.standard_normal(h0.shape)
    out = backend.forward(
        cell, X, lengths, h0, weights, outputs=name, keep_tape=True, recompute_every=every
    )
    whole = backend.forward(cell, X, lengths, h0, weights, keep_tape=True)
    # the same gradient, spelt out as one at every state
    steps = np.full(15, 40) if lengths is None else lengths
    live = (np.arange(40) < steps[:, None])[..., None]
    if name == "mean":
        dH = np.where(live, (dpooled / np.maximum(steps, 1)[:, None])[:, None], 0.0)
    else:
        largest = live & (out.pooled[:, None] == whole.H)
        dH = largest * (dpooled / np.maximum(largest.sum(axis=1), 1))[:, None]
    expected = backend.backward(dH, dfinal, whole.tape)
    actual = backend.backward(None, dfinal, out.tape, dpooled=dpooled)
    np.testing.assert_allclose(actual.dX, expected.dX, rtol=1e-10, atol=1e-12)
    for a, b in zip(actual.dweights.arrays, expected.dweights.arrays, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)
    dinitial = expected.dinitial.copy()
    dinitial[steps == 0, :33] += dpooled[steps == 0]
    np.testing.assert_allclose(actual.dinitial, dinitial, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [0, 3])
def test_mean_and_max_side_by_side_are_both(backend, rng, dtype, kind, every):
    X, lengths, h0, weights = problem(rng, dtype, 15, 41, 2, 33, ragged=True, kind=kind)
    cell = cell_of(kind)
    options = {"keep_tape": True, "recompute_every": every}
    both = backend.forward(cell, X, lengths, h0, weights, outputs="mean_max", **options)
    dpooled = rng.standard_normal((15, 66)).astype(dtype)
    dfinal = rng.standard_normal(h0.shape).astype(dtype)
    got = backend.backward(None, dfinal, both.tape, dpooled=dpooled)
    # a gradient is a sum, so that those of the two alone, of which one has dfinal, add up to it
    apart = []
    for name, columns in (("mean", slice(33)), ("max", slice(33, 66))):
        one = backend.forward(cell, X, lengths, h0, weights, outputs=name, **options)
        assert both.pooled[:, columns].tobytes() == one.pooled.tobytes()
        last = dfinal if name == "mean" else None
        own = np.ascontiguousarray(dpooled[:, columns])
        apart.append(backend.backward(None, last, one.tape, dpooled=own))
    rtol = 1e-4 if dtype == "float32" else 1e-11
    for actual, mean, largest in (
        (got.dX, apart[0].dX, apart[1].dX),
        (got.dinitial, apart[0].dinitial, apart[1].dinitial),
        *zip(got.dweights.arrays, *(each.dweights.arrays for each in apart), strict=True),
    ):
        expected = mean + largest
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    with pytest.raises(ValueError, match=r"dpooled has shape \(15, 33\), expected \(15, 66\)"):
        backend.backward(None, None, both.tape, dpooled=dpooled[:, :33].copy())


def test_a_tied_maximum_shares_its_gradient(backend):
    # relu with no recurrence: the states are the inputs, and 1.0 comes twice
    X = np.array([[[1.0], [1.0], [0.5], [9.0]]])
    weights = Weights(np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1))
    out = backend.forward(
        Cell(activation="relu"), X, np.array([3]), None, weights, outputs="max", keep_tape=True
    )
    assert out.pooled.tolist() == [[1.0]]
    dX = backend.backward(None, None, out.tape, dpooled=np.array([[3.0]])).dX
    assert dX.ravel().tolist() == [1.5, 1.5, 0.0, 0.0]


@pytest.mark.parametrize("kind", ["tanh", *GATED])
@pytest.mark.parametrize("name", ["mean", "max"])
def test_nan_reaches_the_pooled_state(backend, rng, kind, name):
    X, lengths, h0, weights = problem(rng, "float64", 3, 5, 2, 7, ragged=False, kind=kind)
    X[1, 2, 0] = np.nan
    out = backend.forward(cell_of(kind), X, lengths, h0, weights, outputs=name)
    assert np.isnan(out.pooled[1]).all()
    assert np.isfinite(out.pooled[[0, 2]]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["mean", "max", "mean_max"])
@pytest.mark.parametrize(
    ("kind", "hidden_size"), [("tanh", 1), ("tanh", 2), ("tanh", 7), ("gru", 3), ("lstm", 1)]
)
def test_pooled_bits_do_not_depend_on_the_batch(backend, rng, dtype, name, kind, hidden_size):
    X, _, _, weights = problem(rng, dtype, 5, 301, 3, hidden_size, ragged=False, kind=kind)
    cell = cell_of(kind)
    lengths = np.array([301, 300, 71, 2, 1])
    together = backend.forward(cell, X, lengths, None, weights, outputs=name).pooled
    for i, n in enumerate(lengths):
        alone = backend.forward(
            cell, X[i : i + 1, :n].copy(), None, None, weights, outputs=name
        ).pooled
        assert alone[0].tobytes() == together[i].tobytes()


def test_a_gradient_at_what_was_not_pooled_is_refused(backend, rng):
    X, lengths, h0, weights = problem(rng, "float64", 3, 5, 2, 7, ragged=True)
    tape = backend.forward(Cell(), X, lengths, h0, weights, keep_tape=True).tape
    with pytest.raises(ValueError, match="dpooled was given, but the tape"):
        backend.backward(None, None, tape, dpooled=np.zeros((3, 7)))
    tape = backend.forward(Cell(), X, lengths, h0, weights, outputs="max", keep_tape=True).tape
    with pytest.raises(ValueError, match=r"dpooled has shape \(3, 6\), expected \(3, 7\)"):
        backend.backward(None, None, tape, dpooled=np.zeros((3, 6)))
