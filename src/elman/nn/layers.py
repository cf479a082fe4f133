"""An input and the shared parameters in; an output and the function that takes its gradient back.

A layer holds its configuration only. Its `forward` returns (output, backward); `backward` takes the
loss's gradient at the output, writes the gradients of the layer's own weights where `gradient`
holds them, and returns the gradient at the input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import POOLS, Backend, Cell, Forward, Outputs, Weights
from elman.nn.cells import initial_weights, weight_shapes
from elman.nn.initializers import glorot_uniform
from elman.nn.parameters import Parameters, Shapes

Array = NDArray[Any]
Backprop = Callable[[Any, Parameters], Any]
"""(gradient at the output, where to write the weights' gradients) -> gradient at the input"""


@dataclass(frozen=True)
class Run:
    """What every layer of one pass through the network shares."""

    params: Parameters
    backend: Backend
    lengths: NDArray[np.int64] | None
    """(n_samples,), longest first, or None"""
    input_gradient: bool = False
    """whether the backward pass returns the gradient at X"""
    checkpoint_every: int = 0
    """steps between the states kept for the backward pass; 0 keeps all"""


class Layer(Protocol):
    """What the network asks of a layer."""

    def shapes(self) -> Shapes:
        """Full names and shapes of its weights."""
        ...

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Full names and initial values of its weights."""
        ...

    def forward(self, value: Any, run: Run) -> tuple[Any, Backprop]:
        """Output, and the function that takes its gradient back."""
        ...


@dataclass(frozen=True)
class RecurrentLayer:
    """X (n_samples, n_timesteps, n_features) -> what `outputs` says of its hidden states.

    (n_samples, hidden_size) for "final", "mean" and "max", taken over each sample's own steps;
    (n_samples, n_timesteps, hidden_size) for "sequence".
    """

    name: str
    """prefix of its weights' names: recurrent0"""
    cell: Cell
    n_features: int
    hidden_size: int
    outputs: Outputs
    recurrent_init: str = "orthogonal"

    def shapes(self) -> Shapes:
        """See `Layer.shapes`."""
        shapes = weight_shapes(self.cell, self.n_features, self.hidden_size)
        return {f"{self.name}.{key}": shape for key, shape in shapes.items()}

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """See `Layer.initial`."""
        values = initial_weights(
            self.cell, self.n_features, self.hidden_size, self.recurrent_init, rng
        )
        return {f"{self.name}.{key}": value for key, value in values.items()}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}.{key}" for key in Weights._fields)

    def weights(self, params: Parameters) -> Weights:
        """Its weights as the backend takes them: views."""
        return Weights(*[params[name] for name in self._names])

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Layer.forward`."""
        out = run.backend.forward(
            self.cell,
            value,
            run.lengths,
            None,
            self.weights(run.params),
            outputs=self.outputs,
            keep_tape=True,
            checkpoint_every=run.checkpoint_every,
        )

        def backward(dvalue: Array, gradient: Parameters) -> Array | None:
            if out.tape is None:
                raise RuntimeError("the backend kept no tape")
            return run.backend.backward(
                dvalue if self.outputs == "sequence" else None,
                self._state_gradient(dvalue) if self.outputs == "final" else None,
                out.tape,
                dpooled=dvalue if self.outputs in POOLS else None,
                need_dX=run.input_gradient,
                out=self.weights(gradient),
            ).dX

        return self._of(out), backward

    def infer(self, X: Array, run: Run) -> Array:
        """The output without a tape."""
        weights = self.weights(run.params)
        return self._of(
            run.backend.forward(self.cell, X, run.lengths, None, weights, outputs=self.outputs)
        )

    def _state_gradient(self, dhidden: Array) -> Array:
        """At a state, what arrives at the hidden state in it."""
        state_size = self.cell.state_size(self.hidden_size)
        if state_size == self.hidden_size:
            return dhidden
        dstate = np.zeros((len(dhidden), state_size), dhidden.dtype)
        dstate[:, : self.hidden_size] = dhidden
        return dstate

    def _of(self, out: Forward) -> Array:
        if self.outputs == "final":
            return np.ascontiguousarray(out.final[:, : self.hidden_size])
        wanted = out.H if self.outputs == "sequence" else out.pooled
        if wanted is None:
            raise RuntimeError(f"the backend returned nothing for outputs={self.outputs!r}")
        return wanted


@dataclass(frozen=True)
class Head:
    """Affine map: features (n_samples, n_in) -> logits (n_samples, n_classes)."""

    n_in: int
    n_classes: int
    name: str = "head"

    def shapes(self) -> Shapes:
        """See `Layer.shapes`."""
        return {
            f"{self.name}.W": (self.n_in, self.n_classes),
            f"{self.name}.b": (self.n_classes,),
        }

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """See `Layer.initial`."""
        return {
            f"{self.name}.W": glorot_uniform(rng, self.n_in, self.n_classes),
            f"{self.name}.b": np.zeros(self.n_classes),
        }

    def forward(self, value: Any, run: Run) -> tuple[Array, Backprop]:
        """See `Layer.forward`."""
        W, b = run.params[f"{self.name}.W"], run.params[f"{self.name}.b"]
        logits = run.backend.linear_forward(value, W, b)

        def backward(dlogits: Array, gradient: Parameters) -> Array | None:
            into = gradient[f"{self.name}.W"], gradient[f"{self.name}.b"]
            return run.backend.linear_backward(dlogits, value, W, out=into)[0]

        return logits, backward
