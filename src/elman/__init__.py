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
    from elman.estimators.encoder import TokenEncoder
    from elman.estimators.loading import load
    from elman.estimators.pipelines import save, stream
    from elman.estimators.regressor import RNNRegressor
    from elman.estimators.scaler import SequenceScaler
    from elman.estimators.tagger import RNNTagger
    from elman.inspection.gradcheck import gradcheck
    from elman.models.summary import summary
    from elman.plotting.learning_rate import lr_range_test
    from elman.reporting.report import report
    from elman.training.divergence import DivergedError
    from elman.training.hints import TrainingWarning
    from elman.tuning.tune import tune

_HOME = {
    "DivergedError": "elman.training.divergence",
    "RNNClassifier": "elman.estimators.classifier",
    "RNNRegressor": "elman.estimators.regressor",
    "RNNTagger": "elman.estimators.tagger",
    "SequenceScaler": "elman.estimators.scaler",
    "TokenEncoder": "elman.estimators.encoder",
    "TrainingWarning": "elman.training.hints",
    "gradcheck": "elman.inspection.gradcheck",
    "load": "elman.estimators.loading",
    "lr_range_test": "elman.plotting.learning_rate",
    "save": "elman.estimators.pipelines",
    "stream": "elman.estimators.pipelines",
    "summary": "elman.models.summary",
    "report": "elman.reporting.report",
    "tune": "elman.tuning.tune",
}

_MODULES = (
    "adapters",
    "callbacks",
    "data",
    "evaluation",
    "exchange",
    "explain",
    "metrics",
    "models",
    "nn",
    "plotting",
    "scratch",
)

__all__ = [
    "DivergedError",
    "RNNClassifier",
    "RNNRegressor",
    "RNNTagger",
    "SequenceScaler",
    "TokenEncoder",
    "TrainingWarning",
    "__version__",
    "gradcheck",
    "load",
    "lr_range_test",
    "report",
    "save",
    "stream",
    "summary",
    "tune",
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
