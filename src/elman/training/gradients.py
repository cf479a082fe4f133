"""Where the gradients of a training's batches are computed: here, or wherever an engine says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.ahead import read_ahead
from elman.data.prepared import Prepared
from elman.data.sequences import Batch
from elman.nn.gradient import GradientSums, Samples, gradient
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.parameters import Parameters

Indices = NDArray[np.int64]


class Gradients(Protocol):
    """Makes the batches of an epoch and computes their gradients: to the same bits anywhere."""

    def batches(self, X: Prepared, batches: list[Indices], backend: Backend) -> Iterator[Batch]:
        """The batches with the samples at each of `batches`, in order.

        The X of a batch may be something that is read later, and elsewhere, if it has a `shape`
        and can be cut by slices.
        """
        ...

    def here(self, samples: Samples, backend: Backend) -> Samples:
        """The samples with X as an array of this process."""
        ...

    def gradient(
        self,
        network: Network,
        samples: Samples,
        objective: Objective,
        backend: Backend,
        *,
        bptt_steps: int | None = None,
        recompute_every: int = 0,
        out: Parameters | None = None,
    ) -> GradientSums:
        """As `elman.nn.gradient.gradient`, of a whole batch."""
        ...


class Here(Gradients):
    """Everything in this process."""

    def batches(self, X: Prepared, batches: list[Indices], backend: Backend) -> Iterator[Batch]:
        """The batches; of sequences on a disk each is read while the one before is trained on."""
        return read_ahead(X, batches, backend)

    def here(self, samples: Samples, backend: Backend) -> Samples:
        """The same samples, which are here already."""
        return samples

    def gradient(self, *args: Any, **options: Any) -> GradientSums:
        """As `elman.nn.gradient.gradient`."""
        return gradient(*args, **options)


HERE = Here()
