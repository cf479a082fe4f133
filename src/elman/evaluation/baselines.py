"""Simple classifiers to compare with: labelled training and test sequences in, accuracies out.

A recurrent network is worth its trouble only where these fall short of it. None of them remembers:
each sees a fixed number of columns. scikit-learn is imported at the call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.targets.checks import refuse_missing
from elman.targets.masked import refuse_masked
from elman.targets.missing import plain

__all__ = [
    "accuracies",
    "fit_logistic",
    "fit_ridge",
    "last_step",
    "logistic_accuracy",
    "logistic_predictions",
    "majority_accuracy",
    "padded",
    "resampled",
    "summarised",
    "with_steps_before",
]

Array = NDArray[Any]
MakeColumns = Callable[[Sequence[Array]], Array]


def majority_accuracy(y_train: ArrayLike, y_test: ArrayLike) -> float:
    """Accuracy on `y_test` of always answering the commonest label of `y_train`.

    Examples
    --------
    >>> from elman.evaluation.baselines import majority_accuracy
    >>> majority_accuracy(["a", "b", "a"], ["a", "b", "b", "a"])
    0.5
    """
    arrays = []
    for name, y in (("y_train", y_train), ("y_test", y_test)):
        refuse_masked(y, name)
        found = plain(y)
        refuse_missing(found, name, "every sample needs a label", "leave that sample out")
        arrays.append(found.values)
    labels, counts = np.unique(arrays[0], return_counts=True)
    return float(np.mean(arrays[1] == labels[counts.argmax()]))


def logistic_accuracy(
    columns: MakeColumns,
    X_train: Sequence[Array],
    y_train: ArrayLike,
    X_test: Sequence[Array],
    y_test: ArrayLike,
) -> float:
    """Accuracy of logistic regression on a fixed number of columns made from each recording.

    Parameters
    ----------
    columns : callable
        Recordings, each (n_timesteps_i, n_features), to an array (n_samples, n_columns):
        `last_step`, or what `resampled` and `padded` return.
    X_train, X_test : sequence of (n_timesteps_i, n_features) arrays
    y_train, y_test : array-like of shape (n_samples,)

    Examples
    --------
    >>> from elman.data import load_japanese_vowels
    >>> from elman.evaluation.baselines import last_step, logistic_accuracy
    >>> train, test = load_japanese_vowels("train"), load_japanese_vowels("test")
    >>> print(f"{logistic_accuracy(last_step, *train, *test):.2f}")
    0.96
    """
    refuse_masked(y_test, "y_test")
    predicted = logistic_predictions(columns, X_train, y_train, X_test)
    return float(np.mean(predicted == np.asarray(y_test)))


def logistic_predictions(
    columns: MakeColumns, X_train: Sequence[Array], y_train: ArrayLike, X_test: Sequence[Array]
) -> Array:
    """Labels (n_samples,) that logistic regression gives X_test; as `logistic_accuracy` has it.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import last_step, logistic_predictions
    >>> X = [np.array([[9.0], [value]]) for value in (-2.0, -1.0, 1.0, 2.0)]
    >>> logistic_predictions(last_step, X, ["low", "low", "high", "high"], X[1:3]).tolist()
    ['low', 'high']
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, value in (("X_train", X_train), ("y_train", y_train), ("X_test", X_test)):
        refuse_masked(value, name)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(columns(X_train), y_train)
    return np.asarray(model.predict(columns(X_test)))


def fit_logistic(A: Array, y: Array) -> Callable[[Array], Array]:
    """Fit a logistic regression; returns the function that answers other rows with labels.

    Parameters
    ----------
    A : ndarray of shape (n_rows, n_columns)
        NaN is replaced by the column's mean.
    y : ndarray of shape (n_rows,)
        Labels of at least two classes.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import fit_logistic
    >>> answer = fit_logistic(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
    >>> answer(np.array([[-3.0], [3.0]])).tolist()
    [0, 1]
    """
    from sklearn.linear_model import LogisticRegression

    return _fitted_on(LogisticRegression(max_iter=1000), A, y)


def fit_ridge(A: Array, y: Array) -> Callable[[Array], Array]:
    """Fit a ridge regression with a penalty of 1; returns the function that answers other rows.

    Parameters
    ----------
    A : ndarray of shape (n_rows, n_columns)
        NaN is replaced by the column's mean.
    y : ndarray of shape (n_rows, n_targets)

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import fit_ridge
    >>> answer = fit_ridge(np.arange(50.0)[:, np.newaxis], 2 * np.arange(50.0)[:, np.newaxis])
    >>> answer(np.array([[24.5]])).round(2).tolist()  # the mean, which no penalty moves
    [[49.0]]
    """
    from sklearn.linear_model import Ridge

    fitted = _fitted_on(Ridge(alpha=1.0), A, y)
    return lambda B: np.asarray(fitted(B)).reshape(len(B), -1)


