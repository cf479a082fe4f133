"""A training that learned little in; whether its steps were too long or too short, out.

These are the rules rate-too-large, and rate-too-small with too-few-steps.
"""

from __future__ import annotations

import math

import numpy as np

from elman.nn.objectives import AnyLabels, OneClass
from elman.training.hints.hint import Hint
from elman.training.hints.trained import NOTHING, Trained
from elman.training.hints.words import little_learned

FAR_OFF, FAR_FIRST = 2.0, 4.0
SETBACKS, WAVERS = 0.2, 0.05
LOW_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2}
"""by solver, a third of what is usual: below it a rate is called too small"""
GAINED = 0.8
"""of what the commonest answer gets wrong: a network that gets more of it right did learn"""


def rate_too_large(trained: Trained) -> Hint | None:
    """Say that the loss went far above the base rate, or rose again and again."""
    losses, base = np.array(trained.history.loss), trained.base.training
    worst = int(losses.argmax())
    rises = np.diff(losses)
    setbacks = rises[rises > _wavers(trained) * base]
    if far_off(trained):
        seen = (
            f"In epoch {trained.history.epoch[worst]} the loss was {losses[worst]:.3g}, far worse "
            "than knowing nothing"
        )
    elif setbacks.sum() > SETBACKS * base:
        n = len(setbacks)
        seen = (
            f"The loss rose again in {n} epoch{'s' * (n > 1)}, by {setbacks.sum():.3g} taken "
            "together"
        )
    else:
        return None
    clipped = _clipped(trained)
    if clipped:
        largest = trained.asked["max_grad_norm"]
        seen += (
            f", and in {clipped} of {len(losses)} epochs the mean norm of the gradients was above "
            f"max_grad_norm={largest:g}"
        )
    rate = float(trained.asked["learning_rate_init"])
    return Hint(
        "rate-too-large",
        f"{little_learned(trained)}. {seen}: the steps are too long. Lower learning_rate_init "
        f"({rate:g} now) by a factor of 3 to 10"
        + ("" if trained.asked["max_grad_norm"] is not None else ", or set max_grad_norm=1.0"),
    )


def far_off(trained: Trained) -> bool:
    """Whether an epoch was far worse than a network that was just drawn."""
    losses = trained.history.loss
    drawn = max(trained.base.training, _equal_probabilities(trained))
    worst = max(losses)
    # few units may be drawn badly, and be better from the first epoch on
    return worst > (FAR_OFF if worst > losses[0] else FAR_FIRST) * drawn


def _equal_probabilities(trained: Trained) -> float:
    """The loss of answering with equal probabilities."""
    if isinstance(trained.objective, OneClass):
        return math.log(trained.n_outputs)
    return trained.n_outputs * math.log(2) if isinstance(trained.objective, AnyLabels) else 0.0


def _wavers(trained: Trained) -> float:
    """How much of the base rate the loss may rise in an epoch without a meaning."""
    if trained.asked["dropout"] or trained.asked["recurrent_dropout"]:
        return max(WAVERS, 5 / math.sqrt(max(trained.n_targets, 1)))
    return WAVERS


def _clipped(trained: Trained) -> int:
    """In how many epochs the mean norm of the gradient was above `max_grad_norm`."""
    largest = trained.asked["max_grad_norm"]
    return 0 if largest is None else sum(n > largest for n in trained.history.gradient_norm)


def barely_moved(trained: Trained) -> Hint | None:
    """Say that all steps together were too short, or too few, to carry a weight far."""
    asked, history = trained.asked, trained.history
    rate = float(asked["learning_rate_init"])
    reach, initial = _reach(trained), 1 / math.sqrt(trained.widest)
    early = history.stopped_by == "early_stopping"
    enough = trained.gained > GAINED or (early and trained.ratio <= NOTHING)
    if reach >= initial or trained.went_on or enough:
        return None
    told = (
        f"{little_learned(trained)}. The {trained.n_steps} steps of the optimizer could move a "
        f"weight by about {reach:.2g} at most, and weights begin at about {initial:.2g}"
    )
    if rate < LOW_RATES[asked["solver"]]:
        return Hint(
            "rate-too-small",
            f"{told}: the steps are too short. Raise learning_rate_init ({rate:g} now) towards "
            f"{3 * LOW_RATES[asked['solver']]:g}" + _tiny_clip(trained, ", or raise"),
        )
    if early:
        longer = (
            f"Raise n_iter_no_change ({asked['n_iter_no_change']} now), with which early_stopping "
            f"ended training after {len(history)} epochs,"
        )
    else:
        n, s = trained.n_batches, "es" * (trained.n_batches > 1)
        chosen = ', which "auto" chose' if asked["max_iter"] == "auto" else " now"
        longer = f"Raise max_iter ({len(history)} epochs of {n} batch{s}{chosen})"
    smaller = _smaller_batches(trained)
    shortened = _tiny_clip(trained, "Raise")
    if shortened:
        longer = f"{shortened}. If that is not enough, r{longer[1:]}"
    return Hint(
        "too-few-steps",
        f"{told}: {'they are too short' if shortened else 'there were too few of them'}. "
        f"{longer}{smaller}",
    )


def _smaller_batches(trained: Trained) -> str:
    """What to do for more steps in an epoch; nothing if a batch has a single sample already."""
    size, n_samples = trained.history.batch_size, trained.n_samples
    if min(size, n_samples) <= 1:
        return ""
    chosen = ', which "auto" chose' if trained.asked["batch_size"] == "auto" else " now"
    below = f" below {n_samples}, the number of samples" if size >= n_samples else ""
    return f" or lower batch_size ({size}{chosen}){below}"


def _reach(trained: Trained) -> float:
    """How far a weight can have been carried by all steps of the optimizer together.

    A step of Adam is about as long as the rate for each weight. One of SGD is the gradient's norm
    times the rate for all weights together; momentum makes it 1 / (1 - momentum) times as long.
    """
    asked, history = trained.asked, trained.history
    rates = np.array(history.learning_rate)
    if asked["solver"] != "sgd":
        return float(rates.sum() * trained.n_batches)
    norms = np.array(history.gradient_norm)
    if asked["max_grad_norm"] is not None:
        norms = np.minimum(norms, float(asked["max_grad_norm"]))
    path = float((rates * norms).sum() * trained.n_batches)
    return path / (1 - float(asked["momentum"])) / math.sqrt(max(trained.n_params, 1))


def _tiny_clip(trained: Trained, verb: str) -> str:
    """What to say of `max_grad_norm` if it shortens every step of SGD."""
    asked = trained.asked
    if asked["solver"] == "sgd" and _clipped(trained) == len(trained.history):
        return f"{verb} max_grad_norm ({asked['max_grad_norm']:g} now), which shortens every step"
    return ""
