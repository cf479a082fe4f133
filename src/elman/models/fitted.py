"""Whatever holds a trained model in; the model, and how X gets to it, out.

A person passes an estimator, a scikit-learn pipeline that ends in one, or a `TrainedModel`. Whoever
explains, draws, streams or saves what was passed asks `fitted` and sees one thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.model import TrainedModel

KINDS = ("RNNClassifier", "RNNTagger", "RNNRegressor")
"""Names of the classes that hold a trained model, once they are fitted."""


@dataclass(frozen=True)
class Fitted:
    """A trained model with what was done to X before it."""

    given: Any
    """what the user passed"""
    estimator: Any
    """the estimator that holds the model, the last step of a pipeline; or the model itself"""
    model: TrainedModel
    steps: Sequence[tuple[str, Any]] = ()
    """name and transformer of each step of the pipeline before it, in order"""

    def transform(self, X: Any) -> Any:
        """X as the estimator takes it: what the steps before it make of X."""
        for _, step in self.steps:
            X = step.transform(X)
        return X

    @property
    def scalers(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Mean and scale of each `SequenceScaler` between the model and any other step, in order.

        Of a model from a file these are the scalers that it holds.
        """
        found = [(scaler.mean, scaler.scale) for scaler in reversed(self.model.before)]
        for _, step in reversed(self.steps):
            if type(step).__name__ != "SequenceScaler":
                break
            found.append((step.mean_, step.scale_))
        return found[::-1]


def fitted(given: Any) -> Fitted:
    """Find the trained model in what a user passed.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. A pipeline has to end in one of the three estimators.

    Returns
    -------
    Fitted

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        It is not fitted.
    """
    if isinstance(given, TrainedModel):
        return Fitted(given, given, given)
    steps, last = parts(
        given,
        "a fitted RNNClassifier, RNNTagger or RNNRegressor, a pipeline that ends in one, or a "
        "trained model",
    )
    model = last.__dict__.get("model_")
    if model is None:
        raise ValueError(f"this {type(last).__name__} is not fitted: call fit first")
    return Fitted(given, last, model, steps)


def parts(
    given: Any,
    expected: str = "an RNNClassifier, RNNTagger or RNNRegressor, or a pipeline that ends in one",
) -> tuple[list[tuple[str, Any]], Any]:
    """The steps of a pipeline before its last one, and that: one of the three estimators.

    Of an estimator alone there are no steps. It need not be fitted.

    Raises
    ------
    TypeError
        It is neither; the message says that this was `expected`.
    """
    steps = [(str(name), step) for name, step in getattr(given, "steps", None) or [("", given)]]
    *before, (_, last) = steps
    if not {base.__name__ for base in type(last).__mro__} & set(KINDS):
        what = type(given).__name__
        if last is not given:
            what += f" that ends in {type(last).__name__}"
        elif hasattr(given, "best_estimator_"):  # of a search
            what += ": pass its best_estimator_"
        raise TypeError(f"expected {expected}, and got {what}")
    return [(name, step) for name, step in before if step not in (None, "passthrough")], last
