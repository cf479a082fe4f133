"""(sample, feature, time) arrays in, the (sample, time, feature) layout of this package out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
