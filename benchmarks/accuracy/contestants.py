"""A contestant, a data set and a seed in; its score on the official test split out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks import sets

Found = dict[str, Any]
"""score: accuracy or R^2 in per cent; seconds of CPU and of wall time of the fit; and more"""
Fitted = tuple[Callable[[Any], Any], Found]
"""What answers recordings with labels or numbers, and what is to be known of it."""


class Job(NamedTuple):
    """One fit, and its score."""

    contestant: str
    name: str
    """of a data set"""
    seed: int


def run(job: Job) -> Found:
    """Fit on the training split with one thread, and score on the test split."""
    data = load(job.name)
    start, start_cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a hint about a training does not belong to its score
        predict, about = CONTESTANTS[job.contestant](data, job.seed)
    times = {"seconds": time.process_time() - start_cpu, "wall": time.perf_counter() - start}
    return {"score": score(data, predict(data.X_test)), **times, **about}


def warm_up() -> None:
    """What a process does once only, such as imports, is not to be timed with its first fit."""
    from elman import RNNClassifier

    RNNClassifier(hidden_size=2, max_iter=1, n_jobs=1).fit(np.eye(4)[:, :, np.newaxis], [0, 1] * 2)


@cache
def load(name: str) -> sets.DataSet:
    return sets.load(name)


def score(data: sets.DataSet, answers: Any) -> float:
    """Accuracy, or R^2, in per cent."""
    y, answers = np.asarray(data.y_test), np.ravel(np.asarray(answers))
    if data.kind == "classification":
        return 100 * float(np.mean(answers == y))
    return 100 * (1 - float(np.sum((y - answers) ** 2) / np.sum((y - y.mean()) ** 2)))


def untouched(data: sets.DataSet, seed: int) -> Fitted:
    """Our estimator without an argument; the number of threads does not change a bit of it."""
    from elman import RNNClassifier, RNNRegressor

    make = RNNRegressor if data.kind == "regression" else RNNClassifier
    model = make(random_state=seed, n_jobs=1).fit(data.X_train, data.y_train)
    if model.history_.stopped_by == "interrupt":  # Ctrl-C ends a fit, which is whole all the same
        raise KeyboardInterrupt
    return model.predict, chosen(model, len(data.y_train))


def chosen(model: Any, n_samples: int) -> Found:
    """What a fitted estimator chose by itself, with its reasons."""
    front = model.frontend_
    return {
        "deltas": front.deltas,
        "stride": front.stride,
        "scale_each": front.scale_each,
        "reasons": list(front.reasons),
        "n_epochs": model.n_iter_,
        "n_steps": -(-n_samples // model.batch_size_) * model.n_iter_,
    }


def tuned(data: sets.DataSet, seed: int, minutes: float) -> Fitted:
    """What `elman.tune` makes of so many minutes, with all cores."""
    import elman

    model, table = elman.tune(data.X_train, data.y_train, minutes=minutes, random_state=seed)
    if table.interrupted:
        raise KeyboardInterrupt
    plain = type(model)().get_params()
    changed = {k: v for k, v in model.get_params().items() if k in plain and v != plain[k]}
    named = {k: v for k, v in changed.items() if k not in ("random_state", "n_jobs", "verbose")}
    return model.predict, {"settings": {k: repr(v) for k, v in named.items()}}


def constant(data: sets.DataSet, seed: int) -> Fitted:
    """The commonest class, or the mean."""
    if data.kind == "regression":
        answer = np.mean(data.y_train)
    else:
        labels, counts = np.unique(data.y_train, return_counts=True)
        answer = labels[counts.argmax()]
    return lambda X: np.full(len(X), answer), {}


def ten_points(data: sets.DataSet, seed: int) -> Fitted:
    """A linear model of the values at ten evenly spaced instants of each feature."""
    from elman.evaluation.baselines import resampled

    return _linear(data, resampled(10)), {}


def statistics(data: sets.DataSet, seed: int) -> Fitted:
    """A linear model of mean, deviation and last value of each feature, and of the length."""
    from elman.evaluation.baselines import summarised

    return _linear(data, summarised), {}


def _linear(data: sets.DataSet, columns: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Logistic or ridge regression."""
    from elman.evaluation.baselines import fit_logistic, fit_ridge

    if data.kind == "regression":
        answer = fit_ridge(columns(data.X_train), data.y_train[:, np.newaxis])
    else:
        answer = fit_logistic(columns(data.X_train), data.y_train)
    return lambda X: answer(columns(X))


def torch_gru(data: sets.DataSet, seed: int) -> Fitted:
    """PyTorch's GRU."""
    from benchmarks.accuracy import torch_gru as gru

    return gru.fit(data, seed), {}


CONTESTANTS: dict[str, Callable[[sets.DataSet, int], Fitted]] = {
    "untouched": untouched,
    "constant": constant,
    "ten points": ten_points,
    "statistics": statistics,
    "torch": torch_gru,
}
WITHOUT_SEED = ("constant", "ten points", "statistics")
