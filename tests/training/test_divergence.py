"""A training that breaks says at which sample, time step and layer, and keeps what was good."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.training.divergence import DivergedError


def quick(**options):
    options = {"hidden_size": 5, "max_iter": 4, "batch_size": 8, "random_state": 0, **options}
    return RNNClassifier(**options)


def spoil(name, value=np.nan, epoch=2, index=0):
    """Break weights once an epoch has ended."""

    def hook(state):
        if state.epoch == epoch:
            state.network.params[name].ravel()[index] = value

    return hook


def broken(estimator, *data):
    with pytest.raises(DivergedError) as caught:
        estimator.fit(*data)
    return caught.value


@pytest.fixture
def samples(rng):
    """Lengths at least 3, so that every sample has the steps that are asked for."""
    X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 8, size=23)]
    return X, np.array(["down", "up"])[[int(x[:, 0].sum() > 0) for x in X]]


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize(
    ("name", "layer", "step"),
    [
        ("recurrent0.W_x", "recurrent0", "first"),
        ("recurrent0.W_h", "recurrent0", "first"),
        ("recurrent0.reverse.b", "recurrent0.reverse", "last"),
        ("recurrent1.W_x", "recurrent1", "first"),
        ("recurrent1.reverse.W_h", "recurrent1.reverse", "last"),
        ("head.b", "head", "last"),
    ],
)
def test_the_layer_whose_weights_are_broken(samples, cell, name, layer, step):
    X, _ = samples
    clf = quick(cell=cell, n_layers=2, bidirectional=True, on_epoch=spoil(name))
    error = broken(clf, *samples)
    assert error.place.layer == layer
    sample = error.place.sample
    assert error.place.step == (0 if step == "first" else len(X[sample]) - 1)
    assert f"X[{sample}], in the {layer}" in str(error)
    assert f"left {name} not finite" in str(error)
    assert "epoch 3, batch 1" in str(error)


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("options", [{}, {"bptt_steps": 2}, {"dropout": 0.3, "residual": True}])
def test_one_value_that_overflows_is_found_in_the_callers_X(samples, readout, options):
    """Two samples with a feature that is 0 elsewhere, under a huge weight: the first in X."""
    X, y = silent(samples)
    X[17][2, 1] = X[6][2, 1] = 10
    weights = np.ones(23)
    weights[[0, 3]] = 0  # left out: the others move up
    clf = quick(readout=readout, n_layers=2, on_epoch=huge, **OVERFLOWING, **options)
    error = broken(clf, X, y, weights)
    assert error.place == (6, 2, "recurrent0", "X")
    assert np.isfinite(error.network.params.flat).all()


def test_a_step_is_counted_among_those_skipped_too(samples):
    X, y = silent(samples)
    X[6][0, 0] = np.nan
    X[6][2, 1] = 10
    clf = quick(missing="skip", on_epoch=huge, **OVERFLOWING)
    assert broken(clf, X, y).place == (6, 2, "recurrent0", "X")


OVERFLOWING = {
    "activation": "relu",
    "standardize": False,
    "dtype": "float32",
    "solver": "sgd",
    "learning_rate_init": 1e-6,
    "alpha": 0.0,
    "batch_size": 30,
}


def silent(samples):
    """The second feature 0."""
    X, y = samples
    for x in X:
        x[:, 1] = 0
    return X, y


def huge(state):
    if state.epoch == 2:
        state.network.params["recurrent0.W_x"][1] = 3e38


@pytest.mark.parametrize("bptt_steps", [None, 1, 2])
def test_an_answer_at_every_step(samples, bptt_steps):
    X, _ = silent(samples)
    y = [(x[:, 0] > 0).astype(int) for x in X]
    X[9][1, 1] = 10
    tagger = RNNTagger(5, random_state=0, on_epoch=huge, bptt_steps=bptt_steps, **OVERFLOWING)
    assert broken(tagger, X, y).place == (9, 1, "recurrent0", "X")
    y = [np.where(np.arange(len(x)) % 2, x[:, 0], np.nan) for x in X]
    regressor = RNNRegressor(5, random_state=0, on_epoch=huge, bptt_steps=bptt_steps, **OVERFLOWING)
    assert broken(regressor, X, y).place == (9, 1, "recurrent0", "X")


def test_data_held_out_and_data_passed_in_to_validate(samples):
    X, y = silent(samples)
    X_val = [x.copy() for x in X[:9]]
    X_val[4][2, 1] = 10
    clf = quick(on_epoch=huge, **OVERFLOWING)
    with pytest.raises(DivergedError, match=r"validation data.*time step 2 of X_val\[4\]"):
        clf.fit(X, y, X_val=X_val, y_val=y[:9])
    for x in X:
        x[0, 1] = 0
    held_out = set()
    for i in range(23):
        changed = [x.copy() for x in X]
        changed[i][2, 1] = 10
        place = broken(quick(on_epoch=huge, early_stopping=True, **OVERFLOWING), changed, y).place
        assert place == (i, 2, "recurrent0", "X")
        held_out.add(i)
    assert held_out == set(range(23))


def test_a_loss_that_overflows(samples):
    """Outputs finite, their squares not."""
    X, _ = samples
    hook = spoil("head.b", 1e200)
    regressor = RNNRegressor(5, random_state=0, batch_size=30, dtype="float64", on_epoch=hook)
    error = broken(regressor, X, np.arange(23.0))
    assert error.place == (0, len(X[0]) - 1, "loss", "X")


def test_a_gradient_that_overflows_names_the_step_it_came_to(rng):
    """W_h far above 1 and states that never saturate: finite there, infinite on the way back."""
    X = np.zeros((3, 60, 2), np.float32)
    X[1] = 1e-3

    def explode(state):
        params = state.network.params
        params["recurrent0.W_h"][...] = 30 * np.eye(5)
        params["recurrent0.W_x"][...] = 0
        params["recurrent0.b"][...] = 0

    clf = quick(standardize=False, readout="last", max_grad_norm=None, max_iter=2, dtype="float32")
    error = broken(clf.set_params(on_epoch=explode), X, ["a", "b", "a"])
    assert error.place.layer == "gradient of recurrent0"
    assert 0 < error.place.step < 59


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_last_good_weights_are_kept(samples, early_stopping):
    kept = []

    def spoil_later(epoch):
        kept.append(epoch.network.params.flat.copy())
        spoil("head.b", epoch=3)(epoch)

    clf = quick(on_epoch=spoil_later, max_iter=9, early_stopping=early_stopping)
    error = broken(clf, *samples)
    assert clf.history_.stopped_by == "diverged"
    assert clf.n_iter_ == len(error.history) == 3
    good = clf.best_epoch_ - 1 if early_stopping else 2
    assert clf.network_.params.flat.tobytes() == kept[good].tobytes()
    assert np.isfinite(clf.predict_proba(samples[0])).all()
    clf.set_params(on_epoch=None).partial_fit(*samples)
    assert clf.n_iter_ == 4


def test_what_was_fitted_before_is_kept_rather(samples):
    clf = quick().fit(*samples)
    before = clf.predict_proba(samples[0])
    error = broken(clf.set_params(on_epoch=spoil("head.b")), *samples)
    assert clf.predict_proba(samples[0]).tobytes() == before.tobytes()
    assert clf.history_.stopped_by == "max_iter"
    assert len(error.history) == 2


def test_the_states_in_the_folder_stay_good(samples, tmp_path):
    clf = quick(checkpoint=tmp_path, on_epoch=spoil("head.b", epoch=3))
    broken(clf, *samples)
    last = RNNClassifier.load(tmp_path / "epoch-000002.safetensors")
    assert np.isfinite(last.predict_proba(samples[0])).all()


@pytest.mark.parametrize("far", ["X_val", "y_val"])
def test_a_loss_of_validation_data_that_overflows_by_itself_names_its_sample(rng, far):
    X = [rng.normal(size=(t, 2)) for t in (3, 5, 4, 2, 6)]
    y = np.array([0.5, -1, 2, 0, 1])
    held_out = {"X_val": [x.copy() for x in X[:3]], "y_val": y[:3].copy()}
    # states and answers stay finite, and the loss does not
    held_out[far][1] = held_out[far][1] * 0 + 1e300
    options = {"activation": "relu", "standardize": False, "dtype": "float64", "random_state": 0}
    reg = RNNRegressor(3, **options) if far == "X_val" else RNNRegressor(3, random_state=0)
    with pytest.raises(DivergedError, match=r"at time step 4 of X_val\[1\], in the loss") as caught:
        reg.fit(X, y, **held_out)
    assert "huge values in X_val and y_val" in str(caught.value)
    assert "as usual" not in str(caught.value)
