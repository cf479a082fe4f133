"""What the C of a model takes: bytes of flash and of RAM, and multiply-adds of a step."""

from __future__ import annotations

from typing import NamedTuple

from elman.exchange.c99 import stream, whole
from elman.exchange.c99.plan import Plan
from elman.exchange.c99.state import struct_bytes


class Costs(NamedTuple):
    """What the C of a model takes of a machine."""

    flash: int
    """bytes of constants: weights, statistics, names. The machine code, a few thousand bytes, comes
    beside it"""
    state: int
    """bytes that are kept of a sequence while it goes on"""
    stack: int
    """bytes that the functions need for a step, the state of `run` included, roughly"""
    scratch_per_step: int
    """bytes of the caller's memory for each step of a sequence; 0 where none is needed"""
    per_step: int
    """multiply-adds of a step, but for those of an answer"""
    per_answer: int
    """multiply-adds of an answer"""


def costs_of(plan: Plan, flash: int) -> Costs:
    """The costs of a model whose constants take so many bytes."""
    layout, size = plan.layout, plan.dtype.itemsize
    kind = layout.cell.kind
    n_in = sum(length for _, length in layout.categories) + plan.n_inputs - plan.n_codes
    products = 0
    widest = 0
    for i, hidden in enumerate(layout.hidden_sizes):
        below = n_in if i == 0 else plan.width_below(i)
        products += layout.n_directions * (below + hidden) * len(kind.gates) * hidden
        widest = max(widest, len(kind.biases) * hidden)
    if "attention" in plan.readouts:
        products += 2 * layout.width
    both = layout.bidirectional
    state = struct_bytes((whole if both else stream).fields(plan))
    stack = size * (plan.n_inputs + widest + layout.n_read + 2 * layout.n_outputs) + state
    if plan.fronted:
        stack += 8 * plan.n_numbers
    if plan.model.frontend.stride > 1 and not both:
        stack += state  # the copy that reads an unfinished block
    return Costs(
        flash,
        state,
        stack,
        size * whole.scratch_per_step(plan) if both else 0,
        products,
        layout.n_read * layout.n_outputs,
    )
