"""The compiled module. Shapes are those of `contract`; names are given by their codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]
_Lengths = NDArray[np.int64] | None
_Codes = NDArray[np.int32]

class StepperF32:
    def __init__(
        self,
        isa: int,
        cell: int,
        activation: int,
        W_x: _Array,
        W_h: _Array,
        b: _Array,
        gain: _Array | None,
        n_samples: int,
        table: _Array | None,
        n_codes: int,
    ) -> None: ...
    def step(self, x: _Array, codes: _Codes | None = None) -> None: ...
    def state(self) -> _Array: ...

class StepperF64(StepperF32): ...

class StreamF32:
    def __init__(
        self,
        steppers: list[StepperF32],
        residual: bool,
        readouts: list[int],
        missing: int,
        link: int,
        flat: bool,
        n_features: int,
        categories: Sequence[int],
        mean: _Array | None,
        scale: _Array | None,
        query: _Array | None,
        W: _Array,
        b: _Array,
    ) -> None: ...
    def step(self, x: object, /) -> _Array | None: ...
    def answer(self) -> _Array: ...
    def state(self) -> dict[str, _Array]: ...
    def logits(self) -> _Array: ...
    def repeat(self, x: _Array, n: int) -> bool: ...

class StreamF64(StreamF32): ...

NORM_EPSILON: float

def isas() -> list[str]: ...
def names() -> dict[str, tuple[str, ...]]:
    """The names that the kernel knows, by what they name. The code of a name is its place."""

def shapes() -> dict[str, tuple[int, int, int, int]]:
    """How many gates, biases, states and blocks of trace each cell has."""

def forward(
    isa: int,
    n_threads: int,
    cell: int,
    activation: int,
    pool: int,
    X: _Array,
    lengths: _Lengths,
    initial: _Array | None,
    W_x: _Array,
    W_h: _Array,
    b: _Array,
    gain: _Array | None,
    want_H: bool,
    keep_tape: bool,
    recompute_every: int,
    h_mask: _Array | None,
    batch_samples: int,
    codes: _Codes | None,
    table: _Array | None,
    /,
) -> tuple[_Array | None, _Array, _Array | None, _Array | None, _Array | None, int, _Array | None]:
    """H, final, pooled, ties, checkpoints, the rounded number of steps between them, and trace."""

def backward(
    isa: int,
    n_threads: int,
    cell: int,
    activation: int,
    pool: int,
    X: _Array,
    lengths: _Lengths,
    initial: _Array | None,
    W_x: _Array,
    W_h: _Array,
    b: _Array,
    gain: _Array | None,
    states: _Array,
    recompute_every: int,
    pooled: _Array | None,
    ties: _Array | None,
    trace: _Array | None,
    dH: _Array | None,
    dfinal: _Array | None,
    dpooled: _Array | None,
    h_mask: _Array | None,
    need_dX: bool,
    dW_x: _Array | None,
    dW_h: _Array | None,
    db: _Array | None,
    dgain: _Array | None,
    batch_samples: int,
    codes: _Codes | None,
    table: _Array | None,
    /,
) -> tuple[_Array | None, _Array, _Array, _Array, _Array, _Array | None, _Array | None]:
    """dX, dinitial, dW_x, dW_h, db, dgain and dtable; of weights those passed in, or fresh ones."""

def group_rows(cell: int, n_samples: int, hidden_size: int, /) -> int: ...
def linear_forward(isa: int, n_threads: int, X: _Array, W: _Array, b: _Array, /) -> _Array: ...
def linear_backward(
    isa: int,
    n_threads: int,
    dY: _Array,
    X: _Array,
    W: _Array,
    need_dX: bool,
    dW: _Array | None,
    db: _Array | None,
    batch_rows: int,
    /,
) -> tuple[_Array | None, _Array, _Array]: ...
def gather(
    values: _Array, offsets: NDArray[np.int64], order: NDArray[np.int64], n_timesteps: int, /
) -> _Array: ...
def all_finite(values: _Array, n_threads: int, /) -> bool: ...
def standardise(
    values: _Array, mean: _Array, scale: _Array, out: _Array, n_threads: int, /
) -> bool: ...
def cross_entropy(
    logits: _Array,
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    total: float,
    /,
) -> tuple[NDArray[np.float64], _Array, NDArray[np.bool_]]: ...
def squared_errors(outputs: _Array, targets: _Array, /) -> NDArray[np.float64]: ...
def sum(values: NDArray[np.float64], /) -> float: ...
def softmax(logits: _Array, /) -> _Array: ...
def sigmoid(logits: _Array, /) -> _Array: ...
def norm(vector: _Array, /) -> float: ...
def adam(
    weights: _Array,
    gradient: _Array,
    m: _Array,
    v: _Array,
    decay: _Array | None,
    scale: float,
    penalty: float,
    beta_1: float,
    beta_2: float,
    root_correction_2: float,
    epsilon: float,
    rate: float,
    shrink: float,
    /,
) -> None: ...
def tanh(isa: int, x: _Array, y: _Array) -> None: ...
def multiply_adds(isa: int, n: int) -> int: ...
