"""Arguments of a backend in; TypeError or ValueError unless they keep the contract."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell, Weights
from elman.backends.contract import OUTPUTS, POOLS, Coded, Outputs, Tape, pooled_width
from elman.backends.streams import LINKS, MISSING, StreamPlan

Array = NDArray[Any]


def _check_array(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain numpy array, got {type(array).__name__}")
    if array.dtype != dtype:
        raise TypeError(f"{name} has dtype {array.dtype}, expected {dtype} (one dtype throughout)")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(
            f"{name} must be C-contiguous and aligned; pass np.require({name}, requirements='CA')"
        )


def _check_output(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    _check_array(name, array, shape, dtype)
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only; pass an array that may be written")


def _check_batch(name: str, n_batch: int | None, n: int) -> None:
    if n_batch is not None and n_batch < n:
        raise ValueError(
            f"{name}={n_batch}, but there are {n} already: it counts those of the whole batch, of "
            "which these are a part; leave it out if they are all"
        )


def _check_coded(
    coded: Coded,
    lengths: NDArray[np.int64] | None,
    n_steps: tuple[int, int],
    width: int,
    dtype: np.dtype[Any],
) -> None:
    """`n_steps`: samples and time steps; `width`: columns of W_x; `lengths` have been checked."""
    codes, table = coded
    if not isinstance(table, np.ndarray) or table.ndim != 2:
        raise ValueError(
            f"coded.table must be (n_rows, n_gates * hidden_size), got {np.shape(table)}"
        )
    _check_array("coded.table", table, (len(table), width), dtype)
    if not isinstance(codes, np.ndarray) or codes.ndim != 3:
        raise ValueError(
            f"coded.codes must be (n_samples, n_timesteps, n_codes), got {np.shape(codes)}"
        )
    if codes.shape[2] == 0:
        raise ValueError(
            f"coded.codes has shape {codes.shape}: there is no code in a step; leave coded out"
        )
    _check_array("coded.codes", codes, (*n_steps, codes.shape[2]), np.dtype(np.int32))
    wrong = (codes < 0) | (codes >= len(table))
    if lengths is not None:
        wrong &= (np.arange(n_steps[1]) < lengths[:, np.newaxis])[..., np.newaxis]
    if wrong.any():
        i, t, k = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"coded.codes[{i}, {t}, {k}] (sample {i}, time step {t}) is {codes[i, t, k]}, but "
            f"coded.table has {len(table)} rows: a code must lie in [0, {len(table)})"
        )


def check_forward(
    cell: Cell,
    X: Array,
    lengths: NDArray[np.int64] | None,
    initial: Array | None,
    weights: Weights,
    outputs: Outputs = "final",
    recompute_every: int = 0,
    h_mask: Array | None = None,
    batch_samples: int | None = None,
    coded: Coded | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `forward` keep the contract."""
    if outputs not in OUTPUTS:
        raise ValueError(f"outputs={outputs!r} is not known; choose one of {', '.join(OUTPUTS)}")
    if recompute_every < 0:
        raise ValueError(f"recompute_every={recompute_every} must be 0 (none) or more")
    if not isinstance(X, np.ndarray) or X.ndim != 3:
        raise ValueError(f"X must be (n_samples, n_timesteps, n_features), got {np.shape(X)}")
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        raise TypeError(f"X has dtype {X.dtype}, expected native float32 or float64")
    n_samples, n_timesteps, n_features = X.shape
    _check_batch("batch_samples", batch_samples, n_samples)
    hidden_size = weights.b.shape[0] // len(cell.kind.biases)
    width = hidden_size * len(cell.kind.gates)
    _check_array("X", X, X.shape, X.dtype)
    _check_array("W_x", weights.W_x, (n_features, width), X.dtype)
    _check_array("W_h", weights.W_h, (hidden_size, width), X.dtype)
    _check_array("b", weights.b, (hidden_size * len(cell.kind.biases),), X.dtype)
    if weights.gain is not None and not cell.layer_norm:
        raise ValueError("weights.gain was given, but the cell has no layer normalisation")
    if cell.layer_norm:
        if weights.gain is None:
            raise ValueError("weights.gain is None, but the cell has layer normalisation")
        _check_array("gain", weights.gain, weights.b.shape, X.dtype)
    if initial is not None:
        _check_array("initial", initial, (n_samples, cell.state_size(hidden_size)), X.dtype)
    if h_mask is not None:
        _check_array("h_mask", h_mask, (n_samples, hidden_size), X.dtype)
    if lengths is not None:
        _check_array("lengths", lengths, (n_samples,), np.dtype(np.int64))
        if n_samples and (
            lengths[-1] < 0 or lengths[0] > n_timesteps or np.any(np.diff(lengths) > 0)
        ):
            raise ValueError(
                f"lengths must run longest first and lie in [0, {n_timesteps}], "
                f"got {lengths!s:.200}"
            )
    if coded is not None:
        _check_coded(coded, lengths, (n_samples, n_timesteps), width, X.dtype)


def n_checkpoints(n_timesteps: int, recompute_every: int) -> int:
    """How many states of each sample a tape keeps: none after the last stretch of steps."""
    return max(0, n_timesteps - 1) // recompute_every


