"""A seed in; the data, settings and goals of everything that each cell is to learn, out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from benchmarks import symbol_sets
from benchmarks.made_symbols import HiddenMarkov, make_event_logs
from elman import RNNClassifier, RNNRegressor, RNNTagger
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
    groups: list[int] | None = None
    """of the training data, the numbers of groups that folds do not tear apart"""


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
    is_tagging: bool = False
    """whether every step has an answer"""
    is_given: bool = False
    """whether all seeds up to 9 have the same data, split in the same way"""
    linear: str | None = None
    """what a linear model beside it reads, of `benchmarks.learning_linear.CANDIDATES`; with it, X
    is sequences of symbols"""
    limit: Callable[[Split], float] | None = None
    """the test accuracy in per cent that nobody can expect to exceed, where it is known"""

    @property
    def estimator(self) -> type[RNNClassifier] | type[RNNRegressor] | type[RNNTagger]:
        """Of ours, the class that learns it."""
        if self.is_tagging:
            return RNNTagger
        return RNNRegressor if self.is_regression else RNNClassifier

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


SYMBOLS = {"alpha": 0.0, "standardize": False}
OF_GENES = {
    "readout": "max",
    "embedding_size": 16,
    "hidden_size": 64,
    "dropout": 0.3,
    "learning_rate_init": 0.005,
    "batch_size": 32,
    "max_iter": 25,
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


def words(seed: int) -> Split:
    """Tested on a fifth of the words of each language, the same for every seed up to 9; settings
    tried on a fifth of the rest.
    """
    given = symbol_sets.language_words()
    split = train_test_split(
        given.strings, given.labels, test_size=0.2, stratify=given.labels, random_state=0
    )
    if seed not in SEEDS:
        X, _, y, _ = split
        split = train_test_split(X, y, test_size=0.25, stratify=y, random_state=1)
    X_train, X_test, y_train, y_test = split
    return Split(X_train, y_train, X_test, y_test)


def genes(*, is_new: bool) -> Callable[[int], Split]:
    """Codons of DNA, three letters each, split as `words`; is_new: a group of strings that share a
    stretch belongs to one side, so that the test asks about genes of which no version was seen.
    """

    def data(seed: int) -> Split:
        given = symbol_sets.gene_families()
        X, y = [codons(string) for string in given.strings], given.labels
        groups = given.groups if is_new else list(range(len(X)))
        train, test = fifth(y, groups, 0)
        if seed not in SEEDS:
            part, rest = fifth([y[i] for i in train], [groups[i] for i in train], 1)
            train, test = train[part], train[rest]
        sides = (of(rows) for rows in (train, test) for of in (_at(X), _at(y)))
        return Split(*sides, groups=_at(groups)(train))

    return data


def codons(string: str) -> list[str]:
    """Three letters in each, from the first one on; one or two that are left over are dropped."""
    return [string[i : i + 3] for i in range(0, len(string) - 2, 3)]


def fifth(y: list[str], groups: list[int], random_state: int) -> list[Any]:
    """Rows of four fifths and of one, with about the same share of each class."""
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=random_state)
    return list(next(folds.split(np.zeros(len(y)), y, groups)))


def _at(values: list[Any]) -> Callable[[Any], list[Any]]:
    return lambda rows: [values[i] for i in rows]


def event_logs(seed: int) -> Split:
    train, test = (make_event_logs(n, random_state=s) for n, s in both(2000, seed))
    return Split(*train, *test)


TAGS = HiddenMarkov.drawn(n_tags=8, n_words=300, random_state=1)


def tags(seed: int) -> Split:
    train, test = (TAGS.draw(n, random_state=s) for n, s in both(4000, seed))
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
    Task(
        "language of a word",
        words,
        SYMBOLS
        | {
            "readout": "last",
            "embedding_size": 32,
            "hidden_size": 128,
            "dropout": 0.5,
            "learning_rate_init": 0.005,
            "batch_size": 64,
            "max_iter": 20,
        },
        85.0,
        None,
        "12 languages, letter by letter, 19200 words to train on",
        is_given=True,
        linear="letters",
    ),
    Task(
        "gene family",
        genes(is_new=False),
        SYMBOLS | OF_GENES,
        70.0,
        None,
        "7 families, up to 166 codons, 2314 to train on, with other versions of most genes",
        is_given=True,
        linear="codons",
    ),
    Task(
        "gene family of new genes",
        genes(is_new=True),
        SYMBOLS | OF_GENES,
        37.0,
        None,
        "7 families, up to 166 codons, 2314 to train on, of other genes",
        is_given=True,
        linear="codons",
    ),
    Task(
        "order of two events",
        event_logs,
        RULE | {"embedding_size": 16, "hidden_size": 24, "max_iter": 60},
        99.0,
        9,
        "logs of 20-60 events, of which two are rare, 2000 to train on",
        enough=1e-3,
        of_elman={"learning_rate_init": 0.003},
        linear="counts",
    ),
    Task(
        "tags of words",
        tags,
        SYMBOLS
        | {
            "embedding_size": 16,
            "hidden_size": 32,
            "bidirectional": True,
            "dropout": 0.3,
            "learning_rate_init": 0.005,
            "batch_size": 32,
            "max_iter": 10,
        },
        89.0,
        None,
        "8 hidden states of a Markov chain that emit 300 words, 4000 sentences to train on",
        is_tagging=True,
        linear="windows",
        limit=lambda split: TAGS.limit(split.X_test),
    ),
)
