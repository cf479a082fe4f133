"""CSV files as people have them give the same columns; damaged ones an error with file and line."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data import csv as csv_reader
from elman.data.csv import read_csv
from elman.data.dataset import ReaderError
from elman.data.wanted import Wanted


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def lists(columns):
    return {name: column.tolist() for name, column in columns.columns.items()}


PLAIN = "run,t,ax\nup,1,0.5\ndown,2,-1e-3\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip(),
        PLAIN.replace("\n", "\n\n"),
        PLAIN.replace(",", ", "),
        '"run","t","ax"\n"up","1","0.5"\n"down","2","-1e-3"\n',
        PLAIN.encode("utf-16"),
    ],
    ids=["plain", "bom", "crlf", "cr", "no end", "empty lines", "spaces", "quoted", "utf-16"],
)
def test_the_same_table_however_it_is_written(write, content):
    found = read_csv(write(content))
    assert lists(found) == {"run": ["up", "down"], "t": [1, 2], "ax": [0.5, -0.001]}
    assert [column.dtype.kind for column in found.columns.values()] == ["O", "i", "f"]


@pytest.mark.parametrize(
    ("name", "delimiter", "decimal", "content"),
    [
        ("x.tsv", None, ".", "a\tb\n1.5\tx\n"),
        ("x.csv", ";", ".", "a;b\n1.5;x\n"),
        ("x.csv", None, ",", "a;b\n1,5;x\n"),
        ("x.csv", "|", ",", 'a|b\n"1,5"|x\n'),
        ("x.csv", " ", ".", "a b\n1.5 x\n"),
    ],
)
def test_other_delimiters_and_decimal_marks(write, name, delimiter, decimal, content):
    found = read_csv(write(content, name), delimiter=delimiter, decimal=decimal)
    assert lists(found) == {"a": [1.5], "b": ["x"]}


NAN = float("nan")
FIELDS = {
    "integers": (["1", "-2", "+3", "007"], "i", [1, -2, 3, 7]),
    "floats": (["1", "2.5", "-inf", "5e-324"], "f", [1, 2.5, -np.inf, 5e-324]),
    "missing": (["1", "", "NA", "?"], "f", [1, NAN, NAN, NAN]),
    "missing first": (["", "NULL", "2", "3"], "f", [NAN, NAN, 2, 3]),
    "nothing": (["", "NaN", "nan", "null"], "f", [NAN] * 4),
    "beyond 2^53": (["9007199254740993", "1", "2", "3"], "i", [2**53 + 1, 1, 2, 3]),
    "beyond 2^64": ([str(2**70), "1", "2", "3"], "f", [2.0**70, 1, 2, 3]),
    "booleans": (["true", "False", "TRUE", "true"], "b", [True, False, True, True]),
    "some booleans": (["true", "", "False", "NA"], "O", [True, None, False, None]),
    "booleans and numbers": (["true", "1", "0", "false"], "O", ["true", "1", "0", "false"]),
    "text": (["a", "", "1.0", "NA"], "O", ["a", None, "1.0", None]),
    "none is a word": (["none", "None", "1", "2"], "O", ["none", "None", "1", "2"]),
    "Python's numbers": (["1_000", "2", "3", "4"], "O", ["1_000", "2", "3", "4"]),
    "dates": (["2024-01-02", "", "2024-01-03", "x"], "O", ["2024-01-02", None, "2024-01-03", "x"]),
}


@pytest.mark.parametrize("at_once", [1, 2, 100])
@pytest.mark.parametrize(("fields", "kind", "values"), FIELDS.values(), ids=FIELDS)
def test_what_a_column_is(write, monkeypatch, fields, kind, values, at_once):
    """However many rows are read at a time."""
    monkeypatch.setattr(csv_reader, "CELLS", 2 * at_once)
    found = read_csv(write("n,x\n" + "".join(f"{i},{f}\n" for i, f in enumerate(fields))))
    column = found.columns["x"]
    assert column.dtype.kind == kind
    assert repr(column.tolist()) == repr([float(v) if kind == "f" else v for v in values])
    assert found.columns["n"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("at_once", [1, 100])
@pytest.mark.parametrize(
    ("role", "fields", "values"),
    [
        ("id", ["7", "12", "7"], [7, 12, 7]),
        ("id", ["007", "7", "12"], ["007", "7", "12"]),
        ("id", ["1.1", "1.10", "2"], ["1.1", "1.10", "2"]),
        ("id", [str(2**70), str(2**70 + 1), "1"], [str(2**70), str(2**70 + 1), "1"]),
        ("id", ["1", "2", "a"], ["1", "2", "a"]),
        ("label", ["01", "1", "2"], ["01", "1", "2"]),
        ("label", ["1", "", "2"], [1.0, NAN, 2.0]),
        ("label", ["0.5", "1.50", "2"], [0.5, 1.5, 2.0]),
        ("label", [str(2**60 + 1), "", "3"], [2**60 + 1, None, 3]),
        ("label", ["1", "\uff11", "2"], ["1", "\uff11", "2"]),
        ("label", ["1.0", "\u0662", "3"], ["1.0", "\u0662", "3"]),
        ("label", ["1e-400", "0", "1"], ["1e-400", "0", "1"]),
        ("label", ["1e-400", "1", "2"], ["1e-400", "1", "2"]),
        ("label", ["1.0", "1", "2"], ["1.0", "1", "2"]),
        ("label", ["1.0", "", "2.0"], [1.0, NAN, 2.0]),
        ("label", ["9007199254740993.0", "1.0", "2.0"], ["9007199254740993.0", "1.0", "2.0"]),
        ("label", ["1e999", "inf", "2"], ["1e999", "inf", "2"]),
        ("label", ["true", "TRUE", "false"], ["true", "TRUE", "false"]),
        ("label", ["true", "false", ""], [True, False, None]),
        ("id", ["true", "True", "1"], ["true", "True", "1"]),
        ("id", ["7", "\uff17", "12"], ["7", "\uff17", "12"]),
        ("time", ["1", "2.5", "3"], [1.0, 2.5, 3.0]),
        ("time", ["1", "2", "2024-01-01"], ["1", "2", "2024-01-01"]),
    ],
)
def test_no_two_ids_or_labels_become_one(write, monkeypatch, role, fields, values, at_once):
    monkeypatch.setattr(csv_reader, "CELLS", at_once)
    path = write("x\n" + "\n".join(field or '""' for field in fields))
    found = read_csv(path, choose=lambda names: Wanted(roles={"x": role})).columns["x"].tolist()
    assert repr(found) == repr(values)


@given(st.lists(st.floats(width=64), min_size=1, max_size=9))
def test_numbers_are_read_to_the_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("bits") / "x.csv"
    path.write_text("x,y\n" + "".join(f"{v!r},{v:.17g}\n" for v in values))
    found = read_csv(path).columns
    expected = np.array(values)
    for name in ("x", "y"):
        there = ~np.isnan(expected)
        assert np.isnan(found[name][~there]).all()
        assert found[name].astype(float)[there].tobytes() == expected[there].tobytes()


def test_quotes_hold_delimiters_quotes_and_ends_of_lines(write, monkeypatch):
    monkeypatch.setattr(csv_reader, "CELLS", 4)
    path = write('a,b\n"x, ""y""\r\nz",1\n\n"\n\nq",2\nw,3\nv,4\nu,5\n')
    found = read_csv(path)
    assert found.columns["a"].tolist() == ['x, "y"\r\nz', "\n\nq", "w", "v", "u"]
    assert [found.place(row) for row in range(5)] == [
        f"{path}, line {line}" for line in (2, 5, 8, 9, 10)
    ]


def test_only_the_wanted_columns_are_read(write):
    """What is not read may be called anything, and twice."""
    path = write(",t,note,x,note\n0,1,a,0.5,b\n")
    found = read_csv(path, choose=lambda names: Wanted(frozenset({"x", "t", "absent"})))
    assert lists(found) == {"t": [1], "x": [0.5]}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("body weight\n70.5\n80\n", ["body weight"]),
        ("#,a\n1,2\n", ["#", "a"]),
        ("# id,a\n1,2\n", ["# id", "a"]),
        ("a\n1 000\n", ["a"]),
    ],
)
def test_names_of_columns_that_look_like_something_else(write, content, names):
    assert [*read_csv(write(content)).columns] == names


def test_a_file_without_names(write):
    assert lists(read_csv(write("0.5,1\n2,3\n"), header=False)) == {"0": [0.5, 2], "1": [1, 3]}
    assert lists(read_csv(write("0,1\n0.5,2\n"))) == {"0": [0.5], "1": [2]}


def numbers(names):
    return Wanted(roles={"id": "id"})


DAMAGED = {
    "empty": ("", {}, r"x\.csv: is empty"),
    "empty lines": ("\n\n", {}, "is empty"),
    "no rows": ("a,b\n", {}, "has the names of columns and no rows"),
    "short": ("a,b\n1,2\n3\n", {}, "line 3: has 1 field, but the first line has 2"),
    "long": ("a,b\n1,2\n3,4,5\n", {}, "line 3: has 3 fields, .*a text that holds a comma"),
    "after a quoted line": ('a,b\n"1\n",2\n3\n', {}, "line 4: has 1 field"),
    "same names": ("a,b,a\n1,2,3\n", {}, "line 1: columns 1 and 3 are both 'a'"),
    "no name": (",a\n1,2\n", {}, r"line 1: column 1 of 2 has no name.*index=False"),
    "no names": ("0.5,1.5\n2,3\n", {}, "line 1: the first line holds numbers.*header=False"),
    "semicolons": ("a;b\n1;2\n", {}, "line 1: .*delimiter=';', or decimal=','"),
    "tabs": ("a\tb\n1\t2\n", {}, r"delimiter='\\t'"),
    "commas": ("a,b\n1,2\n", {"delimiter": ";"}, "delimiter=','"),
    "gap": ("a\n1\n\n2\n", {}, "line 3: is empty, which may be a missing value"),
    "NUL": ("a,b\n1,2\n3,\0\n", {}, "line 3: holds a NUL"),
    "Latin-1": (b"a,b\n1,2\n3,\xe9\n", {}, "line 3: byte 0xe9 is not UTF-8"),
    "half of UTF-16": (PLAIN.encode("utf-16")[:-1], {}, "is damaged UTF-16"),
    "open quote": ('a,b\n1,2\n"3,4\n5,6\n', {}, "line 3: a quote is opened here"),
    "long quote": ('a,b\n1,"' + "2\n" * 70_000, {}, "line 2: a field begins here .* 131,072"),
    "after a quote": ('a,b\n1,2\n"3"4,5\n', {}, "line 3: a quoted field goes on"),
    "workbook": (b"PK\3\4\0\0", {}, "Excel workbook"),
    "gzip": (b"\x1f\x8b\0\0", {}, "unpack it first"),
    "many fields": ("a,b\n1" + ",2" * 100_001, {}, "line 2: has more than 50,000 fields"),
    "many names": ("a" + ",b" * 100_001, {}, "line 1: has more than 50,000 fields"),
    "large": ("a,b\n1,2\n", {"max_bytes": 15}, "more than the 15 bytes of memory that max_bytes"),
    "text": ("id,a\n1,2\n3,x\n", {"choose": numbers}, "line 3: column 'a' holds 'x'.*features="),
    "a text among numbers": (
        "id,a\n1,2\n3,\n4,n/k\n5,6.5\n7,8\n",
        {"choose": numbers},
        "line 4: column 'a' holds 'n/k'.*the other values .* are numbers; correct it, or leave .*",
    ),
    "a number among texts": (
        "id,a\n1,2\n3,\n4,low\n5,high\n",
        {"choose": numbers},
        "line 4: column 'a' holds 'low'.*features=",
    ),
    "comma": ('id,a\n1,"2,5"\n', {"choose": numbers}, "line 2: column 'a'.*decimal=','"),
    "point": (
        "id;a\n1;2,5\n1;2.5\n",
        {"choose": numbers, "decimal": ","},
        r"line 3: column 'a' holds '2\.5'",
    ),
    "thousands": (
        'id,a\n1,2\n1,"1,000"\n',
        {"choose": numbers},
        "line 3: column 'a' holds '1,000'.*comma in it separates thousands, remove.*decimal=','",
    ),
    "millions": (
        'id,a\n1,"-1,000,000.5"\n',
        {"choose": numbers},
        "line 2: column 'a' holds '-1,000,000.5'.*comma in it separates thousands, remove it ever",
    ),
    "points": (
        "id,a\n1,1.000.000\n",
        {"choose": numbers},
        "line 2: column 'a' holds '1.000.000'.*point in it separates thousands.*decimal=','",
    ),
    "points and a comma": (
        "id;a\n1;1.000,5\n",
        {"choose": numbers, "decimal": ","},
        "line 2: column 'a' holds '1.000,5'.*point in it separates thousands, remove it [a-z]+$",
    ),
    "spaces in a number": (
        "id,a\n1,1 000\n1,1\u00a0000\n",
        {"choose": numbers},
        "line 2: column 'a' holds '1 000'.*space in it separates thousands",
    ),
    "underscores": ("id,a\n1,1_000\n", {"choose": numbers}, "line 2: .*the underscore in it"),
    "bare thousands": (
        "id,a\n1,1,000\n",
        {"choose": numbers},
        "line 2: has 3 fields.*if commas separate thousands, remove them",
    ),
    "spaces": ("id a b\n1 2 3\n", {}, "line 1: .* no ',', but 3 words .*pass delimiter=' '"),
    "aligned": (
        "id   a\n 1  22\n",
        {},
        "line 1: .*replace the spaces between two fields by",
    ),
    "a comment": ("# made by x\nid,a\n1,2\n", {}, "line 1: begins with '#' .'# made by x'.*remove"),
    "comments": ("\n# a, b; c\n#\nid\n1\n", {}, "line 2: begins with '#' .*remove the lines"),
    "a comment below": ("id,a\n1,2\n# end\n", {}, "line 3: has 1 field.*'# end' looks like a comm"),
    "a note for Excel": ("sep=;\nid;a\n1;2\n", {}, "line 1: 'sep=;' .*remove.*delimiter=';'"),
    "boolean": ("id,a\n1,2\n1,true\n", {"choose": numbers}, "line 3: column 'a' holds 'true'"),
}


@pytest.mark.parametrize(("content", "options", "words"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_wrong_is_said_with_its_line(write, content, options, words):
    path = write(content)
    with pytest.raises(ReaderError, match=words) as caught:
        read_csv(path, **options)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decimal": ";"}, "choose '.' or ','"),
        ({"delimiter": "ab"}, "it is one character"),
        ({"delimiter": '"'}, "it is one character"),
        ({"delimiter": ",", "decimal": ","}, "are the same"),
    ],
)
def test_options_that_cannot_be(write, options, words):
    with pytest.raises(ValueError, match=words):
        read_csv(write(PLAIN), **options)


@pytest.mark.parametrize(
    "row", ["0.125,-3.5,7.25\n", ",,\n", "1,2,3\n", "run 1,walk,0.5\n"], ids=repr
)
def test_memory_is_in_proportion_to_the_file(write, row):
    path = write("a,b,c\n" + row * 50_000)
    tracemalloc.start()
    read_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * path.stat().st_size + 6_000_000
