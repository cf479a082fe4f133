""".npz files: what is written is read, and what every damage in one is told."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pyarrow
import pytest
from helpers.reading import peak_memory

from elman import RNNTagger
from elman.data import (
    Dataset,
    ReaderError,
    from_table,
    read,
    read_npz,
    to_table,
    write_npz,
)


def assert_same(found, X, y):
    assert type(found.X) is type(X)
    assert len(found.X) == len(X)
    for x, expected in zip(found.X, X, strict=True):
        assert x.dtype == expected.dtype
        np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(found.y, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", [["a", "üb", "a"], [2, 0, 1], [True, False, True], [0.5, 1, 2]])
def test_what_is_written_is_read(tmp_path, rng, dtype, labels):
    path = tmp_path / "x.npz"
    cube = rng.standard_normal((3, 5, 2)).astype(dtype)
    ragged = [cube[0], cube[1][:0], cube[2][:4]]
    for X in (cube, cube[:, :, 0], ragged):
        for y in (np.array(labels), None):
            write_npz(path, X, y)
            assert_same(read_npz(path), X, y)


def test_what_users_pass_is_written(tmp_path, rng):
    path = tmp_path / "x.npz"
    write_npz(path, [[[1], [2]], [[3], [4], [5]]], ["a", "b"])
    found = read(path)
    assert [x.tolist() for x in found.X] == [[[1], [2]], [[3], [4], [5]]]
    assert found.y.tolist() == ["a", "b"]
    write_npz(path, rng.integers(0, 9, (3, 5, 2)), np.array(["a", "b", "c"], dtype=object))
    assert read(path).X.dtype == np.float64
    assert read(path).y.dtype.kind == "U"


@pytest.mark.parametrize("Y", [[[0, 1], [1, 1], [0, 0]], [[0.5, -2], [1, 3], [0, 0]]])
def test_several_labels_or_targets_are_read_as_they_were_written(tmp_path, rng, Y):
    for y in (Y, np.array(Y)):
        write_npz(tmp_path / "x.npz", [rng.normal(size=(n, 2)) for n in (3, 5, 1)], y)
        np.testing.assert_array_equal(read(tmp_path / "x.npz").y, Y)


@pytest.mark.parametrize("labels", [["a", "üb"], [2, -1], [True, False]])
@pytest.mark.parametrize("lengths", [(3, 5, 1), (4, 4, 4), (2, 0, 1), (0, 0), (3,)])
def test_labels_of_time_steps_are_read_as_they_were_written(tmp_path, rng, labels, lengths):
    path = tmp_path / "x.npz"
    X = [rng.normal(size=(n, 2)) for n in lengths]
    y = [np.array(labels)[np.arange(n) % 2] for n in lengths]
    as_objects = np.empty(len(y), object)
    as_objects[:] = y
    for rows in (y, [row.tolist() for row in y], as_objects):
        write_npz(path, X, rows)
        found = read(path).y
        assert isinstance(found, list)
        assert [row.tolist() for row in found] == [row.tolist() for row in y]


class NAType:
    """As pandas' missing value: neither equal to itself nor different from it."""

    def __eq__(self, other):
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = object.__hash__


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), NAType()])
@pytest.mark.parametrize("labels", [["a", "üb"], [2, -1], [True, False], ["a", "b" * 100_000]])
def test_missing_labels_stay_missing(tmp_path, rng, labels, missing):
    path = tmp_path / "x.npz"
    lengths = (3, 5, 1, 0)
    X = [rng.normal(size=(n, 2)) for n in lengths]
    y = [labels[0], missing, labels[1], missing]
    steps = [(y * 2)[:n] for n in (3, 5)] + [[missing], []]
    write_npz(path, X, as_objects(y))
    found = read(path).y
    expected = [labels[0], None, labels[1], None]
    assert found.tolist() == expected
    assert list(map(type, found)) == list(map(type, expected))
    write_npz(path, X, steps)
    assert [row.tolist() for row in read(path).y] == [
        (expected * 2)[:3],
        (expected * 2)[:5],
        [None],
        [],
    ]
    write_npz(path, X, [[missing] * n for n in lengths])
    assert [row.tolist() for row in read(path).y] == [[None] * n for n in lengths]


