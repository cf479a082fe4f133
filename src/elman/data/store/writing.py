"""Sequences in, one after another; a store on disk out, or what was there before."""

from __future__ import annotations

import contextlib
import errno
import numbers
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.data.dataset import Dataset, PathLike
from elman.data.npz.writing import _rows as rows_of
from elman.data.sequences import Sequences, first_infinite
from elman.data.store.columns import IdWriter, TargetWriter, WeightWriter
from elman.data.store.manifest import (
    DTYPES,
    FILE,
    MOST_BYTES,
    Manifest,
    Part,
    Shard,
    file_name,
    is_file_name,
    read_manifest,
)
from elman.data.store.shards import write_array, write_whole
from elman.data.store.store import SequenceStore
from elman.data.store.stored import Stored
from elman.data.symbols.recognising import has_symbols
from elman.data.validation import check_sequences
from elman.data.values import ONLY_NUMBERS
from elman.formats.atomic import replacing
from elman.targets.checks import shown
from elman.targets.missing import plain

Array = NDArray[Any]

BLOCK_ROWS = 1 << 16


@dataclass
class _Written:
    """A shard whose files are on the disk."""

    number: int
    shard: Shard
    values: str
    shape: tuple[int, int]


class StoreWriter:
    """Write a store, one sequence after another, in the memory of one shard: a context manager.

    The manifest is written last. Until then the folder holds no store that opens; with `append` it
    holds the old one, as it was. If the body of the `with` raises an exception, what was written is
    removed again. A process that is killed leaves files that the next writer removes.

    Parameters
    ----------
    path : path-like
        The folder, which is made if it is not there.
    shard_size : int
        Bytes of values in a shard; a longer sequence has one of its own.
    dtype : {float32, float64}, optional
        How values are kept. By default float32 if that holds exactly what the types of all
        sequences can, else float64.
    feature_names : sequence of str, optional
        Of the columns; by default those of the first sequence, if that is a data frame.
    append : bool
        Whether to add to a store that is there. If there is none, one is begun.
    per_step : bool, optional
        Whether each y has a label or target for every time step, or belongs to the whole sequence;
        by default as the length of the first y says.
    metadata : mapping, optional
        What else belongs to the data; of it what JSON can hold is kept.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from elman.data import SequenceStore, StoreWriter
    >>> folder = tempfile.mkdtemp()
    >>> with StoreWriter(folder, feature_names=["speed", "load"]) as writer:
    ...     writer.add(np.ones((3, 2)), "calm", id="run 1")
    ...     writer.add(np.zeros((5, 2)), "storm", id="run 2")
    >>> SequenceStore(folder).ids.tolist()
    ['run 1', 'run 2']
    """

    def __init__(
        self,
        path: PathLike,
        *,
        shard_size: int = 64 << 20,
        dtype: DTypeLike | None = None,
        feature_names: Any = None,
        append: bool = False,
        per_step: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        size: Any = shard_size
        if not isinstance(size, numbers.Integral) or isinstance(size, bool):
            raise TypeError(f"shard_size={size!r} is no whole number of bytes")
        if shard_size < 1:
            raise ValueError(f"shard_size={shard_size}; it must be 1 byte or more")
        if dtype is not None and np.dtype(dtype).name not in DTYPES:
            raise ValueError(f"dtype={dtype!r} cannot be kept; choose float32 or float64")
        self.path = os.path.abspath(os.fspath(path))
        self._shard_size = int(shard_size)
        self._asked = None if dtype is None else np.dtype(dtype)
        self._dtype = self._asked
        self._append = bool(append)
        self._names = None if feature_names is None else _checked_names(feature_names)
        self.metadata: dict[str, Any] = dict(metadata or {})
        """what is kept beside sequences; it may be changed until the writer ends"""
        self._n_features: int | None = None
        self._two_d: bool | None = None
        self._n_timesteps: int | None = None
        self._targets = TargetWriter(per_step)
        self._weights = WeightWriter(None, some_before=False)
        self._ids = IdWriter(None, some_before=False)
        self._old: tuple[Shard, ...] = ()
        self._written: list[_Written] = []
        self._touched: list[str] = []
        self._pending: list[Array] = []
        self._n_pending = 0
        self._n_missing = 0
        self._n_added = 0
        self._n_before = 0
        self._lock: int | None = None
        self._made = False
        self._entered = False

    @property
    def n_sequences(self) -> int:
        """Sequences in the store, those of before included, if it ended now."""
        return self._n_before + self._n_added

    # The life of a writer

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a StoreWriter writes once: make another")
        self._made = not os.path.isdir(self.path)
        if self._made:
            os.makedirs(self.path)
        self._lock = _locked(self.path)
        try:
            self._begin()
        except BaseException:
            self._unlock()
            if self._made:
                with contextlib.suppress(OSError):
                    os.rmdir(self.path)
            raise
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException:
            kind = BaseException
            raise
        finally:
            if kind is not None:
                self._remove()
            self._entered = False
            self._unlock()

    def add(self, x: Any, y: Any = None, *, id: Any = None, weight: Any = None) -> None:
        """Add a sequence.

        Parameters
        ----------
        x : array-like of shape (n_timesteps, n_features), or data frame
            A 1-D one has one feature. NaN is kept as a missing value, and counted.
        y : label, target, or array-like; optional
            A label or number; a row of targets; or, as the store's `per_step` says, an array with
            a label, a number or a row of numbers for each step. None if it is missing.
        id : str, int, float or date, optional
            What the sequence is called. All have an id, or none.
        weight : float or array-like of shape (n_timesteps,), optional
            All have a weight, or none.

        Raises
        ------
        TypeError, ValueError
            It cannot be stored, or is not like the sequences before it. The writer is then done
            for, as an exception that leaves the `with` ends it.
        """
        i = self.n_sequences
        array, names, wide = self._steps(x, i)
        self._add(array, y, id, weight, names, wide, two_d=False)

    # What `write_all` adds as well

    def _add(
        self,
        array: Array,
        y: Any,
        id: Any,
        weight: Any,
        names: tuple[str, ...] | None,
        wide: bool,
        *,
        two_d: bool,
    ) -> None:
        """Add steps (n_timesteps, n_features); `wide` if float32 is too narrow for their type."""
        if not self._entered:
            raise RuntimeError("a StoreWriter adds within its with statement")
        i = self.n_sequences
        self._agree(array, names, two_d, i)
        dtype = self._agreed_dtype(wide, i)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.array(array, dtype, order="C")
        n_missing = self._checked(array, values, names, i)
        if self._pending and self._n_pending + values.nbytes > self._shard_size:
            self._flush()
        n_steps = len(values)
        self._targets.add(y, n_steps, f"y of sequence {i}")
        self._weights.add(weight, n_steps, f"weight of sequence {i}")
        self._ids.add(id, f"id of sequence {i}")
        self._pending.append(values)
        self._n_pending += values.nbytes
        self._n_missing += n_missing
        self._n_added += 1

    def _steps(self, x: Any, i: int) -> tuple[Array, tuple[str, ...] | None, bool]:
        """The steps of a sequence as an array, the names of its columns, and whether it is wide."""
        if type(x) is np.ndarray and x.dtype.kind in "fiub" and x.ndim in (1, 2):
            array = x[:, np.newaxis] if x.ndim == 1 else x
            return array, None, not np.can_cast(x.dtype, np.float32, "safe")
        if isinstance(x, str) or has_symbols([x]):
            raise TypeError(f"sequence {i} holds text or categories, and {ONLY_NUMBERS}")
        data = check_sequences(
            [x],
            name=f"sequence {i}",
            dtype=None,
            estimator="StoreWriter",
            ensure_min_timesteps=0,
            look_at_values=False,
            missing="keep",
        )
        return data.values, data.feature_names, data.dtype == np.float64

    def _agree(self, array: Array, names: tuple[str, ...] | None, two_d: bool, i: int) -> None:
        """Make sure that a sequence has the features of those before it."""
        n_steps, n_features = array.shape
        if n_features == 0:
            raise ValueError(f"sequence {i} has shape {array.shape}: it needs a feature at least")
        if self._n_features is None:
            self._n_features, self._two_d, self._n_timesteps = n_features, two_d, n_steps
            if self._names is None:
                self._names = names
            expected = n_steps if two_d else n_features
            if self._names is not None and len(self._names) != expected:
                raise ValueError(
                    f"feature_names has {len(self._names)} names, but sequence {i} has {expected} "
                    "columns: pass a name for each"
                )
        if n_features != self._n_features:
            raise ValueError(
                f"sequence {i} has {n_features} features, and those before it "
                f"{self._n_features}: every sequence needs the same, one in each column"
            )
        if two_d != self._two_d or (two_d and n_steps != self._n_timesteps):
            raise ValueError(
                f"sequence {i} has {n_steps} steps of {n_features} feature(s), and the store is "
                + (
                    f"of a 2-D X with {self._n_timesteps} columns"
                    if self._two_d
                    else "not of a 2-D X: pass X[:, :, np.newaxis]"
                )
            )
        if names is not None and names != self._names:
            raise ValueError(
                f"sequence {i} has the columns {shown(list(names))}, and the store "
                f"{shown(None if self._names is None else list(self._names))}: pass the same "
                "columns in the same order"
            )

    def _agreed_dtype(self, wide: bool, i: int) -> np.dtype[Any]:
        """The type in which a sequence is kept; what is written is widened if it must be."""
        if self._dtype is None:
            self._dtype = np.dtype(np.float64 if wide else np.float32)
        elif wide and self._asked is None and self._dtype == np.float32:
            if self._old:
                raise TypeError(
                    f"sequence {i} is of a type that float32 does not hold exactly, and {self.path}"
                    " holds float32: append with dtype='float32', which rounds, or write the "
                    "store again"
                )
            self._dtype = np.dtype(np.float64)
            self._widen()
        return self._dtype

    def _checked(self, array: Array, values: Array, names: tuple[str, ...] | None, i: int) -> int:
        """How many values of a sequence are NaN; ValueError where one is infinite."""
        if np.isfinite(values).all():
            return 0
        bad = first_infinite(values)
        if bad is not None:
            step, feature = divmod(bad, values.shape[1])
            place = f"sequence {i}, timestep {step}, feature {feature}"
            if self._names is not None:
                place += f" (column {shown(self._names[step if self._two_d else feature])})"
            value = array[step, feature]
            if np.isinf(value):
                raise ValueError(
                    f"{place} is {value!s}: a store keeps no infinity. Correct the value, or leave "
                    "the sequence out"
                )
            raise ValueError(
                f"{place} is {value!s}, which {values.dtype} does not hold: rescale it, or write "
                "the store with dtype='float64'"
            )
        return int(np.count_nonzero(np.isnan(values)))

    # Files

    def _begin(self) -> None:
        """Look at what is in the folder, and take over a store that is added to."""
        there = sorted(os.listdir(self.path))
        known: set[str] = set()
        if FILE in there:
            if not self._append:
                raise FileExistsError(
                    errno.EEXIST,
                    "holds a store already; pass append=True to add to it, or name another folder",
                    self.path,
                )
            known = self._take_over()
        others = [
            name
            for name in there
            if name != FILE and is_file_name(name) is None and not _is_temporary(name)
        ]
        if others and FILE not in there:
            raise FileExistsError(
                errno.EEXIST,
                f"holds other files than a store's, such as {others[0]}; name another folder",
                self.path,
            )
        # of a writer that was killed
        for name in there:
            if _is_temporary(name) or (is_file_name(name) is not None and name not in known):
                os.unlink(os.path.join(self.path, name))

    def _take_over(self) -> set[str]:
        """Go on from the store that is there; returns the names of its files."""
        store = SequenceStore(self.path)
        manifest = store.manifest
        if self._asked is not None and self._asked.name != manifest.dtype:
            raise ValueError(
                f"dtype={self._asked.name}, but {self.path} holds {manifest.dtype}: leave dtype out"
            )
        if self._names is not None and self._names != manifest.feature_names:
            raise ValueError(
                f"feature_names={shown(list(self._names))}, but {self.path} has "
                f"{shown(manifest.feature_names)}: leave feature_names out"
            )
        if manifest.target is not None:
            asked = self._targets.per_step
            if asked is not None and asked != manifest.target.per_step:
                raise ValueError(
                    f"per_step={asked}, but {self.path} has y of "
                    f"{'steps' if manifest.target.per_step else 'sequences'}: leave per_step out"
                )
            self._targets = TargetWriter(None, manifest.target)
        self._dtype = np.dtype(manifest.dtype)
        self._names = manifest.feature_names
        self._n_features, self._two_d = manifest.n_features, manifest.two_d
        self._n_timesteps = int(store.lengths[0])
        self._weights = WeightWriter(manifest.weights, some_before=True)
        self._ids = IdWriter(manifest.ids, some_before=True)
        self._old, self._n_before = manifest.shards, manifest.n_sequences
        self.metadata = {**manifest.metadata, **self.metadata}
        return {file_name(i, part) for i, shard in enumerate(self._old) for part in shard.parts}

    def _flush(self) -> None:
        """Write the shard that is in memory."""
        number = len(self._old) + len(self._written)
        pending, self._pending = self._pending, []
        lengths = np.array([len(values) for values in pending], np.int64)
        assert self._dtype is not None
        assert self._n_features is not None
        n_steps = int(lengths.sum())
        shape = n_steps, self._n_features
        parts: dict[str, Part] = {}
        path = self._file(number, "values")
        parts["values"] = write_array(path, self._dtype, shape, pending)
        arrays = {"lengths": lengths}
        arrays |= self._targets.taken() | self._weights.taken() | self._ids.taken()
        for name, array in arrays.items():
            parts[name] = write_whole(self._file(number, name), array)
        shard = Shard(len(pending), n_steps, self._n_missing, parts)
        self._written.append(_Written(number, shard, path, shape))
        self._n_pending = self._n_missing = 0

    def _file(self, shard: int, part: str) -> str:
        path = os.path.join(self.path, file_name(shard, part))
        self._touched.append(path)
        return path

    def _widen(self) -> None:
        """Write float32 shards again as float64, which holds the same values."""
        wide = np.dtype(np.float64)
        for entry in self._written:
            narrow = np.load(entry.values, mmap_mode="r", allow_pickle=False)
            blocks = (narrow[k : k + BLOCK_ROWS] for k in range(0, len(narrow), BLOCK_ROWS))
            part = write_array(entry.values, wide, entry.shape, blocks)
            old = entry.shard
            parts = {**old.parts, "values": part}
            entry.shard = Shard(old.n_sequences, old.n_steps, old.n_missing, parts)
        self._pending = [values.astype(wide) for values in self._pending]
        self._n_pending *= 2

    def _finish(self) -> None:
        """Write what is left, and the manifest."""
        if self._pending:
            self._flush()
        if not self.n_sequences:
            raise ValueError(f"{self.path}: no sequence was added, and a store holds one at least")
        assert self._dtype is not None
        assert self._n_features is not None
        manifest = Manifest(
            dtype=self._dtype.name,
            n_features=self._n_features,
            two_d=bool(self._two_d),
            feature_names=self._names,
            target=self._targets.described(),
            weights=self._weights.of,
            ids=self._ids.kind,
            metadata=_kept(self.metadata),
            shards=(*self._old, *(entry.shard for entry in self._written)),
        )
        raw = manifest.encoded()
        if len(raw) > MOST_BYTES:
            raise ValueError(
                f"{self.path}: the manifest would take {len(raw):,} bytes and may take "
                f"{MOST_BYTES:,}: write larger shards, or labels of which fewer are different"
            )
        with replacing(os.path.join(self.path, FILE)) as file:
            file.write(raw)

    def _remove(self) -> None:
        """Remove what was written; the store of before, if there was one, is as it was."""
        with contextlib.suppress(OSError, ValueError):
            in_place = {
                file_name(i, part)
                for i, shard in enumerate(read_manifest(self.path)[0].shards)
                for part in shard.parts
            }
            self._touched = [p for p in self._touched if os.path.basename(p) not in in_place]
        for path in dict.fromkeys(self._touched):
            with contextlib.suppress(OSError):
                os.unlink(path)
        if self._made:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


# Whatever there is


def write_all(writer: StoreWriter, data: Any) -> None:
    """Add data sets, stores, or sequences with or without y, one after another.

    Parameters
    ----------
    writer : StoreWriter
    data : Dataset, SequenceStore, StoreView or iterable
        As `SequenceStore.write` takes it.
    """
    if isinstance(data, Dataset):
        _write_dataset(writer, data)
        return
    if isinstance(data, Stored):
        _write_stored(writer, data)
        return
    if isinstance(data, (str, bytes, os.PathLike, Mapping)) or not isinstance(data, Iterable):
        raise TypeError(
            f"data is {shown(data)}, a {type(data).__name__}; pass a Dataset, or what gives "
            "sequences or pairs (x, y), such as zip(X, y)"
        )
    if isinstance(data, tuple) and len(data) == 2 and _is_whole(*data):
        raise TypeError(
            "data is a tuple of two, which look like X and y of all sequences; pass zip(X, y), "
            "pairs of one sequence and its y"
        )
    for item in data:
        if isinstance(item, Dataset):
            _write_dataset(writer, item)
        elif isinstance(item, Stored):
            _write_stored(writer, item)
        elif isinstance(item, tuple):
            if len(item) != 2:
                raise TypeError(
                    f"sequence {writer.n_sequences} comes as a tuple of {len(item)}; pass pairs "
                    "(x, y). Ids and weights go through StoreWriter.add"
                )
            writer.add(*item)
        else:
            writer.add(item)


def _is_whole(X: Any, y: Any) -> bool:
    """Whether X is no sequence but many, or y no sequence but a label for each of many."""
    if getattr(X, "ndim", None) == 3:
        return True
    ofs = isinstance(X, (list, tuple)) and len(X) > 0
    return ofs and getattr(X[0], "ndim", None) == 2 and isinstance(y, Sized)


def _write_dataset(writer: StoreWriter, data: Dataset) -> None:
    if isinstance(data.X, Stored):
        _write_sequences(writer, data.X.sequences(), data, data.X.dtype == np.float64)
        return
    if has_symbols(data.X):
        raise TypeError(f"X holds text or categories, and {ONLY_NUMBERS}")
    found = check_sequences(
        data.X,
        dtype=None,
        ensure_min_samples=0,
        ensure_min_timesteps=0,
        estimator="SequenceStore.write",
        look_at_values=False,
        missing="keep",
    )
    _write_sequences(writer, found, data, found.dtype == np.float64)


def _write_stored(writer: StoreWriter, data: Stored) -> None:
    whole = Dataset(
        data,  # type: ignore[arg-type]
        data.y,
        dict(data._store.manifest.metadata),
        data.ids,
        data.feature_names,
        data.sample_weight,
    )
    _write_dataset(writer, whole)


def _write_sequences(writer: StoreWriter, found: Sequences, data: Dataset, wide: bool) -> None:
    writer.metadata.update(data.metadata)
    n = len(found)
    ys = _apart(data.y, found.lengths, writer)
    weights, ids = _rows(data.sample_weight), data.ids
    for name, values in (("y", ys), ("sample_weight", weights), ("ids", ids)):
        if values is not None and len(values) != n:
            raise ValueError(f"{name} has {len(values)} entries, but X has {n} sequences")
    names = found.feature_names
    if names is None and data.feature_names is not None:
        names = tuple(data.feature_names)
        if found.two_d and len(names) != found.n_timesteps:
            names = None  # of the one feature, and not of the columns
    for start, rows in _blocks(found):
        at = 0
        for i, n_steps in enumerate(found.lengths[start : start + len(rows[1])].tolist(), start):
            writer._add(
                rows[0][at : at + n_steps],
                None if ys is None else ys[i],
                None if ids is None else ids[i],
                None if weights is None else weights[i],
                names,
                wide,
                two_d=found.two_d,
            )
            at += n_steps


def _blocks(found: Sequences) -> Iterator[tuple[int, tuple[Array, NDArray[np.int64]]]]:
    """The steps of some sequences at a time: the first one's number, their steps and lengths."""
    n_rows = max(1, (1 << 20) // found.n_features)
    start = 0
    while start < len(found):
        limit = found.offsets[start] + n_rows
        stop = max(start + 1, int(np.searchsorted(found.offsets, limit, side="right")) - 1)
        yield start, (found.rows(slice(start, stop)), found.lengths[start:stop])
        start = stop


def _apart(y: Any, lengths: NDArray[np.int64], writer: StoreWriter) -> Any:
    """y of a data set as an entry for each sequence."""
    if y is None:
        return None
    rows = rows_of(y)
    per_step = writer._targets.per_step
    if rows is not None:
        if per_step is None and [len(row) for row in rows] == lengths.tolist():
            writer._targets.per_step = True
        return rows
    if not isinstance(y, (list, tuple, np.ndarray)):
        found = plain(y)
        y = found.values
        if found.missing.any() and y.dtype.kind != "f":
            y = y.astype(object)
            y[found.missing] = None
    array: Array = y if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)
    if array.ndim == 2 and per_step is None:
        # a table of texts can only be labels of steps, for a sequence has but one text
        writer._targets.per_step = array.dtype.kind in "UO" and bool(
            (lengths == array.shape[1]).all()
        )
    return y


def _rows(values: Any) -> Any:
    if values is None or isinstance(values, (list, tuple, np.ndarray)):
        return values
    return np.asarray(values)


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Of metadata what JSON holds as it is."""
    return {str(key): value for key, value in metadata.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value)) and len(value) <= BLOCK_ROWS
    if isinstance(value, float):
        return bool(np.isfinite(value))
    return value is None or isinstance(value, (str, bool, int))


def _checked_names(names: Any) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError("feature_names holds something else than texts: pass a text for each")
    return found


def _is_temporary(name: str) -> bool:
    return name.startswith(".elman-") and name.endswith(".tmp")


def _locked(folder: str) -> int | None:
    """A descriptor of the folder that holds a lock while it is open; None where there are none."""
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BlockingIOError(
            errno.EWOULDBLOCK, "another process, or this one, is writing a store there", folder
        ) from None
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor
