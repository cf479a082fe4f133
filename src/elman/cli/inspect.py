"""`elman inspect`: a saved model in, what it is made of out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.console import output
from elman.cli.files import load_model
from elman.cli.kinds import is_of_numbers, kind_of_model
from elman.cli.tables import new_table, print_table
from elman.cli.text import visible
from elman.models.columns import KEPT
from elman.models.history import History


def inspect(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
) -> None:
    """Show what a saved model is.

    What it answers, its weights, hyper-parameters and training.
    """
    saved = load_model(model)
    weights = saved.model.network.params
    n_parameters = sum(w.size for w in weights.values())
    console = output()

    console.print(f"{model}: {saved.model.kind}", style="bold")
    facts = new_table()
    facts.show_header = False
    facts.add_column(style="bold")
    facts.add_column()
    for name, value in _answers(saved.model):
        facts.add_row(name, value)
    names = saved.model.feature_names
    shown = "" if names is None else f": {_listed(map(repr, names))}"
    facts.add_row("features", f"{saved.model.n_features_in}{shown}")
    if saved.model.columns:
        facts.add_row("columns", _columns(saved.model.columns))
    facts.add_row("parameters", f"{n_parameters:,}")
    facts.add_row("file", f"{model.stat().st_size:,} bytes")
    score = "R^2" if is_of_numbers(kind_of_model(saved.model)) else "accuracy"
    for name, value in _training_facts(saved.history, score):
        facts.add_row(name, value)
    print_table(console, "", facts)

    table = new_table()
    for column in ("name", "shape", "dtype"):
        table.add_column(column)
    table.add_column("parameters", justify="right")
    for name, weight in weights.items():
        shape = " x ".join(map(str, weight.shape))
        table.add_row(name, shape, str(weight.dtype), f"{weight.size:,}")
    print_table(console, "Weights", table)

    table = new_table()
    table.add_column("name")
    table.add_column("value")
    for name, value in saved.parameters.items():
        table.add_row(name, repr(value))
    print_table(console, "Hyper-parameters", table)


def _answers(model: Any) -> list[tuple[str, str]]:
    """What it answers with."""
    kind = kind_of_model(model)
    if is_of_numbers(kind):
        mean, scale = (_listed(f"{v:.6g}" for v in a.tolist()) for a in model.target_scale)
        n_targets = len(model.target_scale.mean)
        number = "number" if n_targets == 1 else f"{n_targets} numbers"
        of = "recording" if kind == "values" else "time step"
        return [
            ("answers", f"{number} for each {of}"),
            ("targets' mean", mean),
            ("targets' deviation", scale),
        ]
    classes = model.classes.tolist()
    if kind == "labels":
        return [("answers", f"any of {len(classes)} labels for each recording")]
    of = "time step" if kind == "steps" else "recording"
    shown = _listed(map(repr, classes))
    return [("answers", f"label for each {of}"), ("classes", f"{len(classes)}: {shown}")]


def _columns(columns: Mapping[str, Any]) -> str:
    """Which columns of the training data were what, as options of the commands say it."""
    parts = []
    for role in (role for role in KEPT if role in columns):
        names = columns[role]
        shown = "" if names is True else " " + _listed([names] if isinstance(names, str) else names)
        parts.append(f"--{role.replace('_', '-')}{shown}")
    return visible(" ".join(parts))


def _listed(values: Iterable[str], at_most: int = 20) -> str:
    first = [*islice(values, at_most + 1)]
    return ", ".join(first[:at_most]) + (", ..." if len(first) > at_most else "")


def _training_facts(history: History, score: str) -> list[tuple[str, str]]:
    """What the file says of how the model was trained."""
    losses = history.loss
    scores = [score for score in history.validation_score if score is not None]
    facts = [("epochs trained", str(len(history)))]
    if losses:
        facts.append(("training loss", f"{losses[0]:.4f} at first, {losses[-1]:.4f} at last"))
    if scores:
        facts.append((f"validation {score}", f"{max(scores):.4f} at best"))
    if history.stopped_by:
        facts.append(("ended by", history.stopped_by))
    return facts
