"""A text file of word vectors, as GloVe and word2vec write it, in; a vector for each token out."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import ReaderError
from elman.data.text_files import not_text
from elman.targets.callers import warn_caller
from elman.targets.checks import shown

LONGEST_LINE = 1 << 24
"""bytes of a line, which are more than 1,000,000 numbers"""
MOST_NUMBERS = 1 << 17
"""numbers of a vector"""


def read_word_vectors(
    path: str | os.PathLike[str], tokens: Collection[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    r"""Read word vectors from a text file in the format of GloVe or word2vec.

    Each line is a token and the numbers of its vector, separated by spaces. word2vec writes a line
    before them that says how many tokens and numbers there are. A token may contain spaces where
    all vectors are of one length, which the first line says.

    Parameters
    ----------
    path : path-like
        UTF-8 text; compressed by gzip if its name ends in .gz.
    tokens : collection of str, optional
        The tokens that are wanted: only they are kept, and only their lines are checked. A
        vocabulary's, or a dict's, keys will do. All by default.

    Returns
    -------
    dict of str to ndarray of shape (n,), float32
        In the order of the file; views of one array. Tokens that the file lacks are not in it.

    Raises
    ------
    ReaderError
        The file is no such text: names the line. Or it is damaged, or cut short.
    TypeError
        `tokens` is a single str.

    Warns
    -----
    UserWarning
        A token has two vectors, of which the first one counts.

    Examples
    --------
    >>> import os, tempfile
    >>> from elman.data import read_word_vectors
    >>> path = os.path.join(tempfile.mkdtemp(), "vectors.txt")
    >>> with open(path, "w", encoding="utf-8") as file:
    ...     _ = file.write("river 0.5 -1\nlake 0.25 2\nsea 1 0\n")
    >>> read_word_vectors(path, ["lake", "ocean"])
    {'lake': array([0.25, 2.  ], dtype=float32)}
    """
    if isinstance(tokens, (str, bytes)):
        raise TypeError(f"tokens={tokens!r:.60} is a single {type(tokens).__name__}: pass a list")
    where = os.fspath(path)
    wanted = None if tokens is None else {t.encode() for t in tokens if isinstance(t, str)}
    starts = None if wanted is None else {token.partition(b" ")[0] for token in wanted}
    found: dict[str, int] = {}
    rows: list[NDArray[np.float32]] = []
    repeated: tuple[int, str] | None = None
    n_repeated = n_lines = width = 0
    promised: int | None = None
    for number, line in _lines(path, where):
        text = line.strip(b" \t\r\n")
        if number == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
            header = _header(text)
            if header is not None:
                promised, width = header
                _check_width(width, where, number)
                continue
        if not text:
            raise ReaderError(f"{where}, line {number}: is empty; expected a token and its numbers")
        n_lines += 1
        if not width:
            width = len(text.split(b" ")) - 1
            _check_width(width, where, number)
        if starts is not None and text.partition(b" ")[0] not in starts:
            continue
        token, *values = text.rsplit(b" ", width)
        if wanted is not None and token not in wanted:
            continue
        vector = _vector(token, values, width, where, number)
        word = _decoded(token, where, number)
        if word in found:
            n_repeated += 1
            repeated = repeated or (number, word)
            continue
        found[word] = len(rows)
        rows.append(vector)
    if promised is not None and n_lines != promised:
        raise ReaderError(
            f"{where}: the first line promises {promised:,} tokens, but there are {n_lines:,}: the "
            "file is cut short, or was put together of several"
        )
    if not n_lines:
        raise ReaderError(f"{where}: holds no vectors")
    if repeated is not None:
        warn_caller(
            f"{where}, line {repeated[0]}: {shown(repeated[1])} was there before; "
            f"{n_repeated} token(s) have several vectors, and the first one of each counts",
        )
    block = np.stack(rows) if rows else np.empty((0, width), np.float32)
    return {word: block[i] for word, i in found.items()}


def _lines(path: str | os.PathLike[str], where: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, from 1 on."""
    compressed = Path(path).suffix.lower() == ".gz"
    if not compressed and not_text(where) is not None:
        raise ReaderError(f"{where}: is UTF-16; save it as UTF-8")
    try:
        opened: Any = gzip.open(path, "rb") if compressed else open(path, "rb")  # noqa: SIM115
        with opened as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise ReaderError(
                        f"{where}, line {number}: is longer than {LONGEST_LINE:,} bytes; this is "
                        "no text of word vectors"
                    )
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReaderError(f"{where}: is no whole gzip file ({error}); fetch it again") from error


def _header(text: bytes) -> tuple[int, int] | None:
    """How many tokens and numbers the first line promises, if it is a header."""
    parts = text.split(b" ")
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 19 for part in parts):
        return None
    return int(parts[0]), int(parts[1])


def _check_width(width: int, where: str, number: int) -> None:
    if not 1 <= width <= MOST_NUMBERS:
        raise ReaderError(
            f"{where}, line {number}: says that a vector has {width:,} numbers; expected from 1 to "
            f"{MOST_NUMBERS:,}, after the token, separated by spaces"
        )


def _vector(
    token: bytes, values: list[bytes], width: int, where: str, number: int
) -> NDArray[np.float32]:
    if len(values) != width or not token:
        _refuse(where, number, f"has {len(values)} number(s), not {width}")
    bad: Any = None
    out = np.empty(width, np.float64)
    for i, value in enumerate(values):
        try:
            out[i] = float(value)
        except ValueError:
            bad = value
        if bad is not None or b"_" in value:
            text = value[:60].decode(errors="replace")
            _refuse(where, number, f"has {text!r} where a number is expected")
    with np.errstate(over="ignore"):
        found = out.astype(np.float32)
    if not np.isfinite(found).all():
        i = int(np.argmax(~np.isfinite(found)))
        _refuse(where, number, f"has {values[i].decode()!r}, which is not finite in float32")
    return found


def _refuse(where: str, number: int, what: str) -> NoReturn:
    raise ReaderError(
        f"{where}, line {number}: {what}; expected a token and the numbers of its vector, as many "
        "in each line, separated by single spaces (a binary file of word2vec is to be saved as "
        "text first)"
    )


def _decoded(token: bytes, where: str, number: int) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError as error:
        raise ReaderError(
            f"{where}, line {number}: byte 0x{token[error.start]:02x} of the token is not UTF-8: "
            "save the file as UTF-8, or pass the tokens that are wanted, which are read alone"
        ) from error
