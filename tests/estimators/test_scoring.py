"""What early stopping goes by, and scorers of time steps for scikit-learn."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import f1_score, log_loss, make_scorer, max_error, top_k_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.estimators.scoring import scorer_of
from elman.metrics import per_step

SMALL = {"hidden_size": 3, "max_iter": 2, "random_state": 0}
KINDS = [RNNClassifier, RNNTagger, RNNRegressor]


def problem(kind, rng, n=24):
    X = rng.normal(size=(n, 5, 2))
    if kind is RNNTagger:
        return X, np.where(X[..., 0] > 0, "up", "down")
    y = np.arange(n) % 3
    return X, (y if kind is RNNClassifier else y + 1.0)


def same(y, answers):
    return float(np.mean(np.asarray(y) == np.asarray(answers)))


# Weights


def of_three(estimator, X, y):
    return same(y, estimator.predict(X))


def of_four(estimator, X, y, sample_weight=None):
    return float(np.sum(sample_weight))


def of_any(estimator, X, y, **options):
    return float(np.sum(options["sample_weight"]))


class Object:
    def __call__(self, estimator, X, y, *, sample_weight):
        return float(np.sum(sample_weight))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_go_to_functions_that_take_them(kind, rng):
    X, y = problem(kind, rng)
    weights = rng.uniform(1, 2, len(X))
    for function, takes in ((of_three, False), (of_four, True), (of_any, True), (Object(), True)):
        estimator = kind(**SMALL, early_stopping=True, scoring=function)
        scores = estimator.fit(X, y, sample_weight=weights).validation_scores_
        if takes:  # the weights of those held out, of which there are 2
            assert 2 <= scores[0] <= 4
            assert any(np.isclose(scores[0], a + b) for a in weights for b in weights)


@pytest.mark.parametrize(
    ("kind", "scoring"),
    [
        (RNNClassifier, "rand_score"),
        (RNNClassifier, make_scorer(same)),
        (RNNTagger, "adjusted_rand_score"),
        (RNNTagger, make_scorer(same)),
        (RNNTagger, per_step("rand_score")),
        (RNNRegressor, "neg_max_error"),
        (RNNRegressor, make_scorer(max_error, greater_is_better=False)),
    ],
)
def test_scorers_without_weights_score_without_them(kind, scoring, rng):
    X, y = problem(kind, rng)
    estimator = kind(**SMALL, early_stopping=True, scoring=scoring)
    weighted = clone(estimator).fit(X, y, sample_weight=np.full(len(X), 2.0))
    assert weighted.validation_scores_ == estimator.fit(X, y).validation_scores_


# Classes that the validation data lacks


def lacking(kind, rng):
    X, _ = problem(kind, rng, 30)
    y = np.array(["a", "b", "c"])[np.arange(30) % 3]
    lacks = np.flatnonzero(y != "c")[:7]
    if kind is RNNTagger:
        y = [[label] * 5 for label in y]
    return X, y, X[lacks], [y[i] for i in lacks]


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger])
@pytest.mark.parametrize("scoring", ["neg_log_loss", "top_k_accuracy", "neg_brier_score"])
def test_metrics_of_probabilities_are_told_of_all_classes(kind, scoring, rng):
    X, y, X_val, y_val = lacking(kind, rng)
    estimator = kind(**SMALL, scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    p, labels = estimator.predict_proba(X_val), y_val
    if kind is RNNTagger:
        p, labels = np.concatenate(p), np.concatenate(y_val)
    expected = {
        "neg_log_loss": -log_loss(labels, p, labels=["a", "b", "c"]),
        "top_k_accuracy": top_k_accuracy_score(labels, p, labels=["a", "b", "c"]),
        "neg_brier_score": -np.mean(((np.array(labels)[:, None] == ["a", "b", "c"]) - p) ** 2 * 3),
    }[scoring]
    assert estimator.validation_scores_[-1] == pytest.approx(expected, rel=1e-6)


def never(epoch):
    raise AssertionError("an epoch has begun")


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger])
@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "average_precision"])
def test_metrics_that_need_every_class_are_refused_before_training(kind, scoring, tmp_path, rng):
    X, y, X_val, y_val = lacking(kind, rng)
    folder = tmp_path / "states"
    estimator = kind(**SMALL, scoring=scoring, on_epoch=never, checkpoint=str(folder))
    with pytest.raises(ValueError, match=r"has not begun. No sample .* \['c'\].*X_val and y_val"):
        estimator.fit(X, y, X_val=X_val, y_val=y_val)
    assert not hasattr(estimator, "classes_")
    kind(**SMALL, checkpoint=str(folder)).fit(X, y)  # the folder is not that of the other fit


def test_a_class_that_was_not_held_out(rng):
    X = rng.normal(size=(20, 4, 2))
    y = np.array(["common"] * 19 + ["rare"])  # which always stays in training
    for scoring in ("roc_auc", "roc_auc_ovr"):
        with pytest.raises(ValueError, match=r"No sample of it is of the class\(es\) \['rare'\]"):
            RNNClassifier(**SMALL, early_stopping=True, scoring=scoring).fit(X, y)
    several = np.column_stack([np.arange(20) % 2, np.arange(20) == 25, np.arange(20) == 3])
    with pytest.raises(ValueError, match=r"No sample of it is of the class\(es\) \[1, 2\]"):
        RNNClassifier(**SMALL, scoring="roc_auc", on_epoch=never).fit(
            X, several, X_val=X[4:9], y_val=several[4:9]
        )
    for labels in (y, several):
        RNNClassifier(**SMALL, early_stopping=True, scoring="accuracy").fit(X, labels)


# Scores that fail


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_fails_does_so_before_training(kind, rng):
    X, y = problem(kind, rng)

    def fails(estimator, X, y):
        raise KeyError("weight of nothing")

    with pytest.raises(ValueError, match=r"failed .*KeyError.*has not begun") as caught:
        kind(**SMALL, scoring=fails, early_stopping=True, on_epoch=never).fit(X, y)
    assert isinstance(caught.value.__cause__, KeyError)
    for scoring, text in ((lambda *a: np.nan, "gave nan"), (lambda *a: "high", "ValueError")):
        with pytest.raises(ValueError, match=rf"{text}.*has not begun"):
            kind(**SMALL, scoring=scoring, early_stopping=True, on_epoch=never).fit(X, y)


def test_what_only_an_untrained_network_answers_is_no_reason_to_refuse(rng):
    X, y = problem(RNNRegressor, rng)
    below = RNNRegressor(**SMALL).fit(X, y - 50)
    score = scorer_of(below, "neg_mean_squared_log_error", X, y)
    with pytest.raises(ValueError, match="Logarithmic"):
        score()
    with pytest.raises(ValueError, match=r"neg_mean_squared_log_error.*has not begun"):
        scorer_of(below, "neg_mean_squared_log_error", X, y - 50)
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SMALL).fit(X, y > 0)
    one_class = clf.predict(X)[0]
    X_same = X[clf.predict(X) == one_class]
    truth = np.arange(len(X_same)) % 2 == 0
    scorer_of(clf, "positive_likelihood_ratio", X_same, truth)  # not defined for one answer


# Whatever fit takes, scorers take


SPARSE = [
    *(sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array, sp.coo_matrix),
    *(sp.lil_array, sp.dok_matrix, sp.bsr_array, sp.dia_matrix),
]


@pytest.mark.parametrize("container", SPARSE, ids=lambda c: c.__name__)
def test_sparse_indicators_of_any_format(container, rng):
    X = rng.normal(size=(20, 4, 2))
    y = (rng.random((20, 3)) < 0.5).astype(int)
    y[:5] = [[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0], [0, 0, 1]]
    shapes = []

    def function(estimator, X, y):
        shapes.append(y.shape)
        return same(y.toarray() if hasattr(y, "toarray") else y, estimator.predict(X))

    for scoring in (None, "accuracy", "f1_micro", function):
        clf = RNNClassifier(**SMALL, early_stopping=True, scoring=scoring)
        dense = clone(clf).fit(X, y)
        sparse = clone(clf).fit(X, container(y))
        assert sparse.validation_scores_ == dense.validation_scores_
        assert sparse.score(X, container(y)) == dense.score(X, y)
        given = clone(clf).fit(X, y, X_val=X, y_val=container(y))
        assert given.validation_scores_ == clone(clf).fit(X, y, X_val=X, y_val=y).validation_scores_
    assert shapes[:3] == [(2, 3)] * 3
    with pytest.raises(TypeError, match="toarray"):
        RNNTagger(**SMALL).fit(X, container(y))


class Convertible:
    """Nothing but what NumPy needs to convert it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype=dtype)


