"""Objectives: the loss that training minimises, and the score that judges validation data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.fused import Fused
from elman.nn.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy_and_hits,
    huber_loss,
    loss_sum,
    squared_error,
    squared_errors,
    weight_sum,
)

Array = NDArray[Any]

REGRESSION_LOSSES = {
    "squared": squared_error,
    "absolute": absolute_error,
    "huber": huber_loss,
}
"""Losses of values by name."""


Marked = float | NDArray[np.float64]
"""What marks add up to: a number, or one for each target."""


class Objective(Protocol):
    """What training asks of it; `weights` (n_rows,) are not negative, None means equal ones."""

    def loss(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array]:
        """Each row's share of a batch's loss in training, and the gradient at `outputs`.

        `total` is the `weight_sum` of the whole batch, of which these rows may be a part; None
        means that they are all of it. The loss of the batch is a mean over its rows: see
        `elman.nn.losses`.
        """
        ...

    def loss_and_marks(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array, Array]:
        """As `loss`; and marks (n_rows, ...), what the score is made of, of each row by itself.

        The marks have the same bits with and without `fused`.
        """
        ...

    def row_weights(self, targets: Array, weights: Array | None) -> Array | None:
        """What each row weighs in the loss of a batch: of its weight the part that is known."""
        ...

    def weight_sum(self, weights: Array | None, n_rows: int, fused: Fused | None) -> float:
        """What the rows of a batch weigh together, to the bits that `loss` divides by.

        `weights` are those that `row_weights` gives.
        """
        ...

    def loss_sum(self, losses: NDArray[np.float64], fused: Fused | None) -> float:
        """The loss of a batch, from the shares of all of its rows in order."""
        ...

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """Loss and score of validation data; a higher score is better."""
        ...

    def marked(self, marks: Array, weights: Array | None) -> Marked:
        """What the marks of some rows add up to, by weight, in float64."""
        ...

    def scoring(self, targets: Array, weights: Array | None) -> Callable[[Marked], float]:
        """What takes that of all these rows to their score.

        It is the score that `evaluate` gives, up to the order in which floats are added.
        """
        ...


class _Sums(Objective):
    """How the losses and weights of rows add up."""

    def row_weights(self, targets: Array, weights: Array | None) -> Array | None:
        return weights

    def weight_sum(self, weights: Array | None, n_rows: int, fused: Fused | None) -> float:
        return weight_sum(weights, n_rows, self._compiled(fused))

    def loss_sum(self, losses: NDArray[np.float64], fused: Fused | None) -> float:
        return loss_sum(losses, self._compiled(fused))

    def _compiled(self, fused: Fused | None) -> Fused | None:
        """The compiled functions, if the loss in training is one of them."""
        return None


class _Hits(_Sums):
    """A score that is the share of the rows that were hit, by weight."""

    def marked(self, marks: Array, weights: Array | None) -> Marked:
        if weights is None:
            return float(np.count_nonzero(marks))
        return float(np.add.reduce(marks * weights))

    def scoring(self, targets: Array, weights: Array | None) -> Callable[[Marked], float]:
        total = float(len(targets) if weights is None else weights.sum())
        return lambda marked: float(marked) / total if total > 0 else 0.0


@dataclass(frozen=True)
class OneClass(_Hits):
    """One of several classes: targets (n_samples,) int64, outputs (n_samples, n_classes) logits.

    Its loss is the cross-entropy; it is scored by accuracy. `label_smoothing` is for training;
    validation is measured without.
    """

    label_smoothing: float = 0.0

    def loss(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array]:
        """Cross-entropy of each row, times its share of the weights; its gradient at `outputs`."""
        return self.loss_and_marks(outputs, targets, weights, fused, total)[:2]

    def loss_and_marks(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array, Array]:
        """As `loss`; (n_rows,), whether the class of the largest logit is the right one."""
        return cross_entropy_and_hits(
            outputs, targets, weights, fused, label_smoothing=self.label_smoothing, total=total
        )

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """Cross-entropy without smoothing, and accuracy."""
        losses, _, hits = cross_entropy_and_hits(outputs, targets, weights, fused)
        return loss_sum(losses, fused), _share(hits, weights)

    def _compiled(self, fused: Fused | None) -> Fused | None:
        return None if self.label_smoothing else fused


@dataclass(frozen=True)
class AnyLabels(_Hits):
    """Any of several labels: targets (n_samples, n_labels) of 0 and 1, outputs logits alike.

    Its loss is the binary cross-entropy, summed over labels; it is scored by the share of samples
    of which every label is right. `label_smoothing` e takes 1 - e / 2 for 1 and e / 2 for 0 in
    training; validation is measured without.
    """

    label_smoothing: float = 0.0

    def loss(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array]:
        """Cross-entropy of each row, times its share of the weights; its gradient at `outputs`."""
        if self.label_smoothing:
            targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        return binary_cross_entropy(outputs, targets, weights, total=total)

    def loss_and_marks(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array, Array]:
        """As `loss`; (n_rows,), whether every label is right."""
        losses, doutputs = self.loss(outputs, targets, weights, fused, total)
        return losses, doutputs, _all_right(outputs, targets)

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """Cross-entropy without smoothing, and the share of samples with every label right."""
        losses, _ = binary_cross_entropy(outputs, targets, weights)
        return loss_sum(losses), _share(_all_right(outputs, targets), weights)


@dataclass(frozen=True)
class Values(_Sums):
    """Numbers: targets and outputs (n_samples, n_targets).

    A target that is NaN is not known: it adds nothing to the loss, which is a mean over the known
    targets of all rows, and nothing to the gradient. A row has at least one known target.

    Scored by R^2, 1 - squared error / squared deviation from the mean, a mean over targets; of one
    that is constant it is 1 if it was met exactly, else 0.
    """

    kind: str = "squared"
    """name of a loss in `REGRESSION_LOSSES`"""
    huber_delta: float = 1.0

    def row_weights(self, targets: Array, weights: Array | None) -> Array | None:
        """The weight of each row, times the share of its targets that is known."""
        unknown = np.isnan(targets)
        if not np.count_nonzero(unknown):
            return weights
        known = np.mean(~unknown, axis=1)
        return np.asarray(known if weights is None else weights * known)

    def loss(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array]:
        """Loss `kind` of each row, times its share of the weights; its gradient at `outputs`."""
        unknown = np.isnan(targets)
        if not np.count_nonzero(unknown):
            return self._loss(outputs, targets, weights, total)
        if total is None:
            total = self.weight_sum(self.row_weights(targets, weights), len(targets), fused)
        # An answer that is its own target has neither loss nor gradient.
        return self._loss(outputs, np.where(unknown, outputs, targets), weights, total)

    def loss_and_marks(
        self,
        outputs: Array,
        targets: Array,
        weights: Array | None,
        fused: Fused | None,
        total: float | None = None,
    ) -> tuple[NDArray[np.float64], Array, Array]:
        """As `loss`; (n_rows, n_targets), the squared errors, 0 where a target is not known."""
        losses, doutputs = self.loss(outputs, targets, weights, fused, total)
        return losses, doutputs, squared_errors(outputs, targets, fused)

    def evaluate(
        self, outputs: Array, targets: Array, weights: Array | None, fused: Fused | None
    ) -> tuple[float, float]:
        """The loss as in training, and R^2."""
        losses, _ = self.loss(outputs, targets, weights, fused)
        return loss_sum(losses), r_squared(outputs, targets, weights)

    def marked(self, marks: Array, weights: Array | None) -> Marked:
        """(n_targets,), the squared errors of all rows."""
        if weights is not None:
            marks = marks * weights[:, np.newaxis]
        sums: NDArray[np.float64] = np.add.reduce(marks, axis=0)
        return sums

    def scoring(self, targets: Array, weights: Array | None) -> Callable[[Marked], float]:
        """R^2 of every target with a known value, then their mean."""
        known = ~np.isnan(targets)
        w = known * (1.0 if weights is None else np.asarray(weights, np.float64)[:, np.newaxis])
        total = w.sum(axis=0)
        values = np.where(known, targets, 0).astype(np.float64)
        mean = (w * values).sum(axis=0) / np.where(total > 0, total, 1)
        deviation = (w * (values - mean) ** 2).sum(axis=0)
        counted = np.flatnonzero(total > 0).tolist()
        deviations = deviation.tolist()

        def score(residual: Marked) -> float:
            errors = np.asarray(residual).tolist()
            each = [
                1 - errors[k] / deviations[k] if deviations[k] else float(errors[k] == 0)
                for k in counted
            ]
            return sum(each) / len(each) if each else 0.0

        return score

    def _loss(
        self, outputs: Array, targets: Array, weights: Array | None, total: float | None
    ) -> tuple[NDArray[np.float64], Array]:
        """As `loss`, of targets that are all known."""
        if self.kind == "huber":
            return huber_loss(outputs, targets, weights, delta=self.huber_delta, total=total)
        return REGRESSION_LOSSES[self.kind](outputs, targets, weights, total=total)


def r_squared(outputs: Array, targets: Array, weights: Array | None) -> float:
    """R^2 of every column, then their mean.

    R^2 is 1 - squared error / squared deviation from the column's mean. Of a constant column it is
    1 if the outputs equal it exactly, else 0. Targets that are NaN are left out, and so is a column
    of nothing else.
    """
    unknown = np.isnan(targets)
    if unknown.any():
        columns = np.flatnonzero(~unknown.all(axis=0)).tolist()
        found = [_of_known(outputs, targets, weights, column) for column in columns]
        return float(np.mean(found)) if found else 0.0
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


def _of_known(outputs: Array, targets: Array, weights: Array | None, column: int) -> float:
    """R^2 of one column over its known targets."""
    rows = np.flatnonzero(~np.isnan(targets[:, column]))
    own = None if weights is None else weights[rows]
    one = slice(column, column + 1)
    return r_squared(outputs[rows, one], targets[rows, one], own)


def _all_right(outputs: Array, targets: Array) -> NDArray[np.bool_]:
    """(n_rows,), whether every label of a row is right."""
    right: NDArray[np.bool_] = np.logical_and.reduce((outputs > 0) == targets, axis=1)
    return right


def _share(hits: Array, weights: Array | None) -> float:
    """Weighted share of the samples that were hit."""
    hits = hits.astype(np.float64)
    if weights is None:
        return float(hits.mean()) if len(hits) else 0.0
    total = float(weights.sum())
    return float((hits * weights).sum() / total) if total > 0 else 0.0
