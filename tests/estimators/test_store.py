"""What is learned from a store is what is learned from the same sequences in memory."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers.kept_fits import assert_same_end, kill, quick
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.data import Dataset, SequenceStore, StoreError, StoreView, sequences

N = 23
LENGTHS = [k * 5 % 8 for k in range(N)]
SMALL = {"hidden_size": 3, "max_iter": 2, "batch_size": 5, "random_state": 0}


@pytest.fixture(params=[True, False], ids=["read", "settled"])
def large(request, monkeypatch):
    """Whether a store counts as large, so that batches are read one by one."""
    if request.param:
        monkeypatch.setattr(sequences, "SMALL", 0)
    return request.param


def data_of(kind, dtype=np.float32, *, gaps=False):
    rng = np.random.default_rng(8)
    X = [(3 + 2 * rng.normal(size=(n, 2))).astype(dtype) for n in LENGTHS]
    if gaps:
        for x in X[1::3]:
            x[::3, 1] = np.nan
    steps = [x[:, 0] > 3 for x in X]
    y = {
        "label": np.array([*"bac"] * 8)[:N],
        "labels": np.arange(2 * N).reshape(N, 2) % 3 % 2,
        "value": np.array([x[:, 0].sum() for x in X], np.float64),
        "tags": [np.where(up, "up", "down") for up in steps],
        "step values": [np.cumsum(up) / 2 for up in steps],
    }[kind]
    return X, y


KINDS = {
    "label": RNNClassifier,
    "labels": RNNClassifier,
    "value": RNNRegressor,
    "tags": RNNTagger,
    "step values": RNNRegressor,
}
OPTIONS = [
    {},
    {"standardize": False},
    {"missing": "mask"},
    {"missing": "skip"},
    {"missing": "skip", "standardize": False},
    {"bucket_by_length": True},
    {"bptt_steps": 2},
    {"early_stopping": True, "validation_fraction": 0.3},
    {"dropout": 0.5, "dtype": "float64"},
]


def stored(path, X, y, **more):
    return SequenceStore.write(path / "s", Dataset(X, y, **more), shard_size=130)


def bits(estimator):
    history = estimator.history_
    return (
        {name: weight.tobytes() for name, weight in estimator.weights_.items()},
        history.loss,
        history.validation_loss,
        history.validation_score,
        None if estimator.mean_ is None else estimator.mean_.tobytes(),
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_gives_the_bits_of_memory(tmp_path, monkeypatch, kind, options):
    dtype = np.float64 if "dropout" in options else np.float32
    X, y = data_of(kind, dtype, gaps="missing" in options)
    store = stored(tmp_path, X, y)
    assert len(store.manifest.shards) > 5
    expected = KINDS[kind](**SMALL, **options).fit(X, y)
    monkeypatch.setattr(sequences, "SMALL", 0)
    found = KINDS[kind](**SMALL, **options).fit(store)
    assert bits(found) == bits(expected)
    for one, other in zip(found.predict(store), expected.predict(X), strict=True):
        np.testing.assert_array_equal(one, other)
    states = found.hidden_states(store[3:9]), expected.hidden_states(X[3:9])
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.score(store) == expected.score(X, y)


@pytest.mark.parametrize("kind", ["label", "value", "tags", "step values"])
def test_validation_data_and_scorers_of_a_store(tmp_path, large, kind):
    X, y = data_of(kind)
    store = stored(tmp_path, X, y)
    scoring = {"label": "balanced_accuracy", "tags": "accuracy"}.get(kind, "neg_mean_squared_error")
    options = SMALL | {"scoring": scoring}
    expected = bits(KINDS[kind](**options).fit(X[:15], y[:15], X_val=X[15:], y_val=y[15:]))
    first, second = store[:15], store[15:]
    for given in (
        {"X_val": second},
        {"X_val": second, "y_val": y[15:]},
        {"validation_data": (second, y[15:])},
        {"validation_data": (second, None)},
        {"validation_data": second},
    ):
        assert bits(KINDS[kind](**options).fit(first, **given)) == expected
    held_out = options | {"early_stopping": True, "validation_fraction": 0.3}
    assert bits(KINDS[kind](**held_out).fit(store)) == bits(KINDS[kind](**held_out).fit(X, y))


@pytest.mark.parametrize("kind", ["label", "value", "tags", "step values"])
def test_partial_fit_and_weights_of_a_store(tmp_path, large, kind):
    X, y = data_of(kind)
    weights = np.arange(N) % 4 / 3
    store = stored(tmp_path, X, y, sample_weight=weights)
    classes = {"label": {"classes": [*"abc"]}, "tags": {"classes": ["down", "up"]}}.get(kind, {})
    one, other = KINDS[kind](**SMALL), KINDS[kind](**SMALL)
    for _ in range(2):
        one.partial_fit(X, y, sample_weight=weights, **classes)
        other.partial_fit(store, **classes)
    assert bits(one) == bits(other)
    even = KINDS[kind](**SMALL).fit(X, y)
    assert bits(KINDS[kind](**SMALL).fit(store)) != bits(even)
    assert bits(KINDS[kind](**SMALL).fit(store, sample_weight=np.ones(N))) == bits(even)
    assert one.score(store) == one.score(X, y)  # which no weights change


@pytest.mark.parametrize("there", [True, False], ids=["from disk", "from memory"])
def test_a_run_on_a_store_goes_on_in_memory_and_back(tmp_path, large, there):
    X, y = data_of("label")
    store = stored(tmp_path, X, y)
    given = [(store,), (X, y)] if there else [(X, y), (store,)]
    whole = quick().fit(X, y)
    clf = quick(str(tmp_path / "run"), checkpoint_epochs=1)
    kill(clf, 3, *given[0])
    assert_same_end(clf.fit(*given[1]), whole)


def test_scikit_learn_splits_a_store_without_reading_it(tmp_path, large, monkeypatch):
    X, y = data_of("label")
    store = stored(tmp_path, X, y)
    clf = RNNClassifier(**SMALL)
    expected = cross_val_score(clf, X, y, cv=3)
    np.testing.assert_array_equal(cross_val_score(clf, store, store.y, cv=3), expected)
    np.testing.assert_array_equal(cross_val_score(clf, store, y, cv=3, n_jobs=2), expected)
    assert len(cross_val_score(clf, store, cv=3)) == 3  # with the y of each view
    monkeypatch.setattr(SequenceStore, "_rows", None)
    one, two, of_one, _ = train_test_split(store, store.y, random_state=0)
    assert isinstance(one, StoreView)
    assert isinstance(two, StoreView)
    assert one.y.tolist() == of_one.tolist()


def test_a_search_over_a_store(tmp_path, large):
    X, y = data_of("label")
    store = stored(tmp_path, X, y)
    grid = {"hidden_size": [2, 3], "standardize": [True, False]}
    found = GridSearchCV(RNNClassifier(**SMALL), grid, cv=2).fit(store, store.y)
    expected = GridSearchCV(RNNClassifier(**SMALL), grid, cv=2).fit(X, y)
    scores = [search.cv_results_["mean_test_score"].tolist() for search in (found, expected)]
    assert scores[0] == scores[1]
    assert found.score(store, y) == expected.score(X, y)


def test_scaling_a_store(tmp_path, monkeypatch):
    X, y = data_of("value")
    store = stored(tmp_path, X, y)
    expected = SequenceScaler().fit(X)
    found = SequenceScaler().fit(store)
    for one, other in zip(found.transform(store), expected.transform(X), strict=True):
        np.testing.assert_array_equal(one, other)
    pipe = make_pipeline(SequenceScaler(), RNNRegressor(**SMALL))
    answers = pipe.fit(store, store.y).predict(store)
    np.testing.assert_array_equal(answers, pipe.fit(X, y).predict(X))
    monkeypatch.setattr(sequences, "SMALL", 0)
    found = SequenceScaler().fit(store)
    np.testing.assert_array_equal(found.mean_, expected.mean_)
    for method in (found.transform, found.inverse_transform):
        with pytest.raises(ValueError, match="standardize=True"):
            method(store)


@pytest.mark.parametrize("kind", ["label", "value", "tags"])
def test_what_is_wrong_with_a_store_is_said_as_in_memory(tmp_path, large, kind):
    X, y = data_of(kind, gaps=True)
    store = stored(tmp_path, X, y, feature_names=("p", "q"))
    where = r"contains NaN: sample 1, timestep 0, feature 1 \(column 'q'\)"
    with pytest.raises(ValueError, match=where):
        KINDS[kind](**SMALL).fit(store)
    fitted = KINDS[kind](**SMALL, missing="mask").fit(store)
    assert fitted.feature_names_in_.tolist() == ["p", "q"]
    narrow = SequenceStore.write(tmp_path / "n", [x[:, :1] for x in X])
    with pytest.raises(ValueError, match="expecting 2"):
        fitted.predict(narrow)
    with pytest.raises(ValueError, match="y is None"):
        KINDS[kind](**SMALL).fit(narrow)
    with pytest.raises(ValueError, match="0 sample"):
        fitted.predict(store[:0])
    assert pickle.loads(pickle.dumps(fitted)).score(store) == fitted.score(store)


def test_a_value_too_large_for_the_network_is_named(tmp_path, large):
    X = [np.ones((3, 2)), np.full((2, 2), 1e300)]
    store = SequenceStore.write(tmp_path / "s", zip(X, "ab", strict=True))
    with pytest.raises(ValueError, match=r"sample 1, timestep 0, feature 0 is 1e\+300"):
        RNNClassifier(**SMALL, standardize=False, dtype="float32").fit(store)


def test_a_two_d_store(tmp_path, large):
    X = np.random.default_rng(0).normal(size=(N, 4))
    y = np.arange(N) % 2
    store = stored(tmp_path, X, y)
    expected, found = RNNClassifier(**SMALL).fit(X, y), RNNClassifier(**SMALL).fit(store)
    assert bits(found) == bits(expected)
    assert found.n_features_in_ == 4
    for one, other in ((store, X), (X, store)):
        np.testing.assert_array_equal(found.predict_proba(one), expected.predict_proba(other))
    assert expected.hidden_states(store).shape == (N, 4, 3)


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_path_that_is_passed_as_X(tmp_path, as_path):
    store = SequenceStore.write(tmp_path / "s", [(np.ones((n, 2)), "ab"[n % 2]) for n in (3, 4)])
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    opened = RNNClassifier(**SMALL).fit(store)
    calls = [
        RNNClassifier().fit,
        RNNTagger().fit,
        RNNRegressor().fit,
        SequenceScaler().fit,
        opened.predict,
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"expected a 3-D .* pass elman.data.SequenceStore\("):
            call(as_path(tmp_path / "s"), *[["a", "b"]] * (call.__name__ == "fit"))
        with pytest.raises(TypeError, match=r"expected a 3-D .*elman.data.read\(path\)"):
            call(as_path(tmp_path / "x.csv"), *[["a", "b"]] * (call.__name__ == "fit"))
        with pytest.raises(TypeError, match=r"of one feature$|a single str|a list of"):
            call(as_path(tmp_path / "nothing"), *[["a", "b"]] * (call.__name__ == "fit"))


@pytest.mark.parametrize("kind", ["label", "value", "tags"])
def test_a_store_that_was_moved_after_it_was_opened(tmp_path, large, kind):
    store = stored(tmp_path, *data_of(kind))
    expected = KINDS[kind](**SMALL).fit(store)
    opened = SequenceStore(tmp_path / "s")
    moved = (tmp_path / "s").rename(tmp_path / "elsewhere")
    for call in (lambda: KINDS[kind](**SMALL).fit(opened), lambda: expected.predict(opened)):
        with pytest.raises(StoreError, match=r"not there any more.*open the store again where"):
            call()
    assert bits(KINDS[kind](**SMALL).fit(SequenceStore(moved))) == bits(expected)
