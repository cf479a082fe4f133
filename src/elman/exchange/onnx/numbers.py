"""Columns of numbers as they come in; the same scaled, with what stands for missing ones, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.parts import affine_of
from elman.models.model import TrainedModel


class Numbers(NamedTuple):
    """Standardised numbers, and where they are missing."""

    values: Value
    """(..., n_numbers); where one is missing NaN"""
    missing: Value | None
    """of the same shape, bool; None: the model knows of none"""
    type_: Type
    """of the values: float64 once they were scaled"""


def n_numbers(model: TrainedModel) -> int:
    """How many columns of a step of X are numbers."""
    if model.symbols is not None:
        return len(model.symbols.numeric)
    return 1 if model.two_d else model.n_features_in


def scaled(g: Graph, model: TrainedModel, X: Value) -> Numbers:
    """(x - mean) / scale in float64, by each scaler of a pipeline and by the model itself.

    Between two of them the values are rounded to the type of X, as a pipeline does it.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
    X : value of shape (..., n_numbers), float32
    """
    values, type_ = X, Type.FLOAT
    if model.missing == "mask" and any(not scaler.allow_nan for scaler in model.before):
        # What a scaler refuses is no missing value to the model: infinity is refused below.
        infinity = g.constant(np.inf, Type.FLOAT, "infinity")
        finite = g.add("LessOrEqual", g.add("Abs", X), infinity)
        values = g.where(finite, X, infinity)
    for mean, scale in affine_of(model):
        if type_ == Type.DOUBLE:
            values = g.cast(values, Type.FLOAT)
        wide = g.cast(values, Type.DOUBLE)
        shifted = g.add("Sub", wide, g.constant(mean, Type.DOUBLE, "mean"))
        values = g.add("Div", shifted, g.constant(scale, Type.DOUBLE, "scale"))
        type_ = Type.DOUBLE
    missing = None
    if model.missing == "mask":
        # NaN alone is not at most infinity. There is an operator IsNaN, which tract misreads.
        infinity = g.constant(np.inf, type_, "infinity")
        missing = g.add("Not", g.add("LessOrEqual", g.add("Abs", values), infinity))
    return Numbers(values, missing, type_)


def masked(g: Graph, numbers: Numbers) -> list[Value]:
    """The numbers in float32, with 0 for missing ones, and the indicators of these."""
    values = numbers.values
    if numbers.missing is None:
        return [values if numbers.type_ == Type.FLOAT else g.cast(values, Type.FLOAT)]
    zero = g.constant(0, numbers.type_, "zero")
    filled = g.where(numbers.missing, zero, values)
    if numbers.type_ != Type.FLOAT:
        filled = g.cast(filled, Type.FLOAT)
    return [filled, g.cast(numbers.missing, Type.FLOAT)]


def wide(g: Graph, numbers: Numbers) -> Value:
    """The values in float64."""
    if numbers.type_ == Type.DOUBLE:
        return numbers.values
    return g.cast(numbers.values, Type.DOUBLE)


def refused(g: Graph, values: Value, own: Value | None, weights: Sequence[NDArray[Any]]) -> Value:
    """Which samples hold NaN, or numbers too large to compute with: (batch, 1), bool.

    The recurrent operators of ONNX Runtime make a plausible number of NaN and of infinity.

    Parameters
    ----------
    g : Graph
    values : value of shape (time, batch, n), float32
        What the network reads, or the states of a layer.
    own : value of shape (time, batch, 1), bool, or None
        Which steps are a sample's own; None: all.
    weights : sequence of ndarray of shape (n_rows, n_columns)
        What they are multiplied by, among other rows: no sum of such products may be infinite.
    """
    most = max([1.0, *(float(np.abs(W).sum(axis=0, dtype=np.float64).max()) for W in weights)])
    # A quarter, for what is added to these sums, and for their rounding.
    largest = g.constant(np.finfo(np.float32).max / (4 * most), Type.FLOAT, "largest")
    bad = g.add("Not", g.add("LessOrEqual", g.add("Abs", values), largest))
    if own is not None:
        bad = g.add("And", bad, own)
    count = g.summed(g.summed(g.cast(bad, Type.FLOAT), 2, keepdims=True), 0)
    return g.add("Greater", count, g.constant(0, Type.FLOAT, "zero"))


def either(g: Graph, one: Value | None, other: Value | None) -> Value | None:
    """Where one of two conditions holds, of which there may be none."""
    return g.add("Or", one, other) if one and other else one or other
