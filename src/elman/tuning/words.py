"""The numbers of a search in; sentences about them, and a short table, out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.tuning.candidates import Effect, is_clear, without_rounding
from elman.tuning.space import described

if TYPE_CHECKING:
    from elman.tuning.table import TuningTable

N_SHOWN = 8
"""Rows of the short table"""


class Wording(NamedTuple):
    """How a score is written."""

    in_percent: bool

    def score(self, value: float) -> str:
        """Such as "93.4 %" or "0.872"."""
        return f"{100 * value:.1f} %" if self.in_percent else f"{value:.3f}"

    def error(self, value: float) -> str:
        """A standard error, beside a score."""
        if math.isnan(value):
            return "?"
        return f"{100 * value:.1f}" if self.in_percent else f"{value:.3f}"

    def gain(self, value: float) -> str:
        """Such as "+14.0 points" or "-0.012"."""
        if self.in_percent:
            return f"{round(100 * value, 1) + 0.0:+.1f} points"  # -0.0 + 0.0 is 0.0
        return f"{round(value, 3) + 0.0:+.3f}"


def told(table: TuningTable) -> str:
    """What a search came to, in sentences, a line for each matter."""
    parts = [_ending(table), _best(table), _luck(table), _beside_untouched(table)]
    parts += [
        _failed(table),
        _mattered(table),
        _rules(table),
        *_verdict_on_rules(table),
        _again(table),
    ]
    return "\n".join(part for part in parts if part)


def short_table(table: TuningTable) -> str:
    """The first rows, in columns."""
    cells = [["", table.score, "+-", "on fresh folds", "+-", "epochs", "changes"]]
    for row in table.rows[:N_SHOWN]:
        cells.append(cells_of(row, table.wording, table.best["n_folds"]))
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]) - 1)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in cells
    ]
    rest = len(table.rows) - N_SHOWN
    if rest > 0:
        lines.append(f"... and {counted(rest, 'more candidate')}")
    return "\n".join(line.rstrip() for line in lines)


def cells_of(row: dict[str, Any], wording: Wording, n_folds: int) -> list[str]:
    """A row of the short table, of a search on so many folds."""

    def pair(score: str, error: str) -> list[str]:
        if row[score] is None:
            return ["-", ""]
        return [wording.score(row[score]), wording.error(_number(row[error]))]

    share = row["share_of_epochs"]
    trained = "all" if share == 1 else f"{share:.0%}" if share else "-"
    name = described(row["changes"])
    if row["n_folds"] < n_folds and row["failure"] is None:
        name += f" (on {row['n_folds']} of {n_folds} folds: the time was over)"
    if row["failure"] is not None:
        name += f" (failed: {row['failure']:.60})"
    scores = pair("score", "standard_error") + pair("fresh_score", "fresh_standard_error")
    return [str(row["candidate"]), *scores, trained, name]


def counted(n: int, what: str) -> str:
    """Such as "1 fold" and "2 folds"."""
    return f"{n} {what}{'s' * (n != 1)}"


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _ending(table: TuningTable) -> str:
    if table.interrupted:
        return "Interrupted: the best that was found until then was trained on all samples."
    return ""


def _best(table: TuningTable) -> str:
    best, n = table.best, len(table.rows)
    name = described(best["changes"])
    if best["candidate"] == 0:
        name = "the estimator as it was given"
    who = f"Best of {n} candidates" if n > 1 else "The only candidate"
    if best["score"] is None:
        why = best["failure"] or "the time was over before it could be"
        return f"{who}: {name}, which was not scored: {_stopped(why)}"
    return f"{who}: {name}.{_why_this(table)}"


def _why_this(table: TuningTable) -> str:
    """Where scores alone do not choose the best candidate, why it is that one."""
    best, of_best = table.best, _level(table.best)
    others = [
        (row, _level(row))
        for row in table.rows
        if row is not best
        and row["failure"] is None
        and row["share_of_epochs"] == 1
        and all(row[n] == best[n] for n in ("n_folds", "n_fresh"))
    ]
    if best["candidate"] == 0 and any(level > of_best for _, level in others):
        return (
            " Some candidates score higher on all folds together, but none of these on the fresh "
            "folds alone."
        )
    equal = [row for row, level in others if level == of_best]
    equal = [row for row in equal if len(row["changes"]) > len(best["changes"])]
    if not equal:
        return ""
    verb = "scores" if len(equal) == 1 else "score"
    return (
        f" {counted(len(equal), 'candidate')} with more changes {verb} exactly as much, which is "
        "no reason to change more."
    )


def _level(row: dict[str, Any]) -> float:
    """The mean score over all folds, fresh ones too."""
    n, n_fresh = row["n_folds"], row["n_fresh"]
    fresh = row["fresh_score"] * n_fresh if n_fresh else 0.0
    return without_rounding((row["score"] * n + fresh) / (n + n_fresh))


def _luck(table: TuningTable) -> str:
    best, wording = table.best, table.wording
    if best["score"] is None:
        return ""
    where = f"on {table.folds}"
    if not table.folds.startswith(f"{best['n_folds']} "):
        where = f"on {best['n_folds']} of {table.folds}"
    searched = f"{wording.score(best['score'])} +- {wording.error(_number(best['standard_error']))}"
    if best["fresh_score"] is None:
        warned = " The best score of several is partly luck, so expect a little less."
        alone = len(table.rows) == 1
        return f"Its {table.score} is {searched} {where}.{'' if alone else warned}"
    fresh = wording.score(best["fresh_score"])
    error = wording.error(_number(best["fresh_standard_error"]))
    return (
        f"Its {table.score} is {fresh} +- {error} on {best['n_fresh']} fresh folds, on which only "
        f"the finalists were trained ({searched} {where}, where it was found: the best score of "
        "several is partly luck)."
    )


def _beside_untouched(table: TuningTable) -> str:
    gain = table.gain
    if gain is None:
        return ""
    wording = table.wording
    text = f"Beside the estimator as it was given: {wording.gain(gain.gain)} +- "
    text += f"{wording.error(gain.error)} on the same {counted(gain.n_folds, 'fold')}"
    if gain.within_noise:
        text += ", which is within noise: it may be no better"
    return text + "."


def _failed(table: TuningTable) -> str:
    """What candidates failed for: their rows have room for the first words only."""
    failed = sorted(
        (row for row in table.rows if row["failure"] is not None and row is not table.best),
        key=lambda row: row["candidate"],
    )
    if not failed:
        return ""
    first = failed[0]
    text = f"{counted(len(failed), 'candidate')} failed, the first of them {first['candidate']} "
    return f"{text}({described(first['changes'])}): {_stopped(first['failure'])}"


def _stopped(text: str) -> str:
    """A sentence with its full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _mattered(table: TuningTable) -> str:
    if not table.what_mattered:
        return ""
    parts = [_effect(each, table.wording) for each in table.what_mattered]
    return f"What mattered, one change at a time: {'; '.join(parts)}."


