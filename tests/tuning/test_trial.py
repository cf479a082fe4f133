"""A trial goes on with an earlier one to the bits of one that never paused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.tuning.folds import Fold
from elman.tuning.forgetting import forget
from elman.tuning.material import Samples
from elman.tuning.search import Candidate
from elman.tuning.trial import Material, Trial, carry_out

N_EPOCHS = 7


def case(kind, rng):
    X, y = make_samples(rng, 21, "ragged")
    options = {"hidden_size": 3, "max_iter": N_EPOCHS, "batch_size": 5}
    if kind == "tags":
        return RNNTagger(**options), X, [(x[:, 0] > 0).astype(int) for x in X]
    if kind == "values":
        return RNNRegressor(**options), X, np.array([x[:, 0].sum() for x in X])
    if kind == "step values":
        return RNNRegressor(readout="every", **options), X, [x[:, 1] for x in X]
    return RNNClassifier(**options), X, y


def material_of(kind, rng, folder, scoring=None):
    estimator, X, y = case(kind, rng)
    fold = Fold(np.arange(13), np.arange(13, 21))
    return Material(estimator, Samples(X, y, None), [fold], scoring, str(folder))


@pytest.mark.parametrize("kind", ["labels", "tags", "values", "step values"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_halved_training_is_one_training(kind, early_stopping, rng, tmp_path):
    material = material_of(kind, rng, tmp_path)
    material.estimator.set_params(early_stopping=early_stopping)
    changes = {"deltas": 1, "dropout": 0.3}
    parts = [
        carry_out(material, Trial(4, 0, changes, share, seed=5)) for share in (1 / 3, 2 / 3, 1)
    ]
    assert [part.n_epochs for part in parts] == [3, 2, 2]
    assert {part.epochs_in_all for part in parts} == {N_EPOCHS}
    whole = carry_out(material, Trial(5, 0, changes, 1.0, seed=5))
    assert (whole.n_epochs, whole.score, whole.loss) == (7, parts[-1].score, parts[-1].loss)
    if kind == "labels" and not early_stopping:
        assert parts[0].loss != whole.loss

    train, test = material.samples.take(np.arange(13)), material.samples.take(np.arange(13, 21))
    alone = clone(material.estimator).set_params(**changes, random_state=5).fit(train.X, train.y)
    assert whole.score == alone.score(test.X, test.y)


def test_states_are_removed(rng, tmp_path):
    material = material_of("labels", rng, tmp_path)
    for candidate in (1, 11):
        carry_out(material, Trial(candidate, 0, {}, 0.5, seed=5))
    forget(material, [Candidate(1, {}, "random")])
    assert [path.name for path in tmp_path.iterdir()] == ["candidate-00011-fold-000"]


def test_a_trial_without_time_ends_after_an_epoch_and_has_no_score(rng, tmp_path):
    material = material_of("labels", rng, tmp_path)
    ticks = iter(range(100))
    told = carry_out(material, Trial(1, 0, {}, 1.0, seed=5, seconds=3), lambda: next(ticks))
    assert (told.n_epochs, told.score, told.failure) == (2, None, None)
    rest = carry_out(material, Trial(1, 0, {}, 1.0, seed=5))
    assert (rest.n_epochs, rest.score is None) == (5, False)


def test_training_that_diverges_is_told(rng, tmp_path):
    material = material_of("values", rng, tmp_path)
    changes = {
        "learning_rate_init": 1e30, "max_grad_norm": None, "solver": "sgd", "cell": "elman",
        "activation": "relu",
    }  # fmt: skip
    told = carry_out(material, Trial(1, 0, changes, 1.0, seed=5))
    assert told.score is None
    assert "DivergedError" in told.failure


def test_ctrl_c_in_a_trial_is_ctrl_c(rng, tmp_path):
    """Though `fit` itself keeps the best weights so far."""

    def clock():
        ticks.append(1)
        if len(ticks) == 4:  # in on_epoch of the second epoch
            raise KeyboardInterrupt
        return 0.0

    ticks = []
    material = material_of("labels", rng, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        carry_out(material, Trial(1, 0, {}, 1.0, seed=5, seconds=9), clock)


@pytest.mark.parametrize(
    ("kind", "scoring"),
    [("labels", "f1_macro"), ("tags", "accuracy"), ("values", "neg_mean_squared_error")],
)
def test_scorers(kind, scoring, rng, tmp_path):
    material = material_of(kind, rng, tmp_path, scoring)
    told = carry_out(material, Trial(1, 0, {}, 1.0, seed=5))
    assert (told.score <= 0) == (kind == "values")


def test_weights_are_those_of_fit_and_score(rng, tmp_path):
    material = material_of("labels", rng, tmp_path)
    weights = np.linspace(0, 2, 21)
    weighted = material._replace(samples=material.samples._replace(sample_weight=weights))
    told = carry_out(weighted, Trial(1, 0, {}, 1.0, seed=5))
    train, test = weighted.samples.take(np.arange(13)), weighted.samples.take(np.arange(13, 21))
    alone = clone(material.estimator).set_params(random_state=5).fit(*train)
    assert told.score == alone.score(*test)
    p = alone.predict_proba(test.X)[np.arange(8), (test.y == alone.classes_[1]).astype(int)]
    np.testing.assert_allclose(told.loss, np.average(-np.log(p), weights=test.sample_weight))
