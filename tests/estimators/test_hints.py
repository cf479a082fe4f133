"""What fit says of trainings with a fault in them, in all estimators, and when it says nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from elman import RNNClassifier, RNNRegressor, RNNTagger, TrainingWarning

KINDS = ["classes", "labels", "steps", "values", "step values"]


def data_of(kind, rng, n=40):
    """Sequences of 5 steps, and targets that the last step's first feature (or each step's) has."""
    X = rng.normal(size=(n, 5, 2))
    signs = X[:, :, 0] > 0
    y = {
        "classes": signs[:, -1].astype(int),
        "labels": np.stack([signs[:, -1], X[:, -1, 1] > 0, ~signs[:, -1]], axis=1).astype(int),
        "steps": signs.astype(int),
        "values": X[:, -1, 0],
        "step values": [x[:, 0].copy() for x in X],
    }[kind]
    return X, y


def estimator_of(kind, **options):
    make = {"steps": RNNTagger, "values": RNNRegressor, "step values": RNNRegressor}
    options = {"hidden_size": 4, "max_iter": 10, "random_state": 0, **options}
    if kind in ("classes", "labels", "values"):
        options = {"readout": "last", **options}
    return make.get(kind, RNNClassifier)(**options)


def hints(estimator, X, y, **given):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y, **given)
    return [w.message for w in caught if isinstance(w.message, TrainingWarning)]


def codes(*args, **given):
    return [hint.code for hint in hints(*args, **given)]


def constant(y):
    if isinstance(y, list):
        return [np.full_like(values, 3) for values in y]
    return np.broadcast_to(y[0] if y.ndim == 2 and y.shape[1] == 3 else y.flat[0], y.shape).copy()


@pytest.mark.parametrize("kind", KINDS)
def test_one_class_is_known_before_training(kind, rng):
    X, y = data_of(kind, rng)
    stopped = []
    with pytest.warns(TrainingWarning) as caught:
        estimator_of(kind, max_iter=1, on_epoch=lambda _: stopped.append(len(caught))).fit(
            X, constant(y)
        )
    (said,) = [i for i, w in enumerate(caught) if isinstance(w.message, TrainingWarning)]
    assert caught[said].message.code == "one-class"
    assert stopped == [said + 1]
    assert caught[said].filename == __file__


@pytest.mark.parametrize("label", ["still", 3, True])
def test_one_class_is_named_whatever_it_is(label, rng):
    y = np.empty(6, object)
    y[:] = [label] * 6
    (message,) = hints(RNNClassifier(3, max_iter=1), rng.normal(size=(6, 4, 2)), y)
    assert f"all 6 samples are {label!r}." in str(message)


@pytest.mark.parametrize("kind", KINDS)
def test_validation_data_that_is_the_training_data(kind, rng):
    X, y = data_of(kind, rng)
    said = "validation-is-training"
    assert codes(estimator_of(kind), X, y, X_val=X.copy(), y_val=y) == [said]
    assert said not in codes(estimator_of(kind), X, y, X_val=X[:20], y_val=y[:20])
    assert said not in codes(estimator_of(kind), X, y, X_val=X + 1e-3, y_val=y)
    assert codes(estimator_of(kind, max_iter=9), X, y, X_val=X, y_val=y) == []


@pytest.mark.parametrize("kind", KINDS)
def test_steps_that_are_too_short_and_too_long_and_too_few(kind, rng):
    X, y = data_of(kind, rng)
    small = estimator_of(kind, learning_rate_init=1e-6)
    assert codes(small, X, y) == ["rate-too-small"]
    few = estimator_of(kind, learning_rate_init=0.002, batch_size=40)
    assert codes(few, X, y) == ["too-few-steps"]
    large = estimator_of(kind, learning_rate_init=30.0, batch_size=5, max_grad_norm=None)
    assert codes(large, X, y) == ["rate-too-large"]


@pytest.mark.parametrize("fit", [RNNClassifier, RNNTagger])
def test_few_steps_are_no_fault_where_the_answers_are_right(fit, rng):
    y = np.repeat(list("abcdef"), 50)
    X = 0.2 * rng.normal(size=(300, 1, 6)) + 2 * (y[:, np.newaxis, np.newaxis] == np.unique(y))
    if fit is RNNTagger:
        y = y[:, np.newaxis]
    clf = fit(24, max_iter=10, batch_size=50, learning_rate_init=0.0025, random_state=0)
    assert codes(clf, X, y) in ([], ["still-falling"])
    assert clf.history_.score[-1] > 0.9
    assert clf.history_.loss[-1] > 0.5 * np.log(6)  # so that the score alone speaks for it


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_another_scale(kind, rng):
    X, y = data_of(kind, rng)
    for factor in (1e-4, 1e4):
        unscaled = estimator_of(kind, standardize=False, learning_rate_init=0.001)
        assert codes(unscaled, X * factor, y) == ["unscaled"]


@pytest.mark.parametrize("kind", KINDS)
def test_targets_that_have_nothing_to_do_with_X(kind, rng):
    X, _ = data_of(kind, rng, 400)
    _, y = data_of(kind, rng, 400)
    assert codes(estimator_of(kind, hidden_size=3, learning_rate_init=0.01), X, y) == [
        "not-learned"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_learned_is_silent(kind, rng):
    X, y = data_of(kind, rng, 200)
    learns = estimator_of(kind, hidden_size=8, learning_rate_init=0.03, max_iter=20, batch_size=10)
    held_out = {"X_val": X[150:], "y_val": y[150:]}
    assert codes(learns, X[:150], y[:150], **held_out) == []
    assert learns.score(X[150:], y[150:]) > 0.7


def test_a_network_that_answers_one_class(rng):
    X = rng.normal(size=(300, 5, 2))
    y = np.where(rng.random(300) < 0.1, "rare", "common")
    (hint,) = hints(estimator_of("classes", learning_rate_init=0.01), X, y)
    assert hint.code == "one-class-predicted"
    assert "answers 'common' to all of 256 training samples" in str(hint)
    tags = np.where(rng.random((300, 5)) < 0.1, "rare", "common")
    (hint,) = hints(estimator_of("steps", learning_rate_init=0.01), X, tags)
    assert "answers 'common' to all of 1280 training labelled time steps" in str(hint)


@pytest.mark.parametrize("kind", ["classes", "steps"])
def test_a_rare_class_that_is_recognised_is_among_the_samples_looked_at(kind, rng):
    # so rare that 256 evenly spread samples have none of it
    y = np.where(np.isin(np.arange(1200), (7, 408, 808)), "rare", "common")
    X = rng.normal(size=(1200, 4, 2)) + 5 * (y == "rare")[:, None, None]
    if kind == "steps":
        y = np.where((X.max(axis=2) > 4.5) & (y == "rare")[:, None], "rare", "common")
    clf = estimator_of(kind, hidden_size=4, learning_rate_init=0.01, max_iter=12)
    assert codes(clf, X, y) == []
    assert (clf.predict(X[7:8]) == y[7:8]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_at_the_limit_of_the_data_is_not_called_too_short(kind, rng):
    X, y = data_of(kind, rng, 60)
    y = y[::-1] if kind == "values" else y
    X = rng.normal(size=X.shape) + 0.5 * X  # little to learn
    clf = estimator_of(kind, hidden_size=4, learning_rate_init=0.03, max_iter=30, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf.fit(X, y)
    clf.set_params(max_iter=10, learning_rate_init=1e-4)
    assert not {"too-few-steps", "rate-too-small"} & set(codes(clf, X, y))


def test_overfitting(rng):
    X = rng.normal(size=(60, 5, 2))
    y = rng.integers(0, 2, 60)
    clf = RNNClassifier(32, max_iter=60, learning_rate_init=0.01, random_state=0)
    assert codes(clf, X[:30], y[:30], X_val=X[30:], y_val=y[30:]) == ["overfits"]


def test_a_loss_that_still_falls_is_scikit_learns_warning_too(rng):
    X, y = data_of("classes", rng, 100)
    options = {"learning_rate": "constant", "learning_rate_init": 0.02, "batch_size": 32}
    clf = estimator_of("classes", max_iter=10, **options)
    (hint,) = hints(clf, X, y)
    assert (hint.code, isinstance(hint, ConvergenceWarning)) == ("still-falling", True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=TrainingWarning)
        clf.fit(X, y)


def test_saturated_states(rng):
    X, y = data_of("classes", rng, 100)
    clf = estimator_of("classes", max_iter=1, warm_start=True, hidden_size=8).fit(X, y)
    clf.weights_["recurrent0.W_h"][...] *= 300
    clf.weights_["recurrent0.W_x"][...] = 0
    clf.weights_["recurrent0.b"][...] = 300
    clf.set_params(max_iter=12, learning_rate_init=0.01)
    assert codes(clf, X, y) == ["saturated"]


def test_partial_fit_on_epoch_and_few_epochs_are_silent(rng):
    X, y = data_of("classes", rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny = {"learning_rate_init": 1e-6}
        clf = estimator_of("classes", **tiny)
        for _ in range(12):
            clf.partial_fit(X, y, classes=[0, 1])
        estimator_of("classes", max_iter=5, **tiny).fit(X, y)
        estimator_of("classes", on_epoch=lambda epoch: epoch.epoch == 12, max_iter=20, **tiny).fit(
            X, y
        )


def test_a_search_gives_a_hint_once(rng, monkeypatch):
    monkeypatch.setattr("elman.estimators.hinting._SAID", set())
    X, y = data_of("classes", rng, 60)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cross_val_score(estimator_of("classes", learning_rate_init=1e-6), X, y, cv=3)
    assert [w.message.code for w in caught] == ["rate-too-small"]
    assert "fit the estimator alone" in str(caught[0].message)


def test_a_diverged_seed_in_cross_validation_says_what_it_was(rng):
    X, y = data_of("values", rng, 30)
    reg = estimator_of(
        "values",
        solver="sgd",
        learning_rate="constant",
        learning_rate_init=1e300,
        max_grad_norm=None,
    )
    with pytest.raises(ValueError, match=r"All the 3 fits failed(.|\n)*training diverged in epoch"):
        cross_val_score(reg, X, y, cv=3)
