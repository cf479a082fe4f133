"""A folder of recordings in; its sequences out."""

from __future__ import annotations

import bisect
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import check_memory
from elman.data.columns import Columns
from elman.data.dataset import Dataset, PathLike, ReaderError, listed
from elman.data.folder.labels import (
    Labels,
    folders_as_labels,
    found_file,
    read_labels,
)
from elman.data.folder.listing import labels_within, recordings
from elman.data.table_files import (
    Asked,
    assembled,
    known_options,
    read_columns,
    without_strangers,
)
from elman.data.tables.plain import holds_lists, is_text, missing_values, object_array
from elman.data.tables.roles import names_of
from elman.data.wanted import Wanted

Array = NDArray[Any]


def read_folder(
    path: PathLike,
    *,
    missing: str = "error",
    id: str | None = None,
    time: str | None = None,
    features: Any = None,
    categorical_features: Any = None,
    label: str | None = None,
    step_label: str | None = None,
    target: Any = None,
    step_target: Any = None,
    weight: str | None = None,
    time_delta: bool = False,
    labels: Any = None,
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool = True,
    max_bytes: int | None = None,
    with_labels: bool = True,
    may_lack: Collection[str] = (),
) -> Dataset:
    """Read a folder with a file for each recording, and the labels of the recordings.

    Every file with the suffix of a table (.csv, .tsv, .jsonl, .parquet, .feather, .arrow) is a
    recording, and a row of it a time step. All have the same columns, which are found by name.
    Files and folders whose names begin with a dot are passed over, and so are a README and a
    LICENSE. Sequences come in the order of their paths, in which numbers count as numbers: rec2 is
    before rec10. The id of each is the path of its file within the folder, without suffix: "rec2",
    or "monday/rec2".

    Labels are in the file that `labels` names, or else in one called labels.csv (or with another
    suffix of a table) in the folder. It has a row for each recording, with its id, path or file
    name, and its label. Without such a file, if all recordings are in folders directly within this
    one, as in walk/rec1.csv, these folders are the labels.

    Parameters
    ----------
    path : path-like
        The folder.
    missing : {"error", "nan"}
        What to do with a missing value among the features: refuse the folder, or return NaN.
    id : str, optional
        The column of the file of labels that says which recording a row belongs to; by default the
        first one. Answers have the ids in a column of that name.
    label, target : str, optional
        The column of the file of labels to learn, or columns in the case of `target`; by default
        the only one beside the id is the label. Without a file of labels, columns of the
        recordings, whose value is the same in each row.
    time, features, categorical_features, step_label, step_target, time_delta
        Columns of the recordings, as `elman.data.from_table` takes them.
    weight : str, optional
        A column of the file of labels, or else of the recordings.
    labels : path-like, or mapping from ids to labels; optional
        The file of labels. A path that leads nowhere is looked for within the folder.
    delimiter, decimal, header
        As `elman.data.read` takes them.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.
    with_labels : bool
        Whether to read labels, targets and weights of recordings; if not, none need be there.
    may_lack : collection of str
        The roles, among "id" and "time", whose column need not be there; and "label" if the names
        of folders may take its place.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        The folder holds no recording, a file that is none, one that differs from the others or is
        damaged, or labels that do not belong to the recordings; the message names the file.
    OSError
        A file cannot be opened.

    Examples
    --------
    >>> from pathlib import Path
    >>> from elman.data import read_folder
    >>> Path("recordings").mkdir()
    >>> _ = Path("recordings/a.csv").write_text('''x,y
    ... 1,2
    ... 3,4
    ... ''')
    >>> _ = Path("recordings/b.csv").write_text('''x,y
    ... 5,6
    ... ''')
    >>> _ = Path("recordings/labels.csv").write_text('''file,label
    ... a.csv,walk
    ... b.csv,run
    ... ''')
    >>> data = read_folder("recordings", label="label")
    >>> print(data.ids, data.y, [x.tolist() for x in data.X])
    ['a' 'b'] ['walk' 'run'] [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    """
    options = {
        "delimiter": delimiter,
        "decimal": decimal,
        "header": header,
        "max_bytes": max_bytes,
    }
    roles = {
        "time": time,
        "features": features,
        "categorical_features": categorical_features,
        "label": label,
        "step_label": step_label,
        "target": target,
        "step_target": step_target,
        "weight": weight,
    }
    plan = planned(
        Path(path),
        roles,
        id=id,
        time_delta=time_delta,
        labels=labels,
        options=options,
        with_labels=with_labels,
        may_lack=may_lack,
    )
    parts: list[Columns] = []
    n_bytes = 0
    for part in plan.parts():
        parts.append(part)
        n_bytes += sum(column.nbytes for column in part.columns.values())
        check_memory(str(path), n_bytes, max_bytes)
    called, whole, table = plan.of_whole(parts[0])
    return assembled(_joined(Path(path), plan.ids, parts, called), whole, table, missing)


