"""Numbers to be predicted at time steps as a user passes them in; the same, end to end, out.

A target that is NaN is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.callers import warn_caller
from elman.targets.checks import refuse_none
from elman.targets.masked import refuse_masked
from elman.targets.missing import is_missing, plain
from elman.targets.values import as_floats

Array = NDArray[Any]

UNKNOWN = "to say that a target is not known, make it NaN, as .filled(np.nan) does"
EXPECTED = (
    "pass a list with an array for each sample, (n_timesteps_i,) or (n_timesteps_i, n_targets), "
    "NaN where a target is not known"
)


def are_of_steps(
    y: Any, lengths: NDArray[np.int64], name: str = "y", *, readout_chosen: bool = False
) -> bool:
    """Whether targets are those of time steps, as far as `y` says; else they are of samples.

    They are of steps in a 3-D array, and in a list (or an array of objects) with an array for each
    sample that is 2-D, or as long as the sample; so are lists of unequal lengths, which can be
    nothing else. Numbers in a 2-D array, and lists of equally many, are targets of samples, as
    everywhere in scikit-learn. Where every sample has as many of them as time steps, the array and
    the 1-D arrays of a list are warned of, and lists of numbers are refused; unless a readout of
    samples was chosen, which says what they are, or a target is missing, as only one of steps may.

    Parameters
    ----------
    y : array-like
        As the user passed it.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample.
    name : str
        What messages call y.
    readout_chosen : bool
        Whether the user chose a readout of samples.

    Raises
    ------
    ValueError
        Lists of numbers that may be either.

    Warns
    -----
    UserWarning
        Arrays that may be either.
    """
    shape: Any = getattr(y, "shape", (0,))
    if len(shape) == 2 and not hasattr(y, "toarray"):
        n_columns = int(shape[1])
        as_many = n_columns > 1 and len(lengths) > 0 and bool((lengths == n_columns).all())
        if as_many and not readout_chosen:
            warn_caller(
                f"{name} has {n_columns} columns, and every sample has as many time steps: they "
                f"are taken for {n_columns} targets of each sample. If each is the target of a "
                "time step, set readout='every'; if not, a readout other than the default, such as "
                "'last', says so",
            )
        return False
    rows = _entries(y) if len(shape) == 1 else None
    if rows is None:
        return len(shape) == 3
    n_dims = {_n_dims(row) for row in rows}
    if n_dims != {1}:
        return max(n_dims) > 1
    counts = [int(row.shape[0]) if hasattr(row, "shape") else len(row) for row in rows]
    if len(set(counts)) > 1:
        return True
    if counts != lengths.tolist() or readout_chosen:
        return False
    if any(hasattr(row, "shape") for row in rows):
        if counts[0] > 1 and len(set(counts)) == 1 < len(counts) and not _any_missing(rows):
            warn_caller(
                f"{name} has an array of {counts[0]} numbers for each sample, and every sample has "
                "as many time steps: they are taken for the targets of time steps. If they are, "
                f"readout='every' says so; if they are {counts[0]} targets of each sample, pass "
                f"np.stack({name}), with a readout of samples such as 'last'",
            )
        return True
    if counts[0] > 1:
        raise ValueError(
            f"{name} has a list of {counts[0]} numbers for each sample, and every sample has as "
            "many time steps: set readout='every' if they are targets of time steps, or pass "
            f"np.asarray({name}) if they are targets of samples"
        )
    return False


def _any_missing(rows: list[Any]) -> bool:
    return any(bool(plain(row).missing.any()) for row in rows)


def check_step_values(
    y: Any, lengths: NDArray[np.int64], *, n_targets: int | None = None, name: str = "y"
) -> tuple[Array, bool]:
    """Numbers to be predicted at each time step, and whether there is one at each.

    Parameters
    ----------
    y : array-like
        A list (or array of objects) with an array for each sample, (n_timesteps_i,) or
        (n_timesteps_i, n_targets); or one array (n_samples, n_timesteps) or (n_samples,
        n_timesteps, n_targets), with NaN past the end of a shorter sample. NaN, None and pandas' NA
        say that a target is not known.
    lengths : ndarray of shape (n_samples,)
        Steps of each sample.
    n_targets : int, optional
        How many there are to be.
    name : str
        What errors call y.

    Returns
    -------
    values : ndarray of shape (total_steps, n_targets), float64
        Samples end to end; NaN where a target is not known.
    one_target : bool
        Whether the arrays of y were (n_timesteps_i,).

    Raises
    ------
    TypeError
        They are not numbers.
    ValueError
        They are missing, masked, infinite, complex, of another number of samples, steps or targets,
        or not one is known.
    """
    refuse_none(y, name, "RNNRegressor", "a target for each time step")
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is a sparse {type(y).__name__}: pass {name}.toarray()")
    refuse_masked(y, name, UNKNOWN)
    X = "X_val" if name == "y_val" else "X"
    is_array = len(getattr(y, "shape", (0,))) > 1
    rows = [*np.asarray(y)] if is_array else _entries(y)
    if rows is None:
        raise ValueError(
            f"{name} has no targets of time steps, but one for each sample: {EXPECTED}"
        )
    if len(rows) != len(lengths):
        raise ValueError(
            f"{name} has targets of {len(rows)} sample(s), but {X} has {len(lengths)}: {EXPECTED}"
        )
    arrays = []
    for i, (row, length) in enumerate(zip(rows, lengths.tolist(), strict=True)):
        array = _of_sample(row, f"{name}[{i}]")
        if is_array and len(array) > length and np.isnan(array[length:]).all():
            array = array[:length]
        if len(array) != length:
            raise ValueError(
                f"{name}[{i}] has {len(array)} target(s), but {X}[{i}] has {length} time step(s): "
                f"{EXPECTED}; or as many targets for every sample, if they are not of time steps"
            )
        arrays.append(array)
    one_target = all(array.ndim == 1 for array in arrays)
    width = _width(arrays, name) or n_targets or 1
    if n_targets is not None and width != n_targets:
        raise ValueError(
            f"{name} has {width} target(s) at each time step, but there were {n_targets} in "
            "training"
        )
    values = np.concatenate([array.reshape(len(array), width) for array in arrays])
    _refuse_infinite(values, lengths, name)
    if np.isnan(values).all():
        raise ValueError(f"{name} has no known target: at least one must be a number")
    return values, one_target


def refuse_unknown_target(values: Array, name: str) -> None:
    """Raise ValueError if one of several targets of time steps is known at none of them."""
    never = np.flatnonzero(np.isnan(values).all(axis=0))
    if len(never):
        raise ValueError(
            f"{name} has no known value of target {never[0]}, of {values.shape[1]}: leave that "
            "target out, or pass samples for which it is known"
        )


def _entries(y: Any) -> list[Any] | None:
    """What `y`, which is no array of numbers, has for each sample; None if it is one number."""
    if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
        return None
    if not isinstance(y, (list, tuple)):
        array = np.asarray(y)
        if array.dtype != object or array.ndim != 1:
            return None
        y = array.tolist()
    if set(map(type, y)) <= {float, int}:  # which may be millions
        return None
    return [*y] if any(map(_n_dims, y)) else None


def _n_dims(row: Any) -> int:
    """Axes of an array, or of nested lists by their first entries."""
    if isinstance(row, (list, tuple)):
        return 1 + max(map(_n_dims, row[:1]), default=0)
    return len(getattr(row, "shape", ()))


def _of_sample(row: Any, place: str) -> Array:
    """The targets of a sample's steps: (n_timesteps,) or (n_timesteps, n_targets), float64."""
    try:
        array = np.asarray(row)
    except ValueError as error:
        raise ValueError(
            f"{place} has steps of unequal numbers of targets: pass as many for every step, NaN "
            "where one is not known"
        ) from error
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise ValueError(f"{place} has shape {array.shape}: {EXPECTED}")
    if array.dtype == np.float64:
        return array
    return as_floats(without_na(array), place, "RNNTagger")


