"""Names and shapes in; one flat vector out, with a named view of it for every array."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shapes = dict[str, tuple[int, ...]]

LARGEST = {"float32": 1e18, "float64": 1e150}
"""The largest size of a weight, by dtype. The product of two such weights and an input does not
overflow, and no training that succeeds comes near it."""


class Parameters(Mapping[str, Array]):
    """Named arrays that share one flat vector.

    The optimizer, clipping and a sum of gradients work on `flat`; layers read and write the views.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Every array in the order it lies in the vector.
    dtype : dtype
    flat : ndarray of shape (n_values,), optional
        The vector, held without a copy if it is C-contiguous, aligned and of `dtype`; zeros by
        default.

    Attributes
    ----------
    flat : ndarray of shape (n_values,)
    shapes : dict of str to tuple of int
    """

    __slots__ = ("_views", "flat", "shapes")

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        dtype: DTypeLike = np.float32,
        flat: Array | None = None,
    ) -> None:
        self.shapes: Shapes = {name: tuple(shape) for name, shape in shapes.items()}
        n_values = sum(math.prod(shape) for shape in self.shapes.values())
        if flat is None:
            flat = np.zeros(n_values, dtype=dtype)
        # asarray and not asanyarray: a memory map becomes a plain array over the same memory
        self.flat: Array = np.asarray(np.require(flat, dtype=dtype, requirements=["C", "A"]))
        if self.flat.shape != (n_values,):
            raise ValueError(
                f"flat has shape {self.flat.shape}; these shapes take ({n_values},): {self.shapes}"
            )
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            stop = start + math.prod(shape)
            self._views[name] = self.flat[start:stop].reshape(shape)
            start = stop

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], dtype: DTypeLike) -> Parameters:
        """A copy of named arrays, in their order."""
        parameters = cls({name: np.shape(array) for name, array in arrays.items()}, dtype)
        for name, array in arrays.items():
            parameters[name][...] = array
        return parameters

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.flat.dtype

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def names(self) -> tuple[str, ...]:
        """Names in the order of the vector."""
        return tuple(self._views)

    def unusable(self, *, finite: bool = False) -> str | None:
        """Name of the first array with NaN, infinity or a value beyond `LARGEST`; None if none.

        With `finite` every finite value will do.
        """
        bound = np.finfo(self.dtype).max if finite else LARGEST[self.dtype.name]
        with np.errstate(invalid="ignore"):
            for name, array in self.items():
                if not (np.abs(array) <= bound).all():
                    return name
        return None

    def zeros_like(self) -> Parameters:
        """The same names and shapes over a vector of zeros: where gradients go."""
        return Parameters(self.shapes, self.dtype)

    def copy(self) -> Parameters:
        """The same values over a vector of their own."""
        return Parameters(self.shapes, self.dtype, self.flat.copy())

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the vector: pickled one by one, the views would come back as separate arrays.
        return Parameters, (self.shapes, self.dtype, self.flat)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        return f"<Parameters: {inside}; {self.flat.size} values, {self.dtype}>"
