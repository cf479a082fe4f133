"""What training makes small and how it is scored: outputs and targets in, loss and score out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Fused
from elman.nn.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    huber_loss,
    squared_error,
)

Array = NDArray[Any]

REGRESSION_LOSSES = {
    "squared": squared_error,
    "absolute": absolute_error,
    "huber": huber_loss,
}
"""Losses of values by name."""


class Objective(Protocol):
    """What training asks of it; `weights` (n_samples,) are not negative, None means equal ones."""

    def loss(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, Array]:
        """Loss of a batch in training, a mean over its samples, and the gradient at `outputs`."""
        ...

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """Loss and score of validation data; a higher score is better."""
        ...


@dataclass(frozen=True)
class OneClass:
    """One of several classes: targets (n_samples,) int64, outputs (n_samples, n_classes) logits.

    Scored by accuracy. `label_smoothing` is for training; validation is measured without.
    """

    label_smoothing: float = 0.0

    def loss(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, Array]:
        """See `Objective.loss`: cross-entropy."""
        return cross_entropy(outputs, targets, weights, fused, label_smoothing=self.label_smoothing)

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """See `Objective.evaluate`."""
        loss, _ = cross_entropy(outputs, targets, weights, fused)
        return loss, _share(outputs.argmax(axis=1) == targets, weights)


@dataclass(frozen=True)
class AnyLabels:
    """Any of several labels: targets (n_samples, n_labels) of 0 and 1, outputs logits alike.

    Scored by the share of samples of which every label is right. `label_smoothing` e takes
    1 - e / 2 for 1 and e / 2 for 0 in training; validation is measured without.
    """

    label_smoothing: float = 0.0

    def loss(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, Array]:
        """See `Objective.loss`: binary cross-entropy, summed over labels."""
        if self.label_smoothing:
            targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        return binary_cross_entropy(outputs, targets, weights)

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """See `Objective.evaluate`."""
        loss, _ = binary_cross_entropy(outputs, targets, weights)
        return loss, _share(((outputs > 0) == targets).all(axis=1), weights)


@dataclass(frozen=True)
class Values:
    """Numbers: targets and outputs (n_samples, n_targets).

    Scored by R^2, 1 - squared error / squared deviation from the mean, a mean over targets; of one
    that is constant it is 1 if it was met exactly, else 0.
    """

    kind: str = "squared"
    """name of a loss in `REGRESSION_LOSSES`"""
    huber_delta: float = 1.0

    def loss(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, Array]:
        """See `Objective.loss`."""
        if self.kind == "huber":
            return huber_loss(outputs, targets, weights, delta=self.huber_delta)
        return REGRESSION_LOSSES[self.kind](outputs, targets, weights)

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """See `Objective.evaluate`."""
        loss, _ = self.loss(outputs, targets, weights, fused)
        return loss, r_squared(outputs, targets, weights)


def r_squared(outputs: Array, targets: Array, weights: Array | None) -> float:
    """R^2 of every column, their mean; see `Values`."""
    ones = np.ones((len(targets), 1))
    w = ones if weights is None else np.asarray(weights, np.float64)[:, np.newaxis]
    total = float(w.sum())
    if total <= 0:
        return 0.0
    targets = targets.astype(np.float64)
    mean = (w * targets).sum(axis=0) / total
    residual = (w * (outputs - targets) ** 2).sum(axis=0)
    deviation = (w * (targets - mean) ** 2).sum(axis=0)
    constant = deviation == 0
    ratio = residual / np.where(constant, 1.0, deviation)
    return float(np.where(constant, np.where(residual == 0, 1.0, 0.0), 1 - ratio).mean())


def _share(hits: Array, weights: Array | None) -> float:
    """Weighted share of the samples that were hit."""
    hits = hits.astype(np.float64)
    if weights is None:
        return float(hits.mean()) if len(hits) else 0.0
    total = float(weights.sum())
    return float((hits * weights).sum() / total) if total > 0 else 0.0
