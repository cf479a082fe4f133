"""Every gradient against central differences in float64, and the check against planted errors."""

from __future__ import annotations

import numpy as np
import pytest

import elman
from elman.backends.contract import Cell, Weights
from elman.backends.reference import ReferenceBackend
from elman.inspection.gradcheck import ArgumentReport, GradcheckReport, gradcheck

CELL_ARGUMENTS = ["X", "initial", "W_x", "W_h", "b"]
NETWORK_ARGUMENTS = [
    "X",
    "recurrent0.W_x",
    "recurrent0.W_h",
    "recurrent0.b",
    "head.W",
    "head.b",
]


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_cell(backend, activation, ragged):
    report = gradcheck(activation=activation, ragged=ragged, backend=backend, seed=1)
    assert [argument.name for argument in report.arguments] == CELL_ARGUMENTS
    assert report.tolerance == 1e-7
    assert report.passed, report


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_whole_network(backend, activation, readout):
    report = gradcheck(activation=activation, readout=readout, backend=backend, seed=2)
    assert [argument.name for argument in report.arguments] == NETWORK_ARGUMENTS
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
@pytest.mark.parametrize("readout", [None, "max"])
def test_other_sizes(backend, sizes, readout):
    report = gradcheck(**sizes, readout=readout, backend=backend, max_elements=60)
    assert report.passed, report


def test_two_classes_and_one():
    for n_classes in (1, 2):
        report = gradcheck(readout="last", n_classes=n_classes, backend="reference")
        assert report.arguments[-1].shape == (n_classes,)
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
        factors = {name: self.factors.get(name, 1) for name in CELL_ARGUMENTS}
        for dweight, name in zip(right.dweights, Weights._fields, strict=True):
            dweight *= factors[name]
        dX = None if right.dX is None else right.dX * factors["X"]
        return right._replace(dX=dX, dinitial=right.dinitial * factors["initial"])


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


def test_a_wrong_factor_is_caught_through_the_network():
    report = gradcheck(readout="mean", backend=Wrong(W_h=1.001))
    assert not report.passed
    assert report.worst.name == "recurrent0.W_h"


class Forgetful(ReferenceBackend):
    """Reads the gradient past a sample's end, as a backward without lengths would."""

    def backward(self, dH, dfinal, tape, **options):
        return super().backward(dH, dfinal, tape._replace(lengths=None), **options)


def test_forgotten_lengths_are_caught():
    assert not gradcheck(backend=Forgetful()).passed
    assert gradcheck(backend=Forgetful(), ragged=False).passed


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
        ({"readout": "median"}, "readout='median' is not known; choose one of last, mean, max"),
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
