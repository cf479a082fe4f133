"""Seeded problems in; PyTorch's answers to them, in float64, into `elman.npz` beside this script.

    python tests/golden/make_golden.py

in an environment with torch==2.13.0 and numpy; nothing else, and not this package.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import torch  # noqa: E402
from torch_judge import judge_cell  # noqa: E402

# name: n_samples, n_timesteps, n_features, hidden_size, lengths, with an initial state
CASES = {
    "equal": (3, 5, 2, 7, None, False),
    "equal from a state": (4, 6, 3, 17, None, True),
    "unequal": (5, 6, 2, 7, [6, 4, 4, 2, 1], False),
    "unequal from a state": (6, 9, 1, 5, [8, 7, 5, 3, 1, 1], True),
    "one unit": (3, 4, 2, 1, [4, 2, 1], True),
    "a single long one": (1, 33, 5, 9, None, True),
}


def main():
    arrays = {"torch": np.array(torch.__version__)}
    for activation in ("tanh", "relu"):
        for name, (n_samples, n_timesteps, n_features, hidden, lengths, state) in CASES.items():
            rng = np.random.default_rng([n_samples, n_timesteps, n_features, hidden])
            bound = hidden**-0.5
            problem = {
                "X": rng.standard_normal((n_samples, n_timesteps, n_features)),
                "W_x": rng.uniform(-bound, bound, (n_features, hidden)),
                "W_h": rng.uniform(-bound, bound, (hidden, hidden)),
                "b": rng.uniform(-bound, bound, hidden),
                "dH": rng.standard_normal((n_samples, n_timesteps, hidden)),
                "dfinal": rng.standard_normal((n_samples, hidden)),
                "initial": rng.uniform(-1, 1, (n_samples, hidden)) if state else None,
                "lengths": None if lengths is None else np.array(lengths, dtype=np.int64),
            }
            answers = judge_cell(**problem, activation=activation)
            for key, array in problem.items():
                if array is not None:
                    arrays[f"{activation}, {name}/given {key}"] = array
            for key, array in answers.items():
                arrays[f"{activation}, {name}/{key}"] = array
    np.savez_compressed(HERE / "elman.npz", **arrays)
    print(f"wrote {len(CASES) * 2} cases made with torch {torch.__version__} to elman.npz")


if __name__ == "__main__":
    main()
