"""A store is written whole or not at all, and what cannot be stored is named."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from elman.data import Dataset, SequenceStore, StoreError, StoreWriter

ONE = np.ones((2, 3), np.float32)


def files(path):
    return sorted(os.listdir(path))


def test_an_exception_leaves_nothing(tmp_path):
    def write():
        with StoreWriter(tmp_path / "s") as writer:
            writer.add(ONE)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        write()
    assert files(tmp_path) == []


def test_an_exception_leaves_the_old_store(tmp_path):
    store = SequenceStore.write(tmp_path / "s", [ONE], shard_size=1)
    before = files(store.path)

    def chunks():
        yield 2 * ONE
        assert len(files(store.path)) == len(before)
        yield 3 * ONE
        assert len(files(store.path)) > len(before)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SequenceStore.write(store.path, chunks(), append=True, shard_size=1)
    assert files(store.path) == before
    assert SequenceStore(store.path).verify().fingerprint == store.fingerprint


KILLED = """
import os, signal, sys
import numpy as np
from elman.data import SequenceStore
import elman.formats.atomic as atomic
left, append = int(sys.argv[2]), sys.argv[3] == "append"
whole = os.replace
def replace(*args):
    global left
    if left == 0: os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    whole(*args)
    if left == 0 and sys.argv[4] == "after": os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
