"""A model that Keras saved in; a fitted estimator of ours out."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell
from elman.data.frontend import Frontend
from elman.data.names import Names
from elman.data.scaling import Standardisation
from elman.data.symbols import Symbols, Vocabulary
from elman.data.symbols.symbols import Missing
from elman.data.symbols.vocabulary import TokenKind
from elman.exchange.given import in_order, labels_of
from elman.exchange.keras import assumed, containers, hdf5
from elman.exchange.keras.config import Described, Layer, Tensor, described
from elman.exchange.keras.meaning import Meaning, Value, input_value
from elman.exchange.keras.weights import LAYERS, LAYERS_BEFORE, Named, Numbered, Weights
from elman.exchange.parts import ExchangeError
from elman.models.classifier import TrainedClassifier
from elman.models.model import TrainedModel
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.parameters import Parameters

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

CONFIG, METADATA = "config.json", "metadata.json"
H5, NPZ, SHARDS = "model.weights.h5", "model.weights.npz", "model.weights.json"

POLICIES = ("float32", "float64")
HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


class Content(NamedTuple):
    """What a file holds of a model."""

    config: Any
    """the description of its layers; None if the file has none"""
    arrays: dict[str, Array] | None
    """as Keras 3 files them, below the group of all layers"""
    groups: dict[str, dict[str, Array]] | None
    """as older files have them, by layer"""
    ours: dict[str, Any]
    """what `write_keras` keeps beside what Keras knows"""


def read_keras(
    path: PathLike,
    *,
    classes: Sequence[Any] | NDArray[Any] | None = None,
    mask_value: float | None = None,
    feature_names: Sequence[str] | None = None,
    vocabulary: Sequence[str | None] | None = None,
    unknown: str | None = "[UNK]",
    config: PathLike | Mapping[str, Any] | None = None,
    readout: str | None = None,
    head: str | None = None,
    activation: str | None = None,
) -> Any:
    """Read a model that Keras saved, as a fitted estimator that gives the same answers.

    Brought in are Sequential models, and Functional ones of the same layers: SimpleRNN (tanh or
    relu), GRU (with ``reset_after=True``, the default) and LSTM, with Bidirectional (``"concat"``)
    or without, one or several above each other; before them Masking, Normalization, Rescaling or an
    Embedding; after them GlobalMaxPooling1D or GlobalAveragePooling1D, and one Dense layer with
    softmax, sigmoid or no activation. Layers that act in training alone, such as Dropout, are left
    out. Anything that has another equation is refused, with the layer's name. Keras and TensorFlow
    are not needed: the file is read with h5py (``pip install 'elman[keras]'``), and no class or
    function that it names is imported.

    Parameters
    ----------
    path : str or Path
        A file of one of these kinds:

        - ``.keras``, of Keras 3, with weights in HDF5 or in plain arrays of NumPy's;
        - ``.weights.h5``, of weights alone, and ``.weights.json``, the map of weights in several
          files beside it;
        - ``.h5`` or ``.hdf5``, a whole model or its weights as Keras 2 (and 3) writes them.
    classes : sequence, optional
        The class of each output, in Keras's order; for one sigmoid unit the class of 0 and that of
        1. By default 0, 1, ...: Keras's files know no names. A file of `write_keras` does.
    mask_value : float, optional
        Has to be given if the model has a Masking layer, and is its value. Such a model leaves out
        the steps whose features all have it. Here padding is not passed at all, and a step to be
        left out is NaN (the estimator has ``missing="skip"``). A file of `write_keras` says it.
    feature_names : sequence of str, optional
        What the columns of X are called.
    vocabulary : sequence of str, optional
        If the model begins with an Embedding, the token of each id from 0 on, as `get_vocabulary`
        of Keras's layers gives it. X then is sequences of tokens; by default it is sequences of
        ids. With ``mask_zero=True`` id 0 is padding, which is not passed here.
    unknown : str or None
        The entry of `vocabulary` that stands for all tokens beyond it. None, or one that is not
        there: those are an error.
    config : path or mapping, optional
        For a file of weights alone: what ``model.to_json()`` gave, in a file or parsed.
    readout : {"last", "mean", "max", "every"}, optional
        For a file of weights alone, without `config`: what the Dense layer reads of the states;
        "last" by default, "every" if each step has an answer.
    head : {"softmax", "sigmoid", "linear"}, optional
        Likewise the activation of the Dense layer; "softmax" by default, "sigmoid" if it has one
        unit.
    activation : {"tanh", "relu"}, optional
        Likewise that of SimpleRNN; "tanh" by default.

    Returns
    -------
    RNNClassifier, RNNTagger or RNNRegressor
        A classifier if the outputs have softmax, or one sigmoid unit, which is two classes; of
        several sigmoid units, a classifier of several labels at once. A tagger if the Dense layer
        is applied to each step. A regressor if the outputs have no activation. It can be saved,
        and goes on training with `partial_fit`.

    Raises
    ------
    ExchangeError
        The file is damaged or forged, or the model does what no model here does; it names the
        layer.
    ImportError
        h5py is not installed.
    OSError
        The file cannot be read.
    TypeError, ValueError
        An argument that does not go with the file.

    Warns
    -----
    UserWarning
        The answers are the same under a condition that the file cannot assure, or but for rounding
        (a model that Keras computes in half precision). Of weights alone, without `config`: what of
        `readout`, `head` and `activation` was assumed.

    Notes
    -----
    A model without Masking takes padding for steps: pass it padded as it was in Keras to get the
    same answers, whatever reads the states; the largest and the mean state are taken over all steps
    that are passed. Keras standardises in float32, and elman in float64.

    A file may come from anybody: what HDF5 and zip archives offer beyond plain arrays (links, other
    files, compression, promises without content) is refused. What is left is read by the HDF5
    library, which is written in C; a file from a stranger is safer in a process of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange import read_keras, write_keras
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = np.where(X[:, -1, 0] > 0, "up", "down")
    >>> clf = RNNClassifier(cell="gru", hidden_size=3, max_iter=2, deltas=0, stride=1)
    >>> write_keras(clf.fit(X, y), "model.keras")
    >>> again = read_keras("model.keras")
    >>> print(again.classes_, np.array_equal(again.predict(X), clf.predict(X)))
    ['down' 'up'] True
    """
    place = os.fspath(path)
    content = _content(Path(path))
    layers = _described(content, place, config, readout, head, activation)
    weights: Weights
    if content.arrays is not None:
        weights = Numbered(content.arrays, layers.layers)
    else:
        weights = Named(content.groups or {})
    notes: list[str] = []
    if content.config is None and config is None:
        notes += _assumed(layers, place, readout, head, activation)
    if mask_value is None:  # a file of ours says what padding is
        kept = content.ours.get("mask_value")
        mask_value = kept if isinstance(kept, (int, float)) else None
    meaning = Meaning(weights, None if mask_value is None else float(mask_value), notes)
    with np.errstate(invalid="ignore", over="ignore"):
        value = _value(layers, meaning, place)
    left = weights.left_over()
    if left:
        raise ExchangeError(
            f"{place}: weights that no layer of the model has: {', '.join(map(repr, left[:5]))}"
            + (f" and {len(left) - 5} others" if len(left) > 5 else "")
        )
    _check_policies(layers, notes)
    model = _model(value, place, content.ours, classes, feature_names, vocabulary, unknown)
    if value.zeroed and value.per_step and model.missing == "skip":
        notes.append(
            f"{place}: at steps that are left out Keras answers as to a state of zeros, and elman "
            "as at the step before"
        )
    for note in notes:
        warnings.warn(note, stacklevel=2)
    from elman.estimators.loading import estimator_of

    return estimator_of(model)


# Opening


def _content(path: Path) -> Content:
    """What the file holds, by what it is and not by its name."""
    place = os.fspath(path)
    with containers.regular_file(path) as (file, size):
        start = file.read(8)
        file.seek(0)
        if start.startswith(b"PK"):
            archive = containers.Archive(file, place, size)
            if CONFIG in archive or H5 in archive or SHARDS in archive:
                return _of_archive(archive)
            file.seek(0)
            return Content(None, _plain(containers.npz_arrays(file.read(), place)), None, {})
        if start == b"\x89HDF\r\n\x1a\n":
            with hdf5.opened(file, place, size) as opened:
                return _of_hdf5(opened)
        if start.lstrip()[:1] == b"{":
            described = containers.parsed(file.read(min(size, containers.MOST_JSON) + 1), place)
            return _of_shards(path, described)
    raise ExchangeError(
        f"{place}: neither a .keras file nor one in HDF5 (.weights.h5, .h5), nor the map of shards "
        "(.weights.json)"
    )


def _of_archive(archive: containers.Archive) -> Content:
    place = archive.place
    config = None
    if CONFIG in archive:
        config = containers.parsed(archive.read(CONFIG, containers.MOST_JSON), f"{place}: {CONFIG}")
    ours: Any = {}
    if METADATA in archive:
        text = archive.read(METADATA, containers.MOST_JSON)
        metadata = containers.parsed(text, f"{place}: {METADATA}")
        ours = metadata.get("elman", {}) if isinstance(metadata, dict) else {}
    if not isinstance(ours, dict):
        raise ExchangeError(f"{place}: {METADATA} says {ours!r:.60} of elman")
    if H5 in archive:
        arrays = _member_arrays(archive, H5)
    elif SHARDS in archive:
        map_of = containers.parsed(archive.read(SHARDS, containers.MOST_JSON), f"{place}: {SHARDS}")
        names = containers.shard_names(map_of, f"{place}: {SHARDS}")
        for name in names:
            if name not in archive:
                raise ExchangeError(f"{place}: the shard {name!r} is missing")
        arrays = containers.merged([_member_arrays(archive, name) for name in names], place)
    elif NPZ in archive:
        arrays = _plain(containers.npz_arrays(archive.read(NPZ), f"{place}: {NPZ}"))
    else:
        raise ExchangeError(f"{place}: it holds no weights: neither {H5} nor {NPZ}")
    return Content(config, arrays, None, ours)


def _member_arrays(archive: containers.Archive, name: str) -> dict[str, Array]:
    content = archive.read(name)
    with hdf5.opened(io.BytesIO(content), f"{archive.place}: {name}", len(content)) as opened:
        found = _of_hdf5(opened)
    if found.arrays is None:
        raise ExchangeError(f"{archive.place}: {name} holds no group {LAYERS!r}")
    return found.arrays


def _of_shards(path: Path, map_of: Any) -> Content:
    place = os.fspath(path)
    parts = []
    for name in containers.shard_names(map_of, place):
        shard = containers.beside(path, name)
        with (
            containers.regular_file(shard) as (file, size),
            hdf5.opened(file, os.fspath(shard), size) as opened,
        ):
            parts.append(_of_hdf5(opened).arrays or {})
    return Content(None, containers.merged(parts, place), None, {})


def _of_hdf5(file: hdf5.Hdf5) -> Content:
    """What an HDF5 file holds, in the layout of Keras 3 or in the one before."""
    for group in (LAYERS, LAYERS_BEFORE):
        if file.has(group) and file.names("layer_names") is None:
            arrays = file.arrays(group)
            if file.arrays("vars"):
                raise ExchangeError(f"{file.place}: the model has weights of its own, in 'vars'")
            return Content(None, arrays, None, {})
    config = file.text("model_config")
    below = "model_weights" if file.has("model_weights") else ""
    names = file.names("layer_names", below)
    if config is None and names is None:
        raise ExchangeError(
            f"{file.place}: no model of Keras: there is neither a group {LAYERS!r} nor an "
            "attribute 'layer_names'"
        )
    groups = {
        name: file.arrays(f"{below}/{name}".lstrip("/"))
        for name in file.groups(below)
        if name != "optimizer_weights"
    }
    if names is not None:  # in the model's order
        order = {name: i for i, name in enumerate(names)}
        groups = dict(sorted(groups.items(), key=lambda item: order.get(item[0], len(order))))
    parsed = None if config is None else containers.parsed(config, f"{file.place}: model_config")
    return Content(parsed, None, groups, {})


def _plain(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays of a .npz file as those of an HDF5 file below the group of all layers."""
    found = {}
    for name, array in arrays.items():
        path = name.replace("\\", "/").lstrip("/")
        for group in (LAYERS, LAYERS_BEFORE):
            if path.startswith(f"{group}/"):
                found[path.removeprefix(f"{group}/")] = array
    return found


