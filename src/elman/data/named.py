"""Sequences in a list that knows what its features are, and what the sequences are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _without_ids(change: Callable[..., Any]) -> Any:
    """A method of lists that changes one: which id belongs to which sequence is then not known."""

    @wraps(change)
    def changing(self: NamedSequences, *args: Any, **options: Any) -> Any:
        self.ids = None
        return change(self, *args, **options)

    return changing


class NamedSequences(list[Array]):
    """A list of (n_timesteps_i, n_features) arrays, with the names of their columns and its ids.

    It is a list in every respect. A slice of it, and the samples that an array of indices or of
    booleans chooses, keep the names, the categorical ones among them and their ids, so that
    scikit-learn's splits do; a sum of two and a copy by `list` are plain lists. What changes the
    list drops the ids.
    `numpy.asarray` makes a 3-D array of it if all have the same length.

    Parameters
    ----------
    sequences : iterable of ndarray of shape (n_timesteps_i, n_features)
        The samples.
    feature_names : sequence of str
        The name of each column, in their order.
    ids : ndarray of shape (n_samples,), optional
        What the source calls each sequence: `fit` and `score` hold it against the index of y.
    categorical : sequence of str, optional
        Which of the columns are categories: arrays are then of objects, which are the categories
        (None where one is missing) in these columns, and floats in all others.

    Raises
    ------
    ValueError
        There are more or fewer ids than sequences, or a categorical column is none of the features.
    """

    def __init__(
        self,
        sequences: Iterable[Array],
        feature_names: Sequence[str],
        ids: Array | None = None,
        categorical: Sequence[str] = (),
    ) -> None:
        super().__init__(sequences)
        if ids is not None and len(ids) != len(self):
            raise ValueError(f"{len(ids)} ids for {len(self)} sequences: pass one for each")
        self.feature_names = tuple(feature_names)
        self.ids = ids
        self.categorical = tuple(categorical)
        strange = [name for name in self.categorical if name not in self.feature_names]
        if strange:
            raise ValueError(f"the categorical column {strange[0]!r} is none of the features")

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_samples, n_timesteps, n_features) if all have the same length, else (n_samples,)."""
        lengths = {len(x) for x in self}
        return (len(self), *self[0].shape) if len(lengths) == 1 else (len(self),)

    def __getitem__(self, key: Any) -> Any:
        """One sample; or those of a slice, or an array of indices or booleans, as such a list."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # how scikit-learn takes samples of what has a shape
        if isinstance(key, slice):
            ids = None if self.ids is None else self.ids[key]
            return NamedSequences(
                super().__getitem__(key), self.feature_names, ids, self.categorical
            )
        if isinstance(key, (list, np.ndarray)):
            chosen = np.arange(len(self))[np.asarray(key, None if len(key) else np.int64)]
            ids = None if self.ids is None else self.ids[chosen]
            return NamedSequences(
                (list.__getitem__(self, i) for i in chosen),
                self.feature_names,
                ids,
                self.categorical,
            )
        return super().__getitem__(key)

    __setitem__ = _without_ids(list.__setitem__)
    __delitem__ = _without_ids(list.__delitem__)
    __iadd__ = _without_ids(list.__iadd__)
    __imul__ = _without_ids(list.__imul__)
    append = _without_ids(list.append)
    clear = _without_ids(list.clear)
    extend = _without_ids(list.extend)
    insert = _without_ids(list.insert)
    pop = _without_ids(list.pop)
    remove = _without_ids(list.remove)
    reverse = _without_ids(list.reverse)
    sort = _without_ids(list.sort)

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedSequences, (list(self), self.feature_names, self.ids, self.categorical)

    def copy(self) -> NamedSequences:
        """The same arrays in another list, with the names and the ids."""
        return NamedSequences(self, self.feature_names, self.ids, self.categorical)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if len(self.shape) == 1 and len(self):
            raise ValueError(
                "these sequences differ in length, so that no 3-D array holds them: they are a "
                "list of (n_timesteps_i, n_features) arrays"
            )
        if copy is False:
            raise ValueError("an array of a list of sequences is always a copy")
        return np.array(list(self), dtype)
