"""A long table some rows at a time in; its sequences, as `dataset_of` makes them, out.

Whatever can only be known from all rows, such as the types of columns, is known before the first
sequence comes out, so that all sequences together are those of the whole table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import Dataset, ReaderError, cut, enumerated
from elman.data.store.blocks import Table
from elman.data.store.cutting import Cutter
from elman.data.store.kinds import Kinds
from elman.data.table_files import assembled
from elman.data.tables.features import feature_columns, list_columns
from elman.data.tables.plain import as_numbers, holds_lists, missing_values
from elman.data.tables.roles import Roles
from elman.data.tables.steps import shown
from elman.data.tables.targets import id_keys, mapping_as_table
from elman.targets.callers import warn_caller

Array = NDArray[Any]


class StepsDifferError(Exception):
    """Weights differ within a sequence, after sequences in which they did not."""


class TableSequences:
    """The sequences of a table.

    Parameters
    ----------
    table : Table
    once : bool
        Whether the rows are read only once, so that the types of columns are those of the first
        block, and a later one that contradicts them is an error.
    """

    def __init__(self, table: Table, *, once: bool = False) -> None:
        self._table = table
        self._once = once
        self._kinds = Kinds()
        self._rows: Iterator[Columns] = iter(())
        self._first: dict[str, str] = {}
        if once:
            self._rows = table.blocks()
            first = next(self._rows, None)
            if first is None:
                raise ReaderError(f"{table.asked.source} has no rows, and so no sequences")
            self._kinds.see(first)
            self._first = self._kinds.families()
            self._rows = chain([first], self._rows)
        elif table.types is not None:
            self._kinds.see(table.types())
        else:
            for block in table.blocks():
                self._kinds.see(block)
        self.roles: Roles = table.asked.checked()
        self.dtype = self._feature_dtype()
        self.per_step = bool(self.roles.step_label or self.roles.step_target)
        self._second = _Second(table, self.roles)

    def datasets(self, *, weights_of_steps: bool = False) -> Iterator[Dataset]:
        """The sequences in the order of the rows, some at a time.

        Parameters
        ----------
        weights_of_steps : bool
            Whether each step has a weight of its own, as it has if any sequence needs it.

        Raises
        ------
        StepsDifferError
            It is needed, and is not so from the first sequence on.
        """
        blocks = self._checked() if self._once else map(self._kinds.alike, self._table.blocks())
        first = next(blocks, None)
        if first is None:
            raise ReaderError(f"{self._table.asked.source} has no rows, and so no sequences")
        lists = list_columns(first, self.roles)
        cutter = Cutter(self.roles.id, bool(lists))
        labels = _StepLabels(self.roles)
        weights = _Weights(weights_of_steps)
        for part in cutter.cut(chain([first], blocks)):
            labels.see(part)
            found = assembled(
                part,
                self._table.asked,
                self._second.of(part),
                self._table.missing,
                is_part=True,
            )
            yield weights.alike(replace(found, X=self._values(found), y=self._step_labels(found)))
        labels.check(self._table.asked.source)
        self._second.check()

    def _values(self, found: Dataset) -> list[Array]:
        """Features of the one type: sequences without steps may have another."""
        return [x.astype(self.dtype, copy=False) for x in found.X]

    def _step_labels(self, found: Dataset) -> Any:
        """Labels of steps of the one type; y as it is if it is something else."""
        name = self.roles.step_label
        if name is None or not isinstance(found.y, list):
            return found.y
        if self._kinds.beyond_int64(name):
            return [y.astype(np.uint64) if y.dtype == np.int64 else y for y in found.y]
        if self._kinds.any_missing(name):  # which is None, among integers and booleans as well
            return [y.astype(object) for y in found.y]
        return found.y

    def _feature_dtype(self) -> np.dtype[Any]:
        known = self._kinds.families()
        empty = Columns({name: np.empty(0) for name in known}, 0)
        names = feature_columns(empty, self.roles)
        if self.roles.delta is not None or not set(names) <= known.keys():
            return np.dtype(np.float64)
        return self._kinds.feature_dtype(names)

    def _checked(self) -> Iterator[Columns]:
        """The blocks of a single pass, none of which contradicts the first."""
        source = self._table.asked.source
        for block in self._rows:
            self._kinds.see(block)
            where = block.place(0) if block.n_rows else source
            for name, family in self._kinds.families().items():
                before = self._first[name]
                if family != before:
                    was = before or "nothing but missing values"
                    raise ReaderError(
                        f"{source}: column {cut(name)} holds {family} in the part that begins in "
                        f"{where}, and {was} in the first part: convert it to one type"
                    )
            if self._feature_dtype() != self.dtype:
                raise ReaderError(
                    f"{source}: the features need float64 from {where} on, and float32 held those "
                    "of the parts before: pass dtype='float64', or convert the columns"
                )
            yield self._kinds.alike(block)


class _StepLabels:
    """What is asked of the labels of all steps together."""

    def __init__(self, roles: Roles) -> None:
        self._name = roles.step_label
        self._blank = self._missing = ""
        self._any = False

    def see(self, part: Columns) -> None:
        """Look at some sequences; ReaderError if -1 is a label and stands for none as well."""
        if self._name is None or self._name not in part.columns:
            return
        column = part.columns[self._name]
        if holds_lists(column):
            for row, values in enumerate(column):
                if values is not None and len(values):
                    self._look(values, part.place(row))
            return
        self._look(column, None, part)

    def _look(self, values: Array, place: str | None, part: Columns | None = None) -> None:
        missing = missing_values(values)
        self._any |= not missing.all()

        def where(rows: Array) -> str:
            row = int(np.argmax(rows))
            return str(place) if part is None else part.place(row)

        if missing.any() and not self._missing:
            self._missing = where(missing)
        numbers = None if values.dtype.kind in "Mb" else as_numbers(values)
        if numbers is not None and not self._blank and (numbers == -1).any():
            self._blank = where(numbers == -1)
        if self._blank and self._missing:
            raise ReaderError(
                f"the label, column {cut(str(self._name))}, is -1 in {self._blank} and missing in "
                f"{self._missing}: among integers -1 says that a step has no label. Make the "
                "labels text if -1 is one, or else make it missing too"
            )

    def check(self, source: str) -> None:
        """Raise ReaderError if no step of any sequence had a label."""
        if self._name is not None and not self._any:
            raise ReaderError(
                f"{source}: the labels, column {cut(self._name)}, are missing for every step: give "
                "some a label"
            )


class _Weights:
    """Weights of all sequences in one form: one for each sequence, or one for each step."""

    def __init__(self, of_steps: bool) -> None:
        self._of_steps = of_steps

    def alike(self, found: Dataset) -> Dataset:
        """Sequences with weights in that form."""
        weights = found.sample_weight
        if isinstance(weights, list) and not self._of_steps:
            raise StepsDifferError
        if self._of_steps and isinstance(weights, np.ndarray):
            of_steps = [np.full(len(x), w) for x, w in zip(found.X, weights, strict=True)]
            return replace(found, sample_weight=of_steps)
        return found


class _Second:
    """The second table of labels, of which each block of sequences needs some rows."""

    def __init__(self, table: Table, roles: Roles) -> None:
        self._table = table
        self._ids = roles.id
        self._labels: Columns | None = None
        self._rows: dict[Any, list[int]] = {}
        self._used: set[int] = set()
        labels = table.labels()
        if labels is None:
            return
        if not roles.id:
            raise ReaderError(
                "labels= needs id=, the column by which the two tables belong together"
            )
        if isinstance(labels, Mapping):
            labels = mapping_as_table(labels, roles)
        self._labels = labels
        if all(name in labels.columns for name in roles.id):  # otherwise `dataset_of` says so
            for row, key in enumerate(id_keys([labels.columns[name] for name in roles.id])):
                self._rows.setdefault(key, []).append(row)

    def of(self, part: Columns) -> Columns | None:
        """The rows of the sequences of a part."""
        labels = self._labels
        if labels is None or not self._rows:
            return labels
        keys = dict.fromkeys(id_keys([part.columns[name] for name in self._ids]))
        rows = [row for key in keys for row in self._rows.get(key, ())]
        self._used.update(rows)
        columns = {name: column[rows] for name, column in labels.columns.items()}
        return replace(
            labels, columns=columns, n_rows=len(rows), place=lambda row: labels.place(rows[row])
        )

    def check(self) -> None:
        """Say which rows belong to no sequence: an error, unless they may be there."""
        labels = self._labels
        if labels is None or len(self._used) == labels.n_rows:
            return
        names = [
            ", ".join(f"{name} {shown(labels.columns[name][row])}" for name in self._ids)
            for row in range(labels.n_rows)
            if row not in self._used
        ]
        told = f"{labels.source}: {len(names)} of its {labels.n_rows} rows belong to no sequence of"
        source = self._table.asked.source
        if not self._table.may_have_strangers:
            raise ReaderError(f"{told} {source}: {enumerated(names)}. Leave these rows out")
        warn_caller(
            f"{told} {source}, and are left out: {enumerated(names)}",
        )
