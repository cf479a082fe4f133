"""The compiled module: arrays in, arrays written; shapes as in `contract`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]
_Lengths = NDArray[np.int64] | None

class StepperF32:
    def __init__(
        self, isa: int, activation: int, W_x: _Array, W_h: _Array, b: _Array, n_samples: int
    ) -> None: ...
    def step(self, x: _Array) -> None: ...
    def state(self) -> _Array: ...

class StepperF64(StepperF32): ...

def isas() -> list[str]: ...
def forward(
    isa: int,
    n_threads: int,
    activation: int,
    X: _Array,
    lengths: _Lengths,
    initial: _Array | None,
    W_x: _Array,
    W_h: _Array,
    b: _Array,
    H: _Array | None,
    final: _Array,
    pool: int,
    pooled: _Array | None,
    ties: _Array | None,
    checkpoints: _Array | None,
    checkpoint_every: int,
) -> None: ...
def backward(
    isa: int,
    n_threads: int,
    activation: int,
    X: _Array,
    lengths: _Lengths,
    initial: _Array | None,
    W_x: _Array,
    W_h: _Array,
    b: _Array,
    H: _Array,
    checkpoint_every: int,
    dH: _Array | None,
    dfinal: _Array | None,
    pool: int,
    dpooled: _Array | None,
    pooled: _Array | None,
    ties: _Array | None,
    dX: _Array | None,
    dinitial: _Array,
    dW_x: _Array,
    dW_h: _Array,
    db: _Array,
) -> None: ...
def checkpoint_steps(n_samples: int, n_timesteps: int, hidden_size: int, wanted: int) -> int: ...
def linear_forward(
    isa: int, n_threads: int, X: _Array, W: _Array, b: _Array, Y: _Array
) -> None: ...
def linear_backward(
    isa: int,
    n_threads: int,
    dY: _Array,
    X: _Array,
    W: _Array,
    dX: _Array | None,
    dW: _Array,
    db: _Array,
) -> None: ...
def tanh(isa: int, x: _Array, y: _Array) -> None: ...
def multiply_adds(isa: int, n: int) -> int: ...
