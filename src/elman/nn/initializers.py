"""A random generator and a shape in; initial weights out, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def glorot_uniform(
    rng: np.random.Generator, n_in: int, n_out: int, fan_in: int | None = None
) -> Float64:
    """Uniform on +-sqrt(6 / (n_in + n_out)): Glorot and Bengio (2010), equation 16.

    `fan_in` takes the place of n_in in the root, where not all inputs are there at once.

    Returns
    -------
    ndarray of shape (n_in, n_out)
    """
    limit = math.sqrt(6.0 / ((n_in if fan_in is None else fan_in) + n_out))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


def orthogonal(rng: np.random.Generator, size: int) -> Float64:
    """A random rotation or reflection, which keeps a state's length from step to step.

    Saxe, McClelland and Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks". Drawn from the uniform (Haar) distribution as a product of
    Householder reflections of growing size: Stewart (1980), "The efficient generation of random
    orthogonal matrices". Not by LAPACK's QR, whose last bits change with the number of threads.

    Returns
    -------
    ndarray of shape (size, size)
    """
    Q = np.eye(size)
    if size == 0:
        return Q
    Q[-1, -1] = 1.0 if rng.random() < 0.5 else -1.0
    for n in range(2, size + 1):
        # The reflection that takes the first axis to -sign(v_0) v / |v|.
        v = rng.standard_normal(n)
        sign = math.copysign(1.0, v[0])
        norm = math.sqrt(float(np.sum(v * v)))
        v[0] += sign * norm
        scale = 2.0 / float(np.sum(v * v))
        block = Q[size - n :, size - n :]
        block -= np.multiply.outer(v * scale, np.einsum("i,ij->j", v, block, optimize=False))
        block *= -sign
    return Q


def identity(rng: np.random.Generator, size: int) -> Float64:
    """The identity, for relu units: Le, Jaitly and Hinton (2015), "A simple way to initialize
    recurrent networks of rectified linear units"; `rng` is not used.

    Returns
    -------
    ndarray of shape (size, size)
    """
    return np.eye(size)


def uniform(rng: np.random.Generator, size: int) -> Float64:
    """Uniform on +-1 / sqrt(size), the common default of other libraries.

    Returns
    -------
    ndarray of shape (size, size)
    """
    limit = 1.0 / math.sqrt(size)
    return rng.uniform(-limit, limit, size=(size, size))


RECURRENT: dict[str, Callable[[np.random.Generator, int], Float64]] = {
    "orthogonal": orthogonal,
    "identity": identity,
    "uniform": uniform,
}
"""Initial values of a recurrent weight block, by name."""
