"""A file of sequences in, `Dataset` out, by the suffix of its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from elman.data.dataset import Dataset, PathLike, ReaderError
from elman.data.npz import read_npz, write_npz
from elman.data.ts import read_ts

__all__ = ["READERS", "Dataset", "ReaderError", "read", "read_npz", "read_ts", "write_npz"]

READERS: dict[str, Callable[[PathLike], Dataset]] = {".ts": read_ts, ".npz": read_npz}


def read(
    path: PathLike,
    *,
    missing: str = "error",
    timestamps: str = "order",
    unlabelled: str = "keep",
    max_bytes: int | None = None,
) -> Dataset:
    """Read a file of sequences by its suffix.

    Parameters
    ----------
    path : path-like
        A .ts or .npz file, laid out as `read_ts` and `read_npz` say.
    missing : {"error", "nan"}
        What to do with a missing value (`?`) in a .ts file: refuse the file, or return NaN. A .npz
        file says NaN itself.
    timestamps : {"order", "feature", "error"}
        What to do with values that have time stamps in a .ts file: hold the order of the steps
        against them, make a feature of them, or refuse the file. `read_ts` says how.
    unlabelled : {"keep", "error"}
        What to do with a recording without a label among others in a .ts file: return None as its
        label, or refuse the file.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take; by default 100 times the size of the
        file, or 64 MiB if that is more.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        If the suffix is another one, the content is not what the suffix says, or it would take more
        memory than allowed.
    OSError
        If the file cannot be opened.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        seen = (
            f"suffix {suffix!r} is not a format this reads" if suffix else "the name has no suffix"
        )
        raise ReaderError(f"{os.fspath(path)}: {seen}; choose one of {', '.join(READERS)}")
    if suffix == ".ts":
        return read_ts(
            path,
            missing=missing,
            timestamps=timestamps,
            unlabelled=unlabelled,
            max_bytes=max_bytes,
        )
    if suffix == ".npz":
        return read_npz(path, max_bytes=max_bytes)
    return READERS[suffix](path)
