"""The loss of a network that knows nothing of X, and the least that label smoothing leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.sequence_data import labelled_of

from elman.nn.objectives import AnyLabels, OneClass, Values
from elman.training.base_rate import base_rate


def test_base_rate_of_classes_is_the_entropy_of_their_shares():
    training = labelled_of([0, 1, 1, 1, 2])
    expected = -sum(p * math.log(p) for p in (0.2, 0.6, 0.2))
    found = base_rate(training, labelled_of([2, 2]), OneClass(), 3)
    np.testing.assert_allclose(found, (expected, -math.log(0.2), 0), rtol=1e-6)
    weighted = labelled_of([0, 1, 1, 1, 2], np.array([3.0, 1, 1, 1, 3]))
    np.testing.assert_allclose(base_rate(weighted, None, OneClass(), 3).training, math.log(3))
    steps = labelled_of([0, -1, 1, 1, -1, 1, 2, -1, -1], per_step=True)
    np.testing.assert_allclose(base_rate(steps, None, OneClass(), 3).training, expected)


def test_base_rate_of_labels_and_of_values():
    training = labelled_of(np.array([[1, 0], [1, 1], [0, 0], [0, 0]], dtype=float))
    expected = math.log(2) - 0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    np.testing.assert_allclose(base_rate(training, None, AnyLabels(), 2).training, expected)
    values = labelled_of(np.array([[1.0], [2], [6], [np.nan]]), per_step=False)
    np.testing.assert_allclose(base_rate(values, None, Values(), 1).training, 14 / 3)
    # of absolute errors the median is the best constant
    np.testing.assert_allclose(base_rate(values, None, Values("absolute"), 1).training, 5 / 3)


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_the_least_loss_is_that_of_answers_that_are_the_smoothed_targets(smoothing):
    training = labelled_of([0, 1, 1, 1, 2])
    one, other = 1 - smoothing + smoothing / 3, smoothing / 3
    expected = -sum(p * math.log(p) for p in (one, other, other) if p)
    found = base_rate(training, None, OneClass(smoothing), 3)
    np.testing.assert_allclose(found.least, expected, atol=1e-12)
    labels = labelled_of(np.array([[1, 0], [1, 1], [0, 0], [0, 0]], dtype=float))
    halves = (1 - smoothing / 2, smoothing / 2)
    expected = -2 * sum(p * math.log(p) for p in halves if p)
    found = base_rate(labels, None, AnyLabels(smoothing), 2)
    np.testing.assert_allclose(found.least, expected, atol=1e-12)
    values = base_rate(labelled_of(np.array([[0.5], [1.0]])), None, Values(), 1)
    assert values.least == 0
