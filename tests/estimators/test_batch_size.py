"""batch_size="auto": the bits of the number it stands for, wherever training reads a batch size."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from helpers.auto_fits import EACH, bits, last, taken
from helpers.explained import LENGTHS, MODELS, labels, recordings, small
from helpers.kept_fits import assert_same_end, kill, quick
from helpers.sequence_data import make_samples
from sklearn.model_selection import GridSearchCV

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import Dataset, SequenceStore
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.training import enough

THREE = [RNNClassifier, RNNTagger, RNNRegressor]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Bounds between which a few samples lie: 7 of them are 3 batches, of 3 or 2."""
    monkeypatch.setattr(enough, "BATCHES", 3)
    monkeypatch.setattr(enough, "SMALLEST", 2)
    monkeypatch.setattr(enough, "LARGEST", 5)


def samples(kind, n, rng):
    """As many samples of six steps, for an estimator of that class."""
    X = rng.normal(size=(n, 6, 2))
    if kind is RNNTagger:
        return X, (X[:, :, 0] > 0).astype(int)
    return X, np.arange(n) % 2 if kind is RNNClassifier else X[:, 0, 0]


def answers_of(kind):
    X = recordings()
    return {
        "classifier": labels(),
        "tagger": [np.array(["no", "yes", "why"])[(np.arange(n) + n) % 3] for n in LENGTHS],
        "regressor": np.array([[x[:, 0].sum(), x[-1, 1]] for x in X]),
        "regressor of steps": [np.cumsum(x[:, 0]) for x in X],
    }[kind]


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({}, 3),
        ({"max_iter": "auto"}, 3),
        ({"mode": "local", "replicas": 3, "local_steps": 1}, 3),
        ({"mode": "local", "replicas": 4, "local_steps": 2}, 2),
        ({"mode": "local", "replicas": 7, "local_steps": 1}, 1),
        ({"bucket_by_length": True, "stride": 2, "deltas": 1, "dropout": 0.5}, 3),
        ({"learning_rate": "one_cycle", "bptt_steps": 3}, 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", MODELS)
def test_it_has_the_bits_of_its_number(kind, options, number, monkeypatch):
    monkeypatch.setattr(enough, "MIN_EPOCHS", 2)
    monkeypatch.setattr(enough, "MIN_STEPS", 7)
    auto = MODELS[kind](batch_size="auto", **options)
    assert last(auto).batch_size_ == number
    assert last(auto).batch_size_reason_.startswith(f"batch_size={number}: 7 samples make ")
    given = MODELS[kind](batch_size=number, **options)
    assert bits(auto) == bits(given)
    assert bits(auto) != bits(MODELS[kind](batch_size=4, **{**options, "mode": "sync"}))
    assert (last(given).batch_size_, last(given).batch_size_reason_) == (number, None)
    assert last(auto).max_iter_ == last(given).max_iter_
    assert last(auto).max_iter_reason_ == last(given).max_iter_reason_


@pytest.mark.parametrize("kind", THREE)
def test_the_batches_that_are_said_are_taken(kind, monkeypatch, rng):
    monkeypatch.setattr(enough, "MIN_EPOCHS", 2)
    monkeypatch.setattr(enough, "MIN_STEPS", 11)
    data = samples(kind, 17, rng)
    n_steps, fit = taken(
        monkeypatch, lambda: small(kind, batch_size="auto", max_iter="auto").fit(*data)
    )
    assert fit.batch_size_reason_ == (
        "batch_size=5: 17 samples make 4 batches in an epoch, and the size is at most 5"
    )
    assert fit.max_iter_reason_.startswith("max_iter=3: an epoch has 4 steps of the optimizer")
    assert n_steps == 4 * 3


@pytest.mark.parametrize("kind", THREE)
def test_samples_that_are_not_trained_on_do_not_count(kind, rng):
    X, y = samples(kind, 14, rng)
    auto = small(kind, batch_size="auto")
    assert auto.fit(X, y).batch_size_ == 5
    assert auto.fit(X, y, sample_weight=np.arange(14) < 7).batch_size_ == 3
    auto.set_params(early_stopping=True, validation_fraction=0.5)
    assert auto.fit(X, y).batch_size_ == 3
    auto.set_params(early_stopping=False)
    assert auto.fit(X, y, X_val=X[:9], y_val=y[:9]).batch_size_ == 5


def test_neither_do_sequences_without_a_labelled_step(rng):
    X, y = samples(RNNTagger, 14, rng)
    y = [[None] * 6 if i % 2 else list(tags) for i, tags in enumerate(y.tolist())]
    assert small(RNNTagger, batch_size="auto").fit(X, y).batch_size_ == 3


@pytest.mark.parametrize("kind", THREE)
def test_partial_fit_goes_by_the_samples_of_its_call(kind, rng):
    X, y = samples(kind, 14, rng)
    known = {} if kind is RNNRegressor else {"classes": [0, 1]}
    auto, given = (small(kind, batch_size=n) for n in ("auto", 3))
    for estimator in (auto, given):
        estimator.partial_fit(X[:7], y[:7], **known)
    assert bits(auto) == bits(given)
    assert auto.batch_size_ == 3
    assert auto.batch_size_reason_.startswith("batch_size=3: 7 samples make 3 batches")
    auto.partial_fit(X, y)
    given.set_params(batch_size=5).partial_fit(X, y)
    assert bits(auto) == bits(given)
    assert (auto.batch_size_, given.batch_size_reason_) == (5, None)


@pytest.mark.parametrize("kind", THREE)
def test_going_on_asks_the_data_that_are_passed_then(kind, rng):
    X, y = samples(kind, 14, rng)
    auto, given = (small(kind, batch_size=n, warm_start=True) for n in ("auto", 5))
    assert bits(auto.fit(X, y)) == bits(given.fit(X, y))
    auto.fit(X[:7], y[:7])
    assert bits(auto) == bits(given.set_params(batch_size=3).fit(X[:7], y[:7]))
    assert (auto.batch_size_, auto.n_iter_) == (3, 4)


@pytest.mark.parametrize("kind", EACH)
def test_workers_and_stores_have_the_bits_of_memory(kind, tmp_path):
    one, y = MODELS[kind](batch_size="auto"), answers_of(kind)
    store = SequenceStore.write(tmp_path / "store", Dataset(recordings(), y))
    made = type(one)(**one.get_params())
    with ProcessPoolExecutor(2) as pool:
        for data in ((recordings(), y), (store,)):
            for executor in (None, pool):
                made.fit(*data, executor=executor)
                assert bits(made) == bits(one)
                assert made.batch_size_reason_ == one.batch_size_reason_


@pytest.mark.parametrize("kind", EACH)
def test_replicas_on_workers_have_the_bits_of_one_process(kind):
    options = {"batch_size": "auto", "mode": "local", "replicas": 4, "local_steps": 1}
    one = MODELS[kind](**options)
    made = type(one)(**one.get_params())
    with ProcessPoolExecutor(2) as pool:
        made.fit(recordings(), answers_of(kind), executor=pool)
    assert bits(made) == bits(one)
    assert made.batch_size_reason_ == (
        "batch_size=2: 7 samples make 4 batches in an epoch, and larger ones would be too few for "
        "4 replicas"
    )


@pytest.mark.parametrize("kind", THREE)
def test_more_replicas_than_samples_are_refused(kind, rng):
    model = small(kind, batch_size="auto", mode="local", replicas=8)
    with pytest.raises(ValueError, match=r"only 7 batches of batch_size=1 .* lower replicas$"):
        model.fit(*samples(kind, 7, rng))
    with pytest.raises(ValueError, match=r"batch_size=2 .* lower replicas or batch_size$"):
        model.set_params(batch_size=2).fit(*samples(kind, 7, rng))


@pytest.mark.parametrize(("first", "then"), [("auto", "auto"), ("auto", 5), (5, "auto")])
def test_a_killed_fit_goes_on_to_the_same_bits(first, then, tmp_path, rng):
    data = make_samples(rng, 19, "ragged")
    whole = quick(max_iter=3, batch_size=5).fit(*data)
    kill(quick(tmp_path, max_iter=3, batch_size=first), 2, *data)
    resumed = quick(tmp_path, max_iter=3, batch_size=then).fit(*data)
    assert_same_end(resumed, whole)
    assert resumed.batch_size_ == 5
    assert (resumed.batch_size_reason_ is None) == (then == 5)


def test_a_folder_is_refused_where_it_would_be_another_number(tmp_path, rng, monkeypatch):
    data = make_samples(rng, 19, "ragged")
    kill(quick(tmp_path, batch_size="auto"), 2, *data)
    with pytest.raises(ValueError, match="holds another run: batch_size is 4 here and 5 there"):
        quick(tmp_path, batch_size=4).fit(*data)
    monkeypatch.setattr(enough, "LARGEST", 6)
    with pytest.raises(ValueError, match="holds another run: batch_size is 6 here and 5 there"):
        quick(tmp_path, batch_size="auto").fit(*data)


def test_a_state_on_disk_says_what_was_chosen(tmp_path, rng):
    fit = quick(tmp_path, max_iter=2, batch_size="auto").fit(*make_samples(rng, 9, "ragged"))
    kept = [elman.load(path) for path in tmp_path.glob("*.safetensors")]
    assert kept
    for one in kept:
        assert (one.batch_size_, one.batch_size_reason_) == (3, fit.batch_size_reason_)


@pytest.mark.parametrize("kind", EACH)
def test_files_and_pickles_keep_it(kind, tmp_path):
    fit = MODELS[kind](batch_size="auto")
    fit.save(tmp_path / "model")
    for kept in (elman.load(tmp_path / "model"), pickle.loads(pickle.dumps(fit))):
        assert kept.batch_size == "auto"
        assert (kept.batch_size_, kept.batch_size_reason_) == (3, fit.batch_size_reason_)


def test_a_file_from_before_does_not_say(tmp_path):
    MODELS["classifier"](batch_size=5).save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    del config["history"]["batch_size"], config["history"]["batch_size_reason"]
    archive.save(tmp_path / "older", tensors, config)
    loaded = elman.load(tmp_path / "older")
    assert (loaded.batch_size_, loaded.batch_size_reason_) == (None, None)
    assert loaded.summary().batch_size == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", "auto"), ("batch_size", -1), ("batch_size", True), ("batch_size", 2.5),
     ("batch_size_reason", None), ("batch_size_reason", ["x"]), ("batch_size_reason", "x" * 2000)],
)  # fmt: skip
def test_a_forged_file_is_refused(name, value, tmp_path):
    MODELS["classifier"]().save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    config["history"][name] = value
    archive.save(tmp_path / "forged", tensors, config)
    with pytest.raises(ArchiveError, match=name):
        elman.load(tmp_path / "forged")


