"""The commands on texts, words and tables with categories, from files, lines and step by step."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from helpers.cli_tools import run

import elman
from elman.data import read

SMALL = ["-q", "--hidden-size", "4", "--max-iter", "2"]
NAMES = [("Nagy", "hu"), ("Szabo", "hu"), ("Novak", "cs"), ("Dvorak", "cs"), ("Kiss", "hu")]
SENTENCES = [(["the", "cat", "sat"], "DNV"), (["it", "ran"], "PV"), (["7", "cats", "ran"], "DNV")]
CLICKS = [
    ("a", 1204, "view", 2.5, "yes"),
    ("a", 88, "buy", 4.0, "yes"),
    ("b", 88, "view", 1.5, "no"),
    ("b", 51, "leave", 9.0, "no"),
    ("b", 1204, "view", 7.5, "no"),
]
HEAD = ["visit", "item", "action", "seconds", "bought"]


def lines_of(text):
    return [*csv.reader(io.StringIO(text))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Data of each kind, and a model of each."""
    from elman.cli import main

    folder = tmp_path_factory.mktemp("symbols")
    with open(folder / "names.csv", "w") as file:
        csv.writer(file).writerows([("name", "language"), *NAMES])
    with open(folder / "clicks.csv", "w") as file:
        csv.writer(file).writerows([HEAD, *CLICKS])
    with open(folder / "words.jsonl", "w") as file:
        for words, tags in SENTENCES:
            file.write(json.dumps({"words": words, "tags": [*tags]}) + "\n")
    fits = {
        "names": ["names.csv", "--text", "name", "--label", "language"],
        "clicks": [
            *("clicks.csv", "--id", "visit", "--label", "bought"),
            *("--categorical-features", "item"),
        ],
        "words": ["words.jsonl", "--step-label", "tags"],
    }
    for name, (data, *options) in fits.items():
        fit = ["fit", folder / data, *options, "-o", folder / f"{name}.safetensors", *SMALL]
        assert main([*map(str, fit)]) == 0
    return folder


def model(files, name):
    return elman.load(files / f"{name}.safetensors")


# Files


def test_a_model_of_names_needs_no_options(capsys, files):
    code, out, _ = run(
        capsys, "predict", files / "names.safetensors", files / "names.csv", "--proba"
    )
    header, *rows = lines_of(out)
    assert (code, header) == (0, ["label", "p(cs)", "p(hu)"])
    clf, X = model(files, "names"), [name for name, _ in NAMES]
    assert [row[0] for row in rows] == clf.predict(X).tolist()
    assert np.allclose(
        [[float(v) for v in row[1:]] for row in rows], clf.predict_proba(X), atol=1e-8
    )
    for command in ("evaluate", "inspect"):
        arguments = [files / "names.csv"] * (command == "evaluate")
        code, out, _ = run(capsys, command, files / "names.safetensors", *arguments)
        assert code == 0
        assert out