@dataclass(frozen=True)
class Plan:
    """The recordings of a folder, and what is asked of them all."""

    ids: list[str]
    """of the recordings, in their order"""
    parts: Callable[[], Iterator[Columns]]
    """reads the recordings, one after the other, each as its columns"""
    of_whole: Callable[[Columns], tuple[str, Asked, Any]]
    """the first recording -> what the column of ids is called, what is asked of the table of all
    recordings with that column, and the second table or mapping of labels by id, or None"""


def planned(
    folder: Path,
    roles: Mapping[str, Any],
    *,
    id: str | None,
    time_delta: bool,
    labels: Any,
    options: Mapping[str, Any],
    with_labels: bool = True,
    may_lack: Collection[str] = (),
    numbers_only: bool = False,
) -> Plan:
    """What there is to read in a folder, and where the labels are, before anything is read.

    Parameters
    ----------
    folder : Path
    roles : mapping
        The columns by role, as `read_folder` takes them; None for one that is not given.
    id, time_delta, labels, with_labels, may_lack
        As `read_folder` takes them.
    options : mapping
        Arguments of the readers of tables.
    numbers_only : bool
        Whether features have to be numbers, so that a text among them is an error.
    """
    answers = {role: roles[role] for role in ("label", "target", "weight")}
    label, target, weight = answers.values()
    of_steps = {role: roles[role] for role in roles if role not in ("label", "target")}
    file = labels_within(folder) if labels is None else None
    if isinstance(labels, (str, os.PathLike)):
        file = found_file(labels, folder)
    paths = recordings(folder, file)
    second: Labels | Mapping[Any, Any] | None = None
    by_step = of_steps.get("step_label") or of_steps.get("step_target")
    if with_labels and not by_step:  # those are in the recordings
        if file is not None:
            second = read_labels(file, folder, paths, id, answers, options, may_lack)
            answers["label"] = second.label
            if weight in second.columns:
                of_steps["weight"] = None
        elif labels is not None:
            second = labels
        elif not (label or target):
            second = folders_as_labels(paths)
        if second is None:
            of_steps = of_steps | answers
            if id is not None and "id" not in may_lack:
                raise ReaderError(
                    f"{folder}: id={id!r} names a column of a file of labels, and there is "
                    "none: recordings are called by the names of their files"
                )
    names = {path: _columns_of(folder / path, options) for path in paths.values()}
    unasked = with_labels and second is None and label is not None and "label" in may_lack
    if unasked and not any(label in found for found in names.values()):
        second = folders_as_labels(paths)
        of_steps["label"] = None if second is not None else label
    if of_steps.get("features") is None:
        _refuse_odd(folder, names)
    if "time" in may_lack and not any(roles["time"] in found for found in names.values()):
        of_steps["time"] = None
    asked = [
        Asked(str(folder / path), of_steps, time_delta, numbers_only=numbers_only) for path in names
    ]

    def parts() -> Iterator[Columns]:
        for name, each in zip(paths.values(), asked, strict=True):
            yield read_columns(folder / name, choose=each, **known_options(name, options))

    def of_whole(first: Columns) -> tuple[str, Asked, Any]:
        wished = [second.id] if isinstance(second, Labels) else names_of(id)
        called = _free_name(wished if len(wished) == 1 else [], first)
        roles = {**asked[0].roles, "id": called} | ({} if second is None else answers)
        table: Any = second
        if isinstance(second, Labels):
            table = without_strangers(second.table(called), [called], paths, str(folder))
        whole = Asked(str(folder), roles, time_delta, second is not None, numbers_only=numbers_only)
        return called, whole, table

    return Plan([*paths], parts, of_whole)


