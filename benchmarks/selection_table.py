"""What `benchmarks.selection` wrote in; its tables for docs/explanation/accuracy.md out."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_text
from benchmarks.sheet import Sheet

Row = dict[str, Any]
"""settings, rank, mean, seconds, and of each set mean, worst, seconds and rank"""


def section(folder: Path) -> str | None:
    """All comparisons in a folder, by name, or None where there are none."""
    parts = []
    for path in sorted(folder.glob("selection-*.json")):
        found = json.loads(path.read_text())
        name = path.stem.removeprefix("selection-")
        made = [sheet.markdown() for sheet in sheets(name, found["rows"], found["repeats"])]
        parts += [*made, machine_text(found["machine"])]
    return "\n\n".join(parts) or None


def sheets(name: str, rows: list[Row], n_repeats: int) -> list[Sheet]:
    """Settings with a letter each, and what each did on every set."""
    letters = [_letter(i) for i in range(len(rows))]
    over_all = [
        [
            letter,
            in_words(row["settings"]),
            f"{row['rank']:.2f}",
            f"{row['mean']:.1f}",
            f"{_furthest(row, rows):.1f}",
            f"{row['seconds']:.1f}",
        ]
        for letter, row in zip(letters, rows, strict=True)
    ]
    by_set = [
        [
            of_set,
            *(f"{row['sets'][of_set]['mean']:.1f} ({row['sets'][of_set]['worst']:.0f})"
              for row in rows),
        ]
        for of_set in rows[0]["sets"]
    ]  # fmt: skip
    n_times = "once" if n_repeats == 1 else f"{n_repeats} times"
    return [
        Sheet(
            f"{name}: all sets",
            ("", "settings", "mean rank", "mean", "furthest behind", "CPU s"),
            over_all,
            "The mean of all sets, R^2 below 0 taken as 0; how far behind the best row on the set "
            "where that is most; seconds of CPU for one fit of each set, in sum. Five folds, "
            f"{n_times}, more often for sets of few samples, once for those of many.",
        ),
        Sheet(f"{name}: each set, and its worst fold", ("data", *letters), by_set),
    ]


def in_words(settings: dict[str, Any]) -> str:
    """What a row sets; several readouts are joined."""
    texts = {
        k: " and ".join(map(str, v)) if isinstance(v, list) else v for k, v in settings.items()
    }
    return ", ".join(f"{k} {v}" for k, v in texts.items()) or "the defaults of that day"


def _letter(i: int) -> str:
    """A to Z, then A2 to Z2."""
    turn, place = divmod(i, 26)
    return string.ascii_uppercase[place] + (str(turn + 1) if turn else "")


def _furthest(row: Row, rows: list[Row]) -> float:
    """As in the mean, no set counts for less than 0."""
    return max(
        max(max(0.0, r["sets"][name]["mean"]) for r in rows) - max(0.0, found["mean"])
        for name, found in row["sets"].items()
    )
