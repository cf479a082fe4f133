"""A network and labelled sequences in; the network one epoch further, batch by batch, out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.sequences import Batch
from elman.nn import truncation
from elman.nn.chunks import Chunk, chunks
from elman.nn.dropout import Masking
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.optimizers import Optimizer, clip_scale, clip_values, global_norm
from elman.training.divergence import (
    DivergedError,
    Place,
    Suspects,
    first_not_finite,
    weights_not_finite,
)
from elman.training.labelled import Labelled

Array = NDArray[Any]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How to train."""

    n_epochs: int
    batch_size: int
    """at most; an epoch has as few batches as that allows, all of one size, within one sample"""
    learning_rate: Callable[[int], float]
    """number of the epoch, from 0 -> learning rate"""
    max_grad_norm: float | None
    """gradients of a larger norm are scaled down to it"""
    early_stopping: bool = False
    """stop when validation no longer gets better, and go back to the best weights"""
    n_iter_no_change: int = 10
    tol: float = 1e-4
    judged_by: str = "both"
    """what says that an epoch was better: the validation's "score", its "loss", or "both" """
    first_epoch: int = 0
    """epochs already done"""
    checkpoint_every: int = 0
    """steps between the states kept for the backward pass; 0 keeps all"""
    bptt_steps: int | None = None
    """steps that a gradient goes back at most: see `run_epoch`; None: all"""
    max_grad_value: float | None = None
    """elements of a gradient beyond it are cut off at it, before its norm is looked at"""
    bucket_by_length: bool = False
    """whether samples of about one length are put in a batch: see `batches_of`"""
    lowers_rate: Callable[[int, int], bool] | None = None
    """(number of an epoch, epochs without gain so far) -> whether the rate is lowered after it"""


def run_epoch(
    network: Network,
    training: Labelled,
    optimizer: Optimizer,
    plan: Plan,
    objective: Objective,
    learning_rate: float,
    backend: Backend,
    rng: np.random.Generator,
    number: int,
    states: dict[str, Array] | None = None,
) -> tuple[float, float]:
    """Mean loss over samples and mean gradient norm over steps of the optimizer in one epoch.

    With `plan.bptt_steps` the gradient is cut at chunks of that many steps: `elman.nn.truncation`.
    An answer for each sample is known at the end only, and its batch is one step of the optimizer.
    Where every time step has an answer each chunk is: the chunk's loss is known once it was read,
    and a long sequence is learned from while it is read.

    Parameters
    ----------
    states : dict, optional
        The state (n_samples, state_size) of each layer that each sample goes on from, changed to
        the one after its last step.
    """
    X, targets, weights, per_step, _ = training
    n_samples = len(X)
    order = rng.permutation(n_samples)
    gradient = network.params.zeros_like()
    masked = bool(network.dropout or network.recurrent_dropout)
    mask_seed = _mask_seed(rng) if masked else 0
    loss_sum = weight_sum = norm_sum = 0.0
    n_steps = 0
    batches = batches_of(order, plan.batch_size)
    if plan.bucket_by_length:
        batches = bucketed(batches, X.lengths, rng)
    for n_batches, indices in enumerate(batches):
        batch = X.batch(indices, backend)
        masking = Masking(mask_seed, number, batch.order) if masked else None
        carried = {name: state[batch.order] for name, state in (states or {}).items()}
        steps = plan.bptt_steps if per_step else None
        for chunk in chunks(batch.lengths, len(batch.X), batch.X.shape[1], steps):
            of_chunk = chunk.states(carried)
            begun = dict(of_chunk)
            outputs, backward = truncation.forward(
                network,
                chunk.of(batch.X),
                chunk.lengths,
                backend,
                None if per_step else plan.bptt_steps,
                checkpoint_every=plan.checkpoint_every,
                masking=chunk.masking(masking),
                states=of_chunk,
            )
            chunk.carry(of_chunk, carried)
            places, rows = training.rows_of(batch, chunk)
            if len(rows) == 0:  # nothing to learn from, but to be read
                continue
            batch_weights = None if weights is None else weights[rows]
            share = float(len(rows) if batch_weights is None else batch_weights.sum())
            answers = outputs if places is None else outputs.reshape(-1, outputs.shape[-1])[places]
            loss, danswers = objective.loss(answers, targets[rows], batch_weights, backend.fused)
            backward(_spread(danswers, places, outputs.shape), gradient)
            norm = global_norm(gradient.flat, backend.fused)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                place = _place(
                    network, training, plan, objective, backend, batch, chunk, masking, begun
                )
                raise _diverged(number, n_batches, learning_rate, loss, norm, network, place)
            if plan.max_grad_value is None:
                scale = clip_scale(norm, plan.max_grad_norm)
            else:
                clip_values(gradient.flat, plan.max_grad_value)
                clipped = global_norm(gradient.flat, backend.fused)
                scale = clip_scale(clipped, plan.max_grad_norm)
            optimizer.step(network.params.flat, gradient.flat, learning_rate, scale, backend.fused)
            n_steps += 1
            loss_sum += loss * share
            weight_sum += share
            norm_sum += norm
        if states is not None:
            _put(carried, batch.order, states, n_samples)
    if not np.isfinite(network.params.flat).all():
        place = _place(network, training, plan, objective, backend, batch, chunk, masking, begun)
        raise _diverged(number, len(batches) - 1, learning_rate, loss, norm, network, place)
    return loss_sum / weight_sum if weight_sum else 0.0, norm_sum / max(n_steps, 1)


