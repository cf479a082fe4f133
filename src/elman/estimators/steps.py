"""Sequences with targets at their time steps in; what of them is trained on, or validated, out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.missing import observed_steps, without_missing_steps
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.targets.steps import check_step_weights
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]


def labelled_steps(
    data: Sequences,
    kept: Sequences,
    targets: Array,
    sample_weight: Any,
    *,
    all_samples: bool,
    what: str,
) -> Labelled:
    """The samples from which something is learned, with the targets and weights of their steps.

    Parameters
    ----------
    data : Sequences
    kept : Sequences
        The same without the steps to be skipped.
    targets : ndarray
        A row for each step of `data`, as `elman.training.labelled.has_target` reads them.
    sample_weight : array-like or None
        As a user passes it: a weight for each sample, or for each step.
    all_samples : bool
        Whether the others are kept as well, because their states go on.
    what : str
        What errors call a target.

    Raises
    ------
    TypeError, ValueError
        Weights that cannot be used, or nothing to learn from is left.
    """
    weights = None
    if sample_weight is not None:
        weights = check_step_weights(sample_weight, data.lengths)
        if targets.ndim == 2:  # of a step of weight 0 no number is known
            targets = np.where(weights[:, np.newaxis] > 0, targets, np.nan)
    labelled = _of_steps(data, kept, targets, weights)
    counts = has_target(labelled.targets)
    if labelled.weights is not None:
        counts &= labelled.weights > 0
    check_any(counts, what)
    samples = np.repeat(np.arange(len(data)), labelled.X.time_steps)
    n_counting = np.bincount(samples[counts], minlength=len(data))
    # A sample from which nothing is learned is the same, to the last bit, as one left out.
    if n_counting.all() or all_samples:
        return labelled
    return labelled.subset(np.flatnonzero(n_counting))


def validated_steps(data: Sequences, targets: Array, what: str) -> Labelled:
    """Validation data with the targets of its steps, without those to be skipped.

    Raises
    ------
    ValueError
        No target is left.
    """
    labelled = _of_steps(data, without_missing_steps(data), targets, None)
    check_any(has_target(labelled.targets), what)
    return labelled


def check_any(counts: Array, what: str) -> None:
    """Raise ValueError unless a step counts; `what` is what each of these has."""
    if not counts.any():
        raise ValueError(
            f"no time step with {what} has a positive weight and is not skipped: at least one must"
        )


def _of_steps(
    data: Sequences, X: Sequences, targets: Array, weights: NDArray[np.float64] | None
) -> Labelled:
    """X with the targets and weights of the steps that are left of `data`."""
    kept = observed_steps(data) if data.missing == "skip" else None
    if kept is not None:
        targets, weights = targets[kept], None if weights is None else weights[kept]
    return Labelled(Prepared(X), targets, weights, per_step=True)
