"""One recording in; the probability of each class, had it stopped earlier, as a picture, out."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.models.fitted import fitted
from elman.plotting.recordings import (
    check_numbers,
    kind_of_steps,
    names_over_time,
    one_recording,
)
from elman.plotting.style import (
    BLUE,
    DOTTED,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Display,
    check_step_names,
    drawn,
    ink_of,
    new_axes,
    percent,
    short_names,
    shortened,
    step_axis,
    step_label_of,
    tidy,
)
from elman.targets.masked import refuse_masked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIVALS = (VERMILLION, ORANGE, PURPLE, SKY)
RIVAL_LINES: tuple[Any, ...] = ((0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 1)), "solid")
"""Lines of the rivals, which print in black and white tells apart."""

ROUNDING = 1e-6
"""by how much a probability in float32 may be above 1"""


class KnowledgeCurveDisplay(Display):
    """Probability of each class had the recording stopped at step t: when did it know?

    The network knows from the first step at which the answer is at least `probability` likely and
    stays so to the end. That a class is merely the likeliest is not enough: of 30 classes, one may
    lead with 7 percent.

    The answer is the true class, if it is given, else the class that is predicted at the end.

    Make one with `from_estimator` or `from_probabilities`, which draw it.

    Parameters
    ----------
    probabilities : array-like of shape (n_timesteps, n_classes)
        Of at least one step.
    classes : array-like of shape (n_classes,)
        Labels of the columns.
    true_class : label or None
    probability : float or None
        From which probability on the answer counts as known; above 0, at most 1. None is halfway
        from a blind guess to certainty: 0.75 of two classes, 0.55 of ten.
    step_label : str or None
        Label of the horizontal axis. None says what stands below it: "time step", "character" or
        "token".
    step_names : sequence of str or None
        What to call each time step, such as its character or its token; None numbers them.

    Attributes
    ----------
    probabilities : ndarray of shape (n_timesteps, n_classes)
    classes : list of str
    answer : int
        Column of the answer.
    probability : float
    known_from : int or None
        Step, from 0, from which the network knows the answer; None if it does not by the end.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman.plotting import KnowledgeCurveDisplay
    >>> probabilities = [[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.95, 0.05]]
    >>> display = KnowledgeCurveDisplay.from_probabilities(probabilities, ["walk", "run"])
    >>> display.known_from
    2
    >>> display.ax_.get_title()
    'When did it know? From step 3 of 4.'
    """

    def __init__(
        self,
        probabilities: ArrayLike,
        classes: ArrayLike,
        *,
        true_class: Any = None,
        probability: float | None = None,
        step_label: str | None = None,
        step_names: Sequence[str] | None = None,
    ) -> None:
        refuse_masked(classes, "classes")
        self.probabilities = check_numbers("probabilities", probabilities, 0, 1 + ROUNDING)
        if self.probabilities.ndim != 2 or not len(self.probabilities):
            raise ValueError(
                "probabilities must have shape (n_timesteps, n_classes) and at least one step, got "
                f"{self.probabilities.shape}"
            )
        labels = np.asarray(classes).tolist()
        self.classes = [str(c) for c in labels]
        if len(self.classes) != self.probabilities.shape[1]:
            raise ValueError(
                f"classes has {len(self.classes)} labels, but probabilities have "
                f"{self.probabilities.shape[1]} columns"
            )
        if probability is None:
            probability = (1 + 1 / len(self.classes)) / 2
        given: Any = probability
        if not isinstance(given, numbers.Real) or not 0 < float(given) <= 1:
            raise ValueError(f"probability={probability!r} must be above 0, at most 1")
        # by what it equals, 1 of 1.0 and True too, or else by what it is called
        same = [k for k, label in enumerate(labels) if label == true_class]
        same += [k for k, name in enumerate(self.classes) if name == str(true_class)]
        if true_class is not None and not same:
            known = ", ".join(self.classes)
            raise ValueError(f"true_class={true_class!r} is not a known class: {known}")
        self.probability = float(probability)
        self.true_class = true_class
        self.step_names = check_step_names(step_names, len(self.probabilities))
        self.step_label = step_label_of(step_label, self.step_names, "time step")
        if true_class is None:
            self.answer = int(self.probabilities[-1].argmax())
        else:
            self.answer = same[0]
        self.known_from = knows_from(self.probabilities, self.answer, self.probability)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        x: ArrayLike,
        *,
        true_class: Any = None,
        probability: float | None = None,
        step_label: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw when a classifier knew what one recording is.

        Parameters
        ----------
        estimator : RNNClassifier, Pipeline or TrainedModel
            Fitted, and of one label for each sequence. A pipeline has to end in an RNNClassifier.
        x : array-like of shape (n_timesteps, n_features)
            One recording; of a model of symbols a text, a list of tokens or a table, whose
            characters or tokens are then written below the picture.
        true_class : label or None
            Drawn strongest when given, else the class predicted at the end is.
        probability : float or None
            From which probability on the answer counts as known; above 0, at most 1. None is
            halfway from a blind guess to certainty: 0.75 of two classes, 0.55 of ten.
        step_label : str or None
            Label of the horizontal axis. None says what stands below it: "time step",
            "character", "token", or the names of the categorical columns.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        KnowledgeCurveDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError
            The model is not a classifier of sequences.
        ValueError
            `x` is not one recording of at least one step, `true_class` is not a known class, the
            model gives several labels at once, of which none is the answer, or it has no answer
            before a sequence has ended.
        """
        found = fitted(estimator)
        model: Any = found.model
        if model.kind != "RNNClassifier":
            raise TypeError(
                f"{model.kind} gives a sequence no class whose probability changes over "
                "time: plot what its predict_proba or predict_over_time returns"
            )
        if model.multilabel:
            raise ValueError(
                "the model gives several labels at once, so that there is no one answer to draw: "
                "plot the columns of predict_proba_over_time"
            )
        data = one_recording(found, x)
        probabilities = model.predict_proba_over_time(data)[0]
        options: dict[str, Any] = {"true_class": true_class, "probability": probability}
        names = names_over_time(found, data)
        options |= {"step_label": kind_of_steps(found, names, step_label), "step_names": names}
        return cls(probabilities, model.classes, **options).plot(ax)

    @classmethod
    def from_probabilities(
        cls,
        probabilities: ArrayLike,
        classes: ArrayLike,
        *,
        true_class: Any = None,
        probability: float | None = None,
        step_label: str | None = None,
        step_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw probabilities over time, such as `predict_proba_over_time` gives of a recording.

        Parameters
        ----------
        probabilities, classes, true_class, probability, step_label, step_names
            As `KnowledgeCurveDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        KnowledgeCurveDisplay
        """
        options: dict[str, Any] = {"true_class": true_class, "probability": probability}
        options |= {"step_label": step_label, "step_names": step_names}
        return cls(probabilities, classes, **options).plot(ax)

    @override
    def plot(self, ax: Axes | None = None) -> Self:
        longest = min(max(map(len, self.classes)), 32)
        # room for the legend
        return super().plot(new_axes(7.0 + 0.08 * max(0, longest - 6), 4.2) if ax is None else ax)

    @override
    def _columns(self) -> dict[str, Any]:
        n_timesteps, n_classes = self.probabilities.shape
        steps: dict[str, Any] = {"step": np.repeat(np.arange(1, n_timesteps + 1), n_classes)}
        if self.step_names is not None:
            steps["name"] = np.repeat(np.array(self.step_names, object), n_classes)
        return steps | {
            "class": np.tile(self.classes, n_timesteps),
            "probability": self.probabilities.ravel(),
        }

    @override
    def _draw(self, ax: Axes) -> None:
        probabilities, answer, ink = self.probabilities, self.answer, ink_of(ax)
        n_timesteps, n_classes = probabilities.shape
        steps = np.arange(1, n_timesteps + 1)
        # Of two classes one line says it all.
        named = _worth_naming(probabilities, answer) if n_classes > 2 else []
        dots: dict[str, Any] = {"marker": "o" if n_timesteps <= 40 else None}
        width = 1.0 if n_timesteps <= 300 else 0.6
        role = " (its answer)" if self.true_class is None else " (the true one)"
        names = [drawn(name) for name in short_names(self.classes, 20)]
        name = names[answer] + role
        options: dict[str, Any] = {"color": BLUE, "label": name, "zorder": 4, "markersize": 4}
        ax.plot(steps, probabilities[:, answer], lw=3 * width, **options, **dots)
        for k, colour, line in zip(named, RIVALS, RIVAL_LINES, strict=False):
            options = {"color": colour, "label": names[k], "zorder": 3}
            options |= {"markersize": 2.5, "linestyle": line} | dots
            ax.plot(steps, probabilities[:, k], lw=1.8 * width, **options)
        others = sorted(set(range(n_classes)) - {answer, *named}) if n_classes > 2 else []
        for i, k in enumerate(others):
            label = f"{len(others)} other{'s' * (len(others) > 1)}" if i == 0 else None
            ax.plot(steps, probabilities[:, k], color=GREY, lw=0.8 * width, label=label, zorder=2)
        threshold = f"known from {self.probability:.0%}"
        ax.axhline(self.probability, color=ink, lw=1, ls=DOTTED, label=threshold, zorder=1)
        if self.known_from is not None:
            start = self.known_from + 0.5
            span: dict[str, Any] = {"color": BLUE, "alpha": 0.09, "linewidth": 0, "zorder": 0}
            ax.axvspan(start, n_timesteps + 0.5, **span)
        ax.set(
            title=f"When did it know? {self._verdict()}",
            xlabel=self.step_label,
            ylabel="probability, had it stopped here",
            xlim=(0.5, n_timesteps + 0.5),
            ylim=(0, 1.03),
        )
        ax.yaxis.set_major_formatter(percent)
        step_axis(ax.xaxis, self.step_names, 1)
        place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
        ax.legend(title="class", frameon=False, fontsize=10, **place)
        tidy(ax)

    def _verdict(self) -> str:
        if self.known_from is None:
            return f"Not by the end: {self.probabilities[-1, self.answer]:.0%}."
        name = ""
        if self.step_names is not None:
            name = f', "{drawn(shortened(self.step_names[self.known_from], 14))}"'
        return f"From step {self.known_from + 1} of {len(self.probabilities)}{name}."


def knows_from(probabilities: NDArray[Any], k: int, probability: float) -> int | None:
    """First step from which class `k` is at least so likely to the end, from 0; None if none is.

    Parameters
    ----------
    probabilities : ndarray of shape (n_timesteps, n_classes)
    k : int
        Column of the class.
    probability : float
    """
    unsure = np.flatnonzero(~(probabilities[:, k] >= probability))
    first = int(unsure[-1]) + 1 if len(unsure) else 0
    return first if first < len(probabilities) else None


def _worth_naming(probabilities: NDArray[Any], answer: int) -> list[int]:
    """The rivals a legend should name: those that once stood out, likeliest first."""
    peak = probabilities.max(axis=0)
    rivals = [k for k in np.argsort(-peak, kind="stable") if k != answer]
    threshold = max(0.1, 1.2 / len(peak))
    return [int(k) for k in rivals[: len(RIVALS)] if peak[k] >= threshold]
