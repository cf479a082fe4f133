"""The number of a step among those of all samples in; where an error says it is, out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import shown

Place = Callable[[int], str]
"""The number of a step among those of all samples -> where an error says it is."""


def in_column(place: Place, label: object) -> Place:
    """Where a step's value of one of several columns is."""
    return lambda step: f"{place(step)}, column {shown(label)}"


def place_of(step: int, lengths: NDArray[np.int64], name: str) -> str:
    """Where a step is that is counted over all samples."""
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, step, side="right"))
    if i >= len(lengths):
        return name
    return f"{name}: sample {i}, time step {step - int(ends[i] - lengths[i])}"
