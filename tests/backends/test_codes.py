"""The kernel's names and the contract's: codes if they agree, if not an error with the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

from elman.backends import available_isas, get_backend
from elman.backends.cells import CELLS, NORM_EPSILON, Cell, CellKind, Weights
from elman.backends.codes import read_codes
from elman.nn.readouts import READOUTS

needs_kernel = pytest.mark.skipif(not available_isas(), reason="the kernel is not built")
NAMES = {
    "cells": ("elman", "gru", "lstm"),
    "activations": ("tanh", "relu"),
    "pools": ("none", "mean", "max", "mean_max"),
    "readouts": ("last", "mean", "max", "attention"),
    "missing": ("error", "mask", "skip"),
    "links": ("identity", "softmax", "sigmoid"),
}
SHAPES = {"elman": (1, 1, 1, 0), "gru": (3, 4, 1, 4), "lstm": (4, 4, 2, 5)}


def kernel(names=NAMES, shapes=SHAPES, epsilon=NORM_EPSILON):
    return SimpleNamespace(
        __file__="there/_native.so",
        names=lambda: names,
        shapes=lambda: shapes,
        NORM_EPSILON=epsilon,
    )


def test_a_code_is_the_place_of_a_name_in_the_kernel():
    codes = read_codes(kernel())
    assert codes.cell == {"elman": 0, "gru": 1, "lstm": 2}
    assert codes.outputs == {"sequence": 0, "final": 0, "mean": 1, "max": 2, "mean_max": 3}
    assert codes.readout == {"last": 0, "mean": 1, "max": 2, "attention": 3}
    reversed_names = {what: names[::-1] for what, names in NAMES.items()}
    codes = read_codes(kernel(reversed_names))
    assert codes.cell == {"elman": 2, "gru": 1, "lstm": 0}
    assert codes.activation == {"tanh": 1, "relu": 0}
    assert codes.outputs == {"sequence": 3, "final": 3, "mean": 2, "max": 1, "mean_max": 0}
    assert codes.readout == {"last": 3, "mean": 2, "max": 1, "attention": 0}
    assert codes.missing == {"error": 2, "mask": 1, "skip": 0}
    assert codes.link == {"identity": 2, "softmax": 1, "sigmoid": 0}


@needs_kernel
def test_the_kernel_knows_every_cell_and_no_readout_that_nobody_asks_for():
    from elman.backends import _native

    codes = read_codes(_native)
    assert set(codes.cell) == set(CELLS)
    assert set(codes.readout) <= set(READOUTS)


@pytest.mark.parametrize("what", sorted(set(NAMES) - {"cells"}))
@pytest.mark.parametrize("change", ["added", "renamed", "left out", "absent"])
def test_a_kernel_that_knows_other_names_is_refused(what, change):
    names = dict(NAMES)
    if change == "absent":
        del names[what]
    else:
        last = {"added": (NAMES[what][-1], "newer"), "renamed": ("newer",), "left out": ()}[change]
        names[what] = (*NAMES[what][:-1], *last)
    expected = rf"there/_native.so\) was built from .*'{what}'.*Install elman again"
    with pytest.raises(ImportError, match=expected):
        read_codes(kernel(names))


@pytest.mark.parametrize("cell", SHAPES)
@pytest.mark.parametrize("place", range(4))
def test_a_kernel_whose_cells_have_other_shapes_is_refused(cell, place):
    shape = list(SHAPES[cell])
    shape[place] += 1
    with pytest.raises(ImportError, match=f"its cell '{cell}' has .*Install elman again"):
        read_codes(kernel(shapes={**SHAPES, cell: tuple(shape)}))


def test_a_kernel_with_a_cell_of_its_own_is_refused():
    names = {**NAMES, "cells": (*NAMES["cells"], "leaky")}
    with pytest.raises(ImportError, match="the package has no cell 'leaky'"):
        read_codes(kernel(names, {**SHAPES, "leaky": (1, 1, 1, 0)}))


def test_a_kernel_with_another_epsilon_is_refused():
    with pytest.raises(ImportError, match="adds 1e-06 to a variance, not 1e-05"):
        read_codes(kernel(epsilon=1e-6))


def test_a_kernel_that_says_nothing_of_names_is_refused():
    with pytest.raises(ImportError, match="does not say what it knows"):
        read_codes(SimpleNamespace(isas=lambda: ["baseline"]))


def test_a_kernel_of_other_sources_is_no_missing_kernel():
    program = """
        import sys, types
        stale = types.ModuleType("elman.backends._native")
        stale.isas = lambda: ["baseline"]
        sys.modules[stale.__name__] = stale
        import elman.backends
        elman.backends._native = stale
        from elman.backends import available_backends, get_backend
        for function in (get_backend, available_backends):
            try:
                function()
            except ImportError as error:
                print(error)
        print(get_backend("reference").name)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "ELMAN_BACKEND": "", "ELMAN_ISA": "", "ELMAN_REQUIRE_NATIVE": "0"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    *refused, last = ran.stdout.splitlines()
    assert last == "reference"
    assert len(refused) == 2
    assert all("was built from other sources than this package" in line for line in refused)


@needs_kernel
def test_a_cell_that_only_the_reference_has_is_refused_by_name(monkeypatch, rng):
    monkeypatch.setitem(CELLS, "leaky", CellKind(("h",), ("h",), ("h",), ("a",), (0,), (0,), "h"))
    cell, backend = Cell("leaky"), get_backend("native")
    weights = Weights(*(rng.normal(size=shape) for shape in ((2, 7), (7, 7), (7,))))
    X, message = rng.normal(size=(3, 5, 2)), "cell 'leaky', only elman, gru, lstm; use backend='ref"
    with pytest.raises(ValueError, match=message):
        backend.forward(cell, X, None, None, weights)
    with pytest.raises(ValueError, match=message):
        backend.step(cell, X[:, 0].copy(), np.zeros((3, 7)), weights)
    with pytest.raises(ValueError, match=message):
        backend.stepper(cell, weights)
    with pytest.raises(ValueError, match=message):
        backend.group_rows(cell, 3, 7)
    tape = backend.forward(Cell(), X, None, None, weights, keep_tape=True).tape
    with pytest.raises(ValueError, match=message):
        backend.backward(None, None, tape._replace(cell=cell))
