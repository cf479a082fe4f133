"""Answers to recordings of many lengths in; accuracy by length, as a picture, out."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.evaluation.scores import whole
from elman.models.fitted import fitted
from elman.plotting.recordings import all_recordings, check_numbers
from elman.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Display,
    drawn,
    ink_of,
    percent,
    tidy,
)
from elman.targets.labels import refuse_other_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIVALS = (VERMILLION, ORANGE, PURPLE, SKY, GREEN)
RIVAL_LINES: tuple[Any, ...] = ((0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 1)), "dotted")


class AccuracyByLengthDisplay(Display):
    """Accuracy by the length of the sequences: does what was learned carry on to longer ones?

    A network that has found a rule is as right on sequences longer than any it was trained on.

    Make one with `from_estimator` or `from_predictions`, which draw it.

    Parameters
    ----------
    lengths : array-like of shape (n_samples,)
        Time steps of each sequence.
    right : mapping of str to array-like of shape (n_samples,)
        By the name of each classifier: which sequences it answers rightly. The first is drawn
        strongest.
    trained_on : tuple of (int, int) or None
        Shortest and longest sequence of training, which are marked.
    n_groups : int, default=8
        Sequences are gathered by length into so many groups of about equal size; a point is drawn
        at the median length of each.

    Attributes
    ----------
    length : ndarray of shape (n_groups,)
        Median length of each group.
    n_sequences : ndarray of shape (n_groups,)
    accuracy : dict of str to ndarray of shape (n_groups,)
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman.plotting import AccuracyByLengthDisplay
    >>> X = [[[0.0]] * n for n in (2, 3, 5, 9)]
    >>> answers = {"rule": [0, 1, 1, 0], "guess": [0, 0, 0, 0]}
    >>> display = AccuracyByLengthDisplay.from_predictions(X, [0, 1, 1, 0], answers, n_groups=2)
    >>> display.length.tolist()
    [2.5, 7.0]
    >>> display.accuracy["guess"].tolist()
    [0.5, 0.5]
    """

    def __init__(
        self,
        lengths: ArrayLike,
        right: Mapping[str, ArrayLike],
        *,
        trained_on: tuple[int, int] | None = None,
        n_groups: int = 8,
    ) -> None:
        sizes = check_numbers("lengths", lengths, 0)
        if sizes.ndim != 1 or not len(sizes):
            raise ValueError(f"lengths must be 1-D and not empty, got shape {sizes.shape}")
        whole = isinstance(n_groups, numbers.Integral) and not isinstance(n_groups, bool)
        if not whole or n_groups < 1:
            raise ValueError(f"n_groups={n_groups!r} must be a whole number of at least 1")
        if not right:
            raise ValueError("right holds no classifier: pass the answers of at least one")
        groups = _groups(sizes, n_groups)
        self.length = np.array([np.median(sizes[group]) for group in groups])
        self.n_sequences = np.array([len(group) for group in groups])
        self.accuracy: dict[str, NDArray[np.float64]] = {}
        for name, values in right.items():
            hits = check_numbers(f"right[{name!r}]", values, 0, 1)
            if hits.shape != sizes.shape:
                raise ValueError(
                    f"right[{name!r}] has shape {hits.shape}, expected {sizes.shape}: a value for "
                    "each sequence"
                )
            self.accuracy[str(name)] = np.array([float(hits[group].mean()) for group in groups])
        self.trained_on = trained_on

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        trained_on: tuple[int, int] | None = None,
        n_groups: int = 8,
        ax: Axes | None = None,
    ) -> Self:
        """Draw how right a classifier is by the length of the recordings.

        Parameters
        ----------
        estimator : RNNClassifier, Pipeline or TrainedModel
            Fitted, and of one label for each sequence. A pipeline has to end in an RNNClassifier.
        X : array-like
            Recordings.
        y : array-like of shape (n_samples,)
        trained_on, n_groups
            As `AccuracyByLengthDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AccuracyByLengthDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            The model is not a classifier of sequences, or X or y cannot be used.
        """
        found = fitted(estimator)
        model: Any = found.model
        if model.kind != "RNNClassifier" or model.multilabel:
            raise TypeError("accuracy by length wants a classifier with one label a sequence")
        data = all_recordings(found, X)
        right = {"the network": _right(y, model.predict(data), len(data))}
        return cls(data.lengths, right, trained_on=trained_on, n_groups=n_groups).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: ArrayLike,
        y_pred: Mapping[str, ArrayLike],
        *,
        trained_on: tuple[int, int] | None = None,
        n_groups: int = 8,
        ax: Axes | None = None,
    ) -> Self:
        """Draw how right the answers of several classifiers are.

        Parameters
        ----------
        X : sequence of (n_timesteps_i, n_features) arrays
            Only the lengths matter.
        y_true : array-like of shape (n_samples,)
        y_pred : mapping of str to array-like of shape (n_samples,)
            By the name of each classifier; the first is drawn strongest.
        trained_on, n_groups
            As `AccuracyByLengthDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AccuracyByLengthDisplay
        """
        lengths = [len(x) for x in X]
        right = {name: _right(y_true, y, len(lengths), name) for name, y in y_pred.items()}
        return cls(lengths, right, trained_on=trained_on, n_groups=n_groups).plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        n_groups = len(self.length)
        names = [*self.accuracy]
        return {
            "classifier": np.repeat(names, n_groups),
            "length": np.tile(self.length, len(names)),
            "n_sequences": np.tile(self.n_sequences, len(names)),
            "accuracy": np.concatenate([self.accuracy[name] for name in names]),
        }

    @override
    def _draw(self, ax: Axes) -> None:
        first, *others = self.accuracy
        line: dict[str, Any] = {"marker": "o", "clip_on": False}
        style: dict[str, Any] = {"color": BLUE, "lw": 3, "markersize": 5, "zorder": 4}
        ax.plot(self.length, self.accuracy[first], label=drawn(first), **line, **style)
        for name, colour, dashes in zip(others, cycle(RIVALS), cycle(RIVAL_LINES)):
            style = {"color": colour, "lw": 1.6, "markersize": 3, "zorder": 3, "ls": dashes}
            ax.plot(self.length, self.accuracy[name], label=drawn(name), **line, **style)
        shortest, longest = float(self.length.min()), float(self.length.max())
        if self.trained_on is not None:
            begin, end = self.trained_on
            label = f"trained on: {begin} to {end}"
            ax.axvspan(max(begin, 0.8), end, color=GREY, alpha=0.25, lw=0, label=label, zorder=0)
            shortest, longest = min(shortest, begin), max(longest, end)
        if shortest > 0 and longest > 20 * shortest:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.set(
            title="Does it carry on to other lengths?",
            xlabel="time steps of the sequence",
            ylabel="accuracy",
            ylim=(0, 1.03),
        )
        ax.yaxis.set_major_formatter(percent)
        ax.legend(loc="lower left", frameon=False, fontsize=9, labelcolor=ink_of(ax))
        tidy(ax)


def _groups(lengths: NDArray[Any], n_groups: int) -> list[NDArray[np.intp]]:
    """Which sequences make up each group: of about equal size, equal lengths together."""
    order = np.argsort(lengths, kind="stable")
    values = lengths[order]
    borders = [round(i * len(order) / n_groups) for i in range(n_groups)]
    # a border moves down to where a length begins
    borders = [int(np.searchsorted(values, values[b])) for b in borders if b < len(order)]
    starts = sorted({0, *borders})
    return [order[a:b] for a, b in zip(starts, [*starts[1:], len(order)], strict=True)]


def _right(y_true: ArrayLike, y_pred: ArrayLike, n: int, name: str = "y") -> NDArray[np.bool_]:
    """Which labels are equal."""
    true, predicted = whole("y", y_true), whole(f"y_pred[{name!r}]", y_pred)
    if true.shape != (n,) or predicted.shape != (n,):
        raise ValueError(
            f"there are {n} sequences, but y has shape {true.shape} and the answers have shape "
            f"{predicted.shape}: one label for each is wanted"
        )
    refuse_other_kind(true, np.unique(predicted), "y")
    return np.asarray(true == predicted)
