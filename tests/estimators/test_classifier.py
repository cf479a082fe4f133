from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from elman import RNNClassifier
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.training.divergence import DivergedError


@pytest.fixture(params=["equal", "ragged"])
def samples(request, rng):
    return make_samples(rng, 41, request.param)


def quick(**parameters):
    defaults = {"hidden_size": 7, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}
    return RNNClassifier(**(defaults | parameters))


def learner(**parameters):
    return quick(**({"max_iter": 60} | parameters))


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_learns(samples, readout, solver):
    X, y = samples
    clf = learner(readout=readout, solver=solver, alpha=1e-4, learning_rate="cosine").fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.n_iter_ == len(clf.loss_curve_) == 60
    assert clf.loss_curve_[-1] < clf.loss_curve_[0]


@pytest.mark.parametrize(
    "labels",
    [
        ["yes", "no", "may be"],
        [3, -1, 200],
        [1.0, 2.0, 3.0],
        [True, False],
        np.array(["b", "aa"], dtype=object),
        np.array([2, 7], dtype=np.int8),
    ],
)
def test_labels_of_any_kind_come_back(labels, rng, tmp_path):
    y = np.asarray(labels)[np.arange(13) % len(labels)]
    X = rng.normal(size=(13, 5, 2))
    clf = quick().fit(X, y)
    assert np.array_equal(clf.classes_, np.unique(y))
    predicted = clf.predict(X)
    assert predicted.dtype == y.dtype
    assert set(predicted.tolist()) <= set(y.tolist())
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model")
    assert again.classes_.dtype == clf.classes_.dtype
    assert again.predict(X).tolist() == predicted.tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["up", 1, "down"], r"y mixes .*y\[0\] is 'up' \(str\), y\[1\] is 1 \(int\)"),
        (np.array([True, 1, 2], dtype=object), r"y mixes .*\[0\] is True \(bool\).*astype\(str\)"),
    ],
)
def test_labels_of_mixed_kinds_are_refused(labels, message, rng):
    with pytest.raises(TypeError, match=message):
        quick().fit(rng.normal(size=(3, 5, 2)), labels)


def test_a_label_for_each_step_is_refused(rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 5, 4)]
    with pytest.raises(ValueError, match="one label for each sample, not one for each step"):
        quick().fit(X, [np.zeros(len(x), int) for x in X])


def test_a_stranger_is_named_as_it_was_written(rng):
    clf = quick(early_stopping=True)
    X = rng.normal(size=(6, 5, 2))
    with pytest.raises(ValueError, match=r"y_val\[1\] is 'b', which"):
        clf.fit(X, list("aacaac"), X_val=X[:2], y_val=["a", "b"])


def test_shapes_and_sums(samples):
    X, y = samples
    y = np.where(np.arange(41) % 3, y, "flat")
    clf = quick().fit(X, y)
    p, z = clf.predict_proba(X), clf.decision_function(X)
    assert p.shape == z.shape == (41, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert np.array_equal(p.argmax(axis=1), z.argmax(axis=1))
    assert np.array_equal(clf.predict(X), clf.classes_[p.argmax(axis=1)])


def test_two_classes_have_one_decision(samples):
    X, y = samples
    clf = quick().fit(X, y)
    z, p = clf.decision_function(X), clf.predict_proba(X)
    assert z.shape == (41,)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert np.array_equal(clf.predict(X), clf.classes_[(z > 0).astype(int)])


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("float64")])
def test_dtype_of_choice(dtype, samples):
    X, y = samples
    clf = quick(dtype=dtype).fit(X, y)
    assert clf.predict_proba(X).dtype == np.dtype(dtype)
    assert all(w.dtype == np.dtype(dtype) for w in clf.weights_.values())


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("f4", "f4"), ("f2", "f4"), ("i2", "f4"), ("?", "f4"), ("f8", "f8"), ("i8", "f8")],
)
def test_dtype_of_the_data(dtype, expected, standardize, rng):
    X = (3 * rng.normal(size=(11, 5, 2))).astype(dtype)
    clf = quick(standardize=standardize).fit(X, np.arange(11) % 2)
    assert clf.predict_proba(X).dtype == np.dtype(expected)


