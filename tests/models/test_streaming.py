"""Streams: after every step the bits of a whole sequence, one stream or many, here or elsewhere."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.problems import KINDS, cell_of, draw_weights
from helpers.sequence_data import draw_network
from hypothesis import given, settings
from hypothesis import strategies as st

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.backends import available_backends
from elman.data.scaling import Standardisation
from elman.models.classifier import TrainedClassifier
from elman.models.files import load
from elman.models.regressor import TrainedRegressor
from elman.models.stepping import ComposedNetwork, make_stepped
from elman.models.streaming import plan_of
from elman.models.tagger import TrainedTagger
from elman.nn.losses import sigmoid, softmax

HERE = list(available_backends())
CHOICES = {
    "kind": KINDS,
    "sizes": [(7,), (1,), (33,), (5, 5, 5), (4, 7)],
    "readout": ["last", "mean", "max", "attention", ("max", "last"), ("attention", "max", "mean")],
    "residual": [False, True],
    "learn_initial_state": [False, True],
    "missing": ["error", "mask", "skip"],
    "scaled": [False, True],
    "dtype": ["float32", "float64"],
    "answers": ["classes", "labels", "values", "tags", "step values"],
}


def make_model(rng, *, kind="tanh", sizes=(7,), readout="last", residual=False, missing="error",
               learn_initial_state=False, scaled=True, dtype="float32", answers="classes",
               n_outputs=3, backend=None, n_features=2, bidirectional=False):  # fmt: skip
    """A model of random weights, as estimators make one."""
    network = draw_network(
        n_features * (1 + (missing == "mask")),
        sizes,
        n_outputs,
        cell=cell_of(kind),
        readout="every" if answers in ("tags", "step values") else readout,
        rng=rng,
        dtype=dtype,
        residual=residual and len(set(sizes)) == 1,
        learn_initial_state=learn_initial_state,
        bidirectional=bidirectional,
    )
    network.params.flat[...] = rng.normal(scale=0.6, size=network.params.flat.size)
    scale = Standardisation(rng.normal(size=n_features), rng.uniform(0.5, 2, n_features))
    common = {
        "network": network,
        "n_features_in": n_features,
        "two_d": False,
        "standardisation": scale if scaled else None,
        "backend": backend,
        "missing": missing,
    }
    if answers.endswith("values"):
        target = Standardisation(rng.normal(size=n_outputs), rng.uniform(0.5, 2, n_outputs))
        meaning = {"target_scale": target, "one_target": n_outputs == 1}
        return TrainedRegressor(**common, **meaning, per_step=answers == "step values")
    labels = np.array(["do", "mi", "sol"])[:n_outputs]
    if answers == "tags":
        return TrainedTagger(**common, classes=labels)
    return TrainedClassifier(**common, classes=labels, multilabel=answers == "labels")


def prefixes_answered(trained, x):
    """What whole sequences give: (n_steps, n_outputs) and a label or value for every prefix."""
    data = trained.check([x])
    if isinstance(trained, TrainedTagger):
        return trained.predict_proba(data)[0], trained.predict(data)[0]
    prefixes = trained.check([x[: t + 1] for t in range(len(x))])
    if isinstance(trained, TrainedRegressor) and trained.per_step:
        return trained.predict(data)[0], trained.predict_over_time(data)[0]
    if isinstance(trained, TrainedRegressor):
        return trained.predict(prefixes), trained.predict(prefixes)
    over_time = trained.predict_proba_over_time(data)[0]
    return over_time, trained.predict(prefixes)


def assert_same_bits(one, other):
    one, other = np.asarray(one), np.asarray(other)
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    np.testing.assert_array_equal(one, other)
    assert one.tobytes() == other.tobytes()


@st.composite
def problems(draw):
    """A configuration, the values of a sequence, and a seed of the weights."""
    chosen = {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()}
    return chosen, draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 9))


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=60, deadline=None)
@given(problems())
def test_a_stream_is_the_whole_sequence(name, problem):
    chosen, seed, n_steps = problem
    rng = np.random.default_rng(seed)
    trained = make_model(rng, **chosen, backend=name)
    x = rng.normal(size=(n_steps, 2)).astype(rng.choice(["float32", "float64"]))
    if chosen["missing"] != "error":
        x[rng.random(x.shape) < 0.2] = np.nan
    answers, labels = prefixes_answered(trained, x)
    stream = trained.stream()
    for t in range(n_steps):
        assert_same_bits(stream.step(x[t]), answers[t])
        assert_same_bits(stream.answer(), answers[t])
        assert_same_bits(stream.predict(), labels[t])


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=40, deadline=None)
@given(problems())
def test_streams_side_by_side_do_not_know_each_other(name, problem):
    chosen, seed, n_steps = problem
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    trained = make_model(rng, **chosen, backend=name)
    X = rng.normal(size=(n_steps, n, 2))
    if chosen["missing"] != "error":
        X[rng.random(X.shape) < 0.2] = np.nan
    together, alone = trained.stream(n), [trained.stream() for _ in range(n)]
    for x in X:
        for i in np.flatnonzero(rng.random(n) < 0.3).tolist():
            together.reset(i)
            alone[i].reset()
        answers = together.step(x)
        assert answers.shape == (n, 3)
        for i, stream in enumerate(alone):
            assert_same_bits(answers[i], stream.step(x[i]))
        labels = together.predict()
        assert all(np.array_equal(labels[i], s.predict()) for i, s in enumerate(alone))
        assert together.n_steps.tolist() == [s.n_steps for s in alone]


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_chunks_are_the_whole(name, data):
    """Every chunking: the final state of one forward pass is the initial state of the next."""
    backend = make_backend(name)
    kind = data.draw(st.sampled_from(KINDS))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    lengths = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    cell, dtype = cell_of(kind), data.draw(st.sampled_from(["float32", "float64"]))
    weights = draw_weights(rng, cell, 2, 7, dtype)
    X = rng.standard_normal((3, sum(lengths), 2)).astype(dtype)
    initial = rng.standard_normal((3, cell.state_size(7))).astype(dtype)
    whole = backend.forward(cell, X, None, initial, weights)
    state, start = initial, 0
    for length in lengths:
        chunk = np.ascontiguousarray(X[:, start : start + length])
        part = backend.forward(cell, chunk, None, state, weights)
        assert_same_bits(part.H, whole.H[:, start : start + length])
        state, start = part.final, start + length
    assert_same_bits(state, whole.final)


@pytest.mark.parametrize("scale", [1, 40, 1e4, 1e30])
@pytest.mark.parametrize("kind", ["tanh", "relu"])
def test_attention_whatever_its_scores(rng, scale, kind):
    trained = make_model(rng, kind=kind, readout="attention", sizes=(5,))
    trained.network.params["attention.query"][...] *= scale
    x = rng.normal(size=(40, 2))
    over_time = trained.predict_proba_over_time(trained.check([x]))[0]
    assert_same_bits(trained.predict_proba(trained.check([x]))[0], over_time[-1])
    stream = trained.stream()
    for t, answer in enumerate(over_time):
        assert_same_bits(stream.step(x[t]), answer)
    assert np.isfinite(over_time).all()


@pytest.mark.parametrize("name", HERE)
def test_before_the_first_step_it_answers_from_the_initial_state(rng, name):
    for readout in CHOICES["readout"]:
        for sizes in ((7,), (5, 5)):
            trained = make_model(
                rng, readout=readout, sizes=sizes, residual=True, learn_initial_state=True,
                kind="lstm", backend=name
            )  # fmt: skip
            empty = trained.check([np.empty((0, 2))])
            stream = trained.stream()
            for _ in range(2):
                assert_same_bits(stream.answer(), trained.predict_proba(empty)[0])
                assert stream.predict() == trained.predict(empty)[0]
                assert stream.n_steps == 0
                stream.step([1, 2])
                stream.reset()


@pytest.mark.parametrize("name", HERE)
def test_memory_is_that_of_a_state(rng, name):
    stream = make_model(rng, readout="attention", backend=name).stream()
    before = sum(array.nbytes for array in stream.state.values())
    for _ in range(50):
        stream.step(rng.normal(size=2))
    assert sum(array.nbytes for array in stream.state.values()) == before < 200


# State


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("readout", CHOICES["readout"])
def test_a_state_goes_on_with_the_same_bits(rng, name, readout, tmp_path):
    trained = make_model(rng, readout=readout, kind="lstm", sizes=(4, 7), backend=name)
    X = rng.normal(size=(9, 3, 2))
    stream = trained.stream(3)
    for x in X[:4]:
        stream.step(x)
    saved = stream.state
    np.savez(tmp_path / "state.npz", **saved)
    others = [copy.copy(stream), copy.deepcopy(stream), pickle.loads(pickle.dumps(stream))]
    restored, from_file = trained.stream(3), trained.stream(3)
    restored.state = saved
    with np.load(tmp_path / "state.npz") as file:
        from_file.state = dict(file)
    others += [restored, from_file]
    expected = [stream.step(x) for x in X[4:]]
    for other in others:
        for x, answer in zip(X[4:], expected, strict=True):
            assert_same_bits(other.step(x), answer)
        assert other.n_steps.tolist() == [9, 9, 9]
    stream.state = saved
    assert_same_bits(stream.step(X[4]), expected[0])
    stream.reset()
    assert_same_bits(stream.step(X[0]), trained.stream(3).step(X[0]))


def test_a_state_goes_on_in_another_process(rng, tmp_path):
    X = rng.normal(size=(12, 9, 2))
    clf = RNNClassifier(hidden_size=7, readout="attention", max_iter=1, random_state=0)
    clf.fit(X, np.resize(["a", "b"], 12)).save(tmp_path / "model.safetensors")
    stream = clf.stream()
    for x in X[0, :4]:
        stream.step(x)
    (tmp_path / "stream.pickle").write_bytes(pickle.dumps(stream))
    np.savez(tmp_path / "state.npz", **stream.state)
    np.save(tmp_path / "x.npy", X[0, 4:])
    program = (
        "import pickle, sys, numpy as np\n"
        "from elman.models.files import load\n"
        "stream = pickle.load(open('stream.pickle', 'rb'))\n"
        "other = load('model.safetensors').model.stream()\n"
        "other.state = dict(np.load('state.npz'))\n"
        "X = np.load('x.npy')\n"
        "np.save('answers.npy', [[s.step(x) for x in X] for s in (stream, other)])\n"
        "assert 'sklearn' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=120)
    expected = [stream.step(x) for x in X[0, 4:]]
    for answers in np.load(tmp_path / "answers.npy"):
        assert_same_bits(answers, expected)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(rng):
    stream = make_model(rng, readout="mean").stream(3)
    stream.step(np.ones((3, 2)))
    before = stream.state
    other = make_model(rng, readout="max").stream(3).state
    with pytest.raises(ValueError, match=r"'readout\.sum'.*got.*'readout\.largest'"):
        stream.state = other
    for name, bad in {
        "recurrent0": np.zeros((2, 7)),
        "readout.sum": np.zeros((3, 7), complex),
        "n_steps": np.array([1, 2, -3]),
    }.items():
        with pytest.raises(ValueError, match="n_steps" if name == "n_steps" else "recurrent0|sum"):
            stream.state = before | {name: bad}
    for name, array in stream.state.items():
        assert_same_bits(array, before[name])


def test_reset_takes_what_an_index_may_be(rng):
    trained = make_model(rng, learn_initial_state=True)
    for which, left in [
        (1, [0, 2, 3, 4]),
        ([], [0, 1, 2, 3, 4]),
        ([0, 3], [1, 2, 4]),
        (slice(2, None), [0, 1]),
        ([True, False, False, False, True], [1, 2, 3]),
        (np.array([4]), [0, 1, 2, 3]),
        (None, []),
    ]:
        stream = trained.stream(5)
        stream.step(rng.normal(size=(5, 2)))
        assert stream.reset(which) is stream
        assert np.flatnonzero(stream.n_steps).tolist() == left
    with pytest.raises(IndexError):
        trained.stream(5).reset(7)


# What comes in


def test_a_step_may_be_anything_that_is_one(rng):
    trained = make_model(rng)
    expected = trained.stream().step(np.array([1.5, -2.0]))
    wide = np.array([1.5, 9, -2.0])
    for x in ([1.5, -2], (1.5, -2.0), wide[::2], np.array([1.5, -2], np.float32),
              np.array([1.5, -2], np.float16), np.array([1.5, -2], ">f8"),
              np.array([1.5, -2], object)):  # fmt: skip
        assert_same_bits(trained.stream().step(x), expected)
    one = make_model(rng, n_features=1)
    expected = one.stream().step(np.array([3.0]))
    assert_same_bits(one.stream().step(3), expected)
    assert_same_bits(one.stream(2).step([3, 4])[0], expected)


BAD = {
    "too few": ([1.0], r"x_t has shape \(1,\), expected \(2,\).*2 feature"),
    "an axis too many": ([[1.0, 2.0]], r"shape \(1, 2\), expected \(2,\)"),
    "a number": (3.0, r"shape \(\), expected \(2,\)"),
    "text": ("12", r"x_t is '12', a str; expected an array of shape \(2,\): the values of one"),
    "None": (None, "x_t is None, a NoneType; expected an array"),
    "strings": (["a", "b"], "x_t has dtype"),
    "complex": (np.array([1j, 2]), "Complex"),
    "ragged": ([1, [2, 3]], "x_t cannot be read"),
    "masked": (np.ma.masked_array([1.0, 2.0], [True, False]), "masked"),
    "NaN": ([1.0, np.nan], "x_t contains NaN: feature 1, time step 1. RNNClassifier accepts"),
    "infinity": ([-np.inf, 1.0], "x_t contains infinity: feature 0, time step 1 is -inf"),
    "too large": ([1.0, 1e300], "too large for float32.*feature 1, time step 1 is 1e"),
}


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("case", BAD)
def test_a_step_that_cannot_be_used_changes_nothing(rng, name, case):
    x, message = BAD[case]
    stream = make_model(rng, readout="mean", backend=name).stream()
    answer = stream.step([1.0, 2.0])
    before = stream.state
    with pytest.raises((TypeError, ValueError), match=message):
        stream.step(x)
    for key, array in stream.state.items():
        assert_same_bits(array, before[key])
    assert_same_bits(stream.answer(), answer)


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
def test_of_many_streams_the_error_names_which(rng, missing):
    stream = make_model(rng, missing=missing).stream(3)
    x = np.ones((3, 2))
    x[2, 1] = np.inf
    with pytest.raises(ValueError, match="infinity: stream 2, feature 1, time step 0 is inf"):
        stream.step(x)
    with pytest.raises(ValueError, match=r"shape \(2,\), expected \(3, 2\).*2 feature.*3 streams"):
        stream.step(x[0])
    assert not stream.n_steps.any()


def test_what_a_skipped_step_holds_need_not_fit(rng):
    stream = make_model(rng, missing="skip").stream()
    first = stream.answer()
    assert_same_bits(stream.step([np.nan, 1e300]), first)
    assert_same_bits(stream.step([np.nan, 1]), first)
    assert stream.n_steps == 0
    with pytest.raises(ValueError, match="infinity"):
        stream.step([np.nan, np.inf])


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_the_number_of_streams(rng, n):
    with pytest.raises(ValueError, match=r"n=.* must be a whole number"):
        make_model(rng).stream(n)


@pytest.mark.parametrize("answers", ["classes", "tags"])
def test_both_directions_are_refused_with_the_reason(rng, answers):
    with pytest.raises(ValueError, match="bidirectional=True reads a sequence from its end"):
        make_model(rng, bidirectional=True, answers=answers).stream()


# From the estimators


def test_the_estimators_have_streams(rng, tmp_path):
    X, y = rng.normal(size=(12, 5, 2)), np.resize(["a", "b"], 12)
    options = {"hidden_size": 7, "max_iter": 2, "random_state": 0}
    clf = RNNClassifier(**options).fit(X, y)
    stream = clf.stream()
    for x in X[3]:
        p = stream.step(x)
    assert_same_bits(p, clf.predict_proba(X)[3])
    assert stream.predict() == clf.predict(X)[3]
    assert "RNNClassifier" in repr(stream)
    assert "n=3" in repr(clf.stream(3))
    texts = RNNClassifier(hidden_size=2, max_iter=1).fit(["ab", "c"], [0, 1])
    assert repr(texts.stream()) == "<Stream of a RNNClassifier: characters>"

    several = RNNClassifier(**options).fit(X, np.eye(3, dtype=int)[np.arange(12) % 3])
    stream = several.stream()
    for x in X[3]:
        p = stream.step(x)
    assert_same_bits(p, several.predict_proba(X)[3])
    assert_same_bits(stream.predict(), several.predict(X)[3])

    for targets in (X[:, -1, 0], X[:, -1]):
        reg = RNNRegressor(**options).fit(X, targets)
        stream = reg.stream()
        for x in X[3]:
            value = stream.step(x)
        assert_same_bits(value, reg.predict(X)[3])
        assert_same_bits(stream.predict(), reg.predict(X)[3])
        assert reg.stream(2).step(X[:2, 0]).shape == (2, *np.shape(targets[0]))

    tagger = RNNTagger(**options).fit(X, (X[:, :, 0] > 0).astype(int))
    stream = tagger.stream()
    for t, x in enumerate(X[3]):
        assert_same_bits(stream.step(x), tagger.predict_proba(X)[3, t])
        assert stream.predict() == tagger.predict(X)[3, t]

    clf.save(tmp_path / "m.safetensors")
    assert_same_bits(load(tmp_path / "m.safetensors").model.stream().step(X[0, 0]),
                     clf.stream().step(X[0, 0]))  # fmt: skip


def test_one_feature_over_time(rng):
    X = rng.normal(size=(12, 5))
    clf = RNNClassifier(hidden_size=7, max_iter=1, random_state=0).fit(X, np.resize([0, 1], 12))
    stream = clf.stream()
    for value in X[3]:
        p = stream.step(value)
    assert_same_bits(p, clf.predict_proba(X)[3])


def test_what_is_trained_later_is_not_seen(rng):
    X, y = rng.normal(size=(12, 5, 2)), np.resize(["a", "b"], 12)
    clf = RNNClassifier(hidden_size=7, max_iter=1, random_state=0).fit(X, y)
    stream, before = clf.stream(), clf.stream().step(X[0, 0])
    clf.partial_fit(X, y)
    assert_same_bits(copy.copy(stream).step(X[0, 0]), before)
    assert_same_bits(stream.step(X[0, 0]), before)
    assert not np.array_equal(clf.stream().step(X[0, 0]), before)


# Compiled and composed


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=30, deadline=None)
@given(problems())
def test_what_is_compiled_is_what_is_composed(name, problem):
    chosen, seed, n_steps = problem
    rng = np.random.default_rng(seed)
    backend, trained = make_backend(name), make_model(rng, **chosen)
    n = rng.choice([None, 1, 4])
    X = rng.normal(size=(n_steps, *(() if n is None else (n,)), 2))
    if chosen["missing"] != "error":
        X[rng.random(X.shape) < 0.2] = np.nan
    X[rng.random(X.shape) < 0.03] = np.inf
    composed = ComposedNetwork(plan_of(trained, backend, n), backend)
    other = make_stepped(plan_of(trained, backend, n), backend)
    assert isinstance(other, ComposedNetwork) == (name == "reference")
    for x in X:
        expected, answer = composed.step(x), other.step(x)
        assert (answer is None) == (expected is None)
        if expected is not None:
            assert_same_bits(answer, expected)
        assert_same_bits(other.answer(), composed.answer())
        assert_same_bits(other.logits, composed.logits)
        assert list(other.state) == list(composed.state)
        for key, array in composed.state.items():
            assert_same_bits(other.state[key] + 0, array + 0)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_no_step_is_refused_without_a_word(rng, name):
    backend = make_backend(name)
    steps = make_stepped(plan_of(make_model(rng), backend, 3), backend)
    x = np.ones((3, 2), np.float32)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(3, 2)
    wide = np.ones((3, 4))[:, ::2]
    for bad in (x[:2], x[0], x.T, unaligned, wide, x.tolist(), None, np.ma.masked_array(x, x > 0),
                x.astype(">f4"), x.astype(int)):  # fmt: skip
        assert steps.step(bad) is None
    assert not steps.state["n_steps"].any()
    assert steps.step(x).shape == (3, 3)


@pytest.mark.parametrize("name", BACKENDS)
def test_steps_outlive_what_made_them(rng, name):
    backend, trained = make_backend(name), make_model(rng, readout="attention")
    x = rng.normal(size=2)
    expected = make_stepped(plan_of(trained, backend, None), backend).step(x)
    steps = make_stepped(plan_of(trained, backend, None), backend)
    trained.network.params.flat[...] = np.nan
    trained.standardisation.mean[...] = np.nan
    state, logits, step = steps.state, steps.logits, steps.step
    del steps, trained
    assert_same_bits(step(x), expected)
    assert logits.any()
    assert all(array.any() for name, array in state.items() if name != "readout.exponent")


@pytest.mark.skipif("native" not in HERE, reason="there is no kernel")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_links(rng, dtype):
    fused = make_backend(BACKENDS[-1]).fused
    for shape in ((1, 1), (3, 7), (2, 130), (0, 3)):
        z = rng.normal(scale=30, size=shape).astype(dtype)
        z[:1, :1] = [[1e30]]
        for name, mine in (("softmax", softmax), ("sigmoid", sigmoid)):
            expected = mine(z.astype(np.float64))
            answer = getattr(fused, name)(z)
            assert answer.dtype == dtype
            np.testing.assert_allclose(
                answer, expected, rtol=2 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny
            )
    assert np.isnan(fused.softmax(np.array([[1.0, np.nan]]))).all()
    assert np.isnan(fused.sigmoid(np.array([[np.nan]]))).all()


@pytest.mark.skipif("native" not in HERE, reason="there is no kernel")
def test_the_kernel_checks_what_it_is_given(rng):
    from elman.backends import _native

    backend, trained = make_backend(BACKENDS[-1]), make_model(rng)
    plan = plan_of(trained, backend, 3)
    options = {
        "steppers": [s.compiled for s in plan.steppers], "residual": False, "readouts": [0],
        "missing": 0, "link": 1, "flat": False, "n_features": 2, "categories": (), "mean": None,
        "scale": None, "query": None, "W": plan.W, "b": plan.b,
    }  # fmt: skip
    _native.StreamF32(**options)
    for bad in (
        {"steppers": []}, {"steppers": [None]}, {"readouts": [4]}, {"readouts": [-1]},
        {"readouts": []}, {"readouts": [0, 0]}, {"readouts": [0, 2]}, {"missing": 3},
        {"link": 3}, {"flat": True}, {"n_features": 3}, {"n_features": 1}, {"missing": 1},
        {"mean": np.zeros(2)}, {"mean": np.zeros(3), "scale": np.ones(3)}, {"readouts": [3]},
        {"query": np.zeros(7)}, {"query": np.zeros(6, np.float32)}, {"W": plan.W[:-1].copy()},
        {"b": plan.b[:-1].copy()}, {"W": plan.W.T}, {"b": plan.b.astype(np.float64)},
        {"steppers": options["steppers"] * 2}, {"categories": (3,)}, {"categories": (0, 0, 0)},
        {"categories": (-1,)}, {"categories": (2**40, 1)},
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError, AttributeError, RuntimeError)):
            _native.StreamF32(**(options | bad))
    with pytest.raises((TypeError, ValueError)):
        _native.StreamF64(**options)
