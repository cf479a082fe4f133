"""`elman tune`: recordings with answers and some minutes in, the best model that was found out."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.as_json import AsJson, print_json
from elman.cli.console import output as output_console
from elman.cli.errors import INTERRUPTED, UserError
from elman.cli.files import check_output, read_data
from elman.cli.groups import read_groups
from elman.cli.text import visible
from elman.cli.training import (
    as_given,
    asked_categories,
    asked_estimator,
    asked_targets,
    note_columns,
    tell_categories,
)

OWN = ("checkpoint", "checkpoint_epochs", "checkpoint_minutes")
"""Options of `elman fit` that a search has no use for"""


def tune(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="Recordings with labels or targets: a file or a folder.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to save the model (.safetensors).")
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            help="How long it may take in all, by default 5; what is found depends on the machine."
        ),
    ] = None,
    n_candidates: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many candidates to try instead: same seed and number, same model."
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="classifier, tagger (a label for each time step) or regressor; auto: as y is."
        ),
    ] = "auto",
    streams: Annotated[
        bool,
        typer.Option("--streams", help="Only networks that can answer while a recording goes on."),
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with two columns, the id of a recording and its group (the person, the "
            "machine): recordings of one group are never on both sides of a fold."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds that candidates are scored on.")] = 5,
    *,
    given: dict[str, Any],
    table: Annotated[
        Path | None, typer.Option(help="Write all candidates with their scores to this CSV file.")
    ] = None,
    as_json: AsJson = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing model; never another kind of file.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, weights and candidates.")] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; what was found is told.")
    ] = False,
) -> int:
    """Search for hyper-parameters in some minutes, train the best network and save it.

    The data are those of `elman fit`, and so are the options, which say what every candidate has:
    all of them are tried on the same folds of the data. First the network as it is, then single
    changes of it, what helped of them together, and random candidates near the best. Those that do
    worse are given up early. The best few are scored once more on fresh folds, and the winner is
    trained on all recordings. At the end it says what each change was worth, and what simple rules
    reach on the same folds.

    --scoring names what is to be high, a scikit-learn scorer, by default accuracy or R^2; --n-jobs
    how many processes train at a time, by default one for each core.

    Ctrl-C ends the search, trains the best network so far on all recordings and saves it; once more
    ends that training as well.

    With --json the keys are model, data, kind, minutes or n_candidates, and those of
    `TuningTable.to_dict`: score (what it is), folds, random_state, interrupted, cut_short (whether
    the minutes were over before the last training was), best (a candidate), gain (beside the
    network as it was), what_mattered, baselines, candidates and summary.
    """
    from elman.cli.hyperparameters import given_hyperparameters

    options = given_hyperparameters(context)
    for name in OWN:
        if name in options:
            raise UserError(f"--{name.replace('_', '-')} is for elman fit; a search keeps its own")
    if minutes is not None and n_candidates is not None:
        raise UserError(
            "--minutes and --n-candidates both say how long to search: give one of them"
        )
    for name in ("bidirectional", "scale_each"):
        if streams and options.get(name):
            raise UserError(
                f"--streams and --{name.replace('_', '-')}, which has no answer before a recording "
                "has ended: leave one of them out"
            )
    if minutes is not None and not 0 < minutes < math.inf:
        raise UserError(f"--minutes {minutes:g}: must be a finite number above 0")
    inputs = tuple(path for path in (data, groups, given.get("labels")) if path is not None)
    check_output(output, force=force, must_be="model", inputs=inputs)
    if table is not None:
        _check_table(table, output, force=force, inputs=inputs)
    missing = options.get("missing", "error")
    given = asked_categories(options, given, data)
    training = read_data(data, given, missing=missing)
    tell_categories(options, training)
    targets = asked_targets(kind, options, given, training, data)
    of_groups = None if groups is None else read_groups(groups, training, data)

    import elman

    estimator_class = asked_estimator(options, targets, data)
    n_jobs, scoring = options.pop("n_jobs", None), options.pop("scoring", None)
    silent = quiet or as_json
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"y has \d+ different numbers")
        warnings.filterwarnings("ignore", r"y has an array of \d+ numbers")
        warnings.filterwarnings("ignore", "y has -1 at some time steps")
        best, found = elman.tune(
            training.X,
            as_given(training, targets),
            estimator=estimator_class(**options),
            minutes=minutes,
            n_candidates=n_candidates,
            groups=of_groups,
            streams=streams,
            scoring=scoring,
            cv=folds,
            n_jobs=n_jobs,
            random_state=seed,
            verbose=0 if silent else 1,
        )
    note_columns(best, given, training, data)
    best.save(output)
    if table is not None:
        found.to_csv(table)
    if as_json:
        of = {"model": str(output), "data": str(data), "kind": best.model_.kind}
        from elman.tuning.checks import MINUTES

        how: dict[str, Any] = {"n_candidates": n_candidates}
        if n_candidates is None:
            how = {"minutes": MINUTES if minutes is None else minutes}
        print_json(of | how | found.to_dict())
        return INTERRUPTED if found.interrupted else 0
    console = output_console()
    if quiet:
        for line in found.summary.splitlines():
            console.print(visible(line))
    console.print(visible(f"Saved an {estimator_class.__name__} to {output}"))
    if table is not None:
        n = len(found)
        console.print(visible(f"Wrote {n} candidate{'s' * (n != 1)} to {table}"))
    return INTERRUPTED if found.interrupted else 0


def _check_table(table: Path, output: Path, *, force: bool, inputs: tuple[Path, ...]) -> None:
    if table.suffix.lower() != ".csv":
        raise UserError(f"--table {table}: the name must end in .csv")
    if table.resolve() == output.resolve():
        raise UserError(f"--table {table}: is the file that --output names; name another")
    check_output(table, force=force, inputs=inputs)
