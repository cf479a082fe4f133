"""Batches of sequences in; logits out, and the gradient of every weight back.

X -> recurrent layers -> readout -> Head -> logits
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.contract import Backend, Cell, Tape
from elman.nn.cells import FORGET_BIAS
from elman.nn.dropout import Masking
from elman.nn.layers import (
    Bidirectional,
    Dropout,
    Head,
    HeadAtEveryStep,
    Layer,
    RecurrentLayer,
    Residual,
    Run,
    Wanted,
    through,
)
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts import READOUTS, make_readout

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None
Backward = Callable[..., tuple[Parameters, Array | None]]


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent network over sequences: its configuration and its weights.

    Parameters
    ----------
    n_features : int
    hidden_size : int or tuple of int
        Of each direction of every layer, or of each layer in turn.
    n_classes : int
        Outputs of the head.
    cell : Cell
    readout : {"last", "mean", "max", "attention", "every"}
        "every" puts the head at every time step: logits (n_samples, n_timesteps, n_classes), which
        mean nothing past a sample's end, and whose gradient is not read there.
    params : Parameters
        recurrent0.W_x, recurrent0.W_h, recurrent0.b, head.W, head.b; for every layer, with
        recurrent0.gain, ... if the cell has layer normalisation,
        recurrent0.reverse.W_x, ... if `bidirectional`, recurrent0.initial, ... if
        `learn_initial_state`, and attention.query of that readout.
    n_layers : int
        Recurrent layers; 1 beside a tuple of sizes means one for each.
    bidirectional : bool
        Every layer reads each sample backward as well; the two halves of its output stand side by
        side. Backward "last" is the final state of that direction, which has seen the whole sample.
    residual : bool
        From the second recurrent layer on, a layer's output is the sum of its states and its input.
    learn_initial_state : bool
        The state before the first step is a weight of each layer; else it is zero.
    dropout : float
        Share of units left out in training between a recurrent layer and what follows it, the head
        included; see `elman.nn.dropout`.
    recurrent_dropout : float
        Share of units that a layer's own recurrence does without in training: one mask for all
        steps of a sample, Gal and Ghahramani (2016), "A theoretically grounded application of
        dropout in recurrent neural networks".

    Raises
    ------
    ValueError
        Sizes that do not fit each other, or weights that do not fit them.
    """

    n_features: int
    hidden_size: int | tuple[int, ...]
    n_classes: int
    cell: Cell
    readout: str
    params: Parameters
    n_layers: int = 1
    bidirectional: bool = False
    residual: bool = False
    learn_initial_state: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.readout != "every" and self.readout not in READOUTS:
            choices = ", ".join(READOUTS)
            raise ValueError(f"readout={self.readout!r} is not known; choose one of {choices}")
        expected = _shapes_of(self.layers)
        if self.params.shapes != expected:
            raise ValueError(
                f"the weights have shapes {self.params.shapes}, but this network takes {expected}"
            )

    @classmethod
    def initialised(
        cls,
        n_features: int,
        hidden_size: int | tuple[int, ...],
        n_classes: int,
        *,
        cell: Cell,
        readout: str,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        recurrent_init: str = "orthogonal",
        forget_bias: float = FORGET_BIAS,
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        learn_initial_state: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> Network:
        """A network with fresh weights: the same numbers in float32 and float64, but for rounding.

        Parameters
        ----------
        rng : numpy.random.Generator
        recurrent_init : {"orthogonal", "identity", "uniform"}
            See `elman.nn.initializers`.
        forget_bias : float
            An LSTM's initial b_f.
        """
        sizes = layer_sizes(hidden_size, n_layers)
        options: dict[str, Any] = {
            "bidirectional": bidirectional,
            "residual": residual,
            "learn_initial_state": learn_initial_state,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
        }
        layers = _layers(
            n_features, sizes, n_classes, cell, readout, recurrent_init, forget_bias, **options
        )
        initial: dict[str, NDArray[np.float64]] = {}
        for layer in layers:
            initial |= layer.initial(rng)
        params = Parameters.from_arrays(initial, dtype)
        size = sizes[0] if len(set(sizes)) == 1 else sizes
        return cls(
            n_features, size, n_classes, cell, readout, params, n_layers=len(sizes), **options
        )

    def copy(self) -> Network:
        """The same network over weights of its own."""
        return replace(self, params=self.params.copy())

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """`hidden_size` of each layer."""
        return layer_sizes(self.hidden_size, self.n_layers)

    @property
    def width(self) -> int:
        """Columns of a hidden state as `hidden_states` gives it, both directions together."""
        return (1 + self.bidirectional) * self.hidden_sizes[-1]

    @property
    def values_per_step(self) -> int:
        """How many values `logits` holds at once for each time step, at most."""
        widths = [self.n_features, *((1 + self.bidirectional) * n for n in self.hidden_sizes)]
        if len(widths) == 2 and self.readout in READOUTS and READOUTS[self.readout].outputs:
            return self.n_features * (1 + self.bidirectional)
        # a layer's input and its output, each in two versions where there are two directions
        return (1 + self.bidirectional) * max(a + b for a, b in pairwise(widths))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of the forward pass."""
        return self._as_read(self.readout)

    def forward(
        self,
        X: Array,
        lengths: Lengths,
        backend: Backend,
        *,
        need_dX: bool = False,
        checkpoint_every: int = 0,
        masking: Masking | None = None,
        states: dict[str, Array] | None = None,
    ) -> tuple[Array, Backward]:
        """Logits, and the function that takes their gradient back to the weights.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_timesteps, n_features)
        lengths : ndarray of shape (n_samples,), int64, longest first, or None
        backend : Backend
        need_dX : bool
            Whether `backward` returns the gradient at X as well.
        checkpoint_every : int
            See `elman.backends.contract.Backend.forward`.
        masking : Masking, optional
            Whose masks `dropout` takes; without them nothing is left out.
        states : dict, optional
            The states to go on from, which become those at the end: see `Run.states`. They are
            given, so `backward` ends at them.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes)
            For readout="every" (n_samples, n_timesteps, n_classes).
        backward : callable
            Gradient at the logits -> (gradient of the weights, gradient at X or None). Given
            parameters as a second argument, it writes the gradient of the weights there.
        """
        run = Run(
            self.params,
            backend,
            lengths,
            need_dX,
            checkpoint_every,
            masking=masking,
            states=states,
        )
        logits, back = through(self.layers, X, run)

        def backward(
            dlogits: Array, gradient: Parameters | None = None
        ) -> tuple[Parameters, Array | None]:
            gradient = self.params.zeros_like() if gradient is None else gradient
            return gradient, back(dlogits, gradient)

        return logits, backward

    def logits(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """Logits as `forward` gives them, without anything kept for a backward pass."""
        run = Run(self.params, backend, lengths, keep_tape=False)
        return np.asarray(self._infer(self.layers, X, run))

    def tapes(
        self,
        X: Array,
        lengths: Lengths,
        backend: Backend,
        *,
        masking: Masking | None = None,
        states: dict[str, Array] | None = None,
    ) -> dict[str, Tape]:
        """What each recurrent layer keeps of a forward pass, by its name.

        Parameters
        ----------
        X, lengths, backend, masking, states
            As `forward` takes them.

        Returns
        -------
        dict of str to Tape
            A layer that reads backward ("recurrent0.reverse") has its steps in its own order.
        """
        tapes: dict[str, Tape] = {}

        def watch(name: str, out: Any) -> None:
            tapes[name] = out.tape

        run = Run(self.params, backend, lengths, masking=masking, watch=watch, states=states)
        self._infer(self._all_states, X, run)
        return tapes

    def hidden_states(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """The last layer's states (n_samples, n_timesteps, width), zero past each sample's end."""
        run = Run(self.params, backend, lengths, keep_tape=False)
        return np.asarray(self._infer(self._all_states, X, run))

    def logits_over_time(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """Logits (n_samples, n_timesteps, n_classes) of every prefix of each sample.

        At a sample's own last step they are, bit for bit, those of `logits`; what follows its end
        means nothing. With readout="every" they are those of `logits`.

        Raises
        ------
        ValueError
            See `check_over_time`.
        """
        self.check_over_time()
        H = self.hidden_states(X, lengths, backend)
        run = Run(self.params, backend, None, keep_tape=False)
        readout = make_readout(self.readout, self.width)
        head = HeadAtEveryStep(self.width, self.n_classes)
        return head.forward(readout.over_time(H, run), run)[0]

    def check_over_time(self) -> None:
        """Raise ValueError if the network has no answer for a sample that is still going on."""
        if self.bidirectional and self.readout != "every":
            raise ValueError(
                "bidirectional=True reads a sequence from its end as well, so there is no answer "
                "at a time step before it: ask for the answer to whole sequences, or train with "
                "bidirectional=False"
            )

    def check_stream(self) -> None:
        """Raise ValueError if the network cannot read a sequence while it happens."""
        if self.bidirectional:
            raise ValueError(
                "bidirectional=True reads a sequence from its end as well, so it has no answer "
                "while the sequence goes on: train with bidirectional=False to read a stream"
            )

    @property
    def recurrent_layers(self) -> tuple[RecurrentLayer, ...]:
        """The recurrent layers, from below; of a network that is not bidirectional."""
        inner = (layer.layer if isinstance(layer, Residual) else layer for layer in self.layers)
        return tuple(layer for layer in inner if isinstance(layer, RecurrentLayer))

    def logits_before(self, backend: Backend) -> Array:
        """Logits (n_classes,) before the first time step: the head on the initial state."""
        return np.asarray(self._infer(self._as_read("last"), *self._no_steps(backend))[0])

    def states_before(self, backend: Backend) -> Array:
        """The state (width,) before the first time step, as `hidden_states` would give it."""
        return np.asarray(self._infer(self._as_read("last")[:-1], *self._no_steps(backend))[0])

    def _no_steps(self, backend: Backend) -> tuple[Array, Run]:
        X = np.zeros((1, 0, self.n_features), self.params.dtype)
        return X, Run(self.params, backend, None, keep_tape=False)

    def _as_read(self, readout: str) -> tuple[Layer, ...]:
        """The layers, were that its readout."""
        return _layers(
            self.n_features,
            self.hidden_sizes,
            self.n_classes,
            self.cell,
            readout,
            bidirectional=self.bidirectional,
            residual=self.residual,
            learn_initial_state=self.learn_initial_state,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
        )

    @cached_property
    def body(self) -> tuple[Layer, ...]:
        """The layers up to `States` of the last recurrent one."""
        # attention is what no backend takes, so that there the states come out
        return self._as_read("attention")[: -1 - len(self.tail)]

    @cached_property
    def tail(self) -> tuple[Layer, ...]:
        """The layers over what the readout gives."""
        return self.layers[-1 - bool(self.dropout) :]

    @cached_property
    def _all_states(self) -> tuple[Layer, ...]:
        """The layers up to the last one's states."""
        return self._as_read("every")[:-1]

    @staticmethod
    def _infer(layers: tuple[Layer, ...], value: Any, run: Run) -> Any:
        for layer in layers:  # none of their ways back is kept
            value, _ = layer.forward(value, run)
        return value


