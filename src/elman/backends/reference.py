"""NumPy time loops: sequences and weights in, states and gradients out; they define what is right.

Written to be read beside docs/explanation/equations.md. It calls no BLAS: a matrix product there
takes another order of summation when the batch or the number of threads changes, and so other last
bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.cells import NORM_EPSILON, Activation, Cell, Weights
from elman.backends.checks import (
    check_backward,
    check_forward,
    check_linear_backward,
    check_linear_forward,
    check_step,
    check_stepper,
    check_stream,
    n_checkpoints,
)
from elman.backends.contract import (
    LARGEST,
    POOLS,
    Array,
    Backend,
    CellGradients,
    Coded,
    Forward,
    Outputs,
    Tape,
)
from elman.backends.fused import Fused
from elman.backends.streams import Stepper, StreamPlan


class Step(NamedTuple):
    """What one step of a cell leaves behind."""

    state: Array
    """(n, state_size)"""
    trace: Array | None
    """(n, trace size): what its backward needs beside the states"""


class StepBackward(NamedTuple):
    """Gradients at what one step was made of."""

    dS: Array
    """(n, N * hidden_size), at the sums, each with its bias"""
    dprevious: Array
    """(n, state_size), at the state before, but for what comes through W_h"""


class Pointwise(NamedTuple):
    """What a cell does to each element; the products around it are the time loop's."""

    forward: Callable[[Array, Array], Step]
    """sums (n, N * hidden_size) and the state before -> the step"""
    backward: Callable[[Array, Array, Array | None, Array], StepBackward]
    """gradient at the new state, the new hidden state, the trace and the state before"""


def _elman(f: Callable[[Array], Array], dS: Callable[[Array, Array], Array]) -> Pointwise:
    def forward(S: Array, previous: Array) -> Step:
        return Step(f(S), None)

    def backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
        return StepBackward(dS(dstate, h), np.zeros_like(previous))

    return Pointwise(forward, backward)


def _relu_backward(dH: Array, H: Array) -> Array:
    # `<=` and not `>`: a NaN state keeps its gradient instead of hiding it behind a zero
    return np.where(H <= 0, H.dtype.type(0), dH)


def _logistic(A: Array) -> Array:
    """1 / (1 + exp(-A)), by tanh, which does not overflow."""
    s = np.tanh(A * A.dtype.type(0.5))
    s *= s.dtype.type(0.5)
    s += s.dtype.type(0.5)
    return np.asarray(s)


def _gru_forward(S: Array, previous: Array) -> Step:
    H = previous.shape[1]
    rz = _logistic(S[:, : 2 * H])
    r, z = rz[:, :H], rz[:, H:]
    hn = S[:, 3 * H :]
    n = np.tanh(S[:, 2 * H : 3 * H] + r * hn)
    return Step(n + z * (previous - n), np.hstack([rz, n, hn]))


def _gru_backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
    r, z, n, hn = np.hsplit(np.asarray(trace), 4)
    dn = dstate * (1 - z) * (1 - n * n)
    dz = dstate * (previous - n) * z * (1 - z)
    dr = dn * hn * r * (1 - r)
    return StepBackward(np.hstack([dr, dz, dn, dn * r]), dstate * z)


def _lstm_forward(S: Array, previous: Array) -> Step:
    A_i, A_f, A_g, A_o = np.hsplit(S, 4)
    i, f, g, o = _logistic(A_i), _logistic(A_f), np.tanh(A_g), _logistic(A_o)
    c = f * np.hsplit(previous, 2)[1] + i * g
    return Step(np.hstack([o * np.tanh(c), c]), np.hstack([i, f, g, o, c]))


def _lstm_backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
    i, f, g, o, c = np.hsplit(np.asarray(trace), 5)
    dh, dc = np.hsplit(dstate, 2)
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    dS = np.hstack(
        [
            dc * g * i * (1 - i),
            dc * np.hsplit(previous, 2)[1] * f * (1 - f),
            dc * i * (1 - g * g),
            dh * tanh_c * o * (1 - o),
        ]
    )
    return StepBackward(dS, np.hstack([np.zeros_like(dh), dc * f]))


POINTWISE: dict[tuple[str, Activation], Pointwise] = {
    ("elman", "tanh"): _elman(np.tanh, lambda dH, H: dH * (1 - H * H)),
    ("elman", "relu"): _elman(lambda A: np.maximum(A, 0), _relu_backward),
    ("gru", "tanh"): Pointwise(_gru_forward, _gru_backward),
    ("lstm", "tanh"): Pointwise(_lstm_forward, _lstm_backward),
}


