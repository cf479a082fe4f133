from __future__ import annotations

import math

import numpy as np
import pytest

from elman.backends import available_backends, get_backend
from elman.nn.optimizers import SGD, SOLVERS, Adam, clip_scale, global_norm, make_optimizer
from elman.nn.parameters import Parameters
from elman.nn.schedules import SCHEDULES

SHAPES = {"W": (3, 2), "b": (2,)}


def descend(optimizer, n_steps=5, dtype=np.float64, rate=0.1):
    """Steps along fixed gradients; weights after each."""
    rng = np.random.default_rng(8)
    weights = rng.normal(size=8).astype(dtype)
    path = [weights.copy()]
    for _ in range(n_steps):
        optimizer.step(weights, rng.normal(size=8).astype(dtype), rate)
        path.append(weights.copy())
    return np.array(path)


def expected_path(rule, n_steps=5, rate=0.1):
    rng = np.random.default_rng(8)
    weights = rng.normal(size=8)
    path = [weights]
    state = {}
    for t in range(1, n_steps + 1):
        weights = rule(weights, rng.normal(size=8), rate, t, state)
        path.append(weights)
    return np.array(path)


MASK = np.array([1.0] * 6 + [0.0] * 2)


def textbook_sgd(momentum, nesterov, alpha):
    def rule(w, g, rate, t, state):
        g = g + alpha * MASK * w
        v = momentum * state.get("v", 0) - rate * g
        state["v"] = v
        return w + momentum * v - rate * g if nesterov else w + v

    return rule


def textbook_adam(alpha, decoupled, b1=0.9, b2=0.999, eps=1e-8):
    def rule(w, g, rate, t, state):
        if not decoupled:
            g = g + alpha * MASK * w
        m = state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
        v = state["v"] = b2 * state.get("v", 0) + (1 - b2) * g**2
        step = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        if decoupled:
            step = step + alpha * MASK * w
        return w - rate * step

    return rule


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, True), (0.9, False), (0.9, True)])
def test_sgd(momentum, nesterov, alpha):
    optimizer = SGD(
        Parameters(SHAPES, np.float64), momentum=momentum, nesterov=nesterov, alpha=alpha
    )
    expected = expected_path(textbook_sgd(momentum, nesterov, alpha))
    np.testing.assert_allclose(descend(optimizer), expected, rtol=1e-13)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("solver", ["adam", "adamw"])
def test_adam(solver, alpha):
    optimizer = make_optimizer(solver, Parameters(SHAPES, np.float64), alpha=alpha)
    expected = expected_path(textbook_adam(alpha, solver == "adamw"))
    np.testing.assert_allclose(descend(optimizer), expected, rtol=1e-12)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_step_changes_what_is_frozen(solver, fused, rng):
    shapes = {"embedding0.E": (3, 2), "embedding1.E": (2, 3), "b": (5,)}
    params = Parameters(shapes, np.float64)
    params.flat[...] = rng.normal(size=params.flat.size)
    before = params.copy()
    optimizer = make_optimizer(solver, params, alpha=0.2, frozen=("embedding1.E",))
    gradient = params.zeros_like()
    compiled = get_backend().fused if fused else None
    for _ in range(3):
        gradient.flat[...] = rng.normal(size=gradient.flat.size)
        gradient["embedding1.E"][...] = 0
        optimizer.step(params.flat, gradient.flat, 0.1, 0.5, compiled)
    assert params["embedding1.E"].tobytes() == before["embedding1.E"].tobytes()
    assert (params["embedding0.E"] != before["embedding0.E"]).all()
    assert (params["b"] != before["b"]).all()


