"""The readout "every": the state at each step, for a head that answers at all of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Outputs
from elman.nn.layers import Backprop, PassContext, States
from elman.nn.readouts.last import Last

Array = NDArray[Any]


class Every(Last):
    """The state at each step: "last" after every step, where each value has a target."""

    about: ClassVar[str] = "the state at each of its steps"
    outputs: ClassVar[Outputs | None] = "sequence"
    at_every_step: ClassVar[bool] = True

    @classmethod
    @override
    def of_whole(cls, states: States, context: PassContext, width: int) -> tuple[Array, Backprop]:
        # (n_samples, n_timesteps, width), as `over_time` has them
        return np.asarray(states.H), lambda dvalue, gradient: States(dvalue, None)
