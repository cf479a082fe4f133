"""A seed in; the data, settings and goals of everything that each cell is to learn, out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from elman.data import make_adding_problem, make_parity, make_temporal_xor, make_tomita

SEEDS = range(10)
TEST_SEED = 10_000
"""Added to a seed for the test data."""


class Split(NamedTuple):
    """Data of one seed."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any


class Task(NamedTuple):
    """One thing to learn, and what counts as having learned it."""

    name: str
    data: Callable[[int], Split]
    settings: dict[str, Any]
    goal: float
    """test accuracy in per cent; of a regression, the largest mean squared error"""
    n_needed: int | None
    """how many seeds of ten must reach the goal; None: their mean must"""
    about: str
    enough: float = 0.0
    """training ends with the first epoch whose mean training loss is below this"""
    is_regression: bool = False
    of_elman: dict[str, Any] | None = None
    """what is set otherwise for a plain Elman cell; None: it cannot be expected to learn this"""

    @property
    def cells(self) -> list[str]:
        """Which cells are to learn it."""
        return ["gru", "lstm"] if self.of_elman is None else ["elman", "gru", "lstm"]

    def settings_of(self, cell: str) -> dict[str, Any]:
        """What the estimator is given."""
        return self.settings | ((self.of_elman or {}) if cell == "elman" else {})


# Nothing to shrink and nothing to scale: the answer is a rule, the inputs are bits.
RULE = {
    "readout": "last",
    "alpha": 0.0,
    "standardize": False,
    "learning_rate_init": 0.01,
    "batch_size": 64,
}


def xor(seed: int) -> Split:
    train, test = (make_temporal_xor(n, random_state=s) for n, s in both(4000, seed))
    return Split(*train, *test)


def parity(seed: int) -> Split:
    train = make_parity(4000, min_length=1, max_length=15, random_state=seed)
    test = make_parity(1000, min_length=16, max_length=50, random_state=TEST_SEED + seed)
    return Split(*train, *test)


def tomita(grammar: int) -> Callable[[int], Split]:
    def data(seed: int) -> Split:
        train = make_tomita(grammar, 4000, random_state=seed)
        test = make_tomita(
            grammar, 1000, min_length=16, max_length=50, random_state=TEST_SEED + seed
        )
        return Split(*train, *test)

    return data


def digits(seed: int) -> Split:
    """Pixel by pixel, row after row; tested on a fifth, settings tried on a fifth of the rest."""
    given = load_digits()
    X = (given.images.reshape(-1, 64, 1) / 16).astype(np.float32)
    split = train_test_split(X, given.target, test_size=360, stratify=given.target, random_state=0)
    if seed not in SEEDS:
        X, _, y, _ = split
        split = train_test_split(X, y, test_size=287, stratify=y, random_state=1)
    X_train, X_test, y_train, y_test = split
    return Split(X_train, y_train, X_test, y_test)


def adding(seed: int) -> Split:
    sizes = {"min_length": 150, "max_length": 150}
    train, test = (make_adding_problem(n, random_state=s, **sizes) for n, s in both(5000, seed))
    return Split(*train, *test)


def both(n_train: int, seed: int) -> list[tuple[int, int]]:
    """How many samples, and the seed, of training and test data."""
    return [(n_train, seed), (1000, TEST_SEED + seed)]


TASKS = (
    Task(
        "temporal XOR",
        xor,
        RULE | {"hidden_size": 24, "max_iter": 100},
        100.0,
        10,
        "10 steps, 4000 to train on",
        enough=3e-4,
        of_elman={"learning_rate_init": 0.003, "batch_size": 32},
    ),
    Task(
        "parity",
        parity,
        RULE | {"hidden_size": 24, "max_iter": 100, "solver": "adamw", "alpha": 0.1},
        100.0,
        10,
        "trained on 4000 strings of 1-15 bits, tested on 16-50",
        enough=1e-3,
    ),
    *(
        Task(
            f"Tomita {grammar}",
            tomita(grammar),
            RULE | {"hidden_size": 48 if grammar == 6 else 24, "max_iter": 100},
            99.0,
            9,
            "trained on 4000 strings of 1-15 bits, tested on 16-50",
            enough=3e-4,
            of_elman={} if grammar in (1, 2) else None,
        )
        for grammar in (1, 2, 4, 6)
    ),
    Task(
        "digits",
        digits,
        {
            "readout": "max",
            "hidden_size": 96,
            "dropout": 0.3,
            "alpha": 0.0,
            "learning_rate_init": 0.005,
            "max_iter": 40,
        },
        94.0,
        None,
        "64 steps of one pixel, 1437 to train on",
        enough=0.03,
    ),
    Task(
        "adding problem",
        adding,
        RULE | {"hidden_size": 32, "max_iter": 60},
        0.01,
        None,
        "150 steps, 5000 to train on",
        enough=3e-3,
        is_regression=True,
    ),
)
