from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from helpers.backends import make_backend
from helpers.sequence_data import draw_network, make_batch, make_network

from elman.backends.cells import Cell
from elman.backends.reference import ReferenceBackend
from elman.nn.losses import cross_entropy
from elman.nn.network import network_shapes
from elman.nn.parameters import Parameters

REFERENCE = make_backend("reference")
SEVERAL = [("last", "max"), ("max", "last", "mean")]


@pytest.mark.parametrize("readout", ["last", "mean", "max", *SEVERAL])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradient_of_the_whole_network(readout, activation, backend, rng):
    network = make_network(rng, readout=readout, activation=activation)
    network.params.flat[...] += 0.1 * rng.normal(size=network.params.flat.size)
    X, lengths = make_batch(rng)
    codes, weights = np.array([2, 0, 1, 1]), np.array([1.0, 0.5, 2.0, 3.0])

    def loss():
        logits, backward = network.forward(X, lengths, backend, need_dX=True)
        losses, dlogits = cross_entropy(logits, codes, weights)
        return losses.sum(), backward(dlogits)

    gradient, dX = loss()[1]
    for flat, analytic in ((network.params.flat, gradient.flat), (X.reshape(-1), dX.reshape(-1))):
        numeric = np.empty_like(flat)
        for i in range(flat.size):
            kept = flat[i]
            flat[i] = kept + 1e-5
            above = loss()[0]
            flat[i] = kept - 1e-5
            below = loss()[0]
            flat[i] = kept
            numeric[i] = (above - below) / 2e-5
        error = np.abs(numeric - analytic).max() / np.abs(numeric).max()
        assert error < 1e-7


@pytest.mark.parametrize("readout", ["last", "mean", "max", *SEVERAL])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_way_through_gives_the_same_logits(readout, dtype, backend, rng):
    network = make_network(rng, readout=readout, dtype=dtype)
    X, lengths = make_batch(rng, dtype=dtype, padding=np.nan)
    trained, _ = network.forward(X, lengths, backend)
    inferred = network.logits(X, lengths, backend)
    over_time = network.logits_over_time(X, lengths, backend)
    assert trained.dtype == inferred.dtype == over_time.dtype == dtype
    assert inferred.tobytes() == trained.tobytes()
    for i, n in enumerate(lengths):
        assert n == 0 or over_time[i, n - 1].tobytes() == inferred[i].tobytes()
        alone = network.logits(X[i : i + 1, :n].copy(), None, backend)
        assert alone.tobytes() == inferred[i].tobytes()
    assert np.isfinite(inferred).all()


def test_no_readout_asks_for_hidden_states_at_inference(rng):
    asked = []

    class Spy:
        def forward(self, *args, outputs="sequence", **kwargs):
            asked.append(outputs)
            return REFERENCE.forward(*args, outputs=outputs, **kwargs)

        linear_forward = staticmethod(REFERENCE.linear_forward)

    X, lengths = make_batch(rng)
    for readout in ("last", "mean", "max", *SEVERAL):
        make_network(rng, readout=readout).logits(X, lengths, Spy())
    assert asked == ["final", "mean", "max", "max", "mean_max"]


@pytest.mark.parametrize(
    "options", [{}, {"n_layers": 2}, {"n_layers": 2, "residual": True}], ids=str
)
@pytest.mark.parametrize(
    "readout", ["last", "mean", "max", "attention", "every", ("max", "attention")]
)
def test_states_of_a_long_sequence_are_kept_a_chunk_at_a_time(rng, readout, options):
    asked = []

    class Spy(ReferenceBackend):
        def forward(self, cell, X, *args, outputs="sequence", **kwargs):
            if outputs == "sequence":
                asked.append(X.shape[1])
            return super().forward(cell, X, *args, outputs=outputs, **kwargs)

    network = draw_network(2, 7, 3, readout=readout, rng=rng, dtype="float32", **options)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    X, lengths = make_batch(rng, (23, 22, 10, 5, 0), dtype="float32")
    logits = network.logits(X, lengths, REFERENCE)
    over_time = network.logits_over_time(X, lengths, REFERENCE)
    for n_steps in (1, 5, 22):
        asked.clear()
        assert network.logits(X, lengths, Spy(), n_steps).tobytes() == logits.tobytes()
        if readout != "every":
            assert max(asked, default=0) <= n_steps
        asked.clear()
        chunked = network.logits_over_time(X, lengths, Spy(), n_steps)
        for i, n in enumerate(lengths):
            assert chunked[i, :n].tobytes() == over_time[i, :n].tobytes()
        assert max(asked) == n_steps


