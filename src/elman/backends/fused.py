"""What a training step does beside the time loops, for backends that have it compiled."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class AdamStep(NamedTuple):
    """The numbers that one step of Adam or AdamW (`elman.nn.optimizers.Adam`) is computed from."""

    scale: float
    """of the gradient"""
    penalty: float
    """times decay * weights, added to the gradient"""
    beta_1: float
    beta_2: float
    root_correction_2: float
    """sqrt(1 - beta_2^t)"""
    epsilon: float
    rate: float
    """learning rate / (1 - beta_1^t)"""
    shrink: float
    """times decay * weights, taken off the weights"""


class Fused(Protocol):
    """One compiled pass for what `nn` and `data` otherwise do in a dozen NumPy operations."""

    def gather(
        self,
        values: Array,
        offsets: NDArray[np.int64],
        order: NDArray[np.int64],
        n_timesteps: int,
        /,
    ) -> Array:
        """Return padded samples: row i is sample k = order[i], then zeros.

        Sample k is `values[offsets[k] : offsets[k + 1]]`, of `values` (total_steps, n_features).
        Returns (len(order), n_timesteps, n_features).
        """
        ...

    def all_finite(self, values: Array, n_threads: int, /) -> bool:
        """Whether `values` (total_steps, n_features) holds neither NaN nor infinity."""
        ...

    def standardise(
        self, values: Array, mean: Array, scale: Array, out: Array, n_threads: int, /
    ) -> bool:
        """As `elman.data.scaling.standardise`, to the same bits."""
        ...

    def cross_entropy(
        self,
        logits: Array,
        codes: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        total: float,
        /,
    ) -> tuple[NDArray[np.float64], Array, NDArray[np.bool_]]:
        """As `elman.nn.losses.cross_entropy_and_hits`, losses and gradient to rounding."""
        ...

    def squared_errors(self, outputs: Array, targets: Array, /) -> NDArray[np.float64]:
        """As `elman.nn.losses.squared_errors`, to the same bits, of arrays of one type."""
        ...

    def sum(self, values: NDArray[np.float64], /) -> float:
        """The sum of a vector, added one value after the other from the first."""
        ...

    def softmax(self, logits: Array, /) -> Array:
        """As `elman.nn.losses.softmax` of logits (n_samples, n_classes), to rounding."""
        ...

    def sigmoid(self, logits: Array, /) -> Array:
        """As `elman.nn.losses.sigmoid` of logits (n_samples, n_classes), to rounding."""
        ...

    def norm(self, vector: Array) -> float:
        """Euclidean norm of a vector, summed in float64 in a fixed order."""
        ...

    def adam(
        self,
        weights: Array,
        gradient: Array,
        m: Array,
        v: Array,
        decay: Array | None,
        step: AdamStep,
    ) -> None:
        """One step in place, to the bits of `elman.nn.optimizers.Adam` in NumPy."""
        ...
