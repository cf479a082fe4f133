"""The columns that are features in; an array of numbers, or why one of them is none, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, enumerated, listed
from elman.data.frames import INDEX
from elman.data.tables.grouping import differences
from elman.data.tables.plain import (
    as_numbers,
    holds_lists,
    is_number,
    is_text,
    missing_values,
)
from elman.data.tables.roles import Roles
from elman.data.tables.steps import Steps, shown

Array = NDArray[Any]


def feature_columns(columns: Columns, roles: Roles) -> list[str]:
    """The columns that are features, without the one of time differences."""
    if roles.features is not None:
        return [name for name in roles.features if name != roles.delta]
    played = roles.played()
    return [name for name in columns.columns if name not in played and not name.startswith(INDEX)]


def list_columns(columns: Columns, roles: Roles) -> list[str]:
    """Columns with a list in each row that say what a step has; none in a long table."""
    features = feature_columns(columns, roles)
    lists = [name for name in features if holds_lists(columns.columns[name])]
    if not lists:
        return []
    for name in features:
        if name not in lists:
            raise ReaderError(
                f"{columns.source}: column {cut(name)} has one value in each row, where column "
                f"{cut(lists[0])} has a list: make it a list with a value for each time step, or "
                f"leave it out with features=[{listed(lists)}]"
            )
    of_steps = [roles.time, roles.step_label, *roles.step_target]
    for name in filter(None, of_steps):
        if not holds_lists(columns.columns[name]):
            raise ReaderError(
                f"{columns.source}: column {cut(name)} has one value in each row, where column "
                f"{cut(lists[0])} has a list: it needs a list with a value for each time step too"
            )
    weights = roles.weight in columns.columns and holds_lists(columns.columns[str(roles.weight)])
    others = [name for name in filter(None, of_steps) if name not in lists]
    return [*lists, *others, *([str(roles.weight)] if weights else [])]


def feature_block(table: Steps, roles: Roles) -> tuple[Array, list[str]]:
    """(n_steps, n_features) in the order of the steps, and the names of the features."""
    columns = table.steps.columns
    names = feature_columns(columns, roles)
    numbers = _numbers(columns, names, roles)
    wanted = names
    if roles.delta is not None:
        if roles.delta in columns.columns:
            raise ReaderError(
                f"{columns.source} has a column {cut(roles.delta)} already, which time_delta=True "
                "would make: leave out time_delta, or rename the column"
            )
        given = list(roles.features or ())
        wanted = given if roles.delta in given else [*names, roles.delta]
    if not wanted:
        raise ReaderError(f"{columns.source} has no columns left that could be features")
    narrow = roles.delta is None and all(
        np.can_cast(column.dtype, np.float32, "safe") for column in numbers.values()
    )
    block = np.empty((columns.n_rows, len(wanted)), np.float32 if narrow else np.float64)
    for k, name in enumerate(wanted):
        if name == roles.delta and table.time is not None:
            block[:, k] = differences(table.steps.groups, table.time)
        else:
            block[:, k] = table.steps.groups.steps(numbers[name])
    return block, wanted


def _numbers(columns: Columns, names: list[str], roles: Roles) -> dict[str, Array]:
    found: dict[str, Array] = {}
    refused: dict[str, str] = {}
    for name in names:
        column = columns.columns[name]
        numbers = None if name in columns.categorical else as_numbers(column)
        if numbers is None:
            refused[name] = _why_not(columns, name, column)
        else:
            found[name] = numbers
    if not refused:
        return found
    name, reason = next(iter(refused.items()))
    also = f"; nor can {listed(list(refused)[1:])} be features" if len(refused) > 1 else ""
    if roles.features is not None:
        raise ReaderError(f"{columns.source}: the feature {cut(name)} {reason}")
    fix = (
        f"or choose what is a feature: features=[{listed(found)}]"
        if found
        else "there is no other column that could be a feature"
    )
    raise ReaderError(f"{columns.source}: column {cut(name)} {reason}{also}; {fix}")


def _why_not(columns: Columns, name: str, column: Array) -> str:
    """Why a column cannot be a feature, and how to make one of it."""
    if name in columns.categorical:
        return (
            "is categorical, and a network takes numbers: make a column of 0 and 1 for each "
            "category (pandas.get_dummies, polars' to_dummies), or convert it to numbers"
        )
    if column.dtype.kind == "M":
        return (
            "holds dates, which are no features: name it as time= (with time_delta=True the "
            "seconds since the step before become a feature), or make numbers of it, such as the "
            "hour"
        )
    if holds_lists(column):
        return "holds lists, where a number is expected for each time step: make a column of each"
    row = int(np.flatnonzero(~missing_values(column))[0])
    seen = f"holds {shown(column[row])} in {columns.place(row)}"
    if is_text(column):
        there = column[~missing_values(column)].tolist()
        if all(map(is_number, there)):
            return f"{seen}, numbers as text: convert the column to numbers"
        bad = next(i for i in np.flatnonzero(~missing_values(column)) if not is_number(column[i]))
        return (
            f"holds text ({shown(column[bad])} in {columns.place(int(bad))}), and a network takes "
            "numbers: convert it to numbers, or to a column of 0 and 1 for each value"
        )
    kinds = sorted({type(value).__name__ for value in column if value is not None})
    return f"{seen} and is of type {enumerated(kinds)}: convert every value to a number"
