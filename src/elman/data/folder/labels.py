"""The labels of a folder's recordings: a file, a mapping or the names of folders in; by id out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, listed
from elman.data.folder.listing import called
from elman.data.table_files import known_options, read_columns
from elman.data.tables.plain import missing_values, object_array
from elman.data.tables.roles import check_known, names_of
from elman.data.wanted import Wanted

Array = NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """The columns of a file of labels, each row with the id of a recording."""

    ids: list[str]
    id: str
    """what the column of the ids is called there"""
    columns: dict[str, Array]
    place: Callable[[int], str]
    source: str
    label: str | None
    """the column that is the label, if it was named or can only be one"""

    def table(self, name: str) -> Columns:
        """As a second table, of which the column of ids is called `name`."""
        columns = {name: object_array(self.ids)} | self.columns
        return Columns(columns, len(self.ids), self.place, self.source)


def read_labels(
    path: Path,
    folder: Path,
    paths: dict[str, str],
    id: str | None,
    roles: Mapping[str, Any],
    options: Mapping[str, Any],
    may_lack: Collection[str] = (),
) -> Labels:
    """Read a file of labels.

    Parameters
    ----------
    path, folder : Path
    paths : dict of str to str
        The recordings of the folder, by id.
    id : str or None
        The column of the file that says which recording a row belongs to; None for the first.
    roles : mapping
        The columns that are "label", "target" and "weight", as `elman.data.read` takes them.
    options : mapping
        Arguments of readers; those that the reader of this file does not have do not matter.
    may_lack : collection of str
        With "id" in it, the first column takes the place of an `id` that the file does not have.

    Raises
    ------
    ReaderError
        The file is damaged, lacks a column, or has a name that several recordings have.
    """
    named = [*names_of(roles.get("label")), *names_of(roles.get("target"))]
    found: dict[str, Any] = {}

    def choose(names: Sequence[str]) -> Wanted:
        known = Columns({name: np.empty(0) for name in names}, 0, source=str(path))
        is_first = id is None or ("id" in may_lack and id not in names)
        key = found["id"] = names[0] if is_first and names else str(id)
        check_known(known, key, "id")
        others = [name for name in names if name != key]
        if not named and len(others) != 1:
            raise ReaderError(
                f"{path}: has {len(others)} columns beside the id, {cut(key)}: {listed(others)}; "
                "name the one to learn as label= or target="
            )
        found["label"] = roles.get("label") if named else others[0]
        for name in named:
            check_known(known, str(name), "label" if name == roles.get("label") else "target")
        wanted = [key, *map(str, named or others)]
        if roles.get("weight") in others:
            wanted.append(str(roles["weight"]))
        texts = {key: "name"} | ({} if found["label"] is None else {str(found["label"]): "label"})
        return Wanted(frozenset(wanted), texts)

    columns = read_columns(path, choose=choose, **known_options(path, options))
    key = columns.columns[found["id"]]
    gone = np.flatnonzero(missing_values(key))
    if len(gone):
        raise ReaderError(f"{columns.place(int(gone[0]))}: the id, {cut(found['id'])}, is missing")
    names = called(paths)
    ids = []
    for row, value in enumerate(key.tolist()):
        name = str(value).strip().replace("\\", "/").removeprefix("./")
        if name in names and names[name] is None:
            raise ReaderError(
                f"{columns.place(row)}: {cut(name)} may be several recordings of {folder}: write "
                "the path within the folder"
            )
        ids.append(names.get(name) or name)
    rest = {name: column for name, column in columns.columns.items() if name != found["id"]}
    return Labels(ids, found["id"], rest, columns.place, str(path), found["label"])


def folders_as_labels(paths: Mapping[str, str]) -> dict[str, str] | None:
    """The folder of each recording as its label, if each is in one directly within the folder."""
    parts = {id: id.split("/") for id in paths}
    if any(len(each) != 2 for each in parts.values()):
        return None
    return {id: each[0] for id, each in parts.items()}


def found_file(path: str | os.PathLike[str], folder: Path) -> Path:
    """A file of labels by its path, or else by its path within the folder."""
    given = Path(path)
    return given if given.exists() or not (folder / given).exists() else folder / given
