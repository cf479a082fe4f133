"""Searches without training: candidates get scores by rule, and time is counted, not waited for."""

from __future__ import annotations

import numpy as np

from elman import RNNClassifier
from elman.data.validation import check_sequences
from elman.tuning.folds import make_folds, sizes
from elman.tuning.material import Samples
from elman.tuning.progress import Silent
from elman.tuning.search import Search
from elman.tuning.space import make_space
from elman.tuning.time_plan import TimePlan
from elman.tuning.trial import Material, Outcome
from elman.tuning.words import Wording

N_EPOCHS = 60


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class ByRule:
    """Carries trials out at once: score, seconds and failures are functions of the trial."""

    n_workers = 1

    def __init__(
        self,
        clock,
        *,
        score,
        seconds=1.0,
        failure=None,
        before=lambda trial: None,
        loss=None,
        raising=lambda trial: None,
    ):
        self.clock, self.score, self.seconds, self.failure = clock, score, seconds, failure
        self.before, self.loss, self.raising = before, loss, raising
        self.trials = []
        self.epochs_of = {}
        self.is_closed = False

    def run(self, trials, stop_at):
        for trial in trials:
            if stop_at is not None and self.clock() >= stop_at:
                return
            self.before(trial)
            self.trials.append(trial)
            known = self.epochs_of.get((trial.candidate, trial.fold), 0)
            wanted = int(np.ceil(trial.share * N_EPOCHS))
            took = self.seconds * (wanted - known) / N_EPOCHS
            self.epochs_of[trial.candidate, trial.fold] = wanted
            cut = stop_at is not None and self.clock() + took > stop_at
            self.clock.now = stop_at if cut else self.clock() + took
            try:
                self.raising(trial)
            except ValueError as error:
                yield trial, error
                continue
            failure = None if self.failure is None else self.failure(trial)
            if cut or failure is not None:
                yield trial, Outcome(failure=failure, seconds=took, epochs_in_all=N_EPOCHS)
                continue
            loss = None if self.loss is None else self.loss(trial)
            yield (
                trial,
                Outcome(
                    self.score(trial), loss, wanted - known, took, None, epochs_in_all=N_EPOCHS
                ),
            )

    def close(self):
        self.is_closed = True


def search_by_rule(
    folder,
    score,
    *,
    minutes=None,
    n_candidates=None,
    seconds=1.0,
    failure=None,
    before=lambda trial: None,
    loss=None,
    raising=lambda trial: None,
    estimator=None,
    cv=3,
    overrides=None,
    n_timesteps=40,
):
    """A search that has ended, its runner and its clock."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(24, n_timesteps, 2)), ["up", "down"] * 12
    data = check_sequences(X)
    given = RNNClassifier(random_state=0) if estimator is None else estimator
    folds = make_folds(cv, len(data), np.array(y), None, n_repeats=4, seed=0)
    n_train, n_test = sizes(folds.repeats[0])
    space = make_space(
        given, data, overrides, streams=False, of_steps=False, n_train=round(n_train)
    )
    clock = Clock()
    options = {"failure": failure, "before": before, "loss": loss, "raising": raising}
    runner = ByRule(clock, score=score, seconds=seconds, **options)
    plan = TimePlan(
        clock,
        None if minutes is None else 60 * minutes,
        clock(),
        n_workers=1,
        n_train=n_train,
        n_samples=len(data),
    )
    search = Search(
        Material(given, Samples(X, y, None), folds.all, None, str(folder)),
        folds,
        space,
        runner,
        plan,
        n_candidates=n_candidates,
        seeds=range(len(folds.all)),
        rng=np.random.RandomState(0),
        view=Silent(Wording(True), "accuracy", n_train, n_test),
    )
    search.run()
    return search, runner
