"""The recurrent cells: their gates, biases and states, and the weights of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]
Activation = Literal["tanh", "relu"]

ACTIVATIONS: tuple[Activation, ...] = ("tanh", "relu")


class CellKind(NamedTuple):
    """What sets one cell's shapes apart from another's."""

    gates: tuple[str, ...]
    """blocks of `hidden_size` columns in W_x and W_h, in order"""
    biases: tuple[str, ...]
    """blocks of `hidden_size` in b, in order"""
    states: tuple[str, ...]
    """blocks of `hidden_size` columns in a state, the hidden state first"""
    trace: tuple[str, ...]
    """what the tape keeps of each step beside the hidden state, in blocks of `hidden_size`: first
    the values of the gates, in the order of `gates` (unless there is no block at all), then others;
    the states other than the hidden one are among them, by the same names"""
    x_sums: tuple[int, ...]
    """for each gate, which of the biased sums its product with x goes into"""
    h_sums: tuple[int, ...]
    """likewise its product with the hidden state"""
    candidate: str
    """the gate that goes through tanh: what a new state is made of"""


CELLS: dict[str, CellKind] = {
    "elman": CellKind(("h",), ("h",), ("h",), (), (0,), (0,), "h"),
    "gru": CellKind(
        ("r", "z", "n"),
        ("r", "z", "n", "hn"),
        ("h",),
        ("r", "z", "n", "hn"),
        (0, 1, 2),
        (0, 1, 3),
        "n",
    ),
    "lstm": CellKind(
        ("i", "f", "g", "o"),
        ("i", "f", "g", "o"),
        ("h", "c"),
        ("i", "f", "g", "o", "c"),
        (0, 1, 2, 3),
        (0, 1, 2, 3),
        "g",
    ),
}
"""The cells by name; `Cell` has their equations."""

NORM_EPSILON = 1e-5
"""Added to the variance of a sum in layer normalisation."""


@dataclass(frozen=True)
class Cell:
    """Which cell the time loop runs, and its options.

    With s the logistic function, and products and biases of a gate named by the gate:

    - elman: h_t = f(x_t W_x + h_{t-1} W_h + b), Elman (1990), "Finding structure in time".
    - gru: r = s(x_t W_xr + h_{t-1} W_hr + b_r), z likewise, hn = h_{t-1} W_hn + b_hn,
      n = tanh(x_t W_xn + b_n + r hn), h_t = (1 - z) n + z h_{t-1}: Cho et al. (2014), "Learning
      phrase representations using RNN encoder-decoder", with the reset after the recurrent product.
    - lstm: i, f, o = s(...), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t): Hochreiter
      and Schmidhuber (1997), "Long short-term memory", with the forget gate of Gers et al. (2000).
      A state is (h, c) side by side.

    With `layer_norm` every sum a that a bias is added to (`CellKind.biases`: a vector over the
    hidden units, such as x_t W_x + h_{t-1} W_h) becomes gain (a - mean(a)) / sqrt(var(a) + 1e-5)
    first, mean and variance taken over its units: Ba, Kiros and Hinton (2016), "Layer
    normalization". An LSTM's c is not normalised, so that nothing stands in its way through time.

    Parameters
    ----------
    name : {"elman", "gru", "lstm"}
    activation : {"tanh", "relu"}
        f of the Elman cell; the others are made of tanh and the logistic function.
    layer_norm : bool
    """

    name: str = "elman"
    activation: Activation = "tanh"
    layer_norm: bool = False

    def __post_init__(self) -> None:
        if self.name not in CELLS:
            raise ValueError(f"cell={self.name!r} is not known; choose one of {', '.join(CELLS)}")
        if self.activation not in ACTIVATIONS:
            choices = ", ".join(ACTIVATIONS)
            raise ValueError(
                f"activation={self.activation!r} is not known; choose one of {choices}"
            )
        if self.name != "elman" and self.activation != "tanh":
            raise ValueError(
                f"activation={self.activation!r} is for cell='elman'; cell={self.name!r} has tanh "
                "inside"
            )

    @property
    def kind(self) -> CellKind:
        """The names of its gates, biases, states and traced values."""
        return CELLS[self.name]

    def state_size(self, hidden_size: int) -> int:
        """Columns of a state."""
        return len(self.kind.states) * hidden_size

    def trace_size(self, hidden_size: int) -> int:
        """Columns of what the tape keeps of a step beside the hidden state.

        The blocks of `CellKind.trace`; with `layer_norm` also each sum, normalised but not yet
        scaled, and 1 / sqrt(var + epsilon) of each.
        """
        norms = len(self.kind.biases) * (hidden_size + 1) if self.layer_norm else 0
        return len(self.kind.trace) * hidden_size + norms

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The fields of `Weights` it has."""
        return Weights._fields if self.layer_norm else Weights._fields[:-1]


class Weights(NamedTuple):
    """Weights of one recurrent layer; with G gates and N biases (`CellKind`)."""

    W_x: Array
    """(n_features, G * hidden_size)"""
    W_h: Array
    """(hidden_size, G * hidden_size)"""
    b: Array
    """(N * hidden_size,)"""
    gain: Array | None = None
    """(N * hidden_size,) with layer normalisation, else None"""

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays that are not None."""
        return self[:3] if self.gain is None else tuple(w for w in self if w is not None)