# What the layers are


def _described(
    content: Content,
    place: str,
    config: PathLike | Mapping[str, Any] | None,
    readout: str | None,
    head: str | None,
    activation: str | None,
) -> Described:
    given = {"readout": readout, "head": head, "activation": activation}
    said = [name for name, value in given.items() if value is not None]
    if content.config is not None:
        if config is not None or said:
            name = "config" if config is not None else said[0]
            raise ValueError(f"{name} is for files of weights alone, but {place} says its layers")
        return described(content.config, place)
    if config is None:
        return assumed.layers_of(content.arrays, content.groups, place, readout, head, activation)
    if said:
        raise ValueError(f"{said[0]} is in config already: leave one of the two out")
    if isinstance(config, Mapping):
        return described(dict(config), "config")
    with containers.regular_file(config) as (file, size):
        text = file.read(min(size, containers.MOST_JSON) + 1)
    return described(containers.parsed(text, os.fspath(config)), os.fspath(config))


def _assumed(
    layers: Described, place: str, readout: str | None, head: str | None, activation: str | None
) -> list[str]:
    """What was taken for granted of a file of weights alone, and not said by the caller."""
    last = layers.layers[-1]
    last = last.wrapped("layer") if last.kind == "TimeDistributed" else last
    found = [f"readout={'last'!r}"] * (readout is None)
    found += [f"head={last.settings.values.get('activation')!r}"] * (head is None)
    simple = any(
        layer.kind == "SimpleRNN"
        or (layer.kind == "Bidirectional" and layer.wrapped("layer").kind == "SimpleRNN")
        for layer in layers.layers
    )
    found += [f"activation={'tanh'!r}"] * (activation is None and simple)
    if not found:
        return []
    return [
        f"{place}: the file has weights alone, which do not say what the layers do with them; "
        f"assumed were {', '.join(found)}. Say them, or pass config=, what model.to_json() gives"
    ]


