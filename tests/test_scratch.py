"""The classroom class: its notebook word for word, its gradients, and the notebook's own rule."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from elman.scratch import ScratchSimpleRNNClassifier

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "the_seed.ipynb"
PRINTED = "[[0.79494228 0.81839002 0.83939649 0.85584174]]\n"
NAMES = ("Wx", "Wh", "b")

CLASS_CELL = """
class ScratchSimpleRNNClassifier:
    def __init__(self, n_features, n_nodes, learning_rate=0.01):
        self.n_features = n_features
        self.n_nodes = n_nodes
        self.learning_rate = learning_rate
        self.Wx = None
        self.Wh = None
        self.b = None
        self.hs = []

    def initialize_weights(self):
        self.Wx = np.random.randn(self.n_features, self.n_nodes)
        self.Wh = np.random.randn(self.n_nodes, self.n_nodes)
        self.b = np.random.randn(self.n_nodes)

    def forward(self, x):
        batch_size, n_sequences, n_features = x.shape
        h = np.zeros((batch_size, self.n_nodes))
        self.hs = [h]
        for t in range(n_sequences):
            h = np.tanh(np.dot(x[:, t, :], self.Wx) + np.dot(h, self.Wh) + self.b)
            self.hs.append(h)
        return h

    def backward(self, x, y, h):
        batch_size, n_sequences, n_features = x.shape
        dWx = np.zeros_like(self.Wx)
        dWh = np.zeros_like(self.Wh)
        db = np.zeros_like(self.b)
        dh_next = np.zeros((batch_size, self.n_nodes))
        for t in reversed(range(n_sequences)):
            dh = (h - y) / batch_size + dh_next
            da = (1 - h**2) * dh
            dWx += np.dot(x[:, t, :].T, da)
            dWh += np.dot(h.T, da)
            db += np.sum(da, axis=0)
            dh_next = np.dot(dh, self.Wh.T)
        self.Wx -= self.learning_rate * dWx
        self.Wh -= self.learning_rate * dWh
        self.b -= self.learning_rate * db
"""
"""The notebook's class as a classroom writes it, its backward with the three shortcuts."""

IMPORT_CELL = "from elman.scratch import ScratchSimpleRNNClassifier"

OPTION_CELL = """
from functools import partial
from elman.scratch import ScratchSimpleRNNClassifier
ScratchSimpleRNNClassifier = partial(ScratchSimpleRNNClassifier, backward_rule="notebook")
"""

FORWARD_CELLS = [
    """
x = np.array([[[1, 2], [2, 3], [3, 4]]])/100
w_x = np.array([[1, 3, 5, 7], [3, 5, 7, 8]])/100
w_h = np.array([[1, 3, 5, 7], [2, 4, 6, 8], [3, 5, 7, 8], [4, 6, 8, 10]])/100
b = np.array([1, 1, 1, 1])
batch_size = x.shape[0]
n_sequences = x.shape[1]
n_features = x.shape[2]
n_nodes = w_x.shape[1]
""",
    """
rnn = ScratchSimpleRNNClassifier(n_features, n_nodes)
print(rnn.Wx, rnn.Wh, rnn.b, rnn.learning_rate)
rnn.Wx = w_x
rnn.Wh = w_h
rnn.b = b
h = rnn.forward(x)
print(h)
""",
    """
print(type(rnn.hs), len(rnn.hs), n_sequences + 1)
for state in rnn.hs:
    print(state.shape, state)
print(np.all(rnn.hs[0] == 0), np.all(rnn.hs[-1] == h), rnn.hs[2][0, 1])
print(rnn.hs)
""",
    """
np.random.seed(0)
rnn = ScratchSimpleRNNClassifier(n_features=3, n_nodes=5, learning_rate=0.1)
rnn.initialize_weights()
print(rnn.Wx, rnn.Wh, rnn.b)
print(np.random.rand())
x = np.random.randn(7, 4, 3)
print(rnn.forward(x), rnn.hs)
""",
]

