"""Training and test sequences in; what simple rules reach on the same recordings out.

With training data the rules learn from those. Without any they are learned by cross-validation on
the recordings that are judged: each is answered by a rule that has not seen it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.evaluation.baselines import fit_logistic, fit_ridge, summarised, with_steps_before
from elman.evaluation.token_counts import Counts, StepTokens, fit_linear
from elman.models.kinds import is_of_numbers, is_of_steps
from elman.reporting.evidence import Evidence, Floats, Ints, OfNumbers, Truth, chunks
from elman.reporting.scores import Scores, mean_known, with_intervals

Array = NDArray[Any]
Fact = dict[str, Any]
Rule = Callable[[Array], Array]

MOST_COLUMNS = 256
MOST_RECORDINGS = 2000
"""that a rule learns from, drawn at random"""
MOST_STEPS = 20_000
"""that a rule for time steps learns from"""
LARGEST = 1e100
"""value in a column, whose square can still be added up"""
N_FOLDS = 5
FEWEST = 10
"""recordings, below which nothing is cross-validated"""


def baseline_facts(
    data: Sequences,
    truth: Truth,
    evidence: Evidence,
    training: tuple[Sequences, Truth] | None,
    n_resamples: int,
    seed: int,
    *,
    n_categories: tuple[int, ...] = (),
) -> Fact:
    """What simple rules reach, and by how much the network is better.

    Parameters
    ----------
    data : Sequences
    truth : Truth
    evidence : OfClasses or OfNumbers
        What the network reached on the same recordings.
    training : tuple (Sequences, Truth) or None
    n_resamples, seed : int
    n_categories : tuple of int
        Of each of the first features that are categories, which rules count.

    Returns
    -------
    dict
        `source`, the rows of a table, and what could not be computed and why.
    """
    rng = np.random.default_rng(seed)
    every = np.arange(len(data))
    shown = every if training is not None else _some(len(data), rng)
    rules = _Rules(data, truth, training, rng)
    rows: list[Fact] = []
    left_out: list[Fact] = []
    constant = rules.constant()
    names = {True: "the mean of each target", False: "the commonest class"}
    if truth.kind == "labels":
        names[False] = "the commoner value of each label"
    name = f"always {names[is_of_numbers(truth.kind)]}"
    told = _judged(rules, evidence, every, [(every, constant)], None, n_resamples, seed)
    rows.append({"name": name, "columns": None} | told)
    for name, columns, n_columns in _columns(data.n_features, truth.kind, n_categories):
        if n_columns > MOST_COLUMNS and not n_categories:
            left_out.append(
                {"name": name, "why": f"it would have {n_columns} columns, over {MOST_COLUMNS}"}
            )
            continue
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # which is then said
                learned = rules.learned(columns, shown)
                told = _judged(rules, evidence, shown, learned, columns, n_resamples, seed)
        except _CannotLearnError as error:
            left_out.append({"name": name, "why": str(error)})
            continue
        kind = "ridge regression" if is_of_numbers(truth.kind) else "logistic regression"
        rows.append({"name": f"{kind} on {name}", "columns": n_columns} | told)
    return {
        "source": "training data" if training is not None else "cross-validation",
        "score": "r2" if is_of_numbers(truth.kind) else "accuracy",
        "n_folds": None if training is not None else N_FOLDS,
        "rows": rows,
        "left_out": left_out,
    }


class _CannotLearnError(Exception):
    """Why a rule cannot be learned from these data."""


class _Rules:
    """Learns rules, from training data or by cross-validation."""

    def __init__(
        self,
        data: Sequences,
        truth: Truth,
        training: tuple[Sequences, Truth] | None,
        rng: np.random.Generator,
    ) -> None:
        self.data, self.truth, self.training, self.rng = data, truth, training, rng

    def constant(self) -> Rule:
        """The one answer that is best for what was trained on, or else for what is judged."""
        _, truth = self.training or (self.data, self.truth)
        y = truth.values
        if is_of_numbers(truth.kind):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a target that is never known
                answer = np.nanmean(y, axis=0)
        elif truth.kind == "labels":
            answer = (y.mean(axis=0) > 0.5).astype(np.int64)
        else:
            answer = np.bincount(y[(y >= 0) & (y < truth.n_known)], minlength=1).argmax()
        return lambda A: np.broadcast_to(answer, (len(A), *np.shape(answer)))

    def learned(self, columns: Callable[[list[Array]], Array], shown: Ints) -> list[Any]:
        """Rules, each with the recordings that it is to answer."""
        if self.training is not None:
            source, truth = self.training
            chosen = _some(len(source), self.rng)
            return [(shown, self._fit(source, truth, chosen, columns))]
        if len(shown) < FEWEST:
            raise _CannotLearnError(
                f"{len(shown)} recording(s) are too few to learn it from and to judge it by: pass "
                "training data"
            )
        folds = self.rng.permutation(len(shown)) % N_FOLDS
        return [
            (shown[folds == f], self._fit(self.data, self.truth, shown[folds != f], columns))
            for f in range(N_FOLDS)
        ]

    def _fit(
        self,
        source: Sequences,
        truth: Truth,
        chosen: Ints,
        columns: Callable[[list[Array]], Array],
    ) -> Rule:
        A = _finite(columns([np.asarray(source[i], np.float64) for i in chosen.tolist()]))
        if is_of_steps(truth.kind):
            y = np.concatenate([truth.of(i, i + 1, source.offsets) for i in chosen.tolist()])
        else:
            y = truth.values[chosen]
        if is_of_numbers(truth.kind):
            there = ~np.isnan(y).any(axis=1)
        else:
            there = np.ones(len(y), bool) if truth.kind == "labels" else (y >= 0)
            if truth.kind != "labels":
                there &= y < truth.n_known
        A, y = A[there], y[there]
        if A.shape[0] > MOST_STEPS:
            kept = np.sort(self.rng.choice(A.shape[0], MOST_STEPS, replace=False))
            A, y = A[kept], y[kept]
        if not A.shape[0]:
            raise _CannotLearnError("there is nothing to learn it from")
        if is_of_numbers(truth.kind):
            return _fitted(A, y, of_numbers=True)
        if truth.kind != "labels":
            return _one_class(y) or _fitted(A, y, of_numbers=False)
        rules = [_one_class(column) or _fitted(A, column, of_numbers=False) for column in y.T]
        return lambda B: np.stack([rule(B) for rule in rules], axis=1)


def _fitted(A: Any, y: Array, *, of_numbers: bool) -> Rule:
    """A linear rule, learned from dense columns or from sparse ones."""
    if not isinstance(A, np.ndarray):
        return fit_linear(A, y, of_numbers=of_numbers)
    return fit_ridge(A, y) if of_numbers else fit_logistic(A, y)


def _finite(A: Any) -> Any:
    """The same columns; those whose values, or the squares of them, are too large are an error."""
    values = A if isinstance(A, np.ndarray) else A.data  # of a sparse array
    largest = np.abs(values).max(initial=0, where=~np.isnan(values))
    if largest > LARGEST:
        raise _CannotLearnError(f"columns of values as large as {largest:.3g} overflow in it")
    return A


def _one_class(y: Array) -> Rule | None:
    """The rule for labels of which there is only one; None where there are several."""
    found = np.unique(y)
    return (lambda A: np.full(A.shape[0], found[0])) if len(found) == 1 else None


def _columns(
    n_features: int, kind: Any, n_categories: tuple[int, ...]
) -> Iterator[tuple[str, Any, int]]:
    """Fixed numbers of columns that rules see: name, function, number."""
    if n_categories and is_of_steps(kind):
        for name, n_before in (
            ("the time step alone", 0),
            ("the time step and the 4 before it", 4),
        ):
            tokens = StepTokens(n_categories, n_before=n_before)
            yield name, tokens, tokens.n_columns(n_features)
        return
    if n_categories:
        for name, pairs in (
            ("counts of tokens", False),
            ("counts of tokens and of pairs of neighbours", True),
        ):
            counts = Counts(n_categories, pairs=pairs)
            yield name, counts, counts.n_columns(n_features)
        return
    if is_of_steps(kind):
        yield "the time step alone", with_steps_before(0), n_features
        yield "the time step and the 4 before it", with_steps_before(4), 5 * n_features
        return
    yield (
        "mean, deviation and last value of each feature, and the length",
        summarised,
        3 * n_features + 1,
    )
    yield "8 points of each recording", _eight_points, 8 * n_features


def _eight_points(X: list[Array]) -> Array:
    from elman.evaluation.baselines import resampled

    stretch = resampled(8)
    n_features = X[0].shape[1]
    none = np.full((1, 8 * n_features), np.nan)
    return np.concatenate([stretch([x]) if len(x) else none for x in X])


def _some(n: int, rng: np.random.Generator) -> Ints:
    """All of `n` recordings, or as many of them, drawn at random, as rules learn from."""
    if n <= MOST_RECORDINGS:
        return np.arange(n)
    return np.sort(rng.choice(n, MOST_RECORDINGS, replace=False))


def _judged(
    rules: _Rules,
    evidence: Evidence,
    which: Ints,
    learned: list[Any],
    columns: Callable[[list[Array]], Array] | None,
    n_resamples: int,
    seed: int,
) -> Fact:
    """The score of a rule, and how much better the network is, on the recordings `which`."""
    data, truth = rules.data, rules.truth
    of_numbers = isinstance(evidence, OfNumbers)
    got = np.zeros((len(data), len(truth.names)) if of_numbers else len(data))
    for asked, rule in learned:
        for part in _parts(data, asked):
            X = [np.asarray(data[i], np.float64) for i in part.tolist()] if columns else []
            for_steps = is_of_steps(truth.kind)
            if for_steps:
                y = np.concatenate([truth.of(i, i + 1, data.offsets) for i in part.tolist()])
                rows = np.repeat(np.arange(len(part)), data.lengths[part])
            else:
                y, rows = truth.values[part], np.arange(len(part))
            if not len(y):
                continue
            z = rule(_finite(columns(X))) if columns else rule(y)
            if of_numbers:
                squared = np.nan_to_num((z - y) ** 2)
                for k in range(y.shape[1]):
                    got[part, k] = np.bincount(rows, squared[:, k], minlength=len(part))
            else:
                hit = (z == y) if y.ndim == 1 else (z == y).all(axis=1)
                got[part] = np.bincount(rows, hit.astype(np.float64), minlength=len(part))

    def score(weights: Floats | None) -> Scores:
        w = np.ones(len(which)) if weights is None else weights
        with np.errstate(invalid="ignore", divide="ignore"):
            if isinstance(evidence, OfNumbers):
                n, y, squares, errors = (
                    np.tensordot(w, evidence.sums[which, :, i], 1) for i in range(4)
                )
                deviation = squares - y**2 / n
                varies = deviation > 1e-12 * squares
                deviation = np.where(varies & (n > 1), deviation, np.nan)
                rule = mean_known(1 - np.tensordot(w, got[which], 1) / deviation)
                network = mean_known(1 - errors / deviation)
            else:
                units = (w * evidence.units[which]).sum()
                rule = float((w * got[which]).sum() / units)
                network = float((w * evidence.right[which]).sum() / units)
        return {"score": rule, "difference": network - rule}

    return {"n": len(which)} | with_intervals(len(which), score, n_resamples, seed)


def _parts(data: Sequences, which: Ints) -> Iterator[Ints]:
    """The recordings `which`, some at a time."""
    if len(which) == len(data):
        for start, stop in chunks(data, 8 * data.n_features, True):
            for first in range(start, stop, MOST_RECORDINGS):
                yield np.arange(first, min(first + MOST_RECORDINGS, stop))
        return
    for first in range(0, len(which), 200):
        yield which[first : first + 200]