def test_the_network_is_the_textbooks(rng):
    X, y = make_samples(rng, 9, "ragged")
    clf = quick(dtype="float64", readout="last").fit(X, y)
    w = clf.weights_
    for x, p, H in zip(X, clf.predict_proba(X), clf.hidden_states(X), strict=True):
        h = np.zeros(7)
        for t, step in enumerate((x - clf.mean_) / clf.scale_):
            h = np.tanh(step @ w["recurrent0.W_x"] + h @ w["recurrent0.W_h"] + w["recurrent0.b"])
            np.testing.assert_allclose(H[t], h, rtol=1e-10)
        z = np.exp(h @ w["head.W"] + w["head.b"])
        np.testing.assert_allclose(p, z / z.sum(), rtol=1e-10)


def test_standardize_takes_unscaled_and_constant_features(rng):
    X, y = make_samples(rng, 41, "ragged", n_features=3)
    plain = learner().fit(X, y)
    odd = [x * [1e-9, 1e12, 0] + [1e-6, -1e15, 4.2] for x in X]
    clf = learner().fit(odd, y)
    assert clf.score(odd, y) > 0.9 > 0.1 + abs(plain.score(X, y) - clf.score(odd, y))
    assert clf.scale_[2] == 1
    far = learner(dtype="float32").fit([x + 1e7 for x in X], y)  # float32 alone would lose this
    assert far.score([x + 1e7 for x in X], y) > 0.9


def test_without_standardize_nothing_is_changed(rng):
    X, y = make_samples(rng, 15, "equal", np.float32)
    clf = quick(standardize=False).fit(X, y)
    assert clf.mean_ is clf.scale_ is None
    p = clf.predict_proba(X)
    assert np.array_equal(p, quick(standardize=False).fit(X.astype("f8"), y).predict_proba(X)) == (
        clf.weights_["head.W"].dtype == np.float64
    )
    huge = X.astype(np.float64)
    huge[4, 3, 1] = 1e39
    with pytest.raises(ValueError, match=r"sample 4, timestep 3, feature 1"):
        clf.predict(huge)


@pytest.mark.parametrize("kind", ["ragged", "equal"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("readout", ["last", "mean", "max"])
@pytest.mark.parametrize("hidden_size", [1, 17])
def test_a_sample_has_the_same_bits_in_any_company(kind, dtype, readout, hidden_size):
    rng = np.random.default_rng(1)
    X, y = make_samples(rng, 23, kind)
    if kind == "ragged":
        X[5] = rng.normal(size=(200, 2))
    clf = quick(dtype=dtype, readout=readout, hidden_size=hidden_size, max_iter=1).fit(X, y)
    together = clf.predict_proba(X)

    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.integers(0, 22), min_size=1, max_size=40))
    def any_company(indices):
        chosen = [X[i] for i in indices]
        p = clf.predict_proba(chosen)
        assert p.tobytes() == together[indices].tobytes()

    any_company()
    for i in range(23):
        assert clf.predict_proba([X[i]]).tobytes() == together[i].tobytes()
    over_time = clf.predict_proba_over_time(X)
    for i, p in enumerate(over_time):
        assert p.shape == (len(X[i]), 2)
        assert p[-1].tobytes() == together[i].tobytes()
        prefix = clf.predict_proba([X[i][:1]])
        assert p[0].tobytes() == prefix[0].tobytes()


def test_large_batches_are_cut_and_put_back_in_order(rng, monkeypatch):
    X, y = make_samples(rng, 40, "ragged")
    clf = quick().fit(X, y)
    whole = clf.predict_proba(X), clf.hidden_states(X)
    monkeypatch.setattr("elman.models.inference.BATCH_VALUES", 100)
    assert clf.predict_proba(X).tobytes() == whole[0].tobytes()
    assert [h.tobytes() for h in clf.hidden_states(X)] == [h.tobytes() for h in whole[1]]
    assert [len(h) for h in whole[1]] == [len(x) for x in X]


def test_same_seed_same_bits(samples):
    X, y = samples
    bits = {
        np.concatenate([w.ravel() for w in quick(n_jobs=n).fit(X, y).weights_.values()]).tobytes()
        for n in (None, 1, 2, -1)
    }
    assert len(bits) == 1
    assert quick(random_state=1).fit(X, y).loss_curve_ != quick().fit(X, y).loss_curve_


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_generators_are_drawn_from(make, samples):
    X, y = samples
    generator = make(3)
    first, second = (quick(random_state=generator).fit(X, y).loss_curve_ for _ in range(2))
    assert first != second
    assert quick(random_state=make(3)).fit(X, y).loss_curve_ == first


