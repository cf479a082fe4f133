"""RNNClassifier on samples that have several labels at once."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

from elman import RNNClassifier


def quick(**parameters):
    defaults = {"hidden_size": 7, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}
    return RNNClassifier(**(defaults | parameters))


@pytest.fixture(params=["equal", "ragged", "object"])
def samples(request, rng):
    """Labels: the sign of either feature's sum, and both."""
    X, _ = make_samples(rng, 41, request.param)
    up = np.array([x.sum(axis=0) > 0 for x in X])
    return X, np.column_stack([up, up.all(axis=1)]).astype(int)


def test_learns(samples):
    X, Y = samples
    clf = quick(max_iter=150).fit(X, Y)
    assert clf.multilabel_
    assert clf.classes_.tolist() == [0, 1, 2]
    predicted, p, z = clf.predict(X), clf.predict_proba(X), clf.decision_function(X)
    assert predicted.shape == p.shape == z.shape == (41, 3)
    assert predicted.dtype == np.int64
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert np.array_equal(predicted, p > 0.5)
    assert clf.score(X, Y) == accuracy_score(Y, predicted) > 0.8
    over_time = clf.predict_proba_over_time(X)
    assert all(rows[-1].tobytes() == row.tobytes() for rows, row in zip(over_time, p, strict=True))


def test_the_loss_is_that_of_the_answers(samples):
    X, Y = samples
    clf = quick(max_iter=1, learning_rate_init=1e-300, batch_size=8).fit(X, Y)
    p = clf.predict_proba(X)
    expected = -np.where(Y == 1, np.log(p), np.log(1 - p)).sum(axis=1).mean()
    np.testing.assert_allclose(clf.loss_curve_, expected, rtol=1e-10)
    smoothed = quick(max_iter=1, learning_rate_init=1e-300, label_smoothing=0.2).fit(
        X, Y, X_val=X, y_val=Y
    )
    q = 0.8 * Y + 0.1
    expected_smoothed = -(q * np.log(p) + (1 - q) * np.log(1 - p)).sum(axis=1).mean()
    np.testing.assert_allclose(smoothed.loss_curve_, expected_smoothed, rtol=1e-10)
    np.testing.assert_allclose(smoothed.history_.validation_loss, expected, rtol=1e-10)


def test_two_labels_are_not_two_classes(samples):
    X, Y = samples
    clf = quick().fit(X, Y[:, :2])
    assert clf.decision_function(X).shape == (41, 2)
    assert not np.allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_a_column_that_never_changes(samples):
    X, Y = samples
    Y = np.column_stack([Y[:, 0], np.ones(41, int), np.zeros(41, int)])
    clf = quick(max_iter=60).fit(X, Y)
    assert np.array_equal(clf.predict(X)[:, 1:], Y[:, 1:])


@pytest.mark.parametrize("kind", ["list", "bool", "float", "sparse", "frame"])
def test_any_way_to_write_an_indicator(kind, samples):
    import pandas as pd
    from scipy.sparse import csr_matrix

    X, Y = samples
    ways = {
        "list": Y.tolist(),
        "bool": Y.astype(bool),
        "float": Y.astype(float),
        "sparse": csr_matrix(Y),
        "frame": pd.DataFrame(Y, columns=list("abc")),
    }
    expected = quick().fit(X, Y).predict_proba(X)
    assert quick().fit(X, ways[kind]).predict_proba(X).tobytes() == expected.tobytes()


def test_weights_early_stopping_and_validation(samples, rng):
    X, Y = samples
    weights = rng.integers(0, 2, size=41).astype(float)
    kept = np.flatnonzero(weights)
    one = quick().fit(X, Y, sample_weight=weights)
    other = quick().fit([X[i] for i in kept], Y[kept], sample_weight=np.ones(len(kept)))
    assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()
    stopped = quick(max_iter=80, early_stopping=True, n_iter_no_change=3).fit(
        X, Y, X_val=X, y_val=Y
    )
    assert stopped.score(X, Y) == max(stopped.validation_scores_)
    held_out = quick(early_stopping=True, validation_fraction=0.25).fit(X, Y)
    np.testing.assert_allclose(np.array(held_out.validation_scores_) * 10 % 1, 0, atol=1e-9)


def test_partial_fit_needs_no_classes(samples):
    X, Y = samples
    whole = quick(max_iter=2, learning_rate="constant").fit(X, Y)
    parts = quick().partial_fit(X, Y).partial_fit(X, Y, classes=[0, 1, 2])
    assert parts.predict_proba(X).tobytes() == whole.predict_proba(X).tobytes()
    with pytest.raises(ValueError, match=r"classes=\[1, 2, 3\].*numbers of its columns"):
        quick().partial_fit(X, Y, classes=[1, 2, 3])
    with pytest.raises(ValueError, match="3 columns, but there are 4 labels"):
        quick().partial_fit(X, Y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="y is one label for each sample, but there was an ind"):
        parts.partial_fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="y is an indicator matrix, but there was one label"):
        quick().fit(X, Y[:, 0]).partial_fit(X, Y)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda Y: Y + Y, r"y has shape \(41, 3\) with .*2.* at \[\d+, \d\].*indicator"),
        (lambda Y: Y[:5], r"y has 5 row\(s\), but X has 41 sample\(s\)"),
        (lambda Y: np.where(Y, np.nan, Y), "y contains NaN"),
        (lambda Y: Y.astype(str), r"y has shape \(41, 3\) with"),
    ],
)
def test_wrong_indicators(spoil, message, samples):
    X, Y = samples
    with pytest.raises(ValueError, match=message):
        quick().fit(X, spoil(Y))
    with pytest.raises(ValueError, match="y_val has 2 columns, but there are 3 labels"):
        quick().fit(X, Y, X_val=X, y_val=Y[:, :2])


@pytest.mark.parametrize("class_weight", ["balanced", {0: 2}])
def test_class_weight_is_refused_with_the_reason(class_weight, samples):
    with pytest.raises(ValueError, match="several labels at once, so that no one class"):
        quick(class_weight=class_weight).fit(*samples)


def test_saved_and_loaded(samples, tmp_path):
    X, Y = samples
    path = tmp_path / "model"
    clf = quick(label_smoothing=0.1).fit(X, Y)
    clf.save(path)
    again = RNNClassifier.load(path)
    assert again.multilabel_
    assert again.get_params() == clf.get_params()
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert np.array_equal(again.classes_, clf.classes_)


def test_model_selection(samples):
    X, Y = samples
    clf = quick(max_iter=100)
    assert cross_val_score(clf, X, Y, cv=3).mean() > 0.3
    assert cross_val_predict(clone(clf).set_params(max_iter=2), X, Y, cv=2).shape == Y.shape
    search = GridSearchCV(clf, {"hidden_size": [5, 9]}, cv=2, error_score="raise").fit(X, Y)
    assert search.score(X, Y) > 0.6
    assert search.cv_results_["mean_test_score"].min() > 0.2
