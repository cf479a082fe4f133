"""The numbers of a report in; the score of recordings of about the same length, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import paragraph, table
from elman.reporting.score_text import SCORE_NAMES, shown

Fact = dict[str, Any]


def by_length_section(facts: Fact) -> Sequence[str]:
    """Each group of recordings in a table."""
    rows = facts["by_length"]
    if not rows:
        return [paragraph("All recordings are of about the same length.")]
    score = next(key for key in rows[0] if key in SCORE_NAMES)
    cells = [
        [
            f"{row['shortest']:,}"
            + (f" to {row['longest']:,}" if row["longest"] > row["shortest"] else "")
            + " steps",
            f"{row['n']:,}",
            shown(score, row[score]),
        ]
        for row in rows
    ]
    unit = ", mean over targets" if score == "rmse" and len(facts["targets"]) > 1 else ""
    return [
        table(
            "Recordings in groups of about the same length",
            ["length", "recordings", SCORE_NAMES[score] + unit],
            cells,
        )
    ]
