"""Hidden states of every step in; one vector for each sample out, over its own length, and back.

    last   h at the sample's last step
    mean   mean of h over its steps
    max    largest value of each unit over its steps

A sample of length 0 is read as its initial state. Sums run in the order of time, one step after
another, so that neither batch mates nor padding change a bit of a sample's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None


class Hidden(NamedTuple):
    """What a recurrent layer puts out, or the loss's gradient at it."""

    H: Array | None
    """(n_samples, n_timesteps, hidden_size), zero past each sample's end; None if not asked for"""
    final: Array | None
    """(n_samples, hidden_size); None as a gradient if it has none"""


class Readout(Protocol):
    """One way to read a sequence of hidden states."""

    needs_states: bool
    """False where `final` is enough, so that H need not exist at inference"""

    def forward(self, hidden: Hidden, lengths: Lengths) -> tuple[Array, Callable[[Array], Hidden]]:
        """Features (n_samples, hidden_size) and the function that takes their gradient back."""
        ...

    def over_time(self, H: Array) -> Array:
        """The readout of every prefix, shaped as H; past a sample's end it means nothing."""
        ...


class Last:
    """The state at each sample's own last step."""

    needs_states = False

    def forward(self, hidden: Hidden, lengths: Lengths) -> tuple[Array, Callable[[Array], Hidden]]:
        """See `Readout.forward`."""
        return cast(Array, hidden.final), lambda dfeatures: Hidden(None, dfeatures)

    def over_time(self, H: Array) -> Array:
        """See `Readout.over_time`."""
        return H


class Mean:
    """The mean over each sample's own steps."""

    needs_states = True

    def forward(self, hidden: Hidden, lengths: Lengths) -> tuple[Array, Callable[[Array], Hidden]]:
        """See `Readout.forward`."""
        H, steps = _states(hidden), _steps(hidden, lengths)
        features = _sum_over_time(H) / np.maximum(steps, 1)
        _put_initial(features, hidden, lengths)

        def backward(dfeatures: Array) -> Hidden:
            dH = np.empty_like(H)
            dH[...] = (dfeatures / np.maximum(steps, 1))[:, np.newaxis]
            return Hidden(dH, None)

        return features, backward

    def over_time(self, H: Array) -> Array:
        """See `Readout.over_time`."""
        means = np.add.accumulate(H, axis=1)
        means += 0.0
        means /= np.arange(1, H.shape[1] + 1, dtype=H.dtype)[:, np.newaxis]
        return means


class Max:
    """Each unit's largest value over the sample's own steps; a tie shares the gradient equally."""

    needs_states = True

    def forward(self, hidden: Hidden, lengths: Lengths) -> tuple[Array, Callable[[Array], Hidden]]:
        """See `Readout.forward`."""
        H = _states(hidden)
        padding = _padding(H, lengths)
        if padding is not None:
            H = H.copy()  # the tape needs the zeros that H holds there
            H[padding] = -np.inf
        features = np.maximum.reduce(H, axis=1, initial=-np.inf)
        features += 0.0  # -0.0 and 0.0 are equal maxima: one of them
        _put_initial(features, hidden, lengths)

        def backward(dfeatures: Array) -> Hidden:
            largest = np.equal(H, features[:, np.newaxis])
            share = dfeatures / np.maximum(largest.sum(axis=1), 1).astype(H.dtype)
            return Hidden(np.multiply(largest, share[:, np.newaxis]), None)

        return features, backward

    def over_time(self, H: Array) -> Array:
        """See `Readout.over_time`."""
        largest = np.maximum.accumulate(H, axis=1)
        largest += 0.0
        return largest


READOUTS: dict[str, Readout] = {"last": Last(), "mean": Mean(), "max": Max()}
"""Readouts by name."""


def _states(hidden: Hidden) -> Array:
    if hidden.H is None:
        raise ValueError("this readout needs every hidden state: run the layer with its H")
    return hidden.H


def _steps(hidden: Hidden, lengths: Lengths) -> Array:
    """(n_samples, 1) or (1, 1) lengths in H's dtype."""
    H = _states(hidden)
    steps: Array = np.asarray([H.shape[1]] if lengths is None else lengths)
    return steps.astype(H.dtype)[:, np.newaxis]


def _padding(H: Array, lengths: Lengths) -> NDArray[np.bool_] | None:
    """(n_samples, n_timesteps), True past each sample's end; None if there is no padding."""
    if lengths is None or len(lengths) == 0 or lengths[-1] == H.shape[1]:
        return None
    padding: NDArray[np.bool_] = np.arange(H.shape[1]) >= lengths[:, np.newaxis]
    return padding


def _sum_over_time(H: Array) -> Array:
    if H.shape[2] == 1:
        # One unit alone leaves time as the innermost axis, which `sum` adds up pairwise, in an
        # order that depends on the padded length.
        H = np.repeat(H, 2, axis=2)
        return np.asarray(np.add.reduce(H, axis=1)[:, :1] + 0.0)
    total: Array = np.add.reduce(H, axis=1)
    total += 0.0  # a sum of -0.0 alone is -0.0, with padding it is 0.0: always 0.0
    return total


def _put_initial(features: Array, hidden: Hidden, lengths: Lengths) -> None:
    """Samples without a step are read as their initial state, which `final` holds."""
    H = _states(hidden)
    if hidden.final is None:
        return
    if lengths is None:
        if H.shape[1] == 0:
            features[...] = hidden.final
    elif len(lengths) and lengths[-1] == 0:
        empty = lengths == 0
        features[empty] = hidden.final[empty]
