"""An estimator and data it is not trained on in; how right its answers are out.

Names and functions mean what they mean in scikit-learn. Of a tagger, and of a regressor of time
steps, a scorer of scikit-learn sees each step that has a target as a sample of its own; a function
is given sequences and their targets as `fit` was.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    is_classifier,
    is_regressor,
)
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples

from elman.targets.checks import listed
from elman.targets.step_values import check_step_values
from elman.targets.steps import check_step_weights, check_tags

Array = NDArray[Any]
Score = Callable[[], float]


def scorer_of(estimator: Any, scoring: Any, X: Any, y: Any, sample_weight: Any = None) -> Score:
    """Scores the estimator as it is at each call, by a scikit-learn scorer.

    It is asked once at once, so that what cannot be scored is refused before training begins.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or RNNTagger
        It can predict, though it may not have learned anything yet.
    scoring : str or callable
        A name that `sklearn.metrics.get_scorer` knows, or a function (estimator, X, y) -> float,
        which may take `sample_weight` too.
    X, y, sample_weight
        As its `score` takes them.

    Returns
    -------
    callable
        Takes nothing, and returns a float. It raises ValueError unless that is finite.

    Raises
    ------
    ValueError
        The score is not defined for this data: says why, and which classes the data lacks.
    """
    bound = _bound(estimator, scoring, X, y, sample_weight)
    bound.refuse_undefined(scoring)

    def score() -> float:
        value = bound()
        if not math.isfinite(value):
            raise ValueError(f"scoring={scoring!r} {_gave(value)}: {CHOOSE}")
        return value

    return score


def score_of(estimator: Any, scoring: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """The score of a fitted estimator, of the same arguments as `scorer_of` takes.

    Raises
    ------
    ValueError
        The score is not a finite number.
    Exception
        Whatever the scorer raises.
    """
    bound = _bound(estimator, scoring, X, y, sample_weight)
    given = bound.given_by(bound.estimator)
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise ValueError(
            f"it returned {given!r:.100}, of type {type(given).__name__}; it must return a number"
        ) from None
    if not math.isfinite(value):
        raise ValueError(f"it gave {value}; it must give a finite number")
    return value


def name_of(scoring: Any) -> str:
    """A scorer in words: scoring='f1_macro', or the scoring function f."""
    name = getattr(scoring, "__name__", None)
    return f"scoring={scoring!r:.200}" if name is None else f"the scoring function {name}"


def check_scoring_name(scoring: Any) -> None:
    """Raise ValueError unless `scoring` is a name that scikit-learn knows, or no name."""
    if isinstance(scoring, str) and scoring not in ("loss", *get_scorer_names()):
        raise ValueError(
            f"scoring={scoring!r} is not known; choose None, 'loss', one of "
            "sklearn.metrics.get_scorer_names(), or a function (estimator, X, y) -> float"
        )


CHOOSE = "choose one that is defined for it"


def _gave(value: float) -> str:
    return f"gave {value} for the validation data"


class _Bound:
    """A scorer and what it is asked about."""

    def __init__(self, scoring: Any, estimator: Any, X: Any, y: Any, weights: Any) -> None:
        if isinstance(scoring, PerStep):
            of_numbers = is_regressor(estimator)
            steps: Any = (_KnownSteps if of_numbers else _LabelledSteps)(estimator, X, y, weights)
            scoring, estimator, y, weights = scoring.scoring, steps, steps.y, steps.weights
        scorer = check_scoring(estimator, scoring)
        if _is_theirs(scorer):
            y = _for_metrics(estimator, y)
            scorer = _with_all_classes(scorer, estimator, y)
        self.scorer, self.estimator, self.X, self.y = scorer, estimator, X, y
        takes_weights = weights is not None and _takes_weights(scorer)
        self.options = {"sample_weight": weights} if takes_weights else {}

    def __call__(self) -> float:
        return self.of(self.estimator)

    def of(self, estimator: Any) -> float:
        return float(self.given_by(estimator))

    def given_by(self, estimator: Any) -> Any:
        """What the scorer returns, as it is."""
        return self.scorer(estimator, self.X, self.y, **self.options)

    def refuse_undefined(self, scoring: Any) -> None:
        """Raise ValueError if the data has no score, whatever the network learns."""
        problem, cause = self._problem(self.estimator)
        # An untrained network may answer what a metric does not take, such as a count below 0
        if problem is None or (
            _is_theirs(self.scorer) and self._problem(_Faultless(self.estimator, self.y))[0] is None
        ):
            return
        absent = _absent(self.estimator, self.y)
        lacks = f" No sample of it is of the class(es) {listed(absent)}." if absent else ""
        raise ValueError(
            f"scoring={scoring!r} {problem}, so that training has not begun.{lacks} "
            f"{CHOOSE.capitalize()}"
            + (", or pass X_val and y_val with every class" if absent else "")
        ) from cause

    def _problem(self, estimator: Any) -> tuple[str | None, Exception | None]:
        """What is wrong with the score of an estimator, and the exception that said so."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that an untrained network never predicts
            try:
                value = self.of(estimator)
            except Exception as error:
                text = str(error).strip().rstrip(".")[:500]
                return f"failed for the validation data ({type(error).__name__}: {text})", error
        return (None, None) if math.isfinite(value) else (_gave(value), None)


