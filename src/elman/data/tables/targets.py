"""Columns of labels, targets and weights in; y and weights as estimators take them out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, enumerated, listed
from elman.data.tables.grouping import Groups, first_rows
from elman.data.tables.plain import (
    as_numbers,
    holds_lists,
    is_text,
    missing_values,
    plain_column,
)
from elman.data.tables.roles import Roles, check_known
from elman.data.tables.steps import Grouped, Steps, shown
from elman.targets.checks import visible

Array = NDArray[Any]


def y_of(
    table: Steps, roles: Roles, labels: Grouped | None, *, is_part: bool = False
) -> Array | list[Array] | None:
    """What is to be learned: of whole sequences or of each step, or None.

    Parameters
    ----------
    table : Steps
        The sequences.
    roles : Roles
        Which columns are labels or targets.
    labels : Grouped, optional
        A second table with labels or targets of whole sequences, in the order of the first one's.
    is_part : bool
        Whether the table is a part of a larger one, so that labels of steps may all be missing.
    """
    whole = table.whole if labels is None else labels
    if roles.label is not None:
        return _labels(whole, roles.label, _constant(whole, roles.label, "label"))
    if roles.target:
        targets = np.stack([_target(whole, name) for name in roles.target], axis=1)
        return targets if "target" in roles.many else targets[:, 0]
    if roles.step_label is not None:
        return table.steps.groups.split(_step_labels(table.steps, roles.step_label, is_part))
    if roles.step_target:
        targets = np.stack([_step_target(table.steps, name) for name in roles.step_target], axis=1)
        return table.steps.groups.split(targets if "step_target" in roles.many else targets[:, 0])
    return None


def weights_of(table: Steps, roles: Roles, labels: Grouped | None) -> Array | list[Array] | None:
    """The weight of each sequence, or of each step where it differs within a sequence."""
    name = roles.weight
    if name is None:
        return None
    if labels is not None and name in labels.columns.columns:
        return _checked_weights(labels, name, _constant(labels, name, "weight"))
    steps = table.steps
    if table.one_row_each and name not in steps.columns.columns:
        return _checked_weights(table.whole, name, _constant(table.whole, name, "weight"))
    if roles.step_label is None and not roles.step_target:
        return _checked_weights(steps, name, _constant(steps, name, "weight"))
    column = steps.columns.columns[name]
    gone = np.flatnonzero(missing_values(column))
    if len(gone):
        raise steps.error(
            f"the weight, column {cut(name)}, is missing in {steps.columns.place(int(gone[0]))}: "
            "give every step one, 0 to leave it out"
        )
    weights = _checked_weights(steps, name, steps.groups.steps(column), of_steps=True)
    parts = steps.groups.split(weights)
    if all(len(part) and bool((part == part[0]).all()) for part in parts):
        return np.array([part[0] for part in parts])
    return parts


def labels_table(labels: Columns | Mapping[Any, Any], table: Steps, roles: Roles) -> Grouped:
    """A second table of labels, its rows in the order of the sequences.

    Raises
    ------
    ReaderError
        A sequence has no row, a row has no sequence, or two rows have one id.
    """
    whole = table.whole
    if not roles.id:
        raise ReaderError("labels= needs id=, the column by which the two tables belong together")
    if isinstance(labels, Mapping):
        labels = mapping_as_table(labels, roles)
    for name in roles.id:
        check_known(labels, name, "id")
    ids = [labels.columns[name] for name in roles.id]
    if labels.n_rows:
        codes, firsts = first_rows(ids)
        if len(firsts) < len(codes):
            again = int(np.flatnonzero(~np.isin(np.arange(len(codes)), firsts))[0])
            first = int(firsts[codes[again]])
            raise ReaderError(
                f"{labels.source}: {_called(roles.id, ids, again)} is in {labels.place(first)} and "
                f"in {labels.place(again)}: keep one row for each sequence"
            )
    rows = {key: row for row, key in enumerate(id_keys(ids))}
    own = id_keys(list(whole.names))
    found = np.array([rows.get(key, -1) for key in own], np.int64)
    absent = np.flatnonzero(found < 0)
    if len(absent):
        none = len(absent) == len(own) and len(rows)
        others = f" Its rows are of {enumerated(map(shown, rows))}." if none else ""
        raise ReaderError(
            f"{labels.source}: {len(absent)} of the {len(own)} sequences have no row in it: "
            f"{enumerated(whole.called(int(i)) for i in absent)}"
            f"{_other_kinds(whole, labels, roles)}.{others} Add them, or leave these sequences out"
        )
    strangers = np.setdiff1d(np.arange(labels.n_rows), found)
    if len(strangers):
        names = enumerated(_called(roles.id, ids, int(row)) for row in strangers)
        raise ReaderError(
            f"{labels.source}: {len(strangers)} of its {labels.n_rows} rows belong to no sequence "
            f"of {whole.columns.source}: {names}. Leave these rows out"
        )
    groups = Groups(found, np.arange(len(found) + 1))
    return dataclasses.replace(whole, columns=labels, groups=groups)


def _called(names: tuple[str, ...], ids: list[Array], row: int) -> str:
    return ", ".join(f"{visible(n)} {shown(c[row])}" for n, c in zip(names, ids, strict=True))


def id_keys(ids: list[Array]) -> list[Any]:
    """Each row's id as Python has it, so that 1 is 1 in a column of any type."""
    columns = [
        [str(value) for value in column] if column.dtype.kind == "M" else column.tolist()
        for column in ids
    ]
    return list(columns[0]) if len(columns) == 1 else list(zip(*columns, strict=True))


