"""Batches of what lies on a disk, each made in a thread while the one before it is trained on."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.prepared import Prepared
from elman.data.sequences import Batch

Indices = NDArray[np.int64]


def read_ahead(X: Prepared, batches: Iterable[Indices], backend: Backend) -> Iterator[Batch]:
    """The batches of X, in order, as `X.batch` makes them; one ahead where X lies on a disk.

    An error of a batch is raised when that batch is asked for. A thread makes one batch and ends,
    so that none is left whatever becomes of the one who asks.

    Parameters
    ----------
    X : Prepared
    batches : iterable of ndarray
        The samples of each batch.
    backend : Backend
        As `X.batch` takes it.

    Yields
    ------
    Batch
    """
    if not X.data.on_disk:
        for indices in batches:
            yield X.batch(indices, backend)
        return
    ahead: _Making | None = None
    try:
        for indices in batches:
            made = None if ahead is None else ahead.batch()
            ahead = _Making(X, indices, backend)
            if made is not None:
                yield made
        if ahead is not None:
            yield ahead.batch()
    finally:
        if ahead is not None:
            ahead.join()


class _Making(threading.Thread):
    """Makes one batch; it begins at once."""

    def __init__(self, X: Prepared, indices: Indices, backend: Backend) -> None:
        super().__init__(name="elman reads ahead", daemon=True)
        self._asked = X, indices, backend
        self._context = contextvars.copy_context()  # numpy.errstate, among others
        self._made: Batch | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Make it."""
        X, indices, backend = self._asked
        try:
            self._made = self._context.run(X.batch, indices, backend)
        except BaseException as error:  # which belongs to the one who asks
            self._error = error

    def batch(self) -> Batch:
        """The batch, once it is made, or the error that it came to."""
        self.join()
        if self._error is not None:
            raise self._error
        assert self._made is not None
        made, self._made = self._made, None
        return made
