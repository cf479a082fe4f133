"""A training that learned little in; whether the scale of X is the cause, out.

This is the rule unscaled.
"""

from __future__ import annotations

from elman.training.hints.hint import Hint
from elman.training.hints.trained import Trained
from elman.training.hints.words import little_learned

LARGE_SCALE = 30.0


def unscaled(trained: Trained) -> Hint | None:
    """Say that features are much larger, or smaller, than the weights are drawn for."""
    if trained.scales is None:
        return None
    low, high = trained.scales
    if high > LARGE_SCALE:
        seen = f"a feature of X has a root mean square of {high:.3g}"
    elif 0 < high < 1 / LARGE_SCALE:
        least = "" if low == high else f"{low:.3g} to "
        seen = f"the root mean square of every feature of X is only {least}{high:.3g}"
    else:
        return None
    return Hint(
        "unscaled",
        f"{little_learned(trained)}. {seen[0].upper()}{seen[1:]}, and a network starts from "
        "weights for features of about 1: set standardize=True, or scale X before",
    )
