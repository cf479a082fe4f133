"""Missing values: masked they are hand-made features, skipped they are steps that X does not have.

Every comparison is of bits.
"""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, SequenceScaler
from elman.backends import available_backends
from elman.cli import main
from elman.data import check_sequences, read, write_npz
from elman.data.missing import (
    n_inputs,
    observed_steps,
    over_all_steps,
    with_indicators,
    without_missing_steps,
)
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, moments
from elman.formats import archive
from elman.models import inference

SMALL = {"hidden_size": 7, "max_iter": 2, "batch_size": 4, "random_state": 0}


def with_gaps(rng, kind, dtype=np.float64, n_samples=11):
    """Labelled samples with gaps at both ends and in the middle, one of gaps only."""
    X, _ = make_samples(rng, n_samples, kind, dtype, n_features=3)
    y = np.resize(["up", "down"], n_samples)
    X = X.copy() if kind != "ragged" else [x.copy() for x in X]
    for x in X:
        x[rng.random(x.shape) < 0.15] = np.nan
    X[2][:, 1] = np.nan
    X[5][0, 0] = X[7][-1, 2] = np.nan
    assert any(np.isfinite(x).all(axis=1).any() for x in X)
    return X, y


def hand_made_features(X, mean, scale, dtype):
    out = []
    for x in X:
        scaled = ((x.astype(np.float64) - mean) / scale).astype(dtype)
        out.append(np.hstack([np.where(np.isnan(x), 0, scaled), np.isnan(x)]).astype(dtype))
    return out


def without_gaps(X):
    return [x[np.isfinite(x).all(axis=1)] for x in X]


def assert_same_bits(one, other):
    assert np.asarray(one).dtype == np.asarray(other).dtype
    assert np.asarray(one).shape == np.asarray(other).shape
    assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def assert_same_training(one, other):
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert_same_bits(one.network_.params.flat, other.network_.params.flat)


# The pieces


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_indicators(dtype):
    X = np.array([[1, np.nan], [-0.0, 3], [np.nan, np.nan]], dtype)
    expected = np.array([[1, 0, 0, 1], [0, 3, 0, 0], [0, 0, 1, 1]], dtype)
    for shape in ((3,), (1, 3), (3, 1)):
        out = with_indicators(X.reshape(*shape, 2))
        assert out.dtype == dtype
        np.testing.assert_array_equal(out, expected.reshape(*shape, 4))
    assert np.isnan(X).sum() == 3
    assert n_inputs(3, "mask") == 6
    assert n_inputs(3, "skip") == n_inputs(3, "error") == 3


@pytest.mark.parametrize("kind", ["equal", "ragged"])
def test_steps_of_sequences(kind, rng, monkeypatch):
    monkeypatch.setattr("elman.data.sequences.BLOCK_VALUES", 7)
    X, _ = with_gaps(rng, kind)
    data = check_sequences(X, dtype=np.float64, missing="skip")
    before = data.values.copy()
    found = without_missing_steps(data)
    for x, expected in zip(found, without_gaps(X), strict=True):
        assert_same_bits(x, expected)
    assert found.lengths[2] == 0
    assert found.missing == "error"
    np.testing.assert_array_equal(data.values, before)
    np.testing.assert_array_equal(observed_steps(data), np.isfinite(before).all(axis=1))


def test_what_needs_no_change_is_not_copied(rng):
    X = rng.normal(size=(3, 5, 2))
    for missing in ("error", "skip"):
        data = check_sequences(X, dtype=np.float64, missing=missing)
        assert observed_steps(data) is None
        assert np.shares_memory(without_missing_steps(data).values, X)
        for batch in Prepared(data).batches(2, make_backend(BACKENDS[0])):
            assert np.shares_memory(batch.X, X)
            assert batch.kept is None


