"""A store built of a file holds what `read` makes of it; nothing is left of one that fails."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import elman
from elman.data import ReaderError, build_store, read, write_npz


def write_rows(path, rows, columns=("run", "t", "ax", "ay", "state")):
    path.write_text("\n".join(",".join(map(str, row)) for row in [columns, *rows]) + "\n")
    return path


def runs(n=7, seed=3):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        for t in range(int(rng.integers(1, 6))):
            rows.append([f"r{i}", t, *rng.normal(size=2).round(3).tolist(), "abc"[i % 3]])
    return rows


ROLES = {"id": "run", "time": "t", "label": "state"}


def assert_holds(store, expected):
    assert len(store) == len(expected.X)
    assert store.feature_names == expected.feature_names
    assert store.dtype == np.asarray(expected.X[0]).dtype
    for x, other in zip(store, expected.X, strict=True):
        np.testing.assert_array_equal(x, other)
    for found, wanted in ((store.y, expected.y), (store.ids, expected.ids)):
        if isinstance(wanted, list):
            assert [one.tolist() for one in found] == [one.tolist() for one in wanted]
        elif wanted is None:
            assert found is None
        else:
            assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    "roles",
    [
        ROLES,
        {**ROLES, "time_delta": True},
        {"id": "run", "time": None, "step_label": "state", "weight": "t"},
        {"id": "run", "features": ["ax"], "target": ["t0", "t1"]},
        {"id": "run", "features": ["ay"], "step_target": "ax"},
    ],
)
def test_a_table(tmp_path, roles):
    columns = ["run", "t", "ax", "ay", "state", "t0", "t1"]
    rows = [[*row, float(row[0][1:]), -1.5] for row in runs()]
    path = write_rows(tmp_path / "x.csv", rows, columns)
    roles = {"features": ["ax", "ay"]} | roles
    store = build_store(path, tmp_path / "store", shard_size=100, block_size=100, **roles)
    assert len(store.manifest.shards) > 1
    assert_holds(store.verify(), read(path, **roles))


def test_what_is_learned_is_what_is_learned_of_the_file(tmp_path):
    path = write_rows(tmp_path / "x.csv", runs())
    store = build_store(path, tmp_path / "store", block_size=100, **ROLES)
    data = read(path, **ROLES)
    model = elman.RNNClassifier(hidden_size=3, max_iter=2, random_state=0)
    in_memory = model.fit(data.X, data.y).predict_proba(data.X)
    stored = model.fit(list(store), store.y).predict_proba(list(store))
    np.testing.assert_array_equal(stored, in_memory)


def test_weights_that_differ_in_a_late_sequence(tmp_path):
    rows = [[i // 2, 0.5, "ab"[i % 2], 1 + (i == 7)] for i in range(8)]
    path = write_rows(tmp_path / "x.csv", rows, ["run", "x", "y", "w"])
    roles = {"id": "run", "step_label": "y", "weight": "w"}
    store = build_store(path, tmp_path / "store", block_size=1, **roles)
    weights = [[1, 1], [1, 1], [1, 1], [1, 2]]
    assert [one.tolist() for one in store.sample_weight] == weights


@pytest.mark.parametrize("kind", ["class", "target", "steps"])
def test_files_that_say_themselves_what_is_what(tmp_path, rng, kind):
    X = [rng.normal(size=(n, 2)) for n in (3, 1, 5, 4, 2)]
    if kind == "steps":
        path = tmp_path / "x.npz"
        write_npz(path, X, [np.arange(len(x)) for x in X], ids=[*"abcde"])
    else:
        path = tmp_path / "x.ts"
        labels = ["a", "?", "a", "c", "b"] if kind == "class" else ["1.5", "2", "3", "-1", "0"]
        lines = ["@equalLength false", "@dimensions 2"]
        lines += ["@classLabel true a b c" if kind == "class" else "@targetLabel true", "@data"]
        for x, label in zip(X, labels, strict=True):
            lines.append(":".join([*(",".join(map(repr, c)) for c in x.T.tolist()), label]))
        path.write_text("\n".join(lines) + "\n")
    store = build_store(path, tmp_path / "store", block_size=40)
    expected = read(path)
    assert_holds(store, expected)


def test_several_ids_become_one_text(tmp_path):
    rows = [["a", 1, 0.5], ["a", 2, 1.5], ["b", 1, 2.5]]
    path = write_rows(tmp_path / "x.csv", rows, ["who", "day", "x"])
    store = build_store(path, tmp_path / "store", id=["who", "day"])
    assert store.ids.tolist() == ["a/1", "a/2", "b/1"]


def test_a_store_is_written_again_in_other_shards(tmp_path):
    path = write_rows(tmp_path / "x.csv", runs())
    build_store(path, tmp_path / "one", **ROLES)
    store = build_store(tmp_path / "one", tmp_path / "many", shard_size=50)
    assert len(store.manifest.shards) > 1
    assert_holds(store, read(path, **ROLES))


def test_appending(tmp_path):
    first, second = runs(4), [[f"s{row[0]}", *row[1:]] for row in runs(3, 5)]
    build_store(write_rows(tmp_path / "a.csv", first), tmp_path / "store", **ROLES)
    path = write_rows(tmp_path / "b.csv", second)
    with pytest.raises(FileExistsError, match=r"not empty.*append=True"):
        build_store(path, tmp_path / "store", **ROLES)
    store = build_store(path, tmp_path / "store", append=True, **ROLES)
    assert_holds(store, read(write_rows(tmp_path / "ab.csv", first + second), **ROLES))


def test_nothing_is_left_of_what_fails(tmp_path):
    path = write_rows(tmp_path / "x.csv", [*runs(), ["r0", 99, 1.0, 1.0, "a"]])
    with pytest.raises(ReaderError, match="'r0' do not stand together"):
        build_store(path, tmp_path / "store", shard_size=50, block_size=50, **ROLES)
    assert not (tmp_path / "store").exists()

    def stop(n_sequences, n_steps):
        if n_sequences > 3:
            raise KeyboardInterrupt

    path = write_rows(tmp_path / "x.csv", runs())
    build_store(write_rows(tmp_path / "a.csv", runs(2)), tmp_path / "store", **ROLES)
    before = {p.name: p.read_bytes() for p in (tmp_path / "store").iterdir()}
    with pytest.raises(KeyboardInterrupt):
        build_store(
            path,
            tmp_path / "store",
            shard_size=50,
            block_size=50,
            progress=stop,
            append=True,
            **ROLES,
        )
    assert {p.name: p.read_bytes() for p in (tmp_path / "store").iterdir()} == before


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"missing": "some"}, ValueError, "missing='some' is not known"),
        ({"shard_size": 0}, ValueError, "shard_size is 0"),
        ({"block_size": 1.5}, ValueError, "block_size is 1.5"),
        ({"label": "stat"}, ReaderError, "did you mean 'state'"),
        ({"id": None}, ReaderError, "id= has to name"),
        ({"labels": "none.csv"}, OSError, "none.csv"),
        ({"dtype": "int8"}, ValueError, "dtype='int8'"),
    ],
)
def test_wrong_arguments(tmp_path, given, error, told):
    path = write_rows(tmp_path / "x.csv", runs())
    with pytest.raises(error, match=told):
        build_store(path, tmp_path / "store", **ROLES | given)
    assert not (tmp_path / "store").exists()


def test_an_option_that_the_format_has_not(tmp_path, rng):
    write_npz(tmp_path / "x.npz", [rng.normal(size=(3, 2))], ["a"])
    with pytest.raises(ReaderError, match="delimiter= says nothing about this file"):
        build_store(tmp_path / "x.npz", tmp_path / "store", delimiter=";")
    (tmp_path / "x.xlsx").touch()
    with pytest.raises(ReaderError, match=r"suffix '.xlsx' is not a format"):
        build_store(tmp_path / "x.xlsx", tmp_path / "store")
    with pytest.raises(TypeError, match="source is a list; expected the path"):
        build_store([rng.normal(size=(3, 2))], tmp_path / "store")


MEASURED = """
import sys
from elman.data import build_store

