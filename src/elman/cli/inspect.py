"""`elman inspect`: a saved model in, what it is made of out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from elman.cli.as_json import AsJson, print_json
from elman.cli.console import output
from elman.cli.files import load_model
from elman.cli.kinds import is_of_numbers, kind_of_model, names_of_answers
from elman.cli.tables import new_table, print_table
from elman.cli.text import visible
from elman.exchange.roads import ROADS
from elman.hyperparameters.declared import defaults_of
from elman.inspection.summary import LEFT, TABLE, Summary
from elman.inspection.vocabulary import VocabularySummary, quoted
from elman.models.columns import KEPT
from elman.models.files import Saved, plain_parameters
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.models.summary import summary_of


def inspect(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit` or `elman.save`.")],
    n_timesteps: Annotated[
        int | None,
        typer.Option(min=1, help="Time steps of a recording, for the memory of training."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a saved model is.

    What it answers, its layers with their weights, arithmetic and memory, hyper-parameters and
    training.

    With --json the keys are: model, bytes, kind, answers ("label", "labels", "steps", "values" or
    "step values"), classes or targets (each with name, mean, deviation), n_features,
    feature_names, columns, before (what X goes through first), frontend (deltas, stride,
    scale_each, and the reasons for what "auto" chose), vocabularies (of each categorical column:
    column, kind, n_categories, embedding_size, frozen, unknown_share, most_frequent), exports (the
    ways out, each with a list of what is in the way), summary
    (layers, parameters, multiply_adds,
    training_memory, stream_state, dtype, ...), hyperparameters, not_default (the names of those
    that differ from the defaults of today), training (n_epochs, best_epoch,
    stopped_by, batch_size and max_iter: at most how many samples in a batch and how many epochs,
    batch_size_reason and max_iter_reason: why "auto" chose so many, history). What is not known is
    null.
    """
    saved = load_model(model)
    summary = summary_of(
        saved.model, saved.parameters, n_timesteps=n_timesteps, history=saved.history
    )
    if as_json:
        print_json(_described(model, saved, summary))
        return
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
    for name, value in summary.facts():
        facts.add_row(name, value)
    history = saved.history
    chosen = [*saved.model.frontend.reasons, history.batch_size_reason, history.max_iter_reason]
    for reason in filter(None, chosen):
        facts.add_row('"auto" chose', visible(reason))
    for name, value in _exports(saved.model):
        facts.add_row(name, visible(value))
    facts.add_row("file", f"{model.stat().st_size:,} bytes")
    score = "R^2" if is_of_numbers(kind_of_model(saved.model)) else "accuracy"
    for name, value in _training_facts(history, score):
        facts.add_row(name, value)
    print_table(console, "", facts)

    for vocabulary in summary.vocabularies:
        _show_vocabulary(console, vocabulary)

    table = new_table()
    for i, column in enumerate(TABLE):
        table.add_column(column, justify="left" if i < LEFT else "right")
    for row in summary.rows():
        table.add_row(*row)
    print_table(console, "Layers", table)

    table = new_table()
    table.add_column("name")
    table.add_column("value")
    table.add_column("default, if another")
    defaults = defaults_of(saved.model.kind)
    changed = _not_default(saved)
    for name, value in saved.parameters.items():
        default = repr(defaults[name]) if name in changed else ""
        table.add_row(name, repr(value), default, style="bold" if name in changed else "")
    print_table(console, "Hyper-parameters", table)


def _show_vocabulary(console: Any, vocabulary: VocabularySummary) -> None:
    """A table of the commonest tokens of a column."""
    table = new_table()
    table.add_column("token")
    table.add_column("in training", justify="right")
    for token, count in vocabulary.most_frequent:
        table.add_row(visible(quoted(token)), f"{count:,}")
    print_table(console, f"Commonest tokens of {visible(vocabulary.column)}", table)


def _described(path: Path, saved: Saved[TrainedModel], summary: Summary) -> dict[str, Any]:
    """All that the tables say, as keys of one JSON object."""
    model: Any = saved.model
    kind, history = kind_of_model(model), saved.history
    front = model.frontend
    told: dict[str, Any] = {
        "model": str(path),
        "bytes": path.stat().st_size,
        "kind": model.kind,
        "answers": kind,
    }
    if is_of_numbers(kind):
        scale = model.target_scale
        names: Sequence[str | None] = names_of_answers(model) or [None] * len(scale.mean)
        told["targets"] = [
            {"name": name, "mean": mean, "deviation": deviation}
            for name, mean, deviation in zip(names, *map(np.ndarray.tolist, scale), strict=True)
        ]
    else:
        told["classes"] = model.classes
    return told | {
        "n_features": model.n_features_in,
        "feature_names": model.feature_names,
        "columns": model.columns,
        "before": summary.before,
        "frontend": {
            "deltas": front.deltas,
            "stride": front.stride,
            "scale_each": front.scale_each,
            "reasons": [*front.reasons],
        },
        "vocabularies": summary.to_dict()["vocabularies"],
        "exports": {road.name: road.reasons_against(model) for road in ROADS},
        "summary": summary.to_dict(),
        "hyperparameters": plain_parameters(saved.parameters),
        "not_default": _not_default(saved),
        "training": {
            "n_epochs": len(history),
            "best_epoch": history.best_epoch,
            "stopped_by": history.stopped_by or None,
            "batch_size": history.batch_size or None,
            "batch_size_reason": history.batch_size_reason or None,
            "max_iter": history.max_iter or None,
            "max_iter_reason": history.max_iter_reason or None,
            "history": history.to_dict(),
        },
    }


def _not_default(saved: Saved[TrainedModel]) -> list[str]:
    """The hyper-parameters that are not what an estimator has by default."""
    found = plain_parameters(saved.parameters)
    defaults = plain_parameters(defaults_of(saved.model.kind))
    return [
        name for name in found if name in defaults and repr(found[name]) != repr(defaults[name])
    ]


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


def _exports(model: TrainedModel) -> list[tuple[str, str]]:
    """Where `elman export` can write it, and what is in the way elsewhere."""
    found = {road.name: road.reasons_against(model) for road in ROADS}
    open_to = ", ".join(name for name, reasons in found.items() if not reasons)
    closed = [(f"not as {name}", " ".join(reasons)) for name, reasons in found.items() if reasons]
    return [("can go out as", open_to), *closed]


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
