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


def read(path: PathLike, *, missing: str = "error") -> Dataset:
    """Read a file of sequences by its suffix.

    Parameters
    ----------
    path : path-like
        A .ts or .npz file, laid out as `read_ts` and `read_npz` say.
    missing : {"error", "nan"}
        What to do with a missing value (`?`) in a .ts file: refuse the file, or return NaN. A .npz
        file says NaN itself.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        If the suffix is another one, or the content is not what the suffix says.
    OSError
        If the file cannot be opened.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        seen = (
            f"suffix {suffix!r} is not a format this reads" if suffix else "the name has no suffix"
        )
        raise ReaderError(f"{os.fspath(path)}: {seen}; choose one of {', '.join(READERS)}")
    return read_ts(path, missing=missing) if suffix == ".ts" else READERS[suffix](path)
