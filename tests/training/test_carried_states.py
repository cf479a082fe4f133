"""`bptt_steps` and `stateful` of the estimators: pieces of sequences, and the states between."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from helpers.sequence_data import make_samples

from elman import RNNClassifier, RNNRegressor, RNNTagger

SETTINGS = {"hidden_size": 7, "max_iter": 3, "random_state": 0, "batch_size": 8}
LAST = {**SETTINGS, "readout": "last"}
StepRegressor = partial(RNNRegressor, readout="every")


def problem(kind, rng, n_samples=11):
    """An estimator of the kind, sequences of 1 to 7 steps, and targets."""
    X, y = make_samples(rng, n_samples)
    if kind is RNNTagger:
        y = [np.where(np.cumsum(x[:, 0]) > 0, "up", "down") for x in X]
    elif kind is RNNRegressor:
        y = np.array([x.sum() for x in X])
    elif kind is StepRegressor:
        y = [np.where(x[:, 1] > 1, np.nan, np.cumsum(x[:, 0])) for x in X]
    return X, y


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor, StepRegressor])
def test_short_enough_sequences_have_no_border(kind, rng):
    X, y = problem(kind, rng)
    whole = kind(**SETTINGS).fit(X, y)
    for steps in (7, 8, np.int64(99)):
        cut = kind(**SETTINGS, bptt_steps=steps).fit(X, y)
        np.testing.assert_array_equal(cut.network_.params.flat, whole.network_.params.flat)
        assert cut.loss_curve_ == whole.loss_curve_
    cut = kind(**SETTINGS, bptt_steps=2).fit(X, y)
    assert np.abs(cut.network_.params.flat - whole.network_.params.flat).max() > 1e-4


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
def test_what_is_near_is_learned_through_the_borders(readout):
    """The label is in the steps just before each end, wherever it is."""
    rng = np.random.default_rng(8)
    X = [rng.normal(size=(n, 1)) for n in rng.integers(30, 50, 120)]
    y = np.array([x[-1, 0] > 0 for x in X])
    for x, above in zip(X, y, strict=True):
        x[-6:] += 5.0 if above else -5.0
    clf = RNNClassifier(
        16, readout=readout, bptt_steps=4, max_iter=30, learning_rate_init=0.01, random_state=0
    )
    assert clf.fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("kind", [RNNTagger, StepRegressor])
def test_steps_in_pieces_are_learned_as_those_in_chunks(kind, rng):
    """One step of the optimizer for each chunk of the only batch, and for each piece: the same."""
    X, y = problem(kind, rng, 6)
    classes = [["down", "up"]]
    if kind is StepRegressor:  # its targets have one scale in all and in each piece
        X = [x[: len(x) // 3 * 3] for x in X]
        y, classes = [np.resize([1.0, -1.0, np.nan], len(x)) for x in X], []
    settings = {**SETTINGS, "learning_rate": "constant", "standardize": False, "max_iter": 1}
    cut = kind(**settings, bptt_steps=3, n_layers=2).partial_fit(X, y, *classes)
    pieces = kind(**settings, stateful=True, n_layers=2)
    for start in range(0, max(map(len, X)), 3):
        pieces.partial_fit(
            [x[start : start + 3] for x in X], [row[start : start + 3] for row in y], *classes
        )
    np.testing.assert_allclose(
        pieces.network_.params.flat, cut.network_.params.flat, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", [RNNClassifier, RNNRegressor])
def test_states_go_on_between_calls_until_reset(kind, rng):
    X, y = problem(kind, rng)
    first, second = [x[:2] for x in X], [x[2:] for x in X]
    classes = [np.unique(y)] if kind is RNNClassifier else []

    def losses(*, stateful, reset=False, copy=lambda clf: clf):
        settings = {**LAST, "standardize": False, "solver": "sgd", "learning_rate_init": 1e-300}
        clf = kind(**settings, stateful=stateful).partial_fit(first, y, *classes)
        if reset:
            assert clf.reset_state() is clf
        return copy(clf).partial_fit(second, y), kind(**settings).partial_fit(X, y, *classes)

    carried, whole = losses(stateful=True)
    # nothing was learned at such a rate: the second piece ends where the whole does
    np.testing.assert_allclose(carried.loss_curve_[1], whole.loss_curve_[0], rtol=1e-12)
    again, _ = losses(stateful=True, copy=lambda clf: pickle.loads(pickle.dumps(clf)))
    assert again.loss_curve_ == carried.loss_curve_
    afresh, _ = losses(stateful=False)
    assert afresh.loss_curve_[1] != carried.loss_curve_[1]
    reset, _ = losses(stateful=True, reset=True)
    assert reset.loss_curve_ == afresh.loss_curve_


def test_a_weight_of_zero_keeps_its_state(rng):
    X, y = problem(RNNClassifier, rng)
    weights = np.ones(len(X))
    weights[[1, 4]] = 0
    clf = RNNClassifier(**LAST, stateful=True).partial_fit(X, y, np.unique(y), weights)
    assert len(clf._going_on.states["recurrent0"]) == len(X)
    before = clf._going_on.states["recurrent0"].copy()
    clf.partial_fit([x[:0] for x in X], y)  # no more steps
    np.testing.assert_array_equal(clf._going_on.states["recurrent0"], before)


def test_another_number_of_samples_is_refused(rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**LAST, stateful=True).partial_fit(X, y, np.unique(y))
    states = clf._going_on.states
    with pytest.raises(ValueError, match=r"X has 4 samples, .* the 11 of the last .* reset_state"):
        clf.partial_fit(X[:4], y[:4])
    assert clf._going_on.states is states
    clf.reset_state().partial_fit(X[:4], y[:4])
    assert len(clf._going_on.states["recurrent0"]) == 4
    clf.fit(X, y).partial_fit(X[:5], y[:5])  # fit begins anew


@pytest.mark.parametrize("option", [{"bptt_steps": 3}, {"stateful": True}])
def test_both_directions_are_refused(option, rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SETTINGS, bidirectional=True, **option)
    name = next(iter(option))
    with pytest.raises(ValueError, match=rf"{name}=\w+ carries states .* bidirectional=False"):
        clf.fit(X, y)
    with pytest.raises(ValueError, match=rf"{name}=\w+ carries states"):
        clf.partial_fit(X, y, np.unique(y))
    fitted = RNNClassifier(**SETTINGS, bidirectional=True).fit(X, y)
    with pytest.raises(ValueError, match="whose bidirectional is True, but it is False now"):
        fitted.set_params(bidirectional=False, **option).partial_fit(X, y)


def test_files_keep_the_parameters(tmp_path, rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**LAST, bptt_steps=3, stateful=True).fit(X, y)
    clf.save(tmp_path / "model")
    loaded = RNNClassifier.load(tmp_path / "model")
    assert (loaded.bptt_steps, loaded.stateful) == (3, True)
    loaded.partial_fit(X, y).partial_fit(X, y)
