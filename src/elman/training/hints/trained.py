"""A training that has ended in; the figures that the rules look at, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elman.backends.contract import Backend
from elman.models.history import History
from elman.nn.network import Network
from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.training.base_rate import BaseRate, base_rate
from elman.training.enough import steps_of_epoch
from elman.training.hints.answers import Answer, commonest_share, find_only_answer, loss_of
from elman.training.hints.samples import all_targets, scales_of
from elman.training.labelled import Labelled

LITTLE = 0.5
"""share of the base rate: a training that leaves more of it has learned little"""
NOTHING = 0.95
"""share of the base rate: a training that leaves more of it has learned next to nothing"""


@dataclass(frozen=True)
class Trained:
    """A training that has ended, as far as the rules ask for it."""

    history: History
    """of this training, without what was trained before it"""
    base: BaseRate
    asked: Mapping[str, Any]
    """the estimator's hyper-parameters"""
    objective: Objective
    n_batches: int
    """steps of the optimizer in an epoch"""
    n_targets: int = 1
    """training samples, or time steps with a target"""
    n_samples: int = 1
    """training samples"""
    n_outputs: int = 1
    n_params: int = 0
    widest: int = 1
    """units of the widest layer"""
    n_validation: int = 0
    scales: tuple[float, float] | None = None
    """the least and the largest root mean square of a feature that is not constant at 0; None where
    features are standardised"""
    only_answer: Callable[[], Answer | None] = lambda: None
    """looks whether all samples get the same answer"""
    commonest: Callable[[], float] = lambda: 0.0
    """computes the share of the training data that have the commonest answer"""
    went_on: bool = False
    """whether it began with weights that had been trained"""
    undropped: float | None = None
    """training loss without dropout, where it was looked for"""

    @property
    def at(self) -> int:
        """Index of the epoch that says what was learned: with early stopping the one of the lowest
        training loss from the kept weights on, else the last.

        The loss of an epoch is a mean over its course, so that in an early epoch it says too little
        of the weights at its end.
        """
        losses, kept = self.history.loss, len(self.history) - 1
        if self.asked["early_stopping"]:
            kept = max(self.history.best_epoch - self.history.epoch[0], 0)
        return kept + int(np.argmin(losses[kept:]))

    @property
    def loss(self) -> float:
        """Training loss of that epoch."""
        loss = self.history.loss[self.at]
        return loss if self.undropped is None else min(loss, self.undropped)

    @property
    def span(self) -> float:
        """How far below the base rate a loss can get."""
        return self.base.training - self.base.least

    @property
    def ratio(self) -> float:
        """The share of the base rate that is left, of what can be got rid of."""
        return (self.loss - self.base.least) / self.span

    @property
    def gained(self) -> float:
        """Of what the commonest answer gets wrong, the share that the network gets right."""
        scores = [score for score in self.history.score if score is not None]
        if not scores or not isinstance(self.objective, (OneClass, AnyLabels)):
            return 0.0
        commonest = self.commonest()
        return (scores[-1] - commonest) / (1 - commonest) if commonest < 1 else 0.0

    @property
    def n_steps(self) -> int:
        """Steps of the optimizer."""
        return self.n_batches * len(self.history)


def looked_at(
    history: History,
    training: Labelled,
    validation: Labelled | None,
    network: Network,
    objective: Objective,
    asked: Mapping[str, Any],
    backend: Backend,
    name: Callable[[int], str],
    *,
    went_on: bool = False,
) -> Trained:
    """What the rules need to know about a training.

    Parameters
    ----------
    history : History
        Of this training alone.
    training, validation : Labelled
        As the network took them.
    network : Network
        Trained.
    objective : Objective
    asked : mapping
        The estimator's hyper-parameters.
    backend : Backend
    name : callable
        Index of a class to what the user calls it.
    went_on : bool
        Whether the training began with weights that had been trained.
    """
    n_batches = steps_of_epoch(
        len(training.X),
        training.X.n_steps / len(training.X),
        batch_size=history.batch_size,
        replicas=int(asked["replicas"]) if asked["mode"] == "local" else 1,
        bptt_steps=asked["bptt_steps"] if training.per_step else None,
    )
    trained = Trained(
        history,
        base_rate(training, validation, objective, network.layout.n_outputs),
        asked,
        objective,
        n_batches,
        len(all_targets(training)),
        len(training.X),
        network.layout.n_outputs,
        network.params.flat.size,
        max(network.layout.hidden_sizes),
        0 if validation is None else len(validation.X),
        None if asked["standardize"] else scales_of(training.X, backend),
        lambda: find_only_answer(history, training, network, objective, backend, name),
        lambda: commonest_share(training),
        went_on,
    )
    dropped = asked["dropout"] or asked["recurrent_dropout"]
    if dropped and len(history) and trained.span > 0 and trained.ratio > LITTLE:
        trained = replace(trained, undropped=loss_of(network, training, objective, backend))
    return trained
