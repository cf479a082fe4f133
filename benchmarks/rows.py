"""Names in; the settings that `benchmarks.selection` compares under that name out.

"steps" stands for as many epochs, at least 60, as hold so many steps of the optimizer, and
"initial gain" for what the gains of layer normalisation start at.
"""

from __future__ import annotations

from typing import Any

from benchmarks.earlier import EARLIER, OF_REGRESSOR

FORMER_OF_REGRESSOR = {f"regressor: {name}": value for name, value in OF_REGRESSOR.items()}
FORMER = {**EARLIER, **FORMER_OF_REGRESSOR}
"""The defaults before these comparisons; what they settled is in the grid "defaults"."""
AUTO = {**FORMER, "deltas": "auto", "stride": "auto"}
SMALL = {**AUTO, "batch_size": 8}
LONGER = {**SMALL, "max_iter": 100}
ENOUGH = {**AUTO, "steps": 600}
GAINS = (0.1, 0.2, 0.3, 0.5, 1.0)


def _with(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row of which some things are changed, for all estimators."""
    return {n: v for n, v in row.items() if n.rpartition(": ")[2] not in changes} | changes


GRIDS: dict[str, list[dict[str, Any]]] = {
    "embeddings": [{"embedding_size": size} for size in (None, 8, 16, 32, 64)],
    "defaults": [
        {},
        FORMER,
        {"deltas": 0, "stride": 1},
        {"batch_size": 32, "max_iter": 60},
        FORMER_OF_REGRESSOR,
        {"bidirectional": True},
        {"cell": "gru"},
    ],
    "steps": [
        FORMER,
        AUTO,
        {**AUTO, "steps": 600},
        {**AUTO, "steps": 1500},
        {**AUTO, "steps": 1500, "learning_rate_init": 0.002},
    ],
    "regularisation": [
        {**AUTO, "steps": 300},
        {**AUTO, "steps": 600},
        SMALL,
        {**AUTO, "batch_size": 16},
        {**AUTO, "steps": 600, "dropout": 0.2},
        {**AUTO, "steps": 600, "alpha": 0.01},
        {**AUTO, "steps": 600, "learning_rate_init": 0.002},
        {**SMALL, "dropout": 0.2},
    ],
    "batches": [
        SMALL,
        {**AUTO, "batch_size": 4},
        {**AUTO, "batch_size": 12},
        {**SMALL, "learning_rate_init": 0.002},
        {**SMALL, "learning_rate_init": 0.005},
        {**SMALL, "alpha": 0.001},
        {**SMALL, "alpha": 0.01},
        {**SMALL, "dropout": 0.1},
        {**SMALL, "max_iter": 100},
    ],
    "networks": [
        LONGER,
        _with(LONGER, readout="last"),
        _with(LONGER, readout=["last", "max"]),
        _with(LONGER, readout=["mean", "max"]),
        _with(LONGER, readout=["last", "mean", "max"]),
        {**LONGER, "bidirectional": True},
        {**LONGER, "n_layers": 2},
        {**LONGER, "cell": "gru"},
        {**LONGER, "hidden_size": 64},
        {**LONGER, "max_iter": 200},
    ],
    "regressors": [
        _with(LONGER, readout=readout, **change)
        for readout in ("max", "last", ["last", "max"], ["last", "mean", "max"])
        for change in ({}, {"max_grad_norm": 0.3}, {"alpha": 0.01}, {"dropout": 0.1})
    ],
    "stability": [
        _with(LONGER, readout=readout, **change)
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
