"""A fitted model, recordings and their answers in; every number of a report, as plain values, out.

Nothing here draws or writes: what a page shows and what the JSON beside it holds is this one dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.data.store.stored import Stored, with_stored
from elman.models.fitted import Fitted
from elman.models.kinds import is_of_numbers
from elman.reporting import about_data, about_model, scores
from elman.reporting.baselines import baseline_facts
from elman.reporting.evidence import Evidence, OfClasses, Truth, check_truth, gather
from elman.reporting.plain import plain
from elman.reporting.recordings import recording_facts

Fact = dict[str, Any]

VERSION = 1
"""of the layout of the JSON"""


def report_facts(
    found: Fitted,
    X: Any,
    y: Any,
    *,
    training: tuple[Any, Any] | None,
    ids: Sequence[Any] | None,
    title: str | None,
    date: str | None,
    n_resamples: int,
    seed: int,
) -> Fact:
    """Every number of a report; see `elman.reporting.report.report` for the arguments."""
    model = found.model
    data, truth = _checked(found, X, y, "X", "y")
    known: Any = X.ids if ids is None and isinstance(X, Stored) else ids
    listed = None if known is None else list(known)
    if listed is not None and len(listed) != len(data):
        raise ValueError(f"ids has {len(listed)} entries, but X has {len(data)} recording(s)")
    learned = None if training is None else _checked(found, *training, "X_train", "y_train")
    evidence = gather(model, data, truth)
    # Of symbols, the first columns of data are the numbers of categories, and no amounts.
    symbols = model.symbols
    n_codes = 0 if symbols is None else symbols.n_codes
    reference, source = _reference(found, learned, n_codes)
    stats = about_data.feature_stats(data, reference, n_codes)
    names = about_data.names_of_features(
        data, model.feature_names if symbols is None else symbols.encoded_names
    )
    history = getattr(found.estimator, "history_", None)
    facts: Fact = {
        "what": "elman report",
        "version": VERSION,
        "title": str(title or "") or f"Report on an {model.kind}",
        "date": date,
        "seed": seed,
        "model": about_model.model_facts(found),
        "data": about_data.data_facts(data, truth, stats)
        | {"symbols": about_data.symbol_facts(data, symbols, names)},
        "training_data": _training_facts(data, learned),
        "drift": about_data.drift_facts(
            data, stats, _before_scalers(found, reference), source, names[n_codes:]
        ),
        "scores": {
            "main": scores.main_score(evidence),
            "level": scores.LEVEL,
            "n_resamples": n_resamples,
            "values": scores.with_intervals(
                len(data), lambda w: scores.scores_of(evidence, w), n_resamples, seed
            ),
        },
        "baselines": baseline_facts(
            data,
            truth,
            evidence,
            learned,
            n_resamples,
            seed,
            () if symbols is None else symbols.n_categories,
        ),
    }
    facts |= _tables(evidence)
    facts |= {
        "by_length": scores.by_length(evidence),
        "history": about_model.history_facts(history),
        "health": about_model.health_facts(model, data, history),
        "recordings": recording_facts(found, data, evidence, listed, names),
    }
    told: Fact = plain(facts)
    return told


def _checked(found: Fitted, X: Any, y: Any, X_name: str, y_name: str) -> tuple[Sequences, Truth]:
    """Sequences as the model takes them, and the truth of them."""
    y, _ = with_stored(X, y, None)
    data = found.model.check(found.transform(X), X_name)
    return data, check_truth(found.model, data, y, name=y_name)


def _reference(
    found: Fitted, learned: tuple[Sequences, Truth] | None, n_codes: int
) -> tuple[Standardisation | None, str]:
    """Mean and deviation of each feature in training, and where they are from.

    They are those of the features that the model itself takes, without the first `n_codes`.
    """
    if found.model.symbols is not None and not found.model.symbols.numeric:
        return None, ""
    if found.model.standardisation is not None:
        mean, scale = found.model.standardisation
        return Standardisation(mean[n_codes:], scale[n_codes:]), "the model"
    if found.scalers:
        n_features = len(found.scalers[-1][0])
        return Standardisation(np.zeros(n_features), np.ones(n_features)), "the model"
    if learned is None:
        return None, ""
    stats = about_data.feature_stats(learned[0], None, n_codes)
    scale = np.where(stats["deviation"] > 0, stats["deviation"], 1.0)
    known = np.isfinite(stats["mean"])
    return Standardisation(np.where(known, stats["mean"], 0), np.where(known, scale, 1)), "X_train"


def _before_scalers(found: Fitted, reference: Standardisation | None) -> Standardisation | None:
    """The same of the features as they were before a pipeline's scalers."""
    if reference is None:
        return None
    mean, deviation = reference
    for own, scale in reversed(found.scalers):
        mean, deviation = mean * scale + own, deviation * scale
    return Standardisation(mean, deviation)


def _training_facts(data: Sequences, learned: tuple[Sequences, Truth] | None) -> Fact | None:
    if learned is None:
        return None
    source, truth = learned
    lengths = map(about_data.whole, np.quantile(source.lengths, (0, 0.5, 1)).tolist())
    return {
        "n_recordings": len(source),
        "n_steps": source.n_steps,
        "lengths": dict(zip(("min", "median", "max"), lengths, strict=True)),
        "answers": about_data.answer_facts(truth),
        "n_in_both": about_data.n_in_both(data, source),
    }


def _tables(evidence: Evidence) -> Fact:
    """What labels and numbers have each of their own."""
    if isinstance(evidence, OfClasses):
        return {
            "classes": scores.class_table(evidence),
            "confusion": scores.confusion(evidence),
            "calibration": scores.reliability(evidence),
            "targets": None,
            "answers_by_size": None,
        }
    assert is_of_numbers(evidence.truth.kind)
    return {
        "classes": None,
        "confusion": None,
        "calibration": None,
        "targets": scores.target_table(evidence),
        "answers_by_size": scores.answers_by_size(evidence),
    }
