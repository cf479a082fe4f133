"""Recordings and labels in; a trained sequence classifier, after scikit-learn's rules, out."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from typing_extensions import override

from elman.data.containers import as_given
from elman.data.sequences import Sequences
from elman.data.store.stored import with_stored
from elman.estimators.base import RecurrentEstimator
from elman.estimators.callbacks import with_callbacks
from elman.estimators.hooks import Meaning
from elman.hyperparameters.declared import ClassifierParameters, completed
from elman.models.classifier import TrainedClassifier
from elman.models.early import check_rule
from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.targets.checks import listed
from elman.targets.hints import warn_of_numbers
from elman.targets.labels import (
    NO_CLASSES,
    NOT_BALANCED,
    check_classes,
    check_indicator,
    check_labels,
    is_indicator,
)
from elman.targets.weights import check_weights, weighted_by_class
from elman.training.labelled import Labelled

Array = NDArray[Any]


@completed
class RNNClassifier(ClassifierMixin, RecurrentEstimator[TrainedClassifier], ClassifierParameters):  # type: ignore[misc]
    """Classify sequences with a recurrent neural network.

    X, everywhere, is one of

    - a 3-D array (n_samples, n_timesteps, n_features);
    - a list, tuple or 1-D object array of (n_timesteps_i, n_features) arrays or data frames of
      unequal lengths;
    - a 2-D array or data frame (n_samples, n_timesteps): one feature over time, a column for each
      step; a list of 1-D arrays of one length is the same, and of unequal lengths it is a list of
      sequences of one feature;
    - groups of a data frame, ``table.groupby("id")``: a sequence for each group, in their order,
      without the grouping columns; a pandas frame with an index (instance, time); one with a series
      in each cell;
    - a tensor in the memory of the CPU, an xarray `DataArray`, or whatever else has `__array__`,
      `__dlpack__` or a buffer, alone or in a list;
    - an `elman.data.SequenceStore`, sequences on disk of which few are in memory at a time, or a
      view of one. It brings its y with it, and its weights to training, where none are passed.

    A data frame is one of pandas, polars, pyarrow or any other library that narwhals knows. Columns
    are read by their place, so names, where they are strings, must be the same in the same order in
    every frame, in training and after: anything else is an error. NaN, None and pandas.NA are all
    missing values. An index is not looked at; dates, text and categories are refused.

    Parameters
    ----------
    (written from `elman.hyperparameters.declared`)

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; for several labels at once the numbers of their columns.
    multilabel_ : bool
        Whether y was an indicator matrix.
    n_features_in_ : int
        `X.shape[-1]`: for a 2-D X the number of its columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X was a data frame with string column names, or a list of such.
    network_ : elman.nn.network.Network
    weights_ : dict of str to ndarray
        recurrent0.W_x, recurrent0.W_h, recurrent0.b, head.W, head.b, for each layer and direction
        (recurrent1.W_x, recurrent0.reverse.W_x, ...): views of the network's own.
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
        Training loss of each epoch.
    score_curve_ : list of float
        Training accuracy of each epoch, with several labels the share of samples of which all are
        right. It is a running score, from the passes that the epoch learns from: the weights change
        during the epoch, and dropout is on. `score(X, y)` is that of the weights as they are.
    validation_loss_curve_ : list of float
        Validation loss of each epoch; empty without validation data.
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

    _MODEL: ClassVar = TrainedClassifier

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
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        validation_data: tuple[Any, Any] | None = None,
        *,
        executor: Any = None,
    ) -> RNNClassifier:
        """Train from fresh weights; with `warm_start`, from those of the last fit.

        Parameters
        ----------
        X : array-like
            Training sequences, in a form that the class describes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels: strings, ints, bools or whole floats, none of them missing. Or, of several at
            once, an indicator matrix of 0 and 1: each then has a probability of its own.
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. 0 leaves a sample out, 2 counts it twice.
            By default those of X, if X is a store that has some.
        X_val, y_val : array-like, optional
            Validation data: its loss and accuracy go into `history_`, and `early_stopping` uses it
            instead of holding out a part of X.
        validation_data : tuple (X_val, y_val), optional
            The same, in one.
        executor : executor, Client or Comm, optional
            Computes the gradients elsewhere, to the same bits: an executor of
            `concurrent.futures` or a function that makes one, a Dask client or an MPI communicator,
            as `elman.distributed.connect` describes them. Nothing of it stays in the estimator.

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
        return self._fit_afresh(X, y, sample_weight, X_val, y_val, validation_data, executor)

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> RNNClassifier:
        """Train one more epoch on some samples, from where the last call left off.

        The optimizer goes on too. The statistics of `standardize`, and `frontend_` with what "auto"
        chose and its scales, are those of the first call (or of `fit`).

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            By default that of X, if X is a store.
        classes : array-like of shape (n_classes,)
            All labels there will ever be; needed in the first call, if `fit` was not called, unless
            y is an indicator matrix.
        sample_weight : array-like of shape (n_samples,), optional
            By default those of X, if X is a store that has some.

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
        y, sample_weight = with_stored(X, y, sample_weight)
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

    def predict(self, X: Any, *, executor: Any = None) -> Array:
        """Most probable label of each sample; of several at once, each that is likelier than not.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes. A sample without a single step is
            answered from the initial state.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples,), or indicator of shape (n_samples, n_labels)
        """
        with self._asking(X, executor) as (model, data):
            return model.predict(data)

    def predict_proba(self, X: Any, *, executor: Any = None) -> Array:
        """Probability of each class.

        A sample's answer has the same bits alone, in any batch and in any order.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Of the estimator's `dtype`, columns in the order of `classes_`.
        """
        with self._asking(X, executor) as (model, data):
            return model.predict_proba(data)

    def decision_function(self, X: Any, *, executor: Any = None) -> Array:
        """Logits; for two classes the second minus the first, for several labels one of each.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        with self._asking(X, executor) as (model, data):
            return model.decision_function(data)

    def predict_proba_over_time(self, X: Any, *, executor: Any = None) -> Any:
        """Probability of each class had the recording stopped at step t.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_classes)
            An array (n_samples, n_timesteps, n_classes) if X is one.
            The readout applied to every prefix. The last row of each is, bit for bit, the answer of
            `predict_proba`. With `stride`, a step within a block has the answer to the blocks that
            have ended by then.

        Raises
        ------
        ValueError
            The network is bidirectional, or `scale_each` is set: there is no answer before a
            sequence has ended.
        """
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.predict_proba_over_time(data))

    def predict_early(
        self, X: Any, confidence: float = 0.95, patience: int = 3, *, executor: Any = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Label each sample as soon as the network is sure of it.

        A sample is decided at the first time step at which the same label has had a probability of
        at least `confidence` for `patience` steps in a row, that step included; if there is none,
        at the last step.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        confidence : float, default=0.95
            In (0, 1].
        patience : int, default=3
            Time steps, at least 1.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        steps : ndarray of shape (n_samples,), int64
            At which each was decided, from 0; -1 for a sample without a single step, which is
            answered from the initial state.

        Raises
        ------
        ValueError
            A number out of range; several labels at once; or the network is bidirectional, or
            `scale_each` is set: there is no answer before a sequence has ended.
        """
        check_rule(confidence, patience)
        with self._asking(X, executor) as (model, data):
            return model.predict_early(data, float(confidence), int(patience))

    def score(
        self,
        X: Any,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        executor: Any = None,
    ) -> float:
        """Accuracy of `predict`.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), optional
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        float
            The share of the samples, by weight, that are labelled right; of several labels at once,
            those of which every label is right.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be used: a label that is missing or masked, of another kind
            than the classes, another number of labels than samples.
        """
        y, _ = with_stored(X, y, None)
        with self._asking(X, executor) as (model, data):
            self._check_alignment(X, data, y, sample_weight)
            predicted = model.predict(data)
            true = self._truth(y, len(predicted))
            weights = (
                None if sample_weight is None else check_weights(sample_weight, len(predicted))
            )
            return float(accuracy_score(true, predicted, sample_weight=weights))

    def _truth(self, y: Any, n_samples: int) -> Array:
        """y as metrics take it, (n_samples,) or (n_samples, n_labels), to compare answers with."""
        self._check_several(y, self.model_.meaning, "y")
        if self.multilabel_:
            return check_indicator(y, n_samples, n_labels=len(self.classes_))
        # of a label that was not in training every answer is wrong
        found, codes = check_labels(y, n_samples, classes=self.classes_, strangers=True)
        return np.asarray(found[codes])

    # What its targets are

    @override
    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        multilabel = is_indicator(y)
        if known is not None:
            self._check_several(y, known, name)
        if multilabel:
            self._refuse_class_weight()
            n_labels = None if known is None else len(known["classes"])
            indicator = check_indicator(y, len(data), n_labels=n_labels, name=name)
            return indicator, {"classes": np.arange(indicator.shape[1]), "multilabel": True}
        classes = None if known is None else known["classes"]
        classes, codes = check_labels(y, len(data), classes=classes, name=name)
        if known is None:
            warn_of_numbers(classes, codes)
        return codes, {"classes": classes, "multilabel": False}

    @staticmethod
    def _check_several(y: Any, known: Meaning, name: str) -> None:
        """Raise ValueError unless y has one label for each sample, or several, as at first."""
        multilabel = is_indicator(y)
        if multilabel != known["multilabel"]:
            trained_on, seen = "one label for each sample", "an indicator matrix"
            if not multilabel:
                trained_on, seen = seen, trained_on
            raise ValueError(f"{name} is {seen}, but there was {trained_on} at first: pass that")

    @staticmethod
    def _given_classes(classes: Any, multilabel: bool, known: Meaning | None) -> Meaning:
        """The meaning of the outputs by the argument `classes` of `partial_fit`."""
        given = check_classes(classes, None if known is None else known["classes"])
        if known is not None:
            return known
        if multilabel and not np.array_equal(given, np.arange(len(given))):
            raise ValueError(
                f"classes={listed(given)}, but y is an indicator matrix: its classes are the "
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
        own = training.weights
        own = np.ones(len(codes)) if own is None else own
        return training._replace(weights=weights, score_weights=own)
