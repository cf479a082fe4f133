"""Hidden states in; one vector for each sample, and the function that takes its gradient back, out.

    last       h at the sample's last step
    mean       mean of h over its steps
    max        largest value of each unit over its steps; a tie shares the gradient equally
    attention  mean of h over its steps, weighted by a softmax of how well each answers a learned
               query

A sample of length 0 is read as its initial state. Of the first three a backend can take each while
it makes the states (`elman.backends.contract`); where the states are a sum that it does not see, as
with residual connections, they are taken here. Sums run in the order of time, so that neither batch
mates nor padding change a bit of a sample's answer, and in float64, so that they keep growing
however long the sequence is (`elman.nn.running`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend, Outputs
from elman.nn.groups import samples_in_branch
from elman.nn.layers import Backprop, Run, States
from elman.nn.parameters import Parameters, Shapes
from elman.nn.running import (
    NOTHING,
    RunningAttention,
    attention_scores,
    means_over_time,
    split_exp,
    sum_over_time,
    times_power,
)

Array = NDArray[Any]


class Readout(Protocol):
    """A layer from `States` to one vector for each sample."""

    outputs: ClassVar[Outputs | None]
    """what a backend is asked for if it can take it; None if it cannot"""

    def __init__(self, width: int) -> None: ...

    def shapes(self) -> Shapes:
        """See `Layer.shapes`."""
        ...

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """See `Layer.initial`."""
        ...

    def forward(self, value: Any, run: Run) -> tuple[Any, Backprop]:
        """`States` -> (n_samples, width)."""
        ...

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """See `Layer.branches`."""
        ...

    def over_time(self, H: Array, run: Run, /) -> Array:
        """H -> the readout of every prefix, shaped as H; past an end it means nothing."""
        ...


@dataclass(frozen=True)
class _Unweighted:
    """A readout without weights."""

    width: int

    def shapes(self) -> Shapes:
        """See `Layer.shapes`."""
        return {}

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """See `Layer.initial`."""
        return {}

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """None: it has no weights."""
        return ()


class Last(_Unweighted):
    """What is left once a sample was read; see the module."""

    outputs: ClassVar[Outputs | None] = "final"

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Readout.forward`."""
        return value.final, lambda dvalue, gradient: States(None, dvalue)

    @staticmethod
    def over_time(H: Array, run: Run | None = None, /) -> Array:
        """See `Readout.over_time`."""
        return H


