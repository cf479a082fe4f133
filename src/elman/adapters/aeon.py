"""A classifier and a regressor for aeon: channels first, arrays and lists, aeon's tags.

``pip install 'elman[aeon]'`` installs what it takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.adapters.adapter import SMALL, Adapter, adapter_of
from elman.estimators.classifier import RNNClassifier
from elman.estimators.regressor import RNNRegressor

try:
    from aeon.classification.base import BaseClassifier
    from aeon.regression.base import BaseRegressor
    from aeon.utils.validation import check_n_jobs
except ImportError as error:
    raise ImportError(
        "elman.adapters.aeon needs aeon, which is not installed: pip install 'elman[aeon]'"
    ) from error

__all__ = ["ElmanClassifier", "ElmanRegressor"]

Array = NDArray[Any]

TAGS = {
    "X_inner_type": ["np-list", "numpy3D"],
    "algorithm_type": "deeplearning",
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "capability:missing_values": False,  # an object's own says what its `missing` allows
    "capability:multithreading": True,
}
CHANGED: dict[str, tuple[Any, str]] = {
    "n_jobs": (1, "The default here is aeon's, a single thread; None stands for 1 as well.")
}


class _AeonAdapter(Adapter):
    """What the classifier and the regressor do alike."""

    _n_jobs: int

    def get_tags(self) -> dict[str, Any]:
        """Return the tags of the class, with the missing values that `missing` allows or not."""
        tags: dict[str, Any] = super().get_tags()  # type: ignore[misc]
        tags["capability:missing_values"] = self._allows_missing
        return tags

    def _fit(self, X: Any, y: Array) -> Any:
        self._n_jobs = check_n_jobs(getattr(self, "n_jobs"))  # noqa: B009 -- of the constructor
        self._train(self._time_first(X, None), y, n_jobs=self._n_jobs)
        return self

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return small networks for aeon's checks."""
        return [dict(each) for each in SMALL]


@adapter_of(RNNClassifier, CHANGED)
class ElmanClassifier(_AeonAdapter, BaseClassifier):  # type: ignore[misc]
    """`elman.RNNClassifier` as a classifier of aeon.

    X is one of

    - a 3-D array (n_cases, n_channels, n_timepoints);
    - a 2-D array (n_cases, n_timepoints): one channel;
    - a list of (n_channels, n_timepoints_i) arrays of unequal lengths;
    - any other collection that aeon converts to these.

    y has one label for each case. `fit`, `predict`, `predict_proba`, `fit_predict` and `score` are
    aeon's. NaN in X are taken as `missing` says, and the tag "capability:missing_values" of an
    object says so too; that of the class is what the default does. `fit` always begins afresh, so
    that `warm_start=True` is an error.

    Parameters
    ----------
    (written from `elman.hyperparameters.declared`)

    Attributes
    ----------
    estimator_ : elman.RNNClassifier
        What was trained, with all that it can do: streams, prefixes, files. It takes time steps
        first, (n_samples, n_timesteps, n_features), as `elman.data.from_channels_first` makes them.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_classes_ : int
        How many.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.adapters.aeon import ElmanClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(2, n)) for n in rng.integers(4, 12, size=60)]
    >>> y = np.array(["up" if x[0, -1] > 0 else "down" for x in X])
    >>> clf = ElmanClassifier(hidden_size=16, readout="last", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _tags = TAGS

    def _predict_proba(self, X: Any) -> Array:
        return np.asarray(self.estimator_.predict_proba(self._turned(X)))


@adapter_of(RNNRegressor, CHANGED)
class ElmanRegressor(_AeonAdapter, BaseRegressor):  # type: ignore[misc]
    """`elman.RNNRegressor` as a regressor of aeon.

    X is one of

    - a 3-D array (n_cases, n_channels, n_timepoints);
    - a 2-D array (n_cases, n_timepoints): one channel;
    - a list of (n_channels, n_timepoints_i) arrays of unequal lengths;
    - any other collection that aeon converts to these.

    y has one number for each case: aeon has no targets of several numbers, nor of time steps.
    `fit`, `predict`, `fit_predict` and `score` are aeon's. NaN in X are taken as `missing` says,
    and the tag "capability:missing_values" of an object says so too; that of the class is what the
    default does. `fit` always begins afresh, so that `warm_start=True` is an error.

    Parameters
    ----------
    (written from `elman.hyperparameters.declared`)

    Attributes
    ----------
    estimator_ : elman.RNNRegressor
        What was trained, with all that it can do: streams, prefixes, files. It takes time steps
        first, (n_samples, n_timesteps, n_features), as `elman.data.from_channels_first` makes them.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.adapters.aeon import ElmanRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(2, n)) for n in rng.integers(4, 12, size=60)]
    >>> y = np.array([x[0].max() for x in X])
    >>> regressor = ElmanRegressor(hidden_size=16, random_state=0).fit(X, y)
    >>> regressor.score(X, y) > 0.8
    True
    """

    _tags = TAGS
