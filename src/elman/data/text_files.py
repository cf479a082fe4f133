"""The name of a text file in; what is not text in it, as an error out."""

from __future__ import annotations

import os
import stat
from typing import NoReturn

from elman.data.dataset import ReaderError

_OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook, not text: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook, not text: save the sheet as CSV",
    b"\x1f\x8b": "compressed (gzip): unpack it first",
    b"BZh": "compressed (bzip2): unpack it first",
    b"\xfd7zXZ": "compressed (xz): unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed (zstandard): unpack it first",
    b"PAR1": "a Parquet file: call it .parquet",
    b"ARROW1": "an Arrow file: call it .arrow",
}


def not_text(path: str) -> str | None:
    """The encoding that a file's byte order mark names, if any; an error if it is no text."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise ReaderError(f"{path}: is a folder, where a file is expected")
    if not stat.S_ISREG(mode):
        raise ReaderError(f"{path}: is not a regular file, and cannot be read twice: save it first")
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise ReaderError(f"{path}: is {what}")
    return None


def undecodable(path: str, encoding: str, error: UnicodeDecodeError) -> NoReturn:
    """Say on which line of a file the bytes are that are not text."""
    if encoding == "utf-16":
        raise ReaderError(f"{path}: is damaged UTF-16 text ({error.reason})") from error
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as found:
                raise ReaderError(
                    f"{path}, line {number}: byte 0x{line[found.start]:02x} is not UTF-8 (it may "
                    "be Latin-1 or Windows-1252): save the file as UTF-8"
                ) from error
    raise ReaderError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
