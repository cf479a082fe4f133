"""Training sequences in; cross-validated accuracy and log loss of settings of RNNClassifier out.

All settings are compared on the same folds and the same seeds.
"""

from __future__ import annotations

import inspect
import statistics
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold

from elman import RNNClassifier

Settings = dict[str, Any]

Grid = list[Settings]

READOUTS: Grid = [
    {"readout": readout, "learning_rate_init": rate, "alpha": alpha}
    for readout in ("last", "mean", "max")
    for rate in (0.003, 0.006, 0.01)
    for alpha in (0.0, 0.003)
]
SIZES: Grid = [
    {"hidden_size": hidden_size, "learning_rate_init": rate, "max_iter": max_iter}
    for hidden_size in (64, 96, 128)
    for rate in (0.002, 0.003, 0.006)
    for max_iter in (60, 100)
]
FINALISTS: Grid = [
    {},
    {"hidden_size": 64},
    {"hidden_size": 128},
    {"readout": "last"},
    {"readout": "last", "hidden_size": 128},
]
"""The best so far, to be compared once more on other folds: the best of many is best by luck too"""
ALTERNATIVES: Grid = [
    {},
    {"readout": "last"},
    {"readout": "mean"},
    {"activation": "relu"},
    {"recurrent_init": "uniform"},
    {"recurrent_init": "identity"},
    {"alpha": 0.001},
    {"alpha": 0.01},
    {"solver": "adamw", "alpha": 1.0},
    {"learning_rate": "constant"},
    {"max_iter": 200},
    {"batch_size": 64},
    {"max_grad_norm": 0.3},
    {"max_grad_norm": None},
    {"standardize": False},
]
"""The defaults, and then one thing about them changed"""


class Task(NamedTuple):
    """Sequences to cross-validate on."""

    name: str
    X: Any
    y: NDArray[Any]
    n_repeats: int
    """of five folds: more where there is less data"""


class Score(NamedTuple):
    """Over all folds."""

    accuracy: float
    """mean, in per cent"""
    log_loss: float
    """mean, in nats; tells more than accuracy does about few samples"""


def defaults() -> Settings:
    """Every argument of the classifier that has a default, by name."""
    parameters = inspect.signature(RNNClassifier).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def make_bumps(n_samples: int = 200, random_state: int = 0) -> tuple[Any, NDArray[Any]]:
    """Noise of three features for 80 steps; the class is the one that is higher for 8 of them."""
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 3)
    X = rng.normal(size=(n_samples, 80, 3)).astype(np.float32)
    for x, feature in zip(X, y, strict=True):
        start = rng.integers(0, 70)
        x[start : start + 8, feature] += 2.0
    return X, y


def cross_validate(task: Task, settings: Settings, seed: int) -> Score:
    """Folds are drawn from `seed`, and the network of fold k is started from 100 seed + k."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=task.n_repeats, random_state=seed)
    split = folds.split(np.zeros(len(task.y)), task.y)
    accuracies, losses = [], []
    for start, (train, test) in enumerate(split, 100 * seed):
        clf = RNNClassifier(random_state=start, **settings)
        clf.fit(_take(task.X, train), task.y[train])
        probabilities = clf.predict_proba(_take(task.X, test)).astype(np.float64)
        codes = np.searchsorted(clf.classes_, task.y[test])
        accuracies.append(float((probabilities.argmax(axis=1) == codes).mean()))
        of_truth = probabilities[np.arange(len(codes)), codes]
        losses.append(float(-np.log(np.maximum(of_truth, 1e-7)).mean()))
    return Score(100 * statistics.mean(accuracies), statistics.mean(losses))


def select(tasks: list[Task], rows: Grid, seed: int) -> list[dict[str, Any]]:
    """Cross-validate every row on every task; print a Markdown table while at it."""
    headings = [f"{task.name} x{task.n_repeats}" for task in tasks]
    print(f"| settings | {' | '.join(headings)} |")
    print(f"| --- |{' ---: |' * len(tasks)}", flush=True)
    results = []
    for settings in rows:
        scores = {task.name: cross_validate(task, settings, seed) for task in tasks}
        cells = [f"{score.accuracy:.1f}, {score.log_loss:.3f}" for score in scores.values()]
        text = ", ".join(f"{name} {value}" for name, value in settings.items()) or "the defaults"
        print(f"| {text} | {' | '.join(cells)} |", flush=True)
        results.append(
            {
                "settings": settings,
                "scores": {
                    name: {"accuracy": score.accuracy, "log_loss": score.log_loss}
                    for name, score in scores.items()
                },
            }
        )
    return results


def _take(X: Any, indices: NDArray[np.intp]) -> Any:
    return X[indices] if isinstance(X, np.ndarray) else [X[i] for i in indices]
