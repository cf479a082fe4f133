"""One layer, forward and training step, ours beside every peer, and our share of the peak."""

from __future__ import annotations

from typing import Any

from benchmarks.field import PEERS, best, check_equal, field, named, timed
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import memory_bandwidth, peak_flops
from benchmarks.workloads import SIZES, Size, make_workload
from elman.backends import available_isas
from elman.backends.cells import CELLS

KINDS = {"infer": "Forward", "step": "Training step (forward, backward, weight gradients)"}


def measure(options: Options, cell: str = "elman") -> dict[str, Any]:
    chosen = [SIZES[i] for i in options.rows] if options.rows else SIZES
    peaks, bandwidth = _peaks(), memory_bandwidth() / 1e9
    rows = [_row(size, options, cell) for size in chosen]
    peaks = {isa: max(peak, peaks[isa]) for isa, peak in _peaks().items()}
    peaks[options.isa_name] = max(
        peaks[options.isa_name], *(row[f"{kind}_peak_gflops"] for row in rows for kind in KINDS)
    )
    return {"cell": cell, "peaks_gflops": peaks, "bandwidth_gbytes": bandwidth, "rows": rows}


def _peaks() -> dict[str, float]:
    return {isa: peak_flops(i) / 1e9 for i, isa in enumerate(available_isas())}


def _row(size: Size, options: Options, cell: str) -> dict[str, Any]:
    everyone = field(make_workload(size, cell=cell), options)
    n_gates = len(CELLS[cell].gates)
    row: dict[str, Any] = {"size": size._asdict(), **check_equal(everyone, size)}
    # The peak moves with the clock: taken around each kind, the higher one counts against us.
    for kind, flops in (("infer", size.infer_flops(n_gates)), ("step", size.step_flops(n_gates))):
        peak = peak_flops(options.isa_index)
        row[kind] = timed(everyone, kind, options)
        peak = max(peak, peak_flops(options.isa_index))
        row[f"{kind}_peak_gflops"] = peak / 1e9
        row[f"{kind}_gflops"] = flops / row[kind][0]["median"] / 1e9
        row[f"{kind}_share_of_peak"] = flops / row[kind][0]["median"] / peak
    return row


def sheets(result: dict[str, Any]) -> list[Sheet]:
    peaks = ", ".join(f"{isa} {peak:.0f}" for isa, peak in result["peaks_gflops"].items())
    notes = (
        "1, 2: threads; JAX chooses its own. Median ± half the distance of the quartiles. Of peak: "
        "elman on one thread. Difference: the largest from any peer, of states (forward) or of "
        f"weight gradients, relative to the largest. Peak of one core in GFLOP/s: {peaks}."
    )
    n_onnx = 2 if result.get("cell", "elman") == "elman" else 0
    return [_sheet(result["rows"], kind, notes, n_onnx) for kind in KINDS]


def _sheet(rows: list[dict[str, Any]], kind: str, notes: str, n_onnx: int) -> Sheet:
    columns = [("elman", 1), ("elman", 2), ("PyTorch", 1), ("PyTorch", 2), ("JAX", 0)]
    headings = ["B, T, D, H", "elman 1", "elman 2", "PyTorch 1", "PyTorch 2", "JAX"]
    if kind == "infer" and n_onnx:
        columns += [("ONNX Runtime", 1), ("ONNX Runtime", 2)]
        headings += ["ONNX RT 1", "ONNX RT 2"]
    headings += ["best peer / elman 1", "best peer / best elman", "of peak", "difference"]
    lines = []
    for row in rows:
        timings = row[kind]
        found = [named(timings, *column) for column in columns]
        peer, us = best(timings, *PEERS)["median"], best(timings, "elman")["median"]
        difference = row["state_difference" if kind == "infer" else "gradient_difference"]
        lines.append(
            [
                str(Size(**row["size"])),
                *(timing_text(t) if t else "-" for t in found),
                f"{peer / timings[0]['median']:.1f}",
                f"{peer / us:.1f}",
                f"{row[f'{kind}_share_of_peak']:.0%}",
                f"{difference:.0e}",
            ]
        )
    return Sheet(KINDS[kind], headings, lines, notes if kind == "step" else "")


def compact(result: dict[str, Any]) -> Sheet:
    """Everyone at the better thread count, forward and step in one table."""
    headings = ["samples, steps, features, hidden", "", "elman", *PEERS, "best peer / elman"]
    lines = []
    for row in result["rows"]:
        for kind, label in (("infer", "forward"), ("step", "training")):
            us, peers = best(row[kind], "elman"), [best(row[kind], peer) for peer in PEERS]
            fastest = min(t["median"] for t in peers if t)
            lines.append(
                [
                    str(Size(**row["size"])) if kind == "infer" else "",
                    label,
                    timing_text(us),
                    *(timing_text(t) if t else "-" for t in peers),
                    f"{fastest / us['median']:.1f}",
                ]
            )
    title = "One Elman layer, float32: everyone at the better of 1 and 2 threads"
    return Sheet(title, headings, lines)
