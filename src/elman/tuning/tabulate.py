"""A search that has ended in; the table of it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.tuning.candidates import Candidate, Effect, Estimate, effect, estimate
from elman.tuning.rules import Rule
from elman.tuning.search import Search
from elman.tuning.table import Baseline, TuningTable, finite, ordered
from elman.tuning.words import Wording


def tabulated(
    search: Search,
    rules: Sequence[Rule],
    *,
    folds: str,
    score: str,
    random_state: int,
    interrupted: bool,
    cut_short: bool,
    wording: Wording,
) -> TuningTable:
    """What a search found, as the user gets it."""
    rows = [_row(search, each) for each in search.candidates]
    winner = search.winner
    best = rows[winner.number]
    others = ordered([row for row in rows if row is not best])
    gain = None if winner is search.untouched else search.gain(winner)
    return TuningTable(
        rows=[best, *others],
        best=best,
        what_mattered=_mattered(search),
        gain=gain,
        baselines=[_baseline(search, winner, rule) for rule in rules],
        folds=folds,
        score=score,
        random_state=random_state,
        interrupted=interrupted,
        cut_short=cut_short,
        wording=wording,
    )


def _estimate(search: Search, values: Sequence[float]) -> Estimate:
    return estimate(values, search.n_train, search.n_test)


def _row(search: Search, candidate: Candidate) -> dict[str, Any]:
    share = candidate.share
    at_last = candidate.scores.get(share, {})
    found = _estimate(search, [at_last[n] for n in search.searched if n in at_last])
    whole = candidate.scores.get(1.0, {})
    fresh = _estimate(search, [whole[n] for n in search.fresh if n in whole])
    failed = candidate.failure is not None
    return {
        "candidate": candidate.number,
        "changes": candidate.changes,
        "origin": candidate.origin,
        "score": None if failed else finite(found.mean),
        "standard_error": None if failed else finite(found.error),
        "n_folds": found.n_folds,
        "fresh_score": None if failed else finite(fresh.mean),
        "fresh_standard_error": None if failed else finite(fresh.error),
        "n_fresh": fresh.n_folds,
        "share_of_epochs": share,
        "epochs": candidate.n_epochs,
        "seconds": candidate.seconds,
        "failure": candidate.failure,
    }


def _effect(search: Search, candidate: Candidate, folds: Sequence[int]) -> Effect | None:
    return effect(candidate, search.untouched, folds, search.n_train, search.n_test)


def _mattered(search: Search) -> list[Effect]:
    """What single changes gained, the largest first."""
    found = [
        _effect(search, each, search.searched)
        for each in search.candidates
        if each.origin == "single change"
    ]
    known = [each for each in found if each is not None]
    return sorted(known, key=lambda each: -each.gain)


def _baseline(search: Search, winner: Candidate, rule: Rule) -> Baseline:
    if not rule.scores:
        return Baseline(rule.name, None, None, rule.why_not)
    folds = search.fresh or search.searched
    reached = winner.scores.get(1.0, {})
    gain = None
    if all(number in reached for number in folds):
        pairs = zip(folds, rule.scores, strict=True)
        gain = _estimate(search, [reached[number] - score for number, score in pairs])
    return Baseline(rule.name, _estimate(search, rule.scores), gain, None)
