"""xarray's arrays with named axes in; NumPy's, with the axes where they belong, or an error out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NAMES = {
    "sample": {"batch", "case", "id", "instance", "n_samples", "recording", "sample", "trial"},
    "time": {"date", "datetime", "n_timesteps", "step", "t", "time", "time_step", "timestamp"}
    | {"timestep"},
    "feature": {"band", "channel", "feature", "n_channels", "n_features", "variable"},
}
"""What the axes of each role are called, in lower case and the singular."""


def is_data_array(X: Any) -> bool:
    """Whether X is an xarray.DataArray, or has its axes with names."""
    return hasattr(X, "dims") and hasattr(X, "transpose") and hasattr(X, "__array__")


def is_data_set(X: Any) -> bool:
    """Whether X is an xarray.Dataset: several arrays with named axes."""
    return hasattr(X, "dims") and hasattr(X, "to_array") and hasattr(X, "data_vars")


def from_data_array(X: Any, place: str, *, sample: bool = False) -> Array:
    """The values of an array with named axes.

    Parameters
    ----------
    X : xarray.DataArray
        Axes in the order (sample, time, feature), or (sample, time) of one feature. Names that are
        not known are taken by their position.
    place : str
        What errors call it.
    sample : bool, default=False
        Whether it is one sample of a list: (time, feature).

    Raises
    ------
    ValueError
        The name of an axis, or a coordinate of dates, says that it lies elsewhere.
    """
    roles = ("time", "feature") if sample else ("sample", "time", "feature")
    dims = [str(dim) for dim in X.dims]
    if X.ndim not in (2, len(roles)):
        return np.asarray(X)  # for which there is an error about the number of its axes
    known = {role: _find(X, dims, role) for role in roles}
    wanted = roles[: X.ndim]
    if not sample and X.ndim == 2 and known["time"] == 0:
        other = repr(dims[1])
        raise ValueError(
            f"{place} is a DataArray with the dimensions ({', '.join(dims)}), where (sample, time) "
            f"is expected of one feature: pass {_named(place)}.transpose({other}, {dims[0]!r}) if "
            f"each {dims[1]} is a sequence, or {_named(place)}.expand_dims('sample') if all of it "
            "is one recording"
        )
    if any(
        at is not None and at != wanted.index(role) for role, at in known.items() if role in wanted
    ):
        order = _order(dims, {role: known[role] for role in wanted}, wanted)
        raise ValueError(
            f"{place} is a DataArray with the dimensions ({', '.join(dims)}), where "
            f"({', '.join(wanted)}) is expected: pass "
            f"{_named(place)}.transpose({', '.join(map(repr, order))})"
        )
    return np.asarray(X)


def feature_labels(X: Any, *, sample: bool = False) -> tuple[str, ...] | None:
    """The names of the features of an array with named axes: its last coordinates, if texts.

    Parameters
    ----------
    X : xarray.DataArray
    sample : bool, default=False
        Whether it is one sample of a list.
    """
    if X.ndim != (2 if sample else 3) or X.dims[-1] not in getattr(X, "coords", ()):
        return None
    labels = np.asarray(X.coords[X.dims[-1]]).tolist()
    return tuple(labels) if labels and all(isinstance(label, str) for label in labels) else None


def refuse_data_set(X: Any, place: str) -> None:
    """Raise the error that says how to make one array of an xarray.Dataset."""
    raise TypeError(
        f"{place} is an xarray Dataset of {len(X.data_vars)} variables: make one array of them, "
        f"a feature each: {_named(place)}.to_array('feature').transpose(..., 'feature')"
    )


def _find(X: Any, dims: list[str], role: str) -> int | None:
    """Which axis has a role, by its name or its dates; None if no axis says so."""
    for i, dim in enumerate(dims):
        if dim.lower() in NAMES[role] or dim.lower().removesuffix("s") in NAMES[role]:
            return i
    if role == "time":
        for i, dim in enumerate(X.dims):
            if dim in X.coords and X.coords[dim].dtype.kind == "M":
                return i
    return None


def _order(dims: list[str], known: dict[str, int | None], wanted: tuple[str, ...]) -> list[str]:
    """The axes in the wanted order: those with a known role in its place, the others around."""
    placed: list[str | None] = [None] * len(wanted)
    for place, role in enumerate(wanted):
        at = known[role]
        if at is not None:
            placed[place] = dims[at]
    rest = iter([dim for dim in dims if dim not in placed])
    return [next(rest) if dim is None else dim for dim in placed]


def _named(place: str) -> str:
    """How code of the user would call it: X, or x for one sample of a list."""
    return place if place.isidentifier() else "x"
