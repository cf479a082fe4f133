"""Reads the estimator that a model file holds, whichever it is."""

from __future__ import annotations

from pathlib import Path

from elman.estimators.base import RecurrentEstimator
from elman.estimators.classifier import RNNClassifier
from elman.estimators.regressor import RNNRegressor
from elman.estimators.tagger import RNNTagger
from elman.models import files

ESTIMATORS: dict[str, type[RecurrentEstimator]] = {  # type: ignore[type-arg]  # of any model
    kind.__name__: kind for kind in (RNNClassifier, RNNRegressor, RNNTagger)
}
"""The estimators by their names in a file."""


def load(path: str | Path) -> RNNClassifier | RNNRegressor | RNNTagger:
    """Read the estimator that a file holds, whichever it is.

    Each estimator's own `load` does the same, and refuses a file of another one. A program that
    only wants answers can do without scikit-learn, which takes a second to import:
    `elman.models.files.load` gives the trained model alone.

    Parameters
    ----------
    path : str or Path
        A file that `save` or `elman fit` wrote.

    Returns
    -------
    RNNClassifier, RNNRegressor or RNNTagger
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
    return ESTIMATORS[saved.model.kind]._of_saved(saved)
