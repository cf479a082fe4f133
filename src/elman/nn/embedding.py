"""Cuts the steps of a batch into categories and numbers, and looks up the vectors of the former.

The columns of X that are categories hold their numbers, whole numbers from 0 on, as floats. Vectors
are those of Bengio, Ducharme, Vincent and Jauvin (2003), "A neural probabilistic language model":
rows of a matrix E that is trained like any other weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Backend
from elman.nn.categories import (
    CodedGradient,
    CodedSteps,
    Columns,
    Named,
    embedding_name,
    into_rows,
)
from elman.nn.layers import Backprop, Layer, PassContext
from elman.nn.parameters import Parameters, Shapes

Array = NDArray[Any]

FEW = 256
"""Of so many categories all are in the table, if there are as many steps: to find out which are
named would cost more than their rows."""


@dataclass(frozen=True)
class Embedding(Layer):
    """X (n_samples, n_timesteps, n_features) -> `CodedSteps`."""

    columns: Columns
    """those of X, from the first one on, that are categories"""
    frozen: bool = False
    """whether training leaves the vectors as they are"""

    @override
    def shapes(self) -> Shapes:
        return {embedding_name(k): (n, size) for k, (n, size) in enumerate(self.columns) if size}

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        # Of the size of a standardised number.
        return {name: rng.standard_normal(shape) for name, shape in self.shapes().items()}

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[CodedSteps, Backprop]:
        n_codes = len(self.columns)
        past = None
        if context.lengths is not None:
            past = np.arange(value.shape[1]) >= context.lengths[:, np.newaxis]
        codes = self._numbered(value[:, :, :n_codes], past)
        numbers = np.ascontiguousarray(value[:, :, n_codes:])
        named, start = [], 0
        for k, (n_categories, size) in enumerate(self.columns):
            column = codes[:, :, k]
            rows = None
            if n_categories > FEW or n_categories > column.size:
                rows = _renumber(column, past, n_categories)
            column += start
            start += n_categories if rows is None else len(rows)
            vectors = None
            if size:
                E = context.params[embedding_name(k)]
                vectors = E if rows is None else E[rows]
            named.append(Named(rows, vectors, size > 0 and not self.frozen))
        if past is not None:
            codes[past] = 0
        shape, dtype = value.shape, value.dtype

        def backward(dvalue: CodedGradient, gradient: Parameters) -> Array | None:
            for k, (each, dvectors) in enumerate(zip(named, dvalue.dvectors, strict=True)):
                if each.vectors is None:
                    continue
                dE = gradient[embedding_name(k)]
                if dvectors is None:
                    dE.fill(0)
                else:
                    into_rows(dE, each.rows, dvectors)
            if dvalue.dnumbers is None:
                return None
            dX = np.zeros(shape, dtype)
            dX[:, :, n_codes:] = dvalue.dnumbers
            return dX

        return CodedSteps(numbers, codes, tuple(named)), backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """With vectors the whole batch: of it the gradient at its table is taken back at once."""
        return (n_samples,) if any(size for _, size in self.columns) else ()

    def _numbered(self, values: Array, past: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """The categories as int32; past a sample's end they may be anything."""
        with np.errstate(invalid="ignore"):  # NaN and numbers too large are found below
            codes = values.astype(np.int32)
        wrong = codes != values
        wrong |= codes < 0
        wrong |= codes >= np.array([n for n, _ in self.columns])
        if past is not None:
            wrong[past] = False
        if wrong.any():
            sample, step, column = np.argwhere(wrong)[0].tolist()
            n = self.columns[column][0]
            raise ValueError(
                f"sample {sample} of the batch, time step {step}: column {column} of X is "
                f"{values[sample, step, column]!s}, but it is a category, a whole number from 0 to "
                f"{n - 1}"
            )
        return codes


def _renumber(
    column: NDArray[np.int32], past: NDArray[np.bool_] | None, n_categories: int
) -> NDArray[np.intp]:
    """The categories that a column names, ascending; in it each becomes its place among them."""
    own = column if past is None else column[~past]
    is_named = np.zeros(n_categories, bool)
    is_named[own] = True
    rows = np.flatnonzero(is_named)
    places = np.empty(n_categories, np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    if past is None:
        column[...] = places[column]
    else:
        column[~past] = places[own]
    return rows
