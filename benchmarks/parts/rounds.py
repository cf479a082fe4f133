"""One training round over engines and numbers of workers: where its time goes, and its bytes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, seconds_text, timing_text
from benchmarks.timing import Timing
from elman.backends import get_backend
from elman.backends.cells import Cell
from elman.distributed.connecting import connect
from elman.distributed.round import SharedGradients
from elman.distributed.tasks import ShareSums
from elman.distributed.timing import Timing as Efficiency
from elman.nn.gradient import Samples, gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import OneClass

WORKERS = (1, 2, 4)
EMPTY = (1, 16)
"""tasks that do nothing, of which rounds are timed as well"""
ENGINES = ("process pool", "MPI", "Dask")
ONE = "one process"


class Size(NamedTuple):
    """A batch and a network of one Elman layer."""

    batch: int
    steps: int
    features: int
    hidden: int

    def __str__(self) -> str:
        return f"{self.batch} sequences of ({self.steps}, {self.features}), hidden {self.hidden}"


SIZES = (Size(256, 29, 12, 64), Size(512, 100, 16, 128))


class Round(NamedTuple):
    """What was seen of one round."""

    seconds: float
    computing: float
    """of the slowest worker"""
    sent: int
    received: int


class Counted:
    """An engine that notes what goes through it. The caller is asked for the sizes afterwards."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.tasks: list[Any] = []
        self.results: list[ShareSums] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def run(self, tasks: Any) -> Any:
        """As the engine, noting both ends."""
        self.tasks, self.results = list(tasks), self.engine.run(tasks)
        return self.results


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for number in range(len(SIZES)):
        for name in (ONE, *ENGINES):
            for n_workers in WORKERS if name != ONE else (1,):
                found = _measured(name, n_workers, number, options.seconds)
                rows.append({"name": name, "n_workers": n_workers, "size": number} | found)
    for row in rows:
        first = next(r for r in rows if r["size"] == row["size"])
        if row["bits"] != first["bits"]:
            raise SystemExit(f"{row['name']} with {row['n_workers']} workers has other bits")
    return {"sizes": [size._asdict() for size in SIZES], "rows": rows}


def _measured(name: str, n_workers: int, number: int, seconds: float) -> dict[str, Any]:
    if name == "MPI":
        mpiexec = Path(sys.executable).parent / "mpiexec"
        command = [str(mpiexec), "-n", str(n_workers), sys.executable, "-m", __name__]
        done = subprocess.run(
            [*command, str(number), str(seconds)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    with _executor(name, n_workers) as executor:
        return _rounds(number, seconds, executor)


@contextmanager
def _executor(name: str, n_workers: int) -> Iterator[Any]:
    if name == ONE:
        yield None
    elif name == "Dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
    else:
        with ProcessPoolExecutor(n_workers) as pool:
            yield pool


def _rounds(number: int, seconds: float, executor: Any) -> dict[str, Any]:
    """Rounds for as many seconds, one after another, of the same batch."""
    size = SIZES[number]
    rng = np.random.default_rng(0)
    layout = Layout(size.features, (size.hidden,), 4, Cell("elman", "tanh"))
    network = Network.initialised(layout, rng=rng)
    samples = Samples(
        rng.standard_normal((size.batch, size.steps, size.features), np.float32),
        None,
        rng.integers(0, 4, size.batch),
    )
    backend = get_backend("native", n_threads=1)
    if executor is None:
        step: Callable[[], Any] = lambda: gradient(network, samples, OneClass(), backend)  # noqa: E731
        counted = None
    else:
        counted = Counted(connect(executor))
        shared = SharedGradients(counted, 1, Efficiency(size.batch))
        step = lambda: shared.gradient(network, samples, OneClass(), backend)  # noqa: E731
    for _ in range(3):
        found = step()
    empty = [] if counted is None else [_empty(counted.engine, n) for n in EMPTY]
    rounds: list[Round] = []
    end = time.perf_counter() + seconds
    go_on = True
    while go_on:
        start = time.perf_counter()
        found = step()
        took = time.perf_counter() - start
        computing = took if counted is None else max(r.seconds for r in counted.results)
        rounds.append(Round(took, computing, 0, 0))
        more = len(rounds) < 20 or time.perf_counter() < end
        go_on = more if counted is None else counted.shared(lambda more=more: more)
    times = np.array([(r.seconds, r.computing) for r in rounds])
    low, median, high = np.quantile(times[:, 0], (0.25, 0.5, 0.75)).tolist()
    timing = Timing(median, low, high, len(rounds))
    return {
        **timing._asdict(),
        "computing": float(np.median(times[:, 1])),
        "sent": 0 if counted is None else len(pickle.dumps(counted.tasks, 5)),
        "empty": empty,
        "received": 0 if counted is None else len(pickle.dumps(counted.results, 5)),
        "bits": found.gradient.flat.tobytes().hex()[:64],
    }


class Nothing(NamedTuple):
    """A task that does nothing."""

    name: str = "nothing"

    def run(self) -> None:
        """Do nothing."""


def _empty(engine: Any, n_tasks: int) -> float:
    """Seconds, the median, of a round of tasks that do nothing."""
    times = []
    for _ in range(30):
        start = time.perf_counter()
        engine.run([Nothing()] * n_tasks)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main(number: str, seconds: str) -> None:
    from mpi4py import MPI

    found = _rounds(int(number), float(seconds), MPI.COMM_WORLD)
    if MPI.COMM_WORLD.Get_rank() == 0:
        print(json.dumps(found), flush=True)


def sheets(result: dict[str, Any]) -> list[Sheet]:
    found = []
    for number, fields in enumerate(result["sizes"]):
        rows = [row for row in result["rows"] if row["size"] == number]
        alone = rows[0]["median"]
        lines = [
            [
                row["name"],
                str(row["n_workers"]),
                timing_text(row),
                seconds_text(row["computing"]),
                seconds_text(row["median"] - row["computing"]) if row["sent"] else "",
                f"{row['sent'] / 1e3:.0f} kB" if row["sent"] else "",
                f"{row['received'] / 1e3:.0f} kB" if row["sent"] else "",
                f"{alone / row['median']:.2f}",
            ]
            for row in rows
        ]
        headings = ["", "workers", "round", "slowest worker computes", "the rest", "sent"]
        headings += ["received", "speed / one process"]
        notes = "One thread a worker, X in the memory of the caller. The same bits in every row."
        found.append(Sheet(f"{Size(**fields)}", headings, lines, notes))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
