"""The picture of the gradient's way back has its norms, for every estimator and layer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.plotting import GradientFlowDisplay, gradient_norms

pytest.importorskip("matplotlib")

LENGTHS = (5, 3, 7)
STEPS = [np.arange(n) % 2 for n in LENGTHS]


def recordings(rng):
    return [rng.normal(3, 5, size=(n, 2)) for n in LENGTHS]


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (RNNClassifier(4, readout="mean"), ["a", "b", "a"]),
        (RNNClassifier(4, cell="lstm", readout="attention"), ["a", "b", "a"]),
        (RNNClassifier(4, readout="mean"), [[0, 1], [1, 1], [0, 0]]),
        (RNNTagger(4), STEPS),
        (RNNRegressor(4), [0.5, 2, 9]),
        (RNNClassifier(4, cell="gru", readout=("max", "mean")), ["a", "b", "a"]),
        (RNNRegressor(4, loss="huber"), [s + 0.5 for s in STEPS]),
        (RNNRegressor(4, missing="mask", readout="mean"), [[0.5, 1], [2, 1], [9, 0]]),
    ],
)
def test_every_estimator_has_a_norm_for_each_step(estimator, y, rng):
    X = recordings(rng)
    estimator.set_params(max_iter=1, random_state=0).fit(X, y)
    norms, through = gradient_norms(estimator, X, y)
    assert [*norms] == [*through] == ["layer 1"]
    assert tuple(map(len, norms["layer 1"])) == LENGTHS
    assert all((n > 0).all() for n in norms["layer 1"])
    assert all(n[-1] == 0 and (n[:-1] > 0).all() for n in through["layer 1"])


def test_samples_do_not_depend_on_each_other(rng):
    X, y = recordings(rng), ["a", "b", "a"]
    clf = RNNClassifier(4, max_iter=1, random_state=0).fit(X, y)
    norms, _ = gradient_norms(clf, X, y)
    for i, x in enumerate(X):
        alone, _ = gradient_norms(clf, [x], y[i : i + 1])
        np.testing.assert_allclose(alone["layer 1"][0], norms["layer 1"][i], rtol=1e-9)


def test_of_a_pipeline_and_a_model(rng):
    X, y = recordings(rng), ["a", "b", "a"]
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(4, max_iter=1)).fit(X, y)
    norms, _ = gradient_norms(pipeline, X, y)
    expected, _ = gradient_norms(pipeline[-1].model_, pipeline[:-1].transform(X), y)
    for a, b in zip(norms["layer 1"], expected["layer 1"], strict=True):
        assert np.array_equal(a, b)


def test_every_layer_and_direction_has_a_line(rng):
    X, y = recordings(rng), [0, 1, 0]
    clf = RNNClassifier(3, n_layers=2, bidirectional=True, max_iter=1, readout="mean").fit(X, y)
    display = GradientFlowDisplay.from_estimator(clf, X, y)
    names = ["layer 1", "layer 1, backward", "layer 2", "layer 2, backward"]
    assert [*display.norms] == names
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [*names, "the part through later steps"]
    frame = display.frame()
    assert len(frame) == 4 * sum(LENGTHS)
    assert frame["sample"][: sum(LENGTHS)].tolist() == np.repeat([0, 1, 2], LENGTHS).tolist()
    assert frame["steps_before_the_end"][:5].tolist() == [4, 3, 2, 1, 0]


def test_with_readout_last_all_of_it_comes_through_time(rng):
    X, y = recordings(rng), [0, 1, 0]
    clf = RNNClassifier(3, readout="last", max_iter=1).fit(X, y)
    display = GradientFlowDisplay.from_estimator(clf, X, y)
    assert display.ax_.get_legend() is None
    for all_of_it, part in zip(
        display.norms["layer 1"], display.through_time["layer 1"], strict=True
    ):
        np.testing.assert_allclose(all_of_it[:-1], part[:-1], rtol=1e-12)


def test_it_draws_the_median_by_steps_before_the_end():
    norms = {"layer 1": [[1, 2, 4], [8], [3, 6]]}
    display = GradientFlowDisplay.from_norms(norms)
    assert display.ax_.lines[0].get_xydata().tolist() == [[0, 6], [1, 2.5], [2, 1]]
    assert display.ax_.xaxis.get_inverted()
    # what is left at the first step: 1/4, 1, 1/2
    assert "50.0% of its peak" in display.ax_.get_title()


@pytest.mark.parametrize(
    ("norms", "verdict"),
    [
        ([[0, 0, 1.0]], "No, it is 0 there."),
        ([[0, 0, 0]], "There is none."),
        ([[1e-9, 1e-5, 1.0]], "1e-09 of its peak there."),
    ],
)
def test_a_gradient_that_has_vanished(norms, verdict):
    title = GradientFlowDisplay.from_norms({"layer 1": norms}).ax_.get_title()
    assert verdict in title


@pytest.mark.parametrize(
    ("norms", "through", "error"),
    [
        ({}, None, "no time step"),
        ({"layer 1": [[]]}, None, "no time step"),
        ({"layer 1": [[[1.0]]]}, None, r"norms\['layer 1'\]\[0\] must be a number for each"),
        ({"layer 1": [[1.0]]}, {"layer 1": [[1.0, 2.0]]}, "other lengths"),
    ],
)
def test_norms_that_cannot_be_drawn_are_refused(norms, through, error):
    with pytest.raises(ValueError, match=error):
        GradientFlowDisplay(norms, through_time=through)


def test_bad_targets_are_refused_as_in_fit(rng):
    X, y = recordings(rng), ["a", "b", "a"]
    clf = RNNClassifier(3, max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="'c'"):
        gradient_norms(clf, X, ["a", "b", "c"])


def test_steps_that_are_skipped_are_left_out(rng):
    X, y = recordings(rng), ["a", "b", "a"]
    X[0][2, 1] = np.nan
    clf = RNNClassifier(3, max_iter=1, missing="skip", random_state=0).fit(X, y)
    norms, _ = gradient_norms(clf, X, y)
    assert [len(n) for n in norms["layer 1"]] == [4, 3, 7]
    kept = [np.delete(X[0], 2, axis=0), *X[1:]]
    expected, _ = gradient_norms(clf, kept, y)
    for a, b in zip(norms["layer 1"], expected["layer 1"], strict=True):
        np.testing.assert_array_equal(a, b)


def test_time_steps_without_a_label_say_nothing(rng):
    X = recordings(rng)
    y = [["a", "b", None, None, None], [None] * 3, ["b"] * 7]
    tagger = RNNTagger(3, max_iter=1, random_state=0).fit(X, y)
    norms, _ = gradient_norms(tagger, X, y)
    assert (norms["layer 1"][0] > 0).tolist() == [True, True, False, False, False]
    assert not norms["layer 1"][1].any()
    assert (norms["layer 1"][2] > 0).all()


def test_a_gradient_of_which_the_square_is_zero_is_not_zero(rng):
    X, y = [rng.normal(size=(9, 2))], ["a"]
    clf = RNNClassifier(3, readout="last", max_iter=1, dtype="float32", random_state=0)
    clf.fit([*X, *X], ["a", "b"])
    clf.network_.params["recurrent0.W_h"][...] *= 1e-30
    norms, _ = gradient_norms(clf, X, y)
    first = norms["layer 1"][0][0]
    assert 0 < first < 1e-200
