"""Labels that look like numbers: a warning; numbers for a tagger: advice that holds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.targets.hints import warn_of_numbers
from elman.targets.steps import check_tags


def warned(y):
    classes, codes = np.unique(y, return_inverse=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_numbers(classes, codes)
    for warning in caught:
        assert warning.category is UserWarning
        assert "RNNRegressor" in str(warning.message)
        assert f"{len(classes)} different numbers in {len(y)} samples" in str(warning.message)
    return bool(caught)


NUMBERS = {
    "99 values of 600": lambda rng: rng.integers(1, 100, size=600),
    "rounded": lambda rng: np.round(rng.normal(50, 20, size=600)).astype(int),
    "whole floats": lambda rng: np.round(rng.normal(50, 20, size=600)),
    "unsigned": lambda rng: rng.integers(0, 60, size=200).astype(np.uint8),
    "objects": lambda rng: rng.integers(0, 60, size=200).astype(object),
    "a list": lambda rng: rng.integers(0, 60, size=200).tolist(),
    "all different": lambda rng: rng.permutation(100) * 3,
    "a few": lambda rng: np.arange(45) % 25,
}

CLASSES = {
    "strings": lambda rng: rng.integers(0, 60, size=200).astype(str),
    "twenty": lambda rng: rng.integers(0, 20, size=100),
    "many samples": lambda rng: rng.integers(0, 100, size=1000),
    "as many of each": lambda rng: np.repeat(np.arange(100), 5),
    "about as many of each": lambda rng: rng.permutation(np.repeat(np.arange(100), [3, 6] * 50)),
    "bools": lambda rng: rng.integers(0, 2, size=9).astype(bool),
}


@pytest.mark.parametrize("make", NUMBERS.values(), ids=NUMBERS)
def test_numbers_as_labels(rng, make):
    assert warned(make(rng))


@pytest.mark.parametrize("make", CLASSES.values(), ids=CLASSES)
def test_labels_that_are_numbers(rng, make):
    assert not warned(make(rng))


@pytest.mark.parametrize("change", [np.asarray, lambda y: y.astype(object), list])
def test_numbers_for_a_tagger(change):
    whole, fractions = np.array([1.0, 2.0, 0.0]), np.array([1.0, 2.5])
    lengths = np.array([3, 2])
    classes, codes = check_tags([change(whole), change(whole[:2])], lengths)
    assert classes.dtype.kind == "i"
    np.testing.assert_array_equal(classes[codes], [1, 2, 0, 1, 2])
    with pytest.raises(TypeError, match=r"y\[0\]\[1\] is 2\.5.*RNNRegressor predicts") as caught:
        check_tags([change(fractions), change(whole[:2])], np.array([2, 2]))
    assert "astype" not in str(caught.value)


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNTagger, RNNRegressor])
def test_answers_by_key_are_not_taken_in_the_order_of_the_dict(estimator):
    y = {"b": [1, 0], "a": [0, 1], "c": [1, 1]}
    with pytest.raises(TypeError, match=r"y is a dict, .* in the order of X"):
        estimator(hidden_size=3).fit(np.ones((3, 2, 1)), y)
