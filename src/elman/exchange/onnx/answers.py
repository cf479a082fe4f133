"""Logits in; labels and probabilities, or numbers, as outputs of the graph, out.

Where every time step has an answer, past a sample's end probabilities are 0, numbers are NaN, codes
are -1, and labels are `past_end_label`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.times import Times
from elman.models.kinds import is_of_numbers, kind_of_model
from elman.models.model import TrainedModel

Array = NDArray[Any]

OF_ALL = "of each class, in the order of the metadata's classes"


def labels_of(classes: Array) -> Array | None:
    """Classes as an ONNX tensor holds them: strings, or int64; None if it holds no such labels."""
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        try:
            "".join(values).encode()
        except UnicodeEncodeError:  # halves of surrogate pairs
            return None
        return np.array(values, object)
    if not all(isinstance(value, (bool, int, float)) for value in values):
        return None
    if not all(-(2**63) <= value < 2**63 and value == int(value) for value in values):
        return None
    return np.array([int(value) for value in values], np.int64)


def past_end_label(labels: Array) -> Any:
    """What stands for a label past a sample's end: "", or the largest negative int that is none."""
    if labels.dtype == object:
        return ""
    known = set(labels.tolist())
    return next(value for value in itertools.count(-1, -1) if value not in known)


def add_answers(
    g: Graph, model: TrainedModel, logits: Value, times: Times | None, *, labels: bool
) -> None:
    """Declare the outputs of a graph.

    Parameters
    ----------
    g : Graph
    model : TrainedModel
    logits : value
        (batch, n_outputs), or (time, batch, n_outputs).
    times : Times or None
        Of the second kind.
    labels : bool
        Whether labels come out as they are, and not as the numbers of their classes.
    """
    kind = kind_of_model(model)
    axes: list[int | str] = ["batch"]
    own = None
    if times is not None:
        axes = ["batch", "time"]
        logits = g.add("Transpose", logits, perm=[1, 0, 2])
        own = g.add("Transpose", times.own, perm=[1, 0])
    if is_of_numbers(kind):
        _add_numbers(g, model, logits, own, axes)
    elif kind == "labels":
        _add_indicators(g, model, logits, axes)
    else:
        _add_labels(g, model, logits, own, axes, labels=labels)


def _add_labels(
    g: Graph,
    model: Any,
    logits: Value,
    own: Value | None,
    axes: Sequence[int | str],
    *,
    labels: bool,
) -> None:
    n_classes = len(model.classes)
    codes = g.add("ArgMax", logits, axis=-1, keepdims=0)
    probabilities = g.add("Softmax", logits, axis=-1)
    of_steps = "" if own is None else "; 0 past a sample's end"
    past = None
    table = labels_of(model.classes) if labels else None
    if own is not None:
        past = -1 if table is None else past_end_label(table)
        zero = g.constant(0, Type.FLOAT, "zero")
        probabilities = g.where(g.unsqueezed(own, 2), probabilities, zero)
        after = g.constant(-1 if table is None else n_classes, Type.INT64)
        codes = g.where(own, codes, after)
    type_, what = Type.INT64, "the number of the most probable class, from 0"
    if table is not None:
        type_ = Type.STRING if table.dtype == object else Type.INT64
        what = "the most probable class"
        if own is not None:
            table = np.append(table, np.array([past], table.dtype))
        codes = g.add("Gather", g.constant(table, type_, "classes"), codes, axis=0)
    if own is not None:
        what += f"; {past!r} past a sample's end"
    g.output("label", codes, type_, axes, what)
    g.output(
        "probabilities",
        probabilities,
        Type.FLOAT,
        [*axes, n_classes],
        f"the probability {OF_ALL}{of_steps}",
    )


def _add_indicators(g: Graph, model: Any, logits: Value, axes: Sequence[int | str]) -> None:
    shape = [*axes, len(model.classes)]
    there = g.add("Greater", logits, g.constant(0, Type.FLOAT, "zero"))
    what = "1 for each label that is more probable than not, else 0"
    g.output("label", g.cast(there, Type.INT64), Type.INT64, shape, what)
    what = "the probability of each label"
    g.output("probabilities", g.add("Sigmoid", logits), Type.FLOAT, shape, what)


def _add_numbers(
    g: Graph, model: Any, logits: Value, own: Value | None, axes: Sequence[int | str]
) -> None:
    mean, scale = model.target_scale
    scaled = g.add("Mul", g.cast(logits, Type.DOUBLE), g.constant(scale, Type.DOUBLE, "y.scale"))
    values = g.add("Add", scaled, g.constant(mean, Type.DOUBLE, "y.mean"))
    what = "what is predicted"
    if own is not None:
        nothing = g.constant(np.nan, Type.DOUBLE, "nan")
        values = g.where(g.unsqueezed(own, 2), values, nothing)
        what += "; NaN past a sample's end"
    shape = [*axes, len(mean)]
    if model.one_target:
        values, shape = g.squeezed(values, len(axes)), [*axes]
    g.output("y", values, Type.DOUBLE, shape, what)
