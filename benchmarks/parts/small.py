"""Hidden sizes that do not fill a vector, ours beside PyTorch."""

from __future__ import annotations

from typing import Any

from benchmarks import contestants
from benchmarks.field import best, check_equal, named, timed
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.workloads import Size, make_workload

HIDDEN = range(4, 16)
GOAL = 3.0


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for hidden in HIDDEN:
        size = Size(64, 50, 4, hidden)
        work = make_workload(size)
        everyone = [contestants.ours(work, 1, options.isa), contestants.pytorch(work, 1)]
        if not options.quick:
            everyone.append(contestants.pytorch(work, 2))
        row = {"size": size._asdict(), **check_equal(everyone, size)}
        rows.append(row | {kind: timed(everyone, kind, options) for kind in ("infer", "step")})
    return {"rows": rows}


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        cells = []
        for kind in ("infer", "step"):
            ours, peer = named(row[kind], "elman", 1), best(row[kind], "PyTorch")
            cells += [
                timing_text(ours),
                timing_text(peer),
                f"{peer['median'] / ours['median']:.1f}",
            ]
        lines.append([str(Size(**row["size"])), *cells, f"≥ {GOAL:.0f}"])
    headings = ["B, T, D, H", "forward: elman 1", "PyTorch", "ratio"]
    headings += ["step: elman 1", "PyTorch", "ratio", "goal of the ratios"]
    notes = "elman on one thread, PyTorch at the better of 1 and 2."
    return [Sheet("Small hidden sizes", headings, lines, notes)]
