"""Counts of tokens are what scikit-learn counts, and linear rules over them learn what they say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from elman.evaluation.token_counts import MOST_PAIRS, Counts, StepTokens, fit_linear

TEXTS = ["abba", "c", "", "cabba", "bb"]
IDS = {"a": 1, "b": 2, "c": 3}


def encoded(texts):
    return [np.array([[IDS[c]] for c in text], float).reshape(-1, 1) for text in texts]


def test_counts_are_those_of_a_vectorizer():
    found = Counts([4], pairs=True)(encoded(TEXTS))
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(1, 2))
    expected = vectorizer.fit_transform(TEXTS)
    assert found.shape == (5, 4 + 16) == (5, Counts([4], pairs=True).n_columns(1))
    for term, j in vectorizer.vocabulary_.items():
        ids = [IDS[c] for c in term]
        column = ids[0] if len(ids) == 1 else 4 + ids[0] * 4 + ids[1]
        np.testing.assert_allclose(
            found[:, [column]].toarray(), np.log1p(expected[:, [j]].toarray())
        )
    assert found.nnz == expected.nnz
    alone = Counts([4], pairs=False)(encoded(TEXTS))
    np.testing.assert_array_equal(alone.toarray(), found[:, :4].toarray())


def test_several_columns_and_numbers_stand_side_by_side():
    x = np.array([[1, 0, 5.0], [1, 1, 7.0], [np.nan, 1, 9.0]])
    counts = Counts([3, 2], pairs=False)
    found = counts([x, x[:1]])
    assert found.shape == (2, counts.n_columns(3)) == (2, 3 + 2 + 4)
    row = found[[0], :].toarray()[0]
    np.testing.assert_allclose(row[:5], np.log1p([0, 2, 0, 1, 2]))  # NaN is not counted
    np.testing.assert_allclose(row[5:], [7, np.std([5, 7, 9]), 9, 3])


def test_pairs_do_not_reach_across_samples_nor_gaps():
    x = np.array([[1.0], [np.nan], [2.0]])
    found = Counts([3], pairs=True)([x, x[2:]])
    assert not found[:, 3:].toarray().any()


def test_pairs_of_many_categories_share_columns():
    n = 2000
    rng = np.random.default_rng(0)
    X = [rng.integers(0, n, size=(50, 1)).astype(float) for _ in range(7)]
    found = Counts([n], pairs=True)(X)
    assert found.shape == (7, n + MOST_PAIRS)
    pairs = found[:, n:]
    assert 7 * 49 - 5 <= pairs.nnz <= 7 * 49  # nearly all have a column of their own
    np.testing.assert_array_equal(found.toarray(), Counts([n], pairs=True)(X).toarray())


def test_steps_see_their_token_and_those_before():
    x, other = np.array([[1.0, 7.0], [2.0, 8.0], [0.0, 9.0]]), np.array([[1.0, 5.0]])
    tokens = StepTokens([3], n_before=1)
    found = tokens([x, other]).toarray()
    assert found.shape == (4, tokens.n_columns(2)) == (4, 3 * 2 + 2)
    np.testing.assert_array_equal(
        found[:, :6],
        [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0], [1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0]],
    )
    np.testing.assert_array_equal(sorted(found[1, 6:]), [7, 8])


@pytest.mark.parametrize("of_numbers", [False, True])
def test_rules_learn_what_counts_say(of_numbers):
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 4, size=(9, 1)).astype(float) for _ in range(120)]
    n = np.array([(x == 2).sum() for x in X])
    y = n.astype(float)[:, np.newaxis] if of_numbers else np.where(n > 2, "many", "few")
    A = Counts([4], pairs=False)(X)
    answers = fit_linear(A[:80], y[:80], of_numbers=of_numbers)(A[80:])
    if of_numbers:
        assert answers.shape == (40, 1)
        constant = np.abs(y[80:] - y[:80].mean()).mean()
        assert np.abs(answers - y[80:]).mean() < constant / 2
    else:
        assert np.mean(answers == y[80:]) > 0.9


def test_pairs_tell_what_counts_cannot():
    y = np.arange(40) % 2
    X = [np.array([[1.0], [2.0]] if label else [[2.0], [1.0]]) for label in y]
    for pairs, expected in ((False, 0.5), (True, 1.0)):
        A = Counts([3], pairs=pairs)(X)
        assert np.mean(fit_linear(A, y, of_numbers=False)(A) == y) == expected
