"""An explanation and its recording in; a heat map over time and features, with the signal, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.explain import Explanation, occlusion
from elman.models.fitted import fitted
from elman.plotting.recordings import (
    all_recordings,
    alone,
    kind_of_steps,
    names_over_time,
    one_recording,
)
from elman.plotting.style import (
    INK,
    PAPER,
    Display,
    check_step_names,
    drawn,
    shortened,
    step_axis,
    step_label_of,
    tidy,
)
from elman.targets.masked import refuse_masked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = 0.42
"""of the height of a row that the signal swings to either side of its middle"""
UNITS = {"log_odds": "log-odds", "probability": "probability", "value": "units of y"}


class AttributionDisplay(Display):
    """What an answer rests on: a row for each feature, coloured by what counts, with its signal.

    Red speaks for the answer and blue against it, each as strongly as the colour is deep. Where an
    explanation has a value for whole time steps only, all rows have the same colours. The line in a
    row is the feature itself, from its lowest value in the recording to its highest. Categories
    have no line: the characters or tokens are written below the picture.

    Make one with `from_explanation` or `from_estimator`, which draw it.

    Parameters
    ----------
    values : array-like of shape (n_timesteps, n_all_features) or (n_timesteps, 1)
        What each feature at each time step counts, or each whole time step.
    signal : array-like of shape (n_timesteps, n_all_features)
        The recording, of at least one step; NaN where a value is missing, and where it is a
        category.
    names : sequence of str or None
        What to call all features; None numbers them.
    n_features : int or None, default=12
        How many features to draw: those that count most anywhere, in their own order. Of values of
        whole steps the first ones; None draws all.
    title, label : str
        Of the picture, and of its scale of colours.
    step_label : str or None
        Label of the horizontal axis. None says what stands below it: "time step, from 0", where
        steps are numbered, "character" or "token".
    step_names : sequence of str or None
        What to call each time step, such as its character or its token; None numbers them.

    Attributes
    ----------
    values, signal : ndarray
    features : ndarray
        Numbers of the features that are drawn, from the top.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.explain import occlusion
    >>> from elman.plotting import AttributionDisplay
    >>> X = np.random.default_rng(0).normal(size=(20, 7, 3))
    >>> clf = RNNClassifier(4, max_iter=2, random_state=0).fit(X, np.arange(20) % 2)
    >>> explanation = occlusion(clf, X, by="mean")
    >>> display = AttributionDisplay.from_explanation(clf, explanation, X, row=4)
    >>> display.values.shape
    (7, 3)
    """

    _SIZE = (7.4, 4.2)

    def __init__(
        self,
        values: ArrayLike,
        signal: ArrayLike,
        *,
        names: Sequence[str] | None = None,
        n_features: int | None = 12,
        title: str = "What the answer rests on",
        label: str = "for the answer (+) or against it",
        step_label: str | None = None,
        step_names: Sequence[str] | None = None,
    ) -> None:
        refuse_masked(values, "values")
        refuse_masked(signal, "signal")
        self.values = np.asarray(values, dtype=np.float64)
        self.signal = np.asarray(signal, dtype=np.float64)
        shape = self.signal.shape
        if len(shape) != 2 or 0 in shape:
            raise ValueError(
                f"signal must have shape (n_timesteps, n_features), both at least 1, got {shape}"
            )
        if self.values.shape not in (shape, (shape[0], 1)):
            raise ValueError(
                f"values has shape {self.values.shape}; beside a signal of shape {shape} it must "
                f"be {shape}, or {(shape[0], 1)} for whole time steps"
            )
        if not np.isfinite(self.values).all():
            raise ValueError("values holds NaN or infinity, which has no colour")
        n_all = shape[1]
        self.names = [f"feature {i}" for i in range(n_all)] if names is None else [*names]
        if len(self.names) != n_all:
            raise ValueError(f"names has {len(self.names)} entries for {n_all} features")
        if n_features is not None and (isinstance(n_features, bool) or n_features < 1):
            raise ValueError(f"n_features={n_features!r}; it must be at least 1, or None")
        most = np.abs(self.values).max(axis=0)
        order = np.argsort(-np.broadcast_to(most, n_all), kind="stable")
        self.features: NDArray[np.intp] = np.sort(order[:n_features])
        self.title, self.label = title, label
        self.step_names = check_step_names(step_names, shape[0])
        self.step_label = step_label_of(step_label, self.step_names, "time step, from 0")

    @classmethod
    def from_explanation(
        cls,
        estimator: Any,
        explanation: Explanation,
        X: Any,
        *,
        row: int = 0,
        n_features: int | None = 12,
        step_label: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw one row of an explanation.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
            What was explained.
        explanation : Explanation
            Of the answers to X.
        X : array-like
            The recordings that were explained.
        row : int, default=0
            Which row of the explanation.
        n_features : int or None, default=12
            How many features to draw, those that count most; None draws all.
        step_label : str or None
            Label of the horizontal axis. None says what stands below it: "time step, from 0",
            "character", "token", or the names of the categorical columns.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AttributionDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        IndexError
            The explanation has no such row.
        TypeError, ValueError
            There is no fitted model, or X is not what was explained.
        """
        if not -len(explanation) <= row < len(explanation):
            raise IndexError(f"row {row} of an explanation of {len(explanation)} rows")
        found = fitted(estimator)
        data = all_recordings(found, X)
        sample = int(explanation.sample[row])
        if sample >= len(data) or len(data[sample]) != len(explanation.values[row]):
            raise ValueError(
                f"row {row} explains X[{sample}], of {len(explanation.values[row])} time steps, "
                "which X does not have: pass the recordings that were explained"
            )
        signal = np.array(data[sample], np.float64)
        signal[:, : found.model.frontend.n_codes] = np.nan
        names = names_over_time(found, data, sample)
        made = cls(
            explanation.values[row],
            signal,
            names=explanation.feature_names,
            n_features=n_features,
            title=_title(explanation, row),
            label=_label(explanation),
            step_label=kind_of_steps(found, names, step_label),
            step_names=names,
        )
        return made.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        x: ArrayLike,
        *,
        explain: Callable[..., Explanation] | None = None,
        target: Any = None,
        n_features: int | None = 12,
        step_label: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Explain the answer to one recording, and draw it.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
            Fitted. A pipeline has to end in one of the three estimators.
        x : array-like of shape (n_timesteps, n_features)
            One recording; of a model of symbols a text, a list of tokens or a table.
        explain : callable, optional
            (model, X, target=) -> Explanation: a function of `elman.explain`, or a
            `functools.partial` of one. By default `occlusion` that overwrites each feature at each
            time step by the mean of the training data; of a model of symbols alone, `occlusion`
            that removes each time step.
        target : label or int, optional
            Whose answer is explained; the first if several are.
        n_features : int or None, default=12
            How many features to draw, those that count most; None draws all.
        step_label : str or None
            Label of the horizontal axis. None says what stands below it: "time step, from 0",
            "character", "token", or the names of the categorical columns.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        AttributionDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no fitted model, or `x` is not one recording of at least one step.
        """
        found = fitted(estimator)
        one_recording(found, x)  # or an error that says what x is
        X = alone(found, x)
        if explain is None:
            symbols = found.model.symbols
            by: Any = "mean" if symbols is None or symbols.numeric else "delete"
            explanation = occlusion(estimator, X, by=by, target=target)
        else:
            explanation = explain(estimator, X, target=target)
        return cls.from_explanation(
            estimator, explanation, X, n_features=n_features, step_label=step_label, ax=ax
        )

    @override
    def _columns(self) -> dict[str, Any]:
        n_timesteps, n = len(self.values), len(self.features)
        steps: dict[str, Any] = {"step": np.repeat(np.arange(n_timesteps), n)}
        if self.step_names is not None:
            steps["name"] = np.repeat(np.array(self.step_names, object), n)
        return steps | {
            "feature": np.tile(
                np.array([self.names[i] for i in self.features], object), n_timesteps
            ),
            "value": self._shown().ravel(),
            "signal": self.signal[:, self.features].ravel(),
        }

    def _shown(self) -> NDArray[np.float64]:
        """(n_timesteps, number of features drawn)."""
        return np.broadcast_to(self.values, self.signal.shape)[:, self.features]

    @override
    def _draw(self, ax: Axes) -> None:
        shown = self._shown()
        n_timesteps, n = shown.shape
        limit = float(np.abs(shown).max()) or 1.0
        image = ax.imshow(
            shown.T,
            aspect="auto",
            interpolation="nearest",
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            extent=(-0.5, n_timesteps - 0.5, n - 0.5, -0.5),
        )
        steps = np.arange(n_timesteps)
        for row, feature in enumerate(self.features):
            line = row - SHARE * _swing(self.signal[:, feature])
            marks: dict[str, Any] = {"marker": "o" if n_timesteps == 1 else None, "ms": 3}
            ax.plot(steps, line, color=PAPER, lw=2.6, alpha=0.75, **marks)
            ax.plot(steps, line, color=INK, lw=1.1, **marks)
        for edge in np.arange(1, n) - 0.5:
            ax.axhline(edge, color=PAPER, lw=1.5)
        ax.set(title=self.title, xlabel=self.step_label)
        ax.set(xlim=(-0.5, n_timesteps - 0.5), ylim=(n - 0.5, -0.5))
        size = float(np.clip(160 / n, 5, 10))
        ax.set_yticks(
            np.arange(n), [drawn(shortened(self.names[i])) for i in self.features], fontsize=size
        )
        if n < len(self.names):
            most = "that count most " if self.values.shape == self.signal.shape else ""
            ax.set_ylabel(f"the {n} of {len(self.names)} features {most}".strip())
        step_axis(ax.xaxis, self.step_names, 0)
        tidy(ax, grid=False)
        bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
        bar.set_label(self.label, fontsize=11, color=ax.xaxis.label.get_color())
        bar.ax.tick_params(colors=ax.xaxis.label.get_color())
        bar.outline.set(visible=False)


def _swing(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """A feature between -1, at its lowest value, and 1; 0 if it never changes."""
    known = signal[np.isfinite(signal)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    if low == high:
        return signal - low
    return np.asarray(2 * (signal - low) / (high - low) - 1)


def _label(explanation: Explanation) -> str:
    """What a colour says."""
    if explanation.method == "two-step rescaling":
        return "how much it counts"
    unit = UNITS[explanation.output]
    if explanation.method == "the gradient":
        return f"slope, {unit}"
    if explanation.output == "value":
        return f"raises it (+) or lowers it, {unit}"
    return f"for it (+) or against it, {unit}"


def _title(explanation: Explanation, row: int) -> str:
    target, answer = explanation.target[row], explanation.answers[row]
    at = ""
    if explanation.step is not None:
        step = int(explanation.step[row])
        at = f" at step {step}"
        if explanation.step_names is not None:
            at += f' ("{drawn(shortened(explanation.step_names[row][step], 14))}")'
    if explanation.output == "value":
        several = len(set(explanation.target.tolist())) > 1
        what = f"target {target}" if several or target else "the answer"
        return f"What {what}{at} rests on: {answer:.4g}"
    p = answer if explanation.output == "probability" else 1 / (1 + np.exp(-answer))
    return f'What speaks for "{drawn(shortened(str(target)))}"{at}, whose probability is {p:.1%}'
