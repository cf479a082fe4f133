"""What an explanation says of itself: the strongest entries, a table and a text."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import classifier, recordings, regressor, small, tagger

from elman import RNNClassifier
from elman.data.named import NamedSequences
from elman.explain import integrated_gradients, occlusion


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


def test_features_keep_their_names():
    names = ("length", "width", "time")
    X = NamedSequences(recordings(), names)
    fit = small(RNNClassifier).fit(X, np.arange(7) % 2)
    found = occlusion(fit, X, by="mean", baseline=0.5)
    assert found.feature_names == names
    assert found.top(1)[0].feature in names
    assert set(found.frame()["feature"]) == set(names)


def test_the_text_says_what_was_explained_and_how_well():
    text = repr(integrated_gradients(tagger(), recordings(), step=0, target="yes"))
    assert "7 answer(s) (log_odds) by integrated gradients" in text
    assert "X[0] at step 0, target yes: " in text
    assert "residual" in text
    assert "... and 2 more" in text
    text = repr(occlusion(classifier(), recordings(), window=2))
    assert "removing every 2 time steps in a row" in text
    assert "nothing counts" in repr(occlusion(classifier(), [np.empty((0, 3))]))
