"""Answers after each time step of live sequences, through the front end of a model.

standardise -> the block so far -> its mean -> differences -> the network, once for each block

The network is stepped by whatever `elman.models.stepping` finds: with its own input as the front
end makes it, and with rows of NaN, which it skips, where a stream's block has not ended yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.streams import StreamPlan
from elman.data.frontend import Frontend, mean_of, standardised
from elman.data.scaling import Standardisation
from elman.data.sequences import first_infinite, first_not_finite
from elman.models.stepping import make_stepped

Array = NDArray[Any]
Floats = NDArray[np.float64]


class FrontedNetwork:
    """A network behind a front end, fed one time step at a time: a `SteppedNetwork`.

    `step` answers to the blocks that have ended, `answer` to all steps so far: it lets the network
    read the unfinished blocks, and puts its state back.

    Parameters
    ----------
    plan : StreamPlan
        Of the network, with what comes before it; `n_features` are those of X.
    frontend : Frontend
        Without `scale_each`.
    n_inputs : int
        Features that the network sees.
    backend : Backend
    """

    def __init__(
        self, plan: StreamPlan, frontend: Frontend, n_inputs: int, backend: Backend
    ) -> None:
        frontend.check_reads_on()
        self._plan, self._frontend = plan, frontend
        self._standardisation = None
        if plan.mean is not None and plan.scale is not None:
            self._standardisation = Standardisation(plan.mean.copy(), plan.scale.copy())
        inner = plan._replace(
            mean=None, scale=None, missing="skip", n_features=n_inputs, flat=False
        )
        self._inner = make_stepped(inner, backend)
        self.logits = self._inner.logits  # which it writes to
        self._n_inputs = n_inputs
        n, n_features = len(self._inner.logits), plan.n_features
        self._dtype = self._inner.logits.dtype
        # Of the block that has begun, and of the one before it the values of which the next are
        # differences; `known` says which of these there are.
        own = {
            "n_steps": np.zeros(n, np.int64),
            "block.size": np.zeros(n, np.int64),
            "block.sum": np.zeros((n, n_features)),
            "block.gaps": np.zeros((n, n_features)),
            "block.before": np.zeros((n, frontend.deltas, n_features)),
            "block.known": np.zeros((n, frontend.deltas, n_features)),
        }
        inside = {
            "n_blocks" if name == "n_steps" else name: a for name, a in self._inner.state.items()
        }
        self.state: dict[str, Array] = own | inside

    def step(self, x: Array, /) -> Array | None:
        """One step further, and the answers to the blocks that have ended; None if x is refused."""
        taken = self._taken(x)
        if taken is None:
            return None
        values, live = taken
        own, stride = self.state, self._frontend.stride
        size = own["block.size"] + live
        missing = np.isnan(values)
        total = own["block.sum"] + np.where(missing, 0.0, values)
        gaps = own["block.gaps"] + missing
        ended = live & (size == stride)
        means = values if stride == 1 else mean_of(total, size[:, np.newaxis] - gaps)
        inputs, before = self._inputs(means, ended)
        own["n_steps"] += live
        going_on = (live & ~ended)[:, np.newaxis]
        own["block.size"][live] = np.where(ended, 0, size)[live]
        for name, value in (("block.sum", total), ("block.gaps", gaps)):
            own[name][live] = np.where(going_on, value, 0.0)[live]
        if not ended.any():
            return self._shaped(self._inner.answer())
        own["block.before"][ended], own["block.known"][ended] = (a[ended] for a in before)
        return self._shaped(self._inner.step(inputs))

    def answer(self) -> Array:
        """The answers to all steps so far, those of unfinished blocks included."""
        own = self.state
        size = own["block.size"]
        unfinished = size > 0
        if not unfinished.any():
            return self._shaped(self._inner.answer())
        means = mean_of(own["block.sum"], size[:, np.newaxis] - own["block.gaps"])
        inputs, _ = self._inputs(means, unfinished)
        kept = {name: array.copy() for name, array in self._inner.state.items()}
        try:
            return self._shaped(self._inner.step(inputs))
        finally:
            for name, array in kept.items():
                self._inner.state[name][...] = array

    def _shaped(self, answers: Array | None) -> Array:
        if answers is None:
            raise RuntimeError("the backend refused what the front end made of a time step")
        return answers[0] if self._plan.flat else answers

    def _taken(self, x: Array) -> tuple[Floats, NDArray[np.bool_]] | None:
        """A step standardised, and which rows of it are not to be skipped; None if refused."""
        plan, n = self._plan, len(self.state["n_steps"])
        shape = (plan.n_features,) if plan.flat else (n, plan.n_features)
        if type(x) is not np.ndarray or x.shape != shape or x.dtype not in (np.float32, np.float64):
            return None
        if not (x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            rows = x.reshape(n, -1)
            if self._standardisation is None:
                rows = rows.astype(self._dtype)  # as whole sequences are read
            values = standardised(rows, self._standardisation)
            narrow = values.astype(self._dtype)
        live: NDArray[np.bool_] = np.ones(n, bool)
        if plan.missing == "error":
            return None if first_not_finite(narrow) is not None else (values, live)
        if plan.missing == "mask":
            return None if first_infinite(narrow) is not None else (values, live)
        live = np.asarray(~np.isnan(values).any(axis=1))
        if first_infinite(rows) is not None or first_infinite(narrow[live]) is not None:
            return None
        values[~live] = 0
        return values, live

    def _inputs(
        self, means: Floats, ended: NDArray[np.bool_]
    ) -> tuple[Array, tuple[Floats, Floats]]:
        """What the network reads of blocks, NaN in the rows whose block has not ended.

        And what the block after them will need of these, with what of it is known.
        """
        own, frontend = self.state, self._frontend
        parts, found = [means], means
        before, known = own["block.before"].copy(), own["block.known"].copy()
        for order in range(frontend.deltas):
            here = found
            known_here = known[:, order] > 0
            found = np.where(known_here, here - before[:, order], np.nan)
            parts.append(found / frontend.delta_scale[order])
            known[:, order] = ~np.isnan(here)
            before[:, order] = np.where(np.isnan(here), 0.0, here)
        if self._plan.missing == "mask":
            parts.append(np.isnan(means).astype(np.float64))
        joined = np.concatenate(parts, axis=1)
        joined[np.isnan(joined)] = 0
        with np.errstate(over="ignore"):
            inputs = joined.astype(self._dtype)
        if first_not_finite(inputs[ended]) is not None:
            raise ValueError(
                f"what the front end makes of this step leaves the range of {self._dtype}: its "
                "values are too large, or differ by far too much from those before. Correct them"
            )
        inputs[~ended] = np.nan
        return inputs, (before, known)
