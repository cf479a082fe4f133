"""scikit-learn's tools around the classifier, for sequences of equal and of unequal lengths."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler


@pytest.fixture(params=["equal", "ragged", "object"])
def samples(request, rng):
    return make_samples(rng, 60, request.param)


@pytest.fixture
def classifier():
    return RNNClassifier(9, max_iter=30, learning_rate_init=0.02, random_state=0)


def rows(X, indices):
    return [X[i] for i in indices] if isinstance(X, list) else X[indices]


def test_clone(classifier, samples):
    X, y = samples
    again = clone(classifier.fit(X, y))
    assert again.get_params() == classifier.get_params()
    assert not hasattr(again, "network_")
    np.testing.assert_array_equal(again.fit(X, y).predict_proba(X), classifier.predict_proba(X))


def test_pipeline_with_the_scaler(classifier, samples):
    X, y = samples
    pipeline = make_pipeline(SequenceScaler(), classifier.set_params(standardize=False)).fit(X, y)
    inside = clone(classifier).set_params(standardize=True).fit(X, y)
    assert pipeline.score(X, y) > 0.9
    np.testing.assert_array_equal(pipeline.predict_proba(X), inside.predict_proba(X))


def test_cross_val_score(classifier, samples):
    scores = cross_val_score(classifier, *samples, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.7


def test_cross_val_predict(classifier, samples):
    X, y = samples
    p = cross_val_predict(classifier, X, y, cv=3, method="predict_proba")
    assert p.shape == (60, 2)
    assert np.mean(np.array(["down", "up"])[p.argmax(axis=1)] == y) > 0.7


def test_grid_search_in_two_processes(classifier, samples):
    X, y = samples
    grid = {"hidden_size": [1, 9], "readout": ["last", "mean"]}
    search = GridSearchCV(classifier, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    alone = GridSearchCV(classifier, grid, cv=2, n_jobs=1, error_score="raise").fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))
    assert search.score(X, y) > 0.8


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_grid_search(classifier, samples, resource):
    X, y = samples
    options = {} if resource == "n_samples" else {"max_resources": 30, "min_resources": 10}
    search = HalvingGridSearchCV(
        classifier,
        {"hidden_size": [1, 5, 9]},
        cv=2,
        resource=resource,
        random_state=0,
        error_score="raise",
        **options,
    ).fit(X, y)
    assert search.n_iterations_ > 1
    assert search.predict(X).shape == (60,)


def test_train_test_split(classifier, samples):
    X, y = samples
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    assert classifier.fit(X_train, y_train).score(X_test, y_test) > 0.7


@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated_classifier(classifier, samples, ensemble):
    X, y = samples
    calibrated = CalibratedClassifierCV(classifier, cv=2, ensemble=ensemble).fit(X, y)
    p = calibrated.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert calibrated.score(X, y) > 0.7


def test_soft_voting(classifier, samples):
    X, y = samples
    others = [("a", classifier), ("b", clone(classifier).set_params(random_state=1))]
    voting = VotingClassifier(others, voting="soft").fit(X, y)
    expected = np.mean([e.predict_proba(X) for e in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict_proba(X), expected, rtol=1e-12)
    assert voting.score(X, y) > 0.8


def test_stacking(classifier, samples):
    X, y = samples
    assert StackingClassifier([("rnn", classifier)], cv=2).fit(X, y).score(X, y) > 0.7


@pytest.mark.parametrize("incremental", [False, True])
def test_learning_curve(classifier, samples, incremental):
    X, y = samples
    sizes, train, test = learning_curve(
        classifier,
        X,
        y,
        cv=2,
        train_sizes=[0.5, 1.0],
        exploit_incremental_learning=incremental,
        error_score="raise",
    )
    assert sizes.tolist() == [15, 30]
    assert train.shape == test.shape == (2, 2)


@pytest.mark.parametrize("protocol", ["pickle", "joblib", "joblib memory map"])
def test_pickle_and_joblib(classifier, samples, protocol, tmp_path):
    X, y = samples
    classifier.fit(X, y)
    if protocol == "pickle":
        again = pickle.loads(pickle.dumps(classifier))
    else:
        joblib.dump(classifier, tmp_path / "model")
        again = joblib.load(tmp_path / "model", mmap_mode="r" if "map" in protocol else None)
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert again.history_ == classifier.history_
    for estimator in (again, classifier):  # the weights still are views of the vector trained
        estimator.partial_fit(X, y)
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_sample_weight_is_routed(classifier, samples):
    import sklearn

    X, y = samples
    weights = np.where(y == "up", 1.0, 0.0)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = classifier.set_fit_request(sample_weight=True).set_score_request(
            sample_weight=False
        )
        search = GridSearchCV(routed, {"hidden_size": [3]}, cv=2, error_score="raise")
        search.fit(X, y, sample_weight=weights)
        assert set(search.predict(X)) == {"up"}
        scaler = SequenceScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, routed).fit(X, y, sample_weight=weights)
    direct = clone(classifier).fit(scaler.fit_transform(X), y, sample_weight=weights)
    np.testing.assert_array_equal(
        pipeline.predict_proba(X), direct.predict_proba(scaler.transform(X))
    )


# Every kind of answer

QUICK = {"hidden_size": 5, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}


def _steps(X):
    return [(np.cumsum(x[:, 0]) > 0).astype(int) for x in X]


def _padded(X):
    y = np.full((len(X), max(map(len, X))), -1)
    for row, labels in zip(y, _steps(X), strict=True):
        row[: len(labels)] = labels
    return y


def _padded_values(X):
    y = np.full((len(X), max(map(len, X)), 2), np.nan)
    for values, x in zip(y, X, strict=True):
        values[: len(x)] = x.cumsum(axis=0)
        values[::3, 1] = np.nan  # not known
    return y


KINDS = {
    "label": (RNNClassifier, lambda X: np.array(["down", "up"])[[int(x[-1, 0] > 0) for x in X]]),
    "labels": (RNNClassifier, lambda X: np.array([x[-1] > 0 for x in X])),
    "steps": (RNNTagger, _steps),
    "padded": (RNNTagger, _padded),
    "value": (RNNRegressor, lambda X: np.array([x[-1, 0] for x in X])),
    "values": (RNNRegressor, lambda X: np.array([x[-1] for x in X])),
    "step values": (RNNRegressor, lambda X: [np.cumsum(x[:, 0]) for x in X]),
    "padded values": (RNNRegressor, _padded_values),
}


@pytest.fixture(params=KINDS)
def asked(request, samples):
    """An estimator, X and y of a kind of answer."""
    estimator, target = KINDS[request.param]
    return estimator(**QUICK), samples[0], target(samples[0])


def bits(answers):
    return b"".join(np.ascontiguousarray(answer).tobytes() for answer in answers)


def test_every_kind_through_a_search_of_pipelines(asked):
    estimator, X, y = asked
    name = type(estimator).__name__.lower()
    grid = {f"{name}__hidden_size": [5], f"{name}__cell": ["elman", "gru"]}
    pipeline = make_pipeline(SequenceScaler(), clone(estimator).set_params(standardize=False))
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    cell = search.best_params_[f"{name}__cell"]
    alone = clone(estimator).set_params(cell=cell).fit(X, y)
    assert bits(search.predict(X)) == bits(alone.predict(X))
    assert search.score(X, y) == alone.score(X, y)
    scores = cross_val_score(alone, X, y, cv=2, error_score="raise")
    np.testing.assert_allclose(scores.mean(), search.best_score_)
    assert "hidden_size" in search._repr_html_()


def test_every_kind_takes_weights_in_fit_partial_fit_and_score(asked, rng):
    estimator, X, y = asked
    weights = rng.integers(0, 2, size=60).astype(float)
    kept = np.flatnonzero(weights)
    X_kept, y_kept = rows(X, kept), rows(y, kept)
    classes = {} if isinstance(estimator, RNNRegressor) else {"classes": None}
    if type(estimator).__name__ == "RNNTagger":
        classes = {"classes": [0, 1]}
    elif isinstance(estimator, RNNClassifier) and np.ndim(y) == 1:
        classes = {"classes": ["down", "up"]}
    for method, options in (("fit", {}), ("partial_fit", classes)):
        one, other = clone(estimator), clone(estimator)
        getattr(one, method)(X, y, sample_weight=weights, **options)
        getattr(other, method)(X_kept, y_kept, **options)
        # all weights of the kept samples are equal, so that only their number counts
        for a, b in zip(one.predict(X), other.predict(X), strict=True):
            np.testing.assert_allclose(*_as_numbers(a, b), rtol=1e-9)
    np.testing.assert_allclose(
        one.score(X, y, sample_weight=weights), one.score(X_kept, y_kept), rtol=1e-12
    )
    assert one.score(X, y) != one.score(X, y, sample_weight=np.arange(60))


def _as_numbers(*answers):
    return [np.unique(a, return_inverse=True)[1] if a.dtype.kind == "U" else a for a in answers]


def test_every_kind_is_routed_its_weights(asked):
    import sklearn

    estimator, X, y = asked
    weights = np.linspace(0.5, 2, 60)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = estimator.set_fit_request(sample_weight=True)
        routed.set_score_request(sample_weight=True)
        scores = cross_val_score(
            routed, X, y, cv=2, params={"sample_weight": weights}, error_score="raise"
        )
    assert np.isfinite(scores).all()


def test_every_kind_is_trained_bit_by_bit(asked):
    estimator, X, y = asked
    if isinstance(estimator, RNNTagger):
        pytest.skip("to scikit-learn it is no classifier, so that it would not pass the classes")
    options = {"cv": 2, "train_sizes": [0.5, 1.0], "exploit_incremental_learning": True}
    _, train, test = learning_curve(estimator, X, y, error_score="raise", **options)
    assert np.isfinite([train, test]).all()


def test_labels_of_steps_are_predicted_by_cross_validation(samples):
    X, _ = samples
    if isinstance(X, list):
        pytest.skip("scikit-learn cannot join lists of sequences")
    y = _steps(X)
    answers = cross_val_predict(RNNTagger(**QUICK), X, _padded(X), cv=2)
    assert [len(a) for a in answers] == [len(row) for row in y]
    assert type(answers) is np.ndarray
    assert np.concatenate(answers).dtype == int
