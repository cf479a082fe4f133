"""Data frames of any library in; their numbers as arrays, and what they call their columns, out.

pandas is read by its own methods, because a list may hold thousands of small frames. Those of all
other libraries are read through narwhals, polars and pyarrow many at a time. None of them is
imported before somebody passes a frame.
"""

from __future__ import annotations

import decimal
import numbers
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.names import Labels
from elman.data.values import OF_TEXT
from elman.targets.checks import shown

Array = NDArray[Any]
Place = Callable[[int], str]
"""The number of a frame in a list -> how an error calls it."""

LIBRARIES = frozenset(
    {
        *("pandas", "polars", "pyarrow", "modin", "cudf", "narwhals"),
        *("dask", "duckdb", "_duckdb", "ibis", "pyspark", "sqlframe"),
    }
)
TABLES = frozenset({"DataFrame", "LazyFrame", "Table", "RecordBatch", "DuckDBPyRelation"})
"""Names of the classes of these libraries that are tables."""
NULLS = frozenset({"NoneType", "NAType", "NaTType"})
"""Names of the types whose values stand for a missing value in a column of objects."""

INDEX = "__index_level_"
"""How pandas calls the column of an index without a name in a table of Arrow, which is no feature
unless it is asked for."""

CATEGORICAL = ("categor", "enum", "dictionary")
"""What the names of types of categories begin with, in polars and Arrow."""

FIXES = {
    "dates or times": "make a number of each, such as the seconds since the step before, or leave "
    "the column out",
    "text": f"convert every value to a number, or leave the column out. {OF_TEXT}",
    "categories": "make numbers of them (pandas.get_dummies or polars' to_dummies make a column of "
    "0 and 1 for each), or leave the column out. RNNClassifier, RNNTagger and RNNRegressor read "
    "categories as they are, in a list of sequences (categorical_features)",
    "objects": "make columns of numbers of them, or leave the column out",
}
"""What a column may hold that no network takes, and what to do about it."""


def is_frame_type(kind: type) -> bool:
    """Whether a type is a table of some library, which is not imported to find out."""
    return any(
        base.__name__ in TABLES and base.__module__.partition(".")[0] in LIBRARIES
        for base in kind.__mro__
    ) or any(hasattr(kind, f"__narwhals_{what}__") for what in ("dataframe", "lazyframe"))


def is_frame(value: Any) -> bool:
    """Whether a value is a table of some library."""
    return type(value) is not np.ndarray and is_frame_type(type(value))


def type_of_categories(column: Any) -> Any:
    """The type of a column of any library, if it says that the values are categories; else None."""
    found = getattr(column, "dtype", getattr(column, "type", None))
    if found is None or isinstance(found, np.dtype):
        return None
    says_so = hasattr(found, "categories") or str(found).lower().startswith(CATEGORICAL)
    return found if says_so else None


def is_of(kind: type, library: str, name: str) -> bool:
    """Whether a type is a class of a library, or one made of it."""
    return any(
        base.__name__ == name and base.__module__.partition(".")[0] == library
        for base in kind.__mro__
    )


def read_frame(frame: Any, place: str) -> tuple[Array, Labels]:
    """The numbers of a table, and what it calls its columns.

    Parameters
    ----------
    frame : a table, of which `is_frame` is true
        Its index, if it has one, does not count.
    place : str
        What errors call it.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        NaN for each missing value; of objects if a column of objects holds other things than
        numbers. To be read only, for it may be the frame's own memory.
    labels : tuple
        A label for each column, in their order.

    Raises
    ------
    TypeError
        A column holds dates, text, categories or anything else that is no number.
    """
    arrays, labels = read_frames([frame], lambda _: place)
    return arrays[0], labels[0]


def read_frames(frames: Sequence[Any], place: Place) -> tuple[list[Array], list[Labels]]:
    """The numbers of tables of one type, and what each of them calls its columns.

    Parameters
    ----------
    frames : sequence of tables
        All of one type, of which `is_frame_type` is true.
    place : callable
        The number of a table -> what errors call it.

    Returns
    -------
    arrays, labels : list
        For each table what `read_frame` returns. Tables whose columns have the same labels share
        one tuple, where that costs nothing.

    Raises
    ------
    TypeError
        As `read_frame`.
    """
    if is_of(type(frames[0]), "pandas", "DataFrame"):
        return _of_pandas(frames, place)
    if is_of(type(frames[0]), "pyarrow", "RecordBatch"):
        import pyarrow as pa

        frames = [pa.Table.from_batches([frame]) for frame in frames]
    if is_of(type(frames[0]), "polars", "DataFrame"):
        return _of_polars(frames, place)
    if is_of(type(frames[0]), "pyarrow", "Table"):
        import pyarrow as pa

        return _many_at_once(
            frames,
            place,
            lambda table: table.schema,
            lambda tables: _without_index(pa.concat_tables(tables)),
        )
    found = [_of_narwhals(frame, i, place) for i, frame in enumerate(frames)]
    return [array for array, _ in found], [labels for _, labels in found]


