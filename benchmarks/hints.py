"""`python -m benchmarks.hints`: which hints `fit` gives on data that can be learned, and on faults.

Prints a line for each fit: what was fitted, how it went on test data, and the code of the hint, "-"
if there was none. Data that can be learned come first: the tasks of `benchmarks.learning`, the
demos, the two real data sets and the examples, where a hint is a false alarm unless the network did
not learn. Then come trainings with a fault in them, where a hint is wanted. `--full` also prints
what the hints say.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import sets
from benchmarks.earlier import as_recorded
from benchmarks.learning_tasks import TASKS
from benchmarks.made_sets import make_bumps
from elman import RNNClassifier, RNNRegressor, TrainingWarning
from elman.cli.demo_tasks import TASKS as DEMOS
from elman.cli.demo_tasks import make_task
from elman.data import make_parity

ROOT = Path(__file__).parent.parent
ALONE = (
    *(ROOT / "examples" / f"{name}.py" for name in ("from_csv", "from_folder", "own_data")),
    ROOT / "examples" / "grid_search.py",
    *sorted((ROOT / "docs" / "tutorials").glob("*.py")),
)
"""programs that run without an argument"""
REAL = ("JapaneseVowels", "ItalyPowerDemand")


class Case(NamedTuple):
    """One fit."""

    name: str
    estimator: Any
    X: Any
    y: Any
    X_test: Any = None
    y_test: Any = None
    validation: Any = None


def tasks(seeds: range) -> Iterator[Case]:
    """The tasks of `benchmarks.learning`, also with the cells that are not expected to learn."""
    for task in TASKS:
        make = RNNRegressor if task.is_regression else RNNClassifier
        for seed in seeds:
            data = task.data(seed)
            for cell in ("elman", "gru", "lstm"):
                estimator = make(
                    cell=cell,
                    random_state=seed,
                    n_jobs=1,
                    on_epoch=_below(task.enough),
                    **as_recorded(make, **task.settings_of(cell)),
                )
                note = "" if cell in task.cells else " (not expected to learn)"
                yield Case(f"{task.name}, {cell}, seed {seed}{note}", estimator, *data)


def _below(enough: float) -> Any:
    return lambda epoch: epoch.loss < enough


def demos(seeds: range) -> Iterator[Case]:
    """The tasks of `elman demo`."""
    for name in DEMOS:
        for seed in seeds:
            task = make_task(name, seed)
            validation = None if task.X_val is None else (task.X_val, task.y_val)
            estimator = RNNClassifier(**task.settings, random_state=seed)
            data = (task.X_train, task.y_train, task.X_test, task.y_test)
            yield Case(f"demo {name}, seed {seed}", estimator, *data, validation)


def real(seeds: range) -> Iterator[Case]:
    """JapaneseVowels and ItalyPowerDemand with the defaults, also with validation data."""
    for split in map(sets.load, REAL):
        data = (split.X_train, split.y_train, split.X_test, split.y_test)
        for seed in seeds:
            estimator = RNNClassifier(random_state=seed)
            yield Case(f"{split.name}, seed {seed}", estimator, *data)
            estimator = RNNClassifier(random_state=seed)
            yield Case(f"{split.name}, validated, seed {seed}", estimator, *data, data[2:])
            estimator = RNNClassifier(random_state=seed, early_stopping=True)
            yield Case(f"{split.name}, early stopping, seed {seed}", estimator, *data)
    yield Case("event in noise", RNNClassifier(random_state=0), *make_bumps())


def _plain(**settings: Any) -> RNNClassifier:
    """A classifier as its defaults were when hints were first counted, but for some settings."""
    return RNNClassifier(**as_recorded(RNNClassifier, **settings))


def faults(seeds: range) -> Iterator[Case]:
    """Trainings with a fault in them; the name says which."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for split in map(sets.load, REAL):
            X, y = split.X_train, np.asarray(split.y_train)
            test = (split.X_test, split.y_test)
            for rate in (1e-6, 1e-5, 1e-4, 0.03, 0.1, 0.3, 1.0, 3.0):
                estimator = _plain(random_state=seed, learning_rate_init=rate)
                yield Case(f"{split.name}, rate {rate:g}, seed {seed}", estimator, X, y, *test)
            for factor in (1e-4, 1e3, 1e5):
                estimator = _plain(random_state=seed, standardize=False)
                name = f"{split.name}, not scaled, times {factor:g}, seed {seed}"
                scaled, scaled_test = ([x * factor for x in some] for some in (X, test[0]))
                yield Case(name, estimator, scaled, y, scaled_test, test[1])
            estimator = _plain(random_state=seed)
            shuffled = rng.permutation(y)
            yield Case(f"{split.name}, shuffled, seed {seed}", estimator, X, shuffled, *test)
            estimator = _plain(random_state=seed)
            name = f"{split.name}, shuffled, validated, seed {seed}"
            yield Case(name, estimator, X, shuffled, *test, test)
        X, y = make_parity(1000, max_length=15, random_state=seed)
        for rate in (1e-5, 0.01, 0.1, 0.5):
            for early in (False, True):
                estimator = _plain(
                    hidden_size=24,
                    random_state=seed,
                    readout="last",
                    standardize=False,
                    learning_rate_init=rate,
                    early_stopping=early,
                )
                stops = ", early stopping" if early else ""
                yield Case(f"parity, rate {rate:g}{stops}, seed {seed}", estimator, X, y)
        for noise in (0.1, 0.3, 0.6, 1.0):
            X = rng.normal(size=(2000, 9, 2))
            y = np.where(rng.random(2000) < noise, rng.integers(0, 2, 2000), X[:, -1, 0] > 0)
            estimator = _plain(hidden_size=16, random_state=seed, readout="last")
            yield Case(f"{noise:.0%} of the labels are noise, seed {seed}", estimator, X, y)
            y = X[:, :, 0].sum(axis=1) / 3 * (1 - noise) + noise * rng.normal(size=2000)
            settings = {"hidden_size": 16, "random_state": seed, "readout": "last"}
            regressor = RNNRegressor(**as_recorded(RNNRegressor, **settings))
            yield Case(f"{noise:.0%} of the target is noise, seed {seed}", regressor, X, y)


