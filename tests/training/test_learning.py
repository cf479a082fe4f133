"""Every cell learns rules that only recurrence can answer.

A small sister of `benchmarks/learning.py`: gradients may be right at every step, and training still
not able to use them.
"""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor
from elman.data import make_adding_problem, make_temporal_xor, make_tomita

RULE = {
    "readout": "last",
    "alpha": 0.0,
    "standardize": False,
    "learning_rate_init": 0.02,
    "random_state": 0,
    "on_epoch": lambda epoch: epoch.loss < 1e-3,
}
every_cell = pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])


@every_cell
def test_temporal_xor_to_the_last_sample(cell):
    sizes = {"min_length": 3, "max_length": 6}
    X, y = make_temporal_xor(2500, random_state=0, **sizes)
    X_test, y_test = make_temporal_xor(500, random_state=1, **sizes)
    settings = RULE | ({"learning_rate_init": 0.003} if cell == "elman" else {})
    clf = RNNClassifier(31, cell=cell, max_iter=90, **settings).fit(X, y)
    assert clf.score(X_test, y_test) == 1
    assert clf.history_.stopped_by == "on_epoch"


@every_cell
def test_a_language_at_lengths_never_seen(cell):
    X, y = make_tomita(2, 1500, random_state=0)
    X_test, y_test = make_tomita(2, 500, min_length=20, max_length=50, random_state=1)
    settings = RULE | {"learning_rate_init": 0.01}
    clf = RNNClassifier(15, cell=cell, max_iter=60, **settings).fit(X, y)
    assert clf.score(X_test, y_test) == 1
    assert clf.history_.stopped_by == "on_epoch"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_two_marked_numbers_are_added(cell):
    X, y = make_adding_problem(1500, min_length=9, max_length=13, random_state=0)
    X_test, y_test = make_adding_problem(500, min_length=9, max_length=13, random_state=1)
    model = RNNRegressor(15, cell=cell, max_iter=40, **RULE).fit(X, y)
    assert np.mean((model.predict(X_test) - y_test) ** 2) < 0.002
