"""The front end of a model over whole sequences: standardised numbers in; what is read of them out.

What each part of it does, and in which order, `elman.data.frontend` says. All of it is in float64.
"""

from __future__ import annotations

from typing import NamedTuple

from elman.data.frontend import LEAST_AMPLITUDE, Frontend
from elman.exchange.onnx.graph import Graph, Type, Value
from elman.exchange.onnx.numbers import Numbers, wide
from elman.exchange.onnx.times import Times


class Observed(NamedTuple):
    """Values, and which of them there are."""

    values: Value
    """(time, batch, n_features), float64; 0 where there is none"""
    there: Value
    """of the same shape or (time, batch, 1), bool"""


def fronted(g: Graph, frontend: Frontend, numbers: Numbers, times: Times) -> tuple[Value, Times]:
    """What the network reads, and how many steps of it each sample has.

    Parameters
    ----------
    g : Graph
    frontend : Frontend
    numbers : Numbers
        (time, batch, n_features).
    times : Times
        Of the steps of X.

    Returns
    -------
    inputs : value of shape (blocks, batch, n_inputs), float32
    times : Times
        Of the blocks.
    """
    values, there = wide(g, numbers), times.there
    if numbers.missing is not None:
        there = g.add("And", there, g.add("Not", numbers.missing))
    observed = Observed(g.where(there, values, _zero(g)), there)
    of_samples: list[Value] = []
    if frontend.scale_each:
        observed, of_samples = _each_scaled(g, frontend, observed)
    blocks = times.in_blocks(frontend.stride)
    if frontend.stride > 1:
        observed = _block_means(g, observed, frontend.stride, times, blocks)
    parts = [observed.values]
    found = observed
    for scale in frontend.delta_scale[: frontend.deltas]:
        found = _differences(g, found)
        parts.append(g.add("Div", found.values, g.constant(scale, Type.DOUBLE, "delta_scale")))
    if of_samples:
        parts += [_at_every_step(g, each, observed.values) for each in of_samples]
    if numbers.missing is not None:
        parts.append(g.cast(g.add("Not", observed.there), Type.DOUBLE))
    return g.cast(g.concatenated(parts, axis=2), Type.FLOAT), blocks


def _zero(g: Graph) -> Value:
    return g.constant(0, Type.DOUBLE, "zero")


def _each_scaled(g: Graph, frontend: Frontend, given: Observed) -> tuple[Observed, list[Value]]:
    """Samples of mean 0 and amplitude 1; the logarithm of the amplitude, and the mean.

    The last two are (1, batch, n_features), and 0 where no value was observed.
    """
    values, there = given
    zero, one = _zero(g), g.constant(1, Type.DOUBLE, "one")
    n_features = len(frontend.log_amplitude.mean) if frontend.log_amplitude else 1
    shape = g.add("Shape", values)
    every = g.add("And", there, g.add("Expand", g.constant([True] * n_features), shape))
    count = g.summed(g.cast(every, Type.DOUBLE), 0, keepdims=True)
    none = g.add("Equal", count, zero)
    count = g.where(none, one, count)

    def mean_of(of_steps: Value) -> Value:
        return g.add("Div", g.summed(g.where(every, of_steps, zero), 0, keepdims=True), count)

    mean = mean_of(values)
    mean = g.add("Add", mean, mean_of(g.add("Sub", values, mean)))  # its rounding
    centred = g.add("Sub", values, mean)
    squares = mean_of(g.add("Mul", centred, centred))
    least = g.constant(LEAST_AMPLITUDE, Type.DOUBLE, "least_amplitude")
    amplitude = g.add("Max", g.add("Sqrt", squares), least)
    scaled = g.where(every, g.add("Div", centred, amplitude), zero)
    if frontend.log_amplitude is None:
        raise ValueError("a front end with scale_each needs what it learned of amplitudes")
    log = g.add("Log", amplitude)
    for op, learned in zip(("Sub", "Div"), frontend.log_amplitude, strict=True):
        log = g.add(op, log, g.constant(learned, Type.DOUBLE, "log_amplitude"))
    return Observed(scaled, every), [g.where(none, zero, each) for each in (log, mean)]


def _at_every_step(g: Graph, of_samples: Value, like: Value) -> Value:
    """Values of samples (1, batch, n_features) at every step that another value has."""
    return g.add("Expand", of_samples, g.add("Shape", like))


def _block_means(g: Graph, given: Observed, stride: int, times: Times, blocks: Times) -> Observed:
    """The mean of what was observed in each block of so many steps."""
    zero, one = _zero(g), g.constant(1, Type.DOUBLE, "one")
    whole = g.add("Mul", blocks.n_timesteps, g.constant(stride, Type.INT64))
    behind = g.add("Sub", whole, times.n_timesteps)
    pads = g.concatenated([g.axes(0, 0, 0), behind, g.axes(0, 0)], axis=0)

    def in_blocks(value: Value) -> Value:
        """The sums over the steps of each block."""
        longer = g.add("Pad", value, pads, zero)
        there = g.add("Shape", value)
        rest = g.add("Slice", there, g.axes(1), g.axes(3), g.axes(0))
        shape = g.concatenated([blocks.n_timesteps, g.axes(stride), rest], axis=0)
        return g.summed(g.add("Reshape", longer, shape, allowzero=1), 1)

    count = in_blocks(g.cast(given.there, Type.DOUBLE))
    some = g.add("Greater", count, zero)
    means = g.add("Div", in_blocks(given.values), g.where(some, count, one))
    return Observed(means, some)


def _differences(g: Graph, given: Observed) -> Observed:
    """What each step has more than the one before it; 0 where one of the two is not known."""
    zero = _zero(g)
    pads = g.axes(1, 0, 0, 0, 0, 0)

    def before(value: Value) -> Value:
        """The value a step earlier; 0 at the first one."""
        later = g.add("Pad", value, pads, zero)
        return g.add("Slice", later, g.axes(0), g.axes(-1), g.axes(0))

    known = g.add("Greater", before(g.cast(given.there, Type.DOUBLE)), zero)
    both = g.add("And", given.there, known)
    difference = g.add("Sub", given.values, before(given.values))
    return Observed(g.where(both, difference, zero), both)
