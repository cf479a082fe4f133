"""`python -m benchmarks.learning`: what each gated cell learns, over 10 seeds, on tasks made here.

Every seed draws its own data, weights and batches (the digits are given, and split the same way
every time). The figures go into the JSON beside the others and from there into docs/accuracy.md,
between its markers; --table does only the second. --torch trains PyTorch the same way, from the
same weights in the same batches (where it is installed; that takes hours).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import elman
from benchmarks.machine import machine
from benchmarks.sheet import Sheet
from benchmarks.tables import ROOT, SECTION, machine_line
from elman import RNNClassifier
from elman.backends import get_backend
from elman.data import make_adding_problem, make_parity, make_temporal_xor, make_tomita

RESULTS = Path(__file__).parent / "results" / "learning.json"
TORCH_RESULTS = Path(__file__).parent / "results" / "learning-torch.json"
PAGE = ROOT / "docs" / "accuracy.md"
SEEDS = range(10)
CELLS = ("gru", "lstm")
TEST_SEED = 10_000
"""Added to a seed for the test data; no settings were tried on these."""


class Split(NamedTuple):
    """Data of one seed."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any


class Task(NamedTuple):
    """One thing to learn, and what counts as having learned it."""

    name: str
    data: Callable[[int], Split]
    settings: dict[str, Any]
    goal: float
    """test accuracy in per cent; of a regression, the largest mean squared error"""
    n_needed: int | None
    """how many seeds of ten must reach the goal; None: their mean must"""
    about: str
    is_regression: bool = False


# Nothing to shrink and nothing to scale: the answer is a rule, the inputs are bits.
RULE = {"readout": "last", "alpha": 0.0, "standardize": False, "learning_rate_init": 0.005}


def xor(seed: int) -> Split:
    train, test = (make_temporal_xor(n, random_state=s) for n, s in both(2000, seed))
    return Split(*train, *test)


def parity(seed: int) -> Split:
    train = make_parity(4000, min_length=1, max_length=15, random_state=seed)
    test = make_parity(1000, min_length=16, max_length=50, random_state=TEST_SEED + seed)
    return Split(*train, *test)


def tomita(grammar: int) -> Callable[[int], Split]:
    def data(seed: int) -> Split:
        train = make_tomita(grammar, 4000, random_state=seed)
        test = make_tomita(
            grammar, 1000, min_length=16, max_length=50, random_state=TEST_SEED + seed
        )
        return Split(*train, *test)

    return data


def digits(_: int) -> Split:
    """Pixel by pixel, row after row; a fifth of them to test on."""
    given = load_digits()
    X = (given.images.reshape(-1, 64, 1) / 16).astype(np.float32)
    split = train_test_split(X, given.target, test_size=360, stratify=given.target, random_state=0)
    X_train, X_test, y_train, y_test = split
    return Split(X_train, y_train, X_test, y_test)


def adding(seed: int) -> Split:
    sizes = {"min_length": 150, "max_length": 150}
    train, test = (make_adding_problem(n, random_state=s, **sizes) for n, s in both(5000, seed))
    return Split(*train, *test)


def both(n_train: int, seed: int) -> list[tuple[int, int]]:
    """How many samples, and the seed, of training and test data."""
    return [(n_train, seed), (1000, TEST_SEED + seed)]


TASKS = (
    Task(
        "temporal XOR",
        xor,
        RULE | {"hidden_size": 24, "max_iter": 100},
        100.0,
        10,
        "10 steps, 2000 to train on",
    ),
    Task(
        "parity",
        parity,
        RULE | {"hidden_size": 24, "max_iter": 150, "solver": "adamw", "alpha": 0.1},
        100.0,
        10,
        "trained on 4000 strings of 1-15 bits, tested on 16-50",
    ),
    *(
        Task(
            f"Tomita {grammar}",
            tomita(grammar),
            RULE | {"hidden_size": 24, "max_iter": 300},
            99.0,
            9,
            "trained on 4000 strings of 1-15 bits, tested on 16-50",
        )
        for grammar in (1, 2, 4, 6)
    ),
    Task(
        "digits",
        digits,
        {
            "readout": "max",
            "hidden_size": 96,
            "dropout": 0.3,
            "alpha": 0.0,
            "learning_rate_init": 0.005,
        },
        94.0,
        None,
        "64 steps of one pixel, 1437 to train on",
    ),
    Task(
        "adding problem",
        adding,
        RULE | {"hidden_size": 32, "max_iter": 30},
        0.01,
        None,
        "150 steps, 5000 to train on",
        is_regression=True,
    ),
)


Train = Callable[[Task, str, int], float]
"""Task, cell and seed -> test accuracy in per cent, or mean squared error."""


def ours(task: Task, cell: str, seed: int) -> float:
    """See `Train`."""
    data = task.data(seed)
    make = getattr(elman, "RNNRegressor", None) if task.is_regression else RNNClassifier
    if make is None:
        raise LookupError(f"{task.name} needs elman.RNNRegressor")
    model = make(cell=cell, random_state=seed, **task.settings).fit(data.X_train, data.y_train)
    answers = model.predict(data.X_test)
    if task.is_regression:
        return float(np.mean((answers - data.y_test) ** 2))
    return 100 * float(np.mean(answers == data.y_test))


