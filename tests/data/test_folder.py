"""A folder of recordings gives their sequences in a stated order; what is odd is named."""

from __future__ import annotations

import json
import re
import warnings

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from elman.data.dataset import ReaderError
from elman.data.readers import read


@pytest.fixture
def folder(tmp_path):
    """Three recordings, of which the sum of a step says which it is, and no labels."""
    root = tmp_path / "runs"
    root.mkdir()
    for k, n_steps in ((2, 3), (10, 1), (1, 4)):
        rows = "".join(f"{t},{k - t}\n" for t in range(n_steps))
        (root / f"rec{k}.csv").write_text("ax,ay\n" + rows)
    return root


LABELS = "file,state\nrec10,down\nrec1,up\nrec2,up\n"


def numbers(data):
    """Which recordings the sequences are."""
    return [int(x[0].sum()) for x in data.X]


def test_the_order_is_natural_and_ids_are_names(folder):
    (folder / "labels.csv").write_text(LABELS)
    (folder / ".hidden.csv").write_text("x\n")
    (folder / "README.md").write_text("about")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.csv").write_text("x\n")
    data = read(folder)
    assert data.ids.tolist() == ["rec1", "rec2", "rec10"]
    assert numbers(data) == [1, 2, 10]
    assert [len(x) for x in data.X] == [4, 3, 1]
    assert data.y.tolist() == ["up", "up", "down"]
    assert data.feature_names == ("ax", "ay")


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        LABELS.replace("rec", "./rec"),
        re.sub(r"(rec\d+)", r"\1.csv", LABELS),
        LABELS.replace("file", "\ufefffile").replace("\n", "\r\n"),
    ],
    ids=["stems", "paths", "suffixes", "from a spreadsheet"],
)
def test_names_in_the_file_of_labels(folder, labels):
    path = folder.parent / "which.csv"
    path.write_text(labels)
    assert read(folder, labels=path).y.tolist() == ["up", "up", "down"]


def test_columns_of_the_file_of_labels(folder):
    rows = [["who", "speed", "file", "weight"], ["a", "1.5", "rec1", "2"]]
    rows += [["b", "2", "rec10", "0"], ["c", "7", "rec2", "1"]]
    (folder / "labels.tsv").write_text("\n".join("\t".join(row) for row in rows))
    data = read(folder, id="file", target="speed", weight="weight")
    assert data.y.tolist() == [1.5, 7.0, 2.0]
    assert data.sample_weight.tolist() == [2, 1, 0]
    assert read(folder, id="file", label="who").y.tolist() == ["a", "c", "b"]
    with pytest.raises(ReaderError, match=r"labels\.tsv: has 3 columns beside the id, 'file'"):
        read(folder, id="file")


def test_names_that_are_numbers_stay_names(tmp_path):
    for name in ("7", "007", "1.10"):
        (tmp_path / f"{name}.csv").write_text(f"x\n{name}\n")
    (tmp_path / "labels.csv").write_text("id,label\n007,a\n7,b\n1.10,c\n")
    data = read(tmp_path)
    assert dict(zip(data.ids, data.y, strict=True)) == {"7": "b", "007": "a", "1.10": "c"}


def test_folders_as_labels(folder):
    for label, names in (("up", ("rec1", "rec2")), ("down", ("rec10",))):
        (folder / label).mkdir()
        for name in names:
            (folder / f"{name}.csv").rename(folder / label / f"{name}.csv")
    data = read(folder)
    assert data.ids.tolist() == ["down/rec10", "up/rec1", "up/rec2"]
    assert data.y.tolist() == ["down", "up", "up"]
    (folder / "labels.csv").write_text("id,label\nrec1,1\nup/rec2,2\ndown/rec10.csv,3\n")
    assert read(folder).y.tolist() == [3, 1, 2]
    (folder / "labels.csv").unlink()
    (folder / "rec10.csv").write_text("ax,ay\n1,9\n")  # not every recording has a label now
    assert read(folder).y is None
    assert numbers(read(folder)) == [10, 10, 1, 2]


def test_a_name_that_may_be_two_recordings(folder):
    (folder / "more").mkdir()
    (folder / "more" / "rec1.csv").write_text("ax,ay\n1,2\n")
    (folder / "labels.csv").write_text(LABELS.replace("rec1,", "rec1.csv,"))
    with pytest.raises(ReaderError, match=r"more/rec1"):  # rec1.csv is the path of one of them
        read(folder)
    (folder / "labels.csv").write_text(LABELS.replace("rec1,", "rec3,"))
    (folder / "a").mkdir()
    for place in ("a", "more"):
        (folder / place / "rec3.csv").write_text("ax,ay\n1,2\n")
    with pytest.raises(ReaderError, match=r"labels\.csv, line 3: 'rec3' may be several"):
        read(folder)


def test_every_format_of_a_recording(tmp_path):
    table = pyarrow.table({"ay": [0.5, 1.5], "ax": [1, 2], "n": [3, 4]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "b.feather")
    (tmp_path / "c.csv").write_text("n,ax,ay\n3,1,0.5\n4,2,1.5\n")
    (tmp_path / "d.tsv").write_text("ax\tay\tn\n1\t0.5\t3\n2\t1.5\t4\n")
    rows = [{"ay": 0.5, "n": 3, "ax": 1}, {"ax": 2, "ay": 1.5, "n": 4}]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "f.arrow").write_bytes((tmp_path / "b.feather").read_bytes())
    data = read(tmp_path, features=["ax", "ay"])
    assert data.ids.tolist() == list("abcdef")
    for x in data.X:
        np.testing.assert_array_equal(x, [[1, 0.5], [2, 1.5]])
    assert read(tmp_path).feature_names == ("ay", "ax", "n")  # of the first file


