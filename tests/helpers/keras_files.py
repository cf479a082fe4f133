"""Files as Keras 3.15 and Keras 2 write them, and what Keras computes, without Keras.

A model is a list of `Part`s. `tests/runtimes/test_keras.py` holds both against Keras itself.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import NamedTuple

import h5py
import numpy as np

BLOCKS = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


class Part(NamedTuple):
    """One layer of a Sequential model."""

    kind: str
    config: dict
    arrays: dict[str, list[np.ndarray]] = {}  # noqa: RUF012 -- nobody changes it
    """by the path below the layer's group"""


def simple(kind, **config):
    """A layer without weights."""
    return Part(kind, config)


def recurrent(kind, n_in, units, rng, *, bidirectional=False, dtype=np.float32, **config):
    """SimpleRNN, GRU or LSTM with drawn weights."""
    settings = {
        "units": units,
        "activation": "tanh",
        "use_bias": True,
        "return_sequences": False,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "zero_output_for_mask": False,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
    }
    if kind != "SimpleRNN":
        settings["recurrent_activation"] = "sigmoid"
    if kind == "GRU":
        settings["reset_after"] = True
    settings |= config
    width = BLOCKS[kind] * units

    def arrays():
        found = [rng.normal(size=(n_in, width)), rng.normal(size=(units, width)) / 2]
        if settings["use_bias"]:
            found.append(rng.normal(size=(2, width) if kind == "GRU" else (width,)))
        return [array.astype(dtype) for array in found]

    if not bidirectional:
        return Part(kind, settings, {"cell": arrays()})
    settings["zero_output_for_mask"] = settings["return_sequences"]
    halves = {
        name: {
            "module": "keras.layers",
            "class_name": kind,
            "config": {"name": f"{side}_{kind.lower()}", **settings, "go_backwards": backward},
            "registered_name": None,
        }
        for name, side, backward in (
            ("layer", "forward", False),
            ("backward_layer", "backward", True),
        )
    }
    return Part(
        "Bidirectional",
        {"merge_mode": "concat", **halves},
        {"forward_layer/cell": arrays(), "backward_layer/cell": arrays()},
    )


def dense(n_in, units, activation, rng, *, dtype=np.float32, per_step=False, **config):
    """A Dense layer with drawn weights."""
    settings = {"units": units, "activation": activation, "use_bias": True, **config}
    arrays = [rng.normal(size=(n_in, units)).astype(dtype), rng.normal(size=units).astype(dtype)]
    arrays = arrays[: 1 + settings["use_bias"]]
    if not per_step:
        return Part("Dense", settings, {"": arrays})
    inner = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"name": "dense", **settings},
        "registered_name": None,
    }
    return Part("TimeDistributed", {"layer": inner}, {"layer": arrays})


def embedding(n, size, rng, *, mask_zero=False):
    """An Embedding with drawn vectors."""
    settings = {"input_dim": n, "output_dim": size, "mask_zero": mask_zero}
    return Part("Embedding", settings, {"": [rng.normal(size=(n, size)).astype(np.float32)]})


# Writing


def snake(kind):
    """The class as a path has it."""
    kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()


def numbered(parts):
    """Each part with its name, which is the group of its weights as well."""
    counts, found = {}, []
    for part in parts:
        name = snake(part.kind)
        n = counts[name] = counts.get(name, -1) + 1
        found.append((f"{name}_{n}" if n else name, part))
    return found


