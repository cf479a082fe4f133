"""A training step over a long history, with and without checkpoints: peak memory, time, bits."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.child import extra_resident, run_child
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Size, Workload, make_workload
from elman.backends import get_backend
from elman.backends.cells import Cell, Weights

EVERY = 100
MEMORY_GOAL, TIME_GOAL = 1 / 10, 1.45
HISTORY = "all states kept"
CHECKPOINTS = f"recompute_every={EVERY}"
PEER = "PyTorch"


def _size(quick: bool) -> Size:
    return Size(64, 1000 if quick else 10_000, 1, 128)


def measure(options: Options) -> dict[str, Any]:
    size = _size(options.quick)
    work = make_workload(size)
    names = (HISTORY, CHECKPOINTS)
    timings = interleave(
        [_step(work, name) for name in names],
        seconds=options.seconds,
        min_rounds=options.min_rounds,
    )
    rows = []
    for name, timing in zip(names, timings, strict=True):
        rows.append(
            {"name": name, **timing._asdict(), **run_child(__name__, name, *map(str, size))}
        )
    if rows[0]["bits"] != rows[1]["bits"]:
        raise SystemExit("the gradients with checkpoints have other bits")
    rows.append({"name": PEER, **run_child(__name__, PEER, *map(str, size))})
    history = 4 * size.B * size.T * size.H
    return {"size": size._asdict(), "history_bytes": history, "rows": rows}


def _step(work: Workload, name: str) -> Callable[[], Any]:
    """One training step on one thread; returns the gradients, if they are ours."""
    if name == PEER:
        from benchmarks import contestants

        return contestants.pytorch(work, 1).step
    backend = get_backend("native", n_threads=1)
    weights = Weights(work.W_x, work.W_h, work.b)
    every = EVERY if name == CHECKPOINTS else 0

    def step() -> Weights:
        tape = backend.forward(
            Cell(),
            work.X,
            None,
            None,
            weights,
            outputs="final",
            keep_tape=True,
            recompute_every=every,
        ).tape
        return backend.backward(None, work.dfinal, tape, need_dX=False).dweights.arrays

    return step


def main(name: str, *shape: str) -> None:
    size = Size(*map(int, shape))
    _step(make_workload(size._replace(T=50)), name)()  # loads what is loaded once
    step = _step(make_workload(size), name)
    gradients: list[Any] = []
    extra = extra_resident(lambda: gradients.append(step()))
    report: dict[str, Any] = {"extra_bytes": extra}
    if name != PEER:
        report["bits"] = hashlib.sha256(b"".join(g.tobytes() for g in gradients[0])).hexdigest()
    print(json.dumps(report))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    full = result["rows"][0]
    lines = []
    for row in result["rows"]:
        is_timed = "median" in row
        lines.append(
            [
                row["name"],
                megabytes_text(row["extra_bytes"]),
                f"{row['extra_bytes'] / result['history_bytes']:.3f}",
                timing_text(row) if is_timed else "",
                f"{row['median'] / full['median']:.2f}" if is_timed else "",
                ("yes" if row["bits"] == full["bits"] else "NO") if "bits" in row else "",
            ]
        )
    headings = ["", "peak memory of a step", "/ history", "time", "/ all kept", "same bits"]
    notes = (
        f"One thread. The history, every state of the batch, is "
        f"{megabytes_text(result['history_bytes'])}. "
        f"Goal with checkpoints: ≤ {MEMORY_GOAL} of the history in ≤ {TIME_GOAL} of the time."
    )
    return [Sheet(f"Training step at ({Size(**result['size'])})", headings, lines, notes)]


if __name__ == "__main__":
    main(*sys.argv[1:])
