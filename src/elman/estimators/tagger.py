"""Recordings and labels of their time steps in; a trained tagger of time steps out."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.data.containers import as_given
from elman.data.sequences import Sequences
from elman.data.store.stored import with_stored
from elman.estimators.base import RecurrentEstimator
from elman.estimators.callbacks import with_callbacks
from elman.estimators.hooks import Meaning
from elman.estimators.scoring import refuse_scorers_of_samples
from elman.estimators.steps import check_any
from elman.hyperparameters.declared import TaggerParameters, completed
from elman.models.tagger import TrainedTagger
from elman.nn.objectives import Objective, OneClass
from elman.targets.labels import NO_CLASSES, NOT_BALANCED
from elman.targets.steps import check_step_weights, check_tag_classes, check_tags
from elman.targets.weights import weighted_by_class
from elman.training.labelled import Labelled

Array = NDArray[Any]


@completed
class RNNTagger(RecurrentEstimator[TrainedTagger], TaggerParameters):
    """Give every time step of a sequence a label, with a recurrent neural network.

    X is what `RNNClassifier` takes: a 3-D array, a list of (n_timesteps_i, n_features) arrays or
    data frames, or a 2-D array or data frame of one feature over time. y, everywhere, is one of

    - a list with a 1-D sequence of labels for each sample, one for each of its time steps;
    - a 2-D array (n_samples, n_timesteps); past a sample's end an array of integers holds -1.

    Labels are ints, bools or strings. A step has none where the value is missing (None, NaN, NaT,
    pandas' NA), or -1 among integers: it is read like any other, but nothing is learned from the
    answer there. Floats that are whole are integers, which pandas makes floats of beside a missing
    one.

    A step is labelled from the steps up to it, and with `bidirectional=True` from those after it as
    well, which is worth it unless answers are wanted while a sequence is still going on.

    Parameters
    ----------
    (written from `elman.hyperparameters.declared`)

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
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
        Training loss of each epoch, a mean over labelled steps.
    score_curve_ : list of float
        Training accuracy over labelled steps of each epoch. It is a running score, from the passes
        that the epoch learns from: the weights change during the epoch, and dropout is on.
        `score(X, y)` is that of the weights as they are.
    validation_loss_curve_ : list of float
        Validation loss of each epoch, a mean over labelled steps; empty without validation data.
    validation_scores_ : list of float
        Validation accuracy over labelled steps of each epoch; empty without validation data.
    best_epoch_ : int
        Number of the best epoch; its weights are the network's if `early_stopping`, or if training
        was interrupted or could not write its state.
    history_ : elman.models.history.History
    mean_, scale_ : ndarray of shape (n_features,) or None
        What `standardize` subtracts and divides by.

    Notes
    -----
    To scikit-learn it is not a classifier, which has one label for each sample: cross-validation
    splits sequences at random, without strata, and scores the accuracy over labelled steps, or what
    `elman.metrics.per_step` makes of another scorer. scikit-learn's own scorers, which compare one
    answer for each sample, are refused. `cross_val_predict` of sequences of unequal lengths takes X
    as an array of objects, for it cannot join lists.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNTagger
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 1)) for n in rng.integers(4, 12, size=60)]
    >>> y = [np.where(np.cumsum(x) > 0, "above", "below") for x in X]
    >>> tagger = RNNTagger(hidden_size=16, random_state=0).fit(X, y)
    >>> tagger.score(X, y) > 0.9
    True
    """

    _MODEL: ClassVar = TrainedTagger

    @property
    def classes_(self) -> Array:
        """Labels, sorted."""
        return self._of("classes_").classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

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
    ) -> RNNTagger:
        """Train from fresh weights; with `warm_start`, from those of the last fit.

        Parameters
        ----------
        X : array-like
            Training sequences, in a form that the class describes.
        y : list of 1-D array-like, or array-like of shape (n_samples, n_timesteps)
            Labels, in a form that the class describes.
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), or shaped as y, optional
            Not negative: a weight for each sample, which each of its steps has, or one for each
            step. A step of weight 0 is as one without a label.
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
        RNNTagger
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
        self, X: Any, y: Any = None, classes: ArrayLike | None = None, sample_weight: Any = None
    ) -> RNNTagger:
        """Train one more epoch on some samples, from where the last call left off.

        The optimizer goes on too. The statistics of `standardize`, and `frontend_` with what "auto"
        chose and its scales, are those of the first call (or of `fit`).

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : list of 1-D array-like, or array-like of shape (n_samples, n_timesteps)
            By default that of X, if X is a store.
        classes : array-like of shape (n_classes,)
            All labels there will ever be; needed in the first call, if `fit` was not called.
        sample_weight : array-like of shape (n_samples,), or shaped as y, optional
            By default those of X, if X is a store that has some.

        Returns
        -------
        RNNTagger
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
        if classes is None:
            if not self.__sklearn_is_fitted__():
                raise ValueError(NO_CLASSES)
            return self._fit_further(X, y, sample_weight)

        def learn(known: Meaning | None) -> Meaning:
            given = check_tag_classes(classes, None if known is None else known["classes"])
            return {"classes": given} if known is None else known

        return self._fit_further(X, y, sample_weight, learn)

    def predict(self, X: Any, *, executor: Any = None) -> Any:
        """Most probable label of every time step.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i,), or ndarray of shape (n_samples, n_timesteps)
            An array if X is one, of 3 or 2 dimensions; if X is an array of objects, an array of
            what the list would hold.

        Raises
        ------
        ValueError
            An X that cannot be used; or a scorer of scikit-learn asks, which compares one answer
            for each sample: `elman.metrics.per_step` makes one of time steps of it.
        """
        refuse_scorers_of_samples("RNNTagger")
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.predict(data))

    def predict_proba(self, X: Any, *, executor: Any = None) -> Any:
        """Probability of each class at every time step.

        A sample's answer has the same bits alone, in any batch and in any order.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_classes), or ndarray of shape \
                (n_samples, n_timesteps, n_classes)
            Of the estimator's `dtype`, columns in the order of `classes_`; an array if X is one.
        """
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.predict_proba(data))

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, executor: Any = None
    ) -> float:
        """Accuracy over the labelled time steps.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        y : list of 1-D array-like, or array-like of shape (n_samples, n_timesteps)
            By default that of X, if X is a store.
        sample_weight : array-like of shape (n_samples,), or shaped as y, optional
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        float
            Of all labelled steps the share, by weight, that was labelled so.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be used, or no labelled step of positive weight.
        """
        y, _ = with_stored(X, y, None)
        with self._asking(X, executor) as (model, data):
            self._check_alignment(X, data, y, sample_weight)
            # of a label that was not in training every answer is wrong
            labels, codes = check_tags(y, data.lengths, classes=model.classes, strangers=True)
            weights = (codes >= 0).astype(np.float64)
            if sample_weight is not None:
                weights *= check_step_weights(sample_weight, data.lengths)
                check_any(weights, "a label")
            hits = np.concatenate(model.predict(data)) == labels[codes]
            return float((hits * weights).sum() / weights.sum())

    # What its targets are

    @override
    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        classes = None if known is None else known["classes"]
        classes, codes = check_tags(y, data.lengths, classes=classes, name=name)
        return codes, {"classes": classes}

    @override
    def _step_target(self, meaning: Meaning) -> str | None:
        return "a label"

    @override
    def _n_outputs(self, meaning: Meaning) -> int:
        return len(meaning["classes"])

    @override
    def _objective(self, meaning: Meaning) -> Objective:
        return OneClass(float(self.label_smoothing))

    @override
    def _loss_unit(self) -> str:
        return "nats per time step"

    @override
    def _weighted(self, training: Labelled, meaning: Meaning) -> Labelled:
        if self.class_weight is None:
            return training
        counts = training.targets >= 0
        codes = training.targets[counts]
        own = np.ones(len(counts)) if training.weights is None else training.weights
        weights = own.copy()
        weights[counts] = weighted_by_class(
            self.class_weight, meaning["classes"], codes, weights[counts]
        )
        return training._replace(weights=weights, score_weights=own)
