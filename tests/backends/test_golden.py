"""Every backend against PyTorch's values and gradients, kept in golden/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.problems import GATED, Problem, assert_all_close, assert_within, cell_of

from elman.backends.cells import CELLS, Weights

GOLDEN = {}
MADE_WITH = {}
for cell in (*CELLS, "normed"):
    with np.load(Path(__file__).parent / "golden" / f"{cell}.npz", allow_pickle=False) as npz:
        GOLDEN |= {name: npz[name] for name in npz.files}
        MADE_WITH[cell] = str(npz["torch"])
CASES = sorted({name.split("/")[0] for name in GOLDEN} - {"torch"})
ANSWERS = ["H", "final", "dX", "dinitial", "dW_x", "dW_h", "db", "dgain"]


def golden_problem(case, dtype):
    def given(name):
        array = GOLDEN.get(f"{case}/given {name}")
        return array if array is None or name == "lengths" else array.astype(dtype)

    problem = Problem(
        cell_of(case.split(",")[0]),
        given("X"),
        given("lengths"),
        given("initial"),
        Weights(given("W_x"), given("W_h"), given("b"), given("gain")),
        given("dH"),
        given("dfinal"),
    )
    answers = {name: GOLDEN.get(f"{case}/{name}") for name in ANSWERS}
    return problem, {name: answer for name, answer in answers.items() if answer is not None}


def test_the_cases_are_all_there():
    assert all(version.startswith("2.13.0") for version in MADE_WITH.values())
    assert len(CASES) == 48
    assert sum(f"{case}/given lengths" in GOLDEN for case in CASES) == 24
    assert sum(f"{case}/given initial" in GOLDEN for case in CASES) == 32
    assert sum(f"{case}/dgain" in GOLDEN for case in CASES) == 24
    assert all(sum(case.startswith(kind) for case in CASES) == 6 for kind in GATED)


@pytest.mark.parametrize("case", CASES)
def test_float64(backend, case):
    problem, answers = golden_problem(case, np.float64)
    ours = problem.answers(backend)
    for name, expected in answers.items():
        assert_within(1e-12, ours[name], expected, name)


@pytest.mark.parametrize("case", CASES)
def test_float32(backend, case):
    problem, answers = golden_problem(case, np.float32)
    rounded = {name: answer.astype(np.float32) for name, answer in answers.items()}
    assert_all_close(problem.answers(backend), rounded, problem.own_lengths)
