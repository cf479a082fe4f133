"""What every estimator here shares: sequences and targets in, a trained model and answers out."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend
from elman.data.alignment import check_alignment
from elman.data.axes import warn_of_channels_first, warn_of_features_as_steps
from elman.data.containers import as_given, unpacked
from elman.data.frontend import Frontend, learn_frontend
from elman.data.frontend_choice import choose
from elman.data.missing import warn_of_unobserved, without_missing_steps
from elman.data.names import Names
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, location_and_scale
from elman.data.sequences import Sequences
from elman.data.split import hold_out
from elman.data.store.stored import Stored, with_stored
from elman.data.validation import check_sequences
from elman.distributed.answers import answering, identity
from elman.distributed.checkpoints import SharedCheckpoints
from elman.distributed.connecting import connected
from elman.distributed.engine import Engine
from elman.distributed.round import SharedGradients
from elman.estimators.advice import advice_on
from elman.estimators.assembly import (
    check_enough_batches,
    check_same_network,
    check_together,
    optimizer_of,
    plan_of,
    solver_settings,
    timing_of,
)
from elman.estimators.callbacks import CallbackSupport, FitTask
from elman.estimators.fingerprint import asked_for, digests, fingerprint, weights_of
from elman.estimators.hinting import warn_of
from elman.estimators.progress import EpochProgress
from elman.estimators.scoring import check_scoring_name, scorer_of
from elman.estimators.steps import labelled_steps, validated_steps
from elman.hyperparameters.declared import PARAMETERS, declarations
from elman.hyperparameters.network import layout_of
from elman.hyperparameters.seeds import entropy_of, make_rng
from elman.inspection.summary import Summary
from elman.models.files import Saved, load_kind, pack, save
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.models.streaming import Stream
from elman.models.summary import summary
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.optimizers import SGD, Adam
from elman.targets.weights import check_weights
from elman.training.checkpoints import CheckpointFolder
from elman.training.divergence import DivergedError, Place
from elman.training.gradients import HERE, Gradients
from elman.training.hints import Hint, hint_after, hint_before, looked_at
from elman.training.labelled import Labelled
from elman.training.local import Replicas
from elman.training.loop import OnEpoch, train

Array = NDArray[Any]
Meaning = Mapping[str, Any]
"""What the outputs of a model mean: the fields that its kind adds to `TrainedModel`."""

M = TypeVar("M", bound=TrainedModel)


class GoingOn(NamedTuple):
    """The optimizer and the generator that a later `partial_fit` needs beside the model."""

    optimizer: SGD | Adam | Replicas
    settings: dict[str, Any]
    """what the optimizer was made with"""
    rng: np.random.Generator
    """of the shuffling"""
    states: dict[str, Array]
    """of `stateful`: by layer the state after each sample's last step; empty at a beginning"""


