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


class Pointwise(NamedTuple):
    """What a cell does to each element; the products around it are the time loop's."""

    forward: Callable[[Array], Array]
    """pre-activation A -> new state H"""
    backward: Callable[[Array, Array], Array]
    """gradient dH at the new state, and H itself -> gradient dA at the pre-activation"""


def _relu_backward(dH: Array, H: Array) -> Array:
    # `<=` and not `>`: a NaN state keeps its gradient instead of hiding it behind a zero
    return np.where(H <= 0, H.dtype.type(0), dH)


ELMAN: dict[str, Pointwise] = {
    "tanh": Pointwise(forward=np.tanh, backward=lambda dH, H: dH * (1 - H * H)),
    "relu": Pointwise(forward=lambda A: np.maximum(A, 0), backward=_relu_backward),
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


def _advance(cell: Cell, x: Array, state: Array, weights: Weights) -> Array:
    """One time step of the live rows: x (n, n_features), state (n, hidden_size) -> new state."""
    A = _product(x, weights.W_x)
    A += _product(state, weights.W_h)
    A += weights.b
    return ELMAN[cell.activation].forward(A)


def _run_again(tape: Tape, before: Array, live: list[int], first: int) -> Array:
    """The states of the steps from `first` on, one for each entry of `live`, from those before."""
    states = np.zeros((before.shape[0], len(live), before.shape[1]), before.dtype)
    state = before.copy()
    for t, n in enumerate(live):
        if n:
            state[:n] = _advance(tape.cell, tape.X[:n, first + t], state[:n], tape.weights)
            states[:n, t] = state[:n]
    return states


def _quiet() -> Any:
    """NaN and inf run through as IEEE says: seen in the answer, not in a warning."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


class _ReferenceStepper:
    """See `contract.Stepper`."""

    def __init__(self, cell: Cell, weights: Weights, n_samples: int) -> None:
        self._cell, self._weights = cell, weights
        self.state = np.zeros((n_samples, weights.W_h.shape[0]), weights.b.dtype)

    def step(self, x: Array, /) -> None:
        try:
            check_step(self._cell, x, self.state, self._weights)
        except ValueError as error:
            raise TypeError(str(error)) from None
        with _quiet():
            self.state[...] = _advance(self._cell, x, self.state, self._weights)


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
    ) -> Forward:
        """Run every time step of every sample; see `Backend.forward`."""
        check_forward(cell, X, lengths, initial, weights, outputs, checkpoint_every)
        n_samples, n_timesteps, _ = X.shape
        hidden_size = weights.W_h.shape[0]
        state = (
            np.zeros((n_samples, hidden_size), dtype=X.dtype) if initial is None else initial.copy()
        )
        every = checkpoint_every if keep_tape else 0
        H = checkpoints = None
        if outputs == "sequence" or (keep_tape and not every):
            H = np.zeros((n_samples, n_timesteps, hidden_size), dtype=X.dtype)
        if every:
            kept = n_checkpoints(n_timesteps, every)
            checkpoints = np.zeros((n_samples, kept, hidden_size), dtype=X.dtype)
        pool = _Pool(outputs, state) if outputs in POOLS else None
        with _quiet():
            for t, n in enumerate(_live_rows(lengths, n_samples, n_timesteps)):
                if n == 0:
                    break
                state[:n] = _advance(cell, X[:n, t], state[:n], weights)
                if pool is not None:
                    pool.take(state[:n])
                if H is not None:
                    H[:n, t] = state[:n]
                if checkpoints is not None and (t + 1) % every == 0 and t + 1 < n_timesteps:
                    checkpoints[:n, t // every] = state[:n]
        if pool is not None:
            pool.finish(_steps(lengths, n_samples, n_timesteps), state)
        tape = None
        states = H if checkpoints is None else checkpoints
        if keep_tape and states is not None:
            tape = Tape(cell, X, lengths, initial, weights, states, every, outputs)
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
        hidden_size, dtype = H.shape[2], H.dtype
        zeros = np.zeros((n_samples, hidden_size), dtype)
        W_x_transposed = np.ascontiguousarray(weights.W_x.T)
        W_h_transposed = np.ascontiguousarray(weights.W_h.T)
        pointwise_backward = ELMAN[cell.activation].backward

        dX = np.zeros_like(X) if need_dX else None
        dweights = Weights(*(np.zeros_like(w) for w in weights)) if out is None else out
        for dweight in dweights:
            dweight.fill(0)
        # A row joins the loop at its sample's last step; until then it waits holding dfinal.
        dstate = zeros.copy() if dfinal is None else dfinal.copy()
        live = _live_rows(lengths, n_samples, n_timesteps)
        steps = _steps(lengths, n_samples, n_timesteps)
        share = None if dpooled is None else _share_of_pooled(tape, dpooled, steps)
        stretch = every or max(n_timesteps, 1)  # without checkpoints one stretch is all there is
        with _quiet():
            for first in reversed(range(0, n_timesteps, stretch)):
                stop = min(first + stretch, n_timesteps)
                if first > 0:
                    before = H[:, first // stretch - 1]
                else:
                    before = zeros if initial is None else initial
                states = H
                if every:
                    states = _run_again(tape, before, live[first:stop], first)
                for t in range(stop - 1, first - 1, -1):
                    n = live[t]
                    if n == 0:
                        continue
                    if dH is not None:
                        dstate[:n] += dH[:n, t]
                    if share is not None:
                        dstate[:n] += share(states[:n, t - first])
                    dA = pointwise_backward(dstate[:n], states[:n, t - first])
                    previous = states[:n, t - first - 1] if t > first else before[:n]
                    dweights.W_x[:] += _transposed_product(X[:n, t], dA)
                    dweights.W_h[:] += _transposed_product(previous, dA)
                    dweights.b[:] += dA.sum(axis=0)
                    if dX is not None:
                        dX[:n, t] = _product(dA, W_x_transposed)
                    dstate[:n] = _product(dA, W_h_transposed)
        if dpooled is not None:  # a sample of length 0 is pooled as its initial state
            dstate[steps[:, 0] == 0] += dpooled[steps[:, 0] == 0]
        return Backward(dX, dstate, dweights)

    def step(self, cell: Cell, x: Array, state: Array, weights: Weights) -> Array:
        """One time step, bit for bit that of `forward`; see `Backend.step`."""
        check_step(cell, x, state, weights)
        with _quiet():
            return _advance(cell, x, state, weights)

    def stepper(self, cell: Cell, weights: Weights, n_samples: int = 1) -> Stepper:
        """See `Backend.stepper`."""
        check_stepper(cell, weights, n_samples)
        return _ReferenceStepper(cell, Weights(*(w.copy() for w in weights)), n_samples)

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
