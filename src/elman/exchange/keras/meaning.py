"""What each layer of Keras's does to a model of ours that is being put together.

A value in Keras's graph is a `Value` here: not numbers, but what a model of ours would have to be
so that it gives them. A layer takes such values to another one, or is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import CELLS
from elman.exchange.gates import from_order, one_bias
from elman.exchange.keras.config import Layer, Settings, Tensor
from elman.exchange.keras.weights import Weights
from elman.exchange.parts import Direction

Array = NDArray[Any]

At = Literal[
    "ids", "numbers", "states", "summary", "outputs", "mask", "missing", "indicators", "incomplete"
]
"""What a value is: ids of categories or numbers of each step, as the recurrent layers read them;
their states at each step; what is read of them for a sample; what the head gives; which steps
count; which numbers are missing, as truth values and as numbers; and at which steps one is, or
none is"""

EPSILON = 1e-7
"""The least deviation that a Normalization layer divides by."""

CELL_OF = {"SimpleRNN": "elman", "GRU": "gru", "LSTM": "lstm"}

WIDTH_UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Recurrent:
    """A recurrent layer of ours, in one or both directions."""

    cell: str
    activation: str
    directions: tuple[Direction, ...]
    """forward, then backward if there is one"""

    @property
    def size(self) -> int:
        """Units of a direction."""
        return len(self.directions[0].W_h)


@dataclass(frozen=True, eq=False)
class Value:
    """What a tensor of Keras's graph is in a model of ours."""

    at: At
    n: int = WIDTH_UNKNOWN
    """columns"""
    mean: NDArray[np.float64] | None = None
    """(n,), subtracted from the numbers of a step first"""
    scale: NDArray[np.float64] | None = None
    """(n,), which they are then divided by"""
    vectors: Array | None = None
    """(ids, size), what stands for an id"""
    skips_zero: bool = False
    """whether id 0 is padding"""
    layers: tuple[Recurrent, ...] = ()
    sums: tuple[bool, ...] = ()
    """for each of them, whether its states have its input added"""
    masked: bool = False
    """whether steps are left out"""
    masks: tuple[bool, ...] = ()
    """for each of `layers`, and for a mean over time, whether it leaves out steps"""
    missing: Literal["error", "zero", "mask", "skip"] = "error"
    """what becomes of missing numbers: NaN stays, is 0, is 0 with an indicator beside it, or its
    step is left out"""
    negated: bool = False
    """of steps at which a number is missing, whether it is those at which none is"""
    zeroed: bool = False
    """whether states of steps that are left out are 0 in Keras, and not those of the step before"""
    filled: bool = False
    """whether states of steps that are left out cannot be the largest"""
    readouts: tuple[str, ...] = ()
    """what of the states is read: "last", "mean", "max", or one direction of "last" """
    per_step: bool = False
    """whether each step has an answer"""
    head: tuple[Array, Array] | None = None
    """W (n_read, n_outputs) and b (n_outputs,)"""
    link: Literal["identity", "softmax", "sigmoid"] = "identity"
    target_scale: NDArray[np.float64] | None = None
    target_mean: NDArray[np.float64] | None = None
    """outputs are multiplied by the first, and the second is added"""


