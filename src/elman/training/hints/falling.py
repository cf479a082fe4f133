"""A training in; whether it ended while its loss was still falling, out.

This is the rule still-falling.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.training.hints.hint import Hint
from elman.training.hints.rate import LOW_RATES, far_off
from elman.training.hints.trained import Trained
from elman.training.hints.words import listed

FALLS = 0.05
LEFT = 0.1


def still_falling(trained: Trained) -> Hint | None:
    """Say that the loss was still falling when all epochs were run."""
    history, asked = trained.history, trained.asked
    if history.stopped_by != "max_iter" or asked["early_stopping"]:
        return None
    late = max(len(history) // 5, 1)
    before, last = _lately(history.loss, late)
    if before - last < FALLS * trained.base.training:
        return None
    if trained.ratio < LEFT or history.loss[-1] > before:
        return None
    if trained.n_validation:
        validated_before, validated_last = _lately(history.validation_loss, late)
        if validated_last >= validated_before:
            return None
    chosen = ', which "auto" chose' if asked["max_iter"] == "auto" else " now"
    tries = [f"a larger max_iter ({len(history)} epochs{chosen})"]
    if far_off(trained):
        tries.append("a lower learning_rate_init")
    elif float(asked["learning_rate_init"]) <= 3 * LOW_RATES[asked["solver"]]:
        tries.append("a larger learning_rate_init")
    validated = (
        ""
        if trained.n_validation
        else ("; validation data or early_stopping=True would show whether it helps with new data")
    )
    return Hint(
        "still-falling",
        f"training ended while its loss was still falling: {before:.3g} in the epochs before the "
        f"last {late}, {last:.3g} in those. Try {listed(tries)}{validated}",
    )


def _lately(losses: Sequence[float | None], late: int) -> tuple[float, float]:
    """The median loss of the last `late` epochs, after that of as many epochs before them."""
    some = np.array(losses, dtype=np.float64)
    return float(np.median(some[-2 * late : -late])), float(np.median(some[-late:]))
