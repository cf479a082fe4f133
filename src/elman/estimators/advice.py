"""An estimator and how its training diverged in; what to change, with figures, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.hyperparameters.declared import defaults_of
from elman.training.divergence import DivergedError, Place

Array = NDArray[Any]

LARGE = 100.0
"""Inputs and targets are about 1 in size once they are standardised."""


def advice_on(
    error: DivergedError,
    estimator: Any,
    data: Sequences,
    standardisation: Standardisation | None,
    targets: Array,
) -> str:
    """What to change so that training does not diverge: nothing that is so already.

    Parameters
    ----------
    error : DivergedError
        Its advice is returned as it is where it knows nothing of a learning rate.
    estimator : RNNClassifier, RNNTagger or RNNRegressor
    data : Sequences
        What was trained on, not standardised.
    standardisation : Standardisation or None
        What is applied to it.
    targets : ndarray
        As training takes them: indices, or standardised values.

    Returns
    -------
    str
        One or several sentences.
    """
    rate = error.learning_rate
    if rate is None:
        return error.advice
    usual = defaults_of(estimator._MODEL.kind)
    usual_rate, usual_norm = usual["learning_rate_init"], usual["max_grad_norm"]
    steps = [*_of_data(data, standardisation), *_of_targets(targets)]
    norm, unclipped = estimator.max_grad_norm, estimator.max_grad_value is None
    if norm is None:
        steps.append(f"set max_grad_norm={usual_norm:g}, which is None")
    elif norm > 10 * usual_norm:
        steps.append(f"lower max_grad_norm, which is {norm:g} ({usual_norm:g} is usual)")
    if rate > usual_rate:
        initial = estimator.learning_rate_init
        if rate > initial:
            steps.append(
                f"have on_epoch set a lower learning rate than {rate:g} "
                f"(learning_rate_init is {initial:g})"
            )
        else:
            steps.append(
                f"lower learning_rate_init, which is {initial:g} ({usual_rate:g} is usual)"
            )
    if estimator.solver == "sgd" and norm is None and unclipped:
        steps.append("choose solver='adam', whose steps do not grow with the gradient as sgd's do")
    if steps:
        text = "; ".join(steps)
        return text[0].upper() + text[1:]
    hook = "" if estimator.on_epoch is None else ", and at what on_epoch changes"
    scaled = "X is standardised" if standardisation is not None else f"X is below {LARGE:g} in size"
    return (
        f"The learning rate is {rate:g}, gradients are clipped to a norm of {norm:g} and {scaled}, "
        f"all as usual. Look at the data of that batch{hook}; if nothing is wrong there, lower "
        "learning_rate_init further"
    )


def among_all_steps(place: Place, data: Sequences, stride: int) -> Place:
    """The same place, its step counted among all time steps: the first of its block.

    Training counts blocks of `stride` steps, and only the steps that were not skipped.
    """
    if place.step is None:
        return place
    step = place.step * stride
    if data.missing == "skip":
        step = int(np.flatnonzero(~np.isnan(data[place.sample]).any(axis=1))[step])
    return place._replace(step=step)


def _of_data(data: Sequences, standardisation: Standardisation | None) -> list[str]:
    """What the size of X asks for."""
    if data.on_disk:  # not to be read once more for the sake of a message
        return []
    size, at = 0.0, 0
    n_before = 0
    with np.errstate(all="ignore"):
        for block in data.blocks():
            values = np.asarray(block, np.float64)
            if standardisation is not None:
                values = (values - standardisation.mean) / standardisation.scale
            values = np.nan_to_num(np.abs(values), nan=0.0, posinf=np.finfo(np.float64).max)
            if values.size and values.max() > size:
                size, at = float(values.max()), n_before + int(values.argmax())
            n_before += values.size
    if size <= LARGE:
        return []
    place = data.place(at)
    if standardisation is None:
        return [f"set standardize=True, which is False, since X reaches {size:.3g} ({place})"]
    return [
        f"look for errors in X, where {place} lies {size:.3g} standard deviations from the mean of "
        "its feature"
    ]


def _of_targets(targets: Array) -> list[str]:
    """What the size of y asks for; indices of classes ask for nothing."""
    if not np.issubdtype(targets.dtype, np.floating):
        return []
    sizes = np.nan_to_num(np.abs(targets.astype(np.float64)), nan=0.0)
    size = float(sizes.max(initial=0))
    if size <= LARGE:
        return []
    return [
        f"look for errors in y, of which a target lies {size:.3g} standard deviations from the "
        "mean in training"
    ]
