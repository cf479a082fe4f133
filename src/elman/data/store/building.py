"""A file, a folder or objects of Dask in; a store, written a shard at a time, out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from elman.data.dataset import Dataset, PathLike, ReaderError
from elman.data.readers import options_for, read_as_given, without_defaults
from elman.data.store.blocks import is_table, table_of, table_of_folder
from elman.data.store.from_dask import Partitions
from elman.data.store.manifest import is_store
from elman.data.store.store import SequenceStore
from elman.data.store.table_sequences import StepsDifferError, TableSequences
from elman.data.store.writing import StoreWriter
from elman.data.ts import ts_datasets

Progress = Callable[[int, int], None]

BLOCK_SIZE = 32 << 20
SHARD_SIZE = 64 << 20


def build_store(
    source: Any,
    path: PathLike,
    *,
    shard_size: int = SHARD_SIZE,
    block_size: int = BLOCK_SIZE,
    dtype: DTypeLike | None = None,
    append: bool = False,
    progress: Progress | None = None,
    missing: str = "error",
    id: Any = None,
    time: str | None = None,
    features: Any = None,
    label: str | None = None,
    step_label: str | None = None,
    target: Any = None,
    step_target: Any = None,
    weight: str | None = None,
    time_delta: bool = False,
    labels: Any = None,
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool = True,
) -> SequenceStore:
    """Write the sequences of a file, a folder or a collection of Dask to a store.

    What is written is what `elman.data.read` makes of the whole, value for value, but it is read
    some rows at a time: memory is a few times that of one shard, one block of rows and the longest
    sequence, and the id of every sequence.

    The rows of a sequence therefore stand together, in any order of time. A file of rows that do
    not, such as one sorted by time, is an error, unless it is no larger than one block; sort it by
    its id first.

    Parameters
    ----------
    source : path-like, or a collection of Dask
        A file or folder that `elman.data.read` takes: tables are read by block (.csv, .tsv,
        .jsonl, .parquet) or batch of records (.feather, .arrow), folders recording by recording,
        .ts files line by line, and .npz and .arff files at once.
        Or of Dask: a DataFrame, whose partitions are read in their order, a sequence going on in
        the next one where it is cut; a Bag of pairs (x, y); or a list of delayed objects, each a
        pair (x, y), a list of such pairs, a `Dataset`, or a table with whole sequences.
    path : path-like
        The folder of the store. It is not there yet or is empty, unless `append`.
    shard_size : int
        Bytes of values in each shard.
    block_size : int
        Bytes of columns that are read at a time, about.
    dtype : {float32, float64}, optional
        How values are kept; by default as `elman.data.read` returns them.
    append : bool
        Whether to add to a store that is there.
    progress : callable, optional
        Is called now and then with how many sequences and time steps are written.
    missing, id, time, features, label, step_label, target, step_target, weight, time_delta
        As `elman.data.read` takes them.
    labels, delimiter, decimal, header
        As `elman.data.read` takes them.

    Returns
    -------
    SequenceStore
        Ids that several columns make are joined to one text, with a slash between.

    Raises
    ------
    ReaderError
        The source is not what the arguments say, as `elman.data.read` has it; or the rows of a
        sequence do not stand together.
    ImportError
        The file takes pyarrow, which is not installed.
    OSError
        A file cannot be opened or written.

    Notes
    -----
    A file is read twice, as what one row is may depend on all others: a column of whole numbers
    is one of floats if the last of them is missing. Partitions of Dask are computed once; their
    types are those of the first, and a later one that contradicts them is an error.

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
    >>> print(len(store), store.y)
    2 ['up' 'down']
    """
    options = {
        "missing": missing,
        "id": id,
        "time": time,
        "features": features,
        "label": label,
        "step_label": step_label,
        "target": target,
        "step_target": step_target,
        "weight": weight,
        "time_delta": time_delta,
        "labels": labels,
        "delimiter": delimiter,
        "decimal": decimal,
        "header": header,
    }
    given = without_defaults(options)
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    for name, size in (("shard_size", shard_size), ("block_size", block_size)):
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} is {size!r}; it must be a number of bytes, 1 or more")
    check_folder(path, append=append)
    build = _Building(path, given, shard_size, block_size, dtype, append, progress)
    if isinstance(source, (str, os.PathLike)):
        build.from_path(os.fspath(source))
    else:
        build.from_dask(source)
    return SequenceStore(path)


def check_folder(path: PathLike, *, append: bool) -> None:
    """Raise FileExistsError unless a store may be written to a path."""
    place = Path(path)
    if append or not place.exists():
        return
    if not place.is_dir():
        raise FileExistsError(f"{place}: is a file; a store is a folder of its own")
    if any(place.iterdir()):
        raise FileExistsError(
            f"{place}: is a folder that is not empty: name another one, or add to the store in it "
            "with append=True"
        )


class _Building:
    """How to write a store, whatever the sequences come from."""

    def __init__(
        self,
        path: PathLike,
        given: Mapping[str, Any],
        shard_size: int,
        block_size: int,
        dtype: DTypeLike | None,
        append: bool,
        progress: Progress | None,
    ) -> None:
        self.given = given
        self.block_size = int(block_size)
        self._path = path
        self._shard_size = int(shard_size)
        self._dtype = dtype
        self._append = append
        self._progress = progress

    def from_path(self, source: str) -> None:
        """Write what a file or folder holds."""
        known = options_for(source, self.given)  # an error for a format that is not read
        for name in self.given:
            if name not in known and name != "missing":
                read_as_given(source, self.given)  # which says which formats it is for
        if is_store(source):
            self._write(SequenceStore(source))
        elif Path(source).is_dir():
            self.from_table(TableSequences(table_of_folder(source, self.given)))
        elif is_table(source, self.given):
            self.from_table(TableSequences(table_of(source, self.given, self.block_size)))
        else:
            self.write(self._datasets(source))

    def _datasets(self, source: str) -> Iterator[Dataset]:
        """What a file in a format of its own holds, some at a time."""
        if Path(source).suffix.lower() == ".ts":
            return ts_datasets(source, self.block_size, **self.given)
        return iter([read_as_given(source, self.given)])

    def from_dask(self, source: Any) -> None:
        """Write what a collection of Dask holds."""
        parts = Partitions(source, self.given)
        if parts.of_tables:
            self.from_table(TableSequences(parts.table(), once=True), once=True)
            return
        self._write(parts.pairs())

    def _write(self, data: Any) -> None:
        """Write what `SequenceStore.write` takes."""
        SequenceStore.write(
            self._path,
            data,
            shard_size=self._shard_size,
            dtype=self._dtype,
            append=self._append,
        )

    def from_table(self, sequences: TableSequences, *, once: bool = False) -> None:
        """Write the sequences of a table, which are read again if `once` is not true."""
        with_names = "header" not in self.given
        try:
            self.write(sequences.datasets(), sequences, with_names=with_names)
        except StepsDifferError:
            if once:
                raise ReaderError(
                    "the weights differ within a sequence, after sequences in which they do not, "
                    "and the data are read only once: write them to a file first"
                ) from None
            found = sequences.datasets(weights_of_steps=True)
            self.write(found, sequences, with_names=with_names)

    def write(
        self,
        datasets: Iterator[Dataset],
        like: TableSequences | None = None,
        *,
        with_names: bool = True,
    ) -> None:
        """Write sequences, whose types and roles are those of `like`, or else of the first."""
        first = next(datasets, None)
        if first is None:
            raise ReaderError("there are no sequences to write")
        dtype = self._dtype
        if dtype is None:
            dtype = np.asarray(first.X[0]).dtype if like is None else like.dtype
            if np.dtype(dtype) != np.float64 and not np.can_cast(dtype, np.float32, "safe"):
                dtype = np.float64
        per_step = isinstance(first.y, list) if like is None else like.per_step
        names = first.feature_names if with_names else None
        known = first.metadata
        metadata: dict[str, Any] = {key: known[key] for key in ("id", "time") if key in known}
        n_sequences = n_steps = 0
        with StoreWriter(
            self._path,
            shard_size=self._shard_size,
            dtype=dtype,
            feature_names=names,
            append=self._append,
            per_step=per_step,
            metadata=metadata,
        ) as writer:
            for found in chain([first], datasets):
                for x, y, id, weight in _sequences(found):
                    writer.add(x, y, id=id, weight=weight)
                    n_steps += len(x)
                n_sequences += len(found.X)
                if self._progress is not None:
                    self._progress(n_sequences, n_steps)


def _sequences(found: Dataset) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Each sequence with its y, id and weight, None where there is none."""
    n = len(found.X)
    for i in range(n):
        id = None if found.ids is None else found.ids[i]
        yield (
            np.asarray(found.X[i]),
            None if found.y is None else found.y[i],
            "/".join(map(str, id)) if isinstance(id, tuple) else id,
            None if found.sample_weight is None else found.sample_weight[i],
        )
