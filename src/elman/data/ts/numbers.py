"""Numbers as text in, float64 out, in memory and time near that of the text; and what is none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import cut

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
NAN = frozenset({"nan", "nan(ind)", "1.#qnan", "1.#ind"})
"""How programs print NaN, in lower case and without the sign that it may have."""
MISSING = NAN | {"?", "na", "n/a", "null", "none"}
"""What stands for a value that is not there, in lower case."""
LONGEST_MISSING = 1 + max(map(len, MISSING))
PIECE = 1 << 16
"""Characters that are looked at in one piece: one number takes as much memory as 60 of them."""

_PLAIN = str.maketrans("", "", "0123456789+-.eE, \t")
_PLAIN_OR_MISSING = frozenset("?nNaA")


class NumberTextError(ValueError):
    """A text among others that is no finite number; `args` are its index and what is wrong."""


def pieces(text: str) -> Iterator[str]:
    """A text of numbers between commas, cut at some of the commas."""
    start = 0
    while len(text) - start > PIECE:
        stop = text.find(",", start + PIECE)
        if stop < 0:
            break
        yield text[start:stop]
        start = stop + 1
    yield text[start:] if start else text


def floats(piece: str, *, missing: bool) -> NDArray[np.float64]:
    """The numbers between commas in a text; NaN for those that are missing, if there may be any.

    Raises
    ------
    NumberTextError
        With the index of the first that is none, or is missing where `missing` is false.
    """
    quick = _quick(piece, missing)
    return _careful(piece, missing) if quick is None else quick


def is_missing(token: str) -> bool:
    """Whether a text says that a value is not there."""
    if len(token) > LONGEST_MISSING:  # to make a long text lower takes twelve times its memory
        return False
    token = token.lower()
    return token in MISSING or (token[:1] in ("+", "-") and token[1:] in NAN)


def _quick(piece: str, missing: bool) -> NDArray[np.float64] | None:
    """The numbers; None if anything about them is unusual."""
    # float() takes more than numbers: infinities, 1_000 and the digits of other scripts.
    unusual = piece.translate(_PLAIN)
    tokens = piece.split(",")
    try:
        if not unusual:
            values = np.fromiter(map(float, tokens), np.float64, len(tokens))
        elif missing and _PLAIN_OR_MISSING.issuperset(unusual):
            values = np.fromiter(
                (math.nan if token == "?" else float(token) for token in tokens),
                np.float64,
                len(tokens),
            )
        else:
            return None
    except ValueError:
        return None
    fine = not np.isinf(values).any() if unusual else np.isfinite(values).all()
    return values if fine else None


def _careful(piece: str, missing: bool) -> NDArray[np.float64]:
    tokens = piece.split(",")
    values = np.empty(len(tokens))
    for i, raw in enumerate(tokens):
        token = raw.strip()
        if NUMBER.fullmatch(token):
            values[i] = float(token)
            if math.isinf(values[i]):
                raise NumberTextError(i, f"{cut(token)} is too large for float64")
        elif is_missing(token):
            if not missing:
                raise NumberTextError(
                    i,
                    f"the value is missing ({token}); fill it in, or read the file with "
                    "missing='nan' and fit with missing='mask' or missing='skip'",
                )
            values[i] = math.nan
        else:
            raise NumberTextError(i, f"{cut(token)} is not a number")
    return values
