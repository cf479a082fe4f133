"""scikit-learn's own displays draw our estimators, whose recordings differ in length."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, SequenceScaler
from elman.evaluation.scores import confusion_counts

mpl = pytest.importorskip("matplotlib")

N = 23


@pytest.fixture(autouse=True)
def _no_window():
    """Draw without a screen, and put away what pyplot has drawn."""
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def data(n_classes):
    rng = np.random.default_rng(5)
    X = [rng.normal(size=(3 + i % 5, 2)) for i in range(N)]
    return X, np.array(["do", "mi", "sol"])[np.arange(N) % n_classes]


def classifier():
    return RNNClassifier(3, max_iter=1, random_state=0)


@pytest.mark.parametrize("pipeline", [False, True])
def test_confusion_matrix(pipeline):
    X, y = data(3)
    model = make_pipeline(SequenceScaler(), classifier()) if pipeline else classifier()
    model.fit(X, y)
    display = ConfusionMatrixDisplay.from_estimator(model, X, y)
    classes, counts = confusion_counts(y, model.predict(X))
    assert np.array_equal(display.confusion_matrix, counts)
    assert [*display.display_labels] == [*classes]


@pytest.mark.parametrize("display", [RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay])
@pytest.mark.parametrize("response", ["predict_proba", "decision_function"])
def test_curves_of_two_classes(display, response):
    X, y = data(2)
    drawn = display.from_estimator(classifier().fit(X, y), X, y, response_method=response)
    assert len(drawn.ax_.lines[0].get_xdata()) > 2


def test_calibration():
    X, y = data(2)
    clf = classifier().fit(X, y)
    display = CalibrationDisplay.from_estimator(clf, X, y, n_bins=3)
    assert np.array_equal(display.y_prob, clf.predict_proba(X)[:, 1])


def test_learning_curve_and_validation_curve():
    X, y = data(2)
    learning = LearningCurveDisplay.from_estimator(classifier(), X, y, train_sizes=[6, 9], cv=2)
    assert learning.train_sizes.tolist() == [6, 9]
    assert np.isfinite(learning.test_scores).all()
    options = {"param_name": "hidden_size", "param_range": [2, 3], "cv": 2}
    validation = ValidationCurveDisplay.from_estimator(classifier(), X, y, **options)
    assert np.isfinite(validation.test_scores).all()


def test_prediction_error():
    X, _ = data(2)
    y = np.array([x.mean() for x in X])
    regressor = RNNRegressor(3, max_iter=1, random_state=0).fit(X, y)
    display = PredictionErrorDisplay.from_estimator(regressor, X, y, kind="actual_vs_predicted")
    assert np.array_equal(np.sort(display.y_pred), np.sort(regressor.predict(X)))
