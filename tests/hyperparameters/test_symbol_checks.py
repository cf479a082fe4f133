"""What categorical_features may be is said once, wherever it is asked for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.symbols import Symbols, has_symbols

WRONG = {
    "a name alone": ("item", ValueError, "='item' is not known; .*, such as ['item']"),
    "nothing": (None, TypeError, "=None is a NoneType; "),
    "a number": (3, TypeError, "=3 is an int; "),
    "an array without axes": (np.array(3), TypeError, "=array(3) is a ndarray; "),
    "two kinds": (["item", 1], TypeError, " holds 1; "),
    "bools and indices": ([True, 1], TypeError, " holds 1; "),
    "fractions": ([0.5], TypeError, " holds 0.5; "),
    "lists": ([[0], [1, 2]], TypeError, " holds [0]; "),
    "from the end": ([0, -1], ValueError, " holds -1; indices of columns begin at 0"),
    "an array from the end": (np.array([-1]), ValueError, " holds -1; indices of columns"),
}


@pytest.mark.parametrize("what", WRONG)
def test_values_that_cannot_be_are_refused_in_the_same_words(what):
    value, error, says = WRONG[what]
    pattern = "^categorical_features" + re.escape(says).replace(r"\.\*", ".*")
    X = [["a", "b"], ["b"]]
    asks = [
        lambda: Symbols.learn(X, categorical_features=value),
        lambda: has_symbols(X, value),
        *(
            lambda kind=kind: kind(max_iter=1, categorical_features=value).fit(X, [[0, 1], [1]])
            for kind in (RNNClassifier, RNNTagger, RNNRegressor)
        ),
    ]
    told = set()
    for ask in asks:
        with pytest.raises(error, match=pattern) as caught:
            ask()
        told.add(str(caught.value))
    assert len(told) == 1
