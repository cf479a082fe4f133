"""What a file keeps of a pipeline beside its scalers and its model: the names of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from elman.data.names import Names

SCALER, PASSTHROUGH = "SequenceScaler", "passthrough"
OUTPUTS = (None, "default", "pandas", "polars")
"""What `set_output` of a step may have been told."""


class StepBefore(NamedTuple):
    """A step of a pipeline before its estimator."""

    name: str
    kind: str
    """"SequenceScaler" or "passthrough" """
    output: str | None = None
    """what `set_output` was told"""


@dataclass(frozen=True)
class PipelineSteps:
    """The steps of a pipeline that ends in an estimator."""

    before: tuple[StepBefore, ...]
    name: str
    """of the estimator, the last step"""
    feature_names: Names | None
    """names of the columns that the estimator itself saw"""
    verbose: bool = False

    def __str__(self) -> str:
        return ", ".join(step.kind for step in self.before) or "no step"

    def describe(self) -> dict[str, Any]:
        """The steps in JSON's words."""
        names = self.feature_names
        return {
            "before": [step._asdict() for step in self.before],
            "name": self.name,
            "feature_names_in": None if names is None else [*names],
            "verbose": self.verbose,
        }

    @classmethod
    def restore(cls, described: Any, n_features_in: int, n_scalers: int) -> PipelineSteps:
        """The steps that `describe` described, which may have been forged on the way.

        Parameters
        ----------
        described : object
        n_features_in : int
            Of the model.
        n_scalers : int
            How many scalers the model has before it.

        Raises
        ------
        KeyError, TypeError, ValueError
            They are no steps of a pipeline, or not those of this model.
        """
        if not isinstance(described, dict) or set(described) != {
            "before",
            "name",
            "feature_names_in",
            "verbose",
        }:
            raise TypeError("the pipeline is not described by its steps")
        before = described["before"]
        if not isinstance(before, list):
            raise TypeError("the steps of the pipeline are no list")
        steps = tuple(_step(each) for each in before)
        if sum(step.kind == SCALER for step in steps) != n_scalers:
            raise ValueError(f"the pipeline does not have the {n_scalers} scaler(s) of the model")
        name, verbose = described["name"], described["verbose"]
        if not isinstance(verbose, bool):
            raise TypeError(f"verbose of the pipeline is {verbose!r:.60}; it must be true or false")
        check_step_names([*(step.name for step in steps), name])
        feature_names = described["feature_names_in"]
        if feature_names is not None and not (
            isinstance(feature_names, list)
            and all(isinstance(each, str) for each in feature_names)
            and len(feature_names) == n_features_in
        ):
            raise ValueError("the names of the features of the pipeline are not those of a model")
        return cls(steps, name, None if feature_names is None else (*feature_names,), verbose)


def _step(described: Any) -> StepBefore:
    if not isinstance(described, Mapping) or set(described) != set(StepBefore._fields):
        raise TypeError(f"a step of the pipeline is {described!r:.60}")
    step = StepBefore(**described)
    if step.kind not in (SCALER, PASSTHROUGH):
        raise ValueError(f"a step of the pipeline is a {step.kind!r:.60}, which is not known")
    if step.output not in OUTPUTS:
        raise ValueError(f"the output of a step of the pipeline is {step.output!r:.60}")
    return step


def check_step_names(names: list[Any]) -> None:
    """Raise an error unless scikit-learn takes these as the names of a pipeline's steps."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a step of the pipeline is called {name!r:.60}, which is no text")
        if "__" in name or name in ("steps", "memory", "verbose", "transform_input"):
            raise ValueError(f"no step of a pipeline may be called {name!r:.60}")
    if len(set(names)) < len(names):
        raise ValueError("two steps of the pipeline have one name")
