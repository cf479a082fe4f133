"""Whatever container a user keeps sequences in; a list or an array that validation takes, out.

What can be taken without a choice is taken: groups of a data frame, frames of whole sequences,
tensors, buffers. Everything else is an error that names the call which converts it. No library is
imported for that: each kind is known by the attributes it has.
"""

from __future__ import annotations

import array
import collections
import numbers
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import Dataset
from elman.data.dims import (
    feature_labels,
    from_data_array,
    is_data_array,
    is_data_set,
    refuse_data_set,
)
from elman.data.frames import type_of_categories
from elman.data.named import NamedSequences
from elman.data.names import shared_names
from elman.data.nested import holds_sequences, instance_ids, is_pandas, split_frame
from elman.data.store.stored import Stored
from elman.targets.checks import listed, shown

PLAIN = frozenset({np.ndarray, list, tuple, int, float, bool, np.float32, np.float64, np.int64})
"""What a list may hold and needs no look here."""

ELSEWHERE = frozenset({"cuda", "mps", "xpu", "hip", "xla", "hpu", "npu", "gpu", "tpu", "meta"})
"""Devices whose memory NumPy cannot read."""


def unpacked(X: Any, name: str, *, two_d: bool | None = None) -> Any:
    """X as an array, or as a list of arrays and data frames; what is one already is given back.

    Parameters
    ----------
    X : object
        Besides arrays, lists and tables one of

        - a pandas `DataFrameGroupBy` or `SeriesGroupBy`, or a polars `GroupBy` that keeps the order
          of its groups: a sequence for each group, in their order, without the grouping columns;
        - a pandas frame with an index (instance, time): a sequence for each instance;
        - a pandas frame whose cells are sequences: a sequence for each row;
        - an xarray `DataArray` whose axes are in order; texts that are the coordinates of its
          features are their names;
        - a tensor, or whatever else has `__array__`, `__array_interface__`, `__dlpack__` or a
          buffer; also within a list;
        - any other `collections.abc.Sequence`: the list of its elements.
    name : str
        What errors call X.
    two_d : bool, optional
        Whether the estimator was fitted on a 2-D X, if it was fitted: a frame is then 2-D as well.

    Returns
    -------
    object
        X itself if there is nothing to do; text, None and the like, too, for which validation has
        the error.

    Raises
    ------
    TypeError, ValueError
        X needs a call that converts it, which the error names, or it holds something amiss.
    """
    kind = type(X)
    if kind is np.ndarray:
        if X.dtype.hasobject and X.ndim == 1:
            return _unpacked_list(X.tolist(), name) or X
        return X
    if kind is list or kind is tuple:
        return _unpacked_list(X, name) or X
    if isinstance(X, Stored):
        return X
    if X is None or isinstance(X, (str, bytes, set, frozenset, numbers.Number, np.ndarray)):
        return X
    if hasattr(X, "batch_sizes") and hasattr(X, "unsorted_indices"):
        raise TypeError(
            f"{name} is a {kind.__name__}: pass torch.nn.utils.rnn.unpack_sequence({name})"
        )
    if isinstance(X, (list, tuple)):
        return _unpacked_list(X, name) or X
    if is_grouped(X):
        return _groups(X, name)
    if is_pandas(X) and holds_sequences(X, two_d):
        return split_frame(X, name, two_d)
    if is_table(X):
        _refuse_lists_in_cells(X, name)
        return X
    if is_pandas(X):
        return X
    found = _plain(X, name)
    labels = feature_labels(X) if is_data_array(X) else None
    if labels is not None:
        return NamedSequences(list(found), labels)
    return found if type(found) is not list else _unpacked_list(found, name) or found


def is_one_array(X: Any) -> bool:
    """Whether a user passed X as one array or table, not as separate sequences."""
    if isinstance(X, np.ndarray):
        return X.ndim in (2, 3)
    if isinstance(X, Stored):
        return X.two_d
    if isinstance(X, (list, tuple)) or is_grouped(X):
        return False
    if is_pandas(X) and holds_sequences(X, None):
        return False
    if is_table(X):
        return True
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) in (2, 3)
    if not _is_array_like(X):
        return False
    return np.ndim(_read(X, "X")) in (2, 3)


def as_given(X: Any, answers: list[NDArray[Any]]) -> Any:
    """Answers over time as X is: an array for an array, of objects for objects, or a list."""
    if is_one_array(X):
        return np.stack(answers)
    if not isinstance(X, np.ndarray):
        return answers
    objects = np.empty(len(answers), dtype=object)
    for i, answer in enumerate(answers):
        objects[i] = answer
    return objects


def ids_of(X: Any) -> list[Any] | None:
    """The ids by which a container names its sequences, in their order; None if it names none."""
    if isinstance(X, NamedSequences):
        return None if X.ids is None else list(X.ids)
    if isinstance(X, (np.ndarray, list, tuple)):
        return None
    if hasattr(X, "ngroups"):
        keys = [key for key, _ in X]
        return [key[0] if isinstance(key, tuple) and len(key) == 1 else key for key in keys]
    if is_pandas(X) and holds_sequences(X, None):
        return list(instance_ids(X))
    return None


