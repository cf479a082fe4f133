"""Sequences in, a .npz file that `read_npz` reads out."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import Dataset, PathLike
from elman.data.npz.labels import PART_OF_IDS, flat_labels, joined_labels, stored, stored_texts
from elman.data.tables.plain import plain_column
from elman.data.validation import check_sequences
from elman.formats.atomic import replacing
from elman.targets.masked import refuse_masked
from elman.targets.missing import array_of

Array = NDArray[Any]

SUFFIX = ".npz"
OF_TABLES = frozenset({"library", "times"})
"""What `from_table` says of the table that sequences came from, which no file of them keeps."""


def write_npz(
    path: PathLike,
    X: Any,
    y: Any = None,
    *,
    missing: str = "error",
    ids: Any = None,
    feature_names: Any = None,
    sample_weight: Any = None,
) -> None:
    """Write sequences to a compressed .npz file that `read_npz` reads; the same data, same bytes.

    Parameters
    ----------
    path : path-like
        The file, with the suffix .npz; one that is there is replaced at once and whole, or left as
        it is.
    X : array-like or Dataset
        Sequences in any form that an estimator takes. float32 and what it holds exactly is
        stored as float32, everything else as float64. A `Dataset` brings all the rest with it, but
        for the times of its steps, which stay in their order, and the library of its table.
    y : array-like of shape (n_samples,) or (n_samples, n), or list of sequences, optional
        Labels or targets: numbers, bools or strings. A list of 1-D sequences, each as long as its
        sample, is a label for each time step; of 2-D ones, several targets for each step. What is
        missing (None, or NaN among other things than numbers) stays missing.
    missing : {"error", "nan"}
        What to do with a missing value (NaN): refuse X, or write it.
    ids : array-like of shape (n_samples,), optional
        What names each sample: numbers, strings or dates, or a tuple of these for each. Dates with
        a time zone are stored, as `from_table` reads them, in UTC.
    feature_names : sequence of str, optional
        By default those that X has, if it is made of data frames.
    sample_weight : array-like of shape (n_samples,), or list of (n_timesteps_i,), optional

    Raises
    ------
    TypeError, ValueError
        If X, y or what belongs to them cannot be used, or `read` would not know the file by the
        suffix of its name.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import read_npz, write_npz
    >>> write_npz("data.npz", [np.zeros((3, 2)), np.ones((5, 2))], ["a", "b"])
    >>> print(read_npz("data.npz"))
    Dataset(2 sequences, 2 features, 3-5 steps, 2 classes)
    """
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    _check_suffix(path)
    metadata: Mapping[str, Any] = {}
    if isinstance(X, Dataset):
        if any(given is not None for given in (y, ids, feature_names, sample_weight)):
            raise TypeError(
                "X is a Dataset, which has its own y, ids, feature_names and sample_weight: pass "
                "it alone, or change it with dataclasses.replace(dataset, y=...)"
            )
        y, ids, feature_names, sample_weight = X.y, X.ids, X.feature_names, X.sample_weight
        X, metadata = X.X, X.metadata
    sequences = check_sequences(
        X,
        dtype=None,
        ensure_min_timesteps=0,
        estimator="write_npz",
        missing="error" if missing == "error" else "keep",
        how_to_allow="missing='nan'",
    )
    if feature_names is None:
        feature_names = sequences.feature_names
    lengths = sequences.lengths.tolist()
    arrays: dict[str, Array] = {}
    if sequences.n_timesteps is None:
        arrays["values"] = sequences.values
        arrays["lengths"] = sequences.lengths
    else:
        shape: tuple[int, ...] = (len(sequences), sequences.n_timesteps, sequences.n_features)
        arrays["X"] = sequences.values.reshape(shape[:2] if sequences.two_d else shape)
    if y is not None:
        arrays |= _targets(y, lengths)
    if ids is not None:
        arrays |= _ids(ids, len(lengths))
    if feature_names is not None:
        arrays |= _feature_names(feature_names, sequences.n_features)
    if sample_weight is not None:
        arrays |= _weights(sample_weight, lengths)
    for key, value in metadata.items():
        if key not in OF_TABLES:
            arrays |= _metadata(key, value, arrays)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _check_suffix(path: PathLike) -> None:
    suffix = Path(path).suffix
    if suffix.lower() != SUFFIX:
        seen = f"its suffix is {suffix}" if suffix else "its name has no suffix"
        raise ValueError(
            f"{os.fspath(path)}: {seen}, by which elman.data.read would not know a {SUFFIX} file; "
            f"name it {Path(path).stem}{SUFFIX}"
        )


def _targets(y: Any, lengths: list[int]) -> dict[str, Array]:
    """y as an array of that name, or of time steps as y_steps."""
    refuse_masked(y, "y")
    rows = _rows(y)
    if rows is not None:
        joined = _joined_steps(rows, lengths)
        if joined is not None:
            return stored("y_steps", joined)
        if len({row.shape for row in map(np.asarray, rows)}) > 1:
            raise ValueError(
                "y holds sequences of unequal lengths, which are not those of X: pass a label for "
                "each time step, or as many for each sample"
            )
    if rows is None and isinstance(y, (list, tuple)):
        labels = flat_labels(y, "y")
    else:
        labels = array_of(y)
        labels = flat_labels(labels, "y") if labels.ndim == 1 else labels
    if labels.ndim not in (1, 2) or len(labels) != len(lengths):
        raise ValueError(f"y has shape {labels.shape} but X has {len(lengths)} samples")
    if labels.ndim == 1:
        return stored("y", labels)
    flat = flat_labels(labels.reshape(-1), "y")
    if flat.dtype == object:
        found = stored("y", flat)
        if "y" not in found:
            raise TypeError(
                f"y has shape {labels.shape} and misses a label, or has one that is far longer "
                "than the others: a table of labels can only have numbers, and NaN among them"
            )
        flat = found["y"]
    return {"y": flat.reshape(labels.shape)}


def _rows(values: Any) -> list[Any] | None:
    """The entries of what is one sequence for each sample; None if it is something else."""
    if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
        values = values.tolist()
    if isinstance(values, np.ndarray) and values.ndim == 3:
        return [*values]
    if not isinstance(values, (list, tuple)):
        return None
    plain = (str, bytes, numbers.Number, np.generic, type(None))
    if all(issubclass(kind, plain) for kind in set(map(type, values))):
        return None
    return list(values) if any(np.ndim(row) for row in values) else None


def _joined_steps(rows: list[Any], lengths: list[int]) -> Array | None:
    """The labels or targets of all time steps, end to end; None if the rows are not as long."""
    if len(rows) != len(lengths):
        return None
    if all(_shape(row) == (n,) for row, n in zip(rows, lengths, strict=True)):
        return joined_labels([flat_labels(row, f"y[{i}]") for i, row in enumerate(rows)], "y")
    arrays = [np.asarray(row) for row in rows]
    widths = {row.shape[1:] for row in arrays}
    if [len(row) if row.ndim == 2 else -1 for row in arrays] != lengths or len(widths) > 1:
        return None
    joined = np.concatenate(arrays)
    if joined.dtype.kind not in "fiub":
        raise TypeError(
            f"y has dtype {joined.dtype} and several values for each time step, which are stored "
            "as numbers"
        )
    return joined


def _shape(row: Any) -> tuple[int, ...]:
    try:
        return np.shape(row)
    except ValueError:  # of sequences of unequal lengths
        return (-1,)


def _ids(ids: Any, n_samples: int) -> dict[str, Array]:
    refuse_masked(ids, "ids")
    entries = ids if isinstance(ids, (list, tuple)) else array_of(ids).tolist()
    if len(entries) and all(isinstance(entry, tuple) and entry for entry in entries):
        widths = {len(entry) for entry in entries}
        if len(widths) > 1 or len(entries) != n_samples:
            raise ValueError(
                f"ids has {len(entries)} tuples of {sorted(widths)} values but X has {n_samples} "
                "samples: pass one for each, all of as many values"
            )
        columns = enumerate(zip(*entries, strict=True))
        parts = [_id_column([*column], f"{PART_OF_IDS}{k}") for k, column in columns]
        return {name: array for part in parts for name, array in part.items()}
    found = _id_column(ids, "ids")
    n = len(found.get("ids", found.get("ids_codes", ())))
    if n != n_samples:
        raise ValueError(f"ids has shape ({n},) but X has {n_samples} samples")
    return found


def _id_column(ids: Any, name: str) -> dict[str, Array]:
    """Ids, each of one value, as arrays of that name."""
    array = None if isinstance(ids, (list, tuple)) else np.asarray(ids)
    if array is None or array.dtype.kind == "O":
        dates = plain_column([*ids])
        array = dates if dates.dtype.kind == "M" else None
    if array is not None and array.dtype.kind == "M":
        return {name: array}
    return stored(
        name, flat_labels(ids, "ids", "ids are stored as numbers, bools, strings or dates")
    )


def _feature_names(names: Any, n_features: int) -> dict[str, Array]:
    found = [names] if isinstance(names, str) else list(names)
    if len(found) != n_features or not all(isinstance(name, str) for name in found):
        raise ValueError(
            f"feature_names has {len(found)} names but X has {n_features} features: pass a string "
            "for each"
        )
    return stored_texts("feature_names", found)


def _weights(sample_weight: Any, lengths: list[int]) -> dict[str, Array]:
    refuse_masked(sample_weight, "sample_weight")
    rows = _rows(sample_weight)
    if rows is None:
        found = {"sample_weight": np.asarray(sample_weight)}
        expected: tuple[int, ...] = (len(lengths),)
    else:
        if [_shape(row) for row in rows] != [(n,) for n in lengths]:
            raise ValueError(
                "sample_weight has sequences of other lengths than those of X: pass a weight for "
                "each time step, or one for each sample"
            )
        found = {"sample_weight_steps": np.concatenate([np.asarray(row, float) for row in rows])}
        expected = (sum(lengths),)
    for array in found.values():
        if array.shape != expected or array.dtype.kind not in "fiub":
            raise ValueError(
                f"sample_weight has shape {array.shape} and dtype {array.dtype}; expected a number "
                f"for each of {len(lengths)} samples"
            )
    return found


def _metadata(key: str, value: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """What belongs to a data set beside its fields, as `read_npz` gives it back."""
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        found = stored_texts(key, value)
    else:
        found = {key: np.asarray(value)}
    for name, array in found.items():
        reserved = name in RESERVED or name.startswith(PART_OF_IDS)
        if name in arrays or reserved or array.dtype.kind not in "fiubUS":
            raise TypeError(
                f"metadata[{key!r}] cannot be stored: it is a {type(value).__name__} of dtype "
                f"{array.dtype}, or has the name of another part of the file; leave it out with "
                "dataclasses.replace(dataset, metadata={})"
            )
    return found


RESERVED = frozenset(
    {"X", "values", "lengths", "sample_weight", "sample_weight_steps", "file", "allow_pickle"}
    | {
        name + end
        for name in ("y", "y_steps", "ids")
        for end in ("", "_codes", "_classes", "_classes_text", "_classes_lengths")
    }
    | {f"feature_names{end}" for end in ("", "_text", "_lengths")}
)
"""Names that arrays of a file have, or that would be mistaken for an option of NumPy's writer."""
