"""The scores of `benchmarks.learning` in; the table of docs/explanation/accuracy.md out."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import machine_text
from benchmarks.sheet import Sheet

HEADINGS = (
    *("task", "cell", "goal", "seeds at it", "mean ± standard error", "worst seed", "met"),
    *("PyTorch", "its worst", "no worse"),
)
Scores = dict[str, float]
"""Seed, as JSON has it -> test accuracy in per cent, or mean squared error"""


class Summary(NamedTuple):
    """Scores of some seeds."""

    mean: float
    standard_error: float

    def text(self, n_digits: int) -> str:
        """Both, as a table shows them."""
        return f"{self.mean:.{n_digits}f} ± {self.standard_error:.{n_digits}f}"


def summary(scores: list[float]) -> Summary:
    spread = statistics.stdev(scores) if scores[1:] else 0.0
    return Summary(statistics.mean(scores), spread / len(scores) ** 0.5)


def n_reached(row: dict[str, Any], scores: Scores) -> int:
    """How many seeds are at the goal."""
    goal, less_is_better = row["goal"], row["is_regression"]
    return sum(s <= goal if less_is_better else s >= goal for s in scores.values())


def passed(row: dict[str, Any]) -> bool:
    """Whether our scores meet the goal; of fewer than ten seeds, the same share must reach it."""
    scores = row["scores"]["elman"]
    if row["n_needed"] is not None:
        return n_reached(row, scores) * 10 >= row["n_needed"] * len(scores)
    mean = statistics.mean(scores.values())
    return bool(mean <= row["goal"] if row["is_regression"] else mean >= row["goal"])


def keeps_up(ours: Summary, peer: Summary, is_regression: bool) -> bool:
    """Whether our mean is the peer's within 2 standard errors of the difference, or better."""
    gap = peer.mean - ours.mean
    worse_by = -gap if is_regression else gap
    return bool(worse_by <= 2 * float(np.hypot(ours.standard_error, peer.standard_error)))


def goal_text(row: dict[str, Any]) -> str:
    goal = f"MSE <= {row['goal']:g}" if row["is_regression"] else f">= {row['goal']:g} %"
    goal = "100 %" if row["goal"] == 100 else goal
    return f"mean {goal}" if row["n_needed"] is None else f"{goal} in {row['n_needed']} of 10"


def with_torch(row: dict[str, Any], n_digits: int) -> list[str]:
    """PyTorch's mean and worst, and whether ours keeps up on the same seeds; dashes without it."""
    ours, peers = row["scores"]["elman"], row["scores"]["torch"]
    same = [seed for seed in peers if seed in ours]
    if not same:
        return ["-", "-", "-"]
    theirs = [peers[seed] for seed in same]
    peer = summary(theirs)
    is_enough = keeps_up(summary([ours[seed] for seed in same]), peer, row["is_regression"])
    fewer = "" if len(same) == len(ours) else f" ({len(same)} seeds)"
    return [
        f"{peer.text(n_digits)}{fewer}",
        f"{worst(row, theirs):.{n_digits}f}",
        "yes" if is_enough else "**no**",
    ]


def worst(row: dict[str, Any], scores: list[float]) -> float:
    return max(scores) if row["is_regression"] else min(scores)


def sheets(result: dict[str, Any]) -> list[Sheet]:
    """One row for each task and cell of which we have a score."""
    lines = []
    for row in result["rows"]:
        scores = list(row["scores"]["elman"].values())
        if not scores:
            continue
        n_digits = 5 if row["is_regression"] else 2
        lines.append(
            [
                f"{row['task']}: {row['about']}",
                row["cell"],
                goal_text(row),
                f"{n_reached(row, row['scores']['elman'])} of {len(scores)}",
                summary(scores).text(n_digits),
                f"{worst(row, scores):.{n_digits}f}",
                "yes" if passed(row) else "**no**",
                *with_torch(row, n_digits),
            ]
        )
    return [Sheet("Test accuracy in %, or mean squared error", HEADINGS, lines)]


LINEAR_HEADINGS = (
    *("task", "linear model", "its accuracy", "elman, best cell", "PyTorch, best cell"),
    *("best possible", "better"),
)


def linear_section(results: Path) -> str | None:
    """Linear models beside networks on sequences of symbols, as Markdown; None without any."""
    path, of_networks = results / "learning-linear.json", results / "learning.json"
    if not path.exists():
        return None
    linear = json.loads(path.read_text())
    rows = json.loads(of_networks.read_text())["rows"] if of_networks.exists() else []
    sheet = linear_sheet(linear["tasks"], rows)
    return f"{sheet.markdown()}\n\n{machine_text(linear['machine'])}"


def linear_sheet(tasks: dict[str, Any], rows: list[dict[str, Any]]) -> Sheet:
    """Of each task the linear model and, where they were trained, the better of the networks.

    Parameters
    ----------
    tasks : dict
        Name of a task -> what `benchmarks.learning_linear` found.
    rows : list of dict
        Those of `benchmarks.learning`.
    """
    lines, won = [], []
    for name, found in tasks.items():
        if not found["scores"]:
            continue
        score = summary(list(found["scores"].values()))
        ours, peers = (_best_cell(rows, name, side) for side in ("elman", "torch"))
        limit = statistics.mean(found["limits"].values()) if found["limits"] else None
        better = "-"
        if ours is not None:
            better = "elman" if ours[1].mean > score.mean else "linear"
            won += [name] if better == "linear" else []
        lines.append(
            [
                f"{name}: {found['about']}",
                found["chosen"],
                _text(score, len(found["scores"])),
                *(
                    "-" if best is None else f"{best[1].text(2)} ({best[0]})"
                    for best in (ours, peers)
                ),
                "-" if limit is None else f"{limit:.2f}",
                better,
            ]
        )
    notes = f"The linear model is better on: {', '.join(won)}." if won else ""
    return Sheet("Test accuracy in %, linear models and networks", LINEAR_HEADINGS, lines, notes)


def _best_cell(rows: list[dict[str, Any]], name: str, side: str) -> tuple[str, Summary] | None:
    """The cell of the largest mean, and that; None where none was trained."""
    found = [
        (row["cell"], summary(list(row["scores"][side].values())))
        for row in rows
        if row["task"] == name and row["scores"][side]
    ]
    return max(found, key=lambda item: item[1].mean, default=None)


def _text(score: Summary, n_seeds: int) -> str:
    """Without a standard error where there is one score, since the data are given."""
    return f"{score.mean:.2f}" if n_seeds == 1 else score.text(2)
