"""Matrices in; whole numbers of 8 bits and a scale for each row out, and what that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.exchange.parts import model_of
from elman.models.kinds import kind_of_model
from elman.models.model import TrainedModel
from elman.nn.network import Network
from elman.nn.parameters import Parameters
from elman.targets.labels import check_indicator, check_labels
from elman.targets.step_values import check_step_values, refuse_unknown_target
from elman.targets.steps import check_tags
from elman.targets.values import check_values

Array = NDArray[Any]

MOST = 127
"""The largest whole number: -128 is not used, so that both signs reach as far."""


def quantised(W: Array) -> tuple[NDArray[np.int8], Array]:
    """A matrix (n_rows, n_columns) as whole numbers, and the scale of each row (n_rows,).

    A row is its scale times its whole numbers, to within half a scale, which is 1/254 of its
    largest value. A row of zeros has the scale 0.
    """
    scale = np.abs(W).max(axis=1, initial=0) / W.dtype.type(MOST)
    divisor = np.where(scale > 0, scale, W.dtype.type(1))
    whole = np.rint(W / divisor[:, np.newaxis])
    return np.clip(whole, -MOST, MOST).astype(np.int8), scale


def rounded(model: TrainedModel, dtype: DTypeLike, *, int8: bool) -> TrainedModel:
    """The model with the weights that C has of it, for whoever asks what that changes.

    Parameters
    ----------
    model : TrainedModel
    dtype : float32 or float64
        That of the network.
    int8 : bool
        Whether the weights of products are what whole numbers of 8 bits make of them.
    """
    network = model.network
    arrays = {name: array.astype(dtype) for name, array in network.params.items()}
    if int8:
        for name, array in arrays.items():
            if array.ndim == 2:
                whole, scale = quantised(array)
                arrays[name] = whole.astype(dtype) * scale[:, np.newaxis]
    return replace(
        model, network=Network(network.layout, Parameters.from_arrays(arrays, np.dtype(dtype)))
    )


class Int8Change(NamedTuple):
    """What weights of 8 bits change in the answers of a model."""

    score: str
    """what is compared: "accuracy", over time steps of a tagger and over all labels of several, or
    "R^2", the mean over targets"""
    before: float
    """with the weights of the model"""
    after: float
    """with those of 8 bits"""
    largest_change: float
    """the largest change of a probability, or of a value in units of its target's deviation"""
    n_answers: int
    """how many labels or values were compared"""

    def __str__(self) -> str:
        return (
            f"{self.score} {self.before:.4f} with float weights, {self.after:.4f} with int8, over "
            f"{self.n_answers:,} answers; the largest change of one is {self.largest_change:.2g}"
        )


def compare_int8(model: Any, X: Any, y: Any, *, dtype: str = "float32") -> Int8Change:
    """Say how good a model is with the weights that `to_c(..., weights="int8")` writes.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the file of one.
    X : array-like
        Sequences as the model takes them.
    y : array-like
        Their answers as the estimator's `score` takes them.
    dtype : {"float32", "float64"}, default="float32"
        As `to_c` takes it.

    Returns
    -------
    Int8Change

    Raises
    ------
    TypeError, ValueError
        X or y cannot be used: y has labels of another kind than the model's, is of another length,
        or nothing of it is known.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange.c99 import compare_int8
    >>> X = np.random.default_rng(0).normal(size=(40, 6, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> clf = RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y)
    >>> change = compare_int8(clf, X, y)
    >>> change.score, change.n_answers, change.largest_change < 0.05
    ('accuracy', 40, True)
    """
    found = model_of(model)
    answers = []
    for int8 in (False, True):
        asked = rounded(found, dtype, int8=int8)
        data = asked.check(X)
        answers.append((_flat(asked.predict(data)), _flat(_graded(asked, data))))  # type: ignore[attr-defined]
    (plain, graded), (after, graded_after) = answers
    truth, known = _truth(found, y, found.check(X).lengths)
    plain, after = plain.reshape(truth.shape), after.reshape(truth.shape)
    change = float(np.abs(graded_after - graded).max(initial=0))
    score, name = (_r2, "R^2") if found.kind == "RNNRegressor" else (_accuracy, "accuracy")
    scores = score(truth, plain, known), score(truth, after, known)
    return Int8Change(name, *scores, change, int(known.sum()))


def _truth(model: TrainedModel, y: Any, lengths: NDArray[np.int64]) -> tuple[Array, Array]:
    """y in the shape of the model's answers, samples end to end, and which of it is known.

    Raises
    ------
    TypeError, ValueError
        It is not what the estimator's `score` takes, or nothing of it is known.
    """
    n_samples, kind = len(lengths), kind_of_model(model)
    classes = getattr(model, "classes", None)
    if kind == "label":
        found, codes = check_labels(y, n_samples, classes=classes, strangers=True)
        truth, known = found[codes], codes >= 0
    elif kind == "labels":
        truth = check_indicator(y, n_samples, n_labels=model.network.layout.n_outputs)
        known = np.ones(truth.shape, bool)
    elif kind == "steps":
        found, codes = check_tags(y, lengths, classes=classes, strangers=True)
        truth, known = found[codes], codes >= 0
    else:
        n_targets = model.network.layout.n_outputs
        if model.network.layout.at_every_step:
            truth, _ = check_step_values(y, lengths, n_targets=n_targets)
            refuse_unknown_target(truth, "y")
        else:
            truth = check_values(y, n_samples, n_targets=n_targets).reshape(n_samples, -1)
        known = ~np.isnan(truth)
    return truth, known


def _graded(model: TrainedModel, data: Any) -> Any:
    """Probabilities, or values in units of the deviation of their target."""
    if model.kind == "RNNRegressor":
        values = model.logits_over_time(data) if model.network.layout.at_every_step else None
        return model.logits(data) if values is None else values
    return model.predict_proba(data)  # type: ignore[attr-defined]


def _flat(answers: Any) -> Array:
    """Answers of all samples, or of all steps of all samples, one after another."""
    parts = answers if isinstance(answers, (list, tuple)) else [answers]
    if all(np.ndim(part) == 0 for part in parts):
        return np.asarray(answers)
    parts = [np.asarray(part) for part in parts if len(part)]
    return np.concatenate(parts) if parts else np.empty(0)


def _accuracy(truth: Array, labels: Array, known: Array) -> float:
    return float(np.mean((labels == truth)[known]))


def _r2(truth: Array, values: Array, known: Array) -> float:
    """Mean over targets of 1 - (squared errors / squared deviations), over known targets."""
    scores = []
    for target, value, there in zip(truth.T, values.T, known.T, strict=True):
        errors = np.square(target[there] - value[there]).sum()
        spread = np.square(target[there] - target[there].mean()).sum()
        scores.append(1 - errors / spread if spread > 0 else float(errors == 0))
    return float(np.mean(scores))
