"""`elman store` builds, shows and checks stores, and leaves nothing half."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.cli_tools import run, run_shell

from elman.data import SequenceStore, build_store, read, write_npz

ROLES = ["--id", "run", "--time", "t", "--label", "state"]


def write_csv(path, n=7, seed=3):
    rng = np.random.default_rng(seed)
    lines = ["run,t,ax,ay,state"]
    for i in range(n):
        for t in range(int(rng.integers(1, 6))):
            ax, ay = rng.normal(size=2).round(3)
            lines.append(f"r{i},{t},{ax},{ay},{'abc'[i % 3]}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def store(tmp_path):
    path = write_csv(tmp_path / "x.csv")
    build_store(path, tmp_path / "store", shard_size=64, id="run", time="t", label="state")
    return tmp_path / "store"


def test_build(capsys, tmp_path):
    path = write_csv(tmp_path / "x.csv")
    folder = tmp_path / "store"
    sizes = ["--shard-size", "64", "--block-size", "50"]
    code, out, err = run(capsys, "store", "build", path, folder, *ROLES, *sizes)
    assert (code, err) == (0, "")
    made, data = SequenceStore(folder).verify(), read(path, id="run", time="t", label="state")
    shards = len(made.manifest.shards)
    assert shards > 1
    assert f"Wrote 7 sequences of {made.n_steps} time steps in {shards} shards" in out
    assert made.y.tolist() == data.y.tolist()
    for x, expected in zip(made, data.X, strict=True):
        np.testing.assert_array_equal(x, expected)
    code, _, err = run(capsys, "store", "build", path, folder, *ROLES)
    assert code == 2
    assert "not empty" in err
    assert "with --append" in err
    assert run(capsys, "store", "build", path, folder, *ROLES, "--append")[0] == 0
    assert len(SequenceStore(folder)) == 14


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("run,x\na,1\nb,2\na,3\n", ["--block-size", "1"], "pass a --block-size of more bytes"),
        ("run,x\na,1\na,\n", [], "build the store with --missing nan and train with --missing"),
        ("run,x\na,1\n", ["--label", "y"], "no column 'y', which --label names"),
        ("run,x\na,1\n", ["--missing", "some"], "--missing 'some' is not known"),
        ("run,x\na,1\n", ["--max-bytes", "9"], "No such option"),
        ("run;x\na;1\n", [], "pass --delimiter ';'"),
    ],
)
def test_errors_speak_the_language_of_the_command_line(capsys, tmp_path, text, options, told):
    (tmp_path / "x.csv").write_text(text)
    arguments = [tmp_path / "x.csv", tmp_path / "store", "--id", "run", *options]
    code, out, err = run(capsys, "store", "build", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_where_no_store_can_be_written(capsys, tmp_path, store):
    path = tmp_path / "x.csv"
    cases = {
        tmp_path / "none" / "store": "there is no directory",
        path: "is a file; a store is a folder",
        tmp_path / "new": "",
    }
    for folder, told in cases.items():
        code, _, err = run(capsys, "store", "build", path, folder, *ROLES)
        assert (code, told in err) == (2 if told else 0, True)
    code, _, err = run(capsys, "store", "build", tmp_path, tmp_path / "inside")
    assert code == 2
    assert "lies in the folder that is read" in err
    code, _, err = run(capsys, "store", "build", tmp_path / "y.csv", tmp_path / "other", *ROLES)
    assert code == 2
    assert "there is no such file" in err


def test_info(capsys, tmp_path, store):
    code, out, err = run(capsys, "store", "info", store)
    assert (code, err) == (0, "")
    opened = SequenceStore(store)
    for told in (
        "sequences       7",
        f"time steps      {opened.n_steps}",
        "2: 'ax', 'ay'",
        "3: 'a' (3), 'b' (2), 'c' (2)",
        "r0, ..., r6",
        opened.fingerprint,
        f"shards          {len(opened.manifest.shards)}",
    ):
        assert told in out
    n_bytes = sum(file.stat().st_size for file in store.iterdir())
    assert f"{n_bytes:,} bytes in {len([*store.iterdir()])} files" in out


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (None, "none"),
        ([1.5, 2.5], "1 number for each sequence"),
        ([[1.0, 2.0], [3.0, 4.5]], "2 numbers for each sequence"),
        ([np.array([1, 2, 1]), np.array([2, 1])], "2: 1 (3), 2 (2)"),
    ],
)
def test_info_says_what_y_is(capsys, tmp_path, rng, y, told):
    X = [rng.normal(size=(n, 2)) for n in (3, 2)]
    write_npz(tmp_path / "x.npz", X, y)
    assert run(capsys, "store", "build", tmp_path / "x.npz", tmp_path / "store")[0] == 0
    assert told in run(capsys, "store", "info", tmp_path / "store")[1]


def test_verify(capsys, tmp_path, store):
    code, out, err = run(capsys, "store", "verify", store)
    assert (code, err) == (0, "")
    assert f"{len([*store.iterdir()])} files of" in out
    values = store / "00000.values.npy"
    raw = bytearray(values.read_bytes())
    raw[-1] ^= 1
    values.write_bytes(raw)
    code, out, err = run(capsys, "store", "verify", store)
    assert (code, out) == (1, "")
    assert "00000.values.npy" in err
    (store / "manifest.json").unlink()
    for command in ("info", "verify"):
        code, _, err = run(capsys, "store", command, store)
        assert code == {"info": 2, "verify": 1}[command]
        assert "manifest.json" in err


def test_help_of_each_command(capsys):
    for command in ([], ["build"], ["info"], ["verify"]):
        code, out, _ = run(capsys, "store", *command, "--help")
        assert code == 0
        assert f"elman store {' '.join(command)}".strip() in out
    assert "--max-bytes" not in run(capsys, "store", "build", "--help")[1]
    assert run(capsys, "store")[0] == 0


def large(path):
    rng = np.random.default_rng(0)
    with open(path, "w") as file:
        file.write("run,x,y\n")
        for i in range(3000):
            file.writelines(f"{i},{v},{i % 2}\n" for v in rng.normal(size=100).tolist())
    return path


def test_ctrl_c_leaves_nothing(tmp_path):
    path, folder = large(tmp_path / "x.csv"), tmp_path / "store"
    options = ["--id", "run", "--label", "y", "--shard-size", "20000", "--block-size", "20000"]
    command = [sys.executable, "-m", "elman", "store", "build", path, folder, *options]
    process = subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, preexec_fn=os.setpgrp, text=True
    )
    try:
        while not list(folder.glob("*.values.npy")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == ""
    assert not folder.exists()


def test_progress_is_for_terminals(tmp_path):
    path = write_csv(tmp_path / "x.csv")
    ran = run_shell("store", "build", path, tmp_path / "a", *ROLES)
    assert (ran.returncode, ran.stderr) == (0, "")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "elman", "store", "build", path, tmp_path / "b", *ROLES]
    ran = subprocess.run([*map(str, command)], stderr=theirs, stdout=subprocess.PIPE, check=True)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "looking at its columns" in shown
    assert "7 sequences" in shown
    assert shown.endswith("\r")
    assert b"7 sequences" in ran.stdout
