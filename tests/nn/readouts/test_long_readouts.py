"""Readouts of very many steps: as exact as the same sums in rational arithmetic, on every path."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.problems import cell_of
from helpers.sequence_data import draw_network

from elman.data.scaling import Standardisation
from elman.models.regressor import TrainedRegressor
from elman.models.stepping import ComposedNetwork, make_stepped
from elman.models.streaming import plan_of
from elman.nn.layers import PassContext
from elman.nn.parameters import Parameters
from elman.nn.readouts.attention import attention_scores, split_exp
from elman.nn.readouts.mean import Mean
from elman.nn.readouts.sums import sum_over_time
from elman.nn.truncation import forward as truncated

READOUTS = ["last", "mean", "max", "attention"]
BOUND = 3e-7  # of `elman.nn.readouts.sums`, for up to 10^9 steps in float32


def make_network(rng, readout, *, kind="tanh", size=3, dtype="float32", sizes=None, **options):
    """A network whose logits are its readout: the head is the identity.

    States stay well away from zero, on one side of it, so that an error relative to the sizes of
    states is one relative to their mean.
    """
    width = size if sizes is None else sizes[-1]
    network = draw_network(
        2,
        sizes or size,
        width,
        cell=cell_of(kind),
        readout=readout,
        rng=rng,
        dtype=dtype,
        **options,
    )
    network.params.flat[...] = rng.normal(scale=0.3, size=network.params.flat.size)
    network.params["recurrent0.b"][...] += 1
    network.params["head.W"][...] = np.eye(width)
    network.params["head.b"][...] = 0
    return network


def make_model(network):
    width = network.layout.n_outputs
    unscaled = Standardisation(np.zeros(width), np.ones(width))
    return TrainedRegressor(
        network=network,
        n_features_in=2,
        two_d=False,
        standardisation=None,
        backend="native",
        missing="error",
        target_scale=unscaled,
        one_target=False,
    )


def make_stream(network, backend, n=None, *, composed=False):
    plan = plan_of(make_model(network), backend, n)
    return ComposedNetwork(plan, backend) if composed else make_stepped(plan, backend)


def exact_exp(score):
    with localcontext(prec=60):
        return Fraction(Decimal(float(score)).exp())


def exact_weights(network, H, backend):
    """What the mean or attention weighs the states H (n, width) by: fractions."""
    if network.layout.readout == "mean":
        return [Fraction(1)] * len(H)
    scores = attention_scores(np.ascontiguousarray(H), network.params["attention.query"], backend)
    return [exact_exp(score) for score in scores]


def assert_close(actual, exact, scale):
    """Actual (width,) is within the bound of these fractions, relative to scale."""
    for a, e, s in zip(actual.tolist(), exact, scale, strict=True):
        assert abs(Fraction(a) - e) <= Fraction(BOUND) * abs(s)


@pytest.mark.parametrize("composed", [False, True])
@pytest.mark.parametrize("n_before", [2**24, 10**8, 10**9])
@pytest.mark.parametrize("readout", ["mean", "attention"])
@pytest.mark.parametrize("name", BACKENDS)
def test_a_stream_goes_on_exactly_after_very_many_steps(rng, name, readout, n_before, composed):
    """Its state is that after so many equal steps; then come a few hundred others."""
    backend = make_backend(name)
    network = make_network(rng, readout)
    steps = make_stream(network, backend, 2, composed=composed)
    x = rng.normal(size=(2, 2)).astype("float32")
    for _ in range(60):  # to the fixed point of the state
        steps.step(x)
    h = steps.state["recurrent0"].copy()
    before = [exact_weights(network, row[np.newaxis], backend)[0] for row in h]
    exponent = [0, 0]
    if readout == "attention":
        exponent = [int(k) for k in steps.state["readout.exponent"]]
        for i in range(2):
            weight = n_before * before[i] / Fraction(2) ** exponent[i]
            steps.state["readout.weight"][i] = float(weight)
    for i in range(2):
        total = [
            n_before * before[i] * Fraction(v) / Fraction(2) ** exponent[i] for v in h[i].tolist()
        ]
        steps.state["readout.sum"][i] = [float(v) for v in total]
    steps.state["n_steps"][...] = n_before
    weights = [n_before * w for w in before]
    totals = [[w * Fraction(v) for v in row] for w, row in zip(weights, h.tolist(), strict=True)]
    steps.answer()
    for i in range(2):
        assert_close(steps.logits[i], [Fraction(v) for v in h[i].tolist()], h[i].tolist())
    for x_t in rng.normal(size=(300, 2, 2)).astype("float32"):
        steps.step(x_t)
        H = steps.state["recurrent0"]
        for i, weight in enumerate(exact_weights(network, H, backend)):
            weights[i] += weight
            totals[i] = [
                s + weight * Fraction(v) for s, v in zip(totals[i], H[i].tolist(), strict=True)
            ]
    assert steps.state["n_steps"].tolist() == [n_before + 300] * 2
    for i in range(2):
        exact = [s / weights[i] for s in totals[i]]
        moved = [abs(e - Fraction(v)) for e, v in zip(exact, h[i].tolist(), strict=True)]
        if n_before == 2**24:  # the 300 steps can be told from none at all
            assert max(m / abs(e) for m, e in zip(moved, exact, strict=True)) > 3 * Fraction(BOUND)
        assert_close(steps.logits[i], exact, exact)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("kind", ["tanh", "lstm"])
@pytest.mark.parametrize("name", BACKENDS)
def test_a_long_sequence_is_exact_and_has_the_same_bits_on_every_path(rng, name, kind, readout):
    backend = make_backend(name)
    n_steps = 1_503 if name == "reference" else 5_003
    if name == BACKENDS[-1] and kind == "tanh":
        n_steps = 100_003
    n_prefixes = min(n_steps, 20_003)
    network = make_network(rng, readout, kind=kind)
    x = rng.normal(size=(n_steps, 2)).astype("float32")
    X, lengths = np.zeros((2, n_steps + 5, 2), "float32"), np.array([n_steps, n_steps // 3])
    X[0, :n_steps] = x
    X[1, : lengths[1]] = x[: lengths[1]]
    whole = network.logits(X, lengths, backend)
    H = network.hidden_states(x[np.newaxis], None, backend)[0]
    over_time = network.logits_over_time(x[np.newaxis, :n_prefixes].copy(), None, backend)[0]
    stream = make_stream(network, backend)
    streamed = np.array([stream.step(x_t) for x_t in x])

    assert streamed[:n_prefixes].tobytes() == over_time.tobytes()
    for i, n in enumerate(lengths):
        assert whole[i].tobytes() == streamed[n - 1].tobytes()
    for bptt_steps in (777, n_steps // 2, n_steps + 9):
        cut, _ = truncated(network, X, lengths, backend, bptt_steps)
        assert cut.tobytes() == whole.tobytes()

    if readout == "attention":
        scores = attention_scores(H, network.params["attention.query"], backend)
        weights = np.exp(scores.astype("float64") - scores.max())
    else:
        weights = np.ones(n_steps)
    for n in (*lengths.tolist(), 100):
        own, w = H[:n].astype("float64"), weights[:n]
        if readout == "last":
            exact = own[-1]
        elif readout == "max":
            exact = own.max(axis=0)
        else:
            exact = [math.fsum(own[:, j] * w) / math.fsum(w) for j in range(3)]
        np.testing.assert_allclose(streamed[n - 1], exact, rtol=BOUND, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("options", [{}, {"sizes": (4, 4), "residual": True}, {"size": 1}], ids=str)
@pytest.mark.parametrize("bptt_steps", [1, 2, 7, 256, 300])
def test_chunks_read_what_the_whole_sequence_reads(
    backend, rng, dtype, readout, options, bptt_steps
):
    network = make_network(rng, readout, dtype=dtype, **options)
    lengths = np.array([301, 300, 257, 71, 2, 1, 0])
    X = rng.normal(size=(7, 303, 2)).astype(dtype)
    cut, _ = truncated(network, X, lengths, backend, bptt_steps)
    assert cut.tobytes() == network.logits(X, lengths, backend).tobytes()


@pytest.mark.parametrize("scale", [1, 40, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_of_attention_whatever_its_scores(backend, rng, dtype, scale):
    network = make_network(rng, "attention", dtype=dtype)
    network.params["attention.query"][...] *= scale
    lengths = np.array([61, 40, 7, 0])
    X = rng.normal(size=(4, 61, 2)).astype(dtype)
    whole = network.logits(X, lengths, backend)
    assert np.isfinite(whole).all()
    for bptt_steps in (1, 5, 32):
        assert truncated(network, X, lengths, backend, bptt_steps)[0].tobytes() == whole.tobytes()


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_over_time_are_one_step_after_another(rng, dtype, width):
    A = (10.0 ** rng.integers(-6, 6, size=(3, 601, width)) * rng.normal(size=(3, 601, 1))).astype(
        dtype
    )
    weights = rng.random((3, 601))
    total, weighted = np.zeros((2, 3, width))
    context = PassContext(Parameters({}, dtype), make_backend("reference"), None)
    means = Mean(context, np.zeros(3, np.int64), width).over_time(A)
    for t in range(601):
        total = total + A[:, t]
        weighted = weighted + A[:, t].astype("float64") * weights[:, t, np.newaxis]
        assert means[:, t].tobytes() == (total.astype(dtype) / A.dtype.type(t + 1)).tobytes()
    assert sum_over_time(A).tobytes() == total.tobytes()
    assert sum_over_time(A, weights).tobytes() == weighted.tobytes()
    first, second = A[:, :257], A[:, 257:]
    start = sum_over_time(first, weights[:, :257])
    kept = start.copy()
    assert sum_over_time(second, weights[:, 257:], start).tobytes() == weighted.tobytes()
    assert start.tobytes() == kept.tobytes()


def test_weights_of_attention_are_exact():
    scores = np.array([-87.3, -1e-3, 0, 0.5, 88.7, 700, 1e4], "float32")
    r, k = split_exp(scores)
    for s, r_i, k_i in zip(scores, r, k, strict=True):
        exact = exact_exp(s)
        assert abs(Fraction(r_i) * Fraction(2) ** int(k_i) - exact) < exact / 2**50


@pytest.mark.parametrize("readout", ["mean", "attention"])
def test_a_state_whose_sums_are_float32_is_taken_while_it_can_be_right(rng, readout):
    network = make_network(rng, readout)
    stream, other = (make_model(network).stream(2) for _ in range(2))
    for x_t in rng.normal(size=(5, 2, 2)):
        stream.step(x_t)
    narrow = {
        name: array.astype("float32") if name in ("readout.sum", "readout.weight") else array
        for name, array in stream.state.items()
    }
    other.state = narrow
    assert other.state["readout.sum"].dtype == np.float64
    np.testing.assert_allclose(other.answer(), stream.answer(), rtol=1e-6)
    assert pickle.loads(pickle.dumps(other)).answer().tobytes() == other.answer().tobytes()

    before = stream.state
    other.state = narrow | {"n_steps": np.array([3, 2**24 - 1])}
    with pytest.raises(ValueError, match=r"readout\.sum.*float32 after 16777216 steps.*float64"):
        stream.state = narrow | {"n_steps": np.array([3, 2**24])}
    for name, array in stream.state.items():
        assert array.tobytes() == before[name].tobytes()
    stream.state = before | {"n_steps": np.array([3, 2**40])}
    assert stream.n_steps.tolist() == [3, 2**40]
