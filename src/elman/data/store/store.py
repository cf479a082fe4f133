"""A store, or a part of it, as the X that an estimator takes: read where it is, never as a whole.

Values are read from files at places that are asked for, and not through memory maps: what was read
is then the reader's own memory, which goes when it is done with.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.data.dataset import Dataset, PathLike
from elman.data.store.columns import read_ids, read_target, read_weights
from elman.data.store.manifest import DTYPES, FILE, Part, StoreError, file_name, read_manifest
from elman.data.store.shards import (
    OpenFiles,
    ValuesFile,
    check_content,
    check_size,
    in_this_order,
    read_array,
    refuse,
)
from elman.data.store.stored import Stored

Array = NDArray[Any]
Indices = NDArray[np.int64]


class SequenceStore(Stored):
    """Sequences on disk, in a folder that `SequenceStore.write` or `StoreWriter` wrote.

    Estimators take a store as X, and its y with it: ``RNNClassifier().fit(store)``. What they learn
    is, to the last bit, what they learn from the same sequences in memory, of which a store needs
    only that for a few batches. ``store[indices]`` is a view of some sequences, which is X as well
    and copies nothing; scikit-learn's searches and splitters take both.

    The folder has a `manifest.json`, and for each shard, some sequences in a row, plain .npy files:
    ``00000.values.npy`` (their time steps end to end), ``00000.lengths.npy``, and ``00000.y.npy``
    and others where there is something to keep. ``numpy.load(file, mmap_mode="r")`` reads each.
    Pickling keeps the path, the fingerprint and which sequences; never data.

    Parameters
    ----------
    path : path-like
        The folder.

    Attributes
    ----------
    lengths : ndarray of shape (n_sequences,), int64
    n_features : int
    dtype : {float32, float64}
    feature_names : tuple of str or None
    y, sample_weight, ids : ndarray, list of ndarray or None
        As `Dataset` has them; read when they are first asked for.
    fingerprint : str
        SHA-256 of the manifest, which has that of every file.

    Raises
    ------
    StoreError
        The folder is not a whole store, or one of its files is missing or damaged; names it. Only
        the sizes of the files of values are looked at: `verify` reads them.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from elman.data import SequenceStore
    >>> folder = tempfile.mkdtemp()
    >>> rng = np.random.default_rng(0)
    >>> pairs = ((rng.normal(size=(n, 2)), "ab"[n % 2]) for n in (5, 3, 8))
    >>> store = SequenceStore.write(folder, pairs)
    >>> len(store), store.lengths.tolist(), store.y.tolist()
    (3, [5, 3, 8], ['b', 'b', 'a'])
    """

    def __init__(self, path: PathLike) -> None:
        self._path = os.path.abspath(os.fspath(path))
        self.manifest, self._fingerprint = read_manifest(self._path)
        self._store = self
        self._open = OpenFiles()
        self._is_sent = False
        """it was opened for another process, whose files these may not be: values are compared with
        the manifest when they are first opened, so that no process learns from others than it"""
        self._checked: set[int] = set()
        """shards of which that was done"""
        self._stamps: list[tuple[int, int]] = []
        """of each shard's file of values, to see whether it is another one when it is read"""
        shards = self.manifest.shards
        for i, shard in enumerate(shards):
            for name, part in shard.parts.items():
                stamp = check_size(self._file(i, name), part)
                if name == "values":
                    self._stamps.append(stamp)
        self._first = np.concatenate([[0], np.cumsum([s.n_sequences for s in shards])])
        """(n_shards + 1,), the number of each shard's first sequence"""
        self._first_step = np.concatenate([[0], np.cumsum([s.n_steps for s in shards])])
        self.lengths = np.concatenate([self._lengths_of(i) for i in range(len(shards))])
        self.lengths.flags.writeable = False
        self._offsets = np.concatenate([[0], np.cumsum(self.lengths)])
        _OPENED[self._path, self._fingerprint] = self

    @classmethod
    def write(
        cls,
        path: PathLike,
        data: Any,
        *,
        shard_size: int = 64 << 20,
        dtype: DTypeLike | None = None,
        append: bool = False,
        per_step: bool | None = None,
    ) -> SequenceStore:
        """Write sequences to a folder, in the memory of one shard, and open the store.

        Parameters
        ----------
        path : path-like
            The folder, which is made if it is not there. One that holds anything else than a store
            is refused, and so is a store unless `append`.
        data : Dataset, SequenceStore, StoreView or iterable
            A data set; or what gives one after another: sequences (n_timesteps_i, n_features),
            pairs of such a sequence and its y, or data sets. ``zip(X, y)`` is such an iterable.
        shard_size : int
            Bytes of values in a shard; a longer sequence has one of its own.
        dtype : {float32, float64}, optional
            How values are kept. By default float32 if that holds exactly what the types of all
            sequences can, else float64.
        append : bool
            Whether to add to a store that is there, which is whole and as it was until all of the
            new sequences are in it.
        per_step : bool, optional
            Whether each y has a label or target for every time step, or belongs to the whole
            sequence; by default as a data set has it, or else as the length of the first y says.

        Returns
        -------
        SequenceStore

        Raises
        ------
        FileExistsError
            The folder holds a store, or other files.
        TypeError, ValueError
            A sequence, or what belongs to it, cannot be stored, such as infinity; names the
            sequence, and the place in it. Nothing is left of what was written.
        OSError
            A file cannot be written.
        """
        from elman.data.store.writing import StoreWriter, write_all

        with StoreWriter(
            path, shard_size=shard_size, dtype=dtype, append=append, per_step=per_step
        ) as writer:
            write_all(writer, data)
        return cls(path)

    @cached_property
    def y(self) -> Array | list[Array] | None:
        """Labels or targets, as `Dataset` has them; None without any."""
        return read_target(self.manifest, self.lengths, self._load, self._path)

    @cached_property
    def sample_weight(self) -> Array | list[Array] | None:
        """Weights of sequences, or a list of those of their steps; None without any."""
        return read_weights(self.manifest, self.lengths, self._load, self._path)

    @cached_property
    def ids(self) -> Array | None:
        """(n_sequences,), what each is called; None without any."""
        return read_ids(self.manifest, self._load, self._path)

    def __repr__(self) -> str:
        return f"<SequenceStore {self._path}: {_described(self)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._path, self._fingerprint)

    def _numbers(self, order: Indices) -> Indices:
        return order

    def _view(self, numbers: Indices) -> StoreView:
        return StoreView(self, numbers)

    def _check(self, numbers: Indices) -> None:
        """Compare the files that some sequences are in with the manifest."""
        for shard in np.unique(self._shards_of(numbers)).tolist():
            for name, part in self.manifest.shards[shard].parts.items():
                check_content(self._file(shard, name), part)

    def _file(self, shard: int, part: str) -> str:
        return os.path.join(self._path, file_name(shard, part))

    def _load(self, shard: int, name: str) -> Array:
        return read_array(self._file(shard, name), self._part(shard, name))

    def _part(self, shard: int, name: str) -> Part:
        return self.manifest.shards[shard].parts[name]

    def _lengths_of(self, i: int) -> NDArray[np.int64]:
        shard, path = self.manifest.shards[i], self._file(i, "lengths")
        found = self._load(i, "lengths")
        if found.dtype != np.int64 or found.shape != (shard.n_sequences,):
            refuse(path, f"is not {shard.n_sequences} whole numbers of 64 bits")
        if found.min() < 0 or found.max() > shard.n_steps or int(found.sum()) != shard.n_steps:
            refuse(path, f"is not the lengths of sequences of {shard.n_steps} steps in all")
        if self.two_d and (found != found[0]).any():
            refuse(path, "has several lengths, where a 2-D X has one")
        return found

    def _shards_of(self, numbers: Indices) -> Indices:
        """The shard that each sequence is in."""
        return np.searchsorted(self._first, numbers, side="right") - 1

    def _values(self, shard: int) -> ValuesFile:
        n_steps, dtype = self.manifest.shards[shard].n_steps, DTYPES[self.manifest.dtype]
        path, part = self._file(shard, "values"), self._part(shard, "values")

        def opened() -> ValuesFile:
            stamp = check_size(path, part)
            if stamp != self._stamps[shard] or (self._is_sent and shard not in self._checked):
                check_content(path, part)
                self._checked.add(shard)
                self._stamps[shard] = stamp
            return ValuesFile(path, part, dtype, (n_steps, self.n_features))

        return self._open.get(shard, opened)

    def _rows(self, numbers: Indices) -> Array:
        """The steps of some sequences, end to end, in an array that nothing else holds."""
        lengths = self.lengths[numbers]
        ends = np.cumsum(lengths)
        n_steps = int(ends[-1]) if len(ends) else 0
        out = np.empty((n_steps, self.n_features), np.dtype(self.manifest.dtype))
        width = self.n_features * out.itemsize
        raw = out.reshape(-1).view(np.uint8)
        in_order = len(numbers) > 0 and bool((np.diff(numbers) == 1).all())
        places = np.arange(len(numbers)) if in_order else np.argsort(numbers, kind="stable")
        numbers = numbers[places]
        shards = self._shards_of(numbers)
        begins = self._offsets[numbers] - self._first_step[shards]
        new = np.diff(numbers, prepend=-2) != 1
        new |= np.diff(shards, prepend=-1) != 0
        bounds = [*np.flatnonzero(new).tolist(), len(numbers)]
        starts, stops = ((ends - lengths)[places] * width).tolist(), (ends[places] * width).tolist()
        for first, last in pairwise(bounds):
            if in_order:
                pieces = [raw[starts[first] : stops[last - 1]]]
            else:
                pieces = [raw[starts[k] : stops[k]] for k in range(first, last)]
            pieces = [piece for piece in pieces if len(piece)]
            if pieces:
                file = self._values(int(shards[first]))
                file.read_into(pieces, file.start + int(begins[first]) * width)
        in_this_order(out)
        return out


