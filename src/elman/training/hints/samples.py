"""Training data in; its targets, its scale and the samples that a closer look takes, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]

N_PROBED = 256
"""samples that a closer look takes, at most"""
STEPS_PROBED = 1 << 16
"""time steps that a closer look takes, about, at most"""


def all_targets(labelled: Labelled) -> Array:
    """The targets that are there."""
    targets = labelled.targets
    return targets[has_target(targets)] if labelled.per_step else targets


def scales_of(X: Prepared, backend: Backend) -> tuple[float, float] | None:
    """The least and the largest root mean square of the features that are not 0 throughout."""
    batch = X.batch(evenly_spread(X, N_PROBED), backend)  # zero past each sample's end
    n_steps = batch.X.shape[0] * batch.X.shape[1] if batch.lengths is None else batch.lengths.sum()
    squares = np.square(batch.X, dtype=np.float64).sum(axis=(0, 1))
    found = np.sqrt(squares[squares > 0] / max(int(n_steps), 1))
    return (float(found.min()), float(found.max())) if len(found) else None


def evenly_spread(data: Sequences | Prepared, n_most: int) -> NDArray[np.int64]:
    """Which samples a closer look takes: evenly spread, fewer where they are long."""
    n = len(data)
    n_most = min(n, n_most, max(STEPS_PROBED // max(data.n_steps // max(n, 1), 1), 1))
    return np.linspace(0, n, n_most, endpoint=False).astype(np.int64)


def telling(training: Labelled, common: Array) -> NDArray[np.int64]:
    """Which samples tell whether there is one answer only: up to half of them have another target
    than the commonest one, since evenly spread ones may have none of a class that is rare.
    """
    other = training.targets != common
    if other.ndim == 2:
        other = other.any(axis=1)
    if training.per_step:
        other &= has_target(training.targets)
        sample = np.repeat(np.arange(len(training.X)), training.X.lengths)
        other = np.bincount(sample, other, len(training.X)) > 0
    spread = evenly_spread(training.X, N_PROBED)
    rare, others = np.flatnonzero(other), np.flatnonzero(~other)
    n_rare = min(len(rare), max(len(spread) // 2, len(spread) - len(others)))
    return np.sort(np.concatenate([_some(rare, n_rare), _some(others, len(spread) - n_rare)]))


def _some(numbers: NDArray[Any], n: int) -> NDArray[np.int64]:
    """`n` of them, evenly spread; all if they are fewer."""
    places = np.linspace(0, len(numbers), min(n, len(numbers)), endpoint=False)
    return np.asarray(numbers[places.astype(np.int64)], np.int64)
