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

from elman.exchange.keras import heaps
from elman.exchange.parts import ExchangeError

Array = NDArray[Any]

MOST_OBJECTS = 20_000
"""Groups and arrays of a file."""
MOST_DEPTH = 32
"""Groups within each other."""
MOST_NAMES = 100
"""Texts of variable length in one attribute. All may be one and the same, as long as the file."""
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
        return self._texts(found, name, path)[0]

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
        return self._texts(found, name, path)

    def _texts(self, found: Any, name: str, path: str) -> list[str]:
        h5py = import_h5py()
        if found.get_type().get_class() != h5py.h5t.STRING:
            self._refuse(f"the attribute {name!r} holds no text")
        n_texts = math.prod(found.shape)
        n_bytes = n_texts * found.get_type().get_size()
        if n_bytes > self._size:
            self._refuse(
                f"the attribute {name!r} promises {n_bytes:,} bytes, more than the file has"
            )
        if not found.get_type().is_variable_str():
            values = np.asarray(self._group(path).attrs[name]).reshape(-1).tolist()
            return [each.decode() if isinstance(each, bytes) else str(each) for each in values]
        if n_texts > MOST_NAMES:
            self._refuse(
                f"the attribute {name!r} holds {n_texts:,} texts; at most {MOST_NAMES} are read"
            )
        address = h5py.h5o.get_info(self._entry(path)).addr
        return heaps.texts_of(self._file, self._size, address, name, n_texts)

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
        heaps.check(file)
        with h5py.File(file, "r") as root:
            yield Hdf5(root, file, place, size)
    except ExchangeError:
        raise
    except Exception as error:
        # Of a damaged file h5py raises almost anything.
        text = str(error).partition("\n")[0] or type(error).__name__
        raise ExchangeError(f"{place}: damaged HDF5 file ({text:.200})") from error
