"""The vectors of categories are those that the network adds up with."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.symbol_fits import KINDS, TEXTS, fitted_classifier, fitted_once

from elman import RNNClassifier


@pytest.mark.parametrize("kind", KINDS)
def test_of_one_hot_columns_they_are_the_rows_of_the_input_weights(kind):
    fit = fitted_once(kind, "characters")
    tokens, vectors = fit.token_vectors()
    assert tokens == ["<unknown>", *fit.symbols_.vocabularies[0].tokens]
    assert set(tokens[1:]) == set("".join(TEXTS))
    np.testing.assert_array_equal(vectors, fit.weights_["recurrent0.W_x"])
    assert not np.shares_memory(vectors, fit.weights_["recurrent0.W_x"])


def test_of_two_directions_they_stand_side_by_side():
    fit = fitted_classifier("tables", bidirectional=True, cell="gru")
    tokens, vectors = fit.token_vectors("item")
    n_actions = fit.symbols_.n_categories[0]
    rows = slice(n_actions, n_actions + len(tokens))
    both = [fit.weights_[f"recurrent0.{name}"][rows] for name in ("W_x", "reverse.W_x")]
    np.testing.assert_array_equal(vectors, np.hstack(both))
    assert tokens[1:] == list(fit.symbols_.vocabularies[1].tokens)


def test_of_embeddings_they_are_those():
    fit = fitted_classifier("tables", embedding_size={"action": 2})
    tokens, vectors = fit.token_vectors(1)  # by the column's number in X
    np.testing.assert_array_equal(vectors, fit.weights_["embedding0.E"])
    assert vectors.shape == (len(tokens), 2)
    np.testing.assert_array_equal(fit.token_vectors("action").vectors, vectors)


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (None, r"2 categorical columns: pass column= one of \['action', 'item'\]"),
        ("price", "no categorical column of X; those are"),
        (0, "no categorical column"),
        (True, "no categorical column"),
        (-1, "no categorical column"),
    ],
)
def test_a_column_that_is_none_is_an_error(column, match):
    with pytest.raises(ValueError, match=match):
        fitted_once("classifier", "tables").token_vectors(column)


def test_a_model_of_numbers_has_none():
    fit = RNNClassifier(3, max_iter=1, random_state=0).fit([[[1.0]], [[2.0]]], [0, 1])
    with pytest.raises(ValueError, match="trained on numbers alone"):
        fit.token_vectors()
