"""`elman fit`: labelled recordings in, a trained model file out."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from elman.cli.console import output as output_console
from elman.cli.errors import UserError
from elman.cli.evaluate import print_scores
from elman.cli.files import check_labels, check_output, read_data

INTERRUPTED = 130


def _sizes(text: str) -> int | tuple[int, ...]:
    """64, or 64,32: one for each layer."""
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither an integer nor integers with commas between, one for each layer"
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes


def fit(
    data: Annotated[Path, typer.Argument(help="Labelled recordings, .ts or .npz.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to save the model (.safetensors).")
    ],
    test: Annotated[
        Path | None, typer.Option(help="Labelled recordings to evaluate the model on.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing model; never another kind of file.")
    ] = False,
    hidden_size: Annotated[
        Any,
        typer.Option(
            parser=_sizes,
            metavar="INTEGER[,INTEGER...]",
            help="Width of the hidden state; with commas, of each layer.",
        ),
    ] = None,
    cell: Annotated[str | None, typer.Option(help="elman, gru or lstm.")] = None,
    activation: Annotated[str | None, typer.Option(help="Of elman: tanh or relu.")] = None,
    forget_bias: Annotated[
        float | None, typer.Option(help="Of lstm: the forget gate's first bias.")
    ] = None,
    n_layers: Annotated[int | None, typer.Option(help="Recurrent layers.")] = None,
    bidirectional: Annotated[
        bool | None, typer.Option(help="Read each recording from its end as well.")
    ] = None,
    residual: Annotated[
        bool | None, typer.Option(help="Add each upper layer's input to its output.")
    ] = None,
    learn_initial_state: Annotated[
        bool | None, typer.Option(help="Learn the state before the first step.")
    ] = None,
    readout: Annotated[
        str | None,
        typer.Option(help="What of the hidden states is read: last, mean, max or attention."),
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of units left out in training.")
    ] = None,
    recurrent_dropout: Annotated[
        float | None, typer.Option(help="Share of units that the recurrence does without.")
    ] = None,
    recurrent_init: Annotated[
        str | None, typer.Option(help="First recurrent weights: orthogonal, identity or uniform.")
    ] = None,
    solver: Annotated[str | None, typer.Option(help="adam, adamw or sgd.")] = None,
    max_iter: Annotated[int | None, typer.Option(help="Epochs at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Recordings in a batch.")] = None,
    learning_rate: Annotated[str | None, typer.Option(help="Schedule: constant or cosine.")] = None,
    learning_rate_init: Annotated[float | None, typer.Option(help="First learning rate.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Strength of the L2 penalty.")] = None,
    max_grad_norm: Annotated[
        float | None, typer.Option(help="Gradients longer than this are shortened to it.")
    ] = None,
    early_stopping: Annotated[
        bool | None, typer.Option(help="Stop once held-out recordings no longer get better.")
    ] = None,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the recordings held out by early stopping.")
    ] = None,
    n_iter_no_change: Annotated[
        int | None, typer.Option(help="Epochs without progress before an early stop.")
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option(help="balanced: rare classes count as much as common ones.")
    ] = None,
    standardize: Annotated[
        bool | None, typer.Option(help="Standardise each feature over all time steps.")
    ] = None,
    missing: Annotated[
        str | None, typer.Option(help="What missing values are: error, mask or skip.")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32 or float64.")] = None,
    backend: Annotated[str | None, typer.Option(help="native or reference.")] = None,
    n_jobs: Annotated[int | None, typer.Option(help="Threads; -1 takes every core.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same model.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each epoch.")] = False,
) -> int:
    """Train a classifier and save it.

    An option left out keeps RNNClassifier's default; `elman inspect` shows them all. Ctrl-C ends
    training early and saves the best weights so far.
    """
    options: dict[str, Any] = {
        "hidden_size": hidden_size,
        "cell": cell,
        "activation": activation,
        "forget_bias": forget_bias,
        "n_layers": n_layers,
        "bidirectional": bidirectional,
        "residual": residual,
        "learn_initial_state": learn_initial_state,
        "readout": readout,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "recurrent_init": recurrent_init,
        "solver": solver,
        "max_iter": max_iter,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "learning_rate_init": learning_rate_init,
        "alpha": alpha,
        "max_grad_norm": max_grad_norm,
        "early_stopping": early_stopping,
        "validation_fraction": validation_fraction,
        "n_iter_no_change": n_iter_no_change,
        "class_weight": class_weight,
        "standardize": standardize,
        "missing": missing,
        "dtype": dtype,
        "backend": backend,
        "n_jobs": n_jobs,
    }
    options = {name: value for name, value in options.items() if value is not None}
    # Whatever can go wrong without training goes wrong before training.
    check_output(output, force=force, must_be="model")
    allowed = missing or "error"
    training = read_data(data, need_labels=True, missing=allowed)
    held_out = None if test is None else _read_test(test, training, allowed)

    from elman.estimator import RNNClassifier

    classifier = RNNClassifier(**options, random_state=seed, verbose=0 if quiet else 1)
    start = time.perf_counter()
    with warnings.catch_warnings():
        # Said below, with the name of the file.
        warnings.filterwarnings("ignore", "training was interrupted")
        classifier.fit(training.X, training.y)
    seconds = time.perf_counter() - start

    interrupted = classifier.history_.stopped_by == "interrupt"
    if interrupted and not len(classifier.history_):
        raise KeyboardInterrupt
    classifier.set_params(verbose=0).save(output)
    console = output_console()
    if interrupted:
        best = classifier.history_.best_epoch
        console.print(f"Interrupted: saved the best weights so far, of epoch {best}, to {output}")
        return INTERRUPTED
    epochs = f"{classifier.n_iter_} epoch{'s' * (classifier.n_iter_ > 1)}"
    console.print(f"Trained {epochs} in {seconds:.1f} s; saved {output}")
    if held_out is not None:
        console.print()
        print_scores(held_out.y, classifier.predict(held_out.X), classifier.classes_)
    return 0


def _read_test(path: Path, training: Any, missing: str) -> Any:
    """The test data, refused now rather than after training if it does not go with the training."""
    held_out = read_data(path, need_labels=True, missing=missing)
    n_features, n_trained = (np.shape(data.X[0])[-1] for data in (held_out, training))
    if n_features != n_trained:
        raise UserError(f"{path}: has {n_features} features, and the training data {n_trained}")
    check_labels(held_out.y, training.y, path)
    return held_out
