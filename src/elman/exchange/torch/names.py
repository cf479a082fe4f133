"""Our weights in; the same under PyTorch's names and in its shapes out, and back.

A stack whose layers have one size is one `torch.nn.RNN`, `GRU` or `LSTM` called "rnn". What such a
module cannot be (layers of different sizes, residual connections, layer normalisation) is a list of
modules with one layer each, "rnn.0", "rnn.1" and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.exchange.gates import from_order, one_bias, to_order, two_biases
from elman.exchange.parts import ExchangeError
from elman.nn.categories import embedding_name
from elman.nn.layout import Layout
from elman.nn.network import network_shapes
from elman.nn.parameters import Shapes

Array = NDArray[Any]
QUERY = "attention.query"
"""The query of the readout "attention", by the same name here and there."""


class Half(NamedTuple):
    """One direction of a recurrent layer: what its weights are called here and there."""

    ours: str
    """"recurrent0", "recurrent0.reverse" """
    module: str
    """what the names of the module's weights begin with: "rnn." """
    end: str
    """and what they end in: "_l0", "_l0_reverse" """
    initial: str
    """the name of the state before the first step, which no module of PyTorch's holds"""


def is_one_module(layout: Layout) -> bool:
    """Whether one module of PyTorch's is the whole stack."""
    return not (layout.sums_layers or layout.cell.layer_norm or len(set(layout.hidden_sizes)) > 1)


def halves_of(layout: Layout) -> Iterator[Half]:
    """The layers from below, each with its directions."""
    one = is_one_module(layout)
    for k in range(layout.n_layers):
        module, number = ("rnn.", k) if one else (f"rnn.{k}.", 0)
        for ours, theirs in (("", ""), (".reverse", "_reverse"))[: layout.n_directions]:
            yield Half(
                f"recurrent{k}{ours}", module, f"_l{number}{theirs}", f"initial_l{k}{theirs}"
            )


