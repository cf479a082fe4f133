"""X as a user passed it, and what belongs to its samples, in; an error where they cannot, out.

Numbers that differ are an error anyway. Here is what the container of X adds to it: which ids it
has, and whether it is a long table that was taken for a row of numbers for each sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.data.containers import ids_of, is_table
from elman.data.named import NamedSequences
from elman.data.sequences import Sequences
from elman.targets.callers import warn_caller
from elman.targets.checks import shown

FROM_TABLE = "elman.data.from_table(table, id=...) makes one sequence of all rows with one id"


def check_alignment(X: Any, data: Sequences, values: Any, X_name: str, name: str) -> None:
    """Raise an error unless values, one for each sample, can be those of X.

    Parameters
    ----------
    X : object
        As the user passed it.
    data : Sequences
        What was made of it.
    values : object
        y or sample_weight, or None. It is looked at no further where nothing can be said.
    X_name, name : str
        What errors call X and the values.

    Raises
    ------
    ValueError
        There are fewer or more of them than samples and the shape of X tells why; or their index
        has the ids of X in another order.

    Warns
    -----
    UserWarning
        X has a row for each sequence, and its index is that of the values in another order; or X is
        a groupby that has sorted its groups, and the values have no ids.
    """
    if values is None or isinstance(values, (str, bytes)):
        return
    n_values = _length(values)
    if n_values is None:
        return
    if n_values != len(data):
        hint = _hint(X, data, n_values, X_name)
        if hint:
            raise ValueError(
                f"{name} has {n_values} entries, but {X_name} has {len(data)} sample(s): {hint}"
            )
    else:
        if hasattr(values, "iloc") and hasattr(values, "index"):
            _refuse_other_order(X, values, X_name, name)
        if hasattr(X, "ngroups") and hasattr(X, "ngroup"):
            _warn_of_sorted_groups(X, values, X_name, name)


def _length(values: Any) -> int | None:
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else None
    return len(values) if hasattr(values, "__len__") else None


def _hint(X: Any, data: Sequences, n_values: int, X_name: str) -> str:
    if data.two_d and 2 * n_values <= len(data):
        index = getattr(X, "index", None) if is_table(X) else None
        repeated = ""
        if index is not None and not getattr(index, "is_unique", True):
            repeated = ", whose index has ids that repeat"
        return (
            f"each row of {X_name}{repeated} is read as a sequence of {data.n_timesteps} steps of "
            f"one feature. If a row is one time step of a long table, {FROM_TABLE}, as does "
            "table.groupby(id) of pandas"
        )
    if not isinstance(X, list) and ids_of(X) is not None:
        return (
            f"{X_name} is a {type(X).__name__} of {len(data)} sequences: pass one entry for each, "
            f"in their order; {FROM_TABLE}, and has their labels beside them"
        )
    if n_values == data.n_steps:
        return (
            f"there are as many as {X_name} has time steps in all: pass one entry for each "
            "sequence. What belongs to time steps is a list with an array for each sequence, "
            f"np.split(y, np.cumsum([len(x) for x in {X_name}])[:-1]), which RNNTagger takes"
        )
    return ""


def _refuse_other_order(X: Any, values: Any, X_name: str, name: str) -> None:
    """Refuse values whose index names the sequences, but in another order than X has them."""
    ids = ids_of(X)
    if ids is None:
        _warn_of_other_order(X, values, X_name, name)
        return
    index = list(values.index)
    keys, own_keys = [*map(_key, index)], [*map(_key, ids)]
    if _are_turned(keys, own_keys):
        at = next(i for i, (a, b) in enumerate(zip(keys, own_keys, strict=True)) if a != b)
        own = isinstance(X, NamedSequences)
        whose = X_name if own else f"{X_name}, a {type(X).__name__},"
        in_order = (
            f"{name}.loc[list({X_name}.ids)]"
            if own
            else f"{name}.loc[ids] with the ids in the order of {X_name}"
        )
        raise ValueError(
            f"the index of {name} has the ids of {whose} in another order: entry {at} is of "
            f"{shown(index[at])}, sequence {at} is {shown(ids[at])}. Pass {in_order}, or "
            f"{name}.to_numpy() if it is in that order already and its index means something else"
        )


def _warn_of_sorted_groups(X: Any, values: Any, X_name: str, name: str) -> None:
    """Warn where a groupby of pandas has sorted its groups, and nothing says that values are."""
    numbers = X.ngroup().to_numpy()
    found, firsts = np.unique(numbers[numbers >= 0], return_index=True)
    if (np.diff(firsts) > 0).all():
        return  # in the order in which they first appear
    ids = ids_of(X) or []
    if hasattr(values, "iloc") and set(map(_key, values.index)) == set(map(_key, ids)):
        return
    first = ", ".join(map(shown, ids[:3])) + (", ..." if len(ids) > 3 else "")
    warn_caller(
        f"{X_name} is a {type(X).__name__} that has sorted its {len(found)} groups, {first}, "
        f"and {name} is taken by position in that order, "
        "which is not the one in which they first appear: pass a Series with the ids as its index, "
        f"such as table.groupby(id)[column].first(), which is compared; or group with sort=False "
        f"if {name} is in the order of the table",
    )


def _key(value: Any) -> Any:
    """An id as what is equal where it means the same: a date of pandas is not one of NumPy."""
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    if hasattr(value, "to_datetime64"):
        value = value.to_datetime64()
    return value.astype("M8[ns]") if isinstance(value, np.datetime64) else value


def _are_turned(index: list[Any], ids: list[Any]) -> bool:
    """Whether both hold the same, each once, in another order."""
    if index == ids or len(set(index)) < len(index):
        return False
    return set(index) == set(ids)


def _warn_of_other_order(X: Any, values: Any, X_name: str, name: str) -> None:
    """Warn where both are pandas' with a row for each sequence, and the same index in two orders.

    It is no error, because an index may be numbers without a meaning, and because scikit-learn
    goes by position in silence.
    """
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    if index is None or index is values.index or values.index.equals(index):
        return
    given, rows = values.index.tolist(), index.tolist()
    if _are_turned(given, rows):
        warn_caller(
            f"{X_name} and {name} have the same index in another order, and are taken by position: "
            f"row {shown(rows[0])} of {X_name} goes with entry {shown(given[0])} of {name}. Pass "
            f"{name}.loc[{X_name}.index] if the index says which belong together, or "
            f"{name}.to_numpy() if it does not",
        )
