"""Classify, label and regress sequences with recurrent neural networks.

The public names and modules; each is imported when it is first used, so that `import elman` stays
cheap.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.estimators.classifier import RNNClassifier
    from elman.estimators.loading import load
    from elman.estimators.regressor import RNNRegressor
    from elman.estimators.scaler import SequenceScaler
    from elman.estimators.tagger import RNNTagger
    from elman.inspection.gradcheck import gradcheck
    from elman.reporting.report import report

_HOME = {
    "RNNClassifier": "elman.estimators.classifier",
    "RNNRegressor": "elman.estimators.regressor",
    "RNNTagger": "elman.estimators.tagger",
    "SequenceScaler": "elman.estimators.scaler",
    "gradcheck": "elman.inspection.gradcheck",
    "load": "elman.estimators.loading",
    "report": "elman.reporting.report",
}

_MODULES = ("data", "evaluation", "explain", "metrics", "models", "nn", "plotting", "scratch")

__all__ = [
    "RNNClassifier",
    "RNNRegressor",
    "RNNTagger",
    "SequenceScaler",
    "__version__",
    "gradcheck",
    "load",
    "report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version("elman")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _MODULES:
        return import_module(f"elman.{name}")
    raise AttributeError(f"module 'elman' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