class StoreView(Stored):
    """Some sequences of a store, in any order, repeats allowed; nothing of them is in memory.

    Parameters
    ----------
    store : SequenceStore
    order : ndarray of shape (n_sequences,), int64
        Which sequences.

    Examples
    --------
    >>> from pathlib import Path
    >>> from elman.data import build_store
    >>> _ = Path("runs.csv").write_text('''run,t,speed,label
    ... a,0,1.5,up
    ... a,1,2.5,up
    ... b,0,0.5,down
    ... ''')
    >>> store = build_store("runs.csv", "runs.store", id="run", time="t", label="label")
    >>> view = store[[1, 0, 1]]
    >>> print(type(view).__name__, len(view), view.y)
    StoreView 3 ['down' 'up' 'down']
    """

    def __init__(self, store: SequenceStore, order: Indices) -> None:
        self._store, self.order = store, order
        self.lengths = store.lengths[order]

    @property
    def y(self) -> Array | list[Array] | None:
        """Labels or targets, as `Dataset` has them; None without any."""
        return self._picked(self._store.y)

    @property
    def sample_weight(self) -> Array | list[Array] | None:
        """Weights of sequences, or a list of those of their steps; None without any."""
        return self._picked(self._store.sample_weight)

    @property
    def ids(self) -> Array | None:
        """(n_sequences,), what each is called; None without any."""
        ids = self._store.ids
        return None if ids is None else ids[self.order]

    def __repr__(self) -> str:
        return f"<StoreView of {self.path}: {_described(self)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return StoreView, (self._store, self.order)

    def _numbers(self, order: Indices) -> Indices:
        return self.order[order]

    def _view(self, numbers: Indices) -> StoreView:
        return StoreView(self._store, numbers)

    def _picked(self, values: Array | list[Array] | None) -> Array | list[Array] | None:
        if isinstance(values, list):
            return [values[i] for i in self.order.tolist()]
        return None if values is None else values[self.order]


