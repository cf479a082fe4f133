"""A table of text, made once; shown on the terminal by rich, or in a page as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.table import Table


class Sheet(NamedTuple):
    """One table; what is measured comes first in a row, its figures after it."""

    title: str
    headings: Sequence[str]
    rows: list[list[str]]
    notes: str = ""

    def rich(self) -> Table:
        """For the terminal."""
        table = Table(title=self.title, caption=self.notes or None, caption_justify="left")
        for i, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if i else "left", no_wrap=not i)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For a page."""
        lines = [
            f"| {' | '.join(self.headings)} |",
            f"|{'|'.join(['---', *['---:'] * (len(self.headings) - 1)])}|",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        parts = [f"**{self.title}**", "\n".join(lines), self.notes]
        return "\n\n".join(part for part in parts if part)


def seconds_text(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def timing_text(timing: dict[str, Any], per: float = 1) -> str:
    """The median, and half the distance of the quartiles in per cent of it."""
    spread = (timing["high"] - timing["low"]) / timing["median"] / 2
    return f"{seconds_text(timing['median'] / per)} ±{spread:.0%}"


def megabytes_text(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:.1f} MB"
