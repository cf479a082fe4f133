"""A cell and its sizes in; the shapes, gate order and initial values of its weights out.

Gate order, which the columns of W_x, W_h and b follow in blocks of `hidden_size`:

    elman   one block: h
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Cell
from elman.nn.initializers import RECURRENT, glorot_uniform
from elman.nn.parameters import Shapes

GATES: dict[str, tuple[str, ...]] = {"elman": ("h",)}
"""Blocks of columns, in order; only `formats` reorders them for other libraries."""


def weight_shapes(cell: Cell, n_features: int, hidden_size: int) -> Shapes:
    """Shapes of W_x, W_h and b."""
    width = len(GATES[cell.name]) * hidden_size
    return {"W_x": (n_features, width), "W_h": (hidden_size, width), "b": (width,)}


def initial_weights(
    cell: Cell, n_features: int, hidden_size: int, recurrent_init: str, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Glorot uniform W_x, W_h by `recurrent_init`, b of zeros; each gate's block drawn by itself.

    Returns
    -------
    dict of str to float64 ndarray
        "W_x", "W_h" and "b".
    """
    gates = GATES[cell.name]
    draw = RECURRENT[recurrent_init]
    return {
        "W_x": np.hstack([glorot_uniform(rng, n_features, hidden_size) for _ in gates]),
        "W_h": np.hstack([draw(rng, hidden_size) for _ in gates]),
        "b": np.zeros(len(gates) * hidden_size),
    }
