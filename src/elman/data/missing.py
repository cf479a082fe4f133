"""Sequences or a batch with missing values (NaN) in; what a network can take of them out.

"mask" feeds 0 for a missing value, and for every feature an indicator: 1 where it is missing, 0
where it was observed. "skip" leaves out a time step at which any feature is missing, so that the
state is carried over it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import BLOCK_VALUES, Batch, Sequences, first_not_finite

Array = NDArray[Any]

MISSING = ("error", "mask", "skip")
"""What an estimator may be told to make of NaN."""

HOW_TO_ALLOW = (
    'missing="mask" (a zero, and an indicator feature) or missing="skip" (the state is carried '
    "over the step)"
)


def n_inputs(n_features: int, missing: str) -> int:
    """How many features a network sees of sequences of `n_features`."""
    return 2 * n_features if missing == "mask" else n_features


def complete(data: Sequences) -> Sequences:
    """The sequences without NaN, as `data.missing` says: scaled before if "mask" is to be right.

    Returns
    -------
    Sequences
        With twice the features for "mask", with fewer steps for "skip"; the same for "error".
        Values that need no change are not copied.
    """
    if data.missing == "mask":
        values, lengths = with_indicators(data.values), data.lengths
    elif data.missing == "skip":
        kept = observed_steps(data)
        if kept is None:
            values, lengths = data.values, data.lengths
        else:
            n_kept = np.concatenate([[0], np.cumsum(kept)])
            values, lengths = data.values[kept], np.diff(n_kept[data.offsets])
    else:
        return data
    return Sequences(values, lengths, two_d=data.two_d)


def without_skipped(data: Sequences) -> Sequences:
    """The sequences without the steps that `data.missing` says to skip."""
    return complete(data) if data.missing == "skip" else data


def warn_of_unobserved(data: Sequences) -> None:
    """Warn of a feature to be masked of which there is not one value to learn from."""
    if data.missing != "mask" or data.n_steps == 0:
        return
    unobserved = np.flatnonzero(np.isnan(np.fmax.reduce(data.values, axis=0)))
    if len(unobserved):
        warnings.warn(
            f"feature(s) {unobserved.tolist()} of X are NaN at every time step: nothing is learned "
            "of their values, and answers mean little if they are observed later; leave them out",
            stacklevel=2,
        )


def with_indicators(values: Array) -> Array:
    """Values with 0 for NaN, and beside them 1 where there was NaN, else 0.

    Parameters
    ----------
    values : ndarray of shape (..., n_features)

    Returns
    -------
    ndarray of shape (..., 2 * n_features)
        Features in their order, then their indicators in the same order.
    """
    n_features = values.shape[-1]
    out = np.empty((*values.shape[:-1], 2 * n_features), values.dtype)
    filled, indicators = out[..., :n_features], out[..., n_features:]
    missing = np.isnan(values)
    filled[...] = values
    np.copyto(filled, 0, where=missing)
    indicators[...] = missing
    return out


def without_missing_steps(batch: Batch) -> Batch:
    """The batch without the steps at which any feature is NaN, again longest first.

    Returns
    -------
    Batch
        Its `kept` says which steps are left; the same batch if all are.
    """
    n_samples, n_timesteps, n_features = batch.X.shape
    observed: NDArray[np.bool_] = np.asarray(~np.isnan(batch.X).any(axis=2))
    kept = observed
    if batch.lengths is not None:
        kept = observed & (np.arange(n_timesteps) < batch.lengths[:, np.newaxis])
    if observed.all():
        return batch
    lengths = np.count_nonzero(kept, axis=1).astype(np.int64)
    rows = np.argsort(-lengths, kind="stable")
    kept, lengths = kept[rows], lengths[rows]
    X = np.zeros((n_samples, int(lengths[0]), n_features), batch.X.dtype)
    X[np.arange(X.shape[1]) < lengths[:, np.newaxis]] = batch.X[rows][kept]
    equal = lengths[-1] == lengths[0]
    return Batch(X, None if equal else lengths, batch.order[rows], kept)


def over_all_steps(answers: Array, initial: Array, kept: NDArray[np.bool_]) -> Array:
    """The answers at all of a sample's steps, from those at the steps that were kept.

    Parameters
    ----------
    answers : ndarray of shape (n_kept or more, width)
    initial : ndarray of shape (width,)
        The answer before the first step that was kept.
    kept : ndarray of shape (n_timesteps,), bool

    Returns
    -------
    ndarray of shape (n_timesteps, width)
        At a step left out the answer of the last one before it that was kept.
    """
    return np.concatenate([initial[np.newaxis], answers])[np.cumsum(kept)]


def observed_steps(data: Sequences) -> NDArray[np.bool_] | None:
    """Which of `data.values` are steps without NaN, (n_steps,); None if all are."""
    if first_not_finite(data.values) is None:
        return None
    observed = np.empty(data.n_steps, bool)
    n_rows = max(1, BLOCK_VALUES // data.n_features)
    for start in range(0, data.n_steps, n_rows):
        rows = slice(start, start + n_rows)
        observed[rows] = ~np.isnan(data.values[rows]).any(axis=1)
    return observed
