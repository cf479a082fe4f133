"""Recordings and numbers in; a trained regressor of sequences, or of their time steps, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from typing_extensions import override

from elman.data.containers import as_given
from elman.data.scaling import Standardisation, location_and_scale
from elman.data.sequences import Sequences
from elman.data.store.stored import with_stored
from elman.estimators.base import RecurrentEstimator
from elman.estimators.callbacks import with_callbacks
from elman.estimators.hooks import Meaning
from elman.estimators.scoring import refuse_scorers_of_samples
from elman.estimators.steps import check_any
from elman.hyperparameters.declared import RegressorParameters, completed, defaults_of
from elman.models.files import FORMER_READOUT
from elman.models.regressor import TrainedRegressor
from elman.nn.objectives import Objective, Values, r_squared
from elman.nn.readouts import EVERY, plain_readout
from elman.targets.step_values import are_of_steps, check_step_values, refuse_unknown_target
from elman.targets.steps import check_step_weights
from elman.targets.values import check_values
from elman.targets.weights import check_weights
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]

DEFAULT_THEN = "_default_readout"
"""In a pickle, what `readout` was by default when it was written; older ones have nothing."""
DEFAULT_READOUT = plain_readout(defaults_of("RNNRegressor")["readout"])


@completed
class RNNRegressor(RegressorMixin, RecurrentEstimator[TrainedRegressor], RegressorParameters):  # type: ignore[misc]
    """Predict numbers from each sequence, or at each time step, with a recurrent neural network.

    X is what `RNNClassifier` takes: a 3-D array, a list of (n_timesteps_i, n_features) arrays or
    data frames, or a 2-D array or data frame of one feature over time. y, everywhere, is one of

    - targets of samples: an array (n_samples,) or (n_samples, n_targets) of finite numbers;
    - targets of time steps: a list with an array for each sample, (n_timesteps_i,) or
      (n_timesteps_i, n_targets), or an array (n_samples, n_timesteps, n_targets). NaN says that a
      target is not known, and stands past a sample's end in an array.

    With `readout="every"` they are of time steps whatever y is: an array (n_samples, n_timesteps)
    has one for each. With another `readout` than the default they are of samples. Without either,
    and with as many numbers for each sample as it has time steps, the same for all, a 2-D array is
    taken for targets of samples and a list of 1-D arrays for those of time steps, both with a
    warning, and a list of lists is refused.

    A time step is answered from the steps up to it, and with `bidirectional=True` from those after
    it as well. A target that is not known adds nothing to the loss, which is a mean over the known
    ones; the step is read like any other.

    Parameters
    ----------
    (written from `elman.hyperparameters.declared`)

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_targets,)
        Mean and deviation of each target in training, over what is known of it: what the network
        predicts is `(y - y_mean_) / y_scale_`. A target that was constant has its own value and 1,
        as with scikit-learn's scalers, and is predicted exactly; `partial_fit` may find others
        later.
    n_outputs_ : int
        Targets.
    n_features_in_ : int
        `X.shape[-1]`: for a 2-D X the number of its columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X was a data frame with string column names, or a list of such.
    network_ : elman.nn.network.Network
    weights_ : dict of str to ndarray
        Views of the network's own.
    batch_size_ : int
        Samples in a batch of the last training at most: `batch_size`, or what "auto" stood for.
    batch_size_reason_ : str
        Why "auto" stood for it; None if `batch_size` was a number.
    max_iter_ : int
        Epochs that the last `fit` was to run at most: `max_iter`, or what "auto" stood for.
    max_iter_reason_ : str
        Why "auto" stood for it; None if `max_iter` was a number.
    n_iter_ : int
        Epochs run.
    loss_curve_ : list of float
        Training loss of each epoch, of standardised targets.
    score_curve_ : list of float
        Training R^2 of each epoch, a mean over targets. It is a running score, from the passes that
        the epoch learns from: the weights change during the epoch, and dropout is on. `score(X, y)`
        is that of the weights as they are.
    validation_loss_curve_ : list of float
        Validation loss of each epoch, of standardised targets; empty without validation data.
    validation_scores_ : list of float
        Validation R^2 of each epoch, a mean over targets (of those that are known at some step that
        was held out); empty without validation data.
    best_epoch_ : int
        Number of the best epoch; its weights are the network's if `early_stopping`, or if training
        was interrupted or could not write its state.
    history_ : elman.models.history.History
    mean_, scale_ : ndarray of shape (n_features,) or None
        What `standardize` subtracts and divides by.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(4, 12, size=60)]
    >>> y = [x[-1, 0] for x in X]
    >>> reg = RNNRegressor(hidden_size=16, readout="last", random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.9
    True
    >>> y = [np.cumsum(x[:, 0]) for x in X]
    >>> y[0][:3] = np.nan
    >>> steps = RNNRegressor(hidden_size=16, random_state=0).fit(X, y)
    >>> [len(values) for values in steps.predict(X)] == [len(x) for x in X]
    True
    """

    _MODEL: ClassVar = TrainedRegressor
    _SCORE: ClassVar = "R^2"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @property
    def y_mean_(self) -> NDArray[np.float64]:
        """What is subtracted from each target before it is learned, (n_targets,)."""
        return self._of("y_mean_").target_scale.mean

    @property
    def y_scale_(self) -> NDArray[np.float64]:
        """What each target is divided by before it is learned, (n_targets,)."""
        return self._of("y_scale_").target_scale.scale

    @property
    def n_outputs_(self) -> int:
        """How many numbers it predicts for each sequence."""
        return len(self._of("n_outputs_").target_scale.mean)

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        validation_data: tuple[Any, Any] | None = None,
        *,
        executor: Any = None,
    ) -> RNNRegressor:
        """Train from fresh weights; with `warm_start`, from those of the last fit.

        Parameters
        ----------
        X : array-like
            Training sequences, in a form that the class describes.
        y : array-like
            Targets of samples or of time steps, in a form that the class describes.
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. 0 leaves a sample out, 2 counts it twice. For targets of time steps it may
            be a list with a weight for each step.
            By default those of X, if X is a store that has some.
        X_val, y_val : array-like, optional
            Validation data: its loss and R^2 go into `history_`, and `early_stopping` uses it
            instead of holding out a part of X.
        validation_data : tuple (X_val, y_val), optional
            The same, in one.
        executor : executor, Client or Comm, optional
            Computes the gradients elsewhere, to the same bits: an executor of
            `concurrent.futures` or a function that makes one, a Dask client or an MPI communicator,
            as `elman.distributed.connect` describes them. Nothing of it stays in the estimator.

        Returns
        -------
        RNNRegressor
            The estimator itself.

        Raises
        ------
        TypeError, ValueError
            A parameter or an argument that cannot be used; names it, the place and the fix.
        elman.training.divergence.DivergedError
            The loss, a gradient or a weight became NaN or infinite; says at which sample, time
            step and layer first, and holds the `network` with the last good weights and the
            `history` up to them. An estimator that was not fitted before has them too, if an
            epoch ended well; one that was keeps what it had.
        OSError
            The folder `checkpoint` cannot be used. Nothing was trained.
        """
        return self._fit_afresh(X, y, sample_weight, X_val, y_val, validation_data, executor)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> RNNRegressor:
        """Train one more epoch on some samples, from where the last call left off.

        The optimizer goes on too. The statistics of `standardize`, `y_mean_` and `y_scale_`, and
        `frontend_` with what "auto" chose and its scales, are those of the first call (or of
        `fit`).

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : array-like
            As in the first call.
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), or for each time step, optional
            By default those of X, if X is a store that has some.

        Returns
        -------
        RNNRegressor
            The estimator itself.

        Raises
        ------
        TypeError, ValueError
            A parameter or an argument that cannot be used.
        elman.training.divergence.DivergedError
            The loss became NaN or infinite. The estimator is then as it was before the call.
        """
        self._check_parameters()
        return self._fit_further(X, y, sample_weight)

    def predict(self, X: Any, *, executor: Any = None) -> Any:
        """Predicted values.

        A sample's answer has the same bits alone, in any batch and in any order.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes. A sample without a single step is
            answered from the initial state.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            As y was in training. Of time steps a list of ndarray of shape (n_timesteps_i,) or
            (n_timesteps_i, n_targets); an array (n_samples, n_timesteps) or (n_samples,
            n_timesteps, n_targets) if X is one.

        Raises
        ------
        ValueError
            An X that cannot be used; or, of time steps, a scorer of scikit-learn asks, which
            compares one answer for each sample: `elman.metrics.per_step` makes one of time steps.
        """
        if self._model().per_step:
            refuse_scorers_of_samples("RNNRegressor")
        with self._asking(X, executor) as (model, data):
            answers = model.predict(data)
            return as_given(X, answers) if model.per_step else answers

    def predict_over_time(self, X: Any, *, executor: Any = None) -> Any:
        """Predicted values had the recording stopped at step t.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i,) or (n_timesteps_i, n_targets), float64
            An array (n_samples, n_timesteps) or (n_samples, n_timesteps, n_targets) if X is one.
            The readout applied to every prefix. The last of each is, bit for bit, the answer of
            `predict`; of time steps all of them are.

        Raises
        ------
        ValueError
            The network is bidirectional, or `scale_each` is set: there is no answer before a
            sequence has ended.
        """
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.predict_over_time(data))

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, executor: Any = None
    ) -> float:
        """R^2 of `predict`.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : array-like
            As in training. Of time steps those targets count that are known.
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), or for each time step, optional
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        float
            1 is the best; 0 is what the mean of `y` would have. Of several targets the mean.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be used: a value that is missing or masked, another number of
            values than samples, or of targets than in training.
        """
        y, _ = with_stored(X, y, None)
        with self._asking(X, executor) as (model, data):
            self._check_alignment(X, data, y, sample_weight)
            if model.per_step:
                return self._score_of_steps(model, data, y, sample_weight)
            predicted = model.predict(data)
            values = self._truth(y, len(predicted))
            weights = (
                None if sample_weight is None else check_weights(sample_weight, len(predicted))
            )
            return float(r2_score(values, predicted, sample_weight=weights))

    def _truth(self, y: Any, n_samples: int) -> Array:
        """y as metrics take it, (n_samples,) or (n_samples, n_targets), to compare answers with."""
        return check_values(y, n_samples, n_targets=self._n_outputs(self.model_.meaning))

    def _score_of_steps(self, model: Any, data: Sequences, y: Any, sample_weight: Any) -> float:
        targets, _ = check_step_values(y, data.lengths, n_targets=self.n_outputs_)
        weights = None
        if sample_weight is not None:
            weights = check_step_weights(sample_weight, data.lengths)
            targets[weights == 0] = np.nan
            check_any(has_target(targets), "a known target")
        refuse_unknown_target(targets, "y")
        answers = np.concatenate(model.predict(data)).reshape(targets.shape)
        return r_squared(answers, targets, weights)

    # What its targets are

    @override
    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        n_targets = None if known is None else self._n_outputs(known)
        per_step = self._is_per_step(y, data, known, name)
        if per_step:
            targets, one_target = check_step_values(y, data.lengths, n_targets=n_targets, name=name)
            if known is None or name != "y":
                refuse_unknown_target(targets, name)
        else:
            values = check_values(y, len(data), n_targets=n_targets, name=name)
            targets, one_target = values.reshape(len(values), -1), values.ndim == 1
        if known is None:
            n_targets = targets.shape[1]
            unscaled = Standardisation(np.zeros(n_targets), np.ones(n_targets))
            known = {"one_target": one_target, "target_scale": unscaled, "per_step": per_step}
        return targets, known

    def __getstate__(self) -> Any:
        return {**super().__getstate__(), DEFAULT_THEN: DEFAULT_READOUT}

    def __setstate__(self, state: Any) -> None:
        """Unpickle; a readout that nobody had chosen is the default of today.

        Where targets of time steps have asked for "every" by themselves, `readout` is the default,
        and has to be so for `fit` and `partial_fit` to go on.
        """
        state = dict(state)
        default = state.pop(DEFAULT_THEN, FORMER_READOUT)
        super().__setstate__(state)
        model = state.get("model_")
        if model is None or not model.network.layout.at_every_step:
            return
        if plain_readout(self.readout) == default:
            self.readout = defaults_of("RNNRegressor")["readout"]

    def _is_per_step(self, y: Any, data: Sequences, known: Meaning | None, name: str) -> bool:
        """Whether y has the targets of time steps: as the network has, or as readout or y says."""
        chosen, default = plain_readout(self.readout), DEFAULT_READOUT
        if known is not None:
            if chosen == EVERY and not known["per_step"]:
                raise ValueError(
                    "readout='every' predicts a target at each time step, but the network was "
                    "trained on targets of samples: set readout back, or train a fresh network"
                )
            return bool(known["per_step"])
        if chosen == EVERY:
            return True
        per_step = are_of_steps(y, data.lengths, name, readout_chosen=chosen != default)
        if per_step and chosen != default:
            raise ValueError(
                f"{name} has targets of time steps, but readout={chosen!r} gives one answer for "
                "each sample: set readout='every', or leave readout out"
            )
        return per_step

    @override
    def _asks_for(self, meaning: Meaning) -> Mapping[str, Any]:
        parameters = self._hyperparameters()
        by_itself = meaning["per_step"] and plain_readout(self.readout) == DEFAULT_READOUT
        return parameters | {"readout": EVERY} if by_itself else parameters

    @override
    def _step_target(self, meaning: Meaning) -> str | None:
        return "a known target" if meaning["per_step"] else None

    @override
    def _n_outputs(self, meaning: Meaning) -> int:
        return len(meaning["target_scale"].mean)

    @override
    def _objective(self, meaning: Meaning) -> Objective:
        return Values(self.loss, float(self.huber_delta))

    @override
    def _loss_unit(self) -> str:
        return f"{self.loss.replace('huber', 'Huber')} error of standardised targets"

    @override
    def _learned_scale(self, training: Labelled, meaning: Meaning) -> Meaning:
        targets = Sequences(training.targets, np.ones(len(training.targets), np.int64))
        if meaning["per_step"]:
            refuse_unknown_target(training.targets, "y, as far as it is trained on,")
            targets.missing = "keep"
        scale = Standardisation(*location_and_scale(targets, training.weights))
        return {**meaning, "target_scale": scale}

    @override
    def _prepare_head(self, training: Labelled, model: TrainedRegressor) -> None:
        # With zero weights a constant target has no error from the first step on, so no gradient.
        of_mean = training.targets == model.target_scale.mean
        if model.per_step:
            of_mean |= np.isnan(training.targets)
        model.network.params["head.W"][:, of_mean.all(axis=0)] = 0

    @override
    def _scaled_targets(self, labelled: Labelled, model: TrainedRegressor) -> Labelled:
        mean, scale = model.target_scale
        with np.errstate(over="ignore"):
            targets = (labelled.targets - mean) / scale
            return labelled._replace(targets=targets.astype(model.network.params.dtype))
