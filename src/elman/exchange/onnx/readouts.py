"""What the head reads: states over time in, one vector of each sample out.

The sums over time are in float64, as `elman.nn.readouts` has them. A sample without a step is read
as its initial state.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends import get_backend
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.layers import Read
from elman.exchange.onnx.times import Times
from elman.models.model import TrainedModel
from elman.nn.network import Network
from elman.nn.readouts import names_of

Array = NDArray[Any]


def readout_of_whole(g: Graph, model: TrainedModel, read: Read, times: Times) -> Value:
    """(batch, n_read), of whole sequences."""
    layout = model.network.layout
    folds = {"last": _last, "mean": _mean, "max": _max, "attention": _attention}
    parts = [folds[name](g, model.network, read, times) for name in names_of(layout.readout)]
    value = g.concatenated(parts, axis=1)
    before = before_first(model)
    # Every value above is 0 for a sample of length 0, as ONNX Runtime's final states are.
    if times.lengths is None or not before.any():
        return value
    return g.where(times.empty, g.constant(before, Type.FLOAT, "before"), value)


def before_first(model: TrainedModel) -> Array:
    """(1, n_read): what the head reads of a sample without a step, the initial state."""
    network = model.network
    state = network.states_before(get_backend("reference"))
    return np.tile(state, network.layout.n_read // network.layout.width)[np.newaxis]


def query_of(g: Graph, network: Network) -> Value:
    """(width, 1): what states are multiplied by, so that their score comes out."""
    query = network.params["attention.query"]
    scaled = query.astype(np.float64)[:, np.newaxis] / math.sqrt(len(query))
    return g.constant(scaled, Type.FLOAT, "attention.query")


def _last(g: Graph, network: Network, read: Read, times: Times) -> Value:
    return read.final


def _mean(g: Graph, network: Network, read: Read, times: Times) -> Value:
    total = g.summed(g.cast(_own_states(g, read, times), Type.DOUBLE), 0)
    return g.add("Div", g.cast(total, Type.FLOAT), times.divisor)


def _max(g: Graph, network: Network, read: Read, times: Times) -> Value:
    least = g.constant(-np.inf, Type.FLOAT, "least")
    own = times.only_own(read.H or "", least)
    # The final state of a direction is that of one of its own steps. It stands there as well, so
    # that there is something to take the largest of where the batch has no step.
    every = g.concatenated([own, g.unsqueezed(read.final, 0)], axis=0)
    return g.add("ReduceMax", every, axes=[0], keepdims=0)


def _attention(g: Graph, network: Network, read: Read, times: Times) -> Value:
    H = _own_states(g, read, times)
    scores = g.add("MatMul", H, query_of(g, network))
    least = g.constant(-np.inf, Type.FLOAT, "least")
    scores = times.only_own(scores, least)
    # A finite number stands beside them, for batches and samples without a step.
    one = g.axes(1)
    shape = g.concatenated([one, times.n_samples, one], axis=0)
    finite = g.constant([[[np.finfo(np.float32).min]]], Type.FLOAT, "lowest")
    every = g.concatenated([scores, g.add("Expand", finite, shape)], axis=0)
    largest = g.add("ReduceMax", every, axes=[0], keepdims=1)
    shifted = g.add("Sub", g.cast(scores, Type.DOUBLE), g.cast(largest, Type.DOUBLE))
    weights = g.add("Exp", shifted)
    total = g.summed(weights, 0)
    none = g.add("Equal", total, g.constant(0, Type.DOUBLE, "zero"))
    total = g.where(none, g.constant(1, Type.DOUBLE, "one"), total)
    weighted = g.summed(g.add("Mul", weights, g.cast(H, Type.DOUBLE)), 0)
    return g.add("Div", g.cast(weighted, Type.FLOAT), g.cast(total, Type.FLOAT))


def _own_states(g: Graph, read: Read, times: Times) -> Value:
    """The states, 0 past a sample's end, whatever a runtime leaves there."""
    return times.only_own(read.H or "", g.constant(0, Type.FLOAT, "zero"))
