"""Sums of recordings in; scores with intervals, tables of classes, lengths and reliability out.

Intervals are those of the percentile bootstrap, Efron and Tibshirani (1993), "An introduction to
the bootstrap", section 13.3: recordings are drawn anew with repetition, and each score is computed
of those. A recording is drawn whole, with all its time steps, which are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.reporting.evidence import Evidence, Floats, OfClasses, OfNumbers
from elman.reporting.plain import number

Scores = dict[str, float]
Fact = dict[str, Any]

LEVEL = 0.95
"""of the intervals"""
N_GROUPS = 5
"""of recordings by their length, at most"""
MOST_PAIRS = 1000
"""pairs of classes that are told, where there are too many for a matrix"""
MOST_OF_MATRIX = 200
"""classes that a whole matrix is told of"""


def class_sums(evidence: OfClasses, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """How many are of each class, were predicted to be, and both; each (n_classes,)."""
    n_classes = len(evidence.truth.names)
    tallies = (evidence.true, evidence.predicted, evidence.both)
    true, predicted, both = (tally.sums(weights, n_classes) for tally in tallies)
    return true, predicted, both


def scores_of(evidence: Evidence, weights: Floats | None = None) -> Scores:
    """The scores of all recordings, each taken `weights` times; NaN for one that is not defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if weights is None:
            weights = np.ones(len(evidence.lengths))
        if isinstance(evidence, OfClasses):
            return _of_classes(evidence, weights)
        return _of_numbers(evidence, weights)


def _of_classes(evidence: OfClasses, weights: Floats) -> Scores:
    true, predicted, both = class_sums(evidence, weights)
    there = true > 0
    recall = both[there] / true[there]
    seen = true + predicted > 0
    f1 = 2 * both[seen] / (true + predicted)[seen]
    found = {
        "accuracy": np.float64((weights * evidence.right).sum()) / (weights * evidence.units).sum(),
        "balanced_accuracy": recall.mean() if len(recall) else np.nan,
        "macro_f1": f1.mean() if len(f1) else np.nan,
        "log_loss": np.float64((weights * evidence.loss).sum())
        / (weights * evidence.loss_units).sum(),
    }
    if evidence.truth.kind == "labels":
        micro = np.float64(2 * both.sum()) / (true.sum() + predicted.sum())
        found = {
            "subset_accuracy": found["accuracy"],
            "macro_f1": found["macro_f1"],
            "micro_f1": micro,
            "log_loss": found["log_loss"],
        }
    return {name: float(value) for name, value in found.items()}


def target_scores(evidence: OfNumbers, weights: Floats) -> dict[str, Floats]:
    """R^2, MAE and RMSE of each target, (n_targets,)."""
    n, y, squares, errors, absolute = (
        np.tensordot(weights, evidence.sums[:, :, i], 1) for i in range(5)
    )
    deviation = squares - y**2 / n
    # The sums have rounding: a target that does not vary has no R^2.
    varies = deviation > 1e-12 * np.maximum(squares, np.finfo(np.float64).tiny)
    r_squared = np.where(varies & (n > 1), 1 - errors / np.where(varies, deviation, 1), np.nan)
    return {"r2": r_squared, "mae": absolute / n, "rmse": np.sqrt(errors / n)}


def _of_numbers(evidence: OfNumbers, weights: Floats) -> Scores:
    return {name: mean_known(v) for name, v in target_scores(evidence, weights).items()}


