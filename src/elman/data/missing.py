"""What becomes of missing values (NaN): indicators beside the features, or steps left out.

"mask" feeds 0 for a missing value, and for every feature an indicator: 1 where it is missing, 0
where it was observed. "skip" leaves out a time step at which any feature is missing, so that the
state is carried over it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.names import listed
from elman.data.sequences import Sequences
from elman.data.sources import Observed, observed_rows
from elman.targets.callers import warn_caller
from elman.targets.checks import listed as listed_labels

Array = NDArray[Any]

HOW_TO_ALLOW = (
    'missing="mask" (a zero, and an indicator feature) or missing="skip" (the state is carried '
    "over the step)"
)


def n_inputs(n_features: int, missing: str) -> int:
    """How many features a network sees of sequences of `n_features`."""
    return 2 * n_features if missing == "mask" else n_features


def without_missing_steps(data: Sequences) -> Sequences:
    """The sequences without the steps that `data.missing` says to skip.

    Returns
    -------
    Sequences
        The same unless `data.missing` is "skip". Values are not copied if nothing is left out, nor
        if they are many.
    """
    if data.missing != "skip":
        return data
    lengths = _n_observed(data)
    if (lengths == data.lengths).all():
        return data.without_gaps()
    found = Sequences(Observed(data), lengths, two_d=data.two_d)
    found.feature_names = data.feature_names
    return found.settled()


def warn_of_unobserved(data: Sequences) -> None:
    """Warn of a feature to be masked of which there is not one value to learn from."""
    if data.missing != "mask" or data.n_steps == 0:
        return
    largest = np.full(data.n_features, np.nan)
    for block in data.blocks():  # fmax leaves NaN out
        np.fmax(largest, np.fmax.reduce(block, axis=0), out=largest)
    unobserved = np.flatnonzero(np.isnan(largest))
    if len(unobserved):
        names = None if data.two_d else data.feature_names
        called = "" if names is None else f" ({listed(names[i] for i in unobserved)})"
        warn_caller(
            f"feature(s) {listed_labels(unobserved)}{called} of X are NaN at every time step: "
            "nothing is learned of their values, and answers mean little if they are observed "
            "later; leave them out",
        )


def with_indicators(values: Array, n_codes: int = 0) -> Array:
    """Values with 0 for NaN, and beside them 1 where there was NaN, else 0.

    Parameters
    ----------
    values : ndarray of shape (..., n_features)
    n_codes : int
        Features, the first ones, that are numbers of categories. They have no indicators, since
        what is missing is a category there.

    Returns
    -------
    ndarray of shape (..., 2 * n_features - n_codes)
        Features in their order, then the indicators of those that are numbers in the same order.
    """
    n_features = values.shape[-1]
    out = np.empty((*values.shape[:-1], 2 * n_features - n_codes), values.dtype)
    filled, indicators = out[..., :n_features], out[..., n_features:]
    missing = np.isnan(values)
    filled[...] = values
    np.copyto(filled, 0, where=missing)
    indicators[...] = missing[..., n_codes:]
    return out


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
    """A mask (n_steps,) of the time steps without NaN; None if no step has any."""
    observed = np.empty(data.n_steps, bool)
    start = 0
    for block in data.blocks():
        observed[start : start + len(block)] = observed_rows(block)
        start += len(block)
    return None if observed.all() else observed


def _n_observed(data: Sequences) -> NDArray[np.int64]:
    """(n_samples,): how many steps of each are without NaN."""
    counts = np.zeros(len(data), np.int64)
    start = 0
    for block in data.blocks():
        stop = start + len(block)
        n_before = np.concatenate([[0], np.cumsum(observed_rows(block))])
        first, last = np.searchsorted(data.offsets, [start, stop - 1], side="right") - 1
        borders = np.clip(data.offsets[first : last + 2], start, stop) - start
        counts[first : last + 1] += np.diff(n_before[borders])
        start = stop
    return counts