def without_na(array: Array) -> Array:
    """An array with NaN for what is missing, if it is one of objects; else the same."""
    if array.dtype != object:
        return array
    values = [np.nan if is_missing(value) else value for value in array.flat]
    return np.array(values, object).reshape(array.shape)


def _width(arrays: list[Array], name: str) -> int | None:
    """How many targets there are at each step; None where there is no step."""
    first: dict[tuple[int, ...], int] = {}
    for i, array in enumerate(arrays):
        if len(array):
            first.setdefault(array.shape[1:], i)
    if len(first) > 1:
        (one, i), (other, k) = [*first.items()][:2]
        raise ValueError(
            f"{name}[{i}] has {_targets(one)} at each time step, but {name}[{k}] has "
            f"{_targets(other)}: pass arrays of as many columns, or all 1-D"
        )
    return next((shape[0] if shape else 1 for shape in first), None)


def _targets(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} column(s)" if shape else "a number"


def _refuse_infinite(values: Array, lengths: NDArray[np.int64], name: str) -> None:
    bad = np.argwhere(np.isinf(values))
    if not len(bad):
        return
    row, target = bad[0].tolist()
    ends = np.cumsum(lengths)
    sample = int(np.searchsorted(ends, row, side="right"))
    step = row - int(ends[sample] - lengths[sample])
    which = f", target {target}" if values.shape[1] > 1 else ""
    raise ValueError(
        f"{name} contains infinity: sample {sample}, time step {step}{which} is "
        f"{values[row, target]}. Correct it, or make it NaN if it is not known"
    )
