"""Refuses masked values wherever a user passes something.

`np.asarray` keeps the numbers under the mask of a masked array and drops the mask itself, so that
every place that calls it on what a user passed has to ask here first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

FIX = "leave those entries out, or fill them in with .filled(value)"

MAX_DEPTH = 4
"""Containers within containers that are looked into: samples, time steps, features, and a mapping
around them. What is nested deeper is refused for its shape."""


def refuse_masked(value: Any, name: str, fix: str = FIX) -> None:
    """Raise an error if `value` is a masked array, or a container that holds one, with a mask set.

    Parameters
    ----------
    value : object
        Anything; lists, tuples, mappings and arrays of objects are looked into.
    name : str
        What the error calls it.
    fix : str
        What the error recommends.

    Raises
    ------
    ValueError
        A value is masked; says how many are, and where the first one is. A masked array without a
        masked value is as good as a plain array.
    """
    for place, array in _masked_arrays(value, name, 0):
        mask = np.ma.getmaskarray(array)
        if not mask.any():
            continue
        if mask.ndim == 0:
            raise ValueError(f"{place} is masked: {fix}")
        first = [int(i) for i in np.argwhere(mask)[0]]
        where = first[0] if len(first) == 1 else tuple(first)
        raise ValueError(
            f"{place} is a masked array with {int(mask.sum())} masked value(s), the first at index "
            f"{where}: {fix}"
        )


def _masked_arrays(
    value: Any, place: str, depth: int
) -> Iterator[tuple[str, np.ma.MaskedArray[Any, Any]]]:
    """Masked arrays in `value`, each with its place."""
    if isinstance(value, np.ma.MaskedArray):
        yield place, value
    elif depth < MAX_DEPTH:
        for index, entry in _entries(value):
            yield from _masked_arrays(entry, f"{place}[{index}]", depth + 1)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, if anything in it can hold a masked value; each with its index."""
    if isinstance(value, Mapping):
        yield from ((repr(key), entry) for key, entry in value.items())
    elif isinstance(value, (list, tuple)):
        if _may_hold(value):
            yield from ((str(i), entry) for i, entry in enumerate(value))
    elif isinstance(value, np.ndarray) and value.dtype == object and _may_hold(value.flat):
        yield from ((", ".join(map(str, index)), entry) for index, entry in np.ndenumerate(value))


def _may_hold(values: Any) -> bool:
    """Whether there is a container among the values, which may be millions of plain numbers."""
    return any(
        issubclass(kind, (list, tuple, np.ndarray, Mapping)) for kind in set(map(type, values))
    )
