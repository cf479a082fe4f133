"""Files that nobody trusts in; members of archives, JSON and arrays out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.dataset import ReaderError
from elman.data.npz.members import read_members
from elman.exchange.parts import ExchangeError

Array = NDArray[Any]

MOST_MEMBERS = 1000
"""Of a zip archive. Keras writes three, and files that layers keep beside them (assets)."""
MOST_JSON = 64 << 20
"""Bytes of a description of layers."""
MOST_NESTED = 100
"""Lists and objects of a description within each other."""
MOST_DIGITS = 19
"""Of a whole number in a description, which then is one that a float holds."""
MOST_DIRECTORY = 1 << 20
"""Bytes of the list of members at the end of a zip archive."""


@contextlib.contextmanager
def regular_file(path: str | os.PathLike[str]) -> Iterator[tuple[IO[bytes], int]]:
    """Open a file, which must be a regular one; with it its size in bytes."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ExchangeError(f"{os.fspath(path)}: not a regular file, so not a model of Keras")
    with open(path, "rb") as file:
        yield file, os.fstat(file.fileno()).st_size


class Archive:
    """The members of a zip archive, of which no two have one name and none leads out of it.

    Parameters
    ----------
    file : binary file, seekable
    place : str
        What errors call it.
    size : int
        Its bytes. What is read takes no more than 100 times as many, or 64 MiB.

    Raises
    ------
    ExchangeError
        It is damaged, or not an archive that Keras writes.
    """

    def __init__(self, file: IO[bytes], place: str, size: int) -> None:
        self.place = place
        self._budget = Budget(place, size, None)
        with self._guarded():
            _check_end(file, size)
            self._zip = zipfile.ZipFile(file)
            members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise ExchangeError(
                f"{place}: {len(members):,} members; at most {MOST_MEMBERS:,} are read"
            )
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename
            parts = PurePosixPath(name.replace("\\", "/"))
            if parts.is_absolute() or ".." in parts.parts or ":" in name.partition("/")[0]:
                raise ExchangeError(f"{place}: the member {name!r:.80} leads out of the archive")
            if name in self._members:
                raise ExchangeError(f"{place}: the member {name!r:.80} is there twice")
            self._members[name] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """The names of all members."""
        return list(self._members)

    def read(self, name: str, most: int | None = None) -> bytes:
        """The whole content of a member.

        Parameters
        ----------
        name : str
        most : int, optional
            Its largest size in bytes.
        """
        member = self._members[name]
        if member.flag_bits & 1:
            raise ExchangeError(f"{self.place}: the member {name!r:.80} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ExchangeError(
                f"{self.place}: the member {name!r:.80} is compressed by method "
                f"{member.compress_type}; Keras compresses none"
            )
        if most is not None and member.file_size > most:
            raise ExchangeError(
                f"{self.place}: the member {name!r:.80} has {member.file_size:,} bytes; at most "
                f"{most:,} are read"
            )
        with self._guarded():
            self._budget.take(member.file_size, f"the {name!r:.80} in it and what was read before")
            with self._zip.open(member) as content:
                found = content.read(member.file_size + 1)
            if len(found) != member.file_size:
                raise ValueError(f"{name!r:.80} does not have the size that it promises")
            return found

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except ExchangeError:
            raise
        except ReaderError as error:
            raise ExchangeError(str(error)) from error
        except Exception as error:
            # A damaged zip archive raises almost anything: zlib, zipfile, struct, memory.
            text = str(error) or type(error).__name__
            raise ExchangeError(f"{self.place}: damaged zip archive ({text:.200})") from error


def _check_end(file: IO[bytes], size: int) -> None:
    """Raise ValueError for a list of members that is far too long, before it is read."""
    start = max(0, size - 22 - (1 << 16))
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise ValueError("its end is missing: the file may be cut short")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory == 0xFFFFFFFF:  # then it is said elsewhere, as only huge lists need
        raise ValueError("its list of members is too long")
    if directory > MOST_DIRECTORY:
        raise ValueError(f"its list of members takes {directory:,} bytes")
    file.seek(0)


def parsed(text: bytes | str, place: str) -> Any:
    """What JSON says; an `ExchangeError` if it is no JSON, nested too deep, or too large."""
    try:
        if len(text) > MOST_JSON:
            raise ValueError(f"{len(text):,} bytes; at most {MOST_JSON:,} are read")
        found = json.loads(text, parse_int=_whole)
        _check_nested(found)
        return found
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ExchangeError(f"{place}: not a description in JSON ({said:.200})") from error


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS + 1:
        raise ValueError(f"a whole number of {len(digits):,} digits")
    return int(digits)


def _check_nested(found: Any) -> None:
    level: list[Any] = [found]
    for _ in range(MOST_NESTED):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise RecursionError


def npz_arrays(content: bytes, place: str) -> dict[str, Array]:
    """The arrays of a .npz file by name; no Python object is loaded."""
    try:
        return read_members(place, io.BytesIO(content), Budget(place, len(content), None))
    except ReaderError as error:
        if "pickle" in str(error):
            raise ExchangeError(
                f"{place} holds Python objects (a pickle), which are never loaded: load the model "
                "with the version of Keras that wrote it, and save it with weights in HDF5, as "
                "model.save does by default"
            ) from error
        raise ExchangeError(str(error)) from error


def shard_names(described: Any, place: str) -> list[str]:
    """The files that the map of a model's shards names, all of them beside the map itself.

    Raises
    ------
    ExchangeError
        It is no such map, or names a file elsewhere.
    """
    weights = described.get("weight_map") if isinstance(described, dict) else None
    if not isinstance(weights, dict):
        raise ExchangeError(f"{place}: no map of shards, which has a 'weight_map'")
    names: list[str] = []
    for value in weights.values():
        for name in value if isinstance(value, list) else [value]:
            if (
                not isinstance(name, str)
                or PurePosixPath(name).name != name
                or "\\" in name
                or "\0" in name
                or not name.endswith(".h5")
            ):
                raise ExchangeError(
                    f"{place}: the shard {name!r:.80} is no .h5 file beside the map itself"
                )
            if name not in names:
                names.append(name)
    if len(names) > MOST_MEMBERS:
        raise ExchangeError(f"{place}: {len(names):,} shards; at most {MOST_MEMBERS:,} are read")
    return names


def beside(path: Path, name: str) -> Path:
    """A shard in the folder of its map, which must not be a link to elsewhere."""
    found = path.parent / name
    if found.is_symlink():
        raise ExchangeError(f"{path}: the shard {name!r:.80} is a link, which may lead anywhere")
    return found


def merged(parts: list[dict[str, Array]], place: str) -> dict[str, Array]:
    """The arrays of all shards; an `ExchangeError` if two have one of the same name."""
    found: dict[str, Array] = {}
    for part in parts:
        twice = sorted(set(found) & set(part))
        if twice:
            raise ExchangeError(f"{place}: {twice[0]!r:.80} is in two shards")
        found |= part
    return found
