"""The numbers of a report in; the matrix of true classes and answers, and the mistakes, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import MOST_ROWS, name, paragraph, scrolled, table

Fact = dict[str, Any]

MOST_OF_MATRIX = 20
"""classes of a confusion matrix on the page"""
HIT = ' class="hit"'


def confusion_section(facts: Fact) -> Sequence[str]:
    """The matrix, if it fits on a page, and the commonest mistakes; nothing for other models."""
    told = facts["confusion"]
    if told is None:
        return []
    labels, matrix = told["labels"], told["matrix"]
    unit = "time steps" if facts["model"]["answers"] == "steps" else "recordings"
    parts = []
    if matrix is not None and len(labels) <= MOST_OF_MATRIX:
        head = "".join(f'<th scope="col">{name(label, 24)}</th>' for label in labels)
        lines = []
        for i, row in enumerate(matrix):
            n = sum(row) or 1
            cells = "".join(
                f'<td{HIT if i == j else ""} style="--a:{_shade(c / n, i == j)}">{c:,}</td>'
                if c
                else '<td><span class="muted">·</span></td>'
                for j, c in enumerate(row)
            )
            lines.append(f'<tr><th scope="row">{name(labels[i], 24)}</th>{cells}</tr>')
        parts.append(
            scrolled(
                f'<table class="matrix"><caption>Rows are the true class, columns the answer; '
                f"{unit}. Shading is the share of the row.</caption>"
                f'<thead><tr><th scope="col">true \\ answer</th>{head}</tr></thead><tbody>\n'
                + "\n".join(lines)
                + "\n</tbody></table>"
            )
        )
        n_listed = 5
    else:
        parts.append(
            paragraph(
                f"There are {len(labels):,} classes, too many for a matrix on a page; these are "
                "the commonest mistakes."
            )
        )
        n_listed = MOST_ROWS
    rows = [
        [name(one["true"]), name(one["predicted"]), f"{one['count']:,}"]
        for one in told["mistakes"][:n_listed]
    ]
    if len(rows) > 1 or n_listed > 5:
        head_ = ["true class", "was taken for", unit]
        parts.append(table("The commonest mistakes", head_, rows, words=(0, 1)) if rows else "")
    if not rows:
        parts.append(paragraph("No class was taken for another."))
    return parts


def _shade(share: float, hit: bool) -> str:
    return f"{0.06 + 0.44 * (share if hit else share**0.5):.2f}"
