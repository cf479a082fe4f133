"""One build's part of `same_bits`: `python -m benchmarks.bits.side SITE TASK` in its own process.

SITE is the folder from which the build must be imported. The tasks are

`run FOLDER NAME...`
    Train these configurations; leave models, checkpoints and records in FOLDER.
`read FOLDER RECORDS NAME...`
    Read what `run`, of this build or of the other, left in FOLDER; leave records in RECORDS.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import elman
from benchmarks.bits.cases import Case, all_cases
from benchmarks.bits.running import Runner
from benchmarks.bits.special import SPECIALS
from benchmarks.bits.values import Record


def main(site: str, task: str, folder: str, *rest: str) -> None:
    if not Path(str(elman.__file__)).is_relative_to(site):
        raise SystemExit(f"elman was imported from {elman.__file__}, not from {site}")
    warnings.simplefilter("ignore")  # of early stopping, undefined scores and their like
    cases = {case.name: case for case in all_cases()}
    left, records = Path(folder), Path(folder if task == "run" else rest[0])
    for name in rest if task == "run" else rest[1:]:
        case = cases[name]
        with tempfile.TemporaryDirectory() as scratch:
            if task == "run":
                record = _recorded(lambda r, c=case: _run(c, left, r))
            else:
                record = _recorded(lambda r, c=case, s=scratch: _read(c, left, Path(s), r))
        record.write(records, name)


def _recorded(fill: Callable[[Record], None]) -> Record:
    """What it makes of a record; if it raises, the record says so."""
    record = Record()
    try:
        fill(record)
    except Exception as error:
        last = traceback.format_exc(limit=-3)
        record.notes["error"] = f"{type(error).__name__}: {error}\n{last}"
    return record


def _run(case: Case, folder: Path, record: Record) -> None:
    if "special" in case.axes:
        SPECIALS[case.axes["special"]].run(folder, record)
    else:
        Runner(case.name, case.axes).run(folder, record)


def _read(case: Case, folder: Path, scratch: Path, record: Record) -> None:
    if "special" not in case.axes:
        Runner(case.name, case.axes).read(folder, scratch, record)
    elif (read := SPECIALS[case.axes["special"]].read) is not None:
        read(folder, record)


if __name__ == "__main__":
    main(*sys.argv[1:])
