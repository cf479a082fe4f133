"""The numbers of a report in; the table of its scores with their intervals, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import paragraph, table
from elman.reporting.score_text import SCORE_NAMES, interval, shown

Fact = dict[str, Any]

STEPS = ("steps", "step values")


def scores_section(facts: Fact) -> Sequence[str]:
    """Every score in a table, and how the intervals were found."""
    scores = facts["scores"]
    rows = [
        [SCORE_NAMES[score], shown(score, fact["value"]), interval(score, fact)]
        for score, fact in scores["values"].items()
    ]
    n, per_step = facts["data"]["n_recordings"], facts["model"]["answers"] in STEPS
    how = (
        f"Intervals hold the middle 95 % of {scores['n_resamples']:,} scores, each of "
        f"{n:,} recordings drawn from these with repetition (seed {facts['seed']})."
        if n > 1
        else "One recording has no interval: there is nothing to draw anew."
    )
    whole = "A recording is drawn with all of its time steps." if per_step and n > 1 else ""
    return [
        table("Scores on the recordings of this report", ["score", "value", "95 % interval"], rows),
        paragraph(how, whole, kind="muted"),
    ]