def test_global_random_state_is_left_alone(samples):
    X, y = samples
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    quick(random_state=None, early_stopping=True).fit(X, y)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_sample_weight_zero_is_leaving_out_to_the_last_bit(samples, rng):
    X, y = samples
    weights = rng.integers(0, 2, size=41).astype(float)
    kept = np.flatnonzero(weights)
    left_out = [X[i] for i in kept]
    one = quick().fit(X, y, sample_weight=weights)
    # of weight 1 each, but not None: the mean is taken by the same arithmetic
    other = quick().fit(left_out, y[kept], sample_weight=np.ones(len(kept)))
    assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()


@pytest.mark.parametrize("size", [2.0**-1060, 2.0**1020])
def test_only_the_proportions_of_sample_weights_matter(size, samples):
    X, y = samples
    weights = np.array([1.0, 2.0, 3.0])[np.arange(41) % 3]
    expected = quick().fit(X, y, sample_weight=weights)
    clf = quick().fit(X, y, sample_weight=weights * size)
    assert clf.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
    assert clf.loss_curve_ == expected.loss_curve_


def test_class_weight_that_is_no_number(samples):
    with pytest.raises(TypeError, match="class_weight gives the label 'up' the weight 'heavy'"):
        quick(class_weight={"up": "heavy"}).fit(*samples)


@pytest.mark.parametrize("scale", [1e308, 1e-320])
def test_only_proportions_of_class_weights_matter(scale, samples):
    X, y = samples
    of_scale, plain = (quick(class_weight={"up": w, "down": w}).fit(X, y) for w in (scale, 1))
    np.testing.assert_allclose(of_scale.loss_curve_, plain.loss_curve_, rtol=1e-12)


def test_balanced_classes_of_any_weight(samples):
    X, y = samples
    light, even = (
        quick(class_weight="balanced", standardize=False).fit(X, y, np.where(y == "up", w, 1))
        for w in (2.0**-1070, 1)
    )
    np.testing.assert_allclose(light.loss_curve_, even.loss_curve_, rtol=1e-12)


def test_class_weight(rng):
    X = rng.normal(size=(60, 5, 2))
    y = np.where(np.arange(60) % 10, "common", "rare")
    plain, balanced, given_by_hand = (
        quick(hidden_size=1, max_iter=40, class_weight=c).fit(X, y).predict_proba(X)[:, 1].mean()
        for c in (None, "balanced", {"rare": 5.0, "common": 5 / 9})
    )
    assert plain < 0.2
    assert 0.35 < balanced < 0.65
    np.testing.assert_allclose(given_by_hand, balanced, rtol=1e-6)
    with pytest.raises(
        ValueError, match=r"class_weight has the label 'odd', which .* lacks 'common'"
    ):
        quick(class_weight={"odd": 1}).fit(X, y)


def test_validation_data_is_followed(samples, rng):
    X, y = samples
    X_val, y_val = make_samples(rng, 20, "ragged")
    clf = quick(max_iter=8).fit(X, y, X_val=X_val, y_val=y_val)
    assert len(clf.validation_scores_) == len(clf.history_.validation_loss) == 8
    assert clf.validation_scores_[-1] == clf.score(X_val, y_val)
    without = quick(max_iter=8).fit(X, y)
    assert without.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert without.validation_scores_ == []


@pytest.mark.parametrize("standardize", [True, False])
def test_early_stopping(samples, rng, standardize):
    X, y = samples
    X_val, y_val = make_samples(rng, 20, "ragged")
    clf = quick(max_iter=200, early_stopping=True, n_iter_no_change=3, standardize=standardize)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_iter_ < 200
    assert clf.history_.stopped_by == "early_stopping"
    assert clf.score(X_val, y_val) == max(clf.validation_scores_)
    assert clf.validation_scores_[clf.best_epoch_ - 1] == max(clf.validation_scores_)


def test_early_stopping_holds_out_a_part_of_X(samples):
    X, y = samples
    clf = quick(max_iter=30, early_stopping=True, validation_fraction=0.25, n_iter_no_change=4)
    clf.fit(X, y)
    assert clf.validation_scores_
    tenths = np.array(clf.validation_scores_) * 10  # of 10 samples
    np.testing.assert_allclose(tenths, np.round(tenths))


def test_on_epoch(samples):
    X, y = samples
    seen = []
    clf = quick(max_iter=9, on_epoch=lambda e: seen.append(e.loss) or e.epoch == 4).fit(X, y)
    assert clf.n_iter_ == 4
    assert clf.loss_curve_ == seen


