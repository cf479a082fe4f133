"""The size of a training set in; what "auto" means as batch size or epochs, and why, out.

What counts is how often the weights are changed. A small set has few batches, so that batches of
the size, and as many epochs, as a large set needs are too few steps of the optimizer for it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from elman.hyperparameters.checks import LARGEST_BATCH

BATCHES = 25
"""Batches in an epoch, for which samples are shared out: where there are fewer, smaller batches
learn more from the same samples, at the same cost. In cross-validation over many sets batches of 8
were 3 to 6 points better than those of 32 on sets of 36 to 200 samples."""
SMALLEST = 8
"""samples in a batch at least: gradients of fewer vary much, and so many steps are slow"""
LARGEST = LARGEST_BATCH
"""Samples in a batch at most: an epoch of large batches is faster, and has fewer steps. So many are
also taken all at once: from all samples a step is the same for a sample of weight 2 as for two
samples, which scikit-learn asks of an estimator, and where there are so few, weights differ."""
MIN_EPOCHS = 60
"""epochs at least, however many steps of the optimizer they are"""
MIN_STEPS = 2500
"""steps of the optimizer at least, in all epochs together: 100 epochs of `BATCHES`"""
MAX_EPOCHS = 100
"""Epochs at most, however few steps of the optimizer they are. In cross-validation over sets of 100
to 200 samples, in batches of 8, 100 epochs were better than 60, and 200 no better than 100. A few
samples that are one batch are learned by heart in 300, and answered worse than after 60."""

ROUNDING = 1e-9
"""Share of a chunk that the mean length may be off by, where it is a mean with weights."""


class BatchSize(NamedTuple):
    """How many samples a batch is to have at most, and why."""

    number: int
    reason: str = ""
    """a sentence that begins with "batch_size="; empty if a user gave the number"""


def samples_in_batch(n_samples: int, *, replicas: int = 1) -> BatchSize:
    """The size of the smallest batches of which an epoch has no more than `BATCHES`, within bounds.

    Samples that the largest batch holds are one batch.

    Parameters
    ----------
    n_samples : int
        Samples that are trained on, at least 1.
    replicas : int, default=1
        Among how many copies of the network batches are shared out. The size is smaller where there
        would be fewer batches than that, as far as there are as many samples.
    """
    wanted = math.ceil(n_samples / BATCHES)
    alone = n_samples <= LARGEST
    number = LARGEST if alone else min(max(wanted, SMALLEST), LARGEST)
    n_batches = -(-n_samples // number)
    if n_batches < replicas:
        number = max(-(-n_samples // (replicas - 1)) - 1, 1)
        n_batches = -(-n_samples // number)
        why = f"larger ones would be too few for {replicas} replicas"
    elif alone:
        why = "so few are not shared out"
    elif number > wanted:
        why = f"the size is at least {SMALLEST}"
    elif number < wanted:
        why = f"the size is at most {LARGEST}"
    else:
        why = f"smaller ones would be more than {BATCHES}"
    size = f"{n_samples} sample{'s' * (n_samples != 1)}"
    made = f"{n_batches} batch{'es' * (n_batches != 1)}"
    makes = "makes" if n_samples == 1 else "make"
    return BatchSize(number, f"batch_size={number}: {size} {makes} {made} in an epoch, and {why}")


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
    mean_length: float,
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
    mean_length : float
        Steps of a sample in the mean, as the network reads them.
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
        n_chunks = math.ceil(mean_length / bptt_steps - ROUNDING)
        n_batches *= max(n_chunks, 1)
    return n_batches
