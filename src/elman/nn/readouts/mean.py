"""The readout "mean": the mean of each unit over a sample's own steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Outputs
from elman.nn.chunks import Chunk
from elman.nn.layers import States
from elman.nn.parameters import Parameters
from elman.nn.readouts.fold import Fold
from elman.nn.readouts.sums import sum_over_time, sums_over_time

Array = NDArray[Any]


class Mean(Fold):
    """The mean of each unit over a sample's own steps, of a sum in float64."""

    about: ClassVar[str] = "the mean of each unit over its own steps"
    outputs: ClassVar[Outputs | None] = "mean"

    @override
    def begin(self) -> dict[str, Array]:
        return {"sum": np.zeros((len(self.n_steps), self.width))}

    @override
    def take(self, H: Array, chunk: Chunk) -> None:
        total = self.state["sum"][: len(H)]
        total[...] = sum_over_time(H, start=total)

    @override
    def value(self, final: Array) -> Array:
        n, dtype = len(final), final.dtype
        return self.or_initial(self.state["sum"][:n].astype(dtype) / self.divisor(n, dtype), final)

    @override
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        shares = dvalue[: len(H)] / self.divisor(len(H), dvalue.dtype)
        dH = np.repeat(shares[:, np.newaxis], H.shape[1], axis=1)
        return self.spread(dH, dvalue, chunk)

    @override
    def over_time(self, H: Array) -> Array:
        # All sums at once, which is fifty times as fast as a chunk for each step.
        total, counts = self.state["sum"][: len(H)], self.n_steps[: len(H), np.newaxis]
        means = np.empty_like(H)
        for steps, sums in sums_over_time(H, total):
            n_steps = counts + np.arange(1, 1 + sums.shape[1])
            means[:, steps] = sums.astype(H.dtype) / n_steps.astype(H.dtype)[:, :, np.newaxis]
            total[...] = sums[:, -1]
            counts += sums.shape[1]
        means += H.dtype.type(0)
        return means