def test_verbose_lines(samples, capsys):
    quick(verbose=1).fit(*samples)
    *epochs, summary = capsys.readouterr().out.splitlines()
    assert [line[:10] for line in epochs] == [f"epoch {i}/3 " for i in (1, 2, 3)]
    assert summary.startswith("3 epochs in ")


def test_ctrl_c_leaves_a_fitted_estimator_and_says_so(samples):
    X, y = samples

    def interrupt(epoch):
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    clf = quick(max_iter=50, on_epoch=interrupt)
    with pytest.warns(UserWarning, match=r"interrupted after epoch 3: kept .* epoch \d.*training"):
        clf.fit(X, y)
    assert clf.n_iter_ == 3
    assert clf.predict(X).shape == (41,)


def test_a_real_ctrl_c(samples):
    X, y = samples
    started = threading.Event()

    def send():
        started.wait()
        time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    clf = quick(max_iter=10_000_000, on_epoch=lambda e: started.set())
    with pytest.warns(UserWarning, match="interrupted"):
        clf.fit(X, y)
    sender.join()
    assert np.isfinite(clf.predict_proba(X)).all()


def test_ctrl_c_before_the_first_epoch_ends(samples, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("elman.nn.objectives.cross_entropy_and_hits", interrupt)
    with pytest.warns(UserWarning, match="before its first epoch"):
        clf = quick().fit(*samples)
    assert clf.n_iter_ == 0
    assert clf.predict(samples[0]).shape == (41,)


def test_a_fit_that_fails_leaves_the_estimator_as_it_was(samples, rng):
    X, y = samples
    clf = quick().fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        clf.fit(np.full((4, 3, 5), np.nan), [0, 1, 0, 1])
    clf.set_params(on_epoch=lambda e: e.network.params.flat.fill(np.nan))
    with pytest.raises(DivergedError, match="epoch 2, batch 1"):
        clf.fit(X, y)
    with pytest.raises(DivergedError):
        clf.partial_fit(X, y).partial_fit(X, y)
    clf.set_params(on_epoch=None)
    assert clf.n_features_in_ == 2
    fresh = quick(max_iter=9, learning_rate_init=1e308)
    with pytest.raises(DivergedError):
        fresh.fit(X, y)
    assert not hasattr(fresh, "network_")
    assert not hasattr(fresh, "classes_")
    assert clf.fit(X, y).predict_proba(X).tobytes() == before.tobytes()


# partial_fit


def test_partial_fit_goes_on_where_it_left_off(samples):
    X, y = samples
    whole = quick(max_iter=4, learning_rate="constant").fit(X, y)
    parts = quick(max_iter=4)  # a schedule over max_iter epochs is not for partial_fit
    for _ in range(4):
        parts.partial_fit(X, y, classes=["up", "down"])
    assert parts.predict_proba(X).tobytes() == whole.predict_proba(X).tobytes()
    assert parts.n_iter_ == 4
    assert parts.loss_curve_ == whole.loss_curve_
    more = quick(max_iter=3, learning_rate="constant").fit(X, y).partial_fit(X, y)
    assert more.predict_proba(X).tobytes() == whole.predict_proba(X).tobytes()


def test_partial_fit_keeps_to_the_first_rate_when_the_schedule_has_ended(samples):
    clf = quick(learning_rate="cosine").fit(*samples).partial_fit(*samples)
    assert clf.history_.learning_rate[0] == clf.history_.learning_rate[-1] == 0.02
    assert clf.history_.learning_rate[-2] < 0.02


def test_partial_fit_keeps_the_first_statistics(samples, rng):
    X, y = samples
    clf = quick().partial_fit(X, y, classes=["down", "up"])
    mean = clf.mean_.copy()
    clf.partial_fit([x + 100 for x in X], y)
    assert np.array_equal(clf.mean_, mean)


def test_partial_fit_learns_classes_it_has_not_seen_yet(rng):
    X, y = make_samples(rng, 30, "equal")
    clf = quick().partial_fit(X[y == "up"], y[y == "up"], classes=["down", "up"])
    assert clf.predict_proba(X).shape == (30, 2)
    for _ in range(60):
        clf.partial_fit(X, y)
    assert clf.score(X, y) > 0.9


def test_partial_fit_errors(samples):
    X, y = samples
    with pytest.raises(ValueError, match="classes must be given"):
        quick().partial_fit(X, y)
    with pytest.raises(ValueError, match=r"y\[\d+\] is .*'up'.*\['down', 'flat'\]"):
        quick().partial_fit(X, y, classes=["flat", "down"])
    clf = quick().partial_fit(X, y, classes=["up", "down"])
    with pytest.raises(ValueError, match="differ from those of the first call"):
        clf.partial_fit(X, y, classes=["up", "flat"])
    with pytest.raises(ValueError, match="balanced"):
        quick(class_weight="balanced").partial_fit(X, y, classes=["up", "down"])


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["up", 1], TypeError, r"classes\[1\] is 1"),
        (np.array(["up", None], dtype=object), ValueError, r"classes\[1\] is missing"),
        ([0.0, np.nan], ValueError, "classes contains NaN"),
        ([], ValueError, "classes is empty"),
        ([["up", "down"], ["left", "right"]], ValueError, "1d array"),
    ],
)
def test_classes_that_are_no_list_of_labels(classes, error, message, samples):
    with pytest.raises(error, match=message):
        quick().partial_fit(*samples, classes=classes)


