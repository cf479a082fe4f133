"""Answers and the ids of their sequences in; a table of both, in any library, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import Dataset
from elman.data.tables.frames import TABLES
from elman.data.tables.plain import object_array
from elman.data.tables.roles import names_of

Array = NDArray[Any]


def to_table(
    answers: Any,
    ids: Any,
    *,
    name: Any = "prediction",
    like: Any = None,
    id: Any = None,
    over_time: bool | None = None,
) -> Any:
    """Answers as a table: predictions or probabilities with the ids of their sequences.

    Parameters
    ----------
    answers : array-like
        One of

        - (n_sequences,): a label or number for each, as `predict` gives them;
        - (n_sequences, k): a column for each of k classes, labels or targets, as `predict_proba`
          gives them;
        - a list of (n_timesteps_i,) or (n_timesteps_i, k) arrays, or an array of
          (n_sequences, n_timesteps, k): an answer at each time step.
    ids : Dataset or array-like of shape (n_sequences,)
        What `from_table` gave, which knows the ids, their names, the times and the library of the
        table; or the ids alone, tuples if several columns make one.
    name : str or sequence of k names
        What the column of answers is called, or those of the k columns: `clf.classes_` for
        probabilities. One name for k columns is numbered: "prediction_0".
    like : data frame, dict, or name of a library; optional
        The result is of its library: "pandas", "polars", "pyarrow", or whatever narwhals can make.
        By default that of the table which `ids` came from, and a dict of columns if `ids` knows
        none.
    id : str or list of str, optional
        What the columns of ids are called; by default as in the table they came from, or "id".
    over_time : bool, optional
        Whether there is an answer at each time step. By default so for a list of arrays and for a
        3-D array; a tagger's 2-D array (n_sequences, n_timesteps) needs `over_time=True`.

    Returns
    -------
    data frame or dict
        A row for each sequence: its id and its answer. Or, with answers over time, a row for each
        step: the id; the time, if `ids` knows it, else "step", from 0; and the answer.

    Raises
    ------
    ValueError
        Answers and ids, or their steps, are not equally many; or two columns have one name.
    TypeError
        `like` is no table and no library.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import to_table
    >>> to_table(np.array(["up", "down"]), ["a", "b"], name="trend", id="run")
    {'run': array(['a', 'b'], dtype=object), 'trend': array(['up', 'down'], dtype=object)}
    """
    data = ids if isinstance(ids, Dataset) else None
    known = ids if data is None else data.ids
    parts = _over_time(answers, over_time)
    n = len(answers) if parts is None else len(parts)
    columns = _id_columns(known, n, _id_names(id, data))
    if parts is not None:
        if data is not None:
            _check_steps(parts, data)
        lengths = [len(part) for part in parts]
        columns = [(key, np.repeat(values, lengths)) for key, values in columns]
        columns.append(_time_column(data, lengths))
        values = np.concatenate(parts) if parts else np.zeros(0)
    else:
        values = _plain(answers)
    columns += _answer_columns(values, name)
    table: dict[str, Array] = {}
    for key, column in columns:
        if key in table:
            raise ValueError(
                f"two columns of the table would be called {key!r}: choose another name= or id="
            )
        table[key] = column
    if like is None and data is not None:
        like = data.metadata.get("library")
    return _in_library(table, like)


def _over_time(answers: Any, over_time: bool | None) -> list[Array] | None:
    """The answers of each sequence, if there is one at each of its steps."""
    if over_time is None:
        first: Any = answers[0] if len(answers) else 0
        listed = isinstance(answers, (list, tuple)) or np.asarray(answers).dtype == object
        over_time = np.ndim(answers) == 3 if not listed else np.ndim(first) > 0
    if not over_time:
        return None
    parts = [_plain(part) for part in answers]
    for i, part in enumerate(parts):
        if part.ndim not in (1, 2) or part.shape[1:] != parts[0].shape[1:]:
            raise ValueError(
                f"answers[{i}] has shape {part.shape} and answers[0] has {parts[0].shape}; "
                "expected (n_timesteps_i,) or (n_timesteps_i, k) for each sequence"
            )
    return parts


def _plain(values: Any) -> Array:
    """Answers as an array; text as objects, so that one long label does not widen all."""
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind in "US" else array


def _check_steps(parts: Sequence[Array], data: Dataset) -> None:
    if len(parts) != len(data.X):
        return  # the error about ids says it
    for i, (part, x) in enumerate(zip(parts, data.X, strict=True)):
        if len(part) != len(x):
            raise ValueError(
                f"answers[{i}] has {len(part)} step(s), but the sequence has {len(x)}: pass "
                "answers to the sequences of ids="
            )


def _id_names(id: Any, data: Dataset | None) -> list[str]:
    if id is not None:
        return [str(name) for name in names_of(id)]
    return list(data.metadata.get("id", ())) if data is not None else []


def _id_columns(ids: Any, n: int, names: list[str]) -> list[tuple[str, Array]]:
    """The ids as columns: one, or one for each value of the tuples that ids are."""
    if ids is None:
        return [(names[0] if names else "sequence", np.arange(n))]
    array = ids if isinstance(ids, np.ndarray) else object_array(list(ids))
    if len(array) != n:
        raise ValueError(f"there are {n} answers and {len(array)} ids: pass one id for each answer")
    columns = [array]
    if n and isinstance(array[0], tuple):
        columns = [_typed([one[k] for one in array]) for k in range(len(array[0]))]
    elif array.dtype == object:
        columns = [_typed(array.tolist())]
    if not names:
        names = ["id"] if len(columns) == 1 else [f"id_{k}" for k in range(len(columns))]
    if len(names) != len(columns):
        raise ValueError(f"id= has {len(names)} name(s), but the ids have {len(columns)} column(s)")
    return list(zip(names, columns, strict=True))


def _typed(values: list[Any]) -> Array:
    """Objects as an array of their type, if it is one; text remains objects."""
    array = object_array(values)
    if len({type(value) for value in values}) == 1 and not isinstance(values[0], str):
        found = np.array(values)
        return found if found.ndim == 1 and found.dtype.kind in "biufM" else array
    return array


def _time_column(data: Dataset | None, lengths: list[int]) -> tuple[str, Array]:
    times = None if data is None else data.metadata.get("times")
    if data is not None and times is not None:
        return data.metadata["time"], np.concatenate(times)
    steps = [np.arange(length) for length in lengths]
    return "step", np.concatenate(steps) if steps else np.zeros(0, np.int64)


def _answer_columns(values: Array, name: Any) -> list[tuple[str, Array]]:
    several = not isinstance(name, str)
    if values.ndim == 1:
        names = [str(one) for one in name] if several else [name]
        if len(names) != 1:
            raise ValueError(f"name= has {len(names)} names for one column of answers")
        return [(names[0], values)]
    if values.ndim != 2:
        raise ValueError(f"answers have shape {values.shape}; expected (n_sequences,) or with k")
    k = values.shape[1]
    names = [str(one) for one in name] if several else [f"{name}_{j}" for j in range(k)]
    if len(names) != k:
        raise ValueError(f"name= has {len(names)} names, but the answers have {k} columns")
    return [(one, np.ascontiguousarray(values[:, j])) for j, one in enumerate(names)]


def _in_library(table: dict[str, Array], like: Any) -> Any:
    """The columns as a data frame of the library of `like`; as they are for a dict, or for None."""
    if like is None or isinstance(like, dict):
        return table
    import narwhals.stable.v2 as nw

    try:
        library: Any = like if isinstance(like, str) else nw.from_native(like).implementation
        values = {key: c.tolist() if c.dtype == object else c for key, c in table.items()}
        return nw.from_dict(values, backend=library).to_native()
    except (TypeError, ValueError) as error:
        shown = repr(like) if isinstance(like, str) else f"a {type(like).__name__}"
        raise TypeError(
            f"like={shown} cannot be made ({error}); expected {TABLES}, or the name of a library"
        ) from error
