"""Numbers to be predicted as a user passes them in; an array of float64 out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import (
    check_length,
    listed,
    refuse_missing,
    refuse_none,
    refuse_not_finite,
)
from elman.targets.masked import refuse_masked
from elman.targets.missing import plain

Array = NDArray[Any]


def check_values(y: Any, n_samples: int, *, n_targets: int | None = None, name: str = "y") -> Array:
    """Numbers to be predicted, (n_samples,) or (n_samples, n_targets) float64.

    Raises
    ------
    TypeError
        They are not numbers.
    ValueError
        They are missing, masked, NaN, infinite, complex, or as many as neither samples nor
        `n_targets`.
    """
    refuse_none(y, name, "RNNRegressor", "one number for each sample, or one for each target")
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is a sparse {type(y).__name__}: pass {name}.toarray()")
    refuse_masked(y, name)
    try:
        found = plain(y)
    except ValueError as error:
        raise ValueError(
            f"{name} has entries of unequal lengths: pass as many numbers for every sample, "
            "one for each target (n_samples, n_targets), and none for time steps"
        ) from error
    refuse_missing(
        found, name, "RNNRegressor needs a number for every sample", "leave that sample out"
    )
    values = as_floats(found.values, name, "RNNClassifier")
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] == 0):
        raise ValueError(
            f"{name} has shape {values.shape}: pass a 1d array (n_samples,), or "
            "(n_samples, n_targets)"
        )
    refuse_not_finite(values, name)
    check_length(len(values), n_samples, name, "value")
    n_found = 1 if values.ndim == 1 else values.shape[1]
    if n_targets is not None and n_found != n_targets:
        raise ValueError(
            f"{name} has {n_found} target(s) for each sample, but there were {n_targets} in "
            "training"
        )
    return values


def as_floats(array: Array, name: str, for_labels: str) -> Array:
    """An array of numbers as float64: a copy.

    Parameters
    ----------
    array : ndarray
    name : str
        What errors call it.
    for_labels : str
        The estimator that takes labels, which an error recommends.

    Raises
    ------
    TypeError, ValueError
        They are no numbers, complex, or beyond float64.
    """
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}")
    strings = array.dtype.kind in "USO" and any(isinstance(v, (str, bytes)) for v in array.flat)
    try:
        if strings or array.dtype.kind in "mM":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} has dtype {array.dtype} and begins with {listed(array.ravel()[:1])}: pass "
            f"numbers; {for_labels} takes labels"
        ) from error
    except OverflowError as error:
        raise ValueError(f"{name} holds a number beyond float64 ({error}): rescale it") from error
