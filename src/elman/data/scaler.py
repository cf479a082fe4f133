"""What a `SequenceScaler` learned, without scikit-learn: X in; X standardised, as it came, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.containers import is_one_array
from elman.data.names import Names
from elman.data.scaling import scaled, standardise
from elman.data.sequences import Sequences, is_small
from elman.data.store.stored import Stored
from elman.data.validation import check_sequences

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaler:
    """Mean and deviation of each feature, and what X they were learned from."""

    mean: NDArray[np.float64]
    """(n_features,), subtracted"""
    scale: NDArray[np.float64]
    """(n_features,), divided by"""
    n_features_in: int
    """`X.shape[-1]`: for a 2-D X the number of its columns"""
    two_d: bool
    """whether X was 2-D: one feature over time, a column for each step"""
    feature_names: Names | None
    """names of the columns of X, where they had any"""
    allow_nan: bool
    """whether NaN is a missing value, which stays one; else it is an error"""

    def check(self, X: Any, name: str = "X", estimator: str = "SequenceScaler") -> Sequences:
        """Sequences of X, with float32 kept; an error if X is not what was learned from."""
        return check_sequences(
            X,
            name=name,
            dtype=None,
            n_features=self.n_features_in,
            two_d=self.two_d,
            feature_names=self.feature_names,
            estimator=estimator,
            ensure_min_timesteps=0,
            missing="keep" if self.allow_nan else "error",
            how_to_allow="allow_nan=True",
        )

    def transform(self, X: Any, name: str = "X", estimator: str = "SequenceScaler") -> Any:
        """(x - mean) / scale, computed in float64: a copy of X in its layout.

        Raises
        ------
        TypeError, ValueError
            X cannot be used, or is not what the scaler was fitted on; or it is a store of which
            there is no room for a copy.
        """
        refuse_large(X)
        data = self.check(X, name, estimator)
        return in_layout_of(X, scaled(data, self.mean, self.scale, data.dtype))

    def step(self, x: Array) -> Array:
        """A time step of each of n sequences, (n, n_features) of float32 or float64, standardised.

        To the bits of `transform`; what does not fit in the dtype becomes infinite.
        """
        out = np.empty_like(x)
        standardise(x, self.mean, self.scale, out)
        return out


def refuse_large(X: Any) -> None:
    """Refuse to make a copy in memory of what is on a disk because it does not fit there."""
    if isinstance(X, Stored) and not is_small(X.n_steps * X.n_features):
        raise ValueError(
            f"X is a store of {X.n_steps * X.n_features:,} values, of which transform would make a "
            "copy in memory: leave the scaler out, and train with standardize=True, which scales "
            "each batch as it is read, to the same numbers"
        )


def in_layout_of(X: Any, data: Sequences) -> Any:
    """Sequences in the layout that X has: 2-D, 3-D or a list."""
    if data.two_d:
        return data.values.reshape(len(data), -1)
    if is_one_array(X):
        return data.values.reshape(len(data), data.n_timesteps or 0, data.n_features)
    return list(data)
