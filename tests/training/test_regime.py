"""How training goes: going on, what stops it, learning rates, clipping, batches by length."""

from __future__ import annotations

import re

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, mean_absolute_error

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.nn.optimizers import clip_values, make_optimizer
from elman.nn.schedules import SCHEDULES, Schedule
from elman.training.epoch import batches_of, bucketed

SETTINGS = {"hidden_size": 7, "max_iter": 4, "random_state": 0, "batch_size": 8}
KINDS = [RNNClassifier, RNNTagger, RNNRegressor]


def problem(kind, rng, n_samples=37):
    """Sequences of 1 to 7 steps, and targets."""
    X, y = make_samples(rng, n_samples)
    if kind is RNNTagger:
        y = [np.where(np.cumsum(x[:, 0]) > 0, "up", "down") for x in X]
    elif kind is RNNRegressor:
        y = np.array([x.sum() for x in X])
    return X, y


def weights_of(estimator):
    return estimator.network_.params.flat


# Going on


@pytest.mark.parametrize("kind", KINDS)
def test_warm_start_goes_on_from_the_weights(kind, rng):
    X, y = problem(kind, rng)
    other, targets = problem(kind, rng)
    settings = {**SETTINGS, "learning_rate_init": 1e-300, "solver": "sgd", "alpha": 0}
    warm = kind(**settings, warm_start=True).fit(X, y)
    weights, mean = weights_of(warm).copy(), warm.mean_
    warm.fit(other, targets)
    np.testing.assert_allclose(weights_of(warm), weights, rtol=0, atol=1e-250)
    assert warm.mean_ is mean
    assert warm.history_.epoch == [1, 2, 3, 4, 5, 6, 7, 8]
    assert warm.n_iter_ == len(warm.loss_curve_) == 8
    cold = kind(**settings).fit(X, y).fit(other, targets)
    assert cold.n_iter_ == 4


def test_warm_start_learns_further_with_the_schedule_from_its_start(rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SETTINGS, warm_start=True).fit(X, y)
    first = clf.loss_curve_
    clf.set_params(dropout=0.1, solver="adamw").fit(X, y)
    rates = clf.history_.learning_rate
    assert rates[:4] == rates[4:]
    assert clf.loss_curve_[:4] == first
    assert clf.loss_curve_[-1] < first[-1]
    assert clf.network_.layout.dropout == 0.1
    assert clf._going_on.optimizer.decoupled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 5}, "hidden_size is (7,), but it is (5,) now"),
        ({"cell": "gru"}, "cell is "),
        ({"readout": "last"}, "readout is max, but it is last now"),
        ({"bidirectional": True}, "bidirectional is False"),
        ({"missing": "skip"}, "missing is error, but it is skip now"),
        ({"dtype": "float32"}, "dtype is float64, but it is float32 now"),
    ],
)
def test_warm_start_needs_the_same_network(change, message, rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SETTINGS, warm_start=True).fit(X, y)
    before = weights_of(clf).copy()
    with pytest.raises(ValueError, match="warm_start=True .*" + re.escape(message)):
        clf.set_params(**change).fit(X, y)
    np.testing.assert_array_equal(weights_of(clf), before)


def test_warm_start_knows_its_classes_and_features(rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SETTINGS, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="sideways"):
        clf.fit(X, ["sideways", *y[1:]])
    with pytest.raises(ValueError, match="3 features"):
        clf.fit([np.zeros((4, 3))] * 2, ["up", "down"])
    clf.fit(X[:5], ["up"] * 5)
    assert list(clf.classes_) == ["down", "up"]


# Validation


@pytest.mark.parametrize("kind", KINDS)
def test_validation_data_is_x_val_and_y_val(kind, rng):
    X, y = problem(kind, rng)
    X_val, y_val = problem(kind, rng, 9)
    one = kind(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val)
    other = kind(**SETTINGS).fit(X, y, validation_data=(X_val, y_val))
    assert other.history_.validation_loss == one.history_.validation_loss
    with pytest.raises(ValueError, match="pass one of the two"):
        kind(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val, validation_data=(X_val, y_val))
    with pytest.raises(ValueError, match=r"tuple of 3; it must be a pair \(X_val, y_val\)"):
        kind(**SETTINGS).fit(X, y, validation_data=(X_val, y_val, None))


