"""The commands read tables and folders, and a model remembers which columns it was trained on."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest
from helpers.cli_tools import run
from hypothesis import example, given
from hypothesis import strategies as st

import elman
from elman.cli.wording import as_options
from elman.data import read, write_npz
from elman.data.named import NamedSequences
from elman.data.wanted import Wanted

SMALL = ["-q", "--hidden-size", "3", "--max-iter", "2"]
COLUMNS = ["note", "run", "t", "ax", "ay", "state", "phase", "speed", "drift"]


def rows(seed, n=7):
    """Rows of n runs, shuffled: the first feature says what the state and the speed are."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        for t in range(int(rng.integers(2, 5))):
            ax, ay = rng.normal(size=2).round(3).tolist()
            state = ["up", "down"][i % 2]
            found.append(["x", f"r{i}", t / 2, ax + i % 2, ay, state, "pq"[t % 2]])
            found[-1] += [i % 2 + 0.5, t * 0.25]
    return [found[i] for i in rng.permutation(len(found))]


def write_csv(path, table, columns=COLUMNS, delimiter=","):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, delimiter=delimiter)
        out.writerow(columns)
        out.writerows([[row[COLUMNS.index(name)] for name in columns] for row in table])
    return path


ROLES = ["--id", "run", "--time", "t", "--features", "ax,ay"]
KINDS = {
    "label": ["--label", "state"],
    "steps": ["--step-label", "phase"],
    "values": ["--target", "speed"],
    "step values": ["--step-target", "drift"],
}
MODELS = {
    "label": elman.RNNClassifier,
    "steps": elman.RNNTagger,
    "values": elman.RNNRegressor,
    "step values": elman.RNNRegressor,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Tables to train on and to predict, and a model of each kind."""
    from elman.cli import main

    folder = tmp_path_factory.mktemp("tables")
    train = write_csv(folder / "train.csv", rows(1))
    write_csv(folder / "new.csv", rows(2, 5))
    for kind, options in KINDS.items():
        fit = ["fit", train, *ROLES, *options, "-o", folder / kind, *SMALL]
        assert main([*map(str, fit)]) == 0
    return folder


def new_data(files):
    """The sequences of new.csv and their ids, put together without `read`."""
    found = {}
    for row in rows(2, 5):
        found.setdefault(row[1], []).append(row)
    ordered = {run: sorted(of_run, key=lambda row: row[2]) for run, of_run in found.items()}
    X = [np.array([row[3:5] for row in of_run]) for of_run in ordered.values()]
    return (
        NamedSequences(X, ["ax", "ay"]),
        [*ordered],
        [[row[2] for row in of_run] for of_run in ordered.values()],
    )


def digits(probabilities):
    return [[f"{p:.9g}" for p in row] for row in probabilities]


def test_predict_needs_no_options_and_writes_ids(capsys, files):
    X, ids, _ = new_data(files)
    model = elman.RNNClassifier.load(files / "label")
    code, out, err = run(capsys, "predict", files / "label", files / "new.csv", "--proba")
    assert (code, err) == (0, "")
    header, *lines = csv.reader(out.splitlines())
    assert header == ["run", "label", "p(down)", "p(up)"]
    assert [line[0] for line in lines] == ids
    assert [line[1] for line in lines] == model.predict(X).tolist()
    assert [line[2:] for line in lines] == digits(model.predict_proba(X))


@given(
    ids=st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=1, max_size=4),
    label=st.text().filter(lambda text: "\0" not in text),
)
@example(ids=["\x1b[31m", "a\rb", "c\r\nd", '"', "e,f", " g ", "\u2028", "\x85"], label="\r")
@example(ids=["a"], label="")
def test_csv_gives_every_text_back(tmp_path_factory, ids, label):
    from elman.cli.answers import Answers, as_csv
    from elman.data.csv import read_csv
    from elman.data.growing import MISSING

    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(as_csv(Answers({"id": ids}, "label", {"label": [label] * len(ids)})))
    with open(path, newline="", encoding="utf-8") as file:
        assert [*csv.reader(file)] == [["id", "label"], *([id, label] for id in ids)]
    found = read_csv(path, choose=lambda names: Wanted(roles=dict.fromkeys(names, "name"))).columns
    for name, values in {"id": ids, "label": [label] * len(ids)}.items():
        expected = [None if value.strip() in MISSING else value for value in values]
        assert [None if v != v else v for v in found[name].tolist()] == expected


def test_a_terminal_sees_control_codes_and_a_file_has_them(capsys, tmp_path, monkeypatch):
    names = ["\x1b[31mred", "c\rd", "plain"]
    rows = [f'"{name}",{i},"{name}!"' for i, name in enumerate(names)]
    (tmp_path / "x.csv").write_text("run,ax,state\n" + "\n".join(rows) + "\n", newline="")
    fit = ["fit", tmp_path / "x.csv", "--id", "run", "--label", "state", "-o", tmp_path / "m"]
    assert run(capsys, *fit, *SMALL)[0] == 0
    predict = ["predict", tmp_path / "m", tmp_path / "x.csv"]
    piped = run(capsys, *predict)[1]
    assert [row[0] for row in csv.reader(io.StringIO(piped, newline=""))] == ["run", *names]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = run(capsys, *predict)[1]
    assert shown == piped.replace("\x1b", "\\x1b").replace("\r", "\\r")
    assert run(capsys, *predict, "-o", tmp_path / "out.csv")[0] == 0
    assert (tmp_path / "out.csv").read_bytes().decode() == piped


def test_a_tagger_writes_the_time_of_each_step(capsys, files):
    X, ids, times = new_data(files)
    tags = elman.RNNTagger.load(files / "steps").predict(X)
    code, out, err = run(capsys, "predict", files / "steps", files / "new.csv")
    assert (code, err) == (0, "")
    expected = [
        [id, str(t), tag]
        for id, of_run, told in zip(ids, times, tags, strict=True)
        for t, tag in zip(of_run, told, strict=True)
    ]
    assert [*csv.reader(out.splitlines())] == [["run", "t", "label"], *expected]


@pytest.mark.parametrize("columns", [COLUMNS[::-1], COLUMNS[1:5], [*COLUMNS[3:5], "run", "t"]])
def test_columns_are_found_by_name(capsys, tmp_path, files, columns):
    """In any order, and without those that training had and answering does not need."""
    expected = run(capsys, "predict", files / "label", files / "new.csv")
    other = write_csv(tmp_path / "other.csv", rows(2, 5), columns)
    assert run(capsys, "predict", files / "label", other) == expected


def test_columns_that_are_called_otherwise(capsys, tmp_path, files):
    expected = run(capsys, "predict", files / "label", files / "new.csv")[1]
    text = (files / "new.csv").read_text().replace("run,t,", "trial,second,")
    other = tmp_path / "other.csv"
    other.write_text(text.replace(",", ";"))
    arguments = ["--id", "trial", "--time", "second", "--delimiter", ";"]
    code, out, err = run(capsys, "predict", files / "label", other, *arguments)
    assert (code, err) == (0, "")
    assert out == expected.replace("run,label", "trial,label")


def test_a_file_without_the_time_is_taken_in_its_order_with_a_warning(capsys, tmp_path, files):
    names = [name for name in COLUMNS if name != "t"]
    other = write_csv(tmp_path / "other.csv", rows(2, 5), names)
    code, out, err = run(capsys, "predict", files / "label", other)
    assert code == 0
    assert "has no column 't', by which the steps of the training data were sorted" in err
    assert out.startswith("run,label\n")


def test_options_of_names_may_be_given_several_times(capsys, tmp_path, files):
    models = []
    for options in (["--features", "ay,ax"], ["--features", "ay", "--features", "ax"]):
        model = tmp_path / f"{len(models)}.safetensors"
        command = ["fit", files / "train.csv", *ROLES[:4], *options, "--label", "state", *SMALL]
        assert run(capsys, *command, "-o", model)[0] == 0
        models.append(elman.load(model))
    assert [model.n_features_in_ for model in models] == [2, 2]
    for name, weights in models[0].weights_.items():
        assert np.array_equal(weights, models[1].weights_[name])


@pytest.mark.parametrize(
    ("output", "options"),
    [("out.jsonl", []), ("out.txt", ["--format", "jsonl"]), (None, ["--format", "jsonl"])],
)
def test_json_lines(capsys, tmp_path, files, output, options):
    X, ids, _ = new_data(files)
    model = elman.RNNClassifier.load(files / "label")
    if output:
        options = [*options, "-o", tmp_path / output]
    code, out, _ = run(capsys, "predict", files / "label", files / "new.csv", "--proba", *options)
    text = (tmp_path / output).read_text() if output else out
    lines = [*map(json.loads, text.splitlines())]
    assert code == 0
    assert [line["run"] for line in lines] == ids
    assert [line["label"] for line in lines] == model.predict(X).tolist()
    told = [[f"{p:.9g}" for p in line["p"].values()] for line in lines]
    assert told == digits(model.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_parquet(capsys, tmp_path, files, kind):
    X, ids, times = new_data(files)
    path = tmp_path / "out.parquet"
    assert run(capsys, "predict", files / kind, files / "new.csv", "-o", path)[0] == 0
    table = pyarrow.parquet.read_table(path).to_pydict()
    told = MODELS[kind].load(files / kind).predict(X)
    if "step" in kind:
        assert [*table][:2] == ["run", "t"]
        assert table[[*table][2]] == np.concatenate(told).tolist()
        assert table["t"] == [t for of_run in times for t in of_run]
    else:
        assert [*table] == ["run", {"label": "label", "values": "speed"}[kind]]
        assert table["run"] == ids
        assert table[[*table][1]] == told.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_remembers_the_answer_too(capsys, files, kind):
    code, out, err = run(capsys, "evaluate", files / kind, files / "new.csv")
    assert (code, err) == (0, "")
    explicit = run(capsys, "evaluate", files / kind, files / "new.csv", *ROLES, *KINDS[kind])
    assert explicit == (0, out, "")


def test_validation_and_test_data_are_read_alike(capsys, tmp_path, files):
    other = write_csv(tmp_path / "other.csv", rows(3, 5), COLUMNS[::-1])
    options = ["--validation", other, "--test", other, *SMALL]
    fit = ["fit", files / "train.csv", *ROLES, *KINDS["label"], "-o", tmp_path / "m", *options]
    code, out, err = run(capsys, *fit)
    assert (code, err) == (0, "")
    assert out.split("\n\n", 1)[1] == run(capsys, "evaluate", tmp_path / "m", other)[1]


@pytest.mark.parametrize("targets", [["speed"], ["speed", "drift"]])
def test_targets_are_called_as_their_columns(capsys, tmp_path, files, targets):
    role = "--target" if len(targets) == 1 else "--step-target"
    options = [role, ",".join(targets), "--test", files / "new.csv", *SMALL]
    code, out, err = run(capsys, "fit", files / "train.csv", *ROLES, *options, "-o", tmp_path / "m")
    assert (code, err) == (0, "")
    for text in (out, run(capsys, "evaluate", tmp_path / "m", files / "new.csv")[1]):
        table = text.split("Each target")[1].splitlines()
        assert [line.split()[0] for line in table[3 : 3 + len(targets)]] == targets


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("run,t,ax,AY", ["trained on the columns ax, ay (remembered in {model})", "'ay'", "AY"]),
        ("trial,t,ax,ay", ["'run' held the id of each recording", "it has trial, t", "--id"]),
        (
            "run,t,ax,ay,class",
            ["'state' held the label", "it has run, t, ax, ay, class", "--label"],
        ),
    ],
)
def test_a_column_that_the_model_remembers_is_asked_for_as_such(
    capsys, tmp_path, files, header, words
):
    (tmp_path / "new.csv").write_text(f"{header}\na,1,2,3{',up' * header.endswith('class')}\n")
    command = "evaluate" if header.endswith("class") else "predict"
    code, out, err = run(capsys, command, files / "label", tmp_path / "new.csv")
    assert (code, out) == (2, "")
    for word in [*words, "new.csv has no column", "(remembered in {model})"]:
        assert word.format(model=files / "label") in err
    assert "--features" not in err


@pytest.mark.parametrize("targets", [["speed"], ["drift", "speed"]])
@pytest.mark.parametrize("role", ["--target", "--step-target"])
def test_predicted_numbers_are_called_as_their_columns(
    capsys, tmp_path, monkeypatch, role, targets
):
    text = "run,ax,speed,drift\na,1,0.5,2\na,2,0.5,2\nb,3,1.5,0\n"
    (tmp_path / "x.csv").write_text(text)
    options = ["--id", "run", "--features", "ax", role, ",".join(targets), *SMALL]
    assert run(capsys, "fit", tmp_path / "x.csv", *options, "-o", tmp_path / "m")[0] == 0
    predict = ["predict", tmp_path / "m", tmp_path / "x.csv"]
    places = ["run"] if role == "--target" else ["run", "step"]
    (header, *lines) = csv.reader(run(capsys, *predict)[1].splitlines())
    assert header == places + targets
    told = [*map(json.loads, run(capsys, *predict, "--format", "jsonl")[1].splitlines())]
    assert [[str(value) for value in line.values()] for line in told] == lines
    assert [[*line] for line in told] == [header] * len(lines)
    assert run(capsys, *predict, "-o", tmp_path / "out.parquet")[0] == 0
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == header
    assert [[str(value) for value in row.values()] for row in table.to_pylist()] == lines
    for option in ([], ["--json"]):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"1.5\n")))
        first = run(capsys, "stream", tmp_path / "m", *option)[1].splitlines()[0]
        assert [*(json.loads(first) if option else first.split(","))] == targets


def test_the_time_since_the_step_before(capsys, tmp_path, files):
    fit = ["fit", files / "train.csv", *ROLES, "--time-delta", *KINDS["values"], *SMALL]
    assert run(capsys, *fit, "-o", tmp_path / "m")[0] == 0
    assert elman.RNNRegressor.load(tmp_path / "m").feature_names_in_.tolist() == [
        "ax",
        "ay",
        "t_delta",
    ]
    assert run(capsys, "predict", tmp_path / "m", files / "new.csv")[0] == 0
    names = [name for name in COLUMNS if name != "t"]
    other = write_csv(tmp_path / "other.csv", rows(2, 5), names)
    code, _, err = run(capsys, "predict", tmp_path / "m", other)
    assert code == 2
    assert "in training the column 't' held the time of each step" in err
    assert "other.csv has no column 't'; it has note, run, ax, ay, state, phase, speed" in err


def test_a_folder_of_recordings(capsys, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    for i in range(5):
        (folder / f"rec{i + 7}.csv").write_text(f"ax,ay\n{i % 2},0.5\n{i % 2},{i}\n")
    names = [f"rec{i + 7}" for i in range(5)]
    labels = "".join(f"{name},{'ab'[i % 2]}\n" for i, name in enumerate(names))
    (folder / "labels.csv").write_text("file,class\n" + labels)
    assert run(capsys, "fit", folder, "-o", tmp_path / "m", *SMALL)[0] == 0
    assert run(capsys, "evaluate", tmp_path / "m", folder)[0] == 0
    (folder / "labels.csv").write_text("file,class\n")  # not needed from here on
    code, out, err = run(capsys, "predict", tmp_path / "m", folder)
    assert (code, err) == (0, "")
    assert [line.split(",")[0] for line in out.splitlines()] == ["file", *names]
    out = run(capsys, "predict", tmp_path / "m", folder, "--id", "rec")[1]
    assert [line.split(",")[0] for line in out.splitlines()] == ["rec", *names]
    (folder / "labels.csv").unlink()
    code, _, err = run(capsys, "fit", folder, "-o", tmp_path / "m2", *SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert "has no labels, and this needs them; --labels names the file that has them" in err
    out = run(capsys, "predict", tmp_path / "m", folder, "--format", "jsonl")[1]
    assert [json.loads(line)["file"] for line in out.splitlines()] == names
    code, _, err = run(capsys, "predict", tmp_path / "m", folder, "-o", folder / "out.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "lies in the folder that is read" in err


def test_names_of_folders_take_the_place_of_a_label_that_a_model_remembers(capsys, tmp_path, files):
    found = {}
    for row in rows(2, 5):
        found.setdefault((row[5], row[1]), []).append(row)
    for (state, run_id), of_run in found.items():
        (tmp_path / "by" / state).mkdir(parents=True, exist_ok=True)
        write_csv(tmp_path / "by" / state / f"{run_id}.csv", of_run, ["t", "ax", "ay"])
    of_table = run(capsys, "evaluate", files / "label", files / "new.csv")
    assert of_table[0] == 0
    assert run(capsys, "evaluate", files / "label", tmp_path / "by") == of_table
    code, _, err = run(capsys, "evaluate", files / "label", tmp_path / "by", "--label", "state")
    assert code == 2
    assert "has no column 'state', which --label names" in err


def test_time_stamps_are_read_as_was_asked_in_training(capsys, tmp_path):
    text = "@timeStamps true\n@classLabel true u v\n@data\n"
    text += "".join(f"(0,{i}),({i + 1},2),({2 * i + 2},1):{'uv'[i % 2]}\n" for i in range(5))
    (tmp_path / "x.ts").write_text(text)
    model = tmp_path / "m"
    fit = ["fit", tmp_path / "x.ts", "-o", model, "--force", *SMALL]
    for options, n_features in ([], 1), (["--timestamps", "feature"], 2):
        more = ["--test", tmp_path / "x.ts", "--validation", tmp_path / "x.ts"]
        assert run(capsys, *fit, *options, *more)[::2] == (0, "")
        assert elman.load(model).n_features_in_ == n_features
        assert (" ".join(options) in run(capsys, "inspect", model)[1]) is True
        for command in ("predict", "evaluate"):
            found = run(capsys, command, model, tmp_path / "x.ts")
            assert found[::2] == (0, "")
            assert run(capsys, command, model, tmp_path / "x.ts", *options) == found
    data = read(tmp_path / "x.ts", timestamps="feature")
    lines = run(capsys, "predict", model, tmp_path / "x.ts")[1].splitlines()
    assert lines == ["label", *elman.load(model).predict(data.X)]
    code, _, err = run(capsys, "predict", model, tmp_path / "x.ts", "--timestamps", "order")
    assert (code, "1 feature" in err) == (2, True)
    code, _, err = run(capsys, *fit, "--timestamps", "error")
    assert (code, "which --timestamps 'error' refuses" in err) == (2, True)
    code, _, err = run(capsys, *fit, "--timestamps", "no")
    assert (code, "--timestamps 'no' is not known; choose 'order'" in err) == (2, True)
    (tmp_path / "x.csv").write_text("run,x\na,1\n")
    code, _, err = run(capsys, "predict", model, tmp_path / "x.csv", "--timestamps", "order")
    assert (code, "--timestamps says nothing about this file; it is for .ts" in err) == (2, True)


def test_several_columns_of_an_id(capsys, tmp_path, files):
    text = "who,day,x,y\na,1,0.5,p\na,1,2,p\nb,1,3,q\na,2,4,q\n"
    (tmp_path / "x.csv").write_text(text)
    fit = ["fit", tmp_path / "x.csv", "--id", "who,day", "--label", "y", "-o", tmp_path / "m"]
    assert run(capsys, *fit, *SMALL)[0] == 0
    code, out, _ = run(capsys, "predict", tmp_path / "m", tmp_path / "x.csv")
    assert code == 0
    assert [line.split(",")[:2] for line in out.splitlines()] == [
        ["who", "day"],
        ["a", "1"],
        ["b", "1"],
        ["a", "2"],
    ]


def test_a_file_of_labels(capsys, tmp_path, files):
    (tmp_path / "labels.csv").write_text(
        "run,kind\n" + "".join(f"r{i},k{i % 3}\n" for i in range(7))
    )
    fit = ["fit", files / "train.csv", *ROLES, "--labels", tmp_path / "labels.csv", *SMALL]
    assert run(capsys, *fit, "-o", tmp_path / "m")[0] == 0
    assert run(capsys, "predict", tmp_path / "m", files / "new.csv")[0] == 0
    code, out, err = run(
        capsys, "evaluate", tmp_path / "m", files / "new.csv", "--labels", tmp_path / "labels.csv"
    )
    assert code == 0
    assert "of 5)" in out
    assert "2 of its 7 rows belong to no sequence" in err


def test_inspect_shows_the_columns_and_no_escape_codes(capsys, tmp_path):
    text = '"run\x1b[31m",t,x,y\na,1,0.5,p\na,2,2,p\nb,1,3,q\n'
    (tmp_path / "x.csv").write_text(text)
    fit = ["fit", tmp_path / "x.csv", "--id", "run\x1b[31m", "--time", "t", "--label", "y"]
    assert run(capsys, *fit, "-o", tmp_path / "m", *SMALL)[0] == 0
    code, out, _ = run(capsys, "inspect", tmp_path / "m")
    assert code == 0
    assert "--id run\\x1b[31m --time t --label y" in out


def test_data_without_a_table_are_answered_as_before(capsys, tmp_path, files):
    X, _, _ = new_data(files)
    write_npz(tmp_path / "new.npz", X)
    code, out, _ = run(capsys, "predict", files / "label", tmp_path / "new.npz")
    assert code == 0
    assert out.splitlines()[0] == "label"
    expected = run(capsys, "predict", files / "label", files / "new.csv")[1]
    assert out.splitlines()[1:] == [line.split(",")[1] for line in expected.splitlines()[1:]]


def test_names_in_a_npz_file_are_compared_and_its_ids_written(capsys, tmp_path, files):
    X, ids, _ = new_data(files)
    expected = run(capsys, "predict", files / "label", files / "new.csv")[1]
    write_npz(tmp_path / "new.npz", list(X), ids=ids, feature_names=["ax", "ay"])
    code, out, err = run(capsys, "predict", files / "label", tmp_path / "new.npz")
    assert (code, out, err) == (0, expected.replace("run,", "id,"), "")
    write_npz(tmp_path / "new.npz", list(X), ids=ids, feature_names=["ay", "ax"])
    code, out, err = run(capsys, "predict", files / "label", tmp_path / "new.npz")
    assert (code, out) == (2, "")
    assert "new.npz" in err
    assert "ay" in err


MISTAKES = {
    "no id": ("fit {f}/train.csv -o {t}/m", "--id has to name the column"),
    "no label": ("fit {f}/train.csv --id run --features ax -o {t}/m", "--label, --step-label or"),
    "other name": ("fit {f}/train.csv --id rum --label state -o {t}/m", "'rum', which --id names"),
    "text": (
        "fit {t}/odd.csv --id run --label state -o {t}/m",
        "line 3: column 'ax' holds 'n/k', where numbers are expected: the other values of this "
        "column are numbers; correct it, or leave the field empty if the value is missing; if all "
        "of them are categories, name the column in --categorical-features a,b,c",
    ),
    "no names": ("fit {f}/train.csv --id run --features ax, -o {t}/m", "'ax,' is neither"),
    "no model": ("predict {f}/new.csv {f}/label", "holds data, not a model"),
    "format": ("predict {f}/label {f}/new.csv --format xml", "choose csv, jsonl, parquet"),
    "a sheet": ("predict {f}/label {f}/new.csv -o {t}/x.xlsx", ".xlsx is not what answers"),
    "a sheet by a format": (
        "predict {f}/label {f}/new.csv -o {t}/x.xlsx --format csv",
        ".xlsx is not what answers are written as: name it .csv",
    ),
    "CSV of Parquet": (
        "predict {f}/label {f}/new.csv -o {t}/x.csv --format parquet",
        ".csv is the suffix of other files than --format parquet writes: name it .parquet",
    ),
    "Parquet of CSV": (
        "predict {f}/label {f}/new.csv -o {t}/x.PARQUET --format csv",
        "name it .csv, or leave --format out",
    ),
    "JSON lines of CSV": (
        "predict {f}/label {f}/new.csv -o {t}/x.ndjson --format csv",
        ".ndjson is the suffix of other files",
    ),
    "tabs of CSV": (
        "predict {f}/label {f}/new.csv -o {t}/x.tsv --format csv",
        ".tsv is not what answers are written as: name it .csv",
    ),
    "a data set": ("predict {f}/label {f}/new.csv -o {t}/x.npz", "name it .csv, .jsonl or"),
    "parquet": ("predict {f}/label {f}/new.csv --format parquet", "name a file, --output"),
    "lacks": (
        "predict {f}/label {t}/lacks.csv",
        "lacks.csv has no column 'ay'; it has run, t, ax. Rename the one that holds 'ay'",
    ),
    "missing": ("predict {f}/label {t}/missing.csv", "line 2: the feature 'ay' is missing"),
    "label": ("evaluate {f}/label {t}/unknown.csv", "not trained on: 'left'"),
    "no answer": (
        "evaluate {f}/label {t}/none.csv",
        "has no column 'state'; it has run, t, ax, ay. If it is called otherwise here, name it "
        "with --label",
    ),
    "delimiter": ("predict {f}/label {f}/new.csv --delimiter ;", "pass --delimiter ','"),
    "another format": ("predict {f}/label {t}/x.ts --id run", "--id says nothing about this file"),
    "large": (
        "predict {f}/label {f}/new.csv --max-bytes 9",
        "more than the 9 bytes of memory that --max-bytes allows",
    ),
    "empty folder": ("fit {t} -o {f}/m", "is no recording that this reads"),
    "no folder": ("predict {f}/label {t}/nothing", "nothing: there is no such file or folder"),
    "no store": ("predict {f}/label {t}/runs.store", "there is no such file or folder"),
    "a broken table": ("predict {f}/label {t}/ragged.csv", "line 3: has 2 fields"),
    "damaged": ("predict {f}/label {t}/damaged.parquet", "is no Parquet file, or a damaged one"),
}


@pytest.mark.parametrize(("command", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(capsys, tmp_path, files, command, words):
    head = "run,t,ax,ay"
    (tmp_path / "lacks.csv").write_text("run,t,ax\na,1,2\n")
    (tmp_path / "missing.csv").write_text(f"{head}\na,1,2,\n")
    (tmp_path / "unknown.csv").write_text(f"{head},state\na,1,2,3,left\n")
    (tmp_path / "none.csv").write_text(f"{head}\na,1,2,3\n")
    (tmp_path / "odd.csv").write_text("run,ax,state\na,1,up\na,n/k,up\nb,2,down\n")
    (tmp_path / "ragged.csv").write_text(f"{head}\na,1,2,3\na,2\n")
    (tmp_path / "damaged.parquet").write_text("PAR1")
    (tmp_path / "notes.txt").write_text("")
    arguments = [part.format(f=files, t=tmp_path) for part in command.split()]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("elman: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("x has no column 'a', which id= names", "x has no column 'a', which --id names"),
        ("so that id= has to", "so that --id has to"),
        ("pass delimiter=';', or decimal=','", "pass --delimiter ';', or --decimal ','"),
        ("or pass header=False", "or pass --no-header"),
        ("header= says nothing about this file", "--no-header says nothing about this file"),
        ("name it as label= or target=", "name it as --label or --target"),
        ("missing='maks' is not known; choose", "--missing 'maks' is not known; choose"),
        ('only with missing="mask" (a zero)', "only with --missing 'mask' (a zero)"),
        ("hidden_size=0; it must be at least 1", "--hidden-size 0; it must be at least 1"),
        ("the memory that max_bytes allows", "the memory that --max-bytes allows"),
        ("f: class_weight has the label 'a'", "f: --class-weight has the label 'a'"),
        ("needs bidirectional=False, or", "needs --no-bidirectional, or"),
        ("RNNRegressor predicts numbers", "--kind regressor predicts numbers"),
        ("choose: features=['ax', 'ay']", "choose: --features ax,ay"),
        ("a label for each step is step_label=", "a label for each step is --step-label"),
        ("the columns (features=[...]), or", "the columns (--features a,b,c), or"),
        ("read the file with missing='nan' and fit with missing='mask' or missing='skip'",
         "train with --missing mask or --missing skip (elman fit)"),
        ("pass time_delta=True", "pass --time-delta"),
        ("values in X_val", "values in --validation"),
        ("pass more samples, X_val and y_val, or", "pass more samples, --validation, or"),
    ],
)  # fmt: skip
def test_errors_speak_the_language_of_the_command_line(message, told):
    assert as_options(message) == told


@pytest.mark.parametrize(
    "message",
    [
        "id=3/runs.csv: is empty",
        "data/id=3/label=up.csv, line 2: is empty",
        "hidden_size=3.safetensors: is a directory",
        "data/max_bytes/x.csv: is empty",
        "column 'max_bytes' holds 'id=3', where numbers are expected",
        "column 'label=a' is missing",
        "X_val/y_val.csv: is empty",
        "--label, --step-label or --target names their column",
    ],
)
def test_names_of_files_and_columns_stay_as_they_are(message):
    assert as_options(message) == message


def test_no_message_of_python_names_an_option():
    import ast
    from pathlib import Path

    source = Path(elman.__file__).parent
    found = []
    for path in source.rglob("*.py"):
        where = path.relative_to(source).as_posix()
        if where.startswith("cli/") or where == "reporting/style.py":  # CSS has --names too
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            f"{path.name}, line {node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if id(node) not in prose and ":root {" not in node.value  # a style sheet's --names
            if re.search(r"(^|[\s(])--[a-z]|elman fit", node.value)
        ]
    assert not found