X = [np.full((n, 3), n, "f4") for n in (4, 2, 5)]
SequenceStore.write(sys.argv[1], zip(X, "abc"), shard_size=1, append=append)
"""


@pytest.mark.parametrize("n_files", [0, 1, 5, 9])  # of three shards of three files, and a manifest
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("append", [False, True])
def test_a_killed_writer_leaves_no_half_store(tmp_path, n_files, when, append):
    path = tmp_path / "s"
    old = SequenceStore.write(path, [(ONE, "z")]) if append else None
    mode = "append" if append else "new"
    arguments = [path, str(n_files), mode, when]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    if old is None:
        with pytest.raises(StoreError, match="was cut short"):
            SequenceStore(path)
    else:
        assert SequenceStore(path).verify().fingerprint == old.fingerprint
    # the next writer removes what was left
    store = SequenceStore.write(path, [(ONE, "a")], append=append)
    assert len(store.verify()) == 1 + append
    listed = {
        f"{i:05d}.{part}.npy" for i, s in enumerate(store.manifest.shards) for part in s.parts
    }
    assert set(files(path)) == listed | {"manifest.json"}


def test_two_writers_do_not_meet(tmp_path):
    with StoreWriter(tmp_path / "s") as writer:
        with pytest.raises(BlockingIOError, match="is writing"), StoreWriter(tmp_path / "s"):
            pass
        writer.add(ONE)
    assert len(SequenceStore(tmp_path / "s")) == 1


def test_what_is_there_is_not_destroyed(tmp_path):
    SequenceStore.write(tmp_path / "s", [ONE])
    with pytest.raises(FileExistsError, match="append=True"):
        SequenceStore.write(tmp_path / "s", [ONE])
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mine.txt").write_text("mine")
    for append in (False, True):
        with pytest.raises(FileExistsError, match=r"mine\.txt"):
            SequenceStore.write(tmp_path / "t", [ONE], append=append)
    assert files(tmp_path / "t") == ["mine.txt"]
    with pytest.raises(ValueError, match="no sequence was added"):
        SequenceStore.write(tmp_path / "u", [])
    assert not (tmp_path / "u").exists()


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["f4", "i2", "?"], "f4"),
        (["f2", "f4"], "f4"),
        (["f4", "f8", "i2"], "f8"),
        (["i2", "i8"], "f8"),
        (["f8", "f4"], "f8"),
    ],
    ids=str,
)
def test_values_are_as_wide_as_in_memory(tmp_path, types, expected):
    X = [np.ones((k + 2, 3), dtype) for k, dtype in enumerate(types)]
    at_once = SequenceStore.write(tmp_path / "s", Dataset(X), shard_size=30)
    apart = SequenceStore.write(tmp_path / "t", X, shard_size=30)  # widened on the way
    assert at_once.dtype == apart.dtype == np.dtype(expected)
    for store in (at_once, apart.verify()):
        assert len(store.manifest.shards) == len(X)
        for found, x in zip(store, X, strict=True):
            np.testing.assert_array_equal(found, x.astype(expected))
    narrow = SequenceStore.write(tmp_path / "u", X, dtype="float32")
    assert narrow.dtype == np.float32


def test_a_narrow_store_is_not_widened_by_what_is_added(tmp_path):
    SequenceStore.write(tmp_path / "s", [ONE])
    with pytest.raises(TypeError, match="dtype='float32'"):
        SequenceStore.write(tmp_path / "s", [ONE.astype("f8") / 3], append=True)
    kept = SequenceStore.write(tmp_path / "s", [ONE.astype("f8")], append=True, dtype="f4")
    assert len(kept) == 2


def test_nan_is_counted_and_infinity_named(tmp_path):
    X = [ONE.copy() for _ in range(3)]
    X[1][1, 2] = X[2][0, 0] = np.nan
    store = SequenceStore.write(tmp_path / "s", X, shard_size=1)
    assert [shard.n_missing for shard in store.manifest.shards] == [0, 1, 1]
    X[2][1, 1] = np.inf
    for data in (X, Dataset(X, feature_names=("p", "q", "r"))):
        where = r"sequence 2, timestep 1, feature 1( \(column 'q'\))? is inf"
        with pytest.raises(ValueError, match=where):
            SequenceStore.write(tmp_path / "t", data)
    with pytest.raises(ValueError, match=r"sequence 0, timestep 0, feature 0 is 1e[+]300, which"):
        SequenceStore.write(tmp_path / "t", [np.full((2, 3), 1e300)], dtype="float32")


WRONG = [
    ([ONE, np.ones((2, 4))], "sequence 1 has 4 features"),
    ([np.ones((2, 0))], "sequence 0"),
    ([np.ones((2, 3, 4))], "sequence 0"),
    ([np.array([["a"]])], "sequence 0"),
    ([(ONE, "a"), (ONE, 3)], "y of sequence 1 is 3 (int), and y was of kind text"),
    ([(ONE, 1 + 2j)], "y of sequence 0"),
    ([(ONE, "a"), (ONE, ["a", "b"])], "y of sequence 1"),
    ([(ONE, [1.0, 2, 3]), (ONE, [1.0, 2])], "y of sequence 1 has 2 columns"),
    ([(ONE, ["a", "b"]), (ONE, ["a"])], "y of sequence 1 has shape (1,)"),
    ([(ONE, ["a", "b"]), (ONE, "a")], "y of sequence 1 is 'a'"),
    ([(ONE, [1, 2, 3]), (ONE, None)], "y is missing for a sequence"),
    ([(ONE, 1, 2)], "sequence 0 comes as a tuple of 3"),
    (([ONE, ONE], ["a", "b"]), "data is a tuple of two, which look like X and y"),
    (([ONE, ONE, ONE], [[1, 2], [3, 4], [5, 6]]), "data is a tuple of two, which look like"),
    ((np.ones((2, 4, 3)), np.array([1.5, 2])), "data is a tuple of two, which look like X and y"),
    ("abc", "data is 'abc'"),
    (3, "data is 3"),
    ({"a": ONE}, "a dict"),
]


@pytest.mark.parametrize(("data", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_cannot_be_stored_is_named(tmp_path, data, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        SequenceStore.write(tmp_path / "s", data)
    assert not (tmp_path / "s").exists()


def test_all_have_an_id_and_a_weight_or_none(tmp_path):
    for first, second, message in (
        ({"id": "a"}, {}, "id of sequence 1 is None"),
        ({}, {"id": "a"}, "id of sequence 1 is 'a'"),
        ({"id": "a"}, {"id": 1}, "id of sequence 1 is 1"),
        ({"weight": 1}, {}, "weight of sequence 1"),
        ({"weight": 1}, {"weight": [1, 2]}, "weight of sequence 1"),
        ({"weight": 1}, {"weight": -1}, "weight of sequence 1"),
        ({"weight": [1, 2]}, {"weight": [1, 2, 3]}, "weight of sequence 1"),
    ):
        with StoreWriter(tmp_path / "s") as writer:
            writer.add(ONE, **first)
            with pytest.raises((TypeError, ValueError), match=re.escape(message)):
                writer.add(ONE, **second)
        shutil.rmtree(tmp_path / "s")


def test_labels_may_be_missing_in_whole_shards(tmp_path):
    y = [None, None, "a", None, "b", None]
    pairs = [(ONE, label) for label in y]
    store = SequenceStore.write(tmp_path / "s", pairs, shard_size=1)
    assert store.y.tolist() == y
    numbers = [(ONE, label) for label in (None, 2, None, 0.5)]
    floats = SequenceStore.write(tmp_path / "t", numbers, shard_size=1).y
    np.testing.assert_array_equal(floats, [np.nan, 2, np.nan, 0.5])


def test_the_length_of_y_can_be_that_of_targets(tmp_path):
    pairs = [(ONE, [1.0, 2.0]), (np.ones((5, 3)), [3.0, 4.0])]
    with pytest.raises(ValueError, match="per_step=False"):
        SequenceStore.write(tmp_path / "s", pairs)
    store = SequenceStore.write(tmp_path / "s", pairs, per_step=False)
    assert store.y.tolist() == [[1.0, 2.0], [3.0, 4.0]]
