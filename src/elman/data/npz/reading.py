"""The arrays of a .npz file in, `Dataset` out."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.dataset import Dataset, PathLike, ReaderError
from elman.data.npz.labels import PART_OF_IDS, BadArrayError, take_labels, take_texts, total_of
from elman.data.npz.members import read_members
from elman.data.ragged import EMPTY_BYTES, SEQUENCE_BYTES, split_rows
from elman.data.tables.plain import object_array

Array = NDArray[Any]


def read_npz(path: PathLike, *, max_bytes: int | None = None) -> Dataset:
    """Read sequences from a .npz file. Nothing in the file is run: pickled objects are refused.

    Parameters
    ----------
    path : path-like
        A file holding either `X`, (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        of one feature; or `values`, (total_steps, n_features), with `lengths`, (n_samples,).
        Optional are `y`, a label or a number for each sample, (n_samples,), or several,
        (n_samples, n); or `y_steps`, (total_steps,) or (total_steps, n), for each time step,
        samples end to end. So are `ids`, (n_samples,), `feature_names`, (n_features,), and
        `sample_weight`, (n_samples,), or `sample_weight_steps`, (total_steps,). Other arrays become
        the metadata.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take; by default 100 times the size of the
        file, or 64 MiB if that is more.

    Returns
    -------
    Dataset
        Labels that were missing when the file was written are None, in an array of objects.

    Raises
    ------
    ReaderError
        If the file is damaged, is not of this layout, holds Python objects, or would take more
        memory than allowed.
    OSError
        If the file cannot be opened.

    Notes
    -----
    `write_npz` stores labels of which some are missing, or one is far longer than the others, as
    `y_codes`, whole numbers with -1 for a missing one, and `y_classes`, what they stand for; in the
    place of `y_steps` and `ids` there may be such arrays as well.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import read_npz, write_npz
    >>> write_npz("data.npz", [np.zeros((3, 2)), np.ones((5, 2))], ["a", "b"])
    >>> data = read_npz("data.npz")
    >>> print([x.shape for x in data.X], data.y)
    [(3, 2), (5, 2)] ['a' 'b']
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise ReaderError(f"{name}: not a .npz file (it does not start as a zip archive)")
        budget = Budget(name, os.fstat(file.fileno()).st_size, max_bytes)
        arrays = read_members(str(name), file, budget)
    try:
        return _dataset(arrays, budget)
    except BadArrayError as error:
        raise ReaderError(f"{name}: {error}") from error


def _dataset(arrays: dict[str, Array], budget: Budget) -> Dataset:
    X, lengths = _sequences(arrays, budget)
    n_features = X.shape[-1] if isinstance(X, np.ndarray) and X.ndim == 3 else None
    if isinstance(X, list) and X:
        n_features = X[0].shape[1]
    y = _targets(arrays, lengths, budget)
    ids = _ids(arrays, budget)
    if ids is not None and ids.shape != (len(lengths),):
        raise BadArrayError(
            f"ids has shape {ids.shape}; expected one for each sample, ({len(lengths)},)"
        )
    names = take_texts("feature_names", arrays, budget)
    if names is not None and (names.dtype.kind not in "UO" or names.shape != (n_features or 1,)):
        raise BadArrayError(
            f"feature_names has shape {names.shape} and dtype {names.dtype}; expected a string for "
            f"each feature, ({n_features or 1},)"
        )
    weights = _weights(arrays, lengths)
    for key, array in arrays.items():
        if array.dtype.kind == "M":
            raise BadArrayError(
                f"array {key!r} has dtype {array.dtype}; expected numbers, or strings in y"
            )
    return Dataset(
        X,
        y,
        arrays,
        ids=ids,
        feature_names=None if names is None else tuple(names.tolist()),
        sample_weight=weights,
    )


TUPLE_BYTES = 100
"""What a value of a tuple takes as an object, with its part of the tuple."""


def _ids(arrays: dict[str, Array], budget: Budget) -> Array | None:
    """The ids of the samples: values, or tuples, whose parts are in an array each."""
    parts: list[Array] = []
    while (part := take_labels(f"{PART_OF_IDS}{len(parts)}", arrays, budget)) is not None:
        if part.ndim != 1 or (parts and len(part) != len(parts[0])):
            raise BadArrayError(f"{PART_OF_IDS}{len(parts)} has shape {part.shape}, unlike others")
        parts.append(part)
    if not parts:
        return take_labels("ids", arrays, budget)
    n = len(parts[0])
    content = sum(part.nbytes for part in parts)
    budget.take_objects(TUPLE_BYTES * n * len(parts), content, f"the ids in {PART_OF_IDS}0")
    return object_array([*zip(*(_values(part) for part in parts), strict=True)])


def _values(part: Array) -> list[Any]:
    """Values as a tuple of a data set has them: Python's own, but for dates."""
    return [*part] if part.dtype.kind == "M" else part.tolist()


def _sequences(arrays: dict[str, Array], budget: Budget) -> tuple[Array | list[Array], Array]:
    """X, and how many steps each sample has."""
    if "X" in arrays and "values" not in arrays:
        X = _numbers("X", arrays)
        if X.ndim not in (2, 3):
            raise BadArrayError(
                f"X has shape {X.shape}; "
                "expected (n_samples, n_timesteps, n_features), or (n_samples, n_timesteps)"
            )
        # Without values there may be any number of samples and steps in no bytes.
        budget.take(8 * len(X) + (len(X) * X.shape[1] if X.size == 0 else 0), "its samples")
        return X, np.full(len(X), X.shape[1], np.int64)
    if "values" in arrays and "lengths" in arrays and "X" not in arrays:
        values, lengths = _numbers("values", arrays), arrays.pop("lengths")
        if values.ndim != 2:
            raise BadArrayError(
                f"values has shape {values.shape}; expected (total_steps, n_features)"
            )
        total = total_of(lengths, "lengths")
        if total != len(values):
            raise BadArrayError(f"lengths sum to {total} but values has {len(values)} rows")
        n_empty = int(np.count_nonzero(lengths == 0))
        budget.take(len(values) if values.size == 0 else 0, "its steps")
        budget.take_objects(
            EMPTY_BYTES * n_empty + SEQUENCE_BYTES * (len(lengths) - n_empty),
            values.nbytes + lengths.nbytes,
            f"{len(lengths):,} samples, an array each,",
        )
        return split_rows(values, lengths), lengths
    raise BadArrayError(
        f"holds {', '.join(sorted(arrays)) or 'no arrays'}; expected X, or values and lengths (and "
        "y for labels): write it with elman.data.write_npz(path, X, y)"
    )


def _numbers(key: str, arrays: dict[str, Array]) -> Array:
    array = arrays.pop(key)
    if array.dtype.kind == "M":
        raise BadArrayError(f"array {key!r} has dtype {array.dtype}; expected numbers")
    return array


def _targets(arrays: dict[str, Array], lengths: Array, budget: Budget) -> Any:
    y = take_labels("y", arrays, budget)
    steps = take_labels("y_steps", arrays, budget)
    if steps is not None:
        if y is not None:
            raise BadArrayError("holds both y and y_steps; remove one")
        return _of_steps("y_steps", steps, lengths)
    if y is not None and (y.ndim not in (1, 2) or len(y) != len(lengths)):
        n = len(lengths)
        raise BadArrayError(
            f"y has shape {y.shape} but X has {n} samples; expected ({n},), or ({n}, n) for n "
            "labels or targets of each"
        )
    if y is not None and y.dtype.kind == "M":
        raise BadArrayError(f"array 'y' has dtype {y.dtype}; expected numbers or strings")
    return y


def _of_steps(name: str, array: Array, lengths: Array) -> list[Array]:
    """An array with an entry for each time step of all samples as one for each sample."""
    total = int(lengths.sum())
    if array.ndim not in (1, 2) or len(array) != total:
        raise BadArrayError(
            f"{name} has shape {array.shape} but X has {total} time steps in all; expected "
            f"({total},), or ({total}, n) for n targets, samples end to end"
        )
    return split_rows(array, lengths)


def _weights(arrays: dict[str, Array], lengths: Array) -> Any:
    weights = arrays.pop("sample_weight", None)
    steps = arrays.pop("sample_weight_steps", None)
    for name, array in (("sample_weight", weights), ("sample_weight_steps", steps)):
        if array is not None and (array.ndim != 1 or array.dtype.kind not in "fiub"):
            raise BadArrayError(
                f"{name} has shape {array.shape} and dtype {array.dtype}; expected a number for "
                "each, in one dimension"
            )
    if steps is not None:
        if weights is not None:
            raise BadArrayError("holds both sample_weight and sample_weight_steps; remove one")
        return _of_steps("sample_weight_steps", steps, lengths)
    if weights is not None and len(weights) != len(lengths):
        raise BadArrayError(
            f"sample_weight has shape {weights.shape} but X has {len(lengths)} samples"
        )
    return weights
