"""The number of an epoch in; its learning rate out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


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


def one_cycle(learning_rate_init: float, epoch: int, n_epochs: int) -> float:
    """Up from 1/25 of `learning_rate_init` for 3/10 of the epochs, then down to near 0.

    Smith and Topin (2018), "Super-convergence: very fast training of neural networks using large
    learning rates", with half a cosine each way and the numbers of PyTorch's OneCycleLR. Past the
    end the last epoch's rate stays.
    """
    peak = round(0.3 * (n_epochs - 1))
    epoch = min(epoch, n_epochs - 1)
    if epoch < peak:
        low = learning_rate_init / 25
        rising = 0.5 * (1.0 - math.cos(math.pi * epoch / peak))
        return low + (learning_rate_init - low) * rising
    return cosine(learning_rate_init, epoch - peak, n_epochs - peak)


SCHEDULES: dict[str, Callable[[float, int, int], float]] = {
    "constant": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "plateau": constant,
}
"""Schedules by name: (learning_rate_init, epoch, n_epochs) -> learning rate. "plateau" is lowered
by what happens, which training sees to."""

LOWERED = 0.5
"""What "plateau" multiplies the rate by."""


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every epoch.

    Parameters
    ----------
    name : str
        One of `SCHEDULES`.
    learning_rate_init : float
        The largest rate.
    n_epochs : int
    warm_up : int
        First epochs, in which the rate rises evenly to where the schedule begins, for the epochs
        that are left.
    first_epoch : int
        Number of the epoch it begins at.
    """

    name: str
    learning_rate_init: float
    n_epochs: int
    warm_up: int = 0
    first_epoch: int = 0

    def __call__(self, epoch: int) -> float:
        """The rate of an epoch, numbered from 0."""
        epoch -= self.first_epoch
        if epoch < self.warm_up:
            return self.learning_rate_init * (epoch + 1) / (self.warm_up + 1)
        n_left = max(self.n_epochs - self.warm_up, 1)
        return SCHEDULES[self.name](self.learning_rate_init, epoch - self.warm_up, n_left)

    def lowers_after(self, epoch: int, n_stale: int, patience: int) -> bool:
        """Whether "plateau" lowers the rate once an epoch is over, after so many without gain."""
        warm = epoch - self.first_epoch >= self.warm_up
        return self.name == "plateau" and warm and n_stale > 0 and n_stale % patience == 0
