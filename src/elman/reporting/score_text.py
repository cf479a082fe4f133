"""A score, its interval, or a difference of two in; how it is written on the page, out."""

from __future__ import annotations

from typing import Any

from elman.reporting.html import number, percent

Fact = dict[str, Any]

SHARES = {"accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "subset_accuracy"}
SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "subset_accuracy": "all labels right",
    "log_loss": "log-loss (nats)",
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
}


def shown(score: str, value: float | None) -> str:
    """A score as it is written: shares in percent."""
    return percent(value) if score in SHARES else number(value)


def interval(score: str, fact: Fact) -> str:
    """The interval of a score, or that there is none."""
    if fact["low"] is None:
        return "–"
    return f"{shown(score, fact['low'])} to {shown(score, fact['high'])}"


def points(score: str, value: float | None) -> str:
    """A difference of scores, with its sign."""
    if value is None:
        return "–"
    sign = "+" if value > 0 else "−" if value < 0 else ""
    if score in SHARES:
        return f"{sign}{100 * abs(value):.1f} points"
    return sign + number(abs(value))


def points_interval(score: str, fact: Fact) -> str:
    """The interval of a difference, or that there is none."""
    if fact["low"] is None:
        return "–"
    low, high = (points(score, fact[end]).replace(" points", "") for end in ("low", "high"))
    return f"{low} to {high}"
