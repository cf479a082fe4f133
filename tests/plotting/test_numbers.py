"""Numbers and labels that no picture can be right of are refused, with their place."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier
from elman.plotting import (
    AccuracyByLengthDisplay,
    AccuracyByShareDisplay,
    AttributionDisplay,
    GradientFlowDisplay,
    HiddenStatesDisplay,
    KnowledgeCurveDisplay,
    plot_confusion_matrix,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: HiddenStatesDisplay([[0.1, 0.2], [NAN, 0.1]]), r"states\[1\]\[0\] is nan"),
        (lambda: HiddenStatesDisplay([[0.1, 0.2]], telling=[1, NAN]), r"telling\[1\] is nan"),
        (lambda: HiddenStatesDisplay([[0.1, np.inf]]), r"states\[0\]\[1\] is inf"),
        (lambda: KnowledgeCurveDisplay([[0.5, NAN]], ["a", "b"]), r"probabilities\[0\]\[1\]"),
        (lambda: KnowledgeCurveDisplay([[-0.5, 1.5]], ["a", "b"]), "is -0.5; .* at least 0"),
        (lambda: AccuracyByShareDisplay([0.5, 1], [0.5, NAN]), r"accuracy\[1\] is nan"),
        (lambda: AccuracyByShareDisplay([0.5, 1], [50, 70]), r"accuracy\[0\] is 50; .* at most 1"),
        (lambda: AccuracyByLengthDisplay([3, NAN], {"a": [1, 1]}), r"lengths\[1\] is nan"),
        (lambda: AccuracyByLengthDisplay([3, 4], {"a": [1, NAN]}), r"right\['a'\]\[1\] is nan"),
        (lambda: GradientFlowDisplay({"a": [[1.0], [2.0, NAN]]}), r"norms\['a'\]\[1\]\[1\] is nan"),
        (lambda: GradientFlowDisplay({"a": [[-1.0]]}), "is -1; a norm has to be at least 0"),
        (lambda: AttributionDisplay([[NAN]], [[1.0]]), "values holds NaN"),
        (lambda: plot_confusion_matrix([], []), "nothing to count"),
        (lambda: plot_confusion_matrix(["a"], ["a"], classes=["a", "b", "a"]), "a label twice"),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_gradient_without_bounds_can_be_drawn():
    assert GradientFlowDisplay({"a": [[np.inf, 1.0]]}).norms["a"][0][0] == np.inf


def test_labels_that_cannot_be_equal_are_refused_instead_of_wrong(rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 5, 2, 4)]
    y = np.array([0, 1, 1, 0])
    fit = RNNClassifier(3, max_iter=1, random_state=0).fit(X, y)
    draw = AccuracyByLengthDisplay.from_estimator
    with pytest.raises(ValueError, match="y holds labels such as '0', but the classes are"):
        draw(fit, X, y.astype(str))
    with pytest.raises(ValueError, match=r"y\[1\] is missing"):
        draw(fit, X, [0, None, 1, 0])
    with pytest.raises(ValueError, match="labels of the same kind"):
        AccuracyByLengthDisplay.from_predictions(X, y, {"other": y.astype(str)})
    strangers = draw(fit, X, y + 7)  # which no answer can be: always wrong
    assert not strangers.accuracy["the network"].any()


@pytest.mark.parametrize("draw", [HiddenStatesDisplay, KnowledgeCurveDisplay, AttributionDisplay])
def test_what_is_not_one_recording_is_named(draw, rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 5, 2, 4)]
    fit = RNNClassifier(3, max_iter=1, random_state=0).fit(X, [0, 1, 1, 0])
    with pytest.raises(ValueError, match=r"unequal lengths; pass X\[i\]"):
        draw.from_estimator(fit, X)
    with pytest.raises(ValueError, match="at least one time step"):
        draw.from_estimator(fit, np.zeros((0, 2)))
