"""`elman predict`: a model and recordings in, its answers as CSV out."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.errors import UserError
from elman.cli.files import check_output, load_model, read_data
from elman.cli.kinds import is_of_numbers, kind_of_model
from elman.cli.text import visible
from elman.formats.atomic import replacing


def predict(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    data: Annotated[Path, typer.Argument(help="Recordings, .ts or .npz; labels are not needed.")],
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file to write instead of stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing output.")] = False,
) -> None:
    """Answer for recordings, as CSV.

    A header, then one line for each recording in the order of the file: its label, a column of 0
    and 1 for each of several labels, or its values. A tagger, and a regressor of time steps, have a
    line for each time step, with the numbers of recording and step, from 0.
    """
    if output is not None:
        check_output(output, force=force, inputs=(model, data))
    trained: Any = load_model(model).model
    if proba and is_of_numbers(kind_of_model(trained)):
        raise UserError(f"{model}: predicts numbers, not probabilities; leave --proba out")
    X = trained.check(read_data(data, missing=trained.missing).X, str(data))

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(trained, X, proba))
    if output is None:
        answers = text.getvalue()
        if (
            sys.stdout.isatty()
        ):  # which would obey an escape code in a label; a pipe gets it as it is
            answers = "\n".join(map(visible, answers.split("\n")))
        sys.stdout.write(answers)
    else:
        with replacing(output) as file:
            file.write(text.getvalue().encode())


def _rows(trained: Any, X: Any, proba: bool) -> Iterator[list[Any]]:
    """The header, and a row for each answer."""
    kind, answers = kind_of_model(trained), trained.predict(X)
    columns: list[str] = []
    probabilities: Any = [[]] * len(answers)
    if proba:
        columns = [f"p({c})" for c in trained.classes.tolist()]
        probabilities = trained.predict_proba(X)
    if kind == "steps":
        yield ["recording", "step", "label", *columns]
        for i, (labels, p) in enumerate(zip(answers, probabilities, strict=True)):
            for t, label in enumerate(labels.tolist()):
                yield [i, t, label, *_digits(p[t] if proba else [])]
        return
    name = "value" if is_of_numbers(kind) else "label"
    if kind == "step values":
        n_targets = len(trained.target_scale.mean)
        yield ["recording", "step", *_columns(name, None if trained.one_target else n_targets)]
        for i, values in enumerate(answers):
            for t, row in enumerate(values.reshape(-1, n_targets).tolist()):
                yield [i, t, *row]
        return
    yield [*_columns(name, None if answers.ndim == 1 else answers.shape[1]), *columns]
    for answer, p in zip(answers.reshape(len(answers), -1).tolist(), probabilities, strict=True):
        yield [*answer, *_digits(p)]


def _columns(name: str, n: int | None) -> list[str]:
    """The header of an answer, or of n answers, of a row."""
    return [name] if n is None else [f"{name}({k})" for k in range(n)]


def _digits(probabilities: Any) -> list[str]:
    # Nine digits give a float32 back exactly.
    return [f"{p:.9g}" for p in probabilities]
