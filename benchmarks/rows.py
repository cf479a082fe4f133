"""Names in; the settings that `benchmarks.selection` compares under that name out.

"steps" stands for as many epochs, at least 60, as hold so many steps of the optimizer, and
"initial gain" for what the gains of layer normalisation start at.
"""

from __future__ import annotations

from typing import Any

AUTO = {"deltas": "auto", "stride": "auto"}
LONGER = {"batch_size": 8, "max_iter": 100}
ENOUGH = {**AUTO, "steps": 600}
GAINS = (0.1, 0.2, 0.3, 0.5, 1.0)
BEFORE = {"deltas": 0, "stride": 1, "batch_size": 32, "max_iter": 60}
"""What the defaults were until the front end chose for itself."""
OF_REGRESSOR = {"regressor: readout": "max", "regressor: max_grad_norm": 1.0}
GRIDS: dict[str, list[dict[str, Any]]] = {
    "defaults": [
        {},
        {**BEFORE, **OF_REGRESSOR},
        {"deltas": 0, "stride": 1},
        {"batch_size": 32, "max_iter": 60},
        OF_REGRESSOR,
        {"bidirectional": True},
        {"cell": "gru"},
    ],
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
    "batches": [
        {**AUTO, "batch_size": 8},
        {**AUTO, "batch_size": 4},
        {**AUTO, "batch_size": 12},
        {**AUTO, "batch_size": 8, "learning_rate_init": 0.002},
        {**AUTO, "batch_size": 8, "learning_rate_init": 0.005},
        {**AUTO, "batch_size": 8, "alpha": 0.001},
        {**AUTO, "batch_size": 8, "alpha": 0.01},
        {**AUTO, "batch_size": 8, "dropout": 0.1},
        {**AUTO, "batch_size": 8, "max_iter": 100},
    ],
    "networks": [
        {**AUTO, **LONGER},
        {**AUTO, **LONGER, "readout": "last"},
        {**AUTO, **LONGER, "readout": ["last", "max"]},
        {**AUTO, **LONGER, "readout": ["mean", "max"]},
        {**AUTO, **LONGER, "readout": ["last", "mean", "max"]},
        {**AUTO, **LONGER, "bidirectional": True},
        {**AUTO, **LONGER, "n_layers": 2},
        {**AUTO, **LONGER, "cell": "gru"},
        {**AUTO, **LONGER, "hidden_size": 64},
        {**AUTO, **LONGER, "max_iter": 200},
    ],
    "regressors": [
        {**AUTO, **LONGER, "readout": readout, **change}
        for readout in ("max", "last", ["last", "max"], ["last", "mean", "max"])
        for change in ({}, {"max_grad_norm": 0.3}, {"alpha": 0.01}, {"dropout": 0.1})
    ],
    "stability": [
        {**AUTO, **LONGER, "readout": readout, **change}
        for readout in ("max", ["last", "max"])
        for change in (
            {},
            {"max_grad_norm": 0.3},
            {"max_grad_norm": 0.1},
            {"warm_up": 0.1},
            {"learning_rate_init": 0.002},
            {"learning_rate_init": 0.001},
        )
    ],
    **{
        f"layer_norm {cell}": [
            {**ENOUGH, "cell": cell},
            *({**ENOUGH, "cell": cell, "layer_norm": True, "initial gain": g} for g in GAINS),
        ]
        for cell in ("elman", "gru", "lstm")
    },
}
