"""Recurrent layers as ONNX's RNN, GRU and LSTM operators, whose weights are constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell
from elman.exchange.gates import to_order, two_biases
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.numbers import either, refused
from elman.exchange.onnx.times import Times
from elman.exchange.parts import Direction, directions_of
from elman.models.model import TrainedModel
from elman.nn.readouts.attention import Attention

Array = NDArray[Any]

OPERATORS = {"elman": "RNN", "gru": "GRU", "lstm": "LSTM"}


class Read(NamedTuple):
    """What the last recurrent layer gives of whole sequences."""

    H: Value | None
    """(time, batch, width), the states after each step; None if nobody asks"""
    final: Value
    """(batch, width), those after a sample's last step"""
    too_large: Value | None
    """(batch, 1), bool: samples with states that nothing can be computed with; None: none has"""


def read_whole(
    g: Graph, model: TrainedModel, inputs: Value, rows: Sequence[Array], times: Times
) -> Read:
    """All layers over whole sequences.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
    inputs : value of shape (time, batch, n_inputs)
    rows : sequence of ndarray of shape (n_inputs, n_gates * hidden_size)
        W_x of the first layer for these inputs, of each direction.
    times : Times
    """
    layout = model.network.layout
    layers = directions_of(model)
    final: Value | None = None
    too_large: Value | None = None
    only_last = layout.readout == "last"
    for i, directions in enumerate(layers):
        first = [each.W_x for each in directions] if i else rows
        weights = _weights(g, layout.cell, directions, first, f"recurrent{i}")
        initial = _initial(g, layout.cell, directions, times, f"recurrent{i}")
        is_last = i == len(layers) - 1
        sums = layout.sums_layers
        grows = layout.cell.activation == "relu"
        states_wanted = not (is_last and only_last) or grows
        wanted = ["Y" if states_wanted else "", "Y_h" if is_last or sums else ""]
        found = _node(
            g, layout.cell, directions, wanted, [inputs, *weights, times.lengths or "", *initial]
        )
        H = _side_by_side(g, found[0], len(directions), layout.hidden_sizes[i], of_steps=True)
        own = _side_by_side(g, found[1], len(directions), layout.hidden_sizes[i], of_steps=False)
        if i and sums:
            H = g.add("Add", H, inputs) if H else H
            own = g.add("Add", own, final or "")
        if grows:
            bad = refused(g, H, times.own_of_features, _multiplied(model, i))
            too_large = either(g, too_large, bad)
        inputs, final = H, own
    return Read(inputs or None, final or "", too_large)


def _multiplied(model: TrainedModel, i: int) -> list[Array]:
    """What the states of a layer are multiplied by, (n_rows, n_columns) each."""
    layers, params = directions_of(model), model.network.params
    found = [each.W_h for each in layers[i]]
    if i + 1 < len(layers):
        return found + [each.W_x for each in layers[i + 1]]
    found.append(params["head.W"])
    if Attention.QUERY in params:
        found.append(params[Attention.QUERY][:, np.newaxis])
    return found


def read_step(
    g: Graph,
    model: TrainedModel,
    inputs: Value,
    rows: Sequence[Array],
    before: Sequence[Sequence[Value]],
) -> tuple[Value, list[list[Value]], Value | None]:
    """All layers over one time step of each stream.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
        Not bidirectional.
    inputs : value of shape (1, batch, n_inputs)
    rows : sequence of ndarray
        As `read_whole` takes them.
    before : sequence of sequences of values of shape (batch, hidden_size), float32
        Of each layer the parts of its state: the hidden state, and an LSTM's c.

    Returns
    -------
    output : value of shape (batch, width)
    after : list of lists of values
        As `before`.
    too_large : value of shape (batch, 1), bool, or None
        As `Read` has it.
    """
    layout = model.network.layout
    after, too_large = [], None
    for i, directions in enumerate(directions_of(model)):
        first = [each.W_x for each in directions] if i else rows
        weights = _weights(g, layout.cell, directions, first, f"recurrent{i}")
        initial = [g.unsqueezed(part, 0) for part in before[i]]
        wanted = ["", "Y_h", "Y_c"][: 1 + len(initial)]
        found = _node(g, layout.cell, directions, wanted, [inputs, *weights, "", *initial])[1:]
        after.append([g.squeezed(part, 0) for part in found])
        inputs = g.add("Add", found[0], inputs) if i and layout.sums_layers else found[0]
        if layout.cell.activation == "relu":
            bad = refused(g, inputs, None, _multiplied(model, i))
            too_large = either(g, too_large, bad)
    return g.squeezed(inputs, 0), after, too_large


def _node(
    g: Graph,
    cell: Cell,
    directions: Sequence[Direction],
    wanted: Sequence[str],
    inputs: Sequence[Value],
) -> list[Value]:
    """One operator over the inputs X, W, R, B, sequence_lens, initial_h and initial_c."""
    attributes: dict[str, Any] = {
        "hidden_size": len(directions[0].W_h),
        "direction": "forward" if len(directions) == 1 else "bidirectional",
    }
    if cell.name == "gru":
        attributes["linear_before_reset"] = 1
    elif cell.name == "elman":
        attributes["activations"] = [cell.activation.capitalize()] * len(directions)
    given = list(inputs)
    while not given[-1]:
        given.pop()
    return g.add_several(OPERATORS[cell.name], wanted, *given, **attributes)


def _weights(
    g: Graph, cell: Cell, directions: Sequence[Direction], rows: Sequence[Array], name: str
) -> list[Value]:
    """W, R and B as the operator takes them."""

    def stacked(arrays: Sequence[Array]) -> Array:
        return np.stack([np.ascontiguousarray(each.T) for each in arrays])

    def ordered(array: Array) -> Array:
        return to_order(array, cell.name, "onnx")

    biases = [
        np.concatenate([ordered(part) for part in two_biases(each.b, cell.name)])
        for each in directions
    ]
    parts = {
        "W": stacked([ordered(W_x) for W_x in rows]),
        "R": stacked([ordered(each.W_h) for each in directions]),
        "B": np.stack(biases),
    }
    return [g.constant(array, Type.FLOAT, f"{name}.{part}") for part, array in parts.items()]


def _initial(
    g: Graph, cell: Cell, directions: Sequence[Direction], times: Times, name: str
) -> list[Value]:
    """The learned state before the first step, for each sample of the batch; [] if it is zero."""
    learned = [each.initial for each in directions if each.initial is not None]
    if not learned:
        return []
    parts = np.stack([np.split(each, len(cell.kind.states)) for each in learned], axis=1)
    shape = g.concatenated(
        [g.axes(len(directions)), times.n_samples, g.axes(parts.shape[-1])], axis=0
    )
    return [
        g.add("Expand", g.constant(part[:, np.newaxis], Type.FLOAT, f"{name}.initial"), shape)
        for part in parts
    ]


def _side_by_side(g: Graph, value: Value, n_directions: int, size: int, *, of_steps: bool) -> Value:
    """The states of both directions next to each other, without an axis for directions."""
    if not value:
        return ""
    if n_directions == 1:
        return g.squeezed(value, 1 if of_steps else 0)
    turned = g.add("Transpose", value, perm=[0, 2, 1, 3] if of_steps else [1, 0, 2])
    kept = [0, 0] if of_steps else [0]  # 0 stands for the length that the axis has
    return g.add("Reshape", turned, g.axes(*kept, n_directions * size))
