"""`python -m benchmarks.selection`: settings cross-validated on the training splits of many sets.

This is how defaults are chosen. All settings are compared on the same folds and the same seeds, and
no test split is loaded. For every set: the mean score (accuracy, or R^2, in per cent), the worst
fold, and the seconds of CPU of a fit. Over all sets: the mean rank and the mean score.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks import archive, sets, symbol_training
from benchmarks.machine import machine
from benchmarks.rows import GRIDS
from elman.nn.cells import INITIAL_GAINS
from elman.training.enough import samples_in_batch

Settings = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
N_FOLDS = 5
FEW, MANY = 100, 500
"""A set of at most so few samples is given twice the repeats of the folds that are asked for; one
of more than so many is given one."""


class Job(NamedTuple):
    """One fit, and its score on the fold that it did not see."""

    name: str
    settings: str
    """as JSON, so that it is a key"""
    repeat: int
    fold: int


def run(job: Job) -> dict[str, Any]:
    """Fit and score; the network of a fold starts from a seed of its own."""
    from elman import RNNClassifier, RNNRegressor

    data = _train(job.name)
    train, test = _folds(job.name, job.repeat)[job.fold]
    settings = dict(json.loads(job.settings))
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    gain = settings.pop("initial gain", None)
    gains = {} if gain is None else dict.fromkeys(INITIAL_GAINS, gain)
    estimator = RNNRegressor if data.kind == "regression" else RNNClassifier
    model = estimator(
        random_state=100 * job.repeat + job.fold, n_jobs=1, **_for(settings, estimator, train)
    )
    start = time.process_time()
    with patch.dict(INITIAL_GAINS, gains), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(_take(data.X_train, train), data.y_train[train])
    seconds = time.process_time() - start
    score = float(model.score(_take(data.X_train, test), data.y_train[test]))
    loss = float(model.loss_curve_[-1])
    return {**job._asdict(), "score": 100 * score, "loss": loss, "seconds": seconds}


def _for(settings: Settings, estimator: type, train: NDArray[Any]) -> Settings:
    """What an estimator takes: "steps" are turned into epochs, and "regressor: x" is for one."""
    kept = {}
    for name, value in settings.items():
        kind, _, of_kind = name.rpartition(": ")
        if not kind or estimator.__name__ == f"RNN{kind.capitalize()}":
            kept[of_kind] = value
    steps = kept.pop("steps", None)
    if steps is not None:
        size = kept.get("batch_size", "auto")
        if size == "auto":
            size = samples_in_batch(len(train)).number
        n_batches = math.ceil(len(train) / size)
        kept["max_iter"] = max(60, math.ceil(steps / n_batches))
    return kept


@cache
def _train(name: str) -> sets.DataSet:
    return symbol_training.load(name) if name in symbol_training.SYMBOLS else sets.load(name)


@cache
def _folds(name: str, repeat: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    from sklearn.model_selection import KFold, StratifiedKFold

    data = _train(name)
    kind = KFold if data.kind == "regression" else StratifiedKFold
    folds = kind(N_FOLDS, shuffle=True, random_state=repeat)
    return list(folds.split(np.zeros(len(data.y_train)), data.y_train))


def _take(X: Any, indices: NDArray[Any]) -> Any:
    return X[indices] if isinstance(X, np.ndarray) else [X[i] for i in indices]


def jobs_of(names: Iterable[str], rows: list[Settings], n_repeats: int) -> Iterator[Job]:
    """All of a set's, then those of the next."""
    for name in names:
        n_samples = len(_train(name).y_train)
        of_set = 1 if n_samples > MANY else n_repeats * (2 if n_samples <= FEW else 1)
        for repeat in range(of_set):
            for settings in rows:
                for fold in range(N_FOLDS):
                    yield Job(name, json.dumps(settings, sort_keys=True), repeat, fold)