def _fitted_on(learner: Any, A: Array, y: Array) -> Callable[[Array], Array]:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    filled = SimpleImputer(keep_empty_features=True)
    model = make_pipeline(filled, StandardScaler(), learner)
    with warnings.catch_warnings():
        # of many classes, or of no convergence: a comparison need not be perfect
        warnings.simplefilter("ignore", UserWarning)
        model.fit(A, y)
    return lambda B: np.asarray(model.predict(B))


def summarised(X: Sequence[Array]) -> Array:
    """Mean, deviation and last value of each feature, and the number of steps: no order of time.

    NaN is left out; (n_samples, 3 n_features + 1), NaN where nothing was observed.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import summarised
    >>> summarised([np.array([[1.0], [3.0]]), np.array([[5.0]])]).tolist()
    [[2.0, 1.0, 3.0, 2.0], [5.0, 0.0, 5.0, 1.0]]
    """
    refuse_masked(X, "X")
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of features without an observation
        for x in map(np.asarray, X):
            last = x[-1] if len(x) else np.full(x.shape[1], np.nan)
            rows.append([*np.nanmean(x, axis=0), *np.nanstd(x, axis=0), *last, len(x)])
    return np.array(rows, np.float64)


def with_steps_before(n_before: int) -> MakeColumns:
    """Every time step beside the `n_before` before it, samples end to end; NaN before the first.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import with_steps_before
    >>> with_steps_before(1)([np.array([[1.0], [3.0]]), np.array([[5.0]])]).tolist()
    [[nan, 1.0], [1.0, 3.0], [nan, 5.0]]
    """

    def columns(X: Sequence[Array]) -> Array:
        refuse_masked(X, "X")
        return np.concatenate([_beside(np.asarray(x, np.float64), n_before) for x in X])

    return columns


def last_step(X: Sequence[Array]) -> Array:
    """The features of each recording's last step: (n_samples, n_features).

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import last_step
    >>> print(last_step([np.array([[1, 2], [3, 4]]), np.array([[5, 6]])]).tolist())
    [[3, 4], [5, 6]]
    """
    refuse_masked(X, "X")
    return np.stack([np.asarray(x)[-1] for x in X])


def resampled(n_points: int) -> MakeColumns:
    """Each recording stretched to `n_points` steps by linear interpolation, side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import resampled
    >>> print(resampled(3)([np.array([[0.0], [4.0]]), np.array([[1.0], [2.0], [9.0]])]).tolist())
    [[0.0, 2.0, 4.0], [1.0, 2.0, 9.0]]
    """

    def columns(X: Sequence[Array]) -> Array:
        refuse_masked(X, "X")
        return np.stack([_stretch(np.asarray(x), n_points).ravel() for x in X])

    return columns


def padded(n_timesteps: int) -> MakeColumns:
    """The last `n_timesteps` steps of each recording, zeros before a shorter one, side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.evaluation.baselines import padded
    >>> print(padded(2)([np.array([[7.0]]), np.array([[1.0], [2.0], [9.0]])]).tolist())
    [[0.0, 7.0], [2.0, 9.0]]
    """

    def columns(X: Sequence[Array]) -> Array:
        refuse_masked(X, "X")
        first = np.asarray(X[0])
        out = np.zeros((len(X), n_timesteps, first.shape[1]))
        for row, x in zip(out, X, strict=True):
            kept = min(len(x), n_timesteps)
            row[n_timesteps - kept :] = np.asarray(x)[len(x) - kept :]
        return out.reshape(len(X), -1)

    return columns


def accuracies(
    baselines: dict[str, MakeColumns],
    X_train: Sequence[Array],
    y_train: ArrayLike,
    X_test: Sequence[Array],
    y_test: ArrayLike,
) -> dict[str, float]:
    """Accuracy of the majority class, and of logistic regression on each kind of columns.

    Examples
    --------
    >>> from elman.data import load_japanese_vowels
    >>> from elman.evaluation.baselines import accuracies, last_step
    >>> train, test = load_japanese_vowels("train"), load_japanese_vowels("test")
    >>> for rule, accuracy in accuracies({"last step": last_step}, *train, *test).items():
    ...     print(f"{accuracy:.2f} {rule}")
    0.08 always the commonest class
    0.96 last step
    """
    found = {"always the commonest class": majority_accuracy(y_train, y_test)}
    for name, columns in baselines.items():
        found[name] = logistic_accuracy(columns, X_train, y_train, X_test, y_test)
    return found


def _beside(x: Array, n_before: int) -> Array:
    """(n_timesteps, (n_before + 1) * n_features): each step of x beside those before it."""
    padded = np.concatenate([np.full((n_before, x.shape[1]), np.nan), x])
    return np.concatenate([padded[k : k + len(x)] for k in range(n_before + 1)], axis=1)


def _stretch(x: Array, n_points: int) -> Array:
    """Linear interpolation of x (n_timesteps, n_features) at `n_points` evenly spaced instants."""
    at = np.linspace(0, len(x) - 1, n_points)
    before = np.floor(at).astype(np.intp)
    after = np.minimum(before + 1, len(x) - 1)
    share = (at - before)[:, None]
    return np.asarray(x[before] * (1 - share) + x[after] * share)
