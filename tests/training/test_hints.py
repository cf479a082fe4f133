"""Each rule on a history made for it, the base rate, and silence where there is nothing to say."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from elman import TrainingWarning
from elman.data.prepared import Prepared
from elman.data.validation import check_sequences
from elman.models.history import History
from elman.nn.objectives import AnyLabels, OneClass, Values
from elman.training.base_rate import BaseRate, base_rate
from elman.training.hints import Answer, Trained, hint_after, hint_before
from elman.training.labelled import Labelled

ASKED = {
    "cell": "elman",
    "activation": "tanh",
    "solver": "adam",
    "momentum": 0.9,
    "learning_rate_init": 0.003,
    "max_grad_norm": 1.0,
    "standardize": True,
    "early_stopping": False,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "class_weight": None,
    "batch_size": 32,
}
FLAT = [0.69] * 20
LEARNED = [0.7, 0.4, 0.2, *([0.1, 0.05] * 9)]


def history_of(loss, *, rate=0.003, norm=0.5, saturated=0.0, **columns):
    n = len(loss)
    return History(
        epoch=list(range(1, n + 1)),
        loss=list(loss),
        gradient_norm=[norm] * n,
        saturated=[None] * (n - 1) + [saturated],
        learning_rate=[rate] * n,
        best_epoch=n,
        stopped_by="max_iter",
        **columns,
    )


def trained_of(loss, *, asked=None, n_batches=100, fields=None, **columns):
    return Trained(
        history_of(loss, **columns),
        BaseRate(0.7, 0.7 if columns.get("validation_loss") else None),
        {**ASKED, **(asked or {})},
        OneClass(),
        n_batches,
        n_targets=500,
        n_outputs=2,
        n_params=400,
        widest=16,
        **(fields or {}),
    )


def code_of(trained):
    hint = hint_after(trained)
    return None if hint is None else hint.code


RISING = [0.3, 0.28, 0.2, *np.linspace(0.2, 0.6, 17).tolist()]
FAULTS = {
    "unscaled": trained_of(FLAT, asked={"standardize": False}, fields={"scales": (0.5, 900.0)}),
    "rate-too-large": trained_of([0.7, 1.5, *FLAT]),
    "saturated": trained_of([0.6] * 20, saturated=0.8),
    "rate-too-small": trained_of(FLAT, rate=1e-6, asked={"learning_rate_init": 1e-6}),
    "too-few-steps": trained_of(FLAT, n_batches=1),
    "one-class-predicted": trained_of(
        [0.6] * 20, fields={"only_answer": lambda: Answer("'no'", 256, "samples", 0.9)}
    ),
    "not-learned": trained_of(FLAT),
    "overfits": trained_of(LEARNED, validation_loss=RISING, validation_score=[0.9] * 20),
    "still-falling": trained_of(np.linspace(0.7, 0.2, 20)),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_has_its_hint(code):
    assert code_of(FAULTS[code]) == code


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("stopped_by", ["on_epoch", "interrupt", "checkpoint", "diverged"])
def test_no_hint_after_a_training_that_was_cut_short(code, stopped_by):
    history = replace(FAULTS[code].history, stopped_by=stopped_by)
    assert code_of(replace(FAULTS[code], history=history)) is None


@pytest.mark.parametrize("code", FAULTS)
def test_no_hint_after_few_epochs_of_few_steps(code):
    history = FAULTS[code].history
    lists = {name: getattr(history, name)[:9] for name in History.columns()}
    few = replace(history, **lists)
    assert code_of(replace(FAULTS[code], history=few, n_batches=3)) is None


def test_few_epochs_of_many_steps_can_be_judged():
    assert code_of(trained_of(FLAT[:2], n_batches=500)) == "not-learned"
    assert code_of(trained_of(FLAT[:2], n_batches=499)) is None


def test_figures_are_in_the_message_and_what_is_set_is_not_advised():
    message = hint_after(FAULTS["not-learned"]).message
    assert "after 20 epochs the training loss is 0.69, and" in message.lower()
    assert "has 0.7." in message
    assert 'cell="gru"' in message
    assert "standardize" not in message
    gru = trained_of(FLAT, asked={"cell": "gru", "standardize": False})
    message = hint_after(gru).message
    assert 'cell="gru"' not in message
    assert "standardize=True" in message


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({}, {}),
        ({"saturated": 0.95}, {}),
        ({"rate": 1e-6}, {}),
        ({"norm": 50.0}, {"solver": "sgd"}),
        ({"validation_loss": [0.3] * 20, "validation_score": [0.9] * 20}, {}),
        # the score gets better, and the validation loss stays below the base rate
        ({"validation_loss": RISING, "validation_score": np.linspace(0.5, 0.9, 20).tolist()}, {}),
        (
            {"validation_loss": RISING, "validation_score": [0.9] * 20},
            {"early_stopping": True},
        ),
    ],
)
def test_no_hint_where_the_network_learned(columns, asked):
    assert code_of(trained_of(LEARNED, asked=asked, **columns)) is None


@pytest.mark.parametrize("limit", [0.36, 0.5, 0.65])
def test_no_hint_at_a_limit_of_the_data(rng, limit):
    wavering = limit + 0.004 * rng.random(60)
    assert code_of(trained_of([0.72, 0.68, *wavering])) is None


def test_setbacks_are_not_what_dropout_explains():
    loss = [0.5, 0.525] * 15
    assert code_of(trained_of(loss)) == "rate-too-large"
    assert code_of(trained_of(loss, asked={"dropout": 0.3})) is None


def test_validation_loss_that_was_never_below_the_base_rate():
    never = trained_of(LEARNED, validation_loss=[0.71] * 20, validation_score=[0.5] * 20)
    assert code_of(never) == "overfits"
    assert "does not hold for the validation data" in hint_after(never).message


@pytest.mark.parametrize("code", ["too-few-steps", "rate-too-small"])
@pytest.mark.parametrize("objective", [OneClass(), AnyLabels()])
def test_little_is_not_learned_where_most_answers_are_right(code, objective):
    def after(score, commonest):
        trained = replace(FAULTS[code], objective=objective, commonest=lambda: commonest)
        return code_of(replace(trained, history=replace(trained.history, score=[score] * 20)))

    assert after(0.98, 0.4) != code
    assert after(0.98, 0.97) == code
    assert after(0.6, 0.4) == code


def test_relu_may_be_half_zero():
    relu = {"activation": "relu"}
    assert code_of(trained_of([0.6] * 20, saturated=0.8, asked=relu)) is None
    assert code_of(trained_of([0.6] * 20, saturated=0.97, asked=relu)) == "saturated"


def test_early_stopping_counts_the_epoch_that_was_kept():
    loss = [0.7, 0.69, *([0.1] * 10)]
    history = replace(history_of(loss), stopped_by="early_stopping", best_epoch=2)
    stopped = replace(trained_of(loss, asked={"early_stopping": True}), history=history)
    assert code_of(stopped) == "not-learned"
    assert code_of(replace(stopped, history=replace(history, best_epoch=12))) is None


def labelled_of(targets, weights=None, n_features=2, per_step=False):
    n = 3 if per_step else len(targets)
    lengths = [len(targets) // 3] * 3 if per_step else [4] * n
    X = [np.arange(k * n_features, dtype=float).reshape(k, n_features) + i
         for i, k in enumerate(lengths)]  # fmt: skip
    return Labelled(Prepared(check_sequences(X)), np.asarray(targets), weights, per_step)


def test_base_rate_of_classes_is_the_entropy_of_their_shares():
    training = labelled_of([0, 1, 1, 1, 2])
    expected = -sum(p * math.log(p) for p in (0.2, 0.6, 0.2))
    found = base_rate(training, labelled_of([2, 2]), OneClass(), 3)
    np.testing.assert_allclose(found, (expected, -math.log(0.2)), rtol=1e-6)
    weighted = labelled_of([0, 1, 1, 1, 2], np.array([3.0, 1, 1, 1, 3]))
    np.testing.assert_allclose(base_rate(weighted, None, OneClass(), 3).training, math.log(3))
    steps = labelled_of([0, -1, 1, 1, -1, 1, 2, -1, -1], per_step=True)
    np.testing.assert_allclose(base_rate(steps, None, OneClass(), 3).training, expected)


def test_base_rate_of_labels_and_of_values():
    training = labelled_of(np.array([[1, 0], [1, 1], [0, 0], [0, 0]], dtype=float))
    expected = math.log(2) - 0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    np.testing.assert_allclose(base_rate(training, None, AnyLabels(), 2).training, expected)
    values = labelled_of(np.array([[1.0], [2], [6], [np.nan]]), per_step=False)
    np.testing.assert_allclose(base_rate(values, None, Values(), 1).training, 14 / 3)
    # of absolute errors the median is the best constant
    np.testing.assert_allclose(base_rate(values, None, Values("absolute"), 1).training, 5 / 3)


def test_before_training():
    training = labelled_of([0, 1, 1])
    assert hint_before(training, None, OneClass(), str) is None
    assert hint_before(training, labelled_of([0, 1, 0]), OneClass(), str) is None
    assert hint_before(training, labelled_of([0, 1]), OneClass(), str) is None
    same = hint_before(training, labelled_of([0, 1, 1]), OneClass(), str)
    assert same.code == "validation-is-training"
    for one, objective in (
        (labelled_of([1, 1, 1]), OneClass()),
        (labelled_of([[1, 0], [1, 0]]), AnyLabels()),
        (labelled_of([[0.5], [0.5]]), Values()),
        (labelled_of([2, -1, -1, 2, 2, -1], per_step=True), OneClass()),
    ):
        assert hint_before(one, None, objective, str).code == "one-class"


def test_the_warning_keeps_its_code_in_a_pickle():
    warning = pickle.loads(pickle.dumps(TrainingWarning("what it says", "overfits")))
    assert (str(warning), warning.code) == ("what it says", "overfits")