BACKWARD_CELLS = [
    """
y = np.random.rand(7, 5)
rnn.backward(x, y, rnn.forward(x))
print(rnn.Wx, rnn.Wh, rnn.b)
""",
    """
for epoch in range(50):
    h = rnn.forward(x)
    rnn.backward(x, y, h)
    if epoch % 10 == 0:
        print(epoch, np.mean((h - y)**2))
print(rnn.Wx, rnn.Wh, rnn.b)
""",
    """
b = b.astype(float)
x = np.array([[[1, 2], [2, 3], [3, 4]]])/100
rnn = ScratchSimpleRNNClassifier(n_features, n_nodes)
rnn.Wx = w_x
rnn.Wh = w_h
rnn.b = b
h = rnn.forward(x)
for y in (np.array([[0.1, 0.3, 0.5, 0.7]]), np.array([0.1, 0.3, 0.5, 0.7])):
    for epoch in range(3):
        rnn.backward(x, y, h)
print(w_x, w_h, b)
print(rnn.forward(x))
""",
]


@pytest.fixture(autouse=True)
def global_generator_as_it_was():
    """The notebook seeds NumPy's global generator: other tests shall not see it."""
    kept = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(kept)  # noqa: NPY002


def classroom_arrays():
    x = np.array([[[1, 2], [2, 3], [3, 4]]]) / 100
    w_x = np.array([[1, 3, 5, 7], [3, 5, 7, 8]]) / 100
    w_h = np.array([[1, 3, 5, 7], [2, 4, 6, 8], [3, 5, 7, 8], [4, 6, 8, 10]]) / 100
    b = np.array([1, 1, 1, 1])
    return x, w_x, w_h, b


def give_weights(rnn, seed=3):
    """Weights of a size at which the states do not saturate, as arrays that nothing else holds."""
    rng = np.random.default_rng(seed)
    rnn.Wx = rng.standard_normal((2, 7)) / 2**0.5
    rnn.Wh = rng.standard_normal((7, 7)) / 7**0.5
    rnn.b = rng.standard_normal(7) / 5
    return rnn


def make_random(rng, **options):
    rnn = give_weights(ScratchSimpleRNNClassifier(2, 7, **options))
    return rnn, rng.standard_normal((3, 5, 2)), rng.uniform(-0.9, 0.9, (3, 7))


def run_cells(*cells):
    """What the cells print, and the names that they leave behind."""
    namespace = {"np": np}
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        for cell in cells:
            exec(cell, namespace)
    return stdout.getvalue(), namespace


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


@pytest.mark.parametrize(
    ("our_cell", "cells"),
    [
        (IMPORT_CELL, FORWARD_CELLS),
        (OPTION_CELL, FORWARD_CELLS + BACKWARD_CELLS),
    ],
    ids=["forward", "backward by the notebook's rule"],
)
def test_the_classroom_cells_run_with_only_the_class_replaced(our_cell, cells):
    """Line for line what the notebook's class prints; weights and states to the last bit."""
    printed, theirs = run_cells(CLASS_CELL, *cells)
    ours_printed, ours = run_cells(our_cell, *cells)
    assert PRINTED in printed
    assert ours_printed == printed
    for name in NAMES:
        np.testing.assert_array_equal(getattr(ours["rnn"], name), getattr(theirs["rnn"], name))
    assert isinstance(ours["rnn"].hs, list)
    for state, wanted in zip(ours["rnn"].hs, theirs["rnn"].hs, strict=True):
        np.testing.assert_array_equal(state, wanted)
    for name in ("x", "w_x", "w_h", "b", "h"):  # the pupil's own arrays, changed or not
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_the_classroom_cells_run_with_the_exact_rule():
    """By default only the updates differ: all cells run, and end with other weights."""
    cells = [*FORWARD_CELLS, *BACKWARD_CELLS]
    printed, _ = run_cells(CLASS_CELL, *FORWARD_CELLS)
    _, theirs = run_cells(CLASS_CELL, *cells)
    with pytest.warns(UserWarning, match="present weights"):  # the last cell keeps an old h
        ours_printed, ours = run_cells(IMPORT_CELL, *cells)
    assert ours_printed.startswith(printed)
    for name in NAMES:
        weight, wanted = getattr(ours["rnn"], name), getattr(theirs["rnn"], name)
        assert weight.shape == wanted.shape
        assert not np.array_equal(weight, wanted)


