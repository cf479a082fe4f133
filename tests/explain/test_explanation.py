"""What an explanation says of itself: the strongest entries, a table and a text."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from helpers.explained import classifier, labels, recordings, regressor, small, tagger
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier, RNNTagger, SequenceScaler
from elman.data.named import NamedSequences
from elman.explain import (
    input_gradient,
    integrated_gradients,
    occlusion,
    permutation_importance,
    shortest_prefix,
    two_step_rescaling,
)
from elman.models import files

WAYS = {
    "delete": occlusion,
    "mean": partial(occlusion, by="mean"),
    "window": partial(occlusion, by="window", window=2, baseline=30.0),
    "integrated": integrated_gradients,
    "from 30": partial(integrated_gradients, baseline=30.0),
    "gradient": input_gradient,
    "rescaling": two_step_rescaling,
    "rescaling of gradients": partial(two_step_rescaling, explain=input_gradient, baseline=30.0),
}


def test_top_has_the_strongest_entries_of_each_row():
    found = occlusion(regressor(), recordings(), by="mean", target=0)
    top = found.top(3)
    assert len(top) == 3 * len(found)
    for row, values in enumerate(found.values):
        own = top[3 * row : 3 * row + 3]
        strongest = np.sort(np.abs(values), axis=None)[::-1][:3]
        np.testing.assert_array_equal([abs(c.value) for c in own], strongest)
        for c in own:
            assert c.sample == row
            assert c.target == 0
            assert values[c.step, found.feature_names.index(c.feature)] == c.value
    assert all(c.feature is None for c in occlusion(classifier(), recordings()).top())
    with pytest.raises(ValueError, match="k=0"):
        found.top(0)


@pytest.mark.parametrize("by", ["delete", "mean"])
def test_the_frame_has_every_value_once(by):
    found = occlusion(regressor(), recordings(), by=by)
    frame = found.frame()
    assert list(frame.columns) == [
        "sample",
        "target",
        "step",
        *(["feature"] if by == "mean" else []),
        "value",
    ]
    values = iter(frame["value"].tolist())
    steps = iter(frame["step"].tolist())
    for own in found.values:
        for t in range(own.shape[0]):
            for k in range(own.shape[1]):
                assert next(values) == own[t, k]
                assert next(steps) == t
    assert next(values, None) is None
    assert len(occlusion(classifier(), [np.empty((0, 3))]).frame()) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scaled", [False, True])
def test_features_keep_their_names(scaled):
    names = ("length", "width", "time")
    X = NamedSequences(recordings(), names)
    fit = small(RNNClassifier)
    fit = (make_pipeline(SequenceScaler(), fit) if scaled else fit).fit(X, np.arange(7) % 2)
    found = occlusion(fit, X, by="mean", baseline=0.5)
    assert found.feature_names == names
    assert found.top(1)[0].feature in names
    assert set(found.frame()["feature"]) == set(names)
    assert two_step_rescaling(fit, X).feature_names == names
    assert permutation_importance(fit, X, np.arange(7) % 2, n_repeats=1).names == names


def test_the_text_says_what_was_explained_and_how_well():
    text = repr(integrated_gradients(tagger(), recordings(), step=0, target="yes"))
    assert "7 answer(s) (log_odds) by integrated gradients" in text
    assert "X[0] at step 0, target yes: " in text
    assert "residual" in text
    assert "... and 2 more" in text
    text = repr(occlusion(classifier(), recordings(), window=2))
    assert "removing every 2 time steps in a row" in text
    assert "nothing counts" in repr(occlusion(classifier(), [np.empty((0, 3))]))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("two_d", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_model_from_a_file_is_explained_as_its_pipeline(way, two_d, standardize, tmp_path):
    if two_d:
        X = np.random.default_rng(6).normal(40, 9, size=(7, 5))
    else:
        names = ("speed", "load", "heat")
        X = NamedSequences([40 + 9 * x for x in recordings()], names)
    clf = small(RNNClassifier, standardize=standardize)
    pipeline = make_pipeline(SequenceScaler(), clf).fit(X, labels())
    elman.save(pipeline, tmp_path / "one.safetensors")
    model = files.load(tmp_path / "one.safetensors").model
    one, other = (WAYS[way](given, X) for given in (pipeline, model))
    assert one.feature_names == other.feature_names
    np.testing.assert_array_equal(one.answers, other.answers)
    for a, b in zip(one.values, other.values, strict=True):
        np.testing.assert_array_equal(a, b)
    steps = [shortest_prefix(given, X).n_steps.tolist() for given in (pipeline, model)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNTagger])
@pytest.mark.parametrize(
    "classes",
    [
        np.array([3, 1, 2]),
        np.array([2.0, 0.0, 1.0]),
        np.array([False, True]),
        np.array(["<b>", "a\nb", "\u202eno"]),
        np.array(["why", "no", "yes"], object),
    ],
    ids=["int", "float", "bool", "str", "object"],
)
def test_labels_of_every_type_are_explained_as_what_they_are(estimator, classes):
    X = recordings()
    y = classes[np.arange(len(X)) % len(classes)]
    fit = small(estimator).fit(
        X, y if estimator is RNNClassifier else [[c] * len(x) for x, c in zip(X, y, strict=True)]
    )
    last = fit.predict(X) if estimator is RNNClassifier else [found[-1] for found in fit.predict(X)]
    for explain in (occlusion, integrated_gradients, input_gradient, two_step_rescaling):
        assert explain(fit, X).target.tolist() == list(last)
        assert explain(fit, X, target=y).target.tolist() == y.tolist()
    found = shortest_prefix(fit, X)
    assert found.answers.tolist() == list(last)
    known = {type(label) for label in fit.classes_.tolist()}
    assert {type(label) for label in found.before.tolist()} <= known | {type(None)}
    assert len(found.frame()) == len(X)
    assert "decide" in repr(found)


def test_texts_spell_out_what_a_terminal_would_obey():
    names = ("\x1b[31mred", "a\nb", "\u202eback")
    X, y = NamedSequences(recordings(), names), np.array(names)[np.arange(7) % 3]
    fit = small(RNNClassifier).fit(X, y)
    found = (
        occlusion(fit, X, by="mean"),
        shortest_prefix(fit, X),
        permutation_importance(fit, X, y, random_state=0),
    )
    for told in map(repr, found):
        assert all(line.isprintable() for line in told.split("\n"))
        assert len(told.split("\n")) <= 7
    assert r"\x1b[31mred" in repr(found[2])
