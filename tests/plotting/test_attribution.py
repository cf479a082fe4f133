"""The picture of an explanation has its colours and its signal in the right places."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from helpers.explained import MODELS, classifier, recordings, regressor, small, tagger

from elman import RNNClassifier
from elman.explain import (
    input_gradient,
    integrated_gradients,
    occlusion,
    two_step_rescaling,
)
from elman.plotting import AttributionDisplay

pytest.importorskip("matplotlib")


def colours(display):
    """The values of the heat map, (n_features, n_timesteps)."""
    return np.asarray(display.ax_.images[0].get_array())


@pytest.mark.parametrize("by", ["mean", "delete"])
def test_a_row_for_each_feature_with_its_signal(by):
    fit, X = classifier(), recordings()
    explanation = occlusion(fit, X, by=by)
    display = AttributionDisplay.from_explanation(fit, explanation, X, row=2)
    expected = np.broadcast_to(explanation.values[2], X[2].shape)
    np.testing.assert_array_equal(colours(display), expected.T)
    image = display.ax_.images[0]
    assert image.get_clim() == (-np.abs(expected).max(), np.abs(expected).max())
    lines = [line for line in display.ax_.lines if len(line.get_xdata()) == len(X[2])]
    assert len(lines) == 2 * 3  # each on a light edge
    for feature, line in enumerate(lines[::2]):
        height = -(line.get_ydata() - feature)
        assert np.abs(height).max() < 0.5
        assert np.corrcoef(height, X[2][:, feature])[0, 1] == pytest.approx(1)
        assert line.get_xdata().tolist() == list(range(len(X[2])))
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["feature 0", "feature 1", "feature 2"]
    frame = display.frame()
    assert len(frame) == X[2].size
    assert display._repr_png_().startswith(b"\x89PNG")


def test_features_that_count_most_are_drawn():
    values = np.zeros((4, 7))
    values[1, 5], values[2, 0], values[3, 3] = -3.0, 2.0, 1.0
    signal = np.arange(28.0).reshape(4, 7)
    display = AttributionDisplay(values, signal, n_features=2).plot()
    assert display.features.tolist() == [0, 5]
    np.testing.assert_array_equal(colours(display), values[:, [0, 5]].T)
    assert "the 2 of 7 features that count most" in display.ax_.get_ylabel()
    assert AttributionDisplay(values, signal, n_features=None).features.tolist() == list(range(7))


def test_titles_say_what_is_explained():
    X = recordings()
    fit = classifier()
    p = fit.predict_proba([X[0]])[0].max()
    title = AttributionDisplay.from_estimator(fit, X[0]).ax_.get_title()
    assert title == f'What speaks for "{fit.predict([X[0]])[0]}", whose probability is {p:.1%}'
    way = partial(occlusion, step=2)
    title = AttributionDisplay.from_estimator(tagger(), X[0], explain=way).ax_.get_title()
    assert "at step 2" in title
    explanation = integrated_gradients(regressor(), X)
    display = AttributionDisplay.from_explanation(regressor(), explanation, X, row=3)
    assert "target 1 rests on" in display.ax_.get_title()
    assert "raises" in display.label


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("explain", "label"),
    [(None, ""), (two_step_rescaling, "how much"), (input_gradient, "slope"), (occlusion, "")],
)
def test_every_kind_of_model_and_explanation(kind, explain, label):
    x = recordings()[5]
    display = AttributionDisplay.from_estimator(MODELS[kind](), x, explain=explain)
    assert label in display.label
    assert display.signal.shape == x.shape


def test_one_step_a_missing_value_a_constant_feature_and_two_dimensions():
    AttributionDisplay(np.zeros((1, 2)), np.zeros((1, 2))).plot()
    X = recordings()
    X[2][4, 1] = np.nan
    X[2][:, 0] = 3.0
    fit = small(RNNClassifier, missing="mask").fit(X, np.arange(7) % 2)
    AttributionDisplay.from_estimator(fit, X[2]).plot()
    X = np.random.default_rng(0).normal(size=(6, 5))
    fit = small(RNNClassifier).fit(X, np.arange(6) % 2)
    assert AttributionDisplay.from_estimator(fit, X[2]).values.shape == (5, 1)


def test_what_does_not_belong_together_is_refused():
    fit, X = classifier(), recordings()
    explanation = occlusion(fit, X)
    with pytest.raises(ValueError, match="which X does not have"):
        AttributionDisplay.from_explanation(fit, explanation, X[::-1], row=1)
    with pytest.raises(IndexError, match="row 7 of an explanation of 7 rows"):
        AttributionDisplay.from_explanation(fit, explanation, X, row=7)
    with pytest.raises(ValueError, match="one recording"):
        AttributionDisplay.from_estimator(fit, X[:2])
    with pytest.raises(ValueError, match="whole time steps"):
        AttributionDisplay(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="no colour"):
        AttributionDisplay(np.full((4, 3), np.nan), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="n_features=0"):
        AttributionDisplay(np.zeros((4, 3)), np.zeros((4, 3)), n_features=0)
    with pytest.raises(ValueError, match="2 entries for 3 features"):
        AttributionDisplay(np.zeros((4, 3)), np.zeros((4, 3)), names=["a", "b"])
