"""Comparisons that set the earlier defaults set all of them."""

from __future__ import annotations

from benchmarks.earlier import EARLIER, OF_REGRESSOR, as_recorded
from benchmarks.rows import FORMER
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.hyperparameters.declared import DECLARED, defaults_of


def test_they_are_those_that_older_files_mean():
    changed = {name: each for name, each in DECLARED.items() if each.earlier != each.default}
    assert {name: each.earlier for name, each in changed.items()} == EARLIER


def test_a_regressor_has_those_that_it_shared_as_well():
    shared, own = defaults_of("RNNClassifier"), defaults_of("RNNRegressor")
    differ = [name for name in own.keys() & shared.keys() if own[name] != shared[name]]
    assert {name: shared[name] for name in differ} == OF_REGRESSOR
    assert as_recorded(RNNRegressor, max_grad_norm=2.0) == EARLIER | {
        "readout": "max",
        "max_grad_norm": 2.0,
    }
    for estimator in (RNNClassifier, RNNTagger):
        assert as_recorded(estimator, alpha=0.5) == EARLIER | {"alpha": 0.5}
    assert EARLIER.items() <= FORMER.items()
