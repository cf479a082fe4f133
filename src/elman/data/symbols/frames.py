"""Data frames of any library, one for each sample, in; their columns over all samples out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.frames import INDEX, is_of
from elman.data.names import Labels, Names, shared_names
from elman.data.symbols.flat import Flat, flat_array, flat_list
from elman.data.symbols.places import Place, in_column, place_of

Array = NDArray[Any]


def flat_frames(
    frames: Sequence[Any], name: str
) -> tuple[NDArray[np.int64], tuple[Flat, ...], Names | None]:
    """Read the columns of frames, each over all of them.

    Parameters
    ----------
    frames : sequence of tables
        Of any library, one for each sample.
    name : str
        What errors call the list.

    Returns
    -------
    lengths : ndarray of shape (n_samples,)
    columns : tuple of Flat
    names : tuple of str or None
        Of the columns.

    Raises
    ------
    TypeError, ValueError
        Frames have other columns, or the same in another order, or a column holds dates or other
        objects.
    """
    frames = [_eager(frame) for frame in frames]
    lengths = np.fromiter(map(len, frames), np.int64, len(frames))
    labels = [_labels(frame) for frame in frames]
    names = shared_names(labels, name)
    joined = _joined(frames, labels)
    if joined is not None:
        return lengths, tuple(_columns(joined, lambda i: place_of(i, lengths, name))), names
    widths = {len(each) for each in labels}
    if len(widths) > 1:
        odd = next(i for i, each in enumerate(labels) if len(each) != len(labels[0]))
        raise ValueError(
            f"{name}: sample {odd} has {len(labels[odd])} column(s), but sample 0 has "
            f"{len(labels[0])}: every sample needs the same columns in the same order"
        )
    starts = np.cumsum(lengths) - lengths
    parts = [
        _columns(frame, lambda i, start=int(start): place_of(start + i, lengths, name))  # type: ignore[misc]
        for frame, start in zip(frames, starts, strict=True)
    ]
    columns = [
        _join([part[j] for part in parts], in_column(lambda i: place_of(i, lengths, name), label))
        for j, label in enumerate(labels[0])
    ]
    return lengths, tuple(columns), names


def _eager(frame: Any) -> Any:
    """A table in memory, of a library that joins tables; others through narwhals, as Arrow's."""
    kind = type(frame)
    if is_of(kind, "pandas", "DataFrame") or is_of(kind, "polars", "DataFrame"):
        return frame
    if is_of(kind, "pyarrow", "RecordBatch"):
        import pyarrow as pa

        frame = pa.Table.from_batches([frame])
    if is_of(type(frame), "pyarrow", "Table"):
        names = [name for name in frame.column_names if name.startswith(INDEX)]
        return frame.drop_columns(names) if names else frame
    import narwhals.stable.v2 as nw

    known = nw.from_native(frame, pass_through=False)
    table = known.collect() if isinstance(known, nw.LazyFrame) else known
    return table.to_native()


def _labels(frame: Any) -> Labels:
    return tuple(getattr(frame, "column_names", None) or frame.columns)


def _joined(frames: Sequence[Any], labels: list[Labels]) -> Any:
    """One long table of tables of the same columns and types; None if they are not such."""
    kind = type(frames[0])
    if len(frames) == 1:
        return frames[0]
    if any(type(frame) is not kind for frame in frames) or any(
        each != labels[0] for each in labels
    ):
        return None
    if is_of(kind, "pandas", "DataFrame"):
        types = list(frames[0].dtypes)
        if all(list(frame.dtypes) == types for frame in frames):
            return sys.modules["pandas"].concat(frames, ignore_index=True)
        return None
    if is_of(kind, "polars", "DataFrame"):
        types = frames[0].dtypes
        if all(frame.dtypes == types for frame in frames):
            return sys.modules["polars"].concat(frames)
        return None
    if is_of(kind, "pyarrow", "Table"):
        schema = frames[0].schema
        if all(frame.schema.equals(schema) for frame in frames):
            import pyarrow as pa

            return pa.concat_tables(frames)
    return None


def _columns(frame: Any, place: Place) -> list[Flat]:
    if is_of(type(frame), "pandas", "DataFrame"):
        return [_of_pandas(column, in_column(place, label)) for label, column in frame.items()]
    import narwhals.stable.v2 as nw

    table = nw.from_native(frame, eager_only=True)
    return [_of_narwhals(table[label], in_column(place, label)) for label in table.columns]


def _of_pandas(column: Any, place: Place) -> Flat:
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        codes = np.asarray(column.cat.codes)
        known = np.empty(len(dtype.categories) + 1, object)  # the last one, -1, is missing
        known[:-1] = dtype.categories.tolist()
        return flat_list(known[codes].tolist(), place, categorical=True)
    if isinstance(dtype, np.dtype):
        if dtype.kind in "fiub":
            return flat_array(np.asarray(column), place)
        if dtype.kind == "O":
            return flat_list(column.tolist(), place)
    elif dtype.kind in "iu" and not column.isna().any():
        return flat_array(column.to_numpy(dtype=dtype.numpy_dtype), place)
    elif dtype.kind in "fiubO" or dtype.type is str or str(dtype).startswith("dictionary"):
        values = [None if no else v for v, no in zip(column.tolist(), column.isna(), strict=True)]
        flat = flat_list(values, place, categorical=str(dtype).startswith("dictionary"))
        if flat.kind == "nothing" and dtype.type is str:
            return Flat("text", [None] * flat.n, flat.missing, flat.n)
        return flat
    raise _refusal(place, dtype)


def _of_narwhals(column: Any, place: Place) -> Flat:
    import narwhals.stable.v2 as nw

    dtype = column.dtype
    categorical = isinstance(dtype, (nw.Categorical, nw.Enum))
    if isinstance(dtype, nw.String) or categorical:
        flat = flat_list(column.to_list(), place, categorical=categorical)
        if flat.kind == "nothing":
            return Flat("text", [None] * flat.n, flat.missing, flat.n, categorical)
        return flat
    if isinstance(dtype, nw.Decimal):
        column, dtype = column.cast(nw.Float64), nw.Float64()
    if dtype.is_numeric():
        if dtype.is_integer() and column.null_count():
            return flat_list(column.to_list(), place)
        return flat_array(np.asarray(column.to_numpy()), place)
    if isinstance(dtype, (nw.Boolean, nw.Object, nw.Unknown)):
        return flat_list(column.to_list(), place)
    raise _refusal(place, dtype)


def _refusal(place: Place, dtype: Any) -> TypeError:
    return TypeError(
        f"{place(0)}, holds {dtype}, neither numbers nor categories: make "
        "numbers of it, such as the seconds since the step before, or leave the column out"
    )


def _join(parts: list[Flat], place: Place) -> Flat:
    """One column of several pieces, which may have been read as different kinds."""
    values: list[Any] = []
    for part in parts:
        if part.kind == "nothing":
            values += [None] * part.n
        elif part.kind == "text" or part.missing is None:
            values += part.values if part.kind == "text" else part.values.tolist()
        else:
            values += [
                None if no else v
                for v, no in zip(part.values.tolist(), part.missing.tolist(), strict=True)
            ]
    flat = flat_list(values, place, categorical=any(part.categorical for part in parts))
    if flat.kind == "nothing" and any(part.kind == "text" for part in parts):
        return Flat("text", [None] * flat.n, flat.missing, flat.n, flat.categorical)
    return flat
