"""Sequences in; how many, how long, what is missing, and how far from the training data, out.

Everything is read some recordings at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.reporting.about_symbols import MORE_UNKNOWN
from elman.reporting.evidence import Truth, chunks
from elman.reporting.plain import number

Fact = dict[str, Any]

FAR = 0.25
"""deviations that a mean is away from training's before it is said to have drifted"""
ERRORS = 3
"""standard errors of the mean that it has to be away as well"""
WIDER = 1.5
"""how many times as wide, or as narrow, a feature is before it is said to have drifted"""
FEWEST = 10
"""recordings, below which a width says nothing"""
N_BARS = 20
"""of the picture of lengths, at most"""


def data_facts(data: Sequences, truth: Truth, stats: Fact) -> Fact:
    """Counts, lengths, missing values and classes."""
    lengths = data.lengths
    quartiles = [whole(q) for q in np.quantile(lengths, (0, 0.25, 0.5, 0.75, 1)).tolist()]
    return {
        "n_recordings": len(data),
        "n_steps": data.n_steps,
        "n_features": data.n_features,
        "n_without_steps": int((lengths == 0).sum()),
        "lengths": dict(zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)),
        "histogram": _histogram(lengths),
        "n_missing": int(sum(stats["missing"])),
        "n_values": data.n_steps * data.n_features,
        "answers": answer_facts(truth),
    }


def whole(value: float) -> float:
    """An int where it is one: lengths are counted."""
    return int(value) if value == int(value) else value


