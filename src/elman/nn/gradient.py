"""Computes the loss of samples and its gradient at every weight.

Training, the search for where it diverged, the gradient check and whoever computes a share of a
batch elsewhere all call `gradient`. A batch is shared out in three steps: `fixed_groups` says where
it may be cut, `gradient` of each `Samples.part`, given the weight of the whole batch, computes a
group wherever that is, and `add_groups` adds the groups up, to the bits of one call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.fused import Fused
from elman.nn import truncation
from elman.nn.dropout import Masking
from elman.nn.groups import add_in_tree, common_branch
from elman.nn.layers import Watch
from elman.nn.layout import Layout
from elman.nn.network import Lengths, Network, layers_of
from elman.nn.objectives import Objective
from elman.nn.parameters import Parameters

Array = NDArray[Any]


class Samples(NamedTuple):
    """Some samples and what a network should make of them.

    A row is what has a target: a sample, or where every time step is answered a step with a target.
    """

    X: Array
    """(n_samples, n_timesteps, n_features)"""
    lengths: Lengths
    """(n_samples,), longest first; None if every sample has n_timesteps steps"""
    targets: Array
    """(n_rows, ...), as the objective takes them"""
    weights: NDArray[np.float64] | None = None
    """(n_rows,), or None: every row weighs 1. A loss may count a part of it:
    `Objective.row_weights`"""
    places: NDArray[np.intp] | None = None
    """(n_rows,), which of the answers, numbered through (n_samples * n_timesteps), have a row, in
    ascending order, where one may have several rows; None: all, one for each sample"""
    masking: Masking | None = None
    """what dropout takes its masks from; None: nothing is left out"""
    states: dict[str, Array] | None = None
    """by a recurrent layer's name the state (n_samples, state_size) that it goes on from; None: all
    layers begin, and where they end is not kept"""
    batch_samples: int | None = None
    """samples of the batch of which these are whole groups, side by side (`fixed_groups`), in X as
    long as that batch; None: these are the whole batch"""
    score_weights: NDArray[np.float64] | None = None
    """(n_rows,), what each row weighs in the score; None: what it weighs in the loss. The gradient
    does not need them, so that a part of a batch has none"""

    def part(self, start: int, stop: int) -> Samples:
        """Some consecutive samples, as a part of the batch: X stays as long as it is."""
        X, n_timesteps = self.X, self.X.shape[1]
        if not 0 <= start <= stop <= len(X):
            raise ValueError(f"samples {start} to {stop} are no part of {len(X)} samples")
        n_samples = len(X) if self.batch_samples is None else self.batch_samples
        rows, places = slice(start, stop), None
        if self.places is not None:
            begin, end = start * n_timesteps, stop * n_timesteps
            rows = slice(*np.searchsorted(self.places, [begin, end]).tolist())
            places = self.places[rows] - begin
        masking, states = self.masking, self.states
        if masking is not None:
            masking = masking._replace(samples=masking.samples[start:stop])
        if states is not None:
            states = {name: state[start:stop] for name, state in states.items()}
        return Samples(
            X[start:stop],
            None if self.lengths is None else self.lengths[start:stop],
            self.targets[rows],
            None if self.weights is None else self.weights[rows],
            places,
            masking,
            states,
            n_samples,
        )

    def going_on(self, states: dict[str, Array] | None) -> Samples:
        """The same samples, which go on from these states; `_replace` takes five times as long."""
        return Samples(
            self.X,
            self.lengths,
            self.targets,
            self.weights,
            self.places,
            self.masking,
            states,
            self.batch_samples,
            self.score_weights,
        )

    def alone(self, sample: int) -> Samples:
        """One of the samples, cut to its own length, whose masks and states it keeps."""
        one = self.part(sample, sample + 1)
        length = None if one.lengths is None else int(one.lengths[0])
        X = np.ascontiguousarray(one.X[:, :length])
        return one._replace(X=X, lengths=None, batch_samples=None)


class GradientSums(NamedTuple):
    """What `gradient` returns. Losses and gradient are in units of the batch's weights."""

    losses: NDArray[np.float64]
    """(n_rows,), each row's share of the loss: `Objective.loss_sum` of all rows of a batch is it"""
    weights: NDArray[np.float64] | None
    """(n_rows,), what each row weighs in the loss; None: 1"""
    marks: Array
    """(n_rows, ...), what the score is made of, as `Objective.loss_and_marks` gives it"""
    gradient: Parameters
    states: dict[str, Array]
    """the state of each layer after each sample's last step, if the samples came with states"""
    dX: Array | None = None
    """(n_samples, n_timesteps, n_features), if it was asked for"""

    @property
    def weight(self) -> float:
        """The sum of the weights of the rows."""
        return float(len(self.losses) if self.weights is None else np.add.reduce(self.weights))


