"""`python -m benchmarks.accuracy`: test accuracy of RNNClassifier as it comes, over 10 seeds."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import archive
from benchmarks.machine import machine
from benchmarks.selection import defaults
from elman import RNNClassifier
from elman.backends import get_backend
from elman.data import load_japanese_vowels

RESULTS = Path(__file__).parent / "results"
SEEDS = range(10)
SHOWN = (
    *("hidden_size", "activation", "readout", "recurrent_init", "solver", "alpha", "batch_size"),
    *("learning_rate", "learning_rate_init", "max_iter", "max_grad_norm", "standardize"),
)


class Split(NamedTuple):
    """A data set with its official split."""

    name: str
    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any
    target: float
    """mean test accuracy that the defaults must reach, in per cent"""


def japanese_vowels() -> Split:
    X_train, y_train = load_japanese_vowels("train")
    X_test, y_test = load_japanese_vowels("test")
    return Split("JapaneseVowels", X_train, y_train, X_test, y_test, 96.0)


def italy_power_demand() -> Split:
    name = "ItalyPowerDemand"
    X_train, y_train, _ = archive.load(name, "train")
    X_test, y_test, _ = archive.load(name, "test")
    return Split(name, X_train, y_train, X_test, y_test, 95.0)


def measure(split: Split) -> dict[str, Any]:
    """Fit with every seed and score on the test split."""
    accuracies, seconds = [], []
    for seed in SEEDS:
        start = time.perf_counter()
        clf = RNNClassifier(random_state=seed).fit(split.X_train, split.y_train)
        seconds.append(time.perf_counter() - start)
        accuracies.append(100 * float(clf.score(split.X_test, split.y_test)))
    mean = statistics.mean(accuracies)
    return {
        "data": split.name,
        "n_train": len(split.y_train),
        "n_test": len(split.y_test),
        "mean": mean,
        "standard_deviation": statistics.stdev(accuracies),
        "min": min(accuracies),
        "max": max(accuracies),
        "accuracies": accuracies,
        "seconds_per_fit": statistics.median(seconds),
        "target": split.target,
        "passed": mean >= split.target,
    }


def print_results(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(title=f"test accuracy in %, seeds {SEEDS[0]} to {SEEDS[-1]}, official splits")
    headings = ("train", "test", "mean", "sd", "min", "max", "s per fit", "target", "")
    table.add_column("data", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        figures = [f"{row[name]:.2f}" for name in ("mean", "standard_deviation", "min", "max")]
        table.add_row(
            row["data"],
            str(row["n_train"]),
            str(row["n_test"]),
            *figures,
            f"{row['seconds_per_fit']:.2f}",
            f">= {row['target']:.1f}",
            "pass" if row["passed"] else "FAIL",
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    args = parser.parse_args()
    console = Console(width=max(120, Console().width))
    chosen = {name: value for name, value in defaults(RNNClassifier).items() if name in SHOWN}
    console.print(f"defaults: {', '.join(f'{n}={v}' for n, v in chosen.items())}", highlight=False)
    backend = get_backend()
    about = machine("elman", "numpy", "scikit-learn") | {
        "backend": f"{backend.name} {backend.isa}",
        "threads": backend.n_threads,
    }
    rows = [measure(split) for split in (japanese_vowels(), italy_power_demand())]
    print_results(rows, console)
    report = {"rows": rows}
    name = "accuracy.json"
    output = args.output or RESULTS / name
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"machine": about, "defaults": chosen, **report}, indent=1) + "\n")
    console.print(
        f"{about['cpu']}, {about['cores']} cores, {about['backend']}; written to {output}"
    )
    if not all(row["passed"] for row in report["rows"]):
        raise SystemExit("a target was missed")


if __name__ == "__main__":
    main()
