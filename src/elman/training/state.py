"""What a training needs in order to go on from an epoch, and the store that keeps it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from elman.models.history import History
from elman.nn.network import Network
from elman.nn.optimizers import Optimizer
from elman.training.local import Replicas


class TrainingState(NamedTuple):
    """All that a training needs in order to go on after an epoch."""

    network: Network
    history: History
    parts: dict[str, dict[str, Any]]
    """by what remembers it (optimizer, generator, ...): arrays, and what JSON keeps"""
    finished: bool
    """whether that was the last epoch"""


class CheckpointStore(Protocol):
    """Keeps the state of a training, so that the training can go on after its process has died."""

    def resumed(self) -> TrainingState | None:
        """The state to go on from; None if training begins."""
        ...

    def due(self, epoch: int) -> bool:
        """Whether to keep the state after this epoch if it is not the last."""
        ...

    def keep(self, state: TrainingState) -> None:
        """Keep a state, whose arrays may change afterwards.

        Raises
        ------
        OSError
            The state could not be kept; the message says why.
        """
        ...


def snapshot(
    network: Network, optimizer: Optimizer | Replicas, rng: np.random.Generator
) -> Callable[[], None]:
    """A function that puts weights, optimizer and generator back to what they are now."""
    flat, state = network.params.flat.copy(), copy.deepcopy(optimizer.get_state())
    position = rng.bit_generator.state

    def restore() -> None:
        network.params.flat[...] = flat
        optimizer.set_state(state)
        rng.bit_generator.state = position

    return restore