def _other_kinds(whole: Grouped, labels: Columns, roles: Roles) -> str:
    """A hint, where ids are text in one table and numbers in the other."""
    for name, own in zip(roles.id, whole.names, strict=True):
        other = labels.columns[name]
        if len(other) and is_text(own) != is_text(other):
            kinds = ("text", "not text") if is_text(own) else ("not text", "text")
            return (
                f" (column {cut(name)} is {kinds[0]} in {whole.columns.source} and {kinds[1]} in "
                f"{labels.source}: make them alike)"
            )
    return ""


def mapping_as_table(labels: Mapping[Any, Any], roles: Roles) -> Columns:
    """A mapping from ids to labels as a table."""
    keys = list(labels)
    name = roles.label or (roles.target[0] if roles.target else "label")
    if len(roles.id) == 1:
        columns = {roles.id[0]: plain_column(keys)}
    else:
        for key in keys:
            if not isinstance(key, tuple) or len(key) != len(roles.id):
                raise ReaderError(
                    f"labels= has the key {shown(key)}; expected tuples of {len(roles.id)}, the "
                    f"values of {listed(roles.id)}"
                )
        columns = {one: plain_column([key[k] for key in keys]) for k, one in enumerate(roles.id)}
    columns[name] = plain_column(list(labels.values()))
    return Columns(
        columns, len(keys), lambda row: f"labels[{shown(keys[row])}]", "the mapping labels="
    )


def _constant(table: Grouped, name: str, what: str) -> Array:
    """The one value that a column has in each sequence; rows where it is missing do not count."""
    column = table.columns.columns[name]
    if holds_lists(column):
        raise table.error(
            f"column {cut(name)} holds lists, where {what}= takes one value for each sequence; "
            f"step_{what}= takes one for each step"
        )
    groups = table.groups
    values = groups.steps(column)
    steps = np.flatnonzero(~missing_values(values))
    sequences = groups.sequence_of(steps)
    is_first = np.diff(sequences, prepend=-1) > 0
    firsts = steps[is_first]
    if len(firsts) < groups.n_sequences:
        absent = np.setdiff1d(np.arange(groups.n_sequences), sequences)
        first = int(absent[0])
        raise ReaderError(
            f"{table.columns.source}: the {what}, column {cut(name)}, is missing for "
            f"{table.called(first)} ({table.place(int(groups.offsets[first]))}), one of "
            f"{len(absent)} sequence(s) without: add it, or leave these sequences out"
        )
    expected = values[np.repeat(firsts, np.diff(np.flatnonzero(is_first), append=len(steps)))]
    differ = np.flatnonzero(np.asarray(values[steps] != expected).astype(bool))
    if len(differ):
        at = int(differ[0])
        step, sequence = int(steps[at]), int(sequences[at])
        first = int(firsts[sequence])
        fix = (
            "weights of single steps go with step_label= or step_target="
            if what == "weight"
            else f"a {what} for each step is step_{what}="
        )
        raise ReaderError(
            f"{table.columns.source}: the {what}, column {cut(name)}, changes within "
            f"{table.called(sequence)}: it is {shown(expected[at])} in {table.place(first)} and "
            f"{shown(values[step])} in {table.place(step)}. A sequence has one {what}; {fix}"
        )
    found: Array = values[firsts]
    return found


