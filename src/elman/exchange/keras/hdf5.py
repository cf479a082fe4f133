"""An HDF5 file that nobody trusts in; its arrays and texts, or an error, out.

HDF5 can name other files (external links, external storage, virtual datasets), give one object many
names (soft and hard links) and promise values that it does not hold (shapes, compression). Keras
uses none of it, so all of it is refused, before anything is read.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import ExchangeError

Array = NDArray[Any]

MOST_OBJECTS = 20_000
"""Groups and arrays of a file."""
MOST_DEPTH = 32
"""Groups within each other."""
MOST_NAMES = 100
"""Texts of variable length in one attribute. Each may be one and the same, as long as the file."""
MOST_AXES = 3
"""Axes of an array: no weight of a recurrent model has more than two."""


def import_h5py() -> Any:
    """The package h5py, or an ImportError that says how to install it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "models of Keras are read and written with h5py, which is not installed: "
            "pip install 'elman[keras]'"
        ) from error
    return h5py


class Hdf5:
    """An open HDF5 file.

    Parameters
    ----------
    root : h5py.File
    file : binary file
        What it was opened of.
    place : str
        What errors call it.
    size : int
        Its size in bytes. All arrays that are read are no larger together.
    """

    def __init__(self, root: Any, file: IO[bytes], place: str, size: int) -> None:
        self.root = root
        self._file = file
        self.place = place
        self._size = size
        self._read = 0
        self._objects = 0
        self._seen: set[Any] = set()
        self._heaps_checked = False

    def has(self, path: str) -> bool:
        """Whether there is a group or an array of that path, through hard links alone."""
        return self._entry(path) is not None

    def groups(self, path: str = "") -> list[str]:
        """Names of the groups in a group; [] if there is none of that path."""
        h5py = import_h5py()
        found = self._entry(path)
        if not isinstance(found, h5py.h5g.GroupID):
            return []
        names = []
        for name, each in self._within(found, path):
            if isinstance(each, h5py.h5g.GroupID):
                names.append(name)
        return names

    def arrays(self, path: str = "") -> dict[str, Array]:
        """All arrays below a group by their paths from there; {} if there is none of that path.

        Raises
        ------
        ExchangeError
            Something below it is no plain array of numbers, or no hard link.
        """
        h5py = import_h5py()
        found = self._entry(path)
        if not isinstance(found, h5py.h5g.GroupID):
            return {}
        arrays: dict[str, Array] = {}
        self._collect(found, path, "", 0, arrays)
        return arrays

    def text(self, name: str, path: str = "") -> str | None:
        """A text among the attributes of a group; None if there is none of that name."""
        found = self._attribute(name, path)
        if found is None:
            return None
        if found.shape != ():
            self._refuse(f"the attribute {name!r} has shape {found.shape}; it must be one text")
        self._check_text(found, name)
        return self._as_text(self._group(path).attrs[name], name)

    def names(self, name: str, path: str = "") -> list[str] | None:
        """Texts in an attribute of a group, in pieces where they are many; None if there are none.

        What is long Keras cuts into attributes that are called by the name and a number.
        """
        if self._attribute(name, path) is not None:
            return self._names(name, path)
        pieces: list[str] = []
        for i in range(MOST_OBJECTS):
            if self._attribute(f"{name}{i}", path) is None:
                return pieces if i else None
            pieces += self._names(f"{name}{i}", path)
        return pieces

    # Objects

    def _entry(self, path: str) -> Any:
        """The object of a path; None if there is none."""
        h5py = import_h5py()
        found = self.root.id
        so_far = ""
        for part in filter(None, path.split("/")):
            if isinstance(found, h5py.h5f.FileID):
                found = h5py.h5o.open(found, b"/")
            if not isinstance(found, h5py.h5g.GroupID):
                return None
            encoded = part.encode()
            if part == "." or not found.links.exists(encoded):
                return None
            so_far = f"{so_far}/{part}".lstrip("/")
            found = self._opened(found, part, so_far)
        if isinstance(found, h5py.h5f.FileID):
            found = h5py.h5o.open(found, b"/")
        return found

    def _group(self, path: str) -> Any:
        return self.root[path] if path else self.root

    def _within(self, group: Any, path: str) -> Iterator[tuple[str, Any]]:
        """The objects in a group, by name."""
        names: list[bytes] = []
        group.links.iterate(names.append)
        for encoded in names:
            name = encoded.decode(errors="replace")
            yield name, self._opened(group, name, f"{path}/{name}".lstrip("/"))

    def _opened(self, group: Any, name: str, path: str) -> Any:
        h5py = import_h5py()
        kind = group.links.get_info(name.encode()).type
        if kind != h5py.h5l.TYPE_HARD:
            kinds = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "an external link"}
            self._refuse(
                f"{path!r} is {kinds.get(kind, 'a link of an unknown kind')}, which may lead out "
                "of the file; Keras writes none"
            )
        self._objects += 1
        if self._objects > 100 * MOST_OBJECTS:  # looked up, some of them several times
            self._refuse("it names too many objects")
        return h5py.h5o.open(group, name.encode())

    def _collect(
        self, group: Any, path: str, below: str, depth: int, arrays: dict[str, Array]
    ) -> None:
        h5py = import_h5py()
        if depth > MOST_DEPTH:
            self._refuse(f"its groups stand more than {MOST_DEPTH} deep in each other")
        for name, each in self._within(group, path):
            own, whole = f"{below}/{name}".lstrip("/"), f"{path}/{name}".lstrip("/")
            info = h5py.h5o.get_info(each)
            key = (info.fileno, info.addr)
            if key in self._seen:
                self._refuse(f"{whole!r} is an object that another name has as well")
            self._seen.add(key)
            if len(self._seen) > MOST_OBJECTS:
                self._refuse(f"it holds more than {MOST_OBJECTS} groups and arrays")
            if isinstance(each, h5py.h5g.GroupID):
                self._collect(each, whole, own, depth + 1, arrays)
            elif isinstance(each, h5py.h5d.DatasetID):
                arrays[own] = self._array(each, whole)
            else:
                self._refuse(f"{whole!r} is neither a group nor an array")

    def _array(self, dataset: Any, path: str) -> Array:
        """The values of an array that the file holds itself, plainly and wholly."""
        h5py = import_h5py()
        created = dataset.get_create_plist()
        if created.get_layout() == h5py.h5d.VIRTUAL:  # before its shape is asked for
            self._refuse(f"{path!r} is a virtual dataset, whose values are in other files")
        if created.get_external_count():
            self._refuse(f"{path!r} has its values in another file (external storage)")
        if created.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
            self._refuse(
                f"{path!r} is stored in chunks or compressed, which Keras does not do: load the "
                "model with Keras, and save it again"
            )
        kind, shape = dataset.get_type(), dataset.shape
        if shape is None or len(shape) > MOST_AXES:
            self._refuse(f"{path!r} has shape {shape}; at most {MOST_AXES} axes are expected")
        dtype = kind.dtype
        is_bfloat16 = kind.get_class() == h5py.h5t.OPAQUE and kind.get_size() == 2
        if not is_bfloat16 and (dtype.kind not in "fiu" or dtype.itemsize > 8):
            self._refuse(f"{path!r} holds values of type {dtype!s:.60}, not numbers")
        n_bytes = math.prod(shape) * kind.get_size()
        if n_bytes != dataset.get_storage_size() or n_bytes > self._size:
            self._refuse(
                f"{path!r} promises {n_bytes:,} bytes, {shape} values, and "
                f"{min(dataset.get_storage_size(), self._size):,} are stored"
            )
        self._read += n_bytes
        if self._read > self._size:
            self._refuse(f"its arrays promise more than the {self._size:,} bytes of the file")
        out = np.empty(shape, "V2" if is_bfloat16 else dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, out)
        if is_bfloat16:  # the upper half of a float32
            halves = out.view(np.uint16).astype(np.uint32)
            return (halves << 16).view(np.float32)
        return out.astype(out.dtype.newbyteorder("="), copy=False)

    # Attributes

    def _attribute(self, name: str, path: str) -> Any:
        """The attribute, unread."""
        h5py = import_h5py()
        found = self._entry(path)
        if found is None or not h5py.h5a.exists(found, name.encode()):
            return None
        return h5py.h5a.open(found, name.encode())

    def _names(self, name: str, path: str) -> list[str]:
        found = self._attribute(name, path)
        if len(found.shape) != 1:
            self._refuse(f"the attribute {name!r} has shape {found.shape}; it must be a list")
        if found.shape[0] == 0:
            return []
        self._check_text(found, name)
        if found.get_type().is_variable_str() and found.shape[0] > MOST_NAMES:
            self._refuse(
                f"the attribute {name!r} holds {found.shape[0]:,} texts; at most {MOST_NAMES} are "
                "read"
            )
        return [self._as_text(each, name) for each in self._group(path).attrs[name].tolist()]

    def _check_text(self, found: Any, name: str) -> None:
        h5py = import_h5py()
        if found.get_type().get_class() != h5py.h5t.STRING:
            self._refuse(f"the attribute {name!r} holds no text")
        if found.get_type().is_variable_str() and not self._heaps_checked:
            try:
                check_heaps(self._file)
            except ValueError as error:
                self._refuse(f"damaged HDF5 file ({error})")
            self._heaps_checked = True
        n_bytes = math.prod(found.shape) * found.get_type().get_size()
        if n_bytes > self._size:
            self._refuse(
                f"the attribute {name!r} promises {n_bytes:,} bytes, more than the file has"
            )

    def _as_text(self, value: Any, name: str) -> str:
        if isinstance(value, np.ndarray):
            value = value.item()
        if isinstance(value, str):
            return value
        if not isinstance(value, bytes):
            self._refuse(f"the attribute {name!r} holds {type(value).__name__}, not a text")
        return value.decode()

    def _refuse(self, why: str) -> NoReturn:
        raise ExchangeError(f"{self.place}: {why}")


