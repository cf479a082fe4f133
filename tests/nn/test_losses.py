from __future__ import annotations

import math

import numpy as np
import pytest

from elman.backends import available_backends, get_backend
from elman.nn import losses
from elman.nn.losses import loss_sum, softmax, weight_sum
from elman.nn.objectives import AnyLabels, OneClass, Values, r_squared


def whole(loss, fused=None):
    """The loss of a batch, and its gradient, from a function that gives the loss of each row."""

    def of_batch(*args, **options):
        each, gradient = loss(*args, **options)
        assert each.dtype == np.float64
        assert each.shape == gradient.shape[:1]
        return loss_sum(each, fused), gradient

    return of_batch


@pytest.fixture(params=available_backends())
def cross_entropy(request):
    """In NumPy and as the kernel has it."""
    fused = get_backend(request.param).fused
    return whole(
        lambda logits, codes, weights=None: losses.cross_entropy(logits, codes, weights, fused),
        fused,
    )


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
        expected_loss, expected = whole(losses.cross_entropy)(
            logits.astype(np.float64), codes, weights
        )
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
        fused.cross_entropy(np.zeros((2, 3)), np.array(codes), weights, 1.0)


@pytest.fixture(params=[(name, e) for name in available_backends() for e in (0, 0.3)], ids=str)
def hits(request):
    """Which rows are hit, in NumPy and as the kernel has it, with smoothing and without."""
    name, e = request.param
    fused = get_backend(name).fused
    return lambda *args: losses.cross_entropy_and_hits(*args, None, fused, label_smoothing=e)[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (5, 1), (67, 2), (301, 7), (41, 131)], ids=str)
def test_hits_are_where_argmax_is_right(hits, rng, dtype, shape):
    logits = rng.integers(-2, 3, shape).astype(dtype)  # many are as large as another
    logits[::3] += rng.standard_normal(shape[1]).astype(dtype)
    largest = logits.argmax(axis=1)
    codes = np.where(rng.random(shape[0]) < 0.5, largest, rng.integers(0, shape[1], shape[0]))
    found = hits(logits, codes)
    assert found.dtype == np.bool_
    assert found.tolist() == (codes == largest).tolist()


def test_of_equal_logits_the_first_is_the_answer(hits):
    logits = np.array([[1, 3, 3, 0, 3], [-0.0, 0.0, -np.inf, 0.0, -1]])
    right = [hits(logits, np.array([code, code])).tolist() for code in range(5)]
    assert right == [[False, True], [True, False], [False] * 2, [False] * 2, [False] * 2]


@pytest.mark.parametrize("dtypes", [("f4", "f4"), ("f8", "f8"), ("f4", "f8")], ids=str)
def test_every_backend_has_the_same_squared_errors(rng, dtypes):
    outputs, targets = (rng.normal(100, 1, (37, 3)).astype(dtype) for dtype in dtypes)
    targets[::4, 1] = np.nan
    expected = (outputs - targets).astype(np.float64) ** 2
    expected[::4, 1] = 0
    for name in available_backends():
        squared = losses.squared_errors(outputs, targets, get_backend(name).fused)
        assert squared.dtype == np.float64
        assert squared.tobytes() == expected.tobytes()


@pytest.mark.skipif("native" not in available_backends(), reason="the kernel was not built")
@pytest.mark.parametrize(
    ("targets", "error"),
    [
        (np.zeros((2, 2)), ValueError),
        (np.zeros((3, 3)), ValueError),
        (np.zeros(6), ValueError),
        (np.zeros((3, 2)).T, ValueError),
        (np.zeros((2, 3), np.float32), TypeError),
    ],
    ids=["width", "rows", "flat", "order", "type"],
)
def test_the_compiled_squared_errors_refuse_what_does_not_fit(targets, error):
    with pytest.raises(error):
        get_backend("native").fused.squared_errors(np.zeros((2, 3)), targets)


def test_rows_of_softmax_do_not_meet(rng):
    logits = rng.normal(size=(37, 11)).astype(np.float32)
    together = softmax(logits)
    for row in range(37):
        assert softmax(logits[row : row + 1]).tobytes() == together[row].tobytes()


# Label smoothing, independent labels, values


def labels(rng):
    return (rng.random((3, 5)) < 0.5).astype(np.float64)


OTHERS = {
    "smoothed": (
        lambda rng: np.array([4, 0, 2]),
        whole(lambda *args: losses.cross_entropy(*args, label_smoothing=0.3)),
    ),
    "labels": (labels, whole(losses.binary_cross_entropy)),
    "squared": (lambda rng: rng.normal(size=(3, 5)), whole(losses.squared_error)),
    "absolute": (lambda rng: rng.normal(size=(3, 5)), whole(losses.absolute_error)),
    "huber": (
        lambda rng: rng.normal(size=(3, 5)),
        whole(lambda *args: losses.huber_loss(*args, delta=0.7)),
    ),
}


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.5])], ids=["equal", "weighted"])
@pytest.mark.parametrize("name", OTHERS)
def test_gradients_of_the_others(name, weights, rng):
    make_targets, loss = OTHERS[name]
    outputs, targets = rng.normal(size=(3, 5)), make_targets(rng)
    _, gradient = loss(outputs, targets, weights)
    assert np.abs(gradient[0]).max() > 0.01
    for index in np.ndindex(outputs.shape):
        step = np.zeros_like(outputs)
        step[index] = 1e-6
        above, below = (loss(outputs + s, targets, weights)[0] for s in (step, -step))
        assert abs((above - below) / 2e-6 - gradient[index]) < 1e-9


