"""examples/deploy: what its program prepares is whole, and its C gives the answers of the model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from helpers.deploying import PREPARE, Deployed, assert_within, run

from elman import RNNClassifier
from elman.cli.app import main
from elman.data import load_japanese_vowels, write_npz


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return Deployed(tmp_path_factory.mktemp("deployed"))


def test_each_folder_has_what_its_program_reads(deployed):
    files = {
        name: sorted(path.name for path in (deployed.folder / name).iterdir())
        for name in ("browser", "node", "c")
    }
    assert files["browser"] == [
        "classify.js",
        "icon.svg",
        "index.html",
        "model.onnx",
        "recordings.json",
        "style.css",
    ]
    assert files["node"] == ["classify.mjs", "model.onnx", "recordings.json"]
    assert files["c"] == ["Makefile", "board.c", "main.c", "model.c", "model.h", "recording.h"]
    assert re.search(r"in C: [\d,]+ bytes of flash, [\d,]+ of RAM", deployed.said)


def test_recordings_are_written_as_they_are(deployed):
    text = (deployed.folder / "browser" / "recordings.json").read_text(encoding="utf-8")
    given = json.loads(text)
    assert given["classes"] == deployed.clf.classes_.tolist()
    assert [each["label"] for each in given["recordings"]] == deployed.y.tolist()
    for each, x in zip(given["recordings"], deployed.X, strict=True):
        assert np.array_equal(np.float32(each["steps"]), x)


def test_the_file_of_the_page_answers_as_the_model_does(deployed):
    session = onnxruntime.InferenceSession(deployed.folder / "browser" / "model.onnx")
    lengths = np.array([len(x) for x in deployed.X], np.int32)
    X = np.zeros((len(lengths), lengths.max(), 12), np.float32)
    for row, x in zip(X, deployed.X, strict=True):
        row[: len(x)] = x
    label, probabilities = session.run(None, {"X": X, "lengths": lengths})
    assert label.tolist() == deployed.labels.tolist()
    assert_within(probabilities, deployed.probabilities)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_c_program_answers_after_each_step(deployed):
    folder = deployed.folder / "c"
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"]
    run(["gcc", *strict, "main.c", "model.c", "-lm", "-o", "main"], folder)
    printed = run([folder / "main"], folder).splitlines()
    over_time = deployed.over_time(0)
    labels = deployed.clf.classes_[over_time.argmax(axis=1)]
    assert printed[:-1] == [f"step {t}: {label}" for t, label in enumerate(labels)]
    label, thousandths = re.fullmatch(r"answer: (.*), (\d+) of 1000", printed[-1]).groups()
    assert label == labels[-1]
    assert abs(int(thousandths) / 1000 - over_time[-1].max()) <= 0.0005 + 1e-5


def write_table(path):
    """A table of five recordings, of which the first lacks a value, with a column for nobody."""
    lines = ["run,t,heat,load,note,state"]
    for i, n in enumerate((3, 2, 4, 1, 5)):
        for t in range(n):
            heat = "" if i == t == 0 else f"{i}.{t}"
            lines.append(f"r{i},{t},{heat},{n - t},seen,{'on' if i % 2 else 'off'}")
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_table_is_read_as_in_training_and_gaps_are_left_out(tmp_path):
    write_table(tmp_path / "runs.csv")
    columns = ["--id", "run", "--time", "t", "--label", "state", "--features", "heat,load"]
    options = ["--missing", "mask", "--hidden-size", "3", "--max-iter", "1"]
    output = ["-o", str(tmp_path / "m.safetensors")]
    assert main(["fit", str(tmp_path / "runs.csv"), *columns, *options, *output]) == 0
    run([sys.executable, PREPARE, "m.safetensors", "runs.csv", "deploy"], tmp_path)
    text = (tmp_path / "deploy" / "browser" / "recordings.json").read_text(encoding="utf-8")
    given = json.loads(text)
    assert [len(each["steps"]) for each in given["recordings"]] == [2, 4, 1, 5]
    assert given["recordings"][0]["steps"] == [[1.0, 2.0], [1.1, 1.0]]
    assert [each["label"] for each in given["recordings"]] == ["on", "off", "on", "off"]
    assert "{1.0f, 2.0f}" in (tmp_path / "deploy" / "c" / "recording.h").read_text()


def test_what_the_programs_cannot_show_is_refused_in_a_line(tmp_path):
    X, y = load_japanese_vowels("test")
    write_npz(tmp_path / "test.npz", X[:3], y[:3])
    letters = RNNClassifier(3, max_iter=1, random_state=0).fit(["ab", "ba", "b"], [0, 1, 1])
    letters.save(tmp_path / "letters.safetensors")
    for model, said in (
        ("letters.safetensors", "reads text or categories"),
        ("none.safetensors", "No such file"),
    ):
        command = [sys.executable, PREPARE, model, "test.npz", "deploy"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "deploy").exists()
