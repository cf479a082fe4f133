"""From hyper-parameters to a layout, and back."""

from __future__ import annotations

import pytest

from elman.backends.cells import Cell
from elman.hyperparameters.network import layout_of, parameters_of
from elman.nn.layout import Layout


@pytest.mark.parametrize(
    "layout",
    [
        Layout(2, (7,), 3),
        Layout(2, (7,), 3, readout=("mean", "last")),
        Layout(1, (4, 6), 2, cell=Cell("elman", "relu"), readout="every", bidirectional=True),
        Layout(
            3,
            (5, 5),
            1,
            cell=Cell("lstm", layer_norm=True),
            readout="attention",
            residual=True,
            learn_initial_state=True,
            dropout=0.25,
            recurrent_dropout=0.5,
        ),
    ],
)
def test_there_and_back(layout):
    parameters = parameters_of(layout)
    assert layout_of(parameters, layout.n_features, layout.n_outputs) == layout