def _histogram(lengths: NDArray[np.int64]) -> list[Fact]:
    """How many recordings there are of each length, or of lengths from one to another."""
    low, high = int(lengths.min()), int(lengths.max())
    width = max(1, -(-(high - low + 1) // N_BARS))
    counts = np.bincount((lengths - low) // width)
    return [
        {"from": low + k * width, "to": min(low + (k + 1) * width - 1, high), "n": int(count)}
        for k, count in enumerate(counts)
    ]


def answer_facts(truth: Truth) -> Fact:
    """What y holds: how many of each class, or the spread of each target."""
    values = truth.values
    if truth.kind in ("values", "step values"):
        targets = []
        for name, column in zip(truth.names, values.T, strict=True):
            known = column[~np.isnan(column)]
            targets.append(
                {
                    "target": name,
                    "n": len(known),
                    "mean": number(known.mean()) if len(known) else None,
                    "deviation": number(known.std()) if len(known) else None,
                    "min": number(known.min()) if len(known) else None,
                    "max": number(known.max()) if len(known) else None,
                }
            )
        return {"targets": targets, "n_unknown": int(np.isnan(values).sum())}
    if truth.kind == "labels":
        counts = values.sum(axis=0, dtype=np.int64)
        n_unlabelled = 0
    else:
        counts = np.bincount(values[values >= 0], minlength=len(truth.names))
        n_unlabelled = int((values < 0).sum())
    return {
        "classes": [
            {"label": name, "n": int(counts[k]), "known": k < truth.n_known}
            for k, name in enumerate(truth.names)
        ],
        "n_unlabelled": n_unlabelled,
    }


def feature_stats(data: Sequences, reference: Standardisation | None) -> Fact:
    """Mean, deviation and missing values of each feature, in deviations of the reference.

    The standard error of the mean treats recordings as independent, not their steps: it is that of
    a ratio, Cochran (1977), "Sampling techniques", equation 2.46.

    Returns
    -------
    dict
        `mean`, `deviation`, `error` and `missing`, each (n_features,).
    """
    n_features = data.n_features
    mean = np.zeros(n_features) if reference is None else np.asarray(reference.mean)
    scale = np.ones(n_features) if reference is None else np.asarray(reference.scale)
    count, total, squares = (np.zeros(n_features) for _ in range(3))
    of_sums, crossed, of_counts = (np.zeros(n_features) for _ in range(3))
    for start, stop in chunks(data, n_features, True):
        lengths = data.lengths[start:stop]
        starts = (data.offsets[start:stop] - data.offsets[start])[lengths > 0]
        if not len(starts):
            continue
        with np.errstate(over="ignore"):
            z = (np.asarray(data.rows(slice(start, stop)), np.float64) - mean) / scale
            there = ~np.isnan(z)
            z = np.where(there, z, 0.0)
            sums = np.add.reduceat(z, starts, axis=0)
            counts = np.add.reduceat(there.astype(np.float64), starts, axis=0)
            count += there.sum(axis=0)
            total += z.sum(axis=0)
            squares += (z**2).sum(axis=0)
            of_sums += (sums**2).sum(axis=0)
            crossed += (sums * counts).sum(axis=0)
            of_counts += (counts**2).sum(axis=0)
    n = len(data)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        m = total / count
        deviation = np.sqrt(np.maximum(squares / count - m**2, 0))
        apart = np.maximum(of_sums - 2 * m * crossed + m**2 * of_counts, 0)
        error = np.sqrt(apart * (n / (n - 1) if n > 1 else np.nan)) / count
    return {
        "mean": m,
        "deviation": deviation,
        "error": error,
        "missing": (data.n_steps - count).astype(np.int64).tolist(),
    }


def drift_facts(
    data: Sequences,
    stats: Fact,
    reference: Standardisation | None,
    source: str,
    names: list[str],
    categories: list[Fact],
) -> Fact | None:
    """How far each feature lies from what it was in training; None where nothing is known of that.

    Parameters
    ----------
    data : Sequences
    stats : dict
        As `feature_stats` computed them with that of the features as the model takes them.
    reference : Standardisation or None
        Mean and deviation of each feature in training, in the units of X.
    source : str
        Where they are from.
    names : list of str
        Of the features.
    categories : list of dict
        Of the first features, which are categories, what is unknown in them.
    """
    if reference is None and not categories:
        return None
    table = []
    for k, name in enumerate(names if reference is not None else ()):
        if k < len(categories) or reference is None:
            continue
        shift, ratio = number(stats["mean"][k]), number(stats["deviation"][k])
        error = number(stats["error"][k])
        by_chance = error is not None and abs(shift or 0) <= ERRORS * error
        # without an error, of several recordings, sums of squares are too large for a number
        moved = shift is not None and abs(shift) >= FAR and len(data) > 1 and not by_chance
        other_width = ratio is not None and len(data) >= FEWEST and not 1 / WIDER <= ratio <= WIDER
        table.append(
            {
                "feature": name,
                "training_mean": number(reference.mean[k]),
                "training_deviation": number(reference.scale[k]),
                "shift": shift,
                "shift_error": error,
                "ratio": ratio,
                "n_missing": stats["missing"][k],
                "flagged": moved or other_width,
            }
        )
    return {
        "source": source,
        "features": table,
        "n_flagged": sum(bool(row["flagged"]) for row in table),
        "categories": categories,
        "rule": {
            "shift": FAR,
            "errors": ERRORS,
            "ratio": WIDER,
            "fewest": FEWEST,
            "unknown": MORE_UNKNOWN,
        },
    }


def names_of_features(data: Sequences, known: Sequence[str] | None) -> list[str]:
    """What the features are called: by the model, by the data, or by their numbers."""
    for names in (known, data.feature_names):
        if names is not None and len(names) == data.n_features:
            return [str(name) for name in names]
    return [f"feature {k}" for k in range(data.n_features)]


def n_in_both(
    data: Sequences,
    training: Sequences,
    digests: tuple[Sequence[bytes], Sequence[bytes]] | None = None,
) -> int:
    """How many recordings occur, value for value in float32, in the training data as well.

    Recordings without a time step are all alike, and say nothing of it. `digests` tell those of
    both from others where the values do not, as categories that are unknown.
    """
    own, known = digests or (_digests(data), _digests(training))
    seen = set(known)
    found = zip(data.lengths.tolist(), own, strict=True)
    return sum(length > 0 and digest in seen for length, digest in found)


def _digests(data: Sequences) -> list[bytes]:
    found = []
    for start, stop in chunks(data, data.n_features, True):
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(data.rows(slice(start, stop)), np.float32)
        rows = rows + np.float32(0)  # -0.0 is 0.0
        ends = (data.offsets[start : stop + 1] - data.offsets[start]).tolist()
        for i in range(stop - start):
            part = rows[ends[i] : ends[i + 1]]
            found.append(hashlib.blake2b(part.tobytes(), digest_size=16).digest())
    return found