def test_columns_of_steps(tmp_path):
    (tmp_path / "a.csv").write_text("t,x,tag\n2,0.5,\n1,1.5,q\n")
    (tmp_path / "b.csv").write_text("t,x,tag\n1.5,2,3\n1,4,4\n")
    (tmp_path / "c.csv").write_text("t,x,tag\n1,8,\n")
    (tmp_path / "labels.csv").write_text("none,of,these\n1,2,3\n")
    data = read(tmp_path, time="t", step_label="tag")
    assert [x.ravel().tolist() for x in data.X] == [[1.5, 0.5], [4, 2], [8]]
    assert [tags.tolist() for tags in data.y] == [["q", None], ["4", "3"], [None]]
    data = read(tmp_path, time="t", features=["x"], time_delta=True, step_label="tag")
    assert [x[:, 1].tolist() for x in data.X] == [[0, 1], [0, 0.5], [0]]


def test_labels_of_other_recordings_are_left_out_with_a_warning(folder):
    (folder / "labels.csv").write_text(LABELS + "rec77,up\n")
    with pytest.warns(UserWarning, match=r"1 of its 4 rows belong to no .* 'rec77'"):
        assert read(folder).y.tolist() == ["up", "up", "down"]


def test_labels_in_a_mapping(folder):
    assert read(folder, labels={"rec1": 3, "rec2": 4, "rec10": 5}).y.tolist() == [3, 4, 5]


def put(name, content):
    return lambda folder: (folder / name).write_text(content)


ODD = {
    "empty": (lambda f: [p.unlink() for p in f.iterdir()], {}, "without a recording.*is empty"),
    "no data": (
        lambda f: [p.rename(p.with_name(f".{p.name}")) for p in f.iterdir()],
        {},
        "without",
    ),
    "no table": (put("notes.txt", "a"), {}, r"notes\.txt: has suffix '\.txt', and is no recording"),
    "several sequences": (put("more.npz", ""), {}, r"more\.npz: has suffix"),
    "same name": (put("rec2.tsv", "ax\tay\n1\t2\n"), {}, r"rec2\.tsv: rec2\.csv has the same name"),
    "lacks a column": (put("rec5.csv", "ax\n1\n"), {}, r"rec5\.csv: lacks 'ay', where 3 of 4"),
    "one is odd": (put("rec0.csv", "ax,ay,b\n1,2,3\n"), {}, r"rec0\.csv: has 'b' besides"),
    "lacks a feature": (
        put("rec5.csv", "ax\n1\n"),
        {"features": ["ay"]},
        r"rec5\.csv has no column",
    ),
    "no rows": (put("rec5.csv", "ax,ay\n"), {}, r"rec5\.csv: has the names of columns and no rows"),
    "ragged": (put("rec5.csv", "ax,ay\n1,2\n3\n"), {}, r"rec5\.csv, line 3: has 1 field"),
    "text": (put("rec5.csv", "ax,ay\n1,2\n3,x\n"), {}, r"rec5\.csv, line 3: column 'ay' holds 'x'"),
    "missing value": (
        put("rec5.csv", "ax,ay\n1,2\n3,\n"),
        {},
        r"rec5\.csv, line 3: the feature 'ay'",
    ),
    "lists": (put("rec5.jsonl", '{"ax": [1], "ay": [2]}'), {}, r"rec5\.jsonl: .*'ax' holds lists"),
    "id": (
        lambda f: None,
        {"id": "file"},
        r"id='file' names a column of a file of labels",
    ),
    "two files of labels": (
        lambda f: [put("labels.csv", LABELS)(f), put("labels.tsv", LABELS)(f)],
        {},
        r"has 'labels\.csv', 'labels\.tsv'; say which",
    ),
    "no such column": (
        put("labels.csv", LABELS),
        {"label": "stat"},
        "no column 'stat'.*did you mean",
    ),
    "no such id": (put("labels.csv", LABELS), {"id": "name"}, "no column 'name', which id="),
    "label is missing": (
        put("labels.csv", LABELS.replace("up\nrec2,up", "up")),
        {},
        r"labels\.csv: 1 of the 3 sequences have no row in it: .*rec2",
    ),
    "label is empty": (
        put("labels.csv", LABELS.replace("rec1,up", "rec1,")),
        {},
        r"labels\.csv: the label, column 'state', is missing for file 'rec1' \(.*csv, line 3\)",
    ),
    "id is empty": (
        put("labels.csv", LABELS.replace("rec1,", ",")),
        {},
        r"labels\.csv, line 3: the id, 'file', is missing",
    ),
    "label twice": (
        put("labels.csv", LABELS + "rec1.csv,down\n"),
        {},
        r"file 'rec1' is in .*labels\.csv, line 3 and in .*labels\.csv, line 5",
    ),
    "other names": (
        put("labels.csv", "state,file\nup,rec1\nup,rec2\ndown,rec10\n"),
        {},
        r"labels\.csv",
    ),
    "large": (lambda f: None, {"max_bytes": 127}, "more than the 127 bytes"),
}


@pytest.mark.parametrize(("change", "options", "words"), ODD.values(), ids=ODD)
def test_what_is_odd_is_named(folder, change, options, words):
    change(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ReaderError, match=words) as caught:
            read(folder, **options)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 2000
