"""Decides when an answer to the sequence so far can be relied on, and scores such answers."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def check_rule(confidence: Any, patience: Any) -> None:
    """Raise ValueError unless confidence and patience are numbers that `decision_step` can use."""
    if not isinstance(confidence, numbers.Real) or not 0 < float(confidence) <= 1:
        raise ValueError(f"confidence={confidence!r} must be a probability above 0, at most 1")
    whole = isinstance(patience, numbers.Integral) and not isinstance(patience, bool)
    if not whole or int(patience) < 1:
        raise ValueError(f"patience={patience!r} must be a whole number of time steps, at least 1")


def decision_step(codes: Array, shares: Array, confidence: float, patience: int) -> int:
    """The first step at which one class was likely enough for long enough.

    Parameters
    ----------
    codes : ndarray of shape (n_timesteps,)
        Index of the likeliest class at every step.
    shares : ndarray of shape (n_timesteps,)
        Its probability.
    confidence : float
        What its probability must reach,
    patience : int
        and for how many steps in a row, the one returned included.

    Returns
    -------
    int
        From 0; the last step if there is none such, -1 without a step.
    """
    n_steps = len(codes)
    sure = np.asarray(shares >= confidence)
    begins = np.ones(n_steps, bool)  # a run of steps that agree, or a step that is not sure
    begins[1:] = (codes[1:] != codes[:-1]) | ~sure[1:] | ~sure[:-1]
    steps = np.arange(n_steps)
    in_a_row = steps - np.maximum.accumulate(np.where(begins, steps, 0)) + 1
    decided = np.flatnonzero(sure & (in_a_row >= patience))
    return int(decided[0]) if len(decided) else n_steps - 1


def right_by_share(
    codes: Sequence[Array], true: Sequence[int], n_shares: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of sequences answered rightly once a share of each has been seen.

    Parameters
    ----------
    codes : sequence of ndarray of shape (n_timesteps_i,)
        Index of the likeliest class at every step of each sequence.
    true : sequence of int
        Index of the class of each.
    n_shares : int

    Returns
    -------
    shares : ndarray of shape (n_shares,)
        1 / n_shares to 1; of a sequence the first ceil(share * n_timesteps) steps.
    right : ndarray of shape (n_shares,)

    Raises
    ------
    ValueError
        A sequence has no time step, or there is none.
    """
    if not len(codes):
        raise ValueError("there is no sequence to follow: pass at least one")
    for i, code in enumerate(codes):
        if not len(code):
            raise ValueError(f"X: sample {i} has no time step to see a share of: leave it out")
    parts = np.arange(1, n_shares + 1)
    hits = np.zeros(n_shares)
    for code, k in zip(codes, true, strict=True):
        last = -(-parts * len(code) // n_shares) - 1  # in whole numbers, which do not round
        hits += code[last] == k
    return parts / n_shares, hits / len(codes)