def cross_validate(jobs: list[Job], log: Path, n_workers: int) -> list[dict[str, Any]]:
    """All results, those that `log` has already among them; each is added to it as it comes."""
    known = {}
    if log.exists():
        for line in log.read_text().splitlines():
            found = json.loads(line)
            known[Job(*(found[name] for name in Job._fields))] = found
    left = [job for job in jobs if job not in known]
    with ProcessPoolExecutor(n_workers) as pool, log.open("a") as out:
        for future in as_completed([pool.submit(run, job) for job in left]):
            found = future.result()
            known[Job(*(found[name] for name in Job._fields))] = found
            out.write(json.dumps(found) + "\n")
            out.flush()
    return [known[job] for job in jobs]


def summarise(results: list[dict[str, Any]], names: list[str], rows: list[Settings]) -> list[Any]:
    """For each row: its settings, what it did on each set, and its rank."""
    of_row: list[dict[str, Any]] = []
    for settings in rows:
        key = json.dumps(settings, sort_keys=True)
        by_set = {}
        for name in names:
            found = [r for r in results if r["name"] == name and r["settings"] == key]
            scores = [r["score"] for r in found]
            by_set[name] = {
                "mean": statistics.mean(scores),
                "worst": min(scores),
                "seconds": statistics.mean(r["seconds"] for r in found),
            }
        of_row.append({"settings": settings, "sets": by_set})
    for name in names:
        means = np.round([row["sets"][name]["mean"] for row in of_row], 6)
        for row, mean in zip(of_row, means, strict=True):
            better, equal = int((means > mean).sum()), int((means == mean).sum())
            row["sets"][name]["rank"] = better + (equal + 1) / 2
    for row in of_row:
        found = list(row["sets"].values())
        row["rank"] = statistics.mean(s["rank"] for s in found)
        row["mean"] = statistics.mean(max(0.0, s["mean"]) for s in found)
        row["seconds"] = sum(s["seconds"] for s in found)
    return of_row


def table(rows: list[Any], names: list[str]) -> str:
    """In Markdown: of each set the mean score and, in brackets, the worst fold."""
    lines = [
        f"| settings | rank | mean | seconds | {' | '.join(names)} |",
        f"| --- |{' ---: |' * (3 + len(names))}",
    ]
    for row in rows:
        cells = [f"{row['sets'][n]['mean']:.1f} ({row['sets'][n]['worst']:.0f})" for n in names]
        figures = [f"{row['rank']:.2f}", f"{row['mean']:.1f}", f"{row['seconds']:.1f}"]
        lines.append(f"| {in_words(row['settings'])} | {' | '.join([*figures, *cells])} |")
    return "\n".join(lines)


def in_words(settings: Settings) -> str:
    """Settings as a reader would say them."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "the defaults"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("grid", choices=GRIDS, help="the settings that are compared")
    names = [*sets.PUBLIC, *sets.MADE]
    choices = [*names, *sets.HELD_OUT, *symbol_training.SYMBOLS]
    parser.add_argument(
        "--sets", nargs="+", choices=choices, help="by default those of numbers, or of symbols"
    )
    parser.add_argument("--repeats", type=int, default=2, help="of the five folds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--log", type=Path, help="results one by one; a rerun goes on from it")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    args = parser.parse_args()
    rows = GRIDS[args.grid]
    if args.sets is None:
        args.sets = [*symbol_training.SYMBOLS] if args.grid == "embeddings" else names
    jobs = list(jobs_of(args.sets, rows, args.repeats))
    digest = hashlib.sha256(repr(jobs).encode()).hexdigest()[:8]
    log = args.log or archive.CACHE / f"selection-{args.grid.replace(' ', '-')}-{digest}.jsonl"
    log.parent.mkdir(exist_ok=True)
    found = summarise(cross_validate(jobs, log, args.workers), args.sets, rows)
    print(table(found, args.sets))
    output = args.output or RESULTS / f"selection-{args.grid.replace(' ', '-')}.json"
    about = machine("elman", "numpy", "scikit-learn")
    report = {"machine": about, "repeats": args.repeats, "rows": found}
    output.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
