"""`python -m benchmarks.accuracy`: how accurate we are on public data sets, on their test splits.

Without an option: our estimators as they come, seeds 0 to 9, and linear models beside them.
--tuned measures what `elman.tune` finds in --minutes, --torch PyTorch's GRU, where it is installed,
--library networks of aeon or sktime beside our adapter, in the environment of that library.
Scores go into the JSON one by one, so that a run that was ended goes on with --resume; at the end
the tables in docs/explanation/accuracy.md are renewed. Each run adds a line to accuracy-runs.jsonl:
test splits are for reporting, not for choosing, and how often they were looked at can be seen.
"""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import sets
from benchmarks.accuracy import libraries, record, sheets
from benchmarks.accuracy.contestants import (
    CONTESTANTS,
    WITHOUT_SEED,
    Job,
    load,
    run,
    tuned,
    warm_up,
)
from benchmarks.tables import ACCURACY, renew

BY_COST = ("ACSF1", "OSULeaf", "digits", "Trace", "JapaneseVowels", "Tecator", "Covid3Month")
"""Sets whose fits take long, longest first, so that workers end together"""


def jobs_of(contestants: list[str], names: list[str], n_seeds: int) -> list[Job]:
    """Costly sets first; one seed for contestants that have none."""
    ordered = sorted(names, key=lambda name: BY_COST.index(name) if name in BY_COST else 99)
    return [
        Job(contestant, name, seed)
        for contestant in contestants
        for name in ordered
        for seed in range(1 if contestant in WITHOUT_SEED else n_seeds)
    ]


def main() -> None:
    args = parsed()
    stem = "accuracy-torch" if args.torch else "accuracy-tuned" if args.tuned else "accuracy"
    settings: dict[str, Any] = {}
    contestants, n_workers = ["untouched", *WITHOUT_SEED], args.workers
    if args.torch:
        from benchmarks.accuracy.torch_gru import SETTINGS

        settings, contestants = dict(SETTINGS), ["torch"]
    if args.tuned:
        import elman

        if not hasattr(elman, "tune"):
            print("This elman has no elman.tune, so nothing was tuned.")
            return
        # it keeps all cores busy by itself, so that one data set is tuned after the other
        settings, contestants, n_workers = {"minutes": args.minutes}, ["tuned"], 0
        CONTESTANTS["tuned"] = partial(tuned, minutes=args.minutes)
    names, usual = args.sets or [*sets.PUBLIC, *sets.HELD_OUT], 1 if args.tuned else 10
    if args.library:
        stem, settings = f"accuracy-{args.library}", dict(libraries.SIZE)
        CONTESTANTS.update(libraries.CONTESTANTS[args.library])
        contestants, n_workers = [*libraries.CONTESTANTS[args.library]], 0
        names, usual = args.sets or [*libraries.SETS[args.library]], libraries.N_SEEDS
    n_seeds = args.seeds if args.seeds is not None else usual
    about = {"source": record.digest(record.SOURCES[stem]), "settings": settings}
    kept = record.Record(args.output / f"{stem}.json", about)
    if kept.n_forgotten:
        print(f"{kept.n_forgotten} scores of another version of the source are forgotten.")
    jobs = jobs_of(contestants, names, n_seeds)
    left = [job for job in jobs if not (args.resume and job in kept)]
    if args.library and left:
        libraries.warm_up(args.library)
    measure(left, kept, record.about_machine(stem), args.output / record.RUNS, n_workers)
    for sheet in sheets.sheets(args.output):
        Console(width=max(160, Console().width)).print(sheet.rich())
    if args.output == record.RESULTS:
        renew(ACCURACY)
    if stem == "accuracy" and (missed := sheets.missed(kept.scores)):
        raise SystemExit(f"missed on {', '.join(missed)}")


def measure(
    jobs: list[Job], kept: record.Record, machine: dict[str, Any], runs: Path, n_workers: int
) -> None:
    """Run what is to be run; each score is kept as it comes."""
    if not jobs:
        return
    for name in {job.name for job in jobs}:
        load(name)  # a set that cannot be had is an error before anything is scored
    record.note_run(jobs, runs)

    def keep(job: Job, found: dict[str, Any]) -> None:
        kept.add(job, found, machine)
        text = f"{job.name}, {job.contestant}, seed {job.seed}: {found['score']:.2f}"
        print(f"{text} in {found['seconds']:.1f} s", flush=True)

    if not n_workers:
        for job in jobs:
            keep(job, run(job))
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, fresh, initializer=warm_up) as pool:
        futures = {pool.submit(run, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                keep(futures[future], future.result())
        except BaseException:  # Ctrl-C too: what is not begun is left to --resume
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--torch", action="store_true", help="PyTorch's GRU, not elman")
    side.add_argument("--tuned", action="store_true", help="what elman.tune finds")
    side.add_argument("--library", choices=libraries.SETS, help="its networks beside our adapter")
    parser.add_argument("--minutes", type=float, default=5.0, help="of --tuned, for each set")
    names = [*sets.PUBLIC, *sets.HELD_OUT]
    parser.add_argument("--sets", nargs="+", choices=[*names, *sets.MADE])
    parser.add_argument(
        "--seeds",
        type=int,
        help="how many, from 0 on: 10, 1 with --tuned, 3 with --library; 24 to see the worst",
    )
    parser.add_argument("--resume", action="store_true", help="only what is not recorded yet")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--output", type=Path, default=record.RESULTS, help="folder of the JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