def _value(layers: Described, meaning: Meaning, place: str) -> Value:
    """What the model's output is, from the inputs on."""
    values: dict[str, tuple[Value, ...]] = {}
    waiting = list(layers.layers)
    while waiting:
        ready = [layer for layer in waiting if all(t.layer in values for t in _needed(layer))]
        if not ready:
            raise ExchangeError(
                f"{waiting[0].settings.where}: it is called with what no layer before it gives"
            )
        for layer in ready:
            values[layer.name] = _values_of(layer, values, meaning, layers.sequential)
        waiting = [layer for layer in waiting if layer.name not in values]
    found = values.get(layers.output.layer, ())
    if layers.output.index >= len(found):
        raise ExchangeError(f"{place}: the model's output is given by none of its layers")
    value = found[layers.output.index]
    if value.at != "outputs":
        raise ExchangeError(
            f"{place}: the model ends in the layer {layers.output.layer!r:.80} without a Dense "
            "layer, so that there are no classes and no values"
        )
    inputs = [layer.name for layer in layers.layers if layer.kind == "InputLayer"]
    if len(inputs) > 1:
        raise ExchangeError(
            f"{place}: the model has {len(inputs)} inputs, {', '.join(map(repr, inputs))[:200]}; "
            "exactly one can be brought in"
        )
    return value


