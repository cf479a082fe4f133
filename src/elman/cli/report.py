"""`elman report`: a model and recordings with answers in, a page on how good it is out."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.console import output as console
from elman.cli.errors import UserError
from elman.cli.files import check_output, load_model
from elman.cli.labelled import read_labelled
from elman.cli.text import visible


def report(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    data: Annotated[
        Path,
        typer.Argument(help="Recordings with labels or targets that it was not trained on."),
    ],
    given: dict[str, Any],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The page to write; its numbers go to .json beside."),
    ] = Path("report.html"),
    train: Annotated[
        Path | None,
        typer.Option(
            "--train",
            help="The recordings that it was trained on, from which simple rules learn.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    date: Annotated[
        str | None,
        typer.Option(
            "--date",
            metavar="DATE",
            help="A date to show, or today; by default none, so that the bytes are the same.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of intervals and parts.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier report of that name.")
    ] = False,
) -> None:
    """Write a page on how good a model is, with its numbers as JSON beside it.

    What the model is, how far the recordings are from those of training, what simple rules reach,
    scores with intervals, mistakes, probabilities, the learning curve, and a few recordings with
    what their answers rest on. The page loads nothing, runs no script, and may be printed.
    """
    from elman.reporting.report import is_of_report, paths

    inputs = tuple(path for path in (model, data, train, given.get("labels")) if path is not None)
    for path in paths(output):
        check_output(path, force=force, inputs=inputs)
        if path.exists() and not is_of_report(path):
            raise UserError(f"{path}: exists and is not a report that elman wrote; name another")
    found = load_model(model).model
    X, y, ids = read_labelled(found, data, given, model)
    X_train, y_train, _ = (
        (None,) * 3 if train is None else read_labelled(found, train, given, model)
    )

    from elman.estimators.loading import load
    from elman.reporting.report import report as write

    shown = datetime.date.today() if date == "today" else date
    told = write(
        load(model),
        X,
        y,
        path=output,
        X_train=X_train,
        y_train=y_train,
        ids=ids,
        title=title,
        date=shown,
        random_state=seed,
    )
    page, numbers = paths(output)
    console().print(visible(f"{told}"[1:].split(";")[0]))
    console().print(visible(f"wrote {page} and {numbers}"))
