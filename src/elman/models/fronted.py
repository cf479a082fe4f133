"""Answers after each time step of live sequences, through the front end of a model.

standardise -> the block so far -> its mean -> differences -> the network, once for each block

The network is stepped by whatever `elman.models.stepping` finds: with its own input as the front
end makes it, and with rows of NaN, which it skips, where a stream's block has not ended yet.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.streams import StreamPlan
from elman.data.frontend import Frontend, mean_of
from elman.data.scaling import Standardisation
from elman.models.stepping import make_stepped

Array = NDArray[Any]
Floats = NDArray[np.float64]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
MODERATE = 1e30
"""Numbers below it are finite in either type, and so is all that is made of them."""
FEW_NUMBERS = 32
"""So many are looked at one by one in less time than NumPy takes to begin."""


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
        n, n_features = len(self._inner.logits), plan.n_features
        self._dtype = self._inner.logits.dtype
        self._all: NDArray[np.bool_] = np.ones(n, bool)
        self._joined = np.zeros((n, n_inputs))
        self._before, self._known = np.zeros((2, n, frontend.deltas, n_features))
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
        self._hold_what_is_used_often(own)
        inside = {
            "n_blocks" if name == "n_steps" else name: a for name, a in self._inner.state.items()
        }
        self.state: dict[str, Array] = own | inside

    def _hold_what_is_used_often(self, own: dict[str, Array]) -> None:
        """Views of the state and scratch arrays, made once, for `_quick_step`."""
        plan, frontend, joined = self._plan, self._frontend, self._joined
        n, n_features = len(joined), plan.n_features
        self._shape = (n_features,) if plan.flat else (n, n_features)
        self._n_steps, self._ones = own["n_steps"], np.ones(n, np.int64)
        self._size, self._sum = own["block.size"], own["block.sum"]
        self._gaps, self._no_gaps = own["block.gaps"], bytes(own["block.gaps"].nbytes)
        self._all_known = np.ones(own["block.known"].shape).tobytes()
        self._whole = joined.reshape(-1)
        self._columns = joined[:, :n_features]
        self._indicators = joined[:, -n_features:] if plan.missing == "mask" else None
        self._values = self._columns if frontend.stride == 1 else np.zeros((n, n_features))
        self._row = self._values[0] if plan.flat else self._values
        self._rounded = np.zeros(self._shape, self._dtype)
        self._total = np.zeros((n, n_features))
        self._orders = [
            (
                own["block.before"][:, order],
                frontend.delta_scale[order],
                np.zeros((n, n_features)),
                joined[:, (order + 1) * n_features : (order + 2) * n_features],
            )
            for order in range(frontend.deltas)
        ]
        scales = [frontend.delta_scale[: frontend.deltas].ravel()]
        if self._standardisation is not None:
            with np.errstate(divide="ignore"):
                scales += [self._standardisation.scale, 1 / np.abs(self._standardisation.mean)]
        ends_together = n == 1 or frontend.stride == 1
        self._may_be_quick = ends_together and bool((np.concatenate(scales) > 1e-100).all())

    def step(self, x: Array, /) -> Array | None:
        """One step further, and the answers to the blocks that have ended; None if x is refused."""
        answers = self._quick_step(x)
        return self._any_step(x) if answers is None else answers

    def _quick_step(self, x: Array) -> Array | None:
        """As `_any_step`, to the same bits, where nothing is missing and nothing is large.

        None, and nothing has changed, if `_any_step` must do it. A step of few features costs what
        the calls of NumPy in it do, so there are as few as possible; where they write is their
        third argument, which takes less time than `out=`.
        """
        if not (
            self._may_be_quick
            and type(x) is np.ndarray
            and x.shape == self._shape
            and (x.dtype is FLOAT64 or x.dtype is FLOAT32)
            and self.state["block.known"].tobytes() == self._all_known
            and self._gaps.tobytes() == self._no_gaps
        ):
            return None
        flat = x if x.ndim == 1 else x.reshape(-1)
        if not _all_moderate(flat):
            return None
        row, values, stride = self._row, self._values, self._frontend.stride
        subtract, divide = np.subtract, np.divide
        if self._standardisation is None:
            self._rounded[...] = x
            row[...] = self._rounded
        else:
            subtract(x, self._standardisation.mean, row)
            divide(row, self._standardisation.scale, row)
        if stride > 1:
            flat = values.reshape(-1)
            if not _all_moderate(flat):
                return None
            size = int(self._size[0]) + 1
            np.add(self._sum, values, self._total)
            if size < stride:
                self._sum[...], self._size[0] = self._total, size
                self._n_steps += self._ones
                return self._shaped(self._inner.answer())
            divide(self._total, stride, self._columns)
        here = self._columns
        for before, scale, difference, part in self._orders:
            subtract(here, before, difference)
            divide(difference, scale, part)
            here = difference
        if self._indicators is not None:
            self._indicators[...] = 0
        if not _all_moderate(self._whole):
            return None
        here = self._columns
        for before, _, difference, _ in self._orders:
            before[...] = here
            here = difference
        if stride > 1:
            self._sum[...], self._size[0] = 0, 0
        self._n_steps += self._ones
        return self._shaped(self._inner.step(self._joined))

    def _any_step(self, x: Array) -> Array | None:
        """As `step`, of whatever x and the state are."""
        taken = self._taken(x)
        if taken is None:
            return None
        values, live = taken
        own, stride = self.state, self._frontend.stride
        size = own["block.size"] + live
        ended = live & (size == stride) if stride > 1 else live
        if stride == 1:
            means = values
        else:
            missing = np.isnan(values)
            total = own["block.sum"] + np.where(missing, 0.0, values)
            gaps = own["block.gaps"] + missing
            means = mean_of(total, size[:, np.newaxis] - gaps)
        any_ended = bool(ended.any())
        if any_ended:  # before anything changes, since it may be refused
            inputs = self._inputs(means, ended, self._before, self._known)
        own["n_steps"] += live
        if stride > 1:
            size[ended] = 0
            total[ended] = gaps[ended] = 0
            # A row that is skipped is as it was: 0 was added to its size, and 0 to its sum.
            own["block.size"][...], own["block.sum"][...], own["block.gaps"][...] = (
                size,
                total,
                gaps,
            )
        if not any_ended:
            return self._shaped(self._inner.answer())
        own["block.before"][ended] = self._before[ended]
        own["block.known"][ended] = self._known[ended]
        return self._shaped(self._inner.step(inputs))

    def answer(self) -> Array:
        """The answers to all steps so far, those of unfinished blocks included."""
        own = self.state
        size = own["block.size"]
        unfinished = size > 0
        if not unfinished.any():
            return self._shaped(self._inner.answer())
        means = mean_of(own["block.sum"], size[:, np.newaxis] - own["block.gaps"])
        inputs = self._inputs(means, unfinished, self._before, self._known)
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
        """A step standardised, and which rows of it are not to be skipped; None if refused.

        A row that is to be skipped is 0.
        """
        plan, n = self._plan, len(self._all)
        shape = (plan.n_features,) if plan.flat else (n, plan.n_features)
        if type(x) is not np.ndarray or x.shape != shape or x.dtype not in (np.float32, np.float64):
            return None
        if not (x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative):
            return None
        values: Floats
        with np.errstate(over="ignore", invalid="ignore"):
            rows = x.reshape(n, -1)
            if self._standardisation is None:  # rounded first, as whole sequences are
                values = rows.astype(self._dtype).astype(np.float64)
            else:
                values = (rows - self._standardisation.mean) / self._standardisation.scale
            finite = np.isfinite(values.astype(self._dtype))
        if finite.all():
            return values, self._all
        if plan.missing == "error":
            return None
        missing = np.isnan(values)
        if plan.missing == "mask":
            return (values, self._all) if (finite | missing).all() else None
        live = np.asarray(~missing.any(axis=1))
        if np.isinf(rows).any() or not finite[live].all():
            return None
        values[~live] = 0
        return values, live

    def _inputs(
        self, means: Floats, ended: NDArray[np.bool_], before: Floats, known: Floats
    ) -> Array:
        """What the network reads of blocks, NaN in the rows whose block has not ended.

        `before` and `known` are written: what the blocks after these will need of them.
        """
        own, frontend, n_features = self.state, self._frontend, self._plan.n_features
        joined = self._joined
        there = ~np.isnan(means)
        here = means if there.all() else np.where(there, means, 0.0)
        joined[:, :n_features] = here
        here_known = there
        for order in range(frontend.deltas):
            difference = here - own["block.before"][:, order]
            both = here_known & (own["block.known"][:, order] > 0)
            start = (order + 1) * n_features
            joined[:, start : start + n_features] = np.where(
                both, difference / frontend.delta_scale[order], 0.0
            )
            before[:, order], known[:, order] = here, here_known
            here, here_known = np.where(both, difference, 0.0), both
        if self._plan.missing == "mask":
            joined[:, -n_features:] = ~there
        with np.errstate(over="ignore"):
            inputs = joined.astype(self._dtype)
        if ended.all():
            fits = np.isfinite(inputs).all()
        else:
            fits = np.isfinite(inputs[ended]).all()
            inputs[~ended] = np.nan
        if not fits:
            raise ValueError(
                f"what the front end makes of this step leaves the range of {self._dtype}: its "
                "values are too large, or differ by far too much from those before. Correct them"
            )
        return inputs


def _all_moderate(flat: Array) -> bool:
    """Whether the length of a vector is below `MODERATE`, which no NaN is."""
    if len(flat) <= FEW_NUMBERS:
        return math.hypot(*flat.tolist()) < MODERATE
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(flat.dot(flat) < MODERATE**2)