def _values_of(
    layer: Layer, values: Mapping[str, tuple[Value, ...]], meaning: Meaning, sequential: bool
) -> tuple[Value, ...]:
    ins = []
    for tensor in _tensors(layer.args):
        given = values[tensor.layer]
        if tensor.index >= len(given):
            layer.settings.refuse(f"{tensor.layer!r:.80} does not give {tensor.index + 1} tensors")
        ins.append(given[tensor.index])
    if not ins and sequential and layer.kind != "InputLayer":
        ins = [input_value(layer.settings)]  # a model of Keras 2 says it in its first layer
    for name, given in (layer.kwargs or {}).items():
        if name == "mask" and _tensors(given):
            if not isinstance(given, Tensor):
                layer.settings.refuse("it is called with several masks")
            mask = values[given.layer][0]
            if mask.at != "mask":
                layer.settings.refuse("its mask is none of padding")
            ins = [_left_out(each, mask) for each in ins]
        elif name not in ("training", "mask") and given is not None:
            layer.settings.refuse(f"it is called with {name:.60}, which elman does not have")
    return meaning.of(layer, ins)


def _left_out(value: Value, mask: Value) -> Value:
    """A value of which steps are left out; those with NaN among them if the mask says so."""
    skips = mask.missing == "skip" and value.missing == "zero"
    return replace(value, masked=True, missing="skip" if skips else value.missing)


def _needed(layer: Layer) -> list[Tensor]:
    """The tensors without which a layer cannot be looked at."""
    return _tensors([*layer.args, *(layer.kwargs or {}).values()])


