"""Checks that every kind of target shares: something is there, finite, and of the right number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def refuse_not_finite(array: Array, name: str) -> None:
    """Raise ValueError if an array of numbers or objects holds NaN or infinity; names the place."""
    if array.dtype.kind not in "fcO":
        return
    # what differs from itself is NaN, in an array of objects too
    bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.asarray(array != array)
    if not bad.any():
        return
    # in its words, which its checks look for; here, because importing it takes a second
    from sklearn.utils.validation import assert_all_finite

    try:
        assert_all_finite(array, input_name=name)
    except ValueError as error:
        place = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{error}\nThe first is {name}{place}: leave it out") from error


def refuse_none(y: Any, name: str, estimator: str, wanted: str) -> None:
    """Raise ValueError, as scikit-learn's checks want it, where there are no targets."""
    if y is None:
        raise ValueError(
            f"{estimator} requires {name} to be passed, but the target {name} is None: pass "
            f"{wanted}"
        )


def check_length(found: int, n_samples: int, name: str, what: str) -> None:
    """Raise ValueError unless there is one target for each sample."""
    if found != n_samples:
        raise ValueError(
            f"{name} has {found} {what}(s), but {name.replace('y', 'X')} has {n_samples} "
            f"sample(s): pass one {what} for each sample"
        )
