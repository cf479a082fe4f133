"""Names in; data sets with their splits out: public ones, and made ones.

Where each is from, and its licence, is in docs/explanation/accuracy.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import archive, made_sets
from elman.data import load_japanese_vowels

Array = NDArray[Any]


class DataSet(NamedTuple):
    """Samples to learn from, and others to be asked about."""

    name: str
    kind: Literal["classification", "regression"]
    X_train: Any
    y_train: Array
    X_test: Any
    y_test: Array


def public(name: str) -> DataSet:
    """A public data set, with its official split."""
    if name == "JapaneseVowels":
        train, test = load_japanese_vowels("train"), load_japanese_vowels("test")
    elif name == "Trace":
        train, test = archive.load_trace("train"), archive.load_trace("test")
    elif name == "Coffee":
        train, test = archive.load_coffee("train"), archive.load_coffee("test")
    elif name == "digits":
        train, test = _digits()
    else:
        X_train, y_train, _ = archive.load(name, "train")
        X_test, y_test, _ = archive.load(name, "test")
        train, test = (X_train, y_train), (X_test, y_test)
    return DataSet(name, _kind(name), *train, *test)


def _digits() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Pictures of 8 rows, read row by row: 8 steps of 8 features; every fifth is for the test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits().images, load_digits().target
    test = np.arange(len(labels)) % 5 == 0
    return (images[~test], labels[~test]), (images[test], labels[test])


def made(name: str) -> DataSet:
    """A made data set; the test split is of another seed, and has 500 samples."""
    make = MADE[name]
    return DataSet(name, _kind(name), *make(), *make(n_samples=500, random_state=1))


def _kind(name: str) -> Literal["classification", "regression"]:
    return "regression" if name in REGRESSION else "classification"


MADE: dict[str, Callable[..., Any]] = {
    "bumps": made_sets.make_bumps,
    "slow curves": made_sets.make_slow_curves,
    "orders": made_sets.make_orders,
    "few textures": made_sets.make_few_textures,
    "loudnesses": made_sets.make_loudnesses,
    "recent mean": made_sets.make_recent_mean,
    "loudest": made_sets.make_loudest,
    "pulses": made_sets.make_pulses,
    "periods": made_sets.make_periods,
}
REGRESSION = ("Tecator", "Covid3Month", "recent mean", "loudest", "pulses", "periods")
PUBLIC = (
    *("JapaneseVowels", "ItalyPowerDemand", "GunPoint", "ArrowHead", "OSULeaf", "Trace", "Coffee"),
    *("Tecator", "Covid3Month", "digits"),
)
HELD_OUT = ("BasicMotions", "ACSF1")
"""Public sets that no choice of a default looked at, to see whether the choices carry over."""
LOADERS: dict[str, Callable[[], DataSet]] = {
    **{name: partial(public, name) for name in (*PUBLIC, *HELD_OUT)},
    **{name: partial(made, name) for name in MADE},
}


def load(name: str) -> DataSet:
    """Any of them."""
    return LOADERS[name]()
