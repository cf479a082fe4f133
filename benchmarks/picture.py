"""`python -m benchmarks.picture`: the measured layers under the roof of the machine, as a PNG."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.field import PEERS, best
from benchmarks.parts.layer import KINDS
from benchmarks.tables import RESULTS, ROOT, machine_line
from benchmarks.workloads import Size

OURS, THEIRS, ROOF = "#0b5fa5", "#b5541c", "#555555"


def intensity(size: Size, kind: str) -> float:
    """Operations per byte that must move: each array once a pass, states written and read again."""
    weights = (size.D + size.H + 1) * size.H
    inputs, states = size.B * size.T * size.D, size.B * size.T * size.H
    if kind == "infer":
        return size.infer_flops() / (4 * (inputs + states + weights))
    return size.step_flops() / (4 * (2 * inputs + 2 * states + 2 * weights))


def draw(result: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(1, 2, figsize=(13, 6.2), sharey=True, layout="constrained")
        for axis, (kind, title) in zip(axes, KINDS.items(), strict=True):
            _panel(axis, result, kind)
            axis.set_title(title, fontsize=12)
        axes[0].set_ylabel("GFLOP/s, elman on one core")
        axes[1].legend(loc="lower right", frameon=False, fontsize=9)
        figure.supxlabel(machine_line(result), fontsize=7.5, color=ROOF)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def _distinct(peaks: dict[str, float]) -> list[tuple[list[str], float]]:
    """Peaks in rising order, those within 5 % of each other as one line."""
    lines: list[tuple[list[str], float]] = []
    for isa, peak in sorted(peaks.items(), key=lambda item: item[1]):
        if lines and peak < 1.05 * lines[-1][1]:
            lines[-1] = ([*lines[-1][0], isa], peak)
        else:
            lines.append(([isa], peak))
    return lines


def _apart(values: list[float], factor: float = 1.16) -> list[float]:
    """Rising values, moved up where they would hide each other."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] * factor) if placed else value)
    return placed


def _panel(axis: Any, result: dict[str, Any], kind: str) -> None:
    bandwidth, peaks = result["bandwidth_gbytes"], result["peaks_gflops"]
    highest = max(peaks.values())
    axis.set(xscale="log", yscale="log", xlim=(2, 640), ylim=(highest / 60, highest * 1.4))
    axis.set_xlabel("operations per byte of X, states and weights")
    for method in (axis.xaxis.set_major_formatter, axis.yaxis.set_major_formatter):
        method("{x:g}")
    x = np.geomspace(2, 640, 200)
    for isas, peak in _distinct(peaks):
        mine = result["isa"] in isas
        style = {"color": ROOF, "linewidth": 1.6 if mine else 0.8, "zorder": 1}
        axis.plot(x, np.minimum(peak, bandwidth * x), linestyle="-" if mine else ":", **style)
        text = f"peak {peak:.0f} ({', '.join(isas)})"
        axis.text(
            max(2.1, 1.05 * peak / bandwidth),
            *(peak * 1.03, text),
            va="bottom",
            color=ROOF,
            fontsize=9,
        )
    text = f"copying in memory, {bandwidth:.0f} GB/s"
    axis.annotate(
        text,
        (2.2, 2.2 * bandwidth),
        xytext=(8, -8),
        textcoords="offset points",
        va="top",
        color=ROOF,
        fontsize=9,
    )
    # A call's overhead is no matter of roofs; the table has it.
    rows = [row for row in result["rows"] if row[f"{kind}_share_of_peak"] > 0.01]
    rows.sort(key=lambda row: intensity(Size(**row["size"]), kind))
    key = [f"     {'samples, steps,':<20}", f"     {'features, hidden':<20} of peak"]
    places = _apart([intensity(Size(**row["size"]), kind) for row in rows])
    for at, letter, row in zip(places, "abcdefghijklmnopqrstuvwxyz", rows, strict=False):
        ours = row[f"{kind}_gflops"]
        peer = ours * row[kind][0]["median"] / best(row[kind], *PEERS)["median"]
        axis.plot([at, at], [peer, ours], color=OURS, linewidth=1, alpha=0.5, zorder=2)
        label = letter == "a"
        axis.plot(
            *(at, peer, "o"),
            color=THEIRS,
            markersize=7,
            fillstyle="none",
            label="best of the peers, at its better thread count" if label else None,
        )
        axis.plot(*(at, ours, "o"), color=OURS, markersize=14, label="elman" if label else None)
        axis.text(at, ours, letter, color="white", ha="center", va="center", fontsize=9.5)
        share = f"{row[f'{kind}_share_of_peak']:.0%}"
        key.append(f"{letter}    {Size(**row['size'])!s:<20}{share:>5}")
    axis.text(
        *(0.02, 0.02, "\n".join(key)),
        transform=axis.transAxes,
        family="monospace",
        fontsize=9,
        va="bottom",
        color=OURS,
    )
    axis.grid(True, which="major", color="#e5e5e5", linewidth=0.6)
    axis.set_axisbelow(True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "explanation" / "performance.png"
    )
    args = parser.parse_args()
    source = args.results / "layer.json"
    if not source.exists():
        print(f"{source} is not there, no picture drawn: python -m benchmarks --parts layer")
        return
    draw(json.loads(source.read_text()), args.output)
    print(f"{args.output} drawn")


if __name__ == "__main__":
    main()
