"""The elements of a list, whatever they are, in; a plain array for each, or an error, out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.frames import plain_series, read_frames
from elman.data.names import Labels
from elman.data.store.manifest import is_store
from elman.targets.checks import shown
from elman.targets.masked import refuse_masked

Array = NDArray[Any]

HOW_TO_UNMASK = (
    "make them NaN (X.filled(np.nan)), which an estimator takes with missing='mask' or "
    "missing='skip', fill them in (X.filled(value)), or leave those samples out"
)

LAYOUTS = (
    "a 3-D array (n_samples, n_timesteps, n_features), a list of (n_timesteps_i, n_features) "
    "arrays, or a 2-D array (n_samples, n_timesteps) of one feature"
)


def plain_samples(
    X: Sequence[Any], kinds: set[type], frames: set[type], name: str
) -> tuple[list[Array], Sequence[Labels | None] | None]:
    """Every element of a list as a plain array.

    Lists of thousands of small arrays are usual, so that nothing is looked at one by one which can
    be looked at for all together.

    Parameters
    ----------
    X : sequence
        Not empty.
    kinds : set of type
        The types of the elements.
    frames : set of type
        Those of `kinds` that are data frames.
    name : str
        What errors call the list.

    Returns
    -------
    samples : list of ndarray
    labels : list of (tuple or None), or None
        For each element what it calls its columns, None for one that has no way to; or None, if no
        element is a data frame.

    Raises
    ------
    TypeError, ValueError
        An element is no array of numbers, or holds masked values; says which.
    """
    samples = list(X)
    if kinds != {np.ndarray} or any(d.hasobject for d in set(map(attrgetter("dtype"), X))):
        for i, sample in enumerate(X):
            kind = type(sample)
            if kind not in frames and (kind is not np.ndarray or sample.dtype.hasobject):
                samples[i] = plain_sample(sample, f"{name}: sample {i}")
    if not frames:
        return samples, None
    if kinds == frames and len(kinds) == 1:
        return read_frames(samples, lambda i: f"{name}: sample {i}")
    labels: list[Labels | None] = [None] * len(samples)
    for kind in frames:
        of_kind = [i for i, sample in enumerate(X) if type(sample) is kind]
        read = read_frames([X[i] for i in of_kind], _places(name, of_kind))
        for i, array, its_labels in zip(of_kind, *read, strict=True):
            samples[i], labels[i] = array, its_labels
    return samples, labels


def plain_sample(sample: Any, place: str) -> Array:
    """One element, which is no data frame, as a plain array; `place` is what errors call it."""
    refuse_containers(sample, place)
    return as_array(plain_series(sample, place), place)


def how_to_open(X: Any) -> str:
    """What to do with a path that was passed for what lies there; begins with a full stop."""
    if not isinstance(X, (str, os.PathLike)) or "\0" in os.fspath(X) or not os.path.exists(X):
        return ""
    if is_store(X):
        return ". A store is opened first: pass elman.data.SequenceStore(path)"
    return (
        ". Files and folders are read first: data = elman.data.read(path), then fit(data.X, data.y)"
    )


def refuse_containers(X: Any, place: str) -> None:
    """Raise TypeError for what is no array-like, or a container that has to be opened first."""
    if _is_sparse(X):
        raise TypeError(
            f"{place} is a sparse {type(X).__name__}; sparse data is not supported: pass a "
            "dense array, for example X.toarray()"
        )
    if X is None or isinstance(X, (str, bytes, dict, set, frozenset, os.PathLike)):
        raise TypeError(
            f"{place} is {shown(X)}, a {type(X).__name__}; expected {LAYOUTS}{how_to_open(X)}"
        )
    if hasattr(X, "ngroups"):
        raise TypeError(
            f"{place} is a {type(X).__name__}: pass a list of one table for each sample, "
            "[group[columns] for _, group in X]"
        )
    if hasattr(X, "__next__"):
        raise TypeError(f"{place} is an iterator: pass list({place})")


def as_array(X: Any, place: str) -> Array:
    """Any array-like as a plain ndarray, masked values refused."""
    if type(X) is not np.ndarray or X.dtype == object:
        refuse_masked(X, place, HOW_TO_UNMASK)
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{place} cannot be read as an array of numbers ({error}): its rows differ in "
            f"length; each sample must be a rectangular (n_timesteps_i, n_features) array"
        ) from error


def _is_sparse(value: Any) -> bool:
    """Whether value is a sparse matrix or array, found without importing scipy."""
    return not isinstance(value, np.ndarray) and (
        hasattr(value, "nnz") and (hasattr(value, "toarray") or hasattr(value, "todense"))
    )


def _places(name: str, numbers: list[int]) -> Callable[[int], str]:
    """What errors call the samples with these numbers."""
    return lambda i: f"{name}: sample {numbers[i]}"
