"""Two-step rescaling is the product of two changes of an explanation."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from helpers.explained import classifier, labels, recordings, regressor, small, tagger

from elman import RNNClassifier
from elman.explain import input_gradient, integrated_gradients, occlusion, two_step_rescaling


@pytest.mark.parametrize("explain", [None, input_gradient, partial(occlusion, by="mean")])
def test_a_value_is_the_change_by_the_step_times_the_change_by_the_feature(explain):
    fit, x = classifier(), recordings()[0]
    found = two_step_rescaling(fit, [x], explain=explain, quantile=0.0)
    way = explain or partial(integrated_gradients, n_steps=16)

    def relevance(version):
        return way(fit, [version], target=found.target[0]).values[0]

    def change(t, features):
        version = x.copy()
        version[t, features] = fit.mean_[features]
        return np.abs(relevance(x) - relevance(version)).sum()

    of_time = np.array([change(t, slice(None)) for t in range(len(x))])
    for t in range(len(x)):
        expected = [change(t, i) * of_time[t] for i in range(3)]
        if of_time[t] == of_time.min():
            expected = [0, 0, 0]
        np.testing.assert_allclose(found.values[0][t], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.8])
def test_steps_that_matter_little_have_nothing(quantile):
    found = two_step_rescaling(classifier(), recordings(), quantile=quantile)
    for values, x in zip(found.values, recordings(), strict=True):
        assert values.shape == x.shape
        n_left = np.count_nonzero(values.any(axis=1))
        assert n_left == np.count_nonzero(np.arange(len(x)) > quantile * (len(x) - 1))
        assert (values >= 0).all()


def test_it_explains_what_the_others_explain(model):
    X = recordings()
    found = two_step_rescaling(model, X)
    same = integrated_gradients(model, X)
    assert found.target.tolist() == same.target.tolist()
    np.testing.assert_array_equal(found.answers, same.answers)
    row = len(found) // len(X) * 6
    alone = two_step_rescaling(model, [X[6]])
    np.testing.assert_array_equal(alone.values[0], found.values[row])


def test_steps_that_the_model_leaves_out_have_nothing():
    X = recordings()
    X[2][[0, 4], 1] = np.nan
    fit = small(RNNClassifier, missing="skip").fit(X, labels())
    found = two_step_rescaling(fit, X, quantile=0.0)
    assert not found.values[2][[0, 4]].any()
    assert np.isfinite(found.values[2]).all()


def test_a_baseline_of_each_recording():
    X = recordings()
    found = two_step_rescaling(regressor(), X, baseline=[x + 1 for x in X], target=1)
    same = two_step_rescaling(regressor(), X[2:3], baseline=[X[2] + 1], target=1)
    np.testing.assert_array_equal(found.values[2], same.values[0])


def test_two_dimensional_x():
    X = np.random.default_rng(0).normal(size=(6, 5))
    fit = small(RNNClassifier).fit(X, np.arange(6) % 2)
    assert two_step_rescaling(fit, X).values[0].shape == (5, 1)


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"quantile=1\.0"):
        two_step_rescaling(classifier(), recordings(), quantile=1.0)
    with pytest.raises(ValueError, match="whole time steps"):
        two_step_rescaling(classifier(), recordings(), explain=occlusion)
    assert (two_step_rescaling(tagger(), recordings(), step=0).step == 0).all()
