"""What every estimator here shares: sequences and targets in, a trained network and answers out."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted, validate_data

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend, Cell
from elman.data.missing import n_inputs, warn_of_unobserved, without_missing_steps
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation, location_and_scale
from elman.data.sequences import Sequences
from elman.data.validation import check_sequences
from elman.estimators.callbacks import CallbackSupport, FitTask
from elman.estimators.progress import EpochProgress
from elman.estimators.scoring import check_scoring_name, scorer_of
from elman.hyperparameters import checks as hp
from elman.models.files import Saved, load_kind, pack, pack_answers, plain_parameters, save
from elman.models.history import Epoch, History
from elman.models.model import TrainedModel
from elman.models.streaming import Stream
from elman.nn.network import Network, layer_sizes
from elman.nn.objectives import Objective
from elman.nn.optimizers import SGD, Adam, make_optimizer
from elman.nn.schedules import Schedule
from elman.targets.labels import check_weights, hold_out
from elman.training.checkpoints import Checkpoints, digest
from elman.training.divergence import DivergedError, Place
from elman.training.epoch import Plan
from elman.training.labelled import Labelled
from elman.training.loop import train

Array = NDArray[Any]


M = TypeVar("M", bound=TrainedModel)

WITHOUT_EFFECT = (
    "backend",
    "checkpoint_epochs",
    "checkpoint_every",
    "checkpoint_minutes",
    "n_jobs",
    "verbose",
)
"""Hyper-parameters that change no bit of a fit, or are seen to apart."""


class RecurrentEstimator(CallbackSupport, BaseEstimator, Generic[M]):  # type: ignore[misc]
    """Base of the estimators: all but what their answers are.

    A subclass lists its hyper-parameters in `__init__` and their checks in `_CHECKS`, and says
    what its targets mean: `_targets`, `_n_outputs` and `_model`, and what else of the hooks below
    differs.
    """

    _CHECKS: ClassVar[Mapping[str, hp.Check]]
    _KIND: ClassVar[str]
    """what a saved file calls it"""
    _READOUT: ClassVar[str | None] = None
    """of the network, where it is no hyper-parameter"""
    _SCORE: ClassVar[str] = "accuracy"
    """what progress calls the validation score"""
    _optimizer: SGD | Adam

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    # What an estimator says of its targets

    def _targets(self, y: Any, data: Sequences, *, name: str = "y", fresh: bool = False) -> Array:
        """`y` as training takes it; with `fresh`, learn from it what the targets are."""
        raise NotImplementedError

    def _n_outputs(self) -> int:
        """Columns of the head."""
        raise NotImplementedError

    def _model(self) -> M:
        """What the answers come from."""
        raise NotImplementedError

    def _objective(self) -> Objective:
        """What training makes small."""
        raise NotImplementedError

    def _strata(self, training: Labelled) -> NDArray[np.int64]:
        """Index of each sample's class, of which validation data has the same share."""
        return np.zeros(len(training.X), np.int64)

    def _weighted(self, training: Labelled) -> Labelled:
        """Training data with the weights that hyper-parameters add to the user's."""
        return training

    def _loss_unit(self) -> str:
        """What the training loss is in, to be read beside an axis."""
        return "nats per sample"

    def _restore(self, model: M) -> None:
        """Take over from a loaded model what `_targets` had learned."""
        raise NotImplementedError

    # Fitting

    def _fit_afresh(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, validation_data: Any
    ) -> Self:
        """`fit`, whatever the targets; to be called by it directly."""
        self._check_parameters()
        X_val, y_val = _one_validation(X_val, y_val, validation_data)
        task = FitTask(self, self.max_iter, X, y, sample_weight)
        fitted = hasattr(self, "network_")
        with _unchanged_on_error(self, but_diverged=not fitted):
            try:
                self._fit(X, y, sample_weight, X_val, y_val, task.hooks)
            except DivergedError as error:
                if self.missing == "skip" and error.place is not None and error.place.source == "X":
                    error.place = _among_all_steps(error.place, self._asked(X)[1])
                raise
        if self.history_.stopped_by == "interrupt":
            warnings.warn(_interrupted(self.history_), stacklevel=4)
        task.end()
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        hooks: Sequence[Callable[[Epoch], Any]],
    ) -> None:
        again = bool(self.warm_start) and hasattr(self, "network_")
        if again and self.checkpoint is not None:
            raise ValueError(
                "warm_start=True goes on with weights that are in memory, and checkpoint="
                f"{self.checkpoint!r} with those on disk: set one of them"
            )
        data = self._check_more_X(X) if again else self._check_fresh_X(X)
        targets = self._targets(y, data, fresh=not again)
        training = self._labelled(data, targets, sample_weight)
        validation = self._check_validation(X_val, y_val, data.dtype)
        backend = self._backend()
        with self._checkpoints() as keeper:
            root = self._root_rng(keeper)
            init_rng, shuffle_rng, split_rng = root.spawn(3)
            given = {} if keeper is None else _digests(training, validation)
            judged = X_val, y_val, None
            if self.early_stopping and validation is None:
                strata = self._strata(training)
                kept, held_out = hold_out(strata, self.validation_fraction, split_rng)
                validation = training.subset(held_out)
                training = training.subset(kept)
            if again:
                self._start_again()
            else:
                self._set_scale(training)
                self._start(training, init_rng, shuffle_rng)
            if keeper is not None:
                fingerprint = self._fingerprint(given, backend, root)
                keeper.claim(fingerprint, hp.entropy_of(root), self._packed)
            before = self.history_
            training = self._scaled(self._weighted(training))
            validation = None if validation is None else self._scaled(validation)
            scorer = None
            if validation is not None and self.scoring not in (None, "loss"):
                if validation.source is not None:  # held out of X
                    judged = _rows(validation.source, X, y, sample_weight)
                scorer = scorer_of(self, self.scoring, *judged)
            own_hooks = [] if self.on_epoch is None else [self.on_epoch]
            n_epochs = len(before) + int(self.max_iter)
            with EpochProgress(n_epochs, int(self.verbose), self._score_name()) as progress:
                history = train(
                    self.network_,
                    training,
                    self._optimizer,
                    self._plan(
                        n_epochs=self.max_iter,
                        schedule=self.learning_rate,
                        early_stopping=bool(self.early_stopping),
                    ),
                    self._objective(),
                    backend=backend,
                    rng=self._rng,
                    validation=validation,
                    scorer=scorer,
                    progress=progress,
                    on_epoch=[*own_hooks, *hooks],
                    keeper=keeper,
                )
        self._set_history(before.extended(history))

    def _fit_further(
        self, X: Any, y: Any, sample_weight: Any, learn: Callable[[bool], None] | None = None
    ) -> Self:
        """`partial_fit`, whatever the targets; to be called by it directly.

        `learn` is called once X was looked at, with whether this is the first call.
        """
        with _unchanged_on_error(self):
            history = self._train_further(X, y, sample_weight, learn)
            self._set_history(self.history_.extended(history))
        if history.stopped_by == "interrupt":
            warnings.warn(_interrupted(history), stacklevel=3)
        return self

    def _train_further(
        self, X: Any, y: Any, sample_weight: Any, learn: Callable[[bool], None] | None
    ) -> History:
        first = not hasattr(self, "network_")
        data = self._check_fresh_X(X) if first else self._check_more_X(X)
        if learn is not None:
            learn(first)
        targets = self._targets(y, data, fresh=first and learn is None)
        training = self._labelled(data, targets, sample_weight)
        backend = self._backend()
        if first:
            init_rng, shuffle_rng, _ = hp.make_rng(self.random_state).spawn(3)
            self._set_scale(training)
            self._start(training, init_rng, shuffle_rng)
        else:
            self._continue()
        states = self._states_of(len(training.X)) if self.stateful else None
        history = train(
            self.network_,
            self._scaled(self._weighted(training)),
            self._optimizer,
            self._plan(n_epochs=1, schedule="constant", early_stopping=False),
            self._objective(),
            backend=backend,
            rng=self._rng,
            progress=EpochProgress(1, 2 if self.verbose else 0),
            on_epoch=[] if self.on_epoch is None else [self.on_epoch],
            states=states,
        )
        if states is not None and len(history):
            self._states: dict[str, Array] = states
        return history

    def reset_state(self) -> Self:
        """Forget the states that `partial_fit` would go on from: new sequences begin.

        Returns
        -------
        estimator
            The estimator itself.
        """
        self._states = {}
        return self

    def _states_of(self, n_samples: int) -> dict[str, Array]:
        """A copy of the states that as many samples go on from."""
        hp.check_carrying(self.network_.bidirectional, None, stateful=True)
        states = {name: state.copy() for name, state in getattr(self, "_states", {}).items()}
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

    def hidden_states(self, X: Any) -> Any:
        """The last layer's hidden state after every time step.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, width)
            An array (n_samples, n_timesteps, width) if X is one. `width` is the last layer's size;
            twice that if bidirectional, forward half first.
        """
        model, data = self._asked(X)
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
            The network is bidirectional: it has no answer before a sequence has ended.
        """
        return self._model().stream(n)

    @property
    def weights_(self) -> dict[str, Array]:
        """Named weights: views of the network's own."""
        if "network_" not in self.__dict__:
            raise AttributeError(f"weights_ exists once the {type(self).__name__} is fitted")
        return dict(self.network_.params)

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a safetensors file, atomically.

        Everything is kept bit for bit but `on_epoch`, a `random_state` that is a generator, a
        `scoring` that is a function (all become None), the optimizer's memory (a later
        `partial_fit` starts with a fresh one), and the states of `stateful` (it begins new
        sequences). Pickle keeps the last two.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The estimator is not fitted.
        OSError
            The file cannot be written; one that was there before is left whole.
        """
        save(path, self._saved(self._model(), self.history_), self._KIND)

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
        saved = load_kind(path, cls._KIND, known=cls._get_param_names())
        model = saved.model
        estimator = cls(**saved.parameters)
        estimator.network_ = model.network
        estimator._restore(cast(M, model))
        estimator.mean_, estimator.scale_ = model.standardisation or (None, None)
        estimator.n_features_in_ = model.n_features_in
        estimator._two_d = model.two_d
        estimator._missing = model.missing
        if saved.feature_names is not None:
            estimator.feature_names_in_ = np.array(saved.feature_names, dtype=object)
        estimator._set_history(saved.history)
        return estimator

    # Checking what comes in

    def _check_parameters(self) -> None:
        for name, check in self._CHECKS.items():
            check(name, getattr(self, name))
        hp.check_stack(self.hidden_size, self.n_layers, self.residual, self.cell, self.activation)
        check_scoring_name(self.scoring)
        hp.check_warm_up(self.learning_rate, self.warm_up)
        hp.check_carrying(self.bidirectional, self.bptt_steps, self.stateful)

    def _check_fresh_X(self, X: Any) -> Sequences:
        data = check_sequences(
            X, dtype=self._dtype(), estimator=type(self).__name__, missing=self.missing
        )
        if data.two_d:
            validate_data(self, X, reset=True, skip_check_array=True)
        else:
            self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_: int = data.n_features_in
        self._two_d: bool = data.two_d
        self._missing: str = data.missing
        return data

    def _check_more_X(self, X: Any) -> Sequences:
        """X to go on training with."""
        data = self._asked(X)[1]
        if data.refuse is not None:
            data.refuse()
            data.refuse = None
        return data

    def _trained(self) -> dict[str, Any]:
        """What every kind of `TrainedModel` takes."""
        check_is_fitted(self, "network_")
        return {
            "network": self.network_,
            "n_features_in": self.n_features_in_,
            "two_d": self._two_d,
            "standardisation": self._standardisation(),
            "backend": self.backend,
            "n_jobs": self.n_jobs,
            "name": type(self).__name__,
            "missing": self._missing,
        }

    def _asked(self, X: Any) -> tuple[M, Sequences]:
        """What answers, and X as it takes it."""
        model = self._model()
        data = model.check(X)
        if data.two_d:
            validate_data(self, X, reset=False, skip_check_array=True)
        return model, data

    def _labelled(self, data: Sequences, targets: Array, sample_weight: Any) -> Labelled:
        """Samples to train on: those of positive weight, without the steps to be skipped."""
        X = self._kept(data)
        if sample_weight is None:
            return Labelled(Prepared(X), targets, None)
        weights = check_weights(sample_weight, len(data))
        labelled = Labelled(Prepared(X), targets, weights)
        # A weight of 0 is the same, to the last bit, as leaving the sample out; but its state.
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

    def _to_validate(self, data: Sequences, targets: Array) -> Labelled:
        """Validation data, without the steps to be skipped."""
        return Labelled(Prepared(without_missing_steps(data)), targets, None)

    def _check_validation(self, X_val: Any, y_val: Any, dtype: Any) -> Labelled | None:
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}: pass both or neither")
        if X_val is None:
            return None
        dtype = None if self.standardize else dtype
        data = check_sequences(
            X_val,
            name="X_val",
            dtype=dtype,
            n_features=self.n_features_in_,
            two_d=self._two_d,
            estimator=type(self).__name__,
            ensure_min_timesteps=0,
            missing=self._missing,
        )
        if data.two_d:
            validate_data(self, X_val, reset=False, skip_check_array=True)
        targets = self._targets(y_val, data, name="y_val")
        return self._to_validate(data, targets)

    def _dtype(self) -> Any:
        """How X is read by a fresh fit, None for as it is.

        Standardisation works in float64 on what X holds: rounded to float32 first, 1e6 +- 0.01 has
        lost its digits.
        """
        return None if self.standardize or self.dtype == "auto" else np.dtype(self.dtype)

    # Checkpoints

    def _checkpoints(self) -> AbstractContextManager[Checkpoints | None]:
        if self.checkpoint is None:
            return nullcontext()
        minutes = self.checkpoint_minutes
        return Checkpoints(
            self.checkpoint,
            epochs=None if self.checkpoint_epochs is None else int(self.checkpoint_epochs),
            minutes=None if minutes is None else float(minutes),
            kind=self._KIND,
            known=self._get_param_names(),
        )

    def _root_rng(self, keeper: Checkpoints | None) -> np.random.Generator:
        """What all random numbers come from: with random_state=None those of the run resumed."""
        entropy = None if keeper is None else keeper.entropy
        if self.random_state is None and entropy is not None:
            return np.random.default_rng(np.random.SeedSequence(entropy))
        return hp.make_rng(self.random_state)

    def _fingerprint(
        self, given: dict[str, Any], backend: Backend, root: np.random.Generator
    ) -> dict[str, Any]:
        """All that decides a run's bits, by name."""
        parameters = plain_parameters(self.get_params(deep=False))
        if isinstance(self.random_state, (np.random.RandomState, np.random.Generator)):
            parameters["random_state"] = hp.entropy_of(root)
        meaning, arrays = pack_answers(self._model())
        return {
            **{name: value for name, value in parameters.items() if name not in WITHOUT_EFFECT},
            **given,
            "y": digest(given["y"], repr(meaning), *arrays.values()),
            "version of elman": version("elman"),
            "version of numpy": np.__version__,
            "backend": f"{backend.name} ({backend.isa})",
        }

    def _packed(self, network: Network, history: History) -> tuple[dict[str, Any], dict[str, Any]]:
        """A file's content, were that the network and its history."""
        return pack(self._saved(replace(self._model(), network=network), history), self._KIND)

    def _saved(self, model: M, history: History) -> Saved[M]:
        names = getattr(self, "feature_names_in_", None)
        return Saved(
            model=model,
            parameters=self.get_params(deep=False),
            feature_names=None if names is None else list(names),
            history=history,
        )

    # Training

    def _backend(self) -> Backend:
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))

    def _set_scale(self, training: Labelled) -> None:
        self.mean_ = self.scale_ = None
        if self.standardize:
            self.mean_, self.scale_ = location_and_scale(training.X.data, training.sample_weights())
        warn_of_unobserved(training.X.data)

    def _standardisation(self) -> Standardisation | None:
        if self.mean_ is None or self.scale_ is None:
            return None
        return Standardisation(self.mean_, self.scale_)

    def _scaled(self, labelled: Labelled) -> Labelled:
        dtype = self.network_.params.dtype
        X = Prepared.for_training(labelled.X.data, self._standardisation(), dtype)
        return labelled._replace(X=X)

    def _start(
        self,
        training: Labelled,
        init_rng: np.random.Generator,
        shuffle_rng: np.random.Generator,
    ) -> None:
        """Fresh weights, optimizer and history."""
        data = training.X.data
        self.network_ = Network.initialised(
            n_inputs(data.n_features, self._missing),
            layer_sizes(self.hidden_size, self.n_layers),
            self._n_outputs(),
            cell=Cell(self.cell, self.activation, bool(self.layer_norm)),
            readout=self._READOUT or self.readout,
            rng=init_rng,
            dtype=data.dtype if self.dtype == "auto" else np.dtype(self.dtype),
            recurrent_init=self.recurrent_init,
            forget_bias=float(self.forget_bias),
            bidirectional=bool(self.bidirectional),
            residual=bool(self.residual),
            learn_initial_state=bool(self.learn_initial_state),
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
        )
        self.history_ = History()
        self._states = {}
        self._make_optimizer()
        self._rng: np.random.Generator = shuffle_rng

    def _continue(self) -> None:
        """What going on takes beside weights, where it is not there."""
        if not self.network_.params.flat.flags.writeable:  # joblib's memory map of a file
            self.network_ = replace(self.network_, params=self.network_.params.copy())
            if hasattr(self, "_optimizer"):
                self._optimizer = self._optimizer.copy()
        if not hasattr(self, "_optimizer"):  # loaded from a file
            self._make_optimizer()
            _, self._rng, _ = hp.make_rng(self.random_state).spawn(3)

    def _make_optimizer(self) -> None:
        self._optimizer = make_optimizer(
            self.solver,
            self.network_.params,
            alpha=float(self.alpha),
            momentum=float(self.momentum),
            nesterov=bool(self.nesterovs_momentum),
        )

    def _start_again(self) -> None:
        """What `warm_start` begins with: weights, scale and history as they are."""
        asked: dict[str, Any] = {
            "hidden_size": layer_sizes(self.hidden_size, self.n_layers),
            "cell": Cell(self.cell, self.activation, bool(self.layer_norm)),
            "readout": self._READOUT or self.readout,
            "bidirectional": bool(self.bidirectional),
            "residual": bool(self.residual),
            "learn_initial_state": bool(self.learn_initial_state),
        }
        network = self.network_
        built = {name: getattr(network, name) for name in asked}
        built["hidden_size"] = network.hidden_sizes
        asked["missing"], built["missing"] = self.missing, self._missing
        if self.dtype != "auto":
            asked["dtype"], built["dtype"] = np.dtype(self.dtype), network.params.dtype
        for name, value in asked.items():
            if built[name] != value:
                raise ValueError(
                    f"warm_start=True goes on with the network of the last fit, whose {name} is "
                    f"{built[name]}, but it is {value} now: set it back, or warm_start=False"
                )
        self._continue()
        self.network_ = replace(
            self.network_,
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
        )
        self._states = {}
        self._make_optimizer()

    def _plan(self, *, n_epochs: int, schedule: str, early_stopping: bool) -> Plan:
        n_done = len(self.history_)
        rate = Schedule(
            schedule,
            float(self.learning_rate_init),
            int(self.max_iter),
            warm_up=0 if n_epochs == 1 else self._n_warm(),
            first_epoch=n_done,
        )
        patience = max(int(self.n_iter_no_change) // 2, 1)
        judged_by = {None: "both", "loss": "loss"}
        return Plan(
            n_epochs=int(n_epochs),
            batch_size=int(self.batch_size),
            learning_rate=rate,
            max_grad_norm=None if self.max_grad_norm is None else float(self.max_grad_norm),
            early_stopping=early_stopping,
            n_iter_no_change=int(self.n_iter_no_change),
            tol=float(self.tol),
            judged_by="score" if callable(self.scoring) else judged_by.get(self.scoring, "score"),
            first_epoch=n_done,
            checkpoint_every=int(self.checkpoint_every or 0),
            bptt_steps=None if self.bptt_steps is None else int(self.bptt_steps),
            max_grad_value=None if self.max_grad_value is None else float(self.max_grad_value),
            bucket_by_length=bool(self.bucket_by_length),
            lowers_rate=lambda epoch, n_stale: rate.lowers_after(epoch, n_stale, patience),
        )

    def _n_warm(self) -> int:
        """Epochs of `warm_up`."""
        if isinstance(self.warm_up, numbers.Integral):
            return int(self.warm_up)
        return round(float(self.warm_up) * int(self.max_iter))

    def _score_name(self) -> str:
        """What progress calls the validation score."""
        if self.scoring is None or self.scoring == "loss":
            return self._SCORE
        return self.scoring if isinstance(self.scoring, str) else "score"

    def _set_history(self, history: History) -> None:
        self.history_ = history
        self.n_iter_ = len(history)
        self.loss_curve_ = history.loss
        self.validation_scores_ = history.validation_score
        self.best_epoch_ = history.best_epoch


def as_given(X: Any, answers: list[Array]) -> Any:
    """Answers over time as X is: an array for an array, of objects for objects, or a list."""
    if getattr(X, "ndim", 0) in (2, 3):
        return np.stack(answers)
    if not isinstance(X, np.ndarray):
        return answers
    objects = np.empty(len(answers), dtype=object)
    for i, answer in enumerate(answers):
        objects[i] = answer
    return objects


def _among_all_steps(place: Place, data: Sequences) -> Place:
    """A place among the steps that were not skipped, counted among all."""
    if place.step is None:
        return place
    observed = np.flatnonzero(~np.isnan(data[place.sample]).any(axis=1))
    return place._replace(step=int(observed[place.step]))


def _digests(training: Labelled, validation: Labelled | None) -> dict[str, str | None]:
    """What data was given, by name."""
    validated = [] if validation is None else [validation.X.data, validation.targets]
    return {
        "X": digest(training.X.data),
        "y": digest(training.targets),
        "sample_weight": None if training.weights is None else digest(training.weights),
        "validation data": digest(*validated) if validated else None,
    }


@contextmanager
def _unchanged_on_error(estimator: Any, *, but_diverged: bool = False) -> Iterator[None]:
    """Put the estimator's attributes back if the body fails: what was fitted before is kept.

    With `but_diverged` nothing was, and what was learned in the epochs that ended well is better.
    """
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException as error:
        if but_diverged and isinstance(error, DivergedError) and len(error.history):
            estimator.network_ = error.network
            estimator._set_history(error.history)
            del estimator._optimizer  # its memory is of before the fit
            raise
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def _one_validation(X_val: Any, y_val: Any, validation_data: Any) -> tuple[Any, Any]:
    """X_val and y_val, however they were passed."""
    if validation_data is None:
        return X_val, y_val
    if X_val is not None or y_val is not None:
        raise ValueError("validation_data is X_val and y_val by another name: pass one of the two")
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        size = f" of {len(validation_data)}" if hasattr(validation_data, "__len__") else ""
        raise ValueError(
            f"validation_data is a {type(validation_data).__name__}{size}; it must be a pair "
            "(X_val, y_val)"
        )
    return validation_data[0], validation_data[1]


def _rows(rows: Any, *arrays: Any) -> tuple[Any, ...]:
    """These samples of each array, list or data frame; None stays."""
    return tuple(None if array is None else _safe_indexing(array, rows) for array in arrays)


def _interrupted(history: History) -> str:
    if not len(history):
        return "training was interrupted before its first epoch ended: the weights are as they were"
    by = "validation score" if history.validation_score else "training loss"
    return (
        f"training was interrupted after epoch {history.epoch[-1]}: kept the weights of epoch "
        f"{history.best_epoch}, the best so far by {by}"
    )