def _pointwise(cell: Cell) -> Pointwise:
    return POINTWISE[cell.name, cell.activation]


def _sums(cell: Cell, A_x: Array, A_h: Array) -> Array:
    """(n, N * hidden_size): what the biases are added to, from the products with W_x and W_h."""
    kind = cell.kind
    if kind.x_sums == kind.h_sums:
        return A_x + A_h
    A_x_of = dict(zip(kind.x_sums, np.hsplit(A_x, len(kind.gates)), strict=True))
    A_h_of = dict(zip(kind.h_sums, np.hsplit(A_h, len(kind.gates)), strict=True))
    blocks = []
    for i in range(len(kind.biases)):
        parts = [of[i] for of in (A_x_of, A_h_of) if i in of]
        blocks.append(parts[0] if len(parts) == 1 else parts[0] + parts[1])
    return np.hstack(blocks)


def _at_products(dS: Array, sums: tuple[int, ...], n_sums: int) -> Array:
    """Gradient at the products that went into these sums, from that at all sums."""
    if sums == tuple(range(n_sums)):
        return dS
    blocks = np.hsplit(dS, n_sums)
    return np.hstack([blocks[i] for i in sums])


def _normalise(S: Array, n_sums: int) -> Array:
    """Each sum less its mean, over its standard deviation; then 1 / that of each.

    (n, N * hidden_size) -> (n, N * hidden_size + N).
    """
    n, width = S.shape
    blocks = S.reshape(n, n_sums, width // n_sums)
    centred = blocks - _mean(blocks)
    inverse = 1 / np.sqrt(_mean(centred * centred) + S.dtype.type(NORM_EPSILON))
    return np.hstack([(centred * inverse).reshape(n, width), inverse[:, :, 0]])


def _through_normalisation(dnormalised: Array, norms: Array, n_sums: int) -> Array:
    """Gradient at the sums (n, N * hidden_size), from that at what `_normalise` made of them."""
    n, width = dnormalised.shape
    shape = (n, n_sums, width // n_sums)
    d, normalised = dnormalised.reshape(shape), norms[:, :width].reshape(shape)
    inverse = norms[:, width:, np.newaxis]
    dS: Array = inverse * (d - _mean(d) - normalised * _mean(d * normalised))
    return dS.reshape(n, width)


def _mean(blocks: Array) -> Array:
    """The mean over the last axis, which is kept with length 1."""
    mean = np.add.reduce(blocks, axis=2, keepdims=True)
    mean /= mean.dtype.type(blocks.shape[2])
    return np.asarray(mean)


def _product(A: Array, W: Array) -> Array:
    """A (n, k) @ W (k, m), each row summed over k in order, whatever n is.

    With k and m of at least 2 the strides leave `einsum` one order of its loops: n, then k, then m
    innermost, so that row i is sum_k A[i, k] W[k, :] and never meets another row. With k or m of 1
    it may turn the loops round and sum in partial sums, so those widths are handled here.
    """
    n, k = A.shape
    m = W.shape[1]
    if k == 1:
        return A * W
    if m == 1:
        return np.ascontiguousarray(_product(A, np.repeat(W, 2, axis=1))[:, :1])
    out = np.empty((n, m), dtype=A.dtype)
    np.einsum("nk,km->nm", A, W, out=out, optimize=False)
    return out


def _transposed_product(A: Array, B: Array) -> Array:
    """A (n, k).T @ B (n, m): the sum over samples that a weight gradient is."""
    out = np.empty((A.shape[1], B.shape[1]), dtype=A.dtype)
    # contiguous, so that the order of the sum cannot depend on how far X is padded
    np.einsum("nk,nm->km", np.ascontiguousarray(A), B, out=out, optimize=False)
    return out


def _live_rows(lengths: NDArray[np.int64] | None, n_samples: int, n_timesteps: int) -> list[int]:
    """The number of samples that still run at each step: the first ones, as the longest lead."""
    if lengths is None:
        return [n_samples] * n_timesteps
    live: list[int] = np.searchsorted(-lengths, -np.arange(n_timesteps)).tolist()
    return live


def _steps(lengths: NDArray[np.int64] | None, n_samples: int, n_timesteps: int) -> Array:
    """(n_samples, 1): how many steps each sample has."""
    steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
    return steps[:, np.newaxis]


class _Pool:
    """The mean and the largest value of each unit over a sample's own steps, as they are made.

    The mean is that of a sum in float64, because a sum of float32 stops growing after 2^24 equal
    steps.
    """

    def __init__(self, outputs: Outputs, state: Array) -> None:
        self.has_mean, self.has_largest = outputs != "max", outputs in LARGEST
        self.sums = np.zeros_like(state, dtype=np.float64)
        self.largest = np.full_like(state, -np.inf)
        self.ties = np.ones_like(state)  # steps that reached the largest value

    def take(self, h: Array) -> None:
        """One more step of the first rows."""
        n = len(h)
        if self.has_mean:
            self.sums[:n] += h
        if self.has_largest:
            so_far, ties = self.largest[:n], self.ties[:n]
            one = ties.dtype.type(1)
            self.ties[:n] = np.where(h == so_far, ties + one, np.where(h > so_far, one, ties))
            self.largest[:n] = np.maximum(so_far, h)

    def values(self, steps: Array, state: Array) -> Array:
        """What is pooled; samples without a step are read as their initial state."""
        parts = []
        if self.has_mean:
            totals, n_steps = self.sums.astype(state.dtype), np.maximum(steps, 1)
            parts.append(totals / n_steps.astype(state.dtype))
        if self.has_largest:
            parts.append(self.largest)
        # -0.0 becomes 0.0, as in the kernel
        zero = state.dtype.type(0)
        return np.hstack([np.where(steps == 0, state, part + zero) for part in parts])


def _share_of_pooled(tape: Tape, dpooled: Array, steps: Array) -> Callable[[Array], Array]:
    """What a step gets of the gradient at `pooled`, given the states of its live rows."""
    size = tape.weights.W_h.shape[0]
    of_mean = dpooled[:, :size] / np.maximum(steps, 1).astype(dpooled.dtype)
    if tape.pooled is None or tape.outputs not in LARGEST:
        return lambda h: of_mean[: len(h)]
    of_largest, largest = dpooled[:, -size:] / tape.ties, tape.pooled[:, -size:]

    def share(h: Array) -> Array:
        n, zero = len(h), h.dtype.type(0)
        reached = np.where(h == largest[:n], of_largest[:n], zero)
        return reached if tape.outputs == "max" else of_mean[:n] + reached

    return share


class StepCodes(NamedTuple):
    """The categories of one step of the live rows."""

    codes: NDArray[np.int32]
    """(n, n_codes)"""
    table: Array

    @classmethod
    def of(cls, coded: Coded | None, n: int, t: int) -> StepCodes | None:
        """Those of step t of the first n samples."""
        return None if coded is None else cls(coded.codes[:n, t], coded.table)


def _products_with_x(x: Array, coded: StepCodes | None, W_x: Array) -> Array:
    """What a step adds to the sums: the rows of its categories, one after the other, then x W_x."""
    if coded is None:
        return _product(x, W_x)
    A_x = np.take(coded.table, coded.codes[:, 0], axis=0)
    for column in range(1, coded.codes.shape[1]):
        A_x += np.take(coded.table, coded.codes[:, column], axis=0)
    for feature, row in enumerate(W_x):
        A_x += x[:, feature, np.newaxis] * row
    return np.asarray(A_x)


def biased_sums(
    cell: Cell,
    x: Array,
    state: Array,
    weights: Weights,
    h_mask: Array | None = None,
    coded: StepCodes | None = None,
) -> tuple[Array, Array | None]:
    """What the activations see: (n, N * hidden_size); and what `_normalise` made, if it did."""
    A_x = _products_with_x(x, coded, weights.W_x)
    A_h = _product(_seen(_hidden(state, weights), h_mask), weights.W_h)
    S = _sums(cell, A_x, A_h)
    if weights.gain is None:
        S += weights.b
        return S, None
    norms = _normalise(S, len(cell.kind.biases))
    return norms[:, : S.shape[1]] * weights.gain + weights.b, norms


def _advance(
    cell: Cell,
    x: Array,
    state: Array,
    weights: Weights,
    h_mask: Array | None = None,
    coded: StepCodes | None = None,
) -> Step:
    """One time step of the live rows: x (n, n_features), state (n, state_size)."""
    S, norms = biased_sums(cell, x, state, weights, h_mask, coded)
    step = _pointwise(cell).forward(S, state)
    if norms is None:
        return step
    return step._replace(trace=norms if step.trace is None else np.hstack([step.trace, norms]))


def _hidden(state: Array, weights: Weights) -> Array:
    """The hidden state of a state: its first columns."""
    return state[:, : weights.W_h.shape[0]]


def _seen(hidden: Array, h_mask: Array | None) -> Array:
    """What the product with W_h sees of the hidden states of the first rows."""
    return hidden if h_mask is None else hidden * h_mask[: len(hidden)]


class _History(NamedTuple):
    """States and traces of a stretch of consecutive steps, the first of them `first`."""

    first: int
    states: Array
    """(n_samples, n_steps, state_size)"""
    traces: Array | None
    """(n_samples, n_steps, trace size)"""
    before: Array
    """(n_samples, state_size), before the first of them"""


def _run_again(tape: Tape, before: Array, live: list[int], first: int) -> _History:
    """The steps from `first` on, one for each entry of `live`, from the states before."""
    n_samples, state_size = before.shape
    states = np.zeros((n_samples, len(live), state_size), before.dtype)
    width = tape.cell.trace_size(tape.weights.W_h.shape[0])
    traces = np.zeros((n_samples, len(live), width), before.dtype) if width else None
    state = before.copy()
    for t, n in enumerate(live):
        if n:
            x = tape.X[:n, first + t]
            coded = StepCodes.of(tape.coded, n, first + t)
            step = _advance(tape.cell, x, state[:n], tape.weights, tape.h_mask, coded)
            state[:n] = states[:n, t] = step.state
            if traces is not None:
                traces[:n, t] = step.trace
    return _History(first, states, traces, before)


def _whole(tape: Tape, before: Array) -> _History:
    """All steps, as the tape holds them."""
    H, trace, kind = tape.H, tape.trace, tape.cell.kind
    if len(kind.states) == 1 or trace is None:
        return _History(0, H, trace, before)
    size = H.shape[2]
    starts = [kind.trace.index(name) * size for name in kind.states[1:]]  # an LSTM's "c"
    others = [trace[:, :, start : start + size] for start in starts]
    return _History(0, np.concatenate([H, *others], axis=2), trace, before)


def _quiet() -> Any:
    """NaN and inf run through as IEEE says: seen in the answer, not in a warning."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


class _ReferenceStepper:
    """A `streams.Stepper` that calls the pointwise functions of the cell."""

    def __init__(
        self, cell: Cell, weights: Weights, n_samples: int, table: Array | None, n_codes: int
    ) -> None:
        self._cell, self._weights, self._table = cell, weights, table
        self.n_codes, self.n_rows = n_codes, 0 if table is None else len(table)
        size = cell.state_size(weights.W_h.shape[0])
        self.state = np.zeros((n_samples, size), weights.b.dtype)

    def step(self, x: Array, codes: NDArray[np.int32] | None = None, /) -> None:
        coded, step_codes = self._coded(codes), None
        try:
            check_step(self._cell, x, self.state, self._weights, coded)
        except ValueError as error:
            raise TypeError(str(error)) from None
        if coded is not None:
            step_codes = StepCodes.of(coded, len(x), 0)
        with _quiet():
            step = _advance(self._cell, x, self.state, self._weights, coded=step_codes)
            self.state[...] = step.state

    def _coded(self, codes: NDArray[np.int32] | None) -> Coded | None:
        """The codes as those of a sequence of one step; TypeError unless they fit the table."""
        if self._table is None:
            if codes is not None:
                raise TypeError("codes were given, but this stepper was made without a table")
            return None
        shape = (len(self.state), self.n_codes)
        if not isinstance(codes, np.ndarray) or codes.shape != shape:
            raise TypeError(
                f"codes must be an array (n_samples, n_codes), here {shape}, got {codes!r:.200}"
            )
        return Coded(codes[:, np.newaxis, :], self._table)


class ReferenceBackend(Backend):
    """The contract of `elman.backends.contract.Backend` in plain NumPy, on one thread."""

    name = "reference"
    isa = "numpy"
    n_threads = 1
    fused: ClassVar[Fused | None] = None

    @override
    def forward(
        self,
        cell: Cell,
        X: Array,
        lengths: NDArray[np.int64] | None,
        initial: Array | None,
        weights: Weights,
        *,
        outputs: Outputs = "sequence",
        keep_tape: bool = False,
        recompute_every: int = 0,
        h_mask: Array | None = None,
        batch_samples: int | None = None,
        coded: Coded | None = None,
    ) -> Forward:
        check_forward(
            cell,
            X,
            lengths,
            initial,
            weights,
            outputs,
            recompute_every,
            h_mask,
            batch_samples,
            coded,
        )
        n_samples, n_timesteps, _ = X.shape
        hidden_size = weights.W_h.shape[0]
        state_size = cell.state_size(hidden_size)
        state = (
            np.zeros((n_samples, state_size), dtype=X.dtype) if initial is None else initial.copy()
        )
        hidden = _hidden(state, weights)
        every = recompute_every if keep_tape else 0
        H = checkpoints = trace = None
        trace_size = cell.trace_size(hidden_size)
        if keep_tape and not every and trace_size:
            trace = np.zeros((n_samples, n_timesteps, trace_size), dtype=X.dtype)
        if outputs == "sequence" or (keep_tape and not every):
            H = np.zeros((n_samples, n_timesteps, hidden_size), dtype=X.dtype)
        if every:
            kept = n_checkpoints(n_timesteps, every)
            checkpoints = np.zeros((n_samples, kept, state_size), dtype=X.dtype)
        pool = _Pool(outputs, hidden) if outputs in POOLS else None
        with _quiet():
            for t, n in enumerate(_live_rows(lengths, n_samples, n_timesteps)):
                if n == 0:
                    break
                step_codes = StepCodes.of(coded, n, t)
                step = _advance(cell, X[:n, t], state[:n], weights, h_mask, step_codes)
                state[:n] = step.state
                if pool is not None:
                    pool.take(hidden[:n])
                if H is not None:
                    H[:n, t] = hidden[:n]
                if trace is not None:
                    trace[:n, t] = step.trace
                if checkpoints is not None and (t + 1) % every == 0 and t + 1 < n_timesteps:
                    checkpoints[:n, t // every] = state[:n]
        pooled = None
        if pool is not None:
            pooled = pool.values(_steps(lengths, n_samples, n_timesteps), hidden)
        tape = None
        states = H if checkpoints is None else checkpoints
        if keep_tape and states is not None:
            tape = Tape(cell, X, lengths, initial, weights, states, every, outputs)
            tape = tape._replace(trace=trace, h_mask=h_mask, batch_samples=batch_samples)
            tape = tape._replace(coded=coded)
            if pool is not None:
                tape = tape._replace(pooled=pooled, ties=pool.ties)
        return Forward(H if outputs == "sequence" else None, state, tape, pooled)

    @override
    def backward(
        self,
        dH: Array | None,
        dfinal: Array | None,
        tape: Tape,
        *,
        dpooled: Array | None = None,
        need_dX: bool = True,
        out: Weights | None = None,
    ) -> CellGradients:
        # Werbos (1990), "Backpropagation through time: what it does and how to do it".
        check_backward(dH, dfinal, tape, dpooled, out)
        cell, X, lengths, initial, weights, H, every, *_ = tape
        n_samples, n_timesteps, _ = X.shape
        hidden_size, dtype = weights.W_h.shape[0], H.dtype
        state_size = cell.state_size(hidden_size)
        zeros = np.zeros((n_samples, state_size), dtype)
        start = zeros if initial is None else initial
        W_x_transposed = np.ascontiguousarray(weights.W_x.T)
        W_h_transposed = np.ascontiguousarray(weights.W_h.T)
        pointwise_backward = _pointwise(cell).backward
        n_sums, traced = len(cell.kind.biases), len(cell.kind.trace) * hidden_size

        dX = np.zeros_like(X) if need_dX else None
        dweights = Weights(*(np.empty_like(w) for w in weights.arrays)) if out is None else out
        for dweight in dweights.arrays:
            dweight.fill(0)
        dtable = None if tape.coded is None else np.zeros_like(tape.coded.table)
        # A row joins the loop at its sample's last step; until then it waits holding dfinal.
        dstate = zeros.copy() if dfinal is None else dfinal.copy()
        dhidden = _hidden(dstate, weights)
        live = _live_rows(lengths, n_samples, n_timesteps)
        steps = _steps(lengths, n_samples, n_timesteps)
        share = None if dpooled is None else _share_of_pooled(tape, dpooled, steps)
        stretch = every or max(n_timesteps, 1)  # without checkpoints one stretch is all there is
        with _quiet():
            for first in reversed(range(0, n_timesteps, stretch)):
                stop = min(first + stretch, n_timesteps)
                before = H[:, first // stretch - 1] if first > 0 else start
                if every:
                    history = _run_again(tape, before, live[first:stop], first)
                else:
                    history = _whole(tape, before)
                for t in range(stop - 1, first - 1, -1):
                    n = live[t]
                    if n == 0:
                        continue
                    at = t - first
                    h = _hidden(history.states[:n, at], weights)
                    if dH is not None:
                        dhidden[:n] += dH[:n, t]
                    if share is not None:
                        dhidden[:n] += share(h)
                    previous = history.states[:n, at - 1] if at else before[:n]
                    trace = None if history.traces is None else history.traces[:n, at]
                    blocks = None if trace is None else trace[:, :traced]
                    dS, dprevious = pointwise_backward(dstate[:n], h, blocks, previous)
                    dweights.b[:] += dS.sum(axis=0)
                    if trace is not None and weights.gain is not None and dweights.gain is not None:
                        norms = trace[:, traced:]
                        dweights.gain[:] += (dS * norms[:, : dS.shape[1]]).sum(axis=0)
                        dS = _through_normalisation(dS * weights.gain, norms, n_sums)
                    dA_x = _at_products(dS, cell.kind.x_sums, n_sums)
                    dA_h = _at_products(dS, cell.kind.h_sums, n_sums)
                    dweights.W_x[:] += _transposed_product(X[:n, t], dA_x)
                    if dtable is not None and tape.coded is not None:
                        for column in tape.coded.codes[:n, t].T:
                            np.add.at(dtable, column, dA_x)  # one sample after the other
                    seen = _seen(_hidden(previous, weights), tape.h_mask)
                    dweights.W_h[:] += _transposed_product(seen, dA_h)
                    if dX is not None:
                        dX[:n, t] = _product(dA_x, W_x_transposed)
                    dstate[:n] = dprevious
                    dhidden[:n] += _seen(_product(dA_h, W_h_transposed), tape.h_mask)
        if dpooled is not None:  # a sample of length 0 is pooled as its initial state
            for part in np.split(dpooled, dpooled.shape[1] // hidden_size, axis=1):
                dhidden[steps[:, 0] == 0] += part[steps[:, 0] == 0]
        return CellGradients(dX, dstate, dweights, dtable)

    def group_rows(self, cell: Cell | None, n_rows: int, width: int) -> int:
        """All rows: the sum over samples is taken inside of that over steps, one for each step."""
        return max(n_rows, 1)

    @override
    def step(
        self,
        cell: Cell,
        x: Array,
        state: Array,
        weights: Weights,
        *,
        coded: Coded | None = None,
    ) -> Array:
        check_step(cell, x, state, weights, coded)
        with _quiet():
            step_codes = StepCodes.of(coded, len(x), 0)
            return _advance(cell, x, state, weights, coded=step_codes).state

    @override
    def stepper(
        self,
        cell: Cell,
        weights: Weights,
        n_samples: int = 1,
        *,
        table: Array | None = None,
        n_codes: int = 0,
    ) -> Stepper:
        check_stepper(cell, weights, n_samples, table, n_codes)
        own = Weights(*(w.copy() for w in weights.arrays))
        own_table = None if table is None else table.copy()
        return _ReferenceStepper(cell, own, n_samples, own_table, n_codes)

    @override
    def stream(self, plan: StreamPlan) -> None:
        # None, because NumPy has nothing faster than single steps.
        check_stream(plan)

    @override
    def linear_forward(self, X: Array, W: Array, b: Array) -> Array:
        check_linear_forward(X, W, b)
        with _quiet():
            Y = _product(X, W)
            Y += b
            return Y

    @override
    def linear_backward(
        self,
        dY: Array,
        X: Array,
        W: Array,
        *,
        need_dX: bool = True,
        out: tuple[Array, Array] | None = None,
        batch_rows: int | None = None,
    ) -> tuple[Array | None, Array, Array]:
        check_linear_backward(dY, X, W, out, batch_rows)
        dW, db = (np.empty_like(W), np.empty(W.shape[1:], W.dtype)) if out is None else out
        with _quiet():
            dX = _product(dY, np.ascontiguousarray(W.T)) if need_dX else None
            dW[...] = _transposed_product(X, dY)
            np.add.reduce(dY, axis=0, out=db)
            return dX, dW, db
