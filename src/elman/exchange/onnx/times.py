"""Lengths of samples in; which time steps of a batch are their own, out.

All values have time as their first axis, which is the layout that the recurrent operators take.
"""

from __future__ import annotations

from functools import cached_property

from elman.exchange.onnx.graph import Graph, Type, Value


class Times:
    """The time steps of a batch of sequences of unequal length.

    Parameters
    ----------
    g : Graph
    lengths : value of shape (batch,), int32
    n_timesteps : value of shape (1,), int64
        How many steps the batch holds of each sample, padding included.
    """

    def __init__(self, g: Graph, lengths: Value, n_timesteps: Value) -> None:
        self.g, self.lengths, self.n_timesteps = g, lengths, n_timesteps

    @cached_property
    def index(self) -> Value:
        """The numbers of the time steps: (time,), int64."""
        g = self.g
        first, each = g.constant(0, Type.INT64, "zero"), g.constant(1, Type.INT64, "one")
        return g.add("Range", first, g.squeezed(self.n_timesteps, 0), each)

    @cached_property
    def own(self) -> Value:
        """Which steps are a sample's own: (time, batch), bool."""
        g = self.g
        lengths = g.cast(self.lengths, Type.INT64)
        return g.add("Less", g.unsqueezed(self.index, 1), g.unsqueezed(lengths, 0))

    @cached_property
    def own_of_features(self) -> Value:
        """`own` with an axis for features: (time, batch, 1)."""
        return self.g.unsqueezed(self.own, 2)

    @cached_property
    def empty(self) -> Value:
        """Which samples have no step: (batch, 1), bool."""
        g = self.g
        return g.add("Equal", g.unsqueezed(self.lengths, 1), g.constant(0, Type.INT32, "zero"))

    @cached_property
    def n_samples(self) -> Value:
        """How many samples there are: (1,), int64."""
        return self.g.length_of(self.lengths, 0)

    @cached_property
    def divisor(self) -> Value:
        """The steps of each sample, at least 1: (batch, 1), float32."""
        g = self.g
        steps = g.add("Max", self.lengths, g.constant([1], Type.INT32, "one"))
        return g.unsqueezed(g.cast(steps, Type.FLOAT), 1)

    def in_blocks(self, stride: int) -> Times:
        """The times of blocks of so many steps, the last of a sample's shorter."""
        if stride == 1:
            return self
        g = self.g
        more = g.add("Add", self.lengths, g.constant(stride - 1, Type.INT32))
        lengths = g.add("Div", more, g.constant(stride, Type.INT32))
        more = g.add("Add", self.n_timesteps, g.constant(stride - 1, Type.INT64))
        return Times(g, lengths, g.add("Div", more, g.constant(stride, Type.INT64)))
