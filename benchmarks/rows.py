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
    "regularisation": [
        {**AUTO, "steps": 300},
        {**AUTO, "steps": 600},
        {**AUTO, "batch_size": 8},
        {**AUTO, "batch_size": 16},
        {**AUTO, "steps": 600, "dropout": 0.2},
        {**AUTO, "steps": 600, "alpha": 0.01},
        {**AUTO, "steps": 600, "learning_rate_init": 0.002},
        {**AUTO, "batch_size": 8, "dropout": 0.2},
    ],
    "networks": [
        {**AUTO, "steps": 300},
        {**AUTO, "steps": 300, "readout": "last"},
        {**AUTO, "steps": 300, "readout": ["last", "max"]},
        {**AUTO, "steps": 300, "readout": ["mean", "max"]},
        {**AUTO, "steps": 300, "readout": ["last", "mean", "max"]},
        {**AUTO, "steps": 300, "bidirectional": True},
        {**AUTO, "steps": 300, "n_layers": 2},
        {**AUTO, "steps": 300, "cell": "gru"},
        {**AUTO, "steps": 300, "hidden_size": 64},
    ],
}
