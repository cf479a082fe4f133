"""A table of either form in; its time steps, sequence after sequence, out."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut
from elman.data.tables.grouping import Groups, Indices, first_rows, grouped, repeated_time
from elman.data.tables.iso import NotATimeError, iso_times
from elman.data.tables.plain import (
    holds_lists,
    is_number,
    is_text,
    missing_values,
    object_array,
    plain_column,
)
from elman.data.tables.roles import Roles
from elman.targets.checks import visible

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Grouped:
    """Columns of a table, and which of its rows belong to which sequence."""

    columns: Columns
    groups: Groups
    names: tuple[Array, ...]
    """the id of each sequence, a column of (n_sequences,) for each of the id columns"""
    id: tuple[str, ...]
    """what these columns are called"""

    def error(self, reason: str) -> ReaderError:
        """An error that begins with what the table is."""
        return ReaderError(f"{self.columns.source}: {reason}")

    def place(self, step: int) -> str:
        """Where the row of a step is."""
        return self.columns.place(self.groups.row(step))

    def called(self, sequence: int) -> str:
        """What errors call a sequence: run 'a'."""
        if not self.names:
            return f"the sequence of {self.columns.place(sequence)}"
        return ", ".join(
            f"{visible(name)} {shown(values[sequence])}"
            for name, values in zip(self.id, self.names, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Steps:
    """A table as `dataset_of` takes it apart."""

    steps: Grouped
    """of which a row is a time step"""
    whole: Grouped
    """of which the rows say what a whole sequence has: `steps`, or a row for each sequence"""
    time: Array | None
    """the time of each row of `steps`: numbers, or dates"""

    @property
    def one_row_each(self) -> bool:
        """Whether the table has one row for each sequence, with lists in it."""
        return self.steps is not self.whole


def shown(value: Any) -> str:
    """A value in an error message."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, np.datetime64):
        return str(value).removesuffix("T00:00:00.000000000")
    return str(value)


def long_table(columns: Columns, roles: Roles) -> Steps:
    """The steps of a table with a row for each of them."""
    if not roles.id:
        raise ReaderError(
            f"{columns.source} has a row for each time step, so that id= has to name the column "
            f"that says which sequence a row belongs to{_a_text(columns, roles)}"
        )
    ids = _ids(columns, roles.id)
    codes, firsts = first_rows(ids)
    time = None if roles.time is None else _times(columns, roles.time)
    groups = grouped(codes, len(firsts), time)
    found = Grouped(columns, groups, tuple(column[firsts] for column in ids), roles.id)
    if time is not None and roles.time is not None:
        _refuse_repeated(found, time, roles.time)
    return Steps(found, found, time)


def _a_text(columns: Columns, roles: Roles) -> str:
    """A hint, if a column could hold a text for each sequence."""
    played = roles.played()
    texts = [n for n, c in columns.columns.items() if n not in played and is_text(c)]
    if not texts:
        return ""
    return f"; if each row is a whole sequence, its characters the steps, pass text={cut(texts[0])}"


def one_row_each(columns: Columns, roles: Roles, lists: list[str]) -> Steps:
    """The steps of a table with a row for each sequence, whose columns `lists` hold lists."""
    ids = _ids_of_rows(columns, roles)
    unrolled, offsets = _unrolled(columns, lists)
    n_rows = columns.n_rows
    codes = np.repeat(np.arange(n_rows), np.diff(offsets))
    time = None if roles.time is None else _times(unrolled, roles.time)
    groups = Groups(None, offsets) if time is None else grouped(codes, n_rows, time)
    whole = Grouped(columns, Groups(None, np.arange(n_rows + 1)), tuple(ids), roles.id)
    steps = dataclasses.replace(whole, columns=unrolled, groups=groups)
    if time is not None and roles.time is not None:
        _refuse_repeated(steps, time, roles.time)
    return Steps(steps, whole, time)


