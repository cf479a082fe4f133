"""A column of a table in; its categories, or why it holds none, out.

A column of text is a category without being asked for. What is most often text by mistake is
refused, because a network would learn from it in silence: numbers and dates that were read as
text, and columns of comments, names and hashes, in which nearly every value is another.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, enumerated
from elman.data.tables.grouping import Groups
from elman.data.tables.iso import ISO
from elman.data.tables.plain import (
    holds_lists,
    is_number,
    missing_values,
    object_array,
)
from elman.data.tables.roles import Roles
from elman.data.tables.steps import Steps, shown

Array = NDArray[Any]

LEAST_COUNTED = 20
"""Values from which on it is asked whether nearly all of them differ."""

BY_NAME = "name it in categorical_features= if its values are categories all the same"

_NUMBER = re.compile(
    r"[+-]?(?:\d+,\d+|\d{1,3}([,.' _\u00a0\u202f])\d{3}(?:\1\d{3})*(?:[.,]\d*)?)", re.ASCII
)
"""A number with a decimal comma, or whose digits stand in threes."""
_DAY = r"(?:\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2\d{4})"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"
_DATE = re.compile(rf"{_DAY}(?:[T ]\s*{_TIME})?|{_TIME}", re.ASCII)
"""A day or a time of the day as people write them."""


class NotCategoriesError(Exception):
    """What is wrong with a column: the message goes behind its name."""


def categories_of(columns: Columns, name: str) -> Array:
    """The categories of a column that is known to hold some.

    Parameters
    ----------
    columns : Columns
    name : str
        The column.

    Returns
    -------
    ndarray of objects, of shape (n_rows,)
        Texts, integers or bools, and None where one is missing.

    Raises
    ------
    NotCategoriesError
        It holds something else.
    """
    column = columns.columns[name]
    missing = missing_values(column)
    if missing.all():
        return object_array([None] * len(column))
    if column.dtype.kind in "iub":
        return column.astype(object)
    first = int(np.argmin(missing))
    if column.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            bad = np.flatnonzero(~missing & ~(np.isfinite(column) & (column == np.trunc(column))))
        if len(bad):
            raise NotCategoriesError(
                f"holds {column[bad[0]]!s} in {columns.place(int(bad[0]))}, and categories are "
                "text, integers, or True and False: convert it to text"
            )
        return object_array(
            [None if gone else int(v) for gone, v in zip(missing, column.tolist(), strict=True)]
        )
    if column.dtype.kind == "M" or holds_lists(column):
        what = "dates" if column.dtype.kind == "M" else "lists"
        raise NotCategoriesError(
            f"holds {what}, and categories are text, integers, or True and False: convert it"
        )
    kinds = {type(value) for value in column[~missing]}
    if kinds not in ({str}, {int}, {bool}):
        raise NotCategoriesError(
            f"holds {shown(column[first])} in {columns.place(first)} and is of type "
            f"{enumerated(sorted(kind.__name__ for kind in kinds))}: categories are all text, all "
            "integers, or all True and False"
        )
    return column


def refuse_doubtful(columns: Columns, name: str, groups: Groups | None) -> None:
    """Refuse a column of text that nobody called categorical and that may be there by mistake.

    Parameters
    ----------
    columns : Columns
    name : str
        The column, of text.
    groups : Groups, optional
        Which rows are the steps of which sequence; None to leave out how many values differ.

    Raises
    ------
    NotCategoriesError
        At least half of its values are numbers, or all are dates or times, or more than half of
        them differ from each other: of all rows, or, if they are the same in all rows of a
        sequence, of all sequences.
    """
    column = columns.columns[name]
    rows = np.flatnonzero(~missing_values(column))
    values = column[rows].tolist()
    first = columns.place(int(rows[0]))
    different = dict.fromkeys(values)
    numbers = {value for value in different if is_number(value) or _NUMBER.fullmatch(value.strip())}
    if len(numbers) == len(different):
        raise NotCategoriesError(
            f"holds {shown(values[0])} in {first}, numbers as text: convert the column to numbers, "
            f"or {BY_NAME}"
        )
    if 2 * sum(value in numbers for value in values) >= len(values):
        i = next(i for i, value in enumerate(values) if value not in numbers)
        raise NotCategoriesError(
            f"holds text ({shown(values[i])} in {columns.place(int(rows[i]))}), and half of its "
            "values, or more, are numbers: correct it, and convert the column to numbers, or "
            f"{BY_NAME}"
        )
    if all(ISO.fullmatch(value.strip()) for value in different):
        raise NotCategoriesError(
            f"holds dates as text ({shown(values[0])} in {first}), which are no features: name it "
            "as time= (with time_delta=True the seconds since the step before become a feature), "
            "or make numbers of it, such as the hour"
        )
    if all(_DATE.fullmatch(value.strip()) for value in different):
        raise NotCategoriesError(
            f"holds dates or times as text ({shown(values[0])} in {first}), which are no features: "
            f"make numbers of it, such as the hour, or {BY_NAME}"
        )
    if groups is not None:
        _refuse_different(columns, name, groups, len(different), len(values))


def refuse_answer(table: Steps, name: str, roles: Roles, y: Any) -> None:
    """Refuse a category that nobody called one and that is the label in other words.

    Parameters
    ----------
    table : Steps
    name : str
        The column.
    roles : Roles
    y : ndarray or list of ndarray, or None
        Labels of sequences or of steps, if `roles` names a column of labels.

    Raises
    ------
    ReaderError
        There are at least two labels, each value goes with one label and each label with one value,
        in all of at least 20 sequences, or steps.
    """
    groups = table.steps.groups
    values = groups.steps(table.steps.columns.columns[name])
    if roles.label is not None:
        if not _is_constant(table.steps.columns.columns[name], groups):
            return
        there = np.flatnonzero(np.diff(groups.offsets) > 0)
        values, labels = values[groups.offsets[there]].tolist(), y[there].tolist()
        answer, of = roles.label, "sequences"
    elif roles.step_label is not None:
        values = values.tolist()
        labels = [label for part in y for label in part.tolist()]
        answer, of = roles.step_label, "steps"
    else:
        return
    pairs = set(zip(values, labels, strict=True))
    n_labels = len({label for _, label in pairs})
    if len(labels) < LEAST_COUNTED or n_labels < 2:
        return
    if len(pairs) == n_labels == len({value for value, _ in pairs}):
        value, label = next(iter(zip(values, labels, strict=True)))
        raise ReaderError(
            f"{table.steps.columns.source}: column {cut(name)} says the answer in other words: "
            f"{shown(value)} always goes with {shown(label)} of column {cut(answer)}, and so on, "
            f"in all {len(labels)} {of}. Leave it out of the features, or {BY_NAME}"
        )


def _refuse_different(
    columns: Columns, name: str, groups: Groups, n_different: int, n_values: int
) -> None:
    """Refuse a column in which nearly every value is another, as in one of comments or hashes."""
    n, of = n_values, "rows"
    if n_different <= groups.n_sequences < n_values and _is_constant(columns.columns[name], groups):
        n, of = groups.n_sequences, "sequences"
    if n < LEAST_COUNTED or 2 * n_different <= n:
        return
    row = int(np.argmin(missing_values(columns.columns[name])))
    raise NotCategoriesError(
        f"holds text with {n_different} different values in {n} {of} "
        f"({shown(columns.columns[name][row])} in {columns.place(row)}), as comments, names and "
        f"hashes do, of which new data have others: leave it out, or {BY_NAME}"
    )


def _is_constant(column: Array, groups: Groups) -> bool:
    """Whether every row of a sequence has the same value."""
    values = groups.steps(column)
    same = np.asarray(values[1:] == values[:-1]).astype(bool)
    starts = groups.offsets[1:-1]
    same[starts[(starts > 0) & (starts < len(values))] - 1] = True
    return bool(same.all())
