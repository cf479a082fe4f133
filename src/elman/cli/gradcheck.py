"""`elman gradcheck`: a configuration in, how far its gradients are from the numeric ones out."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

import typer

from elman.nn.readouts import EVERY, READOUTS


def gradcheck(
    cell: Annotated[str, typer.Option(help="Recurrent cell: elman, gru or lstm.")] = "elman",
    activation: Annotated[str, typer.Option(help="Of elman: tanh or relu.")] = "tanh",
    readout: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(READOUTS)}, several of them with commas between, or {EVERY} (step, "
            "as a tagger): check a whole network. Without it, the cell alone."
        ),
    ] = None,
    loss: Annotated[
        str,
        typer.Option(
            help="Of a whole network: cross_entropy, binary (several labels), squared, absolute or "
            "huber."
        ),
    ] = "cross_entropy",
    n_layers: Annotated[int, typer.Option(help="Recurrent layers of a whole network.")] = 1,
    bidirectional: Annotated[
        bool, typer.Option("--bidirectional", help="Both directions, in a whole network.")
    ] = False,
    residual: Annotated[
        bool, typer.Option("--residual", help="Add each upper layer's input to its output.")
    ] = False,
    learn_initial_state: Annotated[
        bool, typer.Option("--learn-initial-state", help="The first state is a weight.")
    ] = False,
    layer_norm: Annotated[
        bool, typer.Option("--layer-norm", help="Normalise inside the cell.")
    ] = False,
    categories: Annotated[
        str | None,
        typer.Option(
            metavar="N[:SIZE],...",
            help="Columns of categories of a whole network: of 5:3,4 the first has 5, as vectors "
            "of 3, and the second 4, one-hot.",
        ),
    ] = None,
    n_samples: Annotated[int, typer.Option(help="Sequences in the batch.")] = 4,
    n_timesteps: Annotated[int, typer.Option(help="Steps of the longest.")] = 5,
    n_features: Annotated[int, typer.Option(help="Width of a step.")] = 2,
    hidden_size: Annotated[int, typer.Option(help="Width of the hidden state.")] = 7,
    n_classes: Annotated[int, typer.Option(help="Classes, labels or targets.")] = 3,
    ragged: Annotated[bool, typer.Option(help="Unequal lengths, some 1 and 0.")] = True,
    backend: Annotated[str | None, typer.Option(help="native or reference.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random problem.")] = 0,
    tolerance: Annotated[float, typer.Option(help="Largest relative error that passes.")] = 1e-7,
) -> int:
    """Check gradients against central differences in float64.

    Prints a line for each argument and the worst of them; the exit code is 1 if it fails.
    """
    from elman.inspection.gradcheck import gradcheck

    report = gradcheck(
        cell=cell,
        activation=cast(Any, activation),  # checked there
        readout=None if readout is None else tuple(readout.split(",")),
        loss=loss,
        n_layers=n_layers,
        bidirectional=bidirectional,
        residual=residual,
        learn_initial_state=learn_initial_state,
        layer_norm=layer_norm,
        categories=_columns(categories),
        n_samples=n_samples,
        n_timesteps=n_timesteps,
        n_features=n_features,
        hidden_size=hidden_size,
        n_classes=n_classes,
        ragged=ragged,
        backend=backend,
        seed=seed,
        tolerance=tolerance,
    )
    print(report)
    return 0 if report.passed else 1


def _columns(text: str | None) -> tuple[tuple[int, int], ...]:
    """What `--categories` says of each column: how many categories, and how long its vectors."""
    columns = []
    for part in text.split(",") if text else []:
        found = re.fullmatch(r"\s*(\d{1,9})(?::(\d{1,9}))?\s*", part)
        if found is None:
            raise ValueError(
                f"--categories {text}: {part!r} is not a number of categories, such as 5, nor one "
                "with the size of their vectors, such as 5:3"
            )
        columns.append((int(found[1]), int(found[2] or 0)))
    return tuple(columns)
