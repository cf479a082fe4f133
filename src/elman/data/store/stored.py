"""What a store and a view of one have in common: all that makes them the X of an estimator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.data.sequences import Sequences
from elman.data.sources import converted

Array = NDArray[Any]
Indices = NDArray[np.int64]


class Stored:
    """Sequences in a store: all of them, or those of a view. Estimators take either as X."""

    _store: Any
    """the `SequenceStore`"""

    # What a subclass knows

    lengths: NDArray[np.int64]
    """(n_sequences,), the time steps of each"""

    def _numbers(self, order: Indices) -> Indices:
        """The numbers in the store of the sequences at `order`."""
        raise NotImplementedError

    def _view(self, numbers: Indices) -> Stored:
        """A view of the sequences of these numbers in the store."""
        raise NotImplementedError

    # What it is

    @property
    def path(self) -> str:
        """The folder."""
        return str(self._store._path)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest, which has that of every file."""
        return str(self._store._fingerprint)

    @property
    def n_features(self) -> int:
        """Width of one time step."""
        return int(self._store.manifest.n_features)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        found: np.dtype[Any] = np.dtype(self._store.manifest.dtype)
        return found

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Of the columns; None if they have no names."""
        names: tuple[str, ...] | None = self._store.manifest.feature_names
        return names

    @property
    def two_d(self) -> bool:
        """Whether it was written from a 2-D X: one feature, a column for each time step."""
        return bool(self._store.manifest.two_d)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_sequences,), as that of an array of sequences; a 2-D X has its own."""
        if self.two_d:
            return len(self), int(self.lengths[0]) if len(self) else 0
        return (len(self),)

    @property
    def n_steps(self) -> int:
        """Time steps of all sequences together."""
        return int(self.lengths.sum())

    @property
    def y(self) -> Array | list[Array] | None:
        """Labels or targets, as `Dataset` has them; None without any."""
        raise NotImplementedError

    @property
    def sample_weight(self) -> Array | list[Array] | None:
        """Weights of sequences, or a list of those of their steps; None without any."""
        raise NotImplementedError

    @property
    def ids(self) -> Array | None:
        """(n_sequences,), what each is called; None without any."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Any) -> Any:
        """A sequence (n_timesteps_i, n_features) at a number; a view for anything else.

        A slice, a mask or numbers give a `StoreView`, for which nothing is read.
        """
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]  # as scikit-learn asks
        if isinstance(index, (int, np.integer)) and not isinstance(index, (bool, np.bool_)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"sequence {index} of {len(self)}")
            found = self.sequences().rows(np.array([index % len(self)], np.int64))
            return found[:, 0] if self.two_d else found
        if isinstance(index, slice):
            order = np.arange(*index.indices(len(self)), dtype=np.int64)
        else:
            given = np.asarray(index)
            if (given.dtype.kind not in "iub" and given.size) or given.ndim != 1:
                raise IndexError(
                    f"a {type(index).__name__} takes no sequences of a store: use a number, a "
                    "slice, a mask or an array of numbers"
                )
            if given.dtype.kind == "b" and len(given) != len(self):
                raise IndexError(f"a mask of {len(given)} for {len(self)} sequences")
            given = given if given.size else given.astype(np.int64)
            order = np.arange(len(self), dtype=np.int64)[given]
        return self._view(self._numbers(order))

    def __iter__(self) -> Iterator[Array]:
        for i in range(len(self)):
            yield self[i]

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(
            f"{self!r} is not made an array, which would read all of it into memory: pass it to an "
            "estimator as it is, or read some sequences with list(store[start:stop])"
        )

    def sequences(self, dtype: DTypeLike | None = None) -> Sequences:
        """What a network's batches are made of; nothing is read yet.

        Parameters
        ----------
        dtype : {float32, float64}, optional
            What values are converted to; by default that of the store.
        """
        wanted = self.dtype if dtype is None else np.dtype(dtype)
        found = Sequences(StoreSource(self, wanted), self.lengths, two_d=self.two_d)
        found.feature_names = self.feature_names
        return found

    def holds_only(self, missing: str, dtype: DTypeLike) -> bool:
        """Whether values of `dtype` hold no infinity, and no NaN unless `missing` allows it.

        So it was when they were written; `verify` says whether they still are the same.
        """
        fits = bool(np.can_cast(self.dtype, dtype, "safe"))
        return fits and (missing != "error" or self._store.manifest.n_missing == 0)

    def verify(self) -> Self:
        """Read every file that the sequences are in, and compare it with the manifest.

        Returns
        -------
        SequenceStore or StoreView
            The same, if all is well.

        Raises
        ------
        StoreError
            A file is missing, cut short, damaged, or was changed; names it.
        """
        self._store._check(self._numbers(np.arange(len(self), dtype=np.int64)))
        return self


class StoreSource:
    """Reads the steps of a store's sequences for `Sequences`.

    Parameters
    ----------
    stored : SequenceStore or StoreView
    dtype : {float32, float64}
        What they are converted to.
    """

    on_disk = True

    def __init__(self, stored: Stored, dtype: np.dtype[Any]) -> None:
        self._stored = stored
        self.dtype = dtype
        self.n_features = stored.n_features
        self.reads: Indices = stored.lengths

    def rows(self, order: Indices, /) -> Array:
        """As `Source.rows`."""
        numbers = self._stored._numbers(order)
        return converted(self._stored._store._rows(numbers), self.dtype)

    @property
    def files(self) -> list[str]:
        """The files that the steps of its sequences are in."""
        store, numbers = self._stored._store, self._stored._numbers(np.arange(len(self.reads)))
        shards = np.unique(store._shards_of(numbers)).tolist()
        return [store._file(shard, "values") for shard in shards]

    @property
    def identity(self) -> tuple[str, Indices, str]:
        """What tells these sequences from all others, without reading their values."""
        numbers = self._stored._numbers(np.arange(len(self.reads), dtype=np.int64))
        return self._stored.fingerprint, numbers, self.dtype.str

    def narrowed(self, order: Indices, /) -> StoreSource:
        """As `Source.narrowed`."""
        stored = self._stored
        return StoreSource(stored._view(stored._numbers(order)), self.dtype)


def with_stored(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    """y and the weights: what a store brings with it, where nothing else was passed."""
    if not isinstance(X, Stored):
        return y, sample_weight
    return (
        X.y if y is None else y,
        X.sample_weight if sample_weight is None else sample_weight,
    )
