from __future__ import annotations

import math

import numpy as np
import pytest

from elman.nn.losses import cross_entropy, softmax


def test_cross_entropy_by_hand():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    loss, dlogits = cross_entropy(logits, np.array([2, 0]))
    assert math.isclose(loss, -(math.log(5 / 8) + math.log(3 / 8)) / 2)
    expected = np.array([[1 / 8, 2 / 8, -3 / 8], [-5 / 8, 3 / 8, 2 / 8]]) / 2
    np.testing.assert_allclose(dlogits, expected, rtol=1e-14)


def test_integer_weights_repeat_samples(rng):
    logits, codes = rng.normal(size=(3, 5)), np.array([4, 0, 2])
    repeats = np.array([2, 0, 3])
    weighted, _ = cross_entropy(logits, codes, repeats)
    repeated, _ = cross_entropy(logits.repeat(repeats, axis=0), codes.repeat(repeats))
    assert math.isclose(weighted, repeated, rel_tol=1e-14)


def test_gradient(rng):
    logits, codes = rng.normal(size=(3, 5)), np.array([4, 0, 2])
    weights = np.array([1.0, 0.0, 2.5])
    _, dlogits = cross_entropy(logits, codes, weights)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-6
        above, below = (cross_entropy(logits + s, codes, weights)[0] for s in (step, -step))
        assert abs((above - below) / 2e-6 - dlogits[index]) < 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_are_safe(dtype):
    logits = np.array([[1e30, -1e30, 0], [-5e4, 5e4, 0]], dtype=dtype)
    p = softmax(logits)
    assert p.dtype == dtype
    assert p.tolist() == [[1, 0, 0], [0, 1, 0]]
    loss, dlogits = cross_entropy(logits, np.array([0, 0]))
    assert loss == 5e4
    assert dlogits.dtype == dtype
    assert np.isfinite(dlogits).all()


def test_no_weight_no_loss():
    loss, dlogits = cross_entropy(np.ones((2, 3)), np.array([0, 1]), np.zeros(2))
    assert loss == 0
    assert not dlogits.any()


def test_rows_of_softmax_do_not_meet(rng):
    logits = rng.normal(size=(37, 11)).astype(np.float32)
    together = softmax(logits)
    for row in range(37):
        assert softmax(logits[row : row + 1]).tobytes() == together[row].tobytes()
