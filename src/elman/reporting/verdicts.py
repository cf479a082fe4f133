"""The numbers of a report in; what a reader should know first, in sentences (HTML), out."""

from __future__ import annotations

from typing import Any

from elman.reporting.html import name, names, number, percent, text

Fact = dict[str, Any]

SATURATED = 0.5
"""share of gates and states from which it is pointed out"""
GAP = 0.1
"""expected calibration error from which it is pointed out"""
FEW = 30
"""recordings, below which scores are said to be rough"""


def best_rule(facts: Fact) -> Fact | None:
    """The simple rule with the highest score; None where no score is defined."""
    rows = [row for row in facts["baselines"]["rows"] if row["score"]["value"] is not None]
    return max(rows, key=lambda row: row["score"]["value"], default=None)


def summary(facts: Fact) -> list[str]:
    """How good the model is, and whether simple rules are as good."""
    main = facts["scores"]["main"]
    fact = facts["scores"]["values"][main]
    n = facts["data"]["n_recordings"]
    what = f"{n:,} recording{'s' * (n != 1)}"
    if facts["model"]["answers"] == "steps":
        what = f"the labelled time steps of {what}"
    is_share = main != "r2"
    if fact["value"] is None:
        return [f"No score is defined on {what}."]
    shown = percent if is_share else number
    between = (
        f" (95 % interval {shown(fact['low'])} to {shown(fact['high'])})"
        if fact["low"] is not None
        else ""
    )
    told = {
        "accuracy": f"The model labels <strong>{shown(fact['value'])}</strong> of {what} rightly",
        "subset_accuracy": "The model gets every label right of "
        f"<strong>{shown(fact['value'])}</strong> of {what}",
        "r2": f"The model reaches an R² of <strong>{shown(fact['value'])}</strong> on {what}",
    }[main]
    sentences = [f"{told}{between}."]
    rule = best_rule(facts)
    if rule is not None:
        better = rule["difference"]
        sentences.append(
            f"The best simple rule, {text(rule['name'])}, reaches {shown(rule['score']['value'])}"
            f"{_compared(better, is_share)}."
        )
    return sentences


def _compared(better: Fact, is_share: bool) -> str:
    """Whether the network is better than a rule, and whether that may be chance."""
    value = better["value"]
    if value is None:
        return ""
    by = f"{100 * abs(value):.1f} points" if is_share else number(abs(value))
    if better["low"] is None or better["low"] <= 0 <= better["high"]:
        side = "better" if value > 0 else "worse"
        if value == 0:
            return ": the network is no better"
        return f"; that the network is {side} by {by} may be chance"
    side = "better" if value > 0 else "worse"
    return f"; the network is {side} by {by}, more than chance explains"


def notes(facts: Fact) -> list[str]:
    """What is odd about the data, the model or the comparison; most reports have few."""
    found = []
    data, training = facts["data"], facts["training_data"]
    n = data["n_recordings"]
    if n < FEW:
        found.append(
            f"There {'are' if n != 1 else 'is'} only {n} recording{'s' * (n != 1)}: every number "
            "here is rough."
        )
    rule = best_rule(facts)
    better = {} if rule is None else rule["difference"]
    if rule is not None and better["value"] is not None and better["value"] <= 0:
        sure = better["high"] is not None and better["high"] < 0
        does = "does better than" if sure else "is no worse here than"
        chance = "" if sure else ", by no more than chance explains"
        found.append(f"A simple rule, {text(rule['name'])}, {does} the network{chance}.")
    classes = data["answers"].get("classes", [])
    strangers = [one["label"] for one in classes if not one["known"]]
    if strangers:
        found.append(
            f"The model does not know {names(strangers, 5)}: every answer to "
            f"{'these labels' if len(strangers) > 1 else 'this label'} is wrong, and the log-loss "
            "leaves them out."
        )
    there = [one for one in classes if one["n"]]
    if len(there) == 1 and facts["model"]["answers"] != "labels":
        found.append(
            f"All labels are {name(there[0]['label'], 60)}: scores say nothing of other classes."
        )
    absent = [one["label"] for one in classes if not one["n"]]
    if absent and len(there) > 1:
        found.append(f"No recording has {names(absent, 5)}, so that nothing is known of how well "
                     "it is recognised.")  # fmt: skip
    if data["n_without_steps"]:
        found.append(
            f"{data['n_without_steps']:,} recording(s) have no time step and are answered from the "
            "initial state."
        )
    if training is not None and training["n_in_both"]:
        found.append(
            f"{training['n_in_both']:,} recording(s) occur, value for value, in the training data "
            "as well: scores on them are too good."
        )
    drift = facts["drift"]
    if drift is not None and drift["n_flagged"]:
        moved = [row["feature"] for row in drift["features"] if row["flagged"]]
        found.append(f"Drifted since training: {names(moved, 5)}.")
    for row in [] if drift is None else drift["categories"]:
        if row["flagged"]:
            found.append(
                f"{percent(row['unknown_here'])} of the values of {name(row['column'])} are "
                f"unknown to the model; in training it was {percent(row['unknown_in_training'])}."
            )
    calibration = facts["calibration"]
    if calibration is not None and n >= FEW:
        gap = calibration["expected_calibration_error"]
        if gap is not None and gap >= GAP:
            found.append(f"Its probabilities are off by {percent(gap)} on average.")
    saturated = facts["health"]["saturated"]
    if saturated is not None and saturated >= SATURATED:
        found.append(f"{percent(saturated)} of gates and states are saturated.")
    return found
