"""A trained model in; the graph that answers after each time step of live sequences out.

All that goes from one step to the next is in one array, `state`, a row for each stream, in float64:
hidden states are exact there, and sums over time are kept as they are in `elman.models.streaming`.
Zeros are the state before the first step, whatever the network begins with: the first column counts
the steps, and where it is 0 the graph takes the learned initial state.

Within a block of a front end the network reads the unfinished block, and what it remembers stays as
it was, so that after every step the answer is that of a whole sequence of so many steps.

A step that holds NaN or infinity, which is an error of ours, or after which numbers are too large
to compute with, leaves the state as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.onnx.answers import add_answers
from elman.exchange.onnx.categories import Tokens, checked, first_layer
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.inputs import declared
from elman.exchange.onnx.layers import read_step
from elman.exchange.onnx.numbers import Numbers, either, masked, n_numbers, refused, scaled, wide
from elman.exchange.onnx.readouts import query_of
from elman.exchange.onnx.whole import head
from elman.exchange.parts import directions_of
from elman.models.model import TrainedModel
from elman.nn.readouts import names_of

Array = NDArray[Any]


class State:
    """The columns of `state`, by name: each is read from what came in, and given what goes out.

    Parameters
    ----------
    g : Graph
    widths : dict of str to int
        The parts in their order.
    """

    def __init__(self, g: Graph, widths: dict[str, int]) -> None:
        self._g, self._widths = g, widths
        self._given: dict[str, Value] = {}
        what = "all that goes from one step to the next; zeros before the first one"
        self._in = g.input("state", Type.DOUBLE, ["batch", self.width], what)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return sum(self._widths.values())

    def before(self, name: str) -> Value:
        """(batch, width of that part), float64, before the step."""
        names = list(self._widths)
        start = sum(self._widths[each] for each in names[: names.index(name)])
        stop = start + self._widths[name]
        axes = self._g.axes
        return self._g.add("Slice", self._in, axes(start), axes(stop), axes(1))

    def set(self, name: str, value: Value) -> None:
        """Say what a part is after the step: (batch, width of that part), float64."""
        self._given[name] = value

    def add_output(self) -> None:
        """Declare the state after the step as an output; every part must have been set."""
        parts = [self._given[name] for name in self._widths]
        joined = self._g.concatenated(parts, axis=1)
        what = "the state after the step"
        self._g.output("stateN", joined, Type.DOUBLE, ["batch", self.width], what)


def widths_of_state(model: TrainedModel) -> dict[str, int]:
    """The parts of `state`, in their order, and how many columns each has."""
    layout, frontend = model.network.layout, model.frontend
    found = {"n_steps": 1}
    if not frontend.plain:
        n = n_numbers(model)
        if frontend.stride > 1:
            found |= {"block.size": 1, "block.sum": n}
            if model.missing == "mask":
                found["block.gaps"] = n
        for order in range(frontend.deltas):
            found |= {f"before{order}": n, f"known{order}": n}
    for i, size in enumerate(layout.hidden_sizes):
        found |= {f"recurrent{i}.{part}": size for part in layout.cell.kind.states}
    sums = {
        "mean": {"mean.sum": layout.width},
        "max": {"max.largest": layout.width},
        "attention": {
            "attention.sum": layout.width,
            "attention.weight": 1,
            "attention.largest": 1,
        },
    }
    for name in names_of(layout.readout):
        found |= sums.get(name, {})
    return found


def graph_of_steps(model: TrainedModel, *, labels: bool, tokens: Tokens) -> Graph:
    """The graph with the inputs x and state, and the output stateN beside the answers.

    Parameters
    ----------
    model : TrainedModel
        Not bidirectional, and without `scale_each`.
    labels, tokens
        As `elman.exchange.onnx.whole.graph_of_whole` takes them.
    """
    g = Graph()
    given = declared(g, model, tokens, stream=True)
    return _Step(g, model, State(g, widths_of_state(model))).built(given, labels=labels)


class _Step:
    """One time step, from what comes in to the answer."""

    def __init__(self, g: Graph, model: TrainedModel, state: State) -> None:
        self.g, self.model, self.state = g, model, state
        self.zero = g.constant(0, Type.DOUBLE, "zero")
        self.one = g.constant(1, Type.DOUBLE, "one")
        n_blocks = state.before("n_steps")
        self.begins = g.add("Equal", n_blocks, self.zero)
        self.n_blocks = g.add("Add", n_blocks, self.one)
        self.kept: dict[str, tuple[Value, Value]] = {}
        """parts of the state, before and after a step that ends a block"""
        self.within: dict[str, Value] = {}
        """parts that are of a block, and 0 where it ends, after the step"""
        self.ended: Value = ""
        """which streams have a block that ends with the step, (batch, 1), where there are blocks"""
        self._go_on("n_steps", n_blocks, self.n_blocks)

    def built(self, given: Any, *, labels: bool) -> Graph:
        """The whole graph."""
        g, model, layout = self.g, self.model, self.model.network.layout
        numbers: list[Value] = []
        bad: Value | None = None
        if given.numbers is not None:
            of_step = scaled(g, model, given.numbers)
            numbers = masked(g, of_step) if model.frontend.plain else [self._fronted(of_step)]
            read_by = [each.W_x for each in directions_of(model)[0]]
            bad = refused(g, numbers[0], None, read_by)
        ids = [
            checked(g, each, n, None)
            for each, (n, _) in zip(given.ids, layout.categories, strict=True)
        ]
        first = first_layer(g, model, ids, numbers)
        before = self._states_before()
        inputs = g.concatenated(first.inputs, axis=2)
        h, after, too_large = read_step(g, model, inputs, first.rows, before)
        bad = either(g, bad, too_large)
        for i, parts in enumerate(after):
            for part, value in zip(layout.cell.kind.states, parts, strict=True):
                name = f"recurrent{i}.{part}"
                self._go_on(name, self.state.before(name), g.cast(value, Type.DOUBLE))
        value = h
        if not layout.at_every_step:
            folds = {"mean": self._mean, "max": self._max, "attention": self._attention}
            parts = [folds[name](h) if name in folds else h for name in names_of(layout.readout)]
            value = g.concatenated(parts, axis=1)
        add_answers(g, model, head(g, model, value), None, bad, labels=labels)
        self._settle(bad)
        self.state.add_output()
        return g

    def _go_on(self, name: str, before: Value, after: Value) -> None:
        """Say what a part of the state is once a block has ended; until then it stays."""
        self.kept[name] = before, after

    def _settle(self, bad: Value | None) -> None:
        """Say what the state is after the step.

        `bad`: the streams whose step is refused, (batch, 1); None: none is.
        """
        g, goes_on = self.g, None if bad is None else self.g.add("Not", bad)
        for name, after in self.within.items():
            value = g.where(self.ended, self.zero, after)
            if goes_on is not None:
                value = g.where(goes_on, value, self.state.before(name))
            self.state.set(name, value)
        if self.within:
            goes_on = self.ended if goes_on is None else g.add("And", goes_on, self.ended)
        for name, (before, after) in self.kept.items():
            self.state.set(name, after if goes_on is None else g.where(goes_on, after, before))

    def _states_before(self) -> list[list[Value]]:
        """Of each layer the parts of its state, (batch, hidden_size) in float32."""
        g, kind = self.g, self.model.network.layout.cell.kind
        found = []
        for i, (direction,) in enumerate(directions_of(self.model)):
            parts = [
                g.cast(self.state.before(f"recurrent{i}.{part}"), Type.FLOAT)
                for part in kind.states
            ]
            if direction.initial is not None:
                learned = np.split(direction.initial[np.newaxis], len(kind.states), axis=1)
                parts = [
                    g.where(self.begins, g.constant(initial, Type.FLOAT, "initial"), part)
                    for initial, part in zip(learned, parts, strict=True)
                ]
            found.append(parts)
        return found

    def _fronted(self, numbers: Numbers) -> Value:
        """What the network reads of the block so far: (1, batch, n_inputs), float32."""
        g, state, frontend = self.g, self.state, self.model.frontend
        values = g.squeezed(wide(g, numbers), 0)
        gaps = None
        there = g.constant([[True]], name="there")
        if numbers.missing is not None:
            missing = g.squeezed(numbers.missing, 0)
            there, gaps = g.add("Not", missing), g.cast(missing, Type.DOUBLE)
            values = g.where(missing, self.zero, values)
        here = values
        if frontend.stride > 1:
            total = g.add("Add", state.before("block.sum"), values)
            count = g.add("Add", state.before("block.size"), self.one)
            self.ended = g.add("Equal", count, g.constant(frontend.stride, Type.DOUBLE, "stride"))
            self.within |= {"block.size": count, "block.sum": total}
            if gaps is not None:
                gaps = g.add("Add", state.before("block.gaps"), gaps)
                self.within["block.gaps"] = gaps
                count = g.add("Sub", count, gaps)
                there = g.add("Greater", count, self.zero)
                count = g.add("Max", count, self.one)
            here = g.add("Div", total, count)
        parts, indicators = [here], there
        for order, scale in enumerate(frontend.delta_scale[: frontend.deltas]):
            before, known = state.before(f"before{order}"), state.before(f"known{order}")
            both = g.add("And", there, g.add("Greater", known, self.zero))
            self._go_on(f"before{order}", before, here)
            flags = g.add("Expand", g.cast(there, Type.DOUBLE), g.add("Shape", here))
            self._go_on(f"known{order}", known, flags)
            here = g.where(both, g.add("Sub", here, before), self.zero)
            there = both
            parts.append(g.add("Div", here, g.constant(scale, Type.DOUBLE, "delta_scale")))
        if numbers.missing is not None:
            parts.append(g.cast(g.add("Not", indicators), Type.DOUBLE))
        return g.unsqueezed(g.cast(g.concatenated(parts, axis=1), Type.FLOAT), 0)

    # Readouts so far

    def _mean(self, h: Value) -> Value:
        g, before = self.g, self.state.before("mean.sum")
        total = g.add("Add", before, g.cast(h, Type.DOUBLE))
        self._go_on("mean.sum", before, total)
        return g.add("Div", g.cast(total, Type.FLOAT), g.cast(self.n_blocks, Type.FLOAT))

    def _max(self, h: Value) -> Value:
        g, before = self.g, self.state.before("max.largest")
        own = g.cast(h, Type.DOUBLE)
        largest = g.where(self.begins, own, g.add("Max", before, own))
        self._go_on("max.largest", before, largest)
        return g.cast(largest, Type.FLOAT)

    def _attention(self, h: Value) -> Value:
        # Weights are relative to the largest score so far, as `elman.nn.readouts.attention` says.
        g, names = self.g, ("sum", "weight", "largest")
        total, weight, largest = (self.state.before(f"attention.{name}") for name in names)
        score = g.cast(g.add("MatMul", h, query_of(g, self.model.network)), Type.DOUBLE)
        new_largest = g.where(self.begins, score, g.add("Max", largest, score))
        kept = g.add("Exp", g.add("Sub", largest, new_largest))
        kept = g.where(self.begins, self.zero, kept)
        own = g.add("Exp", g.add("Sub", score, new_largest))
        weighted = g.add("Mul", g.cast(h, Type.DOUBLE), own)
        new_weight = g.add("Add", g.add("Mul", weight, kept), own)
        new_total = g.add("Add", g.add("Mul", total, kept), weighted)
        for name, before, after in (
            ("sum", total, new_total),
            ("weight", weight, new_weight),
            ("largest", largest, new_largest),
        ):
            self._go_on(f"attention.{name}", before, after)
        return g.add("Div", g.cast(new_total, Type.FLOAT), g.cast(new_weight, Type.FLOAT))