def holders(X, y):
    yield Convertible(X), Convertible(y)
    yield memoryview(np.ascontiguousarray(X)), list(y)
    if y.ndim == 2:
        yield list(X), [pd.Series(row, index=range(7, 7 + len(row))) for row in y]
    else:
        yield list(X), pd.Series(y, index=range(50, 50 + len(y)))
        yield list(X), y.astype(object)


@pytest.mark.parametrize("kind", [*KINDS, "several"])
@pytest.mark.parametrize("two_d", [False, True])
def test_what_can_only_be_converted_is_held_out_too(kind, two_d, rng):
    X, y = problem(RNNClassifier if kind == "several" else kind, rng)
    X = np.asarray(X[..., 0] if two_d else X)
    if kind == "several":
        y = np.column_stack([y > 0, y > 1]).astype(int)
    estimator_class = RNNClassifier if kind == "several" else kind
    name = "neg_mean_absolute_error" if kind is RNNRegressor else "f1_macro"
    for scoring in (None, name, of_three):
        estimator = estimator_class(**SMALL, early_stopping=True, scoring=scoring)
        expected = clone(estimator).fit(X, y)
        for X_held, y_held in holders(X, y):
            fit = clone(estimator).fit(X_held, y_held)
            assert fit.network_.params.flat.tobytes() == expected.network_.params.flat.tobytes()
            assert fit.validation_scores_ == expected.validation_scores_


