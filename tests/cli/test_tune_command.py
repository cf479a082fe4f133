"""`elman tune` saves the best model that it found, says what it is, and harms no file."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli_tools import run

import elman

SMALL = ["--hidden-size", "3", "--max-iter", "2", "--folds", "2", "--n-jobs", "1"]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    with open(tmp_path / "runs.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "ax", "ay", "word", "step", "amount"])
        for i in range(23):
            x = rng.normal(size=(int(rng.integers(2, 7)), 2))
            word = "yes" if x[0, 0] > 0 else "no"
            for row in x:
                step = "up" if row[0] > 0 else "down"
                writer.writerow([f"run-{i}", *row, word, step, x[:, 1].sum()])
    with open(tmp_path / "people.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [["who", "person"], *([f"run-{i}", "abc"[i % 3]] for i in range(23))]
        )
    return tmp_path


def tune(capsys, folder, *more, columns=("--label", "word", "--features", "ax,ay")):
    arguments = ["tune", folder / "runs.csv", "--id", "who", *columns, *SMALL]
    return run(capsys, *arguments, "-o", folder / "best.safetensors", *more)


def test_model_table_and_words(folder, capsys):
    code, out, err = tune(capsys, folder, "--n-candidates", "3", "--table", folder / "all.csv")
    assert (code, err) == (0, "")
    assert "untouched: 2 trainings" in out
    assert "What mattered, one change at a time: " in out
    assert "Simple rules on the same folds: always the commonest class" in out
    assert "Saved an RNNClassifier to" in out
    model = elman.load(folder / "best.safetensors")
    assert model.model_.columns == {"id": "who", "label": "word"}
    assert [*model.feature_names_in_] == ["ax", "ay"]
    with open(folder / "all.csv", newline="") as file:
        assert len([*csv.DictReader(file)]) == 3
    code, out, _ = run(capsys, "evaluate", folder / "best.safetensors", folder / "runs.csv")
    assert code == 0

    code, _, err = tune(capsys, folder, "--n-candidates", "1")
    assert code == 2
    assert "--force replaces it" in err
    assert tune(capsys, folder, "--n-candidates", "3", "--force", "-q")[0] == 0
    again = elman.load(folder / "best.safetensors")
    assert again.network_.params.flat.tobytes() == model.network_.params.flat.tobytes()


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (("--step-label", "step", "--features", "ax,ay"), "RNNTagger"),
        (("--target", "amount", "--features", "ax,ay"), "RNNRegressor"),
        (("--step-target", "ay", "--features", "ax"), "RNNRegressor"),
    ],
)
def test_other_kinds_as_json(folder, capsys, columns, kind):
    code, out, err = tune(capsys, folder, "--n-candidates", "2", "--json", columns=columns)
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["kind"] == kind == type(elman.load(folder / "best.safetensors")).__name__
    assert told["n_candidates"] == len(told["candidates"]) == 2
    assert told["best"] == told["candidates"][0]
    assert told["what_mattered"][0]["change"] == "deltas=1"


def test_groups_streams_and_a_scorer(folder, capsys):
    options = ["--groups", folder / "people.csv", "--streams", "--scoring", "f1_macro", "-q"]
    code, out, err = tune(capsys, folder, "--n-candidates", "5", "--folds", "4", *options)
    assert (code, err) == (0, "")
    assert "3 grouped stratified folds (not 4: there are 3 groups)" in out
    assert "Its f1_macro is 0." in out
    assert "bidirectional" not in out
    elman.load(folder / "best.safetensors").stream()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--minutes", "1", "--n-candidates", "2"], "--minutes and --n-candidates both"),
        (["--minutes", "0"], "--minutes 0: must be a finite number above 0"),
        (["--checkpoint", "here"], "--checkpoint is for elman fit"),
        (["--loss", "huber"], "--loss is no option of an RNNClassifier"),
        (["--table", "best.json"], "must end in .csv"),
        (["--table", "runs.csv", "--force"], "is read by this command"),
        (["--groups", "runs.csv"], "runs.csv, line 2: has 6 column(s)"),
        (["--groups", "few.csv"], "few.csv: has no group for recording 'run-1'"),
        (["--groups", "twice.csv"], "twice.csv, line 3: recording 'run-0' is there twice"),
        (["--groups", "none.csv"], "none.csv"),
        (["--bidirectional", "--streams"], "--streams and --bidirectional, which has no answer"),
        (["--scale-each", "--streams"], "--streams and --scale-each, which has no answer"),
        (["--scoring", "acuracy"], "acuracy"),
        (
            ["--scoring", "r2"],
            "--scoring 'r2' failed for the estimator as it was given on fold 1 of",
        ),
        (["--scoring", "r2", "--n-jobs", "2"], "--scoring 'r2' failed for the estimator as it was"),
    ],
)
def test_mistakes_are_told_in_a_line_and_nothing_is_written(
    folder, capsys, more, words, monkeypatch
):
    monkeypatch.chdir(folder)
    (folder / "few.csv").write_text("who,person\nrun-0,a\n")
    (folder / "twice.csv").write_text("who,person\nrun-0,a\nrun-0,b\n")
    code, _, err = tune(capsys, folder, *more)
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert not (folder / "best.safetensors").exists()


def test_ctrl_c_saves_the_best_so_far(folder):
    """By a signal, to a search with other processes that would go on for minutes."""
    arguments = ["tune", "runs.csv", "--id", "who", "--label", "word", "--features", "ax,ay"]
    arguments += [*SMALL[:-2], "--n-jobs", "2", "-o", "best.safetensors", "--minutes", "9"]
    program = [sys.executable, "-c", "from elman.cli import main; import sys; sys.exit(main())"]
    with subprocess.Popen(
        [*program, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as ran:
        assert "untouched" in ran.stdout.readline()
        ran.send_signal(signal.SIGINT)
        out, err = ran.communicate()
    assert (ran.returncode, err) == (130, "")
    assert "Interrupted: the best that was found until then was trained on all samples." in out
    assert elman.load(folder / "best.safetensors").n_iter_ == 2
