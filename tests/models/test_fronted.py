"""Streams through a front end: the bits of whole sequences, at the end of a block and within it."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pytest
from helpers.explained import (
    classifier,
    recordings,
    regressor,
    regressor_of_steps,
    several_labels,
    tagger,
)

from elman import RNNClassifier
from elman.backends import available_backends
from elman.models import fronted as module

WHOLE = {"classifier": classifier, "labels": several_labels, "regressor": regressor}
OF_STEPS = {"tagger": tagger, "regressor of steps": regressor_of_steps}
FRONTS = [{"deltas": d, "stride": s} for d, s in product((0, 1, 2), (1, 3, 20)) if d or s > 1]


def with_gaps(X, missing, rng):
    if missing != "error":
        for x in X:
            x[rng.random(x.shape) < 0.25] = np.nan
    return X


def answer(fit, X):
    """The answers in the units of a stream's: probabilities or numbers."""
    return fit.predict_proba(X) if hasattr(fit, "predict_proba") else fit.predict(X)


def over_time(fit, X):
    if hasattr(fit, "predict_proba_over_time"):
        return fit.predict_proba_over_time(X)
    return fit.predict_over_time(X)


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("backend", available_backends())
def test_a_stream_knows_what_a_sequence_that_ends_there_does(backend, kind, missing, front, rng):
    fit = WHOLE[kind](missing=missing, backend=backend, dtype="float32", **front)
    X = with_gaps(recordings(), missing, rng)
    times = over_time(fit, X)
    stream = fit.stream()
    for x, expected in zip(X, times, strict=True):
        stream.reset()
        prefixes = answer(fit, [x[: t + 1] for t in range(len(x))])
        for t, x_t in enumerate(x):
            stepped = stream.step(x_t)
            assert np.array_equal(stream.answer(), prefixes[t])
            if t < len(x) - 1:
                assert np.array_equal(stepped, expected[t])
            if stream.n_waiting == 0:
                assert np.array_equal(stepped, prefixes[t])
        assert np.array_equal(expected[-1], prefixes[-1])
        stream.reset()
        for t, x_t in enumerate(x):
            assert np.array_equal(stream.predict(x_t), fit.predict([x[: t + 1]])[0])


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("missing", ["error", "skip"])
@pytest.mark.parametrize("kind", OF_STEPS)
def test_where_every_step_is_answered_a_block_has_one_answer(kind, missing, front, rng):
    fit = OF_STEPS[kind](missing=missing, **front)
    X = with_gaps(recordings(), missing, rng)
    found = answer(fit, X)
    for x, own in zip(X, found, strict=True):
        assert len(own) == len(x)
        stream = fit.stream()
        kept = np.flatnonzero(~np.isnan(x).any(axis=1))
        blocks = [kept[i : i + front["stride"]] for i in range(0, len(kept), front["stride"])]
        for t, x_t in enumerate(x):
            stream.step(x_t)
            assert np.array_equal(stream.answer(), answer(fit, [x[: t + 1]])[0][-1])
            for block in blocks:
                if block[-1] == t:
                    assert all(np.array_equal(own[i], stream.answer()) for i in block)
    if kind == "regressor of steps":
        stream = fit.stream()
        for t, value in enumerate(fit.predict_over_time(X[:1])[0][:-1]):
            assert np.array_equal(stream.step(X[0][t]), value)


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_streams_side_by_side_are_streams_alone(missing, rng):
    fit = classifier(missing=missing, deltas=2, stride=3)
    X = with_gaps([rng.normal(size=(11, 3)) for _ in range(4)], missing, rng)
    together, alone = fit.stream(4), [fit.stream() for _ in X]
    for t in range(11):
        if t == 5:
            together.reset([2])
            alone[2].reset()
        if t == 7:  # all that goes on is in the state
            state, together = together.state, fit.stream(4)
            together.state = state
            alone = pickle.loads(pickle.dumps(alone))
        found = together.step(np.stack([x[t] for x in X]))
        assert np.array_equal(found, [s.step(x[t]) for s, x in zip(alone, X, strict=True)])
        assert np.array_equal(together.answer(), [s.answer() for s in alone])
        assert together.n_steps.tolist() == [s.n_steps for s in alone]
        assert together.n_waiting.tolist() == [s.n_waiting for s in alone]


def test_an_answer_asked_for_changes_nothing(rng):
    fit = classifier(deltas=1, stride=4)
    x = rng.normal(size=(10, 3))
    asked, left_alone = fit.stream(), fit.stream()
    for x_t in x:
        assert np.array_equal(asked.step(x_t), left_alone.step(x_t))
        asked.answer()
        for name, array in asked.state.items():
            assert array.tobytes() == left_alone.state[name].tobytes()


