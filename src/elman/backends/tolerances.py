"""How far a backend may lie from the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tolerance:
    """|ours - reference| <= atol + rtol * |reference|, elementwise.

    For gradients of weights atol grows with the number of steps summed over: `gradient_atol`.
    """

    rtol: float
    atol: float


TOLERANCES: dict[str, Tolerance] = {
    "float32": Tolerance(rtol=2e-5, atol=2e-6),
    "float64": Tolerance(rtol=1e-12, atol=1e-14),
}
"""How far a backend may lie from the reference, by dtype, at the small sizes of the tests."""


def gradient_atol(dtype: np.dtype[Any] | type, n_live_steps: int) -> float:
    """Absolute tolerance of one weight's gradient, a sum over `n_live_steps` (sample, step) pairs.

    Each term carries its own rounding, and terms of both signs cancel: a gradient may end near zero
    with the error of a long sum, which no tolerance relative to it alone can express.
    """
    return TOLERANCES[np.dtype(dtype).name].atol * max(1, n_live_steps)
