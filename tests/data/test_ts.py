""".ts files: what they hold, and what every mistake in one is told."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from helpers.reading import assert_read_or_refused, peak_memory
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.data import ReaderError, read_ts

HEAD = "@problemName Two\n@timeStamps false\n@equalLength false\n@classLabel true a b\n@data\n"
TWO = "1,2,3:4,5,6:a\n-1.5,2e3:.5,+7.:b\n"


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
    for name, choices in (
        ("missing", "'error' or 'nan'"),
        ("timestamps", "'order', 'feature' or 'error'"),
        ("unlabelled", "'keep' or 'error'"),
    ):
        with pytest.raises(ValueError, match=f"{name}='drop' is not known; choose {choices}"):
            read_ts("x.ts", **{name: "drop"})


# .ts: what is refused; the line number, and what the error must say

MISTAKES = {
    "empty": ("", None, "no @data line"),
    "no data line": ("@problemName x\n", None, "no @data line"),
    "text behind @data": ("@classLabel false\n@data 1,2\n", 2, "has text after @data.*below it"),
    "UTF-16": ("@data\n".encode("utf-16"), 1, "UTF-16; save it as UTF-8"),
    "text": ("hello\n", 1, "expected a header.*'hello'"),
    "csv": ("1,2,3\n4,5,6\n", 1, "expected a header"),
    "no recordings": (HEAD, 5, "no recordings"),
    "no class header": ("@problemName x\n@data\n1,2:a\n", 2, "no @classLabel header"),
    "bad flag": ("@timeStamps maybe\n", 1, "@timestamps is 'maybe'; expected true or false"),
    "empty flag": ("@classLabel\n", 1, "@classlabel is ''; expected true or false"),
    "hidden time stamps": (
        "@classLabel false\n@data\n(0,1),(1,2)\n",
        3,
        "time stamps.*add '@timeStamps true'",
    ),
    "labels of none": ("@classLabel false a b\n", 1, "false, yet it lists labels: 'a b'"),
    "a label twice": ("@classLabel true a b a\n", 1, "lists a label twice"),
    "a header twice": ("@missing false\n@Missing false\n", 2, "@missing is given a second time"),
    "two kinds": ("@classLabel true\n@targetLabel true\n@data\n", 3, "has one of them"),
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


# Recordings without labels, as the archive's own programs write them

UNLABELLED = {
    "one feature": ("@univariate true\n@targetlabel false", "1,2,3:\n4,5,6:\n", 1),
    "two features": (
        "@univariate false\n@dimension 2\n@targetlabel false",
        "1,2:3,4:\n5,6:7,8:\n",
        2,
    ),
    "classLabel false": ("@univariate false\n@classLabel false", "1,2:3,4:\n5,6:7,8:\n", 2),
    "no colon": ("@univariate true\n@classLabel false", "1,2,3\n4,5,6\n", 1),
    "one line of two": ("@classLabel false", "1,2:3,4:\n5,6:7,8\n", 2),
    "all ?": ("@univariate true\n@classLabel true a b", "1,2:?\n4,5: ?\n", 1),
    "all NaN": ("@univariate true\n@classLabel true a b", "1,2:NaN\n4,5:nan\n", 1),
    "targets ?": ("@univariate true\n@targetLabel true", "1,2:?\n4,5:NaN\n", 1),
}


@pytest.mark.parametrize(("headers", "data", "n_features"), UNLABELLED.values(), ids=UNLABELLED)
def test_files_without_labels(write, headers, data, n_features):
    X, y, _ = read_ts(write(f"@problemName x\n@timestamps false\n{headers}\n@data\n{data}"))
    assert y is None
    expected = [
        np.transpose([field.split(",") for field in line.split(":")[:n_features]]).astype(float)
        for line in data.split()
        if line != "?"
    ]
    np.testing.assert_array_equal(X, expected)


def test_an_empty_last_field_is_left_out_once(write):
    head = "@classLabel false\n@data\n"
    for data, words in (
        ("1,2::\n", "dimension 1 has no values"),
        ("1,2:3,4:\n1,2:\n", r"1 dimension\(s\), expected 2"),
        (":\n", "dimension 0 has no values"),
    ):
        with pytest.raises(ReaderError, match=words):
            read_ts(write(head + data))


def test_labels_that_are_missing_among_others(write):
    path = write(HEAD + "1:2:b\n3:4:?\n5:6:a\n")
    _, y, _ = read_ts(path)
    assert y.tolist() == ["b", None, "a"]
    assert "2 classes" in repr(read_ts(path))
    with pytest.raises(ReaderError, match=r"line 7: the label is missing \(\?\)"):
        read_ts(path, unlabelled="error")
    path = write("@targetLabel true\n@data\n1:0.5\n2:?\n")
    np.testing.assert_array_equal(read_ts(path).y, [0.5, np.nan])
    with pytest.raises(ReaderError, match=r"line 4: the label is missing \(\?\)"):
        read_ts(path, unlabelled="error")


def test_a_class_may_be_called_what_else_means_missing(write):
    _, y, _ = read_ts(write("@classLabel true NaN ? x\n@data\n1:NaN\n2:?\n"), unlabelled="error")
    assert y.tolist() == ["NaN", "?"]


def test_a_label_where_the_header_says_there_is_none(write):
    with pytest.raises(ReaderError, match=r"line 4: .*if the last is a label, write '@classLabel"):
        read_ts(write("@univariate true\n@classLabel false\n@data\n1,2,3:a\n"))


# Labels of several words

SPACED = {
    "no list": ("", ["low back", "high"], ["low back", "high"]),
    "in quotes": ('"low back" high', ['"low back"', "high"], ["low back", "high"]),
    "in other quotes": ("'low back' high", ['"low back"', '"high"'], ["low back", "high"]),
    "quotes in the header": ('"low back" high', ["low back", "high"], ["low back", "high"]),
    "quotes and a colon": ('"low: back" high', ['"low: back"', "high"], ["low: back", "high"]),
    "an apostrophe": ("don't do", ["don't", "do"], ["don't", "do"]),
    # the words of the list are those of the labels, and no others
    "as aeon writes": ("high low back", ["low back", "high"], ["low back", "high"]),
    "a word twice": ("high back low back", ["low back", "high back"], ["low back", "high back"]),
}


@pytest.mark.parametrize(("listed", "labels", "y"), SPACED.values(), ids=SPACED)
def test_labels_with_spaces_where_they_are_unambiguous(write, listed, labels, y):
    data = "".join(f"1,2:{label}\n" for label in labels)
    found = read_ts(write(f"@univariate true\n@classLabel true {listed}\n@data\n{data}"))
    assert found.y.tolist() == y
    if listed:
        assert sorted(found.metadata["classlabel"]) == sorted(y)


@pytest.mark.parametrize(
    ("listed", "label", "words"),
    [
        ("low back high", "low back", r"line 3: .*spaces separate the labels.*in quotes"),
        ("low back high low", "low back", "line 3: .*spaces separate the labels"),
        ("low,high", "low", "line 3: .*by spaces, not by commas"),
        ("low, high", "low", "line 3: .*by spaces, not by commas"),
        ("low high", "mid", "line 3: class label 'mid' is not one that @classLabel lists"),
        ("low low", "low", "line 1: @classLabel lists a label twice"),
    ],
)
def test_labels_that_the_header_cannot_mean(write, listed, label, words):
    with pytest.raises(ReaderError, match=words):
        read_ts(write(f"@classLabel true {listed}\n@data\n1,2:{label}\n3,4:{label}\n"))


# Time stamps

TIMED = "@timeStamps true\n@classLabel true a b\n@data\n"
DATES = (
    "(2007-01-01 00:00:00,1),(2007-01-01 00:00:01.5,?):(2007-01-01 00:00:00,3),"
    "(2007-01-01 00:00:01.5,4):a\n"
)


@pytest.mark.parametrize(
    ("data", "times"),
    [
        ("(0,1),(1.5,?):(0,3) , (1.5,4):a\n", [0, 1.5]),
        ("( -2 , 1 ),(7,-nan):(-2,3),(7,4) : a\n", [0, 9]),
        # differences are exact where float64 does not hold the times themselves
        (
            "(1700000000000000001,1),(1700000000000000003,?):(1700000000000000001,3),"
            "(1700000000000000003,4):a\n",
            [0, 2],
        ),
        (DATES, [0, 1.5]),
        (DATES.replace(" 0", "T0"), [0, 1.5]),
        (DATES.replace("00:00:01.5", "00:00:01.5Z"), [0, 1.5]),
        (DATES.replace("00:00:00,", "01:00:00+01:00,"), [0, 1.5]),
        (DATES.replace("2007-01-01 00:00:01.5", "2007-01-02"), [0, 86400]),
    ],
)
def test_time_stamps_are_the_order_of_the_steps_or_a_feature(write, data, times):
    path = write(TIMED + data)
    steps = [[1, 3], [np.nan, 4]]
    X, y, _ = read_ts(path, missing="nan")
    np.testing.assert_array_equal(X, [steps])
    assert y.tolist() == ["a"]
    X, _, _ = read_ts(path, missing="nan", timestamps="feature")
    np.testing.assert_array_equal(X, [np.column_stack([steps, times])])
    with pytest.raises(ReaderError, match="line 3: @timeStamps true, which timestamps='error'"):
        read_ts(path, timestamps="error")


def test_time_stamps_of_unequal_lengths_without_labels(write):
    path = write("@timeStamps true\n@classLabel false\n@data\n(0,1),(1,2):\n(5,3)\n")
    X, y, _ = read_ts(path)
    assert [x.tolist() for x in X] == [[[1], [2]], [[3]]]
    assert y is None
    assert [x.shape for x in read_ts(path, timestamps="feature").X] == [(2, 2), (1, 2)]


def test_many_time_stamps(write, rng):
    times = np.cumsum(rng.integers(1, 9, 9001))
    values = rng.standard_normal(9001)
    line = ",".join(f"({t},{v!r})" for t, v in zip(times.tolist(), values.tolist(), strict=True))
    X, _, _ = read_ts(write(f"{TIMED}{line}:{line}:b\n"), timestamps="feature")
    expected = np.column_stack([values, values, np.diff(times, prepend=times[0])])
    np.testing.assert_array_equal(X[0], expected)


TIME_MISTAKES = {
    "no pair": ("1,2:a\n", r"time step 0: expected a time stamp with a value.*found '1,2:a'"),
    "no comma": ("(1):a\n", r"'\(1\)' is not a|'\(1\):' has no ','"),
    "open": ("(0,1),(1,2:a\n", "time step 1: expected a time stamp"),
    "words between": ("(0,1) and (1,2):a\n", "expected ',' or ':' after it, found 'and"),
    "text": ("(0,1),(noon,2):a\n", "time step 1: the time stamp 'noon' is neither a number nor"),
    "two": ("(0,1,2):a\n", "the time stamp '0,1' is neither"),
    "no date": ("(2007-02-30,1):a\n", "'2007-02-30' is no date"),
    "far": ("(9999-01-01,1):a\n", "outside the years 1678 to 2261"),
    "mixed": ("(0,1):a\n(2007-01-01,1):b\n", "is a date, where the first.* is a number"),
    "unsorted": ("(0,1),(2,2),(1,3):a\n", "time step 2, 1, is earlier than.* before, 2: sort"),
    "twice": ("(0,1),(2,2),(2,3):a\n", "time step 2, 2, is the same as"),
    "unsorted dates": (
        "(2007-01-02,1),(2007-01-01,2):a\n",
        "step 1, 2007-01-01T00:00:00.0+, is ea",
    ),
    "other times": ("(0,1),(2,2):(0,1),(3,2):a\n", "step 1 is at 3 in dimension 1 and at 2 in"),
    "other lengths": ("(0,1),(2,2):(0,1):a\n", "dimension 1 has 1 values but dimension 0 has 2"),
    "no values": ("(0,1)::a\n", "dimension 1 has no values"),
    "a bad value": ("(0,1),(2,x):a\n", "dimension 0, time step 1: 'x' is not a number"),
    "a missing one": ("(0,1),(2,?):a\n", r"dimension 0, time step 1: the value is missing \(\?\)"),
    "no label": ("(0,1),(2,3)\n", "the class label, after the last ':', is missing"),
    "a dimension less": ("(0,1):(0,1):a\n(0,1):b\n", r"1 dimension\(s\).*expected 2"),
}


@pytest.mark.parametrize(("data", "words"), TIME_MISTAKES.values(), ids=TIME_MISTAKES)
def test_mistakes_in_time_stamps(write, data, words):
    with pytest.raises(ReaderError, match=r"line \d: .*" + words):
        read_ts(write(TIMED + data))


def test_a_label_behind_time_stamps_that_should_have_none(write):
    path = write("@timeStamps true\n@classLabel false\n@data\n(0,1):a\n")
    with pytest.raises(ReaderError, match=r"line 4: .*found 'a'; if it is a label"):
        read_ts(path)


# Values


@pytest.mark.parametrize(
    "text", ["?", "NaN", "-nan", "+NAN", "nan", "NA", "n/a", "-nan(ind)", " ? "]
)
def test_what_programs_write_for_a_missing_value(write, text):
    path = write(f"@classLabel false\n@data\n1,{text}:2,3\n4,5:{text},6\n")
    X, _, _ = read_ts(path, missing="nan")
    np.testing.assert_array_equal(X, [[[1, 2], [np.nan, 3]], [[4, np.nan], [5, 6]]])
    with pytest.raises(ReaderError, match="line 3: dimension 0, time step 1: the value is missing"):
        read_ts(path)


@pytest.mark.parametrize(
    "text", ["inf", "1_0", "infinity", "-?", "a", "n", "1nan", "1 2", "--1", "1e"]
)
@pytest.mark.parametrize("missing", ["error", "nan"])
def test_what_is_no_number_whatever_the_others_are(write, text, missing):
    data = f"1,?,{text}" if missing == "nan" else f"1,3,{text}"
    with pytest.raises(ReaderError, match=r"line 3: dimension 0, time step 2: .* is not a number"):
        read_ts(write(f"@classLabel false\n@data\n{data}\n"), missing=missing)


@pytest.mark.parametrize("piece", [1, 7, 50, 1 << 16])
@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize("lengths", [(4, 4, 4, 4, 4), (7, 1, 1, 12, 3)])
def test_lines_are_read_together_and_apart_to_the_same_bits(
    write, rng, monkeypatch, piece, n_features, lengths
):
    for module in ("numbers", "recordings"):
        monkeypatch.setattr(f"elman.data.ts.{module}.PIECE", piece)
    expected = [rng.standard_normal((n, n_features)) for n in lengths]
    data = "".join(
        ":".join(",".join(map(repr, column.tolist())) for column in x.T) + ":b\n" for x in expected
    )
    X, y, _ = read_ts(write(HEAD + data))
    for x, other in zip(X, expected, strict=True):
        np.testing.assert_array_equal(x, other)
    assert y.tolist() == ["b"] * 5
    lines = data.splitlines()
    for k, at in ((0, 0), (3, -2)):  # the first and the last value of a line
        fields = lines[k].replace(":", ",").split(",")
        wrong = lines[k].replace(fields[at], "x", 1)
        damaged = "\n".join([*lines[:k], wrong, *lines[k + 1 :], "1:2:3:4:b"])
        d, t = (0, 0) if at == 0 else (n_features - 1, lengths[k] - 1)
        with pytest.raises(ReaderError, match=f"line {6 + k}: dimension {d}, time step {t}: 'x'"):
            read_ts(write(HEAD + damaged))


# Cost: memory stays near that of what the file holds


def ones(n):
    return "1," * (n // 2) + "1"


COSTLY = {
    "one line": lambda n: HEAD + ones(n) + ":a\n",
    "two dimensions": lambda n: f"{HEAD}{ones(n // 2)}:{ones(n // 2)}:a\n",
    "dimensions of one step": lambda n: HEAD + "1:" * (n // 2) + "a\n",
    "a long label": lambda n: HEAD.replace(" a b", "") + "1:a\n" * 2000 + f"1:{'b' * n}\n",
    "long labels": lambda n: HEAD.replace(" a b", "") + f"1:{'b' * 5000}\n" * (n // 5000),
    "short recordings": lambda n: HEAD + "1:a\n" * (n // 8),
    "labels of their own": lambda n: (
        HEAD.replace(" a b", "") + "".join(f"1:{i}\n" for i in range(n // 16))
    ),
    "missing values": lambda n: HEAD + "?," * (n // 2) + "?:a\n",
    "a text in wide characters": lambda n: HEAD + ones(n) + ":a\n# \U0001f600\n",
    "spaces": lambda n: HEAD + "1" + " " * n + ",2:a\n",
    "comments": lambda n: HEAD + "# x\n" * (n // 8) + "1:a\n",
    "digits": lambda n: HEAD + "0." + "1" * n + ":a\n",
    "time stamps": lambda n: TIMED + ",".join(f"({i},1)" for i in range(n // 24)) + ":a\n",
    # what is refused costs no more
    "colons": lambda n: HEAD + ":" * n + "\n",
    "commas": lambda n: HEAD + "," * n + ":a\n",
    "words": lambda n: HEAD + "x," * (n // 2) + ":a\n",
    "many digits": lambda n: HEAD + "1" * n + ":a\n",
    "a long header": lambda n: "@classLabel true " + "a " * n + "\n@data\n1:a\n",
    "a long name": lambda n: "@problemName " + "a" * (1 << 20) + "\n@data\n1:a\n",
    "headers": lambda n: "".join(f"@a{i} x\n" for i in range(n // 8)) + "@data\n",
    "brackets": lambda n: TIMED + "(" * n + ":a\n",
    "a bracket": lambda n: TIMED + "(" + "," * n + "\n",
    "labels with spaces": lambda n: HEAD + "".join(f"1:a {i}\n" for i in range(n // 16)),
    "quotes": lambda n: HEAD.replace(" a b", " 'a \"b" * (n // 12)) + "1:c\n",
}


@pytest.mark.parametrize("content", COSTLY.values(), ids=COSTLY)
def test_memory_stays_in_proportion_to_the_file(write, content):
    for n in (100_000, 1_000_000):
        path = write(content(n))

        def attempt(path=path):
            with contextlib.suppress(ReaderError):
                read_ts(path, missing="nan")

        assert peak_memory(attempt) < 9 * path.stat().st_size + (4 << 20)


def test_labels_of_very_unequal_lengths_are_objects(write):
    labels = ["a"] * 2000 + ["b" * 100_000]
    data = "".join(f"1:{label}\n" for label in labels)
    y = read_ts(write(f"@univariate true\n@classLabel true\n@data\n{data}")).y
    assert y.dtype == object
    assert y.tolist() == labels


def test_many_arrays_for_a_small_file_need_to_be_asked_for(write, monkeypatch):
    monkeypatch.setattr("elman.data.budget.ALWAYS", 1000)
    path = write("@univariate true\n@classLabel true\n@data\n" + "1:a\n1,2:b\n" * 50)
    with pytest.raises(ReaderError, match=r"x\.ts: 100 recordings, an array each, would take"):
        read_ts(path)
    assert len(read_ts(path, max_bytes=100_000).X) == 100


@pytest.mark.parametrize("line", ["1,2,3:a\n", "1,2,3:4,5,6:a\n"])
def test_max_bytes(write, line):
    path = write("@classLabel true\n@data\n" + line * 500)
    with pytest.raises(ReaderError, match=r"x\.ts: the file is larger than max_bytes=2000"):
        read_ts(path, max_bytes=2000)
    size = path.stat().st_size
    with pytest.raises(ReaderError, match=rf"x\.ts.*more than max_bytes={size} allows; if that is"):
        read_ts(path, max_bytes=size)
    assert len(read_ts(path, max_bytes=100_000).X) == 500
    for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="max_bytes"):
            read_ts(path, max_bytes=wrong)


# Any text


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