# Scorers of time steps


def ragged(rng, n=12):
    X = [rng.normal(size=(k, 2)) for k in rng.integers(2, 7, size=n)]
    y = [np.where(x[:, 0] > 0, "up", "down").astype(object) for x in X]
    for row in y[::3]:
        row[0] = None
    return X, y


def by_hand(tagger, X, y):
    true, answers = np.concatenate(y), np.concatenate(list(tagger.predict(X)))
    known = np.array([label is not None for label in true])
    return f1_score(true[known].astype(str), answers[known].astype(str), average="macro")


def test_per_step_is_the_metric_over_labelled_steps(rng):
    X, y = ragged(rng)
    tagger = RNNTagger(**SMALL).fit(X, y)
    scorer = per_step("f1_macro")
    assert scorer(tagger, X, y) == pytest.approx(by_hand(tagger, X, y))
    assert per_step("accuracy")(tagger, X, y) == pytest.approx(tagger.score(X, y))
    weights = rng.uniform(1, 2, len(X))
    weighted = per_step("accuracy")(tagger, X, y, sample_weight=weights)
    assert weighted == pytest.approx(tagger.score(X, y, weights))
    by_make = per_step(make_scorer(f1_score, average="macro", pos_label=None))
    assert by_make(tagger, X, y) == scorer(tagger, X, y)
    again = pickle.loads(pickle.dumps(scorer))
    assert again(tagger, X, y) == scorer(tagger, X, y)
    assert repr(again) == "per_step('f1_macro')"
    by_name = RNNTagger(**SMALL, early_stopping=True, scoring="f1_macro").fit(X, y)
    by_scorer = clone(by_name).set_params(scoring=scorer).fit(X, y)
    assert by_scorer.validation_scores_ == by_name.validation_scores_


@pytest.mark.parametrize("equal", [True, False])
def test_per_step_in_searches(equal, rng):
    X, y = ragged(rng)
    if equal:
        X = rng.normal(size=(12, 5, 2))
        y = (X[..., 0] > 0).astype(int)
    tagger, folds = RNNTagger(**SMALL), KFold(3)
    scores = cross_val_score(tagger, X, y, cv=folds, scoring=per_step("f1_macro"))
    for score, (train, test) in zip(scores, folds.split(X), strict=True):
        fit = clone(tagger).fit([X[i] for i in train], [y[i] for i in train])
        assert score == pytest.approx(by_hand(fit, [X[i] for i in test], [y[i] for i in test]))
    pipeline = make_pipeline(SequenceScaler(), tagger)
    both = {"f1": per_step("f1_macro"), "loss": per_step("neg_log_loss")}
    found = cross_validate(pipeline, X, y, cv=folds, scoring=both, error_score="raise")
    assert np.isfinite(found["test_loss"]).all()
    search = GridSearchCV(
        pipeline,
        {"rnntagger__hidden_size": [2, 3]},
        cv=folds,
        scoring=per_step("f1_macro"),
        error_score="raise",
    ).fit(X, y)
    assert search.score(X, y) == pytest.approx(by_hand(search.best_estimator_, X, y))
    nested = cross_val_score(search, X, y, cv=2, scoring=per_step("accuracy"), error_score="raise")
    assert np.isfinite(nested).all()


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "r2", make_scorer(f1_score)])
@pytest.mark.parametrize("piped", [False, True])
def test_scikit_learns_own_scorers_of_a_tagger_are_refused(scoring, piped, rng):
    """Of an array of tags 0 and 1 they would score whole sequences, in silence."""
    X = rng.normal(size=(12, 5, 2))
    y = (X[..., 0] > 0).astype(int)
    tagger = RNNTagger(**SMALL)
    tagger = make_pipeline(SequenceScaler(), tagger) if piped else tagger
    with pytest.raises(ValueError, match=r"elman.metrics.per_step\(...\)"):
        cross_val_score(tagger, X, y, cv=2, scoring=scoring, error_score="raise")
    with pytest.warns(UserWarning, match=r"elman.metrics.per_step"):
        scores = cross_val_score(tagger, X, y, cv=2, scoring=scoring)
    assert np.isnan(scores).all()
    with pytest.raises(ValueError, match=r"elman.metrics.per_step"):
        cross_validate(tagger, X, y, cv=2, scoring={"own": scoring}, error_score="raise")


