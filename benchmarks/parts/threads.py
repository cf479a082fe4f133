"""Two threads against one, at batches that both can share."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import contestants
from benchmarks.field import named, timed
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.workloads import Size, make_workload

SIZES = [Size(B, 100, D, H) for D, H in ((12, 64), (32, 128), (64, 256)) for B in (64, 128)]
GOAL = 1.8


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for size in SIZES:
        work = make_workload(size)
        one, two = (contestants.ours(work, n, options.isa) for n in (1, 2))
        equal = np.array_equal(one.states(), two.states()) and all(
            np.array_equal(a, b) for a, b in zip(one.gradients(), two.gradients(), strict=True)
        )
        if not equal:
            raise SystemExit(f"({size}): two threads gave other bits than one")
        timings = {kind: timed([one, two], kind, options) for kind in ("infer", "step")}
        rows.append({"size": size._asdict(), **timings})
    return {"rows": rows}


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        cells = []
        for kind in ("infer", "step"):
            one, two = named(row[kind], "elman", 1), named(row[kind], "elman", 2)
            cells += [timing_text(one), timing_text(two), f"{one['median'] / two['median']:.2f}"]
        lines.append([str(Size(**row["size"])), *cells, f"≥ {GOAL}"])
    headings = ["B, T, D, H", "forward: 1 thread", "2 threads", "1 / 2"]
    headings += ["step: 1 thread", "2 threads", "1 / 2", "goal"]
    return [Sheet("Two threads over one; the same bits", headings, lines)]
