"""A time step by name, as a row or for several streams as a table, in; its values in order, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.frames import NULLS, is_frame, is_of, plain_series, read_frame
from elman.data.names import Labels, Names, check_names, listed, names_of
from elman.targets.checks import shown

PLAIN = frozenset({np.ndarray, float, int, np.float64, np.float32})
"""Types that have no names, looked at first because most steps are of them."""


def by_position(
    x: Any, names: Names | None, *, name: str, estimator: str, n: int | None, of_steps: bool
) -> Any:
    """The values of a time step in the order of training, if it says them by name.

    Parameters
    ----------
    x : object
        A mapping, a named tuple, a pandas series whose index is of strings, or another row with
        `keys`; a data frame with a row for each stream; a list of rows, one for each of n streams.
        Anything else is returned as it is.
    names : tuple of str or None
        The features of the model, in order; None if it was trained without names.
    name, estimator : str
        What errors call x, and the model.
    n : int or None
        Streams side by side; None for one, which has no axis.
    of_steps : bool
        Whether the model was trained on a 2-D X, whose names are of time steps: then x has one
        feature, without a name.

    Returns
    -------
    object
        Values of shape (n_features,) or (n, n_features), NaN for those that are missing.

    Raises
    ------
    TypeError
        A value is text, or a column of the table is no number.
    ValueError
        A name is missing, unknown, or there twice; or the model has no names.

    Warns
    -----
    UserWarning
        Columns or fields have names, and the model was trained without any.
    """
    kind = type(x)
    if kind in PLAIN:
        return x
    if kind is list or kind is tuple:
        if n is None or not x or type(x[0]) in PLAIN or row_of(x[0]) is None:
            return x
        return [
            _values(each, names, f"{name}: stream {i}", estimator, of_steps)
            for i, each in enumerate(x)
        ]
    if is_frame(x):
        return _of_frame(x, names, name, estimator, n, of_steps)
    return _values(x, names, name, estimator, of_steps)


def _of_frame(
    frame: Any, names: Names | None, name: str, estimator: str, n: int | None, of_steps: bool
) -> Any:
    values, labels = read_frame(frame, name)
    if n is None and len(values) != 1:
        raise ValueError(
            f"{name} is a table of {len(values)} rows, and one stream reads one time step in each "
            "call: pass its rows one by one, or make a stream of n sequences, stream(n)"
        )
    seen = None if of_steps else names_of(labels, name)
    if seen is not None:
        values = values[:, order_of(seen, names, name, estimator)]
    return values[0] if n is None else values


def row_of(x: Any) -> tuple[Labels, Sequence[Any], bool] | None:
    """What a row calls its values, the values, and whether they have an order; or None."""
    if isinstance(x, Mapping):
        return tuple(x), list(x.values()), False
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return tuple(x._fields), x, True
    if isinstance(x, np.void) and x.dtype.names is not None:
        return x.dtype.names, x.item(), True
    if is_of(type(x), "pandas", "Series"):
        return tuple(x.index), list(x), True
    if hasattr(x, "keys") and hasattr(x, "__getitem__"):
        keys = tuple(x.keys())
        return keys, [x[key] for key in keys], False
    return None


def _values(x: Any, names: Names | None, place: str, estimator: str, of_steps: bool) -> Any:
    """The values of one row in the order of training; x itself if it has no names."""
    row = row_of(x)
    if row is None:
        return x
    labels, values, ordered = row
    if ordered and (of_steps or not all(isinstance(label, str) for label in labels)):
        return plain_series(x, place)
    if not ordered and (of_steps or names is None):
        why = "trained on a 2-D X, whose names are of time steps" if of_steps else ""
        why = why or "trained without feature names"
        raise ValueError(
            f"{place} is a {type(x).__name__}, whose values have names, but {estimator} was {why}: "
            "pass the values in the order of training"
        )
    order = order_of(labels, names, place, estimator)
    return [_number(values[i], labels[i], place) for i in order]


def order_of(seen: Labels, names: Names | None, place: str, estimator: str) -> list[int]:
    """Where the value of each feature stands among those of a row."""
    if names is None:
        check_names(seen, None, name=place, sample=None, estimator=estimator)  # which warns
        return [*range(len(seen))]
    at = {label: i for i, label in enumerate(seen)}
    missing = [each for each in names if each not in at]
    unknown = [each for each in at if each not in names]
    twice = [each for i, each in enumerate(seen) if each in names and at[each] != i]
    wrong = [f"has no {listed(missing)}"] * bool(missing)
    wrong += [f"has {listed(unknown)}, which is unknown"] * bool(unknown)
    wrong += [f"has {listed(twice)} twice"] * bool(twice)
    if wrong:
        hint = ": iterate by itertuples(index=False)" if unknown == ["Index"] else ""
        raise ValueError(
            f"{place} {' and '.join(wrong)}; {estimator} was trained on {listed(names)}{hint}"
        )
    return [at[each] for each in names]


def _number(value: Any, label: Any, place: str) -> Any:
    """A value of a row: NaN for one that is missing, an error for text and what is no scalar."""
    if type(value).__name__ in NULLS:
        return np.nan
    if isinstance(value, (str, bytes)):
        raise TypeError(
            f"{place}: {shown(label)} is {shown(value)}, a {type(value).__name__}: convert it to a "
            "number"
        )
    if np.ndim(value) != 0:
        raise ValueError(
            f"{place}: {shown(label)} has shape {np.shape(value)}: it must be one number. Pass "
            "steps of several streams as a table with a row for each, or as a list of rows"
        )
    return value
