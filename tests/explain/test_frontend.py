"""Explanations of models with a front end are about the time steps of X, and exact."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import MODELS, classifier, recordings, tagger

from elman.explain import (
    input_gradient,
    integrated_gradients,
    occlusion,
    shortest_prefix,
    two_step_rescaling,
)

FRONTS = [{"deltas": 2}, {"deltas": 1, "stride": 3}, {"stride": 2, "scale_each": True}]
LOGITS = {"dtype": "float64"}


def log_odds(fit, X):
    """Of the class that is answered, (n, n_classes) or of the last step of each."""
    found = fit.predict_proba(X)
    shares = np.stack([p[-1] if p.ndim == 2 else p for p in found])
    return np.log(shares / (1 - shares))


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("make", [classifier, tagger])
def test_a_gradient_is_that_of_central_differences(make, front):
    fit = make(**LOGITS, **front)
    X = recordings()[:3]
    found = input_gradient(fit, X)
    for i, x in enumerate(X):
        column = fit.classes_.tolist().index(found.target[i])
        assert found.values[i].shape == x.shape
        for place in [(0, 0), (1, 2), (len(x) - 1, 1)]:
            step = np.zeros(x.shape)
            step[place] = 1e-5
            ends = [log_odds(fit, [x + sign * step])[0, column] for sign in (1, -1)]
            numeric = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(found.values[i][place], numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "pipeline"])
def test_values_add_up_to_the_answer(kind, front):
    fit = MODELS[kind](**LOGITS, **front)
    # One that changes: a constant recording has no amplitude.
    baseline = [0.1 + 0.5 * np.cos(x[::-1]) for x in recordings()[:3]]
    found = integrated_gradients(fit, recordings()[:3], baseline=baseline)
    assert np.abs(found.residual).max() <= 1e-5
    assert [v.shape for v in found.values[:1]] == [recordings()[0].shape]


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("make", [classifier, tagger])
def test_what_is_removed_is_a_time_step_of_X(make, front):
    fit = make(**LOGITS, **front)
    x = recordings()[2]
    found = occlusion(fit, [x])
    column = fit.classes_.tolist().index(found.target[0])
    whole = log_odds(fit, [x])[0, column]
    for t in range(len(x)):
        left = log_odds(fit, [np.delete(x, t, axis=0)])[0, column]
        np.testing.assert_allclose(found.values[0][t, 0], whole - left, rtol=1e-9, atol=1e-12)
    written = occlusion(fit, [x], by="mean", baseline=0.3)
    changed = x.copy()
    changed[4, 1] = 0.3
    left = log_odds(fit, [changed])[0, column]
    np.testing.assert_allclose(written.values[0][4, 1], whole - left, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("front", FRONTS, ids=str)
def test_a_shortest_prefix_is_one_that_is_asked_alone(front):
    fit = classifier(**front)
    X = recordings()
    found = shortest_prefix(fit, X)
    for x, n, answer in zip(X, found.n_steps, found.answers, strict=True):
        asked = fit.predict([x[:k] for k in range(len(x) + 1)])
        n = int(n)
        assert (asked[n:] == answer).all()
        assert n == 0 or asked[n - 1] != answer


def test_what_is_missing_has_no_gradient_behind_a_front_end():
    fit = classifier(missing="mask", deltas=1)
    X = recordings()
    X[0][2, 1] = np.nan
    with pytest.raises(ValueError, match=r"X\[0\] has a missing value \(step 2, feature 1\)"):
        integrated_gradients(fit, X)
    assert np.isfinite(occlusion(fit, X).values[0]).all()
    X[0][2, 1] = 0.5
    assert np.abs(integrated_gradients(fit, X).residual).max() < 1e-4


def test_a_step_and_then_a_feature():
    found = two_step_rescaling(classifier(deltas=1, stride=2), recordings()[:1])
    assert found.values[0].shape == recordings()[0].shape
