"""The hyper-parameters of a network in; the layout that they ask for out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.backends.cells import Cell
from elman.nn.layout import Layout, layer_sizes
from elman.nn.readouts import EVERY


def layout_of(parameters: Mapping[str, Any], n_features: int, n_outputs: int) -> Layout:
    """The network that hyper-parameters ask for.

    Parameters
    ----------
    parameters : mapping
        Checked values by name. Where there is no readout, every time step has an answer.
    n_features : int
        What the network sees of a time step.
    n_outputs : int
    """
    return Layout(
        n_features,
        layer_sizes(parameters["hidden_size"], parameters["n_layers"]),
        n_outputs,
        cell=Cell(parameters["cell"], parameters["activation"], bool(parameters["layer_norm"])),
        readout=parameters.get("readout", EVERY),
        bidirectional=bool(parameters["bidirectional"]),
        residual=bool(parameters["residual"]),
        learn_initial_state=bool(parameters["learn_initial_state"]),
        dropout=float(parameters["dropout"]),
        recurrent_dropout=float(parameters["recurrent_dropout"]),
    )


def parameters_of(layout: Layout) -> dict[str, Any]:
    """Values of hyper-parameters that ask for a layout: `layout_of` them is that layout."""
    described: dict[str, Any] = {
        "hidden_size": layout.hidden_sizes,
        "n_layers": layout.n_layers,
        "cell": layout.cell.name,
        "activation": layout.cell.activation,
        "layer_norm": layout.cell.layer_norm,
        "bidirectional": layout.bidirectional,
        "residual": layout.residual,
        "learn_initial_state": layout.learn_initial_state,
        "dropout": layout.dropout,
        "recurrent_dropout": layout.recurrent_dropout,
    }
    return described if layout.at_every_step else described | {"readout": layout.readout}
