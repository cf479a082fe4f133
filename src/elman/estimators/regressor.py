"""Recordings and numbers in; a trained sequence regressor, after scikit-learn's rules, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from typing_extensions import override

from elman.data.scaling import Standardisation, location_and_scale
from elman.data.sequences import Sequences
from elman.estimators.base import Meaning, RecurrentEstimator, as_given
from elman.estimators.callbacks import with_callbacks
from elman.hyperparameters import checks as hp
from elman.models.history import Epoch
from elman.models.regressor import TrainedRegressor
from elman.nn.objectives import Objective, Values
from elman.targets.masked import refuse_masked
from elman.targets.values import check_values
from elman.training.labelled import Labelled

Array = NDArray[Any]


class RNNRegressor(RegressorMixin, RecurrentEstimator[TrainedRegressor]):  # type: ignore[misc]
    """Predict one or several numbers from each sequence with a recurrent neural network.

    X is what `RNNClassifier` takes: a 3-D array, a list of (n_timesteps_i, n_features) arrays, or a
    2-D array of one feature over time.

    Parameters
    ----------
    hidden_size, cell, activation, layer_norm, forget_bias, n_layers, bidirectional, residual
        Of the network, as for `RNNClassifier`.
    learn_initial_state, readout, dropout, recurrent_init
        Of the network, as for `RNNClassifier`.
    loss : {"squared", "absolute", "huber"}, default="squared"
        Error of a target in training, a mean over targets and samples: its square; its size, which
        outliers pull less (the best constant answer is a median); or half its square where it is at
        most `huber_delta` and linear beyond. Each target is standardised inside, so that all count
        alike; see `elman.nn.losses`.
    huber_delta : float, default=1.0
        Only for loss="huber": in deviations of the target.
    solver, alpha, batch_size, bucket_by_length, learning_rate, learning_rate_init, warm_up
        Of training, as for `RNNClassifier`.
    momentum, nesterovs_momentum
        Of training, as for `RNNClassifier`.
    max_iter : int, default=60
        Epochs. Without `early_stopping` exactly so many are run.
    warm_start
        As for `RNNClassifier`.
    early_stopping : bool, default=False
        Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
        better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of the
        highest R^2, then of the lowest loss.
    scoring : str, callable or None, default=None
        What early stopping goes by: None for R^2, then the loss (either
        getting better is enough); "loss" for the loss alone; the name of any scikit-learn scorer,
        or a function (estimator, X, y) -> float, for that alone. `validation_scores_` records it.
    validation_fraction : float, default=0.1
        Share of X held out at random for early stopping, unless `fit` is given `X_val`.
    n_iter_no_change, tol, max_grad_norm, max_grad_value
        Of training, as for `RNNClassifier`.
    checkpoint_every, bptt_steps, stateful
        Of training, as for `RNNClassifier`.
    standardize, missing, dtype, random_state, verbose, n_jobs, backend, on_epoch
        As for `RNNClassifier`.

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_targets,)
        Mean and deviation of each target in training: what the network predicts is
        (y - y_mean_) / y_scale_. A target that was constant has its own value and 1, as with
        scikit-learn's scalers, and is predicted exactly; `partial_fit` may find others later.
    n_outputs_ : int
        Targets.
    n_features_in_ : int
        `X.shape[-1]`: for a 2-D X the number of its columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X was a data frame with string column names.
    network_ : elman.nn.network.Network
    weights_ : dict of str to ndarray
        Views of the network's own.
    n_iter_ : int
        Epochs run.
    loss_curve_ : list of float
        Training loss of each epoch, of standardised targets.
    validation_scores_ : list of float
        Validation R^2 of each epoch, a mean over targets; empty without validation data.
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
    """

    _CHECKS: ClassVar = hp.RNN_REGRESSOR
    _MODEL: ClassVar = TrainedRegressor
    _SCORE: ClassVar = "R^2"

    def __init__(
        self,
        hidden_size: int | Sequence[int] = 96,
        *,
        cell: str = "elman",
        activation: str = "tanh",
        layer_norm: bool = False,
        forget_bias: float = 1.0,
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        learn_initial_state: bool = False,
        readout: str = "max",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        recurrent_init: str = "orthogonal",
        loss: str = "squared",
        huber_delta: float = 1.0,
        solver: str = "adam",
        alpha: float = 0.003,
        batch_size: int = 32,
        bucket_by_length: bool = False,
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.003,
        warm_up: int | float = 0,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        max_iter: int = 60,
        warm_start: bool = False,
        early_stopping: bool = False,
        scoring: Any = None,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        max_grad_norm: float | None = 1.0,
        max_grad_value: float | None = None,
        checkpoint_every: int | None = None,
        bptt_steps: int | None = None,
        stateful: bool = False,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_epochs: int | None = None,
        checkpoint_minutes: float | None = None,
        standardize: bool = True,
        missing: str = "error",
        dtype: Any = "auto",
        random_state: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        backend: str | None = None,
        on_epoch: Callable[[Epoch], Any] | None = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.cell = cell
        self.activation = activation
        self.layer_norm = layer_norm
        self.forget_bias = forget_bias
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.learn_initial_state = learn_initial_state
        self.readout = readout
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.recurrent_init = recurrent_init
        self.loss = loss
        self.huber_delta = huber_delta
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.bucket_by_length = bucket_by_length
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.warm_up = warm_up
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.checkpoint_every = checkpoint_every
        self.bptt_steps = bptt_steps
        self.stateful = stateful
        self.checkpoint = checkpoint
        self.checkpoint_epochs = checkpoint_epochs
        self.checkpoint_minutes = checkpoint_minutes
        self.standardize = standardize
        self.missing = missing
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.backend = backend
        self.on_epoch = on_epoch

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
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> RNNRegressor:
        """Train from fresh weights; with `warm_start`, from those of the last fit.

        Parameters
        ----------
        X : array-like
            Training sequences; see the class.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Finite numbers.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. 0 leaves a sample out, 2 counts it twice.
        X_val, y_val : array-like, optional
            Validation data: its loss and R^2 go into `history_`, and `early_stopping` uses it
            instead of holding out a part of X.
        validation_data : tuple (X_val, y_val), optional
            The same, in one.

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
        return self._fit_afresh(X, y, sample_weight, X_val, y_val, validation_data)

    def partial_fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> RNNRegressor:
        """Train one more epoch on some samples, from where the last call left off.

        The optimizer goes on too. The statistics of `standardize`, and `y_mean_` and `y_scale_`,
        are those of the first call (or of `fit`).

        Parameters
        ----------
        X : array-like
            Sequences; see the class.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional

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

    def predict(self, X: Any) -> Array:
        """Predicted values.

        A sample's answer has the same bits alone, in any batch and in any order.

        Parameters
        ----------
        X : array-like
            Sequences; see the class. A sample without a single step is answered from the initial
            state.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            As y was in training.
        """
        model, data = self._asked(X)
        return model.predict(data)

    def predict_over_time(self, X: Any) -> Any:
        """Predicted values had the recording stopped at step t.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i,) or (n_timesteps_i, n_targets), float64
            An array (n_samples, n_timesteps) or (n_samples, n_timesteps, n_targets) if X is one.
            The readout applied to every prefix. The last of each is, bit for bit, the answer of
            `predict`.

        Raises
        ------
        ValueError
            The network is bidirectional: it has no answer before a sequence has ended.
        """
        model, data = self._asked(X)
        return as_given(X, model.predict_over_time(data))

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2 of `predict`.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            1 is the best; 0 is what the mean of `y` would have. Of several targets the mean.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be used, such as one with masked values.
        """
        refuse_masked(y, "y")
        refuse_masked(sample_weight, "sample_weight")
        return float(super().score(X, y, sample_weight))

    # What its targets are

    @override
    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        n_targets = None if known is None else self._n_outputs(known)
        values = check_values(y, len(data), n_targets=n_targets, name=name)
        targets = values.reshape(len(values), -1)
        if known is None:
            n_targets = targets.shape[1]
            unscaled = Standardisation(np.zeros(n_targets), np.ones(n_targets))
            known = {"one_target": values.ndim == 1, "target_scale": unscaled}
        return targets, known

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
        scale = location_and_scale(targets, training.weights)
        return {**meaning, "target_scale": scale}

    @override
    def _prepare_head(self, training: Labelled, model: TrainedRegressor) -> None:
        # 0 from the first step on, without an error and so without a gradient.
        constant = (training.targets == model.target_scale.mean).all(axis=0)
        model.network.params["head.W"][:, constant] = 0

    @override
    def _scaled_targets(self, labelled: Labelled, model: TrainedRegressor) -> Labelled:
        mean, scale = model.target_scale
        with np.errstate(over="ignore"):
            targets = (labelled.targets - mean) / scale
            return labelled._replace(targets=targets.astype(model.network.params.dtype))
