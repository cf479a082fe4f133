"""Checks of our own, in the spirit of scikit-learn's, which look at little but 2-D input."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from helpers.sequence_data import make_samples

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler

KINDS = ["equal", "ragged", "object"]
METHODS = {
    "classifier": [
        "predict",
        "predict_proba",
        "decision_function",
        "predict_proba_over_time",
        "hidden_states",
    ],
    "regressor": ["predict", "predict_over_time", "hidden_states"],
    "tagger": ["predict", "predict_proba", "hidden_states"],
}
ASKED = [(kind, method) for kind, methods in METHODS.items() for method in methods]


def quick(**parameters):
    return RNNClassifier(5, max_iter=2, random_state=0, **parameters)


class NumberOfLabel(RNNRegressor):
    """Predicts the number of a label, so that what holds of the classifier can be asked of it."""

    def _targets(self, y, data, known, **options):
        return super()._targets(np.unique(y, return_inverse=True)[1], data, known, **options)


class LabelOfEveryStep(RNNTagger):
    """Takes a sample's label for that of each of its steps."""

    def _targets(self, y, data, known, **options):
        y = [np.full(n, label) for n, label in zip(data.lengths, y, strict=True)]
        return super()._targets(y, data, known, **options)


MAKERS = {
    "classifier": quick,
    "regressor": lambda: NumberOfLabel(5, max_iter=2, random_state=0),
    "tagger": lambda: LabelOfEveryStep(5, max_iter=2, random_state=0),
    "scaler": SequenceScaler,
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def estimator(request):
    return request.param()


@pytest.fixture(params=METHODS)
def fitted(request, rng):
    return MAKERS[request.param]().fit(*make_samples(rng, 9, "ragged"))


def answer(estimator, X):
    if isinstance(estimator, SequenceScaler):
        return b"".join(np.ascontiguousarray(x).tobytes() for x in estimator.transform(X))
    if isinstance(estimator, RNNRegressor):
        return estimator.predict(X).tobytes()
    return b"".join(np.ascontiguousarray(p).tobytes() for p in estimator.predict_proba(X))


def values(X):
    return [np.array(x) for x in X]


# What must hold


@pytest.mark.parametrize("kind", KINDS)
def test_fit_is_idempotent_and_changes_nothing_it_was_given(kind, estimator, rng):
    X, y = make_samples(rng, 9, kind)
    weights = rng.random(9)
    before = copy.deepcopy((X, y, weights))
    parameters = estimator.get_params()
    assert estimator.fit(X, y, sample_weight=weights) is estimator
    first = answer(estimator, X)
    assert answer(estimator.fit(X, y, sample_weight=weights), X) == first
    for method in {method for _, method in ASKED} | {"transform"}:
        if hasattr(estimator, method):
            getattr(estimator, method)(X)
    assert estimator.get_params() == parameters
    for seen, kept in zip((X, y, weights), before, strict=True):
        assert all(map(np.array_equal, values(seen), values(kept)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answers", METHODS)
def test_answering_changes_no_attribute(kind, answers, rng):
    X, y = make_samples(rng, 9, kind)
    estimator = MAKERS[answers]().fit(X, y)
    before = copy.deepcopy(estimator.__dict__)
    for method in METHODS[answers]:
        getattr(estimator, method)(X)
    assert estimator.__dict__.keys() == before.keys()
    assert (
        estimator.network_.params.flat.tobytes() == before["model_"].network.params.flat.tobytes()
    )


def test_n_features_in(estimator, rng):
    y = [0, 1, 0]
    assert not hasattr(estimator, "n_features_in_")
    assert estimator.fit(rng.normal(size=(3, 5, 2)), y).n_features_in_ == 2
    assert estimator.fit([rng.normal(size=(n, 4)) for n in (3, 1, 2)], y).n_features_in_ == 4
    assert estimator.fit(rng.normal(size=(3, 5)), y).n_features_in_ == 5


def test_layouts_of_the_same_values_give_the_same_answer(estimator, rng):
    X, y = make_samples(rng, 9, "equal")
    as_object = np.empty(9, dtype=object)
    as_object[:] = list(X)
    same = [X, list(X), tuple(X), X.tolist(), as_object, np.asfortranarray(X)]
    answers = {answer(estimator.fit(Z, y), Z) for Z in same}
    assert len(answers) == 1
    estimator.fit(X, y)
    assert {answer(estimator, Z) for Z in same} == answers


def test_a_2d_X_is_one_feature_over_time(rng):
    X, y = rng.normal(size=(9, 5)), np.arange(9) % 2
    flat, cube = quick().fit(X, y), quick().fit(X[:, :, np.newaxis], y)
    assert flat.predict_proba(X).tobytes() == cube.predict_proba(X[:, :, np.newaxis]).tobytes()
    assert flat.weights_["recurrent0.W_x"].shape == (1, 5)


def unusual_memory(X, tmp_path):
    unaligned = np.zeros(X.nbytes + 1, dtype=np.uint8)[1:].view(X.dtype).reshape(X.shape)
    unaligned[...] = X
    np.save(tmp_path / "X.npy", X)
    locked = X.copy()
    locked.flags.writeable = False
    return {
        "unaligned": unaligned,
        "big-endian": X.astype(">f8"),
        "negative strides": X[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        "strided": np.repeat(np.repeat(X, 2, axis=0), 3, axis=2)[::2, :, ::3],
        "read-only memory map": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "read-only": locked,
        "masked without a masked value": np.ma.array(X),
        "long double": X.astype(np.longdouble),
        "objects": X.astype(object),
    }


def test_unusual_memory_gives_the_same_answer(estimator, rng, tmp_path):
    X, y = make_samples(rng, 9, "equal")
    expected = answer(estimator.fit(X, y), X)
    for name, Z in unusual_memory(X, tmp_path).items():
        assert answer(estimator, Z) == expected, name
        assert answer(estimator.fit(Z, y), X) == expected, name
        assert answer(estimator, list(Z)) == expected, name


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", "u8", "f2", "f4"])
def test_any_real_type(dtype, estimator, rng):
    X = rng.integers(0, 2, size=(9, 5, 2))
    y = np.arange(9) % 2
    estimator.fit(X.astype(np.float64), y)
    expected = np.frombuffer(answer(estimator, X.astype(np.float64)))
    Z = X.astype(dtype)
    ways = ("transform", "predict_proba", "predict")
    out = getattr(estimator, next(way for way in ways if hasattr(estimator, way)))(Z)
    np.testing.assert_allclose(np.ravel(out), expected, rtol=1e-6)
    estimator.fit(Z, y)


def test_one_class(rng):
    X, _ = make_samples(rng, 5, "ragged")
    clf = quick().fit(X, ["only"] * 5)
    assert clf.predict(X).tolist() == ["only"] * 5
    assert clf.predict_proba(X).tolist() == [[1.0]] * 5
    assert clf.loss_curve_ == [0.0, 0.0]


def test_one_sample(estimator, rng):
    for X in (rng.normal(size=(1, 5, 2)), [rng.normal(size=(1, 2))], rng.normal(size=(1, 5))):
        answer(estimator.fit(X, ["a"]), X)


def test_more_units_than_samples_and_batches_than_either(rng):
    X, y = make_samples(rng, 3, "ragged")
    clf = RNNClassifier(40, batch_size=1000, max_iter=2, random_state=0).fit(X, [0, 1, 2])
    assert clf.predict_proba(X).shape == (3, 3)
    assert RNNClassifier(3, batch_size=1, max_iter=2).fit(X, [0, 1, 2]).n_iter_ == 2
    assert y.shape == (3,)


def test_an_empty_sequence_is_read_as_the_initial_state(rng):
    X, y = make_samples(rng, 9, "ragged")
    empty = np.empty((0, 2))
    clf = quick().fit([*X, empty], [*y, "up"])
    p = clf.predict_proba([X[0], empty, empty])
    assert p[1].tobytes() == p[2].tobytes()
    z = np.exp(clf.weights_["head.b"])  # h_0 = 0
    np.testing.assert_allclose(p[1], z / z.sum(), rtol=1e-12)
    assert clf.predict_proba_over_time([empty])[0].shape == (0, 2)
    assert clf.hidden_states([X[0], empty])[1].shape == (0, 5)


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_empty_sequence_in_a_stack(readout, residual, bidirectional, rng):
    """Its features are the hidden halves of the initial states: of both directions, summed up."""
    X, y = make_samples(rng, 9, "ragged")
    stack = {"n_layers": 3, "residual": residual, "bidirectional": bidirectional}
    clf = quick(readout=readout, cell="lstm", learn_initial_state=True, **stack).fit(X, y)
    w, features = clf.weights_, np.zeros(10 if bidirectional else 5)
    for layer in range(3):
        names = [f"recurrent{layer}", f"recurrent{layer}.reverse"][: 1 + bidirectional]
        initial = np.concatenate([w[f"{name}.initial"][:5] for name in names])
        assert initial.any()
        features = initial + (features if residual else 0)
    logits = features @ w["head.W"] + w["head.b"]
    p = clf.predict_proba([np.empty((0, 2)), X[0]])[0]
    np.testing.assert_allclose(p[1] / p[0], np.exp(logits[1] - logits[0]), rtol=1e-9)


def test_no_sample_to_predict_is_an_error_not_a_crash(fitted):
    with pytest.raises(ValueError, match=r"X has 0 sample\(s\)"):
        fitted.predict([])


# What must be refused, and how


def wrong(rng):
    """X, and what the error must say: the argument, the place, the fix."""
    good = [rng.normal(size=(n, 2)) for n in (3, 1, 4)]
    cube = rng.normal(size=(3, 5, 2))

    def spoiled(value):
        X = copy.deepcopy(good)
        X[2][3, 1] = value
        return X

    def masked():
        X = np.ma.array(cube)
        X[1, 2, 0] = np.ma.masked
        return X

    return {
        "nothing": (None, r"X is None.*3-D array"),
        "text": ("abc", r"X is 'abc'"),
        "a number": (3.0, r"X is 0-D.*3-D array"),
        "1-D": (np.arange(3.0), r"X is 1-D.*Reshape"),
        "4-D": (np.zeros((3, 5, 2, 2)), r"X is 4-D.*Reshape"),
        "no samples": (np.empty((0, 5, 2)), r"X has 0 sample\(s\).*minimum of 1"),
        "an empty list": ([], r"X has 0 sample\(s\).*minimum of 1"),
        "no features": (np.empty((3, 5, 0)), r"X has 0 feature\(s\)"),
        "no time steps": (np.empty((3, 0, 2)), r"X .*0 timestep"),
        "only empty sequences": ([np.empty((0, 2))] * 3, r"X .*0 timestep"),
        "NaN": (spoiled(np.nan), r"X contains NaN: sample 2, timestep 3, feature 1.*fill"),
        "infinity": (spoiled(-np.inf), r"X contains infinity: sample 2, timestep 3, feature 1"),
        "masked": (masked(), r"X is a masked array.*\(1, 2, 0\).*missing='mask'.*filled"),
        "other features": ([*good[:2], np.zeros((4, 3))], r"X: sample 2.*3 features.*sample 0.* 2"),
        "complex": (cube + 1j, r"Complex data not supported: X"),
        "strings": (cube.astype(str), r"X has dtype <U.*number|numbers as text|on numbers"),
        "strings among objects": ([*good[:2], [["a", "b"]]], r"X: sample 2.*number"),
        "a sample of 1-D": ([*good[:2], np.zeros(2)], r"X: sample 2 is 1-D.*reshape"),
        "a dict": ({"a": 1}, r"X is .*dict"),
        "an iterator": (iter(good), r"X is an iterator: pass list\(X\)"),
    }


@pytest.mark.parametrize("case", wrong(np.random.default_rng(0)))
def test_wrong_X_says_where_and_how_to_mend_it(case, estimator, rng):
    X, message = wrong(rng)[case]
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X, [0, 1, 0])
    assert not hasattr(estimator, "n_features_in_")


@pytest.mark.parametrize("case", ["NaN", "infinity", "masked", "strings", "1-D"])
@pytest.mark.parametrize(("fitted", "method"), ASKED, indirect=["fitted"])
def test_wrong_X_is_refused_when_asked_too(case, method, fitted, rng):
    X, message = wrong(rng)[case]
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(fitted, method)(X)


def test_wrong_number_of_features(estimator, rng):
    estimator.fit(rng.normal(size=(3, 5, 2)), [0, 1, 0])
    ask = estimator.transform if hasattr(estimator, "transform") else estimator.predict
    name = type(estimator).__name__
    for X in (rng.normal(size=(3, 5, 4)), [rng.normal(size=(n, 4)) for n in (3, 1)]):
        with pytest.raises(ValueError, match=f"X has 4 features, but {name} is expecting 2"):
            ask(X)
    with pytest.raises(ValueError, match=r"2-D.*np\.newaxis"):
        ask(rng.normal(size=(5, 2)))


def test_sample_feature_time_is_recognised(fitted, rng):
    for X in (rng.normal(size=(3, 2, 9)), [rng.normal(size=(2, n)) for n in (9, 4)]):
        with pytest.raises(ValueError, match=r"sample, feature, time.*from_channels_first"):
            fitted.predict(X)
    with pytest.raises(ValueError, match=r"sample, feature, time.*from_channels_first"):
        quick().fit([rng.normal(size=(2, n)) for n in (9, 4, 5)], [0, 1, 0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], r"y has 2 label\(s\), but X has 3 sample\(s\)"),
        ([0, 1, 2, 3], r"y has 4 label\(s\), but X has 3 sample\(s\)"),
        (None, "requires y to be passed"),
        ([0.5, 1.25, 3.1], "continuous.*RNNRegressor"),
        ([0.0, np.nan, 1.0], r"y contains NaN.*\n.*y\[1\]"),
        (np.array([0.0, 1.0, np.nan], dtype=object), r"y contains NaN|Input contains NaN"),
        ([["a"], ["a", "b"], []], "RNNTagger.*indicator matrix.*MultiLabelBinarizer"),
        (np.eye(3) + 1, "1d array.*RNNTagger"),
        (5, "1d array|singleton|scalar"),
    ],
)
def test_wrong_y(y, message, rng):
    X = rng.normal(size=(3, 5, 2))
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)
    with pytest.raises(ValueError, match=message):
        quick().partial_fit(X, y, classes=[0, 1, 2, 3])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"sample_weight has shape \(2,\); expected \(3,\)"),
        (np.ones((3, 1)), r"sample_weight has (shape \(3, 1\)|1 columns)"),
        ([1, -1, 1], r"sample_weight\[1\] is -1.0"),
        ([1, 1, np.nan], r"sample_weight\[2\] is nan"),
        ([0, 0, 0], "sample_weight is zero for every sample.*no class and no number"),
        (["a", "b", "c"], "sample_weight cannot be read as numbers"),
    ],
)
def test_wrong_sample_weight(weights, message, estimator, rng):
    X = rng.normal(size=(3, 5, 2))
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X, [0, 1, 0], sample_weight=weights)


