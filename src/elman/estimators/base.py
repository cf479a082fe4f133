"""What every estimator here shares: the order of a fit, from sequences and targets to a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Self

import numpy as np

from elman.data.containers import unpacked
from elman.data.split import hold_out
from elman.data.store.stored import with_stored
from elman.distributed.answers import identity
from elman.distributed.checkpoints import SharedCheckpoints
from elman.distributed.connecting import connected
from elman.distributed.engine import Engine
from elman.distributed.round import SharedGradients
from elman.estimators.advice import among_all_steps
from elman.estimators.assembly import (
    batch_size_of,
    check_enough_batches,
    epochs_of,
    fewest_epochs,
    optimizer_of,
    plan_of,
    solver_settings,
    timing_of,
)
from elman.estimators.callbacks import CallbackSupport, FitTask
from elman.estimators.endings import interrupted, not_kept
from elman.estimators.fingerprint import asked_for, digests, fingerprint, weights_of
from elman.estimators.fitted import GoingOn, M
from elman.estimators.further import FurtherTraining
from elman.estimators.hinting import warn_of
from elman.estimators.hooks import Meaning
from elman.estimators.progress import EpochProgress
from elman.estimators.scoring import scorer_of
from elman.estimators.validation_data import one_validation, rows_held_out
from elman.hyperparameters.seeds import entropy_of, make_rng
from elman.models.history import History
from elman.training.checkpoints import CheckpointFolder
from elman.training.divergence import DivergedError
from elman.training.gradients import HERE, Gradients
from elman.training.hints import Hint, hint_after, hint_before, looked_at
from elman.training.loop import train


class RecurrentEstimator(CallbackSupport, FurtherTraining[M]):  # type: ignore[misc]
    """Base of the estimators: all but what their answers are.

    A subclass inherits its hyper-parameters from `elman.hyperparameters.declared`, names its kind
    of model in `_MODEL` and says what its targets mean: `_targets` and `_n_outputs`, and what else
    of `elman.estimators.hooks` differs.
    """

    def _fit_afresh(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        validation_data: Any,
        executor: Any,
    ) -> Self:
        """The common part of every `fit`, which must call it directly, for `stacklevel` below."""
        self._check_parameters()
        y, sample_weight = with_stored(X, y, sample_weight)
        X_val, y_val = one_validation(X_val, y_val, validation_data)
        known = None if self.max_iter == "auto" else int(self.max_iter)
        task = FitTask(self, known, X, y, sample_weight)
        with connected(executor) as engine:
            history, store, hint = self._fit(X, y, sample_weight, X_val, y_val, task, engine)
            if history.stopped_by == "interrupt":
                warnings.warn(interrupted(history), stacklevel=4)
            elif store is not None and store.failure is not None:
                warnings.warn(not_kept(history, store.failure, store.newest), stacklevel=4)
            elif hint is not None:
                warn_of(hint, stacklevel=4)
        task.end()
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        task: FitTask,
        engine: Engine | None,
    ) -> tuple[History, CheckpointFolder | SharedCheckpoints | None, Hint | None]:
        """Train, and keep what was learned; returns history, folder of checkpoints, and a hint.

        A hint that can be given before training is a warning at once, and then there is none later.

        A fitted estimator whose training is interrupted before it has learned anything stays as it
        was.
        """
        earlier = self.model_ if self.warm_start and self.__sklearn_is_fitted__() else None
        if engine is not None:
            engine.check_same(
                lambda: {
                    **asked_for(self),
                    "model to go on with": None if earlier is None else weights_of(earlier),
                },
                "hyper-parameter or fitted model",
            )
        if earlier is not None and self.checkpoint is not None:
            raise ValueError(
                "warm_start=True goes on with weights that are in memory, and checkpoint="
                f"{self.checkpoint!r} with those on disk: set one of them"
            )
        data, names, symbols = (
            self._check_fresh_X(X, each=True) if earlier is None else self._check_more_X(X)
        )
        self._check_alignment(X, data, y, sample_weight)
        targets, meaning = self._targets(y, data, None if earlier is None else earlier.meaning)
        training = self._labelled(data, targets, meaning, sample_weight)
        validation = self._check_validation(X_val, y_val, data, names, symbols, meaning)
        backend = self._backend()
        with self._checkpoints(engine) as store:
            root = self._root_rng(store, engine)
            init_rng, shuffle_rng, split_rng = root.spawn(3)
            given = {} if store is None else digests(training, validation)
            if engine is not None:
                engine.check_same(
                    lambda: (entropy_of(root), digests(training, validation, stands_for=identity)),
                    "training data or random_state",
                )
            judged = X_val, y_val, None
            if self.early_stopping and validation is None:
                strata = self._strata(training, meaning)
                kept, held_out = hold_out(strata, self.validation_fraction, split_rng)
                validation = training.subset(held_out)
                training = training.subset(kept)
            if symbols is not None:
                if earlier is None:
                    symbols, training, validation = self._of_training(
                        data, symbols, training, validation
                    )
                training = self._with_unknown(training, symbols, root.spawn(1)[0])
            batch_size = batch_size_of(self, len(training.X))
            check_enough_batches(self, len(training.X), batch_size.number)
            speaks = engine is None or engine.is_writer
            passed_in = validation if X_val is not None else None
            hint = hint_before(
                training,
                passed_in,
                self._objective(meaning),
                _namer(meaning),
                fewest_epochs(self),
            )
            if hint is not None and speaks:
                warn_of(hint, stacklevel=5)
            may_speak = speaks and hint is None
            if earlier is None:
                model = self._fresh_model(data, names, symbols, training, meaning, init_rng)
                optimizer, rng, before = optimizer_of(self, model.network), shuffle_rng, History()
            else:
                model, optimizer, rng = self._warm_model(earlier)
                before = self.history_
            epochs = epochs_of(self, training, model.frontend, batch_size)
            draft = self._with_model(model)  # what callbacks and scorers may ask
            task.draft = draft
            scorer = None
            if validation is not None and self.scoring not in (None, "loss"):
                if validation.source is not None:
                    plain = unpacked(X, "X", two_d=data.two_d)
                    judged = rows_held_out(validation.source, data, plain, y, sample_weight)
                scorer = scorer_of(draft, self.scoring, *judged)
            if store is not None:
                chosen = {"batch_size": batch_size.number, "max_iter": epochs.number}
                decided = fingerprint(self, given, backend, root, model, chosen)
                store.claim(decided, entropy_of(root), draft._packed)
            elsewhere = engine is not None
            training = self._weighted(training, model.meaning)
            training = self._prepared(training, model, elsewhere=elsewhere)
            gradients: Gradients = HERE
            if engine is not None:
                timing = timing_of(self, len(training.X), batch_size.number)
                gradients = SharedGradients(engine, self.n_jobs, timing, training.source)
            validation = None if validation is None else self._prepared(validation, model)
            own_hooks = self._own_hooks()
            n_epochs = len(before) + epochs.number
            verbose = int(self.verbose) if engine is None or engine.is_writer else 0
            if verbose and earlier is None:
                self._print_coverage(symbols)
            if verbose and isinstance(gradients, SharedGradients):
                own_hooks.append(gradients.timing.reporter(print))
            try:
                names = self._score_name(), self._SCORE
                with EpochProgress(n_epochs, verbose, *names, n_before=len(before)) as progress:
                    history = train(
                        model.network,
                        training,
                        optimizer,
                        plan_of(self, n_done=len(before), batch_size=batch_size, epochs=epochs),
                        self._objective(model.meaning),
                        backend=backend,
                        rng=rng,
                        validation=validation,
                        scorer=scorer,
                        progress=progress,
                        on_epoch=[*own_hooks, *task.hooks],
                        store=store,
                        gradients=gradients,
                    )
                    reasons = [*(model.frontend.reasons_to_act if earlier is None else ())]
                    reasons += filter(None, (batch_size.reason, epochs.reason))
                    progress.end(history, restored=bool(self.early_stopping), reasons=reasons)
            except DivergedError as error:
                self._advise(error, data, model, training)
                in_X = error.place is not None and error.place.source == "X"
                if error.place is not None and in_X:
                    error.place = among_all_steps(error.place, data, model.frontend.stride)
                if not self.__sklearn_is_fitted__() and error.network and len(error.history):
                    good = replace(model, network=error.network)
                    self._set_fitted(good, error.history, None)
                raise
            hint = None
            if may_speak and len(history):
                trained = looked_at(
                    history,
                    training,
                    validation,
                    model.network,
                    self._objective(model.meaning),
                    self._hyperparameters(),
                    backend,
                    _namer(model.meaning),
                    went_on=earlier is not None,
                )
                hint = hint_after(trained)
        history = before.extended(history)
        if not (
            history.stopped_by == "interrupt" and not len(history) and self.__sklearn_is_fitted__()
        ):
            self._set_fitted(model, history, GoingOn(optimizer, solver_settings(self), rng, {}))
        return history, store, hint

    def _checkpoints(
        self, engine: Engine | None
    ) -> AbstractContextManager[CheckpointFolder | SharedCheckpoints | None]:
        if self.checkpoint is None:
            return nullcontext()
        minutes = self.checkpoint_minutes
        folder = CheckpointFolder(
            self.checkpoint,
            epochs=None if self.checkpoint_epochs is None else int(self.checkpoint_epochs),
            minutes=None if minutes is None else float(minutes),
            kind=self._MODEL.kind,
            known=self._get_param_names(),
        )
        return folder if engine is None else SharedCheckpoints(engine, folder)

    def _root_rng(
        self, store: CheckpointFolder | SharedCheckpoints | None, engine: Engine | None
    ) -> np.random.Generator:
        """The generator of all random numbers; with random_state=None that of the resumed run.

        Several processes that run the same program draw the same numbers.
        """
        if self.random_state is not None:
            return make_rng(self.random_state)
        entropy = None if store is None else store.entropy
        if entropy is None and engine is not None:
            entropy = engine.shared(lambda: np.random.SeedSequence().entropy)
        if entropy is None:
            return make_rng(None)
        return np.random.default_rng(np.random.SeedSequence(entropy))


def _namer(meaning: Meaning) -> Callable[[int], str]:
    """What takes the index of a class to its name, as a message writes it."""
    return lambda code: repr(np.asarray(meaning["classes"]).tolist()[code])
