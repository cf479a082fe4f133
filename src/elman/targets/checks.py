"""Checks that every kind of target shares: something is there, finite, and of the right number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.missing import Plain

Array = NDArray[Any]

MOST_LABELS = 20
"""How many labels an error lists."""
MOST_CHARACTERS = 60
"""How long a value is that an error shows."""
LONGEST_LIST = 600
"""How many characters of labels an error lists: it may have two lists, and stays below 2,000."""


def shown(value: Any) -> str:
    """A value in an error: its `repr`, cut to `MOST_CHARACTERS`."""
    if isinstance(value, (str, bytes)):  # of megabytes, perhaps
        value = value[: MOST_CHARACTERS + 1]
    if isinstance(value, np.generic) and value.dtype.kind not in "mM":
        value = value.item()
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def visible(text: object) -> str:
    r"""A text on one line, in which whatever cannot be seen is spelled out.

    An escape code, a line's end or a change of the direction of writing becomes its code, such as
    `\x1b`; every other character stays.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def listed(labels: Iterable[Any]) -> str:
    """Labels in an error, in brackets: the first ones, each cut, and how many there are in all."""
    labels = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    texts: list[str] = []
    for label in labels[:MOST_LABELS]:
        texts.append(shown(label))
        if sum(map(len, texts)) > LONGEST_LIST:
            break
    if len(labels) > len(texts):
        texts.append(f"... ({len(labels)} in all)")
    return f"[{', '.join(texts)}]"


def place_in(name: str, index: tuple[int, ...]) -> str:
    """How an error writes a place: y[3], or y[3, 1] of more dimensions than one."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def refuse_missing(found: Plain, name: str, why: str, fix: str) -> None:
    """Raise ValueError with the place of the first missing value, if there is one.

    Parameters
    ----------
    found : Plain
    name : str
        What the error calls the container.
    why, fix : str
        Why none may be missing, and what to do.
    """
    n_missing = int(np.count_nonzero(found.missing))
    if n_missing:
        missing = found.missing[..., 0] if found.missing.shape[1:] == (1,) else found.missing
        first = tuple(np.argwhere(missing)[0].tolist())
        more = f", the first of {n_missing} that are" if n_missing > 1 else ""
        # scikit-learn's words for numbers, which people and programs know
        known = f"Input {name} contains NaN.\n" if found.values.dtype.kind in "fc" else ""
        raise ValueError(f"{known}{place_in(name, first)} is missing{more}: {why}; {fix}")


def refuse_not_finite(array: Array, name: str) -> None:
    """Raise ValueError if an array of numbers holds NaN or infinity; names the place."""
    if array.dtype.kind not in "fc":
        return
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    # Its own message, which its estimator checks look for. To import it takes a second.
    from sklearn.utils.validation import assert_all_finite

    try:
        assert_all_finite(array, input_name=name)
    except ValueError as error:
        place = place_in(name, tuple(np.argwhere(bad)[0].tolist()))
        raise ValueError(f"{error}\nThe first is {place}: leave it out") from error


def refuse_none(y: Any, name: str, estimator: str, wanted: str) -> None:
    """Raise an error, ValueError as scikit-learn's checks want it, where there are no targets."""
    if y is None:
        raise ValueError(
            f"{estimator} requires {name} to be passed, but the target {name} is None: pass "
            f"{wanted}"
        )
    if isinstance(y, Mapping) and not hasattr(y, "toarray"):  # scipy's dok_matrix is a dict
        raise TypeError(
            f"{name} is a {type(y).__name__}, which has an order of its own: pass {wanted}, in the "
            f"order of X, such as [{name}[key] for key in keys]"
        )


def check_length(found: int, n_samples: int, name: str, what: str) -> None:
    """Raise ValueError unless there is one target for each sample."""
    if found != n_samples:
        raise ValueError(
            f"{name} has {found} {what}(s), but {'X_val' if name == 'y_val' else 'X'} has "
            f"{n_samples} sample(s): pass one {what} for each sample"
        )