def a_text_each(columns: Columns, roles: Roles) -> tuple[Steps, list[Any]]:
    """The steps of a table with a text for each sequence, which are its characters; the texts.

    What each step has besides, its label for example, is a list with a value for each character;
    labels may also be a text, with a character for each.
    """
    name = str(roles.text)
    texts = _texts(columns, name)
    ids = _ids_of_rows(columns, roles)
    offsets = np.zeros(columns.n_rows + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=offsets[1:])
    per_step = [*filter(None, [roles.step_label, *roles.step_target])]
    if roles.weight in columns.columns and holds_lists(columns.columns[str(roles.weight)]):
        per_step.append(str(roles.weight))
    lists = dict(columns.columns)
    for other in per_step:
        column = lists[other]
        if other == roles.step_label and is_text(column):
            column = object_array([None if v is None else object_array(v) for v in column])
        if not holds_lists(column):
            raise ReaderError(
                f"{columns.source}: column {cut(other)} has one value in each row, and needs a "
                f"list with a value for each character of column {cut(name)}"
            )
        lengths = _lengths(columns, other, column)
        differ = np.flatnonzero(lengths != np.diff(offsets))
        if len(differ):
            row = int(differ[0])
            raise ReaderError(
                f"{columns.source}: in {columns.place(row)} column {cut(name)} has "
                f"{len(texts[row])} character(s) and column {cut(other)} has {lengths[row]} "
                "value(s): it needs one for each character"
            )
        lists[other] = column
    flat = {other: _joined(lists[other]) for other in per_step}
    unrolled = Columns(flat, int(offsets[-1]), _place_of_steps(columns, offsets), columns.source)
    whole = Grouped(columns, Groups(None, np.arange(columns.n_rows + 1)), tuple(ids), roles.id)
    steps = dataclasses.replace(whole, columns=unrolled, groups=Groups(None, offsets))
    return Steps(steps, whole, None), texts.tolist()


def _first(columns: Columns, rows: Array) -> str:
    """Where the first of some rows is, and how many they are if there are more."""
    others = f", the first of {len(rows):,} such rows" if len(rows) > 1 else ""
    return f"{columns.place(int(rows[0]))}{others}"


def _texts(columns: Columns, name: str) -> Array:
    """The texts of a column; ReaderError if one is missing, or something else."""
    column = columns.columns[name]
    gone = np.flatnonzero(missing_values(column))
    if len(gone):
        raise ReaderError(
            f"{columns.source}: the text, column {cut(name)}, is missing in "
            f"{_first(columns, gone)}: leave these rows out"
        )
    if is_text(column):
        return column
    if holds_lists(column):
        raise ReaderError(
            f"{columns.source}: column {cut(name)} holds lists, and text= takes a text for each "
            f"sequence: lists of words are features, features=[{cut(name)}]"
        )
    raise ReaderError(
        f"{columns.source}: column {cut(name)} {_holds(columns, name, 0)}, and text= takes a text "
        "for each sequence, the characters of which are its time steps: convert it to text"
    )


def _holds(columns: Columns, name: str, row: int) -> str:
    value = columns.columns[name][row]
    value = value.item() if isinstance(value, np.generic) else value
    return f"holds {shown(value)} in {columns.place(row)}, of type {type(value).__name__}"


def _ids_of_rows(columns: Columns, roles: Roles) -> list[Array]:
    """The ids of a table with a row for each sequence; ReaderError if two rows have one id."""
    ids = _ids(columns, roles.id) if roles.id else []
    if not ids:
        return []
    codes, firsts = first_rows(ids)
    if len(firsts) < len(codes):
        again = int(np.flatnonzero(~np.isin(np.arange(len(codes)), firsts))[0])
        first = int(firsts[codes[again]])
        called = ", ".join(
            f"{visible(n)} {shown(c[again])}" for n, c in zip(roles.id, ids, strict=True)
        )
        what = "lists" if roles.text is None else "a text for each sequence"
        raise ReaderError(
            f"{columns.source}: {called} is in {columns.place(first)} and in "
            f"{columns.place(again)}, but a table with {what} has one row for each sequence"
        )
    return ids


def _ids(columns: Columns, names: tuple[str, ...]) -> list[Array]:
    found = []
    for name in names:
        column = columns.columns[name]
        gone = np.flatnonzero(missing_values(column))
        if len(gone):
            raise ReaderError(
                f"{columns.source}: the id, column {cut(name)}, is missing in "
                f"{_first(columns, gone)}: fill it in, or leave "
                "these rows out"
            )
        if holds_lists(column):
            raise ReaderError(f"{columns.source}: column {cut(name)} holds lists, which are no ids")
        found.append(column)
    return found


