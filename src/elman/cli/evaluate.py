"""`elman evaluate`: a model and labelled recordings in, how right it is out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from elman.cli.console import output
from elman.cli.files import check_labels, load_model, read_data
from elman.cli.tables import percent, print_class_table, print_confusion
from elman.scores import confusion_counts


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    data: Annotated[Path, typer.Argument(help="Labelled recordings, .ts or .npz.")],
) -> None:
    """Print how right a model is.

    Accuracy, precision and recall of each class, and the confusion matrix.
    """
    trained = load_model(model).model
    dataset = read_data(data, need_labels=True, missing=trained.missing)
    check_labels(dataset.y, trained.classes, data)
    predicted = trained.predict(trained.check(dataset.X, str(data)))
    print_scores(dataset.y, predicted, trained.classes)


def print_scores(y: Any, predicted: Any, classes: NDArray[Any]) -> None:
    """Accuracy, the table of classes and the confusion matrix, on stdout."""
    classes, counts = confusion_counts(y, predicted, classes)
    n_right, n_all = int(np.trace(counts)), int(counts.sum())
    console = output()
    console.print(f"Accuracy {percent(n_right / n_all)} ({n_right} of {n_all})", style="bold")
    console.print()
    print_class_table(console, classes, counts)
    print_confusion(console, classes, counts)
