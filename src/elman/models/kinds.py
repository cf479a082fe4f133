"""A trained model in; which kind of answer it gives, and what its numbers are called, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from elman.models.model import TrainedModel

Kind = Literal["label", "labels", "steps", "values", "step values"]
"""One label of a sample, several at once, one of each time step, numbers, or numbers of each time
step."""

ESTIMATORS: dict[Kind, str] = {
    "label": "RNNClassifier",
    "labels": "RNNClassifier",
    "steps": "RNNTagger",
    "values": "RNNRegressor",
    "step values": "RNNRegressor",
}
"""The estimator of each kind."""


def kind_of_model(model: TrainedModel) -> Kind:
    """What a model answers with."""
    if getattr(model, "multilabel", False):
        return "labels"
    if getattr(model, "per_step", False):
        return "step values"
    return next(kind for kind, name in ESTIMATORS.items() if name == model.kind)


def is_of_numbers(kind: Kind) -> bool:
    """Whether the answers are numbers, not labels."""
    return kind in ("values", "step values")


def is_of_steps(kind: Kind) -> bool:
    """Whether each time step has an answer of its own."""
    return kind in ("steps", "step values")


def names_of_answers(model: TrainedModel) -> list[str] | None:
    """The names of the columns whose numbers a model predicts; None if it knows none."""
    kind = kind_of_model(model)
    if not is_of_numbers(kind):
        return None
    named = (model.columns or {}).get("step_target" if kind == "step values" else "target")
    names = [named] if isinstance(named, str) else named
    n_targets = known_to_model(model)
    return names if names is not None and len(names) == n_targets else None


def known_to_model(model: Any) -> Any:
    """What other data must keep to: classes, or the number of labels or targets."""
    kind = kind_of_model(model)
    if is_of_numbers(kind):
        return len(model.target_scale.mean)
    return len(model.classes) if kind == "labels" else model.classes
