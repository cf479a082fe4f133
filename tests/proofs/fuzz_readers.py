"""Damaged files for every reader, minute after minute: `make fuzz ARGS="--minutes 10"`.

Each case has a number, which says what the file is. A failure is printed with it and kept, and the
same case can be run again:

    make fuzz ARGS="--readers ts --seed 123 --cases 1"
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.reader_fuzz import TARGETS, FuzzError, attempt, case

MOST_FAILURES = 10
KEPT = Path("build/fuzz")


def main() -> int:
    """Run the cases that the command line asks for; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1, help="for each reader (default: 1)")
    parser.add_argument("--readers", nargs="+", choices=TARGETS, default=[*TARGETS])
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case")
    parser.add_argument("--cases", type=int, help="how many of each reader, in any time")
    options = parser.parse_args()
    failed = [run(name, options) for name in options.readers]
    return int(any(failed))


def run(name: str, options: argparse.Namespace) -> int:
    """Cases of one reader; how many failed."""
    n_read = n_refused = n_failed = 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in itertools.count(options.seed):
            if options.cases is None:
                done = time.monotonic() - start > 60 * options.minutes
            else:
                done = seed - options.seed == options.cases
            if done or n_failed == MOST_FAILURES:
                break
            path, content = case(name, seed, Path(folder))
            try:
                read = attempt(name, path, content)
            except FuzzError as failure:
                n_failed += 1
                KEPT.mkdir(parents=True, exist_ok=True)
                kept = KEPT / f"{name}-{seed}{path.suffix}"
                kept.write_bytes(content)
                print(f"{name}, case {seed}: {failure}\n  kept as {kept}", flush=True)
                continue
            n_read += read
            n_refused += not read
    minutes = (time.monotonic() - start) / 60
    print(
        f"{name}: {n_read + n_refused + n_failed} cases in {minutes:.1f} minutes: {n_read} read "
        f"right, {n_refused} refused, {n_failed} failed",
        flush=True,
    )
    return n_failed


if __name__ == "__main__":
    sys.exit(main())