def _effect(effect: Effect, wording: Wording) -> str:
    noise = ", within noise" if effect.within_noise else ""
    early = "" if effect.share == 1 else f" after {effect.share:.0%} of the epochs"
    error = wording.error(effect.error)
    return f"{effect.change} {wording.gain(effect.gain)} +- {error}{early}{noise}"


def _rules(table: TuningTable) -> str:
    known = [each for each in table.baselines if each.score is not None]
    if not known:
        return ""
    parts = [f"{each.name} {table.wording.score(each.score.mean)}" for each in known if each.score]
    return f"Simple rules on the same folds: {'; '.join(parts)}."


def _verdict_on_rules(table: TuningTable) -> list[str]:
    """What has to be said where a rule is as good."""
    known = [each for each in table.baselines if each.gain_of_best is not None]
    if not known:
        return []
    best = max(known, key=lambda each: each.score.mean if each.score else -math.inf)
    gain = best.gain_of_best
    assert gain is not None
    if gain.mean <= 0:
        return [
            f"{best.name.capitalize()} does no worse than the best network: use that rule, or "
            "gather more recordings."
        ]
    if not is_clear(*gain):
        return [
            f"The best network is not clearly better than {best.name}: "
            f"{table.wording.gain(gain.mean)} +- {table.wording.error(gain.error)}."
        ]
    return []


def _again(table: TuningTable) -> str:
    if table.cut_short:
        return (
            "The time ran out during the last training, on all samples, which ended early: fit the "
            "estimator again, without a limit, for all its epochs."
        )
    return ""