def by_hand(kind, scoring, estimator, X, y):
    if kind is RNNRegressor:
        return -mean_absolute_error(y, estimator.predict(X))
    answers, probabilities = estimator.predict(X), estimator.predict_proba(X)
    if kind is RNNTagger:
        y, answers, probabilities = (np.concatenate(a) for a in (y, answers, probabilities))
    if scoring == "neg_log_loss":
        return -log_loss(y, probabilities)
    if scoring == "f1_macro":
        return f1_score(y, answers, average="macro")
    return balanced_accuracy_score(y, answers)


@pytest.mark.parametrize(
    ("kind", "scoring"),
    [
        (RNNClassifier, "neg_log_loss"),
        (RNNClassifier, "f1_macro"),
        (RNNClassifier, "balanced_accuracy"),
        (RNNTagger, "neg_log_loss"),
        (RNNTagger, "f1_macro"),
        (RNNRegressor, "neg_mean_absolute_error"),
    ],
)
def test_scorers_judge_and_the_best_weights_come_back(kind, scoring, rng):
    X, y = problem(kind, rng)
    X_val, y_val = problem(kind, rng, 15)
    settings = {**SETTINGS, "max_iter": 15, "n_iter_no_change": 4, "learning_rate_init": 0.05}
    estimator = kind(**settings, early_stopping=True, scoring=scoring)
    estimator.fit(X, y, validation_data=(X_val, y_val))
    scores = estimator.validation_scores_
    assert scores[estimator.best_epoch_ - 1] == max(scores)
    at_best = by_hand(kind, scoring, estimator, X_val, y_val)
    np.testing.assert_allclose(at_best, max(scores), rtol=1e-6)
    if estimator.history_.stopped_by == "early_stopping":
        assert max(scores[-4:]) <= max(scores[:-4]) + estimator.tol


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_scores_what_was_held_out_as_it_was_passed(kind, rng):
    X, y = problem(kind, rng)
    seen = []

    def scoring(estimator, X_held, y_held):
        seen.append((X_held, y_held))
        return estimator.score(X_held, y_held) if kind is not RNNRegressor else -len(seen)

    X = np.fromiter(X, dtype=object, count=len(X))
    estimator = kind(**SETTINGS, early_stopping=True, scoring=scoring).fit(X, y)
    plain = kind(**SETTINGS, early_stopping=True).fit(X, y)
    if kind is RNNClassifier:
        np.testing.assert_allclose(estimator.validation_scores_, plain.validation_scores_)
    held, targets = seen[0]
    places = [next(i for i, x in enumerate(X) if x is one) for one in held]
    assert 0 < len(places) == len(set(places)) < len(X)
    assert all(np.array_equal(y[i], t) for i, t in zip(places, targets, strict=True))


def test_the_held_out_weights_reach_the_scorer(rng):
    X, y = problem(RNNClassifier, rng)
    weights = rng.integers(0, 4, len(X)).astype(float)
    scored = RNNClassifier(**SETTINGS, early_stopping=True, scoring="accuracy")
    plain = RNNClassifier(**SETTINGS, early_stopping=True)
    for clf in (scored, plain):
        clf.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(scored.validation_scores_, plain.validation_scores_)


def test_by_the_loss_alone(rng):
    X, y = problem(RNNClassifier, rng)
    X_val, y_val = problem(RNNClassifier, rng, 15)
    clf = RNNClassifier(
        **{**SETTINGS, "max_iter": 20}, early_stopping=True, scoring="loss", n_iter_no_change=3
    ).fit(X, y, validation_data=(X_val, y_val))
    losses = clf.history_.validation_loss
    assert losses[clf.best_epoch_ - 1] == min(losses)


