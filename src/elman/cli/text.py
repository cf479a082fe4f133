"""Text from a file, so that CSV gives it back as it is, or so that it is safe on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from elman.targets.checks import visible

__all__ = ["csv_line", "visible"]


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
