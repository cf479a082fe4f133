"""A batch that is not read yet: which samples of a store it has, for whoever is to read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.prepared import Prepared
from elman.data.sequences import Batch

Array = NDArray[Any]
Indices = NDArray[np.int64]


class Deferred:
    """The X of a batch, (n_samples, n_timesteps, n_features), before it is read.

    It is cut like an array, `X[samples, steps]` by slices, and can be sent to another process: that
    takes the path of the store and the numbers of the samples, not their values.

    Parameters
    ----------
    data : Prepared
        The samples, in the order of the batch: longest first.
    start, stop : int
        The time steps.
    """

    def __init__(self, data: Prepared, start: int, stop: int) -> None:
        self.data, self.start, self.stop = data, start, stop

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_samples, n_timesteps, n_features)."""
        return len(self.data), self.stop - self.start, self.data.n_features

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values once they are read."""
        return self.data.dtype

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: slice | tuple[slice, slice]) -> Deferred:
        samples, steps = key if isinstance(key, tuple) else (key, slice(None))
        first, last, _ = steps.indices(self.stop - self.start)
        first_sample, last_sample, step = samples.indices(len(self))
        if step != 1 or steps.step not in (None, 1):
            raise ValueError("a batch that is not read yet is cut by slices of step 1 only")
        data = self.data
        if (first_sample, last_sample) != (0, len(self)):
            data = data.narrowed(np.arange(first_sample, last_sample))
        return Deferred(data, self.start + first, self.start + last)

    def read(self, backend: Backend) -> Array:
        """The values, zero past the end of each sample: what `Prepared.batch` has there."""
        batch = self.data.batch(slice(None), backend)
        X = np.zeros(self.shape, self.dtype)
        found = batch.X[:, self.start : self.stop]
        X[:, : found.shape[1]] = found
        return X


def deferred_batch(X: Prepared, indices: Any) -> Batch | None:
    """What `X.batch(indices)` gives, with its X to be read later; None unless X is in a store."""
    if not X.data.on_disk:
        return None
    order = X.data.normalised(indices)
    lengths = X.lengths[order]
    if len(order) == 0 or (lengths == lengths[0]).all():
        n_timesteps = int(lengths[0]) if len(order) else 0
        return Batch(Deferred(X.narrowed(order), 0, n_timesteps), None, order)  # type: ignore[arg-type]
    order = order[np.argsort(-lengths, kind="stable")]
    lengths = X.lengths[order]
    return Batch(Deferred(X.narrowed(order), 0, int(lengths[0])), lengths, order)  # type: ignore[arg-type]
