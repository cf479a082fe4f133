"""X in; whether it has symbols, which have to be numbered before a network can take them, out.

Types answer, and no more values are looked at than it takes to know: the first one of a sequence
whose type may hold anything.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from elman.data.containers import is_grouped, keys_of_polars
from elman.data.frames import is_frame_type, is_of, type_of_categories
from elman.data.nested import holds_sequences, is_pandas
from elman.data.store.stored import Stored
from elman.data.symbols.asked import check_categorical_features, is_asked
from elman.data.symbols.flat import is_missing
from elman.data.symbols.raw import is_series, series_list

Verdict = bool | None
"""Whether a part of X has symbols; None if nothing in it tells."""


def has_symbols(X: Any, categorical_features: Any = "auto") -> bool:
    """Whether X is to be read by `Symbols`.

    Parameters
    ----------
    X : object
        Whatever a user passes.
    categorical_features : {"auto", "all"}, or list
        With anything but "auto" it decides alone.

    Returns
    -------
    bool
        True for text, also for a single str or bytes, of which `Symbols` says what is wrong
        (unless it is the path of something); for
        sequences of str; and for tables with a column of text or of a categorical type. False for
        numbers, which are not looked at, and for what is no X at all.
    """
    check_categorical_features(categorical_features)
    if not (isinstance(categorical_features, str) and categorical_features == "auto"):
        return is_asked(categorical_features)
    if isinstance(X, np.ndarray):
        return bool(_array(X))
    if isinstance(X, (str, bytes)):
        return not os.path.exists(X)  # of what is there, others say how to read it
    if X is None or isinstance(X, (Stored, numbers.Number)):
        return False
    if isinstance(X, (list, tuple)):
        return bool(getattr(X, "categorical", ())) or bool(_samples(X))
    if is_grouped(X):
        return bool(_grouped(X))
    if is_pandas(X) and holds_sequences(X, None):
        return bool(_frame(X)) if X.ndim == 2 else False
    if is_frame_type(type(X)):
        return False  # a table of numbers, or an error
    if is_series(X):
        return bool(_series(X, whole=True))
    if isinstance(X, Sequence) and not isinstance(X, memoryview):
        return bool(_samples(X))
    return False


def _array(X: Any) -> Verdict:
    kind = X.dtype.kind
    if kind in "UTS":
        return True
    if kind != "O":
        return False
    if X.ndim == 1:
        return _samples(X)
    if X.ndim == 2:
        return _values(X.flat)
    return _rows(X.reshape(-1, X.shape[-1])) if X.ndim == 3 else False


def _samples(samples: Iterable[Any]) -> Verdict:
    for sample in samples:
        verdict = _sample(sample)
        if verdict is not None:
            return verdict
    return None


def _sample(x: Any) -> Verdict:
    if isinstance(x, np.ndarray):
        if x.dtype.kind != "O":
            return x.dtype.kind in "UTS"
        return _values(x) if x.ndim == 1 else _rows(x) if x.ndim == 2 else False
    if isinstance(x, (str, bytes)):
        return True
    if isinstance(x, (list, tuple)):
        return _values(x)
    if is_missing(x):
        return None
    if isinstance(x, (numbers.Number, np.generic)):
        return False
    if is_frame_type(type(x)):
        return _frame(x)
    if is_series(x):
        return _series(x)
    return False


def _values(values: Iterable[Any]) -> Verdict:
    """Of tokens, or of rows, of which the first that is not missing tells."""
    for value in values:
        if isinstance(value, (str, bytes)):
            return True
        if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
            return _rows(values)
        if not is_missing(value):
            return False
    return None


def _rows(rows: Iterable[Any]) -> Verdict:
    """Of rows, column by column until each has had a value."""
    unknown: set[int] | None = None
    for row in rows:
        if isinstance(row, np.ndarray) and row.dtype.kind != "O":
            return row.dtype.kind in "UTS"
        if not isinstance(row, (list, tuple, np.ndarray)):
            return False
        if unknown is None:
            unknown = {*range(len(row))}
        for j in list(unknown):
            value = row[j] if j < len(row) else 0
            if isinstance(value, (str, bytes)):
                return True
            if not is_missing(value):
                unknown.discard(j)
        if not unknown:
            return False
    return None


def _frame(frame: Any) -> Verdict:
    if is_of(type(frame), "pandas", "DataFrame"):
        return _any(
            _pandas_column(dtype, lambda j=j: frame.iloc[:, j])
            for j, dtype in enumerate(frame.dtypes)
        )
    import narwhals.stable.v2 as nw

    try:
        schema = nw.from_native(frame).collect_schema()
    except Exception:  # of another library, such as two columns of one name: it has its own error
        return False
    return any(isinstance(d, (nw.String, nw.Categorical, nw.Enum)) for d in schema.values())


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    found: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            found = None
    return found


def _pandas_column(dtype: Any, column: Any) -> Verdict:
    if hasattr(dtype, "categories") or str(dtype).startswith("dictionary"):
        return True
    if isinstance(dtype, np.dtype):
        return _values(column()) if dtype.kind == "O" else False
    return dtype.type is str


def _series(X: Any, *, whole: bool = False) -> Verdict:
    """Of a column: a sample of tokens, or all of X, each of whose values is a sample."""
    dtype = getattr(X, "dtype", getattr(X, "type", None))
    if type_of_categories(X) is not None:
        return True
    if is_pandas(X) or hasattr(dtype, "na_value"):
        if isinstance(dtype, np.dtype) and dtype.kind != "O":
            return False
        if getattr(dtype, "type", None) is str:
            return True
        return _samples(X) if whole else _values(X)
    word = str(dtype).lower()
    if word.startswith(("int", "uint", "float", "bool", "double", "halffloat", "decimal")):
        return False
    if any(kind in word for kind in ("str", "utf8", "categorical", "enum", "dictionary")):
        return True
    values = series_list(X)
    return _samples(values) if whole else _values(values)


def _grouped(X: Any) -> Verdict:
    """Of groups of a data frame: the columns that they are grouped by do not count."""
    if hasattr(X, "maintain_order"):
        if not hasattr(X, "df"):
            return False
        chosen = [name for name in X.df.columns if name not in keys_of_polars(X)]
        return _frame(X.df.select(chosen)) if chosen else False
    keys: frozenset[Any] = getattr(X, "exclusions", frozenset())
    for _, group in X:  # which have the columns that were selected, as X.obj has not
        if group.ndim == 1:
            verdict = _pandas_column(group.dtype, lambda group=group: group)
        else:
            chosen = [j for j, label in enumerate(group.columns) if label not in keys]
            verdict = _frame(group.iloc[:, chosen]) if chosen else False
        if verdict is not None:
            return verdict
    return None
