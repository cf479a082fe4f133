"""`elman fit`: recordings with answers in, a trained model file out."""

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
from elman.cli.files import check_output, read_data
from elman.cli.kinds import ESTIMATORS, Targets, check_targets, kind_of

INTERRUPTED = 130
STATE_NOT_KEPT = 3
NOT_OF_THE_ESTIMATOR = {
    "data",
    "output",
    "validation",
    "test",
    "kind",
    "force",
    "seed",
    "quiet",
}


def _sizes(text: str) -> int | tuple[int, ...]:
    """64, or 64,32: one for each layer."""
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither an integer nor integers with commas between, one for each layer"
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes


def _norm(text: str) -> float | str:
    """A number, or none, which is not to be taken for an option left out."""
    if text == "none":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor none") from None


def _epochs_or_share(text: str) -> int | float:
    """A whole number of epochs, or a share of them."""
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a whole number of epochs nor a share of them"
        ) from None


def _class_weight(text: str) -> str | dict[str, float]:
    """balanced, or LABEL=WEIGHT with commas between."""
    if text == "balanced":
        return text
    weights = {}
    for part in text.split(","):
        label, equals, weight = part.rpartition("=")
        try:
            weights[label] = float(weight)
        except ValueError:
            equals = ""
        if not equals or len(weights) == 0:
            raise typer.BadParameter(f"{text!r} is neither balanced nor LABEL=WEIGHT,...")
    return weights