class RecurrentEstimator(CallbackSupport, BaseEstimator, Generic[M]):  # type: ignore[misc]
    """Base of the estimators: all but what their answers are.

    A fitted estimator holds one model, `model_`, and the record of its training, `history_`; both
    are set last, so that a fit that fails leaves the estimator as it was. All other attributes that
    end in an underscore are read from the two.

    A subclass inherits its hyper-parameters from `elman.hyperparameters.declared`, names its kind
    of model in `_MODEL` and says what its targets mean: `_targets` and `_n_outputs`, and what else
    of the hooks below differs.
    """

    _MODEL: ClassVar[type[TrainedModel]]
    """what it trains"""
    _SCORE: ClassVar[str] = "accuracy"
    """what progress calls the validation score"""

    model_: M
    history_: History
    _going_on: GoingOn | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in self.__dict__

    # What an estimator says of its targets

    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        """`y` as training takes it, and what the outputs of the model mean.

        Parameters
        ----------
        known : mapping or None
            The meaning learned from other data, which y must agree with; None: learn it from y.
        name : str
            What errors call y.
        """
        raise NotImplementedError

    def _n_outputs(self, meaning: Meaning) -> int:
        """The number of columns of the head."""
        raise NotImplementedError

    def _objective(self, meaning: Meaning) -> Objective:
        """The objective that training minimises."""
        raise NotImplementedError

    def _step_target(self, meaning: Meaning) -> str | None:
        """What messages call the target of a time step; None if each sample has its own."""
        return None

    def _asks_for(self, meaning: Meaning) -> Mapping[str, Any]:
        """The hyper-parameters of the network that answers with this meaning."""
        return self._hyperparameters()

    def _strata(self, training: Labelled, meaning: Meaning) -> NDArray[np.int64]:
        """Index of each sample's class; validation data gets the same share of every class."""
        return np.zeros(len(training.X), np.int64)

    def _weighted(self, training: Labelled, meaning: Meaning) -> Labelled:
        """Training data with the weights that hyper-parameters add to the user's."""
        return training

    def _learned_scale(self, training: Labelled, meaning: Meaning) -> Meaning:
        """The meaning, completed by the statistics of the targets that are trained on."""
        return meaning

    def _scaled_targets(self, labelled: Labelled, model: M) -> Labelled:
        """The targets in the units of the network's outputs."""
        return labelled

    def _prepare_head(self, training: Labelled, model: M) -> None:
        """Change fresh weights of the head where the targets ask for it."""

    def _loss_unit(self) -> str:
        """What the training loss is in, to be read beside an axis."""
        return "nats per sample"

    # Fitting

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
        X_val, y_val = _one_validation(X_val, y_val, validation_data)
        task = FitTask(self, self.max_iter, X, y, sample_weight)
        with connected(executor) as engine:
            history, store, hint = self._fit(X, y, sample_weight, X_val, y_val, task, engine)
            if history.stopped_by == "interrupt":
                warnings.warn(_interrupted(history), stacklevel=4)
            elif store is not None and store.failure is not None:
                warnings.warn(_not_kept(history, store.failure, store.newest), stacklevel=4)
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
        data, names = self._check_fresh_X(X) if earlier is None else self._check_more_X(X)
        self._check_alignment(X, data, y, sample_weight)
        targets, meaning = self._targets(y, data, None if earlier is None else earlier.meaning)
        training = self._labelled(data, targets, meaning, sample_weight)
        validation = self._check_validation(X_val, y_val, data, names, meaning)
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
            check_enough_batches(self, len(training.X))
            speaks = engine is None or engine.is_writer
            passed_in = validation if X_val is not None else None
            hint = hint_before(
                training,
                passed_in,
                self._objective(meaning),
                _namer(meaning),
                int(self.max_iter),
            )
            if hint is not None and speaks:
                warn_of(hint, stacklevel=5)
            may_speak = speaks and hint is None
            if earlier is None:
                model = self._fresh_model(data, names, training, meaning, init_rng)
                optimizer, rng, before = optimizer_of(self, model.network), shuffle_rng, History()
            else:
                model, optimizer, rng = self._warm_model(earlier)
                before = self.history_
            draft = self._with_model(model)  # what callbacks and scorers may ask
            task.draft = draft
            scorer = None
            if validation is not None and self.scoring not in (None, "loss"):
                if validation.source is not None:
                    plain = unpacked(X, "X", two_d=data.two_d)
                    judged = _held_out(validation.source, data, plain, y, sample_weight)
                scorer = scorer_of(draft, self.scoring, *judged)
            if store is not None:
                decided = fingerprint(self, given, backend, root, model)
                store.claim(decided, entropy_of(root), draft._packed)
            elsewhere = engine is not None
            training = self._weighted(training, model.meaning)
            training = self._prepared(training, model, elsewhere=elsewhere)
            gradients: Gradients = HERE
            if engine is not None:
                timing = timing_of(self, len(training.X))
                gradients = SharedGradients(engine, self.n_jobs, timing, training.source)
            validation = None if validation is None else self._prepared(validation, model)
            own_hooks = self._own_hooks()
            n_epochs = len(before) + int(self.max_iter)
            verbose = int(self.verbose) if engine is None or engine.is_writer else 0
            if verbose and isinstance(gradients, SharedGradients):
                own_hooks.append(gradients.timing.reporter(print))
            try:
                names = self._score_name(), self._SCORE
                with EpochProgress(n_epochs, verbose, *names, n_before=len(before)) as progress:
                    history = train(
                        model.network,
                        training,
                        optimizer,
                        plan_of(self, n_done=len(before)),
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
                    reasons = model.frontend.reasons if earlier is None else ()
                    progress.end(history, restored=bool(self.early_stopping), reasons=reasons)
            except DivergedError as error:
                self._advise(error, data, model, training)
                in_X = error.place is not None and error.place.source == "X"
                if error.place is not None and in_X:
                    error.place = _among_all_steps(error.place, data, model.frontend.stride)
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
        data, names = self._check_fresh_X(X) if earlier is None else self._check_more_X(X)
        known: Meaning | None = None if earlier is None else earlier.meaning
        if learn is not None:
            known = learn(known)
        self._check_alignment(X, data, y, sample_weight)
        targets, meaning = self._targets(y, data, known)
        training = self._labelled(data, targets, meaning, sample_weight)
        backend = self._backend()
        if earlier is None:
            init_rng, shuffle_rng, _ = make_rng(self.random_state).spawn(3)
            model = self._fresh_model(data, names, training, meaning, init_rng)
            going_on = self._fresh_start(model, shuffle_rng)
            before = History()
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
            plan_of(self, n_done=len(before), one_epoch=True),
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
            warnings.warn(_interrupted(history), stacklevel=3)
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

    def _set_fitted(self, model: M, history: History, going_on: GoingOn | None) -> None:
        """Replace model, history and what training goes on with in one assignment."""
        self.__dict__.update(model_=model, history_=history, _going_on=going_on)

    def _with_model(self, model: M) -> Self:
        """A copy of the estimator that answers with a model which is still in training."""
        draft = copy.copy(self)
        draft._set_fitted(model, History(), None)
        return draft

    def _fresh_model(
        self,
        data: Sequences,
        names: Names | None,
        training: Labelled,
        meaning: Meaning,
        rng: np.random.Generator,
    ) -> M:
        """Fresh weights, and the statistics of the training data."""
        standardisation = None
        weights = training.sample_weights()
        if self.standardize:
            standardisation = Standardisation(*location_and_scale(training.X.data, weights))
        every_step = self._step_target(meaning) is not None
        chosen = choose(training.X.data, self.deltas, self.stride, every_step=every_step)
        frontend = learn_frontend(
            training.X.data,
            standardisation,
            weights,
            scale_each=bool(self.scale_each),
            **chosen._asdict(),
        )
        warn_of_unobserved(training.X.data)
        meaning = self._learned_scale(training, meaning)
        n_features = frontend.n_inputs(data.n_features, data.missing)
        network = Network.initialised(
            layout_of(self._asks_for(meaning), n_features, self._n_outputs(meaning)),
            rng=rng,
            dtype=data.dtype if self.dtype == "auto" else np.dtype(self.dtype),
            recurrent_init=self.recurrent_init,
            forget_bias=float(self.forget_bias),
        )
        model = cast(
            M,
            self._MODEL(
                network=network,
                n_features_in=data.n_features_in,
                two_d=data.two_d,
                standardisation=standardisation,
                frontend=frontend,
                missing=data.missing,
                feature_names=names,
                backend=self.backend,
                n_jobs=self.n_jobs,
                **meaning,
            ),
        )
        self._prepare_head(training, model)
        return model

    def _warm_model(self, earlier: M) -> tuple[M, SGD | Adam | Replicas, np.random.Generator]:
        """What `warm_start` begins with: weights and scale as they are, a fresh optimizer."""
        model, going_on = self._continued(earlier, "warm_start=True")
        return model, optimizer_of(self, model.network), going_on.rng

    def _fresh_start(self, model: M, rng: np.random.Generator) -> GoingOn:
        """A fresh optimizer of the model's weights, and no states to go on from."""
        return GoingOn(optimizer_of(self, model.network), solver_settings(self), rng, {})

    def _continued(self, earlier: M, going_on_by: str) -> tuple[M, GoingOn]:
        """The fitted model and what training goes on with, as the hyper-parameters say now.

        Dropout and the solver may have changed since. What is missing after loading is recreated:
        an optimizer, a generator, writable weights.

        Raises
        ------
        ValueError
            The hyper-parameters ask for another network than the fitted one.
        """
        built = earlier.network.layout
        layout = layout_of(self._asks_for(earlier.meaning), built.n_features, built.n_outputs)
        check_same_network(self, layout, earlier, going_on_by)
        model, going_on = earlier, self._going_on
        if not model.network.params.flat.flags.writeable:  # joblib's memory map of a file
            model = replace(model, network=model.network.copy())
            if going_on is not None:
                going_on = going_on._replace(optimizer=going_on.optimizer.copy())
        if layout != model.network.layout:
            model = replace(model, network=replace(model.network, layout=layout))
        if going_on is None:
            _, rng, _ = make_rng(self.random_state).spawn(3)
            going_on = self._fresh_start(model, rng)
        elif going_on.settings != solver_settings(self):
            changed = self._fresh_start(model, going_on.rng)
            if changed.optimizer.memory == going_on.optimizer.memory:
                changed.optimizer.set_state(going_on.optimizer.get_state())
            going_on = changed._replace(states=going_on.states)
        return model, going_on

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

    # What every fitted estimator answers

    def hidden_states(self, X: Any, *, executor: Any = None) -> Any:
        """The last layer's hidden state after every time step.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, width)
            An array (n_samples, n_timesteps, width) if X is one. `width` is the last layer's size;
            twice that if bidirectional, forward half first. With `stride` every step of a block has
            the state after its block.
        """
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.hidden_states(data))

    def stream(self, n: int | None = None) -> Stream:
        """The fitted network reading sequences while they happen, a time step in each call.

        Parameters
        ----------
        n : int, optional
            Streams that go on side by side, a row of every array for each; by default one, whose
            arrays have no axis for streams.

        Returns
        -------
        elman.models.streaming.Stream
            What it answers after step t is, bit for bit, the answer to a sequence that ends there.
            It does not see what is trained later.

        Raises
        ------
        ValueError
            The network is bidirectional, or `scale_each` is set: there is no answer before a
            sequence has ended.

        Notes
        -----
        A pipeline that ends in the estimator has no `stream`; `elman.stream` makes one, whose steps
        go through the scaler of the pipeline first.
        """
        return self._model().stream(n)

    def summary(
        self,
        *,
        n_features: int | None = None,
        n_outputs: int | None = None,
        batch_size: int | None = None,
        n_timesteps: int | None = None,
    ) -> Summary:
        """Layers, shapes, parameters, arithmetic and memory of the network, as a table.

        Parameters
        ----------
        n_features, n_outputs : int, optional
            Columns of a time step of X, and classes, labels or targets: needed before `fit`, and
            not to be given after it.
        batch_size : int, optional
            Sequences in a batch, for the memory of training; by default that of the estimator.
        n_timesteps : int, optional
            Time steps of each sequence of that batch; by default 100, or after a fit of a 2-D X the
            number of its columns.

        Returns
        -------
        elman.inspection.summary.Summary
            Print it, or show it in a notebook; it has `frame()` and `to_dict()`, and says how
            everything is counted.

        Examples
        --------
        >>> from elman import RNNTagger
        >>> tagger = RNNTagger(8, bidirectional=True, dtype="float32")
        >>> tagger.summary(n_features=3, n_outputs=4).frame()[["layer", "output", "parameters"]]
                        layer            output  parameters
        0          recurrent0  (n_timesteps, 8)          96
        1  recurrent0.reverse  (n_timesteps, 8)          96
        2                head  (n_timesteps, 4)          68
        """
        return summary(
            self,
            n_features=n_features,
            n_outputs=n_outputs,
            batch_size=batch_size,
            n_timesteps=n_timesteps,
        )

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a safetensors file, atomically.

        Everything is kept bit for bit but `on_epoch`, a `random_state` that is a generator, a
        `scoring` that is a function (all become None), the optimizer's memory (a later
        `partial_fit` starts with a fresh one), and the states of `stateful` (it begins new
        sequences). Pickle keeps the last two.

        A pipeline that ends in the estimator has no `save`; `elman.save` writes it, its scaler
        included.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The estimator is not fitted.
        ValueError
            The suffix of the name is that of a file of data, such as .npz.
        OSError
            The file cannot be written; one that was there before is left whole.
        """
        save(path, Saved(self._model(), self.get_params(deep=False), self.history_))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an estimator that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        estimator
            Predicts bit for bit what the saved one did.

        Raises
        ------
        elman.formats.archive.ArchiveError
            The file is damaged, from a newer version, or not one of elman's. No code in it is run.
        OSError
            It cannot be read.
        """
        return cls._of_saved(load_kind(path, cls._MODEL.kind, known=cls._get_param_names()))

    @classmethod
    def _of_saved(cls, saved: Saved[TrainedModel]) -> Self:
        """The fitted estimator of which a file held the parts."""
        estimator = cls(**saved.parameters)
        estimator._set_fitted(cast(M, saved.model), saved.history, None)
        return estimator

    # What a fitted estimator knows

    @property
    def network_(self) -> Network:
        """The trained network."""
        return self._of("network_").network

    @property
    def weights_(self) -> dict[str, Array]:
        """Named weights: views of the network's own."""
        return dict(self._of("weights_").network.params)

    @property
    def n_features_in_(self) -> int:
        """`X.shape[-1]` in training: for a 2-D X the number of its columns."""
        return self._of("n_features_in_").n_features_in

    @property
    def feature_names_in_(self) -> Array:
        """Names of the columns of X; only if it was one or several data frames that have some."""
        names = self._of("feature_names_in_").feature_names
        if names is None:
            raise AttributeError(
                "feature_names_in_ exists once X was a data frame with names, or a list of them"
            )
        return np.array(names, dtype=object)

    @property
    def mean_(self) -> NDArray[np.float64] | None:
        """What `standardize` subtracts from each feature; None without it."""
        standardisation = self._of("mean_").standardisation
        return None if standardisation is None else standardisation.mean

    @property
    def scale_(self) -> NDArray[np.float64] | None:
        """What `standardize` divides each feature by; None without it."""
        standardisation = self._of("scale_").standardisation
        return None if standardisation is None else standardisation.scale

    @property
    def frontend_(self) -> Frontend:
        """What the network reads of standardised steps; printed, also why "auto" chose so.

        It has the attributes `deltas`, `stride`, `scale_each` and `reasons`.
        """
        return self._of("frontend_").frontend

    @property
    def n_iter_(self) -> int:
        """Epochs run."""
        self._of("n_iter_")
        return len(self.history_)

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss of each epoch."""
        self._of("loss_curve_")
        return self.history_.loss

    @property
    def score_curve_(self) -> list[float | None]:
        """Training score of each epoch, as `elman.models.history.Epoch.score` has it."""
        self._of("score_curve_")
        return self.history_.score

    @property
    def validation_loss_curve_(self) -> list[float | None]:
        """Validation loss of each epoch; empty without validation data."""
        self._of("validation_loss_curve_")
        return self.history_.validation_loss

    @property
    def validation_scores_(self) -> list[float | None]:
        """Validation score of each epoch; empty without validation data."""
        self._of("validation_scores_")
        return self.history_.validation_score

    @property
    def best_epoch_(self) -> int:
        """Number of the best epoch."""
        self._of("best_epoch_")
        return self.history_.best_epoch

    def _of(self, attribute: str) -> M:
        """The model, or an AttributeError that names the attribute if there is none yet."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{attribute} exists once the {type(self).__name__} is fitted")
        return self.model_

    # Checking what comes in

    def _hyperparameters(self) -> dict[str, Any]:
        """The declared hyper-parameters, also those that are no arguments of a subclass."""
        return {name: getattr(self, name) for name in declarations(PARAMETERS[self._MODEL.kind])}

    def _own_hooks(self) -> list[OnEpoch]:
        """What `on_epoch` says to call, in order."""
        given = self.on_epoch
        if given is None:
            return []
        return [*given] if isinstance(given, (list, tuple)) else [given]

    def _check_parameters(self) -> None:
        declared = declarations(PARAMETERS[self._MODEL.kind])
        for name, value in self._hyperparameters().items():
            declared[name].check_for(self._MODEL.kind)(name, value)
        check_together(self)
        check_scoring_name(self.scoring)

    def _check_fresh_X(self, X: Any) -> tuple[Sequences, Names | None]:
        """X to begin training with, and the names of its columns."""
        data = check_sequences(
            X, dtype=self._dtype(), estimator=type(self).__name__, missing=self.missing
        )
        warn_of_channels_first(data)
        warn_of_features_as_steps(data)
        return data, data.feature_names

    @staticmethod
    def _check_alignment(X: Any, data: Sequences, y: Any, sample_weight: Any) -> None:
        """Raise an error where the container of X says why y or sample_weight cannot be its."""
        check_alignment(X, data, y, "X", "y")
        check_alignment(X, data, sample_weight, "X", "sample_weight")

    def _check_more_X(self, X: Any) -> tuple[Sequences, Names | None]:
        """X to go on training with, and the names of its columns."""
        model, data = self._asked(X)
        if data.pending_check is not None:
            data.pending_check()
            data.pending_check = None
        return data, model.feature_names

    def _model(self) -> M:
        """The fitted model, computing as the hyper-parameters say now."""
        check_is_fitted(self)
        model = self.model_
        if (model.backend, model.n_jobs) != (self.backend, self.n_jobs):
            model = replace(model, backend=self.backend, n_jobs=self.n_jobs)
        return model

    def _asked(self, X: Any) -> tuple[M, Sequences]:
        """The fitted model, and X validated for it."""
        model = self._model()
        return model, model.check(X, estimator=type(self).__name__)

    @contextmanager
    def _asking(self, X: Any, executor: Any) -> Iterator[tuple[M, Sequences]]:
        """The same, for as long as the answers are asked for; the model asks on the executor."""
        model, data = self._asked(X)
        with answering(model, executor) as model:
            yield model, data

    def _labelled(
        self, data: Sequences, targets: Array, meaning: Meaning, sample_weight: Any
    ) -> Labelled:
        """Samples to train on: those of positive weight, without the steps to be skipped."""
        X = self._kept(data)
        what = self._step_target(meaning)
        if what is not None:
            carries = bool(self.stateful)
            return labelled_steps(data, X, targets, sample_weight, all_samples=carries, what=what)
        if sample_weight is None:
            return Labelled(Prepared(X), targets, None)
        weights = check_weights(sample_weight, len(data))
        labelled = Labelled(Prepared(X), targets, weights)
        # To leave out samples of weight 0 changes no bit, but their states may have to go on.
        if weights.all() or self.stateful:
            return labelled
        return labelled.subset(np.flatnonzero(weights))

    def _kept(self, data: Sequences) -> Sequences:
        """X to train on without the steps to be skipped."""
        kept = without_missing_steps(data)
        if kept.n_steps == 0 and data.n_steps:
            raise ValueError(
                "Input X contains NaN at every time step of every sample, so that missing='skip' "
                "leaves nothing to train on: choose missing='mask', or leave features out"
            )
        return kept

    def _to_validate(self, data: Sequences, targets: Array, meaning: Meaning) -> Labelled:
        """Validation data, without the steps to be skipped."""
        what = self._step_target(meaning)
        if what is not None:
            return validated_steps(data, targets, what)
        return Labelled(Prepared(without_missing_steps(data)), targets, None)

    def _check_validation(
        self, X_val: Any, y_val: Any, data: Sequences, names: Names | None, meaning: Meaning
    ) -> Labelled | None:
        """Validation data that goes with the training data, or None if there is none."""
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}: pass both or neither")
        if X_val is None:
            return None
        validation = check_sequences(
            X_val,
            name="X_val",
            dtype=None if self.standardize else data.dtype,
            n_features=data.n_features_in,
            two_d=data.two_d,
            feature_names=names,
            estimator=type(self).__name__,
            ensure_min_timesteps=0,
            missing=data.missing,
        )
        check_alignment(X_val, validation, y_val, "X_val", "y_val")
        targets, _ = self._targets(y_val, validation, meaning, name="y_val")
        return self._to_validate(validation, targets, meaning)

    def _prepared(self, labelled: Labelled, model: M, *, elsewhere: bool = False) -> Labelled:
        """Sequences and targets as the network takes them: scaled, and complete.

        `elsewhere` says that other processes read them, who open a store by themselves.
        """
        dtype = model.network.params.dtype
        data = labelled.X.data
        X = Prepared.for_training(
            data, model.standardisation, dtype, model.frontend, elsewhere=elsewhere
        )
        return self._scaled_targets(labelled._replace(X=X), model)

    def _dtype(self) -> Any:
        """The dtype in which a fresh fit reads X; None keeps the dtype of X.

        Standardisation works in float64 on what X holds: rounded to float32 first, 1e6 +- 0.01 has
        lost its digits.
        """
        return None if self.standardize or self.dtype == "auto" else np.dtype(self.dtype)

    # Checkpoints, files

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

    def _packed(self, network: Network, history: History) -> tuple[dict[str, Any], dict[str, Any]]:
        """The content of a model file with the given network and history."""
        model = replace(self._model(), network=network)
        return pack(Saved(model, self.get_params(deep=False), history))

    def _backend(self) -> Backend:
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))

    def _score_name(self) -> str:
        """What progress calls the validation score."""
        if self.scoring is None or self.scoring == "loss":
            return self._SCORE
        return self.scoring if isinstance(self.scoring, str) else "score"


