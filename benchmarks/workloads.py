"""The workloads every implementation runs: a size in, arrays out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import CELLS

Array = NDArray[np.float32]


class Size(NamedTuple):
    """Samples, time steps, features, hidden units."""

    B: int
    T: int
    D: int
    H: int

    def __str__(self) -> str:
        return f"{self.B}, {self.T}, {self.D}, {self.H}"

    def infer_flops(self, n_gates: int = 1) -> int:
        """Floating-point operations of the products of a forward pass (2 a multiply-add)."""
        return 2 * self.B * self.T * (self.D + self.H) * n_gates * self.H

    def step_flops(self, n_gates: int = 1) -> int:
        """Forward, the state's gradient, and the weight gradients; dX is not asked for."""
        return 2 * self.infer_flops(n_gates) + 2 * self.B * self.T * self.H * n_gates * self.H


SIZES = tuple(
    Size(*s)
    for s in (
        (32, 50, 8, 32),
        (270, 29, 12, 64),
        (64, 100, 32, 128),
        (64, 784, 1, 100),
        (128, 200, 64, 512),
        (1, 1000, 16, 64),
        (1, 1000, 16, 256),
        (1, 3, 2, 4),
    )
)


class Workload(NamedTuple):
    """Inputs of one size, the same for every implementation."""

    size: Size
    X: Array
    W_x: Array
    W_h: Array
    b: Array
    dfinal: Array
    """the loss's gradient at the last hidden state"""
    cell: str = "elman"


def make_workload(size: Size, seed: int = 0, cell: str = "elman") -> Workload:
    """Standard normal input, weights uniform in +-1/sqrt(H) as PyTorch starts them."""
    rng = np.random.default_rng(seed)
    scale = size.H**-0.5

    def uniform(*shape: int) -> Array:
        return rng.uniform(-scale, scale, shape).astype(np.float32)

    return Workload(
        size,
        rng.standard_normal((size.B, size.T, size.D)).astype(np.float32),
        uniform(size.D, len(CELLS[cell].gates) * size.H),
        uniform(size.H, len(CELLS[cell].gates) * size.H),
        uniform(len(CELLS[cell].biases) * size.H),
        rng.standard_normal((size.B, size.H)).astype(np.float32),
        cell,
    )
