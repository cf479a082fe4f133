"""max_iter="auto" is the number of epochs that the data ask for, in everything that it touches."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from helpers.auto_fits import EACH, bits, last, taken
from helpers.explained import MODELS, labels, recordings, small
from helpers.kept_fits import assert_same_end, kill, quick
from helpers.sequence_data import make_samples
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.training import enough


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Epochs that take little time."""
    monkeypatch.setattr(enough, "MIN_EPOCHS", 2)
    monkeypatch.setattr(enough, "MIN_STEPS", 7)
    monkeypatch.setattr(enough, "MAX_EPOCHS", 5)


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({}, 5),
        ({"batch_size": 3}, 3),
        ({"batch_size": 1}, 2),
        ({"batch_size": 2, "mode": "local", "replicas": 2, "local_steps": 1}, 4),
        ({"batch_size": 3, "learning_rate": "one_cycle"}, 3),
        ({"batch_size": 2, "warm_up": 0.5, "dropout": 0.5}, 2),
        ({"batch_size": 3, "bucket_by_length": True, "stride": 2, "deltas": 1}, 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", MODELS)
def test_it_has_the_bits_of_its_number(kind, options, number):
    auto = MODELS[kind](max_iter="auto", **options)
    assert last(auto).max_iter_ == last(auto).n_iter_ == number
    assert last(auto).max_iter_reason_.startswith(f"max_iter={number}: an epoch has ")
    given = MODELS[kind](max_iter=number, **options)
    assert bits(auto) == bits(given)
    assert (last(given).max_iter_, last(given).max_iter_reason_) == (number, None)


@pytest.mark.parametrize(
    ("options", "n_steps"),
    [({}, 4), ({"bptt_steps": 3}, 8), ({"bptt_steps": 2, "stride": 3}, 4), ({"stride": 2}, 4)],
    ids=str,
)
@pytest.mark.parametrize("kind", [RNNTagger, RNNRegressor])
def test_the_steps_that_are_counted_are_taken(kind, options, n_steps, monkeypatch, rng):
    X = rng.normal(size=(7, 6, 2))
    y = X[:, :, 0] if kind is RNNRegressor else (X[:, :, 0] > 0).astype(int)
    if kind is RNNRegressor:
        options = {**options, "readout": "every"}
    auto = small(kind, max_iter="auto", batch_size=2, **options)
    n_taken, fit = taken(monkeypatch, lambda: auto.fit(X, y))
    assert n_taken == n_steps * fit.max_iter_ >= enough.MIN_STEPS
    assert f"an epoch has {n_steps} steps" in fit.max_iter_reason_


def test_truncation_does_not_add_steps_to_samples_with_one_answer(monkeypatch, rng):
    X, y = rng.normal(size=(7, 6, 2)), np.arange(7) % 2
    auto = small(RNNClassifier, max_iter="auto", batch_size=3, bptt_steps=2)
    n_taken, fit = taken(monkeypatch, lambda: auto.fit(X, y))
    assert n_taken == 3 * fit.max_iter_ == 9


def test_samples_that_are_not_trained_on_do_not_count(rng):
    X, y = make_samples(rng, 12, "equal")
    auto = small(RNNClassifier, max_iter="auto", batch_size=3)
    assert auto.fit(X, y).max_iter_ == 2
    assert auto.fit(X, y, sample_weight=np.arange(12) < 7).max_iter_ == 3
    auto.set_params(early_stopping=True, validation_fraction=0.5)
    assert auto.fit(X, y).max_iter_ == 4
    gaps = [x[:, :1].copy() for x in X]
    y = [np.zeros(5, int) for _ in X]
    for i, x in enumerate(gaps):
        x[1:] = np.nan
        y[i][0] = i % 2
    tagger = small(RNNTagger, max_iter="auto", batch_size=6, bptt_steps=2, missing="skip")
    assert tagger.fit(gaps, y).max_iter_ == 4


@pytest.mark.parametrize("kind", EACH)
def test_workers_have_the_bits_of_one_process(kind):
    options = {"max_iter": "auto", "batch_size": 3}
    one = MODELS[kind](**options)
    with ProcessPoolExecutor(2) as pool:
        made = type(one)(**one.get_params())
        X = recordings()
        y = {
            "classifier": labels(),
            "tagger": [np.array(["no", "yes", "why"])[(np.arange(len(x)) + len(x)) % 3] for x in X],
            "regressor": np.array([[x[:, 0].sum(), x[-1, 1]] for x in X]),
            "regressor of steps": [np.cumsum(x[:, 0]) for x in X],
        }[kind]
        made.fit(X, y, executor=pool)
    assert bits(made) == bits(one)
    assert made.max_iter_reason_ == one.max_iter_reason_


@pytest.mark.parametrize(("first", "then"), [("auto", "auto"), ("auto", 3), (3, "auto")])
def test_a_killed_fit_goes_on_to_the_same_bits(first, then, tmp_path, rng):
    samples = make_samples(rng, 19, "ragged")
    whole = quick(max_iter=3).fit(*samples)
    kill(quick(tmp_path, max_iter=first), 2, *samples)
    resumed = quick(tmp_path, max_iter=then).fit(*samples)
    assert_same_end(resumed, whole)
    assert resumed.max_iter_ == 3
    assert (resumed.max_iter_reason_ is None) == (then == 3)


def test_a_folder_is_refused_where_it_would_be_another_number(tmp_path, rng, monkeypatch):
    samples = make_samples(rng, 19, "ragged")
    kill(quick(tmp_path, max_iter="auto"), 2, *samples)
    monkeypatch.setattr(enough, "MIN_STEPS", 10)
    with pytest.raises(ValueError, match="holds another run: max_iter is 4 here and 3 there"):
        quick(tmp_path, max_iter="auto").fit(*samples)
    with pytest.raises(ValueError, match="holds another run: max_iter is 5 here and 3 there"):
        quick(tmp_path, max_iter=5).fit(*samples)


def test_a_state_on_disk_says_what_was_chosen(tmp_path, rng):
    fit = quick(tmp_path, max_iter="auto").fit(*make_samples(rng, 19, "ragged"))
    for path in tmp_path.glob("*.safetensors"):
        assert elman.load(path).max_iter_reason_ == fit.max_iter_reason_


def test_going_on_asks_the_data_that_are_passed_then(rng):
    X, y = make_samples(rng, 9, "equal")
    fit = small(RNNClassifier, max_iter="auto", batch_size=3, warm_start=True).fit(X, y)
    assert fit.n_iter_ == fit.max_iter_ == 3
    fit.fit(X[:4], y[:4])
    assert (fit.n_iter_, fit.max_iter_) == (7, 4)
    rates = fit.history_.learning_rate  # the schedule began again, for four epochs
    assert rates[3] == rates[0] == 0.003
    assert rates[5] == pytest.approx(0.0015)
    reason = fit.max_iter_reason_
    fit.partial_fit(X, y)
    assert (fit.n_iter_, fit.max_iter_, fit.max_iter_reason_) == (8, 4, reason)
    fit.set_params(max_iter=2).fit(X, y)
    assert (fit.n_iter_, fit.max_iter_, fit.max_iter_reason_) == (10, 2, None)


@pytest.mark.parametrize("kind", [RNNClassifier, RNNRegressor])
def test_partial_fit_takes_it_for_one_epoch(kind, rng):
    X, y = rng.normal(size=(7, 5, 2)), np.arange(7) % 2
    known = {"classes": [0, 1]} if kind is RNNClassifier else {}
    auto, given = (small(kind, max_iter=n).partial_fit(X, y, **known) for n in ("auto", 3))
    assert bits(auto) == bits(given)
    assert (auto.n_iter_, auto.max_iter_, auto.max_iter_reason_) == (1, None, None)


@pytest.mark.parametrize("kind", EACH)
def test_files_and_pickles_keep_it(kind, tmp_path):
    fit = MODELS[kind](max_iter="auto")
    fit.save(tmp_path / "model")
    for kept in (elman.load(tmp_path / "model"), pickle.loads(pickle.dumps(fit))):
        assert kept.max_iter == "auto"
        assert (kept.max_iter_, kept.max_iter_reason_) == (5, fit.max_iter_reason_)


def test_a_file_from_before_does_not_say(tmp_path):
    MODELS["classifier"]().save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    del config["history"]["max_iter"], config["history"]["max_iter_reason"]
    archive.save(tmp_path / "older", tensors, config)
    loaded = elman.load(tmp_path / "older")
    assert (loaded.max_iter_, loaded.max_iter_reason_) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_iter", "auto"), ("max_iter", -1), ("max_iter", True), ("max_iter", 2.5),
     ("max_iter_reason", None), ("max_iter_reason", ["x"]), ("max_iter_reason", "x" * 2000)],
)  # fmt: skip
def test_a_forged_file_is_refused(name, value, tmp_path):
    MODELS["classifier"]().save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    config["history"][name] = value
    archive.save(tmp_path / "forged", tensors, config)
    with pytest.raises(ArchiveError, match=name):
        elman.load(tmp_path / "forged")