def plain_series(series: Any, place: str) -> Any:
    """A series, column or array of pandas that may hold missing values, as numbers and NaN.

    Whatever else it is given it returns as it is.

    Parameters
    ----------
    series : object
    place : str
        What errors call it.

    Raises
    ------
    TypeError
        It holds dates, text or categories.
    """
    if isinstance(series, np.ndarray):
        return series
    categories = type_of_categories(series)
    if categories is not None:
        _refuse(place, "categories", categories)
    if not hasattr(getattr(series, "dtype", None), "na_value"):
        return series
    return _pandas_numbers(series, place)


# pandas


def _of_pandas(frames: Sequence[Any], place: Place) -> tuple[list[Array], list[Labels]]:
    labels = _pandas_labels([frame.columns for frame in frames])
    if _are_memory([frames[0].to_numpy()]):
        arrays = [frame.to_numpy() for frame in frames]
        if _are_memory(arrays):
            return arrays, labels
    if len(frames) > 1 and len(set(map(id, labels))) == 1:
        pandas = sys.modules["pandas"]  # imported by whoever made the frames
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of types that may be joined otherwise some day
            long = pandas.concat(frames, ignore_index=True)
        # So that those of every frame are, but for categories of numbers that became numbers.
        if all(map(_is_numeric, long.dtypes)) and not any(
            hasattr(dtype, "categories") for frame in frames for dtype in frame.dtypes
        ):
            return _cut(_by_column(long, 0, place), frames), labels
    return [_by_column(frame, i, place) for i, frame in enumerate(frames)], labels


def _are_memory(arrays: list[Array]) -> bool:
    """Whether what pandas made of frames is their own memory, and that of numbers.

    It shows the memory of a frame read-only, so that all its columns are of one NumPy type. Of a
    single column, that may be the memory of another type, such as categories of numbers.
    """
    return (
        all(dtype.kind in "fiub" for dtype in set(map(attrgetter("dtype"), arrays)))
        and all(shape[1] > 1 for shape in set(map(attrgetter("shape"), arrays)))
        and not any(map(attrgetter("flags.writeable"), arrays))
    )


