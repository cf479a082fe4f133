"""Readouts: the hidden states of a sample in; one vector of it, and the gradient back, out.

Each is a fold over time (`elman.nn.readouts.fold`) with a file of its own. A row in `READOUTS` is
all that the rest of the package knows of it.
"""

from __future__ import annotations

from elman.nn.readouts.attention import Attention
from elman.nn.readouts.every import Every
from elman.nn.readouts.fold import Fold
from elman.nn.readouts.last import Last
from elman.nn.readouts.max import Max
from elman.nn.readouts.mean import Mean

READOUTS: dict[str, type[Fold]] = {
    "last": Last,
    "mean": Mean,
    "max": Max,
    "attention": Attention,
}
"""The readouts that give a sample one answer, by name, in the order in which they are listed."""

EVERY = "every"
"""The readout of a network that answers at every time step, which no hyper-parameter names."""


def readout_named(name: str) -> type[Fold]:
    """The readout of a layout that has this name.

    Parameters
    ----------
    name : str
        One of `READOUTS`, or `EVERY`.

    Raises
    ------
    ValueError
        There is no such readout.
    """
    if name == EVERY:
        return Every
    if name not in READOUTS:
        choices = ", ".join(READOUTS)
        raise ValueError(f"readout={name!r} is not known; choose one of {choices}")
    return READOUTS[name]
