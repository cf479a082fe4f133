"""Each rule on a history made for it, and silence where there is nothing to say."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from helpers.sequence_data import labelled_of

from elman import RNNClassifier, RNNRegressor, RNNTagger, TrainingWarning
from elman.models.history import History
from elman.nn.objectives import AnyLabels, OneClass, Values
from elman.training.base_rate import BaseRate
from elman.training.hints import Answer, Trained, hint_after, hint_before

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
    "batch_size": 8,
    "max_iter": 20,
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
        batch_size=8,
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
        **{"n_samples": 100, **(fields or {})},
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
    "overfits": trained_of(
        LEARNED,
        validation_loss=RISING,
        validation_score=[0.9] * 20,
        fields={"n_validation": 100},
    ),
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
    loss = [0.5, 0.56] * 15
    assert code_of(trained_of(loss)) == "rate-too-large"
    assert code_of(trained_of(loss, asked={"dropout": 0.3})) is None


def test_validation_loss_that_was_never_below_the_base_rate():
    columns = {"validation_loss": [0.71] * 20, "validation_score": [0.5] * 20}
    never = trained_of(LEARNED, fields={"n_validation": 30}, **columns)
    assert code_of(never) == "overfits"
    assert code_of(replace(never, n_validation=29)) is None
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


def test_few_validation_samples_may_have_a_worse_loss_by_chance():
    rising = [0.6, *([0.5] * 9), *([0.61] * 10)]  # by a sixth of the base rate
    columns = {"validation_loss": rising, "validation_score": [0.7] * 20}
    for n, code in ((9, None), (12, "overfits")):
        assert code_of(trained_of(LEARNED, fields={"n_validation": n}, **columns)) == code


def test_relu_may_be_half_zero():
    relu = {"activation": "relu"}
    assert code_of(trained_of([0.6] * 20, saturated=0.8, asked=relu)) is None
    assert code_of(trained_of([0.6] * 20, saturated=0.97, asked=relu)) == "saturated"


def test_early_stopping_counts_what_was_learned_from_the_kept_epoch_on():
    # the loss of an early epoch is a mean over its course, not that of the weights at its end
    for loss, code in (([0.7, 0.69, *([0.1] * 10)], None), ([0.69] * 5, "not-learned")):
        history = replace(history_of(loss), stopped_by="early_stopping", best_epoch=2)
        stopped = replace(trained_of(loss, asked={"early_stopping": True}), history=history)
        assert code_of(stopped) == code
    assert "After 2 epochs the training loss is 0.69," in hint_after(stopped).message


def test_early_stopping_at_the_limit_of_the_data_is_not_called_too_short():
    asked = {"early_stopping": True, "n_iter_no_change": 10}
    for ratio, code in ((0.9, None), (0.96, "too-few-steps")):
        loss = [0.7 * ratio] * 12
        history = replace(history_of(loss), stopped_by="early_stopping", best_epoch=2)
        stopped = replace(trained_of(loss, asked=asked, n_batches=2), history=history)
        assert code_of(stopped) == code
    assert "Raise n_iter_no_change (10 now)" in hint_after(stopped).message
    assert "max_iter" not in hint_after(stopped).message


def test_weights_that_were_trained_before_need_not_be_carried_far():
    short = trained_of([0.6] * 12, n_batches=2)
    assert code_of(short) == "too-few-steps"
    assert code_of(replace(short, went_on=True)) is None


def test_label_smoothing_leaves_a_loss_to_the_best_answers():
    # smoothing of 0.8 over two classes: all right is 0.673 where knowing nothing is 0.693
    base = BaseRate(math.log(2), None, least=0.673)
    good, bad = (replace(trained_of([loss] * 20), base=base) for loss in (0.676, 0.6925))
    assert code_of(good) is None
    assert code_of(bad) == "not-learned"
    assert "label_smoothing leaves 0.673 to the best answers" in hint_after(bad).message


def test_dropout_wavers_and_is_asked_once_more_without():
    wavering = [0.5, 0.62] * 15  # rises by a sixth of the base rate, of 60 targets
    asked = {"dropout": 0.5}
    assert code_of(trained_of(wavering)) == "rate-too-large"
    assert code_of(replace(trained_of(wavering, asked=asked), n_targets=60)) is None
    assert code_of(replace(trained_of(wavering, asked=asked), n_targets=6000)) == "rate-too-large"
    flat = trained_of(FLAT, asked=asked)
    assert code_of(flat) == "not-learned"
    assert code_of(replace(flat, undropped=0.3)) is None
    assert "loss without dropout is 0.68," in hint_after(replace(flat, undropped=0.68)).message


def test_one_of_something_is_told_in_the_singular():
    hint = hint_after(trained_of([0.65] * 12, n_batches=1))
    assert "(12 epochs of 1 batch now)" in hint.message
    hint = hint_before(labelled_of([2]), None, OneClass(), str)
    assert hint.code == "one-class"
    assert hint.message.startswith("y has one sample, so that there is nothing to tell it from")


def test_weights_that_were_drawn_badly_are_no_fault_of_the_rate():
    limit = [0.5] * 20
    for first, code in (
        ([2.0, 1.6], None),
        ([1.3, 1.6], "rate-too-large"),
        ([3.0], "rate-too-large"),
    ):
        assert code_of(trained_of([*first, *limit])) == code


def test_a_loss_that_wavers_for_long_at_the_limit_of_noise_is_no_fault_of_the_rate():
    wavering = [0.45, 0.475] * 50  # by 3.6 % of the base rate, as small batches do
    assert code_of(trained_of([0.7, 0.6, *wavering])) is None


def test_a_loss_that_falls_while_that_of_validation_rises_needs_no_longer_training():
    falling = list(np.linspace(0.7, 0.3, 20))
    for step, code in ((-0.001, "still-falling"), (0.001, None)):
        validation = {
            "validation_loss": [0.6 + i * step for i in range(20)],
            "validation_score": [0.7] * 20,
        }
        trained = trained_of(falling, fields={"n_validation": 50}, **validation)
        assert code_of(trained) == code


def test_a_falling_loss_asks_for_a_larger_rate_only_where_it_is_not_large():
    falling = list(np.linspace(0.7, 0.3, 20))
    for loss, rate, words in (
        (falling, 0.003, "or a larger learning_rate_init"),
        (falling, 0.1, None),
        ([9.0, *falling], 0.1, "or a lower learning_rate_init"),
    ):
        asked = {"learning_rate_init": rate}
        message = hint_after(trained_of(loss, asked=asked)).message
        assert "a larger max_iter" in message
        assert (words or "Try a larger max_iter (20 epochs now);") in message


def test_a_number_that_auto_chose_is_called_that():
    falling = trained_of(list(np.linspace(0.7, 0.3, 20)), asked={"max_iter": "auto"})
    assert 'a larger max_iter (20 epochs, which "auto" chose)' in hint_after(falling).message
    few = trained_of([0.6] * 20, n_batches=1, rate=0.003, asked={"max_iter": "auto"})
    hint = hint_after(few)
    assert hint.code == "too-few-steps"
    assert hint.message.endswith(" or lower batch_size (8 now)")
    both = replace(few, asked={**few.asked, "batch_size": "auto"})
    assert hint_after(both).message.endswith(' or lower batch_size (8, which "auto" chose)')
    assert 'Raise max_iter (20 epochs of 1 batch, which "auto" chose)' in hint.message


@pytest.mark.parametrize(
    ("n_samples", "end"),
    [
        (9, " or lower batch_size (8 now)"),
        (8, " or lower batch_size (8 now) below 8, the number of samples"),
        (5, " or lower batch_size (8 now) below 5, the number of samples"),
        (1, "Raise max_iter (20 epochs of 1 batch now)"),
    ],
)
def test_a_lower_batch_size_is_one_that_makes_more_batches(n_samples, end):
    few = trained_of([0.6] * 20, n_batches=1, rate=0.003, fields={"n_samples": n_samples})
    assert hint_after(few).message.endswith(end)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
def test_samples_are_counted_as_samples_in_what_is_advised(kind):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(5, 7, 2)), rng.integers(0, 2, size=(5, 7))
    y[:, 0] = np.arange(5) % 2
    fit = kind(hidden_size=3, max_iter=10, random_state=0).fit
    with pytest.warns(TrainingWarning, match=r"batch_size \(32, .* below 5, the number of"):
        fit(X, list(y) if kind is RNNTagger else y[:, 0])


def test_clipping_that_shortens_every_step_is_named_first():
    asked = {"solver": "sgd", "max_grad_norm": 1e-4, "learning_rate_init": 0.03}
    hint = hint_after(trained_of([0.6] * 20, asked=asked, rate=0.03))
    assert hint.code == "too-few-steps"
    assert "they are too short. Raise max_grad_norm (0.0001 now)" in hint.message


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
