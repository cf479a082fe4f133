"""`elman fit --log` and `--max-minutes`: the history in a file, and nothing lost."""

from __future__ import annotations

import csv
import json
import time

import pandas as pd
import pytest
from helpers.cli_tools import recordings, run, write_ts

import elman


@pytest.fixture
def fit(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder with train.ts; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    write_ts(tmp_path / "train.ts", *recordings())

    def fit(*options):
        command = ["fit", "train.ts", "-o", "model.safetensors", "--force"]
        command += [] if "--no-quiet" in options else ["-q"]
        options = [option for option in options if option != "--no-quiet"]
        return run(capsys, *command, "--hidden-size", "3", "--max-iter", "4", *options)

    return fit


def test_a_log_holds_the_history(fit, tmp_path):
    for log in ("history.csv", "history.jsonl"):
        code, _, err = fit("--log", log)
        assert (code, err) == (0, "")
    history = elman.load("model.safetensors").history_
    table = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    losses = [float(row["loss"]) for row in table]
    assert losses == [row["loss"] for row in rows] == history.loss
    assert [row["run"] for row in table] == ["1"] * 4


def test_a_second_training_is_added(fit, tmp_path):
    fit("--log", "history.csv")
    before = (tmp_path / "history.csv").read_bytes()
    fit("--log", "history.csv", "--seed", "1")
    assert (tmp_path / "history.csv").read_bytes().startswith(before)
    assert pd.read_csv("history.csv")["run"].tolist() == [1] * 4 + [2] * 4


def test_a_log_goes_on_from_a_checkpoint(fit, monkeypatch):
    from elman.training.checkpoints import CheckpointFolder

    keep = CheckpointFolder.keep

    def dies(self, state):
        if len(state.history) == 3:
            raise KeyboardInterrupt
        keep(self, state)

    command = ["--log", "history.csv", "--checkpoint", "kept"]
    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFolder, "keep", dies)
        assert fit(*command)[0] == 130
    assert pd.read_csv("history.csv")["epoch"].tolist() == [1, 2, 3]
    assert fit(*command)[0] == 0  # from epoch 2
    frame = pd.read_csv("history.csv")
    assert frame["epoch"].tolist() == [1, 2, 3, 4]
    assert frame["run"].tolist() == [1] * 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("history.txt", None, "--log history.txt: the name must end in .csv or .jsonl"),
        ("away/history.csv", None, "there is no directory away"),
        ("notes.csv", "a,b\n1,2\n", "--log notes.csv: is not a log of training"),
        ("notes.jsonl", "hello\n", "--log notes.jsonl: line 1 is not JSON"),
        ("train.csv", "a,label\n1,x\n", "train.csv: is read by this command"),
    ],
)
def test_a_log_is_refused_before_training(fit, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    more = ["--test", "train.csv"] if name == "train.csv" else []
    code, _, err = fit("--log", name, *more)
    assert code == 2
    assert message in err
    assert not (tmp_path / "model.safetensors").exists()
    assert content is None or (tmp_path / name).read_text() == content


def test_other_columns_are_refused_before_training(fit, tmp_path, monkeypatch):
    fit("--log", "history.csv")
    before = (tmp_path / "history.csv").read_bytes()
    monkeypatch.setattr(elman.RNNClassifier, "fit", None)
    for options in (["--n-layers", "2"], ["--bidirectional"]):
        code, _, err = fit("--log", "history.csv", *options)
        assert code == 2
        assert "--log history.csv: has other columns than this training" in err
    assert (tmp_path / "history.csv").read_bytes() == before


@pytest.mark.parametrize("options", [[], ["--no-quiet"]])
def test_training_ends_when_the_minutes_are_over(fit, monkeypatch, options):
    now = [0.0]

    def clock():
        now[0] += 100.0
        return now[0]

    monkeypatch.setattr(time, "monotonic", clock)
    code, out, _ = fit("--max-minutes", "4", *options)
    assert code == 0
    assert "stopped by --max-minutes" in out
    history = elman.load("model.safetensors").history_
    assert history.stopped_by == "on_epoch"
    assert len(history) == 3
    code, _, err = fit("--max-minutes", "0")
    assert code == 2
    assert "--max-minutes 0: must be a finite number above 0" in err
