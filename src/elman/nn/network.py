"""Batches of sequences in; logits out, and the gradient of every weight back.

X -> RecurrentLayer -> Head -> logits
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.contract import Backend, Cell
from elman.nn.layers import Head, Layer, RecurrentLayer, Run
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts import READOUTS

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None
Backward = Callable[..., tuple[Parameters, Array | None]]


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent sequence classifier: its configuration and its weights.

    Parameters
    ----------
    n_features, hidden_size, n_classes : int
    cell : Cell
    readout : {"last", "mean", "max"}
    params : Parameters
        recurrent0.W_x, recurrent0.W_h, recurrent0.b, head.W, head.b.
    """

    n_features: int
    hidden_size: int
    n_classes: int
    cell: Cell
    readout: str
    params: Parameters

    def __post_init__(self) -> None:
        if self.readout not in READOUTS:
            choices = ", ".join(READOUTS)
            raise ValueError(f"readout={self.readout!r} is not known; choose one of {choices}")
        expected = network_shapes(self.n_features, self.hidden_size, self.n_classes, self.cell)
        if self.params.shapes != expected:
            raise ValueError(
                f"the weights have shapes {self.params.shapes}, but this network takes {expected}"
            )

    @classmethod
    def initialised(
        cls,
        n_features: int,
        hidden_size: int,
        n_classes: int,
        *,
        cell: Cell,
        readout: str,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        recurrent_init: str = "orthogonal",
    ) -> Network:
        """A network with fresh weights: the same numbers in float32 and float64, but for rounding.

        Parameters
        ----------
        rng : numpy.random.Generator
        recurrent_init : {"orthogonal", "identity", "uniform"}
            See `elman.nn.initializers`.
        """
        initial: dict[str, NDArray[np.float64]] = {}
        for layer in _layers(n_features, hidden_size, n_classes, cell, readout, recurrent_init):
            initial |= layer.initial(rng)
        params = Parameters.from_arrays(initial, dtype)
        return cls(n_features, hidden_size, n_classes, cell, readout, params)

    def copy(self) -> Network:
        """The same network over weights of its own."""
        return replace(self, params=self.params.copy())

    @cached_property
    def layers(self) -> tuple[RecurrentLayer, Head]:
        """The layers in the order of the forward pass."""
        return _layers(self.n_features, self.hidden_size, self.n_classes, self.cell, self.readout)

    def forward(
        self,
        X: Array,
        lengths: Lengths,
        backend: Backend,
        *,
        need_dX: bool = False,
        checkpoint_every: int = 0,
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

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes)
        backward : callable
            Gradient at the logits -> (gradient of the weights, gradient at X or None). Given
            parameters as a second argument, it writes the gradient of the weights there.
        """
        run = Run(self.params, backend, lengths, need_dX, checkpoint_every)
        value: Any = X
        callbacks = []
        for layer in self.layers:
            value, callback = layer.forward(value, run)
            callbacks.append(callback)

        def backward(
            dlogits: Array, gradient: Parameters | None = None
        ) -> tuple[Parameters, Array | None]:
            gradient = self.params.zeros_like() if gradient is None else gradient
            dvalue: Any = dlogits
            for callback in reversed(callbacks):
                dvalue = callback(dvalue, gradient)
            return gradient, dvalue

        return value, backward

    def logits(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """Logits (n_samples, n_classes) without anything kept for a backward pass."""
        recurrent, head = self.layers
        run = Run(self.params, backend, lengths)
        return head.forward(recurrent.infer(X, run), run)[0]

    def hidden_states(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """Every hidden state (n_samples, n_timesteps, hidden_size), zero past each sample's end."""
        every_state = replace(self.layers[0], outputs="sequence")
        return every_state.infer(X, Run(self.params, backend, lengths))

    def logits_over_time(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """Logits (n_samples, n_timesteps, n_classes) of every prefix of each sample.

        At a sample's own last step they are, bit for bit, those of `logits`; what follows its end
        means nothing.
        """
        H = READOUTS[self.readout].over_time(self.hidden_states(X, lengths, backend))
        n_samples, n_timesteps, hidden_size = H.shape
        features = H.reshape(n_samples * n_timesteps, hidden_size)
        logits, _ = self.layers[1].forward(features, Run(self.params, backend, None))
        return np.asarray(logits).reshape(n_samples, n_timesteps, self.n_classes)


def network_shapes(n_features: int, hidden_size: int, n_classes: int, cell: Cell) -> Shapes:
    """Names and shapes of the weights of a network, in the order of its vector."""
    shapes: Shapes = {}
    for layer in _layers(n_features, hidden_size, n_classes, cell, "last"):
        shapes |= layer.shapes()
    return shapes


def _layers(
    n_features: int,
    hidden_size: int,
    n_classes: int,
    cell: Cell,
    readout: str,
    recurrent_init: str = "orthogonal",
) -> tuple[RecurrentLayer, Head]:
    layers = (
        RecurrentLayer(
            "recurrent0", cell, n_features, hidden_size, READOUTS[readout].outputs, recurrent_init
        ),
        Head(hidden_size, n_classes),
    )
    _: tuple[Layer, ...] = layers  # each is a Layer, which mypy checks here
    return layers
