"""A Parquet, Feather or Arrow file in, its columns out; through pyarrow, the extra `tables`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from elman.data.budget import check_memory, most_bytes
from elman.data.columns import Columns
from elman.data.dataset import PathLike, ReaderError, cut
from elman.data.frames import INDEX
from elman.data.names import first_repeated
from elman.data.tables.frames import columns_of
from elman.data.wanted import Choice, Wanted, everything

MOST_ROWS_OF_LISTS = 64
"""Rows of lists that are read from a Parquet file before the memory is looked at again."""
BUFFER = 1 << 16
"""Bytes of each column of a Parquet file that are read at a time, where rows are."""


def read_parquet(
    path: PathLike, *, max_bytes: int | None = None, choose: Choice = everything
) -> Columns:
    """Read the columns of a Parquet file.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take; by default 64 MiB or 100 times the
        size of the file, whichever is more.
    choose : callable
        Is given the names of the columns, and says which of them to read.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError
        The file is damaged, is something else, or would take more memory than allowed.
    ImportError
        pyarrow is not installed.
    OSError
        The file cannot be opened.
    """
    name, limit = os.fspath(path), most_bytes(os.stat(path).st_size, max_bytes)
    with _pyarrow(name, "Parquet"):
        import pyarrow
        from pyarrow import parquet

        with open(name, "rb"):
            pass  # an error that Python has for a path that cannot be opened
        # On one thread and without reading ahead: a thread of pyarrow's that goes on with a damaged
        # file, which has been given up here, ends the process.
        with (
            pyarrow.OSFile(name) as opened,
            parquet.ParquetFile(opened, pre_buffer=False) as file,
        ):
            schema, metadata = file.schema_arrow, file.metadata
            wanted = _chosen(name, schema.names, choose)
            row = sum(_width(schema.field(column).type) for column in wanted)
            check_memory(name, max(row * metadata.num_rows, _unpacked(metadata)), limit)
            nested = [c for c in wanted if pyarrow.types.is_nested(schema.field(c).type)]
            flat = [column for column in wanted if column not in nested]
            table = _read_flat(opened, metadata, flat)
            if nested:
                lists = _read_nested(file, nested, name, limit, table.nbytes)
                table = lists if not flat else _side_by_side(table, lists)
            columns = _columns(table.select(wanted), name)
        categorical = {c for c in wanted if pyarrow.types.is_dictionary(schema.field(c).type)}
        return replace(columns, categorical=frozenset(categorical))


def read_arrow(
    path: PathLike, *, max_bytes: int | None = None, choose: Choice = everything
) -> Columns:
    """Read the columns of a Feather or Arrow file, in the format of files or that of streams.

    Parameters
    ----------
    path, max_bytes, choose
        As `read_parquet` takes them.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError, ImportError, OSError
        As `read_parquet`.
    """
    name, limit = os.fspath(path), most_bytes(os.stat(path).st_size, max_bytes)
    with _pyarrow(name, "Feather or Arrow"):
        import pyarrow
        from pyarrow import feather, ipc

        with open(name, "rb") as opened:
            # What a file says of its length would be asked of a file of Python's in one piece.
            content = opened.read()
        with pyarrow.BufferReader(content) as file:
            start = content[:6]
            if start.startswith(b"FEA1"):  # of the first version, before 2020
                return _columns(feather.read_table(file), name, choose)
            opening = ipc.open_file if start == b"ARROW1" else ipc.open_stream
            schema = opening(file).schema
            wanted = _chosen(name, schema.names, choose)
            file.seek(0)
            # Of a batch that is compressed only the columns that are wanted are decompressed.
            fields = [schema.get_field_index(column) for column in wanted]
            reader = opening(file, options=ipc.IpcReadOptions(included_fields=fields))
            if start == b"ARROW1":
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                batches = iter(reader)
            kept: list[Any] = []
            for batch in batches:
                kept.append(batch.select(wanted))
                check_memory(name, sum(one.nbytes for one in kept), limit)
            schema = pyarrow.schema([schema.field(column) for column in wanted])
            return _columns(pyarrow.Table.from_batches(kept, schema), name)


def parquet_blocks(path: PathLike, block_size: int, choose: Choice) -> Iterator[Columns]:
    """The rows of a Parquet file, about `block_size` bytes at a time; errors as `read_parquet`."""
    name = os.fspath(path)
    with _pyarrow(name, "Parquet"):
        import pyarrow
        from pyarrow import parquet

        with open(name, "rb"):
            pass
        with (
            pyarrow.OSFile(name) as opened,
            parquet.ParquetFile(opened, pre_buffer=False, buffer_size=BUFFER) as file,
        ):
            wanted = _chosen(name, file.schema_arrow.names, choose)
            n_rows = file.metadata.num_rows
            a_row = max(8 * len(wanted), _unpacked(file.metadata) // max(n_rows, 1), 1)
            schema = pyarrow.schema([file.schema_arrow.field(column) for column in wanted])
            batches = file.iter_batches(
                max(1, block_size // a_row), columns=wanted, use_threads=False
            )
            yield from _blocks_of(batches, schema, name)


def arrow_blocks(path: PathLike, block_size: int, choose: Choice) -> Iterator[Columns]:
    """The rows of a Feather or Arrow file, as `parquet_blocks`."""
    name = os.fspath(path)
    with _pyarrow(name, "Feather or Arrow"):
        import pyarrow
        from pyarrow import ipc

        with open(name, "rb") as opened:
            start = opened.read(6)
        if start.startswith(b"FEA1"):
            yield read_arrow(path, choose=choose)
            return
        with pyarrow.OSFile(name) as file:
            if start == b"ARROW1":
                reader = ipc.open_file(file)
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                reader = ipc.open_stream(file)
                batches = iter(reader)
            wanted = _chosen(name, reader.schema.names, choose)
            schema = pyarrow.schema([reader.schema.field(column) for column in wanted])
            parts = (
                part for batch in batches for part in _in_parts(batch.select(wanted), block_size)
            )
            yield from _blocks_of(parts, schema, name)


def _in_parts(batch: Any, block_size: int) -> Iterator[Any]:
    """A batch of records cut into parts of about `block_size` bytes."""
    a_row = max(1, batch.nbytes // max(batch.num_rows, 1))
    at_once = max(1, block_size // a_row)
    for start in range(0, batch.num_rows, at_once):
        yield batch.slice(start, at_once)


def _blocks_of(batches: Iterable[Any], schema: Any, source: str) -> Iterator[Columns]:
    import pyarrow

    n_rows = 0
    for batch in batches:
        block = _columns(pyarrow.Table.from_batches([batch], schema), source)
        start = n_rows
        n_rows += block.n_rows
        yield replace(block, place=partial(_row_of, source, start))
    if n_rows == 0:
        yield _columns(schema.empty_table(), source)


def _row_of(source: str, start: int, row: int) -> str:
    return f"{source}, row {start + row}"


def parquet_of(columns: Mapping[str, list[Any]]) -> bytes:
    """A table as the content of a Parquet file.

    Parameters
    ----------
    columns : mapping of str to list
        The values of each column, all of one length.

    Raises
    ------
    ImportError
        pyarrow is not installed.
    """
    with _pyarrow("the output", "Parquet"):
        import pyarrow
        from pyarrow import parquet

        file = io.BytesIO()
        parquet.write_table(pyarrow.table(dict(columns)), file)
    return file.getvalue()


def _read_flat(opened: Any, metadata: Any, names: list[str]) -> Any:
    """Columns of a Parquet file that hold no lists; text as a dictionary and a number in each row.

    A text that all rows share is in the file once, so that it may be in memory once only.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(
        opened, metadata=metadata, pre_buffer=False, read_dictionary=names
    ) as file:
        return file.read(columns=names, use_threads=False)