# Groups


def is_grouped(X: Any) -> bool:
    """Whether X is what a data frame's groupby gives."""
    return hasattr(X, "ngroups") or (hasattr(X, "maintain_order") and hasattr(X, "agg"))


def _groups(X: Any, name: str) -> list[Any]:
    """A frame for each group of a pandas or polars groupby, without the grouping columns."""
    if hasattr(X, "maintain_order"):
        return _groups_of_polars(X, name)
    if int(getattr(X, "axis", 0)) == 1:
        raise TypeError(f"{name} groups columns: pass a groupby of rows, one group a sequence")
    keys: frozenset[Any] = getattr(X, "exclusions", frozenset())
    columns = getattr(X.obj, "columns", None)
    n_rows = len(X.obj)
    if columns is not None and columns.is_unique and any(column in keys for column in columns):
        with suppress(IndexError):  # columns were selected already: dropped one group at a time
            X = X[[column for column in columns if column not in keys]]
    groups = [group for _, group in X]
    if groups and groups[0].ndim == 1:
        groups = [group.to_frame() for group in groups]
    n_grouped = sum(map(len, groups))
    if n_grouped < n_rows:
        raise ValueError(
            f"{name} is a {type(X).__name__} that leaves out {n_rows - n_grouped} of {n_rows} "
            "rows, because their grouping column is missing: correct or drop them before groupby"
        )
    if groups and any(column in keys for column in groups[0].columns):
        kept = [i for i, column in enumerate(groups[0].columns) if column not in keys]
        groups = [group.iloc[:, kept] for group in groups]
    return groups


def _groups_of_polars(X: Any, name: str) -> list[Any]:
    if not X.maintain_order:
        raise ValueError(
            f"{name} is a polars {type(X).__name__}, whose groups come in another order each time: "
            "pass group_by(..., maintain_order=True), or use elman.data.from_table"
        )
    keys = keys_of_polars(X)
    groups = [group for _, group in X]
    return [group.select([c for c in group.columns if c not in keys]) for group in groups]


def keys_of_polars(X: Any) -> set[str]:
    """The columns that a polars `GroupBy` groups by."""
    keys: set[str] = set()
    by = list(X.by)
    while by:
        key = by.pop()
        if isinstance(key, str):
            keys.add(key)
        elif isinstance(key, (list, tuple)):
            by.extend(key)
        else:
            keys.update(key.meta.root_names())
    return keys


# Tables


def is_table(X: Any) -> bool:
    """Whether X is a data frame of any library; its class is asked, for an answer may be work."""
    return hasattr(type(X), "columns")


def _refuse_lists_in_cells(X: Any, name: str) -> None:
    """Refuse a table of polars or pyarrow with a list in each cell."""
    if is_pandas(X) or not hasattr(X, "__array__"):
        return
    columns = X.schema if hasattr(X, "schema") else {}
    kinds = columns.types if hasattr(columns, "types") else getattr(columns, "values", list)()
    if any(_is_list_type(kind) for kind in kinds):
        raise TypeError(
            f"{name} is a {type(X).__module__.partition('.')[0]} {type(X).__name__} with a list in "
            "each cell: elman.data.from_table makes sequences of it, one of each row"
        )


def _is_list_type(kind: Any) -> bool:
    """Whether a type of polars, pyarrow or narwhals is that of lists."""
    return type(kind).__name__ in (
        "List",
        "Array",
        "ListType",
        "LargeListType",
        "FixedSizeListType",
        "ListViewType",
        "LargeListViewType",
    )


# Lists


def _unpacked_list(X: Sequence[Any], name: str) -> list[Any] | None:
    """A list whose samples were read; None if none of them needs it."""
    kinds = set(map(type, X))
    if tuple in kinds and isinstance(X[0], tuple) and len(X[0]) == 2 and is_table(X[0][1]):
        raise TypeError(
            f"{name} is a list of (id, {type(X[0][1]).__name__}) pairs: pass the groupby itself, "
            f"or [group[columns] for _, group in {name}]"
        )
    known = {kind for kind in kinds if kind in PLAIN or hasattr(kind, "columns")}
    if kinds == known:
        return None
    out = [x if type(x) in known else _sample(x, f"{name}: sample {i}") for i, x in enumerate(X)]
    if any(map(is_data_array, X)):
        labels = [feature_labels(x, sample=True) if is_data_array(x) else None for x in X]
        names = shared_names(labels, name)
        return out if names is None else NamedSequences(out, names)
    return out if any(a is not b for a, b in zip(out, X, strict=True)) else None


def _sample(x: Any, place: str) -> Any:
    """One sample of a list; what validation takes, or has an error for, as it is."""
    if x is None or isinstance(x, (str, bytes, Mapping, list, tuple, numbers.Number, np.ndarray)):
        if is_data_set(x):
            refuse_data_set(x, place)
        return x
    if isinstance(x, np.generic) or is_pandas(x) or is_table(x) or is_grouped(x):
        return x
    return _plain(x, place, sample=True)


