"""A fit that makes its batches of the caller's X has the bits of one that keeps X prepared.

`SMALL` is 0 where data is to be treated as large, and memory is counted where it is large.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from helpers.sequence_data import make_samples

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.backends import available_backends
from elman.data import sequences as module

BOUNDS = module.SMALL, 0
COMMON = {"hidden_size": 7, "max_iter": 2, "batch_size": 4, "random_state": 0}
KINDS = ["equal", "ragged", "object", "list", "2-D", "float16", "turned"]


def make_X(kind, rng, n_samples=23, dtype=np.float64):
    if kind in ("ragged", "object"):
        return make_samples(rng, n_samples, kind, dtype, n_features=3)[0]
    X, _ = make_samples(rng, n_samples, "equal", dtype, n_features=3)
    if kind == "2-D":
        return np.ascontiguousarray(X[:, :, 0])
    if kind == "float16":
        return X.astype(np.float16)
    if kind == "turned":
        return np.swapaxes(np.swapaxes(X, 1, 2).copy(), 1, 2)
    return list(X) if kind == "list" else X


def add_gaps(X, rng):
    for x in X:
        x[rng.random(x.shape) < 0.15] = np.nan
    X[2][..., 0] = np.nan
    return X


def trained(estimator):
    """What a fit leaves behind that is made of numbers."""
    history = estimator.history_
    numbers = [history.loss, history.validation_loss, history.validation_score]
    numbers += [history.gradient_norm, history.saturated, estimator.mean_, estimator.scale_]
    flat = estimator.network_.params.flat
    return [repr([None if x is None else list(x) for x in numbers]), flat.dtype, flat.tobytes()]


def answers(estimator, X, methods):
    return [
        np.concatenate([np.ravel(part) for part in getattr(estimator, method)(X)]).tobytes()
        for method in methods
    ]


def assert_bound_changes_nothing(monkeypatch, fit, X, *methods):
    """`fit()` above the bound and below it, and what it answers on X."""
    found = []
    for bound in BOUNDS:
        with monkeypatch.context() as patch:
            patch.setattr(module, "SMALL", bound)
            patch.setattr(module, "BLOCK_VALUES", 32)
            estimator = fit()
            found.append(trained(estimator) + answers(estimator, X, (*methods, "hidden_states")))
    assert found[0] == found[1]


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind, missing, standardize, backend, rng, monkeypatch):
    X = make_X(kind, rng)
    if missing != "error":
        add_gaps(X, rng)
    y = np.arange(len(X)) % 3
    options = {**COMMON, "missing": missing, "standardize": standardize, "backend": backend}
    for dtype in ("auto", "float32"):

        def fit(dtype=dtype):
            return RNNClassifier(dtype=dtype, **options).fit(X, y)

        methods = "predict_proba", "predict_proba_over_time"
        assert_bound_changes_nothing(monkeypatch, fit, X, *methods)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("kind", ["equal", "ragged"])
def test_hold_out_and_validation(kind, missing, dtype, rng, monkeypatch):
    X, X_val = make_X(kind, rng, dtype=dtype), make_X(kind, rng, 9, dtype)
    if missing != "error":
        add_gaps(X, rng), add_gaps(X_val, rng)
    y, y_val = np.arange(len(X)) % 3, np.arange(len(X_val)) % 3
    weights = np.arange(len(X)) % 5 / 2  # of some samples 0
    options = {**COMMON, "missing": missing, "bucket_by_length": True}
    early = RNNClassifier(
        early_stopping=True, validation_fraction=0.3, class_weight="balanced", **options
    )
    scored = RNNClassifier(early_stopping=True, scoring="accuracy", **options)
    validated = RNNClassifier(**options)
    fits = [
        lambda: early.fit(X, y),
        lambda: early.fit(X, y, sample_weight=weights),
        lambda: scored.fit(X, y),
        lambda: validated.fit(X, y, sample_weight=weights, X_val=X_val, y_val=y_val),
    ]
    for fit in fits:
        assert_bound_changes_nothing(monkeypatch, fit, X_val, "predict_proba")


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("kind", ["equal", "ragged"])
def test_taggers_and_regressors(kind, missing, rng, monkeypatch):
    X = make_X(kind, rng)
    tags = [(x[:, 0] > 0).astype(int) for x in X]
    values = np.array([x[:, 1].sum() for x in X])
    if missing != "error":
        add_gaps(X, rng)
    weights = [rng.integers(0, 3, len(x)) for x in X]
    options = {**COMMON, "missing": missing, "early_stopping": True}
    tagger = RNNTagger(class_weight="balanced", **options)
    chunked = RNNTagger(bptt_steps=2, **COMMON, missing=missing)
    regressor = RNNRegressor(**options)
    for fit in (
        lambda: tagger.fit(X, tags, sample_weight=weights),
        lambda: chunked.fit(X, tags),
    ):
        assert_bound_changes_nothing(monkeypatch, fit, X, "predict_proba")
    for y in (values, [x[:, 1] * np.where(x[:, 0] > 1, np.nan, 1) for x in X]):
        assert_bound_changes_nothing(
            monkeypatch, lambda y=y: regressor.fit(X, y), X, "predict", "predict_over_time"
        )


@pytest.mark.parametrize("standardize", [True, False])
def test_going_on(standardize, rng, monkeypatch):
    X = make_X("ragged", rng)
    y = np.arange(len(X)) % 3

    def fit_twice():
        classifier = RNNClassifier(warm_start=True, standardize=standardize, **COMMON)
        return classifier.fit(X, y).fit(X, y)

    def fit_partly():
        classifier = RNNClassifier(standardize=standardize, stateful=True, **COMMON)
        return classifier.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)

    for fit in (fit_twice, fit_partly):
        assert_bound_changes_nothing(monkeypatch, fit, X, "predict_proba")


def test_a_checkpoint_of_small_data_is_gone_on_with_as_large(rng, monkeypatch, tmp_path):
    X = add_gaps(make_X("ragged", rng), rng)
    y = np.arange(len(X)) % 3

    def fit(bound, folder, **options):
        with monkeypatch.context() as patch:
            patch.setattr(module, "SMALL", bound)
            classifier = RNNClassifier(
                **{**COMMON, "max_iter": 4, **options},
                missing="skip",
                early_stopping=True,
                checkpoint=tmp_path / folder,
                checkpoint_epochs=1,
            )
            return classifier.fit(X, y)

    def interrupt(epoch):
        if epoch.epoch == 3:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fit(module.SMALL, "one", on_epoch=interrupt)
    resumed, whole = fit(0, "one"), fit(0, "other")
    assert trained(resumed)[1:] == trained(whole)[1:]
    assert resumed.loss_curve_ == whole.loss_curve_


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_value_that_cannot_be_scaled_ends_a_fit_before_its_first_epoch(bound, rng, monkeypatch):
    monkeypatch.setattr(module, "SMALL", bound)
    monkeypatch.setattr(module, "BLOCK_VALUES", 32)
    X, X_val = make_X("equal", rng), make_X("equal", rng, 9)
    X_val[4, 3, 2] = 1e300
    y, epochs = np.arange(len(X)) % 3, []
    classifier = RNNClassifier(dtype="float32", on_epoch=epochs.append, **COMMON)
    with pytest.raises(ValueError, match=r"sample 4, timestep 3, feature 2 is 1e\+300"):
        classifier.fit(X, y, X_val=X_val, y_val=y[:9])
    assert epochs == []
    assert not hasattr(classifier, "network_")


# Memory

SIZE = 1 << 20
"""values of X, of which a block is one part in 256"""
SHARE = 1 / 4


@pytest.mark.parametrize("call", ["fit", "predict"])
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("kind", ["equal", "list", "turned", "2-D"])
def test_memory_of_large_data(kind, missing, call, rng, monkeypatch):
    monkeypatch.setattr(module, "SMALL", SIZE // 64)
    monkeypatch.setattr(module, "BLOCK_VALUES", SIZE // 256)
    monkeypatch.setattr("elman.models.inference.BATCH_VALUES", SIZE // 64)
    n_samples, n_timesteps, n_features = 2048, 64, 8
    X = rng.standard_normal((n_samples, n_timesteps, n_features)).astype(np.float32)
    if missing != "error":
        X[::3, 7, 1] = np.nan
    if kind == "list":
        X = list(X)
    elif kind == "turned":
        X = np.swapaxes(np.swapaxes(X, 1, 2).copy(), 1, 2)
    elif kind == "2-D":
        X = X.reshape(n_samples, -1)
    y = np.arange(n_samples) % 3
    options = {**COMMON, "hidden_size": 2, "batch_size": 8, "max_iter": 1, "missing": missing}
    # One feature over 512 steps would cost more in hidden states than the share allows.
    bptt_steps = 64 if kind == "2-D" else None
    classifier = RNNClassifier(readout="last", bptt_steps=bptt_steps, n_jobs=1, **options)
    classifier.fit(X[:9], y[:9])
    tracemalloc.start()
    try:
        if call == "fit":
            classifier.fit(X, y)
        else:
            classifier.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < SHARE * 4 * SIZE
