"""`python -m benchmarks.learning`: what each cell learns, over 10 seeds, mostly on tasks made here.

Every seed draws its own data, weights and batches (digits, words and genes are given, and split the
same way every time). --torch trains PyTorch instead, where it is installed, from the same weights
in the same batches; --linear fits linear models to the sequences of symbols. A score goes into the
JSON beside the others as soon as it is there, so that a run that was ended goes on with --resume;
at the end the tables in docs/explanation/accuracy.md are renewed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import learning_linear, learning_table
from benchmarks.earlier import as_recorded
from benchmarks.learning_tasks import SEEDS, TASKS, Task
from benchmarks.machine import machine
from benchmarks.tables import ACCURACY, RESULTS, renew
from elman.backends import get_backend
from elman.formats.atomic import replacing

PATH = RESULTS / "learning.json"
Train = Callable[[Task, str, int], float]
"""Task, cell and seed -> test accuracy in per cent, or mean squared error."""


def ours(task: Task, cell: str, seed: int) -> float:
    """See `Train`."""
    data, make = task.data(seed), task.estimator
    model = make(
        cell=cell,
        random_state=seed,
        n_jobs=1,
        on_epoch=lambda epoch: epoch.loss < task.enough,
        **as_recorded(make, **task.settings_of(cell)),
    ).fit(data.X_train, data.y_train)
    answers = model.predict(data.X_test)
    if task.is_regression:
        return float(np.mean((answers - data.y_test) ** 2))
    return accuracy(task, answers, data.y_test)


def accuracy(task: Task, answers: Any, y: Any) -> float:
    """In per cent, of samples or of time steps."""
    if task.is_tagging:
        answers, y = np.concatenate(answers), np.concatenate(y)
    return 100 * float(np.mean(np.asarray(answers) == np.asarray(y)))


def described(task: Task, cell: str) -> dict[str, Any]:
    """A row of the JSON without its scores; scores belong to exactly this."""
    shared = ("about", "enough", "is_regression", "goal", "n_needed")
    own = {"task": task.name, "cell": cell, "settings": task.settings_of(cell)}
    kind = {"is_tagging": True} if task.is_tagging else {}
    return own | {name: getattr(task, name) for name in shared} | kind


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
    parser.add_argument("--resume", action="store_true", help="only what is not recorded yet")
    parser.add_argument("--only", default="", help="tasks whose name begins with this")
    parser.add_argument("--cell", help="this cell only")
    parser.add_argument(
        "--seeds",
        type=seed_range,
        default=SEEDS,
        help="such as 0-4; beyond 9 they are to try settings on, and are not recorded",
    )
    sides = parser.add_mutually_exclusive_group()
    sides.add_argument("--torch", action="store_true", help="train PyTorch, not elman")
    sides.add_argument("--linear", action="store_true", help="fit linear models, not networks")
    args = parser.parse_args()
    if args.linear:
        tasks = [task for task in TASKS if task.linear and task.name.startswith(args.only)]
        learning_linear.run(tasks, resume=args.resume)
        renew(ACCURACY)
        return
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
