"""JSON lines, long or with lists, give columns; an error names the line that is damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from elman.data.dataset import ReaderError
from elman.data.json_lines import lines as json_lines
from elman.data.json_lines import long, read_json_lines
from elman.data.wanted import Wanted

NAN = float("nan")


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.jsonl"):
        path = tmp_path / name
        if not isinstance(content, (str, bytes)):
            content = "\n".join(map(json.dumps, content))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


VALUES = {
    "integers": ([1, -2, 3], "i", [1, -2, 3]),
    "numbers": ([1, 2.5, 3], "f", [1.0, 2.5, 3.0]),
    "missing": ([1, None, 3], "f", [1.0, NAN, 3.0]),
    "NaN": ([1, NAN, 3], "f", [1.0, NAN, 3.0]),
    "nothing": ([None, None, None], "f", [NAN, NAN, NAN]),
    "large": ([2**60 + 1, 1, 2**53 + 1], "i", [2**60 + 1, 1, 2**53 + 1]),
    "unsigned": ([2**63 + 1, 1, 2], "u", [2**63 + 1, 1, 2]),
    "large, missing": ([2**60 + 1, None, 2], "O", [2**60 + 1, None, 2]),
    "missing, then large": ([None, 3, 2**60 + 1], "O", [None, 3, 2**60 + 1]),
    "huge": ([2**70, 1, 2**70 + 1], "O", [2**70, 1, 2**70 + 1]),
    "huge and floats": ([2**70, 0.5, 1], "f", [2.0**70, 0.5, 1.0]),
    "large ids and a float": ([2**53, 2**53 + 1, 0.5], "O", [2**53, 2**53 + 1, 0.5]),
    "booleans": ([True, False, True], "b", [True, False, True]),
    "some booleans": ([None, False, True], "O", [None, False, True]),
    "text": (["a", None, "1"], "O", ["a", None, "1"]),
}


@pytest.mark.parametrize("at_once", [0, 1 << 18])
@pytest.mark.parametrize(("values", "kind", "expected"), VALUES.values(), ids=VALUES)
def test_what_a_column_is(write, monkeypatch, values, kind, expected, at_once):
    """However many lines are read at a time."""
    monkeypatch.setattr(json_lines, "CHARACTERS", at_once)
    found = read_json_lines(write([{"n": n, "x": x} for n, x in enumerate(values)]))
    assert found.columns["x"].dtype.kind == kind
    assert repr(found.columns["x"].tolist()) == repr(expected)
    assert found.columns["n"].tolist() == [0, 1, 2]


def test_lines_are_counted_and_keys_may_be_left_out(write):
    content = '\ufeff{"a": 1, "b": "x"}\r\n\r\n  \n{"b": "y"}\r\n{"a": 3}'
    found = read_json_lines(write(content))
    assert repr(found.columns["a"].tolist()) == "[1.0, nan, 3.0]"
    assert found.columns["b"].tolist() == ["x", "y", None]
    assert [found.place(row).split(", ")[-1] for row in range(3)] == ["line 1", "line 4", "line 5"]


@pytest.mark.parametrize("at_once", [0, 1 << 18])
def test_lists_of_lists_hold_text_and_numbers_by_feature(write, monkeypatch, at_once):
    """Whichever row is the first with a text, and however many lines are read at a time."""
    monkeypatch.setattr(json_lines, "CHARACTERS", at_once)
    rows = [
        {"X": [[None, 1, None], [None, 2.5, None]]},
        {"X": [["a", None, None], [None, 3, None]]},
        {"X": []},
        {"X": None},
        {"X": [["b", 4, None]]},
    ]
    found = read_json_lines(write(rows)).columns
    assert [*found] == ["X[0]", "X[1]", "X[2]"]
    texts, numbers, nothing = found.values()
    assert texts[3] is None is numbers[3]
    kept = [0, 1, 2, 4]
    assert [texts[i].tolist() for i in kept] == [[None, None], ["a", None], [], ["b"]]
    assert repr([numbers[i].tolist() for i in kept]) == "[[1.0, 2.5], [nan, 3.0], [], [4.0]]"
    assert {column[i].dtype.kind for column in (numbers, nothing) for i in kept} == {"f"}


def test_lists_become_an_array_in_each_row(write):
    rows = [
        {"run": "b", "x": [1, 2, 3], "on": [True, False, True], "word": ["p", None, "q"]},
        {"run": "a", "x": [0.5, None], "on": [True, True], "word": ["r", "s"]},
        {"run": "c", "x": [], "on": [], "word": None},
    ]
    found = read_json_lines(write(rows)).columns
    assert found["run"].tolist() == ["b", "a", "c"]
    assert [x.dtype.kind for x in found["x"]] == ["i", "f", "f"]
    assert repr([x.tolist() for x in found["x"]]) == "[[1, 2, 3], [0.5, nan], []]"
    assert found["on"][0].dtype == bool
    assert found["word"][0].tolist() == ["p", None, "q"]
    assert found["word"][2] is None


@pytest.mark.parametrize("at_once", [0, 1 << 18])
def test_lists_of_lists_become_a_column_for_each_feature(write, monkeypatch, at_once):
    monkeypatch.setattr(json_lines, "CHARACTERS", at_once)
    rows = [{"X": [], "y": 0}, {"X": [[1, 2.5], [3, None]], "y": 1}, {"X": [[5, 6]], "y": 2}]
    path = write(rows)
    found = read_json_lines(path).columns
    assert [*found] == ["X[0]", "X[1]", "y"]
    assert repr([x.tolist() for x in found["X[1]"]]) == "[[], [2.5, nan], [6.0]]"
    only = read_json_lines(path, choose=lambda names: Wanted(frozenset({"X[1]"}))).columns
    assert [x.tolist() for x in only["X[0]"]] == [[], [1.0, 3.0], [5.0]]
    assert "y" not in only


LONG = {
    "integers": [*range(-5, 30)],
    "numbers": [0.5, *range(20), None, -1e300],
    "booleans": [True, False] * 9,
    "steps": [[k, k / 2] for k in range(20)],
    "channels": [[k * j for k in range(30)] for j in range(3)],
    "text": ["a, [1]", "b"] * 5,
    "in text": "[" + "1," * 20 + "1]",
    "within": [{"a": [*range(20)]}] * 3,
    "in an object": {"a": [*range(20)]},
    "mixed": ["a", [*range(20)]],
    "nested": [[[*range(20)]]],
    "several types": [True, *range(20)],
    "text among lists": [[*range(20)], "a"],
}


@pytest.mark.parametrize("indent", [None, " "])
@pytest.mark.parametrize("values", LONG.values(), ids=LONG)
def test_long_lists_are_read_in_pieces_to_the_same(write, monkeypatch, values, indent):
    separators = (",", ":") if indent is None else (" , ", " : ")
    row = json.dumps({"id": 'q"\\', "x": values, "n": 3}, separators=separators)
    path = write(f"{row}\n{row}\n")

    def seen():
        try:
            found = read_json_lines(path).columns
        except ReaderError as error:
            return str(error).split(":")[0]
        rows = {
            name: [getattr(v, "tolist", lambda v=v: v)() for v in c] for name, c in found.items()
        }
        return repr(rows), [np.asarray(c[0]).dtype for c in found.values()]

    expected = seen()
    monkeypatch.setattr(long, "LONG", 0)
    monkeypatch.setattr(long, "PIECE", 7)
    assert seen() == expected


@pytest.mark.parametrize(
    "bad", ["1,2,3,", "1,,2", ",1", "1 2", "1,x", "NaN1", "[1],[2],", "[1][2]"]
)
def test_a_long_list_that_is_none(write, monkeypatch, bad):
    path = write(FIRST + '{"c": [' + bad + " " * 9 + "]}")
    monkeypatch.setattr(long, "LONG", 0)
    for piece in (3, 7):
        monkeypatch.setattr(long, "PIECE", piece)
        with pytest.raises(ReaderError, match=r"line 2: ('c' )?is (not JSON|a list of lists)"):
            read_json_lines(path)


FIRST = '{"a": 1, "b": "x", "c": [1, 2]}\n'
DAMAGED = {
    "empty": ("", r"x\.jsonl: holds no line"),
    "blank": ("\n\n", "holds no line"),
    "cut short": (FIRST + '{"a": 1, "b"', "line 2: is not JSON: .* at character"),
    "no object": (FIRST + "3\n", "line 2: is a number; expected an object"),
    "null": ("null\n", "line 1: is null; expected an object"),
    "an array": ('[\n{"a": 1},\n{"a": 2}\n]', "line 1: begins an array"),
    "key twice": (FIRST + '{"a": 1, "b": "y", "a": 2}', "line 2: has the key 'a' twice"),
    "another key": (FIRST + '{"a": 1, "bb": "y"}', "line 2: has the key 'bb', .*null"),
    "text": (FIRST + '{"a": "1"}', "line 2: 'a' is text here, and a number on the lines before"),
    "boolean": (FIRST + '{"a": true}', "line 2: 'a' is true or false here"),
    "number": (FIRST + '{"b": 1}', "line 2: 'b' is a number here, and text"),
    "list": (FIRST + '{"a": [1]}', "line 2: 'a' is a list here"),
    "object": (FIRST + '{"a": {"x": 1}}', "line 2: 'a' is an object"),
    "mixed list": (FIRST + '{"c": [1, "x"]}', "line 2: 'c' is a list of a number, text"),
    "nested list": (FIRST + '{"c": [[1], [2]]}', "line 2: 'c' is a list of lists, and of numbers"),
    "ragged steps": ('{"X": [[1, 2], [3]]}', "line 1: 'X' has 1 value.* at time step 1, and 2"),
    "text in steps": (
        '{"X": [[1], ["a"]]}',
        "'X' has text at time step 1, feature 0, which held a number before: make them alike",
    ),
    "a number for text": (
        '{"X": [[2, "a"]]}\n{"X": [[null, "b"], [3, 4.5]]}',
        "line 2: 'X' has a number at time step 1, feature 1, which held text before",
    ),
    "NaN for text": ('{"X": [["a"], [NaN]]}', "'X' has a number at time step 1, feature 0"),
    "a bool in steps": (
        '{"X": [["a"], [true]]}',
        "'X' has true or false at time step 1, feature 0",
    ),
    "a list in steps": ('{"X": [["a"], [["b"]]]}', "'X' has a list at time step 1, feature 0"),
    "a number among steps": ('{"X": [[1], 2]}', "'X' is a list of lists, but for time step 1"),
    "no features": ('{"X": [[], []]}', "'X' has no value at time step 0"),
    "deep": (FIRST + "[" * 100_000, "line 2: (is nested too deeply|would take)"),
    "deep object": ('{"a":' * 4000 + "1" + "}" * 4000, "line 1: is nested too deeply"),
    "many digits": (FIRST + '{"a": ' + "9" * 5000 + "}", "line 2: is not JSON that can be read"),
    "empty lists": ('{"c": ["a",' + "[]," * 300_000 + "[]]}", "line 1: would take about"),
    "Latin-1": (FIRST.encode() + b'{"b": "\xe9"}', "line 2: byte 0xe9 is not UTF-8"),
    "name taken": ('{"X": [[1]], "X[0]": [2]}', r"would become a column 'X\[0\]'"),
    "gzip": (b"\x1f\x8b\0\0", "unpack it first"),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_wrong_is_said_with_its_line(write, content, words):
    path = write(content)
    with pytest.raises(ReaderError, match=words) as caught:
        read_json_lines(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_more_than_max_bytes_is_refused(write):
    path = write([{"a": 0.5}] * 9)
    assert read_json_lines(path, max_bytes=72).n_rows == 9
    with pytest.raises(ReaderError, match="more than the 71 bytes of memory that max_bytes"):
        read_json_lines(path, max_bytes=71)


def test_keys_that_are_not_wanted_may_come_and_go(write):
    path = write('{"a": 1, "note": {}}\n{"a": 2, "more": [[[]]]}\n{"a": 3, "note": "x"}\n')
    found = read_json_lines(path, choose=lambda names: Wanted(frozenset({"a"}))).columns
    assert {name: column.tolist() for name, column in found.items()} == {"a": [1, 2, 3]}


def test_keys_that_nearly_all_lines_leave_out_take_no_time_in_proportion_to_them(
    write, monkeypatch
):
    monkeypatch.setattr(json_lines, "MOST_CELLS", 600)
    first = {f"k{i}": 1.5 for i in range(50)}
    path = write([first, *[{"k3": 2.5}] * 40])
    with pytest.raises(ReaderError, match=r"line 41: the 41 lines .* all of the 50 keys"):
        read_json_lines(path)
    chosen = read_json_lines(path, choose=lambda names: Wanted(frozenset({"k3", "k7"})))
    assert chosen.n_rows == 41
    assert read_json_lines(write([first] * 41)).n_rows == 41
