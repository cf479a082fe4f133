"""X and y in whatever a user has them in; samples that can be taken by their numbers, out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.containers import is_one_array
from elman.data.named import NamedSequences
from elman.data.sequences import Sequences
from elman.data.store.stored import Stored
from elman.data.symbols import Symbols
from elman.data.symbols.raw import samples_of as raw_samples

Array = NDArray[Any]
Rows = NDArray[np.intp]


class Samples(NamedTuple):
    """Samples with their answers, as `fit` takes them."""

    X: Any
    """a store, an array, or a list: of (n_timesteps_i, n_features) arrays, texts, sequences of
    tokens, or tables"""
    y: Any
    sample_weight: Any

    def take(self, rows: Rows) -> Samples:
        """The samples of these numbers."""
        return Samples(*(None if part is None else _taken(part, rows) for part in self))


def samples_of(
    X: Any, data: Sequences, y: Any, sample_weight: Any, symbols: Symbols | None = None
) -> Samples:
    """Samples in containers of which rows can be taken.

    Parameters
    ----------
    X : array-like
        As the user passed it.
    data : Sequences
        The same, validated. It is what is taken where X is neither a store nor a plain array.
    y, sample_weight : array-like
    symbols : Symbols, optional
        Those of X, if it has some: samples are then taken as they are, since what has a number is
        to be learned from some of them.
    """
    own = _of_X(X, data) if symbols is None else _of_symbols(X)
    return Samples(own, _of_rows(y), _of_rows(sample_weight))


def _of_symbols(X: Any) -> Any:
    """Texts, sequences of tokens or tables, in a list or an array."""
    samples = raw_samples(X, "X")
    if isinstance(samples, (np.ndarray, NamedSequences)):
        return samples
    return [*samples]


def _of_X(X: Any, data: Sequences) -> Any:
    if isinstance(X, Stored):
        return X
    if isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and is_one_array(X):
        return X
    return [np.asarray(data[i]) for i in range(len(data))]


def _of_rows(values: Any) -> Any:
    """Answers or weights in a list or an array."""
    if values is None or isinstance(values, (list, np.ndarray)):
        return values
    if isinstance(values, tuple):
        return [*values]
    if hasattr(values, "toarray"):  # sparse
        return values.toarray()
    from elman.targets.missing import plain

    return plain(values).values


def _taken(part: Any, rows: Rows) -> Any:
    if isinstance(part, list) and not isinstance(part, NamedSequences):
        return [part[i] for i in rows.tolist()]
    return part[rows]
