"""`python -m benchmarks.commits OLD NEW`: the same calls before and after a change, in turn.

Each tree is built into a folder of its own under build/commits/ and run in a process of
its own; the two take turns, a round each, so that what disturbs one disturbs both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks.builds import build, python_of
from benchmarks.machine import machine, machine_text
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave_measured

DEFAULT = ("1,3,2,4", "32,50,8,32", "270,29,12,64", "64,784,1,100", "1,1000,16,64", "1,1000,16,256")
SMALL = tuple(f"64,50,4,{hidden}" for hidden in range(4, 16))
STARTUP = {
    "import elman": ["-c", "import elman"],
    "import RNNClassifier": ["-c", "from elman import RNNClassifier"],
    "elman --help": ["-m", "elman", "--help"],
}
PARTS = ("layer", "gru", "lstm", "small", "fit", "stream", "predict", "startup")
MARGIN = 0.03
"""A row in which the new one takes this much longer is pointed out."""


class Row(NamedTuple):
    """One line of the table."""

    part: str
    name: str
    call: str
    """what `benchmarks.commit_calls` is asked; of "startup" a name of `STARTUP`"""


def rows_of(part: str, sizes: Sequence[str]) -> list[Row]:
    """The rows of a part; `sizes` are those of its layers."""
    if part in ("layer", "gru", "lstm", "small"):
        cell = part if part in ("gru", "lstm") else "elman"
        return [
            Row(part, f"{size} {kind}", f"layer {cell} {kind} {size.replace(',', ' ')}")
            for size in (SMALL if part == "small" else sizes)
            for kind in ("infer", "step")
        ]
    if part == "stream":
        return [
            Row(part, f"{cell}, {n} at once", f"stream {cell} {n}")
            for cell in ("elman", "gru")
            for n in (1, 64)
        ]
    if part == "startup":
        return [Row(part, name, name) for name in STARTUP]
    return [Row(part, f"{n} thread{'s' * (n > 1)}", f"{part} {n}") for n in (1, 2)]


class Side:
    """A build, with a process in which it is called: a row in, seconds of one call out.

    Parameters
    ----------
    revision : str
        As `build` takes it.
    """

    def __init__(self, revision: str) -> None:
        site = build(revision)
        self._command, self._environment = python_of(site)
        self._revision = revision
        self._process = subprocess.Popen(
            [*self._command, "-m", "benchmarks.commit_calls", str(site)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )

    def seconds(self, row: Row) -> float:
        """One measurement."""
        if row.part == "startup":
            start = time.perf_counter()
            subprocess.run(
                [*self._command, *STARTUP[row.call]],
                env=self._environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            return time.perf_counter() - start
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(row.call + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise SystemExit(f"{self._revision} ended at {row.part}, {row.name}: see above")
        return float(answer)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits", description=__doc__)
    parser.add_argument(
        "commits", nargs=2, metavar="COMMIT", help="or a folder with a changed tree of the project"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--sizes", nargs="+", default=DEFAULT, help="of layers: B,T,D,H")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each commit of each row")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    args = parser.parse_args()
    old, new = (Side(commit) for commit in args.commits)
    console = Console(width=120, highlight=False)
    results: list[dict[str, Any]] = []
    for part in args.parts:
        rows = rows_of(part, args.sizes)
        found = [_compared(row, (old, new), args.seconds) for row in rows]
        console.print(_sheet(part, found, args.commits).rich())
        results += found
    slower = [row for row in results if row["new"].median > (1 + MARGIN) * row["old"].median]
    for row in slower:
        ratio = row["new"].median / row["old"].median - 1
        console.print(f"{row['part']}, {row['name']}: {args.commits[1]} takes {ratio:.0%} longer")
    if not slower:
        console.print(f"in no row does {args.commits[1]} take over {MARGIN:.0%} longer")
    about = machine("numpy", "scikit-learn")
    console.print(machine_text(about))
    if args.output:
        for row in results:
            row |= {which: row[which]._asdict() for which in ("old", "new")}
        written = {"machine": about, "commits": args.commits, "rows": results}
        args.output.write_text(json.dumps(written, indent=1) + "\n")


def _compared(row: Row, sides: tuple[Side, Side], seconds: float) -> dict[str, Any]:
    calls: list[Callable[[], float]] = [lambda s=side: s.seconds(row) for side in sides]
    for call in calls:  # what is done once only is not timed
        call()
    old, new = interleave_measured(calls, seconds=seconds)
    return {"part": row.part, "name": row.name, "old": old, "new": new}


def _sheet(part: str, rows: list[dict[str, Any]], commits: Sequence[str]) -> Sheet:
    lines = [
        [
            row["name"],
            timing_text(row["old"]._asdict()),
            timing_text(row["new"]._asdict()),
            f"{row['old'].median / row['new'].median:.2f}",
        ]
        for row in rows
    ]
    layers = part in ("layer", "gru", "lstm", "small")
    title = f"{part}, one thread" if layers else part
    return Sheet(title, ["B, T, D, H" if layers else "", *commits, "old / new"], lines)


if __name__ == "__main__":
    main()
