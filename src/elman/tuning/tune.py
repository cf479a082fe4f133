"""`elman.tune`: sequences and their answers in; a fitted estimator, and what was tried, out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.data.sequences import Sequences
from elman.data.store.stored import with_stored
from elman.data.symbols import Symbols
from elman.hyperparameters.declared import DECLARED
from elman.hyperparameters.seeds import make_rng
from elman.tuning.checks import (
    check_estimator,
    check_weights,
    checked_data,
    quiet,
    score_name,
    seconds_of,
    strata_of,
    workers_of,
)
from elman.tuning.folds import Folds, make_folds, sizes
from elman.tuning.kind import check_guess, chosen_estimator
from elman.tuning.last_training import LastTraining
from elman.tuning.material import Samples, samples_of
from elman.tuning.progress import view_here
from elman.tuning.rules import Judged, Rule, rules_on
from elman.tuning.runners import Here, Processes, Runner
from elman.tuning.search import Search
from elman.tuning.signals import ended_by_exceptions, undisturbed
from elman.tuning.space import make_space
from elman.tuning.table import TuningTable
from elman.tuning.tabulate import tabulated
from elman.tuning.time_plan import TimePlan
from elman.tuning.trial import Clock, Material

N_FOLDS = 5
N_REPEATS = 5
"""of the folds: one to search on, the others for the finalists"""


class Tuned(NamedTuple):
    """What `elman.tune` returns."""

    estimator: Any
    """the best one, fitted on all samples"""
    table: TuningTable
    """what was tried and what came of it"""


def tune(
    X: Any,
    y: Any = None,
    *,
    estimator: Any = None,
    minutes: float | None = None,
    n_candidates: int | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    streams: bool = False,
    scoring: Any = None,
    cv: Any = N_FOLDS,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 1,
    space: Mapping[str, Any] | None = None,
) -> Tuned:
    """Search the hyper-parameters that suit some data, and fit the best estimator.

    First the estimator as it is, then single changes of it (differences, thinning, both directions,
    another cell, readout or scale, more epochs), then those that helped together, then random
    candidates near the best. All are scored on the same folds. Candidates are halved: at a share of
    their epochs only the best third goes on, from where it was, so that no epoch is trained twice.
    The best few are scored again on fresh folds, beside the estimator as it was, and the winner is
    fitted on all samples; if it then answers these worse than the networks of the folds answered
    samples that they had not seen, training went wrong, and is repeated with other weights. A
    change has to earn its place: where none scores higher than the estimator as it was, on the
    fresh folds if there are any, that one is the winner.

    Parameters
    ----------
    X : array-like
        Sequences, in a form that the estimators describe.
    y : array-like
        Labels or targets, as `fit` of the estimator takes them; by default those of X, if X is a
        store.
    estimator : estimator, class or {"classifier", "tagger", "regressor"}, optional
        What is tuned; its hyper-parameters are what a candidate has that does not change them. By
        default an `RNNClassifier` for labels, an `RNNTagger` for labels of time steps and an
        `RNNRegressor` for numbers, as y says.
    minutes : float, optional
        How long it may take, the last training included; by default 5. What is found depends on how
        fast the machine is.
    n_candidates : int, optional
        How many candidates to try, in the place of minutes; the estimator as it is counts as one.
        The result then depends on `random_state` alone, to the bit, for any `n_jobs`.
    groups : array-like of shape (n_samples,), optional
        Samples of one group are never on both sides of a fold.
    sample_weight : array-like of shape (n_samples,), optional
        As `fit` and `score` take it; by default those of X, if X is a store that has some.
    streams : bool, default=False
        Leave out what a stream cannot do: `bidirectional` and `scale_each`.
    scoring : str or callable, optional
        What is to be high: the name of a scikit-learn scorer, or a function (estimator, X, y) ->
        float. By default the accuracy, of a tagger that of time steps, of a regressor R^2. Where it
        fails for a candidate, the table says so and the search goes on. Of equal scores that with
        the fewest changes of the estimator is the best, and of a classifier then that with the
        lowest cross-entropy.
    cv : int, splitter or list of (train, test), default=5
        Folds. Those of a number are shuffled, stratified by label, and cut anew for the finalists;
        there are fewer if a class, or the groups, are fewer. A splitter, or a list, has no fresh
        folds.
    n_jobs : int, optional
        Processes that train, each on one thread; by default one for each core.
    random_state : int, Generator or RandomState, optional
        Of folds, weights and random candidates; by default that of the estimator.
    verbose : int, default=1
        0 shows nothing; 1 a table on a terminal, and lines elsewhere.
    space : mapping, optional
        By hyper-parameter a list of values, or a distribution with a method `rvs`, to draw from in
        the place of those that are searched otherwise; None leaves that hyper-parameter as it is.

    Returns
    -------
    estimator : RNNClassifier, RNNTagger or RNNRegressor
        Fitted on all samples, with the hyper-parameters that were found.
    table : elman.tuning.table.TuningTable
        Every candidate with its scores, what mattered, and what simple rules reach. Print it.

    Raises
    ------
    TypeError, ValueError
        An argument that cannot be used; says why. There are fewer than 4 samples. `scoring` failed
        for the estimator as it was given.
    elman.training.divergence.DivergedError
        Training of the winner on all samples diverged, as on no fold.
    KeyboardInterrupt
        Ctrl-C before any candidate was scored. Later, it ends the search, and what was best until
        then is fitted on all samples; Ctrl-C once more ends that training, as it ends any `fit`.

    Notes
    -----
    Of texts, tokens and tables with categories, each candidate learns its vocabulary from what it
    is trained on. The size of embeddings is searched where a column has many categories, and from
    which frequency on a token is known where some are rare; differences, thinning and scales, which
    are made for numbers, are not. The simple rules count tokens, and pairs of neighbours.

    The states of candidates are kept in a temporary folder, which is removed. Each process has its
    own copy of X; a store stays on disk. Standard errors are
    corrected for the folds' common training samples (Nadeau and Bengio, 2003). The score of the
    best of many candidates is optimistic on the folds that it was chosen on; that on fresh folds
    nearly not, and a test set that took no part in the search tells for sure.

    Examples
    --------
    >>> import elman
    >>> from elman.data import load_japanese_vowels
    >>> X, y = load_japanese_vowels("train")
    >>> start = elman.RNNClassifier(8, max_iter=2)
    >>> few = {"n_candidates": 2, "cv": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}
    >>> best, table = elman.tune(X[::9], y[::9], estimator=start, **few)
    >>> [row["changes"] for row in sorted(table.rows, key=lambda row: row["candidate"])]
    [{}, {'deltas': 1}]
    >>> best.predict(X[:2]).shape
    (2,)
    """
    return tune_with_clock(
        X,
        y,
        estimator=estimator,
        minutes=minutes,
        n_candidates=n_candidates,
        groups=groups,
        sample_weight=sample_weight,
        streams=streams,
        scoring=scoring,
        cv=cv,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        space=space,
        clock=time.monotonic,
    )


def tune_with_clock(
    X: Any,
    y: Any,
    *,
    estimator: Any,
    minutes: float | None,
    n_candidates: int | None,
    groups: Any,
    sample_weight: Any,
    streams: bool,
    scoring: Any,
    cv: Any,
    n_jobs: int | None,
    random_state: Any,
    verbose: int,
    space: Mapping[str, Any] | None,
    clock: Clock,
) -> Tuned:
    """As `tune`, with what it takes the time from."""
    begun = clock()
    seconds = seconds_of(minutes, n_candidates)
    y, sample_weight = with_stored(X, y, sample_weight)
    given = chosen_estimator(estimator, y)
    check_estimator(given, scoring)
    if streams and given.bidirectional:
        raise ValueError(
            "streams=True, but bidirectional=True reads a recording from its end as well, so that "
            "no stream can follow it: set one of them back"
        )
    data, targets, meaning, symbols = checked_data(given, X, y, sample_weight)
    if estimator is None:
        check_guess(y, data.lengths)
    of_steps = given._step_target(meaning) is not None
    if random_state is not None:
        DECLARED["random_state"].check("random_state", random_state)
    rng = make_rng(given.random_state if random_state is None else random_state)
    fold_seed, draw_seed, refit_seed = (int(n) for n in rng.integers(2**31, size=3))
    strata = strata_of(targets, meaning)
    folds = make_folds(cv, len(data), strata, groups, n_repeats=N_REPEATS, seed=fold_seed)
    seeds = [int(n) for n in rng.integers(2**31, size=len(folds.all))]
    n_train, n_test = sizes(folds.repeats[0])
    searched = make_space(
        given,
        data,
        space,
        streams=streams,
        of_steps=of_steps,
        n_train=round(n_train),
        symbols=symbols,
    )
    score, wording = score_name(given, scoring)
    samples = samples_of(X, data, y, sample_weight, symbols)
    check_weights(samples.sample_weight, folds)
    n_workers = workers_of(n_jobs, given, scoring)
    view = view_here(verbose, wording, score, n_train, n_test)
    runner: Runner | None = None
    with ended_by_exceptions():
        folder = tempfile.TemporaryDirectory(prefix="elman-tune-")
        try:
            material = Material(quiet(given), samples, folds.all, scoring, folder.name)
            runner = Here(material, clock)
            if n_workers > 1:
                runner = Processes(material, n_workers, clock)
            plan = TimePlan(
                clock,
                seconds,
                begun,
                n_workers=n_workers,
                n_train=n_train,
                n_samples=len(data),
            )
            search = Search(
                material,
                folds,
                searched,
                runner,
                plan,
                n_candidates=n_candidates,
                seeds=seeds,
                rng=np.random.RandomState(draw_seed),
                view=view,
            )
            with view:
                search.run()
        finally:
            with undisturbed():
                if runner is not None:
                    runner.close()
                folder.cleanup()
    if search.interrupted and not any(each.scores for each in search.candidates):
        raise KeyboardInterrupt
    last = LastTraining(given, search.winner.changes, X, y, sample_weight, scoring, clock)
    best, cut_short = last.fitted(
        refit_seed, search.expected, None if search.interrupted else plan.end
    )
    interrupted = search.interrupted or best.history_.stopped_by == "interrupt"
    rules: list[Rule] = []
    try:
        rules = _rules(
            search, folds, samples, data, scoring, targets, meaning, given, of_steps, symbols
        )
    except KeyboardInterrupt:  # the model that is trained must not be lost
        interrupted = True
    table = tabulated(
        search,
        rules,
        folds=folds.said,
        score=score,
        random_state=best.random_state,
        interrupted=interrupted,
        cut_short=cut_short,
        wording=wording,
    )
    if verbose:
        print(table, flush=True)
    return Tuned(best, table)


def _rules(
    search: Search,
    folds: Folds,
    samples: Samples,
    data: Sequences,
    scoring: Any,
    targets: Any,
    meaning: Any,
    given: Any,
    of_steps: bool,
    symbols: Symbols | None,
) -> list[Rule]:
    """What simple rules reach on the folds that the winner's score is from."""
    numbers = search.fresh or search.searched
    judged = Judged(
        samples=samples,
        data=data,
        folds=[folds.all[number] for number in numbers],
        scoring=scoring,
        targets=np.asarray(targets),
        of_numbers=given._MODEL.kind == "RNNRegressor",
        of_steps=of_steps,
        multilabel=bool(meaning.get("multilabel")),
        n_categories=() if symbols is None else symbols.n_categories,
    )
    return rules_on(judged)
