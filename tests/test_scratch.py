"""The classroom class: its experiment word for word, and its gradients."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from elman.scratch import ScratchSimpleRNNClassifier

NOTEBOOK = Path(__file__).parents[1] / "examples" / "the_seed.ipynb"
PRINTED = "[[0.79494228 0.81839002 0.83939649 0.85584174]]\n"


def classroom_arrays():
    x = np.array([[[1, 2], [2, 3], [3, 4]]]) / 100
    w_x = np.array([[1, 3, 5, 7], [3, 5, 7, 8]]) / 100
    w_h = np.array([[1, 3, 5, 7], [2, 4, 6, 8], [3, 5, 7, 8], [4, 6, 8, 10]]) / 100
    b = np.array([1, 1, 1, 1])
    return x, w_x, w_h, b


def make_random(rng, **options):
    rnn = ScratchSimpleRNNClassifier(2, 7, random_state=3, **options)
    return rnn, rng.standard_normal((3, 5, 2)), rng.uniform(-0.9, 0.9, (3, 7))


def loss_of(rnn, x, y):
    return np.sum((rnn.forward(x) - y) ** 2) / 2 / len(x)


def test_the_notebook_replays():
    """Each code cell runs, and prints what the notebook shows."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    namespace: dict[str, object] = {}
    printed_in_all = ""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout):
            exec("".join(cell["source"]), namespace)
        shown = "".join("".join(output["text"]) for output in cell["outputs"])
        assert stdout.getvalue() == shown
        printed_in_all += stdout.getvalue()
    assert len(cells) > 4
    assert PRINTED in printed_in_all


def test_the_classroom_experiment(capsys):
    x, w_x, w_h, b = classroom_arrays()
    rnn = ScratchSimpleRNNClassifier(n_features=2, n_nodes=4)
    rnn.Wx, rnn.Wh, rnn.b = w_x, w_h, b
    print(rnn.forward(x))
    assert capsys.readouterr().out == PRINTED
    assert rnn.hs.shape == (1, 3, 4)
    np.testing.assert_array_equal(rnn.hs[:, -1], rnn.forward(x))
    np.testing.assert_allclose(rnn.hs[0, 0], np.tanh(x[0, 0] @ w_x + b), rtol=1e-14)


def test_the_gradients_are_the_numeric_ones(rng):
    rnn, x, y = make_random(rng)
    for name, gradient in zip(("Wx", "Wh", "b"), rnn.gradients(x, y), strict=True):
        weight = getattr(rnn, name)
        for index in np.ndindex(weight.shape):
            kept, losses = weight[index], []
            for shift in (1e-5, -1e-5):
                weight[index] = kept + shift
                losses.append(loss_of(rnn, x, y))
            weight[index] = kept
            numeric = (losses[0] - losses[1]) / 2e-5
            np.testing.assert_allclose(gradient[index], numeric, rtol=1e-7, atol=1e-9)


def test_backward_descends_in_place(rng):
    rnn, x, y = make_random(rng, learning_rate=0.25)
    arrays = rnn.Wx, rnn.Wh, rnn.b
    before = [array.copy() for array in arrays]
    gradients = rnn.gradients(x, y)
    assert rnn.backward(x, y, rnn.forward(x)) is None
    for now, array, old, gradient in zip(
        (rnn.Wx, rnn.Wh, rnn.b), arrays, before, gradients, strict=True
    ):
        assert now is array
        np.testing.assert_array_equal(now, old - 0.25 * gradient)


def test_backward_learns(rng):
    rnn, x, y = make_random(rng, learning_rate=0.05)
    losses = []
    for _ in range(300):
        losses.append(loss_of(rnn, x, y))
        rnn.backward(x, y, rnn.forward(x))
    assert np.all(np.diff(losses) < 0)
    assert losses[-1] < losses[0] / 5


def test_weights_of_integers_are_not_truncated():
    x, w_x, _, b = classroom_arrays()
    y = np.full((1, 4), 0.5)
    answers = []
    for dtype in (np.int64, np.float64):
        rnn = ScratchSimpleRNNClassifier(2, 4, learning_rate=0.1)
        rnn.Wx, rnn.Wh, rnn.b = w_x.copy(), np.eye(4, dtype=dtype), b.astype(dtype)
        rnn.backward(x, y, rnn.forward(x))
        answers.append((rnn.Wx, rnn.Wh, rnn.b))
    for of_integers, of_floats in zip(*answers, strict=True):
        assert of_integers.dtype == np.float64
        np.testing.assert_array_equal(of_integers, of_floats)
    assert not np.array_equal(answers[0][2], b)
    np.testing.assert_array_equal(b, [1, 1, 1, 1])


def test_a_stale_h_is_said_and_the_step_still_exact(rng):
    rnn, x, y = make_random(rng)
    twin = ScratchSimpleRNNClassifier(2, 7, random_state=3)
    h = rnn.forward(x)
    for _ in range(2):
        twin.backward(x, y, twin.forward(x))
    rnn.backward(x, y, h)
    with pytest.warns(UserWarning, match="present weights"):
        rnn.backward(x, y, np.zeros_like(h))
    np.testing.assert_array_equal(rnn.Wh, twin.Wh)


def test_random_state_and_nothing_global():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (ScratchSimpleRNNClassifier(2, 4, random_state=5) for _ in range(2))
    other = ScratchSimpleRNNClassifier(2, 4, random_state=6)
    np.testing.assert_array_equal(first.Wh, second.Wh)
    assert not np.array_equal(first.Wh, other.Wh)
    first.initialize_weights()
    assert not np.array_equal(first.Wh, second.Wh)
    assert (first.Wx.shape, first.Wh.shape, first.b.shape) == ((2, 4), (4, 4), (4,))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda rnn, x: rnn.forward(x[0]), ValueError, r"x has shape \(5, 2\).*n_features"),
        (lambda rnn, x: rnn.forward(x[:, :, :1]), ValueError, r"x has shape \(3, 5, 1\)"),
        (lambda rnn, x: rnn.forward(x[:0]), ValueError, "holds no sample"),
        (lambda rnn, x: rnn.forward(x.astype(str)), TypeError, "x has dtype"),
        (lambda rnn, x: rnn.forward(x * 1j), TypeError, "x has dtype complex128"),
        (lambda rnn, x: rnn.forward(np.ma.masked_less(x, 0)), TypeError, "x is a masked array"),
        (lambda rnn, x: rnn.gradients(x, np.zeros((3, 2))), ValueError, r"y has shape \(3, 2\)"),
        (
            lambda rnn, x: rnn.backward(x, np.zeros((3, 7)), np.zeros((2, 7))),
            ValueError,
            r"h has shape \(2, 7\)",
        ),
    ],
)
def test_bad_arguments_are_named(rng, damage, error, message):
    rnn, x, _ = make_random(rng)
    with pytest.raises(error, match=message):
        damage(rnn, x)


def test_bad_weights_are_named(rng):
    rnn, x, _ = make_random(rng)
    rnn.Wh = rnn.Wh[:3]
    with pytest.raises(ValueError, match=r"Wh has shape \(3, 7\), expected .* = \(7, 7\)"):
        rnn.forward(x)


@pytest.mark.parametrize("sizes", [(0, 4), (2, 0), (2, 1.5)])
def test_bad_sizes_are_named(sizes):
    with pytest.raises(ValueError, match="whole number of at least 1"):
        ScratchSimpleRNNClassifier(*sizes)
