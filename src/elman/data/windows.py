"""Time series in; windows of them, and what came after each window, out: forecasting."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.validation import check_sequences
from elman.targets.checks import visible
from elman.targets.step_values import without_na

Array = NDArray[Any]


def windows(
    series: Any,
    length: int,
    horizon: int | Sequence[int] = 1,
    *,
    step: int = 1,
    target: Any = None,
) -> tuple[Array, Array]:
    """Cut time series into windows, each with the values that follow it.

    A window is a sample of `length` steps, and its targets are values that come after its last
    step, so that `RNNRegressor` learns to forecast.

    Windows overlap. To test what was learned, split the series in time and cut each part by itself:
    of windows split at random, those to test on share their values with those to train on.

    Parameters
    ----------
    series : array-like of shape (n_timesteps,) or (n_timesteps, n_features), or list of them
        A series, also as a data frame; or several, of which no window holds values of two. All
        features are in the windows.
    length : int
        Steps of a window.
    horizon : int or sequence of int, default=1
        How many of the next values to forecast; or how many steps after the end of a window, as in
        [1, 7, 30]. [7] is the seventh alone.
    step : int, default=1
        Steps between the beginnings of two windows: `length` makes windows that do not overlap.
    target : int or str, or list of them, optional
        The features to forecast: numbers of columns, or names in a data frame. All by default.

    Returns
    -------
    X : ndarray of shape (n_windows, length, n_features)
        Series after series, in the order of time; float32 if that holds what is of the series'
        type, else float64. Of a single series whose values to forecast are all known it is a view,
        which takes no memory of its own and cannot be written to.
    y : ndarray of shape (n_windows,) or (n_windows, n)
        A column for each step ahead of each target: those of the first step ahead come first, so
        that `y.reshape(len(y), -1, n_targets)` tells them apart. (n_windows,) if `horizon` is 1
        and there is one target.

    Raises
    ------
    TypeError, ValueError
        An argument that cannot be used, infinite values, or a series that is too short for a
        window.

    Notes
    -----
    NaN is a missing value. In X it stays, for `missing="mask"` or "skip" of an estimator. A window
    of which a value to forecast is missing is left out.

    Where as many values are forecast as a window has steps, y looks like targets of time steps:
    `RNNRegressor(readout="last")`, or another readout, says that they are not.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import windows
    >>> X, y = windows([1, 2, 3, 4, 5, 6], 3, 2)
    >>> X[:, :, 0]
    array([[1., 2., 3.],
           [2., 3., 4.]])
    >>> y
    array([[4., 5.],
           [5., 6.]])
    """
    length, step = _count("length", length), _count("step", step)
    ahead = _steps_ahead(horizon)
    several = _several(series)
    names = _names(several or [series])
    data = check_sequences(
        several or [_column(series)],
        name="series",
        dtype=None,
        estimator="windows",
        ensure_min_timesteps=0,
        missing="keep",
    )
    columns = _columns(target, names, data.n_features)
    needed = length + max(ahead)
    parts = []
    for i, values in enumerate(data):
        if len(values) < needed:
            which = f"series[{i}]" if several else "series"
            raise ValueError(
                f"{which} has {len(values)} time step(s), but a window of length={length} and what "
                f"is {max(ahead)} step(s) ahead of it take {needed}: choose a smaller length or "
                "horizon, or leave the series out"
            )
        parts.append(_cut(values, length, ahead, step, columns))
    X, y = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    known = ~np.isnan(y).any(axis=1)
    if not known.any():
        raise ValueError(
            "every window is followed by a missing value (NaN), so that there is nothing to "
            "forecast: fill the gaps of the series, or choose a target without gaps"
        )
    if not known.all():
        X, y = X[known], y[known]
    return X, y[:, 0] if y.shape[1] == 1 and isinstance(horizon, numbers.Integral) else y


def _cut(
    values: Array, length: int, ahead: list[int], step: int, columns: list[int]
) -> tuple[Array, Array]:
    """Windows of one series, a view, and the values ahead of each, (n_windows, n)."""
    n_windows = (len(values) - length - max(ahead)) // step + 1
    seen = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    X = seen[: n_windows * step : step].transpose(0, 2, 1)
    last = np.arange(n_windows) * step + length - 1
    y = values[last[:, np.newaxis] + ahead][:, :, columns]
    return X, y.reshape(n_windows, -1)


def _several(series: Any) -> list[Any] | None:
    """The series, each (n_timesteps, n_features), if there are several; None for a single one."""
    if isinstance(series, np.ndarray) and (series.ndim == 3 or series.dtype == object):
        series = [*series]
    if not isinstance(series, (list, tuple)) or not series:
        return None
    first = series[0]
    if len(getattr(first, "shape", ())) or (
        isinstance(first, (list, tuple)) and first and isinstance(first[0], (list, tuple))
    ):
        return [_column(one) for one in series]
    return None


def _column(series: Any) -> Any:
    """A 1-D series as one of one feature; anything else as it is."""
    if len(getattr(series, "shape", (0, 0))) == 1:
        return without_na(np.asarray(series))[:, np.newaxis]
    if isinstance(series, (list, tuple)):
        nested = any(np.ndim(value) for value in series[:1])
        return series if nested else without_na(np.asarray(series))[:, np.newaxis]
    if not hasattr(series, "shape"):
        raise TypeError(
            f"series is {series!r:.60}, a {type(series).__name__}; expected an array of shape "
            "(n_timesteps,) or (n_timesteps, n_features), or a list of such arrays"
        )
    return series


def _count(name: str, value: Any) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r}; it must be a whole number of steps, at least 1")
    if value < 1:
        raise ValueError(f"{name}={value!r}; it must be at least 1")
    return int(value)


def _steps_ahead(horizon: Any) -> list[int]:
    """How many steps after the end of a window each value is."""
    if isinstance(horizon, (list, tuple, range, np.ndarray)) and len(horizon):
        ahead = [_count(f"horizon[{i}]", each) for i, each in enumerate(horizon)]
        if len(set(ahead)) < len(ahead):
            raise ValueError(f"horizon={ahead} names a step twice")
        return ahead
    return [*range(1, _count("horizon", horizon) + 1)]


def _names(several: list[Any]) -> list[Any]:
    """Names of the columns of data frames, which must be the same; of anything else nothing."""
    names = [[*getattr(s, "column_names", getattr(s, "columns", []))] for s in several]
    for i, each in enumerate(names):
        if each != names[0]:
            raise ValueError(
                f"series[{i}] has the columns {each[:20]}, but series[0] {names[0][:20]}: pass the "
                "same columns in the same order"
            )
    return names[0]


def _columns(target: Any, names: list[Any], n_features: int) -> list[int]:
    """The numbers of the features to forecast."""
    if target is None:
        return [*range(n_features)]
    chosen = target if isinstance(target, (list, tuple)) else [target]
    columns = []
    for each in chosen:
        if isinstance(each, str):
            if each not in names:
                known = ", ".join(map(visible, names[:20])) or "no names"
                raise ValueError(f"target={each!r} is no column of the series, which has {known}")
            each = names.index(each)
        elif not isinstance(each, numbers.Integral) or isinstance(each, bool):
            raise TypeError(f"target={each!r}; it must be the number or the name of a column")
        if not -n_features <= each < n_features:
            raise ValueError(f"target={each!r}, but the series has {n_features} column(s)")
        columns.append(int(each) % n_features)
    if not columns or len(set(columns)) < len(columns):
        raise ValueError(f"target={target!r} names a column twice, or none")
    return columns