def test_nesterov_looks_ahead():
    """The step from the shifted point: v' = mu v - rate g(w + mu v), seen at w + mu v."""
    mu, rate = 0.9, 0.1
    optimizer = SGD(Parameters({"W": (1, 1)}, np.float64), momentum=mu)
    shifted = np.array([1.0])
    w, v = 1.0, 0.0
    for _ in range(6):
        optimizer.step(shifted, 2 * shifted, rate)  # gradient of w^2
        v = mu * v - rate * 2 * (w + mu * v)
        w = w + v
        assert math.isclose(shifted[0], w + mu * v, rel_tol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_works_in_float32_in_place_and_goes_on_from_a_state(solver):
    params = Parameters(SHAPES, np.float32)
    make = lambda: make_optimizer(solver, params, alpha=0.1)  # noqa: E731
    one, other = make(), make()
    path = descend(one, dtype=np.float32)
    assert path.dtype == np.float32
    weights, gradient = np.ones(8, np.float32), np.full(8, 0.5, np.float32)
    other.set_state(one.get_state())
    results = []
    for optimizer in (one, other):
        w = weights.copy()
        optimizer.step(w, gradient.copy(), 0.1)
        results.append(w.tobytes())
    assert results[0] == results[1]
    fresh = weights.copy()
    make().step(fresh, gradient.copy(), 0.1)
    assert fresh.tobytes() != results[0]


def test_a_state_is_a_copy():
    optimizer = Adam(Parameters(SHAPES, np.float64))
    descend(optimizer, 2)
    state = optimizer.get_state()
    before = state["m"].copy()
    descend(optimizer, 1)
    assert np.array_equal(state["m"], before)
    assert state["n_steps"] == 2


def test_unknown_solver():
    with pytest.raises(ValueError, match=r"solver='lbfgs'.*sgd, adam, adamw"):
        make_optimizer("lbfgs", Parameters(SHAPES))


FUSED = [get_backend(name).fused for name in available_backends()]


@pytest.mark.parametrize("fused", FUSED, ids=available_backends())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping(dtype, fused):
    norm = global_norm(np.array([3.0, -4.0], dtype=dtype), fused)
    assert norm == 5
    assert clip_scale(norm, 10.0) == 1
    assert clip_scale(norm, None) == 1
    assert clip_scale(norm, 2.0) == 0.4


@pytest.mark.parametrize("fused", FUSED, ids=available_backends())
def test_the_norm_of_huge_float32_gradients_does_not_overflow(fused):
    gradient = np.full(4, 1e30, dtype=np.float32)
    assert math.isclose(global_norm(gradient, fused), 2e30, rel_tol=1e-6)
    assert global_norm(gradient[:0], fused) == 0
    gradient[2] = np.nan
    assert math.isnan(global_norm(gradient, fused))


@pytest.mark.parametrize("fused", FUSED, ids=available_backends())
@pytest.mark.parametrize("n", [1, 7, 8, 1003])
def test_the_norm_is_that_of_the_vector(rng, fused, n):
    x = rng.normal(size=n)
    assert math.isclose(global_norm(x, fused), math.sqrt(math.fsum(x * x)), rel_tol=1e-14)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_a_step_goes_along_the_scaled_gradient(solver, rng):
    weights, gradient = rng.normal(size=8), rng.normal(size=8)
    params = Parameters(SHAPES, np.float64)
    scaled, expected = weights.copy(), weights.copy()
    make_optimizer(solver, params, alpha=0.1).step(scaled, gradient.copy(), 0.1, 0.25)
    make_optimizer(solver, params, alpha=0.1).step(expected, gradient * 0.25, 0.1)
    assert np.array_equal(scaled, expected)


@pytest.mark.skipif("native" not in available_backends(), reason="the kernel was not built")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["adam", "adamw"])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_the_compiled_adam_has_the_bits_of_numpy(solver, alpha, dtype, rng):
    shapes = {"W": (31, 33), "b": (33,)}
    params = Parameters(shapes, dtype)
    ours, expected = (make_optimizer(solver, params, alpha=alpha) for _ in range(2))
    fused = get_backend("native").fused
    w = rng.normal(size=params.flat.size).astype(dtype)
    v = w.copy()
    for step in range(20):
        gradient = (rng.normal(size=w.size) * 10.0 ** rng.integers(-12, 4)).astype(dtype)
        scale = 1.0 if step % 3 else float(rng.uniform())
        ours.step(w, gradient.copy(), 0.003, scale, fused)
        expected.step(v, gradient.copy(), 0.003, scale)
        assert w.tobytes() == v.tobytes()
    for name, value in ours.get_state().items():
        assert np.array_equal(value, expected.get_state()[name])


def test_schedules():
    assert [SCHEDULES["constant"](0.5, e, 4) for e in (0, 3, 9)] == [0.5, 0.5, 0.5]
    cosine = [SCHEDULES["cosine"](0.5, epoch, 4) for epoch in range(4)]
    np.testing.assert_allclose(cosine, 0.25 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    assert SCHEDULES["cosine"](0.5, 100, 4) == cosine[-1] > 0
