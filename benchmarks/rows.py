"""Names in; the settings that `benchmarks.selection` compares under that name out.

"steps" stands for as many epochs, at least 60, as hold so many steps of the optimizer.
"""

from __future__ import annotations

from typing import Any

AUTO = {"deltas": "auto", "stride": "auto"}
GRIDS: dict[str, list[dict[str, Any]]] = {
    "steps": [
        {},
        AUTO,
        {**AUTO, "steps": 600},
        {**AUTO, "steps": 1500},
        {**AUTO, "steps": 1500, "learning_rate_init": 0.002},
    ],
}
