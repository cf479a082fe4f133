"""Sequences of categories in; sparse columns that count them, and linear rules over these, out.

What a network of symbols is compared with: counts know which tokens a sequence has, and nothing of
their order; with pairs of neighbours they know a little. The sequences are those that a network
takes: numbers of categories first, then numbers. SciPy and scikit-learn are imported at the call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.baselines import summarised, with_steps_before

Array = NDArray[Any]

MOST_PAIRS = 1 << 18
"""columns for pairs of a column's categories; of more, several share one by the hash of the pair"""
MOST_TERMS = 20_000
"""columns that a rule learns from: those that most rows have"""
MIXED = 0x9E3779B97F4A7C15
"""an odd number by which hashes multiply: 2^64 over the golden ratio (Knuth, 1973, section 6.4)"""


class Counts:
    """Makes a row for each sequence: the logarithm of 1 + the occurrences of each token.

    Parameters
    ----------
    n_categories : sequence of int
        Of each of the first columns of a step.
    pairs : bool
        Whether pairs of neighbouring tokens of a column are counted too.

    Notes
    -----
    Beside them are mean, deviation and last value of each column of numbers, if there are any, and
    the length. A step that is left out for what is missing (NaN) is not counted.
    """

    def __init__(self, n_categories: Sequence[int], *, pairs: bool) -> None:
        self.n_categories, self.pairs = tuple(n_categories), pairs

    def n_columns(self, n_features: int) -> int:
        """How many columns there are for sequences of so many features."""
        n = sum(n + (_n_pairs(n) if self.pairs else 0) for n in self.n_categories)
        n_numbers = n_features - len(self.n_categories)
        return n + (3 * n_numbers + 1 if n_numbers else 0)

    def __call__(self, X: Sequence[Array]) -> Any:
        """Of sequences (n_timesteps_i, n_features) a sparse array (n_samples, n_columns)."""
        n_codes = len(self.n_categories)
        block, sample = _joined(X, n_codes)
        parts, start = [], 0
        for k, n in enumerate(self.n_categories):
            ids, there = _ids(block[:, k])
            parts.append((sample[there], start + ids[there]))
            start += n
            if self.pairs:
                both = there[1:] & there[:-1] & (sample[1:] == sample[:-1])
                pair = _pair(ids[:-1][both], ids[1:][both], n)
                parts.append((sample[1:][both], start + pair))
                start += _n_pairs(n)
        found = _sparse(parts, len(X), start)
        found.data = np.log1p(found.data)
        if block.shape[1] == n_codes:
            return found
        return _beside(found, summarised([np.asarray(x)[:, n_codes:] for x in X]))


class StepTokens:
    """Makes a row for each time step: a one in the column of its token, and of those before it.

    Parameters
    ----------
    n_categories : sequence of int
        Of each of the first columns of a step.
    n_before : int
        How many steps before it are seen as well, each in columns of its own.
    """

    def __init__(self, n_categories: Sequence[int], *, n_before: int) -> None:
        self.n_categories, self.n_before = tuple(n_categories), n_before

    def n_columns(self, n_features: int) -> int:
        """How many columns there are for sequences of so many features."""
        n = sum(self.n_categories) + n_features - len(self.n_categories)
        return n * (self.n_before + 1)

    def __call__(self, X: Sequence[Array]) -> Any:
        """Of sequences (n_timesteps_i, n_features) a sparse array (n_steps, n_columns)."""
        n_codes = len(self.n_categories)
        block, sample = _joined(X, n_codes)
        step = np.arange(len(block))
        parts, start = [], 0
        for k, n in enumerate(self.n_categories):
            ids, there = _ids(block[:, k])
            for back in range(self.n_before + 1):
                seen = there[: len(ids) - back] & (
                    sample[back:] == sample[: len(sample) - back]
                    if back
                    else np.ones(len(ids), bool)
                )
                parts.append((step[back:][seen], start + ids[: len(ids) - back][seen]))
                start += n
        found = _sparse(parts, len(block), start)
        if block.shape[1] == n_codes:
            return found
        numbers = [np.asarray(x)[:, n_codes:] for x in X]
        return _beside(found, with_steps_before(self.n_before)(numbers))


def linear_pipeline(learner: Any, n_columns: int) -> list[Any]:
    """The steps of a scikit-learn pipeline that learns from such columns.

    Parameters
    ----------
    learner : estimator
    n_columns : int

    Returns
    -------
    list
        Of the most common columns, each divided by its largest value, the learner.
    """
    from sklearn.feature_selection import SelectKBest
    from sklearn.preprocessing import MaxAbsScaler

    return [SelectKBest(_rows_with, k=min(MOST_TERMS, n_columns)), MaxAbsScaler(), learner]


def fit_linear(A: Any, y: Array, *, of_numbers: bool) -> Callable[[Any], Array]:
    """Fit a linear rule to sparse columns; returns the function that answers other rows.

    Parameters
    ----------
    A : sparse array of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Labels of at least two classes, or numbers.
    of_numbers : bool
        Ridge regression in the place of logistic regression.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    learner = Ridge() if of_numbers else LogisticRegression(max_iter=1000)
    model = make_pipeline(*linear_pipeline(learner, A.shape[1]))
    with warnings.catch_warnings():
        # of many classes, or of no convergence: a comparison need not be perfect
        warnings.simplefilter("ignore", UserWarning)
        model.fit(A, y)
    if not of_numbers:
        return lambda B: np.asarray(model.predict(B))
    return lambda B: np.asarray(model.predict(B)).reshape(B.shape[0], -1)


def _rows_with(A: Any, y: Any) -> Array:
    """In how many rows each column is not 0."""
    return np.asarray(np.bincount(A.tocsr().indices, minlength=A.shape[1]), np.float64)


def _joined(X: Sequence[Array], n_codes: int) -> tuple[Array, NDArray[np.int64]]:
    """All steps end to end, and the number of the sample that each is of."""
    lengths = [len(x) for x in X]
    sample = np.repeat(np.arange(len(X)), lengths)
    block = np.concatenate([np.asarray(x) for x in X]) if len(X) else np.zeros((0, n_codes))
    return block, sample


def _ids(column: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Numbers of categories, and where there are some."""
    there = ~np.isnan(column)
    return np.where(there, column, 0).astype(np.int64), there


def _n_pairs(n: int) -> int:
    return min(n * n, MOST_PAIRS)


def _pair(first: Array, second: Array, n: int) -> NDArray[np.int64]:
    """The column of each pair of categories."""
    pair = first * n + second
    if n * n <= MOST_PAIRS:
        return np.asarray(pair, np.int64)
    mixed = pair.astype(np.uint64) * np.uint64(MIXED)  # modulo 2^64
    return np.asarray(mixed >> np.uint64(64 - 18), np.int64)


def _sparse(parts: list[tuple[Array, Array]], n_rows: int, n_columns: int) -> Any:
    """A sparse array that counts pairs of row and column."""
    from scipy.sparse import csr_array

    rows = np.concatenate([rows for rows, _ in parts])
    columns = np.concatenate([columns for _, columns in parts])
    found = csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_rows, n_columns))
    found.sum_duplicates()
    return found


def _beside(found: Any, numbers: Array) -> Any:
    """Sparse columns with dense ones beside them, 0 where nothing was observed."""
    from scipy.sparse import csr_array, hstack

    return hstack([found, csr_array(np.nan_to_num(numbers))], format="csr")
