"""A trained model with how it was trained in, a checked file out; and back."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.hyperparameters.checks import RNN_CLASSIFIER, RNN_REGRESSOR, RNN_TAGGER, Check
from elman.models.classifier import TrainedClassifier
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger

CHECKS: dict[str, dict[str, Check]] = {
    "RNNClassifier": RNN_CLASSIFIER,
    "RNNRegressor": RNN_REGRESSOR,
    "RNNTagger": RNN_TAGGER,
}
"""Kinds of estimators that a file may hold, and how their hyper-parameters are checked."""
NOT_SAVED = ("on_epoch", "checkpoint")

KINDS: dict[str, type[TrainedModel]] = {
    model.kind: model for model in (TrainedClassifier, TrainedRegressor, TrainedTagger)
}
"""The models that a file may hold, by the name of the estimator that trains each."""

M = TypeVar("M", bound=TrainedModel)


class Saved(NamedTuple, Generic[M]):
    """A fitted estimator as a file holds it."""

    model: M
    parameters: dict[str, Any]
    """hyper-parameters by name, without `NOT_SAVED` once restored"""
    history: History


def save(path: str | Path, saved: Saved[M]) -> None:
    """Write a fitted estimator to a file, atomically."""
    archive.save(path, *pack(saved))


def pack(saved: Saved[M]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the configuration of a fitted estimator's file."""
    described, tensors = saved.model.describe()
    config = {
        **described,
        "parameters": plain_parameters(saved.parameters),
        "history": asdict(saved.history),
    }
    return tensors, config


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters as JSON has them, but for those that no file holds."""
    return {
        name: _plain(name, value) for name, value in parameters.items() if name not in NOT_SAVED
    }


def load(path: str | Path) -> Saved[TrainedModel]:
    """Read an estimator of any kind that `save` wrote; see `RNNClassifier.load`."""
    tensors, config = archive.load(path)
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ArchiveError(
            f"{path}: holds a {kind!r}, which this version of elman does not know: it knows "
            + ", ".join(KINDS)
        )
    return _checked(path, tensors, config, CHECKS[kind])


def load_kind(path: str | Path, kind: str, *, known: Collection[str]) -> Saved[TrainedModel]:
    """Read an estimator of one kind.

    Parameters
    ----------
    path : str or Path
    kind : str
        One of `KINDS`.
    known : collection of str
        Names of the hyper-parameters that there are; a file with others is refused.
    """
    return load_training(path, kind, known=known)[0]


def load_training(
    path: str | Path, kind: str, *, known: Collection[str]
) -> tuple[Saved[TrainedModel], dict[str, NDArray[Any]], dict[str, Any]]:
    """Read an estimator of one kind, and what a checkpoint holds beside it.

    Returns
    -------
    saved : Saved
    arrays : dict of str to ndarray
        Those called "training.*"; none in a model file.
    training : dict
        The part of the configuration called "training"; empty in a model file.
    """
    tensors, config = archive.load(path)
    if config.get("kind") != kind:
        raise ArchiveError(
            f"{path}: holds a {config.get('kind')!r}, not a {kind}; load it with what saved it"
        )
    saved = _checked(path, tensors, config, known)
    arrays = {name: array for name, array in tensors.items() if name.startswith("training.")}
    return saved, arrays, config.get("training", {})


def _checked(
    path: str | Path, tensors: dict[str, Any], config: dict[str, Any], known: Collection[str]
) -> Saved[TrainedModel]:
    kind = config["kind"]
    tensors = dict(tensors)
    if "training" in config:
        tensors = {name: tensors[name] for name in tensors if not name.startswith("training.")}
    try:
        return _restored(tensors, config, known)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ArchiveError(
            f"{path}: is whole, but does not describe a {kind} of this version of elman "
            f"({type(error).__name__}: {error}); it may come from a newer one"
        ) from error


def _restored(
    tensors: dict[str, Any], config: dict[str, Any], known: Collection[str]
) -> Saved[TrainedModel]:
    kind = config["kind"]
    parameters = _restored_parameters(config["parameters"], known, CHECKS[kind])
    model = KINDS[kind].restore(config, tensors)
    if tensors:
        raise ValueError(f"unknown arrays {sorted(tensors)}")
    model = replace(model, backend=parameters.get("backend"), n_jobs=parameters.get("n_jobs"))
    return Saved(model, parameters, _restored_history(config["history"]))


def _restored_parameters(
    described: dict[str, Any], known: Collection[str], checks: Mapping[str, Check]
) -> dict[str, Any]:
    parameters = dict(described)
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    if isinstance(parameters.get("hidden_size"), list):
        parameters["hidden_size"] = tuple(parameters["hidden_size"])
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"unknown hyper-parameter {name!r}")
        if name in checks:
            checks[name](name, value)
    return parameters


def _restored_history(described: dict[str, Any]) -> History:
    history = History(**described)
    for name in History.columns():
        column, kind = getattr(history, name), dict if name == "spectral_radius" else numbers.Real
        if not isinstance(column, list):
            raise ValueError(f"history has no list as {name}")
        if not all(value is None or isinstance(value, kind) for value in column):
            raise ValueError(f"history has other values than numbers in {name}")
        if len(column) not in (0, len(history)):
            raise ValueError(f"history has {len(column)} values of {name}, {len(history)} epochs")
    if not isinstance(history.best_epoch, int) or not isinstance(history.stopped_by, str):
        raise ValueError("history does not say which epoch was best, or what ended it")
    return history


def _plain(name: str, value: Any) -> Any:
    """A hyper-parameter as JSON has it."""
    if name == "dtype":
        return value if value == "auto" else np.dtype(value).name
    if name == "class_weight" and isinstance(value, Mapping):
        # as pairs, because JSON would turn labels that are numbers into strings
        return [[_plain("", label), float(weight)] for label, weight in value.items()]
    if name == "hidden_size" and isinstance(value, (list, tuple, np.ndarray)):
        return [int(size) for size in value]
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
        return None
    if name == "scoring" and callable(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value)