def _bound(estimator: Any, scoring: Any, X: Any, y: Any, sample_weight: Any) -> _Bound:
    of_steps = _is_of_steps(estimator) and _is_theirs(scoring)
    return _Bound(PerStep(scoring) if of_steps else scoring, estimator, X, y, sample_weight)


class PerStep:
    """What `elman.metrics.per_step` returns."""

    def __init__(self, scoring: Any) -> None:
        check_scoring_name(scoring)
        if scoring == "loss" or not (isinstance(scoring, str) or callable(scoring)):
            raise TypeError(
                f"per_step({scoring!r}): pass the name of a scikit-learn scorer, or a scorer that "
                "sklearn.metrics.make_scorer made"
            )
        self.scoring = scoring

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score a fitted estimator of time steps, or a pipeline that ends in one."""
        return _Bound(self, estimator, X, y, sample_weight)()

    def __repr__(self) -> str:
        return f"per_step({self.scoring!r})"


class _LabelledSteps(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tagger as a classifier of time steps: its answers at the labelled steps of given data."""

    def __init__(self, tagger: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.tagger = tagger
        lengths, _ = _lengths_and_width(tagger, X)
        labels, codes = check_tags(y, lengths, classes=self.classes_, strangers=True)
        self.labelled = codes >= 0
        self.y = labels[codes[self.labelled]]
        self.weights = None
        if sample_weight is not None:
            self.weights = check_step_weights(sample_weight, lengths)[self.labelled]

    def fit(self, X: Any, y: Any = None) -> _LabelledSteps:
        """Do nothing: the tagger is fitted already."""
        return self

    @property
    def classes_(self) -> Array:
        return np.asarray(self.tagger.classes_)

    def predict(self, X: Any) -> Array:
        """(n_labelled_steps,)."""
        return self._joined(self.tagger.predict(X))

    def predict_proba(self, X: Any) -> Array:
        """(n_labelled_steps, n_classes)."""
        return self._joined(self.tagger.predict_proba(X))

    def _joined(self, answers: Any) -> Array:
        return np.asarray(np.concatenate(list(answers))[self.labelled])


class _KnownSteps(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor of steps as one of samples: its answers at the steps of which y is known."""

    def __init__(self, regressor: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.regressor = regressor
        lengths, self.one_target = _lengths_and_width(regressor, X)
        values, _ = check_step_values(y, lengths, n_targets=getattr(regressor, "n_outputs_", None))
        unknown = np.isnan(values)
        self.known = ~unknown.all(axis=1)
        if unknown[self.known].any():
            raise ValueError(
                "scikit-learn's scorers want every target at each time step that has one, but some "
                "steps of the data have only some of their targets: leave scoring out, which takes "
                "R^2 over those that are known, or pass a function (estimator, X, y) -> float"
            )
        self.y = self._as_in_training(values)
        self.weights = None
        if sample_weight is not None:
            self.weights = check_step_weights(sample_weight, lengths)[self.known]

    def fit(self, X: Any, y: Any = None) -> _KnownSteps:
        """Nothing: it is the regressor of steps that is fitted."""
        return self

    def predict(self, X: Any) -> Array:
        """(n_known_steps,) or (n_known_steps, n_targets)."""
        return self._as_in_training(np.concatenate(list(self.regressor.predict(X))))

    def _as_in_training(self, values: Array) -> Array:
        known = values[self.known]
        return known.reshape(len(known)) if self.one_target else known


class _Faultless(BaseEstimator):  # type: ignore[misc]
    """Answers what is right: a score that is not defined for it is not defined for the data."""

    def __init__(self, estimator: Any, y: Array) -> None:
        self.estimator = estimator
        self.y = y

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def fit(self, X: Any, y: Any = None) -> _Faultless:
        """Nothing: it knows."""
        return self

    @property
    def classes_(self) -> Array:
        return np.asarray(self.estimator.classes_)

    def predict(self, X: Any) -> Array:
        """y itself."""
        return self.y

    def predict_proba(self, X: Any) -> Array:
        """1 for each label of y."""
        if self.y.ndim == 2:
            return self.y.astype(float)
        return np.equal(self.y[:, np.newaxis], self.classes_).astype(float)


def _lengths_and_width(estimator: Any, X: Any) -> tuple[NDArray[np.int64], bool]:
    """Steps of each sample, and whether there is one answer at each."""
    if _is_of_steps(estimator):
        model, data = estimator._asked(X)
        return np.asarray(data.lengths, np.int64), getattr(model, "one_target", True)
    answers = [] if hasattr(estimator, "model_") else list(estimator.predict(X))
    if not answers or np.ndim(answers[0]) not in ((1, 2) if is_regressor(estimator) else (1,)):
        raise ValueError(
            "per_step scores an RNNTagger, which has a label for each time step, and an "
            "RNNRegressor that was fitted on a target for each time step, but "
            f"{type(estimator).__name__} has one answer for each sample: pass the scoring itself"
        )
    return np.array([len(answer) for answer in answers], np.int64), np.ndim(answers[0]) == 1


def _is_of_steps(estimator: Any) -> bool:
    """Whether an estimator of ours answers at every time step."""
    return hasattr(estimator, "model_") and bool(estimator.model_.network.layout.at_every_step)


def _is_theirs(scoring: Any) -> bool:
    """Whether it is a scorer of scikit-learn, by its name or as `make_scorer` made it."""
    return isinstance(scoring, str) or hasattr(scoring, "_score_func")


def _for_metrics(estimator: Any, y: Any) -> Array:
    """y, which `fit` has taken, as scikit-learn's metrics take it."""
    truth = getattr(estimator, "_truth", None)
    return np.asarray(y if truth is None else truth(y, _num_samples(y)))


def _takes_weights(scorer: Any) -> bool:
    """Whether a function, or the metric of a scorer, has an argument for sample weights."""
    metric = getattr(scorer, "_score_func", None)
    try:
        parameters = inspect.signature(scorer if metric is None else metric).parameters
    except (TypeError, ValueError):  # written in C
        return False
    # a metric hands what it does not know to another one, which may not know it either
    takes_all = metric is None and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return "sample_weight" in parameters or takes_all


def _with_all_classes(scorer: Any, estimator: Any, y: Array) -> Any:
    """The scorer, told of every class if y lacks one and it wants probabilities of all."""
    metric = scorer._score_func
    if (
        scorer._response_method == "predict"
        or "labels" not in inspect.signature(metric).parameters
        or "labels" in scorer._kwargs
        or y.ndim == 2
        or not _absent(estimator, y)
    ):
        return scorer
    told = copy.copy(scorer)
    told._kwargs = {**scorer._kwargs, "labels": estimator.classes_}
    return told


def _absent(estimator: Any, y: Any) -> list[Any]:
    """The classes of which there is no sample."""
    if not is_classifier(estimator):
        return []
    y = _for_metrics(estimator, y)
    there = set((np.flatnonzero(y.any(axis=0)) if y.ndim == 2 else y).tolist())
    return [label for label in estimator.classes_.tolist() if label not in there]


def refuse_scorers_of_samples(estimator: str) -> None:
    """Raise ValueError if it is a scorer of scikit-learn that asks `predict`, which calls this.

    `cross_val_score(tagger, X, y, scoring="accuracy")` takes an array of tags for several labels of
    each sample, and scores something else without a word. It says nothing of the scorer to the
    estimator, so that the callers have to be looked at.
    """
    frame: FrameType | None = sys._getframe(2)  # who called predict
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("sklearn."):
        metric: Any = getattr(frame.f_locals.get("self"), "_score_func", None)
        while isinstance(metric, functools.partial):
            metric = metric.func
        if str(getattr(metric, "__module__", "")).startswith("sklearn."):
            raise ValueError(
                f"{metric.__name__} compares one answer for each sample, but {estimator} has one "
                "for each time step: pass scoring=elman.metrics.per_step(...) with the name of the "
                "scorer, such as per_step('f1_macro'), or leave scoring out, for the accuracy over "
                "labelled time steps"
            )
        frame = frame.f_back
