"""Integrated gradients add up to the answer; gradients at X are those of central differences."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import (
    MODELS,
    NETWORKS,
    classifier,
    labels,
    recordings,
    regressor,
    small,
    tagger,
)

from elman import RNNClassifier, RNNRegressor
from elman.explain import input_gradient, integrated_gradients, occlusion
from elman.models.fitted import fitted


@pytest.mark.parametrize("network", NETWORKS)
def test_values_add_up_to_the_answer(network):
    fit = classifier(dtype="float64", **NETWORKS[network])
    found = integrated_gradients(fit, recordings(), tolerance=1e-7, max_steps=4096)
    sums = np.array([values.sum() for values in found.values])
    np.testing.assert_allclose(sums, found.answers - found.baseline_answers, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        found.residual, found.answers - found.baseline_answers - sums, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("output", ["log_odds", "probability"])
@pytest.mark.parametrize("kind", ["classifier", "tagger", "several labels", "pipeline"])
def test_what_the_answer_is_measured_in_is_what_is_added_up(kind, output):
    fit = (
        MODELS[kind](dtype="float64", readout="last")
        if kind != "tagger"
        else tagger(dtype="float64")
    )
    found = integrated_gradients(fit, recordings(), output=output)
    assert np.abs(found.residual).max() <= 1e-6
    np.testing.assert_array_equal(
        found.answers, occlusion(fit, recordings(), output=output).answers
    )


def test_of_a_regressor_values_are_in_the_units_of_y():
    fit = regressor(dtype="float64")
    found = integrated_gradients(fit, recordings(), tolerance=1e-7)
    np.testing.assert_allclose(found.answers.reshape(-1, 2), fit.predict(recordings()), rtol=1e-12)
    assert np.abs(found.residual).max() <= 1e-6


def test_more_points_bring_the_sum_nearer():
    fit = classifier(dtype="float64", readout="last")
    errors = [
        np.abs(integrated_gradients(fit, recordings(), n_steps=n).residual).max() for n in (1, 3, 9)
    ]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_gradients_are_those_of_central_differences(model):
    found = input_gradient(model, recordings())
    X, eps = recordings(), 1e-3
    for row in (0, len(found) - 1):
        i = int(found.sample[row])
        asked = {"target": found.target[row]}
        if found.step is not None:
            asked["step"] = found.step[row]
        numeric = np.zeros_like(X[i])
        for place in np.ndindex(X[i].shape):
            up, down = X[i].copy(), X[i].copy()
            up[place] += eps
            down[place] -= eps
            high, low = (occlusion(model, [x], **asked).answers for x in (up, down))
            numeric[place] = (high[0] - low[0]) / (2 * eps)
        if fitted(model).steps:  # of what the estimator takes
            numeric = numeric * model[0].scale_
        np.testing.assert_allclose(found.values[row], numeric, rtol=0, atol=2e-3)
        assert np.abs(numeric).max() > 1e-2


def test_bits_are_the_same_alone_and_in_a_batch(model):
    X = recordings()
    for explain in (integrated_gradients, input_gradient):
        found = explain(model, X)
        per_sample = len(found) // len(X)
        for i in (6, 3):
            alone = explain(model, [X[i]])
            for k in range(per_sample):
                row = per_sample * i + k
                np.testing.assert_array_equal(alone.values[k], found.values[row])
                assert found.values[row].shape == X[i].shape  # padding has no entry


def test_an_ignored_feature_counts_exactly_nothing(model):
    fitted(model).model.network.params["recurrent0.W_x"][1] = 0
    for values in integrated_gradients(model, recordings()).values:
        assert not values[:, 1].any()


def test_a_value_equal_to_the_baseline_counts_exactly_nothing():
    fit = classifier()
    X = recordings()
    base = [x + 1.0 for x in X]
    base[2][3, 1] = X[2][3, 1]
    found = integrated_gradients(fit, X, baseline=base)
    assert found.values[2][3, 1] == 0
    assert np.count_nonzero(found.values[2]) == X[2].size - 1
    zero = integrated_gradients(fit, X, baseline=X)
    assert not any(values.any() for values in zero.values)
    np.testing.assert_allclose(zero.baseline_answers, zero.answers, atol=1e-6)


def test_missing_values_have_a_part_in_the_sum():
    X = recordings()
    X[2][4, 1] = np.nan
    for missing in ("mask", "skip"):
        fit = small(RNNClassifier, missing=missing, dtype="float64", readout="last").fit(
            X, labels()
        )
        found = integrated_gradients(fit, X)
        assert np.abs(found.residual).max() <= 1e-6
        assert (found.values[2][4, 1] != 0) == (missing == "mask")
        assert input_gradient(fit, X).values[2][4, 1] == 0


@pytest.mark.parametrize(
    "arguments", [{"n_steps": 0}, {"n_steps": 1.5}, {"n_steps": True}, {"max_steps": None}]
)
def test_a_number_of_points_that_is_none_is_refused(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        integrated_gradients(classifier(), recordings(), **arguments)
    with pytest.raises(ValueError, match="tolerance="):
        integrated_gradients(classifier(), recordings(), tolerance=0.0)


def test_bits_do_not_depend_on_how_much_is_computed_at_once(monkeypatch):
    from elman.explain import integrated, paths

    fit = classifier()
    whole = integrated_gradients(fit, recordings(), tolerance=1e-3)
    monkeypatch.setattr(paths, "ROWS", 3)
    monkeypatch.setattr(integrated, "AT_ONCE", 100)
    parts = integrated_gradients(fit, recordings(), tolerance=1e-3)
    for a, b in zip(whole.values, parts.values, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_network_that_tips_over_is_followed_where_it_does():
    X = np.ones((4, 15, 1))
    fit = small(RNNRegressor, hidden_size=1, readout="last", standardize=False, dtype="float64")
    fit.fit(X, np.arange(4.0))
    params = fit.model_.network.params
    params["recurrent0.W_x"][...], params["recurrent0.W_h"][...] = 1.0, 3.0
    params["recurrent0.b"][...] = -0.4
    params["head.W"][...] = 1.0
    whole = integrated_gradients(fit, X[:1], baseline=0.0)
    assert abs(whole.answers[0] - whole.baseline_answers[0]) > 1  # nearly all of tanh
    assert abs(whole.residual[0]) <= 1e-6
    fixed = integrated_gradients(fit, X[:1], baseline=0.0, n_steps=64)
    assert abs(fixed.residual[0]) > 0.1