def test_missing_numbers_are_nan(tmp_path, rng):
    X = rng.normal(size=(3, 5, 2))
    write_npz(tmp_path / "x.npz", X, as_objects([0.5, None, 2]))
    np.testing.assert_array_equal(read(tmp_path / "x.npz").y, [0.5, np.nan, 2])
    write_npz(tmp_path / "x.npz", X, [[0.5, np.nan], [1, 2], [None, 3]])
    expected = [[0.5, np.nan], [1, 2], [np.nan, 3]]
    np.testing.assert_array_equal(read(tmp_path / "x.npz").y, expected)
    write_npz(tmp_path / "x.npz", X[:, :2], [[0.5, np.nan], [1, 2], [None, 3]])  # of each step
    np.testing.assert_array_equal(read(tmp_path / "x.npz").y, expected)


def test_several_targets_of_time_steps_are_read_as_they_were_written(tmp_path, rng):
    path = tmp_path / "x.npz"
    X = [rng.normal(size=(n, 2)) for n in (3, 0, 5)]
    y = [np.where(x > 1, np.nan, x) for x in X]
    write_npz(path, X, y)
    for row, expected in zip(read(path).y, y, strict=True):
        np.testing.assert_array_equal(row, expected, strict=True)
    cube = rng.normal(size=(3, 5, 2))
    write_npz(path, cube, cube)
    np.testing.assert_array_equal(read(path).y, cube)


def test_labels_of_very_unequal_lengths_take_no_more_than_their_text(tmp_path):
    path = tmp_path / "x.npz"
    y = ["a"] * 2000 + ["b" * 100_000, "c\0"]
    X = np.zeros((2002, 1, 1))
    assert peak_memory(write_npz, path, X, y) < 8 << 20
    assert path.stat().st_size < 20_000
    assert peak_memory(read, path) < 8 << 20
    assert read(path).y.tolist() == y


def as_objects(entries):
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array


# What belongs to the samples beside y


@pytest.mark.parametrize(
    "ids",
    [
        [10, 2, 33],
        ["run b", "run ü", "run a"],
        ["a" * 10_000, "b", "c" * 9_999],
        np.array(["2024-02-29", "2023-01-01", "NaT"], "M8[ns]"),
    ],
)
@pytest.mark.parametrize("ragged", [True, False])
def test_all_of_a_data_set_is_written_and_read(tmp_path, rng, ids, ragged):
    path = tmp_path / "x.npz"
    lengths = (3, 5, 1) if ragged else (4, 4, 4)
    X = [rng.normal(size=(n, 2)) for n in lengths]
    for weight in (rng.uniform(size=3), [rng.uniform(size=n) for n in lengths]):
        given = Dataset(
            X if ragged else np.stack(X),
            np.array(["a", "b", "a"]),
            {"subject": np.array([7, 8, 9]), "problemname": "x", "classlabel": ["a", "b"]},
            ids=np.asarray(ids),
            feature_names=("speed", "größe"),
            sample_weight=weight,
        )
        write_npz(path, given)
        first = path.read_bytes()
        found = read(path)
        assert_same(found, given.X, given.y)
        np.testing.assert_array_equal(found.ids, given.ids)
        assert found.feature_names == given.feature_names
        for row, expected in zip(found.sample_weight, weight, strict=True):
            np.testing.assert_array_equal(row, expected)
        assert sorted(found.metadata) == ["classlabel", "problemname", "subject"]
        assert found.metadata["subject"].tolist() == [7, 8, 9]
        options = {
            "ids": ids,
            "feature_names": ["speed", "größe"],
            "sample_weight": weight,
        }
        write_npz(path, given.X, given.y, **options)
        assert read(path).metadata == {}
        write_npz(path, found)  # what is read can be written
        assert path.read_bytes() == first


