"""`python -m benchmarks.commits OLD NEW`: one layer before and after a change, in turn.

Each tree is built into a folder of its own under build/commits/ and run in a process of
its own; the two take turns, a round each, so that what disturbs one disturbs both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import machine
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave_measured
from benchmarks.workloads import Size

ROOT = Path(__file__).parent.parent
BUILDS = ROOT / "build" / "commits"
DEFAULT = ("1,3,2,4", "32,50,8,32", "270,29,12,64", "64,784,1,100", "1,1000,16,64", "1,1000,16,256")

# What runs in a commit's own process: only what every commit's contract has. A line of size and
# kind in, seconds of a call out.
WORKER = """
import sys, time
# An editable install answers before the path does.
sys.meta_path = [f for f in sys.meta_path if "Redirecting" not in type(f).__name__]
import numpy as np
import elman
assert elman.__file__.startswith(sys.argv[1]), elman.__file__
from elman.backends import get_backend
from elman.backends.contract import Cell, Weights
backend, cell, calls = get_backend("native", n_threads=1), Cell(), {}
def make(B, T, D, H, kind):
    rng = np.random.default_rng(0)
    f = lambda *s: (rng.uniform(-1, 1, s) * H**-0.5).astype(np.float32)
    X = rng.standard_normal((B, T, D)).astype(np.float32)
    weights, dfinal = Weights(f(D, H), f(H, H), f(H)), f(B, H)
    if kind == "infer":
        return lambda: backend.forward(cell, X, None, None, weights)
    def step():
        tape = backend.forward(
            cell, X, None, None, weights, outputs="final", keep_tape=True
        ).tape
        backend.backward(None, dfinal, tape, need_dX=False)
    return step
for line in sys.stdin:
    if line not in calls:
        *size, kind = line.split()
        call = make(*map(int, size), kind)
        call()
        start = time.perf_counter()
        call()
        calls[line] = call, max(1, min(1000, int(1e-3 / (time.perf_counter() - start))))
    call, n = calls[line]
    start = time.perf_counter()
    for _ in range(n):
        call()
    print((time.perf_counter() - start) / n, flush=True)
"""


def build(commit: str) -> Path:
    """The package of a commit or of a folder, built; what to put on the path."""
    if Path(commit).is_dir():
        return _installed(Path(commit).resolve(), BUILDS / Path(commit).resolve().name / "site")
    name = _git("rev-parse", "--short", f"{commit}^{{commit}}").decode().strip()
    source = BUILDS / name / "source"
    if not source.exists():
        source.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=BytesIO(_git("archive", name))) as tree:
            tree.extractall(source, filter="data")
        (source / "README.md").touch()  # the first commits name one that they lack
    return _installed(source, BUILDS / name / "site")


def _installed(source: Path, target: Path) -> Path:
    if not (target / "elman").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", str(target), str(source)], check=True)
    return target


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def start(site: Path) -> Callable[[str], float]:
    """A process that runs the commit's kernel: size and kind in, seconds of one call out."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(site)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(site)},
    )

    def ask(line: str) -> float:
        assert process.stdin
        assert process.stdout
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits", description=__doc__)
    parser.add_argument(
        "commits", nargs=2, metavar="COMMIT", help="or a folder with a changed tree of the project"
    )
    parser.add_argument("--sizes", nargs="+", default=DEFAULT, help="B,T,D,H")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each commit of each row")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    args = parser.parse_args()
    old, new = (start(build(commit)) for commit in args.commits)
    rows: list[dict[str, Any]] = []
    for text in args.sizes:
        size = Size(*map(int, text.split(",")))
        for kind in ("infer", "step"):
            line = " ".join(map(str, (*size, kind)))
            for ask in (old, new):
                ask(line)
            timings = interleave_measured(
                [lambda line=line: old(line), lambda line=line: new(line)], seconds=args.seconds
            )
            rows.append({"size": str(size), "kind": kind, "old": timings[0], "new": timings[1]})
    lines = [
        [
            f"{row['size']} {row['kind']}",
            timing_text(row["old"]._asdict()),
            timing_text(row["new"]._asdict()),
            f"{row['old'].median / row['new'].median:.2f}",
        ]
        for row in rows
    ]
    sheet = Sheet("elman, one thread", ["B, T, D, H", *args.commits, "old / new"], lines)
    Console(width=120).print(sheet.rich())
    if args.output:
        about = {"machine": machine("numpy"), "commits": args.commits}
        for row in rows:
            row |= {which: row[which]._asdict() for which in ("old", "new")}
        args.output.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
