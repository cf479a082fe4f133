"""A model, sequences and the truth in; what every score is added up from, by recording, out.

The model is asked about some recordings at a time, and of its answers sums are kept, so that memory
does not grow with the number of time steps. All that is kept can be added over recordings: a score
of other recordings, drawn with repetition, is that of other sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.models.kinds import Kind, is_of_steps, kind_of_model, names_of_answers
from elman.targets.labels import check_indicator, check_labels, is_indicator
from elman.targets.step_values import check_step_values, refuse_unknown_target
from elman.targets.steps import check_tags
from elman.targets.values import check_values

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

N_BINS = 10
"""of a table of reliability"""
CHUNK = 1 << 20
"""Answers that are held at once: time steps by outputs."""


@dataclass(frozen=True)
class Truth:
    """y as it was checked, in the order of the recordings."""

    kind: Kind
    values: Array
    """codes (n,) or (total_steps,), -1 for a step without a label; an indicator (n, n_labels);
    numbers (n, n_targets) or (total_steps, n_targets), NaN where one is not known"""
    names: list[Any]
    """the classes that the model knows, then those that it does not; or the names of its labels or
    targets"""
    n_known: int
    """how many of them the model knows"""

    def of(self, start: int, stop: int, offsets: Ints) -> Array:
        """The part that belongs to the recordings from `start` to `stop`."""
        if is_of_steps(self.kind):
            start, stop = int(offsets[start]), int(offsets[stop])
        return self.values[start:stop]


def check_truth(model: Any, data: Sequences, y: Any, *, name: str = "y") -> Truth:
    """y as the scores of a model take it.

    Parameters
    ----------
    model : TrainedModel
    data : Sequences
        What it belongs to.
    y : array-like
        As in training. Labels that the model does not know may be among it: every answer to them is
        wrong.
    name : str
        What errors call it.

    Raises
    ------
    TypeError, ValueError
        It cannot be used: it is of another kind than in training, has another length than X, or
        lacks values; names the place and the fix.
    """
    kind = kind_of_model(model)
    if kind == "label":
        if is_indicator(y):
            raise ValueError(
                f"{name} is an indicator matrix, but the model gives one label for each recording: "
                "pass that"
            )
        found, codes = check_labels(y, len(data), classes=model.classes, name=name, strangers=True)
        return _of_labels(kind, model, found, codes)
    if kind == "steps":
        found, codes = check_tags(y, data.lengths, classes=model.classes, name=name, strangers=True)
        return _of_labels(kind, model, found, codes)
    if kind == "labels":
        n_labels = len(model.classes)
        indicator = check_indicator(y, len(data), n_labels=n_labels, name=name)
        return Truth(kind, indicator, [*range(n_labels)], n_labels)
    n_targets = len(model.target_scale.mean)
    if kind == "values":
        values = check_values(y, len(data), n_targets=n_targets, name=name)
        values = values.reshape(len(values), -1)
    else:
        values, _ = check_step_values(y, data.lengths, n_targets=n_targets, name=name)
        refuse_unknown_target(values, name)
    names = names_of_answers(model) or [f"target {k}" for k in range(n_targets)]
    return Truth(kind, values, list(names), n_targets)


def _of_labels(kind: Kind, model: Any, found: Array, codes: Ints) -> Truth:
    """Codes among the classes that the model knows, and then those that it does not."""
    known = model.classes.tolist()
    place = {label: k for k, label in enumerate(known)}
    names = [*known, *(label for label in found.tolist() if label not in place)]
    place = {label: k for k, label in enumerate(names)}
    moved = np.array([*(place[label] for label in found.tolist()), -1], np.int64)
    return Truth(kind, moved[codes], names, len(known))


@dataclass(frozen=True)
class Tally:
    """How often each recording has each class: triples, of which a recording may have several."""

    recording: Ints
    code: Ints
    count: Floats

    def sums(self, weights: Floats, n_classes: int) -> Floats:
        """(n_classes,): the counts of all recordings, each taken `weights` times."""
        return np.bincount(
            self.code, self.count * weights[self.recording], minlength=n_classes
        ).astype(np.float64)


@dataclass(frozen=True)
class OfClasses:
    """What scores of labels are added up from."""

    truth: Truth
    lengths: Ints
    true: Tally
    predicted: Tally
    both: Tally
    units: Floats
    """(n,): answers that are judged: 1, or the labelled steps of the recording"""
    right: Floats
    """(n,): those of them that are right; of several labels only if all are"""
    loss: Floats
    """(n,): sum of the logarithmic loss, in nats"""
    loss_units: Floats
    """(n,): what it is a sum over"""
    pairs: Counter[tuple[int, int]]
    """how often each pair of true and predicted class occurs; of several labels at once none"""
    reliability: Floats
    """(N_BINS, 3): answers, sum of their probabilities, how many of them are right"""
    sureness: Floats
    """(n,): mean probability of the answers; of several labels the least sure one's"""
    margin: Floats
    """(n,): mean distance to the next likeliest answer"""
    answer: Ints
    """(n,): the code of the answer; -1 where there is no single one"""


