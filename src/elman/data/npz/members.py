"""A .npz file in; its arrays, or an error before one of them takes more memory than it may, out.

NumPy's own reader believes what a header promises. Here the archive's directory is looked at before
it is read, each array's header is held against the size of its member before memory is taken, and
nothing is ever unpickled.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.dataset import ReaderError, cut

Array = NDArray[Any]

MOST_MEMBERS = 1000
MOST_DIRECTORY = 1 << 20
"""Bytes of the list of members at the end of a zip archive; as objects they take 20 times that."""
MOST_HEADER = 10_000
"""Bytes of an array's header, as many as NumPy reads."""
BLOCK = 1 << 20
MAGIC = b"\x93NUMPY"

_END, _END_64, _LOCATOR_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"


def read_members(name: str, file: IO[bytes], budget: Budget) -> dict[str, Array]:
    """The arrays of a .npz file by name.

    Parameters
    ----------
    name : str
        What errors call the file.
    file : binary file, seekable
    budget : Budget
        What memory they may take.

    Raises
    ------
    ReaderError
        If the file is damaged, holds something else than arrays of numbers or texts, or would take
        more memory than allowed.
    """
    arrays: dict[str, Array] = {}
    place = name
    try:
        n_promised = _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) != n_promised:
                raise ValueError(f"{n_promised} arrays promised, {len(members)} found")
            keys = [_checked_key(member) for member in members]
            if len(set(keys)) < len(keys):
                raise ValueError("an array is there twice")
            budget.take(sum(member.file_size for member in members), "its arrays")
            for key, member in zip(keys, members, strict=True):
                place = f"{name}: array {cut(key)}"
                with archive.open(member) as content:
                    arrays[key] = _array(content, member.file_size, key, place)
    except ReaderError:
        raise
    except Exception as error:
        # A damaged zip archive raises almost anything: zlib, zipfile, struct, tokenize, memory.
        raise ReaderError(f"{place}: damaged .npz file ({cut_message(error)})") from error
    return arrays


def cut_message(error: Exception) -> str:
    """What an error says, not endless."""
    text = str(error) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


def _check_directory(file: IO[bytes]) -> int:
    """How many members the end of a zip archive promises; an error if the list is far too long."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    start = max(0, size - 22 - (1 << 16))
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise ValueError("the end of the zip archive is missing: the file may be cut short")
    n_members, directory = struct.unpack_from("<HI", tail, at + 10)
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(_LOCATOR_64):  # of an archive of more than 4 GiB
        record = tail[at - 76 : at - 20] if at >= 76 else b""
        if not record.startswith(_END_64):
            raise ValueError("the end of the zip archive is damaged")
        n_members, directory = struct.unpack_from("<QQ", record, 32)
    file.seek(0)
    if n_members > MOST_MEMBERS or directory > MOST_DIRECTORY:
        raise ValueError(
            f"{n_members} arrays in a list of {directory} bytes, where at most {MOST_MEMBERS} are "
            "read"
        )
    return int(n_members)


def _checked_key(member: zipfile.ZipInfo) -> str:
    """The name of an array that can be read."""
    key = member.filename.removesuffix(".npy")
    if key == member.filename:
        raise ValueError(f"it holds {cut(key)}, which is no array (.npy)")
    if member.flag_bits & 1:
        raise ValueError(f"{cut(key)} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            f"{cut(key)} is compressed by method {member.compress_type}, which NumPy does not "
            "write: write it with numpy.savez_compressed or elman.data.write_npz"
        )
    return key


def _array(content: IO[bytes], size: int, key: str, place: str) -> Array:
    """The array that a member holds, all of it and nothing else."""
    dtype, shape, fortran, n_header = _header(content, key, place)
    n_values = math.prod(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"its shape is {shape}")
    n_bytes = n_values * dtype.itemsize
    if n_bytes != size - n_header:
        raise ValueError(
            f"its header promises {n_bytes:,} bytes, {shape} values of type {dtype}, and there are "
            f"{size - n_header:,}"
        )
    if n_bytes == 0 and n_values > 0:  # texts of no width: as many as anyone likes in no bytes
        raise ValueError(f"{n_values:,} values of no size")
    raw = np.empty(n_bytes, np.uint8)
    filled = 0
    while filled < n_bytes:
        block = content.read(min(BLOCK, n_bytes - filled))
        if not block:
            raise ValueError(f"it ends after {filled:,} of {n_bytes:,} bytes")
        raw[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    if content.read(1):
        raise ValueError(f"there is more than the {n_bytes:,} bytes that its header promises")
    flat = raw.view(dtype) if n_bytes else np.empty(0, dtype)
    _check_values(flat)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(content: IO[bytes], key: str, place: str) -> tuple[Any, tuple[int, ...], bool, int]:
    """Type, shape and order of the array, and how many bytes said so."""
    start = content.read(8)
    if start[:6] != MAGIC or start[6:] not in (b"\1\0", b"\2\0"):
        raise ValueError("it does not start as an array (.npy) of version 1 or 2")
    n_length = 2 if start[6] == 1 else 4
    length = content.read(n_length)
    n_header = int.from_bytes(length, "little")
    if n_header > MOST_HEADER:
        raise ValueError(f"its header has {n_header:,} bytes; at most {MOST_HEADER:,} are read")
    header = content.read(n_header)
    read = (
        np.lib.format.read_array_header_1_0
        if n_length == 2
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(io.BytesIO(length + header))
    if dtype.hasobject:
        _refuse_pickle(key, place)
    if dtype.kind not in "fiubUSM" or dtype.names is not None or dtype.subdtype is not None:
        raise ReaderError(
            f"{place} has dtype {cut(str(dtype))[1:-1]}; expected numbers, or strings in y"
        )
    return dtype, shape, fortran, 8 + n_length + n_header


def _refuse_pickle(key: str, place: str) -> NoReturn:
    kept = "labels of any kind" if key.startswith("y") else "sequences of unequal lengths too"
    raise ReaderError(
        f"{place} holds Python objects (a pickle), which is never loaded: write the file with "
        f"elman.data.write_npz(path, X, y), which keeps {kept}"
    )


def _check_values(flat: Array) -> None:
    """Refuse bytes that stand for no value of their type."""
    kind = flat.dtype.kind
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK]
        if kind == "b" and block.view(np.uint8).max() > 1:
            raise ValueError("it has values that are neither true nor false")
        if kind == "U":
            points = block.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
            if points.max() > 0x10FFFF:
                raise ValueError("it has texts with a character that there is not")
