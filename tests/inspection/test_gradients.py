"""Every gradient against central differences in float64, and the check against planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import GATED, KINDS, cell_of

import elman
from elman.backends import reference
from elman.backends.cells import CELLS, Cell, Weights
from elman.backends.reference import POINTWISE, Pointwise, ReferenceBackend
from elman.inspection.gradcheck import OBJECTIVES, ArgumentReport, GradcheckReport, gradcheck
from elman.nn.categories import table_backward
from elman.nn.objectives import Values

CELL_ARGUMENTS = ["X", "initial", "W_x", "W_h", "b"]


def check(kind="tanh", **options):
    cell = cell_of(kind)
    options |= {"activation": cell.activation, "layer_norm": cell.layer_norm}
    return gradcheck(cell=cell.name, **options)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_cell(backend, kind, ragged):
    report = check(kind, ragged=ragged, backend=backend, seed=1)
    expected = ["X", "initial", *cell_of(kind).weight_names]
    assert [argument.name for argument in report.arguments] == expected
    assert report.tolerance == 1e-7
    assert report.passed, report


@pytest.mark.parametrize(
    "readout", ["last", "mean", "max", ("max", "last"), ("last", "max", "mean")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_network(backend, kind, readout):
    report = check(kind, readout=readout, backend=backend, seed=2, max_elements=40)
    expected = [f"recurrent0.{name}" for name in cell_of(kind).weight_names]
    expected = ["X", *expected, "head.W", "head.b"]
    assert [argument.name for argument in report.arguments] == expected
    assert report.passed, report


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_samples": 1, "n_timesteps": 1, "n_features": 1, "hidden_size": 1},
        {"n_samples": 2, "n_timesteps": 9, "n_features": 1, "hidden_size": 3},
        {"n_samples": 5, "n_timesteps": 3, "n_features": 4, "hidden_size": 1},
        {"n_samples": 15, "n_timesteps": 4, "n_features": 2, "hidden_size": 5},
        {"n_samples": 3, "n_timesteps": 6, "n_features": 5, "hidden_size": 17},
    ],
    ids=lambda sizes: "-".join(map(str, sizes.values())),
)
@pytest.mark.parametrize(
    ("kind", "readout"),
    [
        ("tanh", None),
        ("tanh", "max"),
        ("gru", None),
        ("lstm", None),
        ("lstm", "max"),
    ],
)
def test_other_sizes(backend, sizes, kind, readout):
    n_elements = 60 if kind == "tanh" else 24
    report = check(kind, **sizes, readout=readout, backend=backend, max_elements=n_elements)
    assert report.passed, report


@pytest.mark.parametrize(("kind", "readout"), [("normed tanh", None), ("normed lstm", "mean")])
def test_other_sizes_with_layer_norm(backend, kind, readout):
    sizes = {"n_samples": 5, "n_timesteps": 6, "n_features": 3, "hidden_size": 17}
    report = check(kind, **sizes, readout=readout, backend=backend, max_elements=24)
    assert report.passed, report


def test_two_classes_and_one():
    for n_classes in (1, 2):
        report = gradcheck(readout="last", n_classes=n_classes, backend="reference")
        assert report.arguments[-1].shape == (n_classes,)
        assert report.passed, report


@pytest.mark.parametrize("kind", GATED)
def test_a_long_memory(backend, kind):
    """Thirty steps, where what is carried past the recurrent product makes most of the gradient."""
    report = check(
        kind, n_samples=3, n_timesteps=30, hidden_size=5, backend=backend, max_elements=12
    )
    assert report.passed, report


def test_every_element_is_compared_unless_there_are_too_many():
    report = gradcheck(backend="reference", max_elements=45)
    checked = {argument.name: argument.n_checked for argument in report.arguments}
    assert checked == {"X": 40, "initial": 28, "W_x": 14, "W_h": 45, "b": 7}


class Wrong(ReferenceBackend):
    """Backpropagation through time with one error in it."""

    def __init__(self, **factors):
        self.factors = factors

    def backward(self, dH, dfinal, tape, **options):
        right = super().backward(dH, dfinal, tape, **options)
        for dweight, name in zip(right.dweights.arrays, tape.cell.weight_names, strict=True):
            dweight *= self.factors.get(name, 1)
        dX = None if right.dX is None else right.dX * self.factors.get("X", 1)
        dinitial = right.dinitial * self.factors.get("initial", 1)
        return right._replace(dX=dX, dinitial=dinitial)


@pytest.mark.parametrize("name", CELL_ARGUMENTS)
@pytest.mark.parametrize("factor", [1 + 3e-7, -1, 0])
def test_a_wrong_factor_is_caught_and_named(name, factor):
    report = gradcheck(backend=Wrong(**{name: factor}))
    assert not report.passed
    assert report.worst.name == name
    assert report.worst.error == pytest.approx(min(abs(factor - 1), 2), rel=0.01)
    others = [argument.error for argument in report.arguments if argument.name != name]
    assert max(others) <= 1e-7
    assert "FAILED" in str(report)


@pytest.mark.parametrize("kind", GATED)
@pytest.mark.parametrize("name", CELL_ARGUMENTS)
def test_a_wrong_factor_is_caught_in_a_gated_cell(kind, name):
    report = check(kind, backend=Wrong(**{name: 1 + 3e-7}), max_elements=20)
    assert not report.passed
    assert report.worst.name == name


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_a_wrong_factor_is_caught_through_the_network(kind):
    report = check(kind, readout="mean", backend=Wrong(W_h=1.001), max_elements=20)
    assert not report.passed
    assert report.worst.name == "recurrent0.W_h"


def times_block(array, block, n_blocks, factor):
    array = array.copy()
    np.split(array, n_blocks, axis=1)[block][...] *= factor
    return array


def without_a_gate(cell, gate):
    """A backward that forgets what one gate is made of."""

    def mutate(step):
        sums = CELLS[cell].biases
        return step._replace(dS=times_block(step.dS, sums.index(gate), len(sums), 0))

    return cell, mutate


def swapped(array, first, second, n_blocks):
    blocks = np.split(array, n_blocks, axis=1)
    blocks[first], blocks[second] = blocks[second], blocks[first]
    return np.hstack(blocks)


MUTATIONS = {
    **{f"gru without {gate}": without_a_gate("gru", gate) for gate in CELLS["gru"].biases},
    **{f"lstm without {gate}": without_a_gate("lstm", gate) for gate in CELLS["lstm"].biases},
    "gru carries nothing": ("gru", lambda s: s._replace(dprevious=0 * s.dprevious)),
    "gru resets before the product": (
        "gru",
        lambda s: s._replace(dS=np.hstack([*np.hsplit(s.dS, 4)[:3], np.hsplit(s.dS, 4)[2]])),
    ),
    "gru's r and z change places": ("gru", lambda s: s._replace(dS=swapped(s.dS, 0, 1, 4))),
    "gru's n and hn change places": ("gru", lambda s: s._replace(dS=swapped(s.dS, 2, 3, 4))),
    "lstm carries nothing": ("lstm", lambda s: s._replace(dprevious=0 * s.dprevious)),
    "lstm's h is fed back twice": (
        "lstm",
        lambda s: s._replace(dprevious=np.hstack([np.hsplit(s.dprevious, 2)[1]] * 2)),
    ),
    "lstm's i and f change places": ("lstm", lambda s: s._replace(dS=swapped(s.dS, 0, 1, 4))),
    "lstm's g and o change places": ("lstm", lambda s: s._replace(dS=swapped(s.dS, 2, 3, 4))),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_backward_of_a_gated_cell_is_caught(monkeypatch, name):
    cell, mutate = MUTATIONS[name]
    right = POINTWISE[cell, "tanh"]
    wrong = Pointwise(right.forward, lambda *given: mutate(right.backward(*given)))
    monkeypatch.setitem(POINTWISE, (cell, "tanh"), wrong)
    report = check(cell, backend=ReferenceBackend(), max_elements=20)
    assert not report.passed
    assert report.worst.error > 1e-3


@pytest.mark.parametrize("cell", CELLS)
def test_a_wrong_backward_of_the_normalisation_is_caught(monkeypatch, cell):
    """One that takes mean and deviation for constants."""

    def without_moments(dnormalised, norms, n_sums):
        n, width = dnormalised.shape
        return (dnormalised.reshape(n, n_sums, -1) * norms[:, width:, None]).reshape(n, width)

    monkeypatch.setattr(reference, "_through_normalisation", without_moments)
    report = gradcheck(cell=cell, layer_norm=True, backend=ReferenceBackend(), max_elements=20)
    assert not report.passed
    assert report.worst.error > 1e-3


class Forgetful(ReferenceBackend):
    """Reads the gradient past a sample's end, as a backward without lengths would."""

    def backward(self, dH, dfinal, tape, **options):
        return super().backward(dH, dfinal, tape._replace(lengths=None), **options)


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_forgotten_lengths_are_caught(kind):
    assert not check(kind, backend=Forgetful(), max_elements=30).passed
    assert check(kind, backend=Forgetful(), ragged=False, max_elements=30).passed


