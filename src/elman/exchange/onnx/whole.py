"""A trained model in; the graph that answers to whole sequences out."""

from __future__ import annotations

from elman.exchange.onnx.answers import add_answers
from elman.exchange.onnx.categories import Tokens, checked, first_layer
from elman.exchange.onnx.fronted import fronted
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.inputs import declared
from elman.exchange.onnx.layers import read_whole
from elman.exchange.onnx.numbers import either, masked, refused, scaled
from elman.exchange.onnx.readouts import readout_of_whole
from elman.exchange.onnx.times import Times
from elman.exchange.parts import directions_of
from elman.models.model import TrainedModel


def graph_of_whole(
    model: TrainedModel, *, labels: bool, tokens: Tokens, lengths: bool = True
) -> Graph:
    """The graph with the inputs X and lengths.

    Parameters
    ----------
    model : TrainedModel
    labels : bool
        Whether labels come out as they are, and not as the numbers of their classes.
    tokens : {"text", "ids"}
        As what categories come in.
    lengths : bool
        Whether `lengths` come in; else all steps of a batch are its samples' own.
    """
    g = Graph()
    given = declared(g, model, tokens, stream=False)
    n_steps: Value | None = None
    if lengths:
        what = "how many time steps each sample has, from 0 to the length of the axis of time"
        n_steps = g.input("lengths", Type.INT32, ["batch"], what)
    main = given.names[0]
    times = Times(g, g.length_of(main, 0), g.length_of(main, 1), n_steps)
    blocks = times
    numbers: list[Value] = []
    bad: Value | None = None
    if given.numbers is not None:
        of_steps = scaled(g, model, given.numbers)
        if model.frontend.plain:
            numbers = masked(g, of_steps)
        else:
            inputs, blocks = fronted(g, model.frontend, of_steps, times)
            numbers = [inputs]
        read_by = [each.W_x for each in directions_of(model)[0]]
        bad = refused(g, numbers[0], blocks.own_of_features, read_by)
    layout = model.network.layout
    ids = [
        checked(g, each, n, times.own)
        for each, (n, _) in zip(given.ids, layout.categories, strict=True)
    ]
    first = first_layer(g, model, ids, numbers)
    read = read_whole(g, model, g.concatenated(first.inputs, axis=2), first.rows, blocks)
    bad = either(g, bad, read.too_large)
    if blocks is not times:
        bad = either(g, bad, times.impossible)
    if not layout.at_every_step:
        logits = head(g, model, readout_of_whole(g, model, read, blocks))
        add_answers(g, model, logits, None, bad, labels=labels)
        return g
    logits = head(g, model, read.H or "")
    if model.frontend.stride > 1:
        stride = g.constant(model.frontend.stride, Type.INT64)
        logits = g.add("Gather", logits, g.add("Div", times.index, stride), axis=0)
    add_answers(g, model, logits, times, bad, labels=labels)
    return g


def head(g: Graph, model: TrainedModel, value: Value) -> Value:
    """Logits (..., n_outputs) of what the head reads (..., n_read)."""
    params = model.network.params
    product = g.add("MatMul", value, g.constant(params["head.W"], Type.FLOAT, "head.W"))
    return g.add("Add", product, g.constant(params["head.b"], Type.FLOAT, "head.b"))