@contextlib.contextmanager
def opened(file: IO[bytes], place: str, size: int) -> Iterator[Hdf5]:
    """Open a file for reading; whatever goes wrong with it is an `ExchangeError`.

    Parameters
    ----------
    file : binary file, seekable
    place : str
        What errors call it.
    size : int
        Its bytes.
    """
    h5py = import_h5py()
    try:
        _check_superblock(file)
        with h5py.File(file, "r") as root:
            yield Hdf5(root, file, place, size)
    except ExchangeError:
        raise
    except Exception as error:
        # Of a damaged file h5py raises almost anything.
        text = str(error).partition("\n")[0] or type(error).__name__
        raise ExchangeError(f"{place}: damaged HDF5 file ({text:.200})") from error


# What the HDF5 library does not check

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP = b"GCOL\1"
"""How a heap of texts begins, with its version."""
BLOCK = 1 << 20


def _check_superblock(file: IO[bytes]) -> None:
    """Raise ValueError for a file that begins otherwise, or has addresses of other sizes."""
    file.seek(0)
    start = file.read(16)
    if not start.startswith(SIGNATURE):
        raise ValueError("it does not begin as one")
    sizes = start[13:15] if start[8] < 2 else start[9:11]
    if sizes != b"\x08\x08":
        raise ValueError("its addresses do not have 8 bytes")


