"""examples/deploy: what its program prepares is whole, and its C gives the answers of the model."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import onnxruntime
import pytest
from helpers.deploying import Deployed, assert_within, run


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