def test_a_column_that_is_called_otherwise_is_named(capsys, files, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("id,surname\n7,Nagy\n8,Kiss\n")
    code, out, err = run(capsys, "predict", files / "names.safetensors", other)
    assert (code, out) == (2, "")
    assert "has no column 'name'" in err
    assert "--text" in err
    code, out, _ = run(
        capsys, "predict", files / "names.safetensors", other, "--text", "surname", "--id", "id"
    )
    assert code == 0
    assert lines_of(out)[0] == ["id", "label"]
    assert [row[0] for row in lines_of(out)[1:]] == ["7", "8"]


def test_a_mixed_table_is_read_as_in_training(capsys, files, tmp_path):
    clf = model(files, "clicks")
    assert clf.model_.symbols.feature_names == ("item", "action", "seconds")
    assert clf.model_.symbols.categorical == (0, 1)
    data = read(files / "clicks.csv", id="visit", categorical_features=["item"], label="bought")
    code, out, _ = run(capsys, "predict", files / "clicks.safetensors", files / "clicks.csv")
    assert code == 0
    assert [row[1] for row in lines_of(out)[1:]] == clf.predict(data.X).tolist()
    # Every action is a number here, and nearly all differ: they are what they were in training.
    new = tmp_path / "new.csv"
    rows = [("c", 51 + k, str(k), k / 2) for k in range(25)]
    with open(new, "w") as file:
        csv.writer(file).writerows([HEAD[:4], *rows])
    code, out, err = run(capsys, "predict", files / "clicks.safetensors", new)
    assert code == 0
    assert re.fullmatch(r"elman: all 25 tokens in column 'action' of .* are unknown.*\n", err)
    X = [np.array([row[1:] for row in rows], object)]
    assert lines_of(out)[1] == ["c", *clf.predict(X).tolist()]


def test_words_of_a_column_of_lists(capsys, files, tmp_path):
    path = tmp_path / "words.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"words": [["the", "dog"], ["it"]]}), path)
    code, out, _ = run(capsys, "predict", files / "words.safetensors", path)
    tagger = model(files, "words")
    expected = tagger.predict([np.array([["the"], ["dog"]], object), np.array([["it"]], object)])
    assert code == 0
    assert [row[-1] for row in lines_of(out)[1:]] == np.concatenate(expected).tolist()


@pytest.mark.parametrize("named", [False, True])
def test_rows_of_lists_in_json_lines(capsys, tmp_path, named):
    """A step is a list of its values, categories among them; predict reads it as training did."""
    path, saved = tmp_path / "visits.jsonl", tmp_path / "m.safetensors"
    with open(path, "w") as file:
        for visit, bought in (("a", "yes"), ("b", "no")):
            steps = [[row[2], row[1], row[3]] for row in CLICKS if row[0] == visit]
            file.write(json.dumps({"steps": steps, "bought": bought}) + "\n")
    options = ["--categorical-features", "steps[1]"] * named
    code, _, err = run(capsys, "fit", path, "--label", "bought", *options, *SMALL, "-o", saved)
    assert (code, err) == (0, "")
    clf, data = elman.load(saved), read(path, label="bought", categorical_features=options[1:])
    assert clf.symbols_.feature_names == ("steps[0]", "steps[1]", "steps[2]")
    assert clf.symbols_.categorical == ((0, 1) if named else (0,))
    assert clf.symbols_.vocabularies[0].tokens == ("view", "buy", "leave")
    code, out, _ = run(capsys, "predict", saved, path)
    assert code == 0
    assert [row[0] for row in lines_of(out)[1:]] == clf.predict(data.X).tolist()


# Lines of standard input


def with_stdin(monkeypatch, content):
    content = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_a_text_on_each_line(capsys, monkeypatch, files):
    with_stdin(monkeypatch, "Nagy\r\nÓ Kiss \nNovak")
    code, out, _ = run(capsys, "predict", files / "names.safetensors", "-")
    assert code == 0
    expected = model(files, "names").predict(["Nagy", "Ó Kiss ", "Novak"]).tolist()
    assert [row[0] for row in lines_of(out)] == ["label", *expected]


def test_lines_have_no_labels(capsys, files):
    code, out, err = run(capsys, "evaluate", files / "names.safetensors", "-")
    assert (code, out) == (2, "")
    assert "standard input has no labels" in err
    code, _, err = run(capsys, "fit", files / "names.csv", "--text", "name", "-o", files / "x")
    assert code == 2
    assert "--label, --step-label or --target names their column" in err


def test_words_on_each_line(capsys, monkeypatch, files):
    with_stdin(monkeypatch, "the  cat sat\nit ran\n")
    code, out, err = run(capsys, "predict", files / "words.safetensors", "-")
    assert (code, err) == (0, "")
    tagger = model(files, "words")
    words = [np.array([[w] for w in t.split()], object) for t in ("the cat sat", "it ran")]
    assert [row[-1] for row in lines_of(out)[1:]] == np.concatenate(tagger.predict(words)).tolist()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("names", "", "standard input: has no line"),
        ("names", "Nagy\n\nKiss\n", "standard input, line 2: is empty"),
        ("names", b"Nagy\n\xff\n", "standard input, line 2: byte 0xff is not UTF-8"),
        ("clicks", "Nagy\n", "reads 3 values at each time step, and a line of standard input is"),
    ],
)
def test_lines_that_are_no_sequences(capsys, monkeypatch, files, name, content, words):
    with_stdin(monkeypatch, content)
    code, out, err = run(capsys, "predict", files / f"{name}.safetensors", "-")
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Nagy", "there is no such file or folder; .*standard input: echo 'Nagy' | elman predict"),
        ("names.txt", "called .txt is no table; if it has a sequence on each line, .* - < "),
    ],
)
def test_texts_in_the_place_of_a_table(capsys, files, tmp_path, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("Nagy\n")
    for model_of in ("names", "words"):
        code, out, err = run(capsys, "predict", files / f"{model_of}.safetensors", name)
        assert (code, out) == (2, "")
        assert re.search(says, err)
    err = run(capsys, "predict", files / "clicks.safetensors", name)[2]
    assert "standard input" not in err


# Step by step


def stream(capsys, monkeypatch, path, content, *options):
    with_stdin(monkeypatch, content)
    return run(capsys, "stream", path, *options)


def test_a_character_on_each_line(capsys, monkeypatch, files):
    path = files / "names.safetensors"
    code, out, err = stream(capsys, monkeypatch, path, "N\na\n \n\nab\n?\n", "--bare")
    assert code == 0
    assert [line.split(": ")[1] for line in err.splitlines()] == ["line 4", "line 5"]
    assert "takes a whole text on each line" in err
    clf = model(files, "names")
    texts = ["N", "Na", "Na ", "Na ?"]
    assert [row[0] for row in lines_of(out)] == clf.predict(texts).tolist()
    shares = [[float(v) for v in row[1:]] for row in lines_of(out)]
    assert np.allclose(shares, clf.predict_proba(texts), atol=1e-8)


def test_a_word_on_each_line(capsys, monkeypatch, files):
    path = files / "words.safetensors"
    code, out, err = stream(capsys, monkeypatch, path, "words\nthe\n7\n", "--header", "--bare")
    assert (code, err) == (0, "")
    tags = model(files, "words").predict([np.array([["the"], ["7"]], object)])[0]
    assert [row[0] for row in lines_of(out)] == tags.tolist()


@pytest.mark.parametrize("written", ["01", "+1", "1_0", "1.0", "\u0661"])
def test_an_integer_is_a_category_in_a_stream_as_it_is_written_in_files(
    capsys, monkeypatch, tmp_path, written
):
    """Python reads more texts as integers than files have, and the answers would differ."""
    table = "id,item,price,label\n1,1,1.5,x\n1,10,2,x\n2,10,3,y\n"
    (tmp_path / "t.csv").write_text(table)
    (tmp_path / "new.csv").write_text(f"id,item,price\n1,{written},2\n", encoding="utf-8")
    path = tmp_path / "m.safetensors"
    options = ["--categorical-features", "item", "--max-iter", "1", "--hidden-size", "3"]
    run(capsys, "fit", tmp_path / "t.csv", "--id", "id", "--label", "label", "-o", path, *options)
    code, _, err = run(capsys, "predict", path, tmp_path / "new.csv")
    assert code
    assert "whole numbers" in err
    with_stdin(monkeypatch, f"{written},2\n 1,2\n")
    code, out, err = run(capsys, "stream", path)
    assert not code
    assert "line 1" in err
    assert "not an integer" in err
    assert len(out.splitlines()) == 2


def test_a_row_of_a_mixed_table_on_each_line(capsys, monkeypatch, files):
    content = (
        "seconds,item,action\n"
        "2.5,1204,view\n"
        '{"item": 88, "action": "buy", "seconds": 4.0}\n'
        "1.5,x,view\n"
        "fast,88,view\n"
        "[1.5, 88, 7]\n"
        "9,51,unheard of\n"
    )
    path = files / "clicks.safetensors"
    code, out, err = stream(capsys, monkeypatch, path, content, "--header", "--bare")
    assert code == 0
    told = [line.removeprefix("elman: ").removesuffix("; skipped") for line in err.splitlines()]
    assert [line.partition(":")[0] for line in told] == ["line 4", "line 5", "line 6"]
    assert "'x' is not an integer, as the categories of training are" in told[0]
    assert "'fast', which is not a number" in told[1]
    rows = [(1204, "view", 2.5), (88, "buy", 4.0), (51, "unheard of", 9.0)]
    clf = model(files, "clicks")
    texts = [np.array(rows[: k + 1], object) for k in range(3)]
    assert [row[0] for row in lines_of(out)] == clf.predict(texts).tolist()


# Training


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("{f}/names.csv --text nam --label language", "no column 'nam', which --text names"),
        ("{f}/names.csv --label language", "where a row is a whole sequence, a text, --text names"),
        (
            "{f}/names.csv --text name --label language --features name",
            "--features is given beside",
        ),
        (
            "{f}/clicks.csv --id visit --label bought --categorical-features itm",
            "no column 'itm', which --categorical-features names; did you mean 'item'",
        ),
        (
            "{f}/clicks.csv --id visit --label bought --categorical-features all",
            "but column 'seconds' of X is categorical, .*: say which columns are categories, such "
            "as --categorical-features item,action, whose",
        ),
        (
            "{f}/same.csv --id visit --label bought",
            "'k' holds dates as text ('2024-01-01' in",
        ),
    ],
)
def test_a_mistake_is_one_line(capsys, files, tmp_path, command, words):
    (files / "same.csv").write_text("visit,k,bought\na,2024-01-01,x\na,2024-01-02,x\n")
    arguments = command.format(f=files).split()
    code, out, err = run(capsys, "fit", *arguments, "-o", tmp_path / "m.safetensors")
    assert (code, out) == (2, "")
    assert re.search(words, err) if ".*" in words else words in err
    assert err.count("\n") == 1


