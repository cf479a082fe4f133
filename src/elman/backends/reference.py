"""NumPy time loops: sequences and weights in, states and gradients out; they define what is right.

Written to be read beside docs/equations.md. It calls no BLAS: a matrix product there takes another
order of summation when the batch or the number of threads changes, and so other last bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import (
    POOLS,
    Array,
    Backward,
    Cell,
    Forward,
    Fused,
    Outputs,
    Stepper,
    StreamPlan,
    Tape,
    Weights,
    check_backward,
    check_forward,
    check_linear_backward,
    check_linear_forward,
    check_step,
    check_stepper,
    n_checkpoints,
)


class Step(NamedTuple):
    """What one step of a cell leaves behind."""

    state: Array
    """(n, state_size)"""
    trace: Array | None
    """(n, blocks of the cell's trace * hidden_size): what its backward needs beside the states"""


class StepBackward(NamedTuple):
    """Gradients at what one step was made of."""

    dA_x: Array
    """(n, G * hidden_size), at the products with W_x"""
    dA_h: Array
    """(n, G * hidden_size), at the products with W_h"""
    db: Array
    """(n, N * hidden_size), at the biases"""
    dprevious: Array
    """(n, state_size), at the state before, but for what comes through W_h"""


class Pointwise(NamedTuple):
    """What a cell does to each element; the products around it are the time loop's."""

    forward: Callable[[Array, Array, Array, Array], Step]
    """x_t W_x, h_{t-1} W_h, b and the state before -> the step"""
    backward: Callable[[Array, Array, Array | None, Array], StepBackward]
    """gradient at the new state, the new hidden state, the trace and the state before"""


def _elman(f: Callable[[Array], Array], dA: Callable[[Array, Array], Array]) -> Pointwise:
    def forward(A_x: Array, A_h: Array, b: Array, previous: Array) -> Step:
        A = A_x + A_h
        A += b
        return Step(f(A), None)

    def backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
        d = dA(dstate, h)
        return StepBackward(d, d, d, np.zeros_like(previous))

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


def _gru_forward(A_x: Array, A_h: Array, b: Array, previous: Array) -> Step:
    H = previous.shape[1]
    b_rz, b_n, b_hn = b[: 2 * H], b[2 * H : 3 * H], b[3 * H :]
    rz = _logistic(A_x[:, : 2 * H] + A_h[:, : 2 * H] + b_rz)
    r, z = rz[:, :H], rz[:, H:]
    hn = A_h[:, 2 * H :] + b_hn
    n = np.tanh(A_x[:, 2 * H :] + b_n + r * hn)
    return Step(n + z * (previous - n), np.hstack([rz, n, hn]))


def _gru_backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
    r, z, n, hn = np.hsplit(np.asarray(trace), 4)
    dn = dstate * (1 - z) * (1 - n * n)
    dz = dstate * (previous - n) * z * (1 - z)
    dr = dn * hn * r * (1 - r)
    dhn = dn * r
    return StepBackward(
        np.hstack([dr, dz, dn]), np.hstack([dr, dz, dhn]), np.hstack([dr, dz, dn, dhn]), dstate * z
    )


def _lstm_forward(A_x: Array, A_h: Array, b: Array, previous: Array) -> Step:
    A_i, A_f, A_g, A_o = np.hsplit(A_x + A_h + b, 4)
    i, f, g, o = _logistic(A_i), _logistic(A_f), np.tanh(A_g), _logistic(A_o)
    c = f * np.hsplit(previous, 2)[1] + i * g
    return Step(np.hstack([o * np.tanh(c), c]), np.hstack([i, f, g, o, c]))


def _lstm_backward(dstate: Array, h: Array, trace: Array | None, previous: Array) -> StepBackward:
    i, f, g, o, c = np.hsplit(np.asarray(trace), 5)
    dh, dc = np.hsplit(dstate, 2)
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    dA = np.hstack(
        [
            dc * g * i * (1 - i),
            dc * np.hsplit(previous, 2)[1] * f * (1 - f),
            dc * i * (1 - g * g),
            dh * tanh_c * o * (1 - o),
        ]
    )
    return StepBackward(dA, dA, dA, np.hstack([np.zeros_like(dh), dc * f]))


POINTWISE: dict[Cell, Pointwise] = {
    Cell("elman", "tanh"): _elman(np.tanh, lambda dH, H: dH * (1 - H * H)),
    Cell("elman", "relu"): _elman(lambda A: np.maximum(A, 0), _relu_backward),
    Cell("gru"): Pointwise(_gru_forward, _gru_backward),
    Cell("lstm"): Pointwise(_lstm_forward, _lstm_backward),
}


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
    """Samples still running at each step; longest first, so that they are the first so many."""
    if lengths is None:
        return [n_samples] * n_timesteps
    live: list[int] = np.searchsorted(-lengths, -np.arange(n_timesteps)).tolist()
    return live


def _steps(lengths: NDArray[np.int64] | None, n_samples: int, n_timesteps: int) -> Array:
    """(n_samples, 1): how many steps each sample has."""
    steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
    return steps[:, np.newaxis]


class _Pool:
    """The mean, or the largest value, of each unit over a sample's own steps, as they are made."""

    def __init__(self, outputs: Outputs, state: Array) -> None:
        self.is_max = outputs == "max"
        self.values = np.full_like(state, -np.inf) if self.is_max else np.zeros_like(state)
        self.ties = np.ones_like(state)  # steps that reached the largest value

    def take(self, h: Array) -> None:
        """One more step of the first rows."""
        n = len(h)
        if not self.is_max:
            self.values[:n] += h
            return
        so_far, ties = self.values[:n], self.ties[:n]
        one = ties.dtype.type(1)
        self.ties[:n] = np.where(h == so_far, ties + one, np.where(h > so_far, one, ties))
        self.values[:n] = np.maximum(so_far, h)

    def finish(self, steps: Array, state: Array) -> None:
        """Divide, and read samples without a step as their initial state."""
        if not self.is_max:
            self.values /= np.maximum(steps, 1).astype(state.dtype)
        self.values += 0.0  # the sign of a zero is not told apart
        empty = steps[:, 0] == 0
        self.values[empty] = state[empty]


def _share_of_pooled(tape: Tape, dpooled: Array, steps: Array) -> Callable[[Array], Array]:
    """What a step gets of the gradient at `pooled`, given the states of its live rows."""
    if tape.pooled is None or tape.outputs != "max":
        shares = dpooled / np.maximum(steps, 1).astype(dpooled.dtype)
        return lambda h: shares[: len(h)]
    shares, largest = dpooled / tape.ties, tape.pooled
    return lambda h: np.where(h == largest[: len(h)], shares[: len(h)], h.dtype.type(0))


def _advance(
    cell: Cell, x: Array, state: Array, weights: Weights, h_mask: Array | None = None
) -> Step:
    """One time step of the live rows: x (n, n_features), state (n, state_size)."""
    A_x = _product(x, weights.W_x)
    A_h = _product(_seen(_hidden(state, weights), h_mask), weights.W_h)
    return POINTWISE[cell].forward(A_x, A_h, weights.b, state)


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
    """(n_samples, n_steps, blocks of the trace * hidden_size)"""
    before: Array
    """(n_samples, state_size), before the first of them"""


def _run_again(tape: Tape, before: Array, live: list[int], first: int) -> _History:
    """The steps from `first` on, one for each entry of `live`, from the states before."""
    n_samples, state_size = before.shape
    n_blocks = len(tape.cell.kind.trace)
    states = np.zeros((n_samples, len(live), state_size), before.dtype)
    width = n_blocks * tape.weights.W_h.shape[0]
    traces = np.zeros((n_samples, len(live), width), before.dtype) if n_blocks else None
    state = before.copy()
    for t, n in enumerate(live):
        if n:
            x = tape.X[:n, first + t]
            step = _advance(tape.cell, x, state[:n], tape.weights, tape.h_mask)
            state[:n] = states[:n, t] = step.state
            if traces is not None:
                traces[:n, t] = step.trace
    return _History(first, states, traces, before)


def _whole(tape: Tape, before: Array) -> _History:
    """All steps, as the tape holds them."""
    H, trace = tape.H, tape.trace
    if tape.cell.kind.states == ("h",) or trace is None:
        return _History(0, H, trace, before)
    c = trace[:, :, -H.shape[2] :]  # an LSTM's cell state is the last block of its trace
    return _History(0, np.concatenate([H, c], axis=2), trace, before)


def _quiet() -> Any:
    """NaN and inf run through as IEEE says: seen in the answer, not in a warning."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


class _ReferenceStepper:
    """See `contract.Stepper`."""

    def __init__(self, cell: Cell, weights: Weights, n_samples: int) -> None:
        self._cell, self._weights = cell, weights
        size = cell.state_size(weights.W_h.shape[0])
        self.state = np.zeros((n_samples, size), weights.b.dtype)

    def step(self, x: Array, /) -> None:
        try:
            check_step(self._cell, x, self.state, self._weights)
        except ValueError as error:
            raise TypeError(str(error)) from None
        with _quiet():
            self.state[...] = _advance(self._cell, x, self.state, self._weights).state


class ReferenceBackend:
    """The contract of `elman.backends.contract.Backend` in plain NumPy, on one thread."""

    name = "reference"
    isa = "numpy"
    n_threads = 1
    fused: ClassVar[Fused | None] = None

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
        checkpoint_every: int = 0,
        h_mask: Array | None = None,
    ) -> Forward:
        """Run every time step of every sample; see `Backend.forward`."""
        check_forward(cell, X, lengths, initial, weights, outputs, checkpoint_every, h_mask)
        n_samples, n_timesteps, _ = X.shape
        hidden_size = weights.W_h.shape[0]
        state_size = cell.state_size(hidden_size)
        state = (
            np.zeros((n_samples, state_size), dtype=X.dtype) if initial is None else initial.copy()
        )
        hidden = _hidden(state, weights)
        every = checkpoint_every if keep_tape else 0
        H = checkpoints = trace = None
        n_blocks = len(cell.kind.trace)
        if keep_tape and not every and n_blocks:
            trace = np.zeros((n_samples, n_timesteps, n_blocks * hidden_size), dtype=X.dtype)
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
                step = _advance(cell, X[:n, t], state[:n], weights, h_mask)
                state[:n] = step.state
                if pool is not None:
                    pool.take(hidden[:n])
                if H is not None:
                    H[:n, t] = hidden[:n]
                if trace is not None:
                    trace[:n, t] = step.trace
                if checkpoints is not None and (t + 1) % every == 0 and t + 1 < n_timesteps:
                    checkpoints[:n, t // every] = state[:n]
        if pool is not None:
            pool.finish(_steps(lengths, n_samples, n_timesteps), hidden)
        tape = None
        states = H if checkpoints is None else checkpoints
        if keep_tape and states is not None:
            tape = Tape(cell, X, lengths, initial, weights, states, every, outputs)
            tape = tape._replace(trace=trace, h_mask=h_mask)
            if pool is not None:
                tape = tape._replace(pooled=pool.values, ties=pool.ties)
        pooled = None if pool is None else pool.values
        return Forward(H if outputs == "sequence" else None, state, tape, pooled)

    def backward(
        self,
        dH: Array | None,
        dfinal: Array | None,
        tape: Tape,
        *,
        dpooled: Array | None = None,
        need_dX: bool = True,
        out: Weights | None = None,
    ) -> Backward:
        """Backpropagation through time (Werbos 1990); see `Backend.backward`."""
        check_backward(dH, dfinal, tape, dpooled, out)
        cell, X, lengths, initial, weights, H, every, *_ = tape
        n_samples, n_timesteps, _ = X.shape
        hidden_size, dtype = weights.W_h.shape[0], H.dtype
        state_size = cell.state_size(hidden_size)
        zeros = np.zeros((n_samples, state_size), dtype)
        start = zeros if initial is None else initial
        W_x_transposed = np.ascontiguousarray(weights.W_x.T)
        W_h_transposed = np.ascontiguousarray(weights.W_h.T)
        pointwise_backward = POINTWISE[cell].backward

        dX = np.zeros_like(X) if need_dX else None
        dweights = Weights(*(np.zeros_like(w) for w in weights)) if out is None else out
        for dweight in dweights:
            dweight.fill(0)
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
                    step = pointwise_backward(dstate[:n], h, trace, previous)
                    dweights.W_x[:] += _transposed_product(X[:n, t], step.dA_x)
                    seen = _seen(_hidden(previous, weights), tape.h_mask)
                    dweights.W_h[:] += _transposed_product(seen, step.dA_h)
                    dweights.b[:] += step.db.sum(axis=0)
                    if dX is not None:
                        dX[:n, t] = _product(step.dA_x, W_x_transposed)
                    dstate[:n] = step.dprevious
                    dhidden[:n] += _seen(_product(step.dA_h, W_h_transposed), tape.h_mask)
        if dpooled is not None:  # a sample of length 0 is pooled as its initial state
            dhidden[steps[:, 0] == 0] += dpooled[steps[:, 0] == 0]
        return Backward(dX, dstate, dweights)

    def step(self, cell: Cell, x: Array, state: Array, weights: Weights) -> Array:
        """One time step, bit for bit that of `forward`; see `Backend.step`."""
        check_step(cell, x, state, weights)
        with _quiet():
            return _advance(cell, x, state, weights).state

    def stepper(self, cell: Cell, weights: Weights, n_samples: int = 1) -> Stepper:
        """See `Backend.stepper`."""
        check_stepper(cell, weights, n_samples)
        return _ReferenceStepper(cell, Weights(*(w.copy() for w in weights)), n_samples)

    def stream(self, plan: StreamPlan) -> None:
        """See `Backend.stream`: there is nothing quicker here."""

    def linear_forward(self, X: Array, W: Array, b: Array) -> Array:
        """X (n_samples, n_in) @ W (n_in, n_out) + b (n_out,); see `Backend.linear_forward`."""
        check_linear_forward(X, W, b)
        with _quiet():
            Y = _product(X, W)
            Y += b
            return Y

    def linear_backward(
        self,
        dY: Array,
        X: Array,
        W: Array,
        *,
        need_dX: bool = True,
        out: tuple[Array, Array] | None = None,
    ) -> tuple[Array | None, Array, Array]:
        """Gradients dX or None, dW and db of `linear_forward`; see `Backend.linear_backward`."""
        check_linear_backward(dY, X, W, out)
        dW, db = (np.empty_like(W), np.empty(W.shape[1:], W.dtype)) if out is None else out
        with _quiet():
            dX = _product(dY, np.ascontiguousarray(W.T)) if need_dX else None
            dW[...] = _transposed_product(X, dY)
            np.add.reduce(dY, axis=0, out=db)
            return dX, dW, db
