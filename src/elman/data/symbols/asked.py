"""What a user says of categorical columns in; the numbers of those columns out."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from elman.data.names import MOST_NAMES, Names, listed
from elman.data.symbols.flat import Flat, a_kind, first_fraction
from elman.data.symbols.raw import Raw
from elman.targets.checks import shown

ACCEPTS = (
    "it must be 'auto', 'all', or a list of names of columns, of indices, or of True and False for "
    "each column"
)


def check_categorical_features(value: Any, name: str = "categorical_features") -> None:
    """Raise TypeError or ValueError unless `categorical_features` may have this value.

    Whether the columns that it names are there, only X tells.
    """
    if isinstance(value, str):
        if value not in ("auto", "all"):
            raise ValueError(
                f"{name}={value!r:.60} is not known; {ACCEPTS}, such as [{value!r:.60}]"
            )
        return
    if not isinstance(value, (list, tuple, np.ndarray)) or getattr(value, "ndim", 1) == 0:
        raise TypeError(f"{name}={value!r:.200} is {a_kind(value)}; {ACCEPTS}")
    for entry in value:
        kind = _kind(entry)
        if kind == "other" or kind != _kind(value[0]):
            raise TypeError(f"{name} holds {shown(entry)}; {ACCEPTS}, all of one kind")
        if kind == "int" and entry < 0:
            raise ValueError(f"{name} holds {int(entry)}; indices of columns begin at 0")


def is_asked(value: Any) -> bool:
    """Whether `categorical_features`, which is not "auto", names any column."""
    if isinstance(value, str):
        return value == "all"
    if len(value) and _kind(value[0]) == "bool":
        return bool(np.any(value))
    return len(value) > 0


def columns_asked(raw: Raw, value: Any) -> list[int]:
    """The categorical columns of X, in increasing order.

    Raises
    ------
    ValueError
        A name or an index is of no column of X, or is there twice; a mask is of another length; or
        X has no categorical column.
    """
    n = raw.n_columns
    if isinstance(value, str) and value == "all":
        return [*range(n)]
    if isinstance(value, str):
        if raw.form == "characters":
            return [0]
        found = [j for j, column in enumerate(raw.columns) if is_categorical(column)]
        if raw.form == "tokens" and not found and raw.columns[0].kind == "nothing":
            found = [0]
    else:
        found = _listed(raw, value)
    if not found:
        fix = "write 'all' if its values are categories" if n == 1 else "name those that are"
        raise ValueError(
            f"{raw.name} has no categorical column with categorical_features={value!r:.60}: of the "
            f"{n} column(s), {fix}"
        )
    return found


def instead_of_all(raw: Raw) -> str:
    """What to write in the place of "all" where a column holds numbers that are no categories."""
    whole = [j for j, flat in enumerate(raw.columns) if first_fraction(flat) is None]
    if not whole:
        return "leave categorical_features out if these are quantities, or write them as text"
    if len(whole) > MOST_NAMES:
        return "list in categorical_features the columns that are categories"
    named = whole if raw.names is None else [raw.names[j] for j in whole]
    return (
        f"say which columns are categories, such as categorical_features={named}, whose values are "
        "whole numbers or text"
    )


def columns_named(value: Any, n: int, names: Names | None) -> list[int]:
    """Of n columns the indices of those that `categorical_features` names; none for "auto".

    Names that are no columns are left out.
    """
    if isinstance(value, str):
        return [*range(n)] if value == "all" else []
    if len(value) and _kind(value[0]) == "bool":
        return np.flatnonzero(value).tolist()
    found = {names.index(v) for v in value if isinstance(v, str) and names and v in names}
    return sorted(found | {int(v) for v in value if not isinstance(v, str) and v < n})


def is_categorical(flat: Flat) -> bool:
    """Whether a column is categorical without being named."""
    return flat.categorical or flat.kind in ("text", "bool")


def _listed(raw: Raw, value: Any) -> list[int]:
    n, found = raw.n_columns, []
    if len(value) and _kind(value[0]) == "bool":
        if len(value) != n:
            raise ValueError(
                f"categorical_features is a mask of {len(value)} bool(s), but {raw.name} has {n} "
                "column(s): pass one for each"
            )
        return np.flatnonzero(value).tolist()
    for each in value:
        if isinstance(each, str):
            if raw.names is None:
                raise ValueError(
                    f"categorical_features holds {shown(each)}, but the columns of {raw.name} have "
                    "no names: pass their indices, or data frames"
                )
            if each not in raw.names:
                raise ValueError(
                    f"categorical_features holds {shown(each)}, which is no column of {raw.name}: "
                    f"it has {listed(raw.names)}"
                )
            found.append(raw.names.index(each))
            continue
        if each >= n:
            raise ValueError(
                f"categorical_features holds {int(each)}, but {raw.name} has {n} column(s)"
            )
        found.append(int(each))
    if len(set(found)) < len(found):
        raise ValueError(f"categorical_features={value!r:.60} names a column twice")
    return sorted(found)


def _kind(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, str):
        return "str"
    return "int" if isinstance(value, numbers.Integral) else "other"
