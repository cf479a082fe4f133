"""A trained model, or the file of one, in; its parts, as an exporter writes them, out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models import files
from elman.models.fitted import fitted
from elman.models.model import TrainedModel

Array = NDArray[Any]


class ExchangeError(ValueError):
    """A model that a road cannot take, or a file of another framework that cannot come in.

    The message says what stands in the way, and which other road there is.
    """


class Direction(NamedTuple):
    """One recurrent layer in one direction: our weights, gates in our order."""

    W_x: Array
    """(n_in, n_gates * hidden_size)"""
    W_h: Array
    """(hidden_size, n_gates * hidden_size)"""
    b: Array
    """(n_biases * hidden_size,)"""
    gain: Array | None
    """(n_biases * hidden_size,) with layer normalisation"""
    initial: Array | None
    """(state_size,), the state before the first step, where it is learned; else it is zero"""


def model_of(given: Any) -> TrainedModel:
    """The trained model in what a user passed: an estimator, a pipeline, a model, or a path.

    The scalers of a pipeline, between its last step and any other, are in `before`, as they are in
    a model from a file.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        A fitted adapter of `elman.adapters` will do as well.

    Raises
    ------
    TypeError
        It is none of these, or a pipeline has a step that is no `SequenceScaler`.
    ValueError
        It is not fitted.
    elman.formats.archive.ArchiveError
        The file is damaged, or not one of elman's.
    OSError
        The file cannot be read.
    """
    if isinstance(given, (str, os.PathLike)):
        return files.load(Path(given)).model
    if type(given).__module__.startswith("elman.adapters."):
        given = getattr(given, "estimator_", given)
    found = fitted(given)
    for name, step in found.steps:
        if type(step).__name__ != "SequenceScaler":
            raise TypeError(
                f"the step {name!r} of the pipeline is a {type(step).__name__}, which goes into no "
                "other runtime: only SequenceScaler does. Export the last step alone, pipeline[-1],"
                " and do what comes before it yourself"
            )
    if not found.steps:
        return found.model
    from elman.estimators.pipelines import through_scalers

    return through_scalers(found.steps, found.model)


def affine_of(model: TrainedModel) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """What is done to the numbers of a step before the network: (x - mean) / scale, one by one.

    Each is computed in float64 and is (n_numbers,) of the columns of X, categories left out: those
    of the scalers of a pipeline in their order, then the model's own standardisation. With a 2-D X
    there is one feature.
    """
    steps = [(scaler.mean, scaler.scale) for scaler in model.before]
    if model.standardisation is not None:
        # The model's own has an entry for each column of categories too, before the numbers.
        n_codes = len(model.network.layout.categories)
        mean, scale = model.standardisation.mean, model.standardisation.scale
        steps.append((mean[n_codes:], scale[n_codes:]))
    return steps


def directions_of(model: TrainedModel) -> list[list[Direction]]:
    """For each recurrent layer, from below, its directions: onward, then backward if there is one.

    Of categories that are fed one-hot or as vectors, the first layer's W_x has the rows first.
    """
    layout, params = model.network.layout, model.network.params

    def direction(name: str) -> Direction:
        W_x, W_h, b = (params[f"{name}.{part}"] for part in ("W_x", "W_h", "b"))
        return Direction(W_x, W_h, b, params.get(f"{name}.gain"), params.get(f"{name}.initial"))

    ends = ("", ".reverse")[: layout.n_directions]
    return [[direction(f"recurrent{i}{end}") for end in ends] for i in range(layout.n_layers)]
