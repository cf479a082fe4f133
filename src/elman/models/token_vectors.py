"""A trained model in; the vectors that its network has for categories, with their tokens, out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.naming import UNKNOWN, place_of_column
from elman.models.model import TrainedModel
from elman.nn.categories import blocks_of, embedding_name

Array = NDArray[Any]


class TokenVectors(NamedTuple):
    """What a network knows of the categories of a column.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> clf = RNNClassifier(3, embedding_size=2, max_iter=1, random_state=0, backend="reference")
    >>> tokens, vectors = clf.fit(["abba", "cab", "bab"], [0, 1, 0]).token_vectors()
    >>> tokens, vectors.shape
    (['<unknown>', 'b', 'a', 'c'], (4, 2))
    """

    tokens: list[Any]
    """by id: the first is "<unknown>", None stands for missing values"""
    vectors: Array
    """(n_categories, width), a row for each: a copy"""


def token_vectors(model: TrainedModel, column: Any = None) -> TokenVectors:
    """The vectors of the categories of one column.

    Parameters
    ----------
    model : TrainedModel
    column : str or int, optional
        Name or index of a column of X; None is the only categorical one.

    Returns
    -------
    TokenVectors
        Those of the embedding; of a column that is fed one-hot its rows of W_x of the first layer,
        which a category adds to the sums of a step (of two directions side by side).

    Raises
    ------
    ValueError
        The model takes numbers alone, or there is no such column.
    """
    symbols = model.symbols
    if symbols is None:
        raise ValueError(
            f"this {model.kind} was trained on numbers alone, which have no vectors: fit it on "
            "texts, tokens or tables with categories"
        )
    k = place_of_column(symbols, column)
    layout, params = model.network.layout, model.network.params
    if layout.categories[k][1]:
        vectors = params[embedding_name(k)].copy()
    else:
        names = ["recurrent0.W_x", "recurrent0.reverse.W_x"][: layout.n_directions]
        blocks = [blocks_of(params[name], layout.categories)[k] for name in names]
        vectors = np.concatenate(blocks, axis=1)
    return TokenVectors([UNKNOWN, *symbols.vocabularies[k].tokens], vectors)
