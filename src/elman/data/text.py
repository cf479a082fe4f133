"""Many texts in, one array of them out, in memory near that of the texts themselves.

NumPy's own arrays of text give every entry the width of the longest one. That is compact for labels
of about one length; one long text among many short ones would take their number times its length.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ALWAYS_FIXED = 1 << 22
"""Bytes up to which texts are kept at one width, whatever their lengths."""
MOST_PADDING = 8
"""Bytes for each character of the texts that an array of one width may take beyond that."""
BLOCK = 4096
MOST_SHARED = 1 << 12
"""Different texts that are looked for among those before, so that equal ones are one object."""


class Texts:
    """Texts end to end in UTF-8, each of which may be missing.

    Parameters
    ----------
    texts : iterable of str or None, optional
        What it holds at first.
    """

    def __init__(self, texts: Iterable[str | None] = ()) -> None:
        self.utf8 = bytearray()
        self.lengths = array("q")
        """bytes of each text; -1 for one that is missing"""
        for text in texts:
            self.append(text)

    @classmethod
    def of(cls, utf8: Array, lengths: Array) -> Texts:
        """The texts in an array of bytes, end to end, by the bytes of each."""
        found = cls()
        found.utf8 = bytearray(utf8.tobytes())
        found.lengths = array("q", lengths.astype(np.int64).tobytes())
        return found

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[str | None]:
        known: dict[bytes, str] = {}
        start = 0
        for length in self.lengths:
            if length < 0:
                yield None
                continue
            raw = bytes(self.utf8[start : start + length])
            start += length
            text = known.get(raw)
            if text is None:
                text = raw.decode("utf-8", "surrogatepass")
                if len(known) < MOST_SHARED:
                    known[raw] = text
            yield text

    def append(self, text: str | None) -> None:
        """Add a text, or None for one that is missing."""
        if text is None:
            self.lengths.append(-1)
            return
        raw = text.encode("utf-8", "surrogatepass")
        self.utf8 += raw
        self.lengths.append(len(raw))

    def as_array(self) -> Array:
        """(n,): texts of one width, or objects (str, None) if some are missing or far longer."""
        n = len(self)
        width = self._width()
        found: Array = np.empty(n, dtype=object if width is None else f"U{width}")
        for start, texts in _blocks(self):
            found[start : start + len(texts)] = texts
        return found

    def _width(self) -> int | None:
        """The width at which all texts can be kept; None if some cannot, or only at great cost."""
        # NumPy drops zeros at the end of a text.
        if min(self.lengths, default=0) < 0 or b"\0" in self.utf8:
            return None
        if self.utf8.isascii():
            longest, total = max(self.lengths, default=0), len(self.utf8)
        else:
            longest = total = 0
            for text in self:
                assert text is not None
                longest, total = max(longest, len(text)), total + len(text)
        fits = 4 * len(self) * longest <= ALWAYS_FIXED + MOST_PADDING * total
        return max(1, longest) if fits else None


def _blocks(texts: Iterable[str | None]) -> Iterator[tuple[int, list[str | None]]]:
    start, block = 0, []
    for text in texts:
        block.append(text)
        if len(block) == BLOCK:
            yield start, block
            start, block = start + BLOCK, []
    if block:
        yield start, block
