"""The numbers of a report in; each feature against the training data, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import MOST_ROWS, name, number, paragraph, percent, table
from elman.reporting.score_text import points

Fact = dict[str, Any]


def drift_section(facts: Fact) -> Sequence[str]:
    """Whether features have drifted, a table of them, and the rule by which this is said."""
    drift = facts["drift"]
    if drift is None:
        return [
            paragraph(
                "The model keeps no statistics of its training data (standardize=False), and no "
                "training data was passed, so that nothing can be said of drift."
            )
        ]
    rule = drift["rule"]
    categories = _categories(drift["categories"], rule)
    rows = drift["features"]
    if not rows:
        return categories
    order = sorted(
        range(len(rows)),
        key=lambda k: (not rows[k]["flagged"], -abs(rows[k]["shift"] or 0), k),
    )[:MOST_ROWS]
    if len(rows) <= MOST_ROWS:
        order = [*range(len(rows))]
    cells = [
        [
            name(rows[k]["feature"]) + (" <b>(drifted)</b>" if rows[k]["flagged"] else ""),
            number(rows[k]["training_mean"]),
            number(rows[k]["training_deviation"]),
            points("", rows[k]["shift"] and round(rows[k]["shift"], 3)),
            number(rows[k]["shift_error"], 2),
            number(rows[k]["ratio"]),
            f"{rows[k]['n_missing']:,}",
        ]
        for k in order
    ]
    caption = "Each feature against the training data"
    if len(rows) > len(order):
        caption += f" (the {len(order)} that moved most of {len(rows):,})"
    head = [
        "feature",
        "mean in training",
        "deviation in training",
        "shift of the mean, in deviations",
        "its standard error",
        "ratio of deviations",
        "missing here",
    ]
    where = (
        "The model keeps mean and deviation of each feature in its training data."
        if drift["source"] == "the model"
        else "Mean and deviation are those of the training data that was passed."
    )
    flagged = drift["n_flagged"]
    many = f"{flagged:,} of {len(rows):,} features have" if flagged != 1 else "One feature has"
    verdict = f"{many} drifted." if flagged else "No feature has drifted."
    how = (
        f"A feature is pointed out if its mean moved by at least {rule['shift']} deviations and "
        f"more than {rule['errors']} standard errors (recordings count as independent, their steps "
        f"do not), or if its deviation is over {rule['ratio']} times or under 1/{rule['ratio']} of "
        f"that in training (of {rule['fewest']} recordings or more)."
    )
    return [
        paragraph(where, f"<strong>{verdict}</strong>"),
        table(caption, head, cells, flags=[rows[k]["flagged"] for k in order]),
        paragraph(how, kind="muted"),
        *categories,
    ]


def _categories(rows: Sequence[Fact], rule: Fact) -> list[str]:
    """What is unknown of the categories of each column, if there are any."""
    if not rows:
        return []
    cells = [
        [
            name(row["column"]) + (" <b>(more unknown)</b>" if row["flagged"] else ""),
            f"{row['n_categories']:,}",
            percent(row["unknown_in_training"]),
            percent(row["unknown_here"]),
            percent(row["unknown_error"]),
            f"{row['n_missing']:,}",
        ]
        for row in rows
    ]
    head = [
        "column",
        "categories",
        "unknown in training",
        "unknown here",
        "its standard error",
        "missing here",
    ]
    how = (
        "A token is unknown if it did not occur in training, or too rarely. A column is pointed "
        "out if "
        f"the share of unknown tokens is at least {100 * rule['unknown']:.0f} points above that of "
        f"training, and more than {rule['errors']} standard errors (recordings count as "
        "independent, their steps do not)."
    )
    return [
        table("Unknown categories", head, cells, flags=[row["flagged"] for row in rows]),
        paragraph(how, kind="muted"),
    ]
