"""Collections of Dask become stores, a partition at a time and in order."""

from __future__ import annotations

import dask
import dask.bag
import dask.dataframe
import numpy as np
import pandas as pd
import pytest

from elman.data import Dataset, ReaderError, build_store, from_table

ROLES = {"id": "run", "time": "t", "label": "state"}


def frame(n=7, seed=3):
    rng = np.random.default_rng(seed)
    parts = []
    for i in range(n):
        n_steps = int(rng.integers(1, 6))
        columns = {"run": f"r{i}", "t": rng.permutation(n_steps), "state": "abc"[i % 3]}
        parts.append(pd.DataFrame(columns | {"x": rng.normal(size=n_steps), "z": i}))
    return pd.concat(parts, ignore_index=True)


def same(store, expected):
    for x, other in zip(store, expected.X, strict=True):
        np.testing.assert_array_equal(x, other)
    assert store.dtype == expected.X[0].dtype
    assert store.y.tolist() == expected.y.tolist()
    assert store.ids.tolist() == expected.ids.tolist()
    assert store.feature_names == expected.feature_names


@pytest.mark.parametrize("n_partitions", [1, 2, 5, 11])
def test_a_data_frame_whose_partitions_cut_sequences(tmp_path, n_partitions):
    whole = frame()
    parts = dask.dataframe.from_pandas(whole, npartitions=n_partitions, sort=False)
    assert parts.npartitions > 1 or n_partitions == 1
    same(build_store(parts, tmp_path / "store", **ROLES), from_table(whole, **ROLES))


def test_delayed_tables(tmp_path):
    whole = frame()
    parts = [dask.delayed(whole.iloc[a : a + 4]) for a in range(0, len(whole), 4)]
    same(build_store(parts, tmp_path / "store", **ROLES), from_table(whole, **ROLES))


def test_labels_in_a_second_table(tmp_path):
    whole = frame()
    labels = whole[["run", "state"]].drop_duplicates()
    steps = whole.drop(columns="state")
    parts = dask.dataframe.from_pandas(steps, npartitions=3, sort=False)
    roles = {"id": "run", "time": "t", "labels": labels}
    same(build_store(parts, tmp_path / "store", **roles), from_table(steps, **roles))


def test_a_bag_and_delayed_pairs(tmp_path, rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 1, 5, 4, 2)]
    y = [*"abcab"]
    bag = dask.bag.from_sequence(list(zip(X, y, strict=True)), npartitions=3)
    pair = dask.delayed(lambda i: (X[i], y[i]))
    several = dask.delayed(lambda start: [(X[i], y[i]) for i in range(start, 5)])
    sources = {
        "bag": bag,
        "pairs": [pair(i) for i in range(5)],
        "lists": [pair(0), pair(1), several(2)],
        "data set": [dask.delayed(Dataset(X, np.array(y)))],
        "one": several(0),
    }
    for name, source in sources.items():
        store = build_store(source, tmp_path / name, shard_size=64)
        assert store.y.tolist() == y
        for x, other in zip(store, X, strict=True):
            np.testing.assert_array_equal(x, other)
    with pytest.raises(ReaderError, match="id= names a column of a table"):
        build_store(bag, tmp_path / "with roles", id="run")


def test_partitions_are_computed_once_each_when_they_are_needed(tmp_path, rng):
    computed = []

    def part(i):
        computed.append(i)
        if i == 3:
            raise OSError("the disk is gone")
        return [(rng.normal(size=(4, 2)), i)]

    parts = [dask.delayed(part)(i) for i in range(5)]
    with pytest.raises(OSError, match="the disk is gone"), dask.config.set(scheduler="sync"):
        build_store(parts, tmp_path / "store")
    assert computed == [0, 1, 2, 3]
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (
            {"x": ["a"]},
            r"'x' holds numbers in row 0 of delayed object 0 and text in row 0 of delayed object 1",
        ),
        ({"z": [1]}, r"lacks 'x' and has 'z'"),
        ({"x": [0.1]}, r"need float64 from row 0 of delayed object 1 on.*dtype='float64'"),
    ],
)
def test_a_partition_that_contradicts_the_first(tmp_path, late, told):
    first = pd.DataFrame({"run": [1, 1], "x": np.array([1, 2], np.float32)})
    parts = [dask.delayed(first), dask.delayed(pd.DataFrame({"run": [2]} | late))]
    with pytest.raises(ReaderError, match=told):
        build_store(parts, tmp_path / "store", id="run")
    assert not (tmp_path / "store").exists()


def test_what_cannot_be_read(tmp_path):
    parts = dask.dataframe.from_pandas(frame().set_index("run"), npartitions=2)
    with pytest.raises(ReaderError, match=r"'run' is the index .*reset_index"):
        build_store(parts, tmp_path / "store", **ROLES)
    array = pytest.importorskip("dask.array").ones((3, 4))
    with pytest.raises(TypeError, match="source is a Array of Dask; expected a DataFrame"):
        build_store(array, tmp_path / "store")