def batches_of(order: Indices, batch_size: int) -> list[Indices]:
    """An order of samples, at most so many at a time.

    Of equal size, within one: Adam takes a step as long for a last batch of three samples as for a
    whole one, and that noise alone can keep a small set from being learned.
    """
    return np.array_split(order, -(-len(order) // batch_size))


def bucketed(batches: list[Indices], lengths: Indices, rng: np.random.Generator) -> list[Indices]:
    """The same samples in batches of as many, those of about one length together.

    So that it stays a matter of chance which samples meet, they are put in the order of their
    lengths only within groups of about the square root of the number of batches, drawn afresh by
    the shuffle of every epoch; equal lengths stay in its order. The batches come in random order,
    so that no epoch goes from long to short.
    """
    n_grouped = math.ceil(math.sqrt(len(batches)))
    out = []
    for start in range(0, len(batches), n_grouped):
        group = batches[start : start + n_grouped]
        samples = np.concatenate(group)
        samples = samples[np.argsort(-lengths[samples], kind="stable")]
        out += np.split(samples, np.cumsum([len(batch) for batch in group])[:-1])
    return [out[i] for i in rng.permutation(len(out))]


def _put(
    carried: dict[str, Array], order: NDArray[np.int64], states: dict[str, Array], n_samples: int
) -> None:
    """Keep the states of a batch's samples."""
    for name, state in carried.items():
        if name not in states:
            states[name] = np.zeros((n_samples, state.shape[1]), state.dtype)
        states[name][order] = state


def _spread(danswers: Array, places: NDArray[np.intp] | None, shape: tuple[int, ...]) -> Array:
    """The gradient at all outputs, from that at those which count."""
    if places is None:
        return danswers
    doutputs = np.zeros((math.prod(shape[:-1]), shape[-1]), danswers.dtype)
    doutputs[places] = danswers
    return doutputs.reshape(shape)


def _mask_seed(rng: np.random.Generator) -> int:
    """The same in every epoch of one generator, which is not drawn from."""
    root: Any = rng.bit_generator.seed_seq
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 0))
    return int(child.generate_state(1, np.uint64)[0])


def _place(
    network: Network,
    training: Labelled,
    plan: Plan,
    objective: Objective,
    backend: Backend,
    batch: Batch,
    chunk: Chunk,
    masking: Masking | None,
    states: dict[str, Array],
) -> Place | None:
    """Where a chunk of a batch stopped being finite."""
    order = batch.order[: chunk.n_samples]

    def answer(row: int, outputs: Array) -> tuple[float, Array]:
        one = batch._replace(order=order[row : row + 1])
        stop = chunk.start + outputs.shape[1] if training.per_step else chunk.stop
        places, rows = training.rows_of(one, Chunk(chunk.start, stop, 1, None))
        if len(rows) == 0:
            return 0.0, np.zeros_like(outputs)
        answers = outputs if places is None else outputs.reshape(-1, outputs.shape[-1])[places]
        weights = None if training.weights is None else training.weights[rows]
        loss, danswers = objective.loss(answers, training.targets[rows], weights, backend.fused)
        return loss, _spread(danswers, places, outputs.shape)

    suspects = Suspects(
        X=chunk.of(batch.X),
        lengths=chunk.lengths,
        numbers=order if training.source is None else training.source[order],
        masking=chunk.masking(masking),
        states=states,
        start=chunk.start,
        bptt_steps=None if training.per_step else plan.bptt_steps,
    )
    return first_not_finite(network, suspects, backend, answer)


def _diverged(
    number: int,
    batch: int,
    learning_rate: float,
    loss: float,
    norm: float,
    network: Network,
    place: Place | None,
) -> DivergedError:
    spoilt = weights_not_finite(network)
    weights = "" if spoilt is None else f", after a step that left {spoilt} not finite"
    return DivergedError(
        f"training diverged in epoch {number + 1}, batch {batch + 1}: the loss is {loss:g} and the "
        f"gradient's norm {norm:g} at a learning rate of {learning_rate:g}{weights}",
        place,
        "Lower learning_rate_init, set max_grad_norm (1.0 is usual), or keep standardize=True",
    )