def mean_known(values: Floats) -> float:
    """The mean over targets of which the score is defined; NaN if it is of none.

    R^2 is not defined of a target that does not vary, which says nothing of the others.
    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def draws(n: int, n_resamples: int, seed: int) -> Iterator[Floats]:
    """How often each of `n` recordings is drawn, `n_resamples` times."""
    rng = np.random.default_rng(seed)
    for _ in range(n_resamples):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


def with_intervals(
    n: int, score: Callable[[Floats | None], Scores], n_resamples: int, seed: int
) -> dict[str, Fact]:
    """Each score with the interval in which 95 % of its bootstrap replicates lie.

    Parameters
    ----------
    n : int
        Recordings.
    score : callable
        The scores of recordings taken so many times each, (n,); None is each once.
    n_resamples, seed : int

    Returns
    -------
    dict of str to dict
        `value`, and `low` and `high`, which are None of fewer than two recordings.
    """
    values = score(None)
    found: dict[str, list[float]] = {name: [] for name in values}
    if n > 1:
        for weights in draws(n, n_resamples, seed):
            for name, value in score(weights).items():
                if np.isfinite(value):
                    found[name].append(value)
    facts = {}
    for name, value in values.items():
        low = high = None
        if len(found[name]) > 1 and np.isfinite(value):
            low, high = np.quantile(found[name], ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
        facts[name] = {"value": number(value), "low": number(low), "high": number(high)}
    return facts


def class_table(evidence: OfClasses) -> list[Fact]:
    """Precision, recall and F1 of each class."""
    true, predicted, both = class_sums(evidence, np.ones(len(evidence.lengths)))
    table = []
    for k, name in enumerate(evidence.truth.names):
        t, p, b = float(true[k]), float(predicted[k]), float(both[k])
        table.append(
            {
                "label": name,
                "known": k < evidence.truth.n_known,
                "n_true": int(t),
                "n_predicted": int(p),
                "precision": b / p if p else None,
                "recall": b / t if t else None,
                "f1": 2 * b / (t + p) if t + p else None,
            }
        )
    return table


def confusion(evidence: OfClasses) -> Fact | None:
    """How often each class was taken for each: a matrix, or the commonest mistakes."""
    if evidence.truth.kind == "labels":
        return None
    names, pairs = evidence.truth.names, evidence.pairs
    wrong = sorted(
        ((count, i, j) for (i, j), count in pairs.items() if i != j),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    fact: Fact = {
        "labels": names,
        "n_pairs_confused": len(wrong),
        "mistakes": [
            {"true": names[i], "predicted": names[j], "count": count}
            for count, i, j in wrong[:MOST_PAIRS]
        ],
        "matrix": None,
    }
    if len(names) <= MOST_OF_MATRIX:
        matrix = [[0] * len(names) for _ in names]
        for (i, j), count in pairs.items():
            matrix[i][j] = count
        fact["matrix"] = matrix
    return fact


def reliability(evidence: OfClasses) -> Fact:
    """How often answers of about the same probability are right, and the mean gap between both.

    The gap is the expected calibration error of Naeini, Cooper and Hauskrecht (2015), "Obtaining
    well calibrated probabilities using Bayesian binning", with bins of equal width.
    """
    table, n_all = [], float(evidence.reliability[:, 0].sum())
    gap = 0.0
    for k, (n, p, hits) in enumerate(evidence.reliability.tolist()):
        edges = {"from": k / len(evidence.reliability), "to": (k + 1) / len(evidence.reliability)}
        if n:
            gap += abs(hits - p) / n_all
        table.append(
            edges
            | {"n": int(n), "probability": p / n if n else None, "right": hits / n if n else None}
        )
    return {
        "of": "each label" if evidence.truth.kind == "labels" else "the answer",
        "bins": table,
        "expected_calibration_error": gap if n_all else None,
    }


def answers_by_size(evidence: OfNumbers) -> list[list[Fact]]:
    """For each target: answers of about the same size, beside the truth."""
    return [
        [
            {"n": int(n), "answer": z / n, "truth": t / n, "rmse": float(np.sqrt(e / n))}
            for n, z, t, e in target.tolist()
            if n
        ]
        for target in evidence.bins
    ]


def target_table(evidence: OfNumbers) -> list[Fact]:
    """The errors of each target."""
    ones = np.ones(len(evidence.lengths))
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = target_scores(evidence, ones)
    known = evidence.sums[:, :, 0].sum(axis=0)
    return [
        {"target": name, "n": int(known[k])}
        | {key: number(values[k]) for key, values in scores.items()}
        for k, name in enumerate(evidence.truth.names)
    ]


def by_length(evidence: Evidence) -> list[Fact]:
    """The main score of recordings of about the same length: equally many in each group."""
    lengths: NDArray[np.int64] = evidence.lengths
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, N_GROUPS + 1), method="lower"))
    if len(edges) < 2:
        return []
    groups = np.minimum(np.searchsorted(edges[1:-1], lengths, side="right"), len(edges) - 2)
    table = []
    for g in range(len(edges) - 1):
        there = groups == g
        if not there.any():
            continue
        scores = scores_of(evidence, there.astype(np.float64))
        name = main_score(evidence, of_groups=True)
        inside = lengths[there]
        table.append(
            {
                "shortest": int(inside.min()),
                "longest": int(inside.max()),
                "n": int(there.sum()),
                name: number(scores[name]),
            }
        )
    return table


def main_score(evidence: Evidence, *, of_groups: bool = False) -> str:
    """The score that stands for all: the one that `score` of the estimator returns.

    Targets that do not vary, which `score` gives an R^2 of 0 or 1, are left out of its mean here.
    Of groups of numbers it is the root mean square error, since R^2 is relative to each group.
    """
    if isinstance(evidence, OfNumbers):
        return "rmse" if of_groups else "r2"
    return "subset_accuracy" if evidence.truth.kind == "labels" else "accuracy"
