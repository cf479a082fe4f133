"""ARFF files of the archive and of Weka give the right sequences; damaged ones an error."""

from __future__ import annotations

import pytest

from elman.data.arff import file as arff_file
from elman.data.arff import read_arff, read_arff_columns
from elman.data.arff import table as arff_table
from elman.data.dataset import ReaderError
from elman.data.wanted import Wanted

PLAIN = """%% UCR: Gun and point
% a comment
@relation GunPoint

@attribute att0 numeric
@ATTRIBUTE 'att 1' REAL
@attribute att2 integer
@attribute target {1, 'two words', "it's"}

@data
0.5,-1e-3,2,1
% another
1.5, 2.5 , 3 ,'two words'
4,5,6,"it\\'s"
"""
RELATIONAL = r"""@relation BasicMotions
@attribute relationalAtt relational
  @attribute att0 numeric
  @attribute att1 numeric
  @attribute att2 numeric
@end relationalAtt
@attribute classAttribute {Standing,Running}
@data
'1,2,3\n4,5,6',Standing
"7,8,?\n10,?,?",Running
"""


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.arff"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sequence_of_one_feature_on_each_line(write, end):
    data = read_arff(write(PLAIN.replace("\n", end)))
    assert data.X.shape == (3, 3, 1)
    assert data.X[..., 0].tolist() == [[0.5, -0.001, 2], [1.5, 2.5, 3], [4, 5, 6]]
    assert data.y.tolist() == ["1", "two words", "it's"]
    assert data.metadata == {"relation": "GunPoint"}


def test_a_row_of_the_relational_attribute_is_a_feature(write):
    data = read_arff(write(RELATIONAL), missing="nan")
    assert [x.tolist() for x in data.X[:1]] == [[[1, 4], [2, 5], [3, 6]]]
    assert repr(data.X[1].tolist()) == "[[7.0, 10.0], [8.0, nan]]"  # the rest is padding
    assert data.y.tolist() == ["Standing", "Running"]
    with pytest.raises(ReaderError, match=r"line 10: time step 1, feature 1 is missing"):
        read_arff(write(RELATIONAL))


def test_long_lines_are_cut_into_pieces(write, monkeypatch, rng):
    monkeypatch.setattr(arff_file, "PIECE", 11)
    x = rng.normal(size=(2, 17))
    head = "@relation r\n" + "".join(f"@attribute a{k} numeric\n" for k in range(17))
    rows = [",".join(map(repr, row)) for row in x.tolist()]
    data = read_arff(write(head + "@data\n" + "\n".join(rows)))
    assert data.X[..., 0].tobytes() == x.tobytes()
    assert data.y is None


def test_which_attribute_is_the_answer(write):
    head = "@relation r\n@attribute a numeric\n@attribute c {u,v}\n@attribute b numeric\n@data\n"
    path = write(head + "1,u,2\n3,v,4\n")
    data = read_arff(path)
    assert data.X[..., 0].tolist() == [[1, 2], [3, 4]]
    assert data.y.tolist() == ["u", "v"]
    assert read_arff(path, label="c").y.tolist() == ["u", "v"]
    path = write(head.replace("{u,v}", "numeric") + "1,5,2\n3,6,4\n")
    assert read_arff(path).X.shape == (2, 3, 1)
    data = read_arff(path, target="c")
    assert data.X[..., 0].tolist() == [[1, 2], [3, 4]]
    assert data.y.tolist() == [5.0, 6.0]


def test_files_without_labels(write):
    some = PLAIN.replace("2,1\n", "2,?\n")
    with pytest.raises(ReaderError, match=r"line 11: the label is missing \(\?\)"):
        read_arff(write(some))
    none = some.replace(",'two words'\n", ",?\n").replace('"it\\\'s"', " ? ")
    assert read_arff(write(none)).y is None


TABLE = """@relation runs
@attribute run string
@attribute t date
@attribute x numeric
@attribute 'is up' {yes,'no, not',NA}
@attribute note string
@data
'run 1',2024-01-01,0.5,'no, not',?
'run 1',2024-01-02,?,yes,'?'
run2,'2024-01-01T12:00:00',3,NA,"a \\"b\\"\\\\n\\n\\x"
"""


@pytest.mark.parametrize("cells", [1, 1 << 15])
def test_the_columns_of_a_table(write, monkeypatch, cells):
    monkeypatch.setattr(arff_table, "CELLS", cells)
    path = write(TABLE)
    found = read_arff_columns(path)
    values = {name: column.tolist() for name, column in found.columns.items()}
    assert repr(values.pop("x")) == "[0.5, nan, 3.0]"
    assert values == {
        "run": ["run 1", "run 1", "run2"],
        "t": ["2024-01-01", "2024-01-02", "2024-01-01T12:00:00"],
        "is up": ["no, not", "yes", "NA"],
        "note": [None, "?", 'a "b"\\n\nx'],
    }
    assert found.place(2) == f"{path}, line 10"
    only = read_arff_columns(path, choose=lambda names: Wanted(frozenset(names[2:3])))
    assert [*only.columns] == ["x"]


def changed(content, old, new):
    assert content.count(old) == 1
    return content.replace(old, new)


