"""What a store gives back, whole, in part, pickled, and to whom else."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elman.data import Dataset, SequenceStore, StoreError, StoreView, StoreWriter, read
from elman.data.store import shards

LENGTHS = (4, 0, 7, 2, 9, 1, 5)


@pytest.fixture
def X():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(n, 3)).astype(np.float32) for n in LENGTHS]


@pytest.fixture
def store(tmp_path, X):
    """Five shards, of which some have several sequences."""
    return SequenceStore.write(tmp_path / "s", Dataset(X, np.array([*"abcabca"])), shard_size=100)


def test_a_store_gives_back_what_was_written(store, X):
    assert len(store.manifest.shards) == 5
    assert (len(store), store.shape, store.n_features, store.n_steps) == (7, (7,), 3, 28)
    assert store.lengths.tolist() == [*LENGTHS]
    assert store.dtype == np.float32
    assert store.y.tolist() == [*"abcabca"]
    for i, (found, x) in enumerate(zip(store, X, strict=True)):
        np.testing.assert_array_equal(found, x)
        np.testing.assert_array_equal(store[i - 7], x)


def test_files_are_plain_arrays(store, X):
    folder = store.path
    values = [np.load(f"{folder}/{i:05d}.values.npy", mmap_mode="r") for i in range(5)]
    np.testing.assert_array_equal(np.concatenate(values), np.concatenate(X))
    lengths = [np.load(f"{folder}/{i:05d}.lengths.npy", allow_pickle=False) for i in range(5)]
    assert np.concatenate(lengths).tolist() == [*LENGTHS]


@pytest.mark.parametrize(
    "order",
    [[5, 2, 2, 0, 6, 1], [0, 1, 2, 3], [6, 5, 4], [1], [], [2, 3, 4, 0, 1, 6, 5, 6]],
    ids=str,
)
@pytest.mark.parametrize("plain", [False, True], ids=["preadv", "read"])
def test_rows_of_any_order(store, X, order, plain, monkeypatch):
    if plain:
        monkeypatch.delattr(shards.os, "preadv", raising=False)
    monkeypatch.setattr(shards, "MOST_PIECES", 2)
    monkeypatch.setattr(shards, "MOST_OPEN", 1)
    expected = [X[i] for i in order] or [np.empty((0, 3), np.float32)]
    rows = store.sequences().rows(np.array(order, np.int64))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.concatenate(expected))
    view = store[order]
    assert isinstance(view, StoreView)
    assert view.y.tolist() == [store.y[i] for i in order]
    for found, i in zip(view, order, strict=True):
        np.testing.assert_array_equal(found, X[i])


def test_views_of_views_masks_and_slices(store, X):
    view = store[np.array([True, False, True, True, True, False, True])][::-2]
    assert view.lengths.tolist() == [5, 2, 4]
    np.testing.assert_array_equal(view[1], X[3])
    np.testing.assert_array_equal(store[[6, 0], ...][0], X[6])  # as scikit-learn asks
    for wrong in ("a", [[1]], [0.5], [True]):
        with pytest.raises(IndexError):
            store[wrong]
    for beyond in (7, [7], -8):
        with pytest.raises(IndexError):
            store[beyond]


def test_a_store_is_not_made_an_array(store):
    with pytest.raises(TypeError, match="read all of it into memory"):
        np.asarray(store)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(7),
        np.arange(7, dtype=np.uint8),
        np.arange(7) / 2,
        np.array([True, False] * 3 + [True]),
        np.arange(14).reshape(7, 2),
        np.arange(14.0).reshape(7, 2),
        ["a", "bb", "", "ä", "a" * 90, "c", "c"],
        [1, 2, None, 3, 4, 5, 6],
        ["a", None, "b", "c", "d", "e", "f"],
        [True, None, False, True, True, True, True],
        [np.arange(n) for n in LENGTHS],
        [np.arange(n) / 2 for n in LENGTHS],
        [["a", None] * (n // 2) + ["b"] * (n % 2) for n in LENGTHS],
        [np.arange(2.0 * n).reshape(n, 2) for n in LENGTHS],
        None,
    ],
    ids=lambda y: f"{type(y).__name__} {str(y)[:40]}",
)
def test_every_y_comes_back(tmp_path, X, y):
    store = SequenceStore.write(tmp_path / "s", Dataset(X, y), shard_size=100)
    again = SequenceStore.write(tmp_path / "t", store[::-1], shard_size=150)  # a store of a view
    for found, expected in ((store.y, y), (again[::-1].y, y)):
        if y is None:
            assert found is None
        elif isinstance(y, list) and not isinstance(y[0], (str, int)):
            assert isinstance(found, list)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, np.asarray(other, one.dtype))
        else:
            assert np.asarray(found).tolist() == np.asarray(expected, dtype=object).tolist()
            if isinstance(y, np.ndarray):
                assert found.dtype == y.dtype
    for name in ("y", "y_missing"):  # never a pickle
        for file in (tmp_path / "s").glob(f"*.{name}.npy"):
            assert np.load(file, allow_pickle=False).dtype.kind in "iufb"


def test_ids_weights_names_and_metadata_come_back(tmp_path, X):
    weights = [np.arange(n) / 7 for n in LENGTHS]
    for ids in ([*"tuvwxyz"], [*range(7)], np.arange(7).astype("M8[D]"), ["i" * 300, *"abcdef"]):
        data = Dataset(
            X,
            metadata={"targetlabel": True, "times": X},
            ids=np.asarray(ids),
            feature_names=("p", "q", "r"),
            sample_weight=weights,
        )
        store = SequenceStore.write(tmp_path / str(ids)[:40], data, shard_size=100)
        assert store.ids.tolist() == np.asarray(ids).tolist()
        assert store[[3, 1]].ids.tolist() == [np.asarray(ids).tolist()[i] for i in (3, 1)]
        assert store.feature_names == ("p", "q", "r")
        for found, given in zip(store.sample_weight, weights, strict=True):
            np.testing.assert_array_equal(found, given)
        back = read(store.path)
        assert back.metadata == {"targetlabel": True}
        assert isinstance(back.X, SequenceStore)
        assert repr(back) == "Dataset(7 sequences, 3 features p q r, 0-9 steps)"


def test_a_pickle_has_a_path_and_no_data(store, X, tmp_path):
    view = store[[4, 2]]
    raw = pickle.dumps(view)
    assert len(raw) < 600
    assert pickle.loads(raw)._store is store
    script = "import pickle, sys; v = pickle.load(sys.stdin.buffer); print(v[0].sum(), len(v))"

    def elsewhere():
        return subprocess.run(
            [sys.executable, "-c", script], input=raw, capture_output=True, cwd="/", check=False
        )

    assert elsewhere().stdout.decode().split() == [str(X[4].sum()), "2"]
    SequenceStore.write(store.path, [(X[0], "a")], append=True)
    found = elsewhere()
    assert found.returncode != 0
    assert b"StoreError" in found.stderr
    assert b"another one" in found.stderr


def test_who_reads_keeps_the_store_of_when_it_was_opened(store, X):
    before = store.fingerprint
    with StoreWriter(store.path, append=True) as writer:
        writer.add(X[3], "new")
        assert SequenceStore(store.path).fingerprint == before
    assert len(store) == 7
    assert store.fingerprint == before
    np.testing.assert_array_equal(store[6], X[6])
    store.verify()
    longer = SequenceStore(store.path)
    assert (len(longer), longer.fingerprint == before) == (8, False)
    assert longer.y.tolist() == [*"abcabca", "new"]
    np.testing.assert_array_equal(longer[7], X[3])


def test_the_same_data_give_the_same_fingerprint(tmp_path, store, X):
    pairs = zip(X, "abcabca", strict=True)
    again = SequenceStore.write(tmp_path / "t", pairs, shard_size=100)
    assert again.fingerprint == store.fingerprint
    other = SequenceStore.write(tmp_path / "u", X, shard_size=100)
    assert other.fingerprint != store.fingerprint


def change(path):
    """Turn the last bit."""
    raw = bytearray(Path(path).read_bytes())
    raw[-1] ^= 1
    Path(path).write_bytes(raw)


def test_a_file_that_was_changed_is_named(store):
    change(f"{store.path}/00002.values.npy")
    with pytest.raises(StoreError, match=r"00002\.values\.npy: its SHA-256"):
        SequenceStore(store.path).verify()
    store[[0, 1]].verify()  # which is in other files
    change(f"{store.path}/00003.y.npy")
    with pytest.raises(StoreError, match=r"00003\.y\.npy: its SHA-256"):
        _ = SequenceStore(store.path).y


def test_a_file_that_is_cut_short_while_it_is_read_is_named(store):
    store[4]
    with open(f"{store.path}/00003.values.npy", "r+b") as file:
        file.truncate(140)
    with pytest.raises(StoreError, match=r"00003\.values\.npy: ends at byte 140"):
        store[4]
    with pytest.raises(StoreError, match=r"00003\.values\.npy: has 140 bytes"):
        SequenceStore(store.path)


@pytest.mark.parametrize("how", ["written again", "written to", "another store"])
def test_a_shard_that_is_another_one_since_the_store_was_opened(store, X, how):
    held = store.y, store[0]  # of which the shard stays open
    others = [2 * x for x in X] if how == "another store" else X
    if how == "written to":
        with open(f"{store.path}/00003.values.npy", "r+b") as file:
            file.seek(-1, 2)
            file.write(b"x")
    else:
        shutil.rmtree(store.path)
        SequenceStore.write(store.path, Dataset(others, held[0]), shard_size=100)
    if how == "written again":
        assert [row.tobytes() for row in store] == [x.tobytes() for x in X]
        return
    np.testing.assert_array_equal(store[0], X[0])
    with pytest.raises(StoreError, match=r"00003\.values\.npy: its SHA-256"):
        store[4]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_more_shards_than_files_may_be_open(tmp_path):
    code = (
        "import os, resource, sys; from elman.data import SequenceStore; store = SequenceStore("
        "sys.argv[1]); limit = len(os.listdir('/dev/fd')) + 3; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)); "
        "assert [x[0, 0] for x in store] + [x[0, 0] for x in store] == [*range(9)] * 2"
    )
    X = [np.full((2, 1), float(i)) for i in range(9)]
    path = SequenceStore.write(tmp_path / "s", Dataset(X), shard_size=1).path
    subprocess.run([sys.executable, "-c", code, path], check=True)


FORK = """
import os, signal, sys, threading
from elman.data import SequenceStore
from elman.data.store import shards

store, opens, goes_on = SequenceStore(sys.argv[1]), threading.Event(), threading.Event()
check = shards.check_size

def slow(path, part):
    opens.set()
    goes_on.wait()
    check(path, part)

shards.check_size = slow
thread = threading.Thread(target=lambda: store[4])
thread.start()
opens.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    goes_on.set()
    os._exit(0 if store[4].sum() == float(sys.argv[2]) else 1)
goes_on.set()
thread.join()
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_is_forked_while_a_thread_opens_a_file_reads(store, X):
    given = [store.path, repr(float(X[4].sum()))]
    subprocess.run([sys.executable, "-c", FORK, *given], check=True, timeout=50)


def test_a_two_d_X_stays_one(tmp_path):
    X = np.arange(15.0).reshape(5, 3)
    store = SequenceStore.write(tmp_path / "s", Dataset(X, feature_names=("a", "b", "c")))
    assert (store.shape, store.n_features, store.feature_names) == ((5, 3), 1, ("a", "b", "c"))
    np.testing.assert_array_equal(np.stack(list(store[[4, 0]])), X[[4, 0]])
