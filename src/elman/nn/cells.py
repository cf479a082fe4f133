"""A cell and its sizes in; the shapes, gate order and initial values of its weights out.

Gate order, which the columns of W_x, W_h and b follow in blocks of `hidden_size`:

    elman   h
    gru     r, z, n     and in b a fourth, hn, the recurrent part of n, which r multiplies
    lstm    i, f, g, o

the order of PyTorch and cuDNN (`elman.backends.cells.CELLS`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell
from elman.nn.initializers import RECURRENT, glorot_uniform
from elman.nn.parameters import Shapes

FORGET_BIAS = 1.0
"""An LSTM's initial b_f: Jozefowicz, Zaremba and Sutskever (2015), "An empirical exploration of
recurrent network architectures"."""

INITIAL_GAINS = {"elman": 0.3, "gru": 0.1, "lstm": 0.2}
"""What every gain of a cell with layer normalisation starts at. At 1 a normalised sum drives many
units of tanh to where it is flat: Cooijmans, Ballas, Laurent, Gulcehre and Courville (2016),
"Recurrent batch normalization". Chosen by cross-validation (docs/how-to/choosing.md)."""


def weight_shapes(cell: Cell, n_features: int, hidden_size: int) -> Shapes:
    """Shapes of W_x, W_h and b; with layer normalisation also of the gain."""
    width = len(cell.kind.gates) * hidden_size
    biases = (len(cell.kind.biases) * hidden_size,)
    shapes: Shapes = {"W_x": (n_features, width), "W_h": (hidden_size, width), "b": biases}
    return shapes | {"gain": biases} if cell.layer_norm else shapes


def initial_weights(
    cell: Cell,
    n_features: int,
    hidden_size: int,
    recurrent_init: str,
    rng: np.random.Generator,
    forget_bias: float = FORGET_BIAS,
    fan_in: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Glorot uniform W_x, W_h by `recurrent_init`; each gate's block drawn by itself.

    b is zero, but for an LSTM's forget gate: `forget_bias`. A gain is the cell's of
    `INITIAL_GAINS`. Where most inputs of a step are zero, as those of a one-hot column are,
    `fan_in` says how many are not, so that the sums do not begin small.

    Returns
    -------
    dict of str to float64 ndarray
        Names and shapes as `weight_shapes` gives them.
    """
    draw = RECURRENT[recurrent_init]
    b = np.zeros((len(cell.kind.biases), hidden_size))
    if cell.name == "lstm":
        b[cell.kind.biases.index("f")] = forget_bias
    weights = {
        "W_x": np.hstack(
            [glorot_uniform(rng, n_features, hidden_size, fan_in) for _ in cell.kind.gates]
        ),
        "W_h": np.hstack([draw(rng, hidden_size) for _ in cell.kind.gates]),
        "b": b.ravel(),
    }
    if cell.layer_norm:
        weights["gain"] = np.full(b.size, INITIAL_GAINS[cell.name])
    return weights
