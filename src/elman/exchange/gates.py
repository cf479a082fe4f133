"""The order of gates in every format, and how one bias becomes two.

Ours (`elman.backends.cells.CELLS`) has a block of `hidden_size` columns for each gate in W_x, W_h
and b, and in a GRU's b a fourth block: the bias of the recurrent half of the candidate, which the
reset gate multiplies.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import CELLS

Array = NDArray[Any]
Format = Literal["torch", "onnx", "keras"]

ORDERS: dict[Format, dict[str, tuple[str, ...]]] = {
    "torch": {"elman": ("h",), "gru": ("r", "z", "n"), "lstm": ("i", "f", "g", "o")},
    "onnx": {"elman": ("h",), "gru": ("z", "r", "n"), "lstm": ("i", "o", "f", "g")},
    "keras": {"elman": ("h",), "gru": ("z", "r", "n"), "lstm": ("i", "f", "g", "o")},
}
"""Our names of the gates, in the order in which a format has their blocks. ONNX calls an LSTM's
candidate c and a GRU's h; Keras calls them c and h as well. In all three a GRU's new state is
(1 - z) n + z h, and its reset gate comes after the recurrent product: in ONNX with
linear_before_reset=1, in Keras with reset_after=True."""


def to_order(blocks: Array, cell: str, of: Format) -> Array:
    """Blocks of gates, side by side along the last axis in our order, in that of a format.

    Parameters
    ----------
    blocks : ndarray of shape (..., n_gates * hidden_size)
    cell : {"elman", "gru", "lstm"}
    of : {"torch", "onnx", "keras"}
    """
    return _reordered(blocks, CELLS[cell].gates, ORDERS[of][cell])


def from_order(blocks: Array, cell: str, of: Format) -> Array:
    """Blocks of gates in the order of a format, in ours: the inverse of `to_order`."""
    return _reordered(blocks, ORDERS[of][cell], CELLS[cell].gates)


def two_biases(b: Array, cell: str) -> tuple[Array, Array]:
    """The bias beside the product with x and that beside the product with h, in our order.

    All is in the first, but for a GRU's recurrent half of the candidate.

    Parameters
    ----------
    b : ndarray of shape (n_biases * hidden_size,)

    Returns
    -------
    b_x, b_h : ndarray of shape (n_gates * hidden_size,)
    """
    kind = CELLS[cell]
    size = len(b) // len(kind.biases)
    b_x, b_h = (np.zeros(len(kind.gates) * size, b.dtype) for _ in range(2))
    b_x[...] = b[: len(b_x)]
    if cell == "gru":
        b_h[2 * size :] = b[3 * size :]
    return b_x, b_h


def one_bias(b_x: Array, b_h: Array, cell: str) -> Array:
    """Our bias of the two that other frameworks have, which are in our order of gates.

    Sums of the two, but for the two halves of a GRU's candidate, which stay apart.

    Returns
    -------
    ndarray of shape (n_biases * hidden_size,)
    """
    if cell != "gru":
        return b_x + b_h
    size = len(b_x) // 3
    return np.concatenate([b_x[: 2 * size] + b_h[: 2 * size], b_x[2 * size :], b_h[2 * size :]])


def _reordered(blocks: Array, given: tuple[str, ...], wanted: tuple[str, ...]) -> Array:
    n_gates = len(given)
    if blocks.shape[-1] % n_gates:
        raise ValueError(f"{blocks.shape[-1]} columns are no {n_gates} blocks of equal size")
    apart = blocks.reshape(*blocks.shape[:-1], n_gates, blocks.shape[-1] // n_gates)
    order = [given.index(gate) for gate in wanted]
    return np.ascontiguousarray(apart[..., order, :]).reshape(blocks.shape)
