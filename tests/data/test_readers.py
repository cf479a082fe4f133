""".ts and .npz files: what they hold, and what every mistake in one is told."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.data import Dataset, ReaderError, read, read_npz, read_ts, write_npz

HEAD = "@problemName Two\n@timeStamps false\n@equalLength false\n@classLabel true a b\n@data\n"
TWO = "1,2,3:4,5,6:a\n-1.5,2e3:.5,+7.:b\n"


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="x.ts", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return to_file


# .ts: what is read


def test_ragged_and_multivariate(write):
    X, y, metadata = read_ts(write("# about\n\n" + HEAD + TWO))
    assert [x.tolist() for x in X] == [[[1, 4], [2, 5], [3, 6]], [[-1.5, 0.5], [2000, 7]]]
    assert {x.dtype for x in X} == {np.dtype(np.float64)}
    assert y.tolist() == ["a", "b"]
    assert metadata == {
        "problemname": "Two",
        "timestamps": False,
        "equallength": False,
        "classlabel": ["a", "b"],
    }


def test_equal_lengths_and_one_feature(write):
    text = "@univariate true\n@equalLength true\n@seriesLength 3\n@classLabel true\n@data\n"
    X, y, _ = read_ts(write(text + "1,2,3:x\n4,5,6:y\n7,8,9:x\n"))
    assert X.shape == (3, 3, 1)
    assert X[:, :, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert y.tolist() == ["x", "y", "x"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_line_ends_and_byte_order_marks(write, end, encoding):
    text = (HEAD + TWO).replace("\n", end)
    X, y, _ = read_ts(write(text, encoding=encoding))
    assert len(X) == len(y) == 2


def test_spaces_case_comments_and_no_last_line_end(write):
    text = "%# x\n# é\n  @CLASSLABEL TRUE a b \n# more\n@problemName x\n@problemName y\n@Data\n\n"
    text += " 1 , 2 :\t3,4 : a \n# more\n5,6:7,8:b"
    X, y, _ = read_ts(write(text, encoding="latin-1"))
    assert X.tolist() == [[[1, 3], [2, 4]], [[5, 7], [6, 8]]]
    assert y.tolist() == ["a", "b"]


def test_tabs_in_headers(write):
    X, y, headers = read_ts(write("@problemName\tx y\n@classLabel\ttrue\ta  b\n@data\n1,2:a\n"))
    assert X.shape == (1, 2, 1)
    assert y.tolist() == ["a"]
    assert headers["problemname"] == "x y"


def test_without_labels(write):
    X, y, _ = read_ts(write("@classLabel false\n@data\n1,2:3,4\n5,6:7,8\n"))
    assert X.shape == (2, 2, 2)
    assert y is None


def test_targets(write):
    _, y, _ = read_ts(write("@targetLabel true\n@data\n1,2:0.5\n5,6:-7e1\n"))
    assert y.tolist() == [0.5, -70.0]
    assert y.dtype == np.float64


def test_values_are_those_of_the_text_to_the_last_bit(write):
    texts = ["0.1", "1e-310", "123456789.123456789", "-0.0", "4.9e-324", "1.7976931348623157e308"]
    X, _, _ = read_ts(write("@classLabel false\n@data\n" + ",".join(texts)))
    assert X.ravel().tolist() == [float(text) for text in texts]
    assert np.signbit(X[0, 3, 0])


def test_missing_values_on_request(write):
    X, _, _ = read_ts(write("@classLabel false\n@data\n1,?:NaN,4\n"), missing="nan")
    np.testing.assert_array_equal(X, [[[1, np.nan], [np.nan, 4]]])
    with pytest.raises(ValueError, match="choose 'error' or 'nan'"):
        read_ts("x.ts", missing="drop")


# .ts: what is refused; the line number, and what the error must say

MISTAKES = {
    "empty": ("", None, "no @data line"),
    "no data line": ("@problemName x\n", None, "no @data line"),
    "text": ("hello\n", 1, "expected a header.*'hello'"),
    "csv": ("1,2,3\n4,5,6\n", 1, "expected a header"),
    "no recordings": (HEAD, 6, "no recordings"),
    "no class header": ("@problemName x\n@data\n1,2:a\n", 2, "no @classLabel header"),
    "bad flag": ("@timeStamps maybe\n", 1, "@timestamps is 'maybe'; expected true or false"),
    "empty flag": ("@classLabel\n", 1, "@classlabel is ''; expected true or false"),
    "time stamps": ("@timeStamps true\n@classLabel false\n@data\n", 3, "not supported"),
    "hidden time stamps": ("@classLabel false\n@data\n(0,1),(1,2)\n", 3, "time stamps"),
    "labels of none": ("@classLabel false a b\n", 1, "false, yet it lists labels: 'a b'"),
    "a label twice": ("@classLabel true a b a\n", 1, "lists a label twice"),
    "a header twice": ("@missing false\n@Missing false\n", 2, "@missing is given a second time"),
    "two kinds": ("@classLabel true\n@targetLabel true\n@data\n", 3, "one label"),
    "bad number": ("@dimensions two\n", 1, "@dimensions 'two' is not a positive whole number"),
    "no dimensions": ("@dimensions 0\n", 1, "not a positive"),
    "bad length": ("@seriesLength 1.5\n", 1, "@serieslength '1.5'"),
    "contradiction": (
        "@univariate true\n@dimensions 3\n@classLabel false\n@data\n1\n",
        4,
        "@univariate true contradicts @dimensions 3",
    ),
    "late header": (HEAD + TWO + "@missing false\n", 8, "a header after @data"),
    "unknown label": (HEAD + "1:2:c\n", 6, "class label 'c' is not one that @classLabel lists"),
    "no label": (HEAD + TWO + "1,2:3,4:\n", 8, "the class label, after the last ':', is missing"),
    "no label, no colon": (HEAD + TWO + "1,2\n", 8, "class label '1,2' is not one"),
    "only a label": (HEAD + "a\n", 6, r"0 dimension\(s\) besides the label, expected 1"),
    "lost dimension": (
        HEAD + TWO + "1,2:a\n",
        8,
        r"1 dimension\(s\) besides the label, expected 2",
    ),
    "declared dimension": (
        "@dimensions 3\n@classLabel false\n@data\n1:2\n",
        4,
        r"2 dimension\(s\), expected 3",
    ),
    "unequal dimensions": (HEAD + "1,2:3:a\n", 6, "dimension 1 has 1 values but dimension 0 has 2"),
    "no values": (HEAD + "1,2::a\n", 6, "dimension 1 has no values"),
    "no value": (HEAD + "1,,2:1,2,3:a\n", 6, "dimension 0, time step 1: '' is not a number"),
    "last comma": (HEAD + "1,2,:1,2,3:a\n", 6, "dimension 0, time step 2: '' is not a number"),
    "a word": (HEAD + TWO + "1,2:3,x:a\n", 8, "dimension 1, time step 1: 'x' is not a number"),
    "an underscore": (HEAD + "1_0:2:a\n", 6, "'1_0' is not a number"),
    "hexadecimal": (HEAD + "0x1p3:2:a\n", 6, "'0x1p3' is not a number"),
    "other digits": (HEAD + "١:2:a\n", 6, "is not a number"),
    "infinity": (HEAD + "inf:2:a\n", 6, "'inf' is not a number"),
    "too large": (HEAD + "1,1e999:2,3:a\n", 6, "time step 1: '1e999' is too large for float64"),
    "missing": (
        HEAD + "1,?:2,3:a\n",
        6,
        r"time step 1: the value is missing \(\?\).*missing='nan'",
    ),
    "NaN": (HEAD + "1,NaN:2,3:a\n", 6, r"the value is missing \(NaN\)"),
    "unequal lengths": (
        "@equalLength true\n@classLabel false\n@data\n1,2\n3,4\n5,6,7\n",
        6,
        "3 time steps where the headers promise 2; .*@equalLength false",
    ),
    "declared length": (
        "@equalLength true\n@seriesLength 3\n@classLabel false\n@data\n1,2\n",
        5,
        "2 time steps where the headers promise 3",
    ),
    "bad target": ("@targetLabel true\n@data\n1,2:x\n", 3, "the target 'x' is not a number"),
    "zip": (b"PK\x03\x04\xff\x00\x01" * 9, 1, "expected a header"),
    "long": ("x" * 9000, 1, r"'x+\.\.\.'"),
}


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_name_file_and_line(write, text, line, words):
    path = write(text)
    with pytest.raises(ReaderError, match=words) as caught:
        read_ts(path)
    where = f"{path}: " if line is None else f"{path}, line {line}: "
    assert str(caught.value).startswith(where)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 250


def test_files_that_cannot_be_opened(tmp_path):
    for name in ("none.ts", "none.npz"):
        with pytest.raises(FileNotFoundError, match="none"):
            read(tmp_path / name)
    (tmp_path / "folder.ts").mkdir()
    with pytest.raises(OSError, match="folder"):
        read(tmp_path / "folder.ts")


def assert_read_or_refused(path):
    try:
        found = read(path)
    except ReaderError as error:
        found = str(error)
    if isinstance(found, str):
        assert found.startswith(str(path))
        return
    assert isinstance(found, Dataset)
    assert len(found.X) > 0
    for x in found.X:
        assert x.ndim == 2
        assert np.isfinite(x).all()
    assert found.y is None or len(found.y) == len(found.X)


LINES = st.sampled_from(
    [
        "@data",
        "@classLabel true a b",
        "@classLabel false",
        "@dimensions 2",
        "@equalLength true",
        "@seriesLength 2",
        "@targetLabel true",
        "@univariate false",
        "1,2:3,4:a",
        "1:b",
        "1,2:3",
        "#x",
        "",
        "?",
        "1e999:2:a",
        ":",
        ",",
        "@",
        "@classLabel",
        "\x00",
        "\ufeff",
        "\u2028",
    ]
)
TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(LINES | st.text(alphabet="@:,?.-e19a# \t", max_size=9), max_size=9).map("\n".join),
    st.lists(st.text(alphabet=":,?.-e19an ", max_size=12), max_size=4).map(
        lambda lines: HEAD + "\n".join(lines)
    ),
)


@settings(max_examples=300, deadline=None)
@given(text=TEXT)
@example(text=HEAD + TWO)
@example(text=HEAD + "1" * 5000 + "x:1:a")
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("ts") / "any.ts"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert_read_or_refused(path)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=90))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("any.ts", "any.npz"):
        (folder / name).write_bytes(content)
        assert_read_or_refused(folder / name)


# .npz


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


# By suffix


def test_read_by_suffix(write, npz):
    assert len(read(write(HEAD + TWO, "x.TS")).X) == 2
    assert len(read(str(npz)).X) == 3


@pytest.mark.parametrize("name", ["x.xlsx", "x", "x.ts.gz", ".ts", "x.npy"])
def test_other_suffixes(write, name):
    with pytest.raises(
        ReaderError, match=r"(is not a format this reads|has no suffix); choose one of \.ts, \.npz"
    ):
        read(write("", name))