def test_a_partial_fit_that_fails_leaves_no_trace(samples):
    X, y = samples
    clf, expected = (quick().partial_fit(X, y, classes=["up", "down"]) for _ in range(2))
    clf.set_params(on_epoch=lambda epoch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clf.partial_fit(X, y)
    clf.set_params(on_epoch=None).partial_fit(X, y)
    expected.partial_fit(X, y)
    assert clf.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()


def test_partial_fit_after_loading(samples, tmp_path):
    X, y = samples
    clf = quick().fit(X, y)
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model").partial_fit(X, y)
    assert again.n_iter_ == 4
    assert again.loss_curve_[:3] == clf.loss_curve_


# save and load


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("standardize", [True, False])
def test_saved_and_loaded_bit_for_bit(dtype, standardize, samples, tmp_path):
    X, y = samples
    clf = quick(
        dtype=dtype,
        standardize=standardize,
        readout="mean",
        alpha=np.float64(0.1),
        max_iter=np.int64(4),
        class_weight={"up": 2},
        early_stopping=True,
    )
    clf.fit(X, y)
    clf.save(tmp_path / "model.safetensors")
    again = RNNClassifier.load(tmp_path / "model.safetensors")
    assert again.get_params() == clf.get_params()
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert again.history_ == clf.history_
    for name in ("n_features_in_", "n_iter_", "best_epoch_", "loss_curve_", "validation_scores_"):
        assert getattr(again, name) == getattr(clf, name)
    assert {k: w.tobytes() for k, w in again.weights_.items()} == {
        k: w.tobytes() for k, w in clf.weights_.items()
    }
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model.safetensors").read_bytes()
    again.fit(X, y)
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


def test_a_two_dimensional_X_and_its_column_names_are_saved(rng, tmp_path):
    import pandas as pd

    X = pd.DataFrame(rng.normal(size=(9, 5)), columns=list("abcde"))
    clf = quick().fit(X, np.arange(9) % 2)
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model")
    assert again.feature_names_in_.tolist() == list("abcde")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(X.rename(columns={"a": "z"}))


def test_a_loaded_model_predicts_in_another_process(samples, tmp_path):
    X, y = make_samples(np.random.default_rng(0), 5, "equal")
    clf = quick().fit(X, y)
    clf.save(tmp_path / "model")
    np.save(tmp_path / "X.npy", X)
    program = (
        "import sys, numpy as np, elman\n"
        "clf = elman.RNNClassifier.load(sys.argv[1])\n"
        "print(clf.predict_proba(np.load(sys.argv[2])).tobytes().hex())"
    )
    arguments = [str(tmp_path / "model"), str(tmp_path / "X.npy")]
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert ran.stdout.strip() == clf.predict_proba(X).tobytes().hex(), ran.stderr


def test_what_cannot_be_saved_becomes_none(samples, tmp_path):
    clf = quick(on_epoch=print, random_state=np.random.RandomState(0)).fit(*samples)
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model")
    assert again.on_epoch is again.random_state is None


def test_only_a_fitted_estimator_is_saved(tmp_path):
    with pytest.raises(NotFittedError):
        quick().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_labels_that_no_file_could_be_read_with_are_not_saved(rng, tmp_path):
    labels = ["long" * 5000, *map(str, range(300))]  # each of them 80,000 bytes wide
    clf = quick().fit(rng.normal(size=(301, 5, 2)), np.array(labels))
    with pytest.raises(ValueError, match=r"301 labels of type <U20000 take 24,080,000 bytes"):
        clf.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    clf.fit(rng.normal(size=(301, 5, 2)), labels)  # as wide as each of them is
    clf.save(tmp_path / "model")
    assert RNNClassifier.load(tmp_path / "model").classes_.tolist() == sorted(labels)


def spoiled(config, tensors, how):
    config = json.loads(json.dumps(config))
    how(config, tensors)
    return config, tensors


SPOILERS = {
    "kind": lambda c, t: c.update(kind="SequenceScaler"),
    "no kind": lambda c, t: c.pop("kind"),
    "unknown parameter": lambda c, t: c["parameters"].update(depth=3),
    "impossible parameter": lambda c, t: c["parameters"].update(hidden_size=-3),
    "parameter of another type": lambda c, t: c["parameters"].update(hidden_size="many"),
    "unknown cell": lambda c, t: c["network"].update(cell="mgu"),
    "no network": lambda c, t: c.pop("network"),
    "another size": lambda c, t: c["network"].update(hidden_size=8),
    "size of another type": lambda c, t: c["network"].update(hidden_size="7"),
    "unknown readout": lambda c, t: c["network"].update(readout="first"),
    "missing weights": lambda c, t: t.pop("head.b"),
    "unknown array": lambda c, t: t.update(extra=np.zeros(2)),
    "weights of integers": lambda c, t: t.update({"head.b": np.zeros(2, dtype=np.int64)}),
    "too few labels": lambda c, t: c["classes"].update(labels=["up"]),
    "half a standardisation": lambda c, t: t.pop("standardize.mean"),
    "standardisation of another size": lambda c, t: t.update({"standardize.mean": np.zeros(3)}),
    "standardisation by zero": lambda c, t: t["standardize.scale"].fill(0),
    "standardisation by NaN": lambda c, t: t["standardize.mean"].fill(np.nan),
    "several labels that are strings": lambda c, t: c.update(multilabel=True),
    "another number of features": lambda c, t: c.update(n_features_in=3),
    "no number of features": lambda c, t: c.update(n_features_in=float("inf")),
    "2-D with two features": lambda c, t: c.update(two_d=True),
    "labels out of order": lambda c, t: c["classes"].update(labels=["up", "down"]),
    "the same label twice": lambda c, t: c["classes"].update(labels=["up", "up"]),
    "labels that are tuples": lambda c, t: c["classes"].update(dtype="U4,U4"),
    "labels that are dates": lambda c, t: c["classes"].update(dtype="M8[s]", labels=[1, 2]),
    "history that is no list": lambda c, t: c["history"].update(epoch=None),
    "history of strings": lambda c, t: c["history"].update(loss=["1", "2", "3"]),
    "history of unequal columns": lambda c, t: c["history"]["seconds"].pop(),
    "history of another kind": lambda c, t: c["history"].update(extra=[]),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_whole_file_that_makes_no_sense_is_a_clear_error(spoiler, rng, tmp_path):
    path = tmp_path / "model"
    quick().fit(*make_samples(rng, 9, "equal")).save(path)
    tensors, config = archive.load(path)
    config, tensors = spoiled(config, tensors, SPOILERS[spoiler])
    archive.save(path, tensors, config)
    with pytest.raises(ArchiveError, match=str(path)):
        RNNClassifier.load(path)


# Label smoothing


def test_label_smoothing_is_for_training_only(samples):
    X, y = samples
    plain, smoothed = (
        quick(max_iter=1, learning_rate_init=1e-300, label_smoothing=e).fit(X, y, X_val=X, y_val=y)
        for e in (0, 0.2)
    )
    assert plain.history_.validation_loss == smoothed.history_.validation_loss
    p = smoothed.predict_proba(X)
    q = 0.8 * (y[:, np.newaxis] == smoothed.classes_) + 0.1
    np.testing.assert_allclose(smoothed.loss_curve_, -(q * np.log(p)).sum(axis=1).mean())
    assert smoothed.loss_curve_ != plain.loss_curve_


def test_label_smoothing_keeps_answers_from_certainty(samples):
    certain, smoothed = (learner(label_smoothing=e, alpha=0).fit(*samples) for e in (0, 0.3))
    assert smoothed.score(*samples) > 0.9
    p, q = (clf.predict_proba(samples[0]).max(axis=1).mean() for clf in (certain, smoothed))
    assert q < 0.9 < p


def test_shows_itself_in_a_notebook(samples):
    shown = quick(label_smoothing=0.25).fit(*samples)._repr_html_()
    assert "RNNClassifier" in shown
    assert "0.25" in shown
