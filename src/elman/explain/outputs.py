"""Logits in; the one number that an explanation is about, and its gradient at the logits, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
Unit = Literal["log_odds", "probability", "value"]


@dataclass(frozen=True, eq=False)
class Output:
    """What of the answer is explained, in float64.

    log_odds     log(p_k / (1 - p_k)) of class k: z_k - log sum_{j != k} exp(z_j), which for two
                 classes is the difference of their logits, and for one of several labels its logit
    probability  p_k
    value        the target as `predict` returns it
    """

    unit: Unit
    exclusive: bool
    """whether the classes exclude each other (softmax)"""
    mean: Floats | None = None
    scale: Floats | None = None
    """(n_outputs,), of a regressor: a value is logit * scale + mean"""

    def of(self, logits: Array, columns: NDArray[np.intp]) -> Floats:
        """The explained number of logits (n, n_outputs), of one output for each row."""
        return self.with_gradient(logits, columns, gradient=False)[0]

    def with_gradient(
        self, logits: Array, columns: NDArray[np.intp], *, gradient: bool = True
    ) -> tuple[Floats, Floats]:
        """The explained numbers (n,), and their gradient at the logits (n, n_outputs).

        Without `gradient` the second is of no use.
        """
        z = np.ascontiguousarray(logits, dtype=np.float64)
        rows = np.arange(len(z))
        slope = np.zeros_like(z) if gradient else z
        own = z[rows, columns]
        if self.scale is not None and self.mean is not None:
            if gradient:
                slope[rows, columns] = self.scale[columns]
            return own * self.scale[columns] + self.mean[columns], slope
        if self.exclusive:
            others = z.copy()
            others[rows, columns] = -np.inf
            largest = np.maximum.reduce(others, axis=1)
            shares = np.exp(others - largest[:, np.newaxis])
            total = np.zeros(len(z))
            for share in shares.T:  # in one order for every row, whatever the batch
                total += share
            own = own - (largest + np.log(total))
            if gradient:
                slope = -(shares / total[:, np.newaxis])
        if gradient:
            slope[rows, columns] = 1
        if self.unit == "log_odds":
            return own, slope
        # both forms are exact to rounding where they are used, and neither overflows
        small = np.exp(-np.abs(own))
        p = np.where(own >= 0, 1 / (1 + small), small / (1 + small))
        if gradient:
            slope *= (small / (1 + small) ** 2)[:, np.newaxis]
        return p, slope
