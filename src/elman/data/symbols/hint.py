"""X in; a hint out if its values are probably taken for something that they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.data.symbols.symbols import Symbols

MOST_VALUES = 100_000
"""values that are looked at"""
FEWEST_VALUES = 50
FEWEST_TEXTS = 10
FEWEST_UNKNOWN = 20
SHARE_OF_DISTINCT = 0.25
"""the most distinct values, as a share of those looked at"""
DENSITY = 0.5
"""the least share of the whole numbers from the least to the greatest that occur"""
ROUGHNESS = 0.75
"""how large differences from step to step are at least, compared with those of values taken at
random: signals that were sampled as integers are smoother"""


def hint_of_token_ids(data: Any) -> str | None:
    """What to warn of if X, as a user passes it, looks like the numbers of tokens.

    Parameters
    ----------
    data : object
        X of one column: an array (n_samples, n_timesteps) or (n_samples, n_timesteps, 1), or a
        list of arrays or lists. Only integer types are looked at, and no more than 100,000 values.

    Returns
    -------
    str or None
        A text for a UserWarning; None for everything else: other types, values below 0, fewer than
        three distinct values, many distinct ones, gaps between them, or a smooth course in time.
    """
    parts = _integers(data)
    if not parts:
        return None
    values = np.concatenate(parts)
    if len(values) < FEWEST_VALUES or values.min() < 0:
        return None
    found = np.unique(values)
    n, low, high = len(found), int(found[0]), int(found[-1])
    if n < 3 or n > SHARE_OF_DISTINCT * len(values) or n < DENSITY * (high - low + 1):
        return None
    inside = [np.abs(np.diff(part)) for part in parts if len(part) > 1]
    steps = np.concatenate(inside) if inside else np.empty(0)
    if not len(steps):
        return None
    ordered = np.sort(values).astype(np.float64)  # the mean difference of two values at random
    rank = 2 * np.arange(1, len(ordered) + 1) - len(ordered) - 1
    at_random = 2 * float((rank * ordered).sum()) / len(ordered) ** 2
    if float(steps.mean()) < ROUGHNESS * at_random:
        return None
    return (
        f"X has one column of integers, {n} distinct values from {low} to {high}, which change "
        "from step to step like numbers of categories rather than like a quantity. They are taken "
        'for quantities: if they are ids of tokens, write categorical_features="all"; if they are '
        "quantities, convert X to float, and this warning goes away"
    )


def hint_of_whole_texts(data: Sequences, symbols: Symbols) -> str | None:
    """What to warn of if X looks like texts of which each is taken for a single token.

    A column of texts with two axes, as `frame[["name"]].to_numpy()` makes it, has one token in each
    of its rows.

    Parameters
    ----------
    data : Sequences
        The encoded training data.
    symbols : Symbols
        What was learned of them.

    Returns
    -------
    str or None
        A text for a UserWarning; None unless there are at least 10 sequences, each is one token of
        text, and more than half of the sequences have a token that no other has.
    """
    if symbols.form != "tokens" or symbols.vocabularies[0].kind != "text":
        return None
    n = len(data)
    if n < FEWEST_TEXTS or data.lengths.max() > 1:
        return None
    n_alone = int((symbols.vocabularies[0].counts[1:] == 1).sum())
    if 2 * n_alone <= n:
        return None
    return (
        f"each of the {n:,} sequences of X is a single token, and {n_alone:,} of these tokens "
        "occur once, so that hardly anything can be learned of them. If they are texts whose "
        "characters are the time steps, pass a list or a 1-D array of str (X[:, 0] of an array); "
        "if their words are, pass [text.split() for text in X[:, 0]]"
    )


def hint_of_unknown(data: Sequences, symbols: Symbols, name: str, estimator: str) -> str | None:
    """What to warn of if nothing in a categorical column is known from training.

    Parameters
    ----------
    data : Sequences
        Encoded data to answer for.
    symbols : Symbols
        What was learned of the training data.
    name, estimator : str
        What the data and the estimator are called.

    Returns
    -------
    str or None
        A text for a UserWarning; None if a token is known, if there are fewer than 20, or if
        training had so many rare ones that unknown was the commonest.
    """
    if data.n_steps < FEWEST_UNKNOWN:
        return None
    for k, vocabulary in enumerate(symbols.vocabularies):
        if vocabulary.unknown_share > 0.5 or any(data[i][:, k].any() for i in range(len(data))):
            continue
        what = "characters" if symbols.form == "characters" else "tokens"
        if symbols.form == "steps":
            names, j = symbols.feature_names, symbols.categorical[k]
            what += f" in column {j if names is None else names[j]!r}"
        known = ", ".join(repr(token)[:60] for token, _ in vocabulary.most_frequent(3))
        return (
            f"all {data.n_steps:,} {what} of {name} are unknown, so that they do not matter for "
            f"the answers: {estimator} was trained on others, such as {known}. Write them as in "
            "training: in the same case, Unicode form and alphabet, and cut in the same way"
        )
    return None


def _integers(data: Any) -> list[NDArray[np.int64]]:
    """Integers of one column by samples; nothing if that is not what X holds."""
    if isinstance(data, np.ndarray):
        if data.dtype.kind not in "iu" or data.ndim not in (2, 3):
            return []
        if data.ndim == 3 and data.shape[2] != 1:
            return []
    elif not isinstance(data, (list, tuple)):
        return []
    parts: list[NDArray[np.int64]] = []
    n = 0
    for sample in data:
        if isinstance(sample, (list, tuple)):
            if not all(type(value) is int and -(2**63) <= value < 2**63 for value in sample):
                return []
            sample = np.array(sample, np.int64)
        if not isinstance(sample, np.ndarray) or sample.dtype.kind not in "iu":
            return []
        if sample.ndim == 2 and sample.shape[1] == 1:
            sample = sample[:, 0]
        if sample.ndim != 1:
            return []
        parts.append(sample.astype(np.int64))
        n += len(sample)
        if n >= MOST_VALUES:
            break
    return parts
