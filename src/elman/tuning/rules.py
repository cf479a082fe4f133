"""Samples and folds in; what simple rules reach on the same folds, out.

A recurrent network is worth its trouble only where it does better. scikit-learn is imported at the
call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.evaluation.baselines import (
    fit_logistic,
    fit_ridge,
    resampled,
    summarised,
    with_steps_before,
)
from elman.evaluation.token_counts import Counts, StepTokens, fit_linear, linear_pipeline
from elman.tuning.folds import Fold, Rows
from elman.tuning.material import Samples

Array = NDArray[Any]

N_POINTS = 10
MOST_VALUES = 3_000_000
"""in the columns that a rule learns from"""
MOST_STEPS = 50_000
"""that a rule for time steps learns from: the first of the fold's"""


class Rule(NamedTuple):
    """What a simple rule reached."""

    name: str
    scores: list[float]
    """of each fold; empty if it could not be learned or scored"""
    why_not: str | None = None


class Judged(NamedTuple):
    """What rules are judged by."""

    samples: Samples
    data: Sequences
    folds: Sequence[Fold]
    scoring: Any
    targets: Array
    """as training takes them: codes or numbers, of time steps end to end"""
    of_numbers: bool
    of_steps: bool
    multilabel: bool
    n_categories: tuple[int, ...] = ()
    """of the first columns of a step, which are categories"""


def rules_on(judged: Judged) -> list[Rule]:
    """Every rule that goes with the kind of answers, the simplest first."""
    if judged.of_steps:
        return [*_of_steps(judged)]
    return [*_of_samples(judged)]


def _of_samples(judged: Judged) -> Iterator[Rule]:
    n_features = judged.data.n_features
    constant = "always the mean" if judged.of_numbers else "always the commonest class"
    learner = "ridge" if judged.of_numbers else "logistic"
    yield _scored(constant, judged, _constant(judged), 1)
    if judged.n_categories:
        for counted, pairs in (("tokens", False), ("tokens and of pairs of neighbours", True)):
            counts = Counts(judged.n_categories, pairs=pairs)
            name = f"{learner} regression on counts of {counted}"
            yield _scored(name, judged, _counting(judged, counts), 1)
        return
    kinds: list[tuple[str, Callable[[Sequence[Array]], Array], int]] = [
        (f"{N_POINTS} points of each recording", _points, N_POINTS * n_features),
        ("mean, deviation, last value and length", summarised, 3 * n_features + 1),
    ]
    for columns, make, n_columns in kinds:
        name = f"{learner} regression on {columns}"
        yield _scored(name, judged, _pipeline(judged, make), n_columns)


def _constant(judged: Judged) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    learner = DummyRegressor() if judged.of_numbers else DummyClassifier(strategy="most_frequent")
    return make_pipeline(FunctionTransformer(_nothing), learner)


def _pipeline(judged: Judged, columns: Callable[[Sequence[Array]], Array]) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    filled = SimpleImputer(keep_empty_features=True)
    return make_pipeline(FunctionTransformer(columns), filled, StandardScaler(), _learner(judged))


def _learner(judged: Judged) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier

    learner: Any = Ridge() if judged.of_numbers else LogisticRegression(max_iter=1000)
    return OneVsRestClassifier(learner) if judged.multilabel else learner


def _counting(judged: Judged, counts: Counts) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    n_columns = counts.n_columns(judged.data.n_features)
    steps = linear_pipeline(_learner(judged), n_columns)
    return make_pipeline(FunctionTransformer(counts), *steps)


def _scored(name: str, judged: Judged, model: Any, n_columns: int) -> Rule:
    from sklearn.base import clone
    from sklearn.metrics import check_scoring

    if n_columns * len(judged.data) > MOST_VALUES:
        return Rule(name, [], f"{len(judged.data)} recordings of {n_columns} columns are too many")
    X = [np.asarray(x, np.float64) for x in judged.data]
    y = _plain_y(judged.samples.y)
    scores = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of no convergence: a comparison need not be perfect
        for fold in judged.folds:
            try:
                learned = clone(model).fit(_some(X, fold.train), y[fold.train])
                scorer = check_scoring(learned, judged.scoring)
                scores.append(float(scorer(learned, _some(X, fold.test), y[fold.test])))
            except Exception as error:  # a user's scorer may raise any, and a network is trained
                said = str(error).strip().splitlines() or [type(error).__name__]
                return Rule(name, [], said[0])
    if not np.isfinite(scores).all():
        return Rule(name, [], "its score is not defined on these folds")
    return Rule(name, scores)


