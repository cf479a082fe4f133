"""Labelled recordings in; accuracy by how much of each has been seen, as a picture, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import override

from elman.evaluation.scores import accuracy_by_share
from elman.plotting.recordings import check_numbers
from elman.plotting.style import BLUE, DOTTED, VERMILLION, Display, ink_of, percent, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class AccuracyByShareDisplay(Display):
    """Accuracy by the share of each recording seen: how early could it have answered?

    Make one with `from_estimator` or `from_accuracy`, which draw it.

    Parameters
    ----------
    shares : array-like of shape (n_shares,)
        Shares of each recording, from near 0 to 1.
    accuracy : array-like of shape (n_shares,)
        Share of the recordings that are answered rightly.
    commonest : float or None
        Accuracy of always answering one class, to compare with; of `from_estimator` the class most
        frequent among the recordings drawn, which need not be that of the training data.

    Attributes
    ----------
    shares, accuracy : ndarray of shape (n_shares,)
    commonest : float or None
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.data import make_parity
    >>> from elman.plotting import AccuracyByShareDisplay
    >>> X, y = make_parity(24, min_length=2, max_length=5, random_state=0)
    >>> clf = RNNClassifier(4, max_iter=2, random_state=0).fit(X, y)
    >>> display = AccuracyByShareDisplay.from_estimator(clf, X, y, n_shares=4)
    >>> display.shares.tolist()
    [0.25, 0.5, 0.75, 1.0]
    >>> bool(display.accuracy[-1] == clf.score(X, y))
    True
    """

    def __init__(
        self, shares: ArrayLike, accuracy: ArrayLike, *, commonest: float | None = None
    ) -> None:
        self.shares = check_numbers("shares", shares, 0, 1)
        self.accuracy = check_numbers("accuracy", accuracy, 0, 1)
        if (
            self.shares.ndim != 1
            or self.shares.shape != self.accuracy.shape
            or not self.shares.size
        ):
            raise ValueError(
                "shares and accuracy must be 1-D, equally long and not empty, got shapes "
                f"{self.shares.shape} and {self.accuracy.shape}"
            )
        self.commonest = commonest

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, n_shares: int = 20, ax: Axes | None = None
    ) -> Self:
        """Draw how early a classifier could have answered.

        Parameters
        ----------
        estimator : RNNClassifier, Pipeline or TrainedModel
            Fitted, and of one label for each sequence. A pipeline has to end in an RNNClassifier.
        X : array-like
            Recordings of at least one time step.
        y : array-like of shape (n_samples,)
        n_shares : int, default=20
            Points of the curve, evenly spaced from a share near 0 to the whole recording.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AccuracyByShareDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError
            The model is not a classifier of sequences.
        ValueError
            A label that is masked or not known, a recording without a step, or a network that has
            no answer before a sequence has ended.
        """
        shares, accuracy = accuracy_by_share(estimator, X, y, n_shares)
        _, counts = np.unique(np.asarray(y), return_counts=True)
        return cls(shares, accuracy, commonest=float(counts.max() / counts.sum())).plot(ax)

    @classmethod
    def from_accuracy(
        cls,
        shares: ArrayLike,
        accuracy: ArrayLike,
        *,
        commonest: float | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what `elman.evaluation.scores.accuracy_by_share` gives.

        Parameters
        ----------
        shares, accuracy, commonest
            As `AccuracyByShareDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AccuracyByShareDisplay
        """
        return cls(shares, accuracy, commonest=commonest).plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        return {"share": self.shares, "accuracy": self.accuracy}

    @override
    def _draw(self, ax: Axes) -> None:
        line: dict[str, Any] = {"marker": "o", "markersize": 3, "clip_on": False, "zorder": 3}
        ax.plot(self.shares, self.accuracy, color=BLUE, lw=2, label="the network", **line)
        whole = f"all of it seen: {self.accuracy[-1]:.1%}"
        ax.axhline(self.accuracy[-1], color=ink_of(ax), lw=1, ls=DOTTED, label=whole, zorder=1)
        if self.commonest is not None:
            label = f"always the class most frequent here: {self.commonest:.1%}"
            ax.axhline(self.commonest, color=VERMILLION, lw=1.2, ls="--", label=label, zorder=1)
        ax.set(
            title="How early could it answer?",
            xlabel="share of the recording seen",
            ylabel="accuracy",
            xlim=(0, 1.02),
            ylim=(0, 1.03),
        )
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(percent)
        ax.legend(loc="best", frameon=False, fontsize=10)
        tidy(ax)
