"""A trained model in; a state dict, and a text with all that is not in one, out. And back.

The text is JSON: what a model file says of the network, its answers and its input, and the arrays
that are no numbers of a network, such as the labels of classes and vocabularies.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import ExchangeError
from elman.exchange.torch.names import from_torch_names, listed, to_torch_names
from elman.models.files import KINDS
from elman.models.model import TrainedModel
from elman.nn.layout import Layout
from elman.nn.network import network_shapes

Array = NDArray[Any]
Described = dict[str, Any]

VERSION = 1
BUFFERS = re.compile(r"(standardize|frontend|target|before[0-9]+)\.\w+")
"""Names of the arrays of float64 that are in a state dict beside the weights: what is done to the
numbers of a step, and to those of an answer."""
WRITTEN_OUT = 256
"""Arrays of so many numbers are written out in the text, so that a person can read them."""
ARRAY_TYPES = re.compile(r"[|<](b1|[iu][1248]|f[248])")
MOST_PARTS = 1 << 24
"""bytes that parsing may take beside a few times the text's own"""


def taken_apart(model: TrainedModel) -> tuple[dict[str, Array], Described]:
    """The state dict of a model, and what it leaves unsaid.

    Raises
    ------
    ValueError
        The weights are not finite.
    """
    described, tensors = model.describe()
    weights = {name: tensors.pop(name) for name in network_shapes(model.network.layout)}
    state = to_torch_names(model.network.layout, weights)
    buffers = [name for name in tensors if BUFFERS.fullmatch(name)]
    state |= {name: np.array(tensors.pop(name), np.float64, order="C") for name in buffers}
    return state, {"version": VERSION, "model": described, "arrays": tensors}


def put_together(state: Mapping[str, Array], unsaid: Described) -> TrainedModel:
    """The model of a state dict and of what that leaves unsaid, which may have been forged.

    Raises
    ------
    ExchangeError
        Tensors are missing or left over, or the two do not fit each other.
    """
    tensors = dict(state)
    try:
        described, arrays = unsaid["model"], unsaid["arrays"]
        layout = Layout.from_dict(described["network"], most_layers=len(tensors))
        kind = KINDS[described["kind"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ExchangeError(f"the description of the model is of none ({error!r:.300})") from error
    weights = from_torch_names(layout, tensors)
    buffers = {
        name: tensors.pop(name).astype(np.float64)
        for name in list(tensors)
        if BUFFERS.fullmatch(name)
    }
    refuse_left_over(tensors)
    rest = {**weights, **buffers, **arrays}
    try:
        model = kind.restore(described, rest)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ExchangeError(
            f"the tensors and the description of the {kind.kind} do not fit: {error}"
        ) from error
    refuse_left_over(rest)
    return model


def refuse_left_over(tensors: Mapping[str, Any]) -> None:
    """Raise ExchangeError if there are tensors that the model has no place for; names them."""
    if tensors:
        raise ExchangeError(
            f"the state dict has {listed(sorted(tensors))}, which this model has no place for: to "
            "leave them out would give other answers than the network that they belong to"
        )


# As text


def as_text(unsaid: Described) -> str:
    """What a state dict leaves unsaid, as a file keeps it."""
    arrays = {name: _array_in_words(array) for name, array in unsaid["arrays"].items()}
    return json.dumps(unsaid | {"arrays": arrays}, sort_keys=True)


def of_text(text: str) -> Described:
    """What `as_text` wrote, from a file that anybody may have written.

    Raises
    ------
    ExchangeError
        It is something else.
    """
    parts = 88 * text.count("[") + 232 * text.count("{") + 40 * text.count(",")
    if parts > 4 * len(text) + MOST_PARTS:
        raise ExchangeError(f"the description would take about {parts:,} bytes in memory")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"the description of the model is not JSON ({error})") from error
    if not isinstance(found, dict) or set(found) != {"version", "model", "arrays"}:
        raise ExchangeError("the description of the model has not the parts of one")
    if found["version"] != VERSION:
        raise ExchangeError(
            f"the description of the model is of version {found['version']!r:.20}, and this elman "
            f"reads {VERSION}: install the elman that wrote it, or a newer one"
        )
    if not isinstance(found["arrays"], dict) or not isinstance(found["model"], dict):
        raise ExchangeError("the description of the model has not the parts of one")
    found["arrays"] = {name: _array_of_words(name, each) for name, each in found["arrays"].items()}
    return found


def _array_in_words(array: Array) -> Described:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    words: Described = {"dtype": little.dtype.str}
    if array.size <= WRITTEN_OUT and array.ndim == 1:
        return words | {"values": little.tolist()}
    return words | {
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def _array_of_words(name: str, words: Any) -> Array:
    try:
        if not ARRAY_TYPES.fullmatch(words["dtype"]):
            raise ValueError("a type that no array of a model has")
        dtype = np.dtype(words["dtype"])
        if "values" in words:
            found = np.array(words["values"], dtype)
            if found.ndim != 1 or len(found) > WRITTEN_OUT:
                raise ValueError("values that are no short list")
        else:
            data = base64.b64decode(words["base64"], validate=True)
            found = np.frombuffer(data, dtype).reshape(words["shape"])
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise ExchangeError(f"the array {name!r:.80} of the description: {error}") from error
    return found.astype(dtype.newbyteorder("="))
