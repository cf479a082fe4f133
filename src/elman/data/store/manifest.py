"""What a store holds, as `manifest.json` says it; every message about a manifest that is wrong.

A manifest may come from anybody. Nothing in it is run, it names no files (their names follow from
the numbers of the shards), and no memory is taken that it only promises.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from elman.data.dataset import ReaderError, cut

FILE = "manifest.json"
FORMAT = "elman store"
VERSION = 1
MOST_BYTES = 100_000_000
"""Of a manifest: some 100,000 shards, or millions of different labels."""
MOST_COUNTED = 1000
"""How many different numbers there may be for the manifest to count each."""
MOST = 1 << 48
"""Above any count of sequences, steps or bytes."""

DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}
"""Types of values, as they lie on the disk."""
TARGET_KINDS = ("text", "int", "float", "bool")
ID_KINDS = ("text", "int", "float", "date")
PARTS = ("values", "lengths", "y", "y_missing", "weights", "ids", "ids_text", "ids_lengths")
"""The files that a shard may have; the first two it must have."""

_SHA = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(\d{5,})\.([a-z_]+)\.npy")
FIX = "write the store again, or take another copy of it"


class StoreError(ReaderError):
    """A store that cannot be opened or read: the message names the file and says why."""


@dataclass(frozen=True)
class Part:
    """A file of a shard."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """Some sequences in a row, and their files."""

    n_sequences: int
    n_steps: int
    n_missing: int
    """how many values are NaN"""
    parts: Mapping[str, Part]


@dataclass(frozen=True)
class Target:
    """What y is."""

    kind: str
    """"text", "int", "float" or "bool" """
    dtype: str
    """of the array that all of y makes, but for text"""
    per_step: bool
    columns: int | None
    """how many numbers each sequence, or step, has; None for one that is not in an array"""
    n_missing: int
    """how many labels are missing, NaN not counted"""
    classes: tuple[Any, ...] | None
    """the different labels in the order in which they came, which codes of text refer to; None if
    there are too many numbers"""
    counts: tuple[int, ...] | None
    """how often each of the classes is there"""


@dataclass(frozen=True)
class Manifest:
    """All that a store says of itself."""

    dtype: str
    n_features: int
    two_d: bool
    feature_names: tuple[str, ...] | None
    target: Target | None
    weights: str | None
    """"sequence" or "step": what has a weight; None without any"""
    ids: str | None
    """the kind of the ids, a key of `ID_KINDS`"""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    shards: tuple[Shard, ...] = ()

    @property
    def n_sequences(self) -> int:
        """Sequences of all shards."""
        return sum(shard.n_sequences for shard in self.shards)

    @property
    def n_steps(self) -> int:
        """Time steps of all shards."""
        return sum(shard.n_steps for shard in self.shards)

    @property
    def n_missing(self) -> int:
        """Values that are NaN in all shards."""
        return sum(shard.n_missing for shard in self.shards)

    def encoded(self) -> bytes:
        """The text of the file; the same manifest gives the same bytes."""
        target = self.target
        content: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "dtype": self.dtype,
            "n_features": self.n_features,
            "two_d": self.two_d,
            "feature_names": None if self.feature_names is None else list(self.feature_names),
            "n_sequences": self.n_sequences,
            "n_steps": self.n_steps,
            "n_missing": self.n_missing,
            "target": None
            if target is None
            else {
                "kind": target.kind,
                "dtype": target.dtype,
                "of": "step" if target.per_step else "sequence",
                "columns": target.columns,
                "n_missing": target.n_missing,
                "classes": None if target.classes is None else list(target.classes),
                "counts": None if target.counts is None else list(target.counts),
            },
            "weights": self.weights,
            "ids": self.ids,
            "metadata": dict(self.metadata),
            "shards": [
                {
                    "n_sequences": shard.n_sequences,
                    "n_steps": shard.n_steps,
                    "n_missing": shard.n_missing,
                    "files": {
                        name: {"bytes": part.n_bytes, "sha256": part.sha256}
                        for name, part in shard.parts.items()
                    },
                }
                for shard in self.shards
            ],
        }
        return json.dumps(content, indent=1).encode() + b"\n"


def file_name(shard: int, part: str) -> str:
    """The name of a shard's file."""
    return f"{shard:05d}.{part}.npy"


