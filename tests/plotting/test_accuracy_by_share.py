"""Accuracy by share is drawn as it was computed, beside what a blind guess gets."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNTagger, SequenceScaler
from elman.evaluation.scores import accuracy_by_share
from elman.plotting import AccuracyByShareDisplay

pytest.importorskip("matplotlib")


def test_of_a_classifier_a_pipeline_and_a_model(rng):
    X, y = rng.normal(3, 5, size=(5, 6, 2)), ["a", "b", "c", "a", "a"]
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=1)).fit(X, y)
    clf, scaled = pipeline[-1], pipeline[:-1].transform(X)
    shares, accuracy = accuracy_by_share(clf, scaled, y, 3)
    for given, data in ((pipeline, X), (clf, scaled), (clf.model_, scaled)):
        display = AccuracyByShareDisplay.from_estimator(given, data, y, n_shares=3)
        assert display.shares.tolist() == shares.tolist()
        assert display.accuracy.tolist() == accuracy.tolist()
        assert display.commonest == 0.6
        (rule,) = [line for line in display.ax_.lines if "always" in str(line.get_label())]
        assert rule.get_label() == "always the class most frequent here: 60.0%"
    assert display.ax_.lines[0].get_xydata().tolist() == np.c_[shares, accuracy].tolist()
    assert display.frame().to_dict("list") == {
        "share": shares.tolist(),
        "accuracy": accuracy.tolist(),
    }


def test_only_a_classifier_of_sequences_has_it(rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 4, 2)]
    y = [[0, 1, 1], [0, 1, 0, 1], [1, 1]]
    tagger = RNNTagger(3, max_iter=1).fit(X, y)
    with pytest.raises(TypeError, match="wants a classifier of sequences, got a RNNTagger"):
        AccuracyByShareDisplay.from_estimator(tagger, X, y)


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(1,\)"):
        AccuracyByShareDisplay([0.5, 1], [0.5])
