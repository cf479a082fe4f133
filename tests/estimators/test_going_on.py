"""What an estimator goes on with: changed hyper-parameters, interrupted fits, loaded files."""

import numpy as np
import pytest

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.formats.archive import ArchiveError

rng = np.random.default_rng(0)
X = [rng.normal(size=(n, 2)) for n in (4, 1, 6, 3, 5)]
TARGETS = {
    RNNClassifier: list("abbca"),
    RNNRegressor: [0.5, 1.0, -2.0, 4.0, 3.5],
    RNNTagger: [list("abcabc")[: len(x)] for x in X],
}
CLASSES = {RNNClassifier: {"classes": list("abc")}, RNNTagger: {"classes": list("abc")}}
estimators = pytest.mark.parametrize("estimator", [*TARGETS])


def once(estimator, **parameters):
    model = estimator(hidden_size=3, max_iter=2, random_state=0, **parameters)
    return model.partial_fit(X, TARGETS[estimator], **CLASSES.get(estimator, {}))


def same_weights(one, other):
    return all(np.array_equal(one.weights_[name], other.weights_[name]) for name in one.weights_)


@estimators
@pytest.mark.parametrize(
    ("name", "value", "called"),
    [
        ("hidden_size", 4, "hidden_size"),
        ("cell", "gru", "cell"),
        ("n_layers", 2, "hidden_size"),
        ("bidirectional", True, "bidirectional"),
        ("missing", "mask", "missing"),
        ("dtype", "float64", "dtype"),
    ],
)
def test_another_network_is_refused_by_partial_fit(estimator, name, value, called):
    model = once(estimator, dtype="float32")
    weights = {name: array.copy() for name, array in model.weights_.items()}
    model.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"partial_fit goes on with the network.*{called}"):
        model.partial_fit(X, TARGETS[estimator])
    for name, array in model.weights_.items():
        np.testing.assert_array_equal(array, weights[name])


@estimators
@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.5},
        {"solver": "sgd"},
        {"solver": "adamw", "alpha": 0.5},
        {"dropout": 0.5, "n_layers": 2},
        {"recurrent_dropout": 0.5},
        {"learning_rate_init": 0.1},
        {"max_grad_norm": 1e-3},
    ],
    ids=str,
)
def test_what_may_change_between_two_calls_takes_effect(estimator, changed):
    fixed = {"n_layers": changed["n_layers"]} if "n_layers" in changed else {}
    plain, other = once(estimator, **fixed), once(estimator, **fixed)
    assert same_weights(plain, other)
    other.set_params(**changed)
    for model in (plain, other):
        model.partial_fit(X, TARGETS[estimator])
    assert not same_weights(plain, other)


@estimators
def test_a_changed_penalty_keeps_the_memory_of_the_optimizer(estimator):
    """A penalty that goes away again between two calls leaves no trace."""
    plain, other = once(estimator), once(estimator)
    other.set_params(alpha=0.5)
    model, going_on = other._continued(other.model_, "partial_fit")
    assert going_on.optimizer.n_steps == other._going_on.optimizer.n_steps > 0
    other.set_params(alpha=plain.alpha)
    for model in (plain, other):
        model.partial_fit(X, TARGETS[estimator])
    assert same_weights(plain, other)


class Interrupt:
    """Ctrl-C as soon as training has begun: here, where the objective is asked for."""

    def __call__(self, *arguments, **options):
        raise KeyboardInterrupt


@estimators
def test_an_interrupt_before_the_first_epoch_leaves_a_fitted_estimator(estimator, monkeypatch):
    model = estimator(hidden_size=3, max_iter=2, random_state=0).fit(X, TARGETS[estimator])
    fitted, history = model.model_, model.history_
    monkeypatch.setattr("elman.training.gradients.gradient", Interrupt())
    with pytest.warns(UserWarning, match="interrupted before its first epoch"):
        model.fit(X, TARGETS[estimator])
    assert model.model_ is fitted
    assert model.history_ is history


@estimators
def test_load_gives_the_estimator_that_the_file_holds(estimator, tmp_path):
    model = once(estimator)
    model.save(tmp_path / "m.safetensors")
    loaded = elman.load(tmp_path / "m.safetensors")
    assert type(loaded) is estimator
    assert loaded.get_params() == model.get_params()
    assert same_weights(loaded, model)


def test_load_of_what_is_no_model(tmp_path):
    (tmp_path / "m.safetensors").write_bytes(b"not a model")
    with pytest.raises(ArchiveError, match=r"m\.safetensors"):
        elman.load(tmp_path / "m.safetensors")
