"""An estimator in training and data it is not trained on in; a function that scores it out.

Names and functions mean what they mean in scikit-learn. Of a tagger, and of a regressor of time
steps, a named scorer sees each step that has a target as a sample of its own; a function is given
sequences and their targets as `fit` was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring, get_scorer_names

from elman.targets.step_values import check_step_values
from elman.targets.steps import check_step_weights, check_tags

Array = NDArray[Any]
Score = Callable[[], float]


def scorer_of(estimator: Any, scoring: Any, X: Any, y: Any, sample_weight: Any = None) -> Score:
    """Scores the estimator as it is at each call, by a scikit-learn scorer.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or RNNTagger
        By the time of a call it can predict.
    scoring : str or callable
        A name that `sklearn.metrics.get_scorer` knows, or a function (estimator, X, y) -> float.
    X, y, sample_weight
        As its `score` takes them.

    Returns
    -------
    callable
        Takes nothing, and returns a float. It raises ValueError unless that is finite.
    """
    if isinstance(scoring, str) and estimator.model_.network.layout.at_every_step:
        numbers = isinstance(estimator, RegressorMixin)
        steps: Any = (_KnownSteps if numbers else _LabelledSteps)(estimator, X, y, sample_weight)
        estimator, y, sample_weight = steps, steps.y, steps.weights
    scorer = check_scoring(estimator, scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score() -> float:
        value = float(scorer(estimator, X, y, **weights))
        if not math.isfinite(value):
            raise ValueError(
                f"scoring={scoring!r} gave {value} for the validation data: choose one that is "
                "defined for it"
            )
        return value

    return score


def check_scoring_name(scoring: Any) -> None:
    """Raise ValueError unless `scoring` is a name that scikit-learn knows, or no name."""
    if isinstance(scoring, str) and scoring not in ("loss", *get_scorer_names()):
        raise ValueError(
            f"scoring={scoring!r} is not known; choose None, 'loss', one of "
            "sklearn.metrics.get_scorer_names(), or a function (estimator, X, y) -> float"
        )


class _LabelledSteps(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tagger as a classifier of time steps: its answers at the labelled steps of given data."""

    def __init__(self, tagger: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.tagger = tagger
        _, data = tagger._asked(X)
        labels, codes = check_tags(y, data.lengths)
        self.labelled = codes >= 0
        self.y = labels[codes[self.labelled]]
        self.weights = None
        if sample_weight is not None:
            self.weights = check_step_weights(sample_weight, data.lengths)[self.labelled]

    def fit(self, X: Any, y: Any = None) -> _LabelledSteps:
        """Nothing: it is the tagger that is fitted."""
        return self

    @property
    def classes_(self) -> Array:
        return np.asarray(self.tagger.classes_)

    def predict(self, X: Any) -> Array:
        """(n_labelled_steps,)."""
        model, data = self.tagger._asked(X)
        return np.asarray(np.concatenate(model.predict(data))[self.labelled])

    def predict_proba(self, X: Any) -> Array:
        """(n_labelled_steps, n_classes)."""
        model, data = self.tagger._asked(X)
        return np.asarray(np.concatenate(model.predict_proba(data))[self.labelled])


class _KnownSteps(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor of steps as one of samples: its answers at the steps of which y is known."""

    def __init__(self, regressor: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.regressor = regressor
        model, data = regressor._asked(X)
        values, _ = check_step_values(y, data.lengths, n_targets=regressor.n_outputs_)
        unknown = np.isnan(values)
        self.known = ~unknown.all(axis=1)
        if unknown[self.known].any():
            raise ValueError(
                "scoring by a name wants every target at each time step that has one, but some "
                "steps of the validation data have only some of their targets: leave scoring out, "
                "which takes R^2 over those that are known, or pass a function"
            )
        self.one_target = model.one_target
        self.y = self._as_in_training(values)
        self.weights = None
        if sample_weight is not None:
            self.weights = check_step_weights(sample_weight, data.lengths)[self.known]

    def fit(self, X: Any, y: Any = None) -> _KnownSteps:
        """Nothing: it is the regressor of steps that is fitted."""
        return self

    def predict(self, X: Any) -> Array:
        """(n_known_steps,) or (n_known_steps, n_targets)."""
        model, data = self.regressor._asked(X)
        return self._as_in_training(np.concatenate(model.predict(data)))

    def _as_in_training(self, values: Array) -> Array:
        known = values[self.known]
        return known.reshape(len(known)) if self.one_target else known
