"""What occlusion gives is what is left of an answer when a part of a recording is taken away."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import (
    CLASSES,
    NETWORKS,
    classifier,
    labels,
    pipeline,
    recordings,
    regressor,
    regressor_of_steps,
    several_labels,
    small,
    tagger,
)

from elman import RNNClassifier
from elman.explain import occlusion
from elman.models.fitted import fitted


def log_odds(z, k):
    """By its definition, and not as the package computes it."""
    p = np.exp(z.astype(float) - z.max())
    p /= p.sum()
    return float(np.log(p[k] / (1 - p[k])))


def without(x, t, width, by, mean):
    """All versions of a recording without its steps from t on."""
    if by == "delete":
        return [np.delete(x, range(t, t + width), axis=0)]
    versions = []
    for features in [slice(None)] if by == "window" else range(x.shape[1]):
        version = x.copy()
        version[t : t + width, features] = mean[features]
        versions.append(version)
    return versions


def by_hand(answer, x, by, width, mean):
    """Occlusion by its definition, one recording after another."""
    width = min(width, len(x))
    n = x.shape[1] if by == "mean" else 1
    total, count = np.zeros((len(x), n)), np.zeros((len(x), 1))
    for t in range(len(x) - width + 1):
        lost = [answer(x) - answer(v) for v in without(x, t, width, by, mean)]
        total[t : t + width] += lost
        count[t : t + width] += 1
    return total / count


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("by", ["delete", "mean", "window"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_value_is_the_answer_less_the_answer_without(network, by, window):
    fit = classifier(**NETWORKS[network])
    model = fit.model_
    found = occlusion(fit, recordings(), by=by, window=window)
    for i in (2, 3, 4):  # of 9 steps, of 1, of 4
        k = int(np.flatnonzero(CLASSES[np.argsort(CLASSES)] == found.target[i])[0])

        def answer(x, k=k):
            return log_odds(model.logits(model.check([x]))[0], k)

        expected = by_hand(answer, recordings()[i], by, window, model.standardisation.mean)
        np.testing.assert_allclose(found.values[i], expected, rtol=0, atol=1e-12)
        assert found.answers[i] == pytest.approx(answer(recordings()[i]), abs=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("by", ["delete", "mean", "window"])
def test_of_a_tagger_the_answer_at_a_step_is_explained(by, bidirectional):
    fit = tagger(bidirectional=bidirectional)
    model = fit.model_
    before = model.network.logits_before(model.current_backend())
    X = recordings()
    for step in (-1, 0, [3, 4, 6, 0, 1, -2, 2]):
        found = occlusion(fit, X, by=by, step=step)
        for i in (0, 2, 3, 5):
            t = int(found.step[i])
            k = fit.classes_.tolist().index(found.target[i])
            expected = np.zeros_like(found.values[i])
            whole = log_odds(model.logits_over_time(model.check([X[i]]))[0][t], k)
            for s in range(len(X[i])):
                answers = []
                for v in without(X[i], s, 1, by, model.standardisation.mean):
                    z = model.logits_over_time(model.check([v]))[0]
                    at = t if by != "delete" or s > t else t - 1
                    answers.append(log_odds(z[at] if at >= 0 else before, k))
                expected[s] = whole - np.array(answers)
            np.testing.assert_allclose(found.values[i], expected, rtol=0, atol=1e-12)
            if not bidirectional:
                assert not found.values[i][t + 1 :].any()


def test_values_of_a_regressor_are_in_the_units_of_y():
    fit = regressor()
    X = recordings()
    found = occlusion(fit, X)
    assert found.sample.tolist() == np.repeat(np.arange(len(X)), 2).tolist()
    assert found.target.tolist() == [0, 1] * len(X)
    np.testing.assert_allclose(found.answers.reshape(-1, 2), fit.predict(X), rtol=1e-12)
    x = X[2]
    lost = fit.predict([x])[0] - fit.predict([np.delete(x, 3, axis=0)])[0]
    np.testing.assert_allclose([found.values[4][3, 0], found.values[5][3, 0]], lost, atol=1e-6)
    second = occlusion(fit, X, target=1)
    for row, values in enumerate(second.values):
        np.testing.assert_array_equal(values, found.values[2 * row + 1])
    of_steps = occlusion(regressor_of_steps(), X, step=0)
    assert (of_steps.step == 0).all()


def test_several_labels_are_explained_one_by_one():
    fit = several_labels()
    X = recordings()
    found = occlusion(fit, X)
    assert found.target.tolist() == [0, 1] * len(X)
    p = fit.predict_proba(X).astype(float).ravel()
    np.testing.assert_allclose(found.answers, np.log(p / (1 - p)), atol=1e-5)


@pytest.mark.parametrize("by", ["delete", "mean", "window"])
def test_bits_are_the_same_alone_and_in_a_batch(model, by):
    X = recordings()
    found = occlusion(model, X, by=by)
    per_sample = len(found) // len(X)
    for i in (6, 3):
        alone = occlusion(model, [X[i]], by=by)
        for k in range(per_sample):
            row = per_sample * i + k
            np.testing.assert_array_equal(alone.values[k], found.values[row])
            assert alone.answers[k] == found.answers[row]
            n_features = 3 if by == "mean" else 1
            assert found.values[row].shape == (len(X[i]), n_features)  # padding has no entry


def test_an_ignored_feature_counts_exactly_nothing(model):
    for name, weights in fitted(model).model.network.params.items():
        if name == "recurrent0.W_x":
            weights[1] = 0
    found = occlusion(model, recordings(), by="mean")
    for values in found.values:
        assert not values[:, 1].any()
    assert any(values.any() for values in found.values)


def test_a_pipeline_is_explained_through_its_steps():
    pipe = pipeline()
    X = recordings()
    scaled = pipe[:-1].transform(X)
    for by in ("delete", "mean"):
        found = occlusion(pipe, X, by=by)
        same = occlusion(pipe[-1], scaled, by=by, baseline=0.0)
        for a, b in zip(found.values, same.values, strict=True):
            np.testing.assert_array_equal(a, b)
    given = occlusion(pipe, X, by="mean", baseline=pipe[0].mean_)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(given.values, occlusion(pipe, X, by="mean").values, strict=True)
    )


def test_a_masked_value_is_overwritten_with_its_indicator():
    X = recordings()
    X[2][4, 1] = np.nan
    fit = small(RNNClassifier, missing="mask").fit(X, labels())
    found = occlusion(fit, X, by="mean")
    filled = X[2].copy()
    filled[4, 1] = fit.mean_[1]
    k = fit.classes_.tolist().index(found.target[2])
    z = fit.model_.logits(fit.model_.check([X[2], filled]))
    expected = log_odds(z[0], k) - log_odds(z[1], k)
    assert found.values[2][4, 1] == pytest.approx(expected, abs=1e-6)
    assert expected != 0


@pytest.mark.parametrize("by", ["delete", "mean", "window"])
def test_a_step_that_is_skipped_counts_exactly_nothing(by):
    X = recordings()
    X[2][[0, 4], 1] = np.nan
    fit = small(RNNClassifier, missing="skip").fit(X, labels())
    found = occlusion(fit, X, by=by)
    shorter = occlusion(fit, [X[2][[1, 2, 3, 5, 6, 7, 8]]], by=by, target=found.target[2])
    np.testing.assert_array_equal(found.values[2][[1, 2, 3, 5, 6, 7, 8]], shorter.values[0])
    assert not found.values[2][[0, 4]].any()


def test_two_dimensional_x_has_one_feature():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 5))
    fit = small(RNNClassifier).fit(X, np.arange(6) % 2)
    found = occlusion(fit, X, by="mean")
    assert found.values[0].shape == (5, 1)
    assert found.feature_names == ("feature 0",)
    steps = np.arange(5.0)
    given = occlusion(fit, X, by="mean", baseline=steps)
    version = X[:1].copy()
    version[0, 3] = 3.0
    z = fit.decision_function(np.vstack([X[:1], version]))
    sign = 1 if given.target[0] == 1 else -1
    assert given.values[0][3, 0] == pytest.approx(sign * float(z[0] - z[1]), abs=1e-6)


def test_a_recording_without_steps_has_no_entry():
    fit = classifier()
    found = occlusion(fit, [np.empty((0, 3)), recordings()[0]], by="mean")
    assert found.values[0].shape == (0, 3)
    with pytest.raises(ValueError, match="sample 0 has no time step"):
        occlusion(tagger(), [np.empty((0, 3))])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "zero"}, "by='zero'"),
        ({"window": 0}, "window=0"),
        ({"window": True}, "window=True"),
        ({"target": "maybe"}, "target='maybe' is not one of the model's classes"),
        ({"target": ["no", "yes"]}, r"shape \(2,\)"),
        ({"step": 2}, "one answer for each recording"),
        ({"output": "logit"}, "output='logit'"),
        ({"by": "mean", "baseline": "zero"}, "baseline='zero'"),
        ({"by": "mean", "baseline": [1.0, 2.0]}, "2 numbers, but X has 3 features"),
        ({"by": "mean", "baseline": recordings()[:2]}, "2 recordings, but X has 7"),
        ({"by": "mean", "baseline": recordings()[::-1]}, "sample 0 has 8 time steps"),
        ({"by": "mean", "baseline": [np.nan] * 3}, "NaN"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        occlusion(classifier(), recordings(), **arguments)


def test_models_and_data_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="not fitted"):
        occlusion(RNNClassifier(), recordings())
    with pytest.raises(TypeError, match="expected a fitted"):
        occlusion("model", recordings())
    with pytest.raises(ValueError, match="2 features"):
        occlusion(classifier(), recordings(2))
    with pytest.raises(ValueError, match="0 sample"):
        occlusion(classifier(), [])
    with pytest.raises(ValueError, match="does not know the mean"):
        occlusion(classifier(standardize=False), recordings(), by="mean")
    with pytest.raises(ValueError, match="step 5 is not one of the 5 time steps of X"):
        occlusion(tagger(), recordings(), step=5)
    with pytest.raises(ValueError, match=r"step=1\.5"):
        occlusion(tagger(), recordings(), step=1.5)
    with pytest.raises(ValueError, match="target=2 is not one of the model's numbers of targets"):
        occlusion(regressor(), recordings(), target=2)
    with pytest.raises(ValueError, match="'value'"):
        occlusion(regressor(), recordings(), output="probability")


def test_probabilities_are_explained_as_they_are():
    fit = classifier()
    X = recordings()
    found = occlusion(fit, X, target="why", output="probability")
    k = fit.classes_.tolist().index("why")
    p = fit.predict_proba([X[2], np.delete(X[2], 4, axis=0)])[:, k]
    assert found.answers[2] == pytest.approx(p[0], abs=1e-6)
    assert found.values[2][4, 0] == pytest.approx(float(p[0]) - float(p[1]), abs=1e-6)
    each = occlusion(fit, X, target=labels())
    assert each.target.tolist() == labels().tolist()
