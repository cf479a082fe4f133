"""The number of an epoch in; its learning rate out."""

from __future__ import annotations

import math
from collections.abc import Callable


def constant(learning_rate_init: float, epoch: int, n_epochs: int) -> float:
    """`learning_rate_init`, always."""
    return learning_rate_init


def cosine(learning_rate_init: float, epoch: int, n_epochs: int) -> float:
    """Half a cosine, from `learning_rate_init` to near 0: Loshchilov and Hutter (2017), eq. 5.

    Parameters
    ----------
    epoch : int
        From 0. Past the end the last epoch's rate stays.
    n_epochs : int
    """
    progress = min(epoch, n_epochs - 1) / n_epochs
    return learning_rate_init * 0.5 * (1.0 + math.cos(math.pi * progress))


SCHEDULES: dict[str, Callable[[float, int, int], float]] = {
    "constant": constant,
    "cosine": cosine,
}
"""Schedules by name: (learning_rate_init, epoch, n_epochs) -> learning rate."""
