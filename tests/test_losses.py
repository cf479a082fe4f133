from __future__ import annotations

import math

import numpy as np
import pytest

from elman.backends import available_backends, get_backend
from elman.nn import losses
from elman.nn.losses import softmax


@pytest.fixture(params=available_backends())
def cross_entropy(request):
    """In NumPy and as the kernel has it."""
    fused = get_backend(request.param).fused
    return lambda logits, codes, weights=None: losses.cross_entropy(logits, codes, weights, fused)


def test_cross_entropy_by_hand(cross_entropy):
    logits = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    loss, dlogits = cross_entropy(logits, np.array([2, 0]))
    assert math.isclose(loss, -(math.log(5 / 8) + math.log(3 / 8)) / 2)
    expected = np.array([[1 / 8, 2 / 8, -3 / 8], [-5 / 8, 3 / 8, 2 / 8]]) / 2
    np.testing.assert_allclose(dlogits, expected, rtol=1e-14)


def test_integer_weights_repeat_samples(cross_entropy, rng):
    logits, codes = rng.normal(size=(3, 5)), np.array([4, 0, 2])
    repeats = np.array([2, 0, 3])
    weighted, _ = cross_entropy(logits, codes, repeats)
    repeated, _ = cross_entropy(logits.repeat(repeats, axis=0), codes.repeat(repeats))
    assert math.isclose(weighted, repeated, rel_tol=1e-14)


def test_gradient(cross_entropy, rng):
    logits, codes = rng.normal(size=(3, 5)), np.array([4, 0, 2])
    weights = np.array([1.0, 0.0, 2.5])
    _, dlogits = cross_entropy(logits, codes, weights)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-6
        above, below = (cross_entropy(logits + s, codes, weights)[0] for s in (step, -step))
        assert abs((above - below) / 2e-6 - dlogits[index]) < 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_are_safe(cross_entropy, dtype):
    logits = np.array([[1e30, -1e30, 0], [-5e4, 5e4, 0]], dtype=dtype)
    p = softmax(logits)
    assert p.dtype == dtype
    assert p.tolist() == [[1, 0, 0], [0, 1, 0]]
    loss, dlogits = cross_entropy(logits, np.array([0, 0]))
    assert loss == 5e4
    assert dlogits.dtype == dtype
    assert np.isfinite(dlogits).all()


def test_no_weight_no_loss(cross_entropy):
    loss, dlogits = cross_entropy(np.ones((2, 3)), np.array([0, 1]), np.zeros(2))
    assert loss == 0
    assert not dlogits.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (3, 2), (17, 9), (5, 131)], ids=str)
def test_every_backend_has_the_same_loss(cross_entropy, rng, dtype, shape):
    logits = (30 * rng.normal(size=shape)).astype(dtype)
    codes = rng.integers(0, shape[1], shape[0])
    rtol, atol = (1e-6, 1e-7) if dtype is np.float32 else (1e-13, 1e-16)
    for weights in (None, rng.uniform(0, 2, shape[0])):
        loss, dlogits = cross_entropy(logits, codes, weights)
        expected_loss, expected = losses.cross_entropy(logits.astype(np.float64), codes, weights)
        assert math.isclose(loss, expected_loss, rel_tol=rtol, abs_tol=atol)
        assert dlogits.dtype == dtype
        np.testing.assert_allclose(dlogits, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows(cross_entropy, value):
    logits = np.array([[1.0, 2.0, 3.0], [1.0, value, 3.0]])
    with np.errstate(invalid="ignore"):
        loss, dlogits = cross_entropy(logits, np.array([0, 1]))
    assert not math.isfinite(loss)
    assert np.isfinite(dlogits[0]).all()
    assert np.isfinite(dlogits[1]).all() == (value == -np.inf)


@pytest.mark.skipif("native" not in available_backends(), reason="the kernel was not built")
@pytest.mark.parametrize(
    ("codes", "weights", "error"),
    [
        ([0, 3], None, ValueError),
        ([0, -1], None, ValueError),
        ([0], None, ValueError),
        ([0.0, 1.0], None, TypeError),
        ([0, 1], [1.0], ValueError),
    ],
)
def test_the_compiled_loss_refuses_what_does_not_fit(codes, weights, error):
    fused = get_backend("native").fused
    weights = None if weights is None else np.array(weights)
    with pytest.raises(error):
        fused.cross_entropy(np.zeros((2, 3)), np.array(codes), weights)


def test_rows_of_softmax_do_not_meet(rng):
    logits = rng.normal(size=(37, 11)).astype(np.float32)
    together = softmax(logits)
    for row in range(37):
        assert softmax(logits[row : row + 1]).tobytes() == together[row].tobytes()
