"""Arrays of other layouts in, channels first or padded; the layout of this package out.

And what sees by shapes and values that an array may be of another layout, to say so.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.targets.callers import warn_caller
from elman.targets.checks import listed
from elman.targets.masked import refuse_masked

Array = NDArray[Any]

LEAST_FEATURES = 24
"""As many features at least are taken for time steps."""
MOST_COLUMNS = 16
"""Columns of a table that may be called as features by mistake; wider ones are of time steps."""
LOOKED_AT = 1 << 16
"""Values whose order is looked at."""
MASKED = "make them NaN with .filled(np.nan)"
"""What is said of masked values in a padded array."""

# Channels first


def from_channels_first(X: Any) -> NDArray[Any] | list[NDArray[Any]]:
    """Swap the last two axes: from sktime's and aeon's layout to the one used here.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features, n_timesteps), or sequence of arrays of shape \
(n_features, n_timesteps_i)

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features), or list of arrays of shape \
(n_timesteps_i, n_features)
        C-contiguous copies, in the dtype of the input. A list or an object array gives a list.

    Raises
    ------
    ValueError
        If an array has another number of dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from_channels_first(np.zeros((3, 2, 5))).shape
    (3, 5, 2)
    """
    if isinstance(X, (list, tuple)) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    ):
        return [_turned(sample, 2, f"X: sample {i}") for i, sample in enumerate(X)]
    return _turned(X, 3, "X")


def _turned(X: Any, n_dims: int, place: str) -> NDArray[Any]:
    array: NDArray[Any] = np.asanyarray(X)
    if array.ndim != n_dims:
        expected = (
            "(n_samples, n_features, n_timesteps)" if n_dims == 3 else "(n_features, n_steps)"
        )
        raise ValueError(f"{place} has shape {array.shape}; expected {expected}")
    turned: NDArray[Any] = np.swapaxes(array, -1, -2).copy(order="C")
    return turned


def warn_of_features_as_steps(data: Sequences) -> None:
    """Warn of a table to train on whose columns are called as features are, not as time steps.

    A table alone is one feature over time, a row for each sample and a column for each step. A long
    table, a row for each time step of some recording, looks the same and would be read so too.
    There is a warning if it has 2 to 16 columns, all of which have names without a digit, and ten
    times as many rows or more. Steps that are called by words, such as months, are the false alarm
    to be expected.
    """
    names = data.feature_names
    if not data.two_d or names is None or not 2 <= len(names) <= MOST_COLUMNS:
        return
    if len(data) < 10 * len(names) or any(any(map(str.isdigit, name)) for name in names):
        return
    warn_caller(
        f"X is a table with the columns {listed(names)}, each row of which is read as a sequence "
        f"of {len(names)} time steps of one feature. If its columns are features and its rows time "
        "steps, elman.data.from_table makes sequences of it; if not, X.to_numpy() says so without "
        "this warning",
    )


def warn_of_channels_first(data: Sequences) -> None:
    """Warn of sequences to train on that look like (n_samples, n_features, n_timesteps).

    No shape is certain: an array (40, 6, 100) may hold 6 channels of 100 time steps, or 6 steps of
    100 features. So values are looked at as well. Let r be the correlation of neighbours along an
    axis, each feature standardised. There is a warning if all sequences are of one length, a step
    has at least 24 values, and

    - it has 4 times as many values as there are steps or more, and they are smooth: r is above 0.5
      from one value to the next, and above what it is from step to step. Signals over time are, as
      are spectra of but a few steps, which are the false alarm to be expected; features of an
      embedding, a picture or a table are not.
    - or all values are noise, and the shape leaves little doubt: 2 to 8 steps, 16 times as many
      values, no order along either axis (both r below 0.2), no features that go together (those of
      embeddings do), hardly a zero (one-hot codes and counts have many). A single step of a wide
      embedding has no warning, nor have 29 steps of 768 features.
    """
    n_timesteps, n_features = data.n_timesteps, data.n_features
    if data.two_d or not n_timesteps or n_features < max(LEAST_FEATURES, 4 * n_timesteps):
        return
    n_looked = max(2, LOOKED_AT // (n_timesteps * n_features))
    every = -(-len(data) // n_looked)
    X = data.rows(np.arange(0, len(data), every)).astype(np.float64)
    X = X.reshape(-1, n_timesteps, n_features)
    n_zeros = np.count_nonzero(X == 0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a feature that is never observed
        X -= np.nanmean(X, axis=(0, 1))
        X /= np.nanstd(X, axis=(0, 1))
    X[~np.isfinite(X)] = 0
    over_features = _correlation(X - X.mean(axis=2, keepdims=True), 2)
    over_steps = _correlation(X, 1)
    smooth = over_features > max(0.5, over_steps)
    narrow = 2 <= n_timesteps <= 8 and n_features >= 16 * n_timesteps
    unordered = max(abs(over_features), abs(over_steps)) < 0.2
    n_zeros = max(n_zeros, np.count_nonzero(X == 0))  # those of features that are constant
    if smooth or (narrow and unordered and 10 * n_zeros < X.size and not _go_together(X)):
        warn_caller(
            f"X is read as {n_timesteps} time step(s) of {n_features} features, but looks like "
            f"(sample, feature, time), {n_timesteps} feature(s) of {n_features} time steps each: "
            "if it is, convert it with elman.data.from_channels_first(X), here and in predict",
        )


def _correlation(X: Array, axis: int) -> float:
    """Correlation of each value with the next along an axis, of values around 0."""
    X = np.moveaxis(X, axis, -1)
    left, right = X[..., :-1], X[..., 1:]
    scale = np.sqrt((left * left).sum() * (right * right).sum())
    return float((left * right).sum() / scale) if scale > 0 else 0.0


def _go_together(X: Array) -> bool:
    """Whether features far apart are correlated more than those of noise.

    The square of the correlation in n rows of noise is 1 / n on average.
    """
    rows = X.reshape(-1, X.shape[2])
    half = rows.shape[1] // 2
    correlations = (rows[:, :half] * rows[:, half : 2 * half]).mean(axis=0)
    return bool((correlations**2).mean() > 2 / len(rows))


# Padding


def unpad(X: Any, value: float = np.nan) -> list[Any]:
    """The sequences of a padded array, each without its padding.

    Only time steps at a sequence's end at which every feature is `value` are left out: a missing
    value within a sequence stays.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps), or \
