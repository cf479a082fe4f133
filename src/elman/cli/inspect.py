"""`elman inspect`: a saved model in, what it is made of out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.console import output
from elman.cli.files import load_model
from elman.cli.tables import new_table, print_table
from elman.history import History


def inspect(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
) -> None:
    """Show what a saved model is.

    Its classes, weights, hyper-parameters and training.
    """
    saved = load_model(model, several_labels=True)
    weights = saved.model.network.params
    n_parameters = sum(w.size for w in weights.values())
    classes = saved.model.classes.tolist()
    console = output()

    console.print(f"{model}: {saved.model.name}", style="bold")
    facts = new_table()
    facts.show_header = False
    facts.add_column(style="bold")
    facts.add_column()
    shown = ", ".join(map(repr, classes[:20])) + (", ..." if len(classes) > 20 else "")
    facts.add_row("classes", f"{len(classes)}: {shown}")
    facts.add_row("features", str(saved.model.n_features_in))
    facts.add_row("parameters", f"{n_parameters:,}")
    facts.add_row("file", f"{model.stat().st_size:,} bytes")
    for name, value in _training_facts(saved.history):
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


def _training_facts(history: History) -> list[tuple[str, str]]:
    """What the file says of how the model was trained."""
    losses = history.loss
    scores = [score for score in history.validation_score if score is not None]
    facts = [("epochs trained", str(len(history)))]
    if losses:
        facts.append(("training loss", f"{losses[0]:.4f} at first, {losses[-1]:.4f} at last"))
    if scores:
        facts.append(("validation accuracy", f"{max(scores):.4f} at best"))
    if history.stopped_by:
        facts.append(("ended by", history.stopped_by))
    return facts
