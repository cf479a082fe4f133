"""`python -m benchmarks.learning`: what each cell learns, over 10 seeds, on tasks made here.

Every seed draws its own data, weights and batches (the digits are given, and split the same way
every time). --torch trains PyTorch instead, where it is installed, from the same weights in the
same batches. A score goes into the JSON beside the others as soon as it is there, so that a run
that was ended goes on with --resume; at the end the table in docs/accuracy.md is renewed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from benchmarks import learning_table
from benchmarks.machine import machine
from benchmarks.tables import ACCURACY, RESULTS, renew
from elman import RNNClassifier, RNNRegressor
from elman.backends import get_backend
from elman.data import make_adding_problem, make_parity, make_temporal_xor, make_tomita
from elman.formats.atomic import replacing

PATH = RESULTS / "learning.json"
SEEDS = range(10)
TEST_SEED = 10_000
"""Added to a seed for the test data."""


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
    enough: float = 0.0
    """training ends with the first epoch whose mean training loss is below this"""
    is_regression: bool = False
    of_elman: dict[str, Any] | None = None
    """what is set otherwise for a plain Elman cell; None: it cannot be expected to learn this"""

    @property
    def cells(self) -> list[str]:
        """Which cells are to learn it."""
        return ["gru", "lstm"] if self.of_elman is None else ["elman", "gru", "lstm"]

    def settings_of(self, cell: str) -> dict[str, Any]:
        """What the estimator is given."""
        return self.settings | ((self.of_elman or {}) if cell == "elman" else {})


# Nothing to shrink and nothing to scale: the answer is a rule, the inputs are bits.
RULE = {
    "readout": "last",
    "alpha": 0.0,
    "standardize": False,
    "learning_rate_init": 0.01,
    "batch_size": 64,
}


def xor(seed: int) -> Split:
    train, test = (make_temporal_xor(n, random_state=s) for n, s in both(4000, seed))
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


def digits(seed: int) -> Split:
    """Pixel by pixel, row after row; tested on a fifth, settings tried on a fifth of the rest."""
    given = load_digits()
    X = (given.images.reshape(-1, 64, 1) / 16).astype(np.float32)
    split = train_test_split(X, given.target, test_size=360, stratify=given.target, random_state=0)
    if seed not in SEEDS:
        X, _, y, _ = split
        split = train_test_split(X, y, test_size=287, stratify=y, random_state=1)
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
        "10 steps, 4000 to train on",
        enough=3e-4,
        of_elman={"learning_rate_init": 0.003, "batch_size": 32},
    ),
    Task(
        "parity",
        parity,
        RULE | {"hidden_size": 24, "max_iter": 100, "solver": "adamw", "alpha": 0.1},
        100.0,
        10,
        "trained on 4000 strings of 1-15 bits, tested on 16-50",
        enough=1e-3,
    ),
    *(
        Task(
            f"Tomita {grammar}",
            tomita(grammar),
            RULE | {"hidden_size": 48 if grammar == 6 else 24, "max_iter": 100},
            99.0,
            9,
            "trained on 4000 strings of 1-15 bits, tested on 16-50",
            enough=3e-4,
            of_elman={} if grammar in (1, 2) else None,
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
            "max_iter": 40,
        },
        94.0,
        None,
        "64 steps of one pixel, 1437 to train on",
        enough=0.03,
    ),
    Task(
        "adding problem",
        adding,
        RULE | {"hidden_size": 32, "max_iter": 60},
        0.01,
        None,
        "150 steps, 5000 to train on",
        enough=3e-3,
        is_regression=True,
    ),
)


Train = Callable[[Task, str, int], float]
"""Task, cell and seed -> test accuracy in per cent, or mean squared error."""


def ours(task: Task, cell: str, seed: int) -> float:
    """See `Train`."""
    data = task.data(seed)
    make = RNNRegressor if task.is_regression else RNNClassifier
    model = make(
        cell=cell,
        random_state=seed,
        n_jobs=1,
        on_epoch=lambda epoch: epoch.loss < task.enough,
        **task.settings_of(cell),
    ).fit(data.X_train, data.y_train)
    answers = model.predict(data.X_test)
    if task.is_regression:
        return float(np.mean((answers - data.y_test) ** 2))
    return 100 * float(np.mean(answers == data.y_test))


def described(task: Task, cell: str) -> dict[str, Any]:
    """A row of the JSON without its scores; scores belong to exactly this."""
    shared = ("about", "enough", "is_regression", "goal", "n_needed")
    own = {"task": task.name, "cell": cell, "settings": task.settings_of(cell)}
    return own | {name: getattr(task, name) for name in shared}


def recorded() -> dict[str, Any]:
    """The JSON, a row for each task and cell as they are now; other rows are forgotten."""
    result: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
    scores = [(row.pop("scores"), row) for row in result.get("rows", [])]
    rows = []
    for about in (described(task, cell) for task in TASKS for cell in task.cells):
        of_it = next((old for old, row in scores if row == about), {"elman": {}, "torch": {}})
        rows.append(about | {"scores": of_it})
    return result | {"rows": rows}


def record(task: Task, cell: str, side: str, seed: int, score: float) -> None:
    """One score into the JSON, which is whole whenever the run is ended."""
    result = recorded()
    row = next(r for r in result["rows"] if (r["task"], r["cell"]) == (task.name, cell))
    row["scores"][side][str(seed)] = score
    row["scores"][side] = dict(sorted(row["scores"][side].items(), key=lambda item: int(item[0])))
    packages = ["elman", "numpy", "scikit-learn"] if side == "elman" else ["torch"]
    about = machine(*packages)
    about["versions"] = result.get("machine", {}).get("versions", {}) | about["versions"]
    if side == "elman":
        backend = get_backend()
        result["isa"] = f"{backend.name} {backend.isa}"
    with replacing(PATH) as file:
        file.write((json.dumps(result | {"machine": about}, indent=1) + "\n").encode())


def seed_range(text: str) -> range:
    """Both of 0-9 belong to it."""
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--torch", action="store_true", help="train PyTorch, not elman")
    parser.add_argument("--resume", action="store_true", help="only what is not recorded yet")
    parser.add_argument("--only", default="", help="tasks whose name begins with this")
    parser.add_argument("--cell", help="this cell only")
    parser.add_argument(
        "--seeds",
        type=seed_range,
        default=SEEDS,
        help="such as 0-4; beyond 9 they are to try settings on, and are not recorded",
    )
    args = parser.parse_args()
    side, train = "elman", ours
    if args.torch:
        from benchmarks.learning_torch import fit_and_score

        side, train = "torch", fit_and_score
    chosen = [
        (task, cell)
        for task in TASKS
        for cell in task.cells
        if task.name.startswith(args.only) and args.cell in (None, cell)
    ]
    for task, cell in chosen:
        known = next(
            row["scores"][side]
            for row in recorded()["rows"]
            if (row["task"], row["cell"]) == (task.name, cell)
        )
        for seed in args.seeds:
            if args.resume and str(seed) in known:
                continue
            start = time.process_time()
            score = train(task, cell, seed)
            seconds = time.process_time() - start
            print(
                f"{task.name}, {cell}, {side}, seed {seed}: {score:.5g} in {seconds:.1f} s",
                flush=True,
            )
            if seed in SEEDS:
                record(task, cell, side, seed, score)
    result = recorded()
    for table in learning_table.sheets(result):
        Console(width=max(160, Console().width)).print(table.rich())
    renew(ACCURACY)
    rows = [row for row in result["rows"] if row["scores"]["elman"]]
    if not all(learning_table.passed(row) for row in rows):
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