def test_what_was_chosen_is_said(capsys):
    seen = []
    fit = MODELS["tagger"](max_iter="auto", verbose=1, on_epoch=lambda e: seen.append(e.n_epochs))
    assert seen == [5] * 5
    said = capsys.readouterr().out
    assert "epoch 5/5" in said
    assert said.rstrip().endswith('; "auto" chose batch_size=32, max_iter=5')
    assert "7 steps would take more than 5 epochs" in fit.max_iter_reason_


@pytest.mark.parametrize("value", ["Auto", "many", 0, 2.0, None, True])
def test_what_it_may_be(value):
    with pytest.raises((TypeError, ValueError), match=r"^max_iter=.*must be 'auto' or an int"):
        MODELS["classifier"](max_iter=value)


def test_nothing_before_a_fit():
    for name in ("max_iter_", "max_iter_reason_"):
        assert not hasattr(RNNClassifier(max_iter="auto"), name)
    summary = RNNClassifier(3, max_iter="auto").summary(n_features=2, n_outputs=3)
    assert str(summary) == str(RNNClassifier(3).summary(n_features=2, n_outputs=3))


def test_the_learning_rate_test_takes_it(rng):
    X, y = make_samples(rng, 60, "equal")
    found = [elman.lr_range_test(small(RNNClassifier, max_iter=n), X, y) for n in ("auto", 2)]
    assert np.array_equal(found[0].losses, found[1].losses)