@dataclass
class Meaning:
    """What the layers mean that were looked at so far.

    Parameters
    ----------
    weights : Weights
    mask_value : float or None
        What the caller says padding is.
    notes : list of str
        What the caller should know, a sentence each.
    """

    weights: Weights
    mask_value: float | None
    notes: list[str]

    def of(self, layer: Layer, values: Sequence[Value]) -> tuple[Value, ...]:
        """What a layer gives: more than one value if it returns its final states.

        Raises
        ------
        ExchangeError
            A model of ours cannot do it.
        """
        if layer.kind in PASSING:
            return (self._one(layer, values),)
        if layer.kind in CELL_OF or layer.kind == "Bidirectional":
            return self._recurrent(layer, values)
        rule = RULES.get(layer.kind)
        if rule is None:
            layer.settings.refuse(
                "there is no such layer in elman. Brought in are SimpleRNN, GRU, LSTM, "
                "Bidirectional, Embedding, Masking, Normalization, Rescaling, "
                "GlobalMaxPooling1D, GlobalAveragePooling1D, Add and Concatenate of states, one "
                "Dense layer at the end, and layers that act in training alone"
            )
        return (rule(self, layer, values),)

    def _one(self, layer: Layer, values: Sequence[Value], *at: At) -> Value:
        if len(values) != 1:
            layer.settings.refuse(f"it is called with {len(values)} tensors, not with one")
        if at and values[0].at not in at:
            layer.settings.refuse(
                f"it is applied to {IN_WORDS[values[0].at]}, where elman has no such layer; it has "
                f"one at {' or '.join(IN_WORDS[each] for each in at)}"
            )
        return values[0]

    # Before the recurrent layers

    def _input(self, layer: Layer, values: Sequence[Value]) -> Value:
        return input_value(layer.settings)

    def _masking(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "numbers")
        given = layer.settings.values.get("mask_value", 0.0)
        self._check_mask(layer.settings, given, value)
        return replace(value, masked=True)

    def _check_mask(self, settings: Settings, given: Any, compared: Value) -> None:
        if compared.vectors is not None:
            settings.refuse(
                "it leaves out the steps at which all numbers of an Embedding's vector are "
                f"{given!r:.60}; elman leaves out steps by their ids alone (mask_zero=True)"
            )
        if compared.mean is not None or compared.missing != "error":
            settings.refuse(
                f"it leaves out the steps whose features are all {given!r:.60} after they were "
                "scaled or filled in; elman has no such steps. Put the mask before the scaling"
            )
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            settings.refuse(f"mask_value is {given!r:.60}; it must be a number")
        if self.mask_value is None:
            settings.refuse(
                f"it leaves out the steps whose features are all {given!r}. elman takes recordings "
                "of unequal length without padding: pass them cut to their own length, and in "
                f"the place of steps to be left out NaN; say so by read_keras(..., "
                f"mask_value={given!r})"
            )
        if float(given) != float(self.mask_value):
            settings.refuse(
                f"it leaves out the steps whose features are all {given!r}, but read_keras was "
                f"told mask_value={self.mask_value!r}"
            )

    def _normalization(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "numbers", "outputs")
        settings = layer.settings
        self._check_before_indicators(settings, value)
        if settings.values.get("axis") not in (-1, [-1], 2, [2], None, []):
            settings.refuse(f"axis is {settings.values['axis']!r:.60}; elman scales features, -1")
        stored = self.weights.take(layer, ("mean", "variance", "count"))
        given: dict[str, Any] = {name: settings.values.get(name) for name in ("mean", "variance")}
        if all(each is None for each in given.values()):
            if not {"mean", "variance"} <= set(stored):
                settings.refuse("its weights 'mean' and 'variance' are missing")
            given = stored
        mean = self._numbers(settings, "mean", given["mean"], value.n)
        variance = self._numbers(settings, "variance", given["variance"], value.n)
        if (variance < 0).any():
            settings.refuse("a variance is negative")
        deviation = np.maximum(np.sqrt(variance), EPSILON)
        inverse = settings.flag("invert", False)
        if value.at == "outputs":
            if not inverse:
                settings.refuse("outputs are only scaled back, by invert=True")
            return self._scaled_outputs(settings, value, deviation, mean)
        if inverse:
            settings.refuse("invert=True scales back, which elman does to outputs only")
        return _standardised(value, mean, deviation)

    def _rescaling(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "numbers", "outputs")
        settings = layer.settings
        self._check_before_indicators(settings, value)
        scale = self._numbers(settings, "scale", settings.values.get("scale", 1.0), value.n)
        offset = self._numbers(settings, "offset", settings.values.get("offset", 0.0), value.n)
        if (scale <= 0).any():
            settings.refuse("scale is 0 or negative; elman divides features by positive numbers")
        if value.at == "outputs":
            return self._scaled_outputs(settings, value, scale, offset)
        return _standardised(value, -offset / scale, 1 / scale)

    def _check_before_indicators(self, settings: Settings, value: Value) -> None:
        if value.at == "numbers" and (value.missing != "error" or value.vectors is not None):
            settings.refuse(
                "elman scales the numbers of the input, before 0 is filled in for NaN, and no "
                "vectors of an Embedding"
            )

    def _numbers(self, settings: Settings, name: str, given: Any, n: int) -> NDArray[np.float64]:
        """A number for each of n columns; one for all of them is repeated."""
        try:
            found = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            settings.refuse(f"{name} is {given!r:.60}; it must be numbers")
        if not np.isfinite(found).all():
            settings.refuse(f"{name} holds NaN or infinity")
        if n == WIDTH_UNKNOWN:
            settings.refuse("the model does not say how many features a step has")
        if found.size not in (1, n):
            settings.refuse(f"{name} has {found.size} values, of {n} columns")
        return np.array(np.broadcast_to(found.reshape(-1), (n,)))

    def _scaled_outputs(
        self, settings: Settings, value: Value, scale: NDArray[Any], offset: NDArray[Any]
    ) -> Value:
        if value.link != "identity":
            settings.refuse(f"it is applied to what {value.link} gives")
        if value.target_scale is not None and value.target_mean is not None:
            scale, offset = scale * value.target_scale, scale * value.target_mean + offset
        return replace(value, target_scale=scale, target_mean=offset)

    def _embedding(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "ids")
        settings = layer.settings
        n, size = settings.count("input_dim"), settings.count("output_dim")
        if settings.values.get("quantization_config") is not None:
            settings.refuse("its weights are quantised")
        stored = self._all(layer, ("embeddings",))
        vectors = self._shaped(settings, stored, "embeddings", (n, size))
        skips_zero = settings.flag("mask_zero", False)
        return replace(
            value, at="numbers", n=size, vectors=vectors, skips_zero=skips_zero, masked=skips_zero
        )

    # Recurrent layers

    def _recurrent(self, layer: Layer, values: Sequence[Value]) -> tuple[Value, ...]:
        value = self._one(layer, values, "numbers", "states")
        settings = layer.settings
        if layer.kind == "Bidirectional":
            if settings.text("merge_mode", "concat") != "concat":
                settings.refuse(
                    f"merge_mode={settings.values['merge_mode']!r:.60}; elman sets both directions "
                    "side by side, 'concat'"
                )
            onward = layer.wrapped("layer")
            backward = onward
            if settings.values.get("backward_layer") is not None:
                backward = layer.wrapped("backward_layer")
                self._check_backward(settings, onward, backward)
            halves = [(onward, "forward_layer"), (backward, "backward_layer")]
        else:
            onward = layer
            halves = [(layer, "")]
            if settings.flag("go_backwards", False):
                settings.refuse(
                    "go_backwards=True reads from the end alone; elman reads onward, or in both "
                    "directions"
                )
        inner = onward.settings
        if onward.kind not in CELL_OF:
            settings.refuse(f"it wraps a {onward.kind:.60}; elman has SimpleRNN, GRU and LSTM")
        if inner.flag("go_backwards", False):
            settings.refuse("its forward layer has go_backwards=True")
        directions = tuple(self._direction(layer, half, part, value.n) for half, part in halves)
        found = Recurrent(CELL_OF[onward.kind], inner.text("activation"), directions)
        if value.at == "states" and value.filled:
            settings.refuse("it reads states that were overwritten where steps are left out")
        whole = settings.flag("return_sequences", inner.flag("return_sequences", False))
        zeroed = inner.flag("zero_output_for_mask", False) or len(directions) > 1
        if not whole and inner.flag("zero_output_for_mask", False) and value.masked:
            settings.refuse("zero_output_for_mask=True makes its last state 0 before padding")
        out = replace(
            value,
            at="states",
            n=len(directions) * found.size,
            layers=(*value.layers, found),
            sums=(*value.sums, False),
            masks=(*value.masks, value.masked),
            zeroed=value.masked and zeroed,
        )
        first = out if whole else replace(out, at="summary", readouts=("last",))
        if not inner.flag("return_state", False):
            return (first,)
        ends = ("forward", "backward") if len(directions) > 1 else ("",)
        states: list[Value] = []
        for end in ends:
            name = f"last:{end}" if end else "last"
            states.append(replace(out, at="summary", readouts=(name,), n=found.size))
            if found.cell == "lstm":  # its second state is nothing that we read
                states.append(replace(out, at="summary", readouts=("state",), n=found.size))
        return (first, *states)

    def _check_backward(self, settings: Settings, onward: Layer, backward: Layer) -> None:
        if backward.kind != onward.kind:
            settings.refuse(f"its two directions are a {onward.kind} and a {backward.kind:.60}")
        if not backward.settings.flag("go_backwards", False):
            settings.refuse("its backward layer does not have go_backwards=True")
        for name in ("units", "activation", "return_sequences", "return_state"):
            if backward.settings.values.get(name) != onward.settings.values.get(name):
                settings.refuse(f"its two directions differ in {name}")

    def _direction(self, layer: Layer, half: Layer, part: str, n_in: int) -> Direction:
        settings, cell = half.settings, CELL_OF.get(half.kind, "")
        self._check_equation(half)
        size, kind = settings.count("units"), CELLS[cell]
        roles = ("kernel", "recurrent_kernel", "bias")
        biased = settings.flag("use_bias", True)
        stored = self._all(layer, roles if biased else roles[:2], part=part, cell=True)
        width = len(kind.gates) * size
        if n_in == WIDTH_UNKNOWN and stored["kernel"].ndim == 2:
            n_in = len(stored["kernel"])
        W_x = self._shaped(settings, stored, "kernel", (n_in, width))
        W_h = self._shaped(settings, stored, "recurrent_kernel", (size, width))
        b_x, b_h = np.zeros((2, width), W_x.dtype)
        if biased and cell == "gru":
            b_x, b_h = self._shaped(settings, stored, "bias", (2, width))
        elif biased:
            b_x = self._shaped(settings, stored, "bias", (width,))
        W_x, W_h, b_x, b_h = (from_order(each, cell, "keras") for each in (W_x, W_h, b_x, b_h))
        return Direction(W_x, W_h, one_bias(b_x, b_h, cell), None, None)

    def _check_equation(self, half: Layer) -> None:
        settings = half.settings
        activation = settings.text("activation")
        allowed = ("tanh", "relu") if half.kind == "SimpleRNN" else ("tanh",)
        if activation not in allowed:
            settings.refuse(
                f"activation={activation!r:.80}; elman's {half.kind} has {' or '.join(allowed)}"
            )
        if half.kind != "SimpleRNN":
            gate = settings.text("recurrent_activation")
            if gate != "sigmoid":
                settings.refuse(
                    f"recurrent_activation={gate!r:.80}; elman's gates have sigmoid, which is "
                    "another function. Train the model with recurrent_activation='sigmoid'"
                )
        if half.kind == "GRU" and not settings.flag("reset_after", False):
            settings.refuse(
                "reset_after=False resets before the recurrent product, which is another equation; "
                "elman's GRU resets after it. Train the model with reset_after=True"
            )
        if settings.flag("time_major", False):
            settings.refuse("time_major=True has time as the first axis; elman has samples there")
        if settings.flag("stateful", False):
            self.notes.append(
                f"{settings.where} is stateful: Keras goes on from the state of the call before, "
                "and elman begins each recording at zero (a stream goes on)"
            )

    # Reading of the states

    def _max(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._pooled(layer, values)
        if value.masked and not value.filled:
            if value.zeroed:
                layer.settings.refuse(
                    "GlobalMaxPooling1D takes padding for steps, and a Bidirectional layer, or one "
                    "with zero_output_for_mask=True, has 0 there, so that Keras's answer depends "
                    "on the padding"
                )
            self.notes.append(
                f"{layer.settings.where} takes steps that are left out for steps like the one "
                "before them: answers are the same where padding stands at the end, and may differ "
                "where it stands at the beginning"
            )
        masks = (*value.masks, True) if value.filled else value.masks
        return replace(value, at="summary", readouts=("max",), masks=masks, filled=False)

    def _mean(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._pooled(layer, values)
        if value.filled:
            layer.settings.refuse("it reads states that were overwritten where steps are left out")
        return replace(value, at="summary", readouts=("mean",), masks=(*value.masks, value.masked))

    def _pooled(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "states")
        if layer.settings.text("data_format", "channels_last") != "channels_last":
            layer.settings.refuse("data_format is not 'channels_last'")
        if layer.settings.flag("keepdims", False):
            layer.settings.refuse("keepdims=True keeps an axis for time")
        return value

    def _concatenate(self, layer: Layer, values: Sequence[Value]) -> Value:
        settings = layer.settings
        if [value.at for value in values] == ["numbers", "indicators"]:
            return self._with_indicators(settings, *values)
        if not values or any(value.at != "summary" for value in values):
            settings.refuse("elman sets what is read of the states side by side, and nothing else")
        if settings.values.get("axis", -1) not in (-1, 1):
            settings.refuse(f"axis is {settings.values['axis']!r:.60}; it must be -1")
        first = values[0]
        if any(value.layers != first.layers or value.sums != first.sums for value in values):
            settings.refuse("what it sets side by side is read of different recurrent layers")
        readouts: list[str] = []
        for value in values:
            readouts += value.readouts
            if readouts[-2:] == ["last:forward", "last:backward"]:
                readouts[-2:] = ["last"]
        masks = max((value.masks for value in values), key=len)
        return replace(
            first,
            readouts=tuple(readouts),
            n=sum(value.n for value in values),
            masks=masks,
        )

    def _add(self, layer: Layer, values: Sequence[Value]) -> Value:
        """States and what they were made of; or the final states of layers on each other."""
        settings = layer.settings
        ordered = sorted(values, key=lambda value: len(value.layers))
        last = ordered[-1] if ordered else None
        depths = [len(value.layers) for value in ordered]
        if (
            last is None
            or len(ordered) < 2
            or depths != list(range(depths[-1] - len(ordered) + 1, depths[-1] + 1))
        ):
            settings.refuse("elman adds nothing but a recurrent layer's input to its states")
        chained = all(value.layers == last.layers[: len(value.layers)] for value in ordered)
        if last.at == "states" and len(ordered) == 2:
            below = ordered[0]
            fits = below.at == "states" and chained and below.sums == last.sums[:-1]
        else:  # the sum of all final states is the final state of the sum
            fits = chained and depths[0] == 1
            fits = fits and all(value.at == "summary" for value in ordered)
            fits = fits and all(value.readouts == ("last",) for value in ordered)
            fits = fits and all(
                value.sums[1:-1] == last.sums[1 : len(value.sums) - 1] for value in ordered
            )
            fits = fits and all(last.sums[1:-1])
        if not fits or not all(value.n == last.n for value in ordered):
            settings.refuse("elman adds nothing but a recurrent layer's input to its states")
        zeroed = any(value.zeroed for value in values)
        return replace(last, sums=(*last.sums[:-1], True), zeroed=zeroed)

    # After the readout

    def _dense(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "states", "summary")
        outer = layer
        part = ""
        if layer.kind == "TimeDistributed":
            layer, part = layer.wrapped("layer"), "layer"
            if layer.kind != "Dense":
                outer.settings.refuse(f"it wraps a {layer.kind:.60}; elman has Dense there")
            if value.at != "states":
                outer.settings.refuse("it is applied to one value for each sample")
        settings = layer.settings
        if value.filled:
            settings.refuse("it reads states that were overwritten where steps are left out")
        if value.at == "summary" and any(":" in each or each == "state" for each in value.readouts):
            settings.refuse(
                "it reads one direction of a Bidirectional layer alone, or an LSTM's inner state"
            )
        if settings.values.get("quantization_config") is not None:
            settings.refuse("its weights are quantised")
        units = settings.count("units")
        biased = settings.flag("use_bias", True)
        stored = self._all(outer, ("kernel", "bias") if biased else ("kernel",), part=part)
        W = self._shaped(settings, stored, "kernel", (value.n, units))
        b = np.zeros(units, W.dtype)
        if biased:
            b = self._shaped(settings, stored, "bias", (units,))
        found = replace(value, at="outputs", n=units, head=(W, b), per_step=value.at == "states")
        return self._linked(settings, found, settings.text("activation", "linear"))

    def _activation(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values)
        name = layer.settings.text("activation")
        if name == "linear":
            return value
        return self._linked(layer.settings, self._one(layer, values, "outputs"), name)

    def _softmax(self, layer: Layer, values: Sequence[Value]) -> Value:
        if layer.settings.values.get("axis", -1) not in (-1, [-1]):
            layer.settings.refuse("axis is not -1, that of the classes")
        return self._linked(layer.settings, self._one(layer, values, "outputs"), "softmax")

    def _linked(self, settings: Settings, value: Value, name: str) -> Value:
        if name == "linear":
            return value
        if value.link != "identity" or value.target_scale is not None:
            settings.refuse(f"{name:.60} is applied to outputs that were made already")
        if name not in ("softmax", "sigmoid"):
            settings.refuse(
                f"activation={name!r:.80}; elman's outputs have softmax, sigmoid or none, and "
                "there is one Dense layer alone"
            )
        return replace(value, link="softmax" if name == "softmax" else "sigmoid")

    # Operations on masks, which Keras 3 writes beside Masking and mask_zero

    def _not_equal(self, layer: Layer, values: Sequence[Value]) -> Value:
        numbers = [each for each in layer.args if not isinstance(each, Tensor)]
        value = self._one(layer, values, "ids", "numbers")
        if len(numbers) != 1 or len(layer.args) != 2:
            layer.settings.refuse("elman takes it for a mask of padding alone")
        if value.at == "numbers":
            self._check_mask(layer.settings, numbers[0], value)
        elif numbers[0] != 0:
            layer.settings.refuse(f"id {numbers[0]!r:.60} is left out; elman knows 0 as padding")
        return replace(value, at="mask")

    def _mask(self, layer: Layer, values: Sequence[Value]) -> Value:
        if layer.kind in ("Any", "ExpandDims"):
            axis = layer.settings.values.get("axis")
            if axis not in (-1, [-1], 2, [2]) or layer.settings.flag("keepdims", False):
                layer.settings.refuse(f"axis is {axis!r:.60}; elman has masks of steps, axis=-1")
        if layer.kind == "Any" and [value.at for value in values] == ["missing"]:
            return replace(values[0], at="incomplete")
        if not values or any(value.at != "mask" for value in values):
            layer.settings.refuse("elman takes it for a mask of padding alone")
        return values[0]

    def _where(self, layer: Layer, values: Sequence[Value]) -> Value:
        """States, where steps are left out overwritten by less than any of them; or 0 for NaN."""
        kinds = [value.at for value in values]
        place = 2 if kinds == ["mask", "states"] else 1
        number = layer.args[place] if len(layer.args) == 3 else None
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            number = np.nan
        if kinds == ["mask", "states"] and number <= -1:
            return replace(values[1], filled=True, masked=True)
        fits = kinds == ["missing", "numbers"] and number == 0 and values[0].n == values[1].n
        if not fits:
            layer.settings.refuse(
                "elman takes it for 0 in the place of NaN, or for states with padding below all "
                "of them, for GlobalMaxPooling1D"
            )
        return replace(values[1], missing="zero")

    # Operations on missing numbers, which write_keras writes

    def _isnan(self, layer: Layer, values: Sequence[Value]) -> Value:
        value = self._one(layer, values, "numbers")
        if value.vectors is not None or value.missing != "error":
            layer.settings.refuse("elman takes it for missing numbers of the input")
        return replace(value, at="missing")

    def _cast(self, layer: Layer, values: Sequence[Value]) -> Value:
        return replace(self._one(layer, values, "missing"), at="indicators")

    def _with_indicators(self, settings: Settings, numbers: Value, indicators: Value) -> Value:
        if numbers.missing != "zero" or numbers.n != indicators.n:
            settings.refuse("elman sets indicators beside numbers in which 0 stands for NaN")
        return replace(numbers, n=2 * numbers.n, missing="mask")

    def _not(self, layer: Layer, values: Sequence[Value]) -> Value:
        return replace(self._one(layer, values, "incomplete"), negated=True)

    def _and(self, layer: Layer, values: Sequence[Value]) -> Value:
        if [value.at for value in values] != ["mask", "incomplete"] or not values[1].negated:
            layer.settings.refuse("elman takes it for steps that are neither padding nor NaN")
        return replace(values[0], missing="skip")

    # Weights

    def _all(
        self, layer: Layer, roles: Sequence[str], *, part: str = "", cell: bool = False
    ) -> dict[str, Array]:
        stored = self.weights.take(layer, roles, part=part, cell=cell)
        for role in roles:
            if role not in stored:
                of = f" of its {part}" if part else ""
                layer.settings.refuse(f"the file does not have its {role}{of}")
        return stored

    def _shaped(
        self, settings: Settings, stored: dict[str, Array], role: str, shape: tuple[int, ...]
    ) -> Array:
        array = stored[role]
        if array.shape != shape:
            settings.refuse(f"its {role} has shape {array.shape}; {shape} is expected")
        if array.dtype.kind != "f":
            settings.refuse(f"its {role} holds values of type {array.dtype}, not floats")
        return array


def input_value(settings: Settings) -> Value:
    """What comes into a model, by the shape of its batches."""
    shape = settings.values.get("batch_shape", settings.values.get("batch_input_shape"))
    if not isinstance(shape, list) or len(shape) not in (2, 3):
        settings.refuse(
            f"batches have shape {shape!r:.60}; elman takes (samples, time steps, features), or "
            "(samples, time steps) of ids for an Embedding"
        )
    for name in ("sparse", "ragged"):
        if settings.flag(name, False):
            settings.refuse(f"its input is {name}")
    if len(shape) == 2:
        return Value("ids")
    n = shape[2]
    if n is None:
        return Value("numbers")
    if type(n) is not int or not 1 <= n < 2**31:
        settings.refuse(f"batches have shape {shape!r:.60}")
    return Value("numbers", n=n)


def _standardised(value: Value, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Value:
    """The value with a second standardisation after that which it has, as one."""
    if value.mean is not None and value.scale is not None:
        mean = value.mean + value.scale * mean
        scale = value.scale * scale
    return replace(value, mean=mean, scale=scale)


PASSING = frozenset(
    {
        *("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
        *("ActivityRegularization", "Identity"),
    }
)
"""Layers that act in training alone, or not at all."""

Rule = Callable[[Meaning, Layer, Sequence[Value]], Value]

RULES: dict[str, Rule] = {
    "InputLayer": Meaning._input,
    "Masking": Meaning._masking,
    "Normalization": Meaning._normalization,
    "Rescaling": Meaning._rescaling,
    "Embedding": Meaning._embedding,
    "GlobalMaxPooling1D": Meaning._max,
    "GlobalAveragePooling1D": Meaning._mean,
    "Concatenate": Meaning._concatenate,
    "Add": Meaning._add,
    "Dense": Meaning._dense,
    "TimeDistributed": Meaning._dense,
    "Activation": Meaning._activation,
    "Softmax": Meaning._softmax,
    "NotEqual": Meaning._not_equal,
    "Any": Meaning._mask,
    "LogicalOr": Meaning._mask,
    "ExpandDims": Meaning._mask,
    "Where": Meaning._where,
    "Isnan": Meaning._isnan,
    "Cast": Meaning._cast,
    "LogicalNot": Meaning._not,
    "LogicalAnd": Meaning._and,
}
"""What each layer does, by its class; recurrent layers may give several values."""

IN_WORDS: dict[At, str] = {
    "ids": "ids",
    "numbers": "the numbers of a step",
    "states": "states",
    "summary": "what is read of the states",
    "outputs": "outputs",
    "mask": "a mask",
    "missing": "missing numbers",
    "indicators": "missing numbers",
    "incomplete": "steps at which a number is missing",
}
