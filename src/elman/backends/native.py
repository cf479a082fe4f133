"""The compiled kernel as a backend. The kernel checks its arguments and allocates its results."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends import _native
from elman.backends.cells import Cell, Weights
from elman.backends.checks import (
    check_backward,
    check_forward,
    check_linear_backward,
    check_linear_forward,
    check_step,
    check_stepper,
    check_stream,
)
from elman.backends.codes import read_codes
from elman.backends.contract import (
    LARGEST,
    Array,
    Backend,
    CellGradients,
    Coded,
    Forward,
    Outputs,
    Tape,
)
from elman.backends.fused import AdamStep, Fused
from elman.backends.streams import SteppedNetwork, Stepper, StreamPlan

_ISAS: tuple[str, ...] = tuple(_native.isas())
_CODES = read_codes(_native)
_CELL, _ACTIVATION, _POOL = _CODES.cell, _CODES.activation, _CODES.outputs
_READOUT = {**_CODES.readout, "every": _CODES.readout["last"]}
"""A stream answers after every step, so that "every" is "last"."""
_NO_WEIGHTS = (None, None, None, None)
_NO_CODES = (None, None)
_WHOLE = -1
"""In the place of the number of rows of a batch: the call has all of them."""


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


class _NativeStepper:
    """A `streams.Stepper` whose `step` is the method of the compiled stepper itself."""

    __slots__ = ("compiled", "isa", "n_codes", "n_rows", "state", "step")

    def __init__(self, stepper: _native.StepperF32, isa: str, n_codes: int, n_rows: int) -> None:
        self.compiled = stepper
        self.isa = isa
        self.n_codes, self.n_rows = n_codes, n_rows
        self.state: Array = stepper.state()
        self.step: Callable[..., None] = stepper.step


class _NativeStream:
    """A `streams.SteppedNetwork` whose methods are those of the compiled stream themselves."""

    __slots__ = ("answer", "compiled", "logits", "state", "step")

    def __init__(self, stream: _native.StreamF32) -> None:
        self.compiled = stream
        self.state: dict[str, Array] = stream.state()
        self.logits: Array = stream.logits()
        self.step: Callable[[Array], Array | None] = stream.step
        self.answer: Callable[[], Array] = stream.answer


class _NativeFused:
    """A `fused.Fused` whose functions, except for the last, are the compiled ones themselves."""

    gather = staticmethod(_native.gather)
    all_finite = staticmethod(_native.all_finite)
    standardise = staticmethod(_native.standardise)
    cross_entropy = staticmethod(_native.cross_entropy)
    squared_errors = staticmethod(_native.squared_errors)
    sum = staticmethod(_native.sum)
    softmax = staticmethod(_native.softmax)
    sigmoid = staticmethod(_native.sigmoid)
    norm = staticmethod(_native.norm)

    @staticmethod
    def adam(
        weights: Array, gradient: Array, m: Array, v: Array, decay: Array | None, step: AdamStep
    ) -> None:
        """Run one step of Adam in place."""
        _native.adam(weights, gradient, m, v, decay, *step)


class NativeBackend(Backend):
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
    fused: ClassVar[Fused | None] = _NativeFused()

    def __init__(
        self, *, n_threads: int = 1, isa: str | None = None, eager_threads: bool = False
    ) -> None:
        self._isa = _isa_index(isa)
        self._n_threads = -n_threads if eager_threads else n_threads
        self.isa = _ISAS[self._isa]
        self.n_threads = n_threads

    def __repr__(self) -> str:
        return f"NativeBackend(n_threads={self.n_threads}, isa={self.isa!r})"

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
        try:
            # The kernel refuses arguments that break the contract, with a short message. Only then
            # are they checked in Python, for an error that gives the reason.
            W_x, W_h, b, gain = weights
            if (gain is None) is cell.layer_norm:
                raise ValueError("gain: it goes with layer normalisation")
            codes, table = _NO_CODES if coded is None else coded
            H, final, pooled, ties, checkpoints, every, trace = _native.forward(
                self._isa,
                self._n_threads,
                _CELL[cell.name],
                _ACTIVATION[cell.activation],
                _POOL[outputs],
                X,
                lengths,
                initial,
                W_x,
                W_h,
                b,
                gain,
                outputs == "sequence",
                keep_tape,
                min(recompute_every, X.shape[1]) if recompute_every > 0 else recompute_every,
                h_mask,
                _WHOLE if batch_samples is None else batch_samples,
                codes,
                table,
            )
        except (TypeError, ValueError, LookupError, AttributeError):
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
            raise
        states = H if checkpoints is None else checkpoints
        if not keep_tape or states is None:
            return Forward(H, final, None, pooled)
        largest = pooled if outputs in LARGEST else None
        tape = Tape(
            cell,
            X,
            lengths,
            initial,
            weights,
            states,
            every,
            outputs,
            largest,
            ties,
            trace,
            h_mask,
            batch_samples,
            coded,
        )
        return Forward(H if outputs == "sequence" else None, final, tape, pooled)

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
        try:
            cell, X, lengths, initial, weights, states, every, outputs = tape[:8]
            pooled, ties, trace, h_mask, batch_samples, coded = tape[8:]
            codes, table = _NO_CODES if coded is None else coded
            W_x, W_h, b, gain = weights
            dW_x, dW_h, db, dgain = _NO_WEIGHTS if out is None else out
            dX, dinitial, into_W_x, into_W_h, into_b, into_gain, dtable = _native.backward(
                self._isa,
                self._n_threads,
                _CELL[cell.name],
                _ACTIVATION[cell.activation],
                _POOL[outputs],
                X,
                lengths,
                initial,
                W_x,
                W_h,
                b,
                gain,
                states,
                every,
                pooled,
                ties,
                trace,
                dH,
                dfinal,
                dpooled,
                h_mask,
                need_dX,
                dW_x,
                dW_h,
                db,
                dgain,
                _WHOLE if batch_samples is None else batch_samples,
                codes,
                table,
            )
        except (TypeError, ValueError, LookupError, AttributeError):
            check_backward(dH, dfinal, tape, dpooled, out)
            raise
        return CellGradients(dX, dinitial, Weights(into_W_x, into_W_h, into_b, into_gain), dtable)

    @override
    def group_rows(self, cell: Cell | None, n_rows: int, width: int) -> int:
        # The kernel computes the affine map as a step of the Elman cell without recurrence.
        return _native.group_rows(_CELL["elman" if cell is None else cell.name], n_rows, width)

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
        return self.forward(
            cell, x[:, None, :], None, state, weights, outputs="final", coded=coded
        ).final

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
        kind = _native.StepperF32 if weights.b.dtype == np.float32 else _native.StepperF64
        return _NativeStepper(
            kind(
                self._isa,
                _CELL[cell.name],
                _ACTIVATION[cell.activation],
                *weights,
                n_samples=n_samples,
                table=table,
                n_codes=n_codes,
            ),
            self.isa,
            n_codes,
            0 if table is None else len(table),
        )

    @override
    def stream(self, plan: StreamPlan) -> SteppedNetwork | None:
        # None for a readout that is written in Python alone, and for steppers that this backend
        # did not make: of another backend, or of another instruction set.
        check_stream(plan)
        names = (plan.readout,) if isinstance(plan.readout, str) else plan.readout
        readouts = [_READOUT[name] for name in names if name in _READOUT]
        compiled = [
            stepper.compiled
            for stepper in plan.steppers
            if isinstance(stepper, _NativeStepper) and stepper.isa == self.isa
        ]
        if len(readouts) < len(names) or len(compiled) < len(plan.steppers):
            return None
        kind = _native.StreamF32 if plan.b.dtype == np.float32 else _native.StreamF64
        return _NativeStream(
            kind(
                compiled,
                plan.residual,
                readouts,
                _CODES.missing[plan.missing],
                _CODES.link[plan.link],
                plan.flat,
                plan.n_features,
                plan.categories,
                plan.mean,
                plan.scale,
                plan.readout_weights.get("attention.query"),
                plan.W,
                plan.b,
            )
        )

    @override
    def linear_forward(self, X: Array, W: Array, b: Array) -> Array:
        try:
            return _native.linear_forward(self._isa, self._n_threads, X, W, b)
        except (TypeError, ValueError):
            check_linear_forward(X, W, b)
            raise

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
        dW, db = (None, None) if out is None else out
        try:
            n_batch = _WHOLE if batch_rows is None else batch_rows
            return _native.linear_backward(
                self._isa, self._n_threads, dY, X, W, need_dX, dW, db, n_batch
            )
        except (TypeError, ValueError):
            check_linear_backward(dY, X, W, out, batch_rows)
            raise
