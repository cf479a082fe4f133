"""Optimizers: they change the vector of weights along a gradient.

Every optimizer works in place on one flat vector, with one scratch vector; a backend may offer one
compiled pass instead (`elman.backends.fused.Fused`). `alpha` shrinks all weights but the biases and
those that are frozen: whose gradient is always zero, so that no step changes them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.fused import AdamStep, Fused
from elman.nn.parameters import Parameters

Array = NDArray[Any]
State = dict[str, Any]


class Optimizer(Protocol):
    """One rule that turns gradients into steps."""

    def step(
        self,
        weights: Array,
        gradient: Array,
        learning_rate: float,
        scale: float = 1.0,
        fused: Fused | None = None,
    ) -> None:
        """Change `weights` in place, along `scale * gradient`; `gradient` may be overwritten.

        `fused`: a backend's compiled version, to the same bits.
        """
        ...

    def get_state(self) -> State:
        """A copy of what it remembers between steps."""
        ...

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` returned."""
        ...


class _VectorOptimizer(Optimizer):
    """Base of the optimizers: what they remember, in vectors as long as the weights, and steps."""

    memory: tuple[str, ...] = ()

    def __init__(self, params: Parameters, alpha: float, frozen: Collection[str] = ()) -> None:
        self.alpha = alpha
        self.n_steps = 0
        self._scratch = np.empty_like(params.flat)
        self._decay = _decay_mask(params, frozen) if alpha else None
        for name in self.memory:
            setattr(self, name, np.zeros_like(params.flat))

    def copy(self) -> Self:
        """The same over vectors of its own."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(other, name, np.array(value))
        return other

    def get_state(self) -> State:
        """A copy of what it remembers between steps."""
        vectors = {name: getattr(self, name).copy() for name in self.memory}
        return {"n_steps": self.n_steps, **vectors}

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` returned."""
        n_steps = state["n_steps"]
        if not isinstance(n_steps, int) or n_steps < 0:
            raise ValueError(f"n_steps={n_steps!r} is no number of steps")
        for name in self.memory:
            if np.shape(state[name]) != getattr(self, name).shape:
                raise ValueError(f"{name} has shape {np.shape(state[name])}")
        self.n_steps = n_steps
        for name in self.memory:
            getattr(self, name)[...] = state[name]

    def _add_penalty(self, weights: Array, gradient: Array) -> None:
        """Add alpha * weights, the gradient of alpha / 2 * |weights|^2."""
        if self._decay is not None:
            np.multiply(weights, self._decay, out=self._scratch)
            self._scratch *= self.alpha
            gradient += self._scratch


class SGD(_VectorOptimizer):
    """Gradient descent with momentum, in the form of Sutskever et al. (2013), equations 1 to 4.

    v <- momentum v - learning_rate g, then w <- w + v; with Nesterov's momentum
    w <- w + momentum v - learning_rate g, of the new v.

    Parameters
    ----------
    params : Parameters
        Only the shapes and names are used.
    momentum : float
        In [0, 1).
    nesterov : bool
    alpha : float
        L2 penalty: alpha / 2 times the squared norm of the weights (without biases) is added to
        the loss.
    frozen : collection of str
        Names of arrays that are not to change: alpha does not shrink them.
    """

    memory = ("velocity",)
    velocity: Array

    def __init__(
        self,
        params: Parameters,
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
        alpha: float = 0.0,
        frozen: Collection[str] = (),
    ) -> None:
        super().__init__(params, alpha, frozen)
        self.momentum = momentum
        self.nesterov = nesterov

    @override
    def step(
        self,
        weights: Array,
        gradient: Array,
        learning_rate: float,
        scale: float = 1.0,
        fused: Fused | None = None,
    ) -> None:
        gradient *= scale
        self._add_penalty(weights, gradient)
        self.n_steps += 1
        gradient *= -learning_rate
        self.velocity *= self.momentum
        self.velocity += gradient
        if self.nesterov and self.momentum:
            np.multiply(self.velocity, self.momentum, out=self._scratch)
            gradient += self._scratch
            weights += gradient
        else:
            weights += self.velocity


