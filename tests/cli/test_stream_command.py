"""`elman stream` in a process of its own, at both ends of real pipes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers.cli_tools import QUIET, run_shell

from elman import RNNClassifier, RNNRegressor, RNNTagger

OPTIONS = {"hidden_size": 7, "max_iter": 2, "random_state": 0}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models of every kind, saved and as they are; and the data of all."""
    folder = tmp_path_factory.mktemp("models")
    X = np.random.default_rng(3).normal(size=(12, 5, 2))
    fitted = {
        "label": RNNClassifier(**OPTIONS).fit(X, np.resize(["do", "mi, fa", "sol"], 12)),
        "labels": RNNClassifier(**OPTIONS).fit(X, np.eye(3, dtype=int)[np.arange(12) % 3]),
        "steps": RNNTagger(**OPTIONS).fit(X, (X[:, :, 0] > 0).astype(int)),
        "value": RNNRegressor(**OPTIONS).fit(X, X[:, -1, 0]),
        "values": RNNRegressor(**OPTIONS).fit(X, X[:, -1]),
        "step value": RNNRegressor(**OPTIONS).fit(X, [*X[:, :, 0].cumsum(axis=1)]),
        "step values": RNNRegressor(**OPTIONS).fit(X, X.cumsum(axis=1)),
        "skip": RNNClassifier(missing="skip", **OPTIONS).fit(X, np.resize([0, 1], 12)),
        "2-D": RNNClassifier(**OPTIONS).fit(X[:, :, 0], np.resize([0, 1], 12)),
        "both": RNNTagger(bidirectional=True, **OPTIONS).fit(X, (X[:, :, 0] > 0).astype(int)),
    }
    for name, estimator in fitted.items():
        estimator.save(folder / f"{name}.safetensors")
    return folder, fitted, X


def lines_of(X, as_json=False):
    rows = np.atleast_2d(X).tolist()
    return "".join((json.dumps(x) if as_json else ",".join(map(repr, x))) + "\n" for x in rows)


def stream(models, name, text, *options):
    return run_shell("stream", models[0] / f"{name}.safetensors", *options, input=text)


@pytest.mark.parametrize("as_json", [False, True])
def test_an_answer_to_every_step(models, as_json):
    _, fitted, X = models
    done = stream(models, "label", lines_of(X[3], as_json))
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["label", "p(do)", "p(mi, fa)", "p(sol)"]
    over_time = fitted["label"].predict_proba_over_time(X[3:4])[0]
    assert [row[0] for row in rows[1:]] == fitted["label"].classes_[over_time.argmax(1)].tolist()
    printed = np.array([row[1:] for row in rows[1:]], float)
    np.testing.assert_allclose(printed, over_time, rtol=1e-8)


@pytest.mark.parametrize(
    "name", ["labels", "steps", "value", "values", "step value", "step values", "2-D"]
)
def test_every_kind_of_answer(models, name):
    _, fitted, X = models
    x = X[3, :, :1] if name == "2-D" else X[3]
    live = fitted[name].stream()
    expected = [(live.step(step), live.predict()) for step in x]
    done = stream(models, name, lines_of(x))
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = csv.reader(io.StringIO(done.stdout))
    of_several = {"labels": "label(0)", "values": "value(0)", "step values": "value(0)"}
    assert header[0] == of_several.get(name, "value" if "value" in name else "label")
    assert len(rows) == len(x)
    told = [json.loads(line) for line in
            stream(models, name, lines_of(x), "--json").stdout.splitlines()]  # fmt: skip
    for row, found, (answers, predicted) in zip(rows, told, expected, strict=True):
        numbers = np.atleast_1d(predicted).tolist()
        assert [float(v) for v in row[: len(numbers)]] == numbers
        if name == "labels":
            assert found["labels"] == np.flatnonzero(predicted).tolist()
        else:
            assert found["value" if "value" in name else "label"] == np.asarray(predicted).tolist()
        if "value" in name:
            assert len(row) == len(header) == len(numbers)
        else:
            np.testing.assert_allclose([float(p) for p in row[len(numbers) :]], answers, rtol=1e-8)
            np.testing.assert_allclose(list(found["p"].values()), answers, rtol=1e-8)


