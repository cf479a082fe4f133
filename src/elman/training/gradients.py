"""Where the gradients of a training's batches are computed: here, or wherever an engine says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.ahead import read_ahead
from elman.data.deferred import Deferred
from elman.data.prepared import Prepared
from elman.data.sequences import Batch
from elman.nn.gradient import GradientSums, Samples, gradient
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.parameters import Parameters

Indices = NDArray[np.int64]
T = TypeVar("T")


class Piece(Protocol):
    """A piece of work on weights of its own, which changes nothing but what it returns."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def n_batches(self) -> int:
        """How many batches it learns from."""
        ...

    def portable(self) -> Self:
        """The same, holding all that it needs: it can be sent, and run more than once."""
        ...

    def run(self, backend: Backend) -> Any:
        """Do it, with a backend of these bits."""
        ...


class Gradients(Protocol):
    """Makes the batches of an epoch and computes what is learned from them: to the same bits
    anywhere.
    """

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files, where several run the same training: one does."""
        ...

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

    def run(self, pieces: Iterable[Piece], backend: Backend) -> list[Any]:
        """What pieces of work return, in order; none of them depends on another."""
        ...

    def agreed(self, value: T, network: Network) -> T:
        """What one process says, where several run the same training.

        It is asked for what only the user's functions decide, such as whether to go on, which may
        differ from process to process. The network must be the same in all of them.
        """
        ...


class Here(Gradients):
    """Everything in this process."""

    @property
    def is_writer(self) -> bool:
        """True: there is one process."""
        return True

    def batches(self, X: Prepared, batches: list[Indices], backend: Backend) -> Iterator[Batch]:
        """The batches; of sequences on a disk each is read while the one before is trained on."""
        return read_ahead(X, batches, backend)

    def here(self, samples: Samples, backend: Backend) -> Samples:
        """The samples, whose X is read now if it is in a store."""
        return read(samples, backend)

    def gradient(
        self,
        network: Network,
        samples: Samples,
        objective: Objective,
        backend: Backend,
        **options: Any,
    ) -> GradientSums:
        """As `elman.nn.gradient.gradient`."""
        return gradient(network, read(samples, backend), objective, backend, **options)

    def run(self, pieces: Iterable[Piece], backend: Backend) -> list[Any]:
        """What they return, run one after another."""
        return [piece.run(backend) for piece in pieces]

    def agreed(self, value: T, network: Network) -> T:
        """The value: there is one process."""
        return value


def read(samples: Samples, backend: Backend) -> Samples:
    """The samples with X in memory, which is read now if it is in a store."""
    if isinstance(samples.X, Deferred):
        return samples._replace(X=samples.X.read(backend))
    return samples


HERE = Here()