@pytest.mark.parametrize(
    "columns",
    [
        {
            "day": pd.date_range("2024-02-28", periods=3, tz="Europe/Berlin"),
            "run": [3, 1, 2**53 + 1],
        },
        {"subject": ["a", "a" * 9_999, "ü"], "run": [3, 1, 2]},
        {"day": pd.date_range("2024-02-28", periods=3, tz="Europe/Berlin")},
    ],
)
def test_the_ids_of_a_table_are_read_as_they_were_written(tmp_path, columns):
    """Of several columns they are tuples, and of a time zone they are in UTC."""
    table = pd.DataFrame({**columns, "x": [0.5, 1.5, 2.5]})
    data = from_table(table, id=[*columns])
    write_npz(tmp_path / "x.npz", data)
    found = read(tmp_path / "x.npz")
    assert found.ids.tolist() == data.ids.tolist()
    one = len(columns) == 1
    given = [*columns["day"]] if one else [*zip(*map(list, columns.values()), strict=True)]
    write_npz(tmp_path / "y.npz", data.X, ids=given)
    assert read(tmp_path / "y.npz").ids.tolist() == data.ids.tolist()
    answers = to_table([1, 2, 3], found)
    assert [*answers][:-1] == [*columns]


def test_ids_that_cannot_be_written_are_called_ids(tmp_path):
    X = np.ones((3, 5, 2))
    for ids, words in (
        ([b"a", b"b", b"c"], r"ids\[0\] is b'a', a bytes; ids are stored as"),
        ([("a", 1), ("b",), ("c", 2)], "3 tuples of .1, 2. values but X has 3 samples"),
        ([("a", 1), ("b", 2)], "2 tuples of .2. values but X has 3 samples"),
        ([("a", 1j), ("b", 2), ("c", 3)], "a complex; ids are stored as"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            write_npz(tmp_path / "x.npz", X, ids=ids)
    assert os.listdir(tmp_path) == []


BEYOND = 2**53 + 1


@pytest.mark.parametrize(
    "y",
    [
        pd.array([BEYOND, pd.NA, 1], "Int64"),
        pd.Series([BEYOND, pd.NA, 1], dtype="Int64"),
        pl.Series([BEYOND, None, 1]),
        pyarrow.array([BEYOND, None, 1]),
        [BEYOND, np.nan, 1.0],
        [2**64 - 1, None, 1],
    ],
    ids=["array", "series", "polars", "arrow", "list", "unsigned"],
)
def test_whole_numbers_keep_all_their_digits_beside_a_missing_one(tmp_path, y):
    X = [np.ones((n, 2)) for n in (3, 5, 3)]
    write_npz(tmp_path / "x.npz", X, y)
    first = 2**64 - 1 if isinstance(y, list) and y[1] is None else BEYOND
    assert read(tmp_path / "x.npz").y.tolist() == [first, None, 1]
    steps = [y, [1, 2, 3, 4, 5], [1, 2, 3]]
    write_npz(tmp_path / "x.npz", X, steps)
    assert read(tmp_path / "x.npz").y[0].tolist()[1:] == [None, 1]
    write_npz(tmp_path / "x.npz", X, ids=y)
    assert read(tmp_path / "x.npz").ids.tolist()[1:] == [None, 1]


def test_whole_numbers_that_floats_would_round_are_refused(tmp_path):
    X = [np.ones((n, 2)) for n in (3, 5, 3)]
    floats = np.array([0.5, 1.5, 2.5])
    for y, words in (
        ([0.5, BEYOND, 2], r"y\[1\] is 9007199254740993, which would be rounded"),
        ([np.array([BEYOND, 1, 2]), [1] * 5, floats], "9007199254740993, which would be rounded"),
        ([floats, [1, BEYOND, 3, 4, 0.5], [1, 2, 3]], r"y\[1\]\[1\] is 9007199254740993"),
        ([-5, 2**64 - 1, None], "beyond 64 bits"),
    ):
        with pytest.raises(TypeError, match=words):
            write_npz(tmp_path / "x.npz", X, y)
    assert os.listdir(tmp_path) == []


def test_the_names_of_data_frames_are_written(tmp_path, rng):
    frames = [pd.DataFrame(rng.normal(size=(n, 2)), columns=["ax", "ay"]) for n in (3, 5)]
    write_npz(tmp_path / "x.npz", frames)
    assert read(tmp_path / "x.npz").feature_names == ("ax", "ay")
    write_npz(tmp_path / "x.npz", frames, feature_names=["x", "y"])
    assert read(tmp_path / "x.npz").feature_names == ("x", "y")


def test_what_a_ts_file_holds_is_written(tmp_path):
    path = tmp_path / "x.ts"
    path.write_text("@problemName x\n@classLabel true a b\n@data\n1,2:a\n3:?\n4:b\n")
    given = read(path)
    write_npz(tmp_path / "x.npz", given)
    found = read(tmp_path / "x.npz")
    assert [x.tolist() for x in found.X] == [x.tolist() for x in given.X]
    assert found.y.tolist() == ["a", None, "b"]
    assert {key: array.tolist() for key, array in found.metadata.items()} == given.metadata


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ids": [1, 2]}, ValueError, r"ids has shape \(2,\) but X has 3 samples"),
        ({"ids": [1, "b", 2]}, TypeError, r"ids\[0\] is 1 \(int\)"),
        ({"feature_names": ["a"]}, ValueError, "1 names but X has 2 features"),
        ({"feature_names": "ab"}, ValueError, "1 names but X has 2 features"),
        ({"feature_names": ["a", 2]}, ValueError, "pass a string for each"),
        ({"sample_weight": [1, 2]}, ValueError, r"sample_weight has shape \(2,\)"),
        ({"sample_weight": [[1], [2], [3]]}, ValueError, "sequences of other lengths"),
        ({"sample_weight": ["a", "b", "c"]}, ValueError, "sample_weight has .*expected a number"),
    ],
)
def test_what_does_not_belong_to_the_samples(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        write_npz(tmp_path / "x.npz", np.ones((3, 5, 2)), **options)
    assert os.listdir(tmp_path) == []


def test_metadata_that_cannot_be_written(tmp_path):
    X = np.ones((3, 5, 2))
    for metadata in ({"y": 1}, {"file": 1}, {"a": object()}, {"ids_codes": [1]}, {"a": [1, None]}):
        with pytest.raises(TypeError, match=r"metadata\['.*'\] cannot be stored"):
            write_npz(tmp_path / "x.npz", Dataset(X, None, metadata))
    with pytest.raises(TypeError, match="X is a Dataset, which has its own y"):
        write_npz(tmp_path / "x.npz", Dataset(X), [1, 2, 3])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["x", "x.np", "x.npz.gz", "x.ts", ".npz", "npz"])
