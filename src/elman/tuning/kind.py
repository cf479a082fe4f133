"""The answers y in; which estimator learns them, out."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.targets.checks import refuse_missing
from elman.targets.masked import refuse_masked
from elman.targets.missing import plain

NAMES = {"classifier": "RNNClassifier", "tagger": "RNNTagger", "regressor": "RNNRegressor"}
"""What a user may say in the place of an estimator."""


def chosen_estimator(estimator: Any, y: Any) -> Any:
    """A fresh, unfitted estimator: a copy of the user's, or of the kind that y asks for.

    Parameters
    ----------
    estimator : None, str, class or estimator
    y : array-like
        What None goes by.

    Raises
    ------
    TypeError, ValueError
        It is something else, or y says too little.
    """
    from sklearn.base import clone

    from elman.estimators.base import RecurrentEstimator

    if estimator is None:
        estimator = _guessed(y)
    if isinstance(estimator, str):
        if estimator not in (*NAMES, *NAMES.values()):
            raise ValueError(
                f"estimator={estimator!r:.100} is not known; choose one of "
                f"{', '.join(map(repr, NAMES))}, or pass an estimator"
            )
        return _class_named(NAMES.get(estimator, estimator))()
    if isinstance(estimator, type) and issubclass(estimator, RecurrentEstimator):
        return estimator()
    if not isinstance(estimator, RecurrentEstimator):
        raise TypeError(
            f"estimator is of type {type(estimator).__name__}; it must be an RNNClassifier, an "
            "RNNTagger or an RNNRegressor, or None, which goes by y. A pipeline is tuned by the "
            "searches of scikit-learn"
        )
    return clone(estimator)


def check_guess(y: Any, lengths: Any) -> None:
    """Raise ValueError if what y is, which nobody said, may as well be something else.

    An array with a column for each time step may hold answers of time steps, or several of each
    sample.
    """
    if hasattr(y, "shape") and len(y.shape) == 2 and y.shape[1] > 1:
        values = plain(y).values
        if values.dtype.kind in "biuf" and (np.asarray(lengths) == y.shape[1]).all():
            raise ValueError(
                f"y has shape {tuple(y.shape)}, and every sample has {y.shape[1]} time steps, so "
                "that it may hold an answer for each time step or several for each sample: say "
                "which, with estimator='tagger' or RNNRegressor(readout='every') for time steps, "
                "estimator='classifier' or 'regressor' for samples"
            )


def _class_named(name: str) -> Any:
    from elman.estimators.classifier import RNNClassifier
    from elman.estimators.regressor import RNNRegressor
    from elman.estimators.tagger import RNNTagger

    return {each.__name__: each for each in (RNNClassifier, RNNTagger, RNNRegressor)}[name]


def _guessed(y: Any) -> str:
    if y is None:
        raise TypeError("y is None: pass the label or the target of each sample")
    refuse_masked(y, "y")
    shape = getattr(y, "shape", None)
    if (shape is None or len(shape) == 1) and _is_of_steps(y):
        kinds = {np.asarray(row).dtype.kind for row in y if len(row)}
        return "regressor" if "f" in kinds else "tagger"
    found = plain(y)
    refuse_missing(found, "y", "every sample needs an answer", "leave that sample out")
    values = found.values
    if values.ndim == 3:
        return "regressor"
    is_float = values.dtype.kind == "f" and not _are_whole(values)
    if values.ndim == 1 or values.shape[1] == 1:
        return "regressor" if is_float else "classifier"
    if is_float:
        return "regressor"
    if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all():
        return "classifier"
    if values.dtype.kind in "USO":
        return "tagger"
    raise ValueError(
        f"y is an array {values.shape} of whole numbers, which may be labels of time steps or "
        "targets of samples: say which, with estimator='tagger' or estimator='regressor'"
    )


def _is_of_steps(y: Any) -> bool:
    """Whether each entry holds the answers of its time steps."""
    first = next(iter(y), None)
    return first is not None and not isinstance(first, (str, bytes)) and hasattr(first, "__len__")


def _are_whole(values: Any) -> bool:
    return bool((np.isfinite(values) & (values == np.round(values))).all())
