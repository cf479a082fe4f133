"""`elman inspect`: a saved model in, what it is made of out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.console import output
from elman.cli.files import load_model
from elman.cli.tables import new_table, print_table


def inspect(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
) -> None:
    """Show what a saved model is.

    Its classes, weights, hyper-parameters and training.
    """
    classifier: Any = load_model(model)
    weights = classifier.weights_
    n_parameters = sum(w.size for w in weights.values())
    classes = classifier.classes_.tolist()
    console = output()

    console.print(f"{model}: {type(classifier).__name__}", style="bold")
    facts = new_table()
    facts.show_header = False
    facts.add_column(style="bold")
    facts.add_column()
    shown = ", ".join(map(repr, classes[:20])) + (", ..." if len(classes) > 20 else "")
    facts.add_row("classes", f"{len(classes)}: {shown}")
    facts.add_row("features", str(classifier.n_features_in_))
    facts.add_row("parameters", f"{n_parameters:,}")
    facts.add_row("file", f"{model.stat().st_size:,} bytes")
    for name, value in _training_facts(classifier):
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
    for name, value in classifier.get_params().items():
        table.add_row(name, repr(value))
    print_table(console, "Hyper-parameters", table)


def _training_facts(classifier: Any) -> list[tuple[str, str]]:
    """What the file says of how the model was trained."""
    losses, scores = classifier.loss_curve_, classifier.validation_scores_
    facts = [("epochs trained", str(classifier.n_iter_))]
    if losses:
        facts.append(("training loss", f"{losses[0]:.4f} at first, {losses[-1]:.4f} at last"))
    if scores:
        facts.append(("validation accuracy", f"{max(scores):.4f} at best"))
    if classifier.history_.stopped_by:
        facts.append(("ended by", classifier.history_.stopped_by))
    return facts