def updates_written_out(rule, x, y, h, hs, w_h):
    """The three updates of each rule from its formulas, an array for each step."""
    n_sequences = x.shape[1]
    error = (h - y) / len(x)
    dh = error
    das = []
    for t in range(n_sequences, 0, -1):
        state = h if rule == "notebook" else hs[t]
        da = dh * (1 - state * state)
        das.append((t, da))
        dh = dh @ w_h.T + error if rule == "notebook" else da @ w_h.T
    before = [h if rule == "notebook" else hs[t - 1] for t, _ in das]
    d_wx = sum(x[:, t - 1].T @ da for t, da in das)
    d_wh = sum(state.T @ da for state, (_, da) in zip(before, das, strict=True))
    return d_wx, d_wh, sum(da.sum(axis=0) for _, da in das)


@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("rule", ["exact", "notebook"])
def test_the_weights_follow_the_formulas_to_the_last_bit(rng, rule, n_samples):
    rnn = give_weights(ScratchSimpleRNNClassifier(2, 7, 0.02, backward_rule=rule))
    w_x, w_h, b = rnn.Wx.copy(), rnn.Wh.copy(), rnn.b.copy()
    x = rng.standard_normal((n_samples, 5, 2))
    y = rng.uniform(-0.9, 0.9, (n_samples, 7))
    start = [w_x, w_h, b]
    for call in range(1, 51):
        hs = [np.zeros((n_samples, 7))]
        for t in range(5):
            hs.append(np.tanh(x[:, t] @ w_x + hs[-1] @ w_h + b))
        d_wx, d_wh, db = updates_written_out(rule, x, y, hs[-1], hs, w_h)
        w_x, w_h, b = w_x - 0.02 * d_wx, w_h - 0.02 * d_wh, b - 0.02 * db
        rnn.backward(x, y, rnn.forward(x))
        if call in (1, 50):
            for name, wanted, old in zip(NAMES, (w_x, w_h, b), start, strict=True):
                np.testing.assert_array_equal(getattr(rnn, name), wanted)
                assert not np.array_equal(wanted, old)


def test_the_exact_rule_is_the_default(rng):
    default, x, y = make_random(rng)
    exact = give_weights(ScratchSimpleRNNClassifier(2, 7, backward_rule="exact"))
    notebook = give_weights(ScratchSimpleRNNClassifier(2, 7, backward_rule="notebook"))
    for rnn in (default, exact, notebook):
        rnn.backward(x, y, rnn.forward(x))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(default, name), getattr(exact, name))
        assert not np.allclose(getattr(default, name), getattr(notebook, name))


def test_the_notebook_rule_is_no_gradient(rng):
    """The derivative of a gradient is symmetric: true of the exact updates, not of these."""
    _, x, y = make_random(rng)

    def updates(flat, rule):
        rnn = ScratchSimpleRNNClassifier(2, 7, learning_rate=1.0, backward_rule=rule)
        rnn.Wx, rnn.Wh, rnn.b = flat[:14].reshape(2, 7), flat[14:63].reshape(7, 7), flat[63:]
        rnn.Wx, rnn.Wh, rnn.b = rnn.Wx.copy(), rnn.Wh.copy(), rnn.b.copy()
        rnn.backward(x, y, rnn.forward(x))
        return flat - np.concatenate([getattr(rnn, name).ravel() for name in NAMES])

    flat = rng.standard_normal(70) / 3
    asymmetry = {}
    for rule in ("exact", "notebook"):
        derivative = [
            (updates(flat + shift, rule) - updates(flat - shift, rule)) / 2e-5
            for shift in 1e-5 * np.eye(70)
        ]
        asymmetry[rule] = np.max(np.abs(np.array(derivative) - np.transpose(derivative)))
    assert asymmetry["exact"] < 1e-8
    assert asymmetry["notebook"] > 0.1