def test_a_name_that_read_would_not_know_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"by which elman.data.read would not know.*; name it "):
        write_npz(tmp_path / name, np.ones((3, 5, 2)))
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ReaderError):
        read(tmp_path / name)
    (tmp_path / name).unlink()
    write_npz(tmp_path / "x.NPZ", np.ones((3, 5, 2)))
    assert len(read(tmp_path / "x.NPZ").X) == 3


def test_the_same_data_the_same_bytes(tmp_path, rng):
    X = [rng.standard_normal((n, 2)) for n in (3, 5)]
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name, X, ["a", "b"])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("X", "y", "error", "words"),
    [
        (np.full((3, 5, 2), np.nan), None, ValueError, "contains NaN"),
        (np.ones((3, 5, 2)), [1, 2], ValueError, r"y has shape \(2,\) but X has 3 samples"),
        (np.ones((3, 5, 2)), [1, "a", None], TypeError, r"y\[0\] is 1 \(int\) and y\[1\] is 'a'"),
        (np.ones((3, 5, 2)), [1, object(), 2], TypeError, r"y\[1\] is <object.*a object; labels"),
        (np.ones((3, 5, 2)), [1, 2**70, 2], TypeError, "beyond 64 bits"),
        (np.ones((2, 1, 2)), [["a", "b"], ["a", None]], TypeError, "misses a label"),
        (np.ones((3, 5, 2)), np.zeros(3, "M8[s]"), TypeError, "datetime64"),
        (np.ones((3, 5, 2)), [[1, 2], [1], [2, 3]], ValueError, "not those of X"),
        (np.ones((2, 2, 2)), [["a", "b"], [1, 2]], TypeError, "mixes labels of types"),
        (
            np.ones((2, 2, 2)),
            [["a", 1], ["b", "a"]],
            TypeError,
            r"y\[0\]\[0\] is 'a'.*is 1 \(int\)",
        ),
        (
            np.ones((2, 2, 2)),
            [np.ones(2, np.int64), np.ones(2, np.uint64)],
            TypeError,
            "mixes signed and unsigned",
        ),
    ],
)
def test_what_cannot_be_written(tmp_path, X, y, error, words):
    with pytest.raises(error, match=words):
        write_npz(tmp_path / "x.npz", X, y)
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_written_keeps_the_old_one(tmp_path, monkeypatch, rng):
    path = tmp_path / "x.npz"
    write_npz(path, rng.standard_normal((3, 5, 2)), ["a", "b", "c"])
    before = path.read_bytes()

    def crash(*_args, **_options):
        raise OSError("no more room")

    for module, function in ((np, "savez_compressed"), (os, "fsync"), (os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(module, function, crash)
            with pytest.raises(OSError, match="no more room"):
                write_npz(path, rng.standard_normal((4, 5, 2)))
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["x.npz"]
    write_npz(str(path), np.zeros((4, 5, 2)))
    assert read(path).X.shape == (4, 5, 2)


def test_the_obvious_file_of_a_user(tmp_path, rng):
    X = rng.standard_normal((3, 5, 2))
    np.savez(tmp_path / "x.npz", X=X, y=np.array(["a", "b", "a"]), subject=np.array([7, 8, 9]))
    found = read(tmp_path / "x.npz")
    assert_same(found, X, np.array(["a", "b", "a"]))
    assert found.metadata["subject"].tolist() == [7, 8, 9]


class Bomb:
    """Unpickling this would leave a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "x.npz"
    mark = tmp_path / "mark"
    np.savez(path, X=np.array([Bomb(mark), None], dtype=object))
    with pytest.raises(ReaderError, match=r"array 'X' holds Python objects.*write_npz"):
        read(path)
    np.savez(path, X=np.ones((2, 5, 2)), y=np.array(["a", "b"], dtype=object))
    with pytest.raises(ReaderError, match=r"'y' holds Python objects.*write_npz.*of any kind"):
        read(path)
    path.write_bytes(b"\x80\x04\x95" + b"\0" * 40)
    with pytest.raises(ReaderError, match=r"not a \.npz file"):
        read(path)
    assert not mark.exists()


LAYOUTS = {
    "other names": ({"X_train": np.ones((3, 5, 2))}, "holds X_train; expected X, or values"),
    "nothing": ({}, "holds no arrays"),
    "no lengths": ({"values": np.ones((5, 2))}, "holds values; expected"),
    "both": (
        {"values": np.ones((5, 2)), "X": np.ones((1, 5, 2)), "lengths": [5]},
        "expected X, or",
    ),
    "1-D": ({"X": np.ones(5)}, r"X has shape \(5,\)"),
    "4-D": ({"X": np.ones((1, 2, 3, 4))}, r"X has shape \(1, 2, 3, 4\)"),
    "labels": ({"X": np.ones((3, 5, 2)), "y": [1, 2]}, r"y has shape \(2,\) but X has 3 samples"),
    "2-D labels": ({"X": np.ones((3, 5, 2)), "y": np.ones((1, 3))}, r"y has shape \(1, 3\)"),
    "3-D labels": ({"X": np.ones((3, 5, 2)), "y": np.ones((3, 1, 1))}, r"y has shape \(3, 1, 1\)"),
    "labels of steps": (
        {"X": np.ones((3, 5, 2)), "y_steps": np.ones(14)},
        r"y_steps has shape \(14,\) but X has 15 time steps",
    ),
    "a table of each step": (
        {"X": np.ones((3, 5, 2)), "y_steps": np.ones((15, 1, 2))},
        r"y_steps has shape \(15, 1, 2\)",
    ),
    "labels twice": (
        {"X": np.ones((3, 5, 2)), "y_steps": np.ones(15), "y": np.ones(3)},
        "both y and y_steps",
    ),
    "dates": ({"X": np.zeros((3, 5, 2), "M8[s]")}, "array 'X' has dtype datetime64"),
    "complex": ({"X": np.zeros((3, 5, 2), complex)}, "array 'X' has dtype complex128"),
    "ids": ({"X": np.ones((3, 5, 2)), "ids": [1, 2]}, r"ids has shape \(2,\); expected one"),
    "feature names": (
        {"X": np.ones((3, 5, 2)), "feature_names": ["a"]},
        r"feature_names has shape \(1,\).*for each feature, \(2,\)",
    ),
    "numbers as names": (
        {"X": np.ones((3, 5, 2)), "feature_names": [1, 2]},
        "feature_names has .* dtype int64; expected a string",
    ),
    "weights": (
        {"X": np.ones((3, 5, 2)), "sample_weight": [1, 2]},
        r"sample_weight has shape \(2,\) but X has 3 samples",
    ),
    "weights of steps": (
        {"X": np.ones((3, 5, 2)), "sample_weight_steps": np.ones(14)},
        r"sample_weight_steps has shape \(14,\) but X has 15 time steps",
    ),
    "weights twice": (
        {"X": np.ones((1, 1, 2)), "sample_weight_steps": [1], "sample_weight": [1]},
        "both sample_weight and sample_weight_steps",
    ),
    "1-D values": ({"values": np.ones(5), "lengths": [5]}, r"values has shape \(5,\)"),
    "short": ({"values": np.ones((5, 2)), "lengths": [3, 1]}, "lengths sum to 4 but values has 5"),
    "negative": ({"values": np.ones((5, 2)), "lengths": [6, -1]}, "lengths must be"),
    "fractions": ({"values": np.ones((5, 2)), "lengths": [2.5, 2.5]}, "lengths must be"),
    "wrapping": (
        {"values": np.ones((5, 2)), "lengths": np.array([2**63, 2**63, 5], np.uint64)},
        "lengths sum to 18446744073709551621",
    ),
    "2-D lengths": ({"values": np.ones((5, 2)), "lengths": [[5]]}, "lengths must be"),
}


@pytest.mark.parametrize(("arrays", "words"), LAYOUTS.values(), ids=LAYOUTS)
def test_other_layouts_are_refused(tmp_path, arrays, words):
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(ReaderError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.fixture
def npz(tmp_path, rng):
    path = tmp_path / "x.npz"
    write_npz(path, rng.standard_normal((3, 5, 2)), ["a", "b", "c"])
    return path


def test_truncated_files_are_refused(npz):
    content = npz.read_bytes()
    for n in range(0, len(content), 3):
        npz.write_bytes(content[:n])
        with pytest.raises(ReaderError, match="npz"):
            read(npz)


def test_flipped_bits_are_refused_or_change_nothing(npz):
    content = npz.read_bytes()
    expected = read(npz)
    for position in range(len(content)):
        for bit in (position % 8, 7):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            npz.write_bytes(damaged)
            try:
                found = read(npz)
            except ReaderError:
                continue
            assert_same(found, expected.X, expected.y)


def zip_of(path, members, method=zipfile.ZIP_DEFLATED):
    members = members.items() if isinstance(members, dict) else members
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
        for name, content in members:
            archive.writestr(name, content)


def npy(descr, shape, data=b"", *, version=1, header=None):
    """The bytes of an array, true or not."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


ONE = npy("<f8", (1, 1, 1), bytes(8))


@pytest.mark.parametrize("shape", [(2**40, 5, 2), (2**62, 2**62, 2), (-3, 5, 2), (-3, -5, 2)])
def test_an_array_that_lies_about_its_size_is_refused(tmp_path, shape):
    path = tmp_path / "x.npz"
    zip_of(path, {"X.npy": npy("<f8", shape, bytes(240))})
    with pytest.raises(ReaderError, match="array 'X': damaged"):
        read(path)


FORGED = {
    # members of the archive, what the error says
    "twice": ([("X.npy", ONE), ("X.npy", ONE)], "an array is there twice"),
    "no array": ([("X.npy", ONE), ("a.txt", b"")], r"holds 'a.txt', which is no array \(.npy\)"),
    "many": (
        [("X.npy", ONE), *((f"a{i}.npy", b"") for i in range(1000))],
        "1001 arrays in a list of .* at most 1000 are read",
    ),
    "too much": ([("X.npy", npy("<f8", (1, 1, 1), bytes(9)))], "promises 8 bytes.*there are 9"),
    "too little": ([("X.npy", npy("<f8", (1, 1, 1), bytes(7)))], "promises 8 bytes.*there are 7"),
    "no size": ([("X.npy", ONE), ("y.npy", npy("<U0", (2**40,)))], "values of no size"),
    "samples of no size": ([("X.npy", npy("<f8", (2**40, 0, 2)))], "its samples would take"),
    "steps of no size": ([("X.npy", npy("<f8", (2, 2**40, 0)))], "its samples would take"),
    "dimensions": ([("X.npy", npy("<f8", (1,) * 70, bytes(8)))], "array 'X': damaged"),
    "no dimension": ([("X.npy", npy("<f8", (), bytes(8)))], r"X has shape \(\)"),
    "no bool": ([("X.npy", npy("|b1", (1, 2, 1), b"\1\7"))], "neither true nor false"),
    "no character": (
        [("X.npy", ONE), ("y.npy", npy(">U1", (1,), b"\xff\0\0\0"))],
        "array 'y'.*a character that there is not",
    ),
    "a structure": ([("X.npy", npy([("a", "<f8")], (1,), bytes(8)))], "'X' has dtype .*'a'"),
    "a pickle": ([("X.npy", npy("|O", (1,), bytes(8)))], "holds Python objects"),
    "a long header": ([("X.npy", npy("<f8", (1,), header=b" " * 20_000))], "header has 20,0"),
    "a huge header": (
        [("X.npy", npy("<f8", (1,), version=2, header=b" " * 200_000))],
        "header has 200,0",
    ),
    "a deep header": ([("X.npy", npy("<f8", (1,), header=b"(" * 9000))], "array 'X': damaged"),
    "minus minus": ([("X.npy", npy("<f8", (1,), header=b"-" * 9000 + b"1"))], "'X': damaged"),
    "a version": ([("X.npy", ONE.replace(b"Y\1", b"Y\7"))], "of version 1 or 2"),
    "codes": (
        [
            ("X.npy", ONE),
            ("y_codes.npy", npy("<i8", (1,), b"\5" + bytes(7))),
            ("y_classes.npy", npy("<U1", (1,), b"a\0\0\0")),
        ],
        "y_codes has others than -1 to 0",
    ),
    "text": (
        [
            ("X.npy", ONE),
            ("feature_names_text.npy", npy("|u1", (1,), b"\xff")),
            ("feature_names_lengths.npy", npy("<i8", (1,), b"\1" + bytes(7))),
        ],
        "feature_names_text is not UTF-8",
    ),
    "lengths of text": (
        [
            ("X.npy", ONE),
            ("feature_names_text.npy", npy("|u1", (1,), b"a")),
            ("feature_names_lengths.npy", npy("<i8", (1,), b"\2" + bytes(7))),
        ],
        "feature_names_lengths does not sum to the 1 bytes",
    ),
}


@pytest.mark.parametrize(("members", "words"), FORGED.values(), ids=FORGED)
def test_forged_archives_are_refused_at_no_cost(tmp_path, members, words):
    path = tmp_path / "x.npz"
    zip_of(path, members)

    def attempt():
        with pytest.raises(ReaderError, match=words) as caught:
            read(path)
        assert len(str(caught.value)) < len(str(path)) + 500

    assert peak_memory(attempt) < 16 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_that_numpy_does_not_write_is_refused(tmp_path, method):
    path = tmp_path / "x.npz"
    zip_of(path, {"X.npy": ONE}, method)
    with pytest.raises(ReaderError, match=r"'X' is compressed by method \d+.*savez_compressed"):
        read(path)


def test_an_archive_of_more_than_4_gib_is_known_by_its_end(tmp_path, rng, monkeypatch):
    """The sizes in its directory are those of Zip64; a small file can have that form too."""
    path = tmp_path / "x.npz"
    X = rng.standard_normal((3, 5, 2))
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    write_npz(path, X, ["a", "b", "c"])
    monkeypatch.undo()
    assert b"PK\6\6" in path.read_bytes()
    np.testing.assert_array_equal(read(path).X, X)
    many = path.read_bytes().replace(b"PK\6\6", b"PK\6\7")
    path.write_bytes(many)
    with pytest.raises(ReaderError, match="the end of the zip archive is damaged"):
        read(path)


ZEROS = {
    "X": {"X": np.zeros((1000, 1000, 9), np.float32)},
    "values": {"values": np.zeros((9_000_000, 1), np.float32), "lengths": [9_000_000]},
    "metadata": {"X": np.zeros((1, 1, 1)), "a": np.zeros(5_000_000)},
    "labels": {"X": np.zeros((100, 1, 1)), "y": ["a"] * 99 + ["b" * 100_000]},
    "samples without steps": {"values": np.zeros((0, 1)), "lengths": np.zeros(3_000_000, int)},
    "samples": {"values": np.zeros((500_000, 1)), "lengths": np.ones(500_000, np.int8)},
    "codes": {
        "X": np.zeros((500_000, 1, 1), np.float32),
        "y_codes": np.zeros(500_000, np.int8),
        "y_classes": ["a"],
    },
}


@pytest.mark.parametrize("arrays", ZEROS.values(), ids=ZEROS)
def test_what_compresses_a_thousandfold_needs_to_be_asked_for(tmp_path, monkeypatch, arrays):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr("elman.data.budget.ALWAYS", 4 << 20)

    def refused():
        with pytest.raises(ReaderError, match=r"would take .* with max_bytes=\d+ or more"):
            read(path)

    assert peak_memory(refused) < 16 << 20
    for max_bytes in (100_000, 4_000_000):
        with pytest.raises(ReaderError, match=f"more than max_bytes={max_bytes} allows"):
            read(path, max_bytes=max_bytes)
    assert len(read(path, max_bytes=1 << 30).X) > 0


def test_samples_without_steps_are_one_array(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, values=np.zeros((1, 2)), lengths=np.repeat([0, 1, 0], [200_000, 1, 100_000]))
    assert peak_memory(read, path) < 2.5 * path.stat().st_size
    X = read(path).X
    assert len(X) == 300_001
    assert len({id(x) for x in X}) == 2
    assert {x.shape for x in X} == {(0, 2), (1, 2)}


def test_a_zip_that_holds_no_array(tmp_path):
    path = tmp_path / "x.npz"
    zip_of(path, {"X.npy": b"hello"})
    with pytest.raises(ReaderError, match=r"damaged|expected"):
        read(path)
    zip_of(path, {"readme.txt": b"hello"})
    with pytest.raises(ReaderError, match=r"x\.npz"):
        read(path)
    buffer = io.BytesIO()
    np.save(buffer, np.ones((3, 5, 2)))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ReaderError, match=r"not a \.npz file"):
        read(path)


@pytest.mark.parametrize("none", [None, -1])
def test_a_tagger_learns_the_same_from_a_file_with_unlabelled_steps(tmp_path, rng, none):
    X = [rng.normal(size=(n, 2)).astype("f4") for n in (3, 5, 1, 4)]
    kinds = ["a", "b"] if none is None else [0, 1]
    y = [[none if t == 2 or n == 1 else kinds[t % 2] for t in range(n)] for n in map(len, X)]
    write_npz(tmp_path / "x.npz", X, y)
    found = read(tmp_path / "x.npz")
    assert [row.tolist() for row in found.y] == y
    taggers = [
        RNNTagger(3, max_iter=2, random_state=0).fit(X, y),
        RNNTagger(3, max_iter=2, random_state=0).fit(found.X, found.y),
    ]
    one, other = (tagger.network_.params.flat.tobytes() for tagger in taggers)
    assert one == other
    assert taggers[1].classes_.tolist() == kinds