def is_file_name(name: str) -> tuple[int, str] | None:
    """The shard and the part that a file's name stands for; None for a file of something else."""
    found = _NAME.fullmatch(name)
    if found is None or found[2] not in PARTS:
        return None
    return int(found[1]), found[2]


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a folder with a manifest."""
    return os.path.isfile(os.path.join(path, FILE))


def fingerprint_of(raw: bytes) -> str:
    """SHA-256 of a manifest's bytes, which has that of every file of the store."""
    return hashlib.sha256(raw).hexdigest()


def read_manifest(folder: str) -> tuple[Manifest, str]:
    """The manifest of a store and its fingerprint.

    Raises
    ------
    StoreError
        There is none, or it is not one of a version that this package reads.
    OSError
        It cannot be read.
    """
    where = os.path.join(folder, FILE)
    if not os.path.isdir(folder):
        if os.path.exists(folder):
            raise StoreError(f"{folder}: is a file; a store is a folder with a {FILE}")
        raise StoreError(f"{folder}: there is no such folder")
    if not os.path.isfile(where):
        raise StoreError(
            f"{folder}: has no {FILE}: it is no store, or writing it was cut short; write it again"
        )
    size = os.path.getsize(where)
    if size > MOST_BYTES:
        _refuse(where, f"takes more than {MOST_BYTES:,} bytes, which no manifest does")
    with open(where, "rb") as file:
        raw = file.read(size)
    return decoded(where, raw), fingerprint_of(raw)


def decoded(where: str, raw: bytes) -> Manifest:
    """The manifest in the bytes of a file that errors call `where`."""
    # The sizes of CPython's list, dict and reference
    parts = 88 * raw.count(b"[") + 232 * raw.count(b"{") + 40 * raw.count(b",")
    if parts > 8 * len(raw) + (1 << 24):
        _refuse(where, f"would take about {parts:,} bytes in memory")
    try:
        content = json.loads(raw.decode(), parse_constant=_refused_constant)
    except (ValueError, RecursionError) as error:
        _refuse(where, f"is not JSON, or cut short ({error})", error)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        _refuse(where, "is not the manifest of a store of sequences")
    version = content.get("version")
    if version != VERSION or isinstance(version, bool):
        raise StoreError(
            f"{where}: format version {cut(str(version))}; this elman reads {VERSION}: install the "
            "elman that wrote it, or a newer one"
        )
    return _Reading(where, content).manifest()


