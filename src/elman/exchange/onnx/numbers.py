"""Columns of numbers as they come in; the same scaled, with what stands for missing ones, out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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


def refused(g: Graph, inputs: Value, own: Value | None) -> Value:
    """Which samples hold NaN or infinity where the network would read it: (batch, 1), bool.

    The recurrent operators of ONNX Runtime make a plausible number of NaN.

    Parameters
    ----------
    g : Graph
    inputs : value of shape (time, batch, n_inputs), float32
        What the network reads.
    own : value of shape (time, batch, 1), bool, or None
        Which steps are a sample's own; None: all.
    """
    largest = g.constant(np.finfo(np.float32).max, Type.FLOAT, "largest")
    bad = g.add("Not", g.add("LessOrEqual", g.add("Abs", inputs), largest))
    if own is not None:
        bad = g.add("And", bad, own)
    count = g.summed(g.summed(g.cast(bad, Type.FLOAT), 2, keepdims=True), 0)
    return g.add("Greater", count, g.constant(0, Type.FLOAT, "zero"))
