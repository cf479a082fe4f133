"""A hint about a training in; a warning that a person, and a search, can do with, out."""

from __future__ import annotations

import sys
import warnings

from sklearn.exceptions import ConvergenceWarning

from elman.training.hints import Hint, TrainingWarning

SEARCHES = (
    "sklearn.model_selection",
    "sklearn.feature_selection",
    "sklearn.ensemble",
    "sklearn.multiclass",
    "sklearn.multioutput",
    "sklearn.calibration",
)
"""Packages that fit copies of an estimator many times."""

TOO_SHORT = ("too-few-steps", "still-falling")
"""Hints for which a longer training is the cure."""


_SAID: set[str] = set()
"""codes of the hints that searches in this process were given"""


class NotConvergedWarning(TrainingWarning, ConvergenceWarning):  # type: ignore[misc]
    """Training ended too early: also a warning of the kind that scikit-learn's MLPClassifier gives.

    Parameters
    ----------
    message, code : str
        As those of `elman.TrainingWarning`.
    """


def warn_of(hint: Hint, stacklevel: int) -> None:
    """Say a hint as a warning.

    In a search, cross-validation or ensemble a hint is said once in a process, without figures: it
    stands for all fits. Python's own filters cannot see to that, since scikit-learn makes them
    forget between fits what they have shown.

    Parameters
    ----------
    hint : Hint
    stacklevel : int
        As `warnings.warn` takes it, counted from the caller.
    """
    message = hint.message
    if _in_search():
        if hint.code in _SAID:
            return
        _SAID.add(hint.code)
        message = (
            f"fits in a search, cross-validation or ensemble gave the hint {hint.code!r} about "
            "their training (it is shown once): fit the estimator alone, with the same "
            "hyper-parameters, to see the figures and what to try"
        )
    category = NotConvergedWarning if hint.code in TOO_SHORT else TrainingWarning
    warnings.warn(category(message, hint.code), stacklevel=stacklevel + 1)


def _in_search() -> bool:
    """Whether something that fits copies of an estimator has called `fit`."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if isinstance(module, str) and module.startswith(SEARCHES):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
