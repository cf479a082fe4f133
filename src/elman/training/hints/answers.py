"""A trained network and its training data in; what it answers to some of them, out.

It is asked whether it gives the same answer to all, and how large its loss is without dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.models.history import History
from elman.models.inference import predict_logits, predict_logits_over_time
from elman.nn.network import Network
from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.training.base_rate import N_ROWS, rows
from elman.training.hints.samples import N_PROBED, evenly_spread, telling
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]

NEAR = 0.02
"""how far above the commonest class's share the training score may be for a closer look"""


class Answer(NamedTuple):
    """The one answer that all samples get."""

    name: str
    n_samples: int
    """how many were looked at"""
    what: str
    """what they are: samples, or labelled time steps"""
    share: float
    """how many of the training samples have the commonest answer"""


def find_only_answer(
    history: History,
    training: Labelled,
    network: Network,
    objective: Objective,
    backend: Backend,
    name: Callable[[int], str],
) -> Answer | None:
    """The answer that all samples get, if they get the same one.

    The training score says whether that can be: it is then about the share of the commonest answer.
    Only if it is are answers computed.
    """
    if not isinstance(objective, (OneClass, AnyLabels)):
        return None
    targets, _ = rows(training._replace(weights=None))
    weights = training.weights if training.score_weights is None else training.score_weights
    _, weights = rows(training._replace(weights=weights))
    common, which = np.unique(targets, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel(), weights)
    share = float(counts.max() / counts.sum())
    scores = [score for score in history.score if score is not None]
    if scores and scores[-1] > share + NEAR and history.score[-1] is not None:
        return None
    logits = _logits(network, training.subset(telling(training, common[counts.argmax()])), backend)
    if not len(logits):
        return None
    what = "labelled time steps" if training.per_step else "samples"
    if isinstance(objective, AnyLabels):
        found = logits > 0
        if (found != found[0]).any():
            return None
        labels = [name(int(label)) for label in np.flatnonzero(found[0])]
        given = f"with the labels {', '.join(labels)}" if labels else "with no label"
        return Answer(given, len(logits), what, share)
    codes = logits.argmax(axis=1)
    if (codes != codes[0]).any():
        return None
    return Answer(name(int(codes[0])), len(logits), what, share)


def commonest_share(training: Labelled) -> float:
    """The share of the training data that have the commonest answer, as the score counts them."""
    targets, _ = rows(training._replace(weights=None))
    weights = training.weights if training.score_weights is None else training.score_weights
    _, weights = rows(training._replace(weights=weights))
    _, which = np.unique(targets, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel(), weights)
    return float(counts.max() / counts.sum())


def _logits(network: Network, some: Labelled, backend: Backend) -> Array:
    """The outputs of the network for every target that is there."""
    if not some.per_step:
        return predict_logits(network, some.X, backend)
    over_time = predict_logits_over_time(network, some.X, backend)
    return np.concatenate(over_time)[has_target(some.targets)]


def loss_of(
    network: Network, training: Labelled, objective: Objective, backend: Backend
) -> float | None:
    """The training loss of the network as it answers, of some samples."""
    some = training.subset(evenly_spread(training.X, N_PROBED))
    targets, weights = rows(some)
    if not len(targets) or len(targets) > N_ROWS:
        return None
    with np.errstate(all="ignore"):
        losses, _ = objective.loss(_logits(network, some, backend), targets, weights, None)
    return objective.loss_sum(losses, None)
