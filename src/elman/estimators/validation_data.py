"""Validation data, passed in by either name or held out of X; as a scorer takes it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from elman.data.sequences import Sequences
from elman.data.store.stored import Stored, with_stored


def one_validation(X_val: Any, y_val: Any, validation_data: Any) -> tuple[Any, Any]:
    """X_val and y_val, whichever way the user passed them."""
    if validation_data is None:
        return X_val, with_stored(X_val, y_val, None)[0]
    if X_val is not None or y_val is not None:
        raise ValueError("validation_data is X_val and y_val by another name: pass one of the two")
    if isinstance(validation_data, Stored):
        return validation_data, validation_data.y
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        size = f" of {len(validation_data)}" if hasattr(validation_data, "__len__") else ""
        raise ValueError(
            f"validation_data is a {type(validation_data).__name__}{size}; it must be a pair "
            "(X_val, y_val)"
        )
    X_val, y_val = validation_data
    return X_val, with_stored(X_val, y_val, None)[0]


def rows_held_out(
    rows: NDArray[np.intp], data: Sequences, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, Any, Any]:
    """The samples at `rows`, as they were passed if rows can be taken of that."""
    if _has_rows(X):
        held = _safe_indexing(X, rows)
    else:  # a list, or an array, of what it was converted to
        held = [data[i] for i in rows.tolist()]
        held = np.stack(held)[:, :, 0] if data.two_d else held
    rest = (
        values if values is None else _safe_indexing(_with_rows(values), rows)
        for values in (y, sample_weight)
    )
    return (held, *rest)


def _with_rows(values: Any) -> Any:
    """Targets or weights in a container of which rows can be taken."""
    if hasattr(values, "toarray"):  # sparse, of which not every format can be indexed
        return values.tocsr()
    return values if _has_rows(values) else np.asarray(values)


def _has_rows(values: Any) -> bool:
    """Whether scikit-learn can take rows of it."""
    return isinstance(values, (list, tuple, np.ndarray, Stored)) or (
        type(values).__module__.split(".")[0] in ("pandas", "polars", "pyarrow")
        and hasattr(values, "__getitem__")
        and not hasattr(values, "ngroups")
    )
