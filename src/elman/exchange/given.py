"""Lists that a caller gives beside a model from elsewhere: classes, names, tokens; checked, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import ExchangeError

Array = NDArray[Any]


def in_order(name: str, given: Any) -> list[Any]:
    """The entries of an argument whose order says which output, row or column each of them is.

    Parameters
    ----------
    name : str
        What errors call the argument.
    given : iterable

    Raises
    ------
    TypeError
        It is a single text, or a set or a mapping, whose order says nothing.
    """
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{name}={given!r:.80} is one text; it must be a list")
    if isinstance(given, (Set, Mapping)):
        raise TypeError(
            f"{name} is a {type(given).__name__}, whose order says nothing; pass a list in the "
            f"order of the network, of a mapping to numbers sorted({name}, key={name}.get)"
        )
    if not isinstance(given, Iterable):
        raise TypeError(f"{name}={given!r:.80}; it must be a list")
    return [*given]


def labels_of(classes: Any) -> Array:
    """The labels of classes in the order given, each with the type and the value that it has.

    Raises
    ------
    TypeError
        It is no list.
    ExchangeError
        The labels are of several types, or of another one than texts, numbers and bools.
    """
    given = classes if isinstance(classes, np.ndarray) else in_order("classes", classes)
    try:
        large = not isinstance(given, np.ndarray) and _needs_uint64(given)
        labels = np.asarray(given, np.uint64 if large else None)
    except (ValueError, OverflowError) as error:
        raise ExchangeError(f"classes={given!r:.200}: {error}") from error
    if labels.ndim == 1 and labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ExchangeError(f"classes={labels.tolist()!r:.200} holds what is no label")
    if labels.ndim != 1 or labels.dtype.kind not in "biufUO" or _are_mixed(given, labels):
        raise ExchangeError(
            f"classes={given!r:.200}; it must be a list of labels of one type: texts, numbers or "
            "bools"
        )
    return labels


def _needs_uint64(given: list[Any]) -> bool:
    """Whether labels are whole numbers that int64 does not hold, and np.asarray would round."""
    whole = all(isinstance(each, (int, np.integer)) for each in given)
    return whole and len(given) > 0 and max(given) >= 2**63 and min(given) >= 0


def _are_mixed(given: Any, labels: Array) -> bool:
    """Whether np.asarray made labels another thing than they were: texts of numbers, say."""
    if labels.dtype.kind == "O":
        return False
    kinds: dict[str, Any] = {"b": (bool, np.bool_), "U": str}
    if labels.dtype.kind in kinds:
        return not all(isinstance(each, kinds[labels.dtype.kind]) for each in given)
    if any(isinstance(each, (bool, np.bool_)) for each in given):
        return True
    return bool(labels.tolist() != np.asarray(given, object).tolist())
