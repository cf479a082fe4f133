"""An epoch in; the numbers of its fit so far, a row for each epoch, out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from elman.models.history import Epoch, History

Row = dict[str, Any]
"""A value, or None, by the name of its column."""


def columns_of(weights: Iterable[str]) -> list[str]:
    """Names of the columns of a network whose weights have these names.

    They are those of `History.to_frame`. Which ones there are depends on the layers only: a column
    that has no value is there as well.
    """
    layers = [name.removesuffix(".W_h") for name in weights if name.endswith(".W_h")]
    columns = []
    for name in History.columns():
        per_layer = [f"{name}.{layer}" for layer in layers]
        columns += per_layer if name == "spectral_radius" else [name]
    return columns


def rows_of(epoch: Epoch) -> list[Row]:
    """A row for each epoch of the epoch's history, all with the same columns in the same order."""
    columns = columns_of(epoch.network.params)
    return [_row(epoch.history, columns, i) for i in range(len(epoch.history))]


def last_row(epoch: Epoch) -> Row:
    """The row of the epoch itself."""
    return _row(epoch.history, columns_of(epoch.network.params), -1)


def _row(history: History, columns: list[str], i: int) -> Row:
    row: Row = {}
    for name in columns:
        column, _, layer = name.partition(".")
        values = getattr(history, column)
        value = values[i] if values else None
        row[name] = (value or {}).get(layer) if layer else value
    return row


def numbers_of(row: Row) -> dict[str, float]:
    """The columns of a row that have a value, without the number of the epoch."""
    return {name: value for name, value in row.items() if name != "epoch" and value is not None}