@pytest.mark.parametrize("readout", ["last", "attention", "every"])
def test_both_directions_are_read_at_once_however_long(rng, readout):
    network = draw_network(2, 7, 3, readout=readout, rng=rng, bidirectional=True)
    X, lengths = make_batch(rng, (9, 4, 0), dtype="float32")
    whole = network.logits(X, lengths, REFERENCE)
    assert network.logits(X, lengths, REFERENCE, 2).tobytes() == whole.tobytes()
    if readout == "every":
        over_time = network.logits_over_time(X, lengths, REFERENCE, 2)
        assert over_time[0].tobytes() == whole[0].tobytes()


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"n_layers": 2}], ids=str)
@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention", "every"])
def test_answering_keeps_nothing_for_a_backward_pass(backend, rng, readout, options):
    """An LSTM's tape is six times its hidden states: not a trace of it where nothing is trained."""
    network = draw_network(
        2, 9, 3, cell=Cell("lstm"), readout=readout, rng=rng, dtype="float64", **options
    )
    X, lengths = rng.normal(size=(3, 900, 2)), np.array([900, 700, 1])
    states = (
        3 * 900 * 9 * 8 * (1 + network.layout.bidirectional)
    )  # bytes of one layer's hidden states
    asked = ["logits", "hidden_states"]
    if readout == "every" or not network.layout.bidirectional:
        asked.append("logits_over_time")
    for name in asked:
        ask = getattr(network, name)
        ask(X[:, :2].copy(), np.array([2, 2, 1]), backend)
        tracemalloc.start()
        try:
            ask(X, lengths, backend)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # one layer's readout that the backend takes needs no states at all
        alone = (
            name == "logits" and readout in ("last", "mean", "max") and "n_layers" not in options
        )
        assert peak < (0.5 if alone else 4) * states, name


def test_hidden_states_follow_the_definition(rng):
    network = make_network(rng)
    X, lengths = make_batch(rng)
    H = network.hidden_states(X, lengths, REFERENCE)
    W_x, W_h, b = (network.params[f"recurrent0.{name}"] for name in ("W_x", "W_h", "b"))
    for i, n in enumerate(lengths):
        h = np.zeros(7)
        for t in range(n):
            h = np.tanh(X[i, t] @ W_x + h @ W_h + b)
            np.testing.assert_allclose(H[i, t], h, rtol=1e-12)
        assert not H[i, n:].any()


def test_names_and_seeds(rng):
    seeded = [make_network(np.random.default_rng(5), dtype=d) for d in (np.float64, np.float32)]
    assert seeded[0].params.names() == (
        "recurrent0.W_x",
        "recurrent0.W_h",
        "recurrent0.b",
        "head.W",
        "head.b",
    )
    assert np.array_equal(seeded[0].params.flat.astype(np.float32), seeded[1].params.flat)
    other = make_network(np.random.default_rng(6))
    assert not np.array_equal(other.params["recurrent0.W_x"], seeded[0].params["recurrent0.W_x"])


def test_copies_have_weights_of_their_own(rng):
    network = make_network(rng)
    for again in (network.copy(), pickle.loads(pickle.dumps(network))):
        assert again.params.flat.tobytes() == network.params.flat.tobytes()
        again.params.flat[...] = 0
        assert network.params.flat.any()
        assert again.layout == network.layout


def test_weights_of_another_shape_are_refused(rng):
    network = make_network(rng)
    params = Parameters(network_shapes(replace(network.layout, hidden_sizes=(6,))), np.float64)
    with pytest.raises(ValueError, match="this network takes"):
        type(network)(network.layout, params)
