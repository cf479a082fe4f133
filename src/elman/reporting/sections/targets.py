"""The numbers of a report in; the errors of each number that is predicted, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.charts import Line
from elman.reporting.html import MOST_ROWS, name, number, table

Fact = dict[str, Any]


def targets_section(facts: Fact) -> Sequence[str]:
    """Each target in a table, and pictures of the first few; nothing for a model of labels."""
    targets = facts["targets"]
    if targets is None:
        return []
    rows = [
        [
            name(one["target"]),
            f"{one['n']:,}",
            number(one["r2"]),
            number(one["mae"]),
            number(one["rmse"]),
        ]
        for one in targets[:MOST_ROWS]
    ]
    head = ["target", "known", "R²", "mean absolute error", "root mean square error"]
    figures = []
    for one, bins in list(zip(targets, facts["answers_by_size"], strict=True))[:4]:
        line = Line("mean of the truth", [b["answer"] for b in bins],
                    [b["truth"] for b in bins], dots=True)  # fmt: skip
        both = [v for b in bins for v in (b["answer"], b["truth"])]
        ends = (min(both), max(both)) if both and max(both) > min(both) else None
        alt = (
            f"Truth by answer for {one['target']}: answers of about the same size beside the mean "
            "of the truth; on the dotted line both are equal"
        )
        picture = charts.lines(
            [line],
            alt=alt,
            x_label="answer",
            y_label="mean of the truth",
            x_range=ends,
            y_range=ends,
            diagonal=ends is not None,
        )
        caption = f"{name(one['target'], 40)}: on the dotted line, answer and truth are equal"
        figures.append(charts.figure(picture, caption))
    return [
        table("Errors of each target, in its own unit", head, rows),
        f'<div class="charts">{"".join(figures)}</div>',
    ]
