"""Collections of Dask in; their partitions, computed one at a time and in order, out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from elman.data.columns import Columns
from elman.data.dataset import Dataset, ReaderError
from elman.data.store.blocks import Table
from elman.data.table_files import ROLES, Asked, read_labels
from elman.data.tables.frames import columns_of
from elman.data.tables.reading import refuse_index, second_table
from elman.data.tables.roles import names_of

OF_TABLES = (*ROLES, "time_delta", "labels")


def is_dask(source: Any) -> bool:
    """Whether something is a collection of Dask, or a list of them; Dask need not be there."""
    if isinstance(source, (list, tuple)):
        return bool(source) and all(map(is_dask, source))
    return hasattr(source, "__dask_graph__")


class Partitions:
    """What a collection of Dask holds.

    Parameters
    ----------
    source : Bag, DataFrame, or list of Delayed
    given : mapping
        Options of `elman.data.read` that were given.

    Raises
    ------
    TypeError
        It is something else.
    """

    def __init__(self, source: Any, given: Mapping[str, Any]) -> None:
        self._given = given
        self._what = _what(source)
        self._computed = (part.compute() for part in _parts(source))
        self._first = next(self._computed, None)
        self.of_tables = self._what == "partition" or _is_table(self._first)

    def pairs(self) -> Iterator[Any]:
        """Sequences, pairs (x, y), or data sets, one after another."""
        strange = [name for name in self._given if name in OF_TABLES]
        if strange:
            raise ReaderError(
                f"{strange[0]}= names a column of a table, and the source holds pairs (x, y)"
            )
        for part in self._each():
            if isinstance(part, Dataset) or _is_pair(part):
                yield part
            elif isinstance(part, (list, tuple)) or hasattr(part, "__next__"):
                yield from part
            else:
                yield part

    def table(self) -> Table:
        """The rows of all partitions, to be read once."""
        given = self._given
        labels = given.get("labels")
        roles = {role: given.get(role) for role in ROLES}
        asked = Asked(
            "the data of Dask",
            roles,
            given.get("time_delta", False),
            labels is not None,
            numbers_only=True,
        )

        def second() -> Any:
            if isinstance(labels, (str, os.PathLike)):
                return read_labels(labels, asked.roles, {})
            if labels is None:
                return None
            return second_table(labels, given.get("id"), given.get("label"), given.get("target"))

        blocks = partial(self._columns, asked)
        may_have_strangers = isinstance(labels, (str, os.PathLike))
        return Table(asked, blocks, given.get("missing", "error"), second, may_have_strangers)

    def _columns(self, asked: Asked) -> Iterator[Columns]:
        for i, part in enumerate(self._each()):
            columns = columns_of(part, source=asked.source)
            ids = [*names_of(asked.roles.get("id")), *names_of(asked.roles.get("time"))]
            refuse_index(part, columns, ids)
            wanted = asked([*columns.columns])
            found = {name: v for name, v in columns.columns.items() if wanted.has(name)}
            yield replace(columns, columns=found, place=partial(_row_of, self._what, i))

    def _each(self) -> Iterator[Any]:
        """What each part is, computed when it is asked for and not kept."""
        first, self._first = self._first, None
        return chain([first], self._computed)


def _row_of(what: str, part: int, row: int) -> str:
    return f"row {row} of {what} {part}"


def _what(source: Any) -> str:
    """What errors call a part of the source."""
    if not is_dask(source):
        raise TypeError(
            f"source is a {type(source).__name__}; expected the path of a file or folder, or a "
            "DataFrame, a Bag or a list of delayed objects of Dask. SequenceStore.write takes data "
            "that are in memory, and whatever gives sequences one after another"
        )
    if isinstance(source, (list, tuple)) or _is_delayed(source):
        return "delayed object"
    if hasattr(source, "columns") and hasattr(source, "to_delayed"):
        return "partition"
    if hasattr(source, "to_delayed") and not hasattr(source, "chunks"):
        return "partition of the bag"
    raise TypeError(
        f"source is a {type(source).__name__} of Dask; expected a DataFrame, a Bag, or a list of "
        "delayed objects"
    )


def _is_delayed(source: Any) -> bool:
    """Whether it is one delayed object, which seems to have every attribute."""
    names = {(kind.__module__, kind.__qualname__) for kind in type(source).__mro__}
    return ("dask.delayed", "Delayed") in names


def _parts(source: Any) -> Sequence[Any]:
    """The parts of a collection, as delayed objects."""
    if isinstance(source, (list, tuple)):
        return source
    return [source] if _is_delayed(source) else list(source.to_delayed())


def _is_table(part: Any) -> bool:
    """Whether something is a table, rather than a sequence, a pair or several of them."""
    if isinstance(part, Mapping):
        return True
    return hasattr(part, "columns") and hasattr(part, "__getitem__")


def _is_pair(part: Any) -> bool:
    """Whether something is (x, y), rather than a list of pairs."""
    if not isinstance(part, tuple) or len(part) != 2:
        return False
    return not (isinstance(part[0], tuple) and isinstance(part[1], tuple))
