"""A training in; whether what it learned does not hold for the validation data, out.

Both of these rules give the hint overfits.
"""

from __future__ import annotations

import math

import numpy as np

from elman.training.hints.hint import Hint
from elman.training.hints.trained import Trained
from elman.training.hints.words import listed, loss_in_words

LONG = 10
"""epochs, or a quarter of all of them if that is more"""
RISE = 0.1
NO_BETTER = 0.98
MIN_VALIDATION = 30


def never_general(trained: Trained) -> Hint | None:
    """Say that the validation loss was never below the base rate."""
    losses = [loss for loss in trained.history.validation_loss if loss is not None]
    base = trained.base.validation
    if base is None or not losses or min(losses) < NO_BETTER * base:
        return None
    if trained.n_validation < MIN_VALIDATION:
        return None
    tries = ["more samples", "a smaller hidden_size", "dropout", "a larger alpha"]
    return Hint(
        "overfits",
        "what the network learned does not hold for the validation data. "
        f"{loss_in_words(trained)}; the loss of the {trained.n_validation} validation samples was "
        f"never below {min(losses):.3g}, and there the same answers have {base:.3g}. Check that "
        "every row of y and y_val belongs to its row of X and X_val, then try "
        f"{listed(tries)}",
    )


def overfits(trained: Trained) -> Hint | None:
    """Say that the validation loss rose for long while the training loss fell."""
    history, base = trained.history, trained.base.validation
    if history.stopped_by != "max_iter" or trained.asked["early_stopping"] or base is None:
        return None
    losses = np.array(history.validation_loss, dtype=np.float64)
    lowest = int(losses.argmin())
    n_since = len(losses) - 1 - lowest
    late = max(len(losses) // 5, 1)
    final = float(np.median(losses[-late:]))
    rise = max(RISE, 0.5 / math.sqrt(max(trained.n_validation, 1))) * base
    if n_since < max(LONG, len(losses) / 4) or final - losses[lowest] < rise:
        return None
    if history.loss[-1] >= history.loss[lowest]:
        return None
    scores = np.array(history.validation_score, dtype=np.float64)
    if final < base and np.median(scores[-late:]) > scores[lowest]:
        return None
    then = history.epoch[lowest]
    tries = ["early_stopping=True", f"max_iter={then}", "dropout", "a larger alpha", "more samples"]
    return Hint(
        "overfits",
        f"the network overfits: since epoch {then} of {history.epoch[-1]} the validation loss "
        f"rose from {losses[lowest]:.3g} to {final:.3g} (its score went from {scores[lowest]:.3g} "
        f"to {scores[-1]:.3g}), while the training loss fell from {history.loss[lowest]:.3g} to "
        f"{history.loss[-1]:.3g}. Try {listed(tries)}",
    )
