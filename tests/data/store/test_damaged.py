"""Manifests and files that are damaged, foreign or made to harm: an error that names them."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from elman.data import Dataset, ReaderError, SequenceStore, StoreError
from elman.data.store.manifest import FILE

LENGTHS = (3, 1, 4)


@pytest.fixture
def store(tmp_path):
    X = [np.full((n, 2), n, np.float32) for n in LENGTHS]
    # a text with a zero in it is in no array of one width
    data = Dataset(X, ["a", None, "b"], ids=np.array([f"{'p' * 300}\0p", "q", "r"], object))
    return SequenceStore.write(tmp_path / "s", data, shard_size=32)


def read_all(path):
    store = SequenceStore(path)
    _ = store.y, store.ids, store.sample_weight
    return [store[i] for i in range(len(store))]


def refused(path, *words):
    tracemalloc.start()
    try:
        with pytest.raises(StoreError) as error:
            read_all(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
    message = str(error.value)
    assert message.startswith(str(path))
    assert len(message) < 600
    for word in words:
        assert word in message
    assert isinstance(error.value, ReaderError)


def put(content, place, value):
    for key in place[:-1]:
        content = content[key]
    if value is KeyError:
        del content[place[-1]]
    else:
        content[place[-1]] = value


FIRST = ("shards", 0, "files", "values")
CHANGES = [
    (("version",), 2),
    (("version",), True),
    (("format",), "npz"),
    (("dtype",), "float16"),
    (("dtype",), "O"),
    (("dtype",), ["float32"]),
    (("n_features",), 0),
    (("n_features",), 3),
    (("n_features",), 1 << 70),
    (("n_features",), -1),
    (("n_features",), 2.0),
    (("two_d",), True),
    (("two_d",), 1),
    (("feature_names",), ["a"]),
    (("feature_names",), [1, 2]),
    (("n_sequences",), 4),
    (("n_steps",), 1 << 47),
    (("n_missing",), 1),
    (("weights",), "sequence"),
    (("weights",), "both"),
    (("ids",), None),
    (("ids",), "int"),
    (("metadata",), [1]),
    (("shards",), []),
    (("shards",), {}),
    (("shards", 0), 7),
    (("shards", 0, "n_sequences"), 1 << 40),
    (("shards", 0, "n_steps"), -4),
    (("shards", 0, "files"), {}),
    (("shards", 0, "files", "../../evil"), {"bytes": 1, "sha256": "0" * 64}),
    ((*FIRST, "bytes"), 1 << 40),
    ((*FIRST, "bytes"), "8"),
    ((*FIRST, "sha256"), "../../../etc/passwd"),
    ((*FIRST, "sha256"), KeyError),
    (FIRST, KeyError),
    (("target", "kind"), "object"),
    (("target", "dtype"), "O"),
    (("target", "dtype"), "M8[s]"),
    (("target", "of"), "steps"),
    (("target", "of"), "step"),
    (("target", "columns"), 10**12),
    (("target", "classes"), None),
    (("target", "classes"), ["a"]),
    (("target", "classes"), ["a", "a"]),
    (("target", "classes"), ["a", 1]),
    (("target", "counts"), [1]),
    (("target", "counts"), [-1, 1]),
]


@pytest.mark.parametrize(("place", "value"), CHANGES, ids=str)
def test_a_manifest_that_says_something_else(store, place, value):
    path = f"{store.path}/{FILE}"
    content = json.loads(Path(path).read_text())
    put(content, place, value)
    with open(path, "w") as file:
        json.dump(content, file)
    refused(store.path)


def test_counts_that_agree_with_each_other_but_with_no_file(store):
    path = f"{store.path}/{FILE}"
    content = json.loads(Path(path).read_text())
    for holder in (content, content["shards"][0]):
        holder["n_steps"] += 1 << 40
    with open(path, "w") as file:
        json.dump(content, file)
    refused(store.path, "00000.lengths.npy")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"format": NaN}', b"[" * 100_000, b"[]," * 4_000_000],
    ids=lambda raw: str(raw[:10]),
)
def test_what_is_no_manifest(store, raw):
    with open(f"{store.path}/{FILE}", "wb") as file:
        file.write(raw)
    refused(store.path, FILE)


def test_what_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "is a file")
    refused(tmp_path / "none", "no such folder")
    refused(tmp_path, "no manifest.json")


def headed(descr, shape, n_bytes, fortran=False):
    text = str({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(n_bytes)


def resealed(store, name, raw):
    """The store with other bytes in a file, of which the manifest knows."""
    part = name.split(".")[1]
    with open(f"{store.path}/{name}", "wb") as file:
        file.write(raw)
    path = f"{store.path}/{FILE}"
    content = json.loads(Path(path).read_text())
    entry = content["shards"][int(name.split(".")[0])]["files"][part]
    entry["bytes"], entry["sha256"] = len(raw), hashlib.sha256(raw).hexdigest()
    with open(path, "w") as file:
        json.dump(content, file)


HEADERS = [
    ("00000.values.npy", headed("<f4", (4, 2), 32, fortran=True)),
    ("00000.values.npy", headed("<f4", (2, 4), 32)),
    ("00000.values.npy", headed("<i4", (4, 2), 32)),
    ("00000.values.npy", headed("<f4", (4, 2), 31)),
    ("00000.values.npy", headed("<f4", (1 << 40, 2), 32)),
    ("00000.values.npy", headed("|O", (4, 2), 64)),
    ("00000.values.npy", b"\x93NUMPY\1\0\xff\xff{"),
    ("00000.values.npy", b"no array"),
    ("00000.lengths.npy", headed("<i8", (1 << 40,), 16)),
    ("00000.lengths.npy", headed("<i8", (2,), 16)),
    ("00000.lengths.npy", headed("<i8", (2,), 0) + np.array([-1, 5], "<i8").tobytes()),
    ("00000.lengths.npy", headed("<i8", (2,), 0) + np.array([1 << 62, 5], "<i8").tobytes()),
    ("00000.lengths.npy", headed("<f8", (2,), 16)),
    ("00000.lengths.npy", headed("|O", (2,), 16)),
    ("00000.lengths.npy", headed("<i8", (-2, -1), 16)),
    ("00000.lengths.npy", headed([("a", "<i8")], (2,), 16)),
    ("00000.y.npy", headed("<i4", (2,), 0) + np.array([0, 9], "<i4").tobytes()),
    ("00000.y.npy", headed("<i4", (2,), 0) + np.array([0, -2], "<i4").tobytes()),
    ("00000.y.npy", headed("<i4", (3,), 12)),
    ("00000.y.npy", headed("<f8", (2,), 16)),
    ("00000.ids_text.npy", headed("|u1", (301,), 300)),
    ("00000.ids_text.npy", headed("|u1", (303,), 0) + b"\xff" * 303),
    ("00000.ids_lengths.npy", headed("<i8", (2,), 0) + np.array([-1, 304], "<i8").tobytes()),
    ("00000.ids_lengths.npy", headed("<i8", (1,), 0) + np.array([301], "<i8").tobytes()),
]


@pytest.mark.parametrize(("name", "raw"), HEADERS, ids=lambda value: str(value)[:90])
def test_a_file_that_holds_something_else(store, name, raw):
    resealed(store, name, raw)
    refused(store.path)


@pytest.mark.parametrize("part", ["values", "lengths", "y", "ids_text", "ids_lengths"])
@pytest.mark.parametrize("what", ["missing", "short", "long", "folder"])
def test_a_file_that_is_missing_or_of_another_size(store, part, what):
    path = f"{store.path}/00000.{part}.npy"
    raw = Path(path).read_bytes()
    os.unlink(path)
    if what == "folder":
        os.mkdir(path)
    elif what != "missing":
        with open(path, "wb") as file:
            file.write(raw[:-1] if what == "short" else raw + b"\0")
    refused(store.path, f"00000.{part}.npy")
