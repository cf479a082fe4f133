"""The commands do what they say, on a terminal and in a pipe."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from helpers.cli_tools import CLASSES, QUIET, recordings, run, run_shell, write_ts

import elman
from elman.data import Dataset, write_npz

SMALL = ["--hidden-size", "7", "--max-iter", "40", "--learning-rate-init", "0.02"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A directory with train.ts, test.npz and a model trained on the first."""
    from elman.cli import main

    folder = tmp_path_factory.mktemp("notes")
    write_ts(folder / "train.ts", *recordings())
    write_npz(folder / "test.npz", *recordings(n_samples=11, seed=6))
    code = main(["fit", f"{folder}/train.ts", "-o", f"{folder}/model.safetensors", "-q", *SMALL])
    assert code == 0
    return folder


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"elman {elman.__version__}\n", "")


def test_help_lists_every_command(capsys):
    code, out, err = run(capsys, "--help")
    assert (code, err) == (0, "")
    for command in ("demo", "fit", "tune", "predict", "stream", "evaluate", "inspect", "gradcheck"):
        assert command in out
    assert run(capsys) == (0, out, "")


@pytest.mark.parametrize(
    "command", ["demo", "fit", "tune", "predict", "stream", "evaluate", "inspect", "gradcheck"]
)
def test_each_command_has_help(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert "Usage" in out


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from elman.cli import main; main(['--help']); main(['fit', '--help'])\n"
        "heavy = {'sklearn', 'scipy', 'matplotlib', 'safetensors', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)


def test_fit_prints_plain_lines_in_a_pipe(tmp_path, files):
    done = run_shell("fit", files / "train.ts", "-o", tmp_path / "m.safetensors", "--max-iter", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    epochs = [line for line in done.stdout.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in epochs] == ["1/3", "2/3", "3/3"]
    summary, saved = done.stdout.splitlines()[-2:]
    assert re.fullmatch(r"3 epochs in [\d.]+ s, (best \d, )?training [\d.]+ %.*", summary)
    assert saved == f"Saved an RNNClassifier to {tmp_path / 'm.safetensors'}"


def test_fit_with_a_test_file_reports_on_it(capsys, tmp_path, files):
    model = tmp_path / "m.safetensors"
    arguments = ["fit", files / "train.ts", "--test", files / "test.npz", "-o", model, *SMALL]
    code, out, err = run(capsys, *arguments, "-q")
    assert (code, err) == (0, "")
    assert "epoch 1" not in out
    assert out.startswith("40 epochs in ")
    assert "Accuracy 100.0 % (11 of 11)" in out


def test_the_same_seed_gives_the_same_model(capsys, tmp_path, files):
    models = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / name
        arguments = ["fit", files / "train.ts", "-o", path, "-q", "--max-iter", "2"]
        assert run(capsys, *arguments, "--seed", seed)[0] == 0
        models.append(elman.RNNClassifier.load(path).weights_["recurrent0.W_h"])
    assert np.array_equal(models[0], models[1])
    assert not np.array_equal(models[0], models[2])


def test_options_of_fit_reach_the_estimator(capsys, tmp_path, files):
    path = tmp_path / "m.safetensors"
    options = ["--activation", "relu", "--readout", "mean", "--recurrent-init", "identity"]
    options += ["--solver", "sgd", "--batch-size", "5", "--alpha", "0.001", "--no-standardize"]
    options += ["--hidden-size", "6", "--max-iter", "2", "--dtype", "float64"]
    options += ["--max-grad-norm", "none", "--momentum", "0.5", "--no-nesterovs-momentum"]
    assert run(capsys, "fit", files / "train.ts", "-o", path, "-q", *options)[0] == 0
    params = elman.RNNClassifier.load(path).get_params()
    wanted = {"activation": "relu", "readout": "mean", "recurrent_init": "identity"}
    wanted |= {"solver": "sgd", "batch_size": 5, "alpha": 0.001, "standardize": False}
    wanted |= {"max_grad_norm": None, "momentum": 0.5, "nesterovs_momentum": False}
    wanted |= {"hidden_size": 6, "max_iter": 2, "dtype": "float64", "random_state": 0}
    assert {name: params[name] for name in wanted} == wanted


def test_the_training_regime_on_the_command_line(capsys, tmp_path, files):
    path = tmp_path / "m.safetensors"
    options = ["--learning-rate", "plateau", "--warm-up", "2", "--max-grad-value", "0.5"]
    options += ["--bucket-by-length", "--early-stopping", "--scoring", "f1_macro"]
    options += ["--max-iter", "5"]  # too few for a hint about the training
    arguments = ["fit", files / "train.ts", "-o", path, "-q", *SMALL, *options]
    assert run(capsys, *arguments)[0] == 0
    params = elman.RNNClassifier.load(path).get_params()
    wanted = {"learning_rate": "plateau", "warm_up": 2, "max_grad_value": 0.5}
    wanted |= {"bucket_by_length": True, "early_stopping": True, "scoring": "f1_macro"}
    assert {name: params[name] for name in wanted} == wanted
    code, _, err = run(capsys, *arguments, "--force", "--warm-up", "0.25")
    assert (code, err) == (0, "")
    assert elman.RNNClassifier.load(path).warm_up == 0.25
    for bad, message in (("soon", "neither a whole number"), ("1.5", "--warm-up 1.5")):
        code, _, err = run(capsys, *arguments, "--force", "--warm-up", bad)
        assert code == 2
        assert message in " ".join(err.split())


def test_fit_replaces_a_model_only_when_forced(capsys, tmp_path, files):
    path = tmp_path / "m.safetensors"
    arguments = ["fit", files / "train.ts", "-o", path, "-q", "--max-iter", "1"]
    assert run(capsys, *arguments)[0] == 0
    before = path.read_bytes()
    code, _, err = run(capsys, *arguments, "--hidden-size", "5")
    assert code == 2
    assert "--force" in err
    assert path.read_bytes() == before
    assert run(capsys, *arguments, "--hidden-size", "5", "--force")[0] == 0
    assert elman.RNNClassifier.load(path).hidden_size == 5


def test_predict_writes_csv_that_agrees_with_python(capsys, files):
    model = elman.RNNClassifier.load(files / "model.safetensors")
    X, _ = recordings(n_samples=11, seed=6)
    code, out, err = run(
        capsys, "predict", files / "model.safetensors", files / "test.npz", "--proba"
    )
    assert (code, err) == (0, "")
    header, *rows = csv.reader(io.StringIO(out))
    assert header == ["label", *(f"p({c})" for c in CLASSES)]
    assert [row[0] for row in rows] == model.predict(X).tolist()
    written = np.array([row[1:] for row in rows], dtype=np.float32)
    assert np.array_equal(written, model.predict_proba(X).astype(np.float32))


def test_predict_without_probabilities_to_a_file(capsys, tmp_path, files):
    target = tmp_path / "labels.csv"
    arguments = ["predict", files / "model.safetensors", files / "test.npz"]
    assert run(capsys, *arguments, "-o", target) == (0, "", "")
    assert target.read_text() == run(capsys, *arguments)[1]
    assert target.read_text().splitlines()[0] == "label"
    code, _, err = run(capsys, *arguments, "-o", target)
    assert code == 2
    assert "--force" in err
    assert run(capsys, *arguments, "-o", target, "--force")[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["labels.csv"]


def test_a_label_with_a_comma_survives_the_csv(capsys, tmp_path):
    X, y = recordings()
    awkward = np.array(['do, "re"' if label == "do" else label for label in y])
    write_npz(tmp_path / "data.npz", X, awkward)
    fit = ["fit", tmp_path / "data.npz", "-o", tmp_path / "m", "-q", *SMALL]
    assert run(capsys, *fit)[0] == 0
    _, out, _ = run(capsys, "predict", tmp_path / "m", tmp_path / "data.npz")
    assert {row[0] for row in csv.reader(io.StringIO(out))} == {"label", 'do, "re"', "mi", "sol"}


def test_predict_into_a_pipe_whose_reader_stops(files):
    command = [sys.executable, "-m", "elman", "predict"]
    command += [str(files / "model.safetensors"), str(files / "test.npz")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=os.environ | QUIET, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_evaluate_prints_every_number(capsys, files):
    code, out, err = run(capsys, "evaluate", files / "model.safetensors", files / "test.npz")
    assert (code, err) == (0, "")
    assert "Accuracy 100.0 % (11 of 11)" in out
    for words in ("precision", "recall", "F1", "Confusion matrix", *CLASSES):
        assert words in out


def test_evaluate_counts_mistakes(capsys, tmp_path, files):
    X, y = recordings(n_samples=11, seed=6)
    swapped = y.copy()
    swapped[y == "do"] = "mi"
    write_npz(tmp_path / "wrong.npz", X, swapped)
    code, out, _ = run(capsys, "evaluate", files / "model.safetensors", tmp_path / "wrong.npz")
    assert code == 0
    assert "Accuracy 63.6 % (7 of 11)" in out
    row = next(line.split() for line in out.splitlines() if line.startswith("mi") and "." in line)
    assert row[:2] == ["mi", "8"]


def test_inspect_shows_what_a_model_is(capsys, files):
    code, out, err = run(capsys, "inspect", files / "model.safetensors")
    assert (code, err) == (0, "")
    # 2*7 + 7*7 + 7 recurrent, 7*3 + 3 in the head
    assert "94" in out
    for words in (
        "recurrent0 (elman)",
        "W_h 7 x 7",
        "of float64",
        "'do', 'mi', 'sol'",
        "hidden_size",
        "training loss",
    ):
        assert words in out


def test_inspect_shows_the_names_of_features(capsys, tmp_path):
    X, y = recordings()
    frames = [pd.DataFrame(x, columns=["[red]", "\x1b[31m"]) for x in X]
    elman.RNNClassifier(hidden_size=3, max_iter=1).fit(frames, y).save(tmp_path / "model")
    code, out, err = run(capsys, "inspect", tmp_path / "model")
    assert (code, err) == (0, "")
    assert re.search(r"features +2: '\[red\]', '\\x1b\[31m'", out)


def test_files_with_other_columns_are_refused_before_training(capsys, tmp_path, monkeypatch):
    X, y = recordings()
    names = {"train": ("u", "v"), "test": ("v", "u")}
    monkeypatch.setattr(
        "elman.cli.fit.read_data",
        lambda path, given, **_: Dataset(list(X), y, feature_names=names[path.stem]),
    )
    for option in ("--test", "--validation"):
        command = ["fit", "train.npz", option, "test.npz", "-o", tmp_path / "model"]
        assert run(capsys, *command) == (
            2,
            "",
            "elman: test.npz: has the columns 'v', 'u', and the training data 'u', 'v'\n",
        )


def test_labels_and_file_names_are_printed_as_they_are(capsys, tmp_path):
    X, _ = recordings()
    y = np.array(["[red]do", "[/]", "\x1b[31mmi\n"])[np.arange(len(X)) % 3]
    data, model = tmp_path / "[red]train.npz", tmp_path / "[bold]model"
    write_npz(data, X, y)
    code, out, err = run(capsys, "fit", data, "--test", data, "-o", model, "--max-iter", 1)
    assert (code, err) == (0, "")
    assert f"Saved an RNNClassifier to {model}" in out
    for command in (["evaluate", model, data], ["inspect", model]):
        code, out, err = run(capsys, *command)
        assert (code, err) == (0, "")
        assert "[red]do" in out
        assert "[/]" in out
        assert r"\x1b[31mmi\n" in out
        assert "\x1b" not in out


@pytest.mark.parametrize("link", [True, False])
def test_a_csv_goes_where_a_link_points(capsys, tmp_path, files, link):
    there, name = tmp_path / "there.csv", tmp_path / "name.csv"
    there.write_text("old")
    if link:
        name.symlink_to(there)
    code, *_ = run(
        capsys, "predict", files / "model.safetensors", files / "train.ts", "-o", name, "--force"
    )
    assert code == 0
    assert name.is_symlink() == link
    assert (there.read_text() == "old") != link


@pytest.mark.parametrize("columns", ["20", "40", "200"])
def test_a_narrow_terminal_is_no_trouble(capsys, monkeypatch, files, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, out, err = run(capsys, "inspect", files / "model.safetensors")
    assert (code, err) == (0, "")
    assert "recur" in out
    code, out, err = run(capsys, "evaluate", files / "model.safetensors", files / "test.npz")
    assert (code, err) == (0, "")
    assert ("Confusion matrix" in out) == (columns != "20")


def test_a_language_without_boxes_is_no_trouble(files):
    done = run_shell(
        "evaluate",
        files / "model.safetensors",
        files / "test.npz",
        env={"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_gradcheck_passes_and_names_the_worst_parameter(capsys):
    code, out, err = run(capsys, "gradcheck", "--readout", "last,max", "--seed", "3")
    assert (code, err) == (0, "")
    assert "readout=last,max, n_classes=3" in out
    code, out, err = run(capsys, "gradcheck", "--readout", "mean", "--seed", "3")
    assert (code, err) == (0, "")
    assert "recurrent0.W_h" in out
    assert "worst" in out


def test_gradcheck_of_columns_of_categories(capsys):
    whole = ("gradcheck", "--backend", "reference", "--readout", "last")
    code, out, err = run(capsys, *whole, "--categories", "5:3, 4", "--n-features", "0")
    assert (code, err) == (0, "")
    assert "5 categories as vectors of 3, 4 categories one-hot" in out
    assert "embedding0.E" in out
    for wrong in ("5:", "x", "5,,4", "-3"):
        code, out, err = run(capsys, *whole, f"--categories={wrong}")
        assert (code, out) == (2, "")
        assert "is not a number of categories, such as 5" in err
    code, _, err = run(capsys, *whole, "--categories=0")
    assert code == 2
    assert "categories[0][0]=0; it must be at least 1" in err


def test_gradcheck_that_cannot_pass_exits_1(capsys):
    code, _, _ = run(capsys, "gradcheck", "--backend", "reference", "--tolerance", "1e-300")
    assert code == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_saves_the_best_weights_so_far(tmp_path, files):
    model = tmp_path / "m.safetensors"
    command = [sys.executable, "-m", "elman", "fit", str(files / "train.ts"), "-o", str(model)]
    command += ["--max-iter", "1000000"]
    with subprocess.Popen(
        command, env=os.environ | QUIET, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    assert "saved the best weights so far" in out
    assert elman.RNNClassifier.load(model).n_features_in_ == 2


def on_a_terminal(arguments, environment):
    """Exit code of a command on a pseudo-terminal, and what is to be seen there."""
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "elman", *map(str, arguments)]
    plain = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS", "LINES")}
    environment = plain | QUIET | {"TERM": "xterm-256color"} | environment
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        seen = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # Linux's end of file on a pseudo-terminal
                break
            if not chunk:
                break
            seen += chunk
    os.close(master)
    return process.returncode, seen.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_on_a_terminal_there_is_a_live_bar(tmp_path, files):
    command = ["fit", files / "train.ts", "-o", tmp_path / "m", "--max-iter", "9"]
    code, seen = on_a_terminal(command, {})
    assert code == 0
    assert "9/9" in seen
    assert "\x1b[" in seen


def test_outputs_that_would_be_in_each_others_way_are_refused_before_training(capsys, tmp_path):
    X, y = recordings()
    runs = tmp_path / "runs"
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        (runs / label).mkdir(parents=True, exist_ok=True)
        text = "\n".join(",".join(map(str, row)) for row in [["a", "b"], *x.tolist()])
        (runs / label / f"{i}.csv").write_text(text + "\n")
    before = sorted(tmp_path.rglob("*"))
    q, kept = tmp_path / "q.safetensors", tmp_path / "kept"
    refused = {
        "the model is the folder": (q, q, "is or lies in what --output names"),
        "the folder lies in the model": (q, q / "kept", "is or lies in what --output names"),
        "the model is a file of the folder": (
            kept / ".." / "kept" / "best.safetensors",
            kept,
            "keeps; name another",
        ),
        "states among recordings": (q, runs, "is or lies in the folder that is read"),
        "states below recordings": (q, runs / "do", "is or lies in the folder that is read"),
        "the model among recordings": (runs / "q.safetensors", kept, "lies in the folder that"),
    }
    for model, folder, words in refused.values():
        if model.parent.name == "kept":
            kept.mkdir()
        command = ["fit", runs, "--label", "state", "-o", model, *SMALL, "--checkpoint", folder]
        code, _, error = run(capsys, *command)
        assert code == 2, (model, folder)
        assert words in error
        if kept.is_dir():
            kept.rmdir()
    assert sorted(tmp_path.rglob("*")) == before


def test_fit_warns_once_of_minus_one_that_may_be_a_class(capsys, tmp_path):
    X, _ = recordings()
    write_npz(tmp_path / "tags.npz", X, [np.arange(len(x)) % 3 - 1 for x in X])
    command = ["fit", tmp_path / "tags.npz", "--test", tmp_path / "tags.npz", *SMALL]
    command += ["--max-iter", "5"]  # too few for a hint about the training
    code, _, error = run(capsys, *command, "-o", tmp_path / "m.safetensors")
    assert code == 0
    assert error.count("\n") == error.count("add 1 to every label") == 1


def test_fit_says_on_one_line_what_may_be_wrong_with_a_training(capsys, tmp_path, files):
    options = [*SMALL, "--max-iter", "10", "--learning-rate-init", "1e-6", "--no-standardize"]
    command = ["fit", files / "train.ts", "-o", tmp_path / "m.safetensors", "-q", *options]
    code, _, error = run(capsys, *command)
    assert code == 0
    assert error.startswith("elman: the network has learned little: after 10 epochs")
    assert "Raise --learning-rate-init (1e-06 now)" in error
    assert error.count("\n") == 1


def test_fit_goes_on_from_a_checkpoint(capsys, tmp_path, files):
    model, folder = tmp_path / "m.safetensors", tmp_path / "run"
    command = ["fit", files / "train.ts", "-o", model, *SMALL, "--checkpoint", folder]
    assert run(capsys, *command)[0] == 0
    last = max(folder.glob("epoch-*.safetensors"))
    assert "epoch" in run(capsys, "inspect", last)[1]
    first = model.read_bytes()
    last.unlink()  # as if it had been killed in the last epoch
    code, out, err = run(capsys, *command, "--force")
    assert (code, err) == (0, "")
    assert len([line for line in out.splitlines() if line.startswith("epoch")]) <= 1
    again = elman.RNNClassifier.load(model)
    assert last.exists()
    model.write_bytes(first)
    for name, weights in elman.RNNClassifier.load(model).weights_.items():
        assert np.array_equal(weights, again.weights_[name])
    code, _, err = run(capsys, *command, "--force", "--solver", "sgd")
    assert code != 0
    assert "solver is 'sgd' here and 'adam' there" in err


def test_fit_keeps_no_state_without_a_folder(capsys, tmp_path, files):
    for option in ("--checkpoint-epochs", "--checkpoint-minutes"):
        command = ["fit", files / "train.ts", "-o", tmp_path / "m.safetensors", option, "3"]
        assert run(capsys, *command)[0] == 2
        assert "want --checkpoint FOLDER" in run(capsys, *command)[2]


# Wherever it is shown, all of it is

SIZES = {
    "no width": {"COLUMNS": "0"},
    "below 0": {"COLUMNS": "-5"},
    "no number": {"COLUMNS": "wide"},
    "a digit that int refuses": {"COLUMNS": "²"},
    "empty": {"COLUMNS": ""},
    "as wide as no terminal": {"COLUMNS": "9" * 30},
    "more digits than int reads": {"COLUMNS": "9" * 5000},
    "no height": {"LINES": "0"},
    "one line": {"LINES": "1"},
    "no number of lines": {"LINES": "²"},
    "neither": {"COLUMNS": "0", "LINES": "0"},
    "a terminal that can do nothing": {"TERM": "dumb"},
    "an unknown terminal": {"TERM": ""},
}
NARROW = ["1", "2", "7", "13", "20", "41"]
LONG = "a label that is longer than a terminal is wide, " * 3


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Arguments of every command that prints a table, of each kind of model, by name."""
    folder = tmp_path_factory.mktemp("shown")
    X, labels = recordings()
    rng = np.random.default_rng(3)
    y = {
        "labels": np.where(labels == "do", LONG, labels),
        "steps": [(x[:, 0] > 1).astype(int) for x in X],
        "several": rng.integers(0, 2, size=(len(X), 4)),
        "values": rng.normal(size=(len(X), 3)),
    }
    kinds = {"labels": elman.RNNClassifier, "several": elman.RNNClassifier}
    kinds |= {"steps": elman.RNNTagger, "values": elman.RNNRegressor}
    commands = {}
    for name, kind in kinds.items():
        model, data = folder / f"{name}.safetensors", folder / f"{name}.npz"
        write_npz(data, X, y[name])
        kind(hidden_size=3, max_iter=1, random_state=0).fit(X, y[name]).save(model)
        commands[f"evaluate {name}"] = ["evaluate", model, data]
        commands[f"inspect {name}"] = ["inspect", model]
    test = ["--test", folder / "labels.npz", "-o", folder / "new", "--force", "-q"]
    commands["fit"] = ["fit", folder / "labels.npz", *test, "--max-iter", "1"]
    return commands


def printed(capsys, monkeypatch, arguments, environment, *, terminal=False):
    """What a command prints in an environment: on a terminal without its escape codes."""
    with monkeypatch.context() as patch:
        for name in ("COLUMNS", "LINES", "FORCE_COLOR", "TERM"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
        patch.setattr("elman.estimators.progress._duration", lambda seconds: "3.00 s")
        code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", out)


def characters(text):
    """How often each is there, but spaces and lines, which depend on the width."""
    return Counter(c for c in text if not c.isspace() and c != "─")


@pytest.mark.parametrize("environment", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_size_that_is_none_changes_nothing(capsys, monkeypatch, shown, environment, terminal):
    for arguments in shown.values():
        expected = printed(capsys, monkeypatch, arguments, {"TERM": "xterm"}, terminal=terminal)
        assert len(expected.splitlines()) > 5
        actual = printed(capsys, monkeypatch, arguments, environment, terminal=terminal)
        assert actual == expected


def without_confusion(text):
    """Which is shown as a matrix where it fits, and as the commonest mistakes elsewhere."""
    return re.split(r"(?:Confusion\s+matrix|Commonest\s+mistakes|No\s+mistakes)", text)[0]


@pytest.mark.parametrize("columns", NARROW)
def test_a_narrow_terminal_shows_every_character(capsys, monkeypatch, shown, columns):
    for name, arguments in shown.items():
        wide, narrow = (
            printed(capsys, monkeypatch, arguments, {"COLUMNS": n}, terminal=True)
            for n in ("500", columns)
        )
        assert "…" not in narrow
        if "several" not in name and "values" not in name:
            wide, narrow = without_confusion(wide), without_confusion(squeezed(narrow))
        assert characters(narrow) == characters(wide), name


def squeezed(text):
    """Text of which the words that a title is told by are not folded."""
    for word in ("Confusion", "matrix", "Commonest", "mistakes", "No"):
        text = re.sub(r"\s*".join(word), word, text)
    return text


@pytest.mark.parametrize("columns", [None, *NARROW])
def test_a_pipe_folds_no_line(capsys, monkeypatch, shown, columns):
    environment = {} if columns is None else {"COLUMNS": columns}
    out = printed(capsys, monkeypatch, shown["inspect labels"], environment)
    assert re.search(rf"classes +3: '{LONG}', 'mi', 'sol'", out)
    assert re.search(r"recurrent0 .* W_h 3 x 3, .*  18 +15 a step", out)
    out = printed(capsys, monkeypatch, shown["evaluate labels"], environment)
    assert re.search(rf"\n{LONG} +6 ", out)


@pytest.mark.parametrize("environment", [{"COLUMNS": "0"}, {"COLUMNS": "-1"}, {"COLUMNS": "1"}])
def test_no_width_takes_the_help_or_an_error_away(capsys, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, out, err = run(capsys, "fit", "--help")
    assert (code, err) == (0, "")
    assert "--checkpoint-minutes" in out
    code, out, err = run(capsys, "evaluate", "nothing", "here")
    assert (code, out, err) == (2, "", "elman: nothing: No such file or directory\n")
    code, out, err = run(capsys, "gradcheck")
    assert (code, err) == (0, "")
    assert "worst" in out


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
@pytest.mark.parametrize(
    ("environment", "bar"),
    [
        ({"COLUMNS": "0", "LINES": "0"}, True),
        ({"COLUMNS": "80"}, True),
        ({"COLUMNS": "41"}, False),
        ({"COLUMNS": "1"}, False),
        ({"COLUMNS": "80", "TERM": "dumb"}, False),
    ],
)
def test_progress_is_whole_too(tmp_path, files, environment, bar):
    command = ["fit", files / "train.ts", "-o", tmp_path / "m", "--max-iter", "3"]
    command += ["--validation", files / "test.npz"]
    code, seen = on_a_terminal(command, environment)
    assert code == 0
    assert ("\x1b[2K" in seen) == bar
    last = seen[seen.rindex("3/3") :]
    assert "\n3 epochs in " in re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", last)
    training = "" if bar else r"training accuracy \d\.\d{4}  "
    validation = r"validation loss \d\.\d{4}  accuracy [01]\.\d{4}"
    assert re.search(rf"loss \d\.\d{{4}}  {training}{validation}", last)
    assert "…" not in seen
