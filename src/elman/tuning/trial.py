"""A candidate on a fold in; the candidate, trained up to a share of its epochs, and its score, out.

A trial that goes on with an earlier one goes on from its state on disk, so that no epoch is trained
twice, and comes to the bits of one that never paused.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.models.history import Epoch
from elman.training.divergence import DivergedError
from elman.tuning.folds import Fold
from elman.tuning.material import Samples
from elman.tuning.space import described

Clock = Callable[[], float]
"""Seconds since whenever, as `time.monotonic` counts them."""

NEVER_DUE = 10**9
"""Epochs after which a state is kept: only a pause, or the end, is to keep one."""


def state_folders(candidate: int) -> str:
    """The pattern of the names of the folders with a candidate's states."""
    return f"candidate-{candidate:05d}-fold-*"


class Material(NamedTuple):
    """What all trials of a search have in common."""

    estimator: Any
    """unfitted, with the hyper-parameters that are not searched"""
    samples: Samples
    folds: list[Fold]
    scoring: Any
    folder: str
    """holds the states of candidates"""


class Trial(NamedTuple):
    """What is to be done."""

    candidate: int
    fold: int
    changes: Mapping[str, Any]
    """hyper-parameters, by name"""
    share: float
    """of its epochs, up to which it is to be trained; 1: all"""
    seed: int
    seconds: float | None = None
    """after which it ends at an epoch's end"""

    def folder(self, material: Material) -> Path:
        """Where its state is."""
        name = state_folders(self.candidate).replace("*", f"{self.fold:03d}")
        return Path(material.folder) / name


class Outcome(NamedTuple):
    """What came of it."""

    score: float | None = None
    """None if it was cut short, or failed"""
    loss: float | None = None
    """cross-entropy of the same answers in nats, which tells equal accuracies apart"""
    n_epochs: int = 0
    """trained in this trial"""
    seconds: float = 0.0
    """that they took"""
    failure: str | None = None
    """why there is no score, if more time would not help"""
    epochs_in_all: int = 0
    """of a whole training"""


@dataclass
class _Until:
    """For `on_epoch`: pauses after a share of the epochs, or when the time is over."""

    share: float
    seconds: float | None
    clock: Clock

    def __post_init__(self) -> None:
        self._begun = self.clock()
        self.n_seen = 0
        self.reached = False
        self.epochs_in_all = 0

    def __call__(self, epoch: Epoch) -> str | None:
        self.n_seen += 1
        self.epochs_in_all = epoch.n_epochs
        self.reached = epoch.epoch >= math.ceil(self.share * epoch.n_epochs)
        over = self.seconds is not None and self.clock() - self._begun >= self.seconds
        return "pause" if self.reached or over else None


def carry_out(material: Material, trial: Trial, clock: Clock = time.monotonic) -> Outcome:
    """Train on a fold's training part up to the share, and score on the other part.

    Raises
    ------
    KeyboardInterrupt
        The user ended training.
    ScoringError
        The scorer failed.
    Exception
        Whatever `fit` raises, but for a candidate that does not learn.
    """
    from sklearn.base import clone

    fold = material.folds[trial.fold]
    until = _Until(trial.share, trial.seconds, clock)
    estimator = clone(material.estimator).set_params(
        **trial.changes,
        random_state=trial.seed,
        checkpoint=str(trial.folder(material)),
        checkpoint_epochs=NEVER_DUE,
        checkpoint_minutes=None,
        on_epoch=until,
        n_jobs=1,
        verbose=0,
    )
    training = material.samples.take(fold.train)
    begun = clock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a candidate; those of the final fit are shown
        try:
            estimator.fit(training.X, training.y, training.sample_weight)
        except (DivergedError, MemoryError, FloatingPointError) as error:
            return Outcome(
                n_epochs=until.n_seen,
                seconds=clock() - begun,
                failure=f"{type(error).__name__}: {error}",
            )
        ended_by = estimator.history_.stopped_by
        if ended_by == "interrupt":
            raise KeyboardInterrupt
        if ended_by == "checkpoint":
            raise OSError(
                f"the state of a candidate could not be written to {material.folder}: make room "
                "in the folder of temporary files"
            )
        outcome = Outcome(
            n_epochs=until.n_seen,
            seconds=clock() - begun,
            epochs_in_all=until.epochs_in_all,
        )
        if not (until.reached or ended_by in ("max_iter", "early_stopping")):
            return outcome
        score, loss = _scored(estimator, material.samples.take(fold.test), material, trial)
    return outcome._replace(score=score, loss=loss)


class ScoringError(ValueError):
    """A scorer of the user's failed; the text says which, what it was to score, and why."""


def _scored(
    estimator: Any, test: Samples, material: Material, trial: Trial
) -> tuple[float, float | None]:
    """The score of a fitted estimator, and of a classifier its cross-entropy."""
    from elman.estimators.scoring import name_of, score_of

    scoring = material.scoring
    if scoring is None:
        score = float(estimator.score(test.X, test.y, test.sample_weight))
        if not math.isfinite(score):
            raise ValueError(
                f"the score of a fold of {len(test.X)} sample(s) is {score}: pass fewer folds"
            )
    else:
        try:
            score = score_of(estimator, scoring, *test)
        except Exception as error:
            who = f"candidate {trial.candidate} ({described(trial.changes)})"
            if trial.candidate == 0:
                who = "the estimator as it was given"
            text = " ".join(str(error).split()) or "without a message"
            raise ScoringError(
                f"{name_of(scoring)} failed for {who} on fold {trial.fold + 1} of "
                f"{len(material.folds)}, of {len(test.X)} samples: {type(error).__name__}: {text}"
            ) from error
    return score, cross_entropy(estimator, test)


def cross_entropy(estimator: Any, test: Samples) -> float | None:
    """Mean over samples of -log of the probability of the right label; None without labels."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or not hasattr(estimator, "predict_proba"):
        return None
    if getattr(estimator, "multilabel_", True):
        return None
    p = np.asarray(estimator.predict_proba(test.X), np.float64)
    y = np.asarray(test.y).reshape(-1)
    right = (y[:, np.newaxis] == np.asarray(classes)).astype(np.float64)
    likely = np.maximum((p * right).sum(axis=1), 1e-12)
    return float(np.average(-np.log(likely), weights=test.sample_weight))
