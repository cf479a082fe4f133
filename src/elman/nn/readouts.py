"""The name of a readout in; what the backend is asked for, and the readout of every prefix, out.

    last   h at the sample's last step
    mean   mean of h over its steps
    max    largest value of each unit over its steps; a tie shares the gradient equally

A sample of length 0 is read as its initial state. The backend takes the readout while it makes the
states (`elman.backends.contract`), in the order of time, so that neither batch mates nor padding
change a bit of a sample's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Outputs

Array = NDArray[Any]


def _every_state(H: Array) -> Array:
    return H


def _running_mean(H: Array) -> Array:
    means = np.add.accumulate(H, axis=1)
    means /= np.arange(1, H.shape[1] + 1, dtype=H.dtype)[:, np.newaxis]
    means += 0.0  # as the backend, which does not tell the sign of a zero apart
    return means


def _running_max(H: Array) -> Array:
    largest = np.maximum.accumulate(H, axis=1)
    largest += 0.0
    return largest


class Readout(NamedTuple):
    """One way to read a sequence of hidden states."""

    outputs: Outputs
    """what the backend's forward is asked for"""
    over_time: Callable[[Array], Array]
    """H -> the readout of every prefix, shaped as H; past a sample's end it means nothing"""


READOUTS: dict[str, Readout] = {
    "last": Readout("final", _every_state),
    "mean": Readout("mean", _running_mean),
    "max": Readout("max", _running_max),
}
"""Readouts by name."""
