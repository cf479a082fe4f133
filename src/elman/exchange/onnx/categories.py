"""Columns of categories in; what the first recurrent layer reads of them out.

A category that is fed one-hot picks a row of W_x. Few of them are written as ones and zeros, by
which the layer multiplies its rows. Of many, the rows themselves are looked up and added, and the
layer adds them to its sums as they are, because W_x is the identity there.

A number that is no category is an error of the runtime, as it is one of ours: it is looked up where
there is no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols import Symbols, Vocabulary
from elman.exchange.onnx.graph import ML, Graph, Type, Value
from elman.exchange.parts import directions_of
from elman.models.model import TrainedModel
from elman.nn.categories import blocks_of, embedding_name, n_rows

Array = NDArray[Any]
Tokens = Literal["text", "ids"]

TYPES = {"characters": Type.STRING, "text": Type.STRING, "int": Type.INT64, "bool": Type.BOOL}
"""The types in which tokens come in, by the kind of a vocabulary."""


class FirstLayer(NamedTuple):
    """What the first recurrent layer reads, and W_x for it."""

    inputs: list[Value]
    """(time, batch, ...) each, float32, to be set side by side"""
    rows: list[Array]
    """(n_inputs, n_gates * hidden_size) of each direction"""


def first_layer(
    g: Graph, model: TrainedModel, ids: Sequence[Value], more: Sequence[Value]
) -> FirstLayer:
    """The inputs of the first layer, of ids of categories and of numbers.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
    ids : sequence of values of shape (time, batch), int64
        Of each column of categories, as `checked` gives them.
    more : sequence of values of shape (time, batch, ...), float32
        The numbers.
    """
    columns = model.network.layout.categories
    of_directions = [each.W_x for each in directions_of(model)[0]]
    if not columns:
        return FirstLayer([*more], of_directions)
    n_sums = sum(W_x.shape[1] for W_x in of_directions)
    blocks = [blocks_of(W_x, columns) for W_x in of_directions]
    inputs: list[Value] = []
    rows: list[list[Array]] = [[] for _ in of_directions]
    added: Value | None = None
    for k, (n_categories, size) in enumerate(columns):
        own = [of_direction[k] for of_direction in blocks]
        if size:
            E = g.constant(model.network.params[embedding_name(k)], Type.FLOAT, embedding_name(k))
            inputs.append(g.add("Gather", E, ids[k], axis=0))
        elif n_categories <= n_sums:
            inputs.append(_one_hot(g, ids[k], n_categories))
        else:
            table = g.constant(np.concatenate(own, axis=1), Type.FLOAT, f"category{k}.W_x")
            picked = g.add("Gather", table, ids[k], axis=0)
            added = picked if added is None else g.add("Add", added, picked)
            continue
        for direction, block in zip(rows, own, strict=True):
            direction.append(block)
    if added is not None:
        inputs.append(added)
        start = 0
        for direction, W_x in zip(rows, of_directions, strict=True):
            stop = start + W_x.shape[1]
            direction.append(np.eye(n_sums, dtype=W_x.dtype)[:, start:stop])
            start = stop
    for direction, W_x in zip(rows, of_directions, strict=True):
        direction.append(W_x[n_rows(columns) :])
    return FirstLayer([*inputs, *more], [np.concatenate(direction) for direction in rows])


def ids_of_tokens(g: Graph, symbols: Symbols, column: int, tokens: Value) -> Value:
    """The ids of tokens, int64, by a look-up in the graph.

    A token that was never seen has the id 0 of unknown ones, or, with handle_unknown="error", the
    first number that is no id.

    Parameters
    ----------
    g : Graph
    symbols : Symbols
    column : int
        Which of its columns of categories.
    tokens : value of the type that `TYPES` has for the kind of its vocabulary
    """
    vocabulary = symbols.vocabularies[column]
    known = ids_by_token(symbols, vocabulary)
    unseen = vocabulary.n_categories if symbols.handle_unknown == "error" else 0
    if TYPES[vocabulary.kind] == Type.STRING:
        keys = {"keys_strings": [token.encode() for token in known] or [b""]}
    else:
        if TYPES[vocabulary.kind] == Type.BOOL:
            tokens = g.cast(tokens, Type.INT64)
        keys = {"keys_int64s": [int(token) for token in known] or [0]}
    return g.add(
        "LabelEncoder",
        tokens,
        domain=ML,
        **keys,
        values_int64s=list(known.values()) or [unseen],
        default_int64=unseen,
    )


def ids_by_token(symbols: Symbols, vocabulary: Vocabulary) -> dict[Any, int]:
    """The ids of tokens that a graph looks up.

    With missing="mask" the empty string stands for a missing one, unless it is a token itself.
    """
    known = dict.fromkeys(vocabulary.rare, 0)
    known |= {token: i for i, token in enumerate(vocabulary.tokens, start=1)}
    known.pop(None, None)
    if symbols.missing == "mask" and TYPES[vocabulary.kind] == Type.STRING:
        known.setdefault("", vocabulary.missing_id)
    return known


def checked(g: Graph, ids: Value, n_categories: int, own: Value | None) -> Value:
    """The ids, of which those past a sample's end are 0 and negative ones are none at all.

    A negative index would count from the end of a table.

    Parameters
    ----------
    g : Graph
    ids : value of shape (time, batch), int64
    n_categories : int
    own : value of the same shape, bool, or None
        Which steps are a sample's own; None: all.
    """
    zero = g.constant(0, Type.INT64, "zero")
    if own is not None:
        ids = g.where(own, ids, zero)
    none = g.constant(n_categories, Type.INT64, "no_id")
    return g.where(g.add("Less", ids, zero), none, ids)


def _one_hot(g: Graph, ids: Value, n_categories: int) -> Value:
    """(time, batch, n_categories), float32; an error where an id is none."""
    # OneHot would give zeros for a number that is no category; Gather refuses it.
    every = g.constant(np.arange(n_categories), Type.INT64, "ids")
    found = g.add("Gather", every, ids, axis=0)
    depth = g.constant(n_categories, Type.INT64, "n_categories")
    return g.add("OneHot", found, depth, g.constant([0, 1], Type.FLOAT, "off_on"), axis=-1)