def test_it_answers_before_the_next_line_is_written(models):
    folder, _, X = models
    process = subprocess.Popen(
        [sys.executable, "-m", "elman", "stream", str(folder / "label.safetensors"), "--bare"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | QUIET,
    )  # fmt: skip
    with process:
        for x in X[0]:
            process.stdin.write(lines_of(x))
            process.stdin.flush()
            assert process.stdout.readline().count(",") >= 3
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_a_reader_that_goes_away_is_no_error(models):
    folder, _, X = models
    command = [sys.executable, "-m", "elman", "stream", str(folder / "label.safetensors")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | QUIET,
    )  # fmt: skip
    assert process.stdout.readline().startswith(b"label")
    process.stdout.close()
    process.stdin.write(lines_of(X[0]).encode())
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 1


BAD = {
    "1,x": "has 'x', which is not a number",
    "1": "has 1 value(s), but the model takes 2 feature(s)",
    "1,2,3": "has 3 value(s)",
    "": "is empty",
    "[1, 2": "is not JSON",
    "[1, [2]]": "has [2], which is not a number",
    '{"a": 1, "b": 2}': "no header (--header) names the features",
    '"1,2': "is not CSV",
    "1,nan": "contains NaN: feature 1, time step 2",
    "1,": "contains NaN: feature 1",
    "[null, 1]": "contains NaN: feature 0",
    "1,-inf": "contains infinity: feature 1",
    "1,1e999": "contains infinity",
    "1_0,2": "has '1_0', which is not a number",
    '["truth", 2]': "has 'truth', which is not a number",
    "[" * 20000: "is JSON nested too deeply",
    "\xff": "has 1 value(s)",
}


def test_true_and_false_are_1_and_0_as_in_a_file(models):
    numbers = stream(models, "label", "1,2\n0,3\n1,0\n")
    bools = stream(models, "label", "True,2\n false ,3\n[true, false]\n")
    assert (bools.stderr, bools.stdout) == ("", numbers.stdout)


def test_a_bad_line_is_reported_and_skipped(models):
    _, _, X = models
    good = lines_of(X[0]).splitlines(True)
    expected = stream(models, "label", "".join(good)).stdout
    text = "".join([*good[:2], *(f"{line}\n" for line in BAD), *good[2:]])
    done = stream(models, "label", text)
    assert done.returncode == 0
    assert done.stdout == expected
    reports = done.stderr.splitlines()
    for number, (line, report) in enumerate(zip(BAD.values(), reports, strict=True), start=3):
        assert report.startswith(f"elman: line {number}: ")
        assert line in report
        assert report.endswith("; skipped")
    strict = stream(models, "label", text, "--strict")
    assert strict.returncode == 2
    assert strict.stdout == "".join(expected.splitlines(True)[:3])
    assert strict.stderr.startswith("elman: line 3: has 'x'")


def test_bytes_that_are_no_text_are_a_bad_line(models):
    folder, _, X = models
    done = subprocess.run(
        [sys.executable, "-m", "elman", "stream", str(folder / "label.safetensors")],
        input=b"\xff\xfe,1\n" + lines_of(X[0]).encode(), capture_output=True, timeout=120,
        env=os.environ | QUIET,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.startswith(b"elman: line 1: ")
    assert done.stdout.count(b"\n") == 6


def test_a_marker_begins_a_new_sequence(models):
    _, _, X = models
    one, other = lines_of(X[0]), lines_of(X[1])
    apart = [stream(models, "label", text, "--bare").stdout for text in (one, other)]
    for marker in ("", "---", "[]"):
        done = stream(models, "label", f"{one}{marker}\n{other}", "--bare", "--reset-on", marker)
        assert (done.stdout, done.stderr) == ("".join(apart), "")


def test_a_mark_of_utf_8_is_no_part_of_the_first_line(models):
    _, _, X = models
    expected = stream(models, "label", lines_of(X[0]))
    marked = stream(models, "label", "\ufeff" + lines_of(X[0]))
    assert (marked.stdout, marked.stderr) == (expected.stdout, "")


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_closed_standard_streams(models, closed):
    command = f"printf 'x\\n1,2\\n' | {sys.executable} -m elman stream label.safetensors {closed}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, cwd=models[0],
        env=os.environ | QUIET,
    )  # fmt: skip
    if closed == "<&-":
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "elman: standard input is closed\n"
    else:  # what there is to say of the bad line is not said among the answers
        assert (done.returncode, done.stderr) == (0, "")
        header, answer = done.stdout.splitlines()
        assert header.startswith("label,")
        assert answer.count(",") >= 3


def test_missing_values(models):
    _, fitted, X = models
    live = fitted["skip"].stream()
    steps = [X[0, 0], [1, np.nan], X[0, 1]]
    expected = [live.step(x) for x in steps]
    for gap in ("1,", "1,?", "1,nan", "[1, null]"):
        text = lines_of(X[0, 0]) + f"{gap}\n" + lines_of(X[0, 1])
        done = stream(models, "skip", text, "--bare")
        printed = np.array([row[1:] for row in csv.reader(io.StringIO(done.stdout))], float)
        np.testing.assert_allclose(printed, expected, rtol=1e-8)


def test_names_of_columns(models, tmp_path):
    _, _, X = models
    expected = stream(models, "label", lines_of(X[0])).stdout
    named = stream(models, "label", "a,b\n" + lines_of(X[0]), "--header")
    assert (named.stdout, named.stderr) == (expected, "")
    objects = "".join(json.dumps({"b": b, "a": a}) + "\n" for a, b in X[0].tolist())
    assert stream(models, "label", "a,b\n" + objects, "--header").stdout == expected
    wrong = stream(models, "label", "a,b,c\n1,2,3\n", "--header")
    assert wrong.returncode == 2
    assert "line 1: has 3 value(s)" in wrong.stderr

    after = stream(models, "label", "---\na,b\n" + objects, "--header", "--reset-on", "---")
    assert (after.stdout, after.stderr) == (expected, "")
    twice = stream(models, "label", "a,a\n" + objects, "--header")
    assert (twice.returncode, twice.stderr) == (2, "elman: line 1: names 'a' twice\n")

    frame = pd.DataFrame(X[:, :3, 0], columns=["x", "y", "z"])  # a column for each step
    path = tmp_path / "named.safetensors"
    RNNClassifier(**OPTIONS).fit(frame, np.resize([0, 1], 12)).save(path)
    done = run_shell("stream", path, input="1\n2\n")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 3)


