"""A network and samples with their targets in; the loss and the gradient of every weight out.

Training, the search for where it diverged, the gradient check and whoever computes a share of a
batch elsewhere all call `gradient`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend, Fused
from elman.nn import truncation
from elman.nn.dropout import Masking
from elman.nn.layers import Watch
from elman.nn.network import Lengths, Network
from elman.nn.objectives import Objective
from elman.nn.parameters import Parameters

Array = NDArray[Any]


class Samples(NamedTuple):
    """Some samples and what a network should make of them.

    A row is what has a target: a sample, or where every time step is answered a labelled step.
    """

    X: Array
    """(n_samples, n_timesteps, n_features)"""
    lengths: Lengths
    """(n_samples,), longest first; None if every sample has n_timesteps steps"""
    targets: Array
    """(n_rows, ...), as the objective takes them"""
    weights: NDArray[np.float64] | None = None
    """(n_rows,), or None: every row weighs 1"""
    places: NDArray[np.intp] | None = None
    """(n_rows,), which of the answers, numbered through (n_samples * n_timesteps), have a row, in
    ascending order; None: all, one for each sample"""
    masking: Masking | None = None
    """whose units dropout leaves out"""
    states: dict[str, Array] | None = None
    """by a recurrent layer's name the state (n_samples, state_size) that it goes on from; None: all
    layers begin, and where they end is not kept"""

    def alone(self, sample: int) -> Samples:
        """One of the samples, cut to its own length, whose masks and states it keeps."""
        n_timesteps = self.X.shape[1]
        length = n_timesteps if self.lengths is None else int(self.lengths[sample])
        rows, places = slice(sample, sample + 1), None
        if self.places is not None:
            ends = np.array([sample, sample + 1]) * n_timesteps
            rows = slice(*np.searchsorted(self.places, ends).tolist())
            places = self.places[rows] - ends[0]
        masking, states = self.masking, self.states
        if masking is not None:
            masking = masking._replace(samples=masking.samples[sample : sample + 1])
        if states is not None:
            states = {name: state[sample : sample + 1].copy() for name, state in states.items()}
        return Samples(
            np.ascontiguousarray(self.X[sample : sample + 1, :length]),
            None,
            self.targets[rows],
            None if self.weights is None else self.weights[rows],
            places,
            masking,
            states,
        )


class GradientSums(NamedTuple):
    """What `gradient` returns. Losses and gradient are in units of the batch's weights."""

    losses: NDArray[np.float64]
    """(n_rows,), each row's share of the loss: `Objective.loss_sum` of all rows of a batch is it"""
    weights: NDArray[np.float64] | None
    """(n_rows,), what each row weighs; None: 1"""
    gradient: Parameters
    states: dict[str, Array]
    """the state of each layer after each sample's last step, if the samples came with states"""
    dX: Array | None = None
    """(n_samples, n_timesteps, n_features), if it was asked for"""

    @property
    def weight(self) -> float:
        """What the rows weigh together."""
        return float(len(self.losses) if self.weights is None else np.add.reduce(self.weights))


def gradient(
    network: Network,
    samples: Samples,
    objective: Objective,
    backend: Backend,
    total: float | None = None,
    *,
    bptt_steps: int | None = None,
    checkpoint_every: int = 0,
    need_dX: bool = False,
    watch: Watch | None = None,
    out: Parameters | None = None,
) -> GradientSums:
    """The loss of samples and its gradient at every weight.

    Nothing but `out` is changed, and the same arguments give the same bits.

    Parameters
    ----------
    network : Network
        The layout and the weights.
    samples : Samples
    objective : Objective
    backend : Backend
    total : float, optional
        `Objective.weight_sum` of the whole batch that the samples are a part of; by default the
        samples are the whole batch.
    bptt_steps, checkpoint_every, need_dX, watch
        As `elman.nn.truncation.forward` takes them.
    out : Parameters, optional
        Where the gradient of the weights is written, all of it; a new vector by default.

    Returns
    -------
    GradientSums
        Without any row there is nothing to take back: the gradient is zero and dX None.
    """
    states = None if samples.states is None else dict(samples.states)
    outputs, backward = truncation.forward(
        network,
        samples.X,
        samples.lengths,
        backend,
        bptt_steps,
        checkpoint_every=checkpoint_every,
        masking=samples.masking,
        states=states,
        need_dX=need_dX,
        watch=watch,
    )
    out = network.params.zeros_like() if out is None else out
    losses, doutputs = losses_of(outputs, samples, objective, backend.fused, total)
    dX = None
    if len(losses):
        _, dX = backward(doutputs, out)
    else:
        out.flat.fill(0)
    return GradientSums(losses, samples.weights, out, states or {}, dX)


def losses_of(
    outputs: Array,
    samples: Samples,
    objective: Objective,
    fused: Fused | None,
    total: float | None = None,
) -> tuple[NDArray[np.float64], Array]:
    """Each row's share of the loss, and the gradient at all outputs of a network.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_outputs) or (n_samples, n_timesteps, n_outputs)
    samples, objective, total
        As `gradient` takes them.
    fused : Fused or None
        The backend's compiled functions.
    """
    targets, weights, places = samples.targets, samples.weights, samples.places
    if places is None:
        return objective.loss(outputs, targets, weights, fused, total)
    n_outputs = outputs.shape[-1]
    answers = outputs.reshape(-1, n_outputs)[places]
    losses, danswers = objective.loss(answers, targets, weights, fused, total)
    doutputs = np.zeros((math.prod(outputs.shape[:-1]), n_outputs), danswers.dtype)
    doutputs[places] = danswers
    return losses, doutputs.reshape(outputs.shape)
