"""How to train: the hyper-parameters of training as the loop over epochs takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from elman.training.enough import Epochs


@dataclass(frozen=True)
class Plan:
    """How to train."""

    n_epochs: int
    batch_size: int
    """at most; an epoch has as few batches as that allows, all of one size, within one sample"""
    learning_rate: Callable[[int], float]
    """number of the epoch, from 0 -> learning rate"""
    max_grad_norm: float | None
    """gradients of a larger norm are scaled down to it"""
    early_stopping: bool = False
    """stop when validation no longer gets better, and go back to the best weights"""
    n_iter_no_change: int = 10
    tol: float = 1e-4
    judged_by: str = "both"
    """what says that an epoch was better: the validation's "score", its "loss", or "both" """
    batch_size_reason: str = ""
    """why "auto" chose that `batch_size`, for the record; empty if a user gave the number"""
    asked: Epochs | None = None
    """what `max_iter` came to, for the record; None where it does not count"""
    first_epoch: int = 0
    """epochs already done"""
    recompute_every: int = 0
    """steps between the states kept for the backward pass; 0 keeps all"""
    bptt_steps: int | None = None
    """the most time steps that a gradient goes back, as `elman.nn.truncation` cuts it; None: all"""
    max_grad_value: float | None = None
    """elements of a gradient beyond it are cut off at it, before its norm is looked at"""
    bucket_by_length: bool = False
    """whether the samples of a batch are to be of about one length"""
    lowers_rate: Callable[[int, int], bool] | None = None
    """(number of an epoch, epochs without gain so far) -> whether the rate is lowered after it"""
