"""The order of a search: what is tried, what goes on, what is chosen, and when it ends."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tuning import N_EPOCHS, search_by_rule

from elman.tuning.candidates import effect

FIXED = [(np.arange(12), np.arange(12, 24)), (np.arange(12, 24), np.arange(12))]
GAINS = {"deltas": 0.10, "bidirectional": 0.04, "cell": -0.03}


def score(trial):
    """Each fold has a level of its own, each change a gain of its own, wherever it is made."""
    gained = sum(GAINS.get(name, -0.02) for name in trial.changes)
    return 0.5 + 0.01 * trial.fold + gained


def test_single_changes_come_first_and_are_trained_to_the_end(tmp_path):
    search, runner = search_by_rule(tmp_path, score, n_candidates=7)
    names = [each.name for each in search.candidates]
    assert names[:4] == ["untouched", "deltas=1", "stride=2", "bidirectional=True"]
    assert {each.origin for each in search.candidates[1:]} == {"single change"}
    assert [trial.share for trial in runner.trials] == [1.0] * len(runner.trials)
    per_fold = [trial.fold for trial in runner.trials if trial.candidate == 3][:3]
    assert per_fold == search.searched  # the same folds for all


def test_what_helped_is_combined_and_the_best_is_found(tmp_path):
    search, _ = search_by_rule(tmp_path, score, n_candidates=15)
    combined = [each for each in search.candidates if each.origin == "combined"]
    assert combined[0].changes == {"deltas": 1, "bidirectional": True}
    assert search.winner is combined[0]
    assert search.untouched in search.finalists
    assert search.fresh == [*range(3, 9)]  # two more repeats of three folds
    assert {*search.winner.scores[1.0]} == {*range(9)}


def test_random_candidates_are_halved_and_no_epoch_is_trained_twice(tmp_path):
    search, runner = search_by_rule(tmp_path, score, n_candidates=25)
    drawn = [each for each in search.candidates if each.origin == "random"]
    assert len(drawn) >= 9
    bracket = drawn[:9]
    ends = sorted(max(each.scores) for each in bracket)
    assert ends == [1 / 3] * 6 + [1.0] * 3
    for each in search.candidates:
        n_folds = len(each.scores.get(1.0, {})) if 1.0 in each.scores else 3
        assert each.n_epochs == n_folds * N_EPOCHS * (1 if 1.0 in each.scores else 1 / 3)
    worst = max(
        np.mean([*each.scores[1 / 3].values()]) for each in bracket if 1.0 not in each.scores
    )
    best = min(np.mean([*each.scores[1 / 3].values()]) for each in bracket if 1.0 in each.scores)
    assert best >= worst
    assert len({str(sorted(each.changes.items())) for each in search.candidates}) == len(
        search.candidates
    )
    assert len(runner.trials) == sum(len(s) for c in search.candidates for s in c.scores.values())


@pytest.mark.parametrize("level", [0.5, -3e-14])
def test_equal_scores_go_to_the_fewest_changes(tmp_path, level):
    """Whatever their cross-entropies, and in whatever order folds are added up."""

    def loss(trial):
        return 1 / (1 + trial.candidate)  # the more is changed, the better

    def alike(trial):
        return level * (1 + 0.1 * ((trial.fold + trial.candidate) % 3))

    search, _ = search_by_rule(tmp_path, alike, n_candidates=30, loss=loss)
    assert search.winner is search.untouched
    assert not [each for each in search.candidates if each.origin == "combined"]
    assert {effect_of(search, each).gain for each in search.finalists} == {0.0}


def effect_of(search, candidate):
    return effect(candidate, search.untouched, search.searched, search.n_train, search.n_test)


def test_of_equal_changes_the_cross_entropy_tells(tmp_path):
    """And of equal scores at a share of the epochs, whatever is changed."""

    def loss(trial):
        return 0.1 if trial.changes == {"cell": "gru"} else 1 / (1 + len(trial.changes))

    def better(trial):
        return 0.6 if trial.changes else 0.5

    search, _ = search_by_rule(tmp_path, better, n_candidates=30, loss=loss)
    assert search.winner.changes == {"cell": "gru"}
    drawn = [each for each in search.candidates if each.origin == "random"][:9]
    went_on = [len(each.changes) for each in drawn if 1.0 in each.scores]
    assert sorted(went_on) == sorted(len(each.changes) for each in drawn)[-3:]
    assert max(went_on) > 1


def test_a_change_that_gains_nothing_on_fresh_folds_is_not_chosen(tmp_path):
    """However lucky it was on the folds that it was found on."""

    def lucky(trial):
        if not trial.changes:
            return 0.5
        return 0.9 if trial.fold < 3 else 0.45 if trial.changes != {"stride": 2} else 0.5

    search, _ = search_by_rule(tmp_path, lucky, n_candidates=5)
    assert search.fresh
    assert search.winner is search.untouched
    assert search.gain(search.finalists[0]).gain <= 0
    few, _ = search_by_rule(tmp_path, lucky, n_candidates=5, cv=FIXED)
    assert not few.fresh
    assert few.winner.changes == {"deltas": 1}


@pytest.mark.parametrize("minutes", [0.7, 2, 5])
def test_minutes_are_kept_with_the_last_training_in_them(tmp_path, minutes):
    search, runner = search_by_rule(tmp_path, score, minutes=minutes)
    spent = runner.clock() - 1000
    last = max(each.seconds / max(len(each.of_full), 1) for each in search.finalists) * 24 / 16
    assert spent + last <= 60 * minutes
    assert spent > 0.5 * 60 * minutes
    assert search.fresh
    assert search.winner.changes["deltas"] == 1


def test_more_minutes_try_more(tmp_path):
    found = [
        len(search_by_rule(tmp_path, score, minutes=n, seconds=2.0)[0].candidates)
        for n in (0.5, 1, 2, 8)
    ]
    assert found == sorted(set(found))


def test_where_there_is_little_time_single_changes_are_halved(tmp_path):
    search, _ = search_by_rule(tmp_path, score, minutes=0.7)
    singles = [each for each in search.candidates if each.origin == "single change"]
    assert len(singles) >= 6
    assert {max(each.scores) for each in singles} == {1 / 3, 1.0}
    # each is compared with the untouched estimator at the same share of the epochs
    arguments = search.untouched, search.searched, search.n_train, search.n_test
    found = [effect(each, *arguments) for each in singles]
    assert {each.share for each in found} == {1 / 3, 1.0}
    for each, candidate in zip(found, singles, strict=True):
        gain = sum(GAINS.get(name, -0.02) for name in candidate.changes)
        assert each.gain == pytest.approx(gain)


def test_the_best_of_a_bracket_goes_on_first(tmp_path):
    """Of what is left for a whole training the time may be enough for a few only."""

    def score(trial):
        return 0.5 + 0.001 * trial.candidate  # the last ones are the best

    search, runner = search_by_rule(tmp_path, score, minutes=0.7)
    halved = {t.candidate for t in runner.trials if t.share < 1 and t.candidate}
    singles = {each.number for each in search.candidates if each.origin == "single change"}
    whole = [t.candidate for t in runner.trials if t.share == 1 and t.candidate in halved & singles]
    assert whole[0] == max(halved & singles)
    first_to_third = [*dict.fromkeys(whole)]
    assert first_to_third == sorted(first_to_third, reverse=True)
    assert len(first_to_third) > 1


def test_what_would_leave_no_time_for_the_last_training_is_not_tried(tmp_path):
    search, _ = search_by_rule(tmp_path, score, minutes=1, seconds=4.0)
    names = {name for each in search.candidates for name in each.changes}
    assert "deltas" in names
    assert not names & {"bidirectional", "max_iter", "cell"}


def test_no_time_even_for_the_untouched_estimator(tmp_path):
    search, runner = search_by_rule(tmp_path, score, minutes=1, seconds=50.0)
    assert [each.name for each in search.candidates] == ["untouched"]
    assert search.winner is search.untouched
    assert runner.clock() - 1000 <= 36


def test_what_fails_is_not_chosen_and_the_others_go_on(tmp_path):
    def failure(trial):
        return "diverged" if trial.changes.get("deltas") and trial.fold == 1 else None

    search, _ = search_by_rule(tmp_path, score, n_candidates=14, failure=failure)
    failed = [each for each in search.candidates if each.failure is not None]
    assert {each.changes["deltas"] for each in failed} >= {1}
    assert search.winner.changes == {"bidirectional": True}


def test_failures_on_fresh_folds_lose_nothing(tmp_path):
    """The error of a scorer, say, even of the untouched estimator, and of all."""

    def raising(*candidates):
        def failing(trial):
            if trial.fold >= 3 and trial.candidate in candidates:
                raise ValueError("not here")

        return failing

    def run(*candidates):
        search, _ = search_by_rule(tmp_path, score, n_candidates=4, raising=raising(*candidates))
        assert search.untouched.failure == "not here"
        return search

    assert run(0).winner.changes == {"deltas": 1}
    assert run(0, 1).winner.changes == {"bidirectional": True}
    assert run(*range(4)).winner.changes == {}
    with pytest.raises(ValueError, match="not here"):
        search_by_rule(tmp_path, score, n_candidates=4, raising=raising(0), cv=FIXED * 2)


def test_the_untouched_estimator_may_fail(tmp_path):
    def failure(trial):
        return None if trial.changes else "diverged"

    search, _ = search_by_rule(tmp_path, score, n_candidates=5, failure=failure)
    assert search.winner.changes == {"deltas": 1}


@pytest.mark.parametrize("at", [1, 4, 11, 60])
def test_ctrl_c_keeps_what_was_best_until_then(tmp_path, at):
    seen = []

    def before(trial):
        seen.append(trial)
        if len(seen) == at:
            raise KeyboardInterrupt

    search, runner = search_by_rule(tmp_path, score, n_candidates=30, before=before)
    assert search.interrupted
    assert runner.is_closed
    assert len(runner.trials) == at - 1
    whole = {each.name for each in search.candidates if len(each.scores.get(1.0, {})) >= 3}
    assert search.winner.name in whole | {"untouched"}
    if at > 7:
        assert search.winner.changes["deltas"] == 1


def test_a_space_of_one_value_is_searched_through(tmp_path):
    only = dict.fromkeys(
        ("bidirectional", "scale_each", "cell", "readout", "max_iter", "stride", "n_layers")
    )
    only |= dict.fromkeys(("learning_rate_init", "hidden_size", "dropout", "alpha"))
    search, _ = search_by_rule(tmp_path, score, n_candidates=50, overrides=only)
    assert [each.changes for each in search.candidates] == [{}, {"deltas": 1}, {"deltas": 2}]


def test_splits_that_were_passed_have_no_fresh_folds(tmp_path):
    search, _ = search_by_rule(tmp_path, score, n_candidates=4, cv=FIXED)
    assert (search.searched, search.fresh) == ([0, 1], [])
    assert search.winner.changes == {"deltas": 1}