@pytest.mark.parametrize("lengths", [(5, 5, 5), (3, 7, 0, 4, 1)])
def test_steps_of_a_batch(lengths, rng):
    X = [rng.normal(size=(n, 2)) for n in lengths]
    X[1][[0, 3], 1] = X[0][2, 0] = np.nan
    X[2][:, 0] = np.nan
    data = check_sequences(X, dtype=np.float64, missing="skip")
    (found,) = Prepared(data).batches(9, make_backend(BACKENDS[0]))
    n_left = [len(x) for x in without_gaps(X)]
    order = found.order.tolist()
    assert sorted(order) == list(range(len(X)))
    assert found.lengths.tolist() == sorted(n_left, reverse=True)
    assert found.X.shape == (len(X), max(n_left), 2)
    for row, sample in enumerate(order):
        n = n_left[sample]
        assert found.lengths[row] == n
        assert_same_bits(found.X[row, :n], without_gaps(X)[sample])
        assert not found.X[row, n:].any()
        kept = np.zeros(max(lengths), bool)
        kept[: lengths[sample]] = np.isfinite(X[sample]).all(axis=1)
        np.testing.assert_array_equal(found.kept[row], kept)


def test_a_batch_whose_samples_are_equally_long_once_skipped(rng):
    X = [rng.normal(size=(4, 2)), rng.normal(size=(3, 2))]
    X[0][1, 1] = np.nan
    data = check_sequences(X, dtype=np.float64, missing="skip")
    (found,) = Prepared(data).batches(9, make_backend(BACKENDS[0]))
    assert found.lengths is None
    assert found.X.shape == (2, 3, 2)
    assert_same_bits(found.X[found.order.tolist().index(1)], X[1])


def test_answers_at_skipped_steps():
    answers, initial = np.array([[1.0], [2.0], [9.0]]), np.array([-1.0])
    kept = np.array([False, True, False, False, True, False])
    assert over_all_steps(answers, initial, kept).ravel().tolist() == [-1, 1, 1, 1, 2, 2]
    assert over_all_steps(answers[:0], initial, ~kept[[1, 4]]).ravel().tolist() == [-1, -1]
    assert over_all_steps(answers, initial, kept[:0]).shape == (0, 1)


# Statistics


