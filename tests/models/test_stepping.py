"""Steps with categories through a whole network: the bits of sequences, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import assert_same_bits, cell_of

from elman.data.frontend import Frontend
from elman.data.missing import with_indicators
from elman.data.scaling import Standardisation
from elman.models.classifier import TrainedClassifier
from elman.models.stepping import ComposedNetwork, make_stepped
from elman.models.streaming import Stream, plan_of
from elman.nn.layout import Layout
from elman.nn.network import Network

CATEGORIES = ((5, 2), (3, 0))
N_NUMBERS = 2


def model_of(rng, *, kind="gru", missing="error", dtype="float32", scaled=True, **options):
    n_inputs = len(CATEGORIES) + N_NUMBERS * (1 + (missing == "mask"))
    layout = Layout(n_inputs, (3, 3), 4, cell_of(kind), categories=CATEGORIES, **options)
    network = Network.initialised(layout, rng=rng, dtype=dtype)
    network.params.flat[...] = rng.normal(scale=0.6, size=network.params.flat.size)
    mean, scale = np.array([0, 0, *rng.normal(size=2)]), np.array([1, 1, 0.5, 1.7])
    return TrainedClassifier(
        network=network,
        n_features_in=len(CATEGORIES) + N_NUMBERS,
        two_d=False,
        standardisation=Standardisation(mean, scale) if scaled else None,
        backend="reference",
        missing=missing,
        frontend=Frontend(n_codes=len(CATEGORIES)),
        classes=np.array(["a", "b", "c", "d"]),
        multilabel=False,
    )


def draw(rng, n_steps=6, n=3):
    X = rng.normal(size=(n_steps, n, 4))
    for k, (n_categories, _) in enumerate(CATEGORIES):
        X[:, :, k] = rng.integers(0, n_categories, (n_steps, n))
    return X


def whole(model, x, backend):
    """Answers to every prefix of one sequence (n_steps, n_features)."""
    network, standard = model.network, model.standardisation
    if standard is not None:
        x = (x - standard.mean) / standard.scale
    x = x.astype(network.params.dtype)
    if model.missing == "mask":
        x = np.hstack([x[:, :2], with_indicators(x[:, 2:])])
    logits = network.logits_over_time(x[np.newaxis], None, backend)[0].astype(np.float64)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True), logits


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["tanh", "gru", "normed lstm"])
@pytest.mark.parametrize("options", [{}, {"readout": "attention", "residual": True}])
def test_steps_are_the_sequence(backend, rng, kind, dtype, missing, options):
    model = model_of(rng, kind=kind, dtype=dtype, missing=missing, **options)
    X = draw(rng)
    if missing == "mask":
        X[..., 2:][rng.random((6, 3, 2)) < 0.3] = np.nan
    steps = make_stepped(plan_of(model, backend, 3), backend)
    logits = [whole(model, X[:, i], backend)[1] for i in range(3)]
    for t in range(6):
        assert steps.step(X[t].copy()) is not None
        for i in range(3):
            assert_same_bits(steps.logits[i].astype(np.float64), logits[i][t])
    answers = [whole(model, X[:, i], backend)[0][-1] for i in range(3)]
    np.testing.assert_allclose(steps.answer(), answers, rtol=1e-5)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_step_with_a_gap_is_left_out(backend, rng, column):
    """Whatever the column; what the row holds beside the gap is not looked at."""
    model = model_of(rng, missing="skip")
    X = draw(rng)
    with_gap = X.copy()
    with_gap[2, 1] = -7.5
    with_gap[2, 1, column] = np.nan
    steps = make_stepped(plan_of(model, backend, 3), backend)
    for x in with_gap:
        assert steps.step(x.copy()) is not None
    kept = np.delete(X[:, 1], 2, axis=0)
    for i, x in enumerate((X[:, 0], kept, X[:, 2])):
        assert_same_bits(steps.logits[i].astype(np.float64), whole(model, x, backend)[1][-1])
    assert steps.state["n_steps"].tolist() == [6, 5, 6]


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("wrong", [-1.0, 5.0, 1.5, np.inf, -np.inf, 1e30, np.nan])
def test_what_is_no_category_is_refused_and_nothing_changes(backend, rng, wrong, scaled, missing):
    if missing == "skip" and np.isnan(wrong):
        return  # a gap, which leaves the step out
    model = model_of(rng, missing=missing, scaled=scaled)
    steps = make_stepped(plan_of(model, backend, 3), backend)
    X = draw(rng)
    steps.step(X[0].copy())
    before = {name: array.copy() for name, array in steps.state.items()}
    bad = X[1].copy()
    bad[1, 0] = wrong
    assert steps.step(bad) is None
    for name, array in before.items():
        assert_same_bits(steps.state[name], array, name)
    assert steps.step(X[1].copy()) is not None


def test_each_column_has_its_own_categories(backend, rng):
    """3 is one of the first column and none of the second, whose rows come after it."""
    steps = make_stepped(plan_of(model_of(rng), backend, 1), backend)
    x = np.array([[3.0, 2.0, 0.5, -0.5]])
    assert steps.step(x) is not None
    assert steps.step(x[:, [0, 0, 2, 3]].copy()) is None


@pytest.mark.parametrize(("missing", "wrong"), [("error", 4.5), ("mask", np.nan), ("skip", 7.0)])
def test_a_stream_says_which_category_is_wrong(rng, missing, wrong):
    model = model_of(rng, missing=missing)
    stream = Stream(model, 2)
    x = draw(rng, 1, 2)[0]
    stream.step(x)
    x[1, 0] = wrong
    what = r"stream 1, feature 0, time step 1 is (4\.5|nan|7\.0), but it is a category, .* to 4"
    with pytest.raises(ValueError, match=what):
        stream.step(x)
    assert stream.n_steps.tolist() == [1, 1]


def test_a_plan_whose_steppers_take_other_categories(backend, rng):
    plan = plan_of(model_of(rng), backend, 1)
    assert (plan.n_codes, plan.categories, plan.n_features) == (2, (5, 3), 4)
    with pytest.raises(ValueError, match=r"steppers\[0\] takes 2 codes for 8 rows .* 1 for 5"):
        backend.stream(plan._replace(categories=(5,)))
    with pytest.raises(ValueError, match=r"steppers\[0\] takes 2 codes for 8 rows"):
        backend.stream(plan._replace(categories=(5, 4)))
    with pytest.raises(ValueError, match=r"steppers\[1\] takes 2 codes for 8 rows .* 0 for 0"):
        backend.stream(plan._replace(steppers=plan.steppers[:1] * 2))
    with pytest.raises(ValueError, match="categories has 2 columns, but a step has only 1"):
        backend.stream(plan._replace(n_features=1))


@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("readout", ["last", ("max", "mean", "attention")])
def test_the_steps_of_a_backend_are_the_composed_ones(
    backend, rng, readout, dtype, scaled, missing
):
    """To the last bit, which rows are left out and what is refused included."""
    model = model_of(rng, missing=missing, dtype=dtype, scaled=scaled, readout=readout)
    steps = make_stepped(plan_of(model, backend, 3), backend)
    composed = ComposedNetwork(plan_of(model, backend, 3), backend)
    refused = 0
    for t, x in enumerate(draw(rng, 40)):
        # of ten steps three are spoilt: a gap, no category, and both in a row
        if t % 10 in (3, 9):
            x[t % 3, rng.integers(4)] = np.nan
        if t % 10 in (6, 9):
            x[t % 3, rng.integers(2)] = rng.choice([-1.0, 2.5, 5.0, 1e30, np.inf, -np.inf])
        x = x.astype(dtype if t % 2 else "float64")
        answers, expected = steps.step(x.copy()), composed.step(x.copy())
        assert (answers is None) == (expected is None)
        if expected is None:
            refused += 1
        else:
            assert_same_bits(answers, expected)
    assert 4 <= refused < 40
    for name, array in composed.state.items():
        assert_same_bits(steps.state[name], array, name)
