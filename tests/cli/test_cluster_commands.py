"""`--dask` and `mpiexec`: the files and the output of one process, and errors said once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.cli_tools import QUIET, recordings, run

import elman
from elman.cli import main
from elman.data import write_npz

BIN = Path(sys.executable).parent
SMALL = ["--hidden-size", "3", "--max-iter", "2", "--batch-size", "16", "--n-jobs", "1", "-q"]
KINDS = {
    "classifier": lambda X, labels: labels,
    "tagger": lambda X, labels: [np.arange(len(x)) % 2 for x in X],
    "regressor": lambda X, labels: np.array([x[-1, 0] + 0.25 for x in X]),
}


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """For each kind training data, other data, and what one process makes of them."""
    path = tmp_path_factory.mktemp("recordings")
    for kind, targets in KINDS.items():
        for name, n, seed in (("train", 41, 5), ("test", 19, 6)):
            X, labels = recordings(n, seed=seed)
            write_npz(path / f"{kind}-{name}.npz", X, targets(X, labels))
        fit, predict, _ = commands(path, kind, "alone")
        assert main(fit) == 0
        assert main(predict) == 0
    return path


def commands(folder, kind, where):
    model, out = f"{folder}/{kind}-{where}.safetensors", f"{folder}/{kind}-{where}.csv"
    train, test = f"{folder}/{kind}-train.npz", f"{folder}/{kind}-test.npz"
    proba = ["--proba"] if kind != "regressor" else []
    return (
        ["fit", train, "-o", model, "--validation", test, *SMALL],
        ["predict", model, test, *proba, "-o", out],
        ["evaluate", model, test],
    )


def check_same(folder, kind, where):
    one, other = (elman.load(folder / f"{kind}-{name}.safetensors") for name in ("alone", where))
    assert one.network_.params.flat.tobytes() == other.network_.params.flat.tobytes()
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    written = [(folder / f"{kind}-{name}.csv").read_bytes() for name in ("alone", where)]
    assert written[0] == written[1]


def started(n, *command, **environment):
    """What a command printed that MPI started `n` times, and its exit code."""
    return subprocess.run(
        [BIN / "mpiexec", "-n", str(n), *command],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **QUIET, **environment},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_dask(kind, folder, cluster, capsys, tmp_path):
    fit, predict, evaluate = commands(folder, kind, "dask")
    assert run(capsys, *fit, "--dask", cluster.scheduler_address)[0] == 0
    # a scheduler file, as `dask scheduler --scheduler-file` writes it
    (tmp_path / "scheduler.json").write_text(json.dumps(cluster.scheduler_info, default=str))
    where = ["--dask", str(tmp_path / "scheduler.json")]
    assert run(capsys, *predict, *where) == (0, "", "")
    check_same(folder, kind, "dask")
    assert run(capsys, *evaluate, *where) == run(capsys, *evaluate)


@pytest.mark.parametrize(("kind", "n"), [("classifier", 2), ("tagger", 3)])
def test_mpi_trains(kind, n, folder):
    fit, predict, _ = commands(folder, kind, "mpi")
    ran = started(n, BIN / "elman", *fit)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("Saved") == 1
    assert main(predict) == 0
    check_same(folder, kind, "mpi")


@pytest.mark.parametrize(("kind", "n"), [("tagger", 2), ("regressor", 3)])
def test_mpi_predicts(kind, n, folder):
    predict = commands(folder, kind, "alone")[1]
    written = predict[-1].replace("alone", "mpi-predicted")
    ran = started(n, BIN / "elman", *predict[:-1], written)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert Path(written).read_bytes() == Path(predict[-1]).read_bytes()


def test_mpi_evaluates(folder, capsys):
    evaluate = commands(folder, "classifier", "alone")[2]
    ran = started(2, BIN / "elman", *evaluate)
    assert (ran.returncode, ran.stdout, ran.stderr) == run(capsys, *evaluate)


def test_other_commands_run_once_under_mpi(folder, capsys):
    command = ["inspect", f"{folder}/tagger-alone.safetensors"]
    ran = started(2, BIN / "elman", *command)
    assert (ran.returncode, ran.stdout, ran.stderr) == run(capsys, *command)


def test_an_error_of_every_process_is_said_once(folder):
    ran = started(3, BIN / "elman", "fit", f"{folder}/none.npz", "-o", f"{folder}/x.safetensors")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"elman: {folder}/none.npz: No such file or directory\n"


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_error_of_one_process_ends_all(bad, folder, tmp_path):
    fit, _, _ = commands(folder, "tagger", "unwritten")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, elman.cli, elman.cli.files\n"
        "from mpi4py import MPI\n"
        "def fail(*_, **__):\n"
        "    raise OSError(5, 'Input/output error', 'that disk')\n"
        f"if MPI.COMM_WORLD.Get_rank() == {bad}:\n"
        "    sys.modules['elman.cli.fit'].read_data = fail\n"
        f"sys.exit(elman.cli.main({fit!r}))\n"
    )
    ran = started(3, sys.executable, program)
    assert ran.returncode  # that of a process which MPI ends may come first
    assert ran.stderr.count("elman: that disk: Input/output error\n") == 1
    assert not list(folder.glob("*unwritten*"))


def test_processes_that_cannot_speak_to_each_other_are_refused(folder):
    fit, _, _ = commands(folder, "tagger", "unwritten")
    program = "import sys; sys.modules['mpi4py'] = None; import elman.cli; "
    program += f"sys.exit(elman.cli.main({fit!r}))"
    ran = started(2, sys.executable, "-c", program)
    assert ran.returncode == 2
    assert ran.stderr.count("elman: MPI started 2 processes, which need mpi4py") == 1
    assert "pip install elman[mpi]" in ran.stderr
    # started by the mpiexec of an MPI that mpi4py does not know
    environment = {**os.environ, **QUIET, "OMPI_COMM_WORLD_SIZE": "2"}
    command = [BIN / "elman", *fit]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert ran.returncode == 2
    assert "MPI started 2 processes, but mpi4py finds 1" in ran.stderr
    assert not list(folder.glob("*unwritten*"))


def test_dask_and_mpi_at_once_are_refused(folder):
    _, _, evaluate = commands(folder, "tagger", "alone")
    ran = started(2, BIN / "elman", *evaluate, "--dask", "127.0.0.1:8786")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count("elman: --dask has the workers") == 1


@pytest.mark.parametrize("command", [0, 1, 2], ids=["fit", "predict", "evaluate"])
def test_a_scheduler_that_is_not_there(command, folder, capsys, monkeypatch, tmp_path):
    from elman.distributed import connecting

    monkeypatch.setattr(connecting, "REACHED_IN", 0.5)
    given = commands(folder, "tagger", "alone")[command]
    given += ["--force"] * (command < 2)

    def error(address):
        code, out, err = run(capsys, *given, "--dask", str(address))
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        return err

    assert "no Dask scheduler answers at 127.0.0.1:9 (" in error("127.0.0.1:9")
    assert "no Dask scheduler answers at this/is no address" in error("this/is no address")
    assert "none.json: No such file" in error(tmp_path / "none.json")
    (tmp_path / "other.json").write_text("[1]")
    assert "is not a scheduler file of Dask" in error(tmp_path / "other.json")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install elman[dask]" in error("127.0.0.1:9")
