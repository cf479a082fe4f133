"""The numbers of a report in; precision, recall and F1 of each class or label, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import MOST_ROWS, name, percent, table

Fact = dict[str, Any]


def classes_section(facts: Fact) -> Sequence[str]:
    """Each class or label in a table; nothing for a model of numbers."""
    classes = facts["classes"]
    if classes is None:
        return []
    order = [*range(len(classes))]
    what = "label" if facts["model"]["answers"] == "labels" else "class"
    caption = f"Precision, recall and F1 of each {what}"
    if len(classes) > MOST_ROWS:
        order = sorted(
            (k for k in order if classes[k]["n_true"]),
            key=lambda k: (classes[k]["f1"] or 0, k),
        )[:MOST_ROWS]
        caption += f" (the {len(order)} with the lowest F1 of {len(classes):,})"
    rows = [
        [
            name(classes[k]["label"]),
            f"{classes[k]['n_true']:,}",
            f"{classes[k]['n_predicted']:,}",
            percent(classes[k]["precision"]),
            percent(classes[k]["recall"]),
            percent(classes[k]["f1"]),
        ]
        for k in order
    ]
    return [table(caption, [what, "true", "answered", "precision", "recall", "F1"], rows)]