def _namer(meaning: Meaning) -> Callable[[int], str]:
    """What takes the index of a class to its name, as a message writes it."""
    return lambda code: repr(np.asarray(meaning["classes"])[code].item())


def _among_all_steps(place: Place, data: Sequences, stride: int) -> Place:
    """The same place, its step counted among all time steps: the first of its block.

    Training counts blocks of `stride` steps, and only the steps that were not skipped.
    """
    if place.step is None:
        return place
    step = place.step * stride
    if data.missing == "skip":
        step = int(np.flatnonzero(~np.isnan(data[place.sample]).any(axis=1))[step])
    return place._replace(step=step)


def _one_validation(X_val: Any, y_val: Any, validation_data: Any) -> tuple[Any, Any]:
    """X_val and y_val, whichever way the user passed them."""
    if validation_data is None:
        return X_val, with_stored(X_val, y_val, None)[0]
    if X_val is not None or y_val is not None:
        raise ValueError("validation_data is X_val and y_val by another name: pass one of the two")
    if isinstance(validation_data, Stored):
        return validation_data, validation_data.y
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        size = f" of {len(validation_data)}" if hasattr(validation_data, "__len__") else ""
        raise ValueError(
            f"validation_data is a {type(validation_data).__name__}{size}; it must be a pair "
            "(X_val, y_val)"
        )
    X_val, y_val = validation_data
    return X_val, with_stored(X_val, y_val, None)[0]


