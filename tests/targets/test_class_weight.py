"""class_weight names labels by scikit-learn's rule: too many or too few, but not both at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.utils.class_weight import compute_class_weight

from elman import RNNClassifier, RNNTagger

SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
LABELS = {"str": ["a", "b", "a", "b", "b"], "int": [2, 5, 2, 5, 5]}
KINDS = {"classifier": RNNClassifier, "tagger": RNNTagger}


def data(kind, labels, rng):
    X = rng.normal(size=(5, 3, 2))
    return X, (labels if kind == "classifier" else [[label] * 3 for label in labels])


def weights_of(labels, *, of_all=True, absent=()):
    one, other = sorted(set(labels))
    found = {one: 1.0, other: 3.0} if of_all else {other: 3.0}
    return found | dict.fromkeys(absent, 7.0)


def stranger(labels):
    return "c" if isinstance(labels[0], str) else 9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "labels", [LABELS["str"], LABELS["int"], [True, False, True, False, False]]
)
def test_labels_may_be_left_out_or_absent(kind, labels, rng):
    X, y = data(kind, labels, rng)
    expected = KINDS[kind](**SMALL, class_weight=weights_of(labels)).fit(X, y)
    for other in (
        weights_of(labels, of_all=False),
        weights_of(labels, absent=[stranger(labels)]),
    ):
        compute_class_weight(other, classes=np.unique(labels), y=labels)  # takes them too
        fit = KINDS[kind](**SMALL, class_weight=other).fit(X, y)
        assert fit.network_.params.flat.tobytes() == expected.network_.params.flat.tobytes()
    wrong = weights_of(labels, of_all=False, absent=[stranger(labels)])
    with pytest.raises(ValueError, match="not in class_weight"):
        compute_class_weight(wrong, classes=np.unique(labels), y=labels)
    missing = min(labels)
    for call in (
        lambda: KINDS[kind](**SMALL, class_weight=wrong).fit(X, y),
        lambda: KINDS[kind](**SMALL, class_weight=wrong).partial_fit(X, y, np.unique(labels)),
    ):
        with pytest.raises(
            ValueError, match=rf"{stranger(labels)!r}, which no sample has, and lacks {missing!r}"
        ):
            call()


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_knows_all_classes(kind, rng):
    X, y = data(kind, ["a"] * 5, rng)
    estimator = KINDS[kind](**SMALL, class_weight={"a": 1, "b": 2, "c": 3})
    estimator.partial_fit(X, y, classes=["a", "b"]).partial_fit(X, y)
    assert estimator.classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1, "b": 2, "c": -1}, "finite, not negative"),
        ({"a": 1, "b": 2, "c": np.inf}, "finite, not negative"),
        ({"a": 0, "b": 0, "c": 1}, "not all 0"),
        ({"a": 1, "b": 2, None: 1}, "has None, which says that there is no label"),
    ],
)
def test_weights_of_absent_labels_are_checked_too(kind, weights, message, rng):
    X, y = data(kind, LABELS["str"], rng)
    with pytest.raises(ValueError, match=message):
        KINDS[kind](**SMALL, class_weight=weights).fit(X, y)


def test_no_fold_of_cross_validation_is_lost(rng):
    X, y = rng.normal(size=(12, 3, 2)), np.repeat(["a", "b", "c"], 4)
    clf = RNNClassifier(**SMALL, class_weight={"a": 1, "b": 2, "c": 3})
    scores = cross_val_score(clf, X, y, cv=TimeSeriesSplit(3), error_score="raise")
    assert np.isfinite(scores).all()
