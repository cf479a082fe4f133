"""A trained model of ours in; a .keras file that gives the same answers out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.gates import to_order, two_biases
from elman.exchange.keras.graph import Graph, Made, numbers
from elman.exchange.parts import Direction, ExchangeError, affine_of, directions_of, model_of
from elman.formats.atomic import replacing
from elman.models.classifier import TrainedClassifier
from elman.models.model import TrainedModel
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger
from elman.nn.categories import embedding_name

Array = NDArray[Any]

KINDS = {"elman": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
MASK_VALUE = -1e9
"""What padding is filled with, unless the caller says otherwise; a float32 holds it exactly."""
LOWEST = -1e30
"""Below every state, whose padding it takes the place of."""


def reasons_against(model: TrainedModel, *, mask_value: float = MASK_VALUE) -> list[str]:
    """What of a model Keras's own layers cannot say.

    Parameters
    ----------
    model : TrainedModel
    mask_value : float
        As `write_keras` takes it; nothing depends on it.

    Returns
    -------
    list of str
        Whole sentences; [] if `write_keras` takes the model.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange.keras import reasons_against
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> clf = RNNClassifier(layer_norm=True, hidden_size=3, max_iter=1, deltas=0, stride=1)
    >>> print(reasons_against(clf.fit(X, y).model_)[0])
    layer_norm=True: Keras's recurrent layers do not normalise their sums; C takes it.
    """
    layout, reasons = model.network.layout, []
    if layout.cell.layer_norm:
        reasons.append(
            "layer_norm=True: Keras's recurrent layers do not normalise their sums; C takes it."
        )
    if layout.learn_initial_state:
        reasons.append(
            "learn_initial_state=True: Keras's recurrent layers begin at zero; ONNX and C take it."
        )
    if "attention" in _readouts(model):
        reasons.append(
            'readout="attention": Keras has no layer for the mean that a query weights; ONNX and C '
            "take it."
        )
    front = model.frontend
    said = [f"deltas={front.deltas}"] * bool(front.deltas)
    said += [f"stride={front.stride}"] * (front.stride > 1) + ["scale_each=True"] * front.scale_each
    if said:
        reasons.append(
            f"{', '.join(said)}: Keras has no layer for this front end; train with deltas=0, "
            "stride=1, scale_each=False, or take another road."
        )
    if model.missing == "skip" and layout.at_every_step and layout.bidirectional:
        reasons.append(
            'missing="skip" with bidirectional=True and an answer at each step: Keras gives 0 for '
            "states at steps that are left out, where elman gives those of the step before."
        )
    return reasons


def write_keras(
    model: Any, path: str | os.PathLike[str], *, mask_value: float = MASK_VALUE
) -> None:
    """Write a ``.keras`` file that Keras 3 opens, and that gives the same answers there.

    ``keras.models.load_model(path)`` reads it, in safe mode and on every backend; it is a
    Functional model of Keras's own layers, without a class or function of elman's. Its output are
    the probabilities of the classes (in the order of ``classes_``), of a regressor the values, one
    column for each; where each step has an answer, that of each step. Standardisation, the scalers
    of a pipeline, missing="mask" and "skip", stacks, both directions, residual=True and the
    readouts "last", "mean", "max" or several of them are in the model. Keras computes in float32,
    so float64 weights are rounded.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the file of one.
    path : str or Path
        It has to end in ".keras", as Keras wants it.
    mask_value : float
        Sequences of unequal length go into Keras as one array (samples, steps, features), filled up
        at the end with steps whose features all have this value. Masking leaves them out. No step
        of a recording may be like that, so it is far from what recordings hold.

    Raises
    ------
    ExchangeError
        Keras's own layers cannot do what the model does; `reasons_against` gives the reasons.
    ImportError
        h5py is not installed.
    OSError
        The file cannot be written.
    ValueError
        Another argument that cannot be used.

    Notes
    -----
    Of a model of symbols the inputs are ids as ``model_.symbols.encode(X)`` gives them, plus 1: id
    0 is padding. There is an input of ids (samples, steps) for each column of categories, and after
    them one of numbers (samples, steps, columns) if there are any. A step is padding, or is left
    out, where the ids of the first column are 0.

    NaN goes in where the model was trained with missing="mask" or "skip"; otherwise Keras does not
    refuse it as elman does, and answers NaN. A sequence without steps gets elman's answer with the
    readout "last" only. `metadata.json` in the file keeps classes, names of columns and tokens
    under "elman".

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.exchange import write_keras
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> reg = RNNRegressor(hidden_size=3, max_iter=2, deltas=0, stride=1).fit(X, X[:, -1, 0])
    >>> write_keras(reg, "model.keras")
    >>> import zipfile
    >>> zipfile.ZipFile("model.keras").namelist()
    ['metadata.json', 'config.json', 'model.weights.h5']
    """
    if not os.fspath(path).endswith(".keras"):
        raise ValueError(f"path is {os.fspath(path)!r}; Keras opens files that end in .keras")
    mask_value = _checked_mask_value(mask_value)
    found = model_of(model)
    reasons = reasons_against(found)
    if reasons:
        raise ExchangeError(f"Keras cannot hold this {found.kind}: {' '.join(reasons)}")
    graph = Graph()
    output = _Writer(found, graph, mask_value).output()
    with replacing(Path(path)) as file:
        graph.write(file, "elman", output, _kept(found, mask_value))


def _checked_mask_value(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"mask_value={given!r:.60}; it must be a number")
    with np.errstate(over="ignore"):
        found = float(np.float32(given))
    if not np.isfinite(found) or found != float(given):
        raise ValueError(
            f"mask_value={given!r}; it must be a finite number that a float32 holds exactly, as "
            f"{MASK_VALUE!r} is: Keras looks for equal values"
        )
    return found


def _readouts(model: TrainedModel) -> tuple[str, ...]:
    readout = model.network.layout.readout
    return (readout,) if isinstance(readout, str) else tuple(readout)


def _kept(model: TrainedModel, mask_value: float) -> dict[str, Any]:
    """What Keras has no place for."""
    kept: dict[str, Any] = {"kind": model.kind, "missing": model.missing}
    if model.symbols is None:
        kept["mask_value"] = mask_value
    else:
        kept["tokens"] = [list(each.tokens) for each in model.symbols.vocabularies]
        kept["handle_unknown"] = model.symbols.handle_unknown
        if len(model.symbols.vocabularies) == 1:
            kept["rare"] = list(model.symbols.vocabularies[0].rare)
        kept["characters"] = model.symbols.form == "characters"
    if isinstance(model, (TrainedClassifier, TrainedTagger)):
        kept["classes"] = model.classes.tolist()
    if isinstance(model, TrainedRegressor):
        kept["one_target"] = model.one_target
    if model.feature_names is not None and not model.two_d:
        kept["feature_names"] = list(model.feature_names)
    return kept


class _Writer:
    """A model of ours, layer by layer as one of Keras's."""

    def __init__(self, model: TrainedModel, graph: Graph, mask_value: float) -> None:
        self.model = model
        self.layout = model.network.layout
        self.graph = graph
        self.mask_value = mask_value

    def output(self) -> Made:
        """What the whole model gives."""
        inputs, mask = self._inputs()
        states, finals = self._recurrent(inputs, mask)
        read = states if self.layout.at_every_step else self._read(states, finals, mask)
        return self._head(read)

    # Inputs

    def _inputs(self) -> tuple[Made, Made]:
        """What the recurrent layers read, and which steps they do not leave out."""
        graph, columns = self.graph, self.layout.categories
        parts: list[Made] = []
        mask: Made | None = None
        for k, (n, size) in enumerate(columns):
            ids = graph.input(f"ids{k}" if len(columns) > 1 else "ids", (None, None), "int32")
            if mask is None:
                mask = graph.operation("NotEqual", "is_step", [ids, 0], (None, None), dtype="bool")
            vectors = self._weights(embedding_name(k)) if size else np.eye(n, dtype=np.float32)
            table = np.concatenate([np.zeros_like(vectors[:1]), vectors])
            width = table.shape[1]
            parts.append(
                graph.layer(
                    "Embedding",
                    f"vectors{k}",
                    ids,
                    (None, None, width),
                    {"input_dim": n + 1, "output_dim": width, "mask_zero": self._ids_alone},
                    arrays={"": [table]},
                )
            )
        if not self._ids_alone:
            X = graph.input("numbers" if columns else "X", (None, None, self._n_numbers))
            if mask is None:
                differs = graph.operation(
                    "NotEqual", "differs", [X, self.mask_value], X.shape, dtype="bool"
                )
                mask = self._any(differs, "is_step")
                X = graph.layer("Masking", "padding", X, X.shape, {"mask_value": self.mask_value})
            found, mask = self._numbers(X, mask)
            parts += found
        if mask is None:
            raise RuntimeError("a model without an input")
        if len(parts) == 1:
            return parts[0], mask
        width = sum(part.shape[-1] or 0 for part in parts)
        joined = graph.layer("Concatenate", "step", parts, (None, None, width), {"axis": -1})
        return joined, mask

    @property
    def _n_numbers(self) -> int:
        """Columns of numbers of a step."""
        model = self.model
        return 1 if model.two_d else model.n_features_in - len(self.layout.categories)

    @property
    def _ids_alone(self) -> bool:
        """Whether the model reads one column of categories and nothing else."""
        return len(self.layout.categories) == 1 and self.model.n_features_in == 1

    def _any(self, given: Made, name: str) -> Made:
        config = {"axis": -1, "keepdims": False}
        return self.graph.operation("Any", name, [given], (None, None), config, dtype="bool")

    def _numbers(self, X: Made, mask: Made) -> tuple[list[Made], Made]:
        """Numbers of a step as the recurrent layers read them, and the steps left."""
        graph = self.graph
        if self._n_numbers == 0:
            return [], mask
        standardised = self._standardised(X)
        if self.model.missing == "error":
            return [standardised], mask
        unknown = graph.operation("Isnan", "is_missing", [X], X.shape, dtype="bool")
        filled = graph.operation("Where", "filled", [unknown, 0.0, standardised], X.shape)
        if self.model.missing == "skip":
            incomplete = self._any(unknown, "is_incomplete")
            complete = graph.operation(
                "LogicalNot", "is_complete", [incomplete], (None, None), dtype="bool"
            )
            kept = graph.operation(
                "LogicalAnd", "is_kept", [mask, complete], (None, None), dtype="bool"
            )
            return [filled], kept
        indicators = graph.operation("Cast", "indicators", [unknown], X.shape, {"dtype": "float32"})
        if self.layout.categories:
            return [filled, indicators], mask
        width = 2 * self._n_numbers
        both = graph.layer(
            "Concatenate", "step", [filled, indicators], (None, None, width), {"axis": -1}
        )
        return [both], mask

    def _standardised(self, X: Made) -> Made:
        """(x - mean) / scale of all scalers at once.

        The mean is subtracted as a float32, which leaves numbers near it exact; what that lacks is
        small beside the scale.
        """
        mean, scale = np.zeros(self._n_numbers), np.ones(self._n_numbers)
        for each_mean, each_scale in affine_of(self.model):
            mean, scale = mean + scale * each_mean, scale * each_scale
        if not mean.any() and (scale == 1).all():
            return X
        coarse = mean.astype(np.float32).astype(np.float64)
        offset, factor = -(mean - coarse) / scale, 1 / scale
        for values in (coarse, offset, factor):
            self._check_float32(values, "the standardisation")
        self._check_not_tiny(factor, "the standardisation")
        centred = self.graph.layer(
            "Rescaling", "centred", X, X.shape, {"scale": 1.0, "offset": numbers(-coarse)}
        )
        config = {"scale": numbers(factor), "offset": numbers(offset)}
        return self.graph.layer("Rescaling", "standardised", centred, X.shape, config)

    # Recurrent layers and readouts

    def _recurrent(self, step: Made, mask: Made) -> tuple[Made, list[Made]]:
        """The last layer's states, and the final states of all layers that are read.

        Of a network of which the final state alone is read, it is the first of the two.
        """
        layout, graph = self.layout, self.graph
        readouts = _readouts(self.model)
        reads_states = layout.at_every_step or readouts != ("last",)
        finals: list[Made] = []
        below = step
        for i, directions in enumerate(directions_of(self.model)):
            top = i == layout.n_layers - 1
            whole = not top or reads_states
            final_wanted = "last" in readouts and (top or layout.sums_layers)
            out, final = self._layer(i, directions, below, mask, whole, whole and final_wanted)
            if final is not None:
                finals.append(final)
            elif top and not whole and layout.sums_layers:
                finals.append(out)
            if layout.sums_layers and i and whole:
                out = graph.layer("Add", f"sum{i}", [below, out], out.shape)
            below = out
        return below, finals

    def _layer(
        self,
        i: int,
        directions: list[Direction],
        below: Made,
        mask: Made,
        whole: bool,
        with_state: bool,
    ) -> tuple[Made, Made | None]:
        """One recurrent layer: what it gives, and its final state if that is asked for."""
        layout, graph = self.layout, self.graph
        size, kind = layout.hidden_sizes[i], KINDS[layout.cell.name]
        config: dict[str, Any] = {
            "units": size,
            "activation": layout.cell.activation,
            "use_bias": True,
            "return_sequences": whole,
            "return_state": with_state,
            "go_backwards": False,
            "stateful": False,
            "unroll": False,
            "zero_output_for_mask": False,
        }
        if kind != "SimpleRNN":
            config["recurrent_activation"] = "sigmoid"
        if kind == "GRU":
            config["reset_after"] = True
        name = f"recurrent{i}"
        width = size * len(directions)
        shape = (None, None, width) if whole else (None, width)
        if len(directions) == 1:
            arrays = {"cell": self._arrays(directions[0])}
            out = graph.layer(kind, name, below, shape, config, mask=mask, arrays=arrays)
        else:
            halves = {
                part: {
                    "module": "keras.layers",
                    "class_name": kind,
                    "config": {
                        "name": f"{part.partition('_')[0]}_{name}",
                        "dtype": "float32",
                        **config,
                        "go_backwards": part == "backward_layer",
                    },
                    "registered_name": None,
                }
                for part in ("forward_layer", "backward_layer")
            }
            settings = {
                "merge_mode": "concat",
                "layer": halves["forward_layer"],
                "backward_layer": halves["backward_layer"],
            }
            arrays = {
                f"{part}/cell": self._arrays(each)
                for part, each in zip(halves, directions, strict=True)
            }
            out = graph.layer(
                "Bidirectional", name, below, shape, settings, mask=mask, arrays=arrays
            )
        if not with_state:
            return out, None
        n_states = 2 if kind == "LSTM" else 1
        ends = [Made(name, 1 + n_states * k, (None, size)) for k in range(len(directions))]
        if len(ends) == 1:
            return out, ends[0]
        return out, graph.layer("Concatenate", f"final{i}", ends, (None, width), {"axis": -1})

    def _arrays(self, direction: Direction) -> list[Array]:
        """Kernel, recurrent kernel and bias, in Keras's order of gates."""
        cell = self.layout.cell.name
        b_x, b_h = two_biases(direction.b, cell)
        W_x, W_h, b_x, b_h = (
            to_order(each, cell, "keras") for each in (direction.W_x, direction.W_h, b_x, b_h)
        )
        bias = np.stack([b_x, b_h]) if cell == "gru" else b_x
        return [self._float32(each) for each in (W_x, W_h, bias)]

    def _read(self, states: Made, finals: list[Made], mask: Made) -> Made:
        """What the head reads, for each sample."""
        graph, layout = self.graph, self.layout
        shape = (None, layout.width)
        if finals:
            last = finals[0]
            if len(finals) > 1:
                last = graph.layer("Add", "final", finals, shape)
        else:
            last = states
        values: list[Made] = []
        for readout in _readouts(self.model):
            if readout == "last":
                values.append(last)
            elif readout == "mean":
                values.append(
                    graph.layer("GlobalAveragePooling1D", "mean", states, shape, mask=mask)
                )
            else:  # whose layer takes padding for steps
                own = graph.operation(
                    "ExpandDims", "has_state", [mask], (None, None, 1), {"axis": -1}, dtype="bool"
                )
                above = graph.operation("Where", "own_states", [own, states, LOWEST], states.shape)
                values.append(graph.layer("GlobalMaxPooling1D", "max", above, shape))
        if len(values) == 1:
            return values[0]
        return graph.layer("Concatenate", "read", values, (None, layout.n_read), {"axis": -1})

    def _head(self, read: Made) -> Made:
        graph, layout, model = self.graph, self.layout, self.model
        shape = (*read.shape[:-1], layout.n_outputs)
        link = {"identity": "linear"}.get(model.link, str(model.link))
        name = "values" if link == "linear" else "probabilities"
        scaled = isinstance(model, TrainedRegressor) and (
            model.target_scale.mean.any() or (model.target_scale.scale != 1).any()
        )
        out = graph.layer(
            "Dense",
            "head" if scaled else name,
            read,
            shape,
            {"units": layout.n_outputs, "activation": link, "use_bias": True},
            arrays={"": [self._weights("head.W"), self._weights("head.b")]},
        )
        if not scaled or not isinstance(model, TrainedRegressor):
            return out
        mean, scale = model.target_scale
        for values in (mean, scale):
            self._check_float32(values, "the scale of the targets")
        self._check_not_tiny(scale, "the scale of the targets")
        return graph.layer(
            "Rescaling", name, out, shape, {"scale": numbers(scale), "offset": numbers(mean)}
        )

    # Numbers

    def _weights(self, name: str) -> Array:
        return self._float32(self.model.network.params[name])

    def _float32(self, array: Array) -> Array:
        self._check_float32(array, "its weights")
        return array.astype(np.float32)

    def _check_not_tiny(self, factors: Array, what: str) -> None:
        if (factors < np.finfo(np.float32).tiny).any():
            raise ExchangeError(
                f"{what} multiplies by values that are too small for float32, in which Keras "
                "computes, and which takes them for 0: train on numbers in other units"
            )

    def _check_float32(self, values: Array, what: str) -> None:
        if (np.abs(values) > np.finfo(np.float32).max).any():
            raise ExchangeError(
                f"{what} hold values that are too large for float32, in which Keras computes"
            )
