"""Integers that look like ids of tokens get a hint; quantities do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from elman.data.symbols import (
    Symbols,
    encoded_sequences,
    hint_of_token_ids,
    hint_of_whole_texts,
)

IDS = np.random.default_rng(0).integers(0, 9, size=(20, 7))
SIGNAL = np.rint(50 + 40 * np.sin(np.arange(400).reshape(4, 100) / 9)).astype(int)


@pytest.mark.parametrize(
    "X",
    [IDS, IDS.astype(np.uint8), IDS[:, :, None], [*IDS], [*IDS[:, :, None]], IDS.tolist()],
    ids=lambda X: f"{type(X).__name__}{np.shape(X)}",
)
def test_ids(X):
    hint = hint_of_token_ids(X)
    assert "9 distinct values from 0 to 8" in hint
    assert 'categorical_features="all"' in hint


@pytest.mark.parametrize(
    "X",
    [
        IDS.astype(float),
        IDS.astype(bool),
        IDS - 1,
        IDS % 2,
        IDS * 100,
        IDS[:2],
        np.arange(140).reshape(20, 7),
        SIGNAL,
        [*SIGNAL],
        IDS.reshape(10, 7, 2),
        [*IDS[:, None, :]],
        [*IDS[:, None, :], np.zeros((2, 2))],
        [[1.5], [2]],
        [[True, False] * 50],
        [["a"]],
        ["a"],
        "a",
        [],
        np.zeros((0, 3), int),
        np.zeros((90, 1), int),
        [[2**70] * 90],
        None,
        3,
        pd.DataFrame(IDS),
    ],
    ids=lambda X: f"{type(X).__name__} {str(X)[:20]!r}",
)
def test_no_ids(X):
    assert hint_of_token_ids(X) is None


NAMES = [f"name {i}" for i in range(11)]


def whole_texts(X):
    symbols = Symbols.learn(X)
    return hint_of_whole_texts(encoded_sequences(X, symbols), symbols)


@pytest.mark.parametrize(
    "X", [np.array(NAMES)[:, None], np.array(NAMES, object)[:, None], [[name] for name in NAMES]]
)
def test_texts_in_a_column_are_hinted_at(X):
    hint = whole_texts(X)
    assert hint.startswith("each of the 11 sequences of X is a single token, and 11 of these")
    assert "X[:, 0]" in hint


@pytest.mark.parametrize(
    "X",
    [
        NAMES,  # texts
        [name.split() for name in NAMES],  # two tokens each
        [[name] for name in NAMES[:9]],  # few
        [["a"], ["b"]] * 7,  # tokens that come again
        [[("a", i / 2)] for i in range(11)],  # rows
    ],
    ids=["texts", "words", "few", "again", "rows"],
)
def test_other_texts_are_not(X):
    assert whole_texts(X) is None
