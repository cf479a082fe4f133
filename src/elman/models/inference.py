"""Sequences through a trained network, a batch at a time; answers in the caller's order out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.missing import over_all_steps
from elman.data.prepared import Prepared
from elman.data.sequences import Batch
from elman.nn.network import Network

Array = NDArray[Any]

BATCH_VALUES = 1 << 22  # values a batch and its hidden states may hold together: 16-32 MiB
MAX_BATCH_SIZE = 1024
STEPS_AT_ONCE = 1 << 14  # of a sequence, whose states are kept that many at a time


def predict_logits(network: Network, data: Prepared, backend: Backend) -> Array:
    """Logits of every sample.

    Parameters
    ----------
    network : Network
    data : Prepared
    backend : Backend

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    out = np.empty((len(data), network.layout.n_outputs), dtype=network.params.dtype)
    for batch in _batches(network, data, backend, states=False):
        out[batch.order] = network.logits(batch.X, batch.lengths, backend, STEPS_AT_ONCE)
    return out


def predict_logits_over_time(network: Network, data: Prepared, backend: Backend) -> list[Array]:
    """For each sample the logits (n_timesteps_i, n_classes) after each time step.

    Where every step has an answer, that of a block of the front end's is the answer to all steps of
    the block. Where a sample has one, it is the one that was known by then.
    """
    return _over_time(network, data, backend, known_by_then=not network.layout.at_every_step)


def predict_logits_while_reading(network: Network, data: Prepared, backend: Backend) -> list[Array]:
    """For each sample the logits (n_timesteps_i, n_classes) that were known after each time step.

    Within a block of the front end's that is the answer to the blocks before it, and at the last
    time step the answer to all of the sample. Where steps are not put into blocks it is the answer
    had the sample stopped at that step.
    """
    return _over_time(network, data, backend, known_by_then=True)


def _over_time(
    network: Network, data: Prepared, backend: Backend, *, known_by_then: bool
) -> list[Array]:
    network.check_over_time()
    if known_by_then:
        data.frontend.check_reads_on()
    out: list[Array] = [np.empty(0)] * len(data)
    needed = data.missing == "skip" or (known_by_then and data.frontend.stride > 1)
    initial = network.logits_before(backend) if needed else None
    for batch in _batches(network, data, backend, states=True):
        logits = network.logits_over_time(batch.X, batch.lengths, backend, STEPS_AT_ONCE)
        _scatter(out, data, batch, logits, initial, known_by_then=known_by_then)
    return out


def hidden_states(network: Network, data: Prepared, backend: Backend) -> list[Array]:
    """For each sample its last layer's hidden states (n_timesteps_i, width).

    At a step left out (`missing="skip"`) they are those of the step before it that was kept, in
    both directions; those of a block of the front end's are those of all its steps.
    """
    out: list[Array] = [np.empty(0)] * len(data)
    initial = network.states_before(backend) if data.missing == "skip" else None
    for batch in _batches(network, data, backend, states=True):
        states = network.hidden_states(batch.X, batch.lengths, backend)
        _scatter(out, data, batch, states, initial)
    return out


def _scatter(
    out: list[Array],
    data: Prepared,
    batch: Batch,
    answers: Array,
    initial: Array | None,
    *,
    known_by_then: bool = False,
) -> None:
    """Each row of a batch, cut to its own length, to its sample's place.

    `initial`: the answer before the first step, which a step that is left out may have.
    `known_by_then`: whether a step within a block has the answer to the blocks before it; the last
    step of a sample ends its last block.
    """
    frontend = data.frontend
    lengths = data.time_steps[batch.order].tolist()
    for row, (sample, length) in enumerate(zip(batch.order, lengths, strict=True)):
        own, kept = answers[row], None if batch.kept is None else batch.kept[row, :length]
        n_kept = length if kept is None else int(np.count_nonzero(kept))
        if frontend.stride > 1:
            if known_by_then and initial is not None:
                own = frontend.while_reading(own, initial, n_kept)
            else:
                own = frontend.spread(own, n_kept)
        if kept is None or initial is None:
            out[sample] = own[:length].copy()
        else:
            out[sample] = over_all_steps(own, initial, kept)
        if frontend.stride > 1 and known_by_then and n_kept:
            out[sample][-1] = answers[row, -(-n_kept // frontend.stride) - 1]


def _batches(
    network: Network, data: Prepared, backend: Backend, *, states: bool
) -> Iterator[Batch]:
    """All samples in batches of bounded size.

    `states`: whether something is kept for every time step.
    """
    longest = int(data.lengths.max(initial=1))
    width = network.values_per_step
    if states:
        width += network.layout.n_read + network.layout.n_outputs
    batch_size = max(1, min(MAX_BATCH_SIZE, BATCH_VALUES // max(1, longest * width)))
    return data.batches(batch_size, backend)
