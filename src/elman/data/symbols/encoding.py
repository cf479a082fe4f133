"""X with symbols in; `Sequences` of category numbers, as a network takes them, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from elman.data.sequences import Sequences
from elman.data.symbols.symbols import Symbols
from elman.data.validation import check_sequences


def encoded_sequences(
    X: Any,
    symbols: Symbols,
    *,
    name: str = "X",
    dtype: DTypeLike | None = None,
    estimator: str = "the model",
    ensure_min_timesteps: int = 0,
    look_at_values: bool = True,
) -> Sequences:
    """Sequences of an X with symbols: numbers of categories first, then its numbers.

    Parameters
    ----------
    X : array-like
        In the form that `symbols` were learned from.
    symbols : Symbols
        Also says what becomes of what is missing.
    name, dtype, estimator, ensure_min_timesteps, look_at_values
        As `elman.data.check_sequences` takes them. Numbers of categories are exact in float32.

    Raises
    ------
    TypeError, ValueError
        X cannot be used; names the sample and the step.
    """
    block, lengths = symbols.encode_block(X, name, estimator)
    if symbols.numeric or not len(lengths) or lengths.max() < ensure_min_timesteps:
        ends = np.cumsum(lengths)
        samples = [
            block[end - n : end] for end, n in zip(ends.tolist(), lengths.tolist(), strict=True)
        ]
        found = check_sequences(
            samples,
            name=name,
            dtype=dtype,
            ensure_min_timesteps=ensure_min_timesteps,
            look_at_values=look_at_values,
            missing=symbols.missing,
        )
    else:
        wanted = block.dtype if dtype is None else np.dtype(dtype)
        found = Sequences(np.ascontiguousarray(block, wanted), lengths)
        found.missing = symbols.missing
    found.feature_names = symbols.encoded_names
    return found
