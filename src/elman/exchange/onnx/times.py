"""Lengths of samples in; which time steps of a batch are their own, out.

All values have time as their first axis, which is the layout that the recurrent operators take.
"""

from __future__ import annotations

from functools import cached_property

from elman.exchange.onnx.graph import Graph, Type, Value


class Times:
    """The time steps of a batch of sequences.

    Parameters
    ----------
    g : Graph
    n_samples, n_timesteps : value of shape (1,), int64
        How many samples the batch holds, and how many steps of each, padding included.
    lengths : value of shape (batch,), int32, or None
        How many steps are a sample's own; None: all.
    """

    def __init__(
        self, g: Graph, n_samples: Value, n_timesteps: Value, lengths: Value | None
    ) -> None:
        self.g, self.n_samples, self.n_timesteps, self.lengths = g, n_samples, n_timesteps, lengths

    @cached_property
    def index(self) -> Value:
        """The numbers of the time steps: (time,), int64."""
        g = self.g
        first, each = g.constant(0, Type.INT64, "zero"), g.constant(1, Type.INT64, "one")
        return g.add("Range", first, g.squeezed(self.n_timesteps, 0), each)

    @cached_property
    def own(self) -> Value | None:
        """Which steps are a sample's own: (time, batch), bool; None: all."""
        if self.lengths is None:
            return None
        g = self.g
        lengths = g.cast(self.lengths, Type.INT64)
        return g.add("Less", g.unsqueezed(self.index, 1), g.unsqueezed(lengths, 0))

    @cached_property
    def own_of_features(self) -> Value | None:
        """`own` with an axis for features: (time, batch, 1)."""
        return None if self.own is None else self.g.unsqueezed(self.own, 2)

    @cached_property
    def there(self) -> Value:
        """As `own_of_features`, also where all steps are: then it is (time, 1, 1)."""
        if self.own_of_features is not None:
            return self.own_of_features
        g = self.g
        shape = g.concatenated([self.n_timesteps, g.axes(1, 1)], axis=0)
        return g.add("Expand", g.constant([[[True]]], Type.BOOL, "true"), shape)

    def only_own(self, value: Value, other: Value) -> Value:
        """A value (time, batch, ...) at a sample's own steps, and another past its end."""
        return value if self.own is None else self.g.where(self.there, value, other)

    @cached_property
    def _steps(self) -> Value:
        """How many steps each sample has, (batch, 1) or (1, 1)."""
        given = self.n_timesteps if self.lengths is None else self.lengths
        return self.g.cast(self.g.unsqueezed(given, 1), Type.FLOAT)

    @cached_property
    def empty(self) -> Value:
        """Which samples have no step, where they have lengths: (batch, 1), bool."""
        return self.g.add("Equal", self._steps, self.g.constant(0, Type.FLOAT, "zero"))

    @cached_property
    def impossible(self) -> Value | None:
        """Which samples have more steps than the batch, or fewer than none: (batch, 1), bool.

        The recurrent operators refuse such lengths, but not those of blocks that come of them.
        """
        if self.lengths is None:
            return None
        g = self.g
        given = g.unsqueezed(g.cast(self.lengths, Type.INT64), 1)
        below = g.add("Less", given, g.constant(0, Type.INT64, "zero"))
        return g.add("Or", below, g.add("Less", self.n_timesteps, given))

    @cached_property
    def divisor(self) -> Value:
        """The steps of each sample, at least 1: (batch, 1) or (1, 1), float32."""
        return self.g.add("Max", self._steps, self.g.constant(1, Type.FLOAT, "one"))

    def in_blocks(self, stride: int) -> Times:
        """The times of blocks of so many steps, the last of a sample's shorter."""
        if stride == 1:
            return self
        g, lengths = self.g, self.lengths
        if lengths is not None:
            more = g.add("Add", lengths, g.constant(stride - 1, Type.INT32))
            lengths = g.add("Div", more, g.constant(stride, Type.INT32))
        more = g.add("Add", self.n_timesteps, g.constant(stride - 1, Type.INT64))
        n_blocks = g.add("Div", more, g.constant(stride, Type.INT64))
        return Times(g, self.n_samples, n_blocks, lengths)
