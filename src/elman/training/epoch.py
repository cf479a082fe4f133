"""Trains a network for one epoch, batch by batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.fused import Fused
from elman.data.ahead import read_ahead
from elman.data.sequences import Batch
from elman.nn.chunks import Chunk, chunks
from elman.nn.dropout import Masking
from elman.nn.gradient import Samples, gradient
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.optimizers import Optimizer, clip_scale, clip_values, global_norm
from elman.training.divergence import (
    DivergedError,
    Place,
    Suspects,
    first_not_finite,
)
from elman.training.labelled import Labelled
from elman.training.plan import Plan

Array = NDArray[Any]
Indices = NDArray[np.int64]


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
    X, per_step = training.X, training.per_step
    n_samples = len(X)
    order = rng.permutation(n_samples)
    out = network.params.zeros_like()
    masked = bool(network.layout.dropout or network.layout.recurrent_dropout)
    mask_seed = _mask_seed(rng) if masked else 0
    # With an answer at each step every chunk is a batch of its own; with one answer for each
    # sample it comes after all chunks, and `gradient` cuts the way back.
    steps, bptt_steps = (plan.bptt_steps, None) if per_step else (None, plan.bptt_steps)
    loss_sum = weight_sum = norm_sum = 0.0
    n_steps = 0
    batches = batches_of(order, plan.batch_size)
    if plan.bucket_by_length:
        batches = bucketed(batches, X.lengths, rng)
    for n_batches, batch in enumerate(read_ahead(X, batches, backend)):
        masking = Masking(mask_seed, number, batch.order) if masked else None
        carried = {name: state[batch.order] for name, state in (states or {}).items()}
        for chunk in chunks(batch.lengths, len(batch.X), batch.X.shape[1], steps):
            samples = training.samples(batch, chunk, masking, carried)
            sums = gradient(
                network,
                samples,
                objective,
                backend,
                bptt_steps=bptt_steps,
                recompute_every=plan.recompute_every,
                out=out,
            )
            chunk.carry(sums.states, carried)
            if len(sums.losses) == 0:  # no label in this chunk; it only carried the states on
                continue
            loss = objective.loss_sum(sums.losses, backend.fused)
            norm = global_norm(out.flat, backend.fused)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                suspects = _suspects(training, batch, chunk, samples, bptt_steps)
                place = first_not_finite(network, suspects, backend, objective)
                raise _diverged(number, n_batches, learning_rate, loss, norm, network, place)
            scale = _clip(out.flat, norm, plan, backend.fused)
            optimizer.step(network.params.flat, out.flat, learning_rate, scale, backend.fused)
            n_steps += 1
            weight = sums.weight
            loss_sum += loss * weight
            weight_sum += weight
            norm_sum += norm
        if states is not None:
            _put(carried, batch.order, states, n_samples)
    if network.params.unusable(finite=True) is not None:
        suspects = _suspects(training, batch, chunk, samples, bptt_steps)
        place = first_not_finite(network, suspects, backend, objective)
        raise _diverged(number, len(batches) - 1, learning_rate, loss, norm, network, place)
    return loss_sum / weight_sum if weight_sum else 0.0, norm_sum / max(n_steps, 1)


def _clip(gradient: Array, norm: float, plan: Plan, fused: Fused | None) -> float:
    """Cut off large elements in place, and return the factor that brings the norm to its limit."""
    if plan.max_grad_value is not None:
        clip_values(gradient, plan.max_grad_value)
        norm = global_norm(gradient, fused)
    return clip_scale(norm, plan.max_grad_norm)


def batches_of(order: Indices, batch_size: int) -> list[Indices]:
    """Cut an order of samples into batches of at most `batch_size`.

    Of equal size, within one: Adam takes a step as long for a last batch of three samples as for a
    whole one, and that noise alone can keep a small set from being learned.
    """
    return np.array_split(order, -(-len(order) // batch_size))


def bucketed(batches: list[Indices], lengths: Indices, rng: np.random.Generator) -> list[Indices]:
    """Put samples of about one length into a batch together; the sizes of the batches stay.

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


def _mask_seed(rng: np.random.Generator) -> int:
    """The seed of dropout's masks: the same in every epoch, without a draw from the generator."""
    root: Any = rng.bit_generator.seed_seq
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 0))
    return int(child.generate_state(1, np.uint64)[0])


def _suspects(
    training: Labelled, batch: Batch, chunk: Chunk, samples: Samples, bptt_steps: int | None
) -> Suspects:
    """The samples of a chunk with the numbers that they have in the user's X."""
    order = batch.order[: chunk.n_samples]
    numbers = order if training.source is None else training.source[order]
    return Suspects(samples, numbers, chunk.start, bptt_steps)


def _diverged(
    number: int,
    batch: int,
    learning_rate: float,
    loss: float,
    norm: float,
    network: Network,
    place: Place | None,
) -> DivergedError:
    spoilt = network.params.unusable(finite=True)
    weights = "" if spoilt is None else f", after a step that left {spoilt} not finite"
    return DivergedError(
        f"training diverged in epoch {number + 1}, batch {batch + 1}: the loss is {loss:g} and the "
        f"gradient's norm {norm:g} at a learning rate of {learning_rate:g}{weights}",
        place,
        "Lower learning_rate_init, set max_grad_norm (1.0 is usual), or keep standardize=True",
    )
