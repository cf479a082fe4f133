"""Figures and proposals in; how a hint says them in a sentence, out."""

from __future__ import annotations

from elman.nn.objectives import AnyLabels, OneClass
from elman.training.hints.trained import Trained


def little_learned(trained: Trained) -> str:
    """How a hint begins: the network has learned little, and how little it is, in words."""
    return f"the network has learned little: {loss_in_words(trained, start=False)}"


def loss_in_words(trained: Trained, *, start: bool = True) -> str:
    """The final loss beside the base rate, in words."""
    if isinstance(trained.objective, (OneClass, AnyLabels)):
        nothing = "answering with the share of each class"
    else:
        nothing = "always answering the same number"
    n = trained.at + 1
    least = trained.base.least
    without = "" if trained.undropped is None else " without dropout"
    text = (
        f"after {n} epoch{'s' * (n > 1)} the training loss{without} is {trained.loss:.4g}, and "
        f"{nothing}, whatever X holds, has {trained.base.training:.4g}"
        + (f" (label_smoothing leaves {least:.4g} to the best answers)" if least else "")
    )
    return text[0].upper() + text[1:] if start else text


def percent(share: float) -> str:
    """A share, such as 0.25, as a percentage: 25 %."""
    return f"{100 * share:.0f} %"


def listed(tries: list[str]) -> str:
    """a, b or c."""
    return ", ".join(tries[:-1]) + (" or " if len(tries) > 1 else "") + tries[-1]