def test_what_scores_a_tagger_rightly_is_not_refused(rng):
    X = rng.normal(size=(12, 5, 2))
    y = (X[..., 0] > 0).astype(int)
    tagger = RNNTagger(**SMALL)
    default = cross_val_score(tagger, X, y, cv=2, error_score="raise")
    own = cross_val_score(tagger, X, y, cv=2, scoring=make_scorer(same), error_score="raise")
    function = cross_val_score(tagger, X, y, cv=2, scoring=of_three, error_score="raise")
    np.testing.assert_allclose(own, default)
    np.testing.assert_allclose(function, default)
    assert cross_val_predict(tagger, X, y, cv=2).shape == y.shape


def test_per_step_of_what_has_no_steps(rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SMALL).fit(X, y)
    for estimator in (clf, make_pipeline(SequenceScaler(), RNNClassifier(**SMALL)).fit(X, y)):
        with pytest.raises(ValueError, match="RNNTagger, which has a label for each time step"):
            per_step("accuracy")(estimator, X, y)
    with pytest.raises(ValueError, match="RNNTagger"):
        RNNClassifier(**SMALL, scoring=per_step("accuracy"), early_stopping=True).fit(X, y)
    with pytest.raises(ValueError, match=r"scoring='f1_marco' is not known"):
        per_step("f1_marco")
    for wrong in ("loss", 3, None):
        with pytest.raises(TypeError, match="pass the name of a scikit-learn scorer"):
            per_step(wrong)


# A wrong y


def mistakes(kind):
    """y for four samples, and what the error of `score` says."""
    if kind is RNNTagger:
        yield (
            [["0"] * 5] * 4,
            r"labels such as '0', but the classes are \[0, 1\].*astype\('int64'\)",
        )
        yield [[0.5] * 5] * 4, "RNNRegressor"
        yield [[0] * 5] * 3, r"y has 3 sequence\(s\)"
        return
    yield [0, 1, 0], r"y has 3 (label|value)\(s\), but X has 4 sample\(s\)"
    yield [[0, 1], [1, 0]] * 2, r"is an indicator matrix|y has 2 target\(s\)"
    if kind is RNNClassifier:
        yield ["0", "1", "0", "1"], r"such as '0', but the classes are \[0, 1\].*astype\('int64'\)"
        yield [0.5, 1.5, 0.25, 1.0], "continuous.*RNNRegressor"
        yield [0, 1, float("nan"), 1], r"y\[2\] is missing"
    else:
        yield ["a", "b", "c", "d"], "RNNClassifier takes labels"


@pytest.mark.parametrize("kind", KINDS)
def test_score_says_what_is_wrong_with_y(kind, rng):
    X = rng.normal(size=(4, 5, 2))
    y = [[0, 1, 0, 1, 1]] * 4 if kind is RNNTagger else [0, 1, 0, 1]
    estimator = kind(**SMALL).fit(X, y)
    for wrong, message in mistakes(kind):
        with pytest.raises((TypeError, ValueError), match=message):
            estimator.score(X, wrong)
    for weights in ([1.0, 2.0], [1.0, -1.0, 1.0, 1.0], [1.0, np.nan, 1.0, 1.0]):
        with pytest.raises(ValueError, match="sample_weight"):
            estimator.score(X, y, weights)
    assert estimator.score(X, y, [1e308] * 4) == pytest.approx(estimator.score(X, y))
    if kind is not RNNRegressor:  # an unknown label of their kind is a wrong answer, as ever
        strangers = [[7] * 5] * 4 if kind is RNNTagger else [7] * 4
        assert estimator.score(X, strangers) == 0
        texts = kind(**SMALL).fit(X, np.array(y).astype(str).tolist())
        with pytest.raises(ValueError, match=r"such as 0, but the classes are \['0', '1'\]"):
            texts.score(X, y)


def test_an_untrained_network_is_not_warned_of(rng):
    X, y = problem(RNNClassifier, rng)

    def warned(estimator, X, y):
        warnings.warn("undefined", stacklevel=2)
        return 1.0

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        RNNClassifier(**SMALL, scoring=warned, early_stopping=True).fit(X, y)
    assert sum("undefined" in str(w.message) for w in caught) == SMALL["max_iter"]
