"""A message in; a warning that names the line by which a person called this package, out."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

BETWEEN = frozenset({"elman", "sklearn", "joblib", "contextlib"})
"""Packages whose calls may lie between a person's line and a warning."""


def warn_caller(message: str) -> None:
    """Give a UserWarning that names the line by which a person called this package.

    How many calls lie between depends on the method, and on what scikit-learn wraps around it.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and _lies_between(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def _lies_between(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    return isinstance(module, str) and module.partition(".")[0] in BETWEEN