def test_columns_are_read_by_the_names_of_training(models):
    folder, _, X = models
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    RNNClassifier(**OPTIONS).fit(frames, np.resize([0, 1], 12)).save(folder / "ab.safetensors")
    expected = stream(models, "ab", lines_of(X[0])).stdout
    turned = lines_of(X[0][:, ::-1])
    objects = "".join(json.dumps({"b": b, "a": a}) + "\n" for a, b in X[0].tolist())
    for lines in (turned, lines_of(X[0][:, ::-1], as_json=True), objects):
        for header in ("b,a", '"b", a', '["b", "a"]'):
            done = stream(models, "ab", f"{header}\n{lines}", "--header")
            assert (done.stdout, done.stderr) == (expected, ""), header
    done = stream(models, "ab", objects)
    assert (done.stdout, done.stderr) == (expected, "")


WRONG_NAMES = {
    "a": "has no 'b'; the model was trained on 'a', 'b'",
    "a,b,c": "has 'c', which is unknown; the model was trained on 'a', 'b'",
    "a,c": "has no 'b' and has 'c', which is unknown; the model was trained on 'a', 'b'",
    "b,a,b": "names 'b' twice",
    "1.5,2.5": "has no 'a', 'b' and has '1.5', '2.5', which is unknown",
    '["a", "b"': "is not JSON",
    '{"a": 1, "b": 2}': "is a JSON object, where --header expects a line with the names of the "
    "features; objects have them, so leave --header out",
}


def test_names_that_are_missing_or_unknown(models):
    folder, _, X = models
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    RNNClassifier(**OPTIONS).fit(frames, np.resize([0, 1], 12)).save(folder / "ab.safetensors")
    for header, message in WRONG_NAMES.items():
        done = stream(models, "ab", f"{header}\n1,2\n", "--header")
        assert (done.returncode, done.stdout) == (2, "label,p(0),p(1)\n")
        assert done.stderr.startswith(f"elman: line 1: {message}")


@pytest.mark.parametrize(("model", "features"), [("ab", "'a', 'b'"), ("label", "'b', 'a'")])
def test_lines_without_a_name_or_with_one_too_many(models, model, features):
    folder, _, X = models
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    RNNClassifier(**OPTIONS).fit(frames, np.resize([0, 1], 12)).save(folder / "ab.safetensors")
    lines = ["b,a", '{"a": 1}', '{"a": 1, "b": 2, "c": 3}', "1", "1,2,3", '{"a": 1, "b": 2}', ""]
    done = stream(models, model, "\n".join(lines), "--header", "--bare")
    assert done.stdout.count("\n") == 1
    assert [line.partition(" line ")[2] for line in done.stderr.splitlines()] == [
        f"2: has no 'b'; the features are {features}; skipped",
        f"3: has 'c', which is unknown; the features are {features}; skipped",
        "4: has 1 value(s), but the model takes 2 feature(s); skipped",
        "5: has 3 value(s), but the model takes 2 feature(s); skipped",
    ]


def test_what_cannot_stream_says_why(models):
    done = stream(models, "both", "1,2\n")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "train with --no-bidirectional" in done.stderr


def test_it_loads_no_scikit_learn(models):
    folder, _, _ = models
    program = (
        "import io, sys\nfrom elman.cli import main\n"
        "sys.stdin = io.TextIOWrapper(io.BytesIO(b'1,2\\n'))\n"
        f"assert main(['stream', {str(folder / 'label.safetensors')!r}]) == 0\n"
        "found = {'sklearn', 'scipy', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'loaded {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ax,ay\n1,2\n", "line 1: has 'ax', which is not a number; if it names the columns, pass"),
        ("t,ax,ay\n", "line 1: has 3 value(s), but the model takes 2 feature(s); if it names"),
        ("1;2\n", "line 1: has 1 value(s), but the model takes 2 feature(s); commas stand between"),
        ('{"a": 1, "b": 2}\n', "line 1: is a JSON object, but no header (--header) names"),
        ("1,nan\n", "only with --missing 'mask'"),
    ],
)
def test_the_first_line_says_what_to_do(models, text, told):
    done = stream(models, "label", text)
    assert done.returncode == 0
    assert told in done.stderr.splitlines()[0]


def test_only_words_of_the_first_line_may_be_names(models):
    done = stream(models, "label", "1,b\na,b\n")
    assert done.stderr.count("not a number") == 2
    assert "--header" not in done.stderr
