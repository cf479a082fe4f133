"""A data frame of any library in; its columns as NumPy arrays out."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut
from elman.data.tables.plain import EXACT, object_array, plain_column
from elman.targets.masked import refuse_masked

Array = NDArray[Any]

Column = tuple[str, Array, bool]
"""Name and values of a column, and whether it is categorical."""

ARROW_TEXT = ("string", "large_string", "string_view")
"""What Arrow calls its types of text."""

TABLES = (
    "a data frame of pandas or polars, a table of pyarrow or of another library that narwhals "
    "knows, or a dict of columns"
)


def columns_of(table: Any, *, name: str = "table", source: str = "the table") -> Columns:
    """The columns of a table of any library.

    Parameters
    ----------
    table : data frame, dict of columns, or structured array
        Of pandas, polars (a LazyFrame is collected), pyarrow, or whatever else
        `narwhals.stable.v2.from_native` takes or speaks Arrow's stream interface. The levels of a
        pandas MultiIndex become columns in front, called by their position where they have no
        name; any other index of pandas is ignored.
    name : str
        What errors call the argument.
    source : str
        What errors call the table.

    Returns
    -------
    Columns

    Raises
    ------
    TypeError
        It is no table.
    ReaderError
        Two columns have one name, columns of a dict have unequal lengths, or a date is out of
        range.
    """
    if isinstance(table, np.ndarray) and table.dtype.names:
        table = {key: table[key] for key in table.dtype.names}
    if isinstance(table, Mapping):
        return _collected(_columns_of_mapping(table, source), source)
    columns = [_columns_of_frame(_narwhals_frame(table, name, source), source)]
    if levels(table):
        index = table.index.to_frame(index=False, name=levels(table))
        columns.insert(0, _columns_of_frame(_narwhals_frame(index, name, source), source))
    return _collected(itertools.chain(*columns), source)


def levels(table: Any) -> list[str]:
    """The levels of the MultiIndex of a pandas frame, by name or else by position; [] without."""
    index = getattr(table, "index", None)
    if getattr(index, "nlevels", 1) < 2:
        return []
    names = getattr(index, "names", [])
    return [str(i if key is None else key) for i, key in enumerate(names)]


def library_of(table: Any) -> str | None:
    """The name of the library of a data frame, as narwhals has it; None for a dict."""
    if isinstance(table, (Mapping, np.ndarray)):
        return None
    library = str(_opened(table, "table", "the table").implementation.value)
    return library if library in ("pandas", "polars", "pyarrow", "modin", "cudf") else "pyarrow"


def _narwhals_frame(table: Any, name: str, source: str) -> Any:
    """A data frame as narwhals has it, collected if it is lazy."""
    frame = _opened(table, name, source)
    return frame.collect() if hasattr(frame, "collect") else frame


def _opened(table: Any, name: str, source: str) -> Any:
    import narwhals.stable.v2 as nw

    try:
        return nw.from_native(_known_to_narwhals(table))
    except nw.exceptions.DuplicateError as error:
        raise ReaderError(f"{source}: two columns have one name: rename one of them") from error
    except TypeError as error:
        raise TypeError(
            f"{name} is a {type(table).__name__}; expected {TABLES}{_how_to_read(table)}"
        ) from error


def _how_to_read(table: Any) -> str:
    """What makes a table of something that is none."""
    if isinstance(table, (str, os.PathLike)):
        return ". elman.data.read takes the path of a file"
    if isinstance(table, list) and table and isinstance(table[0], Mapping):
        return ". Of a list of rows, a library of data frames makes one: pandas.DataFrame(rows)"
    return ""


def _known_to_narwhals(table: Any) -> Any:
    """A table of a library that narwhals does not know, but that speaks Arrow, as pyarrow's."""
    import narwhals.stable.v2 as nw

    if type(table).__module__.startswith("narwhals."):
        return table.to_native()
    knows = nw.dependencies.is_into_dataframe(table) or nw.dependencies.is_into_series(table)
    if knows or not hasattr(table, "__arrow_c_stream__") or hasattr(table, "collect"):
        return table
    import pyarrow

    return pyarrow.table(table)


def _columns_of_frame(frame: Any, source: str) -> Iterator[Column]:
    """Name, values and whether it is categorical, of each column of a narwhals frame."""
    for key, series in zip(frame.columns, frame.iter_columns(), strict=True):
        name = str(key)
        yield name, _guarded(source, name, _of_series, series), _is_categorical(series)


def _columns_of_mapping(table: Mapping[Any, Any], source: str) -> Iterator[Column]:
    for key, values in table.items():
        name = str(key)
        series = _narwhals_series(values)
        if series is None:
            yield name, _guarded(source, name, _of_values, values, f"column {cut(name)}"), False
        else:
            yield name, _guarded(source, name, _of_series, series), _is_categorical(series)


def _guarded(source: str, name: str, convert: Callable[..., Array], *values: Any) -> Array:
    """What `convert` makes of a column; its errors say which column it is."""
    try:
        return convert(*values)
    except ValueError as error:
        raise ReaderError(f"{source}: column {cut(name)}: {error}") from error


def _collected(columns: Iterable[Column], source: str) -> Columns:
    found: dict[str, Array] = {}
    categorical: set[str] = set()
    for name, values, is_categorical in columns:
        if name in found:
            raise ReaderError(
                f"{source}: two columns have the name {cut(name)}: rename one of them"
            )
        if found and len(values) != len(next(iter(found.values()))):
            first, length = next((n, len(v)) for n, v in found.items())
            raise ReaderError(
                f"{source}: column {cut(name)} has {len(values)} value(s) and column {cut(first)} "
                f"has {length}: columns of a table have one length"
            )
        found[name] = values
        if is_categorical:
            categorical.add(name)
    n_rows = len(next(iter(found.values()))) if found else 0
    return Columns(found, n_rows, source=source, categorical=frozenset(categorical))


