"""A file or folder of tables in; a way to read its rows some at a time, as often as needed, out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.arrow import arrow_blocks, parquet_blocks
from elman.data.columns import Columns
from elman.data.folder.reading import planned
from elman.data.json_lines import json_lines_blocks
from elman.data.store.fields import CsvBlocks
from elman.data.table_files import (
    ROLES,
    TABLES,
    WITHOUT_LISTS,
    Asked,
    read_columns,
    read_labels,
)
from elman.data.tables.plain import object_array

Blocks = Callable[[], Iterator[Columns]]


@dataclass
class Table:
    """The rows of a long table, or of one with a row for each sequence, and what is asked of them.

    `asked` and `labels` hold once the first block was read.
    """

    asked: Asked
    blocks: Blocks
    """begins a pass over the rows"""
    missing: str
    labels: Callable[[], Any]
    """the second table or mapping of labels by id, or None"""
    may_have_strangers: bool = False
    """whether the second table may have rows of other ids, which are left out"""
    types: Callable[[], Columns] | None = None
    """columns that say of what types those of all rows are; None if only all rows say so"""


def table_of(path: str, given: Mapping[str, Any], block_size: int) -> Table:
    """The table in a file.

    Parameters
    ----------
    path : str
    given : mapping
        Options of `elman.data.read` that were given.
    block_size : int
        About how many bytes of columns are read at a time.
    """
    suffix = Path(path).suffix.lower()
    labels = given.get("labels")
    roles = {role: given.get(role) for role in ROLES}
    asked = Asked(
        path, roles, given.get("time_delta", False), labels is not None, numbers_only=True
    )
    asked.needs_id = suffix in WITHOUT_LISTS
    options = {name: given[name] for name in ("delimiter", "decimal", "header") if name in given}
    blocks: dict[str, Callable[..., Blocks]] = {
        ".csv": lambda: CsvBlocks(path, block_size, asked, **options),
        ".tsv": lambda: CsvBlocks(path, block_size, asked, **options),
        ".jsonl": lambda: partial(json_lines_blocks, path, block_size, asked),
        ".ndjson": lambda: partial(json_lines_blocks, path, block_size, asked),
        ".parquet": lambda: partial(parquet_blocks, path, block_size, asked),
        ".feather": lambda: partial(arrow_blocks, path, block_size, asked),
        ".arrow": lambda: partial(arrow_blocks, path, block_size, asked),
    }
    whole = partial(_at_once, path, asked)

    def second() -> Any:
        if isinstance(labels, (str, os.PathLike)):
            return read_labels(labels, asked.roles, options)
        return labels

    made = blocks[suffix]() if suffix in blocks else whole
    return Table(
        asked,
        made,
        given.get("missing", "error"),
        second,
        isinstance(labels, (str, os.PathLike)),
        made.types if isinstance(made, CsvBlocks) else None,
    )


def _at_once(path: str, asked: Asked) -> Iterator[Columns]:
    yield read_columns(path, choose=asked)


def table_of_folder(path: str, given: Mapping[str, Any]) -> Table:
    """The table of the recordings of a folder, of which each is a block."""
    roles = {role: given.get(role) for role in ROLES if role != "id"}
    options = {"max_bytes": None}
    options |= {name: given[name] for name in ("delimiter", "decimal", "header") if name in given}
    plan = planned(
        Path(path),
        roles,
        id=given.get("id"),
        time_delta=given.get("time_delta", False),
        labels=given.get("labels"),
        options=options,
        numbers_only=True,
    )
    table = Table(Asked(path, {}), lambda: iter(()), given.get("missing", "error"), lambda: None)

    def blocks() -> Iterator[Columns]:
        called = ""
        for i, (id, part) in enumerate(zip(plan.ids, plan.parts(), strict=True)):
            if i == 0:
                called, table.asked, second = plan.of_whole(part)
                table.labels = partial(_itself, second)
            ids = np.repeat(object_array([id]), part.n_rows)
            yield replace(part, columns={called: ids, **part.columns}, source=path)

    table.blocks = blocks
    return table


def _itself(value: Any) -> Any:
    return value


def is_table(path: str, given: Mapping[str, Any]) -> bool:
    """Whether a file is a table for `elman.data.read`, rather than in a format of its own."""
    suffix = Path(path).suffix.lower()
    return suffix in TABLES and (suffix != ".arff" or "id" in given)