def measure(fit_and_score: Train, task: Task, cell: str, seeds: range) -> dict[str, Any]:
    """Every seed of one task and cell."""
    scores = [fit_and_score(task, cell, seed) for seed in seeds]
    mean = statistics.mean(scores)
    reached = [score <= task.goal if task.is_regression else score >= task.goal for score in scores]
    if task.n_needed is None:
        passed = mean <= task.goal if task.is_regression else mean >= task.goal
    else:
        passed = sum(reached) * 10 >= task.n_needed * len(scores)
    return {
        "task": task.name,
        "about": task.about,
        "cell": cell,
        "settings": task.settings,
        "is_regression": task.is_regression,
        "goal": task.goal,
        "n_needed": task.n_needed,
        "scores": scores,
        "mean": mean,
        "standard_error": statistics.stdev(scores) / len(scores) ** 0.5 if scores[1:] else 0.0,
        "n_reached": sum(reached),
        "passed": passed,
    }


def goal_text(row: dict[str, Any]) -> str:
    goal = f"MSE <= {row['goal']:g}" if row["is_regression"] else f">= {row['goal']:g} %"
    goal = "100 %" if row["goal"] == 100 else goal
    return f"mean {goal}" if row["n_needed"] is None else f"{goal} in {row['n_needed']} of 10"


def keeps_up(row: dict[str, Any], peer: dict[str, Any]) -> bool:
    """Whether the mean is PyTorch's within 2 standard errors of the difference, or better."""
    gap = peer["mean"] - row["mean"]
    worse_by = -gap if row["is_regression"] else gap
    return bool(worse_by <= 2 * float(np.hypot(row["standard_error"], peer["standard_error"])))


def with_torch(row: dict[str, Any], peers: list[dict[str, Any]]) -> list[str]:
    """PyTorch's mean, and whether ours keeps up; dashes where it was not measured so."""
    same = ("task", "about", "cell", "settings")
    for peer in peers:
        if all(peer[name] == row[name] for name in same):
            digits = 4 if row["is_regression"] else 2
            verdict = "yes" if keeps_up(row, peer) else "**no**"
            return [f"{peer['mean']:.{digits}f} ± {peer['standard_error']:.{digits}f}", verdict]
    return ["-", "-"]


def sheet(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> Sheet:
    """One row for each task and cell."""
    lines = []
    for row in rows:
        digits = 4 if row["is_regression"] else 2
        worst = max(row["scores"]) if row["is_regression"] else min(row["scores"])
        lines.append(
            [
                f"{row['task']}: {row['about']}",
                row["cell"],
                goal_text(row),
                f"{row['n_reached']} of {len(row['scores'])}",
                f"{row['mean']:.{digits}f} ± {row['standard_error']:.{digits}f}",
                f"{worst:.{digits}f}",
                "yes" if row["passed"] else "**no**",
                *with_torch(row, peers),
            ]
        )
    headings = ["task", "cell", "goal", "seeds at it", "mean ± standard error", "worst seed"]
    headings += ["met", "PyTorch", "no worse"]
    return Sheet("Test accuracy in %, or mean squared error", headings, lines)


def write_table() -> None:
    """The JSON into the page, between its markers."""
    result = json.loads(RESULTS.read_text())
    text = f"{sheet(result['rows'], torch_rows()).markdown()}\n\n{machine_line(result)}"
    page, n_written = SECTION.subn(
        lambda match: (
            f"{match[1]}\n{text}\n\n{match[3]}" if match[2] == "learning" else str(match[0])
        ),
        PAGE.read_text(),
    )
    if not n_written:
        raise SystemExit(f"{PAGE} has no <!-- figures: learning --> to write the table to")
    PAGE.write_text(page)
    print(f"written to {PAGE}")


def torch_rows() -> list[dict[str, Any]]:
    """What PyTorch scored, as far as it was measured."""
    if not TORCH_RESULTS.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(TORCH_RESULTS.read_text())["rows"]
    return rows


def record(path: Path, rows: list[dict[str, Any]], packages: list[str], **about: str) -> None:
    """The rows, and where they were measured, into a file."""
    report = {"machine": machine(*packages), **about, "rows": rows}
    path.write_text(json.dumps(report, indent=1) + "\n")


def is_here(task: Task) -> bool:
    return not task.is_regression or hasattr(elman, "RNNRegressor")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--only", help="tasks whose name begins with this; nothing is recorded")
    parser.add_argument("--cell", choices=CELLS, help="this cell only; nothing is recorded")
    parser.add_argument("--seeds", type=int, help="so many seeds only; nothing is recorded")
    parser.add_argument("--torch", action="store_true", help="train PyTorch, not elman")
    parser.add_argument("--table", action="store_true", help="measure nothing, write the table")
    args = parser.parse_args()
    if args.table:
        write_table()
        return
    train: Train = ours
    if args.torch:
        from benchmarks.learning_torch import fit_and_score as train
    console = Console(width=max(140, Console().width))
    is_whole = not (args.only or args.cell or args.seeds)
    rows = []
    for task in TASKS:
        if not task.name.startswith(args.only or ""):
            continue
        if not is_here(task):
            console.print(f"{task.name}: left out, this elman has no RNNRegressor")
            continue
        for cell in [args.cell] if args.cell else CELLS:
            row = measure(train, task, cell, SEEDS[: args.seeds])
            rows.append(row)
            scores = " ".join(f"{score:.4g}" for score in row["scores"])
            console.print(f"{task.name}, {cell}: {scores}", highlight=False)
    console.print(sheet(rows, torch_rows()).rich())
    if is_whole:
        packages = ["elman", "numpy", "scikit-learn"]
        if args.torch:
            record(TORCH_RESULTS, rows, [*packages, "torch"])
        else:
            backend = get_backend()
            record(RESULTS, rows, packages, isa=f"{backend.name} {backend.isa}")
        write_table()
    if not all(row["passed"] for row in rows):
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
