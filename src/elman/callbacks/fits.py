"""What a callback remembers of the fit that it follows."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from elman.models.history import Epoch, History

T = TypeVar("T")


class OfOneFit(Generic[T]):
    """A value that belongs to one fit.

    A copy of it, and what comes out of a pickle, is empty: a callback that remembers in this way
    begins afresh in every clone of its estimator and in every other process.
    """

    def __init__(self) -> None:
        self._history: History | None = None
        self.newest: T | None = None
        """the value of the newest fit, which may be over"""

    def of(self, epoch: Epoch) -> T | None:
        """The value of the fit that this epoch is one of; None in its first call."""
        # All epochs of a fit, and of no other, have the same history.
        return self.newest if epoch.history is self._history else None

    def put(self, epoch: Epoch, value: T) -> None:
        """Keep the value of the fit that this epoch is one of."""
        self._history, self.newest = epoch.history, value

    def __reduce__(self) -> tuple[Any, ...]:
        return OfOneFit, ()
