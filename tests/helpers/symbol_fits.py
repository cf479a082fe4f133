"""Small fitted models of texts, tokens and mixed tables, with what they were trained on."""

from __future__ import annotations

from functools import cache

import numpy as np

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.named import NamedSequences

TEXTS = ["abba", "cab ba", "b", "cca", "bbabc", "ca", "dab", "abcabca"]
LENGTHS = (4, 6, 1, 3, 5, 2, 3, 7)
LABELS = np.array(["yes", "no", "no", "yes", "no", "yes", "no", "yes"])
SMALL = {"hidden_size": 3, "max_iter": 2, "random_state": 0, "backend": "reference"}


def tokens():
    """Sequences of words, some of which occur once."""
    words = np.array(["the", "of", "sea", "cat", "ran", "blue"])
    rng = np.random.default_rng(1)
    return [words[rng.integers(0, len(words), size=n)].tolist() for n in LENGTHS]


def tables():
    """Steps of a number, a category of text, a number, and a category of whole numbers."""
    rng = np.random.default_rng(2)
    samples = []
    for n in LENGTHS:
        rows = np.empty((n, 4), object)
        rows[:, 0] = rng.normal(5, 2, size=n)
        rows[:, 1] = rng.choice(["buy", "look", "leave"], size=n)
        rows[:, 2] = rng.normal(size=n)
        rows[:, 3] = rng.integers(10, 14, size=n)
        samples.append(rows)
    return NamedSequences(samples, ("price", "action", "wait", "item"))


DATA = {"characters": lambda: list(TEXTS), "tokens": tokens, "tables": tables}


def fitted_classifier(form, **options):
    """A classifier of one form of X."""
    return RNNClassifier(**SMALL | _columns(form) | options).fit(DATA[form](), LABELS)


def fitted_tagger(form, **options):
    """A tagger of one form of X."""
    X = DATA[form]()
    y = [LABELS[(np.arange(len(x)) + len(x)) % 8] for x in X]
    return RNNTagger(**SMALL | _columns(form) | options).fit(X, y)


def fitted_regressor(form, **options):
    """A regressor of one form of X."""
    X = DATA[form]()
    return RNNRegressor(**SMALL | _columns(form) | options).fit(X, np.array([len(x) for x in X]))


KINDS = {
    "classifier": fitted_classifier,
    "tagger": fitted_tagger,
    "regressor": fitted_regressor,
}


@cache
def fitted_once(kind, form):
    """The same model for all tests that only look at it."""
    return KINDS[kind](form)


def _columns(form):
    return {"categorical_features": ["action", "item"]} if form == "tables" else {}