def _read_nested(file: Any, names: list[str], source: str, limit: int, taken: int) -> Any:
    """Columns of a Parquet file that hold lists, a few rows at a time.

    How long the lists are is only known once they are read: a list of a million zeros takes a few
    bytes of the file. `taken` is what other columns of it take.
    """
    import pyarrow

    kept: list[Any] = []
    rows = min(MOST_ROWS_OF_LISTS, 1 + file.metadata.num_rows // 1000)
    for batch in file.iter_batches(rows, columns=names, use_threads=False):
        kept.append(batch)
        taken += batch.nbytes
        check_memory(source, taken, limit)
    schema = pyarrow.schema([file.schema_arrow.field(name) for name in names])
    return pyarrow.Table.from_batches(kept, schema)


def _side_by_side(table: Any, other: Any) -> Any:
    for name in other.column_names:
        table = table.append_column(other.field(name), other[name])
    return table


def _width(dtype: Any) -> int:
    """Bytes of a value of a column that holds no lists; 8 where that depends on the value."""
    try:
        return max(8, int(dtype.bit_width) // 8)
    except ValueError:
        return 8


def _columns(table: Any, source: str, choose: Choice | None = None) -> Columns:
    if choose is not None:
        table = table.select(_chosen(source, table.column_names, choose))
    table.validate(full=True)  # damaged offsets would lead to other memory
    columns = columns_of(table, source=source)
    return replace(columns, place=lambda row: f"{source}, row {row}")


def _chosen(source: str, names: Sequence[str], choose: Choice) -> list[str]:
    twice = first_repeated(names)
    if twice is not None:
        raise ReaderError(f"{source}: two columns are called {cut(twice)}; rename one")
    wanted: Wanted = choose(names)
    return [
        name
        for name in names
        if wanted.has(name) and (wanted.names is not None or not name.startswith(INDEX))
    ]


def _unpacked(metadata: Any) -> int:
    """Bytes of all columns once they are decompressed."""
    # What a file says of single columns is not asked for: pyarrow 26 ends the process if the
    # statistics there are damaged.
    return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))


@contextmanager
def _pyarrow(source: str, what: str) -> Iterator[None]:
    """The errors of pyarrow as those of a reader."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            f'{source}: {what} files take pyarrow: pip install "elman[tables]"'
        ) from error
    try:
        yield
    except ReaderError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split())[:200]
        raise ReaderError(f"{source}: is no {what} file, or a damaged one ({reason})") from error
