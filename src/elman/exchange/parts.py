"""A trained model, or the file of one, in; its parts, as an exporter writes them, out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
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


def in_order(name: str, given: Any) -> list[Any]:
    """The entries of an argument whose order says which output, row or column each of them is.

    Parameters
    ----------
    name : str
        What errors call the argument.
    given : iterable

    Raises
    ------
    TypeError
        It is a single text, or a set or a mapping, whose order says nothing.
    """
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{name}={given!r:.80} is one text; it must be a list")
    if isinstance(given, (Set, Mapping)):
        raise TypeError(
            f"{name} is a {type(given).__name__}, whose order says nothing; pass a list in the "
            f"order of the network, of a mapping to numbers sorted({name}, key={name}.get)"
        )
    if not isinstance(given, Iterable):
        raise TypeError(f"{name}={given!r:.80}; it must be a list")
    return [*given]


def labels_of(classes: Any) -> Array:
    """The labels of classes in the order given, each with the type and the value that it has.

    Raises
    ------
    TypeError
        It is no list.
    ExchangeError
        The labels are of several types, or of another one than texts, numbers and bools.
    """
    given = classes if isinstance(classes, np.ndarray) else in_order("classes", classes)
    try:
        large = not isinstance(given, np.ndarray) and _needs_uint64(given)
        labels = np.asarray(given, np.uint64 if large else None)
    except (ValueError, OverflowError) as error:
        raise ExchangeError(f"classes={given!r:.200}: {error}") from error
    if labels.ndim == 1 and labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ExchangeError(f"classes={labels.tolist()!r:.200} holds what is no label")
    if labels.ndim != 1 or labels.dtype.kind not in "biufUO" or _are_mixed(given, labels):
        raise ExchangeError(
            f"classes={given!r:.200}; it must be a list of labels of one type: texts, numbers or "
            "bools"
        )
    return labels


def _needs_uint64(given: list[Any]) -> bool:
    """Whether labels are whole numbers that int64 does not hold, and np.asarray would round."""
    whole = all(isinstance(each, (int, np.integer)) for each in given)
    return whole and len(given) > 0 and max(given) >= 2**63 and min(given) >= 0


def _are_mixed(given: Any, labels: Array) -> bool:
    """Whether np.asarray made labels another thing than they were: texts of numbers, say."""
    if labels.dtype.kind == "O":
        return False
    kinds: dict[str, Any] = {"b": (bool, np.bool_), "U": str}
    if labels.dtype.kind in kinds:
        return not all(isinstance(each, kinds[labels.dtype.kind]) for each in given)
    if any(isinstance(each, (bool, np.bool_)) for each in given):
        return True
    return bool(labels.tolist() != np.asarray(given, object).tolist())


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
