"""Seeded problems in; PyTorch's answers to them, in float64, into a file for each cell beside this.

    python tests/backends/golden/make_golden.py

in an environment with torch==2.13.0 and numpy; nothing else, and not this package.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import torch  # noqa: E402
from helpers.torch_judge import judge_cell, judge_normed_cell  # noqa: E402

# name: n_samples, n_timesteps, n_features, hidden_size, lengths, with an initial state
CASES = {
    "equal": (3, 5, 2, 7, None, False),
    "equal from a state": (4, 6, 3, 17, None, True),
    "unequal": (5, 6, 2, 7, [6, 4, 4, 2, 1], False),
    "unequal from a state": (6, 9, 1, 5, [8, 7, 5, 3, 1, 1], True),
    "one unit": (3, 4, 2, 1, [4, 2, 1], True),
    "a single long one": (1, 33, 5, 9, None, True),
}


# kind of cell: gates, biases and states
BLOCKS = {"tanh": (1, 1, 1), "relu": (1, 1, 1), "gru": (3, 4, 1), "lstm": (4, 4, 2)}
FILES = {
    "elman": ("tanh", "relu"),
    "gru": ("gru",),
    "lstm": ("lstm",),
    "normed": tuple(f"normed {kind}" for kind in BLOCKS),
}


def make_problem(sizes, lengths, with_state, n_gates, n_biases, n_states):
    n_samples, n_timesteps, n_features, hidden = sizes
    rng = np.random.default_rng(sizes)
    bound = hidden**-0.5
    return {
        "X": rng.standard_normal((n_samples, n_timesteps, n_features)),
        "W_x": rng.uniform(-bound, bound, (n_features, n_gates * hidden)),
        "W_h": rng.uniform(-bound, bound, (hidden, n_gates * hidden)),
        "b": rng.uniform(-bound, bound, n_biases * hidden),
        "dH": rng.standard_normal((n_samples, n_timesteps, hidden)),
        "dfinal": rng.standard_normal((n_samples, n_states * hidden)),
        "initial": rng.uniform(-1, 1, (n_samples, n_states * hidden)) if with_state else None,
        "lengths": None if lengths is None else np.array(lengths, dtype=np.int64),
    }


def main():
    for file, kinds in FILES.items():
        arrays = {"torch": np.array(torch.__version__)}
        for kind in kinds:
            for name, (*sizes, lengths, with_state) in CASES.items():
                plain = kind.removeprefix("normed ")
                problem = make_problem(sizes, lengths, with_state, *BLOCKS[plain])
                if plain == kind:
                    answers = judge_cell(**problem, kind=kind)
                else:
                    problem["gain"] = np.random.default_rng(1).uniform(0.5, 1.5, len(problem["b"]))
                    answers = judge_normed_cell(**problem, kind=plain)
                for key, array in problem.items():
                    if array is not None:
                        arrays[f"{kind}, {name}/given {key}"] = array
                for key, array in answers.items():
                    arrays[f"{kind}, {name}/{key}"] = array
        np.savez_compressed(HERE / f"{file}.npz", **arrays)
        n_cases = len(CASES) * len(kinds)
        print(f"wrote {n_cases} cases made with torch {torch.__version__} to {file}.npz")


if __name__ == "__main__":
    main()
