"""The record of a training in; its losses and scores by epoch, as a picture, out."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.models.fitted import fitted
from elman.models.history import History
from elman.plotting.style import (
    BLUE,
    DOTTED,
    VERMILLION,
    Display,
    ink_of,
    integer_axis,
    new_axes,
    percent,
    root_figure,
    tidy,
)
from elman.targets.masked import refuse_masked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = NDArray[np.float64]

DASHED: Any = (0, (4, 1.2))
"""The line of validation data, which print in black and white tells from the training data's."""


class LossCurveDisplay(Display):
    """Training loss beside validation loss, and training score beside validation score, by epoch.

    A model that learns has both losses fall. One that overfits has the training loss fall while the
    validation loss rises: the epoch marked as the best is before that. The axis of the loss is
    logarithmic if the loss falls to less than a twentieth of its largest value.

    Make one with `from_estimator` or `from_history`, which draw it.

    Parameters
    ----------
    loss : sequence of float
        Training loss of each epoch.
    validation_loss, score, validation_score : sequence of float or None
        The others, for as many epochs. A value may be None or NaN where there was none.
    best_epoch : int or None
        Number of the best epoch, from 1.
    loss_unit : str
        What the loss is in.
    score_name : str
        What the scores are; "accuracy" is drawn in percent.

    Attributes
    ----------
    loss, validation_loss, score, validation_score : ndarray of shape (n_epochs,) or None
    best_epoch : int or None
    ax_ : matplotlib Axes
        Of the losses.
    score_ax_ : matplotlib Axes or None
        Of the scores, below; None if there are no scores.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.data import make_parity
    >>> from elman.plotting import LossCurveDisplay
    >>> X, y = make_parity(24, min_length=2, max_length=5, random_state=0)
    >>> clf = RNNClassifier(4, max_iter=3, random_state=0).fit(X, y, X_val=X, y_val=y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> display.ax_.get_yscale()
    'linear'
    >>> list(display.frame().columns)
    ['epoch', 'loss', 'validation_loss', 'score', 'validation_score']
    """

    score_ax_: Axes | None

    def __init__(
        self,
        loss: Sequence[float],
        *,
        validation_loss: Sequence[float | None] | None = None,
        score: Sequence[float | None] | None = None,
        validation_score: Sequence[float | None] | None = None,
        best_epoch: int | None = None,
        loss_unit: str = "",
        score_name: str = "score",
    ) -> None:
        refuse_masked(loss, "loss")
        self.loss = np.asarray(loss, dtype=np.float64)
        if self.loss.ndim != 1 or not len(self.loss):
            raise ValueError(
                f"loss must be a number for each epoch, of at least one epoch; its shape is "
                f"{self.loss.shape}"
            )
        self.validation_loss = self._curve("validation_loss", validation_loss)
        self.score = self._curve("score", score)
        self.validation_score = self._curve("validation_score", validation_score)
        if best_epoch is not None and not 1 <= best_epoch <= len(self.loss):
            raise ValueError(
                f"best_epoch={best_epoch} is none of the {len(self.loss)} epochs, which are "
                "numbered from 1"
            )
        self.best_epoch = best_epoch
        self.loss_unit = loss_unit
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw how the training of an estimator went.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor or Pipeline
            Fitted. A pipeline has to end in one of the three.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure. If there are scores, the axes keep the upper
            half of their place, and the scores get the lower one.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            It is no estimator, it is not fitted, or it has no record of its training.
        """
        found = fitted(estimator).estimator
        history = getattr(found, "history_", None)
        if history is None or not len(history):
            raise ValueError(
                f"this {type(found).__name__} has no record of its training to draw: pass the "
                "estimator that was fitted"
            )
        return cls.from_history(
            history,
            loss_unit=found._loss_unit(),
            score_name=found._SCORE,
            validation_score_name=found._score_name(),
            ax=ax,
        )

    @classmethod
    def from_history(
        cls,
        history: History,
        *,
        loss_unit: str = "",
        score_name: str = "score",
        validation_score_name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a record of training, as `history_` of an estimator is one.

        Parameters
        ----------
        history : History
        loss_unit, score_name : str
            As `LossCurveDisplay` takes them.
        validation_score_name : str or None
            What the validation scores are, if they are something else: then the training scores
            cannot stand beside them and are left out.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        score = history.score
        if history.validation_score and validation_score_name not in (None, score_name):
            score, score_name = [], str(validation_score_name)
        return cls(
            history.loss,
            validation_loss=history.validation_loss,
            score=score,
            validation_score=history.validation_score,
            best_epoch=history.best_epoch or None,
            loss_unit=loss_unit,
            score_name=score_name,
        ).plot(ax)

    @override
    def plot(self, ax: Axes | None = None) -> Self:
        ax = new_axes(6.4, 5.4 if self._has_scores else 4.0) if ax is None else ax
        return super().plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        names = ("loss", "validation_loss", "score", "validation_score")
        columns = {name: getattr(self, name) for name in names}
        epoch = np.arange(1, len(self.loss) + 1)
        return {"epoch": epoch} | {k: v for k, v in columns.items() if v is not None}

    @property
    def _has_scores(self) -> bool:
        return self.score is not None or self.validation_score is not None

    @override
    def _draw(self, ax: Axes) -> None:
        n_epochs = len(self.loss)
        self.score_ax_ = _lower_half(ax) if self._has_scores else None
        self._curves(ax, self.loss, self.validation_loss)
        known = self._all(self.loss, self.validation_loss)
        positive = known.min(initial=np.inf) > 0
        if positive and known.max(initial=0) > 20 * known.min(initial=np.inf):
            # What happens after the first few epochs would lie flat on the axis.
            ax.set_yscale("log")
        elif positive:
            ax.set_ylim(bottom=0)
        # beside half of a figure, a long unit needs a line more
        unit = f"\n{fill(f'({self.loss_unit})', 26)}" if self.loss_unit else ""
        ax.set(title="Learning curve", ylabel=f"loss{unit}")
        lowest = ax
        if self.score_ax_ is not None:
            lowest = self.score_ax_
            self._draw_scores(lowest)
            ax.tick_params(labelbottom=False)
        lowest.set_xlabel("epoch")
        lowest.set_xlim((0.5, n_epochs + 0.5) if n_epochs < 3 else (1, n_epochs))
        integer_axis(lowest.xaxis)
        if len(ax.get_legend_handles_labels()[0]) > 1:
            ax.legend(frameon=False, fontsize=10)
        tidy(ax)

    def _draw_scores(self, ax: Axes) -> None:
        self._curves(ax, self.score, self.validation_score)
        known = self._all(self.score, self.validation_score)
        if self.score_name == "accuracy":
            ax.yaxis.set_major_formatter(percent)
        if len(known) and known.max() <= 1:
            # R^2 may fall below 0, far below in a first epoch that nobody need see
            bottom = max(min(0.0, float(known.min())), -1.0)
            ax.set_ylim(bottom, 1 + 0.02 * (1 - bottom))
        ax.set_ylabel(self.score_name)
        tidy(ax)

    def _curves(self, ax: Axes, training: Curve | None, validation: Curve | None) -> None:
        epochs = np.arange(1, len(self.loss) + 1)
        options: dict[str, Any] = {"marker": "o" if len(epochs) < 3 else None, "clip_on": False}
        if training is not None:
            ax.plot(epochs, training, color=BLUE, lw=2, label="training", zorder=3, **options)
        if validation is not None:
            options |= {"color": VERMILLION, "linestyle": DASHED, "zorder": 4}
            ax.plot(epochs, validation, lw=2, label="validation", **options)
        if self.best_epoch is not None and len(epochs) > 1:
            best: dict[str, Any] = {"color": ink_of(ax), "zorder": 2}
            label = f"best epoch: {self.best_epoch}"
            ax.axvline(self.best_epoch, lw=1.2, ls=DOTTED, label=label, **best)
            judged = training if validation is None else validation
            if judged is not None:
                at = judged[self.best_epoch - 1]
                ax.plot([self.best_epoch], [at], "o", ms=6, clip_on=False, **best | {"zorder": 5})

    def _curve(self, name: str, values: Sequence[float | None] | None) -> Curve | None:
        """An array with NaN for what is not known; None without a number."""
        if values is None or not len(values):
            return None
        refuse_masked(values, name)
        curve = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        if curve.shape != self.loss.shape:
            raise ValueError(
                f"{name} has {len(curve)} values, but loss has {len(self.loss)}: pass one for "
                "each epoch, None where there is none"
            )
        return None if np.isnan(curve).all() else curve

    @staticmethod
    def _all(*curves: Curve | None) -> Curve:
        known = np.concatenate([curve for curve in curves if curve is not None])
        return np.asarray(known[np.isfinite(known)])


def _lower_half(ax: Axes) -> Axes:
    """Axes below `ax` that take half of its place."""
    spec = ax.get_subplotspec()
    if spec is not None:
        halves = spec.subgridspec(2, 1)
        ax.set_subplotspec(halves[0])
        return ax.figure.add_subplot(halves[1], sharex=ax, facecolor=ax.get_facecolor())
    left, bottom, width, height = ax.get_position().bounds
    ax.set_position((left, bottom + 0.54 * height, width, 0.46 * height))
    place = (left, bottom, width, 0.46 * height)
    return root_figure(ax).add_axes(place, sharex=ax, facecolor=ax.get_facecolor())
