"""Names in; the settings that `benchmarks.selection` compares under that name out.

"steps" stands for as many epochs, at least 60, as hold so many steps of the optimizer, and
"initial gain" for what the gains of layer normalisation start at.
"""

from __future__ import annotations

from typing import Any

AUTO = {"deltas": "auto", "stride": "auto"}
ENOUGH = {**AUTO, "steps": 600}
GAINS = (0.1, 0.2, 0.3, 0.5, 1.0)
GRIDS: dict[str, list[dict[str, Any]]] = {
    "steps": [
        {},
        AUTO,
        {**AUTO, "steps": 600},
        {**AUTO, "steps": 1500},
        {**AUTO, "steps": 1500, "learning_rate_init": 0.002},
    ],
    **{
        f"layer_norm {cell}": [
            {**ENOUGH, "cell": cell},
            *({**ENOUGH, "cell": cell, "layer_norm": True, "initial gain": g} for g in GAINS),
        ]
        for cell in ("elman", "gru", "lstm")
    },
}
