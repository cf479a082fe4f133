"""Recordings and labels in; a trained sequence classifier, after scikit-learn's rules, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from typing_extensions import override

from elman.data.sequences import Sequences
from elman.estimators.base import Meaning, RecurrentEstimator, as_given
from elman.estimators.callbacks import with_callbacks
from elman.hyperparameters import checks as hp
from elman.models.classifier import TrainedClassifier
from elman.models.early import check_rule
from elman.models.history import Epoch
from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.targets.labels import (
    NO_CLASSES,
    NOT_BALANCED,
    check_classes,
    check_indicator,
    check_labels,
    is_indicator,
)
from elman.targets.masked import refuse_masked
from elman.targets.weights import weighted_by_class
from elman.training.labelled import Labelled

Array = NDArray[Any]


class RNNClassifier(ClassifierMixin, RecurrentEstimator[TrainedClassifier]):  # type: ignore[misc]
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
    layer_norm : bool, default=False
        Normalise each sum that goes into an activation or a gate over the units of its layer, then
        scale it by a learned gain, before its bias is added: Ba, Kiros and Hinton (2016), "Layer
        normalization"; see `elman.backends.contract.Cell`.
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
    recurrent_dropout : float in [0, 1), default=0.0
        Share of units that a layer's recurrence does without in training: one mask for all time
        steps of a sample.
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
    bucket_by_length : bool, default=False
        Put samples of about one length into a batch, which is quicker where lengths differ much.
        Which of them meet stays a matter of chance, and the batches come in random order.
    learning_rate : {"constant", "cosine", "one_cycle", "plateau"}, default="cosine"
        Schedule: the rate of every epoch. "cosine" falls from `learning_rate_init` to near 0 over
        `max_iter` epochs. "one_cycle" rises from 1/25 of it for three tenths of them first.
        "plateau" halves the rate whenever nothing got better (as `early_stopping` judges it, or by
        the training loss without validation data) for half of `n_iter_no_change` epochs.
        `partial_fit`, which knows no last epoch, keeps to `learning_rate_init`.
    learning_rate_init : float, default=0.003
        The largest rate.
    warm_up : int or float, default=0
        First epochs (a float: share of `max_iter`) in which the rate rises evenly to
        `learning_rate_init`; the schedule has the others. Not with "one_cycle", which has its own.
    momentum : float, default=0.9
        Only for solver="sgd".
    nesterovs_momentum : bool, default=True
        Only for solver="sgd".
    class_weight : {"balanced"}, dict of label to weight, or None, default=None
        Factors on the weights of each class's samples in training; "balanced" gives every class
        the same weight in all. Validation is measured without them. Not for several labels at once.
    label_smoothing : float in [0, 1), default=0.0
        Share of every training label that is spread evenly over all classes (of each of several
        labels at once: over 0 and 1), so that the network is not driven to certainty. Validation is
        measured without.
    max_iter : int, default=60
        Epochs. Without `early_stopping` exactly so many are run.
    warm_start : bool, default=False
        `fit` goes on from the weights of the last `fit`, its standardisation and its history, for
        `max_iter` epochs more with a fresh optimizer and the schedule from its start. Labels that
        it did not know, another shape or `dtype` of network and another `missing` are errors.
    early_stopping : bool, default=False
        Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
        better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of the
        highest accuracy, then of the lowest loss.
    scoring : str, callable or None, default=None
        What early stopping goes by: None for the accuracy, then the loss (either
        getting better is enough); "loss" for the loss alone; the name of any scikit-learn scorer,
        or a function (estimator, X, y) -> float, for that alone. `validation_scores_` records it.
    validation_fraction : float, default=0.1
        Share of each class held out of X for early stopping, unless `fit` is given `X_val`.
    n_iter_no_change : int, default=10
        Epochs that early stopping waits.
    tol : float, default=1e-4
        By how much validation score or loss must get better to count.
    max_grad_norm : float or None, default=1.0
        Gradients with a larger norm are scaled down to it.
    max_grad_value : float or None, default=None
        Elements of a gradient beyond it are cut off at it, before the norm is looked at.
    checkpoint_every : int or None, default=None
        Keep the hidden state after every so many steps only, and compute those between again on
        the way back: for sequences of thousands of steps, memory for their history shrinks by
        about that factor, training takes a fifth longer, and no bit of the result changes. The
        compiled kernel rounds the number up to a multiple that suits it.
    bptt_steps : int or None, default=None
        Truncated backpropagation through time: every sequence is run in chunks of so many steps,
        counted from its first, and the gradient goes back within a chunk only, while the state goes
        on. The history in memory is then one chunk's, however long the sequences are, and what is
        predicted does not change; that a step depends on what happened chunks before it is
        learned no longer. With readout="last" only the chunk in which a sample ends is learned
        from. From the longest sequence's length on it is, to the last bit, as None: no border.
        Not with `bidirectional`.
    stateful : bool, default=False
        `partial_fit` goes on from the states in which its last call left each sample, so that a
        sequence may come in pieces: the samples of every call are then the same in number and
        order, and `reset_state` begins new ones. `fit` and predictions begin without a state. Not
        with `bidirectional`.
    checkpoint : path-like or None, default=None
        Folder on disk to which `fit` writes where it stands, so that a run that was killed can go
        on: `fit` with the same folder, parameters and data resumes after the last epoch kept there
        and ends with the same bits (but for seconds). A run that had ended returns at once. A
        folder of another run is refused, with what differs. It keeps the last two states and, as
        best.safetensors, the model of the best epoch so far; `load` reads any of them. `on_epoch`
        is called again for epochs done again. If a state cannot be written after an epoch (the disk
        is full, the folder was removed), training ends as by Ctrl-C: the best weights so far are
        kept, and a warning says which state on disk is the last. Not saved by `save`, and not for
        `partial_fit`. Not to be taken for `checkpoint_every`, which is about memory.
    checkpoint_epochs : int or None, default=None
        Only with `checkpoint`: keep the state after every so many epochs. With neither this nor
        `checkpoint_minutes` after each.
    checkpoint_minutes : float or None, default=None
        Only with `checkpoint`: keep the state at the end of an epoch so many minutes after the
        last time.
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
        Called after each epoch with an `elman.models.history.Epoch`: its losses and scores,
        `history` so far, the `network`. Training ends if it returns True or "stop" or calls
        `epoch.stop()`; if it sets `epoch.learning_rate`, training goes on at that rate. Not saved
        by `save`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; for several labels at once the numbers of their columns.
    multilabel_ : bool
        Whether y was an indicator matrix.
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
        was interrupted or could not write its state.
    history_ : elman.models.history.History
        Of each epoch the losses, validation score, gradient norm, share of saturated units,
        spectral radius of each W_h, learning rate, seconds and sequences per second;
        `history_.to_frame()` is a data frame.
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
    >>> clf = RNNClassifier(hidden_size=16, readout="last", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _CHECKS: ClassVar = hp.RNN_CLASSIFIER
    _MODEL: ClassVar = TrainedClassifier

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
        solver: str = "adam",
        alpha: float = 0.003,
        batch_size: int = 32,
        bucket_by_length: bool = False,
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.003,
        warm_up: int | float = 0,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
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
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.bucket_by_length = bucket_by_length
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.warm_up = warm_up
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
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

    @property
    def classes_(self) -> Array:
        """Labels, sorted; for several labels at once the numbers of their columns."""
        return self._of("classes_").classes

    @property
    def multilabel_(self) -> bool:
        """Whether a sample may have several labels at once."""
        return self._of("multilabel_").multilabel

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> RNNClassifier:
        """Train from fresh weights; with `warm_start`, from those of the last fit.

        Parameters
        ----------
        X : array-like
            Training sequences; see the class.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels: strings, ints, bools, anything scikit-learn takes. Or, of several at once, an
            indicator matrix of 0 and 1: each then has a probability of its own.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. 0 leaves a sample out, 2 counts it twice.
        X_val, y_val : array-like, optional
            Validation data: its loss and accuracy go into `history_`, and `early_stopping` uses it
            instead of holding out a part of X.
        validation_data : tuple (X_val, y_val), optional
            The same, in one.

        Returns
        -------
        RNNClassifier
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
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        classes : array-like of shape (n_classes,)
            All labels there will ever be; needed in the first call, if `fit` was not called, unless
            y is an indicator matrix.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        RNNClassifier
            The estimator itself.

        Raises
        ------
        TypeError, ValueError
            A parameter or an argument that cannot be used.
        elman.training.divergence.DivergedError
            The loss became NaN or infinite. The estimator is then as it was before the call.
        """
        self._check_parameters()
        if self.class_weight == "balanced":
            raise ValueError(NOT_BALANCED)
        if classes is None and not self.__sklearn_is_fitted__() and not is_indicator(y):
            raise ValueError(NO_CLASSES)
        if classes is not None and is_indicator(y):
            given = check_classes(classes)
            if np.isin(given, (0, 1)).all():
                classes = None  # the values that y holds, as scikit-learn's learning_curve has it
        if classes is None:
            return self._fit_further(X, y, sample_weight)
        return self._fit_further(
            X,
            y,
            sample_weight,
            lambda known: self._given_classes(classes, is_indicator(y), known),
        )

    def predict(self, X: Any) -> Array:
        """Most probable label of each sample; of several at once, each that is likelier than not.

        Parameters
        ----------
        X : array-like
            Sequences; see the class. A sample without a single step is answered from the initial
            state.

        Returns
        -------
        ndarray of shape (n_samples,), or indicator of shape (n_samples, n_labels)
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
        """Logits; for two classes the second minus the first, for several labels one of each.

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

    def predict_proba_over_time(self, X: Any) -> Any:
        """Probability of each class had the recording stopped at step t.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_classes)
            An array (n_samples, n_timesteps, n_classes) if X is one.
            The readout applied to every prefix. The last row of each is, bit for bit, the answer of
            `predict_proba`.

        Raises
        ------
        ValueError
            The network is bidirectional: it has no answer before a sequence has ended.
        """
        model, data = self._asked(X)
        return as_given(X, model.predict_proba_over_time(data))

    def predict_early(
        self, X: Any, confidence: float = 0.95, patience: int = 3
    ) -> tuple[Array, NDArray[np.int64]]:
        """Label each sample as soon as the network is sure of it.

        Decided is at the first time step at which the same label has had a probability of at least
        `confidence` for `patience` steps in a row, that one included; if there is none, at the
        last.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.
        confidence : float, default=0.95
            In (0, 1].
        patience : int, default=3
            Time steps, at least 1.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        steps : ndarray of shape (n_samples,), int64
            At which each was decided, from 0; -1 for a sample without a single step, which is
            answered from the initial state.

        Raises
        ------
        ValueError
            A number out of range; several labels at once; or the network is bidirectional: it has
            no answer before a sequence has ended.
        """
        check_rule(confidence, patience)
        model, data = self._asked(X)
        return model.predict_early(data, float(confidence), int(patience))

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of `predict`.

        Parameters
        ----------
        X : array-like
            Sequences; see the class.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            The share of the samples, by weight, that are labelled right; of several labels at once,
            those of which every label is right.

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
        multilabel = is_indicator(y)
        if known is not None and multilabel != known["multilabel"]:
            trained_on, seen = "one label for each sample", "an indicator matrix"
            if not multilabel:
                trained_on, seen = seen, trained_on
            raise ValueError(f"{name} is {seen}, but there was {trained_on} at first: pass that")
        if multilabel:
            self._refuse_class_weight()
            n_labels = None if known is None else len(known["classes"])
            indicator = check_indicator(y, len(data), n_labels=n_labels, name=name)
            return indicator, {"classes": np.arange(indicator.shape[1]), "multilabel": True}
        classes = None if known is None else known["classes"]
        classes, codes = check_labels(y, len(data), classes=classes, name=name)
        return codes, {"classes": classes, "multilabel": False}

    @staticmethod
    def _given_classes(classes: Any, multilabel: bool, known: Meaning | None) -> Meaning:
        """The meaning of outputs that `classes` of `partial_fit` says."""
        given = check_classes(classes, None if known is None else known["classes"])
        if known is not None:
            return known
        if multilabel and not np.array_equal(given, np.arange(len(given))):
            raise ValueError(
                f"classes={given.tolist()}, but y is an indicator matrix: its classes are the "
                "numbers of its columns, from 0; they may be left out"
            )
        return {"classes": given, "multilabel": multilabel}

    def _refuse_class_weight(self) -> None:
        if self.class_weight is not None:
            raise ValueError(
                f"class_weight={self.class_weight!r}, but y is an indicator matrix: a sample has "
                "several labels at once, so that no one class says its weight; pass sample_weight"
            )

    @override
    def _n_outputs(self, meaning: Meaning) -> int:
        return len(meaning["classes"])

    @override
    def _objective(self, meaning: Meaning) -> Objective:
        smoothing = float(self.label_smoothing)
        return AnyLabels(smoothing) if meaning["multilabel"] else OneClass(smoothing)

    @override
    def _strata(self, training: Labelled, meaning: Meaning) -> NDArray[np.int64]:
        return super()._strata(training, meaning) if meaning["multilabel"] else training.targets

    @override
    def _weighted(self, training: Labelled, meaning: Meaning) -> Labelled:
        if self.class_weight is None:
            return training
        codes, weights = training.targets, training.weights
        weights = weighted_by_class(self.class_weight, meaning["classes"], codes, weights)
        return training._replace(weights=weights)
