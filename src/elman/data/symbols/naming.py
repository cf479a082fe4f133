"""Symbols and encoded steps in; what a person calls their columns, categories and steps, out."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.symbols import NO_CHARACTER, Symbols
from elman.targets.checks import listed, shown

Array = NDArray[Any]

UNKNOWN = "<unknown>"
"""What the first category of every column is called, which stands for all that is not known."""
MISSING = "<missing>"
"""What a missing value is called where it is a category of its own."""
BLANK = "\u2423"
"""What a space is drawn as where a step is a character: the Unicode sign for one."""


def name_of_column(symbols: Symbols, j: int) -> str:
    """What column j of X is called: by its name, "character", "token", or by its number."""
    if symbols.feature_names is not None:
        return str(symbols.feature_names[j])
    if symbols.form == "characters":
        return "character"
    return "token" if symbols.n_columns == 1 else f"feature {j}"


def names_of_encoded(symbols: Symbols) -> tuple[str, ...]:
    """What the columns of an encoded step are called: those of categories first."""
    return tuple(name_of_column(symbols, j) for j in (*symbols.categorical, *symbols.numeric))


def place_of_column(symbols: Symbols, column: Any) -> int:
    """Which of the categorical columns a user means.

    Parameters
    ----------
    symbols : Symbols
    column : str, int or None
        A name or an index of a column of X; None is the only one that is categorical.

    Raises
    ------
    ValueError
        There is no such categorical column, or several where none is named.
    """
    names = symbols.feature_names
    known = [j if names is None else names[j] for j in symbols.categorical]
    if column is None:
        if len(known) > 1:
            raise ValueError(
                f"X has {len(known)} categorical columns: pass column= one of {listed(known)}"
            )
        return 0
    place: Any = None
    if isinstance(column, str) and names is not None and column in names:
        place = names.index(column)
    elif isinstance(column, numbers.Integral) and not isinstance(column, bool):
        place = int(column)
    if place not in symbols.categorical:
        raise ValueError(
            f"column={shown(column)} is no categorical column of X; those are {listed(known)}"
        )
    return symbols.categorical.index(place)


def category_name(token: Any) -> str:
    """What a category is called in a table or a picture; None is that of missing values."""
    return MISSING if token is None else str(token)


def names_of_categories(symbols: Symbols, k: int) -> list[str]:
    """What the categories of the k-th categorical column are called, by id."""
    tokens = symbols.vocabularies[k].tokens
    return [UNKNOWN, *map(category_name, tokens)]


class StepNames:
    """What each step of a sample is called: its character, its token, or all of its categories.

    Categories of several columns are joined by a slash. What the network takes for unknown is
    called so ("<unknown>", and U+FFFD among characters); a step that is left out is "".
    """

    def __init__(self, symbols: Symbols) -> None:
        self._tables = []
        for k in range(symbols.n_codes):
            names = names_of_categories(symbols, k)
            if symbols.form == "characters":
                names = [NO_CHARACTER, *(BLANK if name == " " else name for name in names[1:])]
            self._tables.append(np.array(["", *names], object))

    def __call__(self, encoded: Array) -> list[str]:
        """Of a sample (n_timesteps, n_codes + n_numbers), n_timesteps names."""
        columns = []
        for k, table in enumerate(self._tables):
            ids = np.nan_to_num(np.asarray(encoded[:, k], np.float64), nan=-1).astype(np.int64)
            columns.append(table[ids + 1].tolist())
        return ["/".join(parts) for parts in zip(*columns, strict=True)]
