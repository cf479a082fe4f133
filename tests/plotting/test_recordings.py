"""One recording as a user has it: an array, a frame, a part of an X; with names and without."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, SequenceScaler
from elman.data import from_table
from elman.plotting import AttributionDisplay, HiddenStatesDisplay, KnowledgeCurveDisplay

DISPLAYS = [AttributionDisplay, HiddenStatesDisplay, KnowledgeCurveDisplay]


@pytest.fixture
def data(rng):
    lengths = (5, 4, 7)
    table = {name: rng.normal(size=sum(lengths)) for name in ("speed", "tilt")}
    table["tilt"][2] = np.nan
    table["run"] = np.repeat(["a", "b", "c"], lengths)
    table["state"] = np.repeat(["on", "off", "on"], lengths)
    return from_table(table, id="run", label="state")


@pytest.fixture(params=["alone", "in a pipeline"])
def model(request, data):
    clf = RNNClassifier(3, max_iter=1, missing="mask", random_state=0)
    model = clf if request.param == "alone" else make_pipeline(SequenceScaler(allow_nan=True), clf)
    return model.fit(data.X, data.y)


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("i", [0, 2])
def test_a_recording_out_of_an_X_with_names_and_a_part_of_one_are_the_same(display, model, data, i):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = [
            display.from_estimator(model, x)
            for x in (data.X[[i]], data.X[i], np.array(data.X[i])[np.newaxis], [data.X[i]])
        ]
    first, *others = (d.frame() for d in drawn)
    for other in others:
        for name in first:
            np.testing.assert_array_equal(np.asarray(other[name]), np.asarray(first[name]))


@pytest.mark.parametrize("display", DISPLAYS)
def test_more_than_one_recording_and_other_features_are_refused(display, model, data):
    with pytest.raises(ValueError, match="one recording"):
        display.from_estimator(model, np.zeros((2, 4, 2)))
    with pytest.raises(ValueError, match="3 feature"):
        display.from_estimator(model, np.zeros((4, 3)))