def described(parts, shape, *, legacy=False):
    """What `config.json` says of a Sequential model, or `model_config` of an .h5 file."""
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
    policy["registered_name"] = None

    def entry(name, part):
        config = {"name": name, "trainable": True, "dtype": policy, **part.config}
        found = {"class_name": part.kind, "config": config}
        return found if legacy else {"module": "keras.layers", **found, "registered_name": None}

    first = {"batch_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False}
    layers = [entry("input_layer", Part("InputLayer", first))]
    layers += [entry(name, part) for name, part in numbered(parts)]
    found = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
    return found if legacy else {"module": "keras", **found, "registered_name": None}


def arrays_of(parts):
    """The arrays by their paths in `model.weights.h5`."""
    return {
        "/".join(filter(None, ["layers", name, below, "vars", str(i)])): array
        for name, part in numbered(parts)
        for below, arrays in part.arrays.items()
        for i, array in enumerate(arrays)
    }


def h5_bytes(arrays):
    """An HDF5 file of arrays by path."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for path, array in arrays.items():
            if array.dtype.kind == "V":  # bfloat16
                file.create_dataset(path, data=array).attrs["dtype"] = "bfloat16"
            else:
                file[path] = array
        file.create_group("vars").attrs["name"] = "sequential"
        file.create_group("optimizer/vars")["0"] = np.int32(7)
    return content.getvalue()


def zipped(path, members):
    """A zip archive of members by name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def write_keras3(path, parts, shape, *, config=None, weights=None):
    """A .keras file."""
    members = {
        "metadata.json": json.dumps({"keras_version": "3.15.0", "date_saved": "2026-11-27"}),
        "config.json": json.dumps(described(parts, shape) if config is None else config),
        "model.weights.h5": h5_bytes(arrays_of(parts)) if weights is None else weights,
    }
    return zipped(path, members)


def write_npz_keras(path, parts, shape):
    """A .keras file with weights in plain arrays of NumPy's."""
    content = io.BytesIO()
    np.savez(content, **arrays_of(parts))
    members = {
        "config.json": json.dumps(described(parts, shape)),
        "model.weights.npz": content.getvalue(),
    }
    return zipped(path, members)


def write_weights(path, parts):
    """A .weights.h5 file."""
    path.write_bytes(h5_bytes(arrays_of(parts)))
    return path


def write_shards(path, parts):
    """A .weights.json file with a shard for every second array beside it."""
    arrays = arrays_of(parts)
    files, weight_map = [{}, {}], {}
    for i, (name, array) in enumerate(arrays.items()):
        files[i % 2][name] = array
        group = "/" + name.rpartition("/")[0]
        weight_map.setdefault(group, []).append(f"{path.name.split('.')[0]}_{i % 2:05}.weights.h5")
    for i, own in enumerate(files):
        shard = path.with_name(f"{path.name.split('.')[0]}_{i:05}.weights.h5")
        with h5py.File(shard, "w") as file:
            for name, array in own.items():
                file[name] = array
    path.write_text(json.dumps({"metadata": {"total_size": 1.0}, "weight_map": weight_map}))
    return path


NAMES = {
    "Dense": ("kernel", "bias"),
    "TimeDistributed": ("kernel", "bias"),
    "Embedding": ("embeddings",),
    "Normalization": ("mean", "variance", "count"),
}


def write_legacy(path, parts, shape, *, whole=True, chunked=False, colon=":0", vlen=False):
    """An .h5 file as Keras 2 writes it: a whole model, or its weights alone."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        if whole:
            text = json.dumps(described(parts, shape, legacy=True))
            file.attrs["model_config"] = text if vlen else text.encode()
        names = [name for name, _ in numbered(parts)]
        _put_names(group, "layer_names", names, chunked, vlen)
        for name, part in numbered(parts):
            own = group.create_group(name)
            weights = {}
            for below, arrays in part.arrays.items():
                roles = NAMES.get(part.kind, ("kernel", "recurrent_kernel", "bias"))
                side = below.partition("_")[0] if "layer/" in below else ""
                middle = [f"{side}_rnn"] * bool(side) + ["rnn_cell"] * below.endswith("cell")
                for role, array in zip(roles, arrays, strict=False):
                    weights["/".join([name, *middle, f"{role}{colon}"])] = array
            _put_names(own, "weight_names", list(weights), chunked, vlen)
            for each, array in weights.items():
                own[each] = array
    return path


def _put_names(group, name, texts, chunked, vlen):
    values = texts if vlen else [text.encode() for text in texts]
    if not chunked or not texts:
        group.attrs[name] = values
        return
    for i, text in enumerate(values):
        group.attrs[f"{name}{i}"] = [text]


# What Keras computes


def sigmoid(z):
    """The logistic function."""
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": sigmoid,
    "linear": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
}


def answers(parts, x, mask=None):
    """What a model answers to one sequence (n_timesteps, n_features), or (n_timesteps,) of ids.

    Parameters
    ----------
    parts : list of Part
    x : ndarray
    mask : ndarray of bool, optional
        Which steps count.
    """
    value = np.asarray(x, float)
    if mask is None:
        mask = np.ones(len(value), bool)
    for part in parts:
        config, arrays = part.config, part.arrays
        if part.kind == "Embedding":
            if config["mask_zero"]:
                mask = value != 0
            value = arrays[""][0][value.astype(int)].astype(float)
        elif part.kind == "Masking":
            mask = (value != config["mask_value"]).any(axis=-1)
            value = np.where(mask[:, np.newaxis], value, 0)
        elif part.kind == "Normalization":
            mean, variance = arrays.get("", [None] * 3)[:2]
            if mean is None:
                mean, variance = config["mean"], config["variance"]
            value = (value - np.asarray(mean)) / np.maximum(np.sqrt(variance), 1e-7)
        elif part.kind == "Rescaling":
            value = value * np.asarray(config["scale"]) + np.asarray(config["offset"])
        elif part.kind in BLOCKS:
            value = _states(part.kind, config, arrays["cell"], value, mask)
            value = value if config["return_sequences"] else value[-1]
        elif part.kind == "Bidirectional":
            value = _both_ways(part, value, mask)
        elif part.kind == "GlobalMaxPooling1D":
            value = value.max(axis=0)
        elif part.kind == "GlobalAveragePooling1D":
            value = value[mask].mean(axis=0)
        elif part.kind in ("Dense", "TimeDistributed"):
            config = config.get("layer", {}).get("config", config)
            (own,) = arrays.values()
            value = value @ own[0].astype(float) + (own[1].astype(float) if len(own) > 1 else 0)
            value = ACTIVATIONS[config["activation"]](value)
        elif part.kind in ("Activation", "Softmax"):
            value = ACTIVATIONS[config.get("activation", "softmax")](value)
        elif part.kind not in ("Dropout", "SpatialDropout1D", "GaussianNoise"):
            raise AssertionError(part.kind)
    return value


def _both_ways(part, value, mask):
    inner = part.config["layer"]
    kind, config = inner["class_name"], inner["config"]
    there = _states(kind, config, part.arrays["forward_layer/cell"], value, mask)
    back = _states(kind, config, part.arrays["backward_layer/cell"], value[::-1], mask[::-1])
    if config["return_sequences"]:
        both = np.concatenate([there, back[::-1]], axis=-1)
        return np.where(mask[:, np.newaxis], both, 0)  # zero_output_for_mask
    return np.concatenate([there[-1], back[-1]])


def _states(kind, config, arrays, value, mask):
    """The state after each step; at one that is left out that of the step before."""
    kernel, recurrent_kernel, *bias = (array.astype(float) for array in arrays)
    units = config["units"]
    h, c = np.zeros(units), np.zeros(units)
    activation = ACTIVATIONS[config["activation"]]
    b = bias[0] if bias else np.zeros((2, kernel.shape[1]) if kind == "GRU" else kernel.shape[1])
    states = [h]
    for x, counts in zip(value, mask, strict=True):
        if counts:
            if kind == "SimpleRNN":
                h = activation(x @ kernel + b + h @ recurrent_kernel)
            elif kind == "GRU":  # update, reset, candidate
                xz, xr, xh = np.split(x @ kernel + b[0], 3)
                hz, hr, hh = np.split(h @ recurrent_kernel + b[1], 3)
                z, r = sigmoid(xz + hz), sigmoid(xr + hr)
                h = z * h + (1 - z) * activation(xh + r * hh)
            else:
                i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + b, 4)
                c = sigmoid(f) * c + sigmoid(i) * activation(g)
                h = sigmoid(o) * activation(c)
        states.append(h)
    return np.array(states[1:]).reshape(len(value), units)


def graph_answers(path, **inputs):
    """What the Functional model in a .keras file answers to one sequence.

    Parameters
    ----------
    path : Path
    inputs : ndarray
        By the name of each input: (n_timesteps, n_features), or (n_timesteps,) of ids.
    """
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            arrays = {}
            file.visititems(lambda name, found: arrays.update(_array(name, found)))
    layers = config["config"]["layers"]
    groups = numbered([Part(entry["class_name"], entry["config"]) for entry in layers])
    of_layer = {e["name"]: group for e, (group, _) in zip(layers, groups, strict=True)}
    values, waiting = {}, list(layers)
    while waiting:
        entry = waiting.pop(0)
        name, kind, config_of = entry["name"], entry["class_name"], entry["config"]
        if kind == "InputLayer":
            values[name] = (np.asarray(inputs[name]),)
            continue
        (node,) = entry["inbound_nodes"]
        if any(each not in values for each in _names_in(node)):
            waiting.append(entry)
            continue
        args = [_value_of(each, values) for each in node["args"]]
        mask = _value_of(node["kwargs"]["mask"], values) if "mask" in node["kwargs"] else None
        stem = f"layers/{of_layer[name]}/"
        own = {k.removeprefix(stem): v for k, v in arrays.items() if k.startswith(stem)}
        found = _applied(kind, config_of, own, args, mask)
        values[name] = found if isinstance(found, tuple) else (found,)
    name, _, index = config["config"]["output_layers"]
    return values[name][index]


def _array(name, found):
    return {name: found[()]} if isinstance(found, h5py.Dataset) else {}


def _names_in(given):
    if isinstance(given, dict) and given.get("class_name") == "__keras_tensor__":
        return [given["config"]["keras_history"][0]]
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, list) else []
    return [name for each in inner for name in _names_in(each)]


def _value_of(given, values):
    if isinstance(given, list):
        return [_value_of(each, values) for each in given]
    if isinstance(given, dict):
        name, _, index = given["config"]["keras_history"]
        return values[name][index]
    return given


OPERATIONS = {
    "NotEqual": np.not_equal,
    "Isnan": np.isnan,
    "Where": np.where,
    "LogicalNot": np.logical_not,
    "LogicalAnd": np.logical_and,
}


def _applied(kind, config, arrays, args, mask):
    """What one layer or operation of a graph gives: several values if it returns its states."""
    if kind in OPERATIONS:
        return OPERATIONS[kind](*args)
    value = args[0]
    match kind:
        case "Any":
            return value.any(axis=config["axis"])
        case "ExpandDims":
            return np.expand_dims(value, config["axis"])
        case "Cast":
            return value.astype(config["dtype"])
        case "Concatenate":
            return np.concatenate(value, axis=config["axis"])
        case "Add":
            return sum(value[1:], start=value[0])
        case "Masking":
            return np.where((value != config["mask_value"]).any(axis=-1, keepdims=True), value, 0)
        case "Embedding":
            return arrays["vars/0"].astype(float)[value.astype(int)]
        case "GlobalMaxPooling1D":
            return value.max(axis=0)
        case "GlobalAveragePooling1D":
            return value[mask].mean(axis=0)
        case "Rescaling":
            return value * np.asarray(config["scale"]) + np.asarray(config["offset"])
        case "Dense":
            z = value @ arrays["vars/0"].astype(float) + arrays["vars/1"]
            return ACTIVATIONS[config["activation"]](z)
    weights = [arrays[name] for name in sorted(arrays)]
    if kind != "Bidirectional":
        inner, halves = config, [_with_states(kind, config, weights, value, mask)]
    else:
        inner = config["layer"]["config"]
        name = config["layer"]["class_name"]
        there = [arrays[k] for k in sorted(arrays) if k.startswith("forward_layer/")]
        back = [arrays[k] for k in sorted(arrays) if k.startswith("backward_layer/")]
        assert config["backward_layer"]["config"]["go_backwards"]
        halves = [
            _with_states(name, inner, there, value, mask),
            _with_states(name, inner, back, value[::-1], mask[::-1]),
        ]
        halves[1] = (halves[1][0][::-1], *halves[1][1:])
    if inner["return_sequences"]:
        out = np.concatenate([half[0] for half in halves], axis=-1)
        if kind == "Bidirectional":
            out = np.where(mask[:, np.newaxis], out, 0)
    else:
        out = np.concatenate([half[1] for half in halves])
    return (
        (out, *(state for half in halves for state in half[1:])) if inner["return_state"] else out
    )


def _with_states(kind, config, arrays, value, mask):
    """States after each step, and the final ones; an LSTM's second is nothing that is read."""
    states = _states(kind, config, arrays, value, mask)
    final = states[-1] if len(states) else np.zeros(config["units"])
    return (states, final, *[np.full(config["units"], np.nan)] * (kind == "LSTM"))
