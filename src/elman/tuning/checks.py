"""Arguments of `elman.tune` in; the same, checked, or an error that says what is wrong, out."""

from __future__ import annotations

import numbers
import pickle
import sys
import warnings
from typing import Any

import numpy as np

from elman.backends import available_threads
from elman.data.sequences import Sequences
from elman.data.symbols import Symbols
from elman.tuning.folds import Folds
from elman.tuning.words import Wording

MINUTES = 5.0
"""that a search takes if nothing is said"""
FEWEST = 4
"""samples that can be searched on"""


def seconds_of(minutes: float | None, n_candidates: int | None) -> float | None:
    """How long it may take; None if candidates are counted."""
    if n_candidates is not None:
        if minutes is not None:
            raise ValueError(
                "minutes and n_candidates both say how long to search: pass one of the two"
            )
        if isinstance(n_candidates, bool) or not isinstance(n_candidates, numbers.Integral):
            raise TypeError(f"n_candidates={n_candidates!r:.100}; it must be an int of at least 1")
        if n_candidates < 1:
            raise ValueError(f"n_candidates={n_candidates}; it must be at least 1")
        return None
    if minutes is None:
        return 60 * MINUTES
    if isinstance(minutes, bool) or not isinstance(minutes, numbers.Real):
        raise TypeError(f"minutes={minutes!r:.100}; it must be a finite number above 0")
    if not 0 < float(minutes) < np.inf:
        raise ValueError(f"minutes={minutes}; it must be a finite number above 0")
    return 60 * float(minutes)


def check_estimator(given: Any, scoring: Any) -> None:
    """Raise an error unless an estimator can be searched, and scored in this way."""
    from elman.estimators.scoring import check_scoring_name

    given._check_parameters()
    for name in ("warm_start", "stateful"):
        if getattr(given, name):
            raise ValueError(
                f"the estimator has {name}=True, but every candidate begins afresh with whole "
                "sequences: set it to False"
            )
    if given.checkpoint is not None:
        raise ValueError(
            f"the estimator has checkpoint={given.checkpoint!r}, but a search keeps its states in "
            "a folder of its own: set it to None"
        )
    if isinstance(scoring, str) and scoring == "loss":
        raise ValueError(
            "scoring='loss' is for early stopping; a search takes the name of a scorer, such as "
            "'neg_log_loss', or a function (estimator, X, y) -> float"
        )
    # elman.metrics.per_step makes what has a `scoring`
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)) and not hasattr(
        scoring, "scoring"
    ):
        raise TypeError(
            f"scoring is a {type(scoring).__name__}; it must be the name of a scorer or a function "
            "(estimator, X, y) -> float"
        )
    check_scoring_name(scoring)


def checked_data(
    given: Any, X: Any, y: Any, sample_weight: Any
) -> tuple[Sequences, Any, Any, Symbols | None]:
    """X validated, the targets as training takes them, what they mean, and what symbols X has."""
    data, _, symbols = given._check_fresh_X(X)
    given._check_alignment(X, data, y, sample_weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the last training says it
        targets, meaning = given._targets(y, data, None)
        given._labelled(data, targets, meaning, sample_weight)
    if len(data) < FEWEST:
        raise ValueError(
            f"X has {len(data)} sample(s), and a search wants at least {FEWEST}: some to train on, "
            "others to score on"
        )
    return data, targets, meaning, symbols


def check_weights(sample_weight: Any, folds: Folds) -> None:
    """Raise ValueError if all samples of a part of a fold have the weight 0."""
    if sample_weight is None:
        return
    weights = np.asarray(sample_weight)
    for number, fold in enumerate(folds.all):
        for rows, what in ((fold.train, "trained on"), (fold.test, "scored")):
            if not (weights[rows] != 0).any():
                raise ValueError(
                    f"sample_weight is 0 for all {len(rows)} samples that are {what} in fold "
                    f"{number} of {len(folds.all)}: leave samples of weight 0 out, or pass fewer "
                    "folds"
                )


def strata_of(targets: Any, meaning: Any) -> Any:
    """The label of each sample, where each has one; None otherwise."""
    classes = meaning.get("classes")
    values = np.asarray(targets)
    if classes is None or values.ndim != 1 or "multilabel" not in meaning or meaning["multilabel"]:
        return None
    return np.asarray(classes)[values]


def score_name(given: Any, scoring: Any) -> tuple[str, Wording]:
    """What the score is called, and how it is written."""
    if scoring is None:
        of_numbers = given._MODEL.kind == "RNNRegressor"
        return ("R^2", Wording(False)) if of_numbers else ("accuracy", Wording(True))
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    return name, Wording(name in ("accuracy", "balanced_accuracy"))


def workers_of(n_jobs: int | None, given: Any, scoring: Any) -> int:
    """Processes that train; one is this one."""
    from elman.hyperparameters.declared import DECLARED

    DECLARED["n_jobs"].check("n_jobs", n_jobs)
    n_workers = available_threads(n_jobs)
    if n_workers == 1:
        return 1
    why = _why_not_sent(given, scoring)
    if why is None and not sys.executable:
        why = "this Python does not know its own program"
    if why is None:
        return n_workers
    if n_jobs is None:
        warnings.warn(f"{why}, so that one process trains all candidates", stacklevel=4)
        return 1
    raise ValueError(f"{why}: set n_jobs=1")


def _why_not_sent(given: Any, scoring: Any) -> str | None:
    """Why other processes cannot be told what to do; None if they can."""
    for value, what in ((type(given), "the estimator's class"), (scoring, "scoring")):
        of = getattr(value, "scoring", value)
        if getattr(of, "__module__", None) == "__main__":
            return f"{what} is defined in the program itself, where no other process finds it"
    try:
        pickle.dumps((quiet(given), scoring))
    except Exception as error:
        return f"the estimator or scoring cannot be sent to other processes ({error})"
    return None


def quiet(given: Any) -> Any:
    """The estimator for trials, which call nothing of the user's."""
    from sklearn.base import clone

    return clone(given).set_params(on_epoch=None, verbose=0)