def test_sizes_named_as_categories_are_texts_in_a_file_of_text(capsys, files, tmp_path):
    path = tmp_path / "m.safetensors"
    fit = ["fit", files / "clicks.csv", "--id", "visit", "--label", "bought", "-o", path, *SMALL]
    code, _, err = run(capsys, *fit, "--categorical-features", "seconds")
    assert (code, err) == (0, "")
    assert "2.5" in elman.load(path).model_.symbols.vocabularies[1].tokens


def test_a_table_without_names_of_columns(capsys, files, tmp_path):
    rows = tmp_path / "rows.csv"
    with open(rows, "w") as file:
        csv.writer(file).writerows(CLICKS)
    path = tmp_path / "m.safetensors"
    code, _, err = run(
        capsys,
        *("fit", rows, "--no-header", "--id", "0", "--label", "4", "-o", path, *SMALL),
        *("--categorical-features", "1"),
    )
    assert (code, err) == (0, "")
    assert elman.load(path).model_.symbols.categorical == (0, 1)
    with open(rows, "w") as file:
        csv.writer(file).writerows(row[:4] for row in CLICKS)
    code, out, err = run(capsys, "predict", path, rows, "--no-header")
    assert code == 0
    assert len(lines_of(out)) == 3


def test_embeddings_to_freeze_where_all_is_one_hot_are_said(capsys, files, tmp_path):
    for options, says in (([], "changes nothing"), (["--embedding-size", "2"], None)):
        code, _, err = run(
            capsys,
            *("fit", files / "clicks.csv", "--id", "visit", "--label", "bought", *SMALL),
            *("--freeze-embedding", "--force", "-o", tmp_path / "m.safetensors", *options),
        )
        assert code == 0
        assert err.count("\n") == (says is not None)
        assert says is None or says in err