def to_torch_names(layout: Layout, params: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of a network as its module in PyTorch has them: copies.

    Parameters
    ----------
    layout : Layout
    params : mapping of str to ndarray
        By our names.
    """
    cell, found = layout.cell, dict[str, Array]()
    for k, (_, size) in enumerate(layout.categories):
        if size:
            found[f"embedding.{k}.weight"] = params[embedding_name(k)]
    for half in halves_of(layout):
        W_x, W_h, b = (params[f"{half.ours}.{part}"] for part in ("W_x", "W_h", "b"))
        found[f"{half.module}weight_ih{half.end}"] = to_order(W_x, cell.name, "torch").T
        found[f"{half.module}weight_hh{half.end}"] = to_order(W_h, cell.name, "torch").T
        if cell.layer_norm:
            found[f"{half.module}bias{half.end}"] = b
            found[f"{half.module}gain{half.end}"] = params[f"{half.ours}.gain"]
        else:
            for name, bias in zip(("bias_ih", "bias_hh"), two_biases(b, cell.name), strict=True):
                found[f"{half.module}{name}{half.end}"] = to_order(bias, cell.name, "torch")
        if layout.learn_initial_state:
            found[half.initial] = params[f"{half.ours}.initial"]
    if QUERY in params:
        found[QUERY] = params[QUERY]
    found |= {"head.weight": params["head.W"].T, "head.bias": params["head.b"]}
    return {name: np.array(array, order="C") for name, array in found.items()}


def from_torch_names(layout: Layout, tensors: dict[str, Array]) -> dict[str, Array]:
    """The weights by our names, of what `to_torch_names` gave; it is taken out of `tensors`.

    Raises
    ------
    ExchangeError
        Tensors are missing, or have other shapes or types than the layout asks for; names them.
    """
    expected = torch_shapes(layout)
    missing = [name for name in expected if name not in tensors]
    if missing:
        raise ExchangeError(f"the state dict lacks {listed(missing)}, which this network has")
    taken = {name: tensors.pop(name) for name in expected}
    for name, shape in expected.items():
        if taken[name].shape != shape:
            raise ExchangeError(
                f"{name} has shape {taken[name].shape}, but this network has {shape} there"
            )
    check_one_type(taken)
    cell, found = layout.cell, dict[str, Array]()
    for half in halves_of(layout):
        theirs = {
            part: taken[f"{half.module}{part}{half.end}"]
            for part in ("weight_ih", "weight_hh", "bias", "gain", "bias_ih", "bias_hh")
            if f"{half.module}{part}{half.end}" in taken
        }
        found |= {f"{half.ours}.{part}": w for part, w in our_half(theirs, cell.name).items()}
        if layout.learn_initial_state:
            found[f"{half.ours}.initial"] = taken[half.initial]
    found |= {"head.W": taken["head.weight"].T, "head.b": taken["head.bias"]}
    for k, (_, size) in enumerate(layout.categories):
        if size:
            found[embedding_name(k)] = taken[f"embedding.{k}.weight"]
    if QUERY in taken:
        found[QUERY] = taken[QUERY]
    return {name: found[name] for name in network_shapes(layout)}


def torch_shapes(layout: Layout) -> Shapes:
    """Names and shapes of what `to_torch_names` gives, without an array being made."""
    ours, found = network_shapes(layout), dict[str, tuple[int, ...]]()
    for k, (_, size) in enumerate(layout.categories):
        if size:
            found[f"embedding.{k}.weight"] = ours[embedding_name(k)]
    for half in halves_of(layout):
        for ours_is, theirs in (("W_x", "weight_ih"), ("W_h", "weight_hh")):
            found[f"{half.module}{theirs}{half.end}"] = ours[f"{half.ours}.{ours_is}"][::-1]
        if layout.cell.layer_norm:
            for part in ("bias", "gain"):
                found[f"{half.module}{part}{half.end}"] = ours[f"{half.ours}.b"]
        else:
            for part in ("bias_ih", "bias_hh"):
                found[f"{half.module}{part}{half.end}"] = ours[f"{half.ours}.W_h"][1:]
        if layout.learn_initial_state:
            found[half.initial] = ours[f"{half.ours}.initial"]
    if QUERY in ours:
        found[QUERY] = ours[QUERY]
    return found | {"head.weight": ours["head.W"][::-1], "head.bias": ours["head.b"]}


def our_half(theirs: Mapping[str, Array], cell: str) -> dict[str, Array]:
    """W_x, W_h and b of one direction of a layer, and gain if there is one.

    Parameters
    ----------
    theirs : mapping of str to ndarray
        weight_ih, weight_hh, bias_ih and bias_hh; or bias and gain, with layer normalisation.
    cell : {"elman", "gru", "lstm"}
    """
    found = {
        "W_x": from_order(theirs["weight_ih"].T, cell, "torch"),
        "W_h": from_order(theirs["weight_hh"].T, cell, "torch"),
    }
    if "gain" in theirs:
        return found | {"b": theirs["bias"], "gain": theirs["gain"]}
    b_x, b_h = (from_order(theirs[name], cell, "torch") for name in ("bias_ih", "bias_hh"))
    return found | {"b": one_bias(b_x, b_h, cell)}


def check_one_type(tensors: Mapping[str, Array]) -> np.dtype[Any]:
    """The type of all weights, float32 or float64; an error that names two which differ."""
    first = next(iter(tensors))
    for name, array in tensors.items():
        if array.dtype != tensors[first].dtype:
            raise ExchangeError(
                f"{first} is {tensors[first].dtype}, and {name} is {array.dtype}: convert all "
                "weights to one of the two types"
            )
    return tensors[first].dtype


def listed(names: Any, most: int = 8) -> str:
    """Names in a row, not more than a reader wants to see."""
    names = [name if len(name) <= 80 else f"{name[:77]}..." for name in names]
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
