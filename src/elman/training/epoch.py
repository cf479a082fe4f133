"""Trains a network for one epoch, batch by batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.optimizers import Optimizer
from elman.training.batches import EpochBatches
from elman.training.gradients import HERE, Gradients
from elman.training.labelled import Labelled
from elman.training.local import Replicas
from elman.training.plan import Plan
from elman.training.steps import Learner, Means, Rules, Totals

Array = NDArray[Any]
Indices = NDArray[np.int64]


def run_epoch(
    network: Network,
    training: Labelled,
    optimizer: Optimizer | Replicas,
    plan: Plan,
    objective: Objective,
    learning_rate: float,
    backend: Backend,
    rng: np.random.Generator,
    number: int,
    states: dict[str, Array] | None = None,
    gradients: Gradients = HERE,
) -> Means:
    """One epoch: its mean loss, its mean gradient norm, and what its score is made of.

    With `plan.bptt_steps` the gradient is cut at chunks of that many steps: `elman.nn.truncation`.
    An answer for each sample is known at the end only, and its batch is one step of the optimizer.
    Where every time step has an answer each chunk is: the chunk's loss is known once it was read,
    and a long sequence is learned from while it is read.

    Parameters
    ----------
    optimizer : Optimizer or Replicas
        With replicas the batches of the epoch are dealt to them, as `elman.training.local` says.
    states : dict, optional
        Not with replicas. The state (n_samples, state_size) of each layer that each sample
        goes on from, changed to the one after its last step.
    gradients : Gradients
        Where they are computed.
    """
    X, per_step = training.X, training.per_step
    n_samples = len(X)
    order = rng.permutation(n_samples)
    masked = bool(network.layout.dropout or network.layout.recurrent_dropout)
    masking = (_mask_seed(rng), number) if masked else None
    # With an answer at each step every chunk is a batch of its own; with one answer for each
    # sample it comes after all chunks, and `gradient` cuts the way back.
    steps, bptt_steps = (plan.bptt_steps, None) if per_step else (None, plan.bptt_steps)
    indices = batches_of(order, plan.batch_size)
    if plan.bucket_by_length:
        indices = bucketed(indices, X.lengths, rng)
    rules = Rules(
        number,
        objective,
        learning_rate,
        plan.max_grad_norm,
        plan.max_grad_value,
        bptt_steps,
        plan.recompute_every,
    )
    batches = EpochBatches(training, indices, backend, gradients, masking, steps)
    totals = Totals()
    if isinstance(optimizer, Replicas):
        if states is not None:
            raise ValueError("replicas with weights of their own cannot go on from states")
        optimizer.run_epoch(network, batches, rules, backend, gradients, totals)
        return totals.means
    learner = Learner(network, optimizer, rules, backend, gradients)
    for batch in batches:
        carried = {name: state[batch.order] for name, state in (states or {}).items()}
        totals.add(learner.learn(batch, carried))
        if states is not None:
            _put(carried, batch.order, states, n_samples)
    learner.check_weights()
    return totals.means


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
