"""The test of rates trains as `fit` does, leaves its estimator alone, and suggests well."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.estimators.rate_test import losses_by_rate
from elman.plotting import LearningRateDisplay


@pytest.fixture
def samples(rng):
    return make_samples(rng, 23, "ragged")


def made(kind, rng, samples, **options):
    """An estimator of a kind, with data."""
    X, y = samples
    if kind is RNNTagger:
        y = [(np.cumsum(x[:, 0]) > 0).astype(int) for x in X]
    if kind is RNNRegressor:
        y = np.array([x[:, 0].sum() for x in X])
    return kind(4, **{"random_state": 3, "learning_rate": "constant", **options}), X, y


ONE_ROUNDING = 4e-16
"""A history has the mean of an epoch, which was multiplied by a weight and divided by it."""

kinds = pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])


def at_one_rate(estimator, X, y, sample_weight=None, n_steps=4):
    """The losses of a test at which the rate does not grow."""
    rates = np.full(n_steps, 0.03)
    options = {"at_least": 3, "smoothing": 0.9, "exploded_at": 100.0}
    return losses_by_rate(estimator, X, y, sample_weight, rates, **options)[0].tolist()


@kinds
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd", "momentum": 0.5, "alpha": 0.1},
        {"dropout": 0.4, "recurrent_dropout": 0.2},
        {"max_grad_norm": 0.01, "max_grad_value": 0.1, "standardize": False},
        {"cell": "gru", "n_layers": 2, "bidirectional": True, "dtype": "float64"},
        {"mode": "local", "replicas": 1, "local_steps": 2},
    ],
)
def test_each_step_is_that_of_fit(rng, samples, kind, options):
    estimator, X, y = made(kind, rng, samples, batch_size=23, **options)
    tested = at_one_rate(estimator, X, y)
    estimator.set_params(learning_rate_init=0.03, max_iter=4).fit(X, y)
    np.testing.assert_allclose(tested, estimator.loss_curve_, rtol=ONE_ROUNDING)


@pytest.mark.parametrize("options", [{"class_weight": {"up": 3}}, {"bptt_steps": 2}])
def test_weights_and_cut_gradients_are_those_of_fit(rng, samples, options):
    estimator, X, y = made(RNNClassifier, rng, samples, batch_size=23, **options)
    weights = rng.integers(0, 4, len(X))
    tested = at_one_rate(estimator, X, y, weights)
    assert tested != at_one_rate(estimator, X, y)
    estimator.set_params(learning_rate_init=0.03, max_iter=4).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(tested, estimator.loss_curve_, rtol=ONE_ROUNDING)


@pytest.mark.parametrize("bucketed", [False, True])
def test_batches_are_those_of_fit(rng, samples, bucketed):
    estimator, X, y = made(RNNClassifier, rng, samples, batch_size=5, bucket_by_length=bucketed)
    X, y = X[:20], y[:20]
    tested = np.reshape(at_one_rate(estimator, X, y, n_steps=12), (3, 4))
    estimator.set_params(learning_rate_init=0.03, max_iter=3).fit(X, y)
    np.testing.assert_allclose(tested.mean(axis=1), estimator.loss_curve_, rtol=1e-14)


def test_of_a_tagger_each_chunk_is_a_step(rng, samples):
    estimator, X, y = made(RNNTagger, rng, samples, batch_size=23, bptt_steps=3)
    n_chunks = -(-max(map(len, X)) // 3)
    tested = at_one_rate(estimator, X, y, n_steps=n_chunks + 1)
    weights = [sum(len(x[start : start + 3]) for x in X) for start in range(0, 3 * n_chunks, 3)]
    estimator.set_params(learning_rate_init=0.03, max_iter=1).fit(X, y)
    loss = np.average(tested[:n_chunks], weights=weights)
    np.testing.assert_allclose(loss, estimator.loss_curve_[0], rtol=1e-14)


@kinds
@pytest.mark.parametrize("state", ["whole", "fitted", "generator"])
def test_it_has_the_same_bits_and_leaves_the_estimator_alone(rng, samples, kind, state):
    estimator, X, y = made(kind, rng, samples)
    if state == "fitted":
        estimator.set_params(max_iter=2).fit(X, y)
    if state == "generator":
        estimator.set_params(random_state=np.random.default_rng(5))
    before = pickle.dumps(estimator)
    parameters = {name: id(value) for name, value in estimator.get_params().items()}
    found = [elman.lr_range_test(estimator, X, y, n_steps=20) for _ in range(2)]
    assert pickle.dumps(estimator) == before
    assert {name: id(value) for name, value in estimator.get_params().items()} == parameters
    for name in ("rates", "losses", "smoothed"):
        one, two = (getattr(each, name) for each in found)
        assert one.tobytes() == two.tobytes()
    other = copy.deepcopy(estimator).set_params(random_state=6)
    assert elman.lr_range_test(other, X, y, n_steps=20).losses[0] != found[0].losses[0]


def test_a_pipeline_is_tested_with_its_steps(rng, samples):
    estimator, X, y = made(RNNClassifier, rng, samples, standardize=False)
    X = [x * 100 + 7 for x in X]
    pipeline = make_pipeline(SequenceScaler(), "passthrough", estimator)
    found = elman.lr_range_test(pipeline, X, y, n_steps=20)
    alone = elman.lr_range_test(estimator, SequenceScaler().fit_transform(X), y, n_steps=20)
    assert found.losses.tobytes() == alone.losses.tobytes()
    assert found.losses[0] != elman.lr_range_test(estimator, X, y, n_steps=20).losses[0]
    assert not hasattr(pipeline[0], "mean_")
    assert not hasattr(estimator, "model_")


def loss_after(estimator, X, y, rate):
    """The training loss at that rate; infinite if training diverges."""
    try:
        estimator.set_params(learning_rate_init=rate, max_iter=12).fit(X, y)
    except ValueError:
        return np.inf
    return np.mean(estimator.loss_curve_[-3:])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (RNNClassifier, {"batch_size": 32}),
        (RNNClassifier, {"cell": "lstm", "batch_size": 11}),
        (RNNTagger, {}),
        (RNNRegressor, {"solver": "sgd", "batch_size": 11}),
    ],
)
def test_the_suggestion_trains_better_than_rates_far_from_it(rng, kind, options):
    estimator, X, y = made(kind, rng, make_samples(rng, 150), **options)
    suggestion = elman.lr_range_test(estimator, X, y).suggestion
    good, slow, wild = (loss_after(estimator, X, y, suggestion * f) for f in (1, 1 / 30, 30))
    assert good < 0.7 * slow
    assert good < 0.7 * wild


def test_nothing_is_suggested_where_the_loss_did_not_fall(rng, samples):
    X, y = samples
    found = elman.lr_range_test(RNNClassifier(4, random_state=0), X, y, high=1e-4)
    assert found.suggestion is None
    X = [np.full((3, 2), 0.5)] * 12  # nothing to learn from
    found = elman.lr_range_test(RNNClassifier(4, random_state=0), X, ["a", "b"] * 6, low=0.1)
    assert found.suggestion is None


@pytest.mark.parametrize("low", [1e-9, 1e-5])
@pytest.mark.parametrize("seed", range(3))
def test_batches_that_are_easier_by_chance_suggest_nothing(seed, low):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(150, 4, 2)), rng.integers(0, 2, 150)  # nothing to learn from
    found = elman.lr_range_test(RNNClassifier(4, random_state=0), X, y, low=low, high=1e3 * low)
    assert found.suggestion is None


def test_targets_that_are_all_alike_suggest_nothing(rng):
    X = rng.normal(size=(30, 4, 2))
    for estimator in (RNNClassifier(4, random_state=0), RNNRegressor(4, random_state=0)):
        assert elman.lr_range_test(estimator, X, np.ones(30)).suggestion is None


def test_few_steps_before_the_loss_explodes_suggest_nothing(rng):
    X, y = make_samples(rng, 150)
    found = elman.lr_range_test(RNNClassifier(4, random_state=0), X, y, high=1e300)
    assert len(found.rates) < 10
    assert found.suggestion is None


def test_nothing_is_suggested_where_the_loss_still_falls(rng):
    X, y = make_samples(rng, 150)
    found = elman.lr_range_test(RNNClassifier(4, random_state=0), X, y, high=0.02)
    assert found.suggestion is None
    assert repr(found).endswith("the loss still falls at the largest rate: raise high>")


def test_it_ends_where_the_loss_explodes(rng):
    estimator, X, y = made(RNNRegressor, rng, make_samples(rng, 150), solver="sgd")
    found = elman.lr_range_test(estimator, X, y, high=1e6, n_steps=150)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 150
    assert found.rates[0] == 1e-5
    assert np.isfinite(found.losses).all()
    assert found.smoothed[-1] > 4 * found.smoothed.min() or found.rates[-1] < 1e5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"low": 0}, ValueError, "low=0: a learning rate is a finite number above 0"),
        ({"high": np.inf}, ValueError, "high=inf"),
        ({"low": "small"}, TypeError, "low='small' is no number"),
        ({"low": 1, "high": 0.1}, ValueError, "low=1 and high=0.1: low must be below high"),
        ({"n_steps": 19}, ValueError, "n_steps=19: the test wants 20 steps or more"),
        ({"n_steps": 20.0}, TypeError, r"n_steps=20\.0 is no whole number"),
    ],
)
def test_bad_options(samples, options, error, message):
    with pytest.raises(error, match=message):
        elman.lr_range_test(RNNClassifier(4), *samples, **options)


@kinds
def test_too_few_samples(rng, samples, kind):
    estimator, X, y = made(kind, rng, samples)
    with pytest.raises(ValueError, match="found 9 samples to train on, and wants 10 or more"):
        elman.lr_range_test(estimator, X[:9], y[:9])
    weights = np.ones(len(X))
    weights[4:] = 0
    with pytest.raises(ValueError, match="found 4 samples to train on"):
        elman.lr_range_test(estimator, X, y, sample_weight=weights)


def test_other_errors(samples):
    X, y = samples
    with pytest.raises(TypeError, match=r"expected an RNNClassifier.* and got SequenceScaler"):
        elman.lr_range_test(SequenceScaler(), X, y)
    with pytest.raises(ValueError, match="hidden_size"):
        elman.lr_range_test(RNNClassifier(0), X, y)
    huge = [np.full((3, 2), 1e308)] * 12
    options = {"standardize": False, "activation": "relu", "random_state": 0}
    regressor = RNNRegressor(3, dtype="float64", **options)
    with pytest.raises(ValueError, match="loss of the first batch is not finite"):
        elman.lr_range_test(regressor, huge, np.arange(12.0))


@pytest.fixture
def display():
    rates = np.geomspace(1e-3, 1, 7)
    losses = np.array([2.0, 2.1, 1.7, 1.2, 0.8, 1.1, 4.0])
    return LearningRateDisplay(rates, losses, losses + 0.1, 0.01)


def test_numbers_can_be_read(display, monkeypatch):
    frame = display.frame()
    assert list(frame.columns) == ["learning_rate", "loss", "smoothed_loss"]
    assert frame["loss"].tolist() == display.losses.tolist()
    assert repr(display) == (
        "<LearningRateDisplay of 7 steps at rates from 0.001 to 1: the loss fell from 2.1 to 0.9 "
        "at 0.1; suggestion 0.01>"
    )
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert display._repr_png_() is None
    with pytest.raises(ImportError, match=r"pip install 'elman\[plot\]'"):
        display.plot()


def test_the_picture(display):
    from matplotlib.figure import Figure

    assert display._repr_png_().startswith(b"\x89PNG")
    ax = Figure().add_subplot()
    assert display.plot(ax=ax).ax_ is ax
    batches, smoothed, suggestion = ax.lines
    np.testing.assert_array_equal(batches.get_xydata().T, [display.rates, display.losses])
    np.testing.assert_array_equal(smoothed.get_ydata(), display.smoothed)
    assert suggestion.get_xdata() == [0.01, 0.01]
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()][-1] == "suggestion 0.01"
    display.suggestion = None
    assert len(display.plot(ax=Figure().add_subplot()).ax_.lines) == 2