def _by_column(frame: Any, i: int, place: Place) -> Array:
    """The numbers of a frame whose columns may be of any types."""
    columns = [
        _pandas_numbers(column, f"{place(i)}: column {shown(label)}")
        for label, column in frame.items()
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _pandas_labels(indexes: list[Any]) -> list[Labels]:
    """The labels of the columns of each frame, the same tuple where they are as those of the first.

    Thousands of indexes are compared as one long one: one by one it takes longer than a network
    does to read the frames.
    """
    first = indexes[0]
    labels, n = tuple(first), len(first)
    if all(map(first.is_, indexes)):  # as parts of one table have it
        return [labels] * len(indexes)
    if n == 0 or set(map(len, indexes)) != {n} or _are_tuples(indexes):
        return [labels, *map(tuple, indexes[1:])]  # an index of tuples has no array
    arrays = [index.array for index in indexes]
    if first.dtype.type is str and len(set(map(type, arrays))) == 1:
        long = arrays[0]._concat_same_type(arrays)  # of pandas' documented interface of arrays
    else:
        long = first.append(indexes[1:])
    joined = np.asarray(long, dtype=object).reshape(len(indexes), n)
    same = (joined == joined[0]).all(axis=1)
    if same.all():
        return [labels] * len(indexes)
    return [labels if same[i] else tuple(index) for i, index in enumerate(indexes)]


def _are_tuples(indexes: list[Any]) -> bool:
    return any(hasattr(kind, "levels") for kind in set(map(type, indexes)))


def _pandas_numbers(column: Any, place: str) -> Array:
    """The numbers of a series, of any type that pandas has."""
    dtype = column.dtype
    kind = dtype.kind
    if kind in "fiubc" and isinstance(dtype, np.dtype):  # complex numbers have an error elsewhere
        return np.asarray(column)
    if type_of_categories(column) is not None:
        _refuse(place, "categories", dtype)
    if _is_numeric(dtype):
        exact = np.can_cast(getattr(dtype, "numpy_dtype", np.float64), np.float32, "safe")
        wanted = np.float32 if exact else np.float64
        return np.asarray(column.to_numpy(dtype=wanted, na_value=np.nan))
    if kind in "mM" or str(dtype).startswith("period"):
        _refuse(place, "dates or times", dtype)
    return _numbers_of_objects(np.asarray(column.to_numpy(dtype=object)), dtype, place)


def _is_numeric(dtype: Any) -> bool:
    """Whether a type of pandas is one of numbers or bools, with or without missing values."""
    return dtype.kind in "fiub" and not hasattr(dtype, "categories")


def _numbers_of_objects(values: Array, dtype: Any, place: str) -> Array:
    """Objects (n_rows,) as numbers if that is what they are, with NaN for None and its like.

    Others are returned as they are, so that an error can say where the first one is.
    """
    kinds = set(map(type, values))
    nulls = {kind for kind in kinds if kind.__name__ in NULLS}
    if nulls:
        values = values.copy()
        values[[type(value) in nulls for value in values]] = np.nan
    kinds -= nulls
    if not kinds:
        return np.full(len(values), np.nan, np.float32)  # the least type that holds it
    if all(issubclass(kind, (numbers.Real, np.bool_, decimal.Decimal)) for kind in kinds):
        try:
            return values.astype(np.float64)
        except OverflowError:
            return values
    if not isinstance(dtype, np.dtype):
        _refuse(place, "text" if kinds == {str} else "objects", dtype)
    return values


# Other libraries


def _of_polars(frames: Sequence[Any], place: Place) -> tuple[list[Array], list[Labels]]:
    polars = sys.modules["polars"]  # imported by whoever made the frames
    if len(set(map(attrgetter("width"), frames))) == 1:  # concat takes one without columns, too
        with suppress(polars.exceptions.PolarsError):  # other names or types
            return _parts(polars.concat(frames), frames, place, 0)
    return _many_at_once(
        frames, place, lambda frame: (*frame.columns, *frame.dtypes), polars.concat
    )


def _many_at_once(
    frames: Sequence[Any], place: Place, schema: Callable[[Any], Any], join: Callable[[Any], Any]
) -> tuple[list[Array], list[Labels]]:
    """Frames of the same columns and types as one long one, because each costs narwhals more
    than a network takes to read it.
    """
    groups: dict[Any, list[int]] = {}
    last, group = None, [0]
    for i, frame in enumerate(frames):
        seen = schema(frame)
        if last is None or seen != last:  # which is quicker than to look it up
            last, group = seen, groups.setdefault(seen, [])
        group.append(i)
    arrays: list[Array] = [np.empty((0, 0))] * len(frames)
    labels: list[Labels] = [()] * len(frames)
    for group in groups.values():  # of one schema
        parts = [frames[i] for i in group]
        read = _parts(join(parts), parts, place, group[0])
        for i, array, its_labels in zip(group, *read, strict=True):
            arrays[i], labels[i] = array, its_labels
    return arrays, labels


def _parts(
    long: Any, frames: Sequence[Any], place: Place, first: int
) -> tuple[list[Array], list[Labels]]:
    """The numbers of frames that were joined to a long one; `first` is the first one's number."""
    values, labels = _of_narwhals(long, first, place)
    return _cut(values, frames), [labels] * len(frames)


def _cut(values: Array, frames: Sequence[Any]) -> list[Array]:
    """The rows of each frame, of those of all."""
    ends = np.cumsum([*map(len, frames)]).tolist()
    return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _of_narwhals(frame: Any, i: int, place: Place) -> tuple[Array, Labels]:
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        known = nw.from_native(frame, pass_through=False)
        table = known.collect() if isinstance(known, nw.LazyFrame) else known
        schema = table.schema
    except DuplicateError as error:
        raise ValueError(f"{place(i)} has two columns of the same name: {error}") from error
    columns = []
    for label, dtype in schema.items():
        column, at = table[label], f"{place(i)}: column {shown(label)}"
        if isinstance(dtype, nw.Decimal):
            columns.append(column.cast(nw.Float64).to_numpy())
        elif dtype.is_numeric():
            columns.append(column.to_numpy())
        elif isinstance(dtype, nw.Boolean):
            columns.append(_bools(column))
        elif isinstance(dtype, nw.Unknown) and column.null_count() == len(column):
            columns.append(np.full(len(column), np.nan, np.float32))
        elif dtype.is_temporal():
            _refuse(at, "dates or times", dtype)
        elif isinstance(dtype, nw.String):
            _refuse(at, "text", dtype)
        elif isinstance(dtype, (nw.Categorical, nw.Enum)):
            _refuse(at, "categories", dtype)
        else:
            _refuse(at, "objects", dtype)
    values = np.stack(columns, axis=1) if columns else np.empty((len(table), 0))
    return values, tuple(schema)


def _without_index(table: Any) -> Any:
    """A table of pyarrow without the index of the pandas frame that it was made of.

    An index with a name is a column like others.
    """
    names = [name for name in table.column_names if name.startswith(INDEX)]
    return table.drop_columns(names) if names else table


def _bools(column: Any) -> Array:
    values: Array = column.fill_null(False).to_numpy()
    missing = column.is_null().to_numpy()
    return np.where(missing, np.float32(np.nan), values) if missing.any() else values


def _refuse(place: str, what: str, dtype: Any) -> NoReturn:
    raise TypeError(f"{place} holds {what} ({dtype}): {FIXES[what]}")