def _narwhals_series(values: Any) -> Any:
    """A column of a data frame by itself as narwhals has it; None for anything else."""
    import narwhals.stable.v2 as nw

    if not nw.dependencies.is_into_series(values):
        return None
    return nw.from_native(values, series_only=True)


def _of_values(values: Any, place: str) -> Array:
    """A column of a dict: an array, or a list."""
    refuse_masked(values, place)
    if isinstance(values, (list, tuple)):
        return plain_column(values)
    array = np.asarray(values)
    if array.ndim == 2:  # a row of equally many values for each sequence
        return plain_column(object_array(list(array)))
    if array.ndim != 1:
        raise ReaderError(f"it has shape {array.shape}; expected one value or list for each row")
    return plain_column(array)


def _is_categorical(series: Any) -> bool:
    import narwhals.stable.v2 as nw

    return isinstance(series.dtype, (nw.Categorical, nw.Enum))


def _of_series(series: Any) -> Array:
    """The values of a narwhals series as `Columns` holds them."""
    import narwhals.stable.v2 as nw

    dtype, native = series.dtype, series.to_native()
    views = _arrow_types("ListViewType", "LargeListViewType")
    if isinstance(dtype, (nw.List, nw.Array)) or isinstance(getattr(native, "type", None), views):
        return _of_lists(series)
    if dtype.is_integer() and not isinstance(dtype, (nw.Int128, nw.UInt128)):
        return _of_integers(series)
    if dtype.is_float() or isinstance(dtype, (nw.Datetime, nw.Duration)):
        return plain_column(series.to_numpy())
    if isinstance(dtype, nw.Boolean) and series.null_count() == 0:
        return plain_column(series.to_numpy())
    if isinstance(dtype, nw.String) and isinstance(native, _arrow_types("ChunkedArray")):
        with suppress(NotImplementedError):  # of views
            native = native.dictionary_encode()
    if isinstance(getattr(native, "type", None), _arrow_types("DictionaryType")):
        # A dictionary's missing values are wrong in what narwhals makes of it.
        if str(native.type.value_type) in ARROW_TEXT:
            return plain_column(_of_arrow_dictionary(native))
        native = native.cast(native.type.value_type)
        return _of_series(nw.from_native(native, series_only=True))
    if hasattr(native, "array") or isinstance(dtype, nw.Date):
        return plain_column(series.to_numpy())
    return plain_column(
        object_array(series.to_list())
    )  # to_numpy makes text as wide as the longest


def _of_integers(series: Any) -> Array:
    if series.null_count() == 0:
        return plain_column(series.to_numpy())
    missing = series.is_null().to_numpy()
    values = series.fill_null(0).to_numpy()
    if values.max() <= EXACT and values.min() >= -EXACT:
        return np.where(missing, np.nan, values.astype(np.float64))
    found: Array = values.astype(object)
    found[missing] = None
    return found


def _of_lists(series: Any) -> Array:
    """An array for each row: views of the values of all rows end to end."""
    import narwhals.stable.v2 as nw

    native = series.to_native()
    if hasattr(native, "array"):  # of pandas, in memory as Arrow has it
        native = native.array.__arrow_array__()
    if hasattr(native, "type"):
        lengths, values = _of_arrow_lists(native)
    else:
        native = series.cast(nw.List(series.dtype.inner)).to_native()
        counts = native.list.len()
        lengths = counts.fill_null(0).to_numpy()
        values = native.filter(counts > 0).explode()
    flat = _of_series(nw.from_native(values, series_only=True))
    return split_rows(flat, lengths, series.is_null().to_numpy())


def _of_arrow_lists(lists: Any) -> tuple[Array, Any]:
    """The length of each list, 0 where there is none, and the values of all of them."""
    import pyarrow
    import pyarrow.compute

    counts = pyarrow.compute.list_value_length(lists)
    lengths = pyarrow.compute.fill_null(counts, 0).to_numpy()
    # `flatten` keeps to the part of the values that a slice sees, and leaves missing lists out.
    parts = [chunk.flatten() for chunk in lists.chunks]
    return lengths, pyarrow.chunked_array(parts, lists.type.value_type)


def split_rows(values: Array, lengths: Array, missing: Array) -> Array:
    """Values end to end as an array of arrays, one for each row; None where it is missing."""
    offsets = np.zeros(len(lengths) + 1, np.int64)  # a table may have more than 2^31 values
    np.cumsum(lengths, out=offsets[1:], dtype=np.int64)
    rows = [values[a:b] for a, b in itertools.pairwise(offsets.tolist())]
    return object_array([None if gone else row for row, gone in zip(rows, missing, strict=True)])


def _of_arrow_dictionary(column: Any) -> Array:
    """Text as objects, of which rows that hold the same text share one; None where it is missing.

    It may be long, and that of every row.
    """
    found = [np.empty(0, object)]
    known: dict[Any, Any] = {}
    dictionary: Any = None
    for chunk in column.chunks:
        if dictionary is None or not chunk.dictionary.equals(dictionary):
            dictionary = chunk.dictionary
            texts = [known.setdefault(text, text) for text in dictionary.to_pylist()]
            values = object_array([*texts, None])  # -1 is the last
        found.append(values[chunk.indices.cast("int64").fill_null(-1).to_numpy()])
    return np.concatenate(found)


def _arrow_types(*names: str) -> Any:
    """Types of pyarrow, if it is loaded: no series is of them otherwise."""
    return tuple(getattr(sys.modules.get("pyarrow"), name, ()) for name in names)
