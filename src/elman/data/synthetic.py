"""Generates sequences whose right answer is known by construction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
RandomState = int | np.random.Generator | None
Samples = Array | list[Array]


def make_adding_problem(
    n_samples: int = 100,
    *,
    min_length: int = 20,
    max_length: int = 20,
    random_state: RandomState = None,
) -> tuple[Samples, NDArray[np.float32]]:
    """Add up two marked numbers among many (a regression target).

    Feature 0 is uniform in [0, 1); feature 1 is 1 at one step of the first half of a sequence and
    at one of its second half, 0 elsewhere. Hochreiter and Schmidhuber (1997), "Long short-term
    memory", section 5.4, with the values of Le, Jaitly and Hinton (2015).

    Parameters
    ----------
    n_samples : int
        Number of sequences.
    min_length, max_length : int
        Steps of a sequence, drawn uniformly; at least 2.
    random_state : int, Generator or None
        Seed, or generator to draw from.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 2), float32
        A list of (n_timesteps_i, 2) arrays if min_length < max_length.
    y : ndarray of shape (n_samples,), float32
        The sum of the two marked values, in [0, 2). For a classification task take `y > 1`, which
        is balanced on average.

    Raises
    ------
    ValueError
        If a size cannot be used.

    Examples
    --------
    >>> from elman.data import make_adding_problem
    >>> X, y = make_adding_problem(3, min_length=4, max_length=7, random_state=0)
    >>> numbers, marks = X[0].T
    >>> bool(abs(numbers @ marks - y[0]) < 1e-6)
    True
    """
    rng = np.random.default_rng(random_state)
    lengths = draw_lengths(rng, n_samples, min_length, max_length, least=2)
    rows = np.arange(n_samples)
    X = np.zeros((n_samples, max_length, 2), dtype=np.float32)
    X[:, :, 0] = rng.random((n_samples, max_length), dtype=np.float32)
    half = lengths // 2
    first, second = rng.integers(0, half), rng.integers(half, lengths)
    X[rows, first, 1] = X[rows, second, 1] = 1
    y = X[rows, first, 0] + X[rows, second, 0]
    return cut_to_lengths(X, lengths, min_length), y


def make_temporal_xor(
    n_samples: int = 100,
    *,
    min_length: int = 10,
    max_length: int = 10,
    random_state: RandomState = None,
) -> tuple[Samples, NDArray[np.int64]]:
    """Exclusive or of two marked bits among random ones.

    Neither marked bit alone says anything about the label. After the temporal XOR of Elman (1990),
    "Finding structure in time", with markers and a delay.

    Parameters
    ----------
    n_samples : int
        Number of sequences; labels 0 and 1 are balanced.
    min_length, max_length : int
        Steps of a sequence, drawn uniformly; at least 2.
    random_state : int, Generator or None
        Seed, or generator to draw from.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 2), float32
        Feature 0 is a random bit, 0 or 1; feature 1 is 1 at the two marked steps, which are drawn
        uniformly, 0 elsewhere. A list of (n_timesteps_i, 2) arrays if min_length < max_length.
    y : ndarray of shape (n_samples,), int64
        1 if the marked bits differ, else 0.

    Raises
    ------
    ValueError
        If a size cannot be used.

    Examples
    --------
    >>> from elman.data import make_temporal_xor
    >>> X, y = make_temporal_xor(4, min_length=6, max_length=9, random_state=0)
    >>> print([x.shape[0] for x in X], y)
    [9, 8, 8, 7] [1 0 1 0]
    """
    rng = np.random.default_rng(random_state)
    lengths = draw_lengths(rng, n_samples, min_length, max_length, least=2)
    y = balanced_labels(rng, n_samples, 2)
    rows = np.arange(n_samples)
    X = np.zeros((n_samples, max_length, 2), dtype=np.float32)
    X[:, :, 0] = rng.integers(0, 2, (n_samples, max_length))
    first = rng.integers(0, lengths)
    second = (first + rng.integers(1, lengths)) % lengths  # any step but the first one marked
    X[rows, second, 0] = X[rows, first, 0].astype(np.int64) ^ y
    X[rows, first, 1] = X[rows, second, 1] = 1
    return cut_to_lengths(X, lengths, min_length), y


def make_parity(
    n_samples: int = 100,
    *,
    min_length: int = 1,
    max_length: int = 10,
    random_state: RandomState = None,
) -> tuple[Samples, NDArray[np.int64]]:
    """Whether the number of ones is odd: every bit counts, and none alone says anything.

    Parameters
    ----------
    n_samples : int
        Number of sequences; labels 0 and 1 are balanced.
    min_length, max_length : int
        Steps of a sequence, drawn uniformly; at least 1.
    random_state : int, Generator or None
        Seed, or generator to draw from.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, 1), float32
        Bits, 0 or 1, uniform among the strings of that length and parity. An array of shape
        (n_samples, n_timesteps, 1) if min_length == max_length.
    y : ndarray of shape (n_samples,), int64
        The number of ones modulo 2.

    Raises
    ------
    ValueError
        If a size cannot be used.

    Examples
    --------
    >>> from elman.data import make_parity
    >>> X, y = make_parity(4, min_length=5, max_length=5, random_state=3)
    >>> print(X.shape, X[0, :, 0], y[0])
    (4, 5, 1) [0. 1. 1. 1. 0.] 1
    """
    rng = np.random.default_rng(random_state)
    lengths = draw_lengths(rng, n_samples, min_length, max_length, least=1)
    y = balanced_labels(rng, n_samples, 2)
    bits = rng.integers(0, 2, (n_samples, max_length))
    bits[np.arange(max_length) >= lengths[:, np.newaxis]] = 0
    # The last bit is the one that makes the label true.
    bits[np.arange(n_samples), lengths - 1] ^= (bits.sum(axis=1) + y) % 2
    return cut_to_lengths(bits[:, :, np.newaxis].astype(np.float32), lengths, min_length), y


def make_noisy_sinusoids(
    n_samples: int = 90,
    *,
    n_classes: int = 3,
    n_features: int = 1,
    min_length: int = 20,
    max_length: int = 40,
    noise: float = 0.3,
    random_state: RandomState = None,
) -> tuple[Samples, NDArray[np.int64]]:
    """Which frequency a noisy wave of random phase has.

    Parameters
    ----------
    n_samples : int
        Number of sequences; classes are balanced.
    n_classes : int
        Class k has the frequency (k + 1) / (2 * (n_classes + 1)) cycles per step, below the Nyquist
        limit of 1/2.
    n_features : int
        Waves side by side, of one frequency, each with its own phase and noise.
    min_length, max_length : int
        Steps of a sequence, drawn uniformly; at least 1.
    noise : float
        Standard deviation of the Gaussian noise; the waves have amplitude 1.
    random_state : int, Generator or None
        Seed, or generator to draw from.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, n_features), float32
        An array of shape (n_samples, n_timesteps, n_features) if min_length == max_length.
    y : ndarray of shape (n_samples,), int64
        The class, 0 to n_classes - 1.

    Raises
    ------
    ValueError
        If a size cannot be used.

    Examples
    --------
    >>> from elman.data import make_noisy_sinusoids
    >>> X, y = make_noisy_sinusoids(6, random_state=0)
    >>> print(len(X), X[0].shape[1], sorted(set(y.tolist())))
    6 1 [0, 1, 2]
    """
    for name, value in (("n_classes", n_classes), ("n_features", n_features)):
        if value < 1:
            raise ValueError(f"{name}={value}; it must be at least 1")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise={noise}; it must be 0 or more, and finite")
    rng = np.random.default_rng(random_state)
    lengths = draw_lengths(rng, n_samples, min_length, max_length, least=1)
    y = balanced_labels(rng, n_samples, n_classes)
    frequency = (y + 1) / (2 * (n_classes + 1))
    phase = rng.uniform(0, 2 * np.pi, (n_samples, 1, n_features))
    angle = 2 * np.pi * frequency[:, np.newaxis] * np.arange(max_length)
    waves = np.sin(angle[:, :, np.newaxis] + phase)
    waves += noise * rng.standard_normal((n_samples, max_length, n_features))
    return cut_to_lengths(waves.astype(np.float32), lengths, min_length), y


def draw_lengths(
    rng: np.random.Generator, n_samples: int, min_length: int, max_length: int, *, least: int
) -> NDArray[np.int64]:
    """Uniform lengths, after checking the arguments that all tasks share."""
    check_sizes(n_samples, min_length, max_length, least=least)
    return rng.integers(min_length, max_length + 1, n_samples)


def check_sizes(n_samples: int, min_length: int, max_length: int, *, least: int) -> None:
    """Refuse sizes that no task can have."""
    if n_samples < 1:
        raise ValueError(f"n_samples={n_samples}; it must be at least 1")
    if not least <= min_length <= max_length:
        raise ValueError(
            f"min_length={min_length}, max_length={max_length}; they must satisfy "
            f"{least} <= min_length <= max_length"
        )


def balanced_labels(rng: np.random.Generator, n_samples: int, n_classes: int) -> NDArray[np.int64]:
    """Every class equally often (within one), in random order."""
    return rng.permutation(np.arange(n_samples, dtype=np.int64) % n_classes)


def cut_to_lengths(X: Array, lengths: NDArray[np.int64], min_length: int) -> Samples:
    """Cut each sample to its length; X itself if no lengths differ (min_length fills its axis)."""
    if min_length == X.shape[1]:
        return X
    return [x[:length].copy() for x, length in zip(X, lengths.tolist(), strict=True)]
