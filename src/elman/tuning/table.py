"""What a search found: candidates with their scores, what mattered, and what simple rules reach."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from elman.formats.atomic import replacing
from elman.models.tables import to_frame
from elman.tuning.candidates import Effect, Estimate
from elman.tuning.words import Wording, short_table, told

COLUMNS = (
    *("candidate", "changes", "origin", "score", "standard_error", "n_folds"),
    *("fresh_score", "fresh_standard_error", "n_fresh", "share_of_epochs"),
    *("epochs", "seconds", "failure"),
)
"""of `rows`"""


class Baseline(NamedTuple):
    """What a simple rule reached on the folds that the best candidate's score is from."""

    name: str
    score: Estimate | None
    """None if it could not be learned or scored"""
    gain_of_best: Estimate | None
    """by how much the best candidate is better, on the same folds"""
    why_not: str | None

    def to_dict(self) -> dict[str, Any]:
        """By name, in plain values."""
        score, gain = self.score, self.gain_of_best
        return {
            "name": self.name,
            "score": None if score is None else score.mean,
            "standard_error": None if score is None else score.error,
            "gain_of_best": None if gain is None else gain.mean,
            "standard_error_of_gain": None if gain is None else gain.error,
            "why_not": self.why_not,
        }


@dataclass(frozen=True, eq=False, repr=False)
class TuningTable:
    """What `elman.tune` found; printed, it says so in words.

    Attributes
    ----------
    rows : list of dict
        Candidates, the best first: first those that were scored again on fresh folds, then those
        that were trained to the end, then the others. `candidate` is its number, 0 the estimator as
        it was given; `changes` a dict of what it changes of that; `origin` one of "untouched",
        "single change", "combined" and "random"; `score` the mean over the folds that all
        candidates were scored on, after `share_of_epochs` of its epochs; `fresh_score` the mean
        over those that only finalists were scored on; `epochs` and `seconds` what was trained in
        all; `failure` why there is no score. What there is none of is None.
    best : dict
        The row of the candidate that was chosen.
    what_mattered : list of Effect
        What each single change gained, on the same folds, the largest gain first.
    gain : Effect or None
        What the chosen candidate gained beside the untouched estimator, on fresh folds if there
        are any; None if it is the untouched one.
    baselines : list of Baseline
        What simple rules reach.
    folds : str
        What the folds are.
    score : str
        What is scored.
    random_state : int
        With which the estimator that was returned can be trained again, to the same bits.
    interrupted : bool
        Whether Ctrl-C ended the search.
    cut_short : bool
        Whether the minutes were over before the last training was.
    """

    rows: list[dict[str, Any]]
    best: dict[str, Any]
    what_mattered: list[Effect]
    gain: Effect | None
    baselines: list[Baseline]
    folds: str
    score: str
    random_state: int
    interrupted: bool
    cut_short: bool
    wording: Wording

    @property
    def summary(self) -> str:
        """What the search came to, in sentences."""
        return told(self)

    def __repr__(self) -> str:
        return short_table(self) + "\n\n" + self.summary

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values that JSON can hold; what is not finite is None."""
        found: dict[str, Any] = _plain(
            {
                "score": self.score,
                "folds": self.folds,
                "random_state": self.random_state,
                "interrupted": self.interrupted,
                "cut_short": self.cut_short,
                "best": self.best,
                "gain": None if self.gain is None else self.gain.to_dict(),
                "what_mattered": [each.to_dict() for each in self.what_mattered],
                "baselines": [each.to_dict() for each in self.baselines],
                "candidates": self.rows,
                "summary": self.summary,
            }
        )
        return found

    def to_frame(self) -> Any:
        """The rows as a data frame: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        rows = self._flat()
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return to_frame(columns, "TuningTable.to_frame", "TuningTable.rows needs neither")

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Write the rows as CSV, with a column for each hyper-parameter that any candidate changes.

        Parameters
        ----------
        path : path-like, optional
            The file, replaced if there is one. Without it the text is returned.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        rows = self._flat()
        out = io.StringIO()
        writer = csv.DictWriter(out, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        if path is None:
            return out.getvalue()
        with replacing(path) as file:
            file.write(out.getvalue().encode())
        return None

    def _flat(self) -> list[dict[str, Any]]:
        """Rows with the changes in columns of their own; what is not changed is None."""
        names = list(dict.fromkeys(name for row in self.rows for name in row["changes"]))
        flat = []
        for row in self.rows:
            plain = {name: row[name] for name in COLUMNS if name != "changes"}
            changes = {name: _cell(row["changes"].get(name)) for name in names}
            flat.append({**plain, **changes})
        return flat


def _cell(value: Any) -> Any:
    """A hyper-parameter as a cell of a table has it."""
    return json.dumps(value) if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)


def finite(value: float) -> float | None:
    """The number, or None for NaN."""
    return None if math.isnan(value) else value


def ordered(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows, the best first; the order of rows that are alike in this stays."""

    def key(row: dict[str, Any]) -> tuple[bool, float, int, float]:
        score, share = row["score"], row["share_of_epochs"]
        judged = row["fresh_score"] is None, -share, -row["n_folds"]
        return *judged, 0 if score is None else -score

    return sorted(rows, key=key)