# Arrays


def _keys(X: Mapping[Any, Any]) -> str:
    return f" with the keys {listed(X)}" if len(X) else ""


def _plain(X: Any, place: str, *, sample: bool = False) -> Any:
    """An ndarray of what is an array elsewhere, a list of what is a sequence; else X itself."""
    kind = type(X).__name__
    call = place if place.isidentifier() else "x"
    if is_data_set(X):
        refuse_data_set(X, place)
    if isinstance(X, Mapping):
        raise TypeError(
            f"{place} is a {kind}{_keys(X)}: pass list({call}.values()) if it holds a sequence "
            "under each key, and y in the order of the keys; if it holds the columns of a table, "
            "make a data frame of it and pass that to elman.data.from_table"
        )
    if isinstance(X, Dataset):
        raise TypeError(f"{place} is a Dataset: pass its sequences, {call}.X")
    if hasattr(X, "__next__"):
        raise TypeError(f"{place} is an iterator: pass list({call})")
    if hasattr(X, "nnz"):
        return X
    if is_data_array(X):
        return from_data_array(X, place, sample=sample)
    tensorflow, awkward = hasattr(X, "nested_row_splits"), hasattr(X, "fields")
    lists_of_polars = _is_list_type(getattr(getattr(X, "dtype", None), "inner", None))
    if hasattr(X, "to_list") and (tensorflow or awkward or lists_of_polars):
        raise TypeError(f"{place} is a {kind} of lists: pass {call}.to_list()")
    if hasattr(X, "to_pylist") and "list" in str(getattr(X, "type", "")):
        raise TypeError(f"{place} is a {kind} of {X.type}: pass {call}.to_pylist()")
    if (hasattr(X, "aggregate") or hasattr(X, "agg")) and not hasattr(X, "__iter__"):
        raise TypeError(
            f"{place} is a {kind}, whose groups cannot be read: use elman.data.from_table"
        )
    if type_of_categories(X) is not None:
        return X  # as an array it would not say so any more
    if _is_array_like(X):
        _refuse_tensor(X, place, kind, call)
        return _read(X, place)
    if isinstance(X, bytearray):
        raise TypeError(f"{place} is {shown(X)}, a {kind}: pass numbers")
    if isinstance(X, Sequence) or (hasattr(X, "__getitem__") and hasattr(X, "__len__")):
        return list(X)
    if isinstance(X, collections.deque):
        return list(X)
    if isinstance(X, Iterable):
        raise TypeError(f"{place} is {shown(X)}, a {kind}: pass list({call})")
    return X


def _is_array_like(X: Any) -> bool:
    if isinstance(X, (memoryview, array.array)):
        return True
    return any(
        hasattr(X, protocol)
        for protocol in (
            "__array__",
            "__array_interface__",
            "__array_struct__",
            "__dlpack__",
            "__cuda_array_interface__",
        )
    )


def _refuse_tensor(X: Any, place: str, kind: str, call: str) -> None:
    """Refuse a tensor whose values NumPy cannot read where, or as, they are."""
    if getattr(X, "is_nested", False) is True:
        raise TypeError(f"{place} is a nested {kind}: pass list({call}.unbind())")
    if getattr(X, "is_sparse", False) is True:
        raise TypeError(f"{place} is a sparse {kind}: pass {call}.to_dense()")
    if str(getattr(X, "dtype", "")) == "torch.bfloat16":
        raise TypeError(f"{place} is a {kind} of bfloat16, which NumPy lacks: pass {call}.float()")
    tracked = getattr(X, "requires_grad", False) is True
    device = getattr(X, "device", None)
    device = str(getattr(device, "type", device)).partition(":")[0].lower()
    if device in ELSEWHERE and hasattr(X, "get") and not hasattr(X, "cpu"):
        raise TypeError(f"{place} is a {kind} on a {device} device: pass {call}.get()")
    if tracked or device in ELSEWHERE:
        seen = ["with requires_grad"] * tracked + [f"on a {device} device"] * (device in ELSEWHERE)
        fix = ".detach()" * tracked + ".cpu()" * (device in ELSEWHERE)
        raise TypeError(f"{place} is a {kind} {' '.join(seen)}: pass {call}{fix}")


def _read(X: Any, place: str) -> Any:
    """What has a protocol for arrays as an ndarray, of the same memory where that is possible."""
    by_dlpack = not (
        hasattr(X, "__array__")
        or hasattr(X, "__array_interface__")
        or hasattr(X, "__array_struct__")
    ) and not isinstance(X, (memoryview, array.array))
    try:
        return np.from_dlpack(X) if by_dlpack else np.asarray(X)
    except Exception as error:  # of another library, whatever it is
        raise TypeError(
            f"{place} is a {type(X).__name__} that NumPy cannot read as an array ({error}): "
            "convert it to an array of numbers in the memory of the CPU"
        ) from error
