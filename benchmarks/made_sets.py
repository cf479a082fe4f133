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
