"""Splits samples into those to train on and those held out to validate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hold_out(
    codes: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split samples at random into training and validation, each class by about the same share.

    One sample of each class always stays in training.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Index of each sample's class.
    fraction : float
        Share of the samples to hold out, in (0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : ndarray of int
        Sorted indices.

    Raises
    ------
    ValueError
        There are too few samples to hold one out.
    """
    shuffled = rng.permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    first_of_class = np.diff(codes[by_class], prepend=-1) != 0
    spare = by_class[~first_of_class]
    if len(spare) == 0:
        raise ValueError(
            f"early_stopping cannot hold out validation data from {len(codes)} sample(s) of "
            f"{int(first_of_class.sum())} class(es): pass more samples, X_val and y_val, or "
            "early_stopping=False"
        )
    n_held_out = min(max(1, round(fraction * len(codes))), len(spare))
    # Evenly spaced through the classes, from a random start: systematic sampling.
    places = (np.arange(n_held_out) + rng.random()) * (len(spare) / n_held_out)
    validation = np.sort(spare[np.minimum(places.astype(np.intp), len(spare) - 1)])
    return np.setdiff1d(np.arange(len(codes)), validation), validation
