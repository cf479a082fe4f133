"""The readout as a layer: `States` of whole sequences in, what the head reads out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.layers import Backprop, PassContext
from elman.nn.parameters import Shapes
from elman.nn.readouts import Readout, readout_named
from elman.nn.readouts.fold import Fold


@dataclass(frozen=True)
class ReadoutLayer:
    """`States` of whole sequences -> what a readout makes of them: (n_samples, n_out)."""

    readout: Readout
    width: int
    """columns of a hidden state"""

    @property
    def fold(self) -> type[Fold]:
        """The class of the readout."""
        return readout_named(self.readout)

    @property
    def n_out(self) -> int:
        """Columns of what it gives."""
        return self.fold.n_values(self.width)

    def shapes(self) -> Shapes:
        """Full names and shapes of its weights."""
        return self.fold.shapes(self.width)

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Full names and initial values of its weights."""
        return self.fold.initial(self.width, rng)

    def forward(self, value: Any, context: PassContext) -> tuple[Any, Backprop]:
        """Output, and the function that takes its gradient back."""
        return self.fold.of_whole(value, context, self.width)

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Samples in the smallest branch of each tree that sums up gradients of its weights."""
        return self.fold.branches(self.width, n_samples, n_timesteps, backend)
