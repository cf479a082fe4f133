"""Reads the estimator, or the pipeline, that a model file holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.estimators.base import RecurrentEstimator
from elman.estimators.classifier import RNNClassifier
from elman.estimators.pipelines import pipeline_of
from elman.estimators.regressor import RNNRegressor
from elman.estimators.tagger import RNNTagger
from elman.hyperparameters.network import parameters_of
from elman.models import files
from elman.models.files import Saved
from elman.models.history import History
from elman.models.model import TrainedModel

ESTIMATORS: dict[str, type[RecurrentEstimator]] = {  # type: ignore[type-arg]  # of any model
    kind.__name__: kind for kind in (RNNClassifier, RNNRegressor, RNNTagger)
}
"""The estimators by their names in a file."""


def load(path: str | Path) -> Any:
    """Read the estimator that a file holds, whichever it is, or the pipeline.

    Each estimator's own `load` does the same for one kind of estimator, and refuses a file of
    anything else. A program that only wants answers can do without scikit-learn, which takes a
    second to import: `elman.models.files.load` gives the trained model alone, with the scalers of a
    pipeline in it.

    Parameters
    ----------
    path : str or Path
        A file that `elman.save`, the `save` of an estimator, or `elman fit` wrote.

    Returns
    -------
    RNNClassifier, RNNRegressor, RNNTagger or Pipeline
        Fitted; it predicts bit for bit what the saved one did.

    Raises
    ------
    elman.formats.archive.ArchiveError
        The file is damaged, from a newer version, or not one of elman's. No code in it is run.
    OSError
        It cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> import elman
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> reg = elman.RNNRegressor(hidden_size=4, max_iter=3, random_state=0)
    >>> reg.fit(X, X[:, -1, 0]).save("model.safetensors")
    >>> again = elman.load("model.safetensors")
    >>> type(again).__name__, bool(np.array_equal(again.predict(X), reg.predict(X)))
    ('RNNRegressor', True)
    """
    saved = files.load(path)
    estimator = ESTIMATORS[saved.model.kind]
    if saved.pipeline is None:
        return estimator._of_saved(saved)
    alone = replace(saved.model, before=(), feature_names=saved.pipeline.feature_names)
    last = estimator._of_saved(saved._replace(model=alone))
    return pipeline_of(saved, last, saved.pipeline)


def estimator_of(model: TrainedModel) -> Any:
    """A fitted estimator around a model that no estimator of ours trained.

    Its hyper-parameters are those that describe the model (cell, sizes, readout, standardisation,
    what NaN means), and for the rest the defaults; its history is empty.

    Parameters
    ----------
    model : TrainedModel

    Returns
    -------
    RNNClassifier, RNNRegressor or RNNTagger
        It predicts what the model does, can be saved, and goes on training with `partial_fit`.
    """
    estimator = ESTIMATORS[model.kind]
    described = parameters_of(model.network.layout) | {
        "deltas": model.frontend.deltas,
        "stride": model.frontend.stride,
        "scale_each": model.frontend.scale_each,
        "standardize": model.standardisation is not None,
        "missing": model.missing,
        "dtype": model.network.params.dtype.name,
    }
    known = estimator._get_param_names()
    parameters = {name: value for name, value in described.items() if name in known}
    return estimator._of_saved(Saved(model, parameters, History()))
