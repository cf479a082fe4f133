"""Measures how healthy a network is while it is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend, Tape
from elman.data.prepared import Prepared
from elman.nn.network import Network

Array = NDArray[Any]

FLAT = 0.05
"""A unit is saturated where its activation's derivative is below this share of the largest one."""
N_SQUARINGS = 8
N_PROBED = 32
"""samples looked at, at most"""
SHARE_PROBED = 1 / 16
"""of the samples looked at, at most"""
STEPS_PROBED = 256
"""first steps of each sample looked at"""
SHARE_OF_WORK = 0.01
"""of an epoch's, which reading the gauges may take"""
LONGEST_INTERVAL = 10
BATCH_WORK, LAYER_WORK = 2.5e6, 4e6
"""what the calls of a training step, and of reading a layer's gauges, cost beside their products,
in multiplications that would take as long"""


def interval(network: Network, X: Prepared, n_batches: int) -> int:
    """Every how many epochs the gauges are read, so that they cost next to nothing.

    It depends on sizes alone, not on a clock: the same training has the same history.

    Parameters
    ----------
    network : Network
    X : Prepared
        Training data.
    n_batches : int
        Of an epoch.
    """
    products = squarings = n_layers = 0.0
    for name, W in network.params.items():
        if name.endswith(("W_x", "W_h")):
            products += X.n_steps * W.size
        if name.endswith("W_h"):
            squarings += N_SQUARINGS * len(W) ** 3
            n_layers += 1
    reading = n_layers * LAYER_WORK + squarings + products * SHARE_PROBED
    epoch = n_batches * BATCH_WORK + 3 * products
    return min(math.ceil(reading / (SHARE_OF_WORK * epoch)), LONGEST_INTERVAL)


def probe(X: Prepared) -> Array:
    """Which samples `saturated` looks at: few, evenly spread, always the same ones.

    Returns
    -------
    ndarray of int
    """
    n = min(N_PROBED, math.ceil(len(X) * SHARE_PROBED))
    return np.linspace(0, len(X), n, endpoint=False).astype(np.int64)


def saturated(network: Network, X: Prepared, samples: Array, backend: Backend) -> float:
    """Share of gates and states, over steps and samples, that are saturated.

    Of tanh with |h| > 0.975, of the logistic function with s < 0.013 or s > 0.987, of relu with
    h = 0. An Elman cell is asked for its hidden states, a gated one for its gates and candidates.
    Dropout leaves nothing out here.

    Parameters
    ----------
    network : Network
    X : Prepared
    samples : ndarray of int
        The samples to look at, as `probe` chose them.
    backend : Backend

    Returns
    -------
    float
        In [0, 1]; 0 if the samples have no step.
    """
    if not len(samples):
        return 0.0
    batch = X.batch(samples, backend)
    inputs, lengths = batch.X, batch.lengths
    if inputs.shape[1] > STEPS_PROBED:
        inputs = np.ascontiguousarray(inputs[:, :STEPS_PROBED])
        lengths = None if lengths is None else np.minimum(lengths, STEPS_PROBED)
    n_flat = n_all = 0
    for tape in network.tapes(inputs, lengths, backend).values():
        with np.errstate(all="ignore"):  # past a sample's end a trace may hold anything
            flat = _flat(tape)
        if lengths is not None:
            flat = flat[np.arange(flat.shape[1]) < lengths[:, np.newaxis]]
        n_flat += int(np.count_nonzero(flat))
        n_all += flat.size
    return n_flat / n_all if n_all else 0.0


def _flat(tape: Tape) -> NDArray[np.bool_]:
    """(n_samples, n_timesteps, ...): where the derivative is small."""
    if tape.trace is None:
        if tape.cell.activation == "relu":
            return np.asarray(tape.H == 0)
        return _tanh_flat(tape.H)
    gates = tape.cell.kind.gates
    size = tape.H.shape[2]
    values = tape.trace[..., : len(gates) * size]
    flat = np.empty(values.shape, bool)
    for i, gate in enumerate(gates):
        block = slice(i * size, (i + 1) * size)
        of = _tanh_flat if gate == tape.cell.kind.candidate else _logistic_flat
        flat[..., block] = of(values[..., block])
    return flat


def _tanh_flat(h: Array) -> NDArray[np.bool_]:
    """1 - h^2 < FLAT."""
    return np.asarray(np.square(h) > 1 - FLAT)


def _logistic_flat(s: Array) -> NDArray[np.bool_]:
    """4 s (1 - s) < FLAT."""
    return np.asarray(s * (1 - s) < FLAT / 4)


def spectral_radii(network: Network, backend: Backend) -> dict[str, float]:
    """Spectral radius of each recurrent layer's W_h: above 1 gradients may explode, below vanish.

    Of a gated cell's W_h it is that of the candidate's block (n of a GRU, g of an LSTM): the only
    one that takes the state to the next state rather than to a gate.

    Parameters
    ----------
    network : Network
    backend : Backend
        Multiplies the matrices.

    Returns
    -------
    dict of str to float
        By the layer's name.
    """
    kind = network.layout.cell.kind
    column = kind.gates.index(kind.candidate)
    radii = {}
    for name, W in network.params.items():
        layer, _, array = name.rpartition(".")
        if array == "W_h":
            size = len(W)
            radii[layer] = spectral_radius(W[:, column * size : (column + 1) * size], backend)
    return radii


def spectral_radius(A: Array, backend: Backend) -> float:
    """Largest modulus of a square matrix's eigenvalues, to a percent and mostly much better.

    Gelfand's formula, the limit of |A^k|^(1/k), by squaring: as |A^2k| / |A^k| to the power 1/k it
    is within a factor c^(1/k) of the limit, c the swing of |A^k| / radius^k between the two. Eight
    products where an eigenvalue solver takes the time of hundreds, and with the backend's own they
    have the same bits every time.
    """
    power = np.ascontiguousarray(A)
    zeros = np.zeros(len(A), A.dtype)
    log_norm, log_radius = 0.0, -math.inf
    for i in range(N_SQUARINGS + 1):
        norm = math.sqrt(float(np.sum(np.square(power, dtype=np.float64))))
        if norm == 0 or not math.isfinite(norm):
            return 0.0 if norm == 0 else math.nan
        # `power` was A^(2^i), but for a factor whose logarithm is 2 log_norm
        longer = math.log(norm) + 2 * log_norm
        log_radius = (longer - log_norm) / max(2 ** (i - 1), 1)
        log_norm = longer
        if i < N_SQUARINGS:
            power = power / power.dtype.type(norm)
            power = backend.linear_forward(power, power, zeros)
    return math.exp(log_radius)
