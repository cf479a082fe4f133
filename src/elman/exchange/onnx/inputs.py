"""The inputs of a graph, declared; the numbers and ids that they hold, with time first, out."""

from __future__ import annotations

from typing import NamedTuple

from elman.exchange.onnx.categories import TYPES, Tokens, ids_of_tokens
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.numbers import n_numbers
from elman.models.model import TrainedModel


class Inputs(NamedTuple):
    """What comes in."""

    names: list[Value]
    """of the inputs that hold steps"""
    numbers: Value | None
    """(time, batch, n_numbers), float32; None: the model reads categories alone"""
    ids: list[Value]
    """(time, batch), int64, of each column of categories"""


def declared(g: Graph, model: TrainedModel, tokens: Tokens, *, stream: bool) -> Inputs:
    """Declare the inputs that hold steps: whole sequences, or one step of each stream.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
    tokens : {"text", "ids"}
        As what categories come in.
    stream : bool
        Whether one step comes in: an axis of time of length 1 is then made.
    """
    axes: list[int | str] = ["batch"] if stream else ["batch", "time"]
    main = "x" if stream else "X"
    when = "one time step of each stream" if stream else "whole sequences, padded by anything"
    names: list[Value] = []

    def time_first(value: Value, n_more: int) -> Value:
        if stream:
            return g.unsqueezed(value, 0)
        return g.add("Transpose", value, perm=[1, 0, *range(2, 2 + n_more)])

    def declare(name: Value, type_: Type, shape: list[int | str], what: str) -> Value:
        names.append(g.input(name, type_, shape, f"{what}: {when}"))
        return name

    numbers = None
    if n_numbers(model):
        n = n_numbers(model)
        what = "the numbers of each step, not standardised"
        numbers = time_first(declare(main, Type.FLOAT, [*axes, n], what), 1)
    symbols = model.symbols
    if symbols is None:
        return Inputs(names, numbers, [])
    alone = numbers is None and symbols.n_codes == 1
    if tokens == "ids":
        n = symbols.n_codes
        what = "ids of categories, as the metadata's vocabularies number them from 1; 0: unknown"
        shape = axes if alone else [*axes, n]
        given = declare(main if alone else "ids", Type.INT64, shape, what)
        if alone:
            return Inputs(names, None, [time_first(given, 0)])
        last = len(axes)
        parts = [
            g.add("Gather", given, g.constant(k, Type.INT64, "column"), axis=last) for k in range(n)
        ]
        return Inputs(names, numbers, [time_first(part, 0) for part in parts])
    ids = []
    for k, j in enumerate(symbols.categorical):
        vocabulary = symbols.vocabularies[k]
        name = main if alone else f"tokens{k}"
        called = "" if symbols.feature_names is None else f" ({symbols.feature_names[j]!r})"
        what = "tokens" if alone else f"the categories of column {j}{called}"
        if vocabulary.kind == "characters":
            what = "single characters"
        given = declare(name, TYPES[vocabulary.kind], axes, what)
        ids.append(time_first(ids_of_tokens(g, symbols, k, given), 0))
    return Inputs(names, numbers, ids)