def test_what_was_chosen_is_said(capsys):
    fit = MODELS["tagger"](batch_size="auto", max_iter="auto", deltas="auto", verbose=1)
    said = capsys.readouterr().out.rstrip()
    assert said.endswith(f'; "auto" chose batch_size=3, max_iter={fit.max_iter_}')
    assert fit.batch_size_reason_ == (
        "batch_size=3: 7 samples make 3 batches in an epoch, and smaller ones would be more than 3"
    )


def test_a_hint_names_the_number():
    with pytest.warns(elman.TrainingWarning, match=r'batch_size \(3, which "auto" chose\)'):
        MODELS["classifier"](batch_size="auto", max_iter=10, readout="last")


@pytest.mark.parametrize("value", ["Auto", "large", 0, 2.0, None, True])
def test_what_it_may_be(value):
    with pytest.raises((TypeError, ValueError), match=r"^batch_size=.*must be 'auto' or an int"):
        MODELS["classifier"](batch_size=value)


@pytest.mark.parametrize("kind", THREE)
def test_a_summary_counts_the_most_before_a_fit_and_the_number_after(kind, rng):
    auto = small(kind, batch_size="auto")
    for name in ("batch_size_", "batch_size_reason_"):
        assert not hasattr(auto, name)
    sizes = {"n_features": 2, "n_outputs": 2}
    before = auto.summary(**sizes)
    assert before.to_dict() == small(kind, batch_size=32).summary(**sizes).to_dict()
    auto.fit(*samples(kind, 7, rng))
    assert auto.summary().batch_size == 3
    assert auto.summary(batch_size=9).batch_size == 9
    assert auto.set_params(batch_size=6).summary().batch_size == 6


def test_the_learning_rate_test_takes_it(rng):
    X, y = make_samples(rng, 61, "equal")
    found = [elman.lr_range_test(small(RNNClassifier, batch_size=n), X, y) for n in ("auto", 5, 9)]
    assert np.array_equal(found[0].losses, found[1].losses)
    assert not np.array_equal(found[0].losses, found[2].losses)


def test_searches_over_it(rng):
    X, y = make_samples(rng, 21, "equal")
    grid = {"batch_size": ["auto", 4]}
    search = GridSearchCV(small(RNNClassifier), grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_estimator_.batch_size_ in (4, 5)