class Adam(_VectorOptimizer):
    """Adam, Kingma and Ba (2015), algorithm 1; AdamW, Loshchilov and Hutter (2019), algorithm 2.

    Parameters
    ----------
    params : Parameters
        Only the shapes and names are used.
    beta_1, beta_2 : float
        Decay of the running means of g and g^2, in [0, 1).
    epsilon : float
        Added to the root of the second moment.
    alpha : float
        Adam: an L2 penalty, as in `SGD`. AdamW: weights shrink by learning_rate * alpha a step.
        Biases are left alone.
    decoupled : bool
        AdamW.
    frozen : collection of str
        As `SGD` takes it.
    """

    memory = ("m", "v")
    m: Array
    v: Array

    def __init__(
        self,
        params: Parameters,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        alpha: float = 0.0,
        decoupled: bool = False,
        frozen: Collection[str] = (),
    ) -> None:
        super().__init__(params, alpha, frozen)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.decoupled = decoupled

    @override
    def step(
        self,
        weights: Array,
        gradient: Array,
        learning_rate: float,
        scale: float = 1.0,
        fused: Fused | None = None,
    ) -> None:
        self.n_steps += 1
        step = AdamStep(
            scale=scale,
            penalty=0.0 if self.decoupled else self.alpha,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            root_correction_2=math.sqrt(1 - self.beta_2**self.n_steps),
            epsilon=self.epsilon,
            rate=learning_rate / (1 - self.beta_1**self.n_steps),
            shrink=learning_rate * self.alpha if self.decoupled else 0.0,
        )
        if fused is None:
            self._step(weights, gradient, step)
        else:
            fused.adam(weights, gradient, self.m, self.v, self._decay, step)

    def _step(self, weights: Array, gradient: Array, step: AdamStep) -> None:
        scratch = self._scratch
        gradient *= step.scale
        if not self.decoupled:
            self._add_penalty(weights, gradient)
        self.m *= step.beta_1
        np.multiply(gradient, 1 - step.beta_1, out=scratch)
        self.m += scratch
        self.v *= step.beta_2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - step.beta_2
        self.v += scratch

        # learning_rate * (m / correction_1) / (sqrt(v / correction_2) + epsilon)
        np.sqrt(self.v, out=scratch)
        scratch /= step.root_correction_2
        scratch += step.epsilon
        np.divide(self.m, scratch, out=scratch)
        scratch *= step.rate
        if self.decoupled and self._decay is not None:
            np.multiply(weights, self._decay, out=gradient)
            gradient *= step.shrink
            scratch += gradient
        weights -= scratch


SOLVERS = ("sgd", "adam", "adamw")
OUTER_SOLVERS = ("average", "nesterov")
"""how replicas that learned by themselves become one network: `elman.training.local`"""


def make_optimizer(
    solver: str,
    params: Parameters,
    *,
    alpha: float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = True,
    frozen: Collection[str] = (),
) -> SGD | Adam:
    """The optimizer of that name: "sgd", "adam" or "adamw"."""
    if solver == "sgd":
        return SGD(params, momentum=momentum, nesterov=nesterov, alpha=alpha, frozen=frozen)
    if solver in ("adam", "adamw"):
        return Adam(params, alpha=alpha, decoupled=solver == "adamw", frozen=frozen)
    raise ValueError(f"solver={solver!r} is not known; choose one of {', '.join(SOLVERS)}")


def global_norm(gradient: Array, fused: Fused | None = None) -> float:
    """Euclidean norm, summed in float64 in a fixed order, so that it has the same bits always.

    `fused`: a backend's compiled version, which sums in a fixed order of its own.
    """
    if fused is not None:
        return fused.norm(gradient)
    # not np.linalg.norm, which leaves the order of the sum to BLAS
    return math.sqrt(float(np.sum(np.square(gradient, dtype=np.float64))))


def clip_scale(norm: float, max_norm: float | None) -> float:
    """The factor that brings a gradient of this norm down to `max_norm`; 1 if that is None.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks",
    algorithm 1.
    """
    return max_norm / norm if max_norm is not None and norm > max_norm else 1.0


def clip_values(gradient: Array, max_value: float) -> None:
    """Cut off, in place, what lies outside of [-max_value, max_value]; NaN stays."""
    np.clip(gradient, -max_value, max_value, out=gradient)


def _decay_mask(params: Parameters, frozen: Collection[str]) -> Array:
    """1 where `alpha` applies; 0 for biases, the 1-D arrays, and for what is frozen."""
    mask = params.zeros_like()
    for name, shape in params.shapes.items():
        mask[name][...] = float(len(shape) > 1 and name not in frozen)
    return mask.flat