def test_validation_data_are_read_as_the_training_data(capsys, files, tmp_path):
    other = tmp_path / "validation.csv"
    other.write_text("visit,seconds,action,item,bought,note\nv,1.5,7,88,yes,2024-01-01\n")
    code, out, err = run(
        capsys,
        *("fit", files / "clicks.csv", "--id", "visit", "--label", "bought", *SMALL),
        *("--categorical-features", "item", "--validation", other, "--test", other),
        *("-o", tmp_path / "m.safetensors"),
    )
    assert (code, err) == (0, "")
    assert "1 sample" in out or "of 1" in out


def test_numbers_named_as_categories_in_a_file_that_says_itself_what_is_what(capsys, tmp_path):
    path, saved = tmp_path / "ids.npz", tmp_path / "m.safetensors"
    X = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 1], [1, 3, 3]])[:, :, np.newaxis]
    elman.data.write_npz(path, X, ["a", "b", "b", "a"])
    code, _, err = run(capsys, "fit", path, "-o", saved, *SMALL, "--categorical-features", "all")
    assert (code, err) == (0, "")
    assert elman.load(saved).model_.symbols.vocabularies[0].tokens == (1, 2, 3)
    code, out, _ = run(capsys, "predict", saved, path)
    assert code == 0
    assert len(lines_of(out)) == 5
