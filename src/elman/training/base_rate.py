"""Labelled data in; the loss of one answer for all samples, whatever X holds, out.

What a network is worth shows beside it: a network whose loss is no lower has learned nothing of X.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]

N_ROWS = 1 << 16
"""rows looked at, at most, evenly spread"""
RAREST = 1e-9
"""the least share of a class, so that its logarithm is finite"""


class BaseRate(NamedTuple):
    """The loss of the best constant answer to the training data."""

    training: float
    """as training counts it, with weights and label smoothing"""
    validation: float | None
    """the loss of the same answer on the validation data; None if there is none"""
    least: float = 0.0
    """the training loss of answers that are all right: label smoothing leaves them some"""


def base_rate(
    training: Labelled, validation: Labelled | None, objective: Objective, n_outputs: int
) -> BaseRate:
    """The loss of answering every sample alike: with the shares of the classes or labels, or with
    the mean or the median of the targets, whichever has the lower loss.

    Parameters
    ----------
    training, validation : Labelled
        As the objective takes them.
    objective : Objective
    n_outputs : int
        Columns of the network's head.

    Returns
    -------
    BaseRate
    """
    targets, weights = rows(training)
    found = []
    for constant in _constants(targets, weights, objective, n_outputs):
        outputs = np.broadcast_to(constant, (len(targets), n_outputs))
        losses, _ = objective.loss(outputs, targets, weights, None)
        found.append((objective.loss_sum(losses, None), constant))
    loss, constant = min(found, key=lambda pair: pair[0])
    least = _least(objective, n_outputs)
    if validation is None:
        return BaseRate(loss, None, least)
    targets, weights = rows(validation)
    outputs = np.broadcast_to(constant, (len(targets), n_outputs))
    return BaseRate(loss, objective.evaluate(outputs, targets, weights, None)[0], least)


def rows(labelled: Labelled) -> tuple[Array, NDArray[np.float64] | None]:
    """Targets that are there, and their weights: `N_ROWS` at most, evenly spread."""
    targets, weights = labelled.targets, labelled.weights
    if labelled.per_step:
        counts = has_target(targets)
        targets = targets[counts]
        weights = None if weights is None else weights[counts]
    if len(targets) > N_ROWS:
        some = np.linspace(0, len(targets), N_ROWS, endpoint=False).astype(np.int64)
        targets = targets[some]
        weights = None if weights is None else weights[some]
    if weights is not None and not weights.any():
        weights = None
    return targets, weights


def _constants(
    targets: Array, weights: Array | None, objective: Objective, n_outputs: int
) -> list[Array]:
    """(n_outputs,) each: outputs of which one is the best that knows nothing of X."""
    if isinstance(objective, OneClass):
        shares = np.bincount(targets, weights, minlength=n_outputs).astype(np.float64)
        shares /= shares.sum()
        smoothing = objective.label_smoothing
        shares = (1 - smoothing) * shares + smoothing / n_outputs
        return [np.log(np.maximum(shares, RAREST))]
    if isinstance(objective, AnyLabels):
        shares = np.average(targets.astype(np.float64), axis=0, weights=weights)
        shares = (1 - objective.label_smoothing) * shares + objective.label_smoothing / 2
        shares = np.clip(shares, RAREST, 1 - RAREST)
        return [np.log(shares) - np.log1p(-shares)]
    known = ~np.isnan(targets)
    w = known if weights is None else known * np.reshape(weights, (-1, 1))
    total = w.sum(axis=0, dtype=np.float64)
    sums = (w * np.where(known, targets, 0)).sum(axis=0, dtype=np.float64)
    mean = np.divide(sums, total, out=np.zeros(n_outputs), where=total > 0)
    median = np.array(
        [_median(column[there]) for column, there in zip(targets.T, known.T, strict=True)]
    )
    return [mean, median]


def _least(objective: Objective, n_outputs: int) -> float:
    """The entropy of the targets that label smoothing makes, which no answer can go below."""
    if isinstance(objective, OneClass):
        other = objective.label_smoothing / n_outputs
        one = 1 - objective.label_smoothing + other
        return _entropy(one) + (n_outputs - 1) * _entropy(other)
    if isinstance(objective, AnyLabels):
        wrong = objective.label_smoothing / 2
        return n_outputs * (_entropy(wrong) + _entropy(1 - wrong))
    return 0.0


def _entropy(p: float) -> float:
    return -p * math.log(p) if 0 < p < 1 else 0.0


def _median(values: Array) -> float:
    return float(np.median(values)) if len(values) else 0.0
