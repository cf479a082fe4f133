"""`elman predict`: a model and recordings in, its answers as CSV, JSON lines or Parquet out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.answers import FORMATS, answers_of, format_of, needs_file
from elman.cli.engines import DaskAddress, executor_of, is_writer
from elman.cli.errors import UserError
from elman.cli.files import STDIN, check_output, load_model, read_for
from elman.cli.kinds import is_of_numbers, kind_of_model
from elman.cli.lines import NAME, of_lines, refuse_texts
from elman.cli.text import visible
from elman.formats.atomic import replacing


def predict(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    data: Annotated[
        Path,
        typer.Argument(
            help="Recordings: a file or a folder, without labels; or -, standard input, with a "
            "text on each line."
        ),
    ],
    given: dict[str, Any],
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="Of what is written; by default as the suffix of --output says, or else csv.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing output.")] = False,
    dask: DaskAddress = None,
) -> None:
    """Answer for recordings.

    As CSV, a header, then one line for each recording in the order of the file: its id, if the data
    have one, and its label, a column of 0 and 1 for each of several labels, or its values. Models
    that answer at every time step have a line for each of them, with the id, or the number of the
    recording, and the time, or the number of the step; numbers are from 0. JSON lines and Parquet
    have the same columns.

    A model of texts answers for lines of standard input as well: `echo Nagy | elman predict
    names.safetensors -`. Each line is a text; for a model of words, words with spaces between.

    A model remembers which columns of a table it was trained on: --id, --time and the like are only
    needed where new data call them otherwise. Other columns do not matter.
    """
    if output is not None and is_writer(context):
        check_output(output, force=force, inputs=(model, data))
    wanted = format_of(format, output)
    if needs_file(wanted) and output is None:
        raise UserError(f"--format {wanted} is not for a terminal or pipe: name a file, --output")
    trained: Any = load_model(model).model
    if proba and is_of_numbers(kind_of_model(trained)):
        raise UserError(f"{model}: predicts numbers, not probabilities; leave --proba out")
    from elman.distributed.answers import answering

    executor = executor_of(context, dask)
    if data == STDIN:
        dataset = of_lines(trained, model)
    else:
        refuse_texts(data, trained, model)
        dataset = read_for(trained, data, given, need_labels=False, model_path=model)
    X = trained.check(dataset.X, NAME if data == STDIN else str(data))
    with answering(trained, executor) as asked:
        answers = answers_of(asked, dataset, X, proba)
    if not is_writer(context):
        return
    content = FORMATS[wanted](answers)
    if output is None:
        text = content.decode()
        if sys.stdout.isatty():  # which would obey an escape code in a label
            text = "\n".join(map(visible, text.split("\n")))
        sys.stdout.write(text)
    else:
        with replacing(output) as file:
            file.write(content)
