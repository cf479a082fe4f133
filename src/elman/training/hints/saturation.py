"""A training that learned little in; whether its gates and states let no gradient pass, out.

This is the rule saturated.
"""

from __future__ import annotations

from elman.training.hints.hint import Hint
from elman.training.hints.trained import Trained
from elman.training.hints.words import listed, little_learned, percent

SATURATED, DEAD = 0.5, 0.95


def saturated(trained: Trained) -> Hint | None:
    """Say that most gates and states have next to no derivative."""
    shares = [share for share in trained.history.saturated if share is not None]
    relu = trained.asked["cell"] == "elman" and trained.asked["activation"] == "relu"
    if not shares or shares[-1] < (DEAD if relu else SATURATED):
        return None
    what = "hidden states" if trained.asked["cell"] == "elman" else "gates and states"
    how = "are 0, where relu has" if relu else "are at the ends of their range, where they have"
    tries = ["a lower learning_rate_init"]
    if not trained.asked["standardize"]:
        tries.insert(0, "standardize=True")
    if relu:
        tries.append('activation="tanh"')
    tries.append("another random_state")
    return Hint(
        "saturated",
        f"{little_learned(trained)}. {percent(shares[-1])} of the {what} {how} next to no "
        f"derivative, so that no gradient passes: try {listed(tries)}, and look for outliers in X",
    )