class OneElement(ReferenceBackend):
    """The smallest element of W_h's gradient off by a hundred-millionth of the largest."""

    def backward(self, dH, dfinal, tape, **options):
        right = super().backward(dH, dfinal, tape, **options)
        size = np.abs(right.dweights.W_h)
        self.where = np.unravel_index(np.argmin(size), size.shape)
        right.dweights.W_h[self.where] += 1e-8 * size.max()
        return right


def test_one_small_wrong_element_is_caught_and_located():
    backend = OneElement()
    report = gradcheck(backend=backend)
    assert not report.passed
    assert (report.worst.name, report.worst.index) == ("W_h", backend.where)


class NotANumber(ReferenceBackend):
    def backward(self, dH, dfinal, tape, **options):
        right = super().backward(dH, dfinal, tape, **options)
        right.dweights.b[1] = np.nan
        return right


@pytest.mark.parametrize("readout", ["last", "every"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary", "squared", "absolute", "huber"])
def test_every_loss_through_a_network(backend, readout, loss):
    report = gradcheck(readout=readout, loss=loss, n_classes=2, backend=backend)
    assert report.passed, report
    assert f"loss={loss}" in report.configuration


def test_the_cell_alone_has_no_loss():
    with pytest.raises(ValueError, match=r"loss='huber' is of a whole network.*readout"):
        gradcheck(loss="huber")


def test_a_wrong_loss_fails(monkeypatch):
    class Wrong(Values):
        def loss(self, *args):
            losses, gradient = super().loss(*args)
            return losses, np.clip(gradient, -0.1, 0.1)

    monkeypatch.setitem(OBJECTIVES, "huber", Wrong("huber"))
    assert not gradcheck(readout="mean", loss="huber", backend="reference").passed


def test_nan_does_not_pass():
    report = gradcheck(backend=NotANumber())
    assert not report.passed
    assert (report.worst.name, report.worst.index) == ("b", (1,))


def test_relu_at_a_kink_is_kept_out_of_reach():
    """The same problem without the redrawing would put units within a difference of zero."""
    for seed in range(5):
        report = gradcheck(
            activation="relu", n_samples=7, hidden_size=31, seed=seed, max_elements=40
        )
        assert report.passed, report


def test_the_report_reads_well():
    right = ArgumentReport("W_x", (2, 7), 14, 3e-11, (1, 6), 0.25, 0.25)
    wrong = ArgumentReport("W_h", (7, 7), 49, 2e-4, (0, 3), -1.5, -1.4997)
    report = GradcheckReport("elman tanh", 1e-7, (right, wrong))
    assert report.worst is wrong
    lines = str(report).splitlines()
    assert lines[0] == "elman tanh"
    assert lines[1].split() == [
        "argument", "shape", "checked", "rel.", "error", "at", "analytic", "numeric",
    ]  # fmt: skip
    assert "2.0e-04" in lines[3]
    assert lines[-1] == "FAILED: worst is W_h at 2.0e-04, tolerance 1e-07"
    assert GradcheckReport("", 1e-7, (right,)).passed


def test_the_same_seed_is_the_same_report():
    first, second, other = (gradcheck(backend="reference", seed=seed) for seed in (3, 3, 4))
    assert first == second
    assert first != other


def test_it_is_a_public_name():
    assert elman.gradcheck is gradcheck


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_timesteps": 0}, "n_timesteps=0 must be at least 1"),
        ({"hidden_size": -2}, "hidden_size=-2"),
        ({"readout": "last", "n_features": 0}, "n_features=0 must be at least 1"),
        ({"categories": ((3, 2),)}, "categories are of a whole network: choose a readout too"),
        ({"readout": "last", "categories": ((0, 2),)}, r"categories\[0\]\[0\]=0"),
        ({"readout": "median"}, "readout='median' is not known; choose one of 'last', 'mean', "),
        ({"loss": "hinge"}, "loss='hinge' is not known; choose one of cross_entropy, binary"),
        ({"activation": "sigmoid"}, "activation='sigmoid'"),
        ({"cell": "rwkv"}, "cell='rwkv'"),
        ({"backend": "abacus"}, "abacus"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gradcheck(**arguments)


def test_one_unit_and_one_step_by_hand():
    """Without any numeric differentiation: dh/db = 1 - tanh(a)^2 = 1 / cosh(a)^2."""
    weights = Weights(np.array([[0.5]]), np.array([[0.0]]), np.array([0.25]))
    out = ReferenceBackend().forward(
        Cell(), np.ones((1, 1, 1)), None, None, weights, keep_tape=True
    )
    gradient = ReferenceBackend().backward(None, np.ones((1, 1)), out.tape)
    by_hand = 1 / np.cosh(0.75) ** 2
    np.testing.assert_allclose(gradient.dweights.b, [by_hand], rtol=1e-14)
    np.testing.assert_allclose(gradient.dX, [[[0.5 * by_hand]]], rtol=1e-14)


@pytest.mark.parametrize("spoilt", ["embedding0.E", "recurrent0.W_x"])
def test_a_wrong_gradient_of_categories_is_caught(monkeypatch, spoilt):
    def wrong(dtable, named, blocks, dblocks, backend):
        dvectors = table_backward(dtable, named, blocks, dblocks, backend)
        if spoilt == "embedding0.E":
            return tuple(None if d is None else d * 1.001 for d in dvectors)
        dblocks[1][2, 0] += 0.01 * np.abs(dblocks[1]).max()
        return dvectors

    options = {"readout": "mean", "backend": "reference", "categories": ((3, 2), (4, 0))}
    assert gradcheck(**options, n_features=1).passed
    monkeypatch.setattr("elman.nn.layers.table_backward", wrong)
    report = gradcheck(**options, n_features=1)
    assert not report.passed
    assert report.worst.name == spoilt
    assert "3 categories as vectors of 2, 4 categories one-hot" in report.configuration
