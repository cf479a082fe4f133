"""Files of tables with categories and texts: every format gives the same, and says what is odd."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from elman.data import read
from elman.data.dataset import ReaderError
from elman.data.store.building import build_store

ROWS = {
    "run": ["b", "a", "b", "a", "b"],
    "x": [1.5, 2.0, 3.0, None, 5.0],
    "place": ["in", "?", "out", "in", None],
    "item": [7, 8, 10, 7, 7],
}
EXPECTED = [
    [[1.5, "in", 7], [3.0, "out", 10], [5.0, None, 7]],
    [[2.0, "?", 8], [None, "in", 7]],
]


def field(value):
    return "" if value is None else str(value)


def csv_of(columns):
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(field, row)) for row in rows), ""])


def jsonl_of(columns):
    rows = zip(*columns.values(), strict=True)
    return "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)


def arff_of(columns):
    kinds = {"run": "string", "x": "real", "place": "{in,out,'?'}", "item": "integer"}
    header = [f"@attribute {name} {kinds[name]}" for name in columns]
    quoted = {"?": "'?'", None: "?"}
    rows = [
        ",".join(str(quoted.get(value, value)) for value in row)
        for row in zip(*columns.values(), strict=True)
    ]
    return "\n".join(["@relation r", *header, "@data", *rows, ""])


def of_arrow(write):
    return lambda columns, path: write(pyarrow.table(columns), path)


FORMATS = {
    "csv": lambda columns, path: path.write_text(csv_of(columns)),
    "jsonl": lambda columns, path: path.write_text(jsonl_of(columns)),
    "arff": lambda columns, path: path.write_text(arff_of(columns)),
    "parquet": of_arrow(lambda t, path: pyarrow.parquet.write_table(t, path)),
    "feather": of_arrow(lambda t, path: pyarrow.feather.write_feather(t, path)),
}


def rows_of(data):
    return [[[None if v != v else v for v in row] for row in x.tolist()] for x in data.X]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_categories(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    FORMATS[suffix](ROWS, path)
    data = read(path, id="run", categorical_features=["item"], missing="nan")
    assert rows_of(data) == EXPECTED
    assert [type(v) for v in data.X[0][1]] == [float, str, int]
    assert data.categorical == data.X.categorical == ("place", "item")
    with pytest.raises(ReaderError, match=r"the feature '.*' is missing, in 1 of 5 rows"):
        read(path, id="run")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_texts(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    FORMATS[suffix]({"run": ["Nagy", "nan", "?"], "place": ["in", "out", "in"]}, path)
    if suffix == "arff":  # in which ? without quotes is a missing value
        path.write_text(path.read_text().replace("?,in", "'?',in"))
    data = read(path, text="run", label="place")
    assert (data.X, data.y.tolist()) == (["Nagy", "nan", "?"], ["in", "out", "in"])


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "feather"])
def test_lists_of_words(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    FORMATS[suffix]({"words": [["the", "1"], ["cat"]], "tags": [["D", "N"], ["N"]]}, path)
    data = read(path, step_label="tags")
    assert [x.tolist() for x in data.X] == [[["the"], ["1"]], [["cat"]]]
    assert data.categorical == ("words",)
    assert [y.tolist() for y in data.y] == [["D", "N"], ["N"]]


def csv(tmp_path, content, **options):
    path = tmp_path / "x.csv"
    path.write_text(content)
    return read(path, **options)


@pytest.mark.parametrize(
    ("fields", "options", "expected"),
    [
        (["true", "", "false"], {}, [1.0, None, 0.0]),  # as without a missing value: numbers
        (["true", "false", "true"], {"categorical_features": ["k"]}, ["true", "false", "true"]),
        (["007", "7", "7"], {"categorical_features": ["k"]}, ["007", "7", "7"]),
        (["12", "7", "NA"], {"categorical_features": ["k"]}, [12, 7, None]),
        (["12", "7x", "NA"], {"categorical_features": ["k"]}, ["12", "7x", "NA"]),
        (["1.5", "2", "2"], {"categorical_features": ["k"]}, ["1.5", "2", "2"]),
        (["NA", "?", "NA"], {"categorical_features": ["k"]}, ["NA", "?", "NA"]),
        (["", "", ""], {"categorical_features": ["k"]}, [None, None, None]),
        (["NA", "up", "down"], {}, ["NA", "up", "down"]),
        (["12", "up", "down"], {}, ["12", "up", "down"]),
    ],
)
def test_what_fields_of_csv_become(tmp_path, fields, options, expected):
    content = "run,x,k\n" + "".join(f"a,{i},{f}\n" for i, f in enumerate(fields))
    data = csv(tmp_path, content, id="run", missing="nan", **options)
    found = [None if v != v else v for v in data.X[0][:, 1].tolist()]
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


def test_a_text_that_comes_after_many_missing_values_is_read_again(tmp_path):
    many = "".join(f"a,{i},\n" for i in range(20_000))
    data = csv(tmp_path, f"run,x,k\n{many}a,1,up\na,2,NA\n", id="run", missing="nan")
    assert data.X[0][-3:, 1].tolist() == [None, "up", "NA"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "run,k\na,1\na,\na,n/k\na,6.5\n",
            r"line 4: column 'k' holds 'n/k', where numbers .*correct it.*categorical_features=",
        ),
        ("run,k\n" + "a,1\n" * 20_000 + "a,n/k\n", "line 20002: column 'k' holds 'n/k'.*correct"),
        ('run,k\na,"1,5"\na,x\na,y\n', "line 2: column 'k' holds '1,5'.*decimal=','"),
        ("run,k\na,1_000\na,x\na,y\n", "line 2: .*underscore in it separates thousands"),
        (
            "run,k\na,2024-01-01\na,2024-01-02\n",
            "'k' holds dates as text .'2024-01-01' in .*line 2",
        ),
        (
            "run,k\n" + "".join(f"a,w{k}\n" for k in range(20)),
            "20 different values in 20 rows .'w0'",
        ),
    ],
)
def test_text_that_is_no_category(tmp_path, content, words):
    with pytest.raises(ReaderError, match=words):
        csv(tmp_path, content, id="run")
    if "1,5" not in content:
        named = csv(tmp_path, content, id="run", missing="nan", categorical_features=["k"])
        assert {type(v) for v in named.X[0][:, 0]} <= {str, type(None)}


def test_a_csv_file_of_texts_without_a_text_says_so(tmp_path):
    with pytest.raises(ReaderError, match="where a row is a whole sequence, a text, text= names"):
        csv(tmp_path, "name,language\nNagy,hu\n", label="language")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,y\nNagy,hu\n,pl\n", r"the text, column 'name', is missing in .*x.csv, line 3"),
        ("name,y\nNagy,hu\n", "no column 'nam', which text= names; did you mean 'name'"),
    ],
)
def test_texts_that_are_not_there(tmp_path, content, words):
    with pytest.raises(ReaderError, match=words):
        csv(tmp_path, content, text="name" if ",pl" in content else "nam", label="y")


def test_text_without_names_of_columns(tmp_path):
    data = csv(tmp_path, "Nagy,hu\nNovak,cs\n", text=0, label=1, header=False)
    assert (data.X, data.y.tolist()) == (["Nagy", "Novak"], ["hu", "cs"])
    data = csv(tmp_path, "a,up,5\na,down,6\n", id=0, header=False, categorical_features=[2])
    assert data.feature_names is None
    assert data.categorical == ("1", "2")
    assert data.X[0].tolist() == [["up", 5], ["down", 6]]


def test_recordings_of_a_folder_have_categories(tmp_path):
    for name, content in (("r1", "x,k\n1,up\n2,down\n"), ("r2", "x,k\n3,up\n")):
        (tmp_path / f"{name}.csv").write_text(content)
    data = read(tmp_path)
    assert [x.tolist() for x in data.X] == [[[1, "up"], [2, "down"]], [[3, "up"]]]
    assert data.categorical == ("k",)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_store_has_only_numbers(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    FORMATS[suffix]({"run": ["a", "a"], "x": [1.0, 2.0], "k": ["up", "down"]}, path)
    with pytest.raises(ReaderError, match=r"'k'.*number"):
        build_store(path, tmp_path / "out", id="run")
