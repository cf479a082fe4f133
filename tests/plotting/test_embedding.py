"""The picture of vectors shows the tokens that occur most, where their vectors differ most."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.symbol_fits import KINDS, TEXTS, fitted_classifier, fitted_once
from sklearn.decomposition import PCA

from elman import RNNClassifier
from elman.plotting import EmbeddingDisplay
from elman.plotting.embedding import on_a_plane

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("shape", [(9, 5), (3, 7), (2, 2), (5, 1), (1, 4)])
def test_points_are_the_principal_components(rng, shape):
    vectors = rng.normal(size=shape)
    points, shares = on_a_plane(vectors)
    assert points.shape == (shape[0], 2)
    n = min(2, *shape) if shape[0] > 1 else 0
    if n:
        expected = PCA(n).fit(vectors)
        np.testing.assert_allclose(
            np.abs(points[:, :n]), np.abs(expected.transform(vectors)), atol=1e-12
        )
        np.testing.assert_allclose(shares[:n], expected.explained_variance_ratio_, atol=1e-12)
    assert not points[:, n:].any()
    assert not shares[n:].any()
    for column in points.T:
        assert column[np.abs(column).argmax()] >= 0  # one of the two signs


@pytest.mark.parametrize("kind", KINDS)
def test_the_most_frequent_tokens_are_drawn_first(kind):
    fit = fitted_once(kind, "characters")
    display = EmbeddingDisplay.from_estimator(fit, n_tokens=3)
    vocabulary = fit.symbols_.vocabularies[0]
    assert display.tokens == [token for token, _ in vocabulary.most_frequent(3)]
    assert display.counts.tolist() == [n for _, n in vocabulary.most_frequent(3)]
    rows = [vocabulary.id_of(token) for token in display.tokens]
    np.testing.assert_array_equal(display.vectors, fit.token_vectors().vectors[rows])
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels == display.tokens
    assert "the 3 most frequent of 6" in display.ax_.get_title()
    frame = display.frame()
    assert frame["token"].tolist() == display.tokens
    np.testing.assert_array_equal(frame["first"], display.points[:, 0])


def test_a_column_and_a_trained_model_are_drawn_too():
    fit = fitted_classifier("tables", embedding_size={"item": 2})
    display = EmbeddingDisplay.from_estimator(fit.model_, column="item", n_tokens=None)
    assert display.vectors.shape == (fit.symbols_.n_categories[1], 2)
    assert "<unknown>" in display.tokens
    assert '"item"' in display.ax_.get_title()


def test_what_a_model_refuses_has_no_place():
    fit = fitted_classifier("characters", handle_unknown="error")
    assert "<unknown>" not in EmbeddingDisplay.from_estimator(fit).tokens


def test_tokens_are_drawn_letter_by_letter_and_blanks_are_seen():
    display = EmbeddingDisplay.from_vectors(np.eye(4), ["$x$", " ", "\x1b", "_a"])
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels == [r"\$x\$", '" "', r"\x1b", "\u200b_a"]
    display.figure_.canvas.draw()


@pytest.mark.parametrize(
    ("vectors", "options", "match"),
    [
        (np.ones(3), {}, "vectors must have shape"),
        ([[1.0], [np.nan], [1.0]], {}, r"vectors\[1\]\[0\] is nan"),
        (np.ones((2, 3)), {}, "tokens has 3 entries for 2 vectors"),
        (np.ones((3, 2)), {"n_tokens": 0}, "n_tokens=0 must be"),
        (np.ones((3, 2)), {"n_tokens": True}, "n_tokens=True must be"),
        (np.ones((3, 2)), {"counts": [1, 2]}, "counts has shape"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(vectors, options, match):
    with pytest.raises(ValueError, match=match):
        EmbeddingDisplay(vectors, ["a", "b", "c"], **options)


def test_a_model_of_numbers_has_no_tokens():
    fit = RNNClassifier(3, max_iter=1, random_state=0).fit([[[1.0]], [[2.0]]], [0, 1])
    with pytest.raises(ValueError, match="trained on numbers alone"):
        EmbeddingDisplay.from_estimator(fit)
    with pytest.raises(TypeError, match="expected a fitted RNNClassifier"):
        EmbeddingDisplay.from_estimator(TEXTS)
