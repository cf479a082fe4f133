"""A model and recordings as a user passes them in; sequences as the model takes them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.data.sequences import Sequences
from elman.models.fitted import Fitted
from elman.targets.masked import refuse_masked


def one_recording(found: Fitted, x: Any) -> Sequences:
    """The one recording to draw, through the steps of a pipeline.

    Parameters
    ----------
    found : Fitted
    x : array-like of shape (n_timesteps, n_features)
        Of a model that was trained on a 2-D X, (n_timesteps,) is a recording too.

    Raises
    ------
    ValueError
        It is not one recording of at least one time step, or the model cannot read it.
    """
    refuse_masked(x, "x")
    shape = np.shape(x)
    if found.model.two_d and (len(shape) == 1 or shape[1:] == (1,)) and shape[0]:
        return found.model.check(found.transform(np.reshape(np.asarray(x), (1, -1))), name="x")
    if len(shape) != 2 or not shape[0]:
        raise ValueError(
            f"x must be one recording of shape (n_timesteps, n_features), got {shape}; "
            "pass X[i], not X"
        )
    return found.model.check(found.transform([x]), name="[x]")


def all_recordings(found: Fitted, X: Any) -> Sequences:
    """The recordings, through the steps of a pipeline."""
    return found.model.check(found.transform(X))
