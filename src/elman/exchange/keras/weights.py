"""The arrays of a file in; those of each layer, by what they are for it, out.

Keras 3 files a layer's arrays under its class and its number among those of its class, and numbers
them: "layers/gru_1/cell/vars/0" is the kernel of the second GRU. Before that, files named them:
"gru_2/gru_cell/kernel:0" below a group that is called as the layer is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from elman.exchange.keras.config import Layer, snake_case
from elman.exchange.parts import ExchangeError

Array = NDArray[Any]

LAYERS = "layers"
LAYERS_BEFORE = "_layer_checkpoint_dependencies"
"""what Keras 2.13 called the group of all layers"""


class Weights(Protocol):
    """The arrays of a file, of which each layer takes its own."""

    def take(
        self, layer: Layer, roles: Sequence[str], *, part: str = "", cell: bool = False
    ) -> dict[str, Array]:
        """Those arrays of a layer that are there, by their roles.

        Parameters
        ----------
        layer : Layer
        roles : sequence of str
            What its arrays are called, in Keras's order.
        part : {"", "forward_layer", "backward_layer", "layer"}
            Which of the layers that it wraps has them.
        cell : bool
            Whether they belong to the cell of a recurrent layer.
        """
        ...

    def left_over(self) -> list[str]:
        """The arrays that no layer took."""
        ...


class Numbered:
    """Arrays as Keras 3 files them.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By their paths below the group of all layers.
    layers : sequence of Layer
        Of the model, in Keras's order.
    """

    def __init__(self, arrays: Mapping[str, Array], layers: Sequence[Layer]) -> None:
        self._arrays = dict(arrays)
        self._groups: dict[str, str] = {}
        counts: dict[str, int] = {}
        for layer in layers:
            name = snake_case(layer.kind)
            n = counts.get(name, 0)
            counts[name] = n + 1
            self._groups[layer.name] = f"{name}_{n}" if n else name

    def take(
        self, layer: Layer, roles: Sequence[str], *, part: str = "", cell: bool = False
    ) -> dict[str, Array]:
        """As `Weights.take` says."""
        parts = [self._groups[layer.name], part, "cell" if cell else "", "vars"]
        below = "/".join(filter(None, parts))
        found = {}
        for i, role in enumerate(roles):
            array = self._arrays.pop(f"{below}/{i}", None)
            if array is not None:
                found[role] = array
        return found

    def left_over(self) -> list[str]:
        """As `Weights.left_over` says; states of random generators are no weights."""
        return [path for path in self._arrays if "seed_generator" not in path.split("/")]


class Named:
    """Arrays as files of Keras 2, and .h5 files of Keras 3, have them.

    Parameters
    ----------
    groups : mapping of str to mapping
        For each layer by name its arrays by their paths below its group.
    """

    def __init__(self, groups: Mapping[str, Mapping[str, Array]]) -> None:
        self._groups = {name: dict(arrays) for name, arrays in groups.items()}

    def take(
        self, layer: Layer, roles: Sequence[str], *, part: str = "", cell: bool = False
    ) -> dict[str, Array]:
        """As `Weights.take` says."""
        arrays = self._groups.get(layer.name, {})
        direction = part.partition("_")[0] if part != "layer" else ""
        found: dict[str, Array] = {}
        for path in list(arrays):
            *above, last = path.split("/")
            role = last.partition(":")[0]
            if role not in roles or (direction and _direction(above) != direction):
                continue
            if role in found:
                raise ExchangeError(f"{layer.settings.where}: it has two arrays called {role!r}")
            found[role] = arrays.pop(path)
        return found

    def left_over(self) -> list[str]:
        """As `Weights.left_over` says; states of random generators are no weights."""
        return [
            f"{name}/{path}"
            for name, arrays in self._groups.items()
            for path in arrays
            if "seed_generator" not in path
        ]


def _direction(groups: Sequence[str]) -> str:
    """Which half of a Bidirectional an array in these groups belongs to."""
    for group in reversed(groups):
        for direction in ("forward", "backward"):
            if group.startswith(direction):
                return direction
    return ""
