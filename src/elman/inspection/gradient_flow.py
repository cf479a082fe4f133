"""A network and samples in; the loss's gradient at the state after each time step out.

Backpropagation through time multiplies this gradient by a Jacobian at every step back. Where it
vanishes on the way, the weights cannot learn from the steps before: Hochreiter (1991); Bengio,
Simard and Frasconi (1994), "Learning long-term dependencies with gradient descent is difficult".
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell, Weights
from elman.backends.contract import POOLS, Backend, CellGradients, Coded, Forward, Outputs, Tape
from elman.nn.gradient import Samples, gradient
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.reversal import Reversal

Array = NDArray[Any]


class StateGradient(NamedTuple):
    """The loss's gradient at the states of one recurrent layer, in one direction.

    The state after a time step is its hidden state and, of an LSTM, its cell state.
    """

    total: NDArray[np.float64]
    """(n_samples, n_timesteps, state_size), in the order of the sequence: all that the loss says of
    the state after each step; zero past each sample's end"""
    through_time: NDArray[np.float64]
    """the same shape: the part of it that comes back through the next step which the layer reads,
    and not from the readout or the layer above"""


def state_gradients(
    network: Network, samples: Samples, objective: Objective, backend: Backend
) -> dict[str, StateGradient]:
    """The gradient of the loss at the state after each time step, of every recurrent layer.

    It is computed in float64, whatever the network's dtype is, so that what has become very small
    on its way back is still told from zero.

    Parameters
    ----------
    network : Network
    samples : Samples
        Of float64, without `states`.
    objective : Objective
    backend : Backend
        What takes each step, forward and back.

    Returns
    -------
    dict of str to StateGradient
        By the layer's name; "recurrent0.reverse" is the layer that reads from the end. Each sample
        has the gradient of its own loss; where every time step is answered, of the sum over steps.
    """
    network = Network.over(network.layout, network.params.flat.astype(np.float64))
    steps = _StepByStep(backend)
    found: dict[str, StateGradient] = {}
    n_timesteps = samples.X.shape[1]

    def watch(name: str, result: Forward | CellGradients) -> None:
        if not isinstance(result, CellGradients):
            return
        last = steps.last
        if name.endswith(".reverse"):
            turn = _turn(samples.lengths, n_timesteps)
            last = StateGradient(turn(last.total), turn(last.through_time))
        found[name] = last

    gradient(network, samples, objective, cast(Backend, steps), total=1.0, watch=watch)
    return dict(sorted(found.items()))


def _turn(lengths: NDArray[np.int64] | None, n_timesteps: int) -> Any:
    """The function that reverses each sample within its own length."""
    if lengths is None:
        return lambda A: np.ascontiguousarray(A[:, ::-1])
    return Reversal.of(lengths, n_timesteps).apply


class _Walk(NamedTuple):
    """What a forward pass step by step keeps for the way back."""

    tapes: list[Tape]
    H: Array
    n_steps: NDArray[np.int64]
    """(n_samples,)"""
    state_size: int
    outputs: Outputs
    pooled: Array | None
    table: Array | None


