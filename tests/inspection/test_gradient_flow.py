"""The gradient at each state is that of the loss, by central differences and by the chain rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from elman.backends.cells import Cell
from elman.backends.reference import ReferenceBackend
from elman.inspection.gradient_flow import state_gradients
from elman.nn.gradient import Samples, gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import OneClass
from elman.nn.readouts import READOUTS

N_FEATURES, WIDTH, N_CLASSES = 2, 4, 3
LENGTHS = np.array([5, 3, 1, 0])
EPSILON = 1e-5


class Nudged(ReferenceBackend):
    """Takes one step a call, and moves one number of one state after one step."""

    def __init__(self, layer: int, place: tuple[int, int, int], by: float) -> None:
        self.layer, self.place, self.by = layer, place, by
        self.n_calls = 0

    def forward(self, cell, X, lengths, initial, weights, **options: Any):
        sample, step, unit = self.place
        here, self.n_calls = self.n_calls == self.layer, self.n_calls + 1
        n_samples, n_timesteps, _ = X.shape
        state = np.zeros((n_samples, cell.state_size(len(weights.W_h))))
        if initial is not None:
            state += initial
        n_steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
        H = np.zeros((n_samples, n_timesteps, len(weights.W_h)))
        for t in range(n_timesteps):
            goes_on = (n_steps > t)[:, np.newaxis]
            state = np.where(goes_on, self.step(cell, X[:, t].copy(), state, weights), state)
            if here and t == step:
                state[sample, unit] += self.by
            H[:, t] = state[:, : len(weights.W_h)] * goes_on
        out = super().forward(cell, X, lengths, initial, weights, **options)
        pooled = None
        pools = {"mean": [np.mean], "max": [np.max], "mean_max": [np.mean, np.max]}
        if options.get("outputs") in pools:
            pooled = out.pooled.copy()
            for row, n in enumerate(n_steps):
                if n:
                    found = [pool(H[row, :n], axis=0) for pool in pools[options["outputs"]]]
                    pooled[row] = np.concatenate(found)
        return out._replace(H=H, final=state, pooled=pooled)


def network_of(cell="elman", readout="last", layers=(WIDTH,), n_outputs=N_CLASSES, **options):
    layout = Layout(N_FEATURES, layers, n_outputs, Cell(cell, "tanh"), readout, **options)
    network = Network.initialised(layout, rng=np.random.default_rng(4), dtype="float64")
    network.params.flat += np.random.default_rng(5).uniform(-0.3, 0.3, network.params.flat.size)
    return network


def samples_of(lengths=LENGTHS, places=None):
    X = np.random.default_rng(6).standard_normal((len(lengths), int(lengths.max()), N_FEATURES))
    n_rows = len(X) if places is None else len(places)
    return Samples(X, lengths, np.arange(n_rows) % N_CLASSES, None, places)


def loss(network, samples, sample, backend):
    outputs = network.logits(samples.X, samples.lengths, backend)
    rows = np.arange(len(outputs)) if samples.places is None else samples.places
    of = outputs.reshape(-1, outputs.shape[-1])[rows]
    losses = OneClass().loss(of, samples.targets, None, None, 1.0)[0]
    if samples.places is None:
        return losses[sample]
    return losses[rows // samples.X.shape[1] == sample].sum()


CASES = [
    *({"cell": cell} for cell in ("elman", "gru", "lstm")),
    *({"readout": readout} for readout in READOUTS if readout != "last"),
    {"layers": (3, WIDTH), "cell": "lstm"},
    {"layers": (WIDTH, WIDTH), "residual": True, "readout": "mean"},
    {"bidirectional": True, "readout": "max"},
    {"bidirectional": True, "readout": "last", "layers": (3, WIDTH)},
    {"learn_initial_state": True},
    {"layer_norm": True},
    {"readout": ("max", "last")},
    {"readout": ("last", "mean", "max")},
    {"readout": ("max", "attention", "mean"), "bidirectional": True},
    {"readout": "every"},
]


def made(case):
    case = dict(case)
    if case.pop("layer_norm", False):
        layout = Layout(N_FEATURES, (WIDTH,), N_CLASSES, Cell("elman", "tanh", True), "last")
        return Network.initialised(layout, rng=np.random.default_rng(4), dtype="float64")
    return network_of(**case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_what_central_differences_say(case):
    network = made(case)
    places = None
    if case.get("readout") == "every":
        places = np.flatnonzero(np.arange(LENGTHS.max()) < LENGTHS[:, np.newaxis])
    samples = samples_of(places=places)
    found = state_gradients(network, samples, OneClass(), ReferenceBackend())
    order = sorted(found)  # also the order in which the layers are run
    assert len(found) == network.layout.n_layers * network.layout.n_directions
    for layer, name in enumerate(order):
        total = found[name].total
        assert not total[np.arange(total.shape[1]) >= LENGTHS[:, np.newaxis]].any()
        for sample, length in enumerate(LENGTHS):
            for step in range(length):
                for unit in range(total.shape[2]):
                    own = length - 1 - step if name.endswith("reverse") else step
                    sides = [
                        loss(network, samples, sample, Nudged(layer, (sample, own, unit), by))
                        for by in (EPSILON, -EPSILON)
                    ]
                    numeric = (sides[0] - sides[1]) / (2 * EPSILON)
                    assert total[sample, step, unit] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("lengths", [LENGTHS, None])
def test_the_way_back_step_by_step_is_that_of_training(case, lengths, backend, monkeypatch):
    network = made(case)
    samples = samples_of(np.full(3, 5) if lengths is None else lengths)
    if case.get("readout") == "every":
        samples = samples_of(samples.lengths, np.arange(5))
    samples = samples._replace(lengths=None if lengths is None else samples.lengths)
    kept = {}

    def keep(*arguments, **options):
        kept["sums"] = gradient(*arguments, need_dX=True, **options)
        return kept["sums"]

    monkeypatch.setattr("elman.inspection.gradient_flow.gradient", keep)
    state_gradients(network, samples, OneClass(), backend)
    expected = gradient(network, samples, OneClass(), backend, 1.0, need_dX=True)
    np.testing.assert_allclose(kept["sums"].dX, expected.dX, rtol=1e-9, atol=1e-12)
    for name, array in expected.gradient.items():
        np.testing.assert_allclose(
            kept["sums"].gradient[name], array, rtol=1e-9, atol=1e-12, err_msg=name
        )


def test_what_the_readout_says_is_not_called_through_time():
    """Of "last" nothing but the last step hears from the readout; of "mean" every step does."""
    lengths = np.array([5, 3])
    for readout in ("last", "mean"):
        network, samples = network_of(readout=readout), samples_of(lengths)
        total, through = state_gradients(network, samples, OneClass(), ReferenceBackend())[
            "recurrent0"
        ]
        direct = np.abs(total - through).max(axis=2) > 1e-12
        expected = {
            "last": [[0, 0, 0, 0, 1], [0, 0, 1, 0, 0]],
            "mean": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]],
        }
        assert direct.astype(int).tolist() == expected[readout]
        assert not through[0, 4].any()
        assert not through[1, 2:].any()


def test_the_network_is_left_as_it_was():
    network = network_of()
    before = network.params.flat.copy()
    state_gradients(network, samples_of(), OneClass(), ReferenceBackend())
    assert np.array_equal(network.params.flat, before)
