"""Draws random inputs around which a network is smooth enough for difference quotients.

relu has a kink where a pre-activation is zero, and the maximum over time where two steps tie: a
difference quotient across either is no derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell, Weights
from elman.backends.contract import Coded, Forward
from elman.backends.reference import ReferenceBackend, StepCodes, biased_sums
from elman.nn.network import Network
from elman.nn.readouts import Readout, readout_named

Array = NDArray[np.float64]

KINK_MARGIN = 1e-2
"""How far relu's pre-activations stay from zero, and the two largest of the max readout apart."""

MAX_REDRAWS = 200


def draw_inputs(
    cell: Cell,
    weights: Weights,
    initial: Array,
    n_timesteps: int,
    readout: Readout | None,
    rng: np.random.Generator,
    lengths: NDArray[np.int64] | None = None,
) -> Array:
    """Random X (n_samples, n_timesteps, n_features) with every kink at least `KINK_MARGIN` away.

    Parameters
    ----------
    initial : (n_samples, state_size)
    readout : str, tuple of str or None
        As `Layout` has it; it may have kinks of its own, as "max" has where the largest states tie.
    lengths : (n_samples,) or None
        Past a sample's end X is random as well.

    Raises
    ------
    ValueError
        None was found, as in very long or wide problems.
    """
    n_samples, n_features = len(initial), len(weights.W_x)
    X = np.empty((n_samples, n_timesteps, n_features))
    rows = np.arange(n_samples)
    for _ in range(MAX_REDRAWS):
        X[rows], H, unusable = _walk(cell, weights, initial[rows], n_timesteps, rng)
        if readout is not None and readout_named(readout).kink_at_ties:
            unusable |= _has_tie(cell, H, None if lengths is None else lengths[rows])
        rows = rows[unusable]
        if len(rows) == 0:
            return X
    raise ValueError(
        f"found no inputs that keep {n_timesteps} steps of {len(weights.W_h)} units clear of "
        "kinks, where there is no derivative to check; try fewer steps or units, or another seed"
    )


def draw_stack_inputs(
    network: Network,
    n_samples: int,
    n_timesteps: int,
    lengths: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> Array:
    """Random X for a network of several layers or directions, as `draw_inputs` says.

    Whole samples are drawn until one is right: with a second direction no step is independent of
    those to come.
    """
    X = _draw(network, n_samples, n_timesteps, rng)
    ends = np.full(n_samples, n_timesteps) if lengths is None else lengths
    rows = np.arange(n_samples)
    for _ in range(MAX_REDRAWS):
        recorder = _Recorder()
        H = network.hidden_states(np.ascontiguousarray(X[rows]), ends[rows], recorder)
        unusable = np.zeros(len(rows), dtype=bool)
        for nearest in recorder.nearest_kinks:
            unusable |= nearest < KINK_MARGIN
        if network.layout.readout_class.kink_at_ties:
            # A residual sum is not the value of a tanh: compare the sums themselves.
            sums = network.layout.residual and len(network.layout.hidden_sizes) > 1
            kind = Cell("elman", "relu") if sums else network.layout.cell
            unusable |= _has_tie(kind, H, ends[rows])
        rows = rows[unusable]
        if len(rows) == 0:
            return X
        X[rows] = _draw(network, len(rows), n_timesteps, rng)
    raise ValueError(
        f"found no inputs that keep {n_timesteps} steps of {network.layout.hidden_sizes} units "
        "clear of kinks, where there is no derivative to check; try fewer steps or units, or "
        "another seed"
    )


def _draw(network: Network, n_samples: int, n_timesteps: int, rng: np.random.Generator) -> Array:
    """Random numbers, and random categories in their columns."""
    X = rng.standard_normal((n_samples, n_timesteps, network.layout.n_features))
    for k, (n_categories, _) in enumerate(network.layout.categories):
        X[:, :, k] = rng.integers(0, n_categories, X.shape[:2])
    return X


class _Recorder(ReferenceBackend):
    """Notes how near each sample of each layer comes to relu's kink."""

    def __init__(self) -> None:
        self.nearest_kinks: list[Array] = []

    def forward(
        self,
        cell: Cell,
        X: Array,
        lengths: NDArray[np.int64] | None,
        initial: Array | None,
        weights: Weights,
        *,
        coded: Coded | None = None,
        **options: Any,
    ) -> Forward:
        """Run every time step, and note how near relu comes to its kink."""
        out = super().forward(cell, X, lengths, initial, weights, coded=coded, **options)
        if cell.activation == "relu" and out.H is not None:
            before = np.zeros_like(out.H)
            before[:, 1:] = out.H[:, :-1]
            if initial is not None and X.shape[1]:
                before[:, 0] = initial
            rows = len(X) * X.shape[1]
            x, state = X.reshape(rows, X.shape[2]), before.reshape(rows, before.shape[2])
            codes = None
            if coded is not None:
                codes = StepCodes(coded.codes.reshape(rows, -1), coded.table)
            A = np.abs(biased_sums(cell, x, state, weights, coded=codes)[0]).reshape(before.shape)
            if lengths is not None:
                A[np.arange(X.shape[1]) >= lengths[:, np.newaxis]] = np.inf
            self.nearest_kinks.append(A.min(axis=(1, 2), initial=np.inf))
        return out


def _walk(
    cell: Cell, weights: Weights, initial: Array, n_timesteps: int, rng: np.random.Generator
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Inputs drawn step by step, for relu clear of zero; their H; samples where none was found."""
    reference = ReferenceBackend()
    n_samples, n_features = len(initial), len(weights.W_x)
    X = np.empty((n_samples, n_timesteps, n_features))
    hidden_size = len(weights.W_h)
    H = np.empty((n_samples, n_timesteps, hidden_size))
    stuck = np.zeros(n_samples, dtype=bool)
    state = initial
    for t in range(n_timesteps):
        rows = np.arange(n_samples)
        for _ in range(MAX_REDRAWS):
            X[rows, t] = rng.standard_normal((len(rows), n_features))
            if cell.activation != "relu":
                break
            A, _ = biased_sums(cell, X[rows, t], state[rows], weights)
            rows = rows[np.min(np.abs(A), axis=1) < KINK_MARGIN]
            if len(rows) == 0:
                break
        else:
            stuck[rows] = True
        state = reference.step(cell, np.ascontiguousarray(X[:, t]), state, weights)
        H[:, t] = state[:, :hidden_size]
    return X, H, stuck


def _has_tie(cell: Cell, H: Array, lengths: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """Samples in which some unit's two largest states, unless both are 0, lie too close."""
    # Saturated states lie close but hardly move, so for tanh the distance is taken before tanh.
    with np.errstate(divide="ignore"):
        H = np.arctanh(H) if cell.activation == "tanh" else H.copy()
    if lengths is not None:
        H[np.arange(H.shape[1]) >= lengths[:, np.newaxis]] = -np.inf
    if H.shape[1] < 2:
        return np.zeros(len(H), dtype=bool)
    top = np.sort(H, axis=1)[:, -2:]
    with np.errstate(invalid="ignore"):
        close = top[:, 1] - top[:, 0] < KINK_MARGIN
    ties: NDArray[np.bool_] = np.any(close & (top[:, 1] != 0) & np.isfinite(top[:, 0]), axis=1)
    return ties