def test_a_step_that_is_refused_changes_nothing(rng):
    stream = classifier(deltas=1, stride=3, dtype="float32").stream()
    stream.step(rng.normal(size=3))
    before = stream.state
    for bad, message in (
        ([0.0, np.nan, 1.0], "feature 1, time step 1"),
        ([0.0, 1e39, 1.0], "feature 1, time step 1"),
        ([0.0, 1.0], "has shape"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.step(bad)
    assert all(np.array_equal(array, before[name]) for name, array in stream.state.items())


def a_step_or_the_error(steps, x):
    try:
        return steps.step(x)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("n", [None, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float32", "missing": "error"},
        {"dtype": "float64", "missing": "mask"},
        {"dtype": "float32", "missing": "skip", "standardize": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.filterwarnings("error")
def test_a_quick_step_has_the_bits_of_any_step(few, options, n, front, rng, monkeypatch):
    monkeypatch.setattr(module, "FEW_NUMBERS", few)
    fit = classifier(**front, **options)
    quick, careful = (fit.stream(n)._steps for _ in range(2))
    careful._may_be_quick = False
    shape = (3,) if n is None else (n, 3)
    n_quick, together = 0, n is None or front["stride"] == 1
    for t in range(60):
        x = rng.normal(size=shape).astype(rng.choice(["f4", "f8"]))
        x.flat[rng.integers(x.size)] = [0.3, -0.0, 1e9, 0.1, np.nan, 1e38, 0.2, np.inf][t // 3 % 8]
        if x.dtype == np.float64 and t == 50:
            x[...] = 1e300
        n_quick += together and quick._may_be_quick and 0 < np.abs(x).max() < 1e10
        expected = a_step_or_the_error(careful, x)
        found = a_step_or_the_error(quick, x)
        assert type(found) is type(expected)
        assert np.array_equal(found, expected)
        assert quick.logits.tobytes() == careful.logits.tobytes()
        for name, array in careful.state.items():
            assert quick.state[name].tobytes() == array.tobytes(), name
    assert bool(n_quick) == together


def test_a_step_that_nothing_is_missing_of_is_quick():
    steps = classifier(deltas=2, stride=3).stream()._steps
    found = [steps._quick_step(np.array([0.5, t, 1.0])) is not None for t in range(4)]
    assert found == [False] * 4  # nothing to differ from is known
    for t in range(6):
        steps.step(np.array([0.5, t, 1.0]))
    steps._any_step = None
    for t in range(7):
        assert steps.step(np.array([0.5, t, 1.0])) is not None


FORGED = {
    "block.size": (3, -1, 0, 2),
    "block.gaps": (2, 0.5, -1, 1),
    "n_blocks": (9, 0, 2, 2**62),
    "n_steps": (100, 3),
    "block.known": (-1, 0.5, 2),
}


@pytest.mark.parametrize("n", [None, 2])
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_state_is_refused(name, n, rng):
    stream = classifier(missing="mask", stride=3, deltas=1).stream(n)
    for _ in range(4):
        stream.step(rng.normal(size=3 if n is None else (n, 3)))
        stream.state = stream.state
    for value in FORGED[name]:
        state = stream.state
        state[name][-1:] = value
        with pytest.raises(ValueError, match=r"blocks of 3"):
            stream.state = state


def test_an_amplitude_is_known_at_the_end_only():
    fit = classifier(scale_each=True)
    for ask in (
        fit.stream,
        lambda: fit.predict_proba_over_time(recordings()),
        lambda: fit.predict_early(recordings()),
        lambda: regressor(scale_each=True).predict_over_time(recordings()),
        lambda: regressor_of_steps(scale_each=True).predict_over_time(recordings()),
        lambda: tagger(scale_each=True).stream(),
    ):
        with pytest.raises(ValueError, match="scale_each=True divides a recording by its own"):
            ask()
    found = tagger(scale_each=True).predict_proba(recordings())
    assert [len(own) for own in found] == [len(x) for x in recordings()]


def test_an_early_answer_is_one_that_was_known_by_then():
    fit = RNNClassifier(4, max_iter=2, stride=3, random_state=0).fit(recordings(), list("abababa"))
    labels, steps = fit.predict_early(recordings(), confidence=0.01, patience=1)
    stream = fit.stream()
    for x, label, step in zip(recordings(), labels, steps, strict=True):
        stream.reset()
        stepped = [stream.step(x_t) for x_t in x[: step + 1]][-1]
        stepped = stream.answer() if step == len(x) - 1 else stepped
        assert fit.classes_[stepped.argmax()] == label
