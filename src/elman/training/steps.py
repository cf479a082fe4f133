"""Takes the steps of an optimizer that a batch gives rise to: the inner part of every training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.backends.fused import Fused
from elman.nn.chunks import Chunk
from elman.nn.gradient import Samples
from elman.nn.network import Network
from elman.nn.objectives import Marked, Objective
from elman.nn.optimizers import Optimizer, clip_scale, clip_values, global_norm
from elman.training.batches import TrainingBatch
from elman.training.divergence import DivergedError, Suspects, first_not_finite
from elman.training.gradients import HERE, Gradients

Array = NDArray[Any]


class Rules(NamedTuple):
    """What all steps of an epoch have in common."""

    epoch: int
    """its number, from 0"""
    objective: Objective
    learning_rate: float
    max_grad_norm: float | None
    max_grad_value: float | None
    bptt_steps: int | None
    """as `elman.nn.gradient.gradient` takes it: None where every chunk is a step of its own"""
    recompute_every: int


class Step(NamedTuple):
    """What is recorded of one step of the optimizer."""

    loss: float
    weight: float
    """of the samples, or of the time steps with a target"""
    norm: float
    """of the gradient, before it was clipped"""
    marked: Marked
    """`Objective.marked` of its rows, of which the score is made"""


class Means(NamedTuple):
    """What is recorded of an epoch."""

    loss: float
    """mean over samples; 0 without any"""
    norm: float
    """mean over steps of the optimizer of the gradient's norm; 0 without any"""
    marked: Marked
    """`Objective.marked` of all rows"""


class Totals:
    """Adds up the steps of an epoch in the order of its batches."""

    def __init__(self) -> None:
        self._loss = self._weight = self._norm = 0.0
        self._marked: Marked = 0.0
        self._n_steps = 0

    def add(self, steps: Iterable[Step]) -> None:
        """Take more steps into account."""
        for step in steps:
            self._loss += step.loss * step.weight
            self._weight += step.weight
            self._norm += step.norm
            self._marked = self._marked + step.marked
            self._n_steps += 1

    @property
    def means(self) -> Means:
        """What they come to."""
        loss = self._loss / self._weight if self._weight else 0.0
        return Means(loss, self._norm / max(self._n_steps, 1), self._marked)


class Learner:
    """Changes the weights of a network, batch by batch.

    Parameters
    ----------
    network : Network
        Its weights are changed in place.
    optimizer : Optimizer
    rules : Rules
    backend : Backend
    gradients : Gradients
        Where the gradients are computed.
    who : str, default=""
        Who learns, if it is not the only one: errors name it.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        rules: Rules,
        backend: Backend,
        gradients: Gradients = HERE,
        *,
        who: str = "",
    ) -> None:
        self._network, self._optimizer, self._rules = network, optimizer, rules
        self._backend, self._gradients, self._who = backend, gradients, who
        self._out = network.params.zeros_like()
        self._last: tuple[TrainingBatch, Chunk, Samples] | None = None
        self._loss = self._norm = 0.0

    def learn(self, batch: TrainingBatch, states: dict[str, Array]) -> Iterator[Step]:
        """Take the steps of a batch, one after another.

        Parameters
        ----------
        batch : TrainingBatch
        states : dict
            By a layer's name the states (n_samples, state_size) to go on from, if any; after the
            last step those after the batch, if it has several chunks or came with states.

        Raises
        ------
        DivergedError
            The loss or the gradient is not finite.
        """
        network, rules, fused = self._network, self._rules, self._backend.fused
        out = self._out
        for chunk, samples in batch.chunks:
            samples = samples.going_on(chunk.states(states))
            self._last = batch, chunk, samples
            sums = self._gradients.gradient(
                network,
                samples,
                rules.objective,
                self._backend,
                bptt_steps=rules.bptt_steps,
                recompute_every=rules.recompute_every,
                out=out,
            )
            chunk.carry(sums.states, states)
            if len(sums.losses) == 0:  # no label in this chunk; it only carried the states on
                continue
            loss = rules.objective.loss_sum(sums.losses, fused)
            norm = global_norm(out.flat, fused)
            self._loss, self._norm = loss, norm
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._diverged(rules.objective)
            scale = _clip(out.flat, norm, rules, fused)
            self._optimizer.step(network.params.flat, out.flat, rules.learning_rate, scale, fused)
            weights = samples.weights if samples.score_weights is None else samples.score_weights
            yield Step(loss, sums.weight, norm, rules.objective.marked(sums.marks, weights))

    def check_weights(self) -> None:
        """Raise DivergedError unless the last step left every weight finite."""
        if self._network.params.unusable(finite=True) is not None:
            raise self._diverged(self._rules.objective)

    def _diverged(self, objective: Objective) -> DivergedError:
        """The error for the last step, with the place where it began."""
        assert self._last is not None
        batch, chunk, samples = self._last
        samples = self._gradients.here(samples, self._backend)
        numbers = batch.numbers[: chunk.n_samples]
        suspects = Suspects(samples, numbers, chunk.start, self._rules.bptt_steps)
        place = first_not_finite(self._network, suspects, self._backend, objective)
        rules = self._rules
        who = f" of {self._who}" if self._who else ""
        spoilt = self._network.params.unusable(finite=True)
        weights = "" if spoilt is None else f", after a step that left {spoilt} not finite"
        return DivergedError(
            f"training diverged in epoch {rules.epoch + 1}, batch {batch.number + 1}{who}: the "
            f"loss is {self._loss:g} and the gradient's norm {self._norm:g} at a learning rate of "
            f"{rules.learning_rate:g}{weights}",
            place,
            "Lower learning_rate_init"
            + (", or set max_grad_norm (1.0 is usual)" if rules.max_grad_norm is None else ""),
            rules.learning_rate,
        )


def _clip(gradient: Array, norm: float, rules: Rules, fused: Fused | None) -> float:
    """Cut off large elements in place, and return the factor that brings the norm to its limit."""
    if rules.max_grad_value is not None:
        clip_values(gradient, rules.max_grad_value)
        norm = global_norm(gradient, fused)
    return clip_scale(norm, rules.max_grad_norm)
