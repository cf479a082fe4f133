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
from elman.data.symbols.naming import names_of_encoded
from elman.models.fitted import Fitted
from elman.models.kinds import is_of_numbers
from elman.reporting import about_data, about_model, scores
from elman.reporting.about_symbols import digests_of, unknown_facts
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
    data, truth, digests = _checked(found, X, y, "X", "y")
    known: Any = X.ids if ids is None and isinstance(X, Stored) else ids
    listed = None if known is None else list(known)
    if listed is not None and len(listed) != len(data):
        raise ValueError(f"ids has {len(listed)} entries, but X has {len(data)} recording(s)")
    learned, of_both = None, None
    if training is not None:
        earlier, answers, others = _checked(found, *training, "X_train", "y_train")
        learned = earlier, answers
        of_both = None if digests is None or others is None else (digests, others)
    evidence = gather(model, data, truth)
    reference, source = _reference(found, learned)
    stats = about_data.feature_stats(data, reference)
    names = about_data.names_of_features(data, model.feature_names)
    categories = []
    if model.symbols is not None:
        names = [*names_of_encoded(model.symbols)]
        categories = unknown_facts(data, model.symbols)
    history = getattr(found.estimator, "history_", None)
    facts: Fact = {
        "what": "elman report",
        "version": VERSION,
        "title": str(title or "") or f"Report on an {model.kind}",
        "date": date,
        "seed": seed,
        "model": about_model.model_facts(found),
        "data": about_data.data_facts(data, truth, stats),
        "training_data": _training_facts(data, learned, of_both),
        "drift": about_data.drift_facts(
            data, stats, _before_scalers(found, reference), source, names, categories
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
            n_categories=() if model.symbols is None else model.symbols.n_categories,
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


def _checked(
    found: Fitted, X: Any, y: Any, X_name: str, y_name: str
) -> tuple[Sequences, Truth, list[bytes] | None]:
    """Sequences as the model takes them, the truth of them, and digests of those of symbols."""
    y, _ = with_stored(X, y, None)
    given = found.transform(X)
    data = found.model.check(given, X_name)
    digests = None if found.model.symbols is None else digests_of(given)
    return data, check_truth(found.model, data, y, name=y_name), digests


def _reference(
    found: Fitted, learned: tuple[Sequences, Truth] | None
) -> tuple[Standardisation | None, str]:
    """Mean and deviation of each feature in training, and where they are from.

    They are those of the features that the model itself takes.
    """
    if found.model.standardisation is not None:
        return found.model.standardisation, "the model"
    if found.scalers:
        n_features = len(found.scalers[-1][0])
        return Standardisation(np.zeros(n_features), np.ones(n_features)), "the model"
    if learned is None:
        return None, ""
    stats = about_data.feature_stats(learned[0], None)
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


def _training_facts(
    data: Sequences,
    learned: tuple[Sequences, Truth] | None,
    digests: tuple[list[bytes], list[bytes]] | None,
) -> Fact | None:
    if learned is None:
        return None
    source, truth = learned
    lengths = map(about_data.whole, np.quantile(source.lengths, (0, 0.5, 1)).tolist())
    return {
        "n_recordings": len(source),
        "n_steps": source.n_steps,
        "lengths": dict(zip(("min", "median", "max"), lengths, strict=True)),
        "answers": about_data.answer_facts(truth),
        "n_in_both": about_data.n_in_both(data, source, digests),
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
