"""A long line of JSON in; the same with its long lists apart, which are read in pieces, out.

Python's objects for a list of numbers take many times its text. A list of a million numbers, or of
a hundred thousand lists of numbers, is therefore never made of them as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

LONG = 1 << 18
"""Characters of a line in which lists are looked for."""
PIECE = 1 << 13
"""Characters of a list that become Python's objects at a time, and of the shortest long list."""


@cache
def _lists(at_least: int) -> re.Pattern[str]:
    """Lists of that many characters without text or objects, or of such lists."""
    flat = r'[^\[\]{}"]'
    return re.compile(rf"\[({flat}{{{at_least},}}+|(?:\s*+\[{flat}*+\]\s*+,?+)++)\s*+\]")


class LongList:
    """The text of a list of numbers, or of lists of numbers, without its brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._between = re.compile(r"\]\s*+," if text.lstrip()[:1] == "[" else ",")

    def first(self) -> list[Any]:
        """The first part of the list, empty if it is none."""
        try:
            return next(self.pieces())
        except ValueError:
            return []

    def pieces(self) -> Iterator[list[Any]]:
        """The list in parts; ValueError if it is none."""
        start = end = 0
        while end < len(self._text):
            cut = self._between.search(self._text, start + PIECE)
            end = len(self._text) if cut is None else cut.end() - 1
            piece = self._text[start:end]
            if not piece.strip():
                raise ValueError("is not JSON: its list ends with a comma")
            try:
                yield json.loads(f"[{piece}]")
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"is not JSON: {error.msg}, in {piece[error.pos - 1 :][:20]!r}"
                ) from None
            start = end + 1


def without_long_lists(line: str) -> tuple[str, dict[str, LongList]]:
    """A line with a text in the place of each long list, and the lists by these texts."""
    if len(line) < LONG or "\\u0000" in line:
        return line, {}
    parts: list[str] = []
    found: dict[str, LongList] = {}
    start, in_text = 0, False
    for match in _lists(PIECE).finditer(line):
        if match.end() - match.start() < PIECE:
            continue
        before = line[start : match.start()]
        # A backslash takes the meaning from a quote behind it.
        in_text ^= re.sub(r"\\.", "", before).count('"') % 2 == 1
        if in_text:
            return line, {}
        name = f"\0{len(found)}"
        found[name] = LongList(match[1])
        parts += [before, json.dumps(name)]
        start = match.end()
    return "".join([*parts, line[start:]]), found
