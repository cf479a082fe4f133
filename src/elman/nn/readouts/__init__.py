"""Readouts: the hidden states of a sample in; one vector of it, and the gradient back, out.

Each is a fold over time (`elman.nn.readouts.fold`) with a file of its own. A row in `READOUTS` is
all that the rest of the package knows of it. Several of them can be read side by side
(`elman.nn.readouts.several`): a tuple of their names is a readout as well.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from elman.nn.readouts.attention import Attention
from elman.nn.readouts.every import Every
from elman.nn.readouts.fold import Fold
from elman.nn.readouts.last import Last
from elman.nn.readouts.max import Max
from elman.nn.readouts.mean import Mean
from elman.nn.readouts.several import side_by_side

Readout = str | tuple[str, ...]
"""One readout by its name, or several in the order of their values."""

READOUTS: dict[str, type[Fold]] = {
    "last": Last,
    "mean": Mean,
    "max": Max,
    "attention": Attention,
}
"""The readouts that give a sample one answer, by name, in the order in which they are listed."""

EVERY = "every"
"""The readout of a network that answers at every time step, which no hyper-parameter names."""


def plain_readout(readout: Any) -> Readout:
    """A readout as a `Layout` holds it: a name, or a tuple of at least two of them.

    Parameters
    ----------
    readout : str, or list or tuple of str
        One of `READOUTS` or `EVERY`, or several of `READOUTS`, each once. One in a
        list is that one.

    Raises
    ------
    TypeError, ValueError
        It is no readout.
    """
    choices = ", ".join(map(repr, READOUTS))
    shown = f"readout={readout!r:.200}"
    if isinstance(readout, str):
        if readout != EVERY and readout not in READOUTS:
            raise ValueError(
                f"{shown} is not known; choose one of {choices}, or a tuple of several of them"
            )
        return str(readout)
    if not isinstance(readout, (list, tuple)):
        raise TypeError(
            f"{shown} is of type {type(readout).__name__}; it must be one of {choices}, or a tuple "
            "of several of them"
        )
    if not readout:
        raise ValueError(
            f"{shown} is empty, so that nothing of the states would be read: name one or several "
            f"of {choices}"
        )
    if len(readout) > 1 and EVERY in readout:
        raise ValueError(
            f"{shown} has {EVERY!r} beside others: it answers at every time step, and the others "
            f"once for each sample; name {EVERY!r} alone, or leave it out"
        )
    for i, name in enumerate(readout):
        if not isinstance(name, str) or (name not in READOUTS and name != EVERY):
            raise ValueError(
                f"{shown}: readout[{i}]={name!r:.200} is not known; choose among {choices}"
            )
        if name in readout[:i]:
            raise ValueError(
                f"{shown} has {name!r} twice, so that the head would read the same values twice: "
                "name it once"
            )
    return str(readout[0]) if len(readout) == 1 else tuple(map(str, readout))


def names_of(readout: Readout) -> tuple[str, ...]:
    """The names of a readout, in the order of their values."""
    return (readout,) if isinstance(readout, str) else readout


def readout_text(readout: Readout) -> str:
    """A readout in one word, as tables and the command line write it: "last,max"."""
    return ",".join(names_of(readout))


@cache
def readout_named(readout: Readout) -> type[Fold]:
    """The readout of a layout that has this name, or these.

    Parameters
    ----------
    readout : str or tuple of str
        As `plain_readout` gives it.

    Raises
    ------
    ValueError
        There is no such readout.
    """
    if readout == EVERY:
        return Every
    known = names_of(plain_readout(readout))
    return READOUTS[known[0]] if len(known) == 1 else side_by_side({k: READOUTS[k] for k in known})