def run(case: Case) -> tuple[str, str, str]:
    """How it went, the code of the hint, and what it says."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        case.estimator.fit(case.X, case.y, validation_data=case.validation)
    history = case.estimator.history_
    went = f"{len(history):3d} epochs, loss {history.loss[-1]:.4f}"
    if case.X_test is not None:
        went += f", test {case.estimator.score(case.X_test, case.y_test):.3f}"
    hints = [w.message for w in caught if isinstance(w.message, TrainingWarning)]
    return went, " ".join(hint.code for hint in hints) or "-", "\n    ".join(map(str, hints))


def run_program(path: Path) -> str:
    """The warnings of a program's own process, or "-"."""
    with tempfile.TemporaryDirectory() as folder:  # some write files where they run
        done = subprocess.run(
            [sys.executable, "-W", "always", path],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    lines = [line for line in done.stderr.splitlines() if "Warning: " in line]
    return "\n    ".join(lines) or "-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hints", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="how many of each")
    parser.add_argument("--full", action="store_true", help="print what the hints say as well")
    parser.add_argument("--only", default="", help="cases whose name begins with this")
    args = parser.parse_args()
    seeds = range(args.seeds)
    for title, cases in (
        ("data that can be learned", [tasks, demos, real]),
        ("faults", [faults]),
    ):
        print(f"\n{title}\n")
        for case in (case for make in cases for case in make(seeds)):
            if case.name.startswith(args.only):
                went, code, text = run(case)
                print(f"{case.name:56s} {went:42s} {code}", flush=True)
                if args.full and text:
                    print(f"    {text}")
    if not args.only:
        print("\nexamples and tutorials\n")
        for path in ALONE:
            print(f"{path.stem:56s} {run_program(path)}", flush=True)


if __name__ == "__main__":
    main()