class _StepByStep:
    """A backend that takes one time step a call of another, and notes the gradient at each state.

    The way back through one step ends in the gradient at the state before it, which a backend that
    takes all steps in one call keeps to itself.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.last = StateGradient(np.empty(0), np.empty(0))
        """of the layer whose backward pass was last"""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def forward(
        self,
        cell: Cell,
        X: Array,
        lengths: NDArray[np.int64] | None,
        initial: Array | None,
        weights: Weights,
        *,
        outputs: Outputs = "sequence",
        coded: Coded | None = None,
        **_options: Any,
    ) -> Forward:
        n_samples, n_timesteps, _ = X.shape
        hidden_size = len(weights.W_h)
        state = np.zeros((n_samples, cell.state_size(hidden_size)), X.dtype)
        if initial is not None:
            state[...] = initial
        H = np.zeros((n_samples, n_timesteps, hidden_size), X.dtype)
        n_steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
        tapes = []
        for t in range(n_timesteps):
            step = self._backend.forward(
                cell,
                np.ascontiguousarray(X[:, t : t + 1]),
                None if lengths is None else np.minimum(lengths - t, 1).clip(0),
                state,
                weights,
                outputs="final",
                keep_tape=True,
                coded=None if coded is None else _one_step(coded, t),
            )
            state = step.final
            H[:, t] = state[:, :hidden_size] * (n_steps > t)[:, np.newaxis]
            tapes.append(cast(Tape, step.tape))
        pooled = None
        if outputs in POOLS:
            initial_h = state[:, :hidden_size]
            pooled = np.concatenate(
                [_pooled(H, n_steps, initial_h, pool) for pool in outputs.split("_")], axis=1
            )
        table = None if coded is None else coded.table
        walk = _Walk(tapes, H, n_steps, state.shape[1], outputs, pooled, table)
        return Forward(H, state, cast(Tape, walk), pooled)

    def backward(
        self,
        dH: Array | None,
        dfinal: Array | None,
        tape: Any,
        *,
        dpooled: Array | None = None,
        need_dX: bool = True,
        out: Weights,
    ) -> CellGradients:
        walk: _Walk = tape
        n_samples, n_timesteps, hidden_size = walk.H.shape
        if dpooled is not None:
            dH = _unpooled(dpooled, walk)
        dstate = np.zeros((n_samples, walk.state_size))
        if dfinal is not None:
            dstate[...] = dfinal
        total = np.zeros((n_samples, n_timesteps, walk.state_size))
        through_time = np.zeros_like(total)
        dX = []
        dtable: Array | None = None
        for array in out.arrays:
            array.fill(0)
        for t in reversed(range(n_timesteps)):
            goes_on = (walk.n_steps > t + 1)[:, np.newaxis]
            here = (walk.n_steps > t)[:, np.newaxis]
            through_time[:, t] = dstate * goes_on
            if dH is not None:
                dstate = dstate.copy()
                dstate[:, :hidden_size] += dH[:, t] * here
            total[:, t] = dstate * here
            back = self._backend.backward(None, dstate, walk.tapes[t], need_dX=need_dX)
            dstate = back.dinitial
            dX.append(back.dX)
            for array, more in zip(out.arrays, back.dweights.arrays, strict=True):
                array += more
            if back.dtable is not None:
                dtable = back.dtable if dtable is None else dtable + back.dtable
        self.last = StateGradient(total, through_time)
        whole = np.concatenate(cast(list[Array], dX[::-1]), axis=1) if need_dX and dX else None
        if dtable is None and walk.table is not None:
            dtable = np.zeros_like(walk.table)
        return CellGradients(whole, dstate, out, dtable)


def _one_step(coded: Coded, t: int) -> Coded:
    """The codes of time step t as those of sequences of one step."""
    return coded._replace(codes=np.ascontiguousarray(coded.codes[:, t : t + 1]))


def _pooled(H: Array, n_steps: NDArray[np.int64], initial: Array, pool: str) -> Array:
    """The mean or the largest value of each unit over a sample's own steps; without any, before."""
    if pool == "mean":
        found = H.sum(axis=1) / np.maximum(n_steps, 1)[:, np.newaxis]
    else:
        past = np.arange(H.shape[1]) >= n_steps[:, np.newaxis]
        found = np.where(past[..., np.newaxis], -np.inf, H).max(axis=1, initial=-np.inf)
    return np.asarray(np.where(n_steps[:, np.newaxis] == 0, initial, found))


def _unpooled(dpooled: Array, walk: _Walk) -> Array:
    """The gradient at every hidden state from that at their mean, their largest value, or both."""
    assert walk.pooled is not None
    n_timesteps = walk.H.shape[1]
    own: Array = (np.arange(n_timesteps) < walk.n_steps[:, np.newaxis])[..., np.newaxis]
    pools = walk.outputs.split("_")
    total = np.zeros_like(walk.H)
    for pool, gradient_of, values in zip(
        pools,
        np.split(dpooled, len(pools), axis=1),
        np.split(walk.pooled, len(pools), axis=1),
        strict=True,
    ):
        takes_part = own & (values[:, np.newaxis] == walk.H) if pool == "max" else own
        shares = takes_part / np.maximum(takes_part.sum(axis=1, keepdims=True), 1)
        total += gradient_of[:, np.newaxis] * shares
    return total
