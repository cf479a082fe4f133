"""Whatever an estimator answers in; its SHA-256, and its numbers in one flat array, out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def digest(value: Any) -> str:
    """SHA-256 of every bit of a value, and of types and shapes.

    Parameters
    ----------
    value : array, text, number, None, or list, tuple or dict of these
    """
    sha = hashlib.sha256()
    _feed(sha, value)
    return sha.hexdigest()


def _feed(sha: _Hash, value: Any) -> None:
    def part(*texts: str) -> None:
        for text in texts:
            encoded = text.encode()
            sha.update(f"{len(encoded)} ".encode() + encoded)

    if isinstance(value, np.ndarray) and value.dtype != object:
        part("array", value.dtype.str, str(value.shape))
        sha.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.ndarray):
        part("objects", str(value.shape))
        for item in value.flat:
            _feed(sha, item)
    elif isinstance(value, np.generic):
        part("scalar")
        _feed(sha, np.asarray(value))
    elif isinstance(value, Mapping):
        part("dict", str(len(value)))
        for key in sorted(value):
            part(key)
            _feed(sha, value[key])
    elif isinstance(value, (list, tuple)):
        part(type(value).__name__, str(len(value)))
        for item in value:
            _feed(sha, item)
    elif isinstance(value, float):
        part("float", value.hex())
    elif value is None or isinstance(value, (bool, int, str, bytes)):
        part(type(value).__name__, repr(value))
    else:
        raise TypeError(f"there is no digest of a {type(value).__name__}")


def numbers(value: Any) -> Array:
    """All numbers in it, end to end, in float64; what is no number is left out."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.reshape(-1).astype(np.float64) if value.dtype.kind in "biuf" else np.empty(0)
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, (list, tuple, np.ndarray)):
        return np.concatenate([np.empty(0), *(numbers(item) for item in value)])
    if isinstance(value, (bool, int, float, np.generic)) and not isinstance(value, np.str_):
        return np.array([value], np.float64)
    return np.empty(0)


class Record:
    """What one configuration gave, by name: the digests, and beside them the numbers.

    A name is a group, a slash and the rest: "weights/head.W", "loaded/answers/predict".
    """

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.numbers: dict[str, Array] = {}
        self.notes: dict[str, str] = {}
        """what is not compared, but said"""

    def add(self, name: str, value: Any) -> None:
        """Keep a value; one of that name must not be there."""
        if name in self.digests:
            raise ValueError(f"{name} was recorded already")
        self.digests[name] = digest(value)
        self.numbers[name] = numbers(value)

    def add_all(self, prefix: str, values: Mapping[str, Any]) -> None:
        """Keep some values, named prefix/name."""
        for name, value in values.items():
            self.add(f"{prefix}/{name}", value)

    def write(self, folder: Path, name: str) -> None:
        """Write both files of it."""
        content = {"digests": self.digests, "notes": self.notes}
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
        # Positions, not names: these hold slashes.
        np.savez(folder / f"{name}.npz", *self.numbers.values())

    @classmethod
    def read(cls, folder: Path, name: str) -> Record:
        """Read what `write` wrote."""
        record = cls()
        content = json.loads((folder / f"{name}.json").read_text())
        record.digests, record.notes = content["digests"], content["notes"]
        with np.load(folder / f"{name}.npz") as arrays:
            record.numbers = dict(zip(record.digests, arrays.values(), strict=True))
        return record
