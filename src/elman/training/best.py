"""The weights of the best epoch so far, and for how long no epoch has been better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.nn.network import Network
from elman.training.plan import Plan

Array = NDArray[Any]


@dataclass
class Best:
    """The best weights so far, and how many epochs have passed since one was better."""

    flat: Array | None = None
    epoch: int = 0
    key: tuple[float, ...] = ()
    high_score: float = -math.inf
    low_loss: float = math.inf
    n_stale: int = 0

    def update(
        self, network: Network, epoch: int, loss: float, score: float | None, plan: Plan
    ) -> None:
        """Take one more epoch into account.

        `loss` and `score` are those of the validation data; without any, `loss` is that of
        training, and `score` is None.
        """
        by_score = score is not None and plan.judged_by != "loss"
        by_loss = score is None or plan.judged_by != "score"
        key = (score, -loss) if score is not None and by_score else (-loss,)
        if self.flat is None or key > self.key:
            if self.flat is None:
                self.flat = network.params.flat.copy()
            else:
                self.flat[...] = network.params.flat
            self.key, self.epoch = key, epoch
        better_score = score is not None and by_score and score > self.high_score + plan.tol
        better_loss = by_loss and loss < self.low_loss - plan.tol
        self.n_stale = 0 if better_score or better_loss else self.n_stale + 1
        if better_score and score is not None:
            self.high_score = score
        if better_loss:
            self.low_loss = loss

    def get_state(self) -> dict[str, Any]:
        """Everything that is remembered, by name."""
        return {**vars(self), "key": list(self.key)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned.

        Raises
        ------
        ValueError
            The weights are not finite, as those of no epoch are.
        """
        if set(state) != set(vars(self)):
            raise ValueError(f"the best weights come with {sorted(state)}")
        numbers = [state["high_score"], state["low_loss"], state["epoch"], state["n_stale"]]
        if not all(isinstance(n, (int, float)) for n in [*numbers, *state["key"]]):
            raise TypeError("the scores of the best weights are not numbers")
        if state["flat"] is not None and not np.isfinite(state["flat"]).all():
            raise ValueError("the best weights hold NaN or infinity")
        vars(self).update(state, key=tuple(state["key"]))
