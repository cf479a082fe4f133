"""An epoch in; the numbers of its fit so far, a row for each epoch, out."""

from __future__ import annotations

from typing import Any

from elman.models.history import Epoch

Row = dict[str, Any]
"""A value, or None, by the name of its column."""


def rows_of(epoch: Epoch) -> list[Row]:
    """The rows of the epoch's history, all with the same columns in the same order.

    The columns are those of `History.to_frame`. Which ones there are depends on the layers of the
    network only: a column that has no value is there as well.
    """
    layers = [name.removesuffix(".W_h") for name in epoch.network.params if name.endswith(".W_h")]
    history = epoch.history
    rows: list[Row] = [{} for _ in history.epoch]
    for name in history.columns():
        values = getattr(history, name) or [None] * len(rows)
        for row, value in zip(rows, values, strict=True):
            if name == "spectral_radius":
                row.update({f"{name}.{layer}": (value or {}).get(layer) for layer in layers})
            else:
                row[name] = value
    return rows


def numbers_of(row: Row) -> dict[str, float]:
    """The columns of a row that have a value, without the number of the epoch."""
    return {name: value for name, value in row.items() if name != "epoch" and value is not None}
