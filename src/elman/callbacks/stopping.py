"""Callbacks that end training: after some time, or below some loss."""

from __future__ import annotations

import math
import numbers
import time
from dataclasses import dataclass, field
from typing import Any

from elman.callbacks.fits import OfOneFit
from elman.models.history import Epoch


@dataclass
class TimeLimit:
    """End training at the end of the first epoch by which the time is used up.

    The time runs from the beginning of the fit's first epoch; each `fit` has the whole of it, and
    so has one that goes on from a checkpoint, whose earlier epochs do not count. Training may take
    one epoch longer than the limit.

    After how many epochs training ends, and so the result, depends on how fast the machine is at
    that time: a fit with a time limit is not reproducible. `history_.stopped_by` is then
    "on_epoch", and a checkpoint counts the training as finished.

    Parameters
    ----------
    seconds : float, optional
        The limit.
    minutes : float, optional
        The limit in minutes. Pass one of the two.

    Raises
    ------
    TypeError, ValueError
        Neither or both were passed, or the limit is not a finite number above 0.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import TimeLimit
    >>> X, y = [[[0.0], [1.0]], [[1.0], [0.0]]], ["rise", "fall"]
    >>> clf = RNNClassifier(3, max_iter=4, random_state=0, on_epoch=TimeLimit(minutes=10))
    >>> clf.fit(X, y).n_iter_
    4
    """

    seconds: float | None = None
    minutes: float | None = None
    _begun: OfOneFit[float] = field(default_factory=OfOneFit, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.minutes is None):
            raise ValueError("TimeLimit wants either seconds or minutes: pass one of the two")
        name = "seconds" if self.minutes is None else "minutes"
        _check_number(f"TimeLimit({name}", getattr(self, name), above=0)

    def __call__(self, epoch: Epoch) -> bool:
        """Whether training ends after this epoch."""
        begun = self._begun.of(epoch)
        if begun is None:
            begun = time.monotonic() - epoch.seconds
            self._begun.put(epoch, begun)
        limit = self.seconds if self.minutes is None else 60 * self.minutes
        return limit is not None and time.monotonic() - begun >= limit


@dataclass
class StopBelow:
    """End training once a loss is small enough.

    Parameters
    ----------
    loss : float, optional
        Training ends after the first epoch whose training loss is below this.
    validation_loss : float, optional
        The same for the loss of the validation data. If both are passed, both losses have to be
        below their limits.

    Raises
    ------
    TypeError, ValueError
        Nothing was passed, or something other than a finite number. When it is called: there is
        no validation loss, because the fit has no validation data.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import StopBelow
    >>> X, y = [[[0.0], [1.0]], [[1.0], [0.0]]], ["rise", "fall"]
    >>> clf = RNNClassifier(3, max_iter=500, random_state=0, on_epoch=StopBelow(loss=0.1))
    >>> clf.fit(X, y).history_.stopped_by
    'on_epoch'
    >>> clf.loss_curve_[-1] < 0.1 <= clf.loss_curve_[-2]
    True
    """

    loss: float | None = None
    validation_loss: float | None = None

    def __post_init__(self) -> None:
        if self.loss is None and self.validation_loss is None:
            raise ValueError("StopBelow wants loss, validation_loss or both: pass a number")
        for name in ("loss", "validation_loss"):
            if getattr(self, name) is not None:
                _check_number(f"StopBelow({name}", getattr(self, name))

    def __call__(self, epoch: Epoch) -> bool:
        """Whether training ends after this epoch."""
        if self.validation_loss is not None and epoch.validation_loss is None:
            raise ValueError(
                f"{self} asks for the loss of validation data, and this training has none: pass "
                "X_val and y_val to fit, set early_stopping=True, or use StopBelow(loss=...); "
                "partial_fit never has any"
            )
        return all(
            limit is None or (seen is not None and seen < limit)
            for seen, limit in (
                (epoch.loss, self.loss),
                (epoch.validation_loss, self.validation_loss),
            )
        )


def _check_number(what: str, value: Any, *, above: float = -math.inf) -> None:
    """Raise an error unless the value is a finite number above a limit."""
    wanted = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what}={value!r}) is no number: pass {wanted}")
    if not above < float(value) < math.inf:
        raise ValueError(f"{what}={value!r}): pass {wanted}")
