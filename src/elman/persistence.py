"""A fitted classifier in, an archive out; and back."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Cell
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.history import History
from elman.nn.network import Network, network_shapes
from elman.nn.parameters import Parameters

KIND = "RNNClassifier"
NOT_SAVED = ("on_epoch",)


def save_classifier(classifier: Any, path: str | Path) -> None:
    """See `RNNClassifier.save`."""
    network: Network = classifier.network_
    tensors = dict(network.params)
    if classifier.mean_ is not None:
        tensors |= {"standardize.mean": classifier.mean_, "standardize.scale": classifier.scale_}
    classes, class_labels = _pack_labels(classifier.classes_)
    if class_labels is not None:
        tensors["classes"] = class_labels
    names = getattr(classifier, "feature_names_in_", None)
    config = {
        "kind": KIND,
        "parameters": {
            name: _plain(name, value)
            for name, value in classifier.get_params(deep=False).items()
            if name not in NOT_SAVED
        },
        "network": {
            "n_features": network.n_features,
            "hidden_size": network.hidden_size,
            "n_classes": network.n_classes,
            "cell": network.cell.name,
            "activation": network.cell.activation,
            "readout": network.readout,
        },
        "classes": classes,
        "n_features_in": int(classifier.n_features_in_),
        "two_d": bool(classifier._two_d),
        "feature_names_in": None if names is None else [str(name) for name in names],
        "history": asdict(classifier.history_),
    }
    archive.save(path, tensors, config)


def load_classifier(kind: type[Any], path: str | Path) -> Any:
    """See `RNNClassifier.load`."""
    tensors, config = archive.load(path)
    if config.get("kind") != KIND:
        raise ArchiveError(
            f"{path}: holds a {config.get('kind')!r}, not a {KIND}; load it with what saved it"
        )
    try:
        return _restored(kind, tensors, config)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ArchiveError(
            f"{path}: is whole, but does not describe a {KIND} of this version of elman "
            f"({type(error).__name__}: {error}); it may come from a newer one"
        ) from error


def _restored(kind: type[Any], tensors: dict[str, Any], config: dict[str, Any]) -> Any:
    parameters = dict(config["parameters"])
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    classifier = kind(**parameters)
    classifier._check_parameters()
    described = dict(config["network"])
    cell = Cell(described.pop("cell"), described.pop("activation"))
    sizes = {key: described[key] for key in ("n_features", "hidden_size", "n_classes")}
    shapes = network_shapes(**sizes, cell=cell)
    weights = {name: tensors.pop(name) for name in shapes}
    dtypes = {array.dtype for array in weights.values()}
    if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
        raise ValueError("the weights are not all float32, or all float64")
    params = Parameters.from_arrays(weights, weights["head.W"].dtype)
    classifier.network_ = Network(**described, cell=cell, params=params)
    classifier.classes_ = _unpack_labels(config["classes"], tensors.pop("classes", None))
    if classifier.classes_.shape != (sizes["n_classes"],):
        raise ValueError(f"{len(classifier.classes_)} labels for {sizes['n_classes']} classes")
    if not np.array_equal(np.unique(classifier.classes_), classifier.classes_):
        raise ValueError("the labels are not sorted, or not all different")
    classifier.mean_ = tensors.pop("standardize.mean", None)
    classifier.scale_ = tensors.pop("standardize.scale", None)
    for name in ("mean_", "scale_"):
        value = getattr(classifier, name)
        if value is not None and (value.shape, value.dtype) != ((sizes["n_features"],), np.float64):
            raise ValueError(f"{name} has shape {value.shape} and type {value.dtype}")
    if (classifier.mean_ is None) != (classifier.scale_ is None):
        raise ValueError("standardize.mean and standardize.scale belong together")
    if tensors:
        raise ValueError(f"unknown arrays {sorted(tensors)}")
    classifier.n_features_in_ = int(config["n_features_in"])
    classifier._two_d = bool(config["two_d"])
    # A 2-D X has a column for each step of the one feature that the network sees.
    n_features = 1 if classifier._two_d else classifier.n_features_in_
    if n_features != sizes["n_features"] or classifier.n_features_in_ < 1:
        raise ValueError(
            f"n_features_in is {classifier.n_features_in_}, but the network takes "
            f"{sizes['n_features']}"
        )
    if config["feature_names_in"] is not None:
        classifier.feature_names_in_ = np.array(config["feature_names_in"], dtype=object)
    classifier._set_history(History(**config["history"]))
    return classifier


def _plain(name: str, value: Any) -> Any:
    """A hyper-parameter as JSON has it."""
    if name == "dtype":
        return value if value == "auto" else np.dtype(value).name
    if name == "class_weight" and isinstance(value, Mapping):
        # as pairs, because JSON would turn labels that are numbers into strings
        return [[_plain("", label), float(weight)] for label, weight in value.items()]
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
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


def _unpack_labels(described: dict[str, Any], array: NDArray[Any] | None) -> NDArray[Any]:
    dtype = np.dtype(described["dtype"])
    if dtype.itemsize > 1 << 16:  # a forged width would be multiplied by the number of labels
        raise ValueError(f"labels of type {dtype} are too wide")
    if array is not None:
        return array.astype(dtype)
    return np.array(described["labels"], dtype=dtype)
