"""Recordings and labels in; a trained sequence classifier, after scikit-learn's rules, out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from elman import hyperparameters as hp
from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend, Cell
from elman.callbacks import CallbackSupport, FitTask, with_callbacks
from elman.data.missing import complete, n_inputs, warn_of_unobserved, without_skipped
from elman.data.sequences import Sequences
from elman.data.validation import check_sequences
from elman.history import Epoch, History
from elman.inference import Standardisation
from elman.model import TrainedModel
from elman.nn.network import Network, layer_sizes
from elman.nn.optimizers import make_optimizer
from elman.nn.schedules import SCHEDULES
from elman.preprocessing import location_and_scale
from elman.progress import EpochProgress
from elman.targets import (
    check_classes,
    check_labels,
    check_weights,
    class_weights,
    hold_out,
)
from elman.training import Labelled, Plan, train

Array = NDArray[Any]


class RNNClassifier(CallbackSupport, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify sequences with a recurrent neural network.

    X, everywhere, is one of

    - a 3-D array (n_samples, n_timesteps, n_features);
    - a list, tuple or 1-D object array of (n_timesteps_i, n_features) arrays of unequal lengths;
    - a 2-D array (n_samples, n_timesteps): one feature over time, a column for each step.

    Parameters
    ----------
    hidden_size : int or sequence of int, default=96
        Units of each recurrent layer (of each direction of it); a sequence has one for each layer.
    cell : {"elman", "gru", "lstm"}, default="elman"
        Recurrent cell; see `elman.backends.contract.Cell`.
    activation : {"tanh", "relu"}, default="tanh"
        Only for cell="elman": the others are made of tanh and the logistic function.
    forget_bias : float, default=1.0
        Only for cell="lstm": the forget gate's initial bias.
    n_layers : int, default=1
        Recurrent layers, one over the other. Beside a sequence of sizes it may be left out.
    bidirectional : bool, default=False
        Every layer reads each sequence from its own end to its start as well; the states of both
        directions stand side by side.
    residual : bool, default=False
        From the second layer on, a layer's output is the sum of its states and its input, so that
        layers must be of one size. A single layer has nothing to add.
    learn_initial_state : bool, default=False
        Learn each layer's state before the first step; else it is zero.
    readout : {"last", "mean", "max", "attention"}, default="max"
        How the last layer's states become one vector for each sample: the state at its own last
        step (backward, the state once the first step was read); the mean or the largest value of
        each unit over its own steps; or a mean weighted by a softmax of how well each state answers
        a learned query. A sample without a step is read as the initial state.
    dropout : float in [0, 1), default=0.0
        Share of each layer's output units, and of what the head reads, left out at random in
        training: for each sample and epoch others, the same at all time steps.
    recurrent_init : {"orthogonal", "identity", "uniform"}, default="orthogonal"
        Initial recurrent weights; see `elman.nn.initializers`.
    solver : {"adam", "adamw", "sgd"}, default="adam"
    alpha : float, default=0.003
        Strength of weight decay; biases are left alone. For "sgd" and "adam" an L2 penalty: alpha/2
        times the squared norm of the weights is added to the mean loss. For "adamw" weights shrink
        by alpha times the learning rate in every step.
    batch_size : int, default=32
        Samples in a training step, at most: an epoch is cut into as few batches as that allows, of
        equal size.
    learning_rate : {"constant", "cosine"}, default="cosine"
        Schedule: the rate of every epoch. "cosine" falls from `learning_rate_init` to near 0 over
        `max_iter` epochs. `partial_fit`, which knows no last epoch, keeps to `learning_rate_init`.
    learning_rate_init : float, default=0.003
    momentum : float, default=0.9
        Only for solver="sgd".
    nesterovs_momentum : bool, default=True
        Only for solver="sgd".
    class_weight : {"balanced"}, dict of label to weight, or None, default=None
        Factors on the weights of each class's samples in training; "balanced" gives every class
        the same weight in all. Validation is measured without them.
    max_iter : int, default=60
        Epochs. Without `early_stopping` exactly so many are run.
    early_stopping : bool, default=False
        Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
        better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of the
        highest accuracy, then of the lowest loss.
    validation_fraction : float, default=0.1
        Share of each class held out of X for early stopping, unless `fit` is given `X_val`.
    n_iter_no_change : int, default=10
        Epochs that early stopping waits.
    tol : float, default=1e-4
        By how much validation accuracy or loss must get better to count.
    max_grad_norm : float or None, default=1.0
        Gradients with a larger norm are scaled down to it.
    checkpoint_every : int or None, default=None
        Keep the hidden state after every so many steps only, and compute those between again on
        the way back: for sequences of thousands of steps, memory for their history shrinks by
        about that factor, training takes a fifth longer, and no bit of the result changes. The
        compiled kernel rounds the number up to a multiple that suits it.
    standardize : bool, default=True
        Give each feature mean 0 and deviation 1 over all time steps of the training data, inside.
    missing : {"error", "mask", "skip"}, default="error"
        What NaN in X means. "error" refuses it. "mask" takes it for a missing value: a zero once
        standardised (by the mean and deviation of the values that were observed), and beside every
        feature the network sees an indicator, 1 where it is missing and 0 where it was observed,
        which learns only from a feature that is missing now and then in training. "skip" carries
        the state over a time step at which any feature is missing, as if X did not have that step;
        a sample of nothing else is one of length 0, and an answer for each step repeats that of
        the last step before. Infinity is an error always.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Of weights and arithmetic. "auto" takes that of the training data: float32 for an X of
        float32 (or of a type that it holds exactly: float16, small integers), else float64.
        float32 is twice as fast and accurate enough.
    random_state : int, numpy RandomState or Generator, or None, default=None
        Of initial weights, shuffling and the validation split. The same int gives the same bits on
        one machine, whatever the number of threads.
    verbose : int, default=0
        1 shows a progress bar on a terminal, a line for each epoch elsewhere; 2 always lines.
    n_jobs : int or None, default=None
        Threads of the compiled kernel; None and -1 use all cores.
    backend : {"native", "reference"} or None, default=None
        None takes `$ELMAN_BACKEND`, else the compiled kernel, else NumPy.
    on_epoch : callable or None, default=None
        Called after each epoch with an `elman.history.Epoch`; training ends if it returns True or
        "stop". Not saved by `save`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        `X.shape[-1]`: for a 2-D X the number of its columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X was a data frame with string column names.
    network_ : elman.nn.network.Network
    weights_ : dict of str to ndarray
        recurrent0.W_x, recurrent0.W_h, recurrent0.b, head.W, head.b, for each layer and direction
        (recurrent1.W_x, recurrent0.reverse.W_x, ...): views of the network's own.
    n_iter_ : int
        Epochs run.
    loss_curve_ : list of float
        Training loss of each epoch.
    validation_scores_ : list of float
        Validation accuracy of each epoch; empty without validation data.
    best_epoch_ : int
        Number of the best epoch; its weights are the network's if `early_stopping`, or if training
        was interrupted.
    history_ : elman.history.History
    mean_, scale_ : ndarray of shape (n_features,) or None
        What `standardize` subtracts and divides by.

    Notes
    -----
    Lists and object arrays of unequal sequences pass through scikit-learn's splitting, searching,
    calibration, voting and stacking, and through `Pipeline` with `SequenceScaler`. They do not pass
    through what reads X as a table itself: `StandardScaler` and other transformers,
    `BaggingClassifier`, `AdaBoostClassifier`.

    Ctrl-C during `fit` ends training, keeps the best weights so far (by validation if there is any,
    else by training loss), warns, and leaves a fitted estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(4, 12, size=60)]
    >>> y = ["up" if x[-1, 0] > 0 else "down" for x in X]
    >>> clf = RNNClassifier(hidden_size=16, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        hidden_size: int | Sequence[int] = 96,
        *,
        cell: str = "elman",
        activation: str = "tanh",
        forget_bias: float = 1.0,
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        learn_initial_state: bool = False,
        readout: str = "max",
        dropout: float = 0.0,
        recurrent_init: str = "orthogonal",
        solver: str = "adam",
        alpha: float = 0.003,
        batch_size: int = 32,
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.003,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        class_weight: Any = None,
        max_iter: int = 60,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        max_grad_norm: float | None = 1.0,
        checkpoint_every: int | None = None,
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
        self.forget_bias = forget_bias
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.learn_initial_state = learn_initial_state
        self.readout = readout
        self.dropout = dropout
        self.recurrent_init = recurrent_init
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.max_grad_norm = max_grad_norm
        self.checkpoint_every = checkpoint_every
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
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
    ) -> RNNClassifier:
        """Train from fresh weights.

        Parameters
        ----------
        X : array-like
            Training sequences; see the class.
        y : array-like of shape (n_samples,)
            Labels: strings, ints, bools, anything scikit-learn takes.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. 0 leaves a sample out, 2 counts it twice.
        X_val, y_val : array-like, optional
            Validation data: its loss and accuracy go into `history_`, and `early_stopping` uses it
            instead of holding out a part of X.

        Returns
        -------
        RNNClassifier
            The estimator itself.

        Raises
        ------
        TypeError, ValueError
            A parameter or an argument that cannot be used; names it, the place and the fix.
        elman.training.DivergedError
            The loss became NaN or infinite.
        """
        self._check_parameters()
        task = FitTask(self, self.max_iter, X, y, sample_weight)
        with _unchanged_on_error(self):
            self._fit(X, y, sample_weight, X_val, y_val, task.hooks)
        if self.history_.stopped_by == "interrupt":
            warnings.warn(_interrupted(self.history_), stacklevel=3)
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
        data = self._check_fresh_X(X)
        classes, codes = check_labels(y, len(data))
        training = self._labelled(data, codes, sample_weight)
        validation = self._check_validation(X_val, y_val, classes, data.dtype)
        backend = self._backend()

        init_rng, shuffle_rng, split_rng = hp.make_rng(self.random_state).spawn(3)
        if self.early_stopping and validation is None:
            kept, held_out = hold_out(training.codes, self.validation_fraction, split_rng)
            validation = _subset(training, held_out)
            training = _subset(training, kept)
        self.classes_ = classes
        self._set_scale(training)
        self._start(training.X, len(classes), init_rng, shuffle_rng)
        training = self._scaled(self._class_weighted(training))
        validation = None if validation is None else self._scaled(validation)
        own_hooks = [] if self.on_epoch is None else [self.on_epoch]
        with EpochProgress(self.max_iter, int(self.verbose)) as progress:
            history = train(
                self.network_,
                training,
                self._optimizer,
                self._plan(
                    n_epochs=self.max_iter,
                    schedule=self.learning_rate,
                    early_stopping=bool(self.early_stopping),
                ),
                backend=backend,
                rng=self._rng,
                validation=validation,
                progress=progress,
                on_epoch=[*own_hooks, *hooks],
            )
        self._set_history(history)

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> RNNClassifier:
        """Train one more epoch on some samples, from where the last call left off.

        The optimizer goes on too. The statistics of `standardize` are those of the first call
        (or of `fit`).

        Parameters
        ----------
        X : array-like
            Sequences; see the class.
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,)
            All labels there will ever be; needed in the first call, if `fit` was not called.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        RNNClassifier
            The estimator itself.

        Raises
        ------
        TypeError, ValueError
            A parameter or an argument that cannot be used.
        elman.training.DivergedError
            The loss became NaN or infinite. The estimator is then as it was before the call.
        """
        self._check_parameters()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once, which partial_fit never sees: "
                "pass a dict {label: weight}"
            )
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise ValueError(
                "classes must be given in the first call of partial_fit: every label there will be"
            )
        with _unchanged_on_error(self):
            history = self._fit_more(X, y, classes, sample_weight, first)
            self._set_history(self.history_.extended(history))
        if history.stopped_by == "interrupt":
            warnings.warn(_interrupted(history), stacklevel=2)
        return self

    def _fit_more(self, X: Any, y: Any, classes: Any, sample_weight: Any, first: bool) -> History:
        data = self._check_fresh_X(X) if first else self._check_more_X(X)
        if classes is not None:
            given = check_classes(classes)
            if first:
                self.classes_ = given
            elif not np.array_equal(given, self.classes_):
                raise ValueError(
                    f"classes={given.tolist()} differ from those of the first call, "
                    f"{self.classes_.tolist()}: leave classes out, or start a new estimator"
                )
        _, codes = check_labels(y, len(data), classes=self.classes_)
        training = self._labelled(data, codes, sample_weight)
        backend = self._backend()
        if first:
            init_rng, shuffle_rng, _ = hp.make_rng(self.random_state).spawn(3)
            self._set_scale(training)
            self._start(data, len(self.classes_), init_rng, shuffle_rng)
        elif not hasattr(self, "_optimizer"):
            self._restart()
        training = self._scaled(self._class_weighted(training))
        return train(
            self.network_,
            training,
            self._optimizer,
            self._plan(n_epochs=1, schedule="constant", early_stopping=False),
            backend=backend,
            rng=self._rng,
            progress=EpochProgress(1, 2 if self.verbose else 0),
            on_epoch=[] if self.on_epoch is None else [self.on_epoch],
        )

    def predict(self, X: Any) -> Array:
        """Most probable label of each sample.

        Parameters
        ----------
        X : array-like
            Sequences; see the class. A sample without a single step is answered from the initial
            state.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        model, data = self._asked(X)
        return model.predict(data)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class.

        A sample's answer has the same bits alone, in any batch and in any order.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Of the estimator's `dtype`, columns in the order of `classes_`.
        """
        model, data = self._asked(X)
        return model.predict_proba(data)

    def decision_function(self, X: Any) -> Array:
        """Logits; for two classes the second minus the first.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        model, data = self._asked(X)
        return model.decision_function(data)

    def predict_proba_over_time(self, X: Any) -> list[Array]:
        """Probability of each class had the recording stopped at step t.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_classes)
            The readout applied to every prefix. The last row of each is, bit for bit, the answer of
            `predict_proba`.

        Raises
        ------
        ValueError
            The network is bidirectional: it has no answer before a sequence has ended.
        """
        model, data = self._asked(X)
        return model.predict_proba_over_time(data)

    def hidden_states(self, X: Any) -> list[Array]:
        """The last layer's hidden state after every time step.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, width)
            `width` is the last layer's size; twice that if bidirectional, forward half first.
        """
        model, data = self._asked(X)
        return model.hidden_states(data)

    @property
    def weights_(self) -> dict[str, Array]:
        """Named weights: views of the network's own."""
        if "network_" not in self.__dict__:
            raise AttributeError("weights_ exists once the RNNClassifier is fitted")
        return dict(self.network_.params)

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a safetensors file, atomically.

        Everything is kept bit for bit but `on_epoch`, a `random_state` that is a generator (both
        become None), and the optimizer's memory (a later `partial_fit` starts with a fresh one).

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
        from elman.persistence import Saved, save

        names = getattr(self, "feature_names_in_", None)
        save(
            path,
            Saved(
                model=self._model(),
                parameters=self.get_params(deep=False),
                feature_names=None if names is None else list(names),
                history=self.history_,
            ),
        )

    @classmethod
    def load(cls, path: str | Path) -> RNNClassifier:
        """Read an estimator that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        RNNClassifier
            Predicts bit for bit what the saved one did.

        Raises
        ------
        elman.formats.archive.ArchiveError
            The file is damaged, from a newer version, or not one of elman's. No code in it is run.
        OSError
            It cannot be read.
        """
        from elman.persistence import load

        saved = load(path, known=cls._get_param_names())
        model = saved.model
        classifier = cls(**saved.parameters)
        classifier.network_ = model.network
        classifier.classes_ = model.classes
        classifier.mean_, classifier.scale_ = model.standardisation or (None, None)
        classifier.n_features_in_ = model.n_features_in
        classifier._two_d = model.two_d
        classifier._missing = model.missing
        if saved.feature_names is not None:
            classifier.feature_names_in_ = np.array(saved.feature_names, dtype=object)
        classifier._set_history(saved.history)
        return classifier

    # Checking what comes in

    def _check_parameters(self) -> None:
        for name, check in hp.RNN_CLASSIFIER.items():
            check(name, getattr(self, name))
        hp.check_stack(self.hidden_size, self.n_layers, self.residual, self.cell, self.activation)

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
        data = without_skipped(data)
        if data.n_steps == 0:
            raise ValueError(
                "Input X contains NaN at every time step of every sample, so that missing='skip' "
                "leaves nothing to train on: choose missing='mask', or leave features out"
            )
        return data

    def _check_more_X(self, X: Any) -> Sequences:
        """X to go on training with."""
        data = self._asked(X)[1]
        if data.refuse is not None:
            data.refuse()
        return without_skipped(data)

    def _asked(self, X: Any) -> tuple[TrainedModel, Sequences]:
        """What answers, and X as it takes it."""
        model = self._model()
        data = model.check(X)
        if data.two_d:
            validate_data(self, X, reset=False, skip_check_array=True)
        return model, data

    def _model(self) -> TrainedModel:
        """What the answers come from."""
        check_is_fitted(self, "network_")
        return TrainedModel(
            self.network_,
            self.classes_,
            self.n_features_in_,
            self._two_d,
            self._standardisation(),
            self.backend,
            self.n_jobs,
            type(self).__name__,
            self._missing,
        )

    def _labelled(self, data: Sequences, codes: NDArray[np.int64], sample_weight: Any) -> Labelled:
        """Samples of positive weight."""
        if sample_weight is None:
            return Labelled(data, codes, None)
        weights = check_weights(sample_weight, len(data))
        labelled = Labelled(data, codes, weights)
        # A weight of 0 is the same, to the last bit, as leaving the sample out.
        return labelled if weights.all() else _subset(labelled, np.flatnonzero(weights))

    def _class_weighted(self, labelled: Labelled) -> Labelled:
        if self.class_weight is None:
            return labelled
        _, codes, weights = labelled
        factors = class_weights(self.class_weight, self.classes_, codes, weights)[codes]
        return labelled._replace(weights=factors if weights is None else weights * factors)

    def _check_validation(
        self, X_val: Any, y_val: Any, classes: Array, dtype: Any
    ) -> Labelled | None:
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
        _, codes = check_labels(y_val, len(data), classes=classes, name="y_val")
        return Labelled(without_skipped(data), codes, None)

    def _dtype(self) -> Any:
        """How X is read by a fresh fit, None for as it is.

        Standardisation works in float64 on what X holds: rounded to float32 first, 1e6 +- 0.01 has
        lost its digits.
        """
        return None if self.standardize or self.dtype == "auto" else np.dtype(self.dtype)

    # Training

    def _backend(self) -> Backend:
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))

    def _set_scale(self, training: Labelled) -> None:
        self.mean_ = self.scale_ = None
        if self.standardize:
            self.mean_, self.scale_ = location_and_scale(training.X, training.weights)
        warn_of_unobserved(training.X)

    def _standardisation(self) -> Standardisation | None:
        if self.mean_ is None or self.scale_ is None:
            return None
        return Standardisation(self.mean_, self.scale_)

    def _scaled(self, labelled: Labelled) -> Labelled:
        X, standardisation = labelled.X, self._standardisation()
        if standardisation is not None:
            X = X.scaled(*standardisation, self.network_.params.dtype)
        return labelled._replace(X=complete(X))

    def _start(
        self,
        data: Sequences,
        n_classes: int,
        init_rng: np.random.Generator,
        shuffle_rng: np.random.Generator,
    ) -> None:
        """Fresh weights, optimizer and history."""
        self.network_ = Network.initialised(
            n_inputs(data.n_features, self._missing),
            layer_sizes(self.hidden_size, self.n_layers),
            n_classes,
            cell=Cell(self.cell, self.activation),  # type: ignore[arg-type]
            readout=self.readout,
            rng=init_rng,
            dtype=data.dtype if self.dtype == "auto" else np.dtype(self.dtype),
            recurrent_init=self.recurrent_init,
            forget_bias=float(self.forget_bias),
            bidirectional=bool(self.bidirectional),
            residual=bool(self.residual),
            learn_initial_state=bool(self.learn_initial_state),
            dropout=float(self.dropout),
        )
        self.history_ = History()
        self._make_optimizer()
        self._rng = shuffle_rng

    def _restart(self) -> None:
        """An optimizer and a shuffle for an estimator that was loaded from a file."""
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

    def _plan(self, *, n_epochs: int, schedule: str, early_stopping: bool) -> Plan:
        rate = SCHEDULES[schedule]
        return Plan(
            n_epochs=int(n_epochs),
            batch_size=int(self.batch_size),
            learning_rate=lambda epoch: rate(
                float(self.learning_rate_init), epoch, int(self.max_iter)
            ),
            max_grad_norm=None if self.max_grad_norm is None else float(self.max_grad_norm),
            early_stopping=early_stopping,
            n_iter_no_change=int(self.n_iter_no_change),
            tol=float(self.tol),
            first_epoch=len(self.history_),
            checkpoint_every=int(self.checkpoint_every or 0),
        )

    def _set_history(self, history: History) -> None:
        self.history_ = history
        self.n_iter_ = len(history)
        self.loss_curve_ = history.loss
        self.validation_scores_ = history.validation_score
        self.best_epoch_ = history.best_epoch


def _subset(labelled: Labelled, indices: NDArray[np.intp]) -> Labelled:
    weights = None if labelled.weights is None else labelled.weights[indices]
    return Labelled(labelled.X.subset(indices), labelled.codes[indices], weights)


@contextmanager
def _unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Put the estimator's attributes back if the body fails: what was fitted before is kept."""
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def _interrupted(history: History) -> str:
    if not len(history):
        return "training was interrupted before its first epoch ended: the weights are as they were"
    by = "validation score" if history.validation_score else "training loss"
    return (
        f"training was interrupted after epoch {history.epoch[-1]}: kept the weights of epoch "
        f"{history.best_epoch}, the best so far by {by}"
    )