def layer_sizes(hidden_size: Any, n_layers: int = 1) -> tuple[int, ...]:
    """The size of each recurrent layer.

    Parameters
    ----------
    hidden_size : int, or sequence of int
        Of every layer, or of each in turn.
    n_layers : int
        Beside a sequence 1, or its length.

    Raises
    ------
    ValueError
        The two do not agree.
    """
    if isinstance(hidden_size, numbers.Integral):
        return (int(hidden_size),) * int(n_layers)
    sizes = tuple(int(size) for size in hidden_size)
    if int(n_layers) not in (1, len(sizes)):
        raise ValueError(
            f"n_layers={n_layers!r}, but hidden_size={hidden_size!r} names {len(sizes)}: give one "
            "size for each layer, or a single int for all"
        )
    return sizes


def check_residual(sizes: tuple[int, ...]) -> None:
    """Raise ValueError unless layers of these sizes can be added to their inputs."""
    for i, (below, size) in enumerate(pairwise(sizes), start=1):
        if below != size:
            raise ValueError(
                f"residual=True adds a layer's input to its output, but hidden_size={sizes} gives "
                f"layer {i} {below} units of input and {size} of output: give all layers one size, "
                "or set residual=False"
            )


def network_shapes(
    n_features: int,
    hidden_size: int | tuple[int, ...],
    n_classes: int,
    cell: Cell,
    readout: str = "last",
    *,
    n_layers: int = 1,
    bidirectional: bool = False,
    residual: bool = False,
    learn_initial_state: bool = False,
) -> Shapes:
    """Names and shapes of the weights of a network, in the order of its vector."""
    return _shapes_of(
        _layers(
            n_features,
            layer_sizes(hidden_size, n_layers),
            n_classes,
            cell,
            readout,
            bidirectional=bidirectional,
            residual=residual,
            learn_initial_state=learn_initial_state,
        )
    )


