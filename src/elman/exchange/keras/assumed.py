"""The weights of a model without a description in; the layers that they must be of out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from numpy.typing import NDArray

from elman.exchange.keras.config import Described, described
from elman.exchange.parts import ExchangeError

Array = NDArray[Any]

READOUTS = {"last": None, "max": "GlobalMaxPooling1D", "mean": "GlobalAveragePooling1D"}
HEADS = ("softmax", "sigmoid", "linear")
ACTIVATIONS = ("tanh", "relu")
CELLS = {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}
"""By how many blocks of columns a kernel has for each unit."""
MOST_GROUPS = 7
"""Of which all orders are tried."""


class _Group:
    """The arrays of one layer, and what they tell of it."""

    def __init__(self, name: str, arrays: Mapping[str, Array], *, numbered: bool) -> None:
        self.name = name
        roles: dict[str, Array] = {}
        backward = False
        for path, array in arrays.items():
            *above, last = path.split("/")
            if any(each.startswith("backward") for each in above):
                backward = True
                continue
            roles[last.partition(":")[0]] = array
        if numbered:  # of a cell the kernels and the bias, else what the name says
            order = ("kernel", "recurrent_kernel", "bias")
            if not any("cell" in path.split("/") for path in arrays):
                order = ("kernel", "bias", "")
            if re.fullmatch(r"embedding(_\d+)?", name):
                order = ("embeddings", "", "")
            elif re.fullmatch(r"normalization(_\d+)?", name):
                order = ("mean", "variance", "count")
            roles = {order[int(k)]: v for k, v in roles.items() if k in ("0", "1", "2")}
        self.roles = roles
        self.backward = backward
        self.wrapped = numbered and any(path.startswith("layer/") for path in arrays)

    @property
    def ends(self) -> tuple[int | None, int] | None:
        """Columns in and out; in is None of an embedding; None if the arrays tell of no layer."""
        shapes = {name: array.shape for name, array in self.roles.items()}
        two = {name: shape for name, shape in shapes.items() if len(shape) == 2}
        if "recurrent_kernel" in two and "kernel" in two:
            return two["kernel"][0], two["recurrent_kernel"][0] * (2 if self.backward else 1)
        if "embeddings" in two:
            return None, two["embeddings"][1]
        if "kernel" in two:
            return two["kernel"]
        if {"mean", "variance"} <= set(shapes) and len(shapes["mean"]) == 1:
            return shapes["mean"][0], shapes["mean"][0]
        return None


def layers_of(
    arrays: Mapping[str, Array] | None,
    groups: Mapping[str, Mapping[str, Array]] | None,
    place: str,
    readout: str | None,
    head: str | None,
    activation: str | None,
) -> Described:
    """The layers of a Sequential model that has these weights.

    Parameters
    ----------
    arrays : mapping, optional
        As Keras 3 files them.
    groups : mapping, optional
        As older files have them, in the order of the model's layers.
    place : str
        What errors call the file.
    readout, head, activation : str or None
        What no weight tells, as `read_keras` takes them.

    Raises
    ------
    ExchangeError
        The weights are not those of one such model.
    ValueError
        One of the three is not known.
    """
    readout = _one_of("readout", readout or "last", (*READOUTS, "every"))
    activation = _one_of("activation", activation or "tanh", ACTIVATIONS)
    if head is not None:
        _one_of("head", head, HEADS)
    if arrays is not None:
        by_layer: dict[str, dict[str, Array]] = {}
        for path, array in arrays.items():
            name, _, below = path.partition("/")
            if "seed_generator" not in path.split("/"):
                by_layer.setdefault(name, {})[below] = array
        found = [_Group(name, own, numbered=True) for name, own in by_layer.items()]
        found = _chained(sorted(found, key=_number), place)
    else:
        found = [_Group(name, own, numbered=False) for name, own in (groups or {}).items() if own]
    layers: list[dict[str, Any]] = []
    recurrent = [each for each in found if "recurrent_kernel" in each.roles]
    for each in found:
        if each.ends is None:
            _unclear(place, f"the arrays of {each.name!r:.80} are of no layer that elman has")
        if not layers:
            shape = [None, None] if each.ends[0] is None else [None, None, each.ends[0]]
            layers.append(_layer("InputLayer", "the input", {"batch_shape": shape}))
        if each in recurrent:
            whole = each is not recurrent[-1] or readout != "last"
            layers.append(_recurrent(each, whole, activation, place))
            pooled = READOUTS.get(readout)
            if each is recurrent[-1] and pooled:
                layers.append(_layer(pooled, "the readout", {}))
        elif "embeddings" in each.roles:
            n, size = each.roles["embeddings"].shape
            layers.append(_layer("Embedding", each.name, {"input_dim": n, "output_dim": size}))
        elif "mean" in each.roles:
            layers.append(_layer("Normalization", each.name, {"axis": [-1]}))
        else:
            units = each.ends[1]
            dense = {
                "units": units,
                "activation": head or ("sigmoid" if units == 1 else "softmax"),
                "use_bias": "bias" in each.roles,
            }
            layer = _layer("Dense", each.name, dense)
            if each.wrapped:
                layer = _layer("TimeDistributed", each.name, {"layer": layer})
            layers.append(layer)
    if not recurrent:
        _unclear(place, "there is no recurrent layer")
    return described({"class_name": "Sequential", "config": {"layers": layers}}, place)


def _recurrent(group: _Group, whole: bool, activation: str, place: str) -> dict[str, Any]:
    kernel, recurrent = group.roles["kernel"], group.roles["recurrent_kernel"]
    units = recurrent.shape[0]
    kind = CELLS.get(kernel.shape[1] // units if units else 0)
    if kind is None or kernel.shape[1] % units:
        _unclear(place, f"{group.name!r:.80} has kernels of {kernel.shape} and {recurrent.shape}")
    bias = group.roles.get("bias")
    config = {
        "units": units,
        "activation": activation if kind == "SimpleRNN" else "tanh",
        "recurrent_activation": "sigmoid",
        "reset_after": bias is None or bias.ndim == 2,
        "use_bias": bias is not None,
        "return_sequences": whole,
    }
    if not group.backward:
        return _layer(kind, group.name, config)
    halves = {
        "layer": _layer(kind, f"forward_{kind.lower()}", config),
        "backward_layer": _layer(kind, f"backward_{kind.lower()}", config | {"go_backwards": True}),
    }
    return _layer("Bidirectional", group.name, halves)


def _layer(kind: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


def _chained(found: list[_Group], place: str) -> list[_Group]:
    """The groups in the one order in which each reads what the one below it gives."""
    if len(found) > MOST_GROUPS:
        _unclear(place, f"there are {len(found)} layers with weights")
    orders = []
    for order in itertools.permutations(found):
        if [each for each in order if each.ends is None]:
            return found  # which the caller refuses by name
        if _fits(order):
            orders.append(list(order))
    if len(orders) != 1:
        _unclear(
            place,
            f"its weights fit together in {len(orders)} orders"
            if orders
            else "its weights do not fit together as one layer above another",
        )
    return orders[0]


def _fits(order: tuple[_Group, ...]) -> bool:
    """Whether an order is one of layers of a model: those of one class by number, the head last."""
    kinds: dict[str, int] = {}
    width: int | None = None
    for i, each in enumerate(order):
        stem, number = _number(each)
        if number < kinds.get(stem, -1) or each.ends is None:
            return False
        kinds[stem] = number
        n_in, n_out = each.ends
        is_dense = "recurrent_kernel" not in each.roles and "kernel" in each.roles
        is_early = "embeddings" in each.roles or "mean" in each.roles
        if is_dense != (i == len(order) - 1) or (is_early and i > 0):
            return False
        if i and n_in != width:
            return False
        width = n_out
    return True


def _number(group: _Group) -> tuple[str, int]:
    """The class that a group is called by, and its number among those of its class."""
    found = re.fullmatch(r"(.*?)(?:_(\d+))?", group.name)
    if found is None:
        return group.name, 0
    return found[1], int(found[2] or 0)


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise ValueError(f"{name}={value!r:.60}; choose one of {', '.join(choices)}")
    return value


def _unclear(place: str, why: str) -> NoReturn:
    raise ExchangeError(
        f"{place}: the file has weights alone, and {why}: pass config=, what model.to_json() gives"
    )