def check_backward(
    dH: Array | None,
    dfinal: Array | None,
    tape: Tape,
    dpooled: Array | None = None,
    out: Weights | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `backward` keep the contract."""
    n_samples, n_timesteps, _ = tape.X.shape
    hidden_size, dtype = tape.weights.W_h.shape[0], tape.H.dtype
    if dH is not None:
        _check_array("dH", dH, (n_samples, n_timesteps, hidden_size), dtype)
    if dfinal is not None:
        _check_array("dfinal", dfinal, (n_samples, tape.cell.state_size(hidden_size)), dtype)
    if dpooled is not None:
        if tape.outputs not in POOLS:
            raise ValueError(f"dpooled was given, but the tape is of outputs={tape.outputs!r}")
        width = pooled_width(tape.outputs, hidden_size)
        _check_array("dpooled", dpooled, (n_samples, width), dtype)
    if out is not None:
        for name, given, weight in zip(Weights._fields, out, tape.weights, strict=True):
            if (given is None) != (weight is None):
                raise ValueError(f"out.{name} goes with layer normalisation, and only with it")
            if given is not None and weight is not None:
                _check_output(f"out.{name}", given, weight.shape, dtype)


def check_step(
    cell: Cell, x: Array, state: Array, weights: Weights, coded: Coded | None = None
) -> None:
    """Raise TypeError or ValueError unless the arguments of `step` keep the contract."""
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise ValueError(f"x must be (n_samples, n_features), got {np.shape(x)}")
    check_forward(cell, x[:, None, :], None, state, weights, coded=coded)


def check_stepper(
    cell: Cell, weights: Weights, n_samples: int, table: Array | None = None, n_codes: int = 0
) -> None:
    """Raise TypeError or ValueError unless the arguments of `stepper` keep the contract."""
    if n_samples < 0:
        raise ValueError(f"n_samples={n_samples} must be 0 or more")
    if table is None and n_codes != 0:
        raise ValueError(f"n_codes={n_codes}, but table is None: codes name rows of a table")
    if table is not None and n_codes < 1:
        raise ValueError(
            f"n_codes={n_codes}, but there is a table: it must be at least 1, or leave both out"
        )
    n_features = np.shape(weights.W_x)[0] if np.ndim(weights.W_x) else 0
    dtype = np.asarray(weights.W_x).dtype
    coded = None if table is None else Coded(np.zeros((0, 0, n_codes), np.int32), table)
    check_forward(cell, np.zeros((0, 0, n_features), dtype), None, None, weights, coded=coded)


def check_stream(plan: StreamPlan) -> None:
    """Raise TypeError or ValueError unless the plan of a `stream` keeps the contract."""
    if plan.missing not in MISSING:
        choices = ", ".join(MISSING)
        raise ValueError(f"plan.missing={plan.missing!r} is not known; choose one of {choices}")
    if plan.link not in LINKS:
        raise ValueError(f"plan.link={plan.link!r} is not known; choose one of {', '.join(LINKS)}")
    if not plan.steppers:
        raise ValueError("plan.steppers is empty; a network has one for each of its layers")
    n_streams = len(plan.steppers[0].state)
    for i, stepper in enumerate(plan.steppers):
        if stepper.state.dtype != plan.W.dtype:
            raise TypeError(
                f"plan.steppers[{i}] has states of {stepper.state.dtype}, but W has dtype "
                f"{plan.W.dtype}; make it from weights of one dtype (one dtype throughout)"
            )
        if len(stepper.state) != n_streams:
            raise ValueError(
                f"plan.steppers[{i}] has {len(stepper.state)} streams, but the first one has "
                f"{n_streams}; all take the same n_samples"
            )
        n_codes, n_rows = (0, 0) if i else (plan.n_codes, sum(plan.categories))
        if (stepper.n_codes, stepper.n_rows) != (n_codes, n_rows):
            raise ValueError(
                f"plan.steppers[{i}] takes {stepper.n_codes} codes for {stepper.n_rows} rows of a "
                f"table, but with plan.categories={plan.categories} it should take {n_codes} for "
                f"{n_rows}"
            )
    if plan.n_codes > plan.n_features:
        raise ValueError(
            f"plan.categories has {plan.n_codes} columns, but a step has only {plan.n_features}"
        )
    if plan.flat and n_streams != 1:
        raise ValueError(f"plan.flat is for one stream, but plan.steppers have {n_streams}")
    _check_array("plan.b", plan.b, plan.W.shape[1:], plan.W.dtype)


def check_linear_forward(X: Array, W: Array, b: Array) -> None:
    """Raise TypeError or ValueError unless the arguments of `linear_forward` keep the contract."""
    for name, array in (("X", X), ("W", W)):
        if not isinstance(array, np.ndarray) or array.ndim != 2:
            raise ValueError(f"{name} must have two axes, got {np.shape(array)}")
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        raise TypeError(f"X has dtype {X.dtype}, expected native float32 or float64")
    _check_array("X", X, X.shape, X.dtype)
    _check_array("W", W, (X.shape[1], W.shape[1]), X.dtype)
    _check_array("b", b, (W.shape[1],), X.dtype)


def check_linear_backward(
    dY: Array,
    X: Array,
    W: Array,
    out: tuple[Array, Array] | None = None,
    batch_rows: int | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `linear_backward` keep the contract."""
    check_linear_forward(X, W, np.zeros(np.shape(W)[-1:], dtype=np.asarray(X).dtype))
    _check_array("dY", dY, (X.shape[0], W.shape[1]), X.dtype)
    _check_batch("batch_rows", batch_rows, len(X))
    if out is not None:
        _check_output("dW", out[0], W.shape, X.dtype)
        _check_output("db", out[1], W.shape[1:], X.dtype)