def _tensors(given: Any) -> list[Tensor]:
    if isinstance(given, Tensor):
        return [given]
    if isinstance(given, (list, tuple)):
        return [tensor for each in given for tensor in _tensors(each)]
    return []


def _check_policies(layers: Described, notes: list[str]) -> None:
    """Note that Keras computes in half precision; refuse what is no precision of floats."""
    half = set()
    for layer in layers.layers:
        policy = layer.settings.values.get("dtype", "float32")
        if isinstance(policy, dict):
            inner = policy.get("config")
            policy = inner.get("name") if isinstance(inner, dict) else None
        if policy in HALF:
            half.add(policy)
        elif policy not in POLICIES and not (
            layer.kind == "InputLayer" or policy in (None, "int32", "int64")
        ):
            layer.settings.refuse(f"it computes in {policy!r:.60}; elman has float32 and float64")
    if half:
        notes.append(
            f"the model computes in {', '.join(sorted(half))}: its weights were taken as they are, "
            "and answers differ from Keras's by its rounding"
        )


# The model of ours


def _model(
    value: Value,
    place: str,
    ours: Mapping[str, Any],
    classes: Any,
    feature_names: Sequence[str] | None,
    vocabulary: Sequence[str | None] | None,
    unknown: str | None,
) -> TrainedModel:
    layers, head = value.layers, value.head
    if not layers or head is None:
        raise ExchangeError(f"{place}: the model has no recurrent layer before its Dense layer")
    first = layers[0]
    for each in layers:
        if (each.cell, each.activation) != (first.cell, first.activation):
            raise ExchangeError(
                f"{place}: its recurrent layers are of different cells or activations; elman has "
                "one for all layers"
            )
        if len(each.directions) != len(first.directions):
            raise ExchangeError(
                f"{place}: some of its recurrent layers are Bidirectional and some are not; elman "
                "has both directions in all layers or in none"
            )
    if len(set(value.sums[1:])) > 1:
        raise ExchangeError(
            f"{place}: the input is added to the states of some layers and not of others; elman "
            "has residual=True for all from the second on, or for none"
        )
    if len(set(value.masks)) > 1:
        raise ExchangeError(
            f"{place}: some layers leave out steps, and others take padding for steps"
        )
    symbols, categories, vectors = _symbols(value, place, ours, vocabulary, unknown)
    n_inputs = 1 if categories else len(first.directions[0].W_x)
    n_features = n_inputs // 2 if value.missing == "mask" else n_inputs
    W, b = head
    multilabel = value.link == "sigmoid" and len(b) > 1
    if value.link == "sigmoid" and len(b) == 1:  # softmax over (0, z) is sigmoid(z) of class 1
        W, b = (np.concatenate([np.zeros_like(each), each], axis=-1) for each in (W, b))
    labels = None
    if value.link != "identity":
        labels, order = _classes(classes, ours.get("classes"), len(b), multilabel, place)
        W, b = W[:, order], b[order]
    elif classes is not None:
        raise ValueError(f"classes={classes!r:.60}, but {place} gives numbers, and no classes")
    try:
        layout = Layout(
            n_inputs,
            tuple(each.size for each in layers),
            len(b),
            cell=Cell(first.cell, "relu" if first.activation == "relu" else "tanh"),
            readout="every" if value.per_step else value.readouts,
            bidirectional=len(first.directions) > 1,
            residual=len(layers) > 1 and all(value.sums[1:]),
            categories=categories,
        )
    except ValueError as error:
        raise ExchangeError(f"{place}: {error}") from error
    arrays: dict[str, Array] = {} if vectors is None else {"embedding0.E": vectors}
    for i, each in enumerate(layers):
        for end, direction in zip(("", ".reverse"), each.directions, strict=False):
            name = f"recurrent{i}{end}"
            arrays |= {
                f"{name}.W_x": direction.W_x,
                f"{name}.W_h": direction.W_h,
                f"{name}.b": direction.b,
            }
    arrays |= {"head.W": W, "head.b": b}
    double = all(array.dtype == np.float64 for array in arrays.values())
    params = Parameters.from_arrays(arrays, np.float64 if double else np.float32)
    try:
        network = Network(layout, params)
    except ValueError as error:
        raise ExchangeError(f"{place}: {error}") from error
    spoilt = params.unusable()
    if spoilt is not None:
        raise ExchangeError(f"{place}: weights ({spoilt}) hold NaN, infinity or values beyond use")
    if feature_names is None:
        feature_names = _names_of_ours(ours, n_features)
    shared: dict[str, Any] = {
        "network": network,
        "n_features_in": n_features,
        "two_d": False,
        "standardisation": _standardisation(value, n_features, place),
        "missing": _missing(value, ours, place) if symbols is None else symbols.missing,
        "symbols": symbols,
        "frontend": Frontend(n_codes=0 if symbols is None else symbols.n_codes),
        "feature_names": _checked_names(feature_names, n_features),
    }
    if labels is None:
        scale = np.ones(len(b)) if value.target_scale is None else value.target_scale
        mean = np.zeros(len(b)) if value.target_mean is None else value.target_mean
        return TrainedRegressor(
            target_scale=Standardisation(mean, scale),
            one_target=len(b) == 1 and bool(ours.get("one_target", True)),
            per_step=value.per_step,
            **shared,
        )
    if value.per_step:
        if multilabel:
            raise ExchangeError(
                f"{place}: several sigmoid units at each step are several labels of each step; "
                "elman's taggers give a step one label"
            )
        return TrainedTagger(classes=labels, **shared)
    return TrainedClassifier(classes=labels, multilabel=multilabel, **shared)


