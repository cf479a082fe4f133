"""What a callback remembers of the fit that it follows."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

from elman.models.history import Epoch, History

T = TypeVar("T")


class OfOneFit(Generic[T]):
    """A value that belongs to one fit; fits that go on side by side, in threads, have one each.

    A copy of it, and what comes out of a pickle, is empty: a callback that remembers in this way
    begins afresh in every clone of its estimator and in every other process.
    """

    def __init__(self) -> None:
        # All epochs of a fit, and of no other, have the same history. By its id, which another one
        # may have once this one is gone: the reference says whether it still is the one.
        self._values: dict[int, tuple[weakref.ref[History], T]] = {}
        self.newest: T | None = None
        """the value that was kept last, of a fit which may be over"""

    def of(self, epoch: Epoch) -> T | None:
        """The value of the fit that this epoch is one of; None in its first call."""
        known, value = self._values.get(id(epoch.history), (None, None))
        return value if known is not None and known() is epoch.history else None

    def put(self, epoch: Epoch, value: T) -> list[T]:
        """Keep the value of the fit that this epoch is one of.

        Returns
        -------
        list
            The values of fits that are over, which are kept no longer.
        """
        over = [key for key, (known, _) in [*self._values.items()] if known() is None]
        dropped = [self._values.pop(key, None) for key in over]
        self._values[id(epoch.history)] = weakref.ref(epoch.history), value
        self.newest = value
        return [entry[1] for entry in dropped if entry is not None]

    def __reduce__(self) -> tuple[Any, ...]:
        return OfOneFit, ()
