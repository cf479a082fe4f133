"""A table of recordings and the groups they belong to in; the group of each recording out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from elman.cli.errors import UserError

if TYPE_CHECKING:
    from elman.data import Dataset


def read_groups(path: Path, dataset: Dataset, data: Path) -> list[str]:
    """The group of each recording, from a CSV file with two columns: its id, and its group.

    Recordings without ids are numbered from 0 in their order.

    Raises
    ------
    UserError
        The file has other columns, or not every recording is in it, once.
    OSError
        It cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [*csv.reader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: is no CSV file in UTF-8 ({error})") from error
    groups: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != 2:
            raise UserError(
                f"{path}, line {number}: has {len(row)} column(s); it must have two, the id of a "
                "recording and its group"
            )
        if row[0] in groups:
            raise UserError(f"{path}, line {number}: recording {row[0]!r} is there twice")
        groups[row[0]] = row[1]
    known = dataset.ids if dataset.ids is not None else range(len(dataset.X))
    found = []
    for each in map(_as_text, known):
        if each not in groups:
            raise UserError(f"{path}: has no group for recording {each!r} of {data}")
        found.append(groups[each])
    return found


def _as_text(name: object) -> str:
    return ",".join(map(str, name)) if isinstance(name, (tuple, list)) else str(name)
