"""Explanations find evidence that was planted, and say nothing of what was not learned."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.explain import (
    input_gradient,
    integrated_gradients,
    occlusion,
    two_step_rescaling,
)
from elman.models.fitted import fitted
from elman.nn.network import Network

N_FEATURES = 4
OPTIONS = {"hidden_size": 12, "cell": "gru", "max_iter": 60, "random_state": 0}
WAYS = {
    "mean": partial(occlusion, by="mean"),
    "integrated gradients": partial(integrated_gradients, n_steps=32),
    "two steps": two_step_rescaling,
    "delete": occlusion,
    "window": partial(occlusion, by="window"),
}


def planted(n, seed):
    """Noise with one large value each, whose sign is the class; and where it is."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(length, N_FEATURES)) for length in rng.integers(9, 15, size=n)]
    y = np.where(np.arange(n) % 2, "up", "down")
    places = [(int(rng.integers(len(x))), int(rng.integers(N_FEATURES))) for x in X]
    for x, label, place in zip(X, y, places, strict=True):
        x[place] = 5.0 if label == "up" else -5.0
    return X, y, places


def tags(X, y, places):
    """What a tagger says: "wait" before the large value, and then the class."""
    return [
        np.where(np.arange(len(x)) < t, "wait", sign)
        for x, sign, (t, _) in zip(X, y, places, strict=True)
    ]


@cache
def trained(kind):
    X, y, places = planted(800, 0)
    if kind == "tagger":
        return RNNTagger(**OPTIONS).fit(X, tags(X, y, places))
    if kind == "regressor":
        return RNNRegressor(readout="last", **OPTIONS).fit(X, np.where(y == "up", 1.0, -1.0))
    if kind == "pipeline":
        clf = RNNClassifier(readout="last", standardize=False, **OPTIONS)
        return make_pipeline(SequenceScaler(), clf).fit(X, y)
    return RNNClassifier(readout="last", **OPTIONS).fit(X, y)


KINDS = ("classifier", "tagger", "regressor", "pipeline")


def hit_rate(explanation, places):
    """How often the largest value is at the planted step, and feature where there is one."""
    hits = []
    for values, place in zip(explanation.values, places, strict=True):
        step, feature = np.unravel_index(np.abs(values).argmax(), values.shape)
        hits.append(step == place[0] and (values.shape[1] == 1 or feature == place[1]))
    return float(np.mean(hits))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_planted_evidence_is_found(kind, way):
    X, _, places = planted(60, 1)
    explanation = WAYS[way](trained(kind), X)
    entries = np.mean([values.size for values in explanation.values])
    chance = 1 / entries
    assert hit_rate(explanation, places) > 0.75 > 8 * chance


@pytest.mark.parametrize("kind", KINDS)
def test_the_plain_gradient_misses_half_of_it(kind):
    # Where a network is sure of its answer, it is flat at what the answer rests on.
    X, _, places = planted(60, 1)
    rate = hit_rate(input_gradient(trained(kind), X), places)
    best = min(hit_rate(WAYS[way](trained(kind), X), places) for way in ("mean", "delete"))
    assert rate < 0.65
    assert best > rate + 0.2


def test_rescaling_makes_a_gradient_find_more():
    X, _, places = planted(60, 1)
    clf = trained("classifier")
    plain = hit_rate(input_gradient(clf, X), places)
    rescaled = hit_rate(two_step_rescaling(clf, X, explain=input_gradient), places)
    assert rescaled > plain + 0.3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
def test_other_weights_give_another_map(kind, way):
    X, y, _ = planted(20, 1)
    model = fitted(trained(kind)).model
    network = Network.initialised(model.network.layout, rng=np.random.default_rng(7))
    other = replace(model, network=network)
    target = None if kind == "regressor" else y
    here, there = (WAYS[way](m, X, target=target) for m in (model, other))
    alike = [
        np.corrcoef(np.abs(a).ravel(), np.abs(b).ravel())[0, 1]
        for a, b in zip(here.values, there.values, strict=True)
    ]
    assert np.mean(alike) < 0.6
    for a, b in zip(here.values, there.values, strict=True):
        assert not np.array_equal(a, b)


def absent(n, seed):
    """Recordings with and without one large value: a class that is told by what is not there."""
    rng = np.random.default_rng(seed)
    X = [0.1 * rng.normal(size=(length, 2)) for length in rng.integers(9, 15, size=n)]
    y = np.where(np.arange(n) % 2, "event", "nothing")
    steps = [int(rng.integers(len(x))) for x in X]
    for x, label, step in zip(X, y, steps, strict=True):
        x[step, 1] += 3.0 * (label == "event")
    return X, y, steps


def test_a_class_told_by_an_absence_has_nothing_that_speaks_for_it():
    X, y, _ = absent(400, 0)
    clf = RNNClassifier(readout="last", **OPTIONS).fit(X, y)
    X, y, steps = absent(30, 1)
    assert clf.score(X, y) == 1
    found = occlusion(clf, X, by="delete", target="nothing")
    effects = [values[step, 0] for values, step in zip(found.values, steps, strict=True)]
    of_event = [effect for effect, label in zip(effects, y, strict=True) if label == "event"]
    assert max(of_event) < 0  # what is there speaks against it
    for values, label, step in zip(found.values, y, steps, strict=True):
        if label == "nothing":
            assert np.abs(values).max() < 0.2 * abs(np.median(of_event))
        else:
            assert values.argmin() == step