def test_scorings_that_cannot_be_used(rng):
    X, y = problem(RNNClassifier, rng)
    with pytest.raises(ValueError, match=r"scoring='acuracy' is not known.*get_scorer_names"):
        RNNClassifier(**SETTINGS, scoring="acuracy").fit(X, y)
    with pytest.raises(TypeError, match="scoring=3 is an int"):
        RNNClassifier(**SETTINGS, scoring=3).fit(X, y)
    clf = RNNClassifier(**SETTINGS, scoring=lambda *a: np.nan)
    with pytest.raises(ValueError, match="gave nan for the validation data"):
        clf.fit(X, y, validation_data=(X, y))


def test_files_keep_names_and_not_functions(tmp_path, rng):
    X, y = problem(RNNClassifier, rng)
    options = {"warm_up": 0.25, "max_grad_value": 0.5, "bucket_by_length": True, "warm_start": True}
    for scoring, kept in (("f1_macro", "f1_macro"), (lambda *a: 0.0, None)):
        RNNClassifier(**SETTINGS, scoring=scoring, **options).fit(X, y).save(tmp_path / "model")
        loaded = RNNClassifier.load(tmp_path / "model")
        assert loaded.scoring == kept
        assert {name: getattr(loaded, name) for name in options} == options
        loaded.fit(X, y)  # goes on, with a fresh optimizer
        assert loaded.n_iter_ == 8


# Learning rates


def test_one_cycle_rises_and_falls():
    rates = np.array([SCHEDULES["one_cycle"](0.5, e, 11) for e in range(11)])
    assert rates[0] == 0.5 / 25
    assert rates.argmax() == 3
    assert rates[3] == 0.5
    assert (np.diff(rates[:4]) > 0).all()
    assert (np.diff(rates[3:]) < 0).all()
    assert 0 < rates[-1] < 0.05
    assert SCHEDULES["one_cycle"](0.5, 99, 11) == rates[-1]
    assert SCHEDULES["one_cycle"](0.5, 0, 1) == 0.5


@pytest.mark.parametrize("name", ["constant", "cosine"])
def test_warm_up_comes_before_the_schedule(name):
    schedule = Schedule(name, 0.8, 10, warm_up=3, first_epoch=5)
    np.testing.assert_allclose([schedule(5 + e) for e in range(3)], [0.2, 0.4, 0.6])
    assert [schedule(8 + e) for e in range(7)] == [SCHEDULES[name](0.8, e, 7) for e in range(7)]


def test_plateau_halves_the_rate_of_what_does_not_get_better(rng):
    X, y = problem(RNNClassifier, rng)
    settings = {**SETTINGS, "max_iter": 9, "n_iter_no_change": 4, "learning_rate": "plateau"}
    settings |= {"solver": "sgd", "batch_size": 99, "tol": 0.1}
    # so small a rate changes nothing: every epoch after the first is one without gain
    clf = RNNClassifier(**settings, learning_rate_init=1e-30)
    rates = clf.fit(X, y).history_.learning_rate
    np.testing.assert_allclose(rates, 1e-30 * 0.5 ** np.array([0, 0, 0, 1, 1, 2, 2, 3, 3]))
    clf.set_params(warm_up=5).fit(X, y)
    falling = clf.history_.learning_rate[5:]
    assert (np.diff(clf.history_.learning_rate[:6]) > 0).all()
    assert falling == [1e-30, 1e-30, 5e-31, 5e-31]


@pytest.mark.parametrize(("warm_up", "n_warm"), [(0, 0), (2, 2), (0.5, 2), (np.int64(1), 1)])
def test_warm_up_in_epochs_or_as_a_share(warm_up, n_warm, rng):
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(**SETTINGS, learning_rate="constant", warm_up=warm_up).fit(X, y)
    rates = np.array(clf.history_.learning_rate)
    assert (rates < 0.003).sum() == n_warm


@pytest.mark.parametrize(
    ("warm_up", "error"), [(-1, ValueError), (1.0, ValueError), ("2", TypeError)]
)
def test_bad_warm_ups(warm_up, error, rng):
    X, y = problem(RNNClassifier, rng)
    with pytest.raises(error, match="warm_up="):
        RNNClassifier(**SETTINGS, warm_up=warm_up).fit(X, y)
    with pytest.raises(ValueError, match=r"one_cycle.*of its own"):
        RNNClassifier(**SETTINGS, learning_rate="one_cycle", warm_up=2).fit(X, y)


