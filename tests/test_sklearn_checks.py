"""Every check that scikit-learn has for estimators like ours."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import sklearn
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from elman import RNNClassifier, RNNRegressor, SequenceScaler

SKLEARN_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) == (1, 9)


@parametrize_with_checks([RNNClassifier(), RNNRegressor(), SequenceScaler()])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.skipif(not SKLEARN_1_9, reason="counted with scikit-learn 1.9")
@pytest.mark.parametrize(
    ("estimator", "n_checks"), [(RNNClassifier(), 67), (RNNRegressor(), 60), (SequenceScaler(), 54)]
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
