"""The numbers of a report in; the table of what simple rules reach, beside the network, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import bulleted, paragraph, table, text
from elman.reporting.score_text import SCORE_NAMES, interval, points, points_interval, shown

Fact = dict[str, Any]


def baselines_section(facts: Fact) -> Sequence[str]:
    """Every simple rule in a table, and what the rules learned from."""
    told = facts["baselines"]
    score = told["score"]
    rows = []
    for row in told["rows"]:
        rows.append(
            [
                text(row["name"]),
                shown(score, row["score"]["value"]),
                interval(score, row["score"]),
                points(score, row["difference"]["value"]),
                points_interval(score, row["difference"]),
                f"{row['n']:,}",
            ]
        )
    main = facts["scores"]["main"]
    rows.append(
        [
            "<strong>the network</strong>",
            f"<strong>{shown(main, facts['scores']['values'][main]['value'])}</strong>",
            interval(main, facts["scores"]["values"][main]),
            "",
            "",
            f"{facts['data']['n_recordings']:,}",
        ]
    )
    if told["source"] == "training data":
        how = (
            "The rules were learned from the training data that was passed, "
            "and answered the recordings of this report."
        )
    else:
        how = (
            "No training data was passed, so that the learned rules were cross-validated in "
            f"{told['n_folds']} parts on the recordings of this report themselves: each answer is "
            "of a rule that has not seen the recording. They learned from fewer recordings than "
            "the network may have had, of the kind that they are judged on, so that the comparison "
            "is a guide and no proof. The constant answer is the best one for these very "
            "recordings."
        )
    left_out = [f"{text(one['name'])} is left out: {text(one['why'])}." for one in told["left_out"]]
    head = [
        "rule",
        SCORE_NAMES[main],
        "95 % interval",
        "network is better by",
        "95 % interval",
        "recordings",
    ]
    return [
        paragraph(how),
        table("What rules without memory reach", head, rows),
        bulleted(left_out) if left_out else "",
    ]
