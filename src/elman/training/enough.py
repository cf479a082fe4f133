"""The size of an epoch in; the number of epochs that `max_iter="auto"` stands for, and why, out.

What counts is how often the weights are changed. A small set has few batches, so that as many
epochs as a large set needs are too few steps of the optimizer for it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

MIN_EPOCHS = 60
"""epochs at least, however many steps of the optimizer they are"""
MIN_STEPS = 1500
"""steps of the optimizer at least, in all epochs together"""
MAX_EPOCHS = 300
"""Epochs at most, however few steps of the optimizer they are. Adam's long steps around a minimum
amplify errors of rounding: where 15 samples are an epoch of one step, a fit with weights and one
with repeated samples agree to 1e-12 after 300 epochs, and to 1e-4 after 500."""


class Epochs(NamedTuple):
    """How many epochs a training is to have at most, and why."""

    number: int
    reason: str = ""
    """a sentence that begins with "max_iter="; empty if a user gave the number"""


def enough_epochs(n_steps: int) -> Epochs:
    """The number of epochs in which the optimizer takes enough steps.

    Parameters
    ----------
    n_steps : int
        Steps of the optimizer in an epoch, at least 1.
    """
    needed = math.ceil(MIN_STEPS / n_steps)
    number = min(max(MIN_EPOCHS, needed), MAX_EPOCHS)
    size = f"an epoch has {n_steps} step{'s' * (n_steps != 1)} of the optimizer"
    if needed > number:
        why = f"{size}, and {MIN_STEPS} steps would take more than {MAX_EPOCHS} epochs, the most"
    elif needed == number:
        why = f"{size}, and training takes {MIN_STEPS} steps or more"
    else:
        why = f"{size}, so that {MIN_EPOCHS} epochs, the fewest, are {n_steps * number} steps"
    return Epochs(number, f"max_iter={number}: {why}")


def steps_of_epoch(
    n_samples: int,
    n_timesteps: int,
    *,
    batch_size: int,
    replicas: int = 1,
    bptt_steps: int | None = None,
) -> int:
    """Steps that the optimizer takes in an epoch: at least 1.

    Parameters
    ----------
    n_samples : int
        At least 1.
    n_timesteps : int
        Steps of all samples together, as the network reads them.
    batch_size : int
        Samples in a batch at most.
    replicas : int, default=1
        Among how many copies of the network the batches are shared out; the steps are those of one.
    bptt_steps : int, optional
        The most steps of a chunk, where each chunk of a batch is a step of the optimizer; None
        where a whole batch is. How many chunks batches have depends on which samples meet in them;
        counted are those of a sample of mean length.
    """
    n_batches = max(-(-n_samples // batch_size) // replicas, 1)
    if bptt_steps is not None:
        n_batches *= max(math.ceil(n_timesteps / n_samples / bptt_steps), 1)
    return n_batches