def _missing(value: Value, ours: Mapping[str, Any], place: str) -> Missing:
    """What NaN becomes."""
    if value.missing == "mask" or value.missing == "skip":
        return value.missing
    if value.missing == "zero":
        raise ExchangeError(f"{place}: 0 stands for NaN, which elman tells from a 0")
    if value.vectors is not None:  # whose ids say it, of tokens that `write_keras` keeps
        found = ours.get("missing")
        return "mask" if found == "mask" else "skip" if found == "skip" else "error"
    # of a model of ours padding is at the end, and nothing else is left out
    written = ours.get("missing") == "error"
    return "skip" if value.masked and value.vectors is None and not written else "error"


def _standardisation(value: Value, n_features: int, place: str) -> Standardisation | None:
    if value.mean is None or value.scale is None:
        return None
    usable = np.isfinite(value.mean).all() and np.isfinite(value.scale).all()
    if not usable or (value.scale <= 0).any() or value.mean.shape != (n_features,):
        raise ExchangeError(f"{place}: its input is scaled by numbers beyond all use")
    return Standardisation(value.mean, value.scale)


def _classes(
    given: Any, kept: Any, n: int, multilabel: bool, place: str
) -> tuple[Array, NDArray[np.intp]]:
    """The classes in order, and which of Keras's outputs each is."""
    if multilabel:
        if given is not None:
            raise ValueError(
                f"classes={given!r:.60}, but {place} has {n} labels at once, which are the numbers "
                "of its outputs"
            )
        return np.arange(n), np.arange(n)
    source = "classes"
    if given is None and kept is not None:
        given, source = kept, f"{place}: {METADATA}: classes"
        if not isinstance(kept, list) or not all(
            isinstance(each, (str, int, float)) for each in kept
        ):
            raise ExchangeError(f"{source} are {kept!r:.60}; they must be texts or numbers")
    labels = np.arange(n) if given is None else labels_of(given)
    if labels.shape != (n,):
        raise (ValueError if source == "classes" else ExchangeError)(
            f"{source} has shape {labels.shape} and type {labels.dtype}; there are {n} outputs"
            " and each has a class"
        )
    order = np.argsort(labels, kind="stable")
    labels = labels[order]
    if len(np.unique(labels)) < n:
        raise (ValueError if source == "classes" else ExchangeError)(
            f"{source} has {n} entries, and some are equal: {labels.tolist()!r:.80}"
        )
    return labels, order


