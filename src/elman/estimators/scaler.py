"""Sequences in; the same sequences with every feature standardised over all time steps out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted

from elman.data.axes import warn_of_channels_first
from elman.data.scaler import Scaler, in_layout_of, refuse_large
from elman.data.scaling import location_and_scale, scaled
from elman.data.sequences import Sequences
from elman.data.validation import check_sequences
from elman.hyperparameters import checks as hp
from elman.targets.weights import check_weights

Array = NDArray[Any]


class SequenceScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Give every feature mean 0 and deviation 1 over all time steps of the training sequences.

    scikit-learn's `StandardScaler` takes neither 3-D nor ragged X; this takes, and returns, what
    `RNNClassifier` takes. (The classifier does the same inside unless `standardize=False`.) A
    feature that never changes is only shifted.

    Parameters
    ----------
    allow_nan : bool, default=False
        Take NaN for a missing value, as scikit-learn's scalers do: left out of the statistics, kept
        in the output. Otherwise it is an error. What follows must know what to make of it:
        ``RNNClassifier(missing="mask")`` does.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,), float64
        What is subtracted, and what is divided by; of length 1 for a 2-D X, which is one feature.
    n_features_in_ : int
        `X.shape[-1]`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X was a data frame with string column names, or a list of such.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import SequenceScaler
    >>> X = [np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[2.0, 20.0]])]
    >>> SequenceScaler().fit(X).mean_
    array([ 2., 20.])
    """

    def __init__(self, *, allow_nan: bool = False) -> None:
        self.allow_nan = allow_nan

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = bool(self.allow_nan)
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> SequenceScaler:
        """Learn mean and deviation.

        Parameters
        ----------
        X : array-like
            A 3-D array (n_samples, n_timesteps, n_features), a list of (n_timesteps_i, n_features)
            arrays or data frames, or a 2-D array or data frame (n_samples, n_timesteps) of one
            feature.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each sample; every step of a sample counts with it.

        Returns
        -------
        SequenceScaler
            The scaler itself.
        """
        data = self._check_fresh(X)
        weights = None if sample_weight is None else check_weights(sample_weight, len(data))
        self.mean_, self.scale_ = location_and_scale(data, weights)
        return self

    def transform(self, X: Any) -> Any:
        """(x - mean) / scale, computed in float64.

        Parameters
        ----------
        X : array-like
            As for `fit`.

        Returns
        -------
        ndarray, list of ndarray or data frame
            A 3-D array for a 3-D X, a 2-D array for a 2-D X, else a list; float32 for a float32 X,
            else float64. X is not changed. `set_output` makes a data frame of a 2-D array, and
            leaves the others, which are no tables, as they are.
        """
        fitted = self._fitted()
        found = fitted.transform(X, estimator=type(self).__name__)
        return _wrap_data_with_container("transform", found, X, self) if fitted.two_d else found

    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        X : array-like
            As for `fit`.

        Returns
        -------
        ndarray or list of ndarray
            As `transform` returns it.
        """
        fitted = self._fitted()
        refuse_large(X)
        data = fitted.check(X, estimator=type(self).__name__)
        # x * scale + mean, written as (x - mean') / scale' for `scaled`
        mean, scale = -fitted.mean / fitted.scale, 1 / fitted.scale
        return in_layout_of(X, scaled(data, mean, scale, data.dtype))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Names of the features, which are those that came in.

        Parameters
        ----------
        input_features : array-like of str, optional
            Only checked against those seen in `fit`.

        Returns
        -------
        ndarray of str objects
        """
        from sklearn.utils.validation import _check_feature_names_in

        check_is_fitted(self)
        return np.asarray(_check_feature_names_in(self, input_features))

    def _check_fresh(self, X: Any) -> Sequences:
        """X to learn from; keeps what it is like."""
        hp.boolean("allow_nan", self.allow_nan)
        data = check_sequences(
            X,
            dtype=None,
            estimator=type(self).__name__,
            missing="keep" if self.allow_nan else "error",
            how_to_allow="allow_nan=True",
        )
        warn_of_channels_first(data)
        self.n_features_in_: int = data.n_features_in
        self._two_d: bool = data.two_d
        self.__dict__.pop("feature_names_in_", None)
        if data.feature_names is not None:
            self.feature_names_in_: Array = np.array(data.feature_names, dtype=object)
        return data

    def _fitted(self) -> Scaler:
        """What it learned."""
        check_is_fitted(self)
        hp.boolean("allow_nan", self.allow_nan)
        names = getattr(self, "feature_names_in_", None)
        return Scaler(
            mean=self.mean_,
            scale=self.scale_,
            n_features_in=self.n_features_in_,
            two_d=self._two_d,
            feature_names=None if names is None else tuple(names),
            allow_nan=bool(self.allow_nan),
        )

    @classmethod
    def _of_fitted(cls, fitted: Scaler) -> SequenceScaler:
        """The scaler that learned this."""
        scaler = cls(allow_nan=fitted.allow_nan)
        scaler.mean_, scaler.scale_ = fitted.mean, fitted.scale
        scaler.n_features_in_, scaler._two_d = fitted.n_features_in, fitted.two_d
        if fitted.feature_names is not None:
            scaler.feature_names_in_ = np.array(fitted.feature_names, dtype=object)
        return scaler


for _name in ("transform", "fit_transform"):
    # as they were before scikit-learn wrapped them, to make a data frame of whatever they return
    setattr(SequenceScaler, _name, getattr(SequenceScaler, _name).__wrapped__)