list of arrays or data frames of shape (n_timesteps, n_features)
        A 2-D array has one feature.
    value : float, default=nan
        What X is padded with. If it is a number that sequences hold as well, such as 0, those that
        truly end with it lose their last steps; NaN is safe from that.

    Returns
    -------
    list of ndarray of shape (n_timesteps_i, n_features), or of data frames
        Views of X. A sequence of nothing but padding has no time steps.

    Raises
    ------
    TypeError
        If X is not made of numbers, or `value` is none.
    ValueError
        If X has another number of dimensions, or a masked value.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[[1.0], [2.0], [np.nan]], [[3.0], [np.nan], [np.nan]]])
    >>> [x.ravel().tolist() for x in unpad(X)]
    [[1.0, 2.0], [3.0]]
    """
    refuse_masked(X, "X", MASKED)
    if not isinstance(value, numbers.Real):
        raise TypeError(f"value is {value!r}; it must be the number that X is padded with, or NaN")
    if isinstance(X, (list, tuple)) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    ):
        return [_without_padding(x, value, f"X: sample {i}") for i, x in enumerate(X)]
    array: Array = np.asarray(X)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"X has shape {array.shape}; expected (n_samples, n_timesteps, n_features), "
            "(n_samples, n_timesteps) of one feature, or a list of padded arrays"
        )
    return [_without_padding(x, value, f"X: sample {i}") for i, x in enumerate(array)]


def _without_padding(x: Any, value: float, place: str) -> Any:
    array: Array = np.asarray(x)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if isinstance(x, (list, tuple)) or np.ndim(x) == 1:
        x = array
    if array.ndim != 2:
        raise ValueError(f"{place} has shape {array.shape}; expected (n_timesteps, n_features)")
    if array.dtype.kind not in "fiubO":
        raise TypeError(f"{place} has dtype {array.dtype}; padding is told from numbers")
    if array.dtype == object:
        array = array.astype(np.float64)
    padding = np.isnan(array) if np.isnan(value) else array == value
    kept = np.flatnonzero(~padding.all(axis=1))
    length = int(kept[-1]) + 1 if len(kept) else 0
    if array.shape[1] == 0:
        length = len(array)
    return x.head(length) if hasattr(x, "head") else x[:length]


def padding_hint(data: Sequences, name: str) -> str:
    """What an error about NaN adds if all of it is padding; else nothing.

    Padding is NaN in every feature from some step of a sequence to its end, and nowhere else.
    """
    missing = np.empty(data.n_steps, bool)
    start = 0
    for block in data.blocks():
        of_block = np.isnan(block)
        missing[start : start + len(block)] = of_block[:, 0]
        if (of_block != of_block[:, :1]).any():
            return ""
        start += len(block)
    goes_on = np.ones(max(data.n_steps - 1, 0), bool)  # whether the next step is of the same sample
    borders = data.offsets[1:-1]
    goes_on[borders[(borders > 0) & (borders < data.n_steps)] - 1] = False
    begins = goes_on & ~missing[:-1] & missing[1:]
    if not begins.any() or (goes_on & missing[:-1] & ~missing[1:]).any():
        return ""
    n_padded = len(np.unique(np.searchsorted(data.offsets, np.flatnonzero(begins), side="right")))
    call = f"elman.data.unpad({name})" if name.isidentifier() else "elman.data.unpad, in Python,"
    return (
        f"All NaN are at the ends of sequences ({n_padded} of {len(data)} have some), in every "
        f"feature: if they are padding, {call} makes a list of sequences without it. If they are "
        "missing values: "
    )
