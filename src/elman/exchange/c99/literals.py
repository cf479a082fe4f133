"""Numbers as C literals: each is read back as the number that it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 100
"""Columns of a line."""


def literals(values: NDArray[Any]) -> list[str]:
    """Each number of an array, flat, as the shortest decimal that stands for it and no other.

    float32 has the suffix f, float64 none; integers are plain. NaN is the macro NAN.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.exchange.c99.literals import literals
    >>> literals(np.array([0.1, 1e-7, 3], np.float32))
    ['0.1f', '1e-07f', '3.0f']
    """
    flat = values.reshape(-1)
    if flat.dtype.kind in "iu":
        return [str(value) for value in flat.tolist()]
    if flat.dtype == np.float64:
        return ["NAN" if value != value else repr(value) for value in flat.tolist()]
    if flat.dtype != np.float32:
        raise TypeError(f"no literals of {flat.dtype}")
    return ["NAN" if value != value else f"{value!s}f" for value in flat]


def listed(words: Iterable[str], indent: str = "    ", end: str = ",") -> str:
    """Words with commas behind them, in lines of at most `WIDTH` columns."""
    every, between = list(words), f"{end} "
    lines: list[str] = []
    first, width = 0, len(indent)
    for i, word in enumerate(every):
        if width + len(word) + len(end) > WIDTH and i > first:
            lines.append(indent + between.join(every[first:i]) + end)
            first, width = i, len(indent)
        width += len(word) + len(between)
    last = indent + between.join(every[first:]) + end if every else ""
    return "\n".join([*lines, last])
