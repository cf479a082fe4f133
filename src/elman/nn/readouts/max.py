"""The readout "max": the largest value of each unit over a sample's own steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Outputs
from elman.nn.chunks import Chunk
from elman.nn.layers import PassContext, States
from elman.nn.parameters import Parameters
from elman.nn.readouts.fold import Fold

Array = NDArray[Any]


class Max(Fold):
    """The largest value of each unit over a sample's own steps; ties share the gradient equally."""

    about: ClassVar[str] = "the largest value of each unit over its own steps"
    outputs: ClassVar[Outputs | None] = "max"
    kink_at_ties: ClassVar[bool] = True

    def __init__(self, context: PassContext, n_steps: NDArray[np.int64], width: int) -> None:
        super().__init__(context, n_steps, width)
        # How many steps reached the largest value: only a gradient asks for it.
        self._ties = np.zeros((len(n_steps), width), np.int64) if context.keep_tape else None

    @override
    def begin(self) -> dict[str, Array]:
        shape = len(self.n_steps), self.width
        return {"largest": np.full(shape, -np.inf, self.context.params.dtype)}

    @override
    def take(self, H: Array, chunk: Chunk) -> None:
        past = chunk.past
        if past is not None:
            H = np.where(past[:, :, np.newaxis], H.dtype.type(-np.inf), H)
        largest = self.state["largest"][: len(H)]
        within = np.maximum.reduce(H, axis=1, initial=-np.inf)
        if self._ties is not None:
            ties = self._ties[: len(H)]
            ties[within > largest] = 0
            np.maximum(largest, within, out=largest)
            ties += np.count_nonzero(largest[:, np.newaxis] == H, axis=1)
        else:
            np.maximum(largest, within, out=largest)

    @override
    def value(self, final: Array) -> Array:
        return self.or_initial(self.state["largest"][: len(final)], final)

    @override
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        if self._ties is None:
            raise RuntimeError("the largest values were taken without their ties")
        n, past = len(H), chunk.past
        reached = self.state["largest"][:n, np.newaxis] == H
        if past is not None:
            reached[past] = False
        ties = np.maximum(self._ties[:n], 1).astype(dvalue.dtype)
        dH = reached * (dvalue[:n] / ties)[:, np.newaxis]
        return self.spread(dH, dvalue, chunk)

    @override
    def over_time(self, H: Array) -> Array:
        # All at once, which is fifty times as fast as a chunk for each step.
        largest = self.state["largest"][: len(H)]
        values = np.maximum.accumulate(H, axis=1)
        np.maximum(values, largest[:, np.newaxis], out=values)
        if H.shape[1]:
            largest[...] = values[:, -1]
        self.n_steps[: len(H)] += H.shape[1]
        values += H.dtype.type(0)
        return values