def _labels(table: Grouped, name: str, values: Array) -> Array:
    """Labels as classes are made of: text, integers or booleans."""
    values = plain_column(values)
    if values.dtype.kind in "iub" or is_text(values):
        return values
    if values.dtype.kind == "f":
        bad = _not_whole(values)
        if bad is not None:
            raise table.error(
                f"the label, column {cut(name)}, is {values[bad]!s} for {table.called(bad)}, which "
                "is no whole number: numbers to predict are target="
            )
        whole: Array = values.astype(np.int64)
        return whole
    raise table.error(_no_labels(name, values, "label"))


def _step_labels(table: Grouped, name: str, is_part: bool) -> Array:
    """Labels of steps, in their order: text, booleans or integers; None where one is missing."""
    values = table.groups.steps(table.columns.columns[name])
    missing = missing_values(values)
    if missing.all() and not is_part:
        raise table.error(
            f"the labels, column {cut(name)}, are missing for every step: give some a label"
        )
    if values.dtype.kind in "ib" or is_text(values):
        return values
    if values.dtype.kind == "u":
        return values.astype(np.int64) if values.max() < 2**63 else values
    if values.dtype.kind == "f":
        bad = _not_whole(values)
        if bad is not None:
            raise table.error(
                f"the label, column {cut(name)}, is {values[bad]!s} in {table.place(bad)}, which "
                "is no whole number: numbers to predict at each step are step_target="
            )
        _refuse_blank(table, name, values, missing)
        return _with_none(np.where(missing, 0, values).astype(np.int64), missing)
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:  # and None: as 1, 0 and -1 they would be other classes
        return values
    if kinds == {int}:  # large ones, and None
        _refuse_blank(table, name, values, missing)
        try:
            np.array([0 if value is None else value for value in values], np.int64)
        except OverflowError as error:
            raise table.error(
                f"column {cut(name)} holds labels beyond int64 ({error}): make them text"
            ) from error
        return values
    raise table.error(_no_labels(name, values, "step_label"))


def _with_none(labels: Array, missing: Array) -> Array:
    if not missing.any():
        return labels
    found = labels.astype(object)
    found[missing] = None
    return found


def _refuse_blank(table: Grouped, name: str, values: Array, missing: Array) -> None:
    """Refuse -1 where labels are missing too: among integers it would say the same."""
    blank = np.flatnonzero((values == -1) & ~missing)
    if len(blank) and missing.any():
        raise table.error(
            f"the label, column {cut(name)}, is -1 in {table.place(int(blank[0]))} and missing in "
            f"{table.place(int(np.flatnonzero(missing)[0]))}: among integers -1 says that a step "
            "has no label. Make the labels text if -1 is one, or else make it missing too"
        )


def _not_whole(values: Array) -> int | None:
    """The first of the floats that is no whole number of 64 bits; NaN is none of them."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(there & ((values != np.trunc(values)) | (np.abs(values) >= 2.0**63)))
    return int(bad[0]) if len(bad) else None


def _no_labels(name: str, values: Array, role: str) -> str:
    if values.dtype.kind == "M":
        kinds = "dates"
    else:
        kinds = enumerated(sorted({type(v).__name__ for v in values if v is not None})) + " values"
    return (
        f"column {cut(name)} holds {kinds}, and {role}= takes text, integers or booleans: "
        "convert it"
    )


def _numbers(table: Grouped, name: str, values: Array, role: str) -> Array:
    numbers = as_numbers(values)
    if numbers is None or name in table.columns.categorical:
        raise table.error(
            f"column {cut(name)} holds no numbers ({shown(values[0])}, for example), and {role}= "
            f"takes numbers: classes are {role.replace('target', 'label')}="
        )
    return numbers.astype(np.float64)


def _target(table: Grouped, name: str) -> Array:
    values = _numbers(table, name, _constant(table, name, "target"), "target")
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise table.error(
            f"the target, column {cut(name)}, is {values[infinite[0]]!s} for "
            f"{table.called(int(infinite[0]))}: targets are finite"
        )
    return values


def _step_target(table: Grouped, name: str) -> Array:
    """Targets of steps, in their order; NaN where one is not known."""
    values = table.groups.steps(table.columns.columns[name])
    return _numbers(table, name, values, "step_target") if len(values) else np.zeros(0)


def _checked_weights(table: Grouped, name: str, values: Array, *, of_steps: bool = False) -> Array:
    weights = _numbers(table, name, values, "weight") if len(values) else np.zeros(0)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        at = int(bad[0])
        place = f"in {table.place(at)}" if of_steps else f"for {table.called(at)}"
        raise table.error(
            f"the weight, column {cut(name)}, is {weights[at]!s} {place}: weights are finite and "
            "not negative"
        )
    return weights