@pytest.mark.parametrize("missing", ["mask", "keep"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_moments_of_what_was_observed(missing, dtype, block, rng, monkeypatch):
    monkeypatch.setattr("elman.data.sequences.BLOCK_VALUES", block)
    X, _ = with_gaps(rng, "ragged", dtype)
    data = check_sequences(X, dtype=None, missing=missing)
    steps = np.vstack(X).astype(np.float64)
    mean, std = moments(data)
    np.testing.assert_allclose(mean, np.nanmean(steps, axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, np.nanstd(steps, axis=0), rtol=1e-12)
    repeats = np.arange(len(X)) % 3
    repeated = check_sequences(
        [x for x, n in zip(X, repeats, strict=True) for _ in range(n)], dtype=None, missing=missing
    )
    for a, b in zip(moments(data, repeats), moments(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_moments_of_huge_values_and_gaps():
    X = np.array([[[1e308, np.nan], [-1e308, np.nan], [np.nan, np.nan], [1e308, np.nan]]])
    mean, std = moments(check_sequences(X, dtype=np.float64, missing="mask"))
    np.testing.assert_allclose(mean, [1e308 / 3, 0])
    np.testing.assert_allclose(std, [1e308 / 3 * np.sqrt(8), 0])


def test_without_gaps_the_moments_have_the_bits_of_ever(rng):
    X, _ = make_samples(rng, 9, "ragged")
    weights = rng.uniform(size=9)
    for mean, other in zip(
        moments(check_sequences(X, dtype=None, missing="mask")),
        moments(check_sequences(X, dtype=None)),
        strict=True,
    ):
        assert_same_bits(mean, other)
    for mean, other in zip(
        moments(check_sequences(X, dtype=None, missing="mask"), weights),
        moments(check_sequences(X, dtype=None), weights),
        strict=True,
    ):
        np.testing.assert_allclose(mean, other, rtol=1e-13)


# mask


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["equal", "ragged", "object"])
def test_mask_is_hand_made_features(kind, dtype, backend, rng):
    X, y = with_gaps(rng, kind, dtype)
    one = RNNClassifier(missing="mask", backend=backend, **SMALL).fit(X, y)
    steps = np.vstack(list(X)).astype(np.float64)
    np.testing.assert_allclose(one.mean_, np.nanmean(steps, axis=0), rtol=1e-12)
    np.testing.assert_allclose(one.scale_, np.nanstd(steps, axis=0), rtol=1e-12)
    assert one.n_features_in_ == 3
    assert one.weights_["recurrent0.W_x"].shape == (6, 7)

    F = hand_made_features(X, one.mean_, one.scale_, dtype)
    other = RNNClassifier(standardize=False, backend=backend, **SMALL).fit(F, y)
    assert_same_training(one, other)
    assert_same_bits(one.predict_proba(X), other.predict_proba(F))
    for method in ("predict_proba_over_time", "hidden_states"):
        for a, b in zip(getattr(one, method)(X), getattr(other, method)(F), strict=True):
            assert_same_bits(a, b)


def test_mask_without_standardisation_and_with_validation(rng):
    X, y = with_gaps(rng, "ragged")
    X_val, y_val = with_gaps(rng, "ragged", n_samples=9)
    one = RNNClassifier(missing="mask", standardize=False, **SMALL)
    one.fit(X, y, X_val=X_val, y_val=y_val)
    F, F_val = (hand_made_features(x, 0, 1, np.float64) for x in (X, X_val))
    other = RNNClassifier(standardize=False, **SMALL).fit(F, y, X_val=F_val, y_val=y_val)
    assert_same_training(one, other)
    assert_same_bits(one.decision_function(X), other.decision_function(F))


def test_mask_of_a_2d_x(rng):
    X = rng.normal(size=(11, 5))
    y = np.where(X.sum(axis=1) > 0, "up", "down")
    X[[1, 4, 7], [0, 2, 4]] = np.nan
    X[3] = np.nan
    one = RNNClassifier(missing="mask", **SMALL).fit(X, y)
    other = RNNClassifier(missing="mask", **SMALL).fit(X[:, :, np.newaxis], y)
    assert one.n_features_in_ == 5
    assert one.weights_["recurrent0.W_x"].shape == (2, 7)
    assert_same_bits(one.predict_proba(X), other.predict_proba(X[:, :, np.newaxis]))


def test_what_scales_before_is_the_same(rng):
    X, y = with_gaps(rng, "ragged")
    scaler = SequenceScaler(allow_nan=True)
    piped = make_pipeline(scaler, RNNClassifier(missing="mask", standardize=False, **SMALL))
    piped.fit(X, y)
    one = RNNClassifier(missing="mask", **SMALL).fit(X, y)
    assert_same_bits(piped.predict_proba(X), one.predict_proba(X))


def test_a_feature_never_observed_is_warned_of(rng):
    X, y = make_samples(rng, 11, "equal", n_features=3)
    X[:, :, 1] = np.nan
    with pytest.warns(UserWarning, match=r"feature\(s\) \[1\] of X are NaN at every time step"):
        classifier = RNNClassifier(missing="mask", **SMALL).fit(X, y)
    assert (classifier.mean_[1], classifier.scale_[1]) == (0, 1)
    assert np.isfinite(classifier.predict_proba(X)).all()


# skip


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["equal", "ragged", "object"])
@pytest.mark.parametrize("readout", ["last", "mean", "max"])
def test_skip_is_steps_taken_out_by_hand(kind, dtype, backend, readout, rng):
    X, y = with_gaps(rng, kind, dtype)
    X_val, y_val = with_gaps(rng, kind, dtype, n_samples=9)
    options = {**SMALL, "backend": backend, "readout": readout}
    one = RNNClassifier(missing="skip", **options).fit(X, y, X_val=X_val, y_val=y_val)
    left = without_gaps(X)
    other = RNNClassifier(**options).fit(left, y, X_val=without_gaps(X_val), y_val=y_val)
    assert_same_bits(one.mean_, other.mean_)
    assert_same_training(one, other)
    assert_same_bits(one.predict_proba(X), other.predict_proba(left))
    assert_same_bits(one.predict_proba(X)[2], other.predict_proba([np.empty((0, 3), dtype)])[0])

    empty = other.predict_proba([np.empty((0, 3), dtype)])[0]
    zero = np.zeros(7, one.network_.params.dtype)
    for method, initial in (("predict_proba_over_time", empty), ("hidden_states", zero)):
        answers, expected = getattr(one, method)(X), getattr(other, method)(left)
        for x, a, b in zip(X, answers, expected, strict=True):
            assert a.shape == (len(x), len(initial))
            last, n_run = initial, 0
            for t in range(len(x)):
                if np.isfinite(x[t]).all():
                    last, n_run = b[n_run], n_run + 1
                assert_same_bits(a[t], last)
            assert n_run == len(b)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
def test_the_answers_before_the_first_step_of_a_stack(cell, readout, rng):
    X, y = with_gaps(rng, "ragged")
    X[3][0, 1] = np.nan
    stack = {"cell": cell, "readout": readout, "n_layers": 2, "learn_initial_state": True}
    one = RNNClassifier(missing="skip", **stack, **SMALL).fit(X, y)
    empty = np.empty((0, 3))
    expected = one.predict_proba([empty])[0]
    assert_same_bits(one.predict_proba(X)[2], expected)
    for sample, n_before in ((2, len(X[2])), (3, 1)):
        answers = one.predict_proba_over_time(X)[sample]
        assert answers.shape == (len(X[sample]), 2)
        for t in range(n_before):
            assert_same_bits(answers[t], expected)
    initial = one.weights_["recurrent1.initial"][:7]
    assert initial.any()
    assert_same_bits(one.hidden_states(X)[3][0], initial)


def test_skip_in_both_directions(rng):
    X, y = with_gaps(rng, "ragged")
    one = RNNClassifier(missing="skip", bidirectional=True, **SMALL).fit(X, y)
    left = without_gaps(X)
    other = RNNClassifier(bidirectional=True, **SMALL).fit(left, y)
    assert_same_training(one, other)
    assert_same_bits(one.predict_proba(X), other.predict_proba(left))
    for x, states, expected in zip(X, one.hidden_states(X), other.hidden_states(left), strict=True):
        assert states.shape == (len(x), 14)
        assert_same_bits(states[np.isfinite(x).all(axis=1)], expected)


def test_skip_in_early_stopping_and_weights(rng):
    X, y = with_gaps(rng, "ragged", n_samples=23)
    weights = rng.integers(0, 3, size=23).astype(float)
    options = {**SMALL, "early_stopping": True, "max_iter": 3}
    one = RNNClassifier(missing="skip", **options).fit(X, y, sample_weight=weights)
    other = RNNClassifier(**options).fit(without_gaps(X), y, sample_weight=weights)
    assert_same_training(one, other)


def test_skip_of_a_2d_x(rng):
    X = rng.normal(size=(11, 5))
    y = np.where(X.sum(axis=1) > 0, "up", "down")
    X[[1, 4, 7], [0, 2, 4]] = np.nan
    X[3] = np.nan
    one = RNNClassifier(missing="skip", **SMALL).fit(X, y)
    other = RNNClassifier(**SMALL).fit(without_gaps(X[:, :, np.newaxis]), y)
    assert one.n_features_in_ == 5
    assert_same_training(one, other)
    assert [len(p) for p in one.predict_proba_over_time(X)] == [5] * 11


def test_nothing_left_to_train_on(rng):
    X, y = make_samples(rng, 9, "equal", n_features=3)
    X[:, :, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN at every time step.*missing='mask'"):
        RNNClassifier(missing="skip", **SMALL).fit(X, y)


# Both


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_without_gaps_nothing_is_missing(missing, rng):
    X, y = make_samples(rng, 11, "ragged", n_features=3)
    one = RNNClassifier(missing=missing, **SMALL).fit(X, y)
    if missing == "skip":
        other = RNNClassifier(**SMALL).fit(X, y)
    else:
        F = hand_made_features(X, one.mean_, one.scale_, np.float64)
        other = RNNClassifier(standardize=False, **SMALL).fit(F, y)
        X = list(X)
    assert_same_training(one, other)
    assert_same_bits(one.predict_proba(X), other.predict_proba(F if missing == "mask" else X))


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("kind", ["equal", "ragged"])
@pytest.mark.parametrize("name", BACKENDS)
def test_small_batches_have_the_same_bits(missing, kind, name, rng, monkeypatch):
    X, y = with_gaps(rng, kind)
    classifier = RNNClassifier(missing=missing, **SMALL).fit(X, y)
    network = classifier.network_
    standardisation = Standardisation(classifier.mean_, classifier.scale_)
    data = check_sequences(X, dtype=np.float64, missing=missing, look_at_values=False)
    data = Prepared(data, standardisation, network.params.dtype)
    backend = make_backend(name, n_threads=2)
    questions = (
        inference.predict_logits,
        inference.predict_logits_over_time,
        inference.hidden_states,
    )
    whole = [question(network, data, backend) for question in questions]
    monkeypatch.setattr(inference, "MAX_BATCH_SIZE", 3)
    for question, expected in zip(questions, whole, strict=True):
        found = question(network, data, backend)
        for a, b in zip(found, expected, strict=True):
            assert_same_bits(a, b)


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_a_large_memory_map_is_read_a_batch_at_a_time(missing, rng, tmp_path, monkeypatch):
    X, y = with_gaps(rng, "equal", np.float32)
    classifier = RNNClassifier(missing=missing, **SMALL).fit(X, y)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = classifier.predict_proba(X)
    monkeypatch.setattr(inference, "MAX_BATCH_SIZE", 3)
    sizes = []
    logits = type(classifier.network_).logits

    def counted(network, X, *options):
        sizes.append(len(X))
        return logits(network, X, *options)

    monkeypatch.setattr(type(classifier.network_), "logits", counted)
    assert_same_bits(classifier.predict_proba(mapped), expected)
    assert sizes == [3, 3, 3, 2]
    assert mapped.tobytes() == X.tobytes()


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("backend", available_backends())
def test_infinity_is_an_error(missing, standardize, backend, rng):
    X, y = with_gaps(rng, "ragged")
    options = {**SMALL, "missing": missing, "standardize": standardize, "backend": backend}
    classifier = RNNClassifier(**options).fit(X, y)
    # in a step with a gap, which "skip" leaves out, and in one without
    for place, gap in (((5, 0, 1), True), ((7, 0, 1), False)):
        bad = [x.copy() for x in X]
        sample, timestep, feature = place
        bad[sample][timestep] = 0
        bad[sample][timestep, 0] = np.nan if gap else 0
        bad[sample][timestep, feature] = -np.inf
        message = f"X contains infinity: sample {sample}, timestep {timestep}, feature {feature} is"
        for question in (
            classifier.predict,
            classifier.predict_proba_over_time,
            classifier.hidden_states,
            lambda X: classifier.partial_fit(X, y),
            lambda X: RNNClassifier(**options).fit(X, y),
        ):
            with pytest.raises(ValueError, match=message):
                question(bad)
        with pytest.raises(ValueError, match=message.replace("X", "X_val")):
            RNNClassifier(**options).fit(X, y, X_val=bad, y_val=y)


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_a_value_out_of_range_is_named_beside_gaps(missing, rng):
    X, y = with_gaps(rng, "ragged", np.float32)
    classifier = RNNClassifier(missing=missing, **SMALL).fit(X, y)
    small = Standardisation(classifier.mean_, classifier.scale_ * 1e-9)
    classifier.model_ = replace(classifier.model_, standardisation=small)
    X[7][0] = [0, 0, 3e30]
    with pytest.raises(ValueError, match=r"sample 7, timestep 0, feature 2 is 2\.9\d*e\+30, so"):
        classifier.predict(X)


def test_error_names_place_and_ways_out(rng):
    X, y = make_samples(rng, 9, "equal", n_features=3)
    classifier = RNNClassifier(**SMALL).fit(X, y)
    bad = X.copy()
    bad[4, 3, 1] = np.nan
    message = r'NaN: sample 4, timestep 3, feature 1.*missing="mask".*missing="skip"'
    for question in (
        classifier.predict,
        lambda X: classifier.partial_fit(X, y),
        lambda X: RNNClassifier(standardize=False, **SMALL).fit(X, y),
    ):
        with pytest.raises(ValueError, match=message):
            question(bad)
    with pytest.raises(ValueError, match="X_val contains NaN: sample 4"):
        RNNClassifier(**SMALL).fit(X, y, X_val=bad, y_val=y)


@pytest.mark.parametrize("value", ["drop", None, np.nan])
def test_what_missing_cannot_be(value, rng):
    X, y = make_samples(rng, 9, "equal")
    with pytest.raises(ValueError, match=r"missing=.*choose one of 'error', 'mask', 'skip'"):
        RNNClassifier(missing=value, **SMALL).fit(X, y)


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_masked_arrays_are_still_refused(missing, rng):
    X, y = make_samples(rng, 9, "equal")
    with pytest.raises(ValueError, match="masked value"):
        RNNClassifier(missing=missing, **SMALL).fit(np.ma.masked_where(X > 1, X), y)


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("standardize", [True, False])
def test_partial_fit(missing, standardize, rng):
    X, y = with_gaps(rng, "ragged", n_samples=19)
    options = {**SMALL, "standardize": standardize}
    one = RNNClassifier(missing=missing, **options)
    one.partial_fit(X[:11], y[:11], classes=["down", "up"]).partial_fit(X[11:], y[11:])
    if missing == "mask":
        mean, scale = (one.mean_, one.scale_) if standardize else (0, 1)
        made, options["standardize"] = hand_made_features(X, mean, scale, np.float64), False
    else:
        made = without_gaps(X)
    other = RNNClassifier(**options)
    other.partial_fit(made[:11], y[:11], classes=["down", "up"]).partial_fit(made[11:], y[11:])
    assert_same_training(one, other)


@pytest.mark.parametrize("missing", ["mask", "skip"])
@pytest.mark.parametrize("two_d", [False, True])
def test_save_and_load(missing, two_d, rng, tmp_path):
    X, y = with_gaps(rng, "equal")
    X = X[:, :, 0].copy() if two_d else X
    fitted = RNNClassifier(missing=missing, **SMALL).fit(X, y)
    expected = fitted.predict_proba(X)
    # the next fit's affair, and none of this network's
    fitted.set_params(missing="error")
    assert_same_bits(fitted.predict_proba(X), expected)
    fitted.save(tmp_path / "model.safetensors")
    loaded = RNNClassifier.load(tmp_path / "model.safetensors")
    assert loaded.missing == "error"
    assert_same_bits(loaded.predict_proba(X), expected)
    assert_same_bits(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    with pytest.raises(ValueError, match=f"whose missing is {missing}, but it is error now"):
        loaded.partial_fit(X, y)
    loaded.set_params(missing=missing).partial_fit(X, y)
    assert clone(loaded).missing == missing


def test_a_model_of_before_refuses_gaps(rng, tmp_path):
    X, y = make_samples(rng, 9, "equal", n_features=3)
    path = tmp_path / "model.safetensors"
    fitted = RNNClassifier(**SMALL).fit(X, y)
    fitted.save(path)
    tensors, config = archive.load(path)
    assert config.pop("missing") == config["parameters"].pop("missing") == "error"
    archive.save(path, tensors, config)
    loaded = RNNClassifier.load(path)
    assert loaded.missing == "error"
    assert_same_bits(loaded.predict_proba(X), fitted.predict_proba(X))
    X[4, 3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN: sample 4"):
        loaded.predict(X)


@pytest.mark.parametrize("forged", ["mask", "drop", 3])
def test_a_file_that_does_not_go_with_its_weights(forged, rng, tmp_path):
    X, y = make_samples(rng, 9, "equal", n_features=3)
    path = tmp_path / "model.safetensors"
    RNNClassifier(**SMALL).fit(X, y).save(path)
    tensors, config = archive.load(path)
    archive.save(path, tensors, json.loads(json.dumps({**config, "missing": forged})))
    with pytest.raises(archive.ArchiveError, match="missing"):
        RNNClassifier.load(path)


def test_tags():
    for missing, allowed in (("error", False), ("mask", True), ("skip", True)):
        tags = RNNClassifier(missing=missing).__sklearn_tags__()
        assert tags.input_tags.allow_nan is allowed


@pytest.mark.parametrize("kind", ["equal", "ragged"])
def test_a_search_over_missing(kind, rng):
    X, y = with_gaps(rng, kind, n_samples=23)
    search = GridSearchCV(RNNClassifier(**SMALL), {"missing": ["mask", "skip"]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == (23,)


def test_where_a_gap_is_can_be_learned(rng):
    X = rng.normal(size=(60, 7, 1))
    y = np.arange(60) % 2
    X[np.arange(60), np.where(y, 1, 5)] = np.nan
    classifier = RNNClassifier(23, missing="mask", readout="last", max_iter=40, random_state=0)
    assert classifier.fit(X[:40], y[:40]).score(X[40:], y[40:]) == 1


# Files and the command line


TS = "@classLabel true a b\n@data\n" + "1,?,3:2,2,2:a\n4,5:?,6:b\n?,?:?,?:a\n1,2,?,4:3,3,3,3:b\n"


def test_the_command_line(tmp_path, capsys):
    data, model = tmp_path / "gaps.ts", tmp_path / "model.safetensors"
    data.write_text(TS)
    fit = ["fit", str(data), "-o", str(model), "--max-iter", "2", "--test", str(data), "--force"]
    assert main(fit) != 0
    assert "value is missing (?)" in capsys.readouterr().err
    assert main([*fit, "--missing", "drop"]) != 0
    assert "--missing 'drop' is not known" in capsys.readouterr().err
    for missing in ("mask", "skip"):
        assert main([*fit, "--missing", missing]) == 0
        assert main(["evaluate", str(model), str(data)]) == 0
        capsys.readouterr()
        assert main(["predict", str(model), str(data)]) == 0
        X = read(data, missing="nan").X
        expected = RNNClassifier.load(model).predict(X).tolist()
        assert capsys.readouterr().out.split() == ["label", *expected]


def test_npz_says_nan_itself(tmp_path):
    data = tmp_path / "gaps.npz"
    X = [np.array([[1.0, np.nan]]), np.ones((3, 2))]
    with pytest.raises(ValueError, match=r"NaN: sample 0, timestep 0, feature 1.*missing='nan'"):
        write_npz(data, X, ["a", "b"])
    write_npz(data, X, ["a", "b"], missing="nan")
    for missing in ("error", "nan"):
        assert_same_bits(read(data, missing=missing).X[0], X[0])
    with pytest.raises(ValueError, match="missing='mask' is not known; choose 'error' or 'nan'"):
        write_npz(data, X, missing="mask")
