"""The files of a store: written with their SHA-256, checked, and read in part or whole."""

from __future__ import annotations

import ast
import contextlib
import errno
import hashlib
import io
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.store.manifest import FIX, Part, StoreError
from elman.formats.atomic import replacing

Array = NDArray[Any]

MAGIC = b"\x93NUMPY"
MOST_HEADER = 10_000
BLOCK = 1 << 20
MOST_OPEN = 64
"""Files of values that a store keeps open at most."""
MOST_PIECES = 512
"""Pieces of memory that one call of the system reads into; systems take 1024 or more."""


# Writing


def write_array(
    path: str, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Iterable[Array]
) -> Part:
    """Write arrays that follow each other as one .npy file, which is there whole or not at all.

    Parameters
    ----------
    path : str
    dtype, shape
        Of the whole array.
    blocks : iterable of ndarray
        Its parts along the first axis, in order.
    """
    header = io.BytesIO()
    little = dtype.newbyteorder("<")
    described = {
        "descr": np.lib.format.dtype_to_descr(little),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(header, described)
    sha, n_bytes = hashlib.sha256(), 0
    with replacing(path) as file:
        for raw in chain([header.getvalue()], map(partial(_raw, dtype=little), blocks)):
            sha.update(raw)
            file.write(raw)
            n_bytes += len(raw)
    return Part(n_bytes, sha.hexdigest())


def _raw(block: Array, dtype: np.dtype[Any]) -> Any:
    """The bytes of an array, as they lie on the disk."""
    return np.ascontiguousarray(block, dtype).reshape(-1).view(np.uint8).data


def write_whole(path: str, array: Array) -> Part:
    """Write one array as a .npy file."""
    return write_array(path, array.dtype, array.shape, [array])


# Reading


def refuse(path: str, reason: str, cause: Exception | None = None) -> NoReturn:
    """Raise StoreError about a file."""
    raise StoreError(f"{path}: {reason}; {FIX}") from cause


def check_size(path: str, part: Part) -> tuple[int, int]:
    """Raise StoreError unless a file is there and as long as the manifest says.

    Returns
    -------
    tuple
        What changes when the file is replaced, or written to: its inode and when it was changed.
    """
    try:
        found = os.stat(path) if os.path.isfile(path) else None
    except OSError as error:
        refuse(path, f"cannot be looked at ({error.strerror})", error)
    if found is None:
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise StoreError(
                f"{folder}: the folder of the store is not there any more; if it was moved, open "
                "the store again where it is now"
            )
        refuse(path, "is missing")
    size = found.st_size
    if size != part.n_bytes:
        what = "cut short" if size < part.n_bytes else "another file, or was changed"
        refuse(path, f"has {size:,} bytes where the manifest says {part.n_bytes:,}: it is {what}")
    return found.st_ino, found.st_mtime_ns


def check_content(path: str, part: Part) -> None:
    """Raise StoreError unless a file is, to the last bit, what the manifest says."""
    check_size(path, part)
    sha = hashlib.sha256()
    with _opened(path) as file:
        while block := file.read(BLOCK):
            sha.update(block)
    if sha.hexdigest() != part.sha256:
        _refuse_content(path)


def read_array(path: str, part: Part) -> Array:
    """The array in a file, which is read whole and checked; read-only."""
    check_size(path, part)
    with _opened(path) as file:
        raw = file.read(part.n_bytes + 1)
    if hashlib.sha256(raw).hexdigest() != part.sha256:
        _refuse_content(path)
    dtype, shape, start = header_of(path, raw[: MOST_HEADER + 10])
    if dtype.kind not in "fiubUM":
        refuse(path, f"holds values of type {dtype}, which no store has")
    n_values = _product(shape)
    if n_values * dtype.itemsize != len(raw) - start:
        refuse(path, f"has the shape {shape}, which its size is not that of")
    found = np.frombuffer(raw, dtype, n_values, start).reshape(shape)
    return found.astype(dtype.newbyteorder("="), copy=False)


def header_of(path: str, raw: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type and shape of the array in the first bytes of a .npy file, and where its values begin."""
    if not raw.startswith(MAGIC) or raw[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        refuse(path, "is no .npy file")
    wide = 2 if raw[6] == 1 else 4
    start = 8 + wide
    end = start + int.from_bytes(raw[8:start], "little")
    if end > len(raw):
        refuse(path, "has a header that is cut short, or far too long")
    try:
        described = ast.literal_eval(raw[start:end].decode("utf-8"))
        shape, descr = described["shape"], described["descr"]
        if not isinstance(descr, str) or described["fortran_order"] is not False:
            raise ValueError("an array of another layout")
        dtype = np.dtype(descr)
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("an impossible shape")
    except Exception as error:  # whatever a damaged header makes the parser raise
        text = str(error)[:200]
        refuse(path, f"has a header that no array of a store has ({text})", error)
    return dtype, shape, end


def _product(shape: tuple[int, ...]) -> int:
    found = 1
    for n in shape:
        found *= n
    return found


def _refuse_content(path: str) -> NoReturn:
    refuse(path, "its SHA-256 is not that of the manifest: it is damaged, or was changed")


def _opened(path: str) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        refuse(path, f"cannot be opened ({error.strerror})", error)


class ValuesFile:
    """An open file of values, read at any place by any thread.

    Parameters
    ----------
    path : str
    part : Part
    dtype, shape
        What its array must be.
    """

    def __init__(self, path: str, part: Part, dtype: np.dtype[Any], shape: tuple[int, int]) -> None:
        self._descriptor = -1
        self.path = path
        check_size(path, part)
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            refuse(path, f"cannot be opened ({error.strerror})", error)
        self._lock = threading.Lock()
        raw = bytearray(min(part.n_bytes, MOST_HEADER + 10))
        self.read_into([np.frombuffer(raw, np.uint8)], 0)
        found, seen, self.start = header_of(path, bytes(raw))
        if found != dtype or seen != shape:
            refuse(
                path,
                f"holds {found} values of shape {seen} where the manifest says {dtype} {shape}",
            )
        if self.start + _product(shape) * dtype.itemsize != part.n_bytes:
            refuse(path, f"has another size than an array of shape {shape}")

    def read_into(self, pieces: Sequence[Array], place: int) -> None:
        """Read bytes from `place` on into arrays of bytes, one after the other."""
        for start in range(0, len(pieces), MOST_PIECES):
            place = self._read_some(list(pieces[start : start + MOST_PIECES]), place)

    def _read_some(self, pieces: list[Array], place: int) -> int:
        while pieces:
            try:
                n_read = self._read(pieces, place)
            except OSError as error:
                refuse(self.path, f"cannot be read ({error.strerror})", error)
            if n_read == 0:
                refuse(self.path, f"ends at byte {place:,}: it was cut short while it was open")
            place += n_read
            done = 0
            while done < len(pieces) and n_read >= len(pieces[done]):
                n_read -= len(pieces[done])
                done += 1
            pieces = pieces[done:]
            if n_read:
                pieces[0] = pieces[0][n_read:]
        return place

    def _read(self, pieces: list[Array], place: int) -> int:
        if hasattr(os, "preadv"):
            buffers: Any = pieces
            return os.preadv(self._descriptor, buffers, place)
        with self._lock:
            os.lseek(self._descriptor, place, os.SEEK_SET)
            raw = os.read(self._descriptor, min(len(pieces[0]), 1 << 24))
        pieces[0][: len(raw)] = np.frombuffer(raw, np.uint8)
        return len(raw)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)


class OpenFiles:
    """The files of values that were used last, open; for any thread, and in a forked process."""

    def __init__(self) -> None:
        self._files: OrderedDict[int, ValuesFile] = OrderedDict()
        self._lock = threading.Lock()
        _ALL_OPEN.add(self)

    def get(self, number: int, open_it: Any) -> ValuesFile:
        """The file of a shard, opened by `open_it()` if it is not."""
        with self._lock:
            found = self._files.get(number)
            if found is None:
                found = self._files[number] = self._opened(open_it)
                while len(self._files) > MOST_OPEN:
                    self._files.popitem(last=False)  # closed once nobody reads from it
            else:
                self._files.move_to_end(number)
            return found

    def _opened(self, open_it: Any) -> ValuesFile:
        """What `open_it()` opens, after closing others where the system allows no more."""
        while True:
            try:
                found: ValuesFile = open_it()
                return found
            except StoreError as error:
                too_many = getattr(error.__cause__, "errno", None) in (errno.EMFILE, errno.ENFILE)
                if not too_many or not self._files:
                    raise
                for _ in range(-(-len(self._files) // 2)):
                    self._files.popitem(last=False)

    def unlock(self) -> None:
        """Be usable in a process that was forked while another thread, now gone, held the lock."""
        self._lock = threading.Lock()


_ALL_OPEN: weakref.WeakSet[OpenFiles] = weakref.WeakSet()


def _unlock_all() -> None:
    for files in _ALL_OPEN:
        files.unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_all)


def in_this_order(array: Array) -> None:
    """Turn the bytes of values that were read from a disk where this machine has another order."""
    if sys.byteorder == "big":
        array.byteswap(inplace=True)
