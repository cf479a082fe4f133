""".npz files: what is written is read, and what every damage in one is told."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from elman.data import ReaderError, read, read_npz, write_npz


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
        (np.ones((3, 5, 2)), [1, None, 2], TypeError, r"y has dtype object.*astype\(str\)"),
        (np.ones((3, 5, 2)), np.zeros(3, "M8[s]"), TypeError, "datetime64"),
        (np.ones((3, 5, 2)), [[1, 2], [1], [2, 3]], ValueError, "not those of X"),
        (np.ones((2, 2, 2)), [["a", "b"], [1, 2]], TypeError, "mixes labels of types"),
        (np.ones((2, 2, 2)), [["a", None], ["b", "a"]], TypeError, r"mixes|dtype object"),
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
    with pytest.raises(ReaderError, match=r"array 'y' holds Python objects.*astype\(str\)"):
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
    "labels twice": (
        {"X": np.ones((3, 5, 2)), "y_steps": np.ones(15), "y": np.ones(3)},
        "both y and y_steps",
    ),
    "dates": ({"X": np.zeros((3, 5, 2), "M8[s]")}, "array 'X' has dtype datetime64"),
    "complex": ({"X": np.zeros((3, 5, 2), complex)}, "array 'X' has dtype complex128"),
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


def zip_of(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize("shape", [(2**40, 5, 2), (2**62, 2**62, 2), (-3, 5, 2)])
def test_an_array_that_lies_about_its_size_is_refused(tmp_path, shape):
    path = tmp_path / "x.npz"
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    zip_of(path, "X.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(ReaderError, match="array 'X': damaged"):
        read(path)


def test_a_zip_that_holds_no_array(tmp_path):
    path = tmp_path / "x.npz"
    zip_of(path, "X.npy", b"hello")
    with pytest.raises(ReaderError, match=r"damaged|expected"):
        read(path)
    zip_of(path, "readme.txt", b"hello")
    with pytest.raises(ReaderError, match=r"x\.npz"):
        read(path)
    buffer = io.BytesIO()
    np.save(buffer, np.ones((3, 5, 2)))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ReaderError, match=r"not a \.npz file"):
        read(path)
