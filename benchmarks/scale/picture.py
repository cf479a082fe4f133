"""`python -m benchmarks.scale.picture`: the model's speeds over 1 to 1,024 workers, as a PNG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.parts.scale import MANY, curves
from benchmarks.tables import RESULTS, ROOT, machine_line

COLOURS = ("#0b5fa5", "#2a8c4a", "#999999", "#b5541c")


def draw(result: dict[str, Any], path: Path) -> None:
    """Write the picture: a panel for each network."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found = curves(result)
    nets = list(dict.fromkeys(row["net"] for row in found))
    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(
            1, len(nets), figsize=(12, 5), sharey=True, layout="constrained"
        )
        for axis, net in zip(axes, nets, strict=True):
            axis.plot(MANY, MANY, color="#cccccc", linewidth=1, label="every worker all the time")
            rows = [row for row in found if row["net"] == net]
            for row, colour in zip(rows, COLOURS, strict=True):
                axis.plot(
                    MANY, row["speed"], marker="o", markersize=3, color=colour, label=row["way"]
                )
            axis.set(xscale="log", yscale="log", title=net, xlabel="workers")
            axis.set_xticks(MANY, [str(n) for n in MANY])
            axis.minorticks_off()
            axis.legend(frameon=False, fontsize=9)
        axes[0].set_ylabel("speed over one process")
        figure.supxlabel(machine_line(result), fontsize=7.5, color="#555555")
        figure.savefig(path, dpi=110)
        plt.close(figure)


def main() -> None:
    result = json.loads((RESULTS / "scale.json").read_text())
    draw(result, ROOT / "docs" / "explanation" / "scale.png")


if __name__ == "__main__":
    main()
