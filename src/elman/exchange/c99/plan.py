"""What a model is, in the words of the C that is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import Direction, affine_of, directions_of
from elman.models.model import TrainedModel
from elman.nn.layout import Layout
from elman.nn.readouts import names_of

Array = NDArray[Any]

FAR = 16.0
"""Deviations between 0 and the mean of a feature from which on a float would lose too much of it:
its rounding there is 1e-6 of a deviation."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A model and how it is to be written."""

    model: TrainedModel
    name: str
    """with which all names in the header begin, and the files"""
    dtype: np.dtype[Any]
    """float32 or float64: of weights, state and sums"""
    int8: bool
    """whether the weights of products are whole numbers of 8 bits with a scale for each row"""

    # Words

    @property
    def real(self) -> str:
        """The C type of `dtype`."""
        return "float" if self.dtype == np.float32 else "double"

    @property
    def f(self) -> str:
        """The suffix of literals and functions of `real`."""
        return "f" if self.dtype == np.float32 else ""

    @property
    def largest(self) -> str:
        """The macro of the largest number that `real` holds."""
        return "FLT_MAX" if self.dtype == np.float32 else "DBL_MAX"

    @property
    def upper(self) -> str:
        """How macros begin."""
        return self.name.upper()

    @cached_property
    def words(self) -> dict[str, object]:
        """What every template may name."""
        return {
            "name": self.name,
            "NAME": self.upper,
            "real": self.real,
            "f": self.f,
            "input": self.input,
            "answer": self.answer,
            "F": self.n_columns,
            "K": self.n_codes,
            "N": self.n_numbers,
            "inputs": self.n_inputs,
            "outputs": self.layout.n_outputs,
            "W": self.layout.width,
            "largest": self.largest,
        }

    # Shapes

    @property
    def layout(self) -> Layout:
        """Of the network."""
        return self.model.network.layout

    @property
    def n_columns(self) -> int:
        """Numbers of a step as the caller passes it."""
        return 1 if self.model.two_d else self.model.n_features_in

    @property
    def n_codes(self) -> int:
        """Of them, categories."""
        return len(self.layout.categories)

    @property
    def n_numbers(self) -> int:
        """The others."""
        return self.n_columns - self.n_codes

    @property
    def n_inputs(self) -> int:
        """Numbers that the network reads at a step, ids of categories first."""
        return self.layout.n_features

    @property
    def readouts(self) -> tuple[str, ...]:
        """Their names, in the order of their values."""
        return names_of(self.layout.readout)

    @property
    def kind(self) -> str:
        """RNNClassifier, RNNTagger or RNNRegressor."""
        return self.model.kind

    @property
    def link(self) -> str:
        """softmax, sigmoid or identity."""
        return self.model.link

    @property
    def per_step(self) -> bool:
        """Whether every time step has an answer."""
        return self.layout.at_every_step

    @property
    def streams(self) -> bool:
        """Whether the model answers while a sequence goes on."""
        return not (self.layout.bidirectional or self.model.frontend.scale_each)

    @property
    def fronted(self) -> bool:
        """Whether there is a front end."""
        return not self.model.frontend.plain

    @property
    def answer(self) -> str:
        """The C type of answers: values of a regressor are double, as ours are float64."""
        return "double" if self.kind == "RNNRegressor" else self.real

    # Input

    @cached_property
    def affine(self) -> list[tuple[Array, Array]]:
        """Mean and scale of the columns of numbers, each (n_numbers,) of float64, in order."""
        found = []
        for mean, scale in affine_of(self.model):
            if len(mean) and not ((mean == 0).all() and (scale == 1).all()):
                found.append((mean, scale))
        return found

    @cached_property
    def far(self) -> list[int]:
        """Columns of numbers so far from 0 that a float would lose too much of them."""
        offset, size = np.zeros(self.n_numbers), np.ones(self.n_numbers)
        for mean, scale in self.affine:
            offset, size = offset + size * mean, size * scale
        return np.flatnonzero(np.abs(offset) > FAR * size).tolist()

    @property
    def input(self) -> str:
        """The C type of the features of a step."""
        return "double" if self.far else self.real

    @property
    def nan(self) -> str:
        """What NaN in a column of numbers is: "error", "mask" or "skip"."""
        refused = any(not scaler.allow_nan for scaler in self.model.before)
        return "error" if refused else self.model.missing

    @cached_property
    def columns(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The columns of X that are categories, and those that are numbers."""
        symbols = self.model.symbols
        if symbols is None:
            return (), tuple(range(self.n_columns))
        return symbols.categorical, symbols.numeric

    # Weights

    def weight(self, name: str) -> Array:
        """One of the network's arrays, of `dtype`."""
        return self.model.network.params[name].astype(self.dtype)

    @cached_property
    def directions(self) -> list[list[Direction]]:
        """As `directions_of`, of `dtype`."""
        return [
            [self._cast(direction) for direction in layer] for layer in directions_of(self.model)
        ]

    def _cast(self, direction: Direction) -> Direction:
        cast: dict[str, Any] = {
            name: None if array is None else array.astype(self.dtype)
            for name, array in direction._asdict().items()
        }
        return Direction(**cast)

    def width_below(self, i: int) -> int:
        """Columns of what layer i > 0 reads."""
        return self.layout.n_directions * self.layout.hidden_sizes[i - 1]

    @property
    def state_sizes(self) -> list[int]:
        """Of each layer: an LSTM's cell state counts too."""
        return [self.layout.cell.state_size(size) for size in self.layout.hidden_sizes]
