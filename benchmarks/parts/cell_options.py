"""What layer normalisation and recurrent dropout cost a training step, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.field import MAX_DIFFERENCE
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Size, Workload, make_workload
from elman.backends import get_backend
from elman.backends.cells import CELLS, Cell, Weights
from elman.backends.contract import Backend, Forward
from elman.backends.reference import ReferenceBackend

SIZES = (Size(32, 50, 8, 32), Size(64, 100, 32, 128))
CASES = ("plain", "layer norm", "recurrent dropout")


def measure(options: Options) -> dict[str, Any]:
    backend = get_backend("native", n_threads=1, isa=options.isa)
    rows = []
    for name in CELLS:
        for size in SIZES:
            work = make_workload(size, cell=name)
            difference = max(_difference(backend, work, case) for case in CASES)
            if not difference <= MAX_DIFFERENCE:
                raise SystemExit(f"{name} ({size}): off the reference by {difference:.1e}")
            timings = interleave(
                [_step(backend, work, case) for case in CASES],
                seconds=options.seconds,
                min_rounds=options.min_rounds,
            )
            of_case = {case: t._asdict() for case, t in zip(CASES, timings, strict=True)}
            rows.append({"cell": name, "size": size._asdict(), "difference": difference} | of_case)
    return {"rows": rows}


def _forward(backend: Backend, work: Workload, case: str, n: int, keep_tape: bool) -> Forward:
    """The first n samples."""
    cell = Cell(work.cell, layer_norm=case == "layer norm")
    gain = np.ones_like(work.b) if cell.layer_norm else None
    mask = None
    if case == "recurrent dropout":
        kept = np.random.default_rng(1).random((n, work.size.H)) < 0.75
        mask = (kept / 0.75).astype(np.float32)
    weights = Weights(work.W_x, work.W_h, work.b, gain)
    return backend.forward(
        cell, work.X[:n], None, None, weights, outputs="final", keep_tape=keep_tape, h_mask=mask
    )


def _difference(backend: Backend, work: Workload, case: str) -> float:
    ours, reference = (
        _forward(b, work, case, 2, keep_tape=False).final for b in (backend, ReferenceBackend())
    )
    return float(np.abs(ours - reference).max())


def _step(backend: Backend, work: Workload, case: str) -> Callable[[], object]:
    dfinal = np.zeros((work.size.B, Cell(work.cell).state_size(work.size.H)), np.float32)
    dfinal[:, : work.size.H] = work.dfinal

    def step() -> object:
        tape = _forward(backend, work, case, work.size.B, keep_tape=True).tape
        return backend.backward(None, dfinal, tape, need_dX=False)

    return step


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        plain = row["plain"]["median"]
        cells = [timing_text(row["plain"])]
        for case in CASES[1:]:
            cells += [timing_text(row[case]), f"{row[case]['median'] / plain:.2f}"]
        lines.append([f"{row['cell']}: {Size(**row['size'])}", *cells])
    headings = ["cell: B, T, D, H", "plain", "layer norm", "/ plain"]
    headings += ["recurrent dropout", "/ plain"]
    return [Sheet("A training step with options of the cell, one thread", headings, lines)]