# Gradients


def test_clipping_by_value():
    gradient = np.array([0.5, -2.0, 3.0, np.nan, -np.inf])
    clip_values(gradient, 1.0)
    np.testing.assert_array_equal(gradient, [0.5, -1.0, 1.0, np.nan, -1.0])


def test_values_are_clipped_before_the_norm(rng):
    X, y = problem(RNNClassifier, rng)
    settings = {**SETTINGS, "max_iter": 1, "batch_size": 99, "solver": "sgd", "momentum": 0.0}
    settings |= {"alpha": 0.0, "learning_rate": "constant", "learning_rate_init": 1.0}
    start = weights_of(RNNClassifier(**{**settings, "learning_rate_init": 1e-300}).fit(X, y))
    step = start - weights_of(RNNClassifier(**settings, max_grad_norm=None).fit(X, y))
    limit = float(np.sort(np.abs(step))[-40])
    cut = np.clip(step, -limit, limit)
    by_value = RNNClassifier(**settings, max_grad_norm=None, max_grad_value=limit).fit(X, y)
    np.testing.assert_allclose(start - weights_of(by_value), cut, rtol=1e-9, atol=1e-14)
    norm = np.linalg.norm(cut) / 2
    both = RNNClassifier(**settings, max_grad_norm=norm, max_grad_value=limit).fit(X, y)
    np.testing.assert_allclose(start - weights_of(both), cut / 2, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(both.history_.gradient_norm, np.linalg.norm(step), rtol=1e-9)


def test_decoupled_decay_shrinks_matrices_alone(rng):
    """Every kind of weight there is; the gradient is zero, so that all a step does is decay."""
    X, y = problem(RNNClassifier, rng)
    clf = RNNClassifier(
        **SETTINGS, readout="attention", learn_initial_state=True, cell="lstm", layer_norm=True
    ).fit(X, y)
    params = clf.network_.params
    params.flat[...] = 1
    optimizer = make_optimizer("adamw", params, alpha=0.5)
    optimizer.step(params.flat, np.zeros_like(params.flat), 0.1)
    for name, weight in params.items():
        expected = 0.95 if name.rpartition(".")[2].startswith("W") else 1.0
        np.testing.assert_allclose(weight, expected, rtol=1e-12, err_msg=name)


# Batches by length


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_buckets_hold_every_sample_once(n_samples, batch_size, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 30, n_samples)
    plain = batches_of(rng.permutation(n_samples), batch_size)
    by_length = bucketed(plain, lengths, rng)
    assert sorted(map(len, by_length)) == sorted(map(len, plain))
    assert sorted(np.concatenate(by_length)) == list(range(n_samples))


def test_buckets_are_narrow_and_meet_by_chance():
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 500, 1000)

    def spread(batches):
        return np.mean([np.ptp(lengths[batch]) for batch in batches])

    epochs = [bucketed(batches_of(rng.permutation(1000), 20), lengths, rng) for _ in range(3)]
    assert spread(epochs[0]) < 0.3 * spread(batches_of(rng.permutation(1000), 20))
    # who is with sample 7 in one epoch is hardly ever with it in another
    mates = [{*next(b for b in batches if 7 in b)} for batches in epochs]
    assert len(mates[0] & mates[1]) < 10
    # no order of batches by length
    firsts = [lengths[b].mean() for b in epochs[0]]
    assert abs(np.corrcoef(firsts, np.arange(len(firsts)))[0, 1]) < 0.5


def test_a_fit_by_length_learns_the_same_task(rng):
    X, y = problem(RNNClassifier, rng, 80)
    one, again = (
        RNNClassifier(**{**SETTINGS, "max_iter": 40}, bucket_by_length=True).fit(X, y)
        for _ in range(2)
    )
    assert one.score(X, y) > 0.8
    np.testing.assert_array_equal(weights_of(one), weights_of(again))
