"""A front end on the command line: chosen, kept, shown, asked and streamed."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
from helpers.cli_tools import run

import elman
from elman import RNNClassifier
from elman.data import write_npz

X = np.sin(np.arange(300) / 40 + np.arange(8)[:, np.newaxis])
Y = np.array(list("abababab"))


@pytest.fixture
def files(tmp_path):
    write_npz(tmp_path / "train.npz", list(X[:, :, np.newaxis]), Y)
    return tmp_path


def fitted(files, capsys, *options):
    arguments = ["--max-iter", 2, "--hidden-size", 3, "--seed", 0, *options]
    path = files / "model.safetensors"
    code, out, err = run(capsys, "fit", files / "train.npz", "-o", path, *arguments)
    assert code == 0, err
    return path, out + err


def test_options_are_those_of_the_estimator(files, capsys):
    path, _ = fitted(files, capsys, "--deltas", 1, "--stride", 4, "--scale-each")
    clf = RNNClassifier(3, max_iter=2, random_state=0, deltas=1, stride=4, scale_each=True)
    clf.fit(list(X[:, :, np.newaxis]), Y)
    assert np.array_equal(elman.load(path).network_.params.flat, clf.network_.params.flat)


def test_what_auto_chose_is_shown(files, capsys):
    path, said = fitted(files, capsys, "--deltas", "auto", "--stride", "auto")
    assert '; "auto" chose stride=3, deltas=1, batch_size=32' in " ".join(said.split())
    shown = " ".join(run(capsys, "inspect", path)[1].split())
    assert "differences of order 1, means of 3 steps" in shown
    assert "stride=3: recordings have 300 steps" in shown
    told = json.loads(run(capsys, "inspect", path, "--json")[1])["frontend"]
    assert (told["deltas"], told["stride"], told["scale_each"]) == (1, 3, False)
    assert told["reasons"][1].startswith("deltas=1")


@pytest.mark.parametrize(
    ("option", "value"), [("--deltas", "many"), ("--deltas", 3), ("--stride", 0), ("--stride", "x")]
)
def test_a_wrong_value_is_refused(option, value, files, capsys):
    code, _, err = run(capsys, "fit", files / "train.npz", "-o", files / "m", option, value)
    assert code == 2
    assert option.strip("-") in err


def test_each_line_of_a_stream_is_answered_with_all_lines_so_far(files, capsys, monkeypatch):
    path, _ = fitted(files, capsys, "--deltas", 1, "--stride", 3)
    lines = "".join(f"{value}\n" for value in X[0, :5]).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    code, out, err = run(capsys, "stream", path, "--json")
    assert code == 0
    assert " ".join(err.split()) == (
        "elman: the model reads means of 3 time steps (stride); within a block, a line is answered "
        "as if the recording ended there"
    )
    clf = elman.load(path)
    for t, line in enumerate(out.splitlines()):
        told = json.loads(line)
        shares = clf.predict_proba([X[0, : t + 1, np.newaxis]])[0]
        assert told["label"] == clf.classes_[shares.argmax()]
        assert list(told["p"].values()) == pytest.approx(shares.tolist(), rel=1e-6)
    assert t == 4


def test_a_stream_that_cannot_be_says_why(files, capsys):
    path, _ = fitted(files, capsys, "--scale-each")
    code, _, err = run(capsys, "stream", path)
    assert code == 2
    assert "--scale-each divides a recording by its own amplitude" in err