@dataclass(frozen=True)
class OfNumbers:
    """What scores of numbers are added up from."""

    truth: Truth
    lengths: Ints
    centre: Floats
    """(n_targets,): subtracted from the truth, so that sums of squares keep their digits"""
    sums: Floats
    """(n, n_targets, 5): known targets, sum and sum of squares of the truth less its centre, sum of
    squared and of absolute errors"""
    bins: Floats
    """(n_targets, N_BINS, 4): answers, their sum, the sum of the truth, the sum of squared errors,
    by the size of the answer"""
    spread: Floats
    """(n_targets,): standard deviation of the truth, 1 where it is constant"""
    first: Floats
    """(n, n_targets): the answers to whole recordings; NaN where there is one for each step"""

    @property
    def error(self) -> Floats:
        """(n,): root mean square error of each recording, in deviations; NaN of none."""
        known = self.sums[:, :, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            squared = self.sums[:, :, 3] / self.spread**2
            return np.asarray(np.sqrt(squared.sum(axis=1) / known.sum(axis=1)))


Evidence = OfClasses | OfNumbers


def gather(model: Any, data: Sequences, truth: Truth) -> Evidence:
    """Ask the model about all recordings, and add up what its scores need."""
    if truth.kind in ("values", "step values"):
        return _of_numbers(model, data, truth)
    return _of_classes(model, data, truth)


def chunks(data: Sequences, width: int, of_steps: bool) -> Iterator[tuple[int, int]]:
    """Recordings from `start` to `stop`, of bounded answers and at least one at a time."""
    ends = data.offsets[1:] if of_steps else np.arange(1, len(data) + 1)
    start, before = 0, 0
    while start < len(data):
        bound = before + max(1, CHUNK // max(1, width))
        stop = max(start + 1, int(np.searchsorted(ends, bound, side="right")))
        yield start, stop
        start, before = stop, int(ends[stop - 1])


def _part(data: Sequences, start: int, stop: int) -> Sequences:
    return data if (start, stop) == (0, len(data)) else data.subset(slice(start, stop))


def _of_classes(model: Any, data: Sequences, truth: Truth) -> OfClasses:
    n, n_classes, of_steps = len(data), len(truth.names), is_of_steps(truth.kind)
    tallies: list[list[tuple[Array, Array, Array]]] = [[], [], []]
    columns = {
        name: np.zeros(n) for name in ("units", "right", "loss", "loss_units", "sureness", "margin")
    }
    answer = np.full(n, -1, np.int64)
    pairs: Counter[tuple[int, int]] = Counter()
    reliability = np.zeros((N_BINS, 3))
    for start, stop in chunks(data, truth.n_known, of_steps):
        asked = replace(model, first=start)
        part, y = _part(data, start, stop), truth.of(start, stop, data.offsets)
        if truth.kind == "labels":
            found = _several(np.asarray(asked.logits(part), np.float64), y)
            rows = np.arange(len(y))
        elif of_steps:
            rows = np.repeat(np.arange(stop - start), part.lengths)
            there = y >= 0
            z = np.concatenate([*asked.logits_over_time(part)])
            rows, y, z = rows[there], y[there], np.asarray(z[there], np.float64)
            found = _one(z, y, truth.n_known)
        else:
            z = np.asarray(asked.logits(part), np.float64)
            rows, found = np.arange(len(y)), _one(z, y, truth.n_known)
            answer[start:stop] = found["predicted"]
        for name in ("right", "loss", "loss_units", "units"):
            columns[name][start:stop] = np.bincount(rows, found[name], minlength=stop - start)
        n_rows = np.maximum(np.bincount(rows, minlength=stop - start), 1)
        for name in ("sureness", "margin"):
            summed = np.bincount(rows, found[name], minlength=stop - start)
            columns[name][start:stop] = summed / n_rows
        bins = np.minimum((found["p"] * N_BINS).astype(np.int64), N_BINS - 1)
        for k, weights in enumerate((np.ones(len(bins)), found["p"], found["hit"])):
            reliability[:, k] += np.bincount(bins, weights, minlength=N_BINS)
        if truth.kind == "labels":
            true, predicted = y != 0, found["predicted"] != 0
            for kept, wanted in zip(tallies, (true, predicted, true & predicted), strict=True):
                r, codes = np.nonzero(wanted)
                kept.append((r + start, codes, np.ones(len(r))))
        else:
            predicted = found["predicted"]
            hit = y == predicted
            for kept, (r, k) in zip(
                tallies, ((rows, y), (rows, predicted), (rows[hit], y[hit])), strict=True
            ):
                kept.append(_counted(r, k, n_classes, start))
            both, counts = np.unique(y * n_classes + predicted, return_counts=True)
            for key, count in zip(both.tolist(), counts.tolist(), strict=True):
                pairs[divmod(key, n_classes)] += count
    tallied = [
        Tally(*(np.concatenate(part) for part in zip(*kept, strict=True))) for kept in tallies
    ]
    return OfClasses(
        truth=truth,
        lengths=data.lengths,
        true=tallied[0],
        predicted=tallied[1],
        both=tallied[2],
        pairs=pairs,
        reliability=reliability,
        answer=answer,
        **columns,
    )


def _counted(rows: Array, codes: Array, n_classes: int, start: int) -> tuple[Array, Array, Array]:
    """Each pair of recording and class once, with how often it occurs."""
    keys, counts = np.unique(rows * n_classes + codes, return_counts=True)
    return keys // n_classes + start, keys % n_classes, counts.astype(np.float64)


def _one(z: Floats, y: Ints, n_known: int) -> dict[str, Array]:
    """Logits (n, n_known) and codes (n,): what each answer adds."""
    n = len(y)
    predicted = z.argmax(axis=1)
    shifted = z - z.max(axis=1, keepdims=True, initial=-np.inf) if n else z
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    ordered = np.sort(p, axis=1)
    best = ordered[:, -1]
    second = ordered[:, -2] if n_known > 1 else np.zeros(n)
    known = y < n_known
    loss = np.zeros(n)
    loss[known] = -log_p[known, y[known]]
    hit = (predicted == y).astype(np.float64)
    return {
        "predicted": predicted,
        "units": np.ones(n),
        "right": hit,
        "loss": loss,
        "loss_units": known.astype(np.float64),
        "sureness": best,
        "margin": best - second,
        "p": best,
        "hit": hit,
    }


def _several(z: Floats, y: Array) -> dict[str, Array]:
    """Logits (n, n_labels) and an indicator: what each recording adds."""
    signed = np.where(y != 0, z, -z)
    predicted = (z > 0).astype(np.int64)
    with np.errstate(over="ignore"):
        p = 1 / (1 + np.exp(-z))
    distance = np.abs(p - 0.5).min(axis=1, initial=0.5)
    return {
        "predicted": predicted,
        "units": np.ones(len(y)),
        "right": (predicted == y).all(axis=1).astype(np.float64),
        "loss": np.logaddexp(0, -signed).sum(axis=1),
        "loss_units": np.full(len(y), float(y.shape[1])),
        "sureness": 0.5 + distance,
        "margin": 2 * distance,
        "p": p.ravel(),
        "hit": (y != 0).astype(np.float64).ravel(),
    }


def _of_numbers(model: Any, data: Sequences, truth: Truth) -> OfNumbers:
    n, n_targets, of_steps = len(data), len(truth.names), is_of_steps(truth.kind)
    known_values = [column[~np.isnan(column)] for column in truth.values.T]
    centre = np.array([column.mean() if len(column) else 0.0 for column in known_values])
    spread = np.array([column.std() if len(column) else 0.0 for column in known_values])
    inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
    edges = [np.unique(np.quantile(column, inner)) if len(column) else inner
             for column in known_values]  # fmt: skip
    sums, bins = np.zeros((n, n_targets, 5)), np.zeros((n_targets, N_BINS, 4))
    first = np.full((n, n_targets), np.nan)
    for start, stop in chunks(data, n_targets, of_steps):
        asked = replace(model, first=start)
        part, y = _part(data, start, stop), truth.of(start, stop, data.offsets)
        answers: Any = asked.predict(part)
        if of_steps:
            answers = np.concatenate([*answers])
        answers = np.asarray(answers, np.float64).reshape(y.shape)
        rows = np.repeat(np.arange(stop - start), part.lengths if of_steps else 1)
        if not of_steps:
            first[start:stop] = answers
        for k in range(n_targets):
            there = ~np.isnan(y[:, k])
            z, t, r = answers[there, k], y[there, k], rows[there]
            error, away = z - t, t - centre[k]
            added = (np.ones(len(t)), away, away**2, error**2, np.abs(error))
            for i, values in enumerate(added):
                sums[start:stop, k, i] = np.bincount(r, values, minlength=stop - start)
            place = np.searchsorted(edges[k], z)
            for i, values in enumerate((np.ones(len(t)), z, t, error**2)):
                bins[k, :, i] += np.bincount(place, values, minlength=N_BINS)
    return OfNumbers(
        truth=truth,
        lengths=data.lengths,
        centre=centre,
        sums=sums,
        bins=bins,
        spread=np.where(spread > 0, spread, 1.0),
        first=first,
    )
