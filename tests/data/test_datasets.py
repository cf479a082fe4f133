"""JapaneseVowels: every recording is there, and its values are those of the archive's text."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from elman.data import check_sequences, load_japanese_vowels
from elman.data.datasets import JAPANESE_VOWELS

TRAIN, TEST = load_japanese_vowels("train"), load_japanese_vowels("test")


@pytest.mark.parametrize(
    ("split", "counts", "shortest", "longest", "steps"),
    [
        (TRAIN, [30] * 9, 7, 26, 4274),
        (TEST, [31, 35, 88, 44, 29, 24, 40, 50, 29], 7, 29, 5687),
    ],
    ids=["train", "test"],
)
def test_counts(split, counts, shortest, longest, steps):
    X, y = split
    assert isinstance(X, list)
    assert len(X) == len(y) == sum(counts)
    assert {x.dtype for x in X} == {np.dtype(np.float32)}
    assert {x.shape[1] for x in X} == {12}
    lengths = [len(x) for x in X]
    assert (min(lengths), max(lengths), sum(lengths)) == (shortest, longest, steps)
    labels, found = np.unique(y, return_counts=True)
    assert labels.tolist() == list("123456789")
    assert found.tolist() == counts
    assert check_sequences(X).n_features == 12


# Text of the .ts files: split, recording, step, feature, the six decimals there.
LITERALS = [
    ("train", 0, 0, 0, "1.860936"),
    ("train", 0, 19, 11, "-0.175986"),
    ("train", 29, 4, 6, "-0.07638"),
    ("train", 123, 3, 1, "-0.8814"),
    ("train", 269, 6, 11, "0.226729"),
    ("test", 0, 0, 0, "1.635533"),
    ("test", 1, 2, 3, "-0.216131"),
    ("test", 154, 10, 5, "0.015653"),
    ("test", 369, 5, 0, "1.273056"),
    ("test", 369, -1, -1, "0.224688"),
]


@pytest.mark.parametrize(("split", "sample", "step", "feature", "text"), LITERALS)
def test_literal_values(split, sample, step, feature, text):
    X, _ = {"train": TRAIN, "test": TEST}[split]
    assert X[sample][step, feature] == np.float32(text)


def test_every_value_is_a_decimal_of_six_places():
    """float32 of the archive's text: rounding back to its six places loses nothing."""
    for X, _ in (TRAIN, TEST):
        values = np.concatenate(X)
        np.testing.assert_array_equal(np.round(values.astype(float), 6).astype("f4"), values)


def test_both_splits_together():
    X, y = load_japanese_vowels(None)
    assert len(X) == len(y) == 640
    for x, expected in zip(X, TRAIN[0] + TEST[0], strict=True):
        np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, np.concatenate([TRAIN[1], TEST[1]]))


def test_default_is_the_training_split():
    assert len(load_japanese_vowels()[0]) == 270


def test_every_call_gives_fresh_arrays():
    first = load_japanese_vowels("train")[0]
    first[0].fill(0)
    np.testing.assert_array_equal(load_japanese_vowels("train")[0][0], TRAIN[0][0])


def test_other_splits():
    with pytest.raises(ValueError, match="split='validation' is not known; choose 'train'"):
        load_japanese_vowels("validation")


def test_source_and_licence_travel_with_the_file():
    folder = files("elman.data") / "files"
    for text in (
        (folder / "README.md").read_text(encoding="utf-8"),
        (folder / "LICENSE-japanese-vowels.txt").read_text(encoding="utf-8"),
        JAPANESE_VOWELS,
        load_japanese_vowels.__doc__,
    ):
        for word in ("10.24432/C5NS47", "CC BY 4.0", "Kudo", "Toyama", "Shimbo"):
            assert word in text


def test_the_file_is_the_one_the_script_makes():
    content = (files("elman.data") / "files" / "japanese_vowels.npz").read_bytes()
    assert len(content) < 500_000
    X, _ = load_japanese_vowels(None)
    digest = hashlib.sha256(np.concatenate(X).astype("<f4").tobytes()).hexdigest()
    assert digest == "f4e9490b1d6bf2010c017a59ae028910153bb3c6406716e6f29d9e27b62aa5c4"
