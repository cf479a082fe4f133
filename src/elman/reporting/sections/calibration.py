"""The numbers of a report in; how often answers of each probability are right, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.charts import Line
from elman.reporting.html import paragraph, percent, table

Fact = dict[str, Any]


def calibration_section(facts: Fact) -> Sequence[str]:
    """The mean distance of probabilities from the truth, with a picture and a table."""
    told = facts["calibration"]
    if told is None:
        return []
    bins = [b for b in told["bins"] if b["n"]]
    of_labels = facts["model"]["answers"] == "labels"
    what = "labels that are there" if of_labels else "answers that are right"
    line = Line(what, [b["probability"] for b in bins], [b["right"] for b in bins], dots=True)
    gap = told["expected_calibration_error"]
    alt = (
        f"Share of {what} by probability, in {len(bins)} groups; on the dotted line the "
        f"probabilities would be exact. Expected calibration error {percent(gap)}"
    )
    picture = charts.lines(
        [line],
        alt=alt,
        x_label="probability of the answer" if not of_labels else "probability of the label",
        y_label=f"share of {what}",
        x_range=(0, 1),
        y_range=(0, 1),
        percent=(True, True),
        diagonal=True,
    )
    rows = [
        [
            f"{percent(b['from'])} to {percent(b['to'])}".replace(".0 %", " %"),
            f"{b['n']:,}",
            percent(b["probability"]),
            percent(b["right"]),
        ]
        for b in bins
    ]
    head = ["probability", "answers", "mean probability", "right"]
    return [
        paragraph(
            f"Expected calibration error: <strong>{percent(gap)}</strong>, the mean distance "
            f"between the probability of {told['of']} and how often it is true."
        ),
        '<div class="charts">'
        + charts.figure(picture, "Below the dotted line, probabilities are too high")
        + table("Answers by their probability", head, rows)
        + "</div>",
    ]
