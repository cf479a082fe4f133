"""Logits in; labels and probabilities, or numbers, as outputs of the graph, out.

Where every time step has an answer, past a sample's end probabilities are 0 and numbers NaN. For a
sample that holds NaN or infinity, which is an error of ours, or numbers too large to compute with
in float32, both are NaN. In either case a label is `no_label`, and the number of one is -1.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.times import Times
from elman.models.kinds import is_of_numbers, kind_of_model
from elman.models.model import TrainedModel

Array = NDArray[Any]


def label_table(classes: Array) -> Array | None:
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


def no_label(labels: Array) -> Any:
    """What stands for a label where there is none.

    It is no label itself: the shortest of "", "?", "??", ..., or the largest negative int.
    """
    known = set(labels.tolist())
    if labels.dtype == object:
        return next(text for text in map("?".__mul__, itertools.count()) if text not in known)
    return next(value for value in itertools.count(-1, -1) if value not in known)


class _Asked(NamedTuple):
    """Which answers there are, over the axes of samples and of steps if these are answered."""

    axes: list[int | str]
    own: Value | None
    """(batch, time), bool: the steps that are a sample's own; None: samples are answered"""
    refused: Value | None
    """(batch,) or (batch, 1), bool: the samples that no answer can be given to; None: none is"""

    def kept(self, g: Graph, value: Value, *, refused: Value, past: Value, n_more: int) -> Value:
        """A value with `refused` for samples that are refused, and `past` past an end.

        `n_more`: axes that it has behind those of samples and steps.
        """
        if self.refused is not None:
            where = g.unsqueezed(self.refused, -1) if n_more else self.refused
            value = g.where(where, refused, value)
        if self.own is not None:
            where = g.unsqueezed(self.own, -1) if n_more else self.own
            value = g.where(where, value, past)
        return value

    def about(self, refused: str, past: str) -> str:
        """How a description of an output ends."""
        found = "" if self.refused is None else f"; {refused} where no answer is possible"
        return found if self.own is None else f"{found}; {past} past a sample's end"


def add_answers(
    g: Graph,
    model: TrainedModel,
    logits: Value,
    times: Times | None,
    refused: Value | None,
    *,
    labels: bool,
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
    refused : value of shape (batch, 1), bool, or None
        Which samples cannot be answered; None: all can.
    labels : bool
        Whether labels come out as they are, and not as the numbers of their classes.
    """
    kind = kind_of_model(model)
    if times is None:
        bad = None if refused is None else g.squeezed(refused, 1)
        asked = _Asked(["batch"], None, bad)
    else:
        logits = g.add("Transpose", logits, perm=[1, 0, 2])
        own = None if times.own is None else g.add("Transpose", times.own, perm=[1, 0])
        asked = _Asked(["batch", "time"], own, refused)
    if is_of_numbers(kind):
        _add_numbers(g, model, logits, asked)
    elif kind == "labels":
        _add_indicators(g, model, logits, asked)
    else:
        _add_labels(g, model, logits, asked, labels=labels)


def _add_labels(g: Graph, model: Any, logits: Value, asked: _Asked, *, labels: bool) -> None:
    n_classes = len(model.classes)
    table = label_table(model.classes) if labels else None
    none = g.constant(-1 if table is None else n_classes, Type.INT64, "none")
    codes = g.add("ArgMax", logits, axis=-1, keepdims=0)
    codes = asked.kept(g, codes, refused=none, past=none, n_more=0)
    type_, nothing = Type.INT64, "-1"
    what = "the number of the most probable class, from 0"
    if table is not None:
        type_ = Type.STRING if table.dtype == object else Type.INT64
        what, nothing = "the most probable class", repr(no_label(table))
        table = np.append(table, np.array([no_label(table)], table.dtype))
        codes = g.add("Gather", g.constant(table, type_, "classes"), codes, axis=0)
    g.output("label", codes, type_, asked.axes, what + asked.about(nothing, nothing))
    _add_probabilities(g, g.add("Softmax", logits, axis=-1), n_classes, asked)


def _add_indicators(g: Graph, model: Any, logits: Value, asked: _Asked) -> None:
    more = g.add("Greater", logits, g.constant(0, Type.FLOAT, "zero"))
    yes, no, none = (g.constant(each, Type.INT64, "indicator") for each in (1, 0, -1))
    there = g.where(more, yes, no)
    there = asked.kept(g, there, refused=none, past=none, n_more=1)
    what = "1 for each label that is more probable than not, else 0" + asked.about("-1", "-1")
    g.output("label", there, Type.INT64, [*asked.axes, len(model.classes)], what)
    _add_probabilities(g, g.add("Sigmoid", logits), len(model.classes), asked)


def _add_probabilities(g: Graph, value: Value, n_classes: int, asked: _Asked) -> None:
    nan, zero = g.constant(np.nan, Type.FLOAT, "nan"), g.constant(0, Type.FLOAT, "zero")
    value = asked.kept(g, value, refused=nan, past=zero, n_more=1)
    what = "the probability of each class, in the order of the metadata's classes"
    shape = [*asked.axes, n_classes]
    g.output("probabilities", value, Type.FLOAT, shape, what + asked.about("NaN", "0"))


def _add_numbers(g: Graph, model: Any, logits: Value, asked: _Asked) -> None:
    mean, scale = model.target_scale
    scaled = g.add("Mul", g.cast(logits, Type.DOUBLE), g.constant(scale, Type.DOUBLE, "y.scale"))
    values = g.add("Add", scaled, g.constant(mean, Type.DOUBLE, "y.mean"))
    nan = g.constant(np.nan, Type.DOUBLE, "nan")
    values = asked.kept(g, values, refused=nan, past=nan, n_more=1)
    shape = [*asked.axes, len(mean)]
    if model.one_target:
        values, shape = g.squeezed(values, len(asked.axes)), [*asked.axes]
    g.output("y", values, Type.DOUBLE, shape, "what is predicted" + asked.about("NaN", "NaN"))
