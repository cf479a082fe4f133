"""The readout "last": the state at a sample's own last step, which the recurrent layer keeps."""

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

Array = NDArray[Any]


class Last(Fold):
    """The state at a sample's own last step."""

    about: ClassVar[str] = (
        "the state at its own last step (backward, the state once the first step was read)"
    )
    outputs: ClassVar[Outputs | None] = "final"

    @override
    def begin(self) -> dict[str, Array]:
        return {}

    @override
    def take(self, H: Array, chunk: Chunk) -> None:
        pass

    @override
    def value(self, final: Array) -> Array:
        return final

    @override
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        ends = self._end_in(chunk)[:, np.newaxis]
        return States(None, np.where(ends, dvalue[: len(ends)], dvalue.dtype.type(0)))

    @override
    def depends_on(self, chunk: Chunk) -> bool:
        return bool(self._end_in(chunk).any())

    @override
    def over_time(self, H: Array) -> Array:
        self.n_steps[: len(H)] += H.shape[1]
        return H

    def _end_in(self, chunk: Chunk) -> NDArray[np.bool_]:
        """Which samples of a chunk have their last step in it; those without one, in the first."""
        return np.asarray(self.n_steps[: chunk.n_samples] <= chunk.stop)
