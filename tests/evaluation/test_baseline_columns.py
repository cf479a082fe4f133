"""Columns that simple rules see, and rules learned from them."""

from __future__ import annotations

import numpy as np

from elman.evaluation.baselines import fit_logistic, fit_ridge, summarised, with_steps_before


def test_summarised_leaves_out_what_is_missing():
    x = np.array([[1.0, np.nan], [3.0, 5.0], [8.0, np.nan]])
    found = summarised([x, np.zeros((0, 2))])
    assert found.shape == (2, 7)
    np.testing.assert_allclose(found[0], [4, 5, np.std([1, 3, 8]), 0, 8, np.nan, 3])
    np.testing.assert_array_equal(found[1], [*[np.nan] * 6, 0])


def test_steps_stand_beside_those_before():
    found = with_steps_before(2)([np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[7.0]])])
    n = np.nan
    np.testing.assert_array_equal(found, [[n, n, 1], [n, 1, 2], [1, 2, 3], [2, 3, 4], [n, n, 7]])


def test_rules_learn_where_values_are_missing(rng):
    A = rng.normal(size=(61, 3))
    A[::7, 1] = np.nan
    labels = np.where(A[:, 0] > 0, "up", "down")
    assert np.mean(fit_logistic(A, labels)(A) == labels) > 0.9
    values = np.stack([2 * A[:, 0], A[:, 2] - 5], axis=1)
    answers = fit_ridge(A, values)(A)
    assert answers.shape == (61, 2)
    np.testing.assert_allclose(answers, values, atol=0.3)