_OPENED: weakref.WeakValueDictionary[tuple[str, str], SequenceStore] = weakref.WeakValueDictionary()
"""The stores that are open in this process, so that one that is unpickled again is the same."""
_KEPT_OPEN: deque[SequenceStore] = deque(maxlen=2)
"""Those that came from another process last, which may be asked for again at once."""


def _reopened(path: str, fingerprint: str) -> SequenceStore:
    """The store at a path, which must be the one that was pickled."""
    store = _OPENED.get((path, fingerprint))
    if store is None:
        store = SequenceStore(path)
        if store.fingerprint != fingerprint:
            raise StoreError(
                f"{os.path.join(path, FILE)}: the store is another one than that which was sent "
                f"here (fingerprint {store.fingerprint[:16]}, not {fingerprint[:16]}): it was "
                "written anew or added to; open it again"
            )
        store._is_sent = True
    if store not in _KEPT_OPEN:
        _KEPT_OPEN.append(store)
    return store


def read_store(path: PathLike) -> Dataset:
    """The sequences of a store, of which no values are read, and what belongs to them.

    Parameters
    ----------
    path : path-like
        The folder.

    Returns
    -------
    Dataset
        Its X is the `SequenceStore`.

    Raises
    ------
    StoreError
        The folder is not a whole store, or one of its files is missing or damaged.
    """
    store: Any = SequenceStore(path)
    metadata = dict(store.manifest.metadata)
    return Dataset(store, store.y, metadata, store.ids, store.feature_names, store.sample_weight)


def _described(stored: Stored) -> str:
    n, lengths = len(stored), stored.lengths
    steps = "no steps"
    if n:
        low, high = int(lengths.min()), int(lengths.max())
        steps = f"{low} steps" if low == high else f"{low} to {high} steps"
    return f"{n} sequences, {steps}, {stored.n_features} features, {stored.dtype}"
