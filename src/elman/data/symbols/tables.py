"""X with symbols in; its samples as tables of their values, which make an X again, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.named import NamedSequences
from elman.data.symbols.flat import Flat
from elman.data.symbols.raw import read_raw

Array = NDArray[Any]


class SymbolTables:
    """The samples of an X with symbols, as tables of objects.

    Parameters
    ----------
    X : list, tuple, array or Series
        Texts, sequences of tokens, or tables.
    name : str
        What errors call it.

    Raises
    ------
    TypeError, ValueError
        It is no list of sequences; names the sample, and what it is.
    """

    def __init__(self, X: Any, name: str = "X") -> None:
        raw = read_raw(X, name)
        self.form = raw.form
        self.lengths = raw.lengths
        self.feature_names = raw.names
        if raw.form == "characters":
            self.samples = [_column([*text]) for text in raw.texts]
            """(n_timesteps_i, n_columns) of objects: what X has at each step"""
            return
        table = np.empty((int(raw.lengths.sum()), raw.n_columns), object)
        for j, flat in enumerate(raw.columns):
            table[:, j] = _objects(flat)
        ends = np.cumsum(raw.lengths).tolist()
        self.samples = [table[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        if self.feature_names is not None:
            return [*self.feature_names]
        if self.form == "characters":
            return ["character"]
        n = self.samples[0].shape[1] if self.samples else 1
        return ["token"] if n == 1 else [f"feature {j}" for j in range(n)]

    def like_X(self, samples: list[Array]) -> Any:
        """Tables like those of `samples` in the form of X."""
        if self.form == "characters":
            return ["".join(x[:, 0].tolist()) for x in samples]
        if self.form == "tokens":
            return [x[:, 0].tolist() for x in samples]
        return (
            samples if self.feature_names is None else NamedSequences(samples, self.feature_names)
        )


def _column(values: list[Any]) -> Array:
    found = np.empty((len(values), 1), object)
    found[:, 0] = values
    return found


def _objects(flat: Flat) -> Array:
    """The values of a column as objects of Python; None where one is missing."""
    found = np.empty(flat.n, object)
    if flat.kind == "nothing":
        return found
    found[:] = flat.values if isinstance(flat.values, list) else flat.values.tolist()
    if flat.missing is not None:
        found[flat.missing] = None
    return found