def peak():
    # Not ru_maxrss, which begins with that of the process that started this one.
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))

source, path, *limits = sys.argv[1:]
shard_size, block_size = map(int, limits)
given = dict(shard_size=shard_size, block_size=block_size, id="run", label="y")
build_store(source.replace("x.", "small."), path + ".small", **given)
before = peak()
store = build_store(source, path, **given)
print(len(store), len(store.manifest.shards), peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
@pytest.mark.parametrize(
    ("suffix", "n_runs", "n_warm", "fixed"),
    [(".csv", 400, 60, 6 << 20), (".parquet", 1600, 400, 14 << 20)],  # pyarrow keeps some memory
)
def test_memory_is_that_of_a_shard_and_a_block(tmp_path, suffix, n_runs, n_warm, fixed):
    """Of a file whose values take many times a shard, once a smaller one has warmed all up."""
    n_steps, shard_size, block_size = 500, 1 << 20, 1 << 20
    rng = np.random.default_rng(0)

    def write(path, n):
        run = np.repeat(np.arange(n), n_steps)
        x = rng.normal(size=(len(run), 10))
        if suffix == ".csv":
            with open(path, "w") as file:
                file.write("run,a,b,c,d,e,f,g,h,i,j,y\n")
                rows = zip(run.tolist(), x.astype("U8").tolist(), strict=True)
                file.writelines(f"r{i},{','.join(row)},{i % 3}\n" for i, row in rows)
            return
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        table = pyarrow.table({"run": run, **dict(zip("abcdefghij", x.T, strict=True))})
        parquet.write_table(table.append_column("y", pyarrow.array(run % 3)), path)
        assert parquet.ParquetFile(path).num_row_groups == 1

    write(tmp_path / f"x{suffix}", n_runs)
    write(tmp_path / f"small{suffix}", n_warm)
    sizes = [str(shard_size), str(block_size)]
    paths = [str(tmp_path / f"x{suffix}"), str(tmp_path / "store")]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, *paths, *sizes],
        capture_output=True,
        text=True,
        check=True,
    )
    n_stored, n_shards, grown = map(int, ran.stdout.split())
    assert n_stored == n_runs
    assert n_shards >= 16
    assert grown < shard_size + block_size + fixed
