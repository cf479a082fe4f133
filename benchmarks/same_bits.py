"""`python -m benchmarks.same_bits OLD NEW`: has a single bit changed from one commit to the other?

OLD and NEW are built side by side, and a fixed list of configurations is trained and asked in both:
estimators, cells, readouts, schedules and everything else of `benchmarks.bits.cases`. Of weights,
optimizer, history, answers, hidden states and streams the SHA-256 must be equal; and each build
must read the other's model files and checkpoints, and go on from them, to the same bits. Only what
users have is called, so that both builds may be as different inside as they like.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape

from benchmarks.bits.cases import Case, all_cases
from benchmarks.bits.comparing import (
    BAD,
    EQUAL,
    OUTCOMES,
    Exceptions,
    Finding,
    compare,
    compare_reading,
    in_common,
)
from benchmarks.bits.values import Record
from benchmarks.builds import build, python_of
from benchmarks.machine import machine, machine_text
from benchmarks.sheet import Sheet

NOTES = (
    "excepted: by --except. newer format: a file whose format_version is above that of OLD, which "
    "refuses it. failed: an error where there should be none."
)
N_SHOWN = 5
"""configurations that are described in each comparison, unless --show says otherwise"""


class Side(NamedTuple):
    """A build, and the folder for all that comes of it: run/, read-old/ and read-new/."""

    revision: str
    site: Path
    folder: Path

    def record(self, task: str, case: Case) -> Record:
        """What a configuration gave in one of these folders."""
        return Record.read(self.folder / task, case.name)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_bits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", metavar="OLD", help="what git knows as a commit")
    parser.add_argument(
        "new",
        metavar="NEW",
        nargs="?",
        default=".",
        help="the same; or a folder, whose files count as they are now (default: this one)",
    )
    parser.add_argument(
        "--except",
        dest="exceptions",
        metavar="AXIS=VALUE[+AXIS=VALUE...][,...]",
        default="",
        help="differences that are meant: readout=mean+dtype=float32,special=files,"
        "result=checkpoint",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="configurations named like it")
    parser.add_argument("--list", action="store_true", help="list the configurations, run nothing")
    parser.add_argument(
        "--show",
        type=int,
        default=N_SHOWN,
        metavar="N",
        help=f"describe so many unequal configurations in each comparison ({N_SHOWN})",
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where all files are to stay")
    args = parser.parse_args()
    try:
        exceptions = Exceptions(args.exceptions)
    except ValueError as error:
        parser.error(f"--except: {error}")
    cases = [case for case in all_cases() if args.only in case.name]
    console = Console(width=max(120, Console().width), highlight=False)
    if args.list:
        for case in cases:
            console.print(escape(described(case)))
        return
    with ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        old, new = (
            Side(revision, build(revision), folder / which)
            for revision, which in ((args.old, "old"), (args.new, "new"))
        )
        comparisons = compare_sides(cases, old, new, exceptions)
    bad = show(comparisons, old, new, console, args.show)
    raise SystemExit(1 if bad else 0)


def compare_sides(
    cases: Sequence[Case], old: Side, new: Side, exceptions: Exceptions
) -> dict[str, list[Finding]]:
    """Run both builds, and have each read its own files and the other's.

    Returns
    -------
    dict of str to list of Finding
        By comparison. Of the readings only for configurations that left files in both builds.
    """
    for side in (old, new):
        for task in ("run", "read-old", "read-new"):
            (side.folder / task).mkdir(parents=True)
    _work([(side, "run", ["run", side.folder / "run"]) for side in (old, new)], cases)
    ran = [(case, old.record("run", case), new.record("run", case)) for case in cases]
    whole = [case for case, one, other in ran if not {"error"} & {*one.notes, *other.notes}]
    for writer, task in ((old, "read-old"), (new, "read-new")):
        files = writer.folder / "run"
        _work(
            [(side, task, ["read", files, side.folder / task]) for side in (old, new)],
            whole,
        )
    comparisons = {
        "OLD and NEW": [compare(case, one, other, exceptions) for case, one, other in ran],
        "NEW reads OLD's files": [],
        "OLD reads NEW's files": [],
    }
    for case in whole:
        of_old, of_new = old.record("read-old", case), new.record("read-new", case)
        if of_old.notes or of_new.notes:  # there are files
            by_new, by_old = new.record("read-old", case), old.record("read-new", case)
            by_old.notes["format of its own"] = of_old.notes.get("format", "")
            comparisons["NEW reads OLD's files"].append(
                compare_reading(case, of_old, by_new, exceptions, older_reads=False)
            )
            comparisons["OLD reads NEW's files"].append(
                compare_reading(case, of_new, by_old, exceptions, older_reads=True)
            )
    return comparisons


def _work(tasks: list[tuple[Side, str, list[str | Path]]], cases: Sequence[Case]) -> None:
    """Have both builds go through the configurations, side by side, one backend after the other."""
    for backend in ("native", "reference"):
        names = [case.name for case in cases if case.axes.get("backend", "native") == backend]
        processes = []
        for side, name, task in tasks:
            command, environment = python_of(side.site)
            arguments = [side.site, *task, *names]
            process = subprocess.Popen(
                [*command, "-m", "benchmarks.bits.side", *map(str, arguments)],
                env=environment | {"ELMAN_BACKEND": backend, "ELMAN_REQUIRE_NATIVE": "1"},
            )
            processes.append((process, f"{name} of {side.revision} with {backend}"))
        failed = [what for process, what in processes if process.wait()]
        if failed:
            raise SystemExit(f"these ended early: {'; '.join(failed)}")


def show(
    comparisons: dict[str, list[Finding]], old: Side, new: Side, console: Console, n_shown: int
) -> bool:
    """Print a table, and what is not equal; returns whether anything is not as it should be."""
    rows = []
    for name, findings in comparisons.items():
        counts = Counter(finding.outcome for finding in findings)
        rows.append([name, str(len(findings)), *(str(counts[outcome]) for outcome in OUTCOMES)])
    title = f"OLD is {old.revision}, NEW is {new.revision}"
    console.print(Sheet(title, ["", "configurations", *OUTCOMES], rows, NOTES).rich())
    for name, findings in comparisons.items():
        _show_unequal(name, findings, console, n_shown)
    every = [finding for findings in comparisons.values() for finding in findings]
    n_bad = sum(finding.outcome in BAD for finding in every)
    n_cases = len(comparisons["OLD and NEW"])
    if n_bad:
        console.print(f"\n{n_cases} configurations: {n_bad} comparisons are not equal")
    elif all(finding.outcome == EQUAL for finding in every):
        console.print(f"\n{n_cases} configurations: all bits are equal")
    else:
        console.print(f"\n{n_cases} configurations: all bits are equal but those shown above")
    console.print(machine_text(machine("numpy", "scikit-learn", "safetensors")))
    return bool(n_bad)


def _show_unequal(name: str, findings: list[Finding], console: Console, n_shown: int) -> None:
    unequal = [finding for finding in findings if finding.outcome != EQUAL]
    unequal.sort(key=lambda finding: finding.outcome not in BAD)
    if not unequal:
        return
    console.print(f"\n{escape(name)}:")
    for line in in_common(findings):
        console.print(f"  {escape(line)}")
    for case, outcome, details in unequal[:n_shown]:
        console.print(f"  {outcome}: {escape(described(case))}")
        for detail in details:
            console.print(f"    {escape(detail)}")
    others = Counter(finding.outcome for finding in unequal[n_shown:])
    if others:
        counts = ", ".join(f"{n} {outcome}" for outcome, n in others.items())
        console.print(f"  and not described (--show): {counts}")


def described(case: Case) -> str:
    """Name, and what is unusual about it."""
    return f"{case.name} ({', '.join(f'{axis}={value}' for axis, value in case.unusual.items())})"


if __name__ == "__main__":
    main()
