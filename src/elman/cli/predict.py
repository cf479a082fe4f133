"""`elman predict`: a model and recordings in, their labels as CSV out."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.files import check_output, load_model, read_data
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
    """Label recordings, as CSV.

    A header, then one line for each recording in the order of the file.
    """
    if output is not None:
        check_output(output, force=force, inputs=(model, data))
    trained = load_model(model).model
    X = trained.check(read_data(data, missing=trained.missing).X, str(data))
    probabilities = trained.predict_proba(X)
    labels = trained.classes[probabilities.argmax(axis=1)]

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["label", *(f"p({c})" for c in trained.classes.tolist() if proba)])
    for label, p in zip(labels.tolist(), probabilities, strict=True):
        # Nine digits give a float32 back exactly.
        rows.writerow([label, *(f"{value:.9g}" for value in p if proba)])
    if output is None:
        sys.stdout.write(text.getvalue())
    else:
        with replacing(output) as file:
            file.write(text.getvalue().encode())
