"""Layers and operations of Keras 3, put together; a .keras file of them out.

A file is a zip archive of `config.json`, which says which layers there are and what each is called
with, `model.weights.h5`, which has their arrays by class and number, and `metadata.json`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.keras.config import snake_case
from elman.exchange.keras.hdf5 import import_h5py

Array = NDArray[Any]

KERAS_VERSION = "3.15.0"
"""Whose layout is written; every Keras 3 reads it."""
STAMP = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that equal models are equal files."""
OPERATIONS = {"Cast": "keras.src.ops.core"}
"""Where Keras keeps an operation; others are in keras.src.ops.numpy."""


@dataclass(frozen=True)
class Made:
    """A tensor of the graph."""

    layer: str
    index: int
    shape: tuple[int | None, ...]
    dtype: str = "float32"

    def described(self) -> dict[str, Any]:
        """The tensor as an argument in a description."""
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(self.shape),
                "dtype": self.dtype,
                "keras_history": [self.layer, 0, self.index],
            },
        }


class Graph:
    """A Functional model that grows layer by layer."""

    def __init__(self) -> None:
        self._layers: list[dict[str, Any]] = []
        self._counts: dict[str, int] = {}
        self._inputs: list[str] = []
        self._arrays: dict[str, list[Array]] = {}
        self._names: dict[str, str] = {}

    def input(self, name: str, shape: tuple[int | None, ...], dtype: str = "float32") -> Made:
        """An input of the model."""
        config = {"batch_shape": list(shape), "dtype": dtype, "name": name}
        self._layers.append(_entry("keras.layers", "InputLayer", config, [], {}))
        self._inputs.append(name)
        return Made(name, 0, shape, dtype)

    def layer(
        self,
        kind: str,
        name: str,
        inputs: Any,
        shape: tuple[int | None, ...],
        config: Mapping[str, Any] | None = None,
        *,
        mask: Made | None = None,
        arrays: Mapping[str, Sequence[Array]] | None = None,
    ) -> Made:
        """A layer applied to tensors.

        Parameters
        ----------
        kind : str
            Its class.
        name : str
        inputs : Made or list of Made
        shape : tuple
            Of what it gives.
        config : mapping, optional
            Its settings.
        mask : Made, optional
            The steps that it does not leave out.
        arrays : mapping of str to sequence of ndarray, optional
            Its weights, by the path below its own group.
        """
        number = self._counts.get(kind, 0)
        self._counts[kind] = number + 1
        group = f"{snake_case(kind)}_{number}" if number else snake_case(kind)
        for below, each in (arrays or {}).items():
            self._arrays[f"layers/{group}/{below}".rstrip("/")] = list(each)
            self._names[f"layers/{group}/{below}".rstrip("/")] = name
        kwargs = {} if mask is None else {"mask": mask.described()}
        settings = {"name": name, "dtype": "float32", **(config or {})}
        self._layers.append(_entry("keras.layers", kind, settings, [inputs], kwargs))
        return Made(name, 0, shape)

    def operation(
        self,
        kind: str,
        name: str,
        args: Sequence[Any],
        shape: tuple[int | None, ...],
        config: Mapping[str, Any] | None = None,
        *,
        dtype: str = "float32",
    ) -> Made:
        """A function of `keras.ops`, applied to tensors and numbers."""
        module = OPERATIONS.get(kind, "keras.src.ops.numpy")
        settings = {"name": name, **(config or {})}
        self._layers.append(_entry(module, kind, settings, args, {}, registered=kind))
        return Made(name, 0, shape, dtype)

    def config(self, name: str, output: Made) -> dict[str, Any]:
        """The description of the model."""
        inputs = [[each, 0, 0] for each in self._inputs]
        return {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": {
                "name": name,
                "trainable": True,
                "layers": self._layers,
                "input_layers": inputs[0] if len(inputs) == 1 else inputs,
                "output_layers": [output.layer, 0, output.index],
            },
            "registered_name": "Functional",
            "build_config": {"input_shape": None},
        }

    def weights(self) -> bytes:
        """The HDF5 file of all arrays."""
        h5py = import_h5py()
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            for path, arrays in self._arrays.items():
                group = file.create_group(f"{path}/vars")
                group.attrs["name"] = self._names[path]
                for i, array in enumerate(arrays):
                    group[str(i)] = array
        return content.getvalue()

    def write(self, file: IO[bytes], name: str, output: Made, kept: Mapping[str, Any]) -> None:
        """Write the .keras file.

        Parameters
        ----------
        file : binary file
        name : str
            Of the model.
        output : Made
        kept : mapping
            What is said beside what Keras knows, in `metadata.json`.
        """
        metadata = {"keras_version": KERAS_VERSION, "elman": dict(kept)}
        with zipfile.ZipFile(file, "w") as archive:
            for member, content in (
                ("metadata.json", json.dumps(metadata).encode()),
                ("config.json", json.dumps(self.config(name, output), allow_nan=False).encode()),
                ("model.weights.h5", self.weights()),
            ):
                archive.writestr(zipfile.ZipInfo(member, STAMP), content)


def _entry(
    module: str,
    kind: str,
    config: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    registered: str | None = None,
) -> dict[str, Any]:
    nodes = [{"args": [_argument(each) for each in args], "kwargs": dict(kwargs)}] if args else []
    return {
        "module": module,
        "class_name": kind,
        "config": dict(config),
        "registered_name": registered,
        "name": config["name"],
        "inbound_nodes": nodes,
    }


def _argument(given: Any) -> Any:
    if isinstance(given, Made):
        return given.described()
    if isinstance(given, (list, tuple)):
        return [_argument(each) for each in given]
    return given


def numbers(values: NDArray[np.float64]) -> list[float]:
    """Numbers as a description has them."""
    return [float(each) for each in values]