def test_searches_over_it(rng):
    X, y = make_samples(rng, 40, "equal")
    auto = small(RNNClassifier, max_iter="auto", batch_size=32)
    search = GridSearchCV(auto, {"max_iter": ["auto", 1]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.max_iter_ in (1, 4)
    search = HalvingRandomSearchCV(
        auto,
        {"hidden_size": [2, 3, 4, 5]},
        resource="max_iter",
        max_resources=4,
        min_resources=1,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    assert search.n_iterations_ > 1
    assert search.best_estimator_.max_iter == 4


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("kind", [RNNTagger, RNNRegressor])
def test_a_weight_counts_as_repeated_samples_where_chunks_are_steps(kind, per_step, rng):
    lengths = np.array([3, 4, 5, 19, 22, 2])
    X = [rng.normal(size=(n, 2)) for n in lengths]
    y = [np.arange(n) % 2 for n in lengths]
    weight = np.array([0, 1, 0.5, 2, 1.5, 0])
    again = np.repeat(np.arange(6), (2 * weight).astype(int))
    given = [np.full(n, w) for n, w in zip(lengths, weight, strict=True)] if per_step else weight
    options = {"bptt_steps": 5, "dtype": "float64"}
    weighted = small(kind, **options, max_iter="auto").fit(X, y, given)
    repeated = small(kind, **options, max_iter="auto").fit(
        [X[i] for i in again], [y[i] for i in again]
    )
    assert weighted.max_iter_reason_ == repeated.max_iter_reason_
    assert "has 4 steps" in weighted.max_iter_reason_
