"""Texts of variable length in an HDF5 file that nobody trusts, which the library must not read.

They lie in heaps, collections of objects one after another, and an attribute refers to one by the
heap's address, the object's number and its length. The HDF5 library goes from one object to the
next by the size of each, so that one without a size keeps it busy for ever; and it takes as much
memory as a reference says before it looks whether there is so much. So heaps are checked before the
library sees the file, and the texts are read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP = b"GCOL\1"
"""How a heap begins, with its version."""
BLOCK = 1 << 20
ATTRIBUTE, CONTINUATION = 0x0C, 0x10
"""Kinds of messages in the header of an object."""
MOST_BLOCKS = 1000
"""Of a header."""


def check(file: IO[bytes]) -> None:
    """Raise ValueError for a file that begins otherwise, or has a heap that leads nowhere.

    Parameters
    ----------
    file : binary file, seekable
    """
    file.seek(0)
    start = file.read(36)
    if not start.startswith(SIGNATURE) or len(start) < 36:
        raise ValueError("it does not begin as one")
    version = start[8]
    sizes = start[13:15] if version < 2 else start[9:11]
    base = {0: 24, 1: 28}.get(version, 12)
    if sizes != b"\x08\x08" or start[base : base + 8] != bytes(8):
        raise ValueError("its addresses do not have 8 bytes, or do not count from its beginning")
    for at in _found(file, HEAP):
        for _ in _objects(file, at):
            pass


def texts_of(file: IO[bytes], size: int, address: int, name: str, n_texts: int) -> list[str]:
    """The texts of variable length in an attribute.

    Parameters
    ----------
    file : binary file, seekable
    size : int
        Its bytes.
    address : int
        Where the header of the object begins whose attribute it is.
    name : str
        Of the attribute.
    n_texts : int

    Raises
    ------
    ValueError
        They are not there, or the file is of a version that Keras does not write.
    """
    for kind, message in _messages(file, size, address):
        references = _references(message, name, n_texts) if kind == ATTRIBUTE else None
        if references is not None:
            return [_text(file, *each) for each in references]
    raise ValueError(f"the attribute {name!r} is not where it should be")


def _found(file: IO[bytes], words: bytes) -> Iterator[int]:
    """Where words stand in a file."""
    start, before = 0, b""
    while True:
        file.seek(start)
        block = file.read(BLOCK)
        if not block:
            return
        content = before + block
        at = content.find(words)
        while at >= 0:
            yield start - len(before) + at
            at = content.find(words, at + 1)
        before = content[-(len(words) - 1) :]
        start += len(block)


def _objects(file: IO[bytes], at: int) -> Iterator[tuple[int, int, int]]:
    """The number, the place and the length of each object of a heap; ValueError if one is wrong."""
    file.seek(at + 8)
    size = int.from_bytes(file.read(8), "little")
    place = 16
    while place + 16 <= size:
        file.seek(at + place)
        header = file.read(16)
        if len(header) < 16:
            raise ValueError("a heap of texts is longer than the file")
        number, length = int.from_bytes(header[:2], "little"), int.from_bytes(header[8:], "little")
        # what is left of a heap is called 0, and its length counts its header
        step = 16 + -(-length // 8) * 8 if number else length
        if step < 16 or place + step > size:
            raise ValueError("the objects of a heap of texts do not lead to its end")
        if number:
            yield number, at + place + 16, length
        place += step


def _messages(file: IO[bytes], size: int, address: int) -> Iterator[tuple[int, bytes]]:
    """The kinds and contents of the messages in the header of an object."""
    file.seek(address)
    start = file.read(16)
    if len(start) < 16 or start[0] != 1:
        raise ValueError("its objects are of a version that Keras does not write")
    blocks = [(address + 16, int.from_bytes(start[8:12], "little"))]
    n_blocks = 0
    while blocks:
        at, length = blocks.pop(0)
        n_blocks += 1
        if at + length > size or n_blocks > MOST_BLOCKS:
            raise ValueError("the header of an object is longer than the file")
        file.seek(at)
        content = file.read(length)
        place = 0
        while place + 8 <= len(content):
            kind, n_bytes = struct.unpack_from("<HH", content, place)
            message = content[place + 8 : place + 8 + n_bytes]
            if kind == CONTINUATION and len(message) >= 16:
                blocks.append(struct.unpack_from("<QQ", message))
            yield kind, message
            place += 8 + n_bytes


def _references(message: bytes, name: str, n_texts: int) -> list[tuple[int, int, int]] | None:
    """Length, heap and number of each text of an attribute; None if it has another name."""
    if len(message) < 9 or message[0] not in (1, 2, 3):
        raise ValueError("an attribute is of a version that Keras does not write")
    sizes = struct.unpack_from("<HHH", message, 2)
    place = 9 if message[0] == 3 else 8
    found = message[place : place + sizes[0]].partition(b"\0")[0]
    if found != name.encode():
        return None
    for n_bytes in sizes:  # of the name, the type and the shape
        place += -(-n_bytes // 8) * 8 if message[0] == 1 else n_bytes
    content = message[place : place + 16 * n_texts]
    if len(content) < 16 * n_texts:
        raise ValueError(f"the attribute {name!r} is shorter than it promises")
    return list(struct.iter_unpack("<IQI", content))


def _text(file: IO[bytes], length: int, heap: int, number: int) -> str:
    """One text."""
    if length == 0:
        return ""
    file.seek(heap)
    if file.read(len(HEAP)) != HEAP:
        raise ValueError("a text is not in a heap")
    for each, place, n_bytes in _objects(file, heap):
        if each == number:
            if length > n_bytes:
                raise ValueError(f"a text promises {length:,} bytes, and {n_bytes:,} are stored")
            file.seek(place)
            return file.read(length).decode()
    raise ValueError("a text is not in its heap")
