"""The order of a `partial_fit`: one epoch more, from the weights and states of the last call."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.data.store.stored import with_stored
from elman.estimators.advice import advice_on
from elman.estimators.assembly import batch_size_of, plan_of
from elman.estimators.beginning import Beginning
from elman.estimators.endings import interrupted
from elman.estimators.fitted import GoingOn, M
from elman.estimators.hooks import Meaning
from elman.estimators.progress import EpochProgress
from elman.hyperparameters.seeds import make_rng
from elman.models.history import History
from elman.training.divergence import DivergedError
from elman.training.labelled import Labelled
from elman.training.loop import train

Array = NDArray[Any]


class FurtherTraining(Beginning[M]):
    """Trains on for an epoch, and keeps the states that the next call goes on from."""

    def _fit_further(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        learn: Callable[[Meaning | None], Meaning] | None = None,
    ) -> Self:
        """The common part of every `partial_fit`, which calls it directly.

        `learn` is called once X was looked at: the meaning known so far (None in the first call) ->
        the meaning that y must agree with.
        """
        y, sample_weight = with_stored(X, y, sample_weight)
        earlier = self.model_ if self.__sklearn_is_fitted__() else None
        data, names, symbols = (
            self._check_fresh_X(X, each=True) if earlier is None else self._check_more_X(X)
        )
        known: Meaning | None = None if earlier is None else earlier.meaning
        if learn is not None:
            known = learn(known)
        self._check_alignment(X, data, y, sample_weight)
        targets, meaning = self._targets(y, data, known)
        training = self._labelled(data, targets, meaning, sample_weight)
        backend = self._backend()
        if earlier is None:
            root = make_rng(self.random_state)
            init_rng, shuffle_rng, _ = root.spawn(3)
            if symbols is not None:
                symbols, training, _ = self._of_training(data, symbols, training, None)
                training = self._with_unknown(training, symbols, root.spawn(1)[0])
            model = self._fresh_model(data, names, symbols, training, meaning, init_rng)
            going_on = self._fresh_start(model, shuffle_rng)
            before = History()
            if self.verbose:
                self._print_coverage(symbols)
        else:
            model, going_on = self._continued(earlier, "partial_fit")
            before = self.history_
        states = self._states_of(len(training.X), going_on) if self.stateful else None
        prepared = self._prepared(self._weighted(training, model.meaning), model)
        history = self._train_further(
            data,
            model,
            prepared,
            going_on.optimizer,
            plan_of(
                self,
                n_done=len(before),
                batch_size=batch_size_of(self, len(training.X)),
            ),
            self._objective(model.meaning),
            backend=backend,
            rng=going_on.rng,
            progress=EpochProgress(
                len(before) + 1, 2 if self.verbose else 0, training_score=self._SCORE
            ),
            on_epoch=self._own_hooks(),
            states=states,
        )
        if states is not None and len(history):
            going_on = going_on._replace(states=states)
        self._set_fitted(model, before.extended(history), going_on)
        if history.stopped_by == "interrupt":
            warnings.warn(interrupted(history), stacklevel=3)
        return self

    def _train_further(
        self, data: Sequences, model: M, training: Labelled, *arguments: Any, **options: Any
    ) -> History:
        """As `train`, with advice in the error of a training that diverges."""
        try:
            return train(model.network, training, *arguments, **options)
        except DivergedError as error:
            self._advise(error, data, model, training)
            raise

    def _advise(self, error: DivergedError, data: Sequences, model: M, training: Labelled) -> None:
        """Have the error say what to change, with what is set and what the data are like."""
        if error.in_validation:
            return
        targets = training.targets
        error.advice = advice_on(error, self, data, model.standardisation, targets)

    def reset_state(self) -> Self:
        """Forget the states that `partial_fit` would go on from: new sequences begin.

        Returns
        -------
        estimator
            The estimator itself.
        """
        if self.__sklearn_is_fitted__() and self._going_on is not None:
            self._going_on = self._going_on._replace(states={})
        return self

    def _states_of(self, n_samples: int, going_on: GoingOn) -> dict[str, Array]:
        """A copy of the states that as many samples go on from."""
        states = {name: state.copy() for name, state in going_on.states.items()}
        for state in states.values():
            if len(state) != n_samples:
                raise ValueError(
                    f"X has {n_samples} samples, but stateful=True goes on from the states of the "
                    f"{len(state)} of the last partial_fit: pass their next time steps in the same "
                    "order (a sample that has none left as an array of length 0), or call "
                    "reset_state first"
                )
        return states
