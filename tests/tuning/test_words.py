"""What is said of a search, by the numbers alone."""

from __future__ import annotations

import math

import pytest
from scipy.special import stdtrit

from elman.tuning.candidates import QUANTILES, Effect, Estimate
from elman.tuning.table import Baseline, TuningTable
from elman.tuning.words import Wording


def row(number, changes, score, fresh=None, **more):
    return {
        "candidate": number, "changes": changes, "origin": "random", "score": score,
        "standard_error": 0.02, "n_folds": 5, "fresh_score": fresh, "fresh_standard_error": 0.01,
        "n_fresh": 10 if fresh else 0, "share_of_epochs": 1.0, "epochs": 60, "seconds": 1.0,
        "failure": None, **more,
    }  # fmt: skip


def table_of(rows, *, gain=None, effects=(), baselines=(), in_percent=True, **more):
    options = {"folds": "5 folds", "score": "accuracy", "random_state": 0} | more
    options = {"interrupted": False, "cut_short": False} | options
    return TuningTable(
        rows, rows[0], [*effects], gain, [*baselines], wording=Wording(in_percent), **options
    )


BEST = row(3, {"deltas": 1, "cell": "gru"}, 0.981, 0.962)
UNTOUCHED = row(0, {}, 0.82)


def rule(gain, error):
    return Baseline("some rule", Estimate(0.9, 0.02, 5), Estimate(gain, error, 5), None)


def test_the_best_and_the_luck_in_it():
    told = table_of([BEST, UNTOUCHED], gain=Effect("all", 0.142, 0.03, 10, 1.0)).summary
    lines = told.splitlines()
    assert lines[0] == "Best of 2 candidates: deltas=1, cell='gru'."
    assert lines[1].startswith("Its accuracy is 96.2 % +- 1.0 on 10 fresh folds")
    assert "98.1 % +- 2.0 on 5 folds, where it was found" in lines[1]
    assert lines[2] == (
        "Beside the estimator as it was given: +14.2 points +- 3.0 on the same 10 folds."
    )


def test_equal_scores_are_said():
    more = [row(4, {"deltas": 1}, 0.82), row(5, {"cell": "gru"}, 0.82), row(6, {"alpha": 1}, 0.8)]
    first = table_of([UNTOUCHED, *more]).summary.splitlines()[0]
    assert first == (
        "Best of 4 candidates: the estimator as it was given. 2 candidates with more changes score "
        "exactly as much, which is no reason to change more."
    )
    cut = row(7, {"deltas": 1}, 0.82, n_folds=4)
    halved = row(8, {"deltas": 1}, 0.82, share_of_epochs=1 / 3)
    failed = row(9, {"deltas": 1}, None, failure="diverged")
    first = table_of([UNTOUCHED, cut, halved, failed, more[2]]).summary.splitlines()[0]
    assert first == "Best of 5 candidates: the estimator as it was given."
    best = row(3, {"cell": "gru"}, 0.9, 0.3)
    others = [row(4, {"cell": "lstm"}, 0.9, 0.3), row(5, {"cell": "gru", "alpha": 1}, 0.3, 0.6)]
    assert table_of([best, *others]).summary.splitlines()[0] == (
        "Best of 3 candidates: cell='gru'. 1 candidate with more changes scores exactly as much, "
        "which is no reason to change more."
    )


def test_luck_that_did_not_last_is_said():
    lucky = row(4, {"deltas": 1}, 0.99, 0.79)
    first = table_of([row(0, {}, 0.82, 0.8), lucky]).summary.splitlines()[0]
    assert first == (
        "Best of 2 candidates: the estimator as it was given. Some candidates score higher on all "
        "folds together, but none of these on the fresh folds alone."
    )


@pytest.mark.parametrize("error", [0.08, math.nan])
def test_a_gain_within_noise_is_said(error):
    told = table_of([BEST], gain=Effect("all", 0.142, error, 10, 1.0)).summary
    assert "which is within noise: it may be no better." in told


