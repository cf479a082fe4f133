"""Translates hyper-parameters into the layout of a network, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.backends.cells import Cell
from elman.nn.categories import Columns
from elman.nn.layout import Layout, layer_sizes
from elman.nn.readouts import EVERY

OPTIONS = {name: type(value) for name, value in Layout(1, (1,), 1).options.items()}
"""The fields of a layout that are hyper-parameters by the same name, and their types."""


def layout_of(
    parameters: Mapping[str, Any], n_features: int, n_outputs: int, categories: Columns = ()
) -> Layout:
    """The network that hyper-parameters ask for.

    Parameters
    ----------
    parameters : mapping
        Checked values by name. Where there is no readout, every time step has an answer.
    n_features : int
        What the network sees of a time step.
    n_outputs : int
    categories : tuple of (int, int)
        Of the first columns of a step, as `Layout` has them.
    """
    return Layout(
        n_features,
        layer_sizes(parameters["hidden_size"], parameters["n_layers"]),
        n_outputs,
        cell=Cell(parameters["cell"], parameters["activation"], bool(parameters["layer_norm"])),
        readout=parameters.get("readout", EVERY),
        categories=categories,
        frozen_embeddings=bool(categories) and bool(parameters.get("freeze_embedding", False)),
        **{name: kind(parameters[name]) for name, kind in OPTIONS.items()},
    )


def parameters_of(layout: Layout) -> dict[str, Any]:
    """The hyper-parameters that describe a layout: the inverse of `layout_of`."""
    described: dict[str, Any] = {
        "hidden_size": layout.hidden_sizes,
        "n_layers": layout.n_layers,
        "cell": layout.cell.name,
        "activation": layout.cell.activation,
        "layer_norm": layout.cell.layer_norm,
        **layout.options,
        "freeze_embedding": layout.frozen_embeddings,
    }
    # Of several readouts a tuple, as an estimator takes them.
    return described if layout.at_every_step else described | {"readout": layout.readout}