@pytest.mark.parametrize("name", OTHERS)
def test_the_others_weigh_as_they_repeat_and_keep_float32(name, rng):
    make_targets, loss = OTHERS[name]
    outputs, targets = rng.normal(size=(3, 5)), make_targets(rng)
    repeats = np.array([2, 0, 3])
    weighted, _ = loss(outputs, targets, repeats)
    rows = np.repeat(np.arange(3), repeats)
    assert math.isclose(weighted, loss(outputs[rows], targets[rows], None)[0], rel_tol=1e-13)
    none, gradient = loss(outputs, targets, np.zeros(3))
    assert none == 0
    assert not gradient.any()
    expected_loss, expected = loss(outputs, targets, None)
    found_loss, found = loss(outputs.astype(np.float32), targets, None)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert math.isclose(found_loss, expected_loss, rel_tol=1e-5)
    assert loss(outputs[:0], targets[:0], None)[0] == 0


def test_smoothing_by_hand(rng):
    """The cross-entropy with (1 - e) of the label and e of an even distribution."""
    p = np.array([[0.125, 0.25, 0.625]])
    loss, dlogits = whole(losses.cross_entropy)(np.log(p), np.array([2]), label_smoothing=0.3)
    q = np.array([[0.1, 0.1, 0.8]])
    assert math.isclose(loss, -float((q * np.log(p)).sum()), rel_tol=1e-12)
    np.testing.assert_allclose(dlogits, p - q, rtol=1e-12)
    logits, codes = rng.normal(size=(3, 5)), np.array([4, 0, 2])
    for backend in available_backends():
        fused = get_backend(backend).fused
        plain, smoothed = (
            whole(losses.cross_entropy)(logits, codes, None, fused, label_smoothing=e)
            for e in (0, 1e-12)
        )
        assert math.isclose(plain[0], smoothed[0], rel_tol=1e-10)
        np.testing.assert_allclose(plain[1], smoothed[1], atol=1e-11)