def _shapes_of(layers: tuple[Layer, ...]) -> Shapes:
    shapes: Shapes = {}
    for layer in layers:
        shapes |= layer.shapes()
    return shapes


def _layers(
    n_features: int,
    sizes: tuple[int, ...],
    n_classes: int,
    cell: Cell,
    readout: str,
    recurrent_init: str = "orthogonal",
    forget_bias: float = FORGET_BIAS,
    *,
    bidirectional: bool = False,
    residual: bool = False,
    learn_initial_state: bool = False,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
) -> tuple[Layer, ...]:
    if residual:
        check_residual(sizes)
    n_directions = 2 if bidirectional else 1
    width = n_directions * sizes[-1]
    reader = make_readout(readout, width)
    sums = residual and len(sizes) > 1
    layers: list[Layer] = []
    n_in = n_features
    for i, size in enumerate(sizes):
        outputs: Wanted = "sequence"
        if sums:
            outputs = "states"
        elif i == len(sizes) - 1:
            outputs = reader.outputs or "states"
        directions = [
            RecurrentLayer(
                name,
                cell,
                n_in,
                size,
                outputs,
                recurrent_init,
                forget_bias,
                learn_initial=learn_initial_state,
                recurrent_dropout=recurrent_dropout,
                place=len(sizes) + 2 * i + direction,  # after those between layers
                first=i == 0,
            )
            for direction, name in enumerate(
                (f"recurrent{i}", f"recurrent{i}.reverse")[:n_directions]
            )
        ]
        layer = Bidirectional(*directions) if bidirectional else directions[0]
        layers.append(Residual(layer) if i and sums else layer)
        n_in = n_directions * size
        if dropout and i < len(sizes) - 1:
            layers.append(Dropout(i, n_in, dropout))
    if sums or reader.outputs is None:
        layers.append(reader)
    if dropout:
        layers.append(Dropout(len(sizes) - 1, width, dropout))
    head = HeadAtEveryStep if readout == "every" else Head
    layers.append(head(width, n_classes))
    return tuple(layers)
