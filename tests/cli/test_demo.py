"""The demo trains, compares, draws, and ends with commands that work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli_tools import run, run_shell

from elman.cli.demo_tasks import TASKS, make_task
from elman.data import make_parity
from elman.evaluation import baselines

PICTURES = ["loss.png", "confusion.png", "hidden-states.png", "when-did-it-know.png"]


def accuracy_of(classifier, out):
    line = next(line for line in out.splitlines() if line.startswith(classifier))
    return float(re.search(r"([\d.]+) %", line).group(1)) / 100


@pytest.fixture(scope="module")
def vowels(tmp_path_factory):
    """The demo on speech, as a person without a terminal sees it, whatever COLUMNS says."""
    folder = tmp_path_factory.mktemp("demo")
    command = ["demo", "--task", "vowels", "--max-iter", "15"]
    done = run_shell(*command, cwd=folder, env={"COLUMNS": "0"})
    assert done.returncode == 0, done.stderr
    return folder, done


def test_it_says_what_the_data_is_and_its_licence(vowels):
    out = vowels[1].stdout
    assert "JapaneseVowels" in out
    assert "CC BY 4.0" in out
    assert "270" in out
    assert "370" in out


def test_it_prints_ten_plain_lines_of_epochs(vowels):
    done = vowels[1]
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert sum(line.startswith("epoch") for line in done.stdout.splitlines()) == 10


def test_it_names_the_backend_and_the_time(vowels):
    out = vowels[1].stdout
    assert re.search(r"hidden units: (native|reference) backend \(", out)
    assert re.search(r"^15 epochs in [\d.]+ s, (best \d+, )?training \d", out, re.MULTILINE)


def test_it_puts_honest_baselines_beside_the_network(vowels):
    out = vowels[1].stdout
    # The training split is balanced: the first speaker it is, 31 of 370 in the test split.
    assert accuracy_of("always the commonest class", out) == pytest.approx(31 / 370, abs=5e-4)
    assert accuracy_of("logistic regression, resampled", out) > 0.98
    assert accuracy_of("logistic regression, last", out) > 0.9
    assert accuracy_of("Elman network", out) > 0.9
    assert "nearly linearly separable" in out


def test_it_draws_four_pictures(vowels):
    for name in PICTURES:
        assert (vowels[0] / "elman-demo" / name).read_bytes().startswith(b"\x89PNG")


def test_the_commands_it_ends_with_work_when_pasted(vowels):
    folder, done = vowels
    commands = done.stdout.partition("Try next\n")[2].strip().splitlines()
    assert len(commands) == 5
    for command in commands[:-1]:  # the last is another demo
        words = shlex.split(command)
        if "fit" in words:
            command += " --max-iter 2"
        subprocess.run(command, shell=True, check=True, cwd=folder, capture_output=True, timeout=60)
    assert commands[-1].endswith("demo --task parity")


@pytest.mark.parametrize("task", [name for name in TASKS if name != "vowels"])
def test_a_task_of_memory_runs(capsys, tmp_path, task):
    code, out, err = run(capsys, "demo", "--task", task, "--max-iter", 1, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    for group in ("41 to 100", "101 to 300", "301 to 1000"):
        assert group in out
    for name in ["accuracy-by-length.png", *PICTURES]:
        assert (tmp_path / "out" / name).exists()
        assert name in out
    assert "1 epoch in" in out
    assert "recording" not in out
    # 900 fair coins are this far from one half once in ten thousand times
    for baseline in ("always the commonest", "logistic regression, last step"):
        assert accuracy_of(baseline, out) == pytest.approx(0.5, abs=0.065)


def test_without_a_task_it_leads_with_what_only_recurrence_can_do(capsys, tmp_path):
    code, out, err = run(capsys, "demo", "--max-iter", 1, "-o", tmp_path)
    assert (code, err) == (0, "")
    first, second = out.partition("Who is speaking?")[::2]
    assert "Is the number of ones odd?" in first
    assert accuracy_of("logistic regression, last 40 steps", first) == pytest.approx(0.5, abs=0.065)
    assert accuracy_of("logistic regression, resampled", second) > 0.98
    assert "nearly linearly separable" in second
    assert "--task parity" not in out
    for name in PICTURES:
        assert (tmp_path / "parity" / name).exists()
        assert (tmp_path / "vowels" / name).exists()
    assert out.count("Try next") == 1
    assert out.rstrip().endswith("demo --task temporal-xor")


def test_parity_is_learned_exactly_far_beyond_the_training_lengths(tmp_path):
    done = run_shell("demo", "--task", "parity", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert accuracy_of("Elman network", done.stdout) == 1
    assert "it has found the rule itself" in done.stdout


def test_test_strings_are_longer_than_any_in_training():
    task = make_task("parity", seed=3)
    assert max(map(len, task.X_train)) < min(map(len, task.X_test))


def test_the_seed_decides_the_data():
    same, again, other = (make_task("tomita", seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, same.X_train, again.X_train))
    assert not all(map(np.array_equal, same.X_train, other.X_train))


def test_without_matplotlib_it_says_what_to_install(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out, err = run(capsys, "demo", "--task", "vowels", "--max-iter", 1, "-o", tmp_path)
    assert (code, err) == (0, "")
    assert "pip install 'elman[plot]'" in out
    assert "Try next" in out
    assert not list(tmp_path.glob("*.png"))


def test_files_that_are_not_the_demos_own_stay(capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert run(capsys, "demo", "--task", "vowels", "--max-iter", 1, "-o", tmp_path)[0] == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_baseline_of_the_majority():
    assert baselines.majority_accuracy(["a", "b", "b"], ["a", "b", "a", "a"]) == 0.25


def test_columns_of_the_baselines():
    X = [np.array([[1.0, 10], [3, 30]]), np.array([[5.0, 50], [6, 60], [8, 80]])]
    assert baselines.last_step(X).tolist() == [[3, 30], [8, 80]]
    assert baselines.resampled(3)(X).tolist() == [[1, 10, 2, 20, 3, 30], [5, 50, 6, 60, 8, 80]]
    assert baselines.resampled(2)([np.array([[7.0]])]).tolist() == [[7, 7]]
    assert baselines.padded(2)([x[:, :1] for x in X]).tolist() == [[1, 3], [6, 8]]
    assert baselines.padded(3)([x[:, :1] for x in X]).tolist() == [[0, 1, 3], [5, 6, 8]]


def test_logistic_baseline_solves_what_is_linear():
    X, _ = make_parity(60, min_length=2, max_length=5, random_state=4)
    y = np.array([int(x[-1, 0]) for x in X])
    assert baselines.logistic_accuracy(baselines.last_step, X[:40], y[:40], X[40:], y[40:]) == 1