def check_heaps(file: IO[bytes]) -> None:
    """Raise ValueError if a heap of texts in an HDF5 file would keep the library busy for ever.

    The library goes from one object of a heap to the next by the size of each. One without a size
    it looks at again and again.
    """
    start, before = 0, b""
    while True:
        file.seek(start)
        block = file.read(BLOCK)
        if not block:
            return
        content = before + block
        at = content.find(HEAP)
        while at >= 0:
            _check_heap(file, start - len(before) + at)
            at = content.find(HEAP, at + 1)
        before = content[-(len(HEAP) - 1) :]
        start += len(block)


def _check_heap(file: IO[bytes], at: int) -> None:
    """Raise ValueError unless the objects of a heap lead to its end."""
    file.seek(at + 8)
    size = int.from_bytes(file.read(8), "little")
    place = 16
    while place + 16 <= size:
        file.seek(at + place)
        header = file.read(16)
        if len(header) < 16:
            raise ValueError("a heap of texts is longer than the file")
        length = int.from_bytes(header[8:], "little")
        of_texts = header[:2] != b"\0\0"  # else it is what is left of the heap
        place += 16 + -(-length // 8) * 8 if of_texts else length
        if (length < 16 and not of_texts) or place > size:
            raise ValueError("the objects of a heap of texts do not lead to its end")