def _of_steps(judged: Judged) -> Iterator[Rule]:
    constant = "always the mean" if judged.of_numbers else "always the commonest label"
    learner = "ridge" if judged.of_numbers else "logistic"
    yield _scored_steps(constant, judged, None)
    for columns, n_before in (("the time step alone", 0), ("it and the 4 before it", 4)):
        yield _scored_steps(f"{learner} regression on {columns}", judged, n_before)


def _scored_steps(name: str, judged: Judged, n_before: int | None) -> Rule:
    if judged.scoring is not None:
        return Rule(name, [], "only the score of the estimator itself is known for time steps")
    n_columns = 1 if judged.n_categories else judged.data.n_features * ((n_before or 0) + 1)
    if n_columns * judged.data.n_steps > MOST_VALUES:
        return Rule(name, [], f"{judged.data.n_steps} steps of {n_columns} columns are too many")
    scores = []
    for fold in judged.folds:
        A, y = _steps(judged, fold.train, n_before)
        B, z = _steps(judged, fold.test, n_before)
        A, y = A[:MOST_STEPS], y[:MOST_STEPS]
        if len(y) == 0 or len(z) == 0:
            return Rule(name, [], "a fold has no time step with an answer")
        answers = _answers(judged, A, y, B, n_before)
        if judged.of_numbers:
            residual = np.square(z - answers).sum(axis=0)
            spread = np.square(z - z.mean(axis=0)).sum(axis=0)
            if not (spread > 0).all():
                return Rule(name, [], "R^2 is not defined on these folds")
            scores.append(float(np.mean(1 - residual / spread)))
        else:
            scores.append(float(np.mean(answers == z)))
    return Rule(name, scores)


def _answers(judged: Judged, A: Array, y: Array, B: Array, n_before: int | None) -> Array:
    if judged.of_numbers:
        constant = np.broadcast_to(y.mean(axis=0), (B.shape[0], y.shape[1]))
        if n_before is None:
            return constant
        return (_linear(judged) or fit_ridge)(A, y)(B)
    found, counts = np.unique(y, return_counts=True)
    if n_before is None or len(found) == 1:
        return np.full(B.shape[0], found[counts.argmax()])
    return (_linear(judged) or fit_logistic)(A, y)(B)


def _linear(judged: Judged) -> Any:
    """What learns from sparse columns; None where there are no categories."""
    return partial(fit_linear, of_numbers=judged.of_numbers) if judged.n_categories else None


def _steps(judged: Judged, rows: Rows, n_before: int | None) -> tuple[Array, Array]:
    """Columns and answers of the time steps of some samples, of those that have an answer."""
    X = [np.asarray(judged.data[i], np.float64) for i in rows.tolist()]
    offsets = judged.data.offsets
    where = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in rows.tolist()])
    y = judged.targets[where]
    if judged.of_numbers:
        y = y.reshape(len(y), -1)
        known = ~np.isnan(y).any(axis=1)
    else:
        known = y >= 0
    if n_before is None:
        A: Any = np.zeros((len(y), 1))
    elif judged.n_categories:
        A = StepTokens(judged.n_categories, n_before=n_before)(X)
    else:
        A = with_steps_before(n_before)(X)
    return A[known], y[known]


def _points(X: Sequence[Array]) -> Array:
    stretch, n_features = resampled(N_POINTS), np.asarray(X[0]).shape[1]
    none = np.full((1, N_POINTS * n_features), np.nan)
    return np.concatenate([stretch([x]) if len(x) else none for x in X])


def _nothing(X: Sequence[Array]) -> Array:
    return np.zeros((len(X), 1))


def _some(X: list[Array], rows: Rows) -> list[Array]:
    return [X[i] for i in rows.tolist()]


def _plain_y(y: Any) -> Array:
    values = np.asarray(y)
    return values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
