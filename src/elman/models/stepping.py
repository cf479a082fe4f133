"""Answers after each time step of live sequences, in NumPy, with the steppers of any backend.

standardise -> layer after layer, each from its own state -> readout so far -> head -> link

The columns of a step that are categories are not standardised: the first layer takes them as codes.

A backend may do all of it in one compiled call (`contract.Backend.stream`), to the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.streams import SteppedNetwork, StreamPlan
from elman.data.missing import with_indicators
from elman.data.scaling import standardise
from elman.data.sequences import first_infinite, first_not_finite
from elman.nn.chunks import Chunk
from elman.nn.layers import PassContext
from elman.nn.losses import linked
from elman.nn.parameters import Parameters
from elman.nn.readouts import readout_named

Array = NDArray[Any]


def make_stepped(plan: StreamPlan, backend: Backend) -> SteppedNetwork:
    """The steps of the backend if it has its own, else `ComposedNetwork`."""
    own = backend.stream(plan)
    return ComposedNetwork(plan, backend) if own is None else own


class _Taken(NamedTuple):
    """A step as the network takes it."""

    numbers: Array
    """(n, what the first layer has as x)"""
    codes: NDArray[np.int32] | None
    """(n, n_codes), rows of the table of the first layer; None where it takes none"""
    skipped: NDArray[np.bool_] | None
    """(n,), the rows to leave out; None: no row"""


class ComposedNetwork:
    """A network fed one time step at a time, composed of the steppers of its layers."""

    def __init__(self, plan: StreamPlan, backend: Backend) -> None:
        mean, scale = (None if a is None else a.copy() for a in (plan.mean, plan.scale))
        self._plan, self._backend = plan._replace(mean=mean, scale=scale), backend
        self._W, self._b = plan.W.copy(), plan.b.copy()
        n, dtype = len(plan.steppers[0].state), plan.W.dtype
        self._n_steps = np.zeros(n, np.int64)
        self._n_categories = np.array(plan.categories, np.int64)
        self._first_rows = np.cumsum(self._n_categories) - self._n_categories
        weights = Parameters.from_arrays(plan.readout_weights, dtype)
        context = PassContext(weights, backend, None, keep_tape=False)
        self._fold = readout_named(plan.readout)(context, self._n_steps, plan.hidden_sizes[-1])
        self._one_step = Chunk(0, 1, n, None)
        self.state: dict[str, Array] = {"n_steps": self._n_steps}
        self.state |= {f"recurrent{i}": s.state for i, s in enumerate(plan.steppers)}
        self.state |= {f"readout.{name}": array for name, array in self._fold.state.items()}
        self.logits = np.zeros((n, len(plan.b)), dtype)

    def step(self, x: Array, /) -> Array | None:
        """One step further, and the answers; None if x is refused and nothing has changed."""
        plan, n = self._plan, len(self._n_steps)
        shape = (plan.n_features,) if plan.flat else (n, plan.n_features)
        if type(x) is not np.ndarray or x.shape != shape or x.dtype not in (np.float32, np.float64):
            return None
        if not (x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative):
            return None
        taken = self._taken(x.reshape(n, -1))
        if taken is None:
            return None
        inputs, codes, skipped = taken
        before = None if skipped is None else [s.state[skipped] for s in plan.steppers]
        for i, stepper in enumerate(plan.steppers):
            if i == 0 and codes is not None:
                stepper.step(np.ascontiguousarray(inputs), codes)
            else:
                stepper.step(np.ascontiguousarray(inputs))
            inputs = self._output(i, inputs)
        one_step, H = self._one_step, inputs[:, np.newaxis]
        if skipped is None or before is None:
            self._n_steps += 1
        else:
            for stepper, kept in zip(plan.steppers, before, strict=True):
                stepper.state[skipped] = kept
            self._n_steps += ~skipped
            # to the readout, a skipped row is a sample that has ended before this chunk
            one_step = one_step._replace(lengths=np.where(skipped, 0, 1))
            H = np.where(skipped[:, np.newaxis, np.newaxis], H.dtype.type(0), H)
        self._fold.take(H, one_step)
        return self.answer()

    def answer(self) -> Array:
        """The answers of the state as it is."""
        features = np.empty(0)
        for i in range(len(self._plan.steppers)):
            features = self._output(i, features)
        with np.errstate(over="ignore"):  # an overflow shows in the logits, checked below
            features = np.ascontiguousarray(self._fold.value(features))
        self.logits[...] = self._backend.linear_forward(features, self._W, self._b)
        if not np.isfinite(self.logits).all():
            raise FloatingPointError("logits: NaN or infinity")
        answers = linked(self.logits, self._plan.link, self._backend.fused)
        return answers[0] if self._plan.flat else answers

    def _taken(self, x: Array) -> _Taken | None:
        """The step as the network takes it; None if it is refused."""
        plan = self._plan
        X = np.empty(x.shape, plan.W.dtype)
        if plan.mean is not None and plan.scale is not None:
            standardise(x, plan.mean, plan.scale, X)
        else:
            with np.errstate(over="ignore"):
                X[...] = x
        skipped: NDArray[np.bool_] | None = None
        if plan.missing == "error":
            if first_not_finite(X) is not None:
                return None
        elif plan.missing == "mask":
            if first_infinite(X) is not None:
                return None
        else:
            skipped = np.asarray(np.isnan(X).any(axis=1))
            X[skipped] = 0  # a step that is skipped may hold values of any size
            if first_infinite(x) is not None or first_infinite(X) is not None:
                return None
            skipped = skipped if skipped.any() else None
        codes, numbers = None, X[:, plan.n_codes :]
        if plan.n_codes:
            codes = self._codes(x[:, : plan.n_codes], skipped)
            if codes is None:
                return None
        if plan.missing == "mask":
            numbers = with_indicators(numbers)
        return _Taken(numbers, codes, skipped)

    def _codes(self, x: Array, skipped: NDArray[np.bool_] | None) -> NDArray[np.int32] | None:
        """Rows of the table for the categories (n, n_codes) of a step; None if one is refused."""
        is_one = (x >= 0) & (x < self._n_categories) & (np.floor(x) == x)
        if skipped is not None:
            is_one[skipped] = True
            x = np.where(skipped[:, np.newaxis], 0, x)
        if not is_one.all():
            return None
        return np.ascontiguousarray((x + self._first_rows).astype(np.int32))

    def _output(self, i: int, below: Array) -> Array:
        """The output of layer i, given that of the layer below."""
        h = self._plan.steppers[i].state[:, : self._plan.hidden_sizes[i]]
        return h + below if i and self._plan.residual else h