class _Reading:
    """The entries of a manifest, each checked when it is taken."""

    def __init__(self, where: str, content: dict[str, Any]) -> None:
        self.where = where
        self.content = content

    def manifest(self) -> Manifest:
        top = self.content
        dtype = self.choice(top, "dtype", tuple(DTYPES))
        two_d = self.boolean(top, "two_d")
        n_features = self.count(top, "n_features", 1)
        names = self.texts(top, "feature_names")
        entries = top.get("shards")
        if not isinstance(entries, list) or not entries:
            self.refuse("shards", entries, "a list of one shard or more")
        found = Manifest(
            dtype=dtype,
            n_features=n_features,
            two_d=two_d,
            feature_names=names,
            target=self.target(top.get("target")),
            weights=self.choice(top, "weights", (None, "sequence", "step")),
            ids=self.choice(top, "ids", (None, *ID_KINDS)),
            metadata=self.mapping(top, "metadata"),
            shards=tuple(self.shard(i, entry) for i, entry in enumerate(entries)),
        )
        if two_d and n_features != 1:
            self.refuse("two_d", two_d, "false of more features than one")
        if names is not None and not two_d and len(names) != n_features:
            self.refuse("feature_names", list(names), f"a list of {n_features} names")
        for key in ("n_sequences", "n_steps", "n_missing"):
            if self.count(top, key, 0) != getattr(found, key):
                self.refuse(key, top[key], f"{getattr(found, key)}, as its shards have together")
        self.check_parts(found)
        return found

    def check_parts(self, found: Manifest) -> None:
        """Whether the files of all shards go with what the manifest says of them."""
        for i, shard in enumerate(found.shards):
            has = set(shard.parts)
            allowed = {"values", "lengths"}
            if found.target is not None:
                allowed |= {"y", "y_missing"}
            if found.weights is not None:
                allowed.add("weights")
            if found.ids is not None:
                allowed |= {"ids", "ids_text", "ids_lengths"}
            needed = {"values", "lengths"} | ({"weights"} if found.weights is not None else set())
            of_ids = has & {"ids", "ids_text", "ids_lengths"}
            whole_ids = of_ids in ({"ids"}, {"ids_text", "ids_lengths"})
            if not (needed <= has <= allowed) or whole_ids != (found.ids is not None):
                self.refuse(f"shards[{i}] files", sorted(has), f"{', '.join(sorted(allowed))}")
            if "y_missing" in has and "y" not in has:
                self.refuse(f"shards[{i}] files", sorted(has), "y beside y_missing")

    def shard(self, i: int, entry: Any) -> Shard:
        if not isinstance(entry, dict) or not isinstance(entry.get("files"), dict):
            self.refuse(f"shards[{i}]", entry, "an object with files")
        parts = {}
        for name, file in entry["files"].items():
            if name not in PARTS or not isinstance(file, dict):
                self.refuse(f"shards[{i}] files", name, f"one of {', '.join(PARTS)}")
            sha = file.get("sha256")
            if not isinstance(sha, str) or not _SHA.fullmatch(sha):
                self.refuse(f"shards[{i}] {name} sha256", sha, "64 hexadecimal digits")
            parts[name] = Part(self.count(file, "bytes", 1), sha)
        return Shard(
            self.count(entry, "n_sequences", 1),
            self.count(entry, "n_steps", 0),
            self.count(entry, "n_missing", 0),
            parts,
        )

    def target(self, entry: Any) -> Target | None:
        if entry is None:
            return None
        if not isinstance(entry, dict):
            self.refuse("target", entry, "an object")
        kind = self.choice(entry, "kind", TARGET_KINDS)
        columns = None if entry.get("columns") is None else self.count(entry, "columns", 1)
        classes, counts = entry.get("classes"), entry.get("counts")
        types = {"text": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}[kind]
        if classes is not None and not (
            isinstance(classes, list)
            and all(isinstance(label, types) for label in classes)
            and (kind == "bool" or not any(isinstance(label, bool) for label in classes))
            and len(set(classes)) == len(classes)
        ):
            self.refuse("classes", classes, f"a list of different labels of kind {kind}")
        if kind == "text" and (classes is None or columns is not None):
            self.refuse("classes", classes, "a list of texts without columns")
        if (counts is None) != (classes is None) or (
            counts is not None
            and not (
                isinstance(counts, list)
                and len(counts) == len(classes or [])
                and all(type(count) is int and 0 <= count < MOST for count in counts)
            )
        ):
            self.refuse("counts", counts, "a list with a number for each class")
        return Target(
            kind,
            self.dtype_of(kind, entry.get("dtype")),
            self.choice(entry, "of", ("sequence", "step")) == "step",
            columns,
            self.count(entry, "n_missing", 0),
            None if classes is None else tuple(classes),
            None if counts is None else tuple(counts),
        )

    def dtype_of(self, kind: str, name: Any) -> str:
        kinds = {"text": "i", "int": "iu", "float": "f", "bool": "b"}[kind]
        known = {f"{word}{bits}" for word in ("int", "uint", "float") for bits in (8, 16, 32, 64)}
        if not isinstance(name, str) or name not in known | {"bool"}:
            self.refuse("target dtype", name, f"a type of numbers for kind {kind}")
        if name == "float8" or np.dtype(name).kind not in kinds:
            self.refuse("target dtype", name, f"a type of numbers for kind {kind}")
        return name

    # Entries of one type

    def count(self, entry: Mapping[str, Any], key: str, least: int) -> int:
        value = entry.get(key)
        if type(value) is not int or not least <= value < MOST:
            self.refuse(key, value, f"a whole number, {least} or more")
        return value

    def boolean(self, entry: Mapping[str, Any], key: str) -> bool:
        value = entry.get(key)
        if type(value) is not bool:
            self.refuse(key, value, "true or false")
        return value

    def choice(self, entry: Mapping[str, Any], key: str, choices: tuple[Any, ...]) -> Any:
        value = entry.get(key)
        if not (value is None or isinstance(value, str)) or value not in choices:
            self.refuse(key, value, f"one of {', '.join(map(json.dumps, choices))}")
        return value

    def texts(self, entry: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
        value = entry.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            self.refuse(key, value, "a list of texts")
        return tuple(value)

    def mapping(self, entry: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = entry.get(key)
        if not isinstance(value, dict):
            self.refuse(key, value, "an object")
        return value

    def refuse(self, key: str, value: Any, wanted: str) -> NoReturn:
        _refuse(self.where, f"{key} is {cut(str(value))}; it must be {wanted}")


def _refused_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(where: str, reason: str, cause: Exception | None = None) -> NoReturn:
    raise StoreError(f"{where}: {reason}; {FIX}") from cause
