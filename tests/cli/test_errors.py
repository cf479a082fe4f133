"""A mistake on the command line is one line on stderr and exit code 2; a bug is a traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli_tools import recordings, run, run_shell, write_ts

from elman.cli import main
from elman.data import write_npz


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Good files, and one for every way to get a file wrong."""
    folder = tmp_path_factory.mktemp("mistakes")
    X, y = recordings()
    write_ts(folder / "train.ts", X, y)
    write_npz(folder / "train.npz", X, y)
    write_npz(folder / "unlabelled.npz", X)
    write_npz(folder / "numbers.npz", X, np.arange(len(X)) / 2)
    write_npz(folder / "wide.npz", *recordings(n_features=3))
    write_npz(folder / "strangers.npz", X, np.where(y == "do", "re", y))
    np.savez(folder / "nan.npz", X=np.full((5, 4, 2), np.nan), y=y[:5])
    np.savez(folder / "empty-recordings.npz", X=np.zeros((5, 0, 2)), y=y[:5])
    (folder / "notes.txt").write_text("do re mi\n")
    (folder / "empty.ts").write_text("")
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.npz").write_text("not a zip archive\n")
    (folder / "binary.ts").write_bytes(bytes(range(256)) * 9)
    (folder / "damaged.npz").write_bytes((folder / "train.npz").read_bytes()[:-99])
    text = (folder / "train.ts").read_text().splitlines()
    (folder / "word.ts").write_text("\n".join([*text[:-1], "1,two,3:4,5,6:do"]) + "\n")
    (folder / "gap.ts").write_text("\n".join([*text[:-1], "1,2:3,4:?"]) + "\n")
    np.savez(folder / "pickle.npz", X=np.array([np.zeros((2, 2)), None], dtype=object))
    (folder / "directory").mkdir()
    assert (
        main(["fit", f"{folder}/train.ts", "-o", f"{folder}/model", "-q", "--max-iter", "1"]) == 0
    )
    model = (folder / "model").read_bytes()
    (folder / "truncated-model").write_bytes(model[: len(model) // 2])
    flipped = bytearray(model)
    flipped[-7] ^= 16
    (folder / "flipped-model").write_bytes(bytes(flipped))
    return folder


MISTAKES = {
    # what was typed -> words of the one line that answers it
    "no such command": (["fti"], "No such command 'fti'", "fit"),
    "nothing like a command": (["xyz"], "No such command 'xyz'", "See 'elman --help'"),
    "no such option": (["fit", "{train.ts}", "--hiden-size", "3"], "--hiden-size"),
    "missing argument": (["predict", "{model}"], "data", "See 'elman predict --help'"),
    "missing output": (["fit", "{train.ts}"], "--output"),
    "one argument too many": (["inspect", "{model}", "{model}"], "unexpected"),
    "not a number": (
        ["fit", "{train.ts}", "-o", "{m}", "--hidden-size", "wide"],
        "--hidden-size",
        "integer",
    ),
    "negative seed": (["fit", "{train.ts}", "-o", "{m}", "--seed", "-1"], "--seed"),
    "unknown value": (["fit", "{train.ts}", "-o", "{m}", "--solver", "lbfgs"], "lbfgs", "adam"),
    "unknown readout": (
        ["fit", "{train.ts}", "-o", "{m}", "--readout", "first"],
        "--readout 'first' is not known",
        "'last'",
        "or several of them with commas",
    ),
    "a readout twice": (
        ["fit", "{train.ts}", "-o", "{m}", "--readout", "max,max"],
        "--readout max,max has 'max' twice",
        "once",
    ),
    "no readout": (["fit", "{train.ts}", "-o", "{m}", "--readout", "max,"], "max,: ''", "'last'"),
    "unknown readout of two": (
        ["gradcheck", "--readout", "max,first"],
        "--readout max,first: 'first' is not known; choose among 'last'",
    ),
    "unknown backend": (["fit", "{train.ts}", "-o", "{m}", "--backend", "cuda"], "cuda", "native"),
    "unknown activation": (["gradcheck", "--activation", "sin"], "sin", "tanh"),
    "unknown cell": (["gradcheck", "--cell", "lsmt"], "lsmt", "elman"),
    "size of zero": (["gradcheck", "--hidden-size", "0"], "--hidden-size 0 must"),
    "zero hidden units": (
        ["fit", "{train.ts}", "-o", "{m}", "--hidden-size", "0"],
        "--hidden-size 0;",
    ),
    "unknown task": (["demo", "--task", "chess"], "chess", "parity"),
    "missing data": (["fit", "{nothing.ts}", "-o", "{m}"], "nothing.ts", "No such file"),
    "missing model": (["inspect", "{nothing}"], "nothing", "No such file"),
    "missing test data": (["fit", "{train.ts}", "--test", "{nothing.npz}", "-o", "{m}"], "nothing"),
    "data is a directory": (["fit", "{directory}", "-o", "{m}"], "directory"),
    "model is a directory": (["inspect", "{directory}"], "is a directory"),
    "unknown suffix": (["fit", "{notes.txt}", "-o", "{m}"], "notes.txt", ".ts", ".npz"),
    "empty .ts": (["fit", "{empty.ts}", "-o", "{m}"], "empty.ts"),
    "empty .npz": (["fit", "{empty.npz}", "-o", "{m}"], "empty.npz"),
    "text as .npz": (["fit", "{text.npz}", "-o", "{m}"], "text.npz"),
    "binary as .ts": (["fit", "{binary.ts}", "-o", "{m}"], "binary.ts"),
    "damaged .npz": (["fit", "{damaged.npz}", "-o", "{m}"], "damaged.npz"),
    "pickle in .npz": (["fit", "{pickle.npz}", "-o", "{m}"], "pickle"),
    "a word among numbers": (["fit", "{word.ts}", "-o", "{m}"], "word.ts", "line 25", "'two'"),
    "a model named as data": (
        ["fit", "{train.ts}", "-o", "{m.npz}"],
        "m.npz: .npz is the suffix of files of data",
        "m.safetensors",
    ),
    "a label that is missing": (["fit", "{gap.ts}", "-o", "{m}"], "gap.ts, line 25", "missing"),
    "a label missing in the test": (["evaluate", "{model}", "{gap.ts}"], "gap.ts, line 25"),
    "not a number in the data": (["fit", "{nan.npz}", "-o", "{m}"], "nan.npz", "sample 0"),
    "recordings of no steps": (["fit", "{empty-recordings.npz}", "-o", "{m}"], "timestep"),
    "no labels to fit": (["fit", "{unlabelled.npz}", "-o", "{m}"], "unlabelled.npz", "labels"),
    "no labels to evaluate": (["evaluate", "{model}", "{unlabelled.npz}"], "labels"),
    "labels never seen": (["evaluate", "{model}", "{strangers.npz}"], "'re'", "'do', 'mi', 'sol'"),
    "test labels never seen": (
        ["fit", "{train.ts}", "--test", "{strangers.npz}", "-o", "{m}"],
        "strangers.npz",
        "'re'",
    ),
    "other features": (["predict", "{model}", "{wide.npz}"], "wide.npz has 3 features", "2"),
    "other features to evaluate": (
        ["evaluate", "{model}", "{wide.npz}"],
        "wide.npz has 3 features",
        "2",
    ),
    "other features in the test": (
        ["fit", "{train.ts}", "--test", "{wide.npz}", "-o", "{m}"],
        "wide.npz",
        "3",
        "2",
    ),
    "data as a model": (["inspect", "{train.npz}"], "train.npz"),
    "data before the model": (
        ["predict", "{train.npz}", "{model}"],
        "train.npz: holds data",
        "the model comes first",
    ),
    "sizes with a word": (
        ["fit", "{train.ts}", "-o", "{m}", "--hidden-size", "3,x"],
        "one for each layer. See 'elman fit --help'",
    ),
    "a loss without a readout": (["gradcheck", "--loss", "huber"], "'huber'", "readout"),
    "numbers as labels": (
        ["fit", "{numbers.npz}", "-o", "{m}", "--kind", "classifier"],
        "numbers.npz",
        "0.5",
        "--kind regressor",
    ),
    "text as a model": (["predict", "{notes.txt}", "{train.ts}"], "notes.txt"),
    "truncated model": (["inspect", "{truncated-model}"], "truncated-model"),
    "a flipped bit": (["inspect", "{flipped-model}"], "flipped-model"),
    "output in no directory": (["fit", "{train.ts}", "-o", "{no/where}"], "no directory"),
    "output is a directory": (["fit", "{train.ts}", "-o", "{directory}"], "is a directory"),
    "output is a data file": (["fit", "{train.ts}", "-o", "{train.npz}", "--force"], "train.npz"),
    "output exists": (["fit", "{train.ts}", "-o", "{model}"], "--force"),
    "CSV in no directory": (["predict", "{model}", "{train.ts}", "-o", "{no/x.csv}"], "directory"),
    "CSV over a file": (["predict", "{model}", "{train.ts}", "-o", "{notes.txt}"], "--force"),
    "CSV over the data": (
        ["predict", "{model}", "{train.ts}", "-o", "{train.ts}", "--force"],
        "is read by this command",
    ),
    "CSV over the model": (
        ["predict", "{model}", "{train.ts}", "-o", "{model}", "--force"],
        "is read by this command",
    ),
    "CSV over a device": (
        ["predict", "{model}", "{train.ts}", "-o", os.devnull, "--force"],
        "not a regular file",
    ),
    "demo into a file": (["demo", "-o", "{notes.txt}"], "notes.txt", "directory"),
    "demo below a file": (["demo", "-o", "{notes.txt/x}"], "notes.txt"),
    "diverged": (
        ["fit", "{train.ts}", "-o", "{m}", "-q", "--activation=relu", "--learning-rate-init=1e30"],
        "diverged",
        "Lower --learning-rate-init",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, files, mistake):
    before = {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()}
    typed, *words = MISTAKES[mistake]
    arguments = [str(files / a[1:-1]) if a.startswith("{") else a for a in typed]
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("elman: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err) < 600
    for word in words:
        assert word in err
    after = {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("ELMAN_BACKEND", "gpu", "native, reference"), ("ELMAN_ISA", "sse9", "avx2")],
)
def test_a_bad_environment_variable(files, name, value, words):
    from elman.backends import available_backends

    if "native" not in available_backends():
        pytest.skip("without the compiled kernel there is one choice only")
    done = run_shell(
        "predict", files / "model", files / "train.ts", env={"ELMAN_BACKEND": "native", name: value}
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert value in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_an_output_that_cannot_hold_a_label(tmp_path, command):
    X, _ = recordings()
    data, model = tmp_path / "train.npz", tmp_path / "model"
    write_npz(data, X, np.array(["ü", "u"])[np.arange(len(X)) % 2])
    assert main(["fit", str(data), "-o", str(model), "-q", "--max-iter", "1"]) == 0
    done = run_shell(command, model, data, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "ascii output cannot hold" in done.stderr
    assert "PYTHONIOENCODING" in done.stderr


def test_elman_debug_shows_the_traceback(files):
    done = run_shell("inspect", files / "notes.txt", env={"ELMAN_DEBUG": "1"})
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_a_bug_of_ours_keeps_its_traceback(monkeypatch, files):
    def buggy(path, given, **options):
        return np.zeros(3) + np.zeros(4)  # an error of NumPy's, not of the person's

    monkeypatch.setattr("elman.data.readers.read_as_given", buggy)
    with pytest.raises(ValueError, match="broadcast"):
        main(["predict", str(files / "model"), str(files / "train.ts")])


def test_ctrl_c_before_there_is_anything_to_keep(capsys, monkeypatch, files):
    def interrupted(path, given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("elman.data.readers.read_as_given", interrupted)
    code, out, err = run(capsys, "predict", files / "model", files / "train.ts")
    assert (code, out, err) == (130, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk(files):
    import subprocess

    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "elman",
                "predict",
                str(files / "model"),
                str(files / "train.ts"),
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr


def test_a_closed_standard_output_is_one_line(tmp_path):
    done = subprocess.run(
        ["sh", "-c", '"$0" -m elman gradcheck >&-', sys.executable],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr == "elman: standard output is closed\n"


def test_gradcheck_refuses_a_tolerance_that_nothing_can_meet(capsys):
    assert main(["gradcheck", "--tolerance", "nan"]) == 2
    assert "tolerance=nan must be a positive number" in capsys.readouterr().err
