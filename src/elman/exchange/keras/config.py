"""Keras's description of a model, in JSON, in; its layers and how they hang together out.

A description is data: no class that it names is imported or made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from elman.exchange.parts import ExchangeError

MOST_LAYERS = 1000

WRAPPED = ("forward_layer", "backward_layer", "layer")
"""Where a layer holds others: the halves of a Bidirectional, and what TimeDistributed applies."""


@dataclass(frozen=True)
class Tensor:
    """What a layer gave."""

    layer: str
    index: int
    """which of several that it gave"""


@dataclass(frozen=True)
class Settings:
    """What a description says of one layer, looked up with a check of its type."""

    where: str
    """what errors call the layer: its name and class"""
    values: Mapping[str, Any]

    def flag(self, name: str, default: bool) -> bool:
        """A setting that is true or false."""
        found = self.values.get(name, default)
        if not isinstance(found, bool):
            self.refuse(f"{name} is {found!r:.60}; it must be true or false")
        return found

    def count(self, name: str) -> int:
        """A setting that is a whole number from 1 on."""
        found = self.values.get(name)
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found < 2**31:
            self.refuse(f"{name} is {found!r:.60}; it must be a whole number from 1 on")
        return found

    def text(self, name: str, default: str | None = None) -> str:
        """A setting that is a word; of a function that is described, its name."""
        found = self.values.get(name, default)
        if isinstance(found, dict):  # an object, such as a function of the user's own
            inner = found.get("config")
            found = inner if isinstance(inner, str) else found.get("class_name")
            return f"{found!s:.60} (an object of its own)"
        if found is None:
            self.refuse(f"it does not say its {name}")
        if not isinstance(found, str):
            self.refuse(f"{name} is {found!r:.60}; it must be a text")
        return found

    def within(self, name: str) -> Settings:
        """The layer that this one wraps."""
        return layer_of(self.values.get(name), f"{self.where}, its {name}").settings

    def refuse(self, why: str) -> NoReturn:
        """Raise an error that names the layer."""
        raise ExchangeError(f"{self.where}: {why}")


@dataclass(frozen=True)
class Layer:
    """One layer, or one operation such as `keras.ops.where`."""

    name: str
    kind: str
    """its class"""
    settings: Settings
    args: tuple[Any, ...] = ()
    """what it was called with: `Tensor`s, numbers, and lists of them"""
    kwargs: Mapping[str, Any] | None = None

    def wrapped(self, name: str) -> Layer:
        """The layer that this one wraps."""
        return layer_of(self.settings.values.get(name), f"{self.settings.where}, its {name}")


@dataclass(frozen=True)
class Described:
    """A model as its description has it."""

    layers: tuple[Layer, ...]
    """in the order in which Keras numbers them"""
    output: Tensor
    sequential: bool


def described(config: Any, place: str) -> Described:
    """The layers of a description.

    Parameters
    ----------
    config : object
        What JSON says.
    place : str
        What errors call the file.

    Raises
    ------
    ExchangeError
        It describes no model, or one that is neither Sequential nor Functional.
    """
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ExchangeError(f"{place}: no description of a model, with 'class_name' and 'config'")
    kind, inner = config["class_name"], config["config"]
    if kind not in ("Sequential", "Functional", "Model"):
        raise ExchangeError(
            f"{place}: the model is a {kind!r:.80}; only Sequential and Functional models say "
            "what they compute"
        )
    listed = inner if isinstance(inner, list) else None  # of Keras before 2.2.3
    if isinstance(inner, dict):
        listed = inner.get("layers")
    if not isinstance(listed, list) or not listed:
        raise ExchangeError(f"{place}: the model lists no layers")
    if len(listed) > MOST_LAYERS:
        raise ExchangeError(f"{place}: {len(listed):,} layers; at most {MOST_LAYERS:,} are read")
    layers = [layer_of(each, f"{place}: layer {i}", place) for i, each in enumerate(listed)]
    names = [layer.name for layer in layers]
    for name in names:
        if names.count(name) > 1:
            raise ExchangeError(f"{place}: two layers are called {name!r:.80}")
    if kind == "Sequential":
        chained = [
            Layer(each.name, each.kind, each.settings, (Tensor(below.name, 0),) if below else ())
            for below, each in zip([None, *layers[:-1]], layers, strict=True)
        ]
        return Described(tuple(chained), Tensor(names[-1], 0), True)
    outputs = list(_references(inner.get("output_layers")))
    if len(outputs) != 1:
        raise ExchangeError(
            f"{place}: the model has {len(outputs)} outputs; exactly one can be brought in"
        )
    return Described(tuple(layers), outputs[0], False)


def layer_of(given: Any, where: str, place: str | None = None) -> Layer:
    """One layer of a description."""
    if not isinstance(given, dict) or not isinstance(given.get("config"), dict):
        raise ExchangeError(f"{where} is {given!r:.60}; a layer has 'class_name' and 'config'")
    kind, config = given.get("class_name"), given["config"]
    if not isinstance(kind, str):
        raise ExchangeError(f"{where} has the class {kind!r:.60}")
    name = given.get("name", config.get("name", kind))
    if not isinstance(name, str):
        raise ExchangeError(f"{where} is called {name!r:.60}")
    called = f"layer {name!r:.80} ({kind:.60})"
    called = f"{place}: {called}" if place is not None else f"{where}, {called}"
    module = given.get("module", "keras")
    if not isinstance(module, str) or not re.match(r"(tf_)?keras(\.|$)", module):
        raise ExchangeError(
            f"{called}: its class is of {module!r:.80}, not of Keras, so what it computes is not "
            "known"
        )
    registered = given.get("registered_name")
    if registered not in (None, kind):
        raise ExchangeError(
            f"{called}: it is registered as {registered!r:.80}, a class that is not Keras's own"
        )
    settings = Settings(called, config)
    args, kwargs = _called_with(given.get("inbound_nodes", []), settings)
    return Layer(name, kind, settings, args, kwargs)


def _called_with(nodes: Any, settings: Settings) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a layer's one call."""
    if not isinstance(nodes, list):
        settings.refuse(f"its inbound_nodes are {nodes!r:.60}")
    if not nodes:
        return (), {}
    if len(nodes) > 1:
        settings.refuse(f"it is called {len(nodes)} times; elman shares no layer")
    node = nodes[0]
    if isinstance(node, dict):
        args, kwargs = node.get("args"), node.get("kwargs", {})
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            settings.refuse("its inbound_nodes have no 'args' and 'kwargs'")
        revived = {name: _revived(each, settings) for name, each in kwargs.items()}
        return tuple(_revived(each, settings) for each in args), revived
    # as Keras 2 wrote it: lists of layer, node, index of the output, keyword arguments
    tensors: list[Tensor] = []
    kwargs = {}
    for each in node if isinstance(node, list) else [node]:
        reference = _reference(each[:3]) if isinstance(each, list) else None
        if reference is None:
            settings.refuse(f"it is called with {each!r:.60}")
        tensors.append(reference)
        if len(each) > 3 and isinstance(each[3], dict):
            kwargs |= each[3]
    return (tensors[0] if len(tensors) == 1 else tensors,), kwargs


def _revived(given: Any, settings: Settings) -> Any:
    """An argument, in which what describes a tensor is a `Tensor`."""
    if isinstance(given, dict) and given.get("class_name") == "__keras_tensor__":
        config = given.get("config")
        reference = _reference(config.get("keras_history") if isinstance(config, dict) else None)
        if reference is None:
            settings.refuse(f"a tensor is described by {given!r:.80}")
        return reference
    if isinstance(given, list):
        return [_revived(each, settings) for each in given]
    return given


def _reference(given: Any) -> Tensor | None:
    """A tensor by layer, number of the call (the first) and index."""
    if not isinstance(given, list) or len(given) != 3:
        return None
    name, node, index = given
    if not isinstance(name, str) or node != 0 or type(index) is not int or not 0 <= index < 64:
        return None
    return Tensor(name, index)


def _references(given: Any) -> Iterator[Tensor]:
    """The tensors of a nest of lists and dicts of references."""
    one = _reference(given)
    if one is not None:
        yield one
    elif isinstance(given, (list, dict)):
        for each in given.values() if isinstance(given, dict) else given:
            yield from _references(each)


def snake_case(name: str) -> str:
    """The name of a class as Keras writes it in files: SimpleRNN is simple_rnn."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", name).lower()
