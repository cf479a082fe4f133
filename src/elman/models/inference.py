"""Sequences through a trained network, a batch at a time; answers in the caller's order out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.missing import over_all_steps, with_indicators, without_missing_steps
from elman.data.sequences import Batch, Sequences, first_infinite, first_not_finite, standardise
from elman.nn import truncation
from elman.nn.layout import EVERY
from elman.nn.network import Network

Array = NDArray[Any]

BATCH_VALUES = 1 << 22  # values a batch and its hidden states may hold together: 16-32 MiB
MAX_BATCH_SIZE = 1024
STEPS_AT_ONCE = 1 << 14  # of a sequence, where a state is kept for every step


class Standardisation(NamedTuple):
    """What is subtracted from a feature, and what it is divided by."""

    mean: NDArray[np.float64]
    """(n_features,)"""
    scale: NDArray[np.float64]
    """(n_features,), no zeros"""


def predict_logits(
    network: Network,
    data: Sequences,
    backend: Backend,
    standardisation: Standardisation | None = None,
) -> Array:
    """Logits of every sample.

    Parameters
    ----------
    network : Network
    data : Sequences
    backend : Backend
    standardisation : Standardisation, optional
        Applied to each batch on its way in, in float64, so that X is never copied whole.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    out = np.empty((len(data), network.layout.n_outputs), dtype=network.params.dtype)
    layout = network.layout
    keeps_steps = network.values_per_step > layout.n_features
    # A readout goes on from chunk to chunk, so that chunks change no bit.
    to_cut = keeps_steps and layout.readout != EVERY and not layout.bidirectional
    for batch in _batches(network, data, backend, standardisation, states=False):
        X, lengths = batch.X, batch.lengths
        if to_cut and X.shape[1] > STEPS_AT_ONCE:  # memory for the states of one chunk only
            logits, _ = truncation.forward(network, X, lengths, backend, STEPS_AT_ONCE)
        else:
            logits = network.logits(X, lengths, backend)
        out[batch.order] = logits
    return out


def predict_logits_over_time(
    network: Network,
    data: Sequences,
    backend: Backend,
    standardisation: Standardisation | None = None,
) -> list[Array]:
    """For each sample the logits (n_timesteps_i, n_classes) had it stopped at step t."""
    out: list[Array] = [np.empty(0)] * len(data)
    network.check_over_time()
    initial = network.logits_before(backend) if data.missing == "skip" else None
    for batch in _batches(network, data, backend, standardisation, states=True):
        logits = network.logits_over_time(batch.X, batch.lengths, backend)
        _scatter(out, data, batch, logits, initial)
    return out


def hidden_states(
    network: Network,
    data: Sequences,
    backend: Backend,
    standardisation: Standardisation | None = None,
) -> list[Array]:
    """For each sample its last layer's hidden states (n_timesteps_i, width).

    At a step left out (`missing="skip"`) they are those of the step before it that was kept, in
    both directions.
    """
    out: list[Array] = [np.empty(0)] * len(data)
    initial = network.states_before(backend) if data.missing == "skip" else None
    for batch in _batches(network, data, backend, standardisation, states=True):
        states = network.hidden_states(batch.X, batch.lengths, backend)
        _scatter(out, data, batch, states, initial)
    return out


def _scatter(
    out: list[Array], data: Sequences, batch: Batch, answers: Array, initial: Array | None
) -> None:
    """Each row of a batch, cut to its own length, to its sample's place.

    `initial`: the answer before the first step, which a step that is left out may have.
    """
    lengths = data.lengths[batch.order].tolist()
    for row, (sample, length) in enumerate(zip(batch.order, lengths, strict=True)):
        if batch.kept is None or initial is None:
            out[sample] = answers[row, :length].copy()
        else:
            out[sample] = over_all_steps(answers[row], initial, batch.kept[row, :length])


def _batches(
    network: Network,
    data: Sequences,
    backend: Backend,
    standardisation: Standardisation | None,
    *,
    states: bool,
) -> Iterator[Batch]:
    """All samples in batches of bounded size, standardised and of the network's dtype.

    NaN has become what `data.missing` says.

    `states`: whether something is kept for every time step.
    """
    longest = int(data.lengths.max(initial=1))
    width = network.values_per_step
    if states:
        width += network.layout.width + network.layout.n_outputs
    batch_size = max(1, min(MAX_BATCH_SIZE, BATCH_VALUES // max(1, longest * width)))
    dtype = network.params.dtype
    for batch in data.batches(batch_size):
        if data.missing == "skip":
            if data.refuse is not None and first_infinite(batch.X) is not None:
                data.refuse()  # now, for the step may be one of those left out
            batch = without_missing_steps(batch)
        X = batch.X
        values = X.reshape(-1, data.n_features)
        fused = backend.fused
        finite = True
        if standardisation is not None:
            X = np.empty(X.shape, dtype)
            out = X.reshape(values.shape)
            if fused is None:
                finite = standardise(values, *standardisation, out)
            else:
                finite = fused.standardise(values, *standardisation, out, backend.n_threads)
        elif data.refuse is not None and fused is None:
            finite = first_not_finite(values) is None
        elif data.refuse is not None and fused is not None:
            finite = fused.all_finite(values, backend.n_threads)
        if not finite and data.missing == "mask":
            finite = first_infinite(X) is None
        if not finite and data.refuse is not None:
            data.refuse()
        if not finite and standardisation is not None:
            data.scaled(*standardisation, dtype)  # an error that names the sample and the value
            raise RuntimeError(f"standardisation left something that {dtype} does not hold")
        if data.missing == "mask":
            X = with_indicators(X)
        yield batch._replace(X=np.require(X, dtype=dtype, requirements=["C", "A"]))
