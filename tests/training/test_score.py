"""The training score of an epoch: what `score` says of weights that hardly move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.models.history import History
from elman.nn.objectives import AnyLabels, OneClass, Values, r_squared

STILL = {"learning_rate_init": 1e-30, "batch_size": 5, "max_iter": 2, "random_state": 1}
"""Training that changes no bit of the weights, so that every epoch has the score of the model."""


def sequences(rng, n=13):
    return [rng.standard_normal((int(t), 3)) for t in rng.integers(2, 9, n)]


def classes(X, rng):
    return RNNClassifier(4, **STILL), np.arange(len(X)) % 3


def labels(X, rng):
    return RNNClassifier(4, **STILL), rng.integers(0, 2, (len(X), 2))


def tags(X, rng):
    y = [rng.integers(0, 3, len(x)).astype(object) for x in X]
    for each in y[::2]:
        each[0] = None
    return RNNTagger(4, **STILL), y


def values(X, rng):
    return RNNRegressor(4, **STILL), rng.normal([100, 0], 1, (len(X), 2))


def step_values(X, rng):
    y = [rng.standard_normal((len(x), 2)) for x in X]
    for each in y[::2]:
        each[0] = np.nan
        each[1, 1] = np.nan
    return RNNRegressor(4, **STILL), y


TASKS = pytest.mark.parametrize("task", [classes, labels, tags, values, step_values])


@TASKS
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_score_of_the_model(task, weighted, rng):
    X = sequences(rng)
    model, y = task(X, rng)
    weights = rng.uniform(0.5, 2, len(X)) if weighted else None
    model.fit(X, y, sample_weight=weights)
    assert model.score_curve_ == pytest.approx([model.score(X, y, weights)] * 2, rel=1e-5)
    model.partial_fit(X, y, sample_weight=weights)
    assert model.score_curve_[2] == pytest.approx(model.score_curve_[1], rel=1e-12)


@TASKS
@pytest.mark.parametrize("mode", ["sync", "local"])
def test_it_has_the_same_bits_for_any_number_of_workers(task, mode, rng):
    X = sequences(rng, 67)
    model, y = task(X, rng)
    chunks = {} if mode == "local" else {"bptt_steps": 3}
    model.set_params(learning_rate_init=0.01, batch_size=23, mode=mode, replicas=2, **chunks)
    weights = rng.uniform(0.5, 2, len(X))
    curves = []
    for n_workers in (None, 1, 3):
        executor = None if n_workers is None else lambda n=n_workers: ThreadPoolExecutor(n)
        model.set_params(n_jobs=1 if n_workers is None else 2)
        model.fit(X, y, sample_weight=weights, executor=executor)
        curves.append(model.score_curve_)
    assert len(set(curves[0])) == 2
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("task", [classes, tags])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_weight_does_not_count(task, weighted, rng):
    X = sequences(rng)
    model, y = task(X, rng)
    weights = rng.uniform(0.5, 2, len(X)) if weighted else None
    model.set_params(class_weight={0: 1, 1: 9, 2: 0.1}).fit(X, y, sample_weight=weights)
    assert model.score_curve_[0] == pytest.approx(model.score(X, y, weights), rel=1e-12)


def test_held_out_samples_are_not_in_it(rng):
    X, y = sequences(rng, 24), np.arange(24) % 2
    model = RNNClassifier(4, early_stopping=True, validation_fraction=0.25, **STILL).fit(X, y)
    n_right = 18 * model.score_curve_[0] + 6 * model.validation_scores_[0]
    assert n_right == pytest.approx(24 * model.score(X, y))
    assert model.validation_loss_curve_ == model.history_.validation_loss


def test_a_file_keeps_it(rng, tmp_path):
    X = sequences(rng)
    model, y = classes(X, rng)
    model.fit(X, y).save(tmp_path / "model.safetensors")
    assert RNNClassifier.load(tmp_path / "model.safetensors").score_curve_ == model.score_curve_


def test_training_goes_on_from_a_history_without_it(rng):
    X = sequences(rng)
    model, y = classes(X, rng)
    model.fit(X, y)
    model.history_.score.clear()  # as older versions left it
    model.partial_fit(X, y)
    assert model.score_curve_[:2] == [None, None]
    assert model.score_curve_[2] == pytest.approx(model.score(X, y))
    assert {len(column) for column in model.history_.to_dict().values()} == {3}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("objective", [OneClass(), AnyLabels(), Values()])
def test_marks_add_up_to_the_score_of_validation(objective, weighted, rng):
    outputs = rng.standard_normal((7, 3)).astype(np.float32)
    targets = {
        OneClass: rng.integers(0, 3, 7),
        AnyLabels: np.where(np.arange(21).reshape(7, 3) % 5, outputs > 0, 1),
        Values: rng.standard_normal((7, 3)),
    }[type(objective)]
    weights = rng.uniform(0.5, 2, 7) if weighted else None
    whole = objective.evaluate(outputs, targets, weights, None)[1]
    summed = 0
    for part in (slice(0, 2), slice(2, 7)):
        own = None if weights is None else weights[part]
        marks = objective.loss_and_marks(outputs[part], targets[part], own, None)[2]
        summed = summed + objective.marked(marks, own)
    assert objective.scoring(targets, weights)(summed) == pytest.approx(whole, rel=1e-12)


def test_r_squared_of_constant_and_unknown_targets(rng):
    outputs = rng.standard_normal((5, 4))
    outputs[:, 0] = 2
    targets = rng.standard_normal((5, 4))
    targets[:, :2] = 2
    targets[1:3, 2], targets[:, 3] = np.nan, np.nan
    objective = Values()
    marked = objective.marked(objective.loss_and_marks(outputs, targets, None, None)[2], None)
    score = objective.scoring(targets, None)(marked)
    assert score == pytest.approx(r_squared(outputs, targets, None), rel=1e-12)


def test_an_interrupted_row_is_dropped():
    history = History(epoch=[1, 2], loss=[0.5, 0.4], score=[0.1, 0.2], sequences_per_second=[9.0])
    history.trim()
    assert history.score == [0.1]
