"""A table as columns of NumPy arrays: the form between the readers of tables and `Dataset`.

Readers of tables (data frames, CSV, JSON lines, Parquet, Arrow, ARFF) return them, so that one
function for all of them cuts the rows into sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def row_number(row: int) -> str:
    """A row of a table that has no lines: its number, from 0."""
    return f"row {row}"


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a table, by name, all of the same number of rows.

    A column is an ndarray of shape (n_rows,), of one of these types:

    - float32 or float64, where NaN is a missing value;
    - integers of any size, or bool, which have no missing values;
    - datetime64[ns] in UTC, where NaT is a missing value;
    - object: text (str, or None where it is missing); or, for a table with one row for each
      sequence, a 1-D ndarray of one of these types in each row (or None); or what is missing in
      part and has no NaN: True, False and None, and integers beyond 2^53 and None. Other objects
      are taken as they are, and refused where numbers or labels are asked for.

    `elman.data.tables.plain.plain_column` makes such an array of values of any kind.
    """

    columns: dict[str, Array]
    """by name, in the order of the table"""
    n_rows: int
    place: Callable[[int], str] = row_number
    """the number of a row, from 0 -> where an error says it is: "row 6", "runs.csv, line 8" """
    source: str = "the table"
    """what an error calls the whole: a file's path, or "the table" """
    categorical: frozenset[str] = frozenset()
    """the columns that their library calls categorical (their values are text, or numbers)"""