def _held_out(
    rows: NDArray[np.intp], data: Sequences, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, Any, Any]:
    """The samples at `rows`, as they were passed if rows can be taken of that."""
    if _has_rows(X):
        held = _safe_indexing(X, rows)
    else:  # a list, or an array, of what it was converted to
        held = [data[i] for i in rows.tolist()]
        held = np.stack(held)[:, :, 0] if data.two_d else held
    rest = (
        values if values is None else _safe_indexing(_with_rows(values), rows)
        for values in (y, sample_weight)
    )
    return (held, *rest)


def _with_rows(values: Any) -> Any:
    """Targets or weights in a container of which rows can be taken."""
    if hasattr(values, "toarray"):  # sparse, of which not every format can be indexed
        return values.tocsr()
    return values if _has_rows(values) else np.asarray(values)


def _has_rows(values: Any) -> bool:
    """Whether scikit-learn can take rows of it."""
    return isinstance(values, (list, tuple, np.ndarray, Stored)) or (
        type(values).__module__.split(".")[0] in ("pandas", "polars", "pyarrow")
        and hasattr(values, "__getitem__")
        and not hasattr(values, "ngroups")
    )


def _interrupted(history: History) -> str:
    if not len(history):
        return "training was interrupted before its first epoch ended: the weights are as they were"
    return f"training was interrupted after epoch {history.epoch[-1]}: {_best_of(history)}"


def _best_of(history: History) -> str:
    by = "validation score" if history.validation_score else "training loss"
    return f"kept the weights of epoch {history.best_epoch}, the best so far by {by}"


def _not_kept(history: History, error: OSError, newest: Path | None) -> str:
    """A warning that says why a state could not be written and where training stands."""
    where = "" if error.filename is None else f" to {error.filename}"
    could_not = f"its state could not be written{where} ({error.strerror or error})"
    if history.stopped_by == "checkpoint":
        happened = f"stopped after epoch {history.epoch[-1]}, because {could_not}: "
        happened += _best_of(history)
    else:
        happened = f"ended as it should after epoch {history.epoch[-1]}, with all it learned, but "
        happened += could_not
    if newest is None:
        return f"training {happened}. No state is left on disk; the same fit would begin afresh"
    return (
        f"training {happened}. The last state on disk is {newest}; the same fit goes on from there "
        "once the folder can be written to"
    )