def test_two_logits_are_one_label(rng):
    z, code = rng.normal(size=3), np.array([1, 0, 1])
    two, _ = whole(losses.cross_entropy)(np.stack([np.zeros(3), z], axis=1), code)
    one, _ = whole(losses.binary_cross_entropy)(z[:, np.newaxis], code[:, np.newaxis])
    assert math.isclose(one, two, rel_tol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_of_labels_are_safe(dtype):
    logits = np.array([[5e4, -5e4, 1e30], [0, -1e30, 5e4]], dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        loss, dlogits = whole(losses.binary_cross_entropy)(logits, np.array([[0, 1, 1], [1, 0, 1]]))
    assert math.isclose(loss, (1e5 + math.log(2)) / 2, rel_tol=1e-6)
    assert dlogits.tolist() == [[0.5, -0.5, 0], [-0.25, 0, 0]]
    assert losses.sigmoid(np.array([-1e30, 0, 1e30], dtype)).tolist() == [0, 0.5, 1]
    assert losses.sigmoid(logits).dtype == dtype


def test_values_by_hand():
    outputs, targets = np.array([[1.0, 5.0]]), np.array([[1.5, 2.0]])
    assert losses.squared_error(outputs, targets)[0] == (0.25 + 9) / 2
    assert losses.absolute_error(outputs, targets)[0] == (0.5 + 3) / 2
    assert losses.huber_loss(outputs, targets, delta=2.0)[0] == (0.125 + 2 * (3 - 1)) / 2


# Targets that are not known


@pytest.mark.parametrize("kind", ["squared", "absolute", "huber"])
@pytest.mark.parametrize(
    "weights", [None, np.array([1.0, 0.0, 2.5, 0.5])], ids=["equal", "weighted"]
)
def test_what_is_not_known_has_no_loss_and_no_gradient(kind, weights, rng):
    objective = Values(kind, 0.7)
    outputs, targets = rng.normal(size=(2, 4, 3))
    full, _ = objective.loss(outputs, targets, weights, None)
    assert objective.row_weights(targets, weights) is weights
    targets[[0, 0, 2], [0, 2, 1]] = np.nan
    losses, gradient = objective.loss(outputs, targets, weights, None)
    each = {
        "squared": lambda e: e**2,
        "absolute": np.abs,
        "huber": lambda e: np.where(np.abs(e) <= 0.7, e**2 / 2, 0.7 * (np.abs(e) - 0.35)),
    }[kind](outputs - targets)
    known = ~np.isnan(targets)
    w = np.ones((4, 3)) if weights is None else np.repeat(weights[:, np.newaxis], 3, axis=1)
    expected = np.average(each[known], weights=w[known])
    assert math.isclose(losses.sum(), expected, rel_tol=1e-14)
    assert not math.isclose(losses.sum(), full.sum(), rel_tol=1e-3)
    assert (gradient[~known] == 0).all()
    for index in np.ndindex(outputs.shape):
        step = np.zeros_like(outputs)
        step[index] = 1e-6
        above, below = (
            objective.loss(outputs + s, targets, weights, None)[0].sum() for s in (step, -step)
        )
        assert abs((above - below) / 2e-6 - gradient[index]) < 1e-9
    rows = objective.row_weights(targets, weights)
    np.testing.assert_allclose(rows, w[:, 0] * known.mean(axis=1), rtol=1e-15)
    _, at_single = objective.loss(outputs.astype(np.float32), targets, weights, None)
    assert at_single.dtype == np.float32
    np.testing.assert_allclose(at_single, gradient, atol=1e-6)
    loss, score = objective.evaluate(outputs, targets, weights, None)
    assert loss == losses.sum()
    assert score == r_squared(outputs, targets, weights)


def test_r_squared_of_each_target_over_what_is_known(rng):
    from sklearn.metrics import r2_score

    targets, outputs = rng.normal(size=(2, 9, 3))
    targets[[1, 4, 4], [0, 0, 2]] = np.nan
    for w in (None, rng.random(9)):
        expected = []
        for target, output in zip(targets.T, outputs.T, strict=True):
            known = ~np.isnan(target)
            own = None if w is None else w[known]
            expected.append(r2_score(target[known], output[known], sample_weight=own))
        assert math.isclose(r_squared(outputs, targets, w), np.mean(expected), rel_tol=1e-12)
    targets[:, 1] = np.nan
    without = r_squared(outputs[:, [0, 2]], targets[:, [0, 2]], None)
    assert math.isclose(r_squared(outputs, targets, None), without, rel_tol=1e-12)


# Sums, whatever the batch is cut into

OBJECTIVES = {
    "one class": (OneClass(), lambda rng: rng.integers(0, 5, 261)),
    "smoothed": (OneClass(0.3), lambda rng: rng.integers(0, 5, 261)),
    "labels": (AnyLabels(0.2), lambda rng: rng.integers(0, 2, (261, 5))),
    **{
        name: (Values(name), lambda rng: rng.normal(size=(261, 5)))
        for name in ("squared", "absolute", "huber")
    },
    "some known": (Values(), lambda rng: np.where(rng.random((261, 5)) < 0.3, np.nan, 0.5)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("backend", available_backends())
def test_the_rows_of_a_part_are_those_of_the_batch(backend, name, weighted, dtype, rng):
    objective, make_targets = OBJECTIVES[name]
    fused = get_backend(backend).fused
    outputs, targets = rng.normal(size=(261, 5)).astype(dtype), make_targets(rng)
    weights = rng.uniform(0, 2, 261) if weighted else None
    total = objective.weight_sum(objective.row_weights(targets, weights), 261, fused)
    expected, gradient = objective.loss(outputs, targets, weights, fused)
    for start, stop in ((0, 1), (1, 8), (8, 261)):
        own = None if weights is None else weights[start:stop]
        rows, at_rows = objective.loss(outputs[start:stop], targets[start:stop], own, fused, total)
        assert rows.tobytes() == expected[start:stop].tobytes()
        assert at_rows.tobytes() == gradient[start:stop].tobytes()
    loss = objective.loss_sum(expected, fused)
    np.testing.assert_allclose(loss, math.fsum(expected), rtol=1e-14)


@pytest.mark.skipif("native" not in available_backends(), reason="the kernel was not built")
@pytest.mark.parametrize("n", [0, 1, 9, 1000])
def test_the_compiled_sum_adds_one_value_after_the_other(n, rng):
    fused = get_backend("native").fused
    values = rng.normal(size=n)
    expected = 0.0
    for value in values:
        expected += value
    assert loss_sum(values, fused) == weight_sum(values, n, fused) == expected
    assert weight_sum(None, n, fused) == n
    for wrong in (values.astype(np.float32), [1.0], values.reshape(1, n)):
        with pytest.raises((TypeError, ValueError)):
            fused.sum(wrong)


def test_r_squared_is_scikit_learns(rng):
    from sklearn.metrics import r2_score

    targets, outputs = rng.normal(size=(2, 7, 3))
    weights = rng.random(7)
    for w in (None, weights):
        expected = r2_score(targets, outputs, sample_weight=w)
        assert math.isclose(r_squared(outputs, targets, w), expected, rel_tol=1e-12)
    targets[:, 1] = 0.5
    assert math.isclose(r_squared(outputs, targets, None), r2_score(targets, outputs))
    outputs[:, 1] = 0.5
    assert math.isclose(r_squared(outputs, targets, None), r2_score(targets, outputs))
    assert r_squared(outputs, targets, np.zeros(7)) == 0
