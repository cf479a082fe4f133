"""What the adapters share: a constructor made of the declarations, and the estimator inside."""

from __future__ import annotations

import inspect
from abc import update_abstractmethods
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.data.axes import from_channels_first
from elman.estimators.fitted import FittedEstimator
from elman.hyperparameters.declared import PARAMETERS, declarations, with_parameters

Array = NDArray[Any]
T = TypeVar("T")


def adapter_of(
    estimator: type, changed: Mapping[str, tuple[Any, str]] | None = None
) -> Callable[[type[T]], type[T]]:
    """Make a class decorator: the class gets the constructor of an estimator, and its docstring.

    Both libraries read the hyper-parameters of a class from the signature of its `__init__`. This
    one has the names, the defaults and the annotations of the estimator's, keeps each argument
    under its name, unchanged, and then calls the constructor of the next class, without arguments.

    Parameters
    ----------
    estimator : type
        One of those that `PARAMETERS` names.
    changed : dict of str to (object, str), optional
        Hyper-parameters whose default is another in the library: that default, and why.

    Returns
    -------
    callable
        Raises TypeError if the docstring of the class has no place for the hyper-parameters.
    """
    changed = changed or {}
    given = inspect.signature(estimator.__init__)  # type: ignore[misc]
    parameters = [
        each.replace(default=changed[name][0]) if name in changed else each
        for name, each in given.parameters.items()
    ]
    signature = given.replace(parameters=parameters)

    def complete(adapter: type[T]) -> type[T]:
        def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807
            try:
                bound = signature.bind(self, *args, **options)
            except TypeError as error:
                raise TypeError(f"{adapter.__name__}(): {error}") from None
            bound.apply_defaults()
            for name in list(signature.parameters)[1:]:
                setattr(self, name, bound.arguments[name])
            super(adapter, self).__init__()

        __init__.__signature__ = signature  # type: ignore[attr-defined]
        __init__.__module__ = adapter.__module__
        __init__.__qualname__ = f"{adapter.__qualname__}.__init__"
        made: Any = adapter
        made.__init__ = __init__
        made._ESTIMATOR = estimator
        if made.__doc__ is not None:  # it is None under python -OO
            kind = estimator.__name__
            made.__doc__ = with_parameters(made.__doc__, adapter.__name__, kind, changed)
        update_abstractmethods(made)
        return adapter

    return complete


SMALL: list[dict[str, Any]] = [
    {"hidden_size": 5, "max_iter": 2},
    {"hidden_size": 4, "max_iter": 1, "cell": "gru", "missing": "mask"},
]
"""Networks for the checks of a library, which fit often"""


class Adapter:
    """An estimator of another library around one of ours, which it keeps as `estimator_`.

    It inherits from a base class of the library behind this one, which calls `_predict`, and of a
    classifier `_predict_proba`.
    """

    _ESTIMATOR: ClassVar[type]
    estimator_: FittedEstimator[Any]

    def _train(self, X: Any, y: Any, **changed: Any) -> None:
        """Fit an estimator of ours, time steps first, with the hyper-parameters as they are set.

        Parameters
        ----------
        X : array-like
            Sequences as our estimators take them.
        y : array-like
        **changed : object
            Values of hyper-parameters in the place of those that are set.

        Raises
        ------
        ValueError
            `warm_start` is set: `fit` of both libraries begins with an estimator that knows nothing
            of the last fit.
        """
        name, kind = type(self).__name__, self._ESTIMATOR.__name__
        parameters = {each: getattr(self, each) for each in declarations(PARAMETERS[kind])}
        if parameters["warm_start"]:
            raise ValueError(
                f"warm_start=True cannot be done by {name}: its library forgets the last fit when "
                f"it fits again. Leave it False, or go on with {name}.estimator_, which is an "
                f"elman.{kind}"
            )
        estimator = self._ESTIMATOR(**parameters | changed)
        self.estimator_ = estimator.fit(X, y)

    def _predict(self, X: Any) -> Array:
        return np.asarray(self.estimator_.predict(self._turned(X)))

    def _turned(self, X: Any) -> Any:
        """X as the fitted estimator takes it."""
        return self._time_first(X, self.estimator_.n_features_in_)

    def _time_first(self, X: Any, n_channels: int | None) -> Any:
        """X with time steps first; `n_channels` of the training data, None while training."""
        return time_first(X, n_channels, self)

    @property
    def _allows_missing(self) -> bool:
        """Whether NaN in X means something, as `missing` is set."""
        return getattr(self, "missing", "error") != "error"


def time_first(X: Any, n_channels: int | None, adapter: object) -> Any:
    """Turn collections whose channels come first to what our estimators take.

    Parameters
    ----------
    X : ndarray of shape (n_cases, n_channels, n_timepoints), or list of ndarray of shape \
(n_channels, n_timepoints_i)
    n_channels : int or None
        Of the training data; None while training.
    adapter : object
        For whom, in errors.

    Returns
    -------
    ndarray of shape (n_cases, n_timepoints, n_channels), or list of ndarray of shape \
(n_timepoints_i, n_channels)

    Raises
    ------
    ValueError
        A case has another number of channels than the training data, or than the first case.
    """
    cases = [X[0]] if isinstance(X, np.ndarray) and len(X) else X
    for i, case in enumerate(cases):
        expected = len(cases[0]) if n_channels is None else n_channels
        if len(case) == expected:
            continue
        whose = "case 0 has" if n_channels is None else f"{type(adapter).__name__} was fitted on"
        raise ValueError(
            f"X: case {i} has {len(case)} channels (shape={np.shape(case)}), but {whose} "
            f"{expected}: pass (n_channels, n_timepoints) arrays with the same channels in the "
            "same order"
        )
    return from_channels_first(X)