def test_the_notebook_rule_computes_with_the_h_it_is_given(rng, recwarn):
    rnn, x, y = make_random(rng, backward_rule="notebook")
    h = rng.uniform(-0.9, 0.9, (3, 7))
    w_h = rnn.Wh.copy()
    wanted = updates_written_out("notebook", x, y, h, None, w_h)
    rnn.backward(x, y, h)
    np.testing.assert_array_equal(rnn.Wh, w_h - 0.01 * wanted[1])
    assert not recwarn.list


def test_gradients_are_exact_whatever_the_rule(rng):
    exact, x, y = make_random(rng)
    notebook = give_weights(ScratchSimpleRNNClassifier(2, 7, backward_rule="notebook"))
    for one, other in zip(exact.gradients(x, y), notebook.gradients(x, y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_page_of_the_seed_computes_the_rules_of_the_class():
    """The script of docs/explanation/the-seed.md: its rebuilt rules are those of the class."""
    script = runpy.run_path(str(ROOT / "docs" / "explanation" / "the_seed_gradient.py"))
    rnn, x, y = script["drawn"]()
    for label in script["RULES"]:
        rebuilt = script["gradients"](rnn, x, y, script["SHORTCUTS"][label])
        of_the_class = script["directions"](rnn, x, y, label)
        for one, other in zip(rebuilt, of_the_class, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_the_classroom_experiment(capsys):
    x, w_x, w_h, b = classroom_arrays()
    rnn = ScratchSimpleRNNClassifier(n_features=2, n_nodes=4)
    rnn.Wx, rnn.Wh, rnn.b = w_x, w_h, b
    print(rnn.forward(x))
    assert capsys.readouterr().out == PRINTED
    assert isinstance(rnn.hs, list)
    assert [state.shape for state in rnn.hs] == [(1, 4)] * 4
    np.testing.assert_array_equal(rnn.hs[0], np.zeros((1, 4)))
    np.testing.assert_allclose(rnn.hs[1], np.tanh(x[:, 0] @ w_x + b), rtol=1e-14)
    np.testing.assert_array_equal(rnn.hs[3], rnn.forward(x))


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
    twin = give_weights(ScratchSimpleRNNClassifier(2, 7))
    h = rnn.forward(x)
    for _ in range(2):
        twin.backward(x, y, twin.forward(x))
    rnn.backward(x, y, h)
    with pytest.warns(UserWarning, match="present weights"):
        rnn.backward(x, y, np.zeros_like(h))
    np.testing.assert_array_equal(rnn.Wh, twin.Wh)


def test_weights_come_from_the_global_generator():
    np.random.seed(0)  # noqa: NPY002
    wanted = [np.random.randn(*shape) for shape in ((2, 4), (4, 4), (4,))]  # noqa: NPY002
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    rnn = ScratchSimpleRNNClassifier(2, 4)
    rnn.initialize_weights()
    for name, weight in zip(NAMES, wanted, strict=True):
        np.testing.assert_array_equal(getattr(rnn, name), weight)
        assert getattr(rnn, name).dtype == np.float64
    assert np.random.rand() == after  # noqa: NPY002


def test_random_state_and_nothing_global():
    before = np.random.get_state()[1:3]  # noqa: NPY002
    before = before[0].copy(), before[1]
    first, second = (ScratchSimpleRNNClassifier(2, 4, random_state=5) for _ in range(2))
    other = ScratchSimpleRNNClassifier(2, 4, random_state=np.int64(6))
    for rnn in (first, second, other):
        assert rnn.Wx is None
        rnn.initialize_weights()
    np.testing.assert_array_equal(first.Wh, second.Wh)
    assert not np.array_equal(first.Wh, other.Wh)
    first.initialize_weights()
    assert not np.array_equal(first.Wh, second.Wh)
    assert (first.Wx.shape, first.Wh.shape, first.b.shape) == ((2, 4), (4, 4), (4,))
    generator = np.random.RandomState(5)
    for name in NAMES:
        drawn = generator.randn(*getattr(second, name).shape)
        np.testing.assert_array_equal(getattr(second, name), drawn)
    after = np.random.get_state()[1:3]  # noqa: NPY002
    np.testing.assert_array_equal(after[0], before[0])
    assert after[1] == before[1]


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_random_state_may_be_a_generator(kind):
    rnn = ScratchSimpleRNNClassifier(2, 4, random_state=kind(8))
    rnn.initialize_weights()
    twin = kind(8)
    for name in NAMES:
        weight = getattr(rnn, name)
        np.testing.assert_array_equal(weight, twin.standard_normal(weight.shape))


@pytest.mark.parametrize(
    ("assigned", "message"),
    [
        ((), r"^Wx, Wh and b are None: call initialize_weights\(\).*assign"),
        (("Wx",), "^Wh and b are None: assign them too, as you assigned Wx "),
        (("Wx", "Wh"), "^b is None: assign it too, as you assigned Wx and Wh "),
    ],
)
def test_weights_that_are_none_are_named(rng, assigned, message):
    full, x, y = make_random(rng)
    rnn = ScratchSimpleRNNClassifier(2, 7)
    for name in assigned:
        setattr(rnn, name, getattr(full, name))
    h = full.forward(x)
    for act in (
        lambda: rnn.forward(x),
        lambda: rnn.gradients(x, y),
        lambda: rnn.backward(x, y, h),
    ):
        with pytest.raises(ValueError, match=message):
            act()
    assert rnn.hs == []


@pytest.mark.parametrize("rule", ["exact", "notebook"])
def test_a_read_only_weight_is_replaced(rng, rule):
    rnn, x, y = make_random(rng, backward_rule=rule)
    twin = give_weights(ScratchSimpleRNNClassifier(2, 7, backward_rule=rule))
    array, old = rnn.Wh, rnn.Wh.copy()
    array.flags.writeable = False
    for each in (rnn, twin):
        each.backward(x, y, each.forward(x))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(rnn, name), getattr(twin, name))
    np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("rule", ["exact", "notebook"])
def test_one_wanted_state_without_its_batch(rng, rule):
    """For a batch of one y may be (n_nodes,); for more it would be a guess, and is refused."""
    rnn, x, y = make_random(rng, backward_rule=rule)
    twin = give_weights(ScratchSimpleRNNClassifier(2, 7, backward_rule=rule))
    rnn.backward(x[:1], y[0], rnn.forward(x[:1]))
    twin.backward(x[:1], y[:1], twin.forward(x[:1]))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(rnn, name), getattr(twin, name))
    for wrong, batch in ((y[0], x), (y[0, :1], x[:1])):
        with pytest.raises(ValueError, match="y has shape"):
            rnn.backward(batch, wrong, rnn.forward(batch))


def test_bad_options_are_named(rng):
    with pytest.raises(ValueError, match="backward_rule='exakt' must be one of"):
        ScratchSimpleRNNClassifier(2, 7, backward_rule="exakt")
    rnn, x, y = make_random(rng)
    rnn.backward_rule = "seed"
    with pytest.raises(ValueError, match="backward_rule='seed'"):
        rnn.backward(x, y, rnn.forward(x))
    for random_state, error in ((-1, ValueError), (2**32, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match=f"random_state={random_state}"):
            ScratchSimpleRNNClassifier(2, 7, random_state=random_state)


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
@pytest.mark.parametrize("rule", ["exact", "notebook"])
def test_bad_arguments_are_named(rng, rule, damage, error, message):
    rnn, x, _ = make_random(rng, backward_rule=rule)
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


@pytest.mark.parametrize("size", [0, -1, 2.5, np.nan, np.inf, "3", None, True, [3], 3j])
def test_sizes_that_are_no_counts(size):
    for sizes in ({"n_features": size, "n_nodes": 3}, {"n_features": 2, "n_nodes": size}):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            ScratchSimpleRNNClassifier(**sizes)
