"""`elman fit`: recordings with answers in, a trained model file out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from elman.cli.columns import kept
from elman.cli.console import output as output_console
from elman.cli.engines import DaskAddress, executor_of, is_writer
from elman.cli.errors import INTERRUPTED, UserError
from elman.cli.evaluate import print_scores
from elman.cli.files import check_checkpoint, check_log, check_output, read_data
from elman.cli.kinds import Targets, check_targets
from elman.cli.training import (
    as_given,
    asked_categories,
    asked_estimator,
    asked_targets,
    note_columns,
    tell_categories,
)

STATE_NOT_KEPT = 3


def fit(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="Recordings with labels or targets: a file or a folder.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to save the model (.safetensors).")
    ],
    validation: Annotated[
        Path | None,
        typer.Option(help="Recordings like these to follow training on, and for early stopping."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Recordings like these to evaluate the model on.")
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="classifier, tagger (a label for each time step) or regressor; auto: as y is."
        ),
    ] = "auto",
    *,
    given: dict[str, Any],
    log: Annotated[
        Path | None,
        typer.Option(help="Add the numbers of every epoch to this file (.csv or .jsonl)."),
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="End training after the epoch by which so many minutes are over; what is learned "
            "until then depends on the machine."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing model; never another kind of file.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same model.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    dask: DaskAddress = None,
) -> int:
    """Train a network and save it.

    Files are .csv, .tsv, .jsonl, .parquet, .feather or .arrow, with a row for each time step (--id,
    --time and --label say what their columns are), or .ts, .npz and .arff, which say it themselves.
    A folder has a file for each recording, and their labels in labels.csv.

    What kind, the data say: strings and whole numbers are labels (a matrix of 0 and 1 several of
    them at once), other numbers are targets of a regressor, as is what --target names or a .ts file
    calls so, and of each time step if --step-target or y_steps has them; --kind settles it. An
    option left out keeps the estimator's default; `elman inspect` shows them all.

    Ctrl-C ends training early and saves the best weights so far; so does a state
    that cannot be written to the folder of --checkpoint, with the exit code 3.
    """
    from elman.cli.hyperparameters import given_hyperparameters

    options = given_hyperparameters(context)
    # Whatever can go wrong without training goes wrong before training.
    if "checkpoint" not in options and options.keys() & {"checkpoint_epochs", "checkpoint_minutes"}:
        raise UserError("--checkpoint-epochs and --checkpoint-minutes want --checkpoint FOLDER")
    inputs = tuple(path for path in (data, validation, test) if path is not None)
    if is_writer(context):
        check_output(output, force=force, must_be="model", inputs=inputs)
    if "checkpoint" in options:
        check_checkpoint(Path(options["checkpoint"]), output, inputs)
    if log is not None:
        check_log(log, inputs if is_writer(context) else None)
    followers = _followers(log, max_minutes)
    writes_log = log is not None and is_writer(context)
    executor = executor_of(context, dask)
    allowed = options.get("missing", "error")
    given = asked_categories(options, given, data)
    training = read_data(data, given, missing=allowed)
    tell_categories(options, training)
    targets = asked_targets(kind, options, given, training, data)
    followed = _read_more(validation, given, training, targets, allowed)
    held_out = _read_more(test, given, training, targets, allowed)

    estimator_class = asked_estimator(options, targets, data)
    options["on_epoch"] = followers or None
    estimator = estimator_class(**options, random_state=seed, verbose=0 if quiet else 1)
    if writes_log:
        _check_columns(followers[0], estimator)
    with warnings.catch_warnings():
        # Said below, with the name of the file.
        warnings.filterwarnings("ignore", "training was interrupted")
        if kind == "classifier":  # which answers what the warning asks
            warnings.filterwarnings("ignore", r"y has \d+ different numbers")
        if targets.kind == "step values":  # as the file or an option says
            warnings.filterwarnings("ignore", r"y has an array of \d+ numbers")
        warnings.filterwarnings("ignore", "y has -1 at some time steps")  # said when it was read
        of_validation = {} if followed is None else {"X_val": followed[0], "y_val": followed[1]}
        y = as_given(training, targets)
        estimator.fit(training.X, y, **of_validation, executor=executor)

    interrupted = estimator.history_.stopped_by == "interrupt"
    if interrupted and not len(estimator.history_):
        raise KeyboardInterrupt
    note_columns(estimator, given, training, data)
    estimator.set_params(verbose=0)
    if is_writer(context):
        estimator.save(output)
    console = output_console()
    if interrupted:
        best = estimator.history_.best_epoch
        console.print(f"Interrupted: saved the best weights so far, of epoch {best}, to {output}")
        if "checkpoint" in options:
            console.print("The same command, with --force for the file saved now, goes on training")
        return INTERRUPTED
    if estimator.history_.stopped_by == "checkpoint":  # a warning has said why, and what to do
        best = estimator.history_.best_epoch
        console.print(f"Stopped: saved the best weights so far, of epoch {best}, to {output}")
        console.print("The same command wants --force for the file saved now")
        return STATE_NOT_KEPT
    if quiet:  # else the estimator has said it
        console.print(_summary(estimator))
    if estimator.history_.stopped_by == "on_epoch":  # of the followers only a time limit stops
        console.print(f"Training was stopped by --max-minutes {max_minutes:g}")
    console.print(f"Saved an {estimator_class.__name__} to {output}")
    if held_out is not None:
        console.print()
        X, _, checked = held_out
        classes = getattr(estimator, "classes_", None)
        print_scores(checked, estimator.predict(X, executor=executor), classes, kept(given))
    return 0


def _summary(estimator: Any) -> str:
    """What training came to, in one line."""
    from elman.estimators.progress import summary

    history = estimator.history_
    scores = estimator._score_name(), estimator._SCORE
    restored = bool(estimator.early_stopping)
    return summary(history, sum(history.seconds), *scores, restored=restored)


def _followers(log: Path | None, max_minutes: float | None) -> list[Any]:
    """The callbacks that options ask for."""
    from elman.callbacks import TimeLimit
    from elman.callbacks.logs import LOGS

    if max_minutes is not None and not 0 < max_minutes < math.inf:
        raise UserError(f"--max-minutes {max_minutes:g}: must be a finite number above 0")
    logs = [] if log is None else [LOGS[log.suffix.lower()](log)]
    return [*logs, *([] if max_minutes is None else [TimeLimit(minutes=max_minutes)])]


def _check_columns(log: Any, estimator: Any) -> None:
    """Refuse a log whose columns are not those of the network that is to be trained."""
    from elman.hyperparameters.network import layout_of
    from elman.nn.network import network_shapes

    estimator._check_parameters()
    try:
        log.check(network_shapes(layout_of(estimator._hyperparameters(), 1, 1)))
    except ValueError as error:
        raise UserError(f"--log {error}") from error


def _read_more(
    path: Path | None, given: Mapping[str, Any], training: Any, targets: Targets, missing: str
) -> tuple[Any, Any, Targets] | None:
    """X, y, and y as scores take it, of other data than the training data.

    Refused now rather than after training if it does not go with that.
    """
    if path is None:
        return None
    held_out = read_data(path, {**given, **_same_features(path, given, training)}, missing=missing)
    n_features, n_trained = map(_n_features, (held_out, training))
    if n_features != n_trained:
        raise UserError(f"{path}: has {n_features} features, and the training data {n_trained}")
    names, of_training = held_out.feature_names, training.feature_names
    if names is not None and of_training is not None and names != of_training:
        from elman.data.names import listed

        raise UserError(
            f"{path}: has the columns {listed(names)}, and the training data {listed(of_training)}"
        )
    checked = check_targets(targets.kind, held_out, path, targets.known)
    return held_out.X, as_given(held_out, checked), checked


def _same_features(path: Path, given: Mapping[str, Any], training: Any) -> dict[str, Any]:
    """The option that reads the features of the training data, if a file is one to choose from."""
    from elman.data.readers import options_for

    known = options_for(path, given)
    same: dict[str, Any] = {}
    if training.categorical and "categorical_features" in known:
        same["categorical_features"] = _kinds(training)
    names = training.feature_names
    if names is None or "text" in given or "features" not in known:
        return same
    delta = f"{given['time']}_delta" if given.get("time_delta") else None
    return {**same, "features": [name for name in names if name != delta]}


def _n_features(data: Any) -> int:
    """Features of a time step; 0 of texts, whose steps are characters."""
    return 0 if isinstance(data.X[0], str) else int(np.shape(data.X[0])[-1])


def _kinds(training: Any) -> dict[str, str]:
    """The categorical columns of the training data, and whether they hold text or integers."""
    names = training.feature_names or ()
    found = dict.fromkeys(training.categorical, "category")
    for k, name in enumerate(names):
        if name in found and any(isinstance(v, str) for x in training.X for v in x[:, k]):
            found[name] = "text"
    return found