def _times(columns: Columns, name: str) -> Array:
    """The time of each row, as numbers or dates."""
    column = columns.columns[name]
    if not len(column):
        return np.zeros(0)
    gone = np.flatnonzero(missing_values(column))
    if len(gone):
        reason = f"is missing in {_first(columns, gone)}: fill it in, or leave these rows out"
    elif column.dtype.kind == "f" and np.isinf(column).any():
        reason = f"{_seen(columns, name, int(np.argmax(np.isinf(column))))}: times are finite"
    elif column.dtype.kind in "iufM":
        return column
    elif not is_text(column):
        kinds = {type(value) for value in column}
        if all(issubclass(kind, datetime.datetime) for kind in kinds):
            reason = "mixes date-times with and without a time zone: convert all to UTC"
        else:
            what = ", ".join(sorted(kind.__name__ for kind in kinds))
            reason = (
                f"{_seen(columns, name, 0)} and is of type {what}: times are numbers, dates or "
                "date-times"
            )
    elif is_number(column[0]):
        reason = (
            f"holds numbers as text (it {_seen(columns, name, 0)}), of which '10' would come "
            "before '2': convert the column to numbers"
        )
    else:
        try:
            return iso_times(column)
        except NotATimeError as error:
            reason = (
                f"{_seen(columns, name, error.row)}, which {error.reason}: write times as "
                "2024-03-01T12:30:00, or convert the column to dates or numbers"
            )
    raise ReaderError(f"{columns.source}: the time, column {cut(name)}, {reason}")


def _seen(columns: Columns, name: str, row: int) -> str:
    return f"is {shown(columns.columns[name][row])} in {columns.place(row)}"


def _refuse_repeated(found: Grouped, time: Array, name: str) -> None:
    rows = repeated_time(found.groups, time)
    if rows is None:
        return
    first, again = rows
    place = found.columns.place
    order = found.groups.order
    step = again if order is None else int(np.flatnonzero(order == again)[0])
    called = found.called(int(found.groups.sequence_of(step)))
    raise found.error(
        f"{called} has the time {shown(found.columns.columns[name][again])} (column {cut(name)}) "
        f"in {place(first)} and in {place(again)}: keep one of them, or leave out time= to take "
        "rows in their order"
    )


def _unrolled(columns: Columns, lists: list[str]) -> tuple[Columns, Indices]:
    """The lists of all rows end to end, and where those of each row begin."""
    ends: Indices | None = None
    flat: dict[str, Array] = {}
    for name in lists:
        column = columns.columns[name]
        lengths = _lengths(columns, name, column)
        if ends is None:
            ends = lengths
        differ = np.flatnonzero(lengths != ends)
        if len(differ):
            row = int(differ[0])
            raise ReaderError(
                f"{columns.source}: in {columns.place(row)} column {cut(lists[0])} has "
                f"{ends[row]} value(s) and column {cut(name)} has {lengths[row]}: the lists of a "
                "row share its time steps"
            )
        flat[name] = _joined(column)
    assert ends is not None
    offsets = np.zeros(columns.n_rows + 1, np.int64)
    np.cumsum(ends, out=offsets[1:])
    place = _place_of_steps(columns, offsets)
    unrolled = Columns(flat, int(offsets[-1]), place, columns.source, columns.categorical)
    return unrolled, offsets


def _place_of_steps(columns: Columns, offsets: Indices) -> Callable[[int], str]:
    """Where a step is, of a table with a row for each sequence."""

    def place(step: int) -> str:
        row = int(np.searchsorted(offsets, step, side="right")) - 1
        return f"{columns.place(row)}, step {step - int(offsets[row])}"

    return place


def _lengths(columns: Columns, name: str, column: Array) -> Indices:
    for row, values in enumerate(column):
        if values is None:
            raise ReaderError(
                f"{columns.source}: column {cut(name)} has no list in {columns.place(row)}: make "
                "it an empty list, or leave the row out"
            )
        if values.ndim != 1:
            raise ReaderError(
                f"{columns.source}: column {cut(name)} has an array of shape {values.shape} in "
                f"{columns.place(row)}; expected a list of numbers, one for each time step. "
                "Arrays (n_timesteps_i, n_features) need no table: pass a list of them to fit"
            )
    return np.fromiter(map(len, column), np.int64, len(column))


def _joined(column: Array) -> Array:
    parts = [values for values in column if len(values)]  # an empty list has no type
    if not parts:
        return np.zeros(0)
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) == 1 or kinds <= set("iuf"):
        return plain_column(np.concatenate(parts))
    return plain_column(object_array([value for part in parts for value in part.tolist()]))
