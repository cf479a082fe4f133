"""Files by their suffix: which reader has them, and what no file may do."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from helpers.reading import assert_read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.data import Dataset, ReaderError, from_table, read, write_npz
from elman.data.readers import suffixes
from elman.data.table_files import TABLES
from elman.formats.archive import ArchiveError

TS = "@classLabel true a b\n@data\n1,2,3:4,5,6:a\n-1.5,2e3:.5,+7.:b\n"


def test_files_that_cannot_be_opened(tmp_path):
    for name in ("none.ts", "none.npz"):
        with pytest.raises(FileNotFoundError, match="none"):
            read(tmp_path / name)


@pytest.mark.parametrize("suffix", suffixes())
def test_a_folder_called_as_a_file_is_said_to_be_one(tmp_path, suffix):
    folder = tmp_path / f"runs{suffix}"
    folder.mkdir()
    with pytest.raises(ReaderError, match=r"runs\.\w+: is a folder, called as if"):
        read(folder)
    if suffix in TABLES and suffix not in (".parquet", ".feather", ".arrow"):
        with pytest.raises(ReaderError, match="is a folder, where a file is expected"):
            TABLES[suffix](folder)


def test_messages_are_one_line_whatever_columns_are_called():
    names = ("a\nb", "c\x1b[31m", "ü\u202e")
    told = repr(Dataset(np.ones((3, 5, 3)), feature_names=names))
    assert told == r"Dataset(3 sequences, 3 features a\nb c\x1b[31m ü\u202e, 5 steps)"
    table = pd.DataFrame({"run\n": [1, 1], "t": [0, 0], "x": [0.5, 1.5]})
    with pytest.raises(ReaderError) as caught:
        from_table(table, id="run\n", time="t")
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=90))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("any.ts", "any.npz"):
        (folder / name).write_bytes(content)
        assert_read_or_refused(folder / name)


def test_read_by_suffix(write, tmp_path):
    assert len(read(write(TS, "x.TS")).X) == 2
    write_npz(tmp_path / "x.npz", np.ones((3, 5, 2)))
    assert len(read(str(tmp_path / "x.npz")).X) == 3


@pytest.mark.parametrize("name", ["x.xlsx", "x", "x.ts.gz", ".ts", "x.npy"])
def test_other_suffixes(write, name):
    with pytest.raises(
        ReaderError, match=r"(is not a format this reads|has no suffix); choose one of \.ts, \.npz"
    ):
        read(write("", name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.json", r"lines=True"),
        ("x.xlsx", r"save the sheet as \.csv"),
        ("x.csv.gz", "unpack it first"),
        ("x.npy", r"elman\.data\.write_npz"),
        ("x.safetensors", r"elman\.load"),
    ],
)
def test_other_suffixes_say_what_to_do(write, name, words):
    with pytest.raises(ReaderError, match=words):
        read(write("", name))


OVERFLOWS = {
    "x.csv": "run,t,ax\n1,0,0.5\n1,1,{}\n1,2,inf\n",
    "x.tsv": "run\tt\tax\n1\t0\t0.5\n1\t1\t{}\n",
    "target.csv": "run,ax,speed\n1,0.5,2\n2,1,{}\n",
    "time.csv": "run,t,ax\n1,0.5,1\n1,{},2\n",
    "x.jsonl": '{{"run": "1e999", "ax": Infinity}}\n\n{{"run": "2", "ax": {}}}\n',
    "lists.jsonl": '{{"run": 1, "ax": [0.5]}}\n\n{{"run": 2, "ax": [1, {}]}}\n',
    "steps.jsonl": '{{"run": 1, "X": [[0.5, 1]]}}\n\n{{"run": 2, "X": [[1, {}]]}}\n',
    "x.arff": "@attribute run numeric\n@attribute ax numeric\n@data\n1,inf\n1,{}\n",
    "archive.arff": "@attribute a0 numeric\n@attribute c {{u,v}}\n@data\n1,u\n{},v\n",
    "x.ts": "@classLabel true u v\n@data\n1,2:u\n3,{}:v\n",
    "time.ts": "@timeStamps true\n@classLabel false\n@data\n(0,1),(1,2)\n(0,1),({},2)\n",
}


@pytest.mark.parametrize("number", ["1e999", "-1E+400", "1" + "0" * 309])
@pytest.mark.parametrize("name", OVERFLOWS)
def test_a_number_beyond_float64_is_refused_with_its_line(write, name, number):
    content = OVERFLOWS[name].format(number)
    path = write(content, name)
    line = next(i for i, text in enumerate(content.split("\n"), 1) if number in text.split('"')[-1])
    options = {} if name in ("archive.arff", "x.ts", "time.ts") else {"id": "run"}
    options |= {"target": "speed"} if name == "target.csv" else {}
    options |= {"time": "t"} if name == "time.csv" else {}
    with pytest.raises(ReaderError, match=rf"{name}, line {line}: .*is too large for float64"):
        read(path, **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "run,ax\n1,0.5\n1,inf\n1,-Infinity\n"),
        ("x.jsonl", '{"run": "1e999", "ax": 0.5}\n{"run": "1e999", "ax": -Infinity}\n'),
        ("x.arff", "@attribute run numeric\n@attribute ax numeric\n@data\n1,0\n1,-inf\n"),
    ],
)
def test_what_says_itself_that_it_is_infinite_is_read(write, name, content):
    """The check of X refuses it, with its step."""
    assert read(write(content, name), id="run").X[0].min() in (0.5, -np.inf)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "run,ax,c\n7,1,{0}\n\uff17,2,{1}\n"),
        (
            "x.jsonl",
            '{{"run": "7", "ax": 1, "c": "{0}"}}\n{{"run": "\uff17", "ax": 2, "c": "{1}"}}\n',
        ),
        (
            "x.arff",
            "@attribute run numeric\n@attribute ax numeric\n@attribute c numeric\n@data\n"
            "7,1,{0}\n\uff17,2,{1}\n",
        ),
        ("x.ts", "@classLabel true\n@data\n1:{0}\n2:{1}\n"),
    ],
)
@pytest.mark.parametrize(
    "labels", [("1", "\uff11"), ("0", "1e-400"), ("1", "1.0"), ("1", "01"), ("1", "+1")]
)
def test_labels_and_ids_that_differ_stay_apart(write, name, content, labels):
    roles = {} if name == "x.ts" else {"id": "run", "label": "c"}
    found = read(write(content.format(*labels), name), **roles)
    assert found.y.tolist() == [*labels]
    assert [len(x) for x in found.X] == [1, 1]


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.ts"])
def test_data_are_not_loaded_as_a_model(write, name):
    for load in (elman.load, elman.RNNTagger.load):
        with pytest.raises(ArchiveError, match=r"x\.\w+: is no model: .* elman\.data\.read reads"):
            load(write("a,b\n1,2\n3,4\n", name))


@pytest.mark.parametrize("path", [None, 3, ["x.csv"], io.StringIO("a,b")])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match=f"path is a {type(path).__name__}; .* one file"):
        read(path)