def fit(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="Recordings with labels or targets, .ts or .npz.")],
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
    layer_norm: Annotated[
        bool | None, typer.Option(help="Normalise over a layer's units inside the cell.")
    ] = None,
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
    loss: Annotated[
        str | None, typer.Option(help="Of a regressor: squared, absolute or huber.")
    ] = None,
    huber_delta: Annotated[
        float | None, typer.Option(help="Of huber: where it turns linear, in deviations.")
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of each label spread over all classes.")
    ] = None,
    solver: Annotated[str | None, typer.Option(help="adam, adamw or sgd.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of sgd.")] = None,
    nesterovs_momentum: Annotated[bool | None, typer.Option(help="Of sgd.")] = None,
    max_iter: Annotated[int | None, typer.Option(help="Epochs at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Recordings in a batch.")] = None,
    bucket_by_length: Annotated[
        bool | None, typer.Option(help="Batches of about one length: quicker if lengths differ.")
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="Schedule: constant, cosine, one_cycle or plateau.")
    ] = None,
    learning_rate_init: Annotated[float | None, typer.Option(help="Largest learning rate.")] = None,
    warm_up: Annotated[
        Any,
        typer.Option(
            parser=_epochs_or_share,
            metavar="INTEGER|FLOAT",
            help="First epochs, or a share of all, in which the rate rises to that.",
        ),
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Strength of the L2 penalty.")] = None,
    max_grad_norm: Annotated[
        Any,
        typer.Option(
            parser=_norm,
            metavar="FLOAT|none",
            help="Gradients longer than this are shortened to it.",
        ),
    ] = None,
    max_grad_value: Annotated[
        float | None, typer.Option(help="What of a gradient lies beyond this is cut off.")
    ] = None,
    early_stopping: Annotated[
        bool | None, typer.Option(help="Stop once held-out recordings no longer get better.")
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(help="What early stopping goes by: loss, or a scikit-learn scorer's name."),
    ] = None,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the recordings held out by early stopping.")
    ] = None,
    n_iter_no_change: Annotated[
        int | None, typer.Option(help="Epochs without progress before an early stop.")
    ] = None,
    tol: Annotated[
        float | None, typer.Option(help="Progress smaller than this does not count as any.")
    ] = None,
    class_weight: Annotated[
        Any,
        typer.Option(
            parser=_class_weight,
            metavar="balanced|LABEL=WEIGHT,...",
            help="balanced: rare classes count as much as common ones.",
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Keep the states of every so many steps only: less memory.")
    ] = None,
    bptt_steps: Annotated[
        int | None, typer.Option(help="Let no gradient go further back than so many steps.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Folder to keep training's state in; the same command goes on from it."),
    ] = None,
    checkpoint_epochs: Annotated[
        int | None, typer.Option(help="Keep the state after every so many epochs.")
    ] = None,
    checkpoint_minutes: Annotated[
        float | None, typer.Option(help="Keep the state every so many minutes.")
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
    """Train a network and save it.

    What kind, the file says: strings and whole numbers are labels (a matrix of 0 and 1 several of
    them at once), other numbers are targets of a regressor, as is what a .ts file calls so; --kind
    settles it. An option left out keeps the estimator's default; `elman inspect` shows them all.
    Ctrl-C ends training early and saves the best weights so far; so does a state that cannot be
    written to the folder of --checkpoint, with the exit code 3.
    """
    options = {
        name: value
        for name, value in context.params.items()
        if name not in NOT_OF_THE_ESTIMATOR and value is not None
    }
    # Whatever can go wrong without training goes wrong before training.
    if checkpoint is None and (checkpoint_epochs is not None or checkpoint_minutes is not None):
        raise UserError("--checkpoint-epochs and --checkpoint-minutes want --checkpoint FOLDER")
    check_output(output, force=force, must_be="model")
    allowed = missing or "error"
    training = read_data(data, need_labels=True, missing=allowed)
    targets = check_targets(kind_of(training, data, kind), training, data)
    followed = _read_more(validation, training, targets, allowed)
    held_out = _read_more(test, training, targets, allowed)

    import elman

    estimator_class: Any = getattr(elman, ESTIMATORS[targets.kind])
    _refuse_strangers(options, estimator_class, data)
    if isinstance(class_weight, dict):
        options["class_weight"] = _of_labels(class_weight, targets, data)
    if max_grad_norm == "none":
        options["max_grad_norm"] = None
    estimator = estimator_class(**options, random_state=seed, verbose=0 if quiet else 1)
    start = time.perf_counter()
    with warnings.catch_warnings():
        # Said below, with the name of the file.
        warnings.filterwarnings("ignore", "training was interrupted")
        of_validation = {} if followed is None else {"X_val": followed[0], "y_val": followed[1]}
        estimator.fit(training.X, _as_given(training, targets), **of_validation)
    seconds = time.perf_counter() - start

    interrupted = estimator.history_.stopped_by == "interrupt"
    if interrupted and not len(estimator.history_):
        raise KeyboardInterrupt
    estimator.set_params(verbose=0).save(output)
    console = output_console()
    if interrupted:
        best = estimator.history_.best_epoch
        console.print(f"Interrupted: saved the best weights so far, of epoch {best}, to {output}")
        if checkpoint is not None:
            console.print("The same command, with --force for the file saved now, goes on training")
        return INTERRUPTED
    if estimator.history_.stopped_by == "checkpoint":  # a warning has said why, and what to do
        best = estimator.history_.best_epoch
        console.print(f"Stopped: saved the best weights so far, of epoch {best}, to {output}")
        console.print("The same command wants --force for the file saved now")
        return STATE_NOT_KEPT
    epochs = f"{estimator.n_iter_} epoch{'s' * (estimator.n_iter_ > 1)}"
    name = estimator_class.__name__
    console.print(f"Trained an {name} for {epochs} in {seconds:.1f} s; saved {output}")
    if held_out is not None:
        console.print()
        X, _, checked = held_out
        print_scores(checked, estimator.predict(X), getattr(estimator, "classes_", None))
    return 0


def _as_given(dataset: Any, targets: Targets) -> Any:
    """y as the estimator takes it."""
    return dataset.y if targets.kind == "steps" else targets.y


def _read_more(
    path: Path | None, training: Any, targets: Targets, missing: str
) -> tuple[Any, Any, Targets] | None:
    """X, y, and y as scores take it, of other data than the training data.

    Refused now rather than after training if it does not go with that.
    """
    if path is None:
        return None
    held_out = read_data(path, need_labels=True, missing=missing)
    n_features, n_trained = (np.shape(data.X[0])[-1] for data in (held_out, training))
    if n_features != n_trained:
        raise UserError(f"{path}: has {n_features} features, and the training data {n_trained}")
    checked = check_targets(targets.kind, held_out, path, targets.known)
    return held_out.X, _as_given(held_out, checked), checked


def _refuse_strangers(options: dict[str, Any], estimator_class: Any, data: Path) -> None:
    for name in options:
        if name not in estimator_class._get_param_names():
            raise UserError(
                f"--{name.replace('_', '-')} is no option of an {estimator_class.__name__}, which "
                f"is what {data} asks for: leave it out, or name another --kind"
            )


def _of_labels(weights: dict[str, float], targets: Targets, data: Path) -> dict[Any, float]:
    """Weights by label, which on the command line is a text."""
    if targets.kind == "labels":
        raise UserError(f"{data}: holds several labels at once; --class-weight is for one")
    labels = {str(label): label for label in targets.known.tolist()}
    unknown = [label for label in weights if label not in labels]
    if unknown:
        raise UserError(
            f"--class-weight has the label {unknown[0]!r}; {data} has {', '.join([*labels][:20])}"
        )
    return {labels[label]: weight for label, weight in weights.items()}
