"""A file of JSON lines, an object on each, in; its columns out."""

from __future__ import annotations

import os
from collections.abc import Iterator

from elman.data.columns import Columns
from elman.data.dataset import PathLike
from elman.data.json_lines.lines import CHARACTERS, JsonLines
from elman.data.text_files import not_text, undecodable
from elman.data.wanted import Choice, everything

__all__ = ["json_lines_blocks", "read_json_lines"]


def read_json_lines(
    path: PathLike, *, max_bytes: int | None = None, choose: Choice = everything
) -> Columns:
    """Read the columns of a file of JSON lines (.jsonl, .ndjson).

    Each line is an object. It is a time step of a long table, ``{"run": 7, "t": 0.5, "ax": 1.25}``;
    or a sequence with a list in the place of each number, ``{"run": 7, "t": [0, 0.5], "ax": [1, 2],
    "label": "up"}``; or a sequence whose features are in one list of lists, one for each time step,
    ``{"X": [[1, 2], [3, 4]], "label": "up"}``: these become the columns ``X[0]``, ``X[1]``, ...
    Each of them is numbers, or text: ``{"X": [["view", 2.5], ["buy", 4]]}``.

    ``null``, ``NaN`` and a key that an object leaves out are missing values. Values of a key are
    all numbers, all text, all ``true`` or ``false``, or all lists.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.
    choose : callable
        Is given the names of the columns, as the first line has them, and says which to read.

    Returns
    -------
    Columns

    Raises
    ------
    ReaderError
        The file is not such a file; names file, line and fix.
    OSError
        The file cannot be opened.
    """
    file = JsonLines(os.fspath(path), max_bytes, choose)
    encoding = not_text(file.path) or "utf-8-sig"
    try:
        with open(file.path, encoding=encoding, newline="\n") as lines:
            file.read(lines)
    except UnicodeDecodeError as error:
        undecodable(file.path, encoding, error)
    return _finite_columns(file, encoding)


def json_lines_blocks(path: PathLike, block_size: int, choose: Choice) -> Iterator[Columns]:
    """The rows of a file of JSON lines, about `block_size` bytes of columns at a time.

    Raises
    ------
    ReaderError, OSError
        As `read_json_lines`.
    """
    file = JsonLines(os.fspath(path), None, choose)
    encoding = not_text(file.path) or "utf-8-sig"
    try:
        with open(file.path, encoding=encoding, newline="\n") as lines:
            waiting = False
            for n_bytes in file.takes(lines, min(CHARACTERS, block_size)):
                waiting = n_bytes < block_size
                if not waiting:
                    yield _finite_columns(file, encoding)
            if waiting:
                yield _finite_columns(file, encoding)
    except UnicodeDecodeError as error:
        undecodable(file.path, encoding, error)


def _finite_columns(file: JsonLines, encoding: str) -> Columns:
    """The columns of the lines that were taken; an error names the line of a number too large."""
    columns = file.columns()
    if file.any_infinite:  # Infinity says so itself; 1e999 is a mistake
        with open(file.path, encoding=encoding, newline="\n") as lines:
            file.refuse_overflow(lines)
    return columns