def _symbols(
    value: Value,
    place: str,
    ours: Mapping[str, Any],
    vocabulary: Sequence[str | None] | None,
    unknown: str | None,
) -> tuple[Symbols | None, tuple[tuple[int, int], ...], Array | None]:
    """The vocabulary of an Embedding, and its vectors in our order of ids."""
    E = value.vectors
    if E is None:
        if vocabulary is not None:
            raise ValueError(f"vocabulary was given, but {place} has no Embedding layer")
        return None, (), None
    n, start = len(E), int(value.skips_zero)
    refuses_unknown, rare = False, tuple[Any, ...]()
    missing: Missing = "error"
    kept = _tokens_of_ours(ours, n)
    if vocabulary is not None:
        tokens, rows, row_unknown = _listed(vocabulary, n, start, unknown)
        kind: TokenKind = "text"
    elif kept is not None:
        kind, tokens = kept
        refuses_unknown = ours.get("handle_unknown") == "error"
        missing = _missing(value, ours, place)
        if refuses_unknown:
            rare = _rare_of_ours(ours, tokens)
        rows, row_unknown = list(range(2, n)), 1
    else:
        kind, tokens = "int", list(range(start, n))
        rows, row_unknown = tokens, None
    if not tokens:
        raise ExchangeError(f"{place}: there is no token beside padding and the unknown one")
    first = np.zeros((1, E.shape[1]), E.dtype) if row_unknown is None else E[[row_unknown]]
    of_tokens = Vocabulary(
        kind=kind, tokens=tuple(tokens), counts=np.zeros(len(tokens) + 1, np.int64), rare=rare
    )
    symbols = Symbols(
        form="characters" if kind == "characters" else "tokens",
        categorical=(0,),
        n_columns=1,
        feature_names=None,
        vocabularies=(of_tokens,),
        handle_unknown="error" if refuses_unknown or row_unknown is None else "unknown",
        missing=missing,
    )
    vectors = np.concatenate([first, E[rows]])
    return symbols, ((len(vectors), E.shape[1]),), vectors


def _listed(
    vocabulary: Sequence[str | None], n: int, start: int, unknown: str | None
) -> tuple[list[Any], list[int], int | None]:
    """Tokens that a caller lists by Keras's ids, their ids, and that of the unknown one."""
    entries = in_order("vocabulary", vocabulary)
    if len(entries) > n:
        raise ValueError(
            f"vocabulary has {len(entries):,} entries, but the Embedding has {n:,} ids"
        )
    tokens: list[Any] = []
    rows: list[int] = []
    row_unknown: int | None = None
    for i, token in enumerate(entries):
        if i < start or token is None:
            continue
        if not isinstance(token, str):
            raise TypeError(f"vocabulary[{i}] is {token!r:.60}; tokens are texts")
        if token == unknown:
            row_unknown = i
            continue
        tokens.append(str(token))
        rows.append(i)
    if len(set(tokens)) < len(tokens):
        raise ValueError("vocabulary has a token twice; each has one id")
    return tokens, rows, row_unknown


def _tokens_of_ours(ours: Mapping[str, Any], n: int) -> tuple[TokenKind, list[Any]] | None:
    """The tokens of a file that `write_keras` wrote, whose ids begin at 2, and their kind."""
    lists = ours.get("tokens")
    tokens = lists[0] if isinstance(lists, list) and len(lists) == 1 else None
    if not isinstance(tokens, list) or len(tokens) != n - 2:
        return None
    kinds: dict[type, TokenKind] = {str: "text", int: "int", bool: "bool"}
    types = {type(token) for token in tokens if token is not None}
    kind = kinds.get(types.pop()) if len(types) == 1 else None
    if kind is None or len(set(tokens)) < len(tokens):
        return None
    if ours.get("characters") is True and all(isinstance(t, str) and len(t) == 1 for t in tokens):
        kind = "characters"
    return kind, tokens


def _rare_of_ours(ours: Mapping[str, Any], tokens: list[Any]) -> tuple[Any, ...]:
    """Tokens that the same file lists as unknown ones, where others are an error."""
    rare = ours.get("rare")
    kinds = {type(token) for token in tokens if token is not None}
    if not isinstance(rare, list) or any(type(token) not in kinds for token in rare):
        return ()
    return tuple(rare)


def _names_of_ours(ours: Mapping[str, Any], n: int) -> list[str] | None:
    names = ours.get("feature_names")
    if isinstance(names, list) and len(names) == n and all(isinstance(x, str) for x in names):
        return names if len(set(names)) == n else None
    return None


def _checked_names(names: Sequence[str] | None, n: int) -> Names | None:
    if names is None:
        return None
    found = tuple(in_order("feature_names", names))
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"feature_names is {names!r:.60}; it must be a list of texts")
    if len(found) != n or len(set(found)) < n:
        raise ValueError(f"feature_names are {found!r:.80}; {n} different ones are expected")
    return found
