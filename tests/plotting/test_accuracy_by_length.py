"""Accuracy by length gathers sequences of about one length, and says of each group how right."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNTagger, SequenceScaler
from elman.plotting import AccuracyByLengthDisplay

pytest.importorskip("matplotlib")

LENGTHS = [3, 9, 1, 3, 2, 40]
RIGHT = [1, 0, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("n_groups", "length", "n_sequences", "accuracy"),
    [
        (1, [3], [6], [4 / 6]),
        (2, [1.5, 6], [2, 4], [1, 0.5]),  # both of length 3 stay together
        (3, [1.5, 3, 24.5], [2, 2, 2], [1, 0.5, 0.5]),
        (9, [1, 2, 3, 9, 40], [1, 1, 2, 1, 1], [1, 1, 0.5, 0, 1]),
    ],
)
def test_groups_by_length(n_groups, length, n_sequences, accuracy):
    display = AccuracyByLengthDisplay(LENGTHS, {"net": RIGHT}, n_groups=n_groups).plot()
    assert display.length.tolist() == length
    assert display.n_sequences.tolist() == n_sequences
    np.testing.assert_allclose(display.accuracy["net"], accuracy)
    drawn = display.ax_.lines[0].get_xydata()
    np.testing.assert_allclose(drawn, np.c_[length, accuracy])


def test_classifiers_stand_beside_each_other():
    X = [np.zeros((n, 2)) for n in LENGTHS]
    y = np.array(list("aabbab"))
    answers = {"net": y, "guess": np.full(6, "a")}
    display = AccuracyByLengthDisplay.from_predictions(X, y, answers, trained_on=(1, 2), n_groups=2)
    assert display.accuracy["net"].tolist() == [1, 1]
    assert display.accuracy["guess"].tolist() == [0.5, 0.5]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["net", "guess", "trained on: 1 to 2"]
    assert display.frame()["classifier"].tolist() == ["net", "net", "guess", "guess"]


def test_of_a_classifier_a_pipeline_and_a_model(rng):
    X = [rng.normal(3, 5, size=(n, 2)) for n in LENGTHS]
    y = list("aabbab")
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=1)).fit(X, y)
    scaled = pipeline[:-1].transform(X)
    for given, data in ((pipeline, X), (pipeline[-1], scaled), (pipeline[-1].model_, scaled)):
        display = AccuracyByLengthDisplay.from_estimator(given, data, y, n_groups=1)
        assert display.accuracy["the network"][0] == pipeline.score(X, y)


def test_only_a_classifier_of_sequences_has_it(rng):
    X = rng.normal(size=(3, 4, 2))
    tagger = RNNTagger(3, max_iter=1).fit(X, [[0, 1, 1, 0]] * 3)
    with pytest.raises(TypeError, match="wants a classifier"):
        AccuracyByLengthDisplay.from_estimator(tagger, X, [0, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"lengths": []}, "lengths must be 1-D and not empty"),
        ({"right": {}}, "no classifier"),
        ({"right": {"net": [1]}}, r"right\['net'\] has shape \(1,\), expected \(6,\)"),
        ({"n_groups": 0}, "n_groups=0"),
        ({"lengths": np.ma.masked_equal(LENGTHS, 40)}, "lengths is a masked array"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        AccuracyByLengthDisplay(**{"lengths": LENGTHS, "right": {"net": RIGHT}} | arguments)


def test_labels_must_be_as_many_as_sequences():
    with pytest.raises(ValueError, match=r"y has shape \(1,\)"):
        AccuracyByLengthDisplay.from_predictions([[[0.0]], [[1.0]]], ["a"], {"net": ["a", "b"]})
