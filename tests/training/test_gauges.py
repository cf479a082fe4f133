"""Share of saturated units and spectral radius: the right numbers, and no influence on training."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.sequence_data import draw_network, make_samples

from elman import RNNClassifier
from elman.backends.cells import Cell
from elman.data.prepared import Prepared
from elman.data.validation import check_sequences
from elman.training.gauges import interval, probe, saturated, spectral_radii, spectral_radius


def network_of(cell, rng, *, activation="tanh", **options):
    return draw_network(
        2, 7, 3, cell=Cell(cell, activation), readout="max", rng=rng, dtype=np.float64, **options
    )


@pytest.mark.parametrize("size", [1, 2, 7, 33])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spectral_radius_is_that_of_the_eigenvalues(backend, rng, size, dtype):
    for _ in range(5):
        A = (rng.normal(size=(size, size)) * 1.7).astype(dtype)
        expected = np.abs(np.linalg.eigvals(A)).max()
        np.testing.assert_allclose(spectral_radius(A, backend), expected, rtol=0.01)
        Q = np.linalg.qr(A)[0]
        np.testing.assert_allclose(spectral_radius(Q, backend), 1, rtol=1e-6)


def test_spectral_radius_of_matrices_that_vanish_turn_or_hold_nan(backend):
    assert spectral_radius(np.zeros((3, 3)), backend) == 0
    assert spectral_radius(np.triu(np.ones((5, 5)), 1), backend) == 0
    turn = np.array([[0.0, 4.0], [-1.0, 0.0]])
    np.testing.assert_allclose(spectral_radius(turn, backend), 2, rtol=1e-12)
    assert np.isnan(spectral_radius(np.full((2, 2), np.nan), backend))
    big = np.diag([1e30, 1e29]).astype(np.float32)
    np.testing.assert_allclose(spectral_radius(big, backend), 1e30, rtol=1e-6)


@pytest.mark.parametrize(("cell", "block"), [("elman", 0), ("gru", 2), ("lstm", 2)])
def test_spectral_radii_are_those_of_each_layers_candidate(backend, rng, cell, block):
    network = network_of(cell, rng, n_layers=2, bidirectional=True)
    network.params.flat[...] = rng.normal(size=network.params.flat.shape)
    radii = spectral_radii(network, backend)
    assert list(radii) == ["recurrent0", "recurrent0.reverse", "recurrent1", "recurrent1.reverse"]
    for layer, radius in radii.items():
        W_h = network.params[f"{layer}.W_h"][:, 7 * block : 7 * (block + 1)]
        np.testing.assert_allclose(radius, np.abs(np.linalg.eigvals(W_h)).max(), rtol=0.02)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["ragged", "equal"])
def test_share_of_saturated_states(backend, rng, kind, bidirectional):
    X = Prepared(check_sequences(make_samples(rng, 9, kind)[0], dtype=np.float64))
    network = network_of("elman", rng, bidirectional=bidirectional)
    network.params.flat[...] *= 5
    flat, n = 0, 0
    for i in (0, 3, 8):
        H = network.hidden_states(np.ascontiguousarray(X.data[i])[np.newaxis], None, backend)
        flat, n = flat + np.count_nonzero(1 - H**2 < 0.05), n + H.size
    assert 0 < flat < n
    assert saturated(network, X, np.array([0, 3, 8]), backend) == flat / n


def test_share_of_saturated_gates(backend, rng):
    X = Prepared(check_sequences(make_samples(rng, 9, "ragged")[0], dtype=np.float64))
    for cell, gate, n_gates in (("gru", 1, 3), ("lstm", 3, 4)):
        network = network_of(cell, rng)
        network.params.flat[...] *= 0.1
        assert saturated(network, X, np.arange(9), backend) == 0
        network.params["recurrent0.b"][7 * gate : 7 * gate + 7] = 50  # one gate open for good
        assert saturated(network, X, np.arange(9), backend) == pytest.approx(1 / n_gates)
    # a relu that is never above zero
    network = network_of("elman", rng, activation="relu")
    network.params["recurrent0.W_h"][...] = 0
    network.params["recurrent0.b"][:4] = -99
    network.params["recurrent0.b"][4:] = 99
    assert saturated(network, X, np.arange(9), backend) == 4 / 7


def test_no_steps_are_no_saturation(backend, rng):
    X = check_sequences([np.zeros((0, 2))], dtype=np.float64, ensure_min_timesteps=0)
    assert saturated(network_of("elman", rng), X, np.array([0]), backend) == 0
    assert len(probe(X)) == 1


def test_long_and_many_samples_are_looked_at_in_part(rng, backend):
    X = check_sequences(rng.normal(size=(1000, 3, 2)), dtype=np.float64)
    samples = probe(X)
    assert len(samples) == len(set(samples)) == 32
    assert samples.max() < 1000
    network = network_of("elman", rng)
    network.params.flat[...] *= 0.1
    long = rng.normal(size=(1, 300, 2))
    long[:, 256:] = 1e6  # past what is looked at
    assert saturated(network, check_sequences(long, dtype=None), np.array([0]), backend) == 0


def test_gauges_are_read_less_often_where_an_epoch_is_short(rng):
    network = network_of("elman", rng)
    few = check_sequences(rng.normal(size=(3, 5, 2)), dtype=np.float64)
    many = check_sequences(rng.normal(size=(3000, 50, 2)), dtype=np.float64)
    assert interval(network, few, 1) == 10
    assert interval(network, many, 300) == 1


def test_history_has_the_gauges_and_training_the_same_bits_without(rng, monkeypatch):
    X, y = make_samples(rng, 30, "ragged")
    clf = RNNClassifier(7, n_layers=2, max_iter=12, random_state=0).fit(X, y)
    history = clf.history_
    read = [i for i, share in enumerate(history.saturated) if share is not None]
    assert read == [0, 10, 11]
    assert all(0 <= history.saturated[i] <= 1 for i in read)
    assert read == [i for i, radii in enumerate(history.spectral_radius) if radii is not None]
    assert set(history.spectral_radius[11]) == {"recurrent0", "recurrent1"}
    assert len(history.sequences_per_second) == 12
    assert min(history.sequences_per_second) > 0
    frame = history.to_frame()
    assert frame["spectral_radius.recurrent1"].count() == 3
    W_h = clf.weights_["recurrent1.W_h"]
    last = frame["spectral_radius.recurrent1"].iloc[-1]
    np.testing.assert_allclose(last, np.abs(np.linalg.eigvals(W_h)).max(), rtol=0.02)
    monkeypatch.setattr("elman.training.loop.saturated", lambda *args: 0.0)
    monkeypatch.setattr("elman.training.loop.spectral_radii", lambda *args: {})
    plain = RNNClassifier(7, n_layers=2, max_iter=12, random_state=0).fit(X, y)
    assert plain.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert plain.loss_curve_ == clf.loss_curve_
    assert list(plain.history_.to_frame().columns) == [
        c for c in frame.columns if not c.startswith("spectral_radius")
    ]


def test_the_gauges_are_saved(rng, tmp_path):
    X, y = make_samples(rng, 30, "equal")
    clf = RNNClassifier(7, max_iter=2, random_state=0).fit(X, y)
    clf.save(tmp_path / "model")
    assert RNNClassifier.load(tmp_path / "model").history_ == clf.history_
    longer = clf.partial_fit(X, y).history_
    assert len(longer.saturated) == len(longer.sequences_per_second) == 3
