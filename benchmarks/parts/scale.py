"""The model of a round's time, held against the measured rounds, and what it says of clusters."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.options import Options
from benchmarks.parts.rounds import EMPTY
from benchmarks.scale import model
from benchmarks.scale.model import ONE_GBE, TEN_GBE, Engine, Job, Net
from benchmarks.sheet import Sheet, seconds_text

CORES = 2
LOOPBACK = Net("this machine", 0.0, 1.5e9)
"""pickled and through a pipe or a socket"""
MANY = (1, 2, 4, 8, 16, 64, 256, 1024)


def measure(options: Options) -> dict[str, Any]:
    from benchmarks.tables import RESULTS

    path = RESULTS / "rounds.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: measure the part rounds first")
    rounds = json.loads(path.read_text())
    rows = [row | {"job": _job(rounds, row["size"])} for row in rounds["rows"] if row["sent"]]
    engines = {name: _fitted(rows, name) for name in dict.fromkeys(row["name"] for row in rows)}
    checked = []
    for row in rows:
        job = Job(*row["job"])
        said = model.star(job, Engine(*engines[row["name"]]), LOOPBACK, row["n_workers"], CORES)
        checked.append(
            {key: row[key] for key in ("name", "n_workers", "size", "median")} | {"model": said}
        )
    return {"sizes": rounds["sizes"], "rows": rows, "engines": engines, "checked": checked}


def _job(rounds: dict[str, Any], size: int) -> tuple[float, int, int]:
    """Seconds of a batch in one process, bytes of weights, bytes of samples."""
    alone = next(row for row in rounds["rows"] if row["size"] == size and not row["sent"])
    of_size = [row for row in rounds["rows"] if row["size"] == size and row["sent"]]
    weights = min(row["received"] for row in of_size)
    return alone["median"], weights, min(row["sent"] for row in of_size) - weights


def _fitted(rows: list[dict[str, Any]], name: str) -> tuple[str, float, float]:
    """An engine's round trip and its cost of a task, from rounds of tasks that do nothing."""
    row = next(r for r in rows if (r["name"], r["size"], r["n_workers"]) == (name, 0, CORES))
    one, many = row["empty"]
    return name, one, max(many - one, 0.0) / (EMPTY[1] - EMPTY[0])


def curves(result: dict[str, Any]) -> list[dict[str, Any]]:
    """By network and way the speed over one process, of the larger batch read from a store."""
    row = next(row for row in result["rows"] if row["size"] == len(result["sizes"]) - 1)
    seconds, weights, _ = row["job"]
    job, found = Job(seconds, weights), []
    dask = Engine(*result["engines"]["Dask"])
    for net in (ONE_GBE, TEN_GBE):
        steps = model.local_steps_for(job, dask, net, max(MANY))
        ways = {
            "star over Dask": [seconds / model.star(job, dask, net, n) for n in MANY],
            "tree (MPI)": [seconds / model.tree(job, net, n) for n in MANY],
            "ring (other bits)": [seconds / model.ring(job, net, n) for n in MANY],
            f"local, {steps} steps": [
                n * steps * seconds / model.local(job, dask, net, n, steps) for n in MANY
            ],
        }
        found += [{"net": net.name, "way": way, "speed": speed} for way, speed in ways.items()]
    return found


def sheets(result: dict[str, Any]) -> list[Sheet]:
    checked = [
        [
            row["name"],
            str(row["n_workers"]),
            str(row["size"] + 1),
            seconds_text(row["median"]),
            seconds_text(row["model"]),
            f"{row['model'] / row['median']:.2f}",
        ]
        for row in result["checked"]
    ]
    engines = ", ".join(
        f"{name} {seconds_text(trip)} a round and {seconds_text(task)} a task"
        for name, trip, task in result["engines"].values()
    )
    notes = (
        f"The engine's costs come from rounds of 1 and 16 tasks that do nothing, with 2 workers: "
        f"{engines}. All rows are forecasts."
    )
    headings = ["", "workers", "batch", "measured", "model", "model / measured"]
    speeds = [
        [f"{row['net']}, {row['way']}", *[f"{speed:.3g}" for speed in row["speed"]]]
        for row in curves(result)
    ]
    return [
        Sheet("The model beside the measured rounds", headings, checked, notes),
        Sheet(
            "Speed over one process, as the model says",
            ["workers", *map(str, MANY)],
            speeds,
            "The second batch, read from a store by each worker, which has a core of its own.",
        ),
    ]
