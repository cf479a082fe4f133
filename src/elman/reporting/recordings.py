"""What each recording adds in; a few telling recordings, with what their answers rest on, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.named import NamedSequences
from elman.data.sequences import Sequences
from elman.data.symbols.naming import StepNames
from elman.explain.occlusion import occlusion
from elman.models.fitted import Fitted
from elman.models.kinds import is_of_numbers, is_of_steps
from elman.nn.losses import linked
from elman.reporting.evidence import Evidence, Ints, OfClasses, OfNumbers
from elman.reporting.plain import number, plain

Array = NDArray[Any]
Fact = dict[str, Any]

EACH = 2
"""recordings of each sort"""
MOST_POINTS = 160
"""of a picture; longer recordings are averaged over equal parts"""
MOST_LINES = 4
"""features in a picture: those that vary most"""
MOST_TOKENS = 400
"""that are told of a recording of symbols, from its first one on"""
MOST_WINDOWS = 48
"""parts of a recording that are left out in turn"""
MOST_VALUES = 1 << 22
"""values of all copies of a recording, of which each lacks another part"""


def chosen(evidence: Evidence) -> list[tuple[str, int]]:
    """Recordings that are worth a look: which sort each is of, and its number.

    Of labels: those answered rightly with most certainty, those answered wrongly with most
    certainty, and those of which the answer was least certain. Of numbers: those with the smallest,
    the largest and a middling error.
    """
    n = len(evidence.lengths)
    every = np.arange(n)
    if isinstance(evidence, OfNumbers):
        error = evidence.error
        known = every[np.isfinite(error)]
        ordered = known[np.argsort(error[known], kind="stable")]
        middle = max(0, (len(ordered) - EACH) // 2)
        orders = {
            "smallest error": ordered,
            "largest error": ordered[::-1],
            "middling error": np.concatenate([ordered[middle:], ordered[:middle]]),
        }
    else:
        judged = evidence.units > 0
        right = evidence.right == evidence.units
        surest = np.argsort(-evidence.sureness, kind="stable")
        if is_of_steps(evidence.truth.kind):
            share = evidence.right / np.maximum(evidence.units, 1)
            worst = np.argsort(share, kind="stable")
            wrong = worst[judged[worst] & (share[worst] < 1)]
        else:
            wrong = surest[(judged & ~right)[surest]]
        least = np.argsort(evidence.margin, kind="stable")
        orders = {
            "right": _of_several_classes(evidence, surest[(judged & right)[surest]]),
            "wrong": wrong,
            "unsure": least[judged[least]],
        }
    found: list[tuple[str, int]] = []
    taken: set[int] = set()
    for sort, order in orders.items():
        fresh = [i for i in order[: EACH + len(taken)].tolist() if i not in taken][:EACH]
        found += [(sort, i) for i in fresh]
        taken |= set(fresh)
    return found


def _of_several_classes(evidence: OfClasses, order: Ints) -> Ints:
    """The same recordings, first one of each answer."""
    if len(order) == 0 or evidence.answer[order[0]] < 0:
        return order
    _, first = np.unique(evidence.answer[order], return_index=True)
    first = np.sort(first)
    rest = np.setdiff1d(np.arange(len(order)), first)
    return np.asarray(order[np.concatenate([first, rest])])


def recording_facts(
    found: Fitted, data: Sequences, evidence: Evidence, ids: list[Any] | None, names: list[str]
) -> list[Fact]:
    """The chosen recordings: values, truth, answer and attribution of each."""
    facts = []
    for sort, i in chosen(evidence):
        one = data.subset([i])
        fact: Fact = {
            "sort": sort,
            "index": i,
            "id": None if ids is None else plain(ids[i]),
            "n_steps": int(data.lengths[i]),
            "series": _series(found, one, names),
        }
        if found.model.symbols is not None:
            fact["tokens"] = StepNames(found.model.symbols)(one[0][:MOST_TOKENS])
        of_steps = is_of_steps(evidence.truth.kind)
        fact |= (_step_answers if of_steps else _answer)(found.model, one, evidence, data, i)
        facts.append(fact)
    return facts


def _series(found: Fitted, one: Sequences, names: list[str]) -> Fact:
    """The values of the features that vary most, standardised, in few enough points.

    Categories have none.
    """
    x = np.asarray(one[0], np.float64)
    if found.model.standardisation is not None:
        mean, scale = found.model.standardisation
        x = (x - mean) / scale
    n_codes = found.model.frontend.n_codes
    x, names = x[:, n_codes:], names[n_codes:]
    edges = _edges(len(x), MOST_POINTS)
    there = ~np.isnan(x)
    kept = list(range(x.shape[1]))
    if len(kept) > MOST_LINES:
        count = np.maximum(there.sum(axis=0), 1)
        filled = np.where(there, x, 0)
        mean = filled.sum(axis=0) / count
        spread = (np.where(there, x - mean, 0) ** 2).sum(axis=0) / count
        kept = sorted(np.argsort(-spread, kind="stable")[:MOST_LINES].tolist())
    lines = []
    for k in kept:
        parts = [x[a:b, k][there[a:b, k]] for a, b in edges]
        lines.append([number(part.mean()) if len(part) else None for part in parts])
    return {
        "standardised": found.model.standardisation is not None or bool(found.scalers),
        "features": [names[k] for k in kept],
        "n_features": x.shape[1],
        "steps": [a for a, _ in edges],
        "values": lines,
    }


def _edges(n: int, most: int) -> list[tuple[int, int]]:
    """At most `most` parts of `n` steps, equally long but for the last: (first, one past last)."""
    width = max(1, -(-n // most))
    return [(a, min(a + width, n)) for a in range(0, n, width)]


def _answer(model: Any, one: Sequences, evidence: Evidence, data: Sequences, i: int) -> Fact:
    """Truth, answer and attribution of a recording with one answer."""
    truth = evidence.truth
    backend = model.current_backend()
    p = linked(model.logits(one), model.link, backend.fused)[0].astype(np.float64)
    if is_of_numbers(truth.kind):
        told = {
            "truth": plain(truth.values[i]),
            "answer": plain(np.asarray(model.predict(one), np.float64).reshape(-1)),
            "probability": None,
        }
        return told | {"attribution": _attribution(model, one, 0, truth.names[0])}
    if truth.kind == "labels":
        k = int(np.abs(p - 0.5).argmin())
        told = {
            "truth": [truth.names[j] for j in np.flatnonzero(truth.values[i]).tolist()],
            "answer": [truth.names[j] for j in np.flatnonzero(p > 0.5).tolist()],
            "probability": None,
        }
        return told | {"attribution": _attribution(model, one, k, f"label {truth.names[k]}")}
    k = int(p.argmax())
    true = int(truth.values[i])
    return {
        "truth": truth.names[true],
        "answer": truth.names[k],
        "probability": number(p[k]),
        "probability_of_truth": number(p[true]) if true < truth.n_known else None,
        "attribution": _attribution(model, one, k, truth.names[k]),
    }


def _attribution(model: Any, one: Sequences, target: int, of: Any) -> Fact | None:
    """How much the answer loses when a part of the recording is taken out of it, part by part.

    Of a class or label it is measured in log-odds: a probability near 1 hardly changes, whatever is
    taken away.
    """
    n = len(one[0])
    one_class = model.link == "softmax" and model.network.layout.n_outputs == 1
    if n < 2 or one_class:  # there is no other answer
        return None
    slides = n * n * one.n_features <= MOST_VALUES
    edges, values = (_sliding if slides else _apart)(model, one, target)
    return {
        "of": of,
        "how": "deletion",
        "unit": "value" if model.link == "identity" else "log-odds",
        "from": [a for a, _ in edges],
        "to": [b for _, b in edges],
        "values": [number(v) for v in values],
    }


def _sliding(model: Any, one: Sequences, target: int) -> tuple[list[tuple[int, int]], list[Any]]:
    """Windows that slide over the recording; the value of each step, or part of it."""
    x = np.asarray(one[0])
    model = model.after_scalers  # which the recording has been through
    named: Any = [x]
    if one.two_d:
        named = x.T
    elif model.feature_names is not None:
        named = NamedSequences([x], model.feature_names)
    several = model.kind != "RNNClassifier" or model.multilabel
    found = occlusion(
        model,
        named,
        by="delete",
        window=max(1, round(len(x) / MOST_WINDOWS)),
        target=target if several else model.classes[target],
    )
    values = np.asarray(found.values[0], np.float64)[:, 0]
    edges = _edges(len(x), MOST_POINTS)
    return edges, [_mean(values[a:b]) for a, b in edges]


def _apart(model: Any, one: Sequences, target: int) -> tuple[list[tuple[int, int]], list[Any]]:
    """Parts that do not overlap, of a recording that is too long for a window at each step."""
    x = np.asarray(one[0])
    n = len(x)
    edges = _edges(n, max(2, min(MOST_WINDOWS, MOST_VALUES // max(1, x.size))))
    backend = model.current_backend()
    answers = [_answer_to(model.logits(one, backend)[0], model, target)]
    for a, b in edges:
        without = Sequences(np.concatenate([x[:a], x[b:]]), [n - (b - a)], two_d=one.two_d)
        without.missing = one.missing
        answers.append(_answer_to(model.logits(without, backend)[0], model, target))
    return edges, [answers[0] - answer for answer in answers[1:]]


def _answer_to(logits: Array, model: Any, target: int) -> float:
    """What is measured of logits (n_outputs,): the log-odds of a class or label, or a value."""
    z = np.asarray(logits, np.float64)
    if model.link == "identity":
        return float(np.reshape(model.from_linked(z[np.newaxis]), -1)[target])
    if model.link == "sigmoid":
        return float(z[target])
    others = np.delete(z, target)
    return float(z[target] - np.logaddexp.reduce(others)) if len(others) else 0.0


def _step_answers(model: Any, one: Sequences, evidence: Evidence, data: Sequences, i: int) -> Fact:
    """Truth and answer of every time step, in few enough parts."""
    truth = evidence.truth
    y = truth.of(i, i + 1, data.offsets)
    z = model.logits_over_time(one)[0]
    edges = _edges(len(y), MOST_POINTS)
    if isinstance(evidence, OfNumbers):
        values = np.asarray(model.predict(one)[0], np.float64).reshape(y.shape)
        with np.errstate(invalid="ignore"):
            error = np.abs(values - y)[:, 0]
        return {
            "error": number(evidence.error[i]),
            "steps": {
                "from": [a for a, _ in edges],
                "truth": [_mean(y[a:b, 0]) for a, b in edges],
                "answer": [_mean(values[a:b, 0]) for a, b in edges],
                "target": truth.names[0],
            },
            "worst_step": int(np.nanargmax(error)) if np.isfinite(error).any() else None,
        }
    found = z.argmax(axis=1)
    right = np.where(y >= 0, (found == y).astype(np.float64), np.nan)
    p = linked(z, model.link, model.current_backend().fused).max(axis=1)
    wrong = np.flatnonzero(right == 0)
    counts = sorted(
        ((int(c), a, b) for (a, b), c in _pairs(y[wrong], found[wrong]).items()),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    return {
        "n_right": int(np.nansum(right)),
        "n_labelled": int((y >= 0).sum()),
        "steps": {
            "from": [a for a, _ in edges],
            "right": [_mean(right[a:b]) for a, b in edges],
            "probability": [_mean(p[a:b]) for a, b in edges],
        },
        "mistakes": [
            {"true": truth.names[a], "predicted": truth.names[b], "count": c}
            for c, a, b in counts[:3]
        ],
        "worst_step": int(wrong[p[wrong].argmax()]) if len(wrong) else None,
    }


def _pairs(true: Ints, predicted: Ints) -> dict[tuple[int, int], int]:
    pairs, counts = np.unique(np.stack([true, predicted], axis=1), axis=0, return_counts=True)
    return {(int(a), int(b)): int(c) for (a, b), c in zip(pairs, counts, strict=True)}


def _mean(values: Array) -> float | None:
    values = values[~np.isnan(values)]
    return number(values.mean()) if len(values) else None