@pytest.mark.parametrize(
    ("n_folds", "errors", "clear"),
    [
        *((1, 9, False), (2, 99, False), (2, math.inf, False), (3, 4.2, False), (3, 4.4, True)),
        *((5, 2.7, False), (5, 2.9, True), (10, 2.2, False), (10, 2.3, True), (25, 2.3, True)),
    ],
)
def test_few_folds_tell_little(n_folds, errors, clear):
    """A gain of so many standard errors, as Student's t has it."""
    error = 0.1 / errors
    for gain in (0.1, -0.1):
        assert Effect("all", gain, error, n_folds, 1.0).within_noise == (not clear)
    baseline = Baseline("some rule", Estimate(0.9, 0, 5), Estimate(0.1, error, n_folds), None)
    told = table_of([BEST], baselines=[baseline]).summary
    assert ("not clearly better" in told) == (not clear)


def test_quantiles_are_those_of_students_t():
    for freedom, quantile in enumerate(QUANTILES, 1):
        assert quantile == pytest.approx(stdtrit(freedom, 0.975), abs=0.005)


@pytest.mark.parametrize("value", [-0.0, -1e-9, 1e-9])
def test_nothing_has_no_sign_of_less(value):
    assert Wording(True).gain(value) == "+0.0 points"
    assert Wording(False).gain(value) == "+0.000"


def test_what_mattered():
    effects = [
        Effect("deltas=1", 0.14, 0.03, 5, 1.0),
        Effect("bidirectional=True", 0.03, 0.02, 5, 1 / 3),
        Effect("cell='gru'", -0.1, 0.02, 5, 1.0),
    ]
    assert table_of([BEST], effects=effects).summary.splitlines()[-1] == (
        "What mattered, one change at a time: deltas=1 +14.0 points +- 3.0; bidirectional=True "
        "+3.0 points +- 2.0 after 33% of the epochs, within noise; cell='gru' -10.0 points +- 2.0."
    )


@pytest.mark.parametrize(
    ("gain", "error", "words"),
    [
        (-0.01, 0.01, "Some rule does no worse than the best network: use that rule"),
        (0.0, 0.0, "Some rule does no worse than the best network: use that rule"),
        (0.03, 0.02, "The best network is not clearly better than some rule: +3.0 points +- 2.0."),
        (0.06, 0.02, "Simple rules on the same folds: some rule 90.0 %."),
    ],
)
def test_rules_that_win_or_nearly_do(gain, error, words):
    unknown = Baseline("another", None, None, "it has too many columns")
    told = table_of([BEST], baselines=[unknown, rule(gain, error)]).summary
    assert told.splitlines()[-1].startswith(words)


def test_ends_before_the_end():
    lines = table_of([BEST], interrupted=True, cut_short=True).summary.splitlines()
    assert lines[0].startswith("Interrupted: ")
    assert "fit the estimator again, without a limit" in lines[-1]
    unscored = row(0, {}, None, n_folds=0, share_of_epochs=0.0)
    assert "was not scored: the time was over" in table_of([unscored]).summary


def test_failures_are_said_in_full():
    failed = [row(n, {"alpha": n}, None, failure=f"it broke {n}" + "." * (n - 4)) for n in (5, 4)]
    lines = table_of([BEST, *failed]).summary.splitlines()
    assert lines[-1] == "2 candidates failed, the first of them 4 (alpha=4): it broke 4."
    assert table_of([BEST, failed[0]]).summary.splitlines()[-1].endswith("it broke 5.")
    alone = row(0, {}, None, failure="it broke")
    assert table_of([alone]).summary.endswith("which was not scored: it broke.")


def test_rows_in_columns():
    failed = row(4, {"cell": "lstm"}, None, failure="DivergedError: the loss is inf", n_folds=3)
    cut = row(5, {"alpha": 0.1}, 0.99, n_folds=2)
    halved = row(6, {"dropout": 0.2}, 0.7, share_of_epochs=1 / 3)
    shown = repr(table_of([BEST, UNTOUCHED, cut, halved, failed]))
    assert shown.splitlines()[:6] == [
        "   accuracy   +-  on fresh folds   +-  epochs  changes",
        "3    98.1 %  2.0          96.2 %  1.0     all  deltas=1, cell='gru'",
        "0    82.0 %  2.0               -          all  untouched",
        "5    99.0 %  2.0               -          all  alpha=0.1 (on 2 of 5 folds: the time was "
        "over)",
        "6    70.0 %  2.0               -          33%  dropout=0.2",
        "4         -                    -          all  cell='lstm' (failed: DivergedError: the "
        "loss is inf)",
    ]
    assert "R^2 is 0.962 +- 0.010" in table_of([BEST], score="R^2", in_percent=False).summary
