"""A seed in; sequences of which it is known what there is to find out.

Between them they are rough and smooth, short and long, few and many, and of all amplitudes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Made = tuple[Any, Array]


def make_bumps(n_samples: int = 200, random_state: int = 0) -> Made:
    """Noise of three features for 80 steps; the class is the one that is higher for 8 of them."""
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 3)
    X = rng.normal(size=(n_samples, 80, 3)).astype(np.float32)
    for x, feature in zip(X, y, strict=True):
        start = rng.integers(0, 70)
        x[start : start + 8, feature] += 2.0
    return X, y


def make_slow_curves(n_samples: int = 90, random_state: int = 0) -> Made:
    """Smooth and long: sums of slow waves for 600 steps; the class is the sign of a small step in
    them, somewhere, or that there is none.
    """
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 3)
    t = np.arange(600) / 600
    X = np.empty((n_samples, 600, 1))
    for x, label in zip(X, y, strict=True):
        waves = zip(rng.normal(size=3), rng.uniform(0, 2 * np.pi, 3), (0.5, 1.0, 1.5), strict=True)
        x[:, 0] = sum(a * np.sin(2 * np.pi * k * t + p) for a, p, k in waves)
        x[:, 0] += 0.2 * (label - 1) * np.tanh((t - rng.uniform(0.2, 0.8)) / 0.01)
    return X, y


def make_orders(n_samples: int = 1000, random_state: int = 0) -> Made:
    """Short and many: 6 to 12 steps of three features, in which two spikes stand; the class is
    which of them came first.
    """
    rng = np.random.default_rng(random_state)
    y = rng.integers(0, 2, n_samples)
    X = []
    for label in y:
        x = rng.normal(scale=0.3, size=(rng.integers(6, 13), 3))
        early, late = np.sort(rng.choice(len(x), 2, replace=False))
        x[early, label] += 2.0
        x[late, 1 - label] += 2.0
        X.append(x)
    return X, y


def make_few_textures(n_samples: int = 24, random_state: int = 0) -> Made:
    """Few: autoregressive noise for 40 steps, of memory 0.8 or -0.3."""
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 2)
    X = rng.normal(size=(n_samples, 40, 1))
    for x, memory in zip(X, np.where(y, 0.8, -0.3), strict=True):
        for t in range(1, len(x)):
            x[t] += memory * x[t - 1]
    return X, y


def make_loudnesses(n_samples: int = 120, random_state: int = 0) -> Made:
    """Amplitudes of all orders: a wave of 10, 13 or 17 steps, the class, 0.01 to 100 times as loud,
    with a tenth of noise.
    """
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 3)
    t = np.arange(60)
    X = np.empty((n_samples, 60, 1))
    for x, label in zip(X, y, strict=True):
        wave = np.sin(2 * np.pi * t / (10, 13, 17)[label] + rng.uniform(0, 2 * np.pi))
        x[:, 0] = 10 ** rng.uniform(-2, 2) * (wave + 0.1 * rng.normal(size=60))
    return X, y


def make_recent_mean(n_samples: int = 150, random_state: int = 0) -> Made:
    """Regression where the end matters: the target is the mean of the first of two features over
    the steps, each of which counts 0.8 times as much as the one after it.
    """
    rng = np.random.default_rng(random_state)
    X = [rng.normal(size=(rng.integers(15, 61), 2)) for _ in range(n_samples)]
    decays = [0.8 ** np.arange(len(x))[::-1] for x in X]
    y = np.array([x[:, 0] @ d / d.sum() for x, d in zip(X, decays, strict=True)])
    return X, y


def make_loudest(n_samples: int = 150, random_state: int = 0) -> Made:
    """Regression where a moment matters: the target is the largest sum of the two features."""
    rng = np.random.default_rng(random_state)
    X = [rng.normal(size=(rng.integers(15, 61), 2)) for _ in range(n_samples)]
    return X, np.array([x.sum(axis=1).max() for x in X])


def make_pulses(n_samples: int = 120, random_state: int = 0) -> Made:
    """Regression where all of a recording matters: the target is how many pulses there are in 150
    smooth steps, from 0 to 9.
    """
    rng = np.random.default_rng(random_state)
    t = np.arange(150)
    X, y = [], rng.integers(0, 10, n_samples)
    for n_pulses in y:
        x = np.sin(2 * np.pi * t / rng.uniform(100, 300) + rng.uniform(0, 2 * np.pi))
        for centre in rng.permutation(np.arange(8, 144, 9))[:n_pulses]:
            x = x + np.exp(-0.5 * np.square((t - centre) / 1.5))
        X.append(x[:, np.newaxis])
    return X, y.astype(float)


def make_periods(n_samples: int = 120, random_state: int = 0) -> Made:
    """Regression of a speed: the target is the logarithm of the period of a wave, 8 to 40 steps,
    of which 40 to 120 noisy steps are seen.
    """
    rng = np.random.default_rng(random_state)
    X, y = [], rng.uniform(np.log(8), np.log(40), n_samples)
    for period in np.exp(y):
        t = np.arange(rng.integers(40, 121))
        wave = np.sin(2 * np.pi * t / period + rng.uniform(0, 2 * np.pi))
        X.append((wave + 0.2 * rng.normal(size=len(t)))[:, np.newaxis])
    return X, y
