"""The columns that are features in; an array of numbers and categories, or what is wrong, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, enumerated, listed
from elman.data.frames import INDEX
from elman.data.tables.categories import NotCategoriesError, categories_of, refuse_doubtful
from elman.data.tables.grouping import differences
from elman.data.tables.plain import as_numbers, holds_lists, is_text, missing_values
from elman.data.tables.roles import Roles
from elman.data.tables.steps import Steps, shown
from elman.data.values import ONLY_NUMBERS

Array = NDArray[Any]


def feature_columns(columns: Columns, roles: Roles) -> list[str]:
    """The columns that are features, without the one of time differences."""
    if roles.text is not None:
        return []
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


def feature_block(
    table: Steps, roles: Roles, *, numbers_only: bool = False
) -> tuple[Array, list[str], list[str]]:
    """(n_steps, n_features) in the order of the steps, and the names of the features.

    It is an array of numbers, unless some features are categories, whose names are returned as
    well: it is then one of objects, which are floats in all other columns.
    """
    columns = table.steps.columns
    names = feature_columns(columns, roles)
    values, categorical = _values(table, names, roles, numbers_only)
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
        np.can_cast(column.dtype, np.float32, "safe") for column in values.values()
    )
    dtype: Any = object if categorical else np.float32 if narrow else np.float64
    block = np.empty((columns.n_rows, len(wanted)), dtype)
    for k, name in enumerate(wanted):
        if name == roles.delta and table.time is not None:
            block[:, k] = differences(table.steps.groups, table.time)
            continue
        column = values[name]
        if categorical and name not in categorical:
            column = column.astype(np.float64)  # as objects integers would be categories
        block[:, k] = table.steps.groups.steps(column)
    return block, wanted, [name for name in wanted if name in categorical]


def _values(
    table: Steps, names: list[str], roles: Roles, numbers_only: bool
) -> tuple[dict[str, Array], set[str]]:
    """The numbers, or the categories, of the features; and which of them are categories."""
    columns = table.steps.columns
    found: dict[str, Array] = {}
    categorical: set[str] = set()
    refused: dict[str, str] = {}
    for name in names:
        column = columns.columns[name]
        is_named = name in roles.categorical and not numbers_only
        numbers = None if is_named or name in columns.categorical else as_numbers(column)
        if numbers is not None:
            found[name] = numbers
            continue
        if numbers_only:
            refused[name] = _why_no_numbers(columns, name, column)
            continue
        try:
            if not is_named and name not in columns.categorical:
                if not is_text(column):
                    raise NotCategoriesError(_why_not(columns, name, column))
                refuse_doubtful(columns, name, None if table.one_row_each else table.steps.groups)
            found[name] = categories_of(columns, name)
            categorical.add(name)
        except NotCategoriesError as error:
            refused[name] = str(error)
    if not refused:
        return found, categorical
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


def _why_no_numbers(columns: Columns, name: str, column: Array) -> str:
    """Why a column cannot be kept as numbers, and how to make some of it."""
    if name in columns.categorical or is_text(column):
        row = int(np.argmin(missing_values(column)))
        return f"is a category ({shown(column[row])} in {columns.place(row)}), and {ONLY_NUMBERS}"
    return _why_not(columns, name, column)


def _why_not(columns: Columns, name: str, column: Array) -> str:
    """Why a column cannot be a feature, and how to make one of it."""
    if column.dtype.kind == "M":
        return (
            "holds dates, which are no features: name it as time= (with time_delta=True the "
            "seconds since the step before become a feature), or make numbers of it, such as the "
            "hour"
        )
    if holds_lists(column):
        return "holds lists, where a number is expected for each time step: make a column of each"
    row = int(np.flatnonzero(~missing_values(column))[0])
    kinds = sorted({type(value).__name__ for value in column if value is not None})
    return (
        f"holds {shown(column[row])} in {columns.place(row)} and is of type {enumerated(kinds)}: "
        "convert every value to a number"
    )
