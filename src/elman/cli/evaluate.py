"""`elman evaluate`: a model and recordings with answers in, how right it is out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from elman.cli.as_json import AsJson, print_json
from elman.cli.console import output
from elman.cli.engines import DaskAddress, executor_of, is_writer
from elman.cli.files import load_model, read_for
from elman.cli.kinds import Targets, check_targets, kind_of_model, known_to_model
from elman.cli.tables import (
    percent,
    print_class_table,
    print_confusion,
    print_value_table,
    r_squared,
)
from elman.evaluation.scores import (
    ValueScore,
    class_scores,
    confusion_counts,
    label_scores,
    value_scores,
)
from elman.targets.step_values import refuse_unknown_target

if TYPE_CHECKING:
    from rich.console import Console


def evaluate(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    data: Annotated[
        Path, typer.Argument(help="Recordings with labels or targets: a file or a folder.")
    ],
    given: dict[str, Any],
    as_json: AsJson = False,
    dask: DaskAddress = None,
) -> None:
    """Print how right a model is.

    Of one label: accuracy, precision and recall of each class, and the confusion matrix; so too of
    a label for each time step. Of several labels at once: how often all are right, and each label.
    Of numbers: the errors and R^2 of each target; of time steps over those that are known. A model
    remembers which columns of a table it was trained on; what else is to be said of columns is said
    as to `elman fit`.

    With --json the keys are model, data, kind, answers ("label", "labels", "steps", "values" or
    "step values") and n (recordings, or time steps with an answer that is known); then of labels
    n_right, accuracy (of several labels at once: that all are right), classes (each with label, n,
    precision, recall, f1) and confusion (a row for each true class; null of several labels), of
    numbers r_squared (the mean) and targets (each with name, mse, mae, r_squared). A score that is
    not defined is null.
    """
    trained: Any = load_model(model).model
    from elman.distributed.answers import answering

    executor = executor_of(context, dask)
    dataset = read_for(trained, data, given, need_labels=True, model_path=model)
    targets = check_targets(kind_of_model(trained), dataset, data, known_to_model(trained))
    X = trained.check(dataset.X, str(data))
    with answering(trained, executor) as asked:
        predicted = asked.predict(X)
    classes = getattr(trained, "classes", None)
    if as_json:
        if is_writer(context):
            of = {"model": str(model), "data": str(data), "kind": trained.kind}
            print_json(of | described_scores(targets, predicted, classes, trained.columns))
        return
    print_scores(targets, predicted, classes, trained.columns)


def described_scores(
    targets: Targets, predicted: Any, classes: Any, columns: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """How right the answers of a model are, for JSON; NaN where a score is not defined.

    Parameters
    ----------
    targets, predicted, classes, columns
        As `print_scores` takes them.
    """
    y, told = targets.y, {"answers": targets.kind}
    if targets.kind == "labels":
        n_right = int((np.asarray(predicted) == y).all(axis=1).sum())
        scores, n, counts = label_scores(y, predicted), len(y), None
    elif targets.kind in ("label", "steps"):
        classes, counts = confusion_counts(*_labels(targets, predicted), classes)
        n_right, n = int(np.trace(counts)), int(counts.sum())
        scores = class_scores(classes, counts)
    else:
        return told | _described_values(targets, predicted, columns)
    of_classes = [
        {"label": s.label, "n": s.n_true, "precision": s.precision, "recall": s.recall, "f1": s.f1}
        for s in scores
    ]
    return told | {
        "n": n,
        "n_right": n_right,
        "accuracy": n_right / n if n else None,
        "classes": of_classes,
        "confusion": counts,
    }


def _described_values(
    targets: Targets, predicted: Any, columns: Mapping[str, Any] | None
) -> dict[str, Any]:
    scores, n, names = _values(targets, predicted, columns)
    named: Sequence[str | None] = names or [None] * len(scores)
    return {
        "n": n,
        "r_squared": float(np.mean([score.r_squared for score in scores])),
        "targets": [
            {"name": name} | score._asdict() for name, score in zip(named, scores, strict=True)
        ],
    }


def _labels(targets: Targets, predicted: Any) -> tuple[Any, Any]:
    """True labels and predicted ones: of samples, or of the time steps that have a label."""
    if targets.kind == "label":
        return targets.y, predicted
    labels, codes = targets.y
    there = codes >= 0
    return labels[codes[there]], np.concatenate(predicted)[there]


def _values(
    targets: Targets, predicted: Any, columns: Mapping[str, Any] | None
) -> tuple[list[ValueScore], int, list[str] | None]:
    """The scores of each target, of how many samples or steps, and the names of the targets."""
    y = targets.y
    if targets.kind == "step values":
        refuse_unknown_target(y, "y")
        answers, known = np.concatenate(predicted).reshape(y.shape), ~np.isnan(y)
        apart = zip(y.T, answers.T, known.T, strict=True)
        scores = [*chain.from_iterable(value_scores(t[k], z[k]) for t, z, k in apart)]
        n, names = int(known.any(axis=1).sum()), _names(columns, "step_target")
    else:
        scores = value_scores(y, predicted)
        n, names = len(y), _names(columns, "target")
    return scores, n, names if names is not None and len(names) == len(scores) else None


def print_scores(
    targets: Targets, predicted: Any, classes: Any, columns: Mapping[str, Any] | None = None
) -> None:
    """How right the answers of a model are, on stdout.

    Parameters
    ----------
    targets : Targets
    predicted : array-like
    classes : ndarray or None
        As the model has them.
    columns : mapping, optional
        What the columns of its training data were, by role.
    """
    console, y = output(), targets.y
    if targets.kind in ("label", "steps"):
        of = "samples" if targets.kind == "label" else "time steps"
        _print_classes(console, *_labels(targets, predicted), classes, of=of)
    elif targets.kind == "labels":
        right = (np.asarray(predicted) == y).all(axis=1)
        _print_share(
            console, "Subset accuracy", int(right.sum()), len(y), " with every label right"
        )
        print_class_table(console, label_scores(y, predicted), what="label")
    else:
        scores, n, names = _values(targets, predicted, columns)
        of = "time steps" if targets.kind == "step values" else "samples"
        _print_values(console, scores, f"{n} {of}", names)


def _names(columns: Mapping[str, Any] | None, role: str) -> list[str] | None:
    """The names of the columns that play a role; None if the model knows none."""
    named = (columns or {}).get(role)
    return [named] if isinstance(named, str) else named


def _print_values(
    console: Console, scores: list[ValueScore], n: str, names: list[str] | None
) -> None:
    mean = r_squared(float(np.mean([score.r_squared for score in scores])))
    of = f", mean of {len(scores)} targets" if len(scores) > 1 else ""
    console.print(f"R^2 {mean} ({n}{of})", style="bold")
    console.print()
    print_value_table(console, scores, names)


def _print_classes(console: Console, y: Any, predicted: Any, classes: Any, *, of: str) -> None:
    classes, counts = confusion_counts(y, predicted, classes)
    unit = "" if of == "samples" else f" {of}"
    _print_share(console, "Accuracy", int(np.trace(counts)), int(counts.sum()), unit)
    print_class_table(console, class_scores(classes, counts), of=of)
    print_confusion(console, classes, counts, of=of)


def _print_share(console: Console, what: str, n_right: int, n_all: int, unit: str = "") -> None:
    console.print(f"{what} {percent(n_right / n_all)} ({n_right} of {n_all}{unit})", style="bold")
    console.print()
