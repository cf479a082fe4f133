"""A file of a table in, by the suffix of its name; its sequences out."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.arff import read_arff_columns
from elman.data.arrow import read_arrow, read_parquet
from elman.data.columns import Columns
from elman.data.csv import read_csv
from elman.data.dataset import Dataset, PathLike, ReaderError, cut, listed
from elman.data.json_lines import read_json_lines
from elman.data.tables import dataset_of
from elman.data.tables.features import feature_columns
from elman.data.tables.plain import holds_lists, missing_values
from elman.data.tables.roles import (
    Roles,
    categories_of_trained,
    check_known,
    names_of,
    roles_of,
)
from elman.data.values import ONLY_NUMBERS
from elman.data.wanted import Choice, Wanted, everything
from elman.targets.callers import warn_caller

TABLES: dict[str, Callable[..., Columns]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": read_parquet,
    ".feather": read_arrow,
    ".arrow": read_arrow,
    ".arff": read_arff_columns,
}
"""The readers of tables, by suffix."""

WITHOUT_LISTS = (".csv", ".tsv", ".arff")
"""Formats in which a row cannot be a whole sequence, so that an id is needed."""

KINDS = {"id": "id", "time": "time", "text": "text", "label": "label", "step_label": "label"}
"""What the fields of a column of each role may be, as `Wanted` has it; of all others, numbers."""

ROLES = (
    *("id", "time", "text", "features", "categorical_features"),
    *("label", "step_label", "target", "step_target", "weight"),
)
"""What a column of a table may be, as options of `read`."""


def read_columns(path: PathLike, *, choose: Choice = everything, **options: Any) -> Columns:
    """The columns of a file of a table, by its suffix; ReaderError if it has another."""
    suffix = Path(path).suffix.lower()
    if suffix not in TABLES:
        raise ReaderError(
            f"{os.fspath(path)}: is not a table that this reads; choose one of {', '.join(TABLES)}"
        )
    return TABLES[suffix](path, choose=choose, **options)


def read_table(
    path: PathLike,
    *,
    missing: str = "error",
    time_delta: bool = False,
    labels: Any = None,
    may_lack: Collection[str] = (),
    options: Mapping[str, Any] | None = None,
    **roles: Any,
) -> Dataset:
    """Sequences of a file of a table.

    Parameters
    ----------
    path : path-like
        The file.
    missing : {"error", "nan"}
        What to do with a missing value among the features: refuse the file, or return NaN.
    time_delta, labels, **roles
        As `elman.data.from_table` takes them; `labels` may also be the path of a second file.
    may_lack : collection of str
        The roles, among "id" and "time", whose column the file need not have.
    options : mapping, optional
        Arguments of the file's reader, and of that of `labels`.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        The file, or the second one, is damaged, or does not hold what is asked for.
    OSError
        A file cannot be opened.
    """
    options = options or {}
    asked = Asked(os.fspath(path), roles, time_delta, labels is not None, may_lack)
    asked.needs_id = Path(path).suffix.lower() in WITHOUT_LISTS
    columns = read_columns(path, choose=asked, **options)
    if isinstance(labels, (str, os.PathLike)):
        labels = read_labels(labels, asked.roles, options)
        ids = [str(name) for name in names_of(asked.roles.get("id"))]
        there = set(_keys(columns, ids)) if ids else ()
        labels = without_strangers(labels, ids, there, os.fspath(path))
    return assembled(columns, asked, labels, missing)


def assembled(
    columns: Columns, asked: Asked, labels: Any, missing: str, *, is_part: bool = False
) -> Dataset:
    """Sequences of columns that were read as `asked` chose; `is_part` is that of `dataset_of`."""
    features = feature_columns(columns, asked.checked())
    if missing == "error":
        for name in features:
            _refuse_missing(columns, name)
    absent = asked.absent.get("id")
    is_long = "text" not in asked.roles and not any(
        holds_lists(columns.columns[name]) for name in features
    )
    if absent is not None and is_long:
        check_known(columns, absent, "id")
    return dataset_of(
        columns,
        time_delta=asked.time_delta,
        labels=labels,
        release=True,
        is_part=is_part,
        numbers_only=asked.numbers_only,
        **asked.roles,
    )


def _refuse_missing(columns: Columns, name: str) -> None:
    column = columns.columns[name]
    step = ""
    if holds_lists(column):
        rows = [i for i, v in enumerate(column) if v is not None and missing_values(v).any()]
        if rows:
            step = f", step {int(np.argmax(missing_values(column[rows[0]])))}"
    else:
        rows = np.flatnonzero(missing_values(column)).tolist()
    if rows:
        raise ReaderError(
            f"{columns.place(rows[0])}{step}: the feature {cut(name)} is missing, in "
            f"{len(rows)} of {columns.n_rows} rows; fill it in, or read the file with "
            "missing='nan' and fit with missing='mask' or missing='skip'"
        )


class Asked:
    """What a caller wants of a table; called with the names of its columns, what that means.

    Parameters
    ----------
    source : str
        What errors call the table.
    roles : mapping
        The columns by role, as `dataset_of` takes them; None stands for none. That of categorical
        features may also be a mapping from their names to "text" or "category", which says what
        fields that are integers become.
    time_delta : bool
        Whether the time since the step before becomes a feature.
    second : bool
        Whether labels and targets are in a second table.
    may_lack : collection of str
        Roles whose column need not be there.
    numbers_only : bool
        Whether features have to be numbers, so that a text among them is an error.
    """

    def __init__(
        self,
        source: str,
        roles: Mapping[str, Any],
        time_delta: bool = False,
        second: bool = False,
        may_lack: Collection[str] = (),
        *,
        numbers_only: bool = False,
    ) -> None:
        self.source = source
        self.roles = {name: value for name, value in roles.items() if value is not None}
        self.time_delta = time_delta
        self.second = second
        self.may_lack = may_lack
        self.numbers_only = numbers_only
        self.needs_id = False
        self.absent: dict[str, str] = {}
        """the columns that need not be there and are not, by role"""

    def __call__(self, names: Sequence[str]) -> Wanted:
        """What to read of columns of these names; ReaderError if one is missing."""
        needs_id = self.needs_id and "text" not in self.roles
        if needs_id and "id" not in self.roles:
            raise ReaderError(
                f"{self.source}: has a row for each time step, so that id= has to name the "
                f"column that says which sequence a row belongs to. Its columns are "
                f"{listed(names)}. A file that is one sequence goes into a folder of such files; "
                "where a row is a whole sequence, a text, text= names its column"
            )
        for role in self.may_lack:
            name = self.roles.get(role)
            is_needed = self.time_delta if role == "time" else needs_id
            if isinstance(name, str) and name not in names and not is_needed:
                self.absent[role] = self.roles.pop(role)
        self.roles |= self._expanded(names)
        if "categorical_features" not in self.roles:
            trained = categories_of_trained(self.roles.get("features"))
            self.roles |= {"categorical_features": trained} if trained else {}
        roles = self.checked()
        played = roles.played()
        known = Columns({name: np.empty(0) for name in names}, 0, source=self.source)
        for name, role in played.items():
            if not (self.second and role in ("label", "target", "weight")):
                check_known(known, name, role)
        texts = {name: KINDS.get(role, "number") for name, role in played.items()}
        named = self.roles.get("categorical_features")
        for name in roles.categorical:
            check_known(known, name, "categorical_features")
            texts[name] = named[name] if isinstance(named, Mapping) else "category"
        others = "number" if self.numbers_only else "feature"
        if roles.text is not None and self.numbers_only:
            raise ReaderError(
                f"{self.source}: text={cut(roles.text)} makes sequences of characters, and "
                f"{ONLY_NUMBERS}"
            )
        if roles.text is not None:
            return Wanted(frozenset(played), texts)
        if roles.features is None:
            return Wanted(None, texts, others)
        features = [name for name in roles.features if name != roles.delta]
        for name in features:
            check_known(known, name, "features")
        return Wanted(frozenset(features) | played.keys(), texts, others)

    def checked(self) -> Roles:
        """The roles; an error if they do not agree with each other."""
        return roles_of(
            **{role: self.roles.get(role) for role in ROLES}, time_delta=self.time_delta
        )

    def _expanded(self, names: Sequence[str]) -> dict[str, Any]:
        """The features, where one stands for all columns that lists of lists became."""
        expanded = {}
        for role in ("features", "categorical_features"):
            features = self.roles.get(role)
            if not isinstance(features, (list, tuple)):
                continue
            found: list[Any] = []
            for name in features:
                parts = [n for n in names if n.startswith(f"{name}[") and n.endswith("]")]
                found += parts if parts and name not in names else [name]
            expanded[role] = found
        return expanded


def read_labels(path: PathLike, roles: Mapping[str, Any], options: Mapping[str, Any]) -> Columns:
    """A second table, with labels or targets by id, for the data that play these roles."""
    ids = [str(name) for name in names_of(roles.get("id"))]
    label, target = roles.get("label"), roles.get("target")

    def choose(names: Sequence[str]) -> Wanted:
        known = Columns({name: np.empty(0) for name in names}, 0, source=os.fspath(path))
        for name in ids:
            check_known(known, name, "id")
        texts = dict.fromkeys(ids, "id")
        if label is None and target is None:
            return Wanted(None, texts, "label")
        if label is not None:
            check_known(known, str(label), "label")
            texts[str(label)] = "label"
        for name in names_of(target):
            check_known(known, str(name), "target")
        wanted = [*ids, label, *names_of(target), roles.get("weight")]
        return Wanted(frozenset(str(name) for name in wanted if name is not None), texts)

    return read_columns(path, choose=choose, **known_options(path, options))


def without_strangers(
    labels: Columns, ids: Sequence[str], there: Collection[Any], source: str
) -> Columns:
    """A second table without the rows of ids that are not there; a warning names those.

    A file of labels often has those of the training data and of the test data, which are read one
    after the other.
    """
    keys = _keys(labels, ids)
    strangers = [key for key in keys if key not in there]
    if not strangers or len(strangers) == len(keys):
        return labels  # in the second case `dataset_of` says what is wrong
    warn_caller(
        f"{labels.source}: {len(strangers)} of its {len(keys)} rows belong to no sequence of "
        f"{source}, and are left out: {listed(strangers)}",
    )
    rows = np.flatnonzero([key in there for key in keys])
    columns = {name: column[rows] for name, column in labels.columns.items()}
    return Columns(
        columns,
        len(rows),
        lambda row: labels.place(int(rows[row])),
        labels.source,
        labels.categorical,
    )


def _keys(columns: Columns, ids: Sequence[str]) -> list[Any]:
    """The id of each row, as Python has it."""
    every = [columns.columns[name].tolist() for name in ids if name in columns.columns]
    return every[0] if len(every) == 1 else list(zip(*every, strict=True))


def known_options(path: PathLike, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that the reader of a file of this suffix has."""
    reader = TABLES.get(Path(path).suffix.lower(), read_columns)
    known = inspect.signature(reader).parameters
    return {name: value for name, value in options.items() if name in known}
