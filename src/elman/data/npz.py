"""A .npz file in, `Dataset` out; and sequences in, a .npz file out. Nothing is ever unpickled."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from elman.data.dataset import Array, Dataset, PathLike, ReaderError
from elman.data.sequences import Sequences
from elman.data.validation import check_sequences
from elman.formats.atomic import replacing
from elman.targets.masked import refuse_masked


def read_npz(path: PathLike) -> Dataset:
    """Read sequences from a .npz file. Nothing in the file is run: pickled objects are refused.

    Parameters
    ----------
    path : path-like
        A file holding either `X`, (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        of one feature; or `values`, (total_steps, n_features), with `lengths`, (n_samples,).
        Optional are `y`, a label or a number for each sample, (n_samples,), or several,
        (n_samples, n); or `y_steps`, (total_steps,), a label or a number for each time step,
        samples end to end, or (total_steps, n), several numbers. Other arrays become the metadata.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        If the file is damaged, is not of this layout, or holds Python objects.
    OSError
        If the file cannot be opened.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise ReaderError(f"{name}: not a .npz file (it does not start as a zip archive)")
        file.seek(0)
        arrays = _arrays(name, file)
    y = arrays.pop("y", None)
    if "X" in arrays and "values" not in arrays:
        X: Array | list[Array] = arrays.pop("X")
        if X.ndim not in (2, 3):  # type: ignore[union-attr]
            raise ReaderError(
                f"{name}: X has shape {X.shape}; "  # type: ignore[union-attr]
                "expected (n_samples, n_timesteps, n_features), or (n_samples, n_timesteps)"
            )
    elif "values" in arrays and "lengths" in arrays and "X" not in arrays:
        X = _split(name, arrays.pop("values"), arrays.pop("lengths"))
    else:
        raise ReaderError(
            f"{name}: holds {', '.join(sorted(arrays)) or 'no arrays'}; expected X, or values and "
            "lengths (and y for labels): write it with elman.data.write_npz(path, X, y)"
        )
    if "y_steps" in arrays:
        if y is not None:
            raise ReaderError(f"{name}: holds both y and y_steps; remove one")
        return Dataset(X, _split_labels(name, arrays.pop("y_steps"), [len(x) for x in X]), arrays)
    if y is not None and (y.ndim not in (1, 2) or len(y) != len(X)):
        raise ReaderError(
            f"{name}: y has shape {y.shape} but X has {len(X)} samples; expected ({len(X)},), or "
            f"({len(X)}, n) for n labels or targets of each"
        )
    return Dataset(X, y, arrays)


def _arrays(name: str, file: Any) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    key = None
    try:
        n_promised = _n_members(file)
        with np.load(file, allow_pickle=False) as archive:
            if n_promised not in (None, len(archive.files)):
                raise ValueError(f"{n_promised} arrays promised, {len(archive.files)} found")
            for key in archive.files:
                arrays[key] = np.asarray(archive[key])
    except Exception as error:
        # A damaged zip archive raises almost anything: zlib, zipfile, struct, tokenize, memory.
        place = name if key is None else f"{name}: array {key!r}"
        if "allow_pickle" in str(error):
            fix = (
                "save labels as np.asarray(y).astype(str)"
                if key == "y"
                else "save sequences of unequal lengths with elman.data.write_npz(path, X, y)"
            )
            raise ReaderError(
                f"{place} holds Python objects (a pickle), which is never loaded: {fix}"
            ) from error
        raise ReaderError(f"{place}: damaged .npz file ({error})") from error
    for key, array in arrays.items():
        if array.dtype.kind not in "fiubUS":
            raise ReaderError(
                f"{name}: array {key!r} has dtype {array.dtype}; expected numbers, or strings in y"
            )
    return arrays


def _n_members(file: Any) -> int | None:
    """How many members the end of a zip archive promises; zipfile itself does not look."""
    file.seek(-22, os.SEEK_END)
    end = file.read(22)
    file.seek(0)
    return int.from_bytes(end[10:12], "little") if end.startswith(b"PK\5\6") else None


def _split(name: str, values: Array, lengths: Array) -> Array | list[Array]:
    if values.ndim != 2:
        raise ReaderError(
            f"{name}: values has shape {values.shape}; expected (total_steps, n_features)"
        )
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise ReaderError(f"{name}: lengths must be a 1-D array of whole numbers, 0 or more")
    # As Python integers: the sum of absurd lengths must not wrap round to the right one.
    total = sum(lengths.tolist())
    if total != len(values):
        raise ReaderError(f"{name}: lengths sum to {total} but values has {len(values)} rows")
    return list(Sequences(values, lengths))


def _split_labels(name: str, labels: Array, lengths: list[int]) -> list[Array]:
    if labels.ndim not in (1, 2) or len(labels) != sum(lengths):
        raise ReaderError(
            f"{name}: y_steps has shape {labels.shape} but X has {sum(lengths)} time steps in all; "
            f"expected ({sum(lengths)},), or ({sum(lengths)}, n) for n targets, samples end to end"
        )
    return np.split(labels, np.cumsum(lengths[:-1], dtype=np.intp)) if lengths else []


def write_npz(path: PathLike, X: Any, y: Any = None, *, missing: str = "error") -> None:
    """Write sequences to a compressed .npz file that `read_npz` reads; the same data, same bytes.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced at once and whole, or left as it is.
    X : array-like
        Sequences in any form that an estimator takes. float32 and what it holds exactly is
        stored as float32, everything else as float64.
    y : array-like of shape (n_samples,) or (n_samples, n), or list of sequences, optional
        Labels or targets: numbers, bools or strings. A list of 1-D sequences, each as long as its
        sample, is a label or a target for each time step; 2-D arrays of n columns are n targets.
    missing : {"error", "nan"}
        What to do with a missing value (NaN): refuse X, or write it.

    Raises
    ------
    TypeError, ValueError
        If X or y cannot be used.
    OSError
        If the file cannot be written.
    """
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    sequences = check_sequences(
        X,
        dtype=None,
        ensure_min_timesteps=0,
        estimator="write_npz",
        missing="error" if missing == "error" else "keep",
        how_to_allow="missing='nan'",
    )
    arrays: dict[str, Array] = {}
    if sequences.n_timesteps is None:
        arrays["values"] = sequences.values
        arrays["lengths"] = sequences.lengths
    else:
        shape: tuple[int, ...] = (len(sequences), sequences.n_timesteps, sequences.n_features)
        arrays["X"] = sequences.values.reshape(shape[:2] if sequences.two_d else shape)
    if y is not None:
        arrays |= _labels(y, sequences.lengths.tolist())
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _labels(y: Any, lengths: list[int]) -> dict[str, Array]:
    """y as an array of that name, or of time steps as y_steps."""
    refuse_masked(y, "y")
    if isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1:
        y = y.tolist()
    if isinstance(y, np.ndarray) and y.ndim == 3:
        y = [*y]
    if isinstance(y, (list, tuple)) and any(np.ndim(row) for row in y):
        rows = [np.asarray(row) for row in y]
        widths = {row.shape[1:] for row in rows}
        if [row.shape[:1] for row in rows] == [(n,) for n in lengths] and len(widths) == 1:
            kinds = {row.dtype.kind for row in rows if len(row)}
            if len(kinds) > 1:
                raise TypeError(f"y mixes labels of types {sorted(kinds)}: make them all alike")
            some = [row for row in rows if len(row)]
            return {"y_steps": _storable(np.concatenate(some) if some else np.empty(0, int))}
        if len({row.shape for row in rows}) > 1:
            raise ValueError(
                "y holds sequences of unequal lengths, which are not those of X: pass a label for "
                "each time step, or as many for each sample"
            )
    labels = np.asarray(y)
    if labels.ndim not in (1, 2) or len(labels) != len(lengths):
        raise ValueError(f"y has shape {labels.shape} but X has {len(lengths)} samples")
    return {"y": _storable(labels)}


def _storable(labels: Array) -> Array:
    if labels.dtype == object and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(str)
    if labels.dtype.kind not in "fiubU":
        raise TypeError(
            f"y has dtype {labels.dtype}; labels are stored as numbers, bools or strings: pass "
            "np.asarray(y).astype(str)"
        )
    return labels
