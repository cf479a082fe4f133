"""Sequences in a list that knows what its features are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class NamedSequences(list[Array]):
    """A list of (n_timesteps_i, n_features) arrays, with the names of their columns.

    It is a list in every respect. A slice of it, and the samples that an array of indices or of
    booleans chooses, keep the names, so that scikit-learn's splits do; a sum of two and a copy by
    `list` are plain lists. `numpy.asarray` makes a 3-D array of it if all have the same length.

    Parameters
    ----------
    sequences : iterable of ndarray of shape (n_timesteps_i, n_features)
        The samples.
    feature_names : sequence of str
        The name of each column, in their order.
    """

    def __init__(self, sequences: Iterable[Array], feature_names: Sequence[str]) -> None:
        super().__init__(sequences)
        self.feature_names = tuple(feature_names)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_samples, n_timesteps, n_features) if all have the same length, else (n_samples,)."""
        lengths = {len(x) for x in self}
        return (len(self), *self[0].shape) if len(lengths) == 1 else (len(self),)

    def __getitem__(self, key: Any) -> Any:
        """One sample; or those of a slice, or an array of indices or booleans, with the names."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # how scikit-learn takes samples of what has a shape
        if isinstance(key, slice):
            return NamedSequences(super().__getitem__(key), self.feature_names)
        if isinstance(key, (list, np.ndarray)):
            chosen = np.arange(len(self))[np.asarray(key, None if len(key) else np.int64)]
            return NamedSequences((list.__getitem__(self, i) for i in chosen), self.feature_names)
        return super().__getitem__(key)

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedSequences, (list(self), self.feature_names)

    def copy(self) -> NamedSequences:
        """The same arrays in another list, with the names."""
        return NamedSequences(self, self.feature_names)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if len(self.shape) == 1 and len(self):
            raise ValueError(
                "these sequences differ in length, so that no 3-D array holds them: they are a "
                "list of (n_timesteps_i, n_features) arrays"
            )
        if copy is False:
            raise ValueError("an array of a list of sequences is always a copy")
        return np.array(list(self), dtype)
