"""The numbers of a report in; how many, how long and of which classes its recordings are, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting import charts
from elman.reporting.html import MOST_ROWS, name, number, pairs, percent, table

Fact = dict[str, Any]


def data_section(facts: Fact) -> Sequence[str]:
    """The recordings in figures, a picture of their lengths, a table of what is to be predicted."""
    data, training = facts["data"], facts["training_data"]
    lengths = data["lengths"]
    same = lengths["min"] == lengths["max"]
    told = [
        ("recordings", f"{data['n_recordings']:,}"),
        ("time steps", f"{data['n_steps']:,} in all"),
        ("features", f"{data['n_features']:,}"),
        (
            "length",
            f"{lengths['min']:,} steps each"
            if same
            else f"{lengths['min']:,} to {lengths['max']:,} steps, half of them from "
            f"{number(lengths['q1'])} to {number(lengths['q3'])}, median "
            f"{number(lengths['median'])}",
        ),
        (
            "missing values",
            f"{data['n_missing']:,} of {data['n_values']:,} "
            f"({percent(data['n_missing'] / max(data['n_values'], 1))})"
            if data["n_missing"]
            else "none",
        ),
    ]
    if training is not None:
        there = training["lengths"]
        told.append(
            (
                "training data",
                f"{training['n_recordings']:,} recordings of {there['min']:,} to "
                f"{there['max']:,} steps, median {number(there['median'])}",
            )
        )
    parts = [pairs(told)]
    figures = []
    if not same:
        edges = [(bar["from"], bar["to"] + 1) for bar in data["histogram"]]
        counts = [bar["n"] for bar in data["histogram"]]
        alt = (
            f"How many recordings have each length: {data['n_recordings']} recordings of "
            f"{lengths['min']} to {lengths['max']} time steps, most often "
            f"{edges[counts.index(max(counts))][0]} to {edges[counts.index(max(counts))][1] - 1}"
        )
        picture = charts.bars(edges, counts, alt=alt, x_label="time steps", y_label="recordings")
        figures.append(charts.figure(picture, "Recordings by their length"))
    answers = data["answers"]
    if "classes" in answers:
        figures.append(_class_counts(answers, training))
    else:
        rows = [
            [
                name(one["target"]),
                f"{one['n']:,}",
                number(one["mean"]),
                number(one["deviation"]),
                number(one["min"]),
                number(one["max"]),
            ]
            for one in answers["targets"][:MOST_ROWS]
        ]
        head = ["target", "known", "mean", "deviation", "lowest", "highest"]
        figures.append(table("The numbers to be predicted", head, rows))
    parts.append(f'<div class="charts">{"".join(figures)}</div>')
    return parts


def _class_counts(answers: Fact, training: Fact | None) -> str:
    classes = answers["classes"]
    n_all = sum(one["n"] for one in classes) or 1
    head = ["class", "number", "share"]
    before: dict[str, int] = {}
    if training is not None:
        head.append("share in training")
        before = {repr(one["label"]): one["n"] for one in training["answers"]["classes"]}
    n_before = sum(before.values()) or 1
    kept = sorted(range(len(classes)), key=lambda k: (-classes[k]["n"], k))[:MOST_ROWS]
    rows = []
    for k in sorted(kept):
        one = classes[k]
        row = [
            name(one["label"]) + ("" if one["known"] else " (not known to the model)"),
            f"{one['n']:,}",
            percent(one["n"] / n_all),
        ]
        if training is not None:
            row.append(percent(before.get(repr(one["label"]), 0) / n_before))
        rows.append(row)
    more = len(classes) - len(rows)
    caption = "How often each class occurs" + (
        f" (the {len(rows)} commonest of {len(classes):,})" if more else ""
    )
    if answers["n_unlabelled"]:
        caption += f"; {answers['n_unlabelled']:,} time steps have no label"
    return table(caption, head, rows)