def gradient(
    network: Network,
    samples: Samples,
    objective: Objective,
    backend: Backend,
    total: float | None = None,
    *,
    bptt_steps: int | None = None,
    recompute_every: int = 0,
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
    bptt_steps, recompute_every, need_dX, watch
        As `elman.nn.truncation.forward` takes them.
    out : Parameters, optional
        Where the gradient of the weights is written, all of it; a new vector by default.

    Returns
    -------
    GradientSums
        A whole batch without any row is not taken back: the gradient is zero and dX None.

    Raises
    ------
    ValueError
        The samples are a part of a batch, but `total` is missing or `bptt_steps` cuts them.
    """
    is_part = samples.batch_samples not in (None, len(samples.X))
    if is_part and total is None:
        raise ValueError(
            f"{len(samples.X)} samples are a part of a batch of {samples.batch_samples}, but total "
            "is missing: pass what the whole batch weighs, as Objective.weight_sum says"
        )
    states = None if samples.states is None else dict(samples.states)
    outputs, backward = truncation.forward(
        network,
        samples.X,
        samples.lengths,
        backend,
        bptt_steps,
        recompute_every=recompute_every,
        masking=samples.masking,
        states=states,
        need_dX=need_dX,
        watch=watch,
        batch_samples=samples.batch_samples,
    )
    out = network.params.zeros_like() if out is None else out
    losses, danswers, marks = objective.loss_and_marks(
        _answers(outputs, samples), samples.targets, samples.weights, backend.fused, total
    )
    doutputs = _at_all(outputs.shape, danswers, samples)
    dX = None
    if len(losses) or is_part:  # without a row, a part gives the zeros that the batch would add
        _, dX = backward(doutputs, out)
    else:
        out.flat.fill(0)
    weights = objective.row_weights(samples.targets, samples.weights)
    return GradientSums(losses, weights, marks, out, states or {}, dX)


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
    answers = _answers(outputs, samples)
    losses, danswers = objective.loss(answers, samples.targets, samples.weights, fused, total)
    return losses, _at_all(outputs.shape, danswers, samples)


def _answers(outputs: Array, samples: Samples) -> Array:
    """(n_rows, n_outputs), those of the outputs that have a target."""
    if samples.places is None:
        return outputs
    return np.asarray(outputs.reshape(-1, outputs.shape[-1])[samples.places])


def _at_all(shape: tuple[int, ...], danswers: Array, samples: Samples) -> Array:
    """The gradient at all outputs, of that shape: 0 at those without a target."""
    if samples.places is None:
        return danswers
    doutputs = np.zeros((math.prod(shape[:-1]), shape[-1]), danswers.dtype)
    places = samples.places
    if (places[1:] == places[:-1]).any():
        np.add.at(doutputs, places, danswers)
    else:
        doutputs[places] = danswers
    return doutputs.reshape(shape)


def fixed_groups(
    layout: Layout,
    n_samples: int,
    n_timesteps: int,
    backend: Backend,
    bptt_steps: int | None = None,
) -> NDArray[np.int64]:
    """Where a batch, longest sample first, can be cut without changing a bit of its gradient.

    The finest cut at which every sum over samples splits. It is one group where some sum has no
    border within the batch: with a backend that sums all samples at once, as the reference does;
    with a learned initial state; with chunks of `bptt_steps`, each of which is summed by itself;
    for attention and answers at every step, whose sums have a row for each step, unless their
    borders fall between samples; and for layers of several widths whose groups do not fit.

    Parameters
    ----------
    layout : Layout
    n_samples, n_timesteps : int
        Of the batch, or where every time step is answered of a chunk of it.
    backend : Backend
    bptt_steps : int, optional
        As `gradient` takes it.

    Returns
    -------
    ndarray of int64
        Borders in ascending order, from 0 to n_samples: group i is samples [i] to [i + 1].
    """
    size = n_samples
    if bptt_steps is None or bptt_steps >= n_timesteps:
        layers = layers_of(layout)
        sizes = [n for layer in layers for n in layer.branches(n_samples, n_timesteps, backend)]
        size = common_branch(sizes, n_samples) if n_samples else 0
    starts = np.arange(0, n_samples, max(size, 1), dtype=np.int64)
    return np.append(starts if n_samples else np.zeros(1, np.int64), n_samples)


def add_groups(groups: Sequence[GradientSums]) -> GradientSums:
    """What `gradient` gives for a whole batch, from its groups.

    Parameters
    ----------
    groups : sequence of GradientSums
        At least one: of every group of `fixed_groups`, in order, each computed with the batch's
        total.
    """
    if not groups:
        raise ValueError("there is no group to add up; a batch has at least one")
    first = groups[0]
    if len(groups) == 1:
        return first
    total = add_in_tree([group.gradient.flat for group in groups])
    weights = [group.weights for group in groups if group.weights is not None]
    dX = [group.dX for group in groups if group.dX is not None]
    return GradientSums(
        np.concatenate([group.losses for group in groups]),
        np.concatenate(weights) if weights else None,
        np.concatenate([group.marks for group in groups]),
        Parameters(first.gradient.shapes, first.gradient.dtype, total),
        {name: np.concatenate([g.states[name] for g in groups]) for name in first.states},
        np.concatenate(dX) if dX else None,
    )
