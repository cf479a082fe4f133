"""The compiled kernel behind the contract: arrays checked and allocated here, filled in C++."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends import _native
from elman.backends.contract import (
    ACTIVATIONS,
    POOLS,
    Array,
    Backward,
    Cell,
    Forward,
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

_ISAS: tuple[str, ...] = tuple(_native.isas())
_NDARRAY = np.ndarray
_POOL = {"sequence": 0, "final": 0, "mean": 1, "max": 2}
_ACTIVATION = {name: index for index, name in enumerate(ACTIVATIONS)}


def available_isas() -> tuple[str, ...]:
    """Instruction sets of the kernel that this machine runs, narrowest first."""
    return _ISAS


def _isa_index(isa: str | None) -> int:
    source = f"isa={isa!r}"
    if isa is None:
        isa = os.environ.get("ELMAN_ISA") or None
        source = f"ELMAN_ISA={isa!r}"
    if isa is None:
        return len(_ISAS) - 1
    if isa not in _ISAS:
        raise ValueError(f"{source} is not available here; choose one of {', '.join(_ISAS)}")
    return _ISAS.index(isa)


def _refuse_masked(*arrays: Array | None) -> None:
    """The kernel would take a masked array for its data."""
    for a in arrays:
        if type(a) is not _NDARRAY and isinstance(a, np.ma.MaskedArray):
            raise TypeError("masked array")


class _NativeStepper:
    """See `contract.Stepper`; `step` is the compiled method itself, with nothing in between."""

    __slots__ = ("state", "step")

    def __init__(self, stepper: _native.StepperF32) -> None:
        self.state: Array = stepper.state()
        self.step: Callable[[Array], None] = stepper.step


class NativeBackend:
    """Runs the time loops in C++ on one instruction set.

    Parameters
    ----------
    n_threads : int
        Threads a call may use. The bits do not depend on it.
    isa : str or None
        One of `available_isas()`; None takes `$ELMAN_ISA`, else the widest.
    eager_threads : bool
        Use all `n_threads` however little there is to do, which is slower: for tests.

    Raises
    ------
    ValueError
        An unknown or unavailable instruction set.
    """

    name = "native"

    def __init__(
        self, *, n_threads: int = 1, isa: str | None = None, eager_threads: bool = False
    ) -> None:
        self._isa = _isa_index(isa)
        self._n_threads = -n_threads if eager_threads else n_threads
        self.isa = _ISAS[self._isa]
        self.n_threads = n_threads

    def __repr__(self) -> str:
        return f"NativeBackend(n_threads={self.n_threads}, isa={self.isa!r})"

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
        """Run every time step of every sample; see `contract.Backend.forward`."""
        try:
            # The kernel itself refuses what breaks the contract, masked arrays apart. What it says
            # is short, so a refused call is looked at again for the reason.
            W_x, W_h, b = weights
            _refuse_masked(X, lengths, initial, W_x, W_h, b)
            n_samples, n_timesteps, _ = X.shape
            hidden_size = b.shape[0]
            dtype = X.dtype
            H = checkpoints = pooled = ties = None
            every = 0
            if checkpoint_every and keep_tape:
                every = _native.checkpoint_steps(
                    n_samples, n_timesteps, hidden_size, checkpoint_every
                )
                kept = n_checkpoints(n_timesteps, every)
                checkpoints = np.empty((n_samples, kept, hidden_size), dtype)
            if outputs == "sequence" or (keep_tape and not every):
                H = np.empty((n_samples, n_timesteps, hidden_size), dtype)
            final = np.empty((n_samples, hidden_size), dtype)
            pool = _POOL[outputs]
            if pool:
                pooled = np.empty((n_samples, hidden_size), dtype)
                if outputs == "max" and keep_tape:
                    ties = np.empty((n_samples, hidden_size), dtype)
            _native.forward(
                self._isa,
                self._n_threads,
                _ACTIVATION[cell.activation],
                X,
                lengths,
                initial,
                W_x,
                W_h,
                b,
                H,
                final,
                pool,
                pooled,
                ties,
                checkpoints,
                every,
            )
        except (TypeError, ValueError, LookupError, AttributeError):
            check_forward(cell, X, lengths, initial, weights, outputs, checkpoint_every)
            raise
        if checkpoint_every < 0:
            check_forward(cell, X, lengths, initial, weights, outputs, checkpoint_every)
        tape = None
        if keep_tape:
            states = H if checkpoints is None else checkpoints
            assert states is not None
            largest = pooled if outputs == "max" else None
            tape = Tape(cell, X, lengths, initial, weights, states, every, outputs, largest, ties)
        return Forward(H if outputs == "sequence" else None, final, tape, pooled)

    def backward(
        self,
        dH: Array | None,
        dfinal: Array | None,
        tape: Tape,
        *,
        dpooled: Array | None = None,
        need_dX: bool = True,
    ) -> Backward:
        """Backpropagation through time; see `contract.Backend.backward`."""
        try:
            _refuse_masked(dH, dfinal, dpooled)
            cell, X, lengths, initial, weights, H, every, outputs, pooled, ties = tape
            dtype = X.dtype
            dX = np.empty(X.shape, dtype) if need_dX else None
            dinitial = np.empty((H.shape[0], H.shape[2]), dtype)
            dweights = Weights(
                np.empty(weights.W_x.shape, dtype),
                np.empty(weights.W_h.shape, dtype),
                np.empty(weights.b.shape, dtype),
            )
            _native.backward(
                self._isa,
                self._n_threads,
                _ACTIVATION[cell.activation],
                X,
                lengths,
                initial,
                *weights,
                H,
                every,
                dH,
                dfinal,
                0 if dpooled is None else _POOL[outputs],
                dpooled,
                pooled,
                ties,
                dX,
                dinitial,
                *dweights,
            )
        except (TypeError, ValueError, LookupError, AttributeError):
            check_backward(dH, dfinal, tape, dpooled)
            raise
        if dpooled is not None and outputs not in POOLS:
            check_backward(dH, dfinal, tape, dpooled)
        return Backward(dX, dinitial, dweights)

    def step(self, cell: Cell, x: Array, state: Array, weights: Weights) -> Array:
        """One time step; see `contract.Backend.step`. The same bits as a step of `forward`."""
        check_step(cell, x, state, weights)
        return self.forward(cell, x[:, None, :], None, state, weights, outputs="final").final

    def stepper(self, cell: Cell, weights: Weights, n_samples: int = 1) -> Stepper:
        """See `contract.Backend.stepper`."""
        check_stepper(cell, weights, n_samples)
        kind = _native.StepperF32 if weights.b.dtype == np.float32 else _native.StepperF64
        return _NativeStepper(
            kind(self._isa, _ACTIVATION[cell.activation], *weights, n_samples=n_samples)
        )

    def linear_forward(self, X: Array, W: Array, b: Array) -> Array:
        """X @ W + b; see `contract.Backend.linear_forward`."""
        check_linear_forward(X, W, b)
        Y = np.empty((X.shape[0], b.shape[0]), X.dtype)
        _native.linear_forward(self._isa, self._n_threads, X, W, b, Y)
        return Y

    def linear_backward(
        self, dY: Array, X: Array, W: Array, *, need_dX: bool = True
    ) -> tuple[Array | None, Array, Array]:
        """Gradients of `linear_forward`; see `contract.Backend.linear_backward`."""
        check_linear_backward(dY, X, W)
        dX = np.empty(X.shape, X.dtype) if need_dX else None
        dW = np.empty(W.shape, X.dtype)
        db: NDArray[Any] = np.empty(W.shape[1], X.dtype)
        _native.linear_backward(self._isa, self._n_threads, dY, X, W, dX, dW, db)
        return dX, dW, db
