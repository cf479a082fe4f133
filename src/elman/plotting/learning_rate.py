"""An estimator and data in; how the loss depends on the learning rate, and a rate to take, out."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.plotting.style import BLUE, GREY, VERMILLION, Display, ink_of, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_SAMPLES = 10
LEAST_STEPS = 20
EXPLODED_AT = 4.0
"""by how many times its least value the smoothed loss has to be above it: that of fastai"""
FELL_BY = 0.02
"""share of the loss at the smallest rates by which it has to fall for a rate to be suggested"""


class LearningRateDisplay(Display):
    """How the loss changes while the learning rate grows from step to step.

    `elman.lr_range_test` makes it. In a notebook it shows as a picture. `print` shows what it
    found, and needs no matplotlib.

    Parameters
    ----------
    rates : array-like of shape (n_steps,)
        The learning rate of each step of the optimizer, from the smallest to the largest.
    losses : array-like of shape (n_steps,)
        The loss of the batch of each step, before the step was taken.
    smoothed : array-like of shape (n_steps,)
        The same as a running mean.
    suggestion : float or None
        The rate to train with; None if the loss did not fall, or still fell at the largest rate.

    Attributes
    ----------
    rates, losses, smoothed : ndarray of shape (n_steps,)
    suggestion : float or None
    ax_ : matplotlib Axes
        Where it was drawn last; there after `plot`.
    figure_ : matplotlib Figure
        The figure that holds `ax_`.

    Examples
    --------
    >>> from elman.plotting import LearningRateDisplay
    >>> rates, losses = [0.001, 0.01, 0.1, 1.0], [0.7, 0.6, 0.3, 2.0]
    >>> display = LearningRateDisplay(rates, losses, losses, suggestion=0.01)
    >>> display.plot().ax_.get_xscale()
    'log'
    """

    def __init__(
        self,
        rates: ArrayLike,
        losses: ArrayLike,
        smoothed: ArrayLike,
        suggestion: float | None,
    ) -> None:
        self.rates, self.losses, self.smoothed = map(np.asarray, (rates, losses, smoothed))
        self.suggestion = suggestion

    def __repr__(self) -> str:
        n, first, last = len(self.rates), self.rates[0], self.rates[-1]
        least = int(np.argmin(self.smoothed))
        text = f"<LearningRateDisplay of {n} steps at rates from {first:.2g} to {last:.2g}: "
        if self.suggestion is None and least == n - 1:
            return text + "the loss still falls at the largest rate: raise high>"
        if self.suggestion is None:
            return text + "the loss did not fall, and no rate is suggested>"
        return text + (
            f"the loss fell from {self.smoothed[0]:.3g} to {self.smoothed[least]:.3g} at "
            f"{self.rates[least]:.2g}; suggestion {self.suggestion:.2g}>"
        )

    def _columns(self) -> Mapping[str, Any]:
        return {"learning_rate": self.rates, "loss": self.losses, "smoothed_loss": self.smoothed}

    def _draw(self, ax: Axes) -> None:
        ax.plot(self.rates, self.losses, color=GREY, linewidth=0.9, label="each batch")
        ax.plot(self.rates, self.smoothed, color=BLUE, linewidth=2, label="smoothed")
        if self.suggestion is not None:
            ax.axvline(
                self.suggestion,
                color=VERMILLION,
                linestyle="--",
                linewidth=1.6,
                label=f"suggestion {self.suggestion:.2g}",
            )
        ax.set_xscale("log")
        ax.set(title="Loss by learning rate", xlabel="learning rate", ylabel="training loss")
        # Batches at rates that are too large would press all others to the bottom.
        low, high = min(self.losses.min(), 0), 1.15 * self.smoothed.max()
        ax.set_ylim(low, high if high > low else low + 1)
        ax.legend(frameon=False, labelcolor=ink_of(ax))
        tidy(ax)

    def _repr_png_(self) -> bytes | None:
        """The picture for a notebook; None where there is no matplotlib."""
        if not hasattr(self, "figure_"):
            try:
                self.plot()
            except ImportError:
                return None
        return super()._repr_png_()


def lr_range_test(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    low: float = 1e-5,
    high: float = 10.0,
    n_steps: int = 100,
) -> LearningRateDisplay:
    """Find a learning rate: train a copy while the rate grows, and watch the loss.

    A copy of the estimator begins with fresh weights and takes `n_steps` steps of its optimizer, at
    rates that grow geometrically from `low` to `high`. At small rates the loss stays where it is,
    then it falls, and in the end it rises; the test ends when the smoothed loss is above four times
    its least value. The suggestion is a tenth of the rate at which the smoothed loss was least:
    at that rate itself training is about to become unstable. It is None if the loss did not fall by
    more than 2 %, and by more than batches at the smallest rates differ from each other, if it was
    too large after fewer than 10 steps, and if it still falls at the largest rate, of which `print`
    says so.

    The test is that of Smith (2017), "Cyclical learning rates for training neural networks",
    section 3.3, with the rate growing geometrically as in fastai; the tenth is the rule that Howard
    teaches there. It is a rule of thumb: on eight small tasks it was
    within a factor of seven of the best of ten rates, and of three in most.

    Everything but the rate is as in `fit`: batches, solver, penalty, clipping, dropout, weights of
    classes, `bptt_steps`, the standardisation and the seed, so that with an integer `random_state`
    the result is the same to the last bit. `learning_rate_init`, `learning_rate` and `warm_up` play
    no part, no validation data are held out, and `mode="local"` is tested as one replica.

    Parameters
    ----------
    estimator : RNNClassifier, RNNTagger, RNNRegressor or Pipeline
        Fitted or not; it stays as it is. The steps of a pipeline that ends in one of the three are
        copied and fitted to X.
    X, y, sample_weight
        As `fit` of the estimator takes them. All samples are gone through as often as it takes.
    low, high : float
        The first rate and the last.
    n_steps : int, default=100
        Steps of the optimizer, 20 or more.

    Returns
    -------
    LearningRateDisplay
        With `rates`, `losses`, `suggestion`, `frame()` and `plot()`.

    Raises
    ------
    TypeError
        `estimator` is none of these, or a number is not one.
    ValueError
        X and y cannot be trained on, hold fewer than 10 samples, or `low`, `high` and `n_steps` are
        out of range.

    Examples
    --------
    >>> import elman
    >>> from elman.data import load_japanese_vowels
    >>> X, y = load_japanese_vowels("train")
    >>> clf = elman.RNNClassifier(16, random_state=0)
    >>> found = elman.lr_range_test(clf, X, y)
    >>> found.suggestion
    0.046
    >>> clf = clf.set_params(learning_rate_init=found.suggestion)
    """
    low, high = _rate("low", low), _rate("high", high)
    if not low < high:
        raise ValueError(f"low={low:g} and high={high:g}: low must be below high")
    if isinstance(n_steps, bool) or not isinstance(n_steps, numbers.Integral):
        raise TypeError(f"n_steps={n_steps!r} is no whole number")
    if n_steps < LEAST_STEPS:
        raise ValueError(f"n_steps={n_steps}: the test wants {LEAST_STEPS} steps or more")
    from elman.estimators.rate_test import losses_by_rate

    rates = np.geomspace(low, high, int(n_steps))
    losses, smoothed = losses_by_rate(
        estimator,
        X,
        y,
        sample_weight,
        rates,
        at_least=LEAST_SAMPLES,
        smoothing=1 - 10 / max(int(n_steps), 2 * LEAST_STEPS),
        exploded_at=EXPLODED_AT,
    )
    if not len(smoothed):
        raise ValueError(
            "the loss of the first batch is not finite, before any step: look for huge values in X "
            "and y, or keep standardize=True"
        )
    rates = rates[: len(smoothed)]
    return LearningRateDisplay(rates, losses, smoothed, _suggestion(rates, losses, smoothed))


def _suggestion(
    rates: NDArray[np.float64], losses: NDArray[np.float64], smoothed: NDArray[np.float64]
) -> float | None:
    """A tenth of the rate of the least loss, in two digits; None if that says nothing."""
    n_first = len(losses) // 10
    if n_first < 1:
        return None
    at_first = float(np.mean(losses[:n_first]))
    enough = max(FELL_BY * at_first, float(np.std(losses[:n_first])))
    least = int(np.argmin(smoothed))
    # at the smallest rates nothing is learned: what is least there is so by chance
    if at_first - smoothed[least] <= enough or least < n_first or least == len(smoothed) - 1:
        return None
    return float(f"{rates[least] / 10:.1e}")


def _rate(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r} is no number")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"{name}={value!r}: a learning rate is a finite number above 0")
    return float(value)
