"""`python -m benchmarks`: one Elman layer, ours beside the peers', as a table and as JSON."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import contestants
from benchmarks.contestants import Contestant
from benchmarks.timing import Timing, interleave, peak_flops
from benchmarks.workloads import SIZES, Size, Workload, make_workload
from elman.backends import available_isas

RESULTS = Path(__file__).parent / "results"
PEERS = ("torch", "jax", "onnxruntime")
MAX_DIFFERENCE = 2e-5


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    cpu = platform.processor()
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        cpu = found[1] if found else cpu
    except OSError:
        pass
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {p: importlib.metadata.version(p) for p in ("elman", "numpy", *PEERS)},
        "date": datetime.date.today().isoformat(),
    }


def field(work: Workload, isa: str | None) -> list[Contestant]:
    """Everyone who runs, ours at one and two threads first."""
    return [
        contestants.ours(work, 1, isa),
        contestants.ours(work, 2, isa),
        contestants.pytorch(work, 1),
        contestants.pytorch(work, 2),
        contestants.jax(work),
        contestants.onnx_runtime(work, 1),
        contestants.onnx_runtime(work, 2),
    ]


def largest_differences(field: list[Contestant]) -> tuple[float, float]:
    """Largest |difference| from ours: of states; of gradients, relative to the largest."""
    us = field[0]
    states, gradients = us.states(), us.gradients()
    state_difference = gradient_difference = 0.0
    for other in field[1:]:
        difference = float(np.abs(other.states() - states).max())
        state_difference = max(state_difference, difference)
        if other.gradients is None:
            continue
        for ours, theirs in zip(gradients, other.gradients(), strict=True):
            scale = max(1.0, float(np.abs(ours).max()))
            gradient_difference = max(
                gradient_difference, float(np.abs(ours - theirs).max()) / scale
            )
    return state_difference, gradient_difference


def as_dict(contestant: Contestant, timing: Timing) -> dict[str, Any]:
    return {"name": contestant.name, "threads": contestant.n_threads, **timing._asdict()}


def measure(size: Size, seconds: float, isa: str | None) -> dict[str, Any]:
    """One row: everyone checked against ours, then timed."""
    work = make_workload(size)
    everyone = field(work, isa)
    state_difference, gradient_difference = largest_differences(everyone)
    if max(state_difference, gradient_difference) > MAX_DIFFERENCE:
        raise SystemExit(
            f"({size}): the implementations disagree by {state_difference:.1e} (states), "
            f"{gradient_difference:.1e} (gradients); not timed"
        )
    trainers = [c for c in everyone if c.step]
    isas = available_isas()
    index = isas.index(isa) if isa else len(isas) - 1
    peak = peak_flops(index)
    infer = interleave([c.infer for c in everyone], seconds=seconds)
    step = interleave([c.step for c in trainers if c.step], seconds=seconds)
    peak = max(peak, peak_flops(index))
    return {
        "size": size._asdict(),
        "peak_gflops": peak / 1e9,
        "state_difference": state_difference,
        "gradient_difference": gradient_difference,
        "infer": [as_dict(c, t) for c, t in zip(everyone, infer, strict=True)],
        "step": [as_dict(c, t) for c, t in zip(trainers, step, strict=True)],
        "infer_share_of_peak": size.infer_flops() / infer[0].median / peak,
        "step_share_of_peak": size.step_flops() / step[0].median / peak,
    }


def seconds_text(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def cell(timing: dict[str, Any] | None) -> str:
    if timing is None:
        return "-"
    spread = (timing["high"] - timing["low"]) / timing["median"] / 2
    return f"{seconds_text(timing['median'])} +-{spread:.0%}"


def find(timings: list[dict[str, Any]], name: str, threads: int) -> dict[str, Any] | None:
    return next((t for t in timings if t["name"] == name and t["threads"] == threads), None)


def print_table(console: Console, kind: str, rows: list[dict[str, Any]]) -> None:
    title = {"infer": "forward", "step": "training step (forward, backward, weight gradients)"}
    table = Table(title=f"{title[kind]}, float32, median +-half the interquartile range")
    columns = ("elman 1", "elman 2", "PyTorch 1", "PyTorch 2", "JAX", "ONNX RT 1", "ONNX RT 2")
    for heading in ("B, T, D, H", *columns):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("PyTorch 1 /\nelman 1", "best peer /\nelman best", "of peak", "difference"):
        table.add_column(heading, justify="right")
    for row in rows:
        timings = row[kind]
        ours, peers = timings[:2], timings[2:]
        torch_1 = find(peers, "PyTorch", 1)
        fastest = min(t["median"] for t in peers) / min(t["median"] for t in ours)
        everyone = [
            *ours,
            torch_1,
            find(peers, "PyTorch", 2),
            find(peers, "JAX", 0),
            find(peers, "ONNX Runtime", 1),
            find(peers, "ONNX Runtime", 2),
        ]
        difference = row["state_difference" if kind == "infer" else "gradient_difference"]
        table.add_row(
            str(Size(**row["size"])),
            *(cell(t) for t in everyone),
            f"{torch_1['median'] / ours[0]['median']:.2f}",
            f"{fastest:.2f}",
            f"{row[f'{kind}_share_of_peak']:.0%}",
            f"{difference:.1e}",
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes in all")
    parser.add_argument("--isa", choices=available_isas(), help="force our instruction set")
    parser.add_argument("--rows", type=int, nargs="+", help="only these rows of the table, from 0")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    args = parser.parse_args()
    console = Console(width=max(190, Console().width))
    chosen = [SIZES[i] for i in args.rows] if args.rows else SIZES
    seconds = 0.4 if args.quick else 3.0
    rows = []
    for size in chosen:
        console.print(f"({size}) ...", highlight=False)
        rows.append(measure(size, seconds, args.isa))
    about = machine()
    console.print(f"{about['cpu']}, {about['cores']} cores; ", about["versions"])
    for kind in ("infer", "step"):
        print_table(console, kind, rows)
    peak = max(row["peak_gflops"] for row in rows)
    console.print("1, 2: threads; JAX chooses its own. `of peak`: elman on one thread.")
    console.print(f"peak of one core: {peak:.0f} GFLOP/s ({args.isa or available_isas()[-1]})")
    name = f"layer-{args.isa or available_isas()[-1]}{'-quick' if args.quick else ''}.json"
    output = args.output or RESULTS / name
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")
    console.print(f"written to {output}")


if __name__ == "__main__":
    main()
