"""What the tests of the adapters share: data in each library's manner, and its own checks."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

LIBRARIES = [name for name in ("aeon", "sktime") if find_spec(name)]
"""Those that are installed here: an environment has one of them."""

LIMITS = {"hidden_size": 4, "max_iter": 2, "random_state": 3}
"""Hyper-parameters of a network that is trained at once."""


def adapter(library, kind):
    """The class "ElmanClassifier" or "ElmanRegressor" of a library."""
    return getattr(import_module(f"elman.adapters.{library}"), kind)


def given(library, X):
    """A list of (n_timesteps_i, n_features) arrays as the library takes them."""
    if library == "aeon":
        return [np.ascontiguousarray(x.T) for x in X]
    import pandas as pd

    return [pd.DataFrame(x) for x in X]


def ragged(rng, *, n=13, n_features=3):
    """Sequences of unequal lengths, two of which have as many steps as features."""
    lengths = [n_features, n_features, *rng.integers(1, 9, size=n - 2)]
    return [rng.normal(size=(length, n_features)) for length in lengths]


def targets(kind, n):
    """Labels or numbers of n samples."""
    numbers = np.arange(n) % 3
    return np.array(list("abc"))[numbers] if kind == "ElmanClassifier" else numbers * 0.75 - 1


def report_checks(results, name, library, capsys):
    """Print how many checks of a library ran, all of which have passed; return the number."""
    failed = {each: result for each, result in results.items() if str(result) != "PASSED"}
    assert failed == {}
    with capsys.disabled():
        print(f"\n{library} {version(library)}: {len(results)} checks of {name} pass")
    return len(results)