class _Named(Exception):  # noqa: N818, no error
    """The names of a file's columns, once they are known and nothing else is."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)


def _columns_of(path: Path, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a file's columns, of which no more is read."""

    def tell(found: Sequence[str]) -> Wanted:
        raise _Named(found)

    try:
        read_columns(path, choose=tell, **known_options(path, options))
    except _Named as stop:
        return stop.names
    raise AssertionError("a reader of tables asks what is wanted")


def _refuse_odd(folder: Path, names: Mapping[str, tuple[str, ...]]) -> None:
    """Raise ReaderError if a file has other columns than most."""
    kinds = Counter(map(frozenset, names.values()))
    usual = kinds.most_common(1)[0][0]
    for path, found in names.items():
        if set(found) != usual:
            example = next(p for p, columns in names.items() if set(columns) == usual)
            lacks = [column for column in usual if column not in found]
            more = [column for column in found if column not in usual]
            differences = [
                *([f"lacks {listed(sorted(lacks))}"] if lacks else []),
                *([f"has {listed(more)} besides"] if more else []),
            ]
            raise ReaderError(
                f"{folder / path}: {' and '.join(differences)}, where {kinds[usual]} of "
                f"{len(names)} recordings have the columns of {example}. Make them alike, name the "
                "features (features=[...]), or move the file out of the folder; "
                "if it holds the labels, name it with labels="
            )


def _free_name(wished: list[str], recording: Columns) -> str:
    """What to call the column of ids, which no recording has."""
    names = [*wished, "id", "recording", "file"]
    return next((name for name in names if name not in recording.columns), "id of the recording")


def _joined(folder: Path, ids: list[str], parts: list[Columns], called: str) -> Columns:
    """The rows of all recordings as one table, with a column of ids."""
    n_rows = [part.n_rows for part in parts]
    starts = [0, *accumulate(n_rows)]
    columns: dict[str, Array] = {called: np.repeat(object_array(ids), n_rows)}
    for name in parts[0].columns:
        columns[name] = _joined_column(name, parts)

    def place(row: int) -> str:
        i = bisect.bisect_right(starts, row) - 1
        return parts[i].place(row - starts[i])

    every = frozenset().union(*(part.categorical for part in parts))
    return Columns(columns, starts[-1], place, str(folder), every)


def _joined_column(name: str, parts: list[Columns]) -> Array:
    columns = [part.columns[name] for part in parts]
    for part, column in zip(parts, columns, strict=True):
        if holds_lists(column):
            raise ReaderError(
                f"{part.source}: column {name!r} holds lists, where a row of a recording is a time "
                "step; one file with a list for each sequence needs no folder"
            )
    there = [not missing_values(column).all() for column in columns]
    texts = [is_text(column) for column, any_value in zip(columns, there, strict=True) if any_value]
    if not any(texts):
        kinds = {c.dtype.kind for c, any_value in zip(columns, there, strict=True) if any_value}
        if "M" not in kinds:
            return np.concatenate(columns)
    joined = []
    for part, column, any_value in zip(parts, columns, there, strict=True):
        if not any_value:
            joined.append(object_array([None] * len(column)))
        elif column.dtype.kind in "iu" and any(texts):
            # Labels that are numbers in this file, and text in another.
            joined.append(object_array([str(value) for value in column.tolist()]))
        elif is_text(column) == any(texts):
            joined.append(column)
        else:
            raise ReaderError(
                f"{part.source}: column {name!r} holds numbers or dates, and text in other "
                "recordings: make them alike"
            )
    return np.concatenate(joined)
