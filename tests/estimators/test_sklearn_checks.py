"""Every check that scikit-learn has for estimators like ours."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler

SKLEARN_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) == (1, 9)


class OneLabelTagger(RNNTagger):
    """Takes a label for each sample, as the checks have them, for one of each of its steps."""

    def _targets(self, y, data, known, **options):
        return super()._targets(_for_each_step(y, data.lengths[0]), data, known, **options)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(
            X, y, np.unique(y) if classes is None else classes, sample_weight
        )

    def score(self, X, y, sample_weight=None):
        return super().score(X, _for_each_step(y, np.shape(X)[1]), sample_weight)


def _for_each_step(y, n_timesteps):
    return y if y is None else np.repeat(np.asarray(y).astype(int).reshape(-1, 1), n_timesteps, 1)


def expected_failures(estimator):
    if not isinstance(estimator, RNNTagger):
        return {}
    return {"check_sample_weights_shape": "weights of two dimensions are one for each step"}


@parametrize_with_checks(
    [RNNClassifier(), RNNRegressor(), OneLabelTagger(), SequenceScaler()],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.skipif(not SKLEARN_1_9, reason="counted with scikit-learn 1.9")
@pytest.mark.parametrize(
    ("estimator", "n_checks"),
    [(RNNClassifier(), 67), (RNNRegressor(), 60), (OneLabelTagger(), 49), (SequenceScaler(), 54)],
)
def test_number_of_checks(estimator, n_checks):
    """With other tags one check runs, and is green."""
    assert len(list(estimator_checks_generator(estimator))) == n_checks


@pytest.mark.skipif(not SKLEARN_1_9, reason="counted with scikit-learn 1.9")
def test_the_check_that_is_skipped_without_the_array_api():
    """It needs SCIPY_ARRAY_API=1 before scipy is imported."""
    program = (
        "from sklearn.utils.estimator_checks import check_array_api_input\n"
        "from elman import RNNClassifier\n"
        "check_array_api_input('RNNClassifier', RNNClassifier(random_state=0), 'numpy',"
        " expect_only_array_outputs=False)\n"
        "print('passed')"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
    )
    assert ran.stdout.strip() == "passed", ran.stderr


def test_the_estimators_share_defaults():
    classifier, regressor, tagger = (
        e().get_params() for e in (RNNClassifier, RNNRegressor, RNNTagger)
    )
    assert regressor.keys() - classifier.keys() == {"loss", "huber_delta"}
    assert classifier.keys() - regressor.keys() == {"class_weight", "label_smoothing"}
    assert tagger.keys() == classifier.keys() - {"readout"}
    for parameters in (regressor, tagger):
        shared = parameters.keys() & classifier.keys()
        differ = {name for name in shared if parameters[name] != classifier[name]}
        assert differ == ({"readout", "max_grad_norm"} if parameters is regressor else set())
