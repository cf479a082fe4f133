"""What the columns of a model's training data were, in; the same as a file keeps it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWERS = ("label", "step_label", "target", "step_target")
"""Roles of columns that hold what is learned."""
KEPT = ("id", "time", "text", "categorical_features", "time_delta", "timestamps", *ANSWERS)
"""Options of `elman.data.read` that a model remembers, so that new data need not be described."""
TIMESTAMPS = ("order", "feature", "error")
"""What `elman.data.read` may do with the time stamps of a .ts file."""


def restored_columns(described: Any) -> dict[str, Any] | None:
    """The names of columns by role, and options, as a file has them; None if it has none.

    Raises
    ------
    TypeError, ValueError
        It is something else than names by role.
    """
    if described is None:
        return None
    if not isinstance(described, Mapping):
        raise TypeError(f"columns is {described!r:.60}; it must be an object")
    for role, names in described.items():
        if role not in KEPT:
            raise ValueError(f"columns has the unknown role {role!r:.60}")
        if role == "time_delta":
            if names is not True:
                raise TypeError(f"time_delta is {names!r:.60}; it must be true")
        elif role == "timestamps":
            if names not in TIMESTAMPS:
                raise ValueError(f"timestamps is {names!r:.60}; it is none of {TIMESTAMPS}")
        elif role == "text" and not isinstance(names, str):
            raise TypeError(f"the column text is {names!r:.60}; it must be a name")
        elif not isinstance(names, str) and not _is_list_of_names(names):
            raise TypeError(f"the column {role} is {names!r:.60}; it must be a name or names")
    if "time_delta" in described and "time" not in described:
        raise ValueError("columns has time_delta and no time")
    return dict(described)


def _is_list_of_names(names: Any) -> bool:
    return isinstance(names, list) and bool(names) and all(isinstance(n, str) for n in names)
