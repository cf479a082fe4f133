"""The numbers of a report in; how long training took, and its learning curves, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.charts import Line
from elman.reporting.html import number, paragraph, text

Fact = dict[str, Any]


def training_section(facts: Fact) -> Sequence[str]:
    """What ended training, and pictures of loss and score by epoch."""
    told = facts["history"]
    if told is None:
        return [
            paragraph(
                "What was passed is a model without the record of its training: pass the estimator "
                "to see the learning curve."
            )
        ]
    columns, best = told["columns"], told["best_epoch"]
    epochs = columns["epoch"]
    ended = f", and was ended by {text(told['stopped_by'])}" if told["stopped_by"] else ""
    words = f"Training took {told['n_epochs']:,} epoch(s){ended}. " + (
        f"The best one was epoch {best:,}, which the pictures mark." if best else ""
    )
    for name in ("batch_size", "max_iter"):
        if told[f"{name}_reason"]:
            words += f" {name}=&quot;auto&quot; was {text(told[f'{name}_reason'])}."
    figures = []
    losses = _lines(columns, epochs, ("loss", "training"), ("validation_loss", "validation"))
    values = [v for line in losses for v in line.y if v is not None]
    log = bool(values) and min(values) > 0 and max(values) > 20 * min(values)
    scores = _lines(columns, epochs, ("score", "training"), ("validation_score", "validation"))
    of_numbers = facts["targets"] is not None
    for what, found, scale in (
        ("loss", losses, log),
        ("R²" if of_numbers else "accuracy", scores, False),
    ):
        if not found:
            continue
        end = [next((v for v in reversed(line.y) if v is not None), None) for line in found]
        alt = f"{what} by epoch, 1 to {epochs[-1]}: " + ", ".join(
            f"{line.name} ends at {number(v)}" for line, v in zip(found, end, strict=True)
        )
        share = what == "accuracy"
        low = min([0, *(v for line in found for v in line.y if v is not None)])
        ends = (0, 1) if share else (max(low, -1), 1) if what == "R²" else None
        picture = charts.lines(
            found,
            alt=alt,
            x_label="epoch",
            y_label=what,
            x_range=(1, max(epochs[-1], 2)),
            y_range=ends,
            percent=(False, share),
            log=scale,
            whole=True,
            mark=best or None,
        )
        legend = charts.key([line.name for line in found])
        figures.append(charts.figure(picture, f"{what[0].upper()}{what[1:]} by epoch. {legend}"))
    return [paragraph(words), f'<div class="charts">{"".join(figures)}</div>']


def _lines(columns: Fact, epochs: list[int], *wanted: tuple[str, str]) -> list[Line]:
    found = []
    for column, label in wanted:
        values = columns.get(column)
        if values and any(v is not None for v in values):
            found.append(Line(label, epochs, values, dots=len(epochs) < 3))
    return found
