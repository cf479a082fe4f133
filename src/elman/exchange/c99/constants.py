"""Arrays in; `static const` C arrays, and what they take of the flash, out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.exchange.c99.literals import listed, literals
from elman.exchange.c99.quantising import quantised
from elman.exchange.c99.template import joined

Array = NDArray[Any]

TYPES = {"float32": "float", "float64": "double", "int8": "int8_t", "uint32": "uint32_t"}


class Matrix(NamedTuple):
    """A matrix that C text multiplies with: row after row in one array."""

    name: str
    n_rows: int
    n_columns: int
    int8: bool

    def product(self, sums: str, x: str, first: int = 0, n_rows: int | None = None) -> str:
        """The statement that adds x times some of its rows to sums."""
        n = self.n_rows - first if n_rows is None else n_rows
        rows = f"{self.name} + {first * self.n_columns}" if first else self.name
        scales = ""
        if self.int8:
            scales = f", {self.name}_scale" + (f" + {first}" if first else "")
        return f"add_product({sums}, {rows}{scales}, {x}, {n}, {self.n_columns});"


class Constants:
    """The `static const` arrays of a file, in the order in which they were asked for."""

    def __init__(self, *, int8: bool) -> None:
        self._int8 = int8
        self._texts: list[str] = []
        self.n_bytes = 0
        """what all of them take"""

    @property
    def text(self) -> str:
        """Their definitions."""
        return joined(*self._texts)

    def vector(self, name: str, values: Array, comment: str = "") -> str:
        """Define an array; its name."""
        kind = TYPES[values.dtype.name]
        self.n_bytes += values.nbytes
        above = f"/* {comment} */\n" if comment else ""
        self._texts.append(
            f"{above}static const {kind} {name}[{values.size}] = {{\n"
            f"{listed(literals(values))}\n}};"
        )
        return name

    def matrix(self, name: str, values: Array, comment: str) -> Matrix:
        """Define a matrix, as whole numbers with a scale for each row if weights are int8."""
        shape = f"{values.shape[0]} rows of {values.shape[1]}"
        if self._int8:
            whole, scale = quantised(values)
            self.vector(name, whole, f"{comment}: {shape}, each in units of the scale of its row")
            self.vector(f"{name}_scale", scale)
        else:
            self.vector(name, np.ascontiguousarray(values), f"{comment}: {shape}")
        return Matrix(name, values.shape[0], values.shape[1], self._int8)
