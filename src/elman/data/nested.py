"""pandas frames that hold whole sequences in; a list with one frame for each sequence out.

Two forms are in use: a frame with a row for each sequence whose cells are series (sktime's nested
frames), and a frame with a row for each time step whose index says (instance, time). pandas is not
imported: all that is used of it is methods of the caller's own frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dims import NAMES
from elman.targets.checks import visible

Array = NDArray[Any]

ORDERED = frozenset(
    {
        "integer",
        "floating",
        "mixed-integer-float",
        "decimal",
        "boolean",
        "datetime64",
        "datetime",
        "date",
        "time",
        "timedelta64",
        "timedelta",
        "period",
    }
)
"""What pandas calls the values of an index whose order is that of time; text is not among them,
for it puts "10" before "2"."""


def is_pandas(X: Any) -> bool:
    """Whether X is a pandas data frame or series, or has their methods."""
    return hasattr(X, "iloc") and hasattr(X, "index")


def holds_sequences(X: Any, two_d: bool | None) -> bool:
    """Whether a pandas frame or series is more than a row of numbers for each sequence.

    `two_d`: whether the estimator was fitted on a 2-D X; an index of several levels is then no more
    than names for the rows.
    """
    by_instance = _has_instances(X) and two_d is not True
    if _is_series(X):
        return by_instance and X.dtype.kind in "fiub"
    return hasattr(X, "dtypes") and (by_instance or _is_nested(X))


def split_frame(X: Any, name: str, two_d: bool | None) -> list[Any]:
    """One frame for each sequence that a pandas frame holds, in either form."""
    nested = not _is_series(X) and _is_nested(X)
    return split_cells(X, name) if nested else split_by_instance(X, name, two_d=two_d)


def instance_ids(X: Any) -> Any:
    """The ids of the sequences of `split_frame`, in their order."""
    nested = not _is_series(X) and _is_nested(X)
    return X.index if nested else X.index.droplevel(-1).unique()


# A row for each time step


def split_by_instance(X: Any, name: str, *, two_d: bool | None = None) -> list[Any]:
    """One frame for each instance of a frame with an index (instance, time).

    Parameters
    ----------
    X : pandas.DataFrame or pandas.Series
        The last level of its index is time, the levels before it name the instance. The rows of
        instances may be interleaved.
    name : str
        What errors call X.
    two_d : bool, optional
        Whether the estimator was fitted on a 2-D X, if it was fitted.

    Returns
    -------
    list of pandas.DataFrame
        In the order in which the instances appear first.

    Raises
    ------
    ValueError
        An instance or a time is missing; a time is not a number or date, occurs twice in an
        instance, or comes before an earlier row's; or each instance has one row only, so that rows
        may as well be whole sequences.
    """
    index = X.index
    levels = [
        visible(level) if level is not None else f"level {i}" for i, level in enumerate(index.names)
    ]
    shown = f"{name} is a {type(X).__name__} with an index of levels ({', '.join(levels)})"
    missing = np.argwhere(np.column_stack([np.asarray(codes) for codes in index.codes]) < 0)
    if len(missing):
        row, level = missing[0].tolist()
        raise ValueError(f"{shown}: row {row} has no value at {levels[level]!r}; leave it out")
    _refuse_exchanged(X, name, shown, levels)
    times = index.levels[-1]
    if len(X) and times.inferred_type not in ORDERED:
        raise ValueError(
            f"{shown}: the last level is read as time, but holds values such as "
            f"{times[0]!r}, which have no order in time: make them numbers or dates"
        )
    instance, ids = index.droplevel(-1).factorize()
    if two_d is None and 0 < len(ids) == len(X):
        raise ValueError(
            f"{shown}, which is read as (instance, time), but every instance has one row: pass "
            f"{name}.to_numpy() if each row is a whole sequence of one feature, or "
            f"{name}.to_numpy()[:, np.newaxis] if it is the only time step of one"
        )
    rank = np.empty(len(times), np.int64)
    rank[np.asarray(times.argsort())] = np.arange(len(times))
    time = rank[np.asarray(index.codes[-1])]
    by_time = np.lexsort((time, instance))
    again = np.flatnonzero((np.diff(instance[by_time]) == 0) & (np.diff(time[by_time]) == 0))
    if len(again):
        first, second = sorted(by_time[again[0] : again[0] + 2].tolist())
        raise ValueError(
            f"{shown}: rows {first} and {second} are both {_shown(index[first])}; a time occurs "
            "once in a sequence, so leave one of them out"
        )
    order = np.argsort(instance, kind="stable")
    back = np.flatnonzero((np.diff(instance[order]) == 0) & (np.diff(time[order]) < 0))
    if len(back):
        first, second = order[back[0] : back[0] + 2].tolist()
        raise ValueError(
            f"{shown}: row {second}, {_shown(index[second])}, comes after row {first}, "
            f"{_shown(index[first])}, so that the rows are not in the order of time: pass "
            f"{name}.sort_index(), which also puts the instances in order (y must follow it)"
        )
    frame = X.to_frame() if _is_series(X) else X
    frame = frame.reset_index(drop=True)
    if (order[1:] < order[:-1]).any():
        frame = frame.iloc[order]
    ends = np.cumsum(np.bincount(instance, minlength=len(ids))).tolist()
    return [frame.iloc[start:end] for start, end in zip([0, *ends][:-1], ends, strict=True)]


def _refuse_exchanged(X: Any, name: str, shown: str, levels: list[str]) -> None:
    """Refuse an index (time, instance): dates that come before something that is none."""
    kinds = [getattr(level.dtype, "kind", "O") for level in X.index.levels]
    dated = [
        kind == "M" or level.inferred_type == "period"
        for kind, level in zip(kinds, X.index.levels, strict=True)
    ]
    named = [level.lower() in NAMES["time"] for level in levels]
    if (dated[0] and not dated[-1]) or (named[0] and not named[-1]):
        raise ValueError(
            f"{shown}: the last level is read as time, but {levels[0]!r} comes first: pass "
            f"{name}.swaplevel(0, -1)"
        )


# A row for each sequence


def split_cells(X: Any, name: str) -> list[Any]:
    """One frame for each row of a frame whose cells are sequences, a column for each feature.

    Parameters
    ----------
    X : pandas.DataFrame
        Its cells are 1-D: pandas series, arrays or lists.
    name : str
        What errors call X.

    Returns
    -------
    list of pandas.DataFrame
        Of shape (n_timesteps_i, n_features), with the columns of X.

    Raises
    ------
    ValueError
        A column holds single values, a cell is missing, or the cells of a row differ in length or
        in their index.
    """
    nested, columns = _nested_columns(X), [str(column) for column in X.columns]
    if not all(nested):
        single = columns[nested.index(False)]
        kept = [column for column, is_nested in zip(columns, nested, strict=True) if is_nested]
        raise ValueError(
            f"{name}: column {single!r} holds single values, but {kept[0]!r} a sequence in each "
            f"cell: pass those columns that hold sequences, {name}[{kept[:20]}]"
        )
    rows = [X.iloc[:, j].tolist() for j in range(len(columns))]
    arrays = [
        [_cell(cell, f"{name}: sample {i}, column {column!r}") for i, cell in enumerate(cells)]
        for column, cells in zip(columns, rows, strict=True)
    ]
    for i in range(len(X)):
        for j in range(1, len(columns)):
            if len(arrays[j][i]) != len(arrays[0][i]):
                raise ValueError(
                    f"{name}: sample {i} has {len(arrays[0][i])} time steps in column "
                    f"{columns[0]!r} but {len(arrays[j][i])} in column {columns[j]!r}: a sequence "
                    "has a value of every feature at every step (NaN where it is not known)"
                )
            if is_pandas(rows[0][i]) and is_pandas(rows[j][i]):
                first, other = rows[0][i].index, rows[j][i].index
                if first is not other and not first.equals(other):
                    raise ValueError(
                        f"{name}: sample {i} has another index in column {columns[0]!r} than in "
                        f"column {columns[j]!r}, so that its values are not of the same times: "
                        "give both the same index"
                    )
    values = np.column_stack([np.concatenate(column) for column in arrays])
    frame = type(X)(values, columns=X.columns)
    ends = np.cumsum([len(cell) for cell in arrays[0]]).tolist()
    return [frame.iloc[start:end] for start, end in zip([0, *ends][:-1], ends, strict=True)]


def _nested_columns(X: Any) -> list[bool]:
    """For each column of a frame whether the first cell that is not missing is a sequence."""
    found = []
    for j, dtype in enumerate(X.dtypes):
        cell = None
        if getattr(dtype, "kind", "O") == "O":
            column = X.iloc[:, j]
            cell = next((c for c in column if c is not None and c is not np.nan), None)
        found.append(isinstance(cell, (list, tuple)) or getattr(cell, "ndim", 0) == 1)
    return found


def _cell(cell: Any, place: str) -> Array:
    array = np.asarray(cell)
    if array.ndim != 1:
        seen = repr(cell)
        raise ValueError(
            f"{place} is {seen if len(seen) <= 60 else seen[:57] + '...'}, not a 1-D sequence: "
            "every cell holds the values of one feature, one for each time step"
        )
    return array


def _is_series(X: Any) -> bool:
    return hasattr(X, "dtype")


def _has_instances(X: Any) -> bool:
    """Whether the index of a pandas frame or series has several levels: (instance, time)."""
    return int(getattr(X.index, "nlevels", 1)) > 1


def _is_nested(X: Any) -> bool:
    """Whether a pandas frame has columns in whose cells there are sequences."""
    return len(X) > 0 and any(_nested_columns(X))


def _shown(key: tuple[Any, ...]) -> str:
    """An entry of an index, with NumPy's numbers as numbers."""
    return repr(tuple(k.item() if isinstance(k, np.generic) else k for k in key))