def test_wrong_validation_data(rng):
    X, y = make_samples(rng, 9, "ragged")
    cases = [
        ({"X_val": X}, "X_val was given without y_val"),
        ({"y_val": y}, "y_val was given without X_val"),
        ({"X_val": X, "y_val": y[:3]}, r"y_val has 3 label\(s\), but X_val has 9"),
        ({"X_val": X, "y_val": ["odd"] * 9}, r"y_val\[0\] is .*'odd'.*\['down', 'up'\]"),
        ({"X_val": [np.zeros((4, 3))], "y_val": y[:1]}, "X_val has 3 features"),
        ({"X_val": [np.full((4, 2), np.nan)], "y_val": y[:1]}, "X_val contains NaN: sample 0"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            quick().fit(X, y, **arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", 2.5),
        ("hidden_size", True),
        ("cell", "mgu"),
        ("activation", "sigmoid"),
        ("readout", "first"),
        ("recurrent_init", "zeros"),
        ("solver", "lbfgs"),
        ("alpha", -1),
        ("alpha", "0"),
        ("batch_size", 0),
        ("batch_size", None),
        ("learning_rate", "adaptive"),
        ("learning_rate_init", 0),
        ("learning_rate_init", np.nan),
        ("learning_rate_init", np.inf),
        ("momentum", 1),
        ("nesterovs_momentum", 1),
        ("class_weight", "even"),
        ("class_weight", [1, 2]),
        ("label_smoothing", 1.0),
        ("label_smoothing", "little"),
        ("max_iter", 0),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("validation_fraction", 0.0),
        ("n_iter_no_change", 0),
        ("tol", -1e-9),
        ("max_grad_norm", 0),
        ("standardize", None),
        ("dtype", "float16"),
        ("dtype", "int"),
        ("dtype", None),
        ("dtype", object()),
        ("random_state", -1),
        ("random_state", "seed"),
        ("verbose", -1),
        ("n_jobs", 0),
        ("n_jobs", 1.5),
        ("backend", "cuda"),
        ("on_epoch", "print"),
    ],
)
def test_wrong_parameters_are_named_at_fit(name, value, rng):
    clf = RNNClassifier(**{name: value})  # storing is not judging
    assert clf.get_params()[name] is value
    X, y = make_samples(rng, 3, "equal")
    for fit in (clf.fit, lambda X, y: clf.partial_fit(X, y, classes=["down", "up"])):
        with pytest.raises((TypeError, ValueError), match=f"^{name}=") as caught:
            fit(X, y)
        assert repr(value) in str(caught.value)


def test_numpy_scalars_are_as_good_as_numbers(rng):
    X, y = make_samples(rng, 9, "equal")
    clf = RNNClassifier(
        np.int64(3),
        max_iter=np.int32(2),
        alpha=np.float32(0.5),
        early_stopping=np.bool_(True),
        n_jobs=np.int64(1),
        random_state=np.int64(4),
        verbose=False,
        max_grad_norm=None,
    )
    assert clf.fit(X, y).n_iter_ <= 2