class Mean(_Unweighted):
    """The mean over a sample's own steps; see the module."""

    outputs: ClassVar[Outputs | None] = "mean"

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Readout.forward`."""

        def backward(dvalue: Array, gradient: Parameters) -> States:
            share = dvalue / np.maximum(_steps(value.H, run), 1).astype(dvalue.dtype)
            dH = np.repeat(share[:, np.newaxis], value.H.shape[1], axis=1)
            return States(dH, _where_empty(value.H, run, dvalue))

        return _at_end(self.over_time(value.H), value, run), backward

    @staticmethod
    def over_time(H: Array, run: Run | None = None, /) -> Array:
        """See `Readout.over_time`."""
        means = means_over_time(H)
        means += 0.0  # as the backend, which does not tell the sign of a zero apart
        return means


class Max(_Unweighted):
    """The largest value of each unit over a sample's own steps; see the module."""

    outputs: ClassVar[Outputs | None] = "max"

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Readout.forward`."""
        pooled = _at_end(self.over_time(value.H), value, run)

        def backward(dvalue: Array, gradient: Parameters) -> States:
            reached = pooled[:, np.newaxis] == value.H
            past = _past(value.H, run)
            if past is not None:
                reached[past] = False
            ties = np.maximum(np.count_nonzero(reached, axis=1), 1)
            dH = reached * (dvalue / ties.astype(dvalue.dtype))[:, np.newaxis]
            return States(dH, _where_empty(value.H, run, dvalue))

        return pooled, backward

    @staticmethod
    def over_time(H: Array, run: Run | None = None, /) -> Array:
        """See `Readout.over_time`."""
        largest = np.maximum.accumulate(H, axis=1)
        largest += 0.0
        return largest


@dataclass(frozen=True)
class Attention:
    """sum_t a_t h_t with a = softmax_t(h_t . q / sqrt(width)), over a sample's own steps.

    Bahdanau, Cho and Bengio (2015), "Neural machine translation by jointly learning to align and
    translate", with one learned query q and the scaled product of Vaswani et al. (2017), "Attention
    is all you need", equation 1. q begins at zero, which makes it the mean.
    """

    width: int
    outputs: ClassVar[Outputs | None] = None
    NAME: ClassVar[str] = "attention.query"

    def shapes(self) -> Shapes:
        """See `Layer.shapes`."""
        return {self.NAME: (self.width,)}

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """See `Layer.initial`."""
        return {self.NAME: np.zeros(self.width)}

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Readout.forward`."""
        H, past = value.H, _past(value.H, run)
        weights = _weights_over_time(self.scores(H, run), past)
        total = sum_over_time(weights[:, :, np.newaxis])
        total[total == 0] = 1
        pooled = sum_over_time(H, weights).astype(H.dtype) / total.astype(H.dtype)
        pooled += 0.0
        share = (weights / total).astype(H.dtype)
        empty = _steps(H, run)[:, 0] == 0
        pooled[empty] = value.final[empty]

        def backward(dvalue: Array, gradient: Parameters) -> States:
            # d share_t = dvalue . h_t;  d score_t = share_t (d share_t - sum_s share_s d share_s)
            dshare = np.add.reduce(H * dvalue[:, np.newaxis], axis=2)
            dscores = share * dshare
            dscores -= share * sum_over_time(dscores[:, :, np.newaxis]).astype(H.dtype)
            dscores *= H.dtype.type(1 / math.sqrt(self.width))
            query = run.params[self.NAME]
            dH = share[:, :, np.newaxis] * dvalue[:, np.newaxis]
            dH += dscores[:, :, np.newaxis] * query
            _, dquery, _ = run.backend.linear_backward(
                np.ascontiguousarray(dscores.reshape(-1, 1)),
                H.reshape(-1, self.width),
                query[:, np.newaxis],
                need_dX=False,
                batch_rows=run.batch_rows(H.shape[1]),
            )
            gradient[self.NAME][...] = dquery[:, 0]
            return States(dH, _where_empty(H, run, dvalue))

        return pooled, backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Of the query, with a row for each time step."""
        size = backend.group_rows(None, n_samples * n_timesteps, 1)
        return (samples_in_branch(size, n_timesteps, n_samples),)

    def over_time(self, H: Array, run: Run, /) -> Array:
        """See `Readout.over_time`."""
        scores = self.scores(H, run)
        running = RunningAttention(len(H), run.params[self.NAME], run.backend)
        out = np.empty_like(H)
        steps = np.zeros(len(H), np.int64)
        for t in range(H.shape[1]):
            running.take_scored(H[:, t], scores[:, t])
            steps += 1
            out[:, t] = running.value(steps)
        return out

    def scores(self, H: Array, run: Run) -> Array:
        """How well each state answers the query: (n_samples, n_timesteps)."""
        rows = H.reshape(-1, self.width)
        return attention_scores(rows, run.params[self.NAME], run.backend).reshape(H.shape[:2])


class Every(_Unweighted):
    """All states, for a head at every time step."""

    outputs: ClassVar[Outputs | None] = "sequence"

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Readout.forward`; here (n_samples, n_timesteps, width)."""
        return value.H, lambda dvalue, gradient: States(dvalue, None)

    @staticmethod
    def over_time(H: Array, run: Run | None = None, /) -> Array:
        """See `Readout.over_time`."""
        return H


READOUTS: dict[str, type[Last] | type[Mean] | type[Max] | type[Attention]] = {
    "last": Last,
    "mean": Mean,
    "max": Max,
    "attention": Attention,
}
"""Readouts by name; a network knows "every" as well, which gives each step an answer."""


def make_readout(name: str, width: int) -> Readout:
    """The readout of that name, of states of that width."""
    readout: Readout = Every(width) if name == "every" else READOUTS[name](width)
    return readout


def _past(H: Array, run: Run) -> NDArray[np.bool_] | None:
    """(n_samples, n_timesteps), which steps lie past a sample's end; None if none does."""
    if run.lengths is None:
        return None
    return np.asarray(np.arange(H.shape[1]) >= run.lengths[:, np.newaxis])


def _steps(H: Array, run: Run) -> NDArray[np.int64]:
    """(n_samples, 1), how many steps each sample has."""
    if run.lengths is None:
        return np.full((len(H), 1), H.shape[1], np.int64)
    return run.lengths[:, np.newaxis]


def _at_end(running: Array, states: States, run: Run) -> Array:
    """The running readout at each sample's own last step; its initial state if it has none."""
    ends = _steps(running, run)[:, 0]
    out = np.array(states.final)
    some = np.flatnonzero(ends)
    out[some] = running[some, ends[some] - 1]
    return out


def _where_empty(H: Array, run: Run, dvalue: Array) -> Array:
    """At `States.final`, the gradient of samples without a step, which were read as that."""
    return np.where(_steps(H, run) == 0, dvalue, dvalue.dtype.type(0))


def _weights_over_time(scores: Array, past: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """exp(score) of every step in units of a power of two near the largest of its row.

    Steps that are `past` weigh nothing.
    """
    r, k = split_scores(scores, past)
    return times_power(r, k - np.max(k, axis=1, keepdims=True, initial=NOTHING))


def split_scores(
    scores: Array, past: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`split_exp` of the scores of every step; steps that are `past` weigh nothing."""
    r, k = split_exp(scores)
    if past is not None:
        k[past] = NOTHING
        r[past] = 0
    return r, k
