"""A classifier and a regressor for sktime: panels of any of its types, sktime's tags.

``pip install 'elman[sktime]'`` installs what it takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.adapters.adapter import SMALL, Adapter, adapter_of
from elman.estimators.classifier import RNNClassifier
from elman.estimators.regressor import RNNRegressor

try:
    from sktime.classification.base import BaseClassifier
    from sktime.regression.base import BaseRegressor
except ImportError as error:
    raise ImportError(
        "elman.adapters.sktime needs sktime, which is not installed: pip install 'elman[sktime]'"
    ) from error

__all__ = ["ElmanClassifier", "ElmanRegressor"]

Array = NDArray[Any]

TAGS: dict[str, Any] = {
    "authors": ["the elman developers"],
    "maintainers": ["the elman developers"],
    "X_inner_mtype": ["df-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "capability:missing_values": False,  # an object's own says what its `missing` allows
    "capability:multithreading": True,
    "capability:random_state": True,
    "property:randomness": "derandomized",
}


class _SktimeAdapter(Adapter):
    """What the classifier and the regressor do alike."""

    def __post_init__(self) -> None:
        """Set the tags that follow from hyper-parameters; sktime calls this in its constructor."""
        tags = {"capability:missing_values": self._allows_missing}
        self.set_tags(**tags)  # type: ignore[attr-defined]

    def _fit(self, X: Any, y: Array) -> Any:
        self._train(self._time_first(X, None), y)
        return self

    @override
    def _time_first(self, X: Any, n_channels: int | None) -> Any:
        # The rows of a frame are time steps already.
        return super()._time_first(X, n_channels) if isinstance(X, np.ndarray) else X

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return small networks for sktime's checks.

        Parameters
        ----------
        parameter_set : str
            The same for all.
        """
        return [dict(each) for each in SMALL]


@adapter_of(RNNClassifier)
class ElmanClassifier(_SktimeAdapter, BaseClassifier):  # type: ignore[misc]
    """`elman.RNNClassifier` as a classifier of sktime.

    X is a panel of any of sktime's types: a 3-D array (n_instances, n_dimensions, n_timepoints), a
    data frame with an index (instance, time), a list of data frames of unequal lengths, a frame
    with a series in each cell, and others that sktime converts. Columns of data frames that have
    names must have the same, in the same order, in `predict`. Columns of text or categories are
    symbols, as `categorical_features` says.

    y has one label for each instance; of several columns of labels, each has a classifier of its
    own. `fit`, `predict`, `predict_proba`, `fit_predict`, `score`, `save` and `load_from_path` are
    sktime's. NaN in X are taken as `missing` says, and the tag "capability:missing_values" of an
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
        There is none after a fit on labels of a single class, which sktime answers by itself.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_classes_ : int
        How many.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from elman.adapters.sktime import ElmanClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [pd.DataFrame(rng.normal(size=(n, 2))) for n in rng.integers(4, 12, size=60)]
    >>> y = np.array(["up" if x.iloc[-1, 0] > 0 else "down" for x in X])
    >>> clf = ElmanClassifier(hidden_size=16, readout="last", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _tags = TAGS | {"capability:predict_proba": True, "capability:class_weight": True}

    def _predict_proba(self, X: Any) -> Array:
        return np.asarray(self.estimator_.predict_proba(self._turned(X)))


@adapter_of(RNNRegressor)
class ElmanRegressor(_SktimeAdapter, BaseRegressor):  # type: ignore[misc]
    """`elman.RNNRegressor` as a regressor of sktime.

    X is a panel of any of sktime's types: a 3-D array (n_instances, n_dimensions, n_timepoints), a
    data frame with an index (instance, time), a list of data frames of unequal lengths, a frame
    with a series in each cell, and others that sktime converts. Columns of data frames that have
    names must have the same, in the same order, in `predict`. Columns of text or categories are
    symbols, as `categorical_features` says.

    y has one number for each instance, or several columns of numbers, which one network predicts.
    `fit`, `predict`, `score`, `save` and `load_from_path` are sktime's. NaN in X are taken as
    `missing` says, and the tag "capability:missing_values" of an object says so too; that of the
    class is what the default does. `fit` always begins afresh, so that `warm_start=True` is an
    error.

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
    >>> import pandas as pd
    >>> from elman.adapters.sktime import ElmanRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [pd.DataFrame(rng.normal(size=(n, 2))) for n in rng.integers(4, 12, size=60)]
    >>> y = np.array([x[0].max() for x in X])
    >>> regressor = ElmanRegressor(hidden_size=16, random_state=0).fit(X, y)
    >>> regressor.score(X, y) > 0.8
    True
    """

    _tags = TAGS | {"capability:multioutput": True, "y_inner_mtype": "numpy2D"}

    def _fit(self, X: Any, y: Array) -> Any:
        return super()._fit(X, y[:, 0] if y.shape[1] == 1 else y)