DAMAGED = {
    "empty": ("", "no @data line"),
    "no data": (PLAIN.split("@data")[0], "no @data line"),
    "no rows": (PLAIN.split("0.5")[0], "no line of data after @data"),
    "no attributes": ("@relation r\n@data\n1\n", "line 2: @data, but no @attribute"),
    "something else": ("a,b\n1,2\n", "line 1: expected @relation"),
    "workbook": (b"PK\3\4", "workbook"),
    "type": (changed(PLAIN, "REAL", "float32"), "line 6: attribute 'att 1' is of type 'float32'"),
    "no type": (changed(PLAIN, "att0 numeric", "att0"), "line 5: .* is of type ''"),
    "no name": (changed(PLAIN, "att0 numeric", ""), "line 5: expected '@attribute NAME TYPE'"),
    "open name": (changed(PLAIN, "'att 1'", "'att 1"), "line 6: expected '@attribute NAME"),
    "open braces": (changed(PLAIN, '"it\'s"}', '"it\'s"'), "line 8: the labels .* do not end"),
    "label twice": (changed(PLAIN, "{1, ", "{1, 1, "), "line 8: .* lists the label '1' twice"),
    "other label": (
        changed(PLAIN, "2,1\n", "2,3\n"),
        "line 11: 'target' is '3', .*: '1', 'two words'",
    ),
    "short": (changed(PLAIN, "2,1\n", "1\n"), r"line 11: has 3 value\(s\), .* 4 attributes"),
    "long": (changed(PLAIN, "2,1\n", "2,2,1\n"), r"line 11: has 5 value\(s\)"),
    "long, quoted": (changed(PLAIN, "3 ,'two", "3,3,'two"), r"line 13: has 5 value\(s\)"),
    "weight": (changed(PLAIN, "2,1\n", "2,1,{5}\n"), r"line 11: ends with the weight '\{5\}'"),
    "text": (changed(PLAIN, "-1e-3", "abc"), "line 11: value 2 of the line is 'abc'"),
    "underscore": (changed(PLAIN, "-1e-3", "1_0"), "line 11: value 2 of the line is '1_0'"),
    "empty value": (changed(PLAIN, "-1e-3", ""), "line 11: value 2 of the line is ''"),
    "missing": (changed(PLAIN, "-1e-3", "?"), "line 11: time step 1, feature 0 is missing"),
    "sparse": (changed(PLAIN, "0.5,-1e-3,2,1", "{0 0.5, 3 1}"), "line 11: is sparse data"),
    "open quote": (changed(PLAIN, "words'\n4", "words\n4"), "line 13: cannot be read from char"),
    "after a quote": (changed(PLAIN, "words'\n4", "words' x\n4"), "line 13: cannot be read"),
    "data beside @data": (changed(PLAIN, "@data\n", "@data "), "line 10: .* follows @data"),
    "late header": (changed(PLAIN, "% another", "@attribute x numeric"), "line 12: a header after"),
    "NUL": (changed(PLAIN, "-1e-3", "\0"), "line 11: holds a NUL"),
    "Latin-1": (changed(PLAIN, "2,1\n", "2,é\n").encode("latin-1"), "line 11: is not UTF-8"),
    "string": (changed(PLAIN, "integer", "string"), "'att2' is of type string, .*with id="),
    "date": (changed(PLAIN, "integer", "date"), "'att2' is of type date"),
    "two nominal": (changed(PLAIN, "integer", "{2,3,6}"), "'att2' is of type nominal"),
    "no end": (
        changed(RELATIONAL, "@end relationalAtt\n", ""),
        "line 6: .* is '@end relationalAtt' missing",
    ),
    "lone end": (changed(PLAIN, "% a comment", "@end x"), "line 2: @end, but no relational"),
    "inner text": (changed(RELATIONAL, "att1 numeric", "att1 string"), "line 4: .* type string"),
    "short row": (changed(RELATIONAL, "4,5,6", "4,5"), "line 9: row 1 .* 2 value.*, but 3 attr"),
    "bad row": (changed(RELATIONAL, "4,5,6", "4,x,6"), "line 9: value 2 of row 1 .* is 'x'"),
    "other features": (changed(RELATIONAL, r"?\n10,?,?", "9"), "line 10: has 1 features, and .* 2"),
    "no row": (changed(RELATIONAL, r"'1,2,3\n4,5,6'", "''"), "line 9: 'relationalAtt' is empty"),
    "no rows at all": (changed(RELATIONAL, r"'1,2,3\n4,5,6'", "?"), "line 9: .* is missing"),
    "relational and more": (changed(RELATIONAL, "{Standing,Running}", "numeric"), "2 attributes"),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_wrong_is_said_with_its_line(write, content, words):
    path = write(content)
    with pytest.raises(ReaderError, match=words) as caught:
        read_arff(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (RELATIONAL, r"attribute 'relationalAtt' is relational"),
        (changed(TABLE, "2024-01-02,?", "2024-01-02,x"), "line 9: 'x' is 'x', not a number"),
        (changed(TABLE, "3,NA", "3,maybe"), "line 10: 'is up' is 'maybe', which is not among"),
        (changed(TABLE, "note string", "run string"), "two attributes are called 'run'"),
        (TABLE.split("'run 1'")[0], "no line of data"),
    ],
)
def test_what_is_wrong_with_a_table(write, content, words):
    with pytest.raises(ReaderError, match=words):
        read_arff_columns(write(content))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"label": "x"},
            "no attribute 'x', which label= names; its attributes are 'att0', 'att 1'",
        ),
        ({"target": "target"}, "is no numeric one"),
        ({"label": "target", "target": "att0"}, "both given"),
        ({"max_bytes": 95}, "more than the 95 bytes"),
    ],
)
def test_what_cannot_be_asked(write, options, words):
    with pytest.raises(ReaderError, match=words):
        read_arff(write(PLAIN), **options)
