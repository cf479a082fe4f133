"""The size of a file and `max_bytes` in; an error before more memory than they allow is taken, out.

A small file can ask for much memory: zeros compress a thousandfold, and a header of a few bytes can
promise any number of values. What a file truly holds is read, however much it is, up to a limit
that the caller may set.
"""

from __future__ import annotations

import numbers
from typing import Any, NoReturn

from elman.data.dataset import ReaderError

ALWAYS = 64 << 20
"""Bytes that reading any file may take."""
MOST_EXPANSION = 100
"""Times its own size that what a file holds may take, unless the caller allows more."""
MOST_OBJECTS = 16
"""Times what a file holds that Python objects for it may take, unless the caller allows more: as
much as an array for each sequence of a single float32."""


class Budget:
    """The memory that a reader may take for one file.

    Parameters
    ----------
    place : object
        The file, and where in it reading is: its text is what errors call it.
    size : int
        Its size in bytes.
    max_bytes : int or None
        The most bytes that what is read may take. None allows what the file holds, up to 100 times
        its size or 64 MiB, whichever is more; and Python objects, such as the arrays of a list, if
        they take no more than 16 times what the file holds, or all together no more than 64 MiB.

    Raises
    ------
    TypeError, ValueError
        If `max_bytes` is not a positive whole number.
    """

    def __init__(self, place: object, size: int, max_bytes: int | None) -> None:
        self._place = place
        self._size = size
        self._given = checked_max_bytes(max_bytes)
        self._taken = 0

    def take(self, n_bytes: int, what: str) -> None:
        """Count bytes of what the file holds; ReaderError if they are too many.

        `what` is the subject of the message, in the plural.
        """
        self._taken += n_bytes
        if self._taken > most_bytes(self._size, self._given):
            self._refuse(what)

    def take_objects(self, n_bytes: int, content: int, what: str) -> None:
        """Count bytes of objects for `content` bytes that the file holds; as `take`."""
        self._taken += n_bytes
        if self._given is None:
            plausible = min(MOST_OBJECTS * content, MOST_EXPANSION * self._size)
            allowed = n_bytes <= plausible or self._taken <= ALWAYS
        else:
            allowed = self._taken <= self._given
        if not allowed:
            self._refuse(what)

    def _refuse(self, what: str) -> NoReturn:
        reason = (
            f"far more than its size, {self._size:,} bytes, suggests"
            if self._given is None
            else f"more than max_bytes={self._given} allows"
        )
        raise ReaderError(
            f"{self._place}: {what} would take {self._taken:,} bytes of memory, {reason}; if that "
            f"is right, read the file with max_bytes={self._taken} or more"
        )


def most_bytes(size: int, max_bytes: int | None) -> int:
    """What a file of that size may hold: what the caller allows, or what the size suggests."""
    return max(ALWAYS, MOST_EXPANSION * size) if max_bytes is None else max_bytes


def check_memory(source: str, n_bytes: int, max_bytes: int | None) -> None:
    """Refuse to go on reading once what is read takes more memory than the caller allows."""
    if max_bytes is not None and n_bytes > max_bytes:
        raise ReaderError(
            f"{source}: what it holds takes more than the {max_bytes:,} bytes of memory that "
            "max_bytes allows"
        )


def checked_max_bytes(max_bytes: Any) -> int | None:
    """`max_bytes` as an int or None; an error if it is something else."""
    if max_bytes is None:
        return None
    if not isinstance(max_bytes, numbers.Integral) or isinstance(max_bytes, bool):
        raise TypeError(
            f"max_bytes is {max_bytes!r}; it must be a whole number of bytes, or None for what the "
            "size of the file allows"
        )
    if max_bytes <= 0:
        raise ValueError(f"max_bytes={max_bytes} allows nothing; it must be 1 or more")
    return int(max_bytes)
