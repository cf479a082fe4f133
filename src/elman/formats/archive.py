"""Writes named arrays and a configuration to one checked file, and reads them or refuses.

The file is a safetensors file, so that other tools can read its arrays. Its metadata are

    format          "elman"
    format_version  "2"
    config          the configuration, JSON
    sha256          of the configuration and of every array's name, type, shape and bytes

safetensors itself has no checksum: most flipped bits of a file would load in silence. The digest
finds damage, not malice; but nothing in a file is ever run, whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.formats.atomic import replacing

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

FORMAT = "elman"
FORMAT_VERSION = 2
READABLE = ("1", "2")
"""Versions that this one reads. Version 2 calls the hyper-parameter `recompute_every` so, which
version 1 called `checkpoint_every`."""
MAX_HEADER = 100_000_000  # bytes; the limit of safetensors itself
MOST_PARTS = 1 << 24  # bytes that parsing may take beside a few times the text's own
METADATA_KEYS = {"format", "format_version", "config", "sha256"}

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
CODES = {np.dtype(text): code for code, text in DTYPES.items()}


class ArchiveError(ValueError):
    """A file that is not a whole archive of a known version: the message names it and says why."""


def save(path: PathLike, tensors: Mapping[str, Array], config: Mapping[str, Any]) -> None:
    """Write an archive; a crash at any moment leaves the file that was there before whole.

    How, `elman.formats.atomic` says. The same arguments give the same bytes.

    Parameters
    ----------
    path : path-like
        The file, replaced if there is one.
    tensors : mapping of str to ndarray
        Real numbers, integers or bools of a type that NumPy and safetensors share; any shape, byte
        order and layout.
    config : mapping
        What JSON keeps exactly: dicts with string keys, lists, str, int, float, bool and None.

    Raises
    ------
    TypeError
        If a tensor or a part of the configuration is of another type.
    ValueError
        If a name or a value cannot be stored.
    OSError
        If the file cannot be written, or `path` is something other than a regular file.
    """
    arrays = {name: _storable(name, array) for name, array in tensors.items()}
    text = _config_text(config)
    # Widest types first, as safetensors orders them, so that every array is aligned.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: dict[str, Any] = {
        "__metadata__": {
            "format": FORMAT,
            "format_version": str(FORMAT_VERSION),
            "config": text,
            "sha256": _digest(text, arrays, str(FORMAT_VERSION)),
        }
    }
    start = 0
    for name in order:
        array = arrays[name]
        header[name] = {
            "dtype": CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, start + array.nbytes],
        }
        start += array.nbytes
    # Written here, because the safetensors writer puts metadata in a random order.
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > MAX_HEADER:
        raise ValueError(f"the header would take {len(encoded)} bytes; at most {MAX_HEADER} fit")
    chunks: list[bytes | memoryview] = [
        len(encoded).to_bytes(8, "little"),
        encoded,
        *(_raw(arrays[name]) for name in order),
    ]
    with replacing(path) as file:
        for chunk in chunks:
            file.write(chunk)


def load(path: PathLike) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read an archive and check all of it.

    Memory stays within a small multiple of the file's size.

    Parameters
    ----------
    path : path-like
        A file that `save` wrote.

    Returns
    -------
    tensors : dict of str to ndarray
        Bit for bit what was saved, sorted by name; fresh, native, C-contiguous arrays.
    config : dict

    Raises
    ------
    ArchiveError
        If the file is anything but a whole archive of a version this package reads.
    OSError
        If the file cannot be opened.
    """
    where = os.fspath(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ArchiveError(f"{where}: not a regular file, so not a saved model")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        n_header = int.from_bytes(start, "little")
        if len(start) < 8 or n_header > min(size - 8, MAX_HEADER):
            _refuse(where, f"not an elman model, or cut short ({size} bytes)")
        header = file.read(n_header)
        metadata = _metadata(where, header)
        content = start + header + file.read()
    tensors = _tensors(where, content)
    if _digest(metadata["config"], tensors, metadata["format_version"]) != metadata["sha256"]:
        _refuse(where, "the SHA-256 of its content is not the one it carries: it is damaged")
    native = {
        name: tensors[name].astype(tensors[name].dtype.newbyteorder("="), order="C")
        for name in sorted(tensors)
    }
    return native, _config(where, metadata["config"])


def _refuse(where: str, reason: str, cause: Exception | None = None) -> NoReturn:
    fix = "save the model again, or take another copy of the file"
    raise ArchiveError(f"{where}: {reason}; {fix}") from cause


# Reading


def _metadata(where: str, header: bytes) -> dict[str, str]:
    """The metadata of a header that is one of ours, duplicates of keys refused."""
    _check_parts(where, header, "not an elman model, or damaged: its header")
    try:
        entries = json.loads(header.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        _refuse(where, f"not an elman model, or damaged (its header: {error})", error)
    metadata = entries.get("__metadata__") if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        _refuse(where, "not an elman model (a safetensors file that another program wrote?)")
    version = metadata.get("format_version")
    if version not in READABLE:
        raise ArchiveError(
            f"{where}: format version {_cut(version)}; this elman reads {' and '.join(READABLE)}: "
            "install the elman that wrote it, or a newer one"
        )
    if set(metadata) != METADATA_KEYS or not all(isinstance(v, str) for v in metadata.values()):
        _refuse(where, f"damaged: its metadata are {_cut(sorted(metadata))}")
    return metadata


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a key appears twice")
    return entries


def _tensors(where: str, content: bytes) -> dict[str, Array]:
    """The arrays of a file, little-endian and read-only; safetensors checks the layout."""
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        _refuse(where, f"damaged or cut short ({_cut(str(error))})", error)
    tensors: dict[str, Array] = {}
    for name, entry in entries:
        code, shape, data = entry["dtype"], tuple(entry["shape"]), entry["data"]
        if code not in DTYPES:
            _refuse(where, f"array {_cut(name)} has the unsupported type {_cut(code)}")
        dtype = np.dtype(DTYPES[code])
        if dtype.kind == "b" and data.strip(b"\0\1"):
            _refuse(where, f"array {_cut(name)} holds values that are neither true nor false")
        try:
            flat = np.frombuffer(data, dtype) if len(data) else np.empty(0, dtype)
            tensors[name] = flat.reshape(shape)
        except (ValueError, OverflowError) as error:
            _refuse(where, f"array {_cut(name)} has the impossible shape {_cut(shape)}", error)
    return tensors


def _check_parts(where: str, text: bytes, what: str) -> None:
    """Refuse JSON that would take far more memory than its text, such as millions of empty lists.

    The sizes are those of CPython's list, dict, and number or reference.
    """
    parts = 88 * text.count(b"[") + 232 * text.count(b"{") + 40 * text.count(b",")
    if parts > 4 * len(text) + MOST_PARTS:
        _refuse(where, f"{what} would take about {parts:,} bytes in memory")


def _config(where: str, text: str) -> dict[str, Any]:
    _check_parts(where, text.encode("utf-8", "surrogatepass"), "its configuration")
    try:
        config = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        _refuse(where, f"its configuration is not JSON ({error})", error)
    if not isinstance(config, dict):
        _refuse(where, f"its configuration is not an object: {_cut(text)}")
    return config


# Writing


def _storable(name: str, array: Array) -> Array:
    """The array little-endian and C-contiguous; an error if it or its name cannot be stored."""
    if not isinstance(name, str):
        raise TypeError(f"the tensor name {name!r} is a {type(name).__name__}; it must be a str")
    if name == "__metadata__":
        raise ValueError("a tensor cannot be called '__metadata__': safetensors reserves the name")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the tensor name {name!r} has no UTF-8 form") from error
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"tensor {name!r} is a masked array, whose mask cannot be stored: fill it")
    array = np.asarray(array)
    little = array.dtype.newbyteorder("<") if array.dtype.kind in "fiu" else array.dtype
    if little not in CODES:
        raise TypeError(
            f"tensor {name!r} has dtype {array.dtype}; choose one of "
            f"{', '.join(dtype.name for dtype in CODES)}"
        )
    return np.asarray(array, dtype=little, order="C")


def _config_text(config: Mapping[str, Any]) -> str:
    config = dict(config)
    try:
        _check_json(config, "config")
        return json.dumps(config, sort_keys=True)
    except RecursionError as error:
        raise ValueError("config is nested too deeply, or holds itself") from error


def _check_json(value: Any, place: str) -> None:
    """Refuse what JSON would change: tuples, keys that are not strings, NumPy scalars, objects."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{place} has the key {key!r}; keys must be strings")
            _check_json(item, f"{place}[{key!r}]")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_json(item, f"{place}[{i}]")
    elif not (value is None or isinstance(value, (str, bool, int, float))):
        raise TypeError(
            f"{place} is {_cut(value)}, a {type(value).__name__}, which JSON cannot keep; use "
            "dict, list, str, int, float, bool or None"
        )


def _raw(array: Array) -> memoryview:
    """The bytes of a C-contiguous array, not copied."""
    return array.reshape(-1).view(np.uint8).data


def _digest(config_text: str, tensors: Mapping[str, Array], version: str) -> str:
    """SHA-256 of all parts, each preceded by its length: no two archives share a text."""
    digest = hashlib.sha256(f"{FORMAT} archive {version}\n".encode())

    def add(part: bytes | memoryview) -> None:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)

    add(config_text.encode("utf-8", "surrogatepass"))
    for name in sorted(tensors):
        array = tensors[name]
        add(name.encode())
        add(CODES[array.dtype].encode())
        add(",".join(map(str, array.shape)).encode())
        add(_raw(array))
    return digest.hexdigest()


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
