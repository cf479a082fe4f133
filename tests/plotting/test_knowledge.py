"""The network knows once the answer stays likely enough, not once it is merely the likeliest."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.plotting import KnowledgeCurveDisplay, plot_probabilities_over_time
from elman.plotting.knowledge import knows_from

pytest.importorskip("matplotlib")

CLASSES = ["do", "mi", "sol"]
PROBABILITIES = np.array(
    [[0.2, 0.5, 0.3], [0.7, 0.2, 0.1], [0.4, 0.3, 0.3], [0.7, 0.2, 0.1], [0.9, 0.1, 0.0]]
)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("k", "probability", "step"),
    [(0, 0.5, 3), (0, 0.4, 1), (0, 0.9, 4), (0, 0.95, None), (1, 0.5, None), (1, 0.1, 0)],
)
def test_the_answer_must_stay_above_the_threshold_to_the_end(k, probability, step):
    assert knows_from(PROBABILITIES, k, probability) == step


def test_the_likeliest_class_is_not_known_by_that_alone():
    """Of 30 classes one may lead from the first step on with 7 %."""
    probabilities = np.full((6, 30), 0.93 / 29)
    probabilities[:, 4] = 0.07
    display = KnowledgeCurveDisplay.from_probabilities(probabilities, np.arange(30))
    assert display.answer == 4
    assert display.known_from is None
    assert "Not by the end: 7%" in display.ax_.get_title()


def test_it_says_when_it_knew():
    display = KnowledgeCurveDisplay.from_probabilities(
        PROBABILITIES, CLASSES, true_class="do", probability=0.5
    )
    assert display.known_from == 3
    assert "From step 4 of 5" in display.ax_.get_title()
    assert np.array_equal(display.ax_.lines[0].get_ydata(), PROBABILITIES[:, 0])
    assert "do (the true one)" in legend(display.ax_)
    assert "known from 50%" in legend(display.ax_)
    frame = display.frame()
    assert frame["class"].tolist() == CLASSES * 5
    assert frame["probability"].tolist() == PROBABILITIES.ravel().tolist()


@pytest.mark.parametrize(("n_classes", "expected"), [(2, 0.75), (10, 0.55)])
def test_by_default_known_is_halfway_from_a_blind_guess(n_classes, expected):
    uniform = np.full((3, n_classes), 1 / n_classes)
    display = KnowledgeCurveDisplay(uniform, np.arange(n_classes))
    assert display.probability == pytest.approx(expected)


def test_a_mistake_is_not_known():
    display = KnowledgeCurveDisplay.from_probabilities(PROBABILITIES, CLASSES, true_class="mi")
    assert "Not by the end: 10%" in display.ax_.get_title()


def test_without_a_true_class_the_answer_is_stressed():
    display = KnowledgeCurveDisplay.from_probabilities(PROBABILITIES, CLASSES)
    assert "do (its answer)" in legend(display.ax_)


def test_of_a_classifier_a_pipeline_and_a_model(rng):
    X = rng.normal(3, 5, size=(4, 6, 2))
    y = ["a", "b", "c", "a"]
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=1)).fit(X, y)
    clf, scaled = pipeline[-1], pipeline[:-1].transform(X)
    expected = clf.predict_proba_over_time(scaled)[1]
    for given, x in ((pipeline, X[1]), (clf, scaled[1]), (clf.model_, scaled[1])):
        display = KnowledgeCurveDisplay.from_estimator(given, x, true_class="b")
        assert np.array_equal(display.probabilities, expected)
        assert display.classes == ["a", "b", "c"]


def test_long_names_are_shortened_no_further_than_they_differ():
    names = [f"a class with a name of which only the end differs {i}" for i in range(3)]
    display = KnowledgeCurveDisplay.from_probabilities(PROBABILITIES, names)
    shown = [text.partition(" (")[0] for text in legend(display.ax_)[:3]]
    assert len(set(shown)) == 3
    assert max(map(len, shown)) <= 24


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"probabilities": np.zeros((0, 3))}, "at least one step"),
        ({"classes": ["do"]}, "classes has 1 labels, but probabilities have 3 columns"),
        ({"true_class": "re"}, "true_class='re' is not a known class: do, mi, sol"),
        ({"probability": 0}, "probability=0 must be above 0"),
        ({"probability": "half"}, "probability='half' must be above 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        KnowledgeCurveDisplay(**{"probabilities": PROBABILITIES, "classes": CLASSES} | arguments)


def test_several_labels_have_no_one_answer_over_time(rng):
    X = rng.normal(size=(3, 4, 2))
    clf = RNNClassifier(3, max_iter=1).fit(X, [[0, 1], [1, 1], [0, 0]])
    with pytest.raises(ValueError, match="several labels at once"):
        plot_probabilities_over_time(clf, X[0])


@pytest.mark.parametrize(
    ("estimator", "y"), [(RNNTagger, [[0, 1, 1, 0]] * 3), (RNNRegressor, [1, 2, 4])]
)
def test_only_a_classifier_has_probabilities_over_time(estimator, y, rng):
    X = rng.normal(size=(3, 4, 2))
    with pytest.raises(TypeError, match=f"{estimator.__name__} gives a sequence no class"):
        plot_probabilities_over_time(estimator(3, max_iter=1).fit(X, y), X[0])


@pytest.mark.parametrize(
    ("classes", "true_class", "column"),
    [
        ([0.0, 1.0], 1, 1),
        ([False, True], 1, 1),
        ([0, 1], np.float32(1), 1),
        ([0, 1], "1", 1),
        (["1", "0"], "1", 0),
        (np.array(["no", "yes"], object), np.str_("yes"), 1),
    ],
)
def test_the_true_class_is_the_one_that_is_equal(classes, true_class, column):
    display = KnowledgeCurveDisplay([[0.25, 0.75]], classes, true_class=true_class)
    assert display.answer == column
