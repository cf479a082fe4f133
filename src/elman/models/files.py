"""A fitted estimator in, an archive out; and back."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Cell
from elman.data.missing import n_inputs
from elman.data.scaling import Standardisation
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.hyperparameters.checks import RNN_CLASSIFIER, RNN_REGRESSOR, RNN_TAGGER, Check
from elman.models.history import History
from elman.models.model import TrainedClassifier, TrainedModel, TrainedRegressor, TrainedTagger
from elman.nn.network import Network, network_shapes
from elman.nn.parameters import Parameters

CHECKS: dict[str, dict[str, Check]] = {
    "RNNClassifier": RNN_CLASSIFIER,
    "RNNRegressor": RNN_REGRESSOR,
    "RNNTagger": RNN_TAGGER,
}
"""Kinds of estimators that a file may hold, and how their hyper-parameters are checked."""
NOT_SAVED = ("on_epoch", "checkpoint")
STACK = (
    "hidden_size",
    "n_layers",
    "bidirectional",
    "residual",
    "learn_initial_state",
    "dropout",
    "recurrent_dropout",
)


M = TypeVar("M", bound=TrainedModel)


class Saved(NamedTuple, Generic[M]):
    """A fitted estimator as a file holds it."""

    model: M
    parameters: dict[str, Any]
    """hyper-parameters by name, without `NOT_SAVED` once restored"""
    feature_names: list[str] | None
    history: History


def save(path: str | Path, saved: Saved[M], kind: str) -> None:
    """Write a fitted estimator of a kind that is in `CHECKS`; see `RNNClassifier.save`."""
    archive.save(path, *pack(saved, kind))


def pack(saved: Saved[M], kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and the configuration of a fitted estimator's file."""
    model = saved.model
    network = model.network
    tensors = dict(network.params)
    if model.standardisation is not None:
        tensors |= {f"standardize.{k}": v for k, v in model.standardisation._asdict().items()}
    described, arrays = pack_answers(model)
    tensors |= arrays
    names = saved.feature_names
    config = {
        "kind": kind,
        "parameters": plain_parameters(saved.parameters),
        "network": {
            "n_features": network.n_features,
            "hidden_size": _plain("hidden_size", network.hidden_size),
            "n_layers": network.n_layers,
            "n_classes": network.n_classes,
            "cell": network.cell.name,
            "activation": network.cell.activation,
            "layer_norm": network.cell.layer_norm,
            "readout": network.readout,
            "bidirectional": network.bidirectional,
            "residual": network.residual,
            "learn_initial_state": network.learn_initial_state,
            "dropout": network.dropout,
            "recurrent_dropout": network.recurrent_dropout,
        },
        **described,
        "n_features_in": int(model.n_features_in),
        "two_d": bool(model.two_d),
        "missing": model.missing,
        "feature_names_in": None if names is None else [str(name) for name in names],
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
    if not isinstance(kind, str) or kind not in CHECKS:
        raise ArchiveError(
            f"{path}: holds a {kind!r}, which this version of elman does not know: it knows "
            + ", ".join(CHECKS)
        )
    return _checked(path, tensors, config, CHECKS[kind])


def load_kind(path: str | Path, kind: str, *, known: Collection[str]) -> Saved[TrainedModel]:
    """Read an estimator of one kind.

    Parameters
    ----------
    path : str or Path
    kind : str
        One of `CHECKS`.
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
    checks = CHECKS[kind]
    parameters = _restored_parameters(config["parameters"], known, checks)
    described = dict(config["network"])
    layer_norm = described.pop("layer_norm", False)  # which older files do not have
    RNN_CLASSIFIER["layer_norm"]("layer_norm", layer_norm)
    cell = Cell(described.pop("cell"), described.pop("activation"), layer_norm)
    for name in STACK:
        if name in described:  # older files have but the first
            RNN_CLASSIFIER[name](name, described[name])
    if isinstance(described["hidden_size"], list):
        described["hidden_size"] = tuple(described["hidden_size"])
    if described.get("n_layers", 1) > len(tensors):  # before there is a layer for each
        raise ValueError(f"{described['n_layers']} layers of {len(tensors)} arrays")
    sizes = {key: value for key, value in described.items() if "dropout" not in key}
    shapes = network_shapes(**sizes, cell=cell)
    weights = {name: tensors.pop(name) for name in shapes}
    dtypes = {array.dtype for array in weights.values()}
    if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
        raise ValueError("the weights are not all float32, or all float64")
    params = Parameters.from_arrays(weights, weights["head.W"].dtype)
    network = Network(**described, cell=cell, params=params)
    answers = _unpack_answers(kind, network, config, tensors)
    n_features_in, two_d = int(config["n_features_in"]), bool(config["two_d"])
    missing = config.get("missing", "error")  # which older files do not have
    RNN_CLASSIFIER["missing"]("missing", missing)
    # A 2-D X has a column for each step of its one feature.
    n_features = 1 if two_d else n_features_in
    standardisation = _restored_standardisation(tensors, n_features)
    if tensors:
        raise ValueError(f"unknown arrays {sorted(tensors)}")
    if n_inputs(n_features, missing) != network.n_features or n_features_in < 1:
        raise ValueError(
            f"n_features_in is {n_features_in} and missing {missing!r}, but the network takes "
            f"{network.n_features} features"
        )
    names = config["feature_names_in"]
    return Saved(
        model=MODELS[kind](
            network=network,
            n_features_in=n_features_in,
            two_d=two_d,
            standardisation=standardisation,
            backend=parameters.get("backend"),
            n_jobs=parameters.get("n_jobs"),
            name=kind,
            missing=missing,
            **answers,
        ),
        parameters=parameters,
        feature_names=None if names is None else [*names],
        history=_restored_history(config["history"]),
    )


MODELS: dict[str, type[TrainedModel]] = {
    "RNNClassifier": TrainedClassifier,
    "RNNRegressor": TrainedRegressor,
    "RNNTagger": TrainedTagger,
}


def pack_answers(model: TrainedModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model's answers mean: a description, and arrays."""
    if isinstance(model, TrainedRegressor):
        arrays = {f"target.{k}": v for k, v in model.target_scale._asdict().items()}
        return {"one_target": model.one_target}, arrays
    if not isinstance(model, (TrainedClassifier, TrainedTagger)):
        raise TypeError(f"a {type(model).__name__} cannot be saved")
    classes, labels = _pack_labels(model.classes)
    described: dict[str, Any] = {"classes": classes}
    if isinstance(model, TrainedClassifier) and model.multilabel:
        described["multilabel"] = True
    return described, {} if labels is None else {"classes": labels}


def _unpack_answers(
    kind: str, network: Network, config: dict[str, Any], tensors: dict[str, Any]
) -> dict[str, Any]:
    """What `pack_answers` described, as arguments of the model; takes its arrays out."""
    if (network.readout == "every") != (kind == "RNNTagger"):
        raise ValueError(f"readout={network.readout!r} is not that of a {kind}")
    n_outputs = network.n_classes
    if kind == "RNNRegressor":
        scale = _restored_standardisation(tensors, n_outputs, "target")
        if scale is None:
            raise ValueError("target.mean and target.scale are missing")
        one_target = bool(config["one_target"])
        if one_target and n_outputs != 1:
            raise ValueError(f"one_target, but the network has {n_outputs} outputs")
        return {"target_scale": scale, "one_target": one_target}
    classes = _unpack_labels(config["classes"], tensors.pop("classes", None))
    if classes.shape != (n_outputs,):
        raise ValueError(f"{len(classes)} labels for {n_outputs} classes")
    if not np.array_equal(np.unique(classes), classes):
        raise ValueError("the labels are not sorted, or not all different")
    if kind == "RNNTagger":
        return {"classes": classes}
    multilabel = bool(config.get("multilabel", False))
    if multilabel and not np.array_equal(classes, np.arange(n_outputs)):
        raise ValueError("several labels at once are the numbers of their columns, not others")
    return {"classes": classes, "multilabel": multilabel}


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


def _restored_standardisation(
    tensors: dict[str, Any], n_features: int, prefix: str = "standardize"
) -> Standardisation | None:
    found = [tensors.pop(f"{prefix}.{name}", None) for name in Standardisation._fields]
    if all(value is None for value in found):
        return None
    for name, value in zip(Standardisation._fields, found, strict=True):
        if value is None:
            raise ValueError(f"{prefix}.mean and {prefix}.scale belong together")
        if (value.shape, value.dtype) != ((n_features,), np.float64):
            raise ValueError(f"{prefix}.{name} has shape {value.shape} and type {value.dtype}")
        if not np.isfinite(value).all() or (name == "scale" and (value <= 0).any()):
            raise ValueError(f"{prefix}.{name} is {value.tolist()}, which no training makes")
    return Standardisation(*found)


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


def _pack_labels(labels: NDArray[Any]) -> tuple[dict[str, Any], NDArray[Any] | None]:
    """A description of the labels, and the array of those that a tensor can hold."""
    _check_width(labels.dtype)
    if labels.dtype.kind in "biuf" and labels.dtype.itemsize <= 8:
        return {"dtype": labels.dtype.str}, labels
    if labels.dtype.kind not in "UO" or not all(
        isinstance(label, (str, bool, int, float)) for label in labels.tolist()
    ):
        raise TypeError(
            f"classes_ of type {labels.dtype} ({labels.tolist()[:3]} ...) cannot be saved: train "
            "on labels that are strings, ints, bools or floats"
        )
    return {"dtype": labels.dtype.str, "labels": labels.tolist()}, None


def _check_width(dtype: np.dtype[Any]) -> None:
    if dtype.itemsize > 1 << 16:  # a forged width would be multiplied by the number of labels
        raise ValueError(f"labels of type {dtype} are too wide for a file: shorten them")


def _unpack_labels(described: dict[str, Any], array: NDArray[Any] | None) -> NDArray[Any]:
    dtype = np.dtype(described["dtype"])
    if dtype.kind not in "biufUO":
        raise ValueError(f"labels of type {dtype}")
    _check_width(dtype)
    if array is not None:
        return array.astype(dtype)
    return np.array(described["labels"], dtype=dtype)
