"""A space of hyper-parameters in; candidates with their scores, and the best of them, out.

The order of a search: the estimator as it is; single changes of it, each by itself; what helped,
combined; then random candidates near the best, as long as there are to be more. All but the first
three come in brackets of nine that are halved: a third of the epochs for all of them, and the whole
training for the best third, which goes on from where it was. The best few are at last trained on
fresh folds beside the untouched estimator, since the best score of many is the luckiest as well.
A candidate that gains nothing there is not chosen, and of equal ones the one that changes least.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from elman.tuning.candidates import Candidate, Effect, effect
from elman.tuning.folds import Folds, sizes
from elman.tuning.forgetting import forget
from elman.tuning.runners import Runner
from elman.tuning.signals import undisturbed
from elman.tuning.space import Changes, Space
from elman.tuning.time_plan import TimePlan, cost_of, shares_of
from elman.tuning.trial import Material, Outcome, Trial

ETA = 3
"""The best one of so many goes on"""
HALVED = (1 / ETA, 1.0)
"""Shares of the epochs at which single changes are halved, if there is no time for all of them"""
BRACKET = 9
"""Random candidates that are halved together"""
FINALISTS = 3
"""beside the untouched estimator"""
FRESH_REPEATS = 2
"""of the folds for the finalists of a search without a time limit"""
MOST_COMBINED = 4
"""Combinations of single changes that are tried"""
DRAWS = 50
"""after which a space counts as searched through"""


class View(Protocol):
    """Shows a person how a search goes."""

    def begin(self, phase: str, n_trials: int) -> None:
        """A part of the search begins."""
        ...

    def trained(self, candidate: Candidate) -> None:
        """A trial of a candidate has ended."""
        ...

    def ranked(self, best: Sequence[Candidate], folds: Sequence[int], n_candidates: int) -> None:
        """A part of the search has ended; the best candidates so far, best first."""
        ...


class Search:
    """One search.

    Parameters
    ----------
    material : Material
    folds : Folds
    space : Space
    runner : Runner
    plan : TimePlan
        How long it may take.
    n_candidates : int or None
        How many are tried; None: as many as there is time for.
    seeds : sequence of int
        One for each fold, the same for all candidates.
    rng : numpy.random.RandomState
        Of random candidates.
    view : View
    """

    def __init__(
        self,
        material: Material,
        folds: Folds,
        space: Space,
        runner: Runner,
        plan: TimePlan,
        *,
        n_candidates: int | None,
        seeds: Sequence[int],
        rng: np.random.RandomState,
        view: View,
    ) -> None:
        self._material, self._space, self._runner = material, space, runner
        self._plan, self._n_wanted, self._seeds = plan, n_candidates, seeds
        self._rng, self._view = rng, view
        self.n_train, self.n_test = sizes(folds.repeats[0])
        numbers = iter(range(len(folds.all)))
        self._repeats = [[next(numbers) for _ in repeat] for repeat in folds.repeats]
        self.searched = self._repeats[0]
        """numbers of the folds that all candidates are scored on"""
        self.fresh: list[int] = []
        """numbers of the folds that only the finalists were scored on"""
        self.candidates: list[Candidate] = []
        self.finalists: list[Candidate] = []
        self.interrupted = False

    @property
    def untouched(self) -> Candidate:
        """The estimator as it was given."""
        return self.candidates[0]

    @property
    def winner(self) -> Candidate:
        """The best candidate, by all folds that the finalists were scored on.

        It is the estimator as it was given, unless another one has gained something beside it: on
        the fresh folds, if there are any, on which no luck chose it.
        """
        return self._by_merit()[0]

    def gain(self, candidate: Candidate) -> Effect | None:
        """What a candidate gained beside the untouched one; None if they cannot be compared."""
        for folds in (self.fresh, self.searched):
            found = effect(candidate, self.untouched, folds, self.n_train, self.n_test)
            if found is not None:
                return found
        return None

    @property
    def expected(self) -> float:
        """The mean score of the winner on samples that it had not seen; NaN if it has none."""
        return self.winner.mean(self.fresh or self.searched)

    def run(self) -> None:
        """Search; Ctrl-C ends it, with what is known until then."""
        try:
            self._search()
        except KeyboardInterrupt:
            with undisturbed():
                self.interrupted = True
                self._runner.close()

    def _search(self) -> None:
        untouched = self._new({}, "untouched")
        end = self._plan.first_ends()
        if end is not None:  # single changes may be halved, and are compared with it
            self._train([untouched], self.searched, HALVED[0], "untouched", end)
        self._train([untouched], self.searched, 1.0, "untouched", end)
        self._plan.learn(untouched)
        forget(self._material, [untouched])
        self._show()
        if not untouched.scores.get(1.0) and untouched.failure is None:
            return  # the time was over
        self._singles()
        self._combined()
        while self._random():
            pass
        self._final()

    # The parts of a search

    def _singles(self) -> None:
        changes = self._space.singles[: self._n_left()]
        left = self._plan.left()
        whole = self._plan.seconds(sum(map(self._cost, changes)) * len(self.searched))
        if left is None or whole <= WHOLE_SHARE * left:
            self._bracket(changes, "single change", (1.0,))
        else:
            self._bracket(changes, "single change", HALVED)

    def _combined(self) -> None:
        """Changes that gained something by themselves, the best two, three, ... together."""
        found = []
        for candidate in self.candidates[1:]:
            gained = effect(candidate, self.untouched, self.searched, self.n_train, self.n_test)
            if gained is not None and gained.gain > 0:
                found.append((-gained.gain, candidate.number, candidate.changes))
        together: Changes = {}
        combined = []
        for _, _, changes in sorted(found, key=lambda each: each[:2]):
            if set(changes) & set(together):
                continue
            together = {**together, **changes}
            if len(together) > 1:
                combined.append(together)
        self._bracket(self._unknown(combined)[:MOST_COMBINED], "combined", (1.0,))

    def _random(self) -> bool:
        """Whether there was another bracket of random candidates."""
        if self._n_left() < 1:
            return False
        incumbent = self._ranked()[:1]
        changes = incumbent[0].changes if incumbent else {}
        drawn: list[Changes] = []
        for _ in range(DRAWS):
            if len(drawn) == BRACKET:
                break
            one = self._space.draw(changes, self._rng) if self._space.values else {}
            if self._space.is_possible(one):
                drawn = [*drawn, *self._unknown([one], drawn)]
        return self._bracket(drawn, "random", self._shares(len(drawn))) > 0

    def _final(self) -> None:
        """Train the best on fresh folds, and the untouched estimator beside them."""
        ranked = self._ranked()
        chosen = ranked[:FINALISTS]
        if self.untouched in ranked and self.untouched not in chosen:
            chosen.append(self.untouched)
        if len(chosen) < 2:
            return
        fresh = (
            self._repeats[1:] if self._n_wanted is None else self._repeats[1 : FRESH_REPEATS + 1]
        )
        for number, folds in enumerate(fresh):
            end = self._plan.final_ends(chosen)
            while number == 0 and len(chosen) > 2 and not self._plan.fits(chosen, len(folds), end):
                chosen.pop(-2 if chosen[-1] is self.untouched else -1)
                end = self._plan.final_ends(chosen)
            if not self._plan.fits(chosen, len(folds), end):
                break
            phase = f"finalists, fresh folds {number + 1}"
            self._train(chosen, folds, 1.0, phase, end)
            forget(self._material, chosen)
            if any(np.isnan(each.mean(folds)) and each.failure is None for each in chosen):
                break
            self.finalists = chosen
            self.fresh += folds
            self._show()

    # What they are made of

    def _new(self, changes: Changes, origin: str) -> Candidate:
        candidate = Candidate(len(self.candidates), changes, origin)
        self.candidates.append(candidate)
        return candidate

    def _cost(self, changes: Changes) -> float:
        return cost_of(self._space.estimator, changes, self._space.automatic)

    def _n_left(self) -> int:
        if self._n_wanted is None:
            return 10**9
        return self._n_wanted - len(self.candidates)

    def _unknown(
        self, proposals: Sequence[Changes], others: Sequence[Changes] = ()
    ) -> list[Changes]:
        """Proposals that were not tried yet, and go together."""
        tried = [*others, *(each.changes for each in self.candidates)]
        return [each for each in proposals if each not in tried and self._space.is_possible(each)]

    def _shares(self, n: int) -> tuple[float, ...]:
        """Of the epochs, at which candidates are halved."""
        return shares_of(self.untouched.epochs_in_all, ETA) if n >= ETA else (1.0,)

    def _bracket(self, proposals: Sequence[Changes], origin: str, shares: Sequence[float]) -> int:
        """Try candidates, of which at each share but the last the best go on.

        Returns
        -------
        int
            How many there were: fewer where there is no time for more.
        """
        proposals = [each for each in proposals if self._plan.is_affordable(self._cost(each))]
        costs = [self._cost(each) for each in proposals]
        end = self._plan.search_ends(self._ranked(), max(costs, default=1.0))
        costs = [cost * len(self.searched) for cost in costs]
        n = min(self._plan.n_fitting(costs, shares, ETA, end), self._n_left())
        alive = [self._new(changes, origin) for changes in proposals[:n]]
        if not alive:
            return 0
        for share in shares:
            phase = origin if share == 1 else f"{origin}, {share:.0%} of the epochs"
            self._train(alive, self.searched, share, phase, end)
            if share == 1:
                break
            done = [each for each in alive if not np.isnan(each.mean(self.searched, share))]
            done.sort(key=lambda each: each.promise(self.searched, share), reverse=True)
            kept = done[: max(len(alive) // ETA, 1)]
            forget(self._material, [each for each in alive if each not in kept])
            alive = kept  # the best first, since the time may be over before all are trained
        forget(self._material, alive)
        self._show()
        return n

    def _train(
        self,
        candidates: Sequence[Candidate],
        folds: Sequence[int],
        share: float,
        phase: str,
        stop_at: float | None,
    ) -> None:
        """Train candidates up to a share of their epochs and score them, candidate by candidate."""
        trials = [
            Trial(each.number, fold, each.changes, share, self._seeds[fold])
            for each in candidates
            if each.failure is None
            for fold in folds
        ]
        self._view.begin(phase, len(trials))
        for trial, told in self._runner.run(trials, stop_at):
            candidate = self.candidates[trial.candidate]
            if isinstance(told, Exception):
                # Of the untouched estimator, it is a mistake in what was passed. On fresh folds
                # it is not, or not one that is worth all that was found until then.
                first = trial.candidate == 0 and trial.fold in self.searched
                if first or not isinstance(told, ValueError):
                    raise told
                told = Outcome(failure=str(told))
            candidate.add(trial.fold, share, told)
            self._view.trained(candidate)

    def _ranked(self) -> list[Candidate]:
        """Candidates with a whole training on every searched fold, the best first."""
        known = [
            each
            for each in self.candidates
            if each.failure is None and not np.isnan(each.mean(self.searched))
        ]
        return sorted(known, key=lambda each: each.promise(self.searched), reverse=True)

    def _by_merit(self) -> list[Candidate]:
        """The candidates to choose among, the one to choose first; at least the untouched one."""
        folds = [*self.searched, *self.fresh]
        known = self.finalists or self._ranked()
        best = sorted(known, key=lambda each: each.merit(folds), reverse=True)
        gains = [self.gain(each) for each in best]
        earned = [
            each
            for each, gain in zip(best, gains, strict=True)
            if each is self.untouched or gain is None or gain.gain > 0
        ]
        earned = earned or [self.untouched]
        return [*earned, *(each for each in best if each not in earned)]

    def _show(self) -> None:
        folds = [*self.searched, *self.fresh]
        best = self._by_merit() if self._ranked() else []
        self._view.ranked(best, folds, len(self.candidates))


WHOLE_SHARE = 0.5
"""of the time for the search that single changes may take; if they need more, they are halved"""
