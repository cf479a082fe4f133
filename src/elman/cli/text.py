"""Text from a file, so that it is safe on a terminal, or so that CSV gives it back as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def visible(text: object) -> str:
    r"""A text on one line, in which whatever cannot be seen is spelled out.

    An escape code, a line's end or a change of the direction of writing becomes its code, such as
    `\x1b`; every other character stays.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def csv_line(values: Iterable[Any]) -> str:
    """Values as a line of CSV, which every reader of CSV gives back as they are.

    A text in which something has a meaning to readers or cannot be seen is quoted: Python's own
    writer leaves a carriage return bare, which ends the line, and spaces, which some readers strip.
    """
    fields = [_csv_field("" if value is None else str(value)) for value in values]
    return (",".join(fields) if fields != [""] else '""') + "\n"  # an empty line is no row


def _csv_field(text: str) -> str:
    if text.isprintable() and text == text.strip() and '"' not in text and "," not in text:
        return text
    return '"' + text.replace('"', '""') + '"'
