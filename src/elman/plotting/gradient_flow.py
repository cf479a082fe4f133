"""Labelled recordings in; how far back the gradient of their loss reaches, as a picture, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.inspection.gradient_flow import state_gradients
from elman.models.fitted import Fitted, fitted
from elman.nn.chunks import chunks
from elman.nn.network import Network
from elman.plotting.recordings import all_recordings
from elman.plotting.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Display,
    drawn,
    ink_of,
    integer_axis,
    tidy,
)
from elman.targets.masked import refuse_masked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Norms = Sequence[NDArray[np.float64]]
"""For each sample (n_timesteps_i,)"""

BATCH_SIZE = 256
DECADES = 1e16
"""How far below the largest norm the picture goes."""
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""What print in black and white tells layers apart by."""


class _Curve(NamedTuple):
    """One line of the picture, by steps before the end."""

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class GradientFlowDisplay(Display):
    """Norm of the loss's gradient at the state after each time step: does it reach step 1?

    The weights learn from a time step what the loss says of the state after it. Going back, this
    gradient is multiplied by a Jacobian at every step. Where it falls by decades on the way to the
    first step, the network cannot learn what happened there (the vanishing gradient); where it
    grows, training is unstable (the exploding gradient).

    Steps are counted from each sample's end, and the line is the median over samples, between
    their 10th and 90th percentile. It is solid for all of the gradient and dashed for the part that
    comes back through later steps: with `readout="last"` both are the same, while other readouts
    speak to every step as well. Each layer, and each direction, has a line. Gradients are computed
    in float64 from the loss of each sample; where every time step is answered, from the sum of the
    losses of its steps.

    Make one with `from_estimator` or `from_norms`, which draw it.

    Parameters
    ----------
    norms : mapping of str to list of arrays (n_timesteps_i,)
        By the layer's name: for each sample the norm of the gradient at each step.
    through_time : mapping or None
        The same of the part that comes back through later steps.

    Attributes
    ----------
    norms, through_time : dict of str to list of ndarray
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.data import make_parity
    >>> from elman.plotting import GradientFlowDisplay
    >>> X, y = make_parity(24, min_length=2, max_length=5, random_state=0)
    >>> clf = RNNClassifier(4, readout="last", max_iter=2, random_state=0).fit(X, y)
    >>> display = GradientFlowDisplay.from_estimator(clf, X, y)
    >>> list(display.norms)
    ['layer 1']
    >>> [len(norms) for norms in display.norms["layer 1"]] == [len(x) for x in X]
    True
    """

    def __init__(
        self, norms: Mapping[str, Norms], *, through_time: Mapping[str, Norms] | None = None
    ) -> None:
        for key, given in (*norms.items(), *(through_time or {}).items()):
            refuse_masked(given, f"norms[{key!r}]")
        self.norms = {str(k): [np.asarray(n, np.float64) for n in v] for k, v in norms.items()}
        if not self.norms or not any(len(n) for v in self.norms.values() for n in v):
            raise ValueError("norms holds no time step: pass at least one layer and one sample")
        for name, samples in self.norms.items():
            for i, n in enumerate(samples):
                if n.ndim != 1:
                    raise ValueError(
                        f"norms[{name!r}][{i}] must be a number for each time step, got shape "
                        f"{n.shape}"
                    )
                if not (n >= 0).all():
                    t = int(np.flatnonzero(~(n >= 0))[0])
                    raise ValueError(
                        f"norms[{name!r}][{i}][{t}] is {n[t]:g}; a norm has to be at least 0"
                    )
        self.through_time = {
            str(k): [np.asarray(n, np.float64) for n in v] for k, v in (through_time or {}).items()
        }
        for name, samples in self.through_time.items():
            if [len(n) for n in samples] != [len(n) for n in self.norms.get(name, [])]:
                raise ValueError(f"through_time[{name!r}] has other lengths than norms[{name!r}]")

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Axes | None = None) -> Self:
        """Draw how far back the gradient reaches in a trained network.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
            Fitted. A pipeline has to end in one of the three estimators. Of a trained model alone
            the loss is that of the defaults.
        X : array-like
            Recordings. Time steps that the network skips (`missing="skip"`) are left out.
        y : array-like
            Their targets, as `fit` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no fitted model, or X or y cannot be used.
        """
        norms, through_time = gradient_norms(estimator, X, y)
        return cls(norms, through_time=through_time).plot(ax)

    @classmethod
    def from_norms(
        cls,
        norms: Mapping[str, Norms],
        *,
        through_time: Mapping[str, Norms] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw norms of gradients, such as `gradient_norms` gives.

        Parameters
        ----------
        norms, through_time
            As `GradientFlowDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        GradientFlowDisplay
        """
        return cls(norms, through_time=through_time).plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        lengths = [[len(n) for n in samples] for samples in self.norms.values()]
        sizes = [sum(of) for of in lengths]
        steps = [np.arange(1, n + 1) for of in lengths for n in of]
        columns: dict[str, Any] = {
            "layer": np.repeat([*self.norms], sizes),
            "sample": np.concatenate([np.repeat(np.arange(len(of)), of) for of in lengths]),
            "step": np.concatenate(steps),
            "steps_before_the_end": np.concatenate([s[::-1] - 1 for s in steps]),
            "norm": np.concatenate([n for samples in self.norms.values() for n in samples]),
        }
        if self.through_time.keys() == self.norms.keys():
            through = [n for name in self.norms for n in self.through_time[name]]
            columns["through_time"] = np.concatenate(through)
        return columns

    @override
    def _draw(self, ax: Axes) -> None:
        longest = max(len(n) for samples in self.norms.values() for n in samples)
        every = -(-longest // 40)
        known = []
        through_is_drawn = False
        with_bands = len(self.norms) <= 2  # more of them hide each other
        looks = zip(cycle(COLOURS), cycle(MARKERS), strict=False)
        for (name, samples), (colour, marker) in zip(self.norms.items(), looks, strict=False):
            curve = _by_steps_before_the_end(samples)
            back = np.arange(len(curve.median))
            if with_bands:
                ax.fill_between(back, curve.low, curve.high, color=colour, alpha=0.15, lw=0)
                known += [curve.low, curve.high]
            style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4}
            ax.plot(back, curve.median, lw=2, label=drawn(name), zorder=3, markevery=every, **style)
            known.append(curve.median)
            through = self.through_time.get(name)
            if through is not None and not _same(samples, through):
                curve = _by_steps_before_the_end(through)
                ax.plot(back, curve.median, lw=1.4, ls="--", color=colour, zorder=2)
                known.append(curve.median)
                through_is_drawn = True
        if through_is_drawn:
            label = "the part through later steps"
            ax.plot([], [], lw=1.4, ls="--", color=ink_of(ax), label=label)
        values = np.concatenate(known)
        values = values[values > 0]
        if len(values):
            self._scale(ax, float(values.min()), float(values.max()))
        ax.set(
            title=f"Does the gradient reach step 1? {self._verdict()}",
            xlabel="time steps before the end",
            ylabel="norm of the loss's gradient\nat the state after the step",
            xlim=(longest - 0.5, -0.5),
        )
        integer_axis(ax.xaxis)
        if len(self.norms) > 1 or through_is_drawn:
            ax.legend(frameon=False, fontsize=10)
        tidy(ax)

    @staticmethod
    def _scale(ax: Axes, smallest: float, largest: float) -> None:
        """A logarithmic axis of at least two decades, and of no more than tell something."""
        ax.set_yscale("log")
        if largest < 100 * smallest:
            middle = float(np.sqrt(largest * smallest))
            ax.set_ylim(middle / 10, middle * 10)
        elif largest > DECADES * smallest:
            ax.set_ylim(largest / DECADES, largest * 10)

    def _verdict(self) -> str:
        """What is left at the first step of the gradient, in the layer that keeps most of it."""
        left = max(
            (_left_at_first(samples) for samples in self.norms.values()),
            key=lambda share: -1.0 if np.isnan(share) else share,
        )
        if np.isnan(left):
            return "There is none."
        if left == 0:
            return "No, it is 0 there."
        share = f"{left:.1%}" if left >= 0.001 else f"{left:.0e}"
        return f"{share} of its peak there."


def gradient_norms(
    estimator: Any, X: Any, y: Any
) -> tuple[dict[str, list[NDArray[np.float64]]], dict[str, list[NDArray[np.float64]]]]:
    """Norms of the loss's gradient at the state after each time step of each sample.

    Parameters
    ----------
    estimator, X, y
        As `GradientFlowDisplay.from_estimator` takes them.

    Returns
    -------
    norms, through_time : dict of str to list of ndarray of shape (n_timesteps_i,)
        By layer ("layer 1", or "layer 1, backward" of the direction that reads from the end), for
        each sample: of the whole gradient, and of the part of it that comes back through later
        steps. An LSTM's state is its hidden state and its cell state. With `stride` an entry is of
        a block of time steps.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.data import make_parity
    >>> from elman.plotting import gradient_norms
    >>> X, y = make_parity(24, min_length=2, max_length=5, random_state=0)
    >>> clf = RNNClassifier(4, cell="gru", max_iter=2, random_state=0).fit(X, y)
    >>> norms, through_time = gradient_norms(clf, X, y)
    >>> float(through_time["layer 1"][0][-1])  # no step is later than the last
    0.0
    """
    found = fitted(estimator)
    asked = _estimator_of(found)
    data = all_recordings(found, X)
    model: Any = found.model
    exact = Network.over(
        model.network.layout, model.network.params.flat.astype(np.float64, copy=True)
    )
    model = replace(model, network=exact)
    targets, _ = asked._targets(y, data, model.meaning)
    labelled = asked._prepared(asked._to_validate(data, targets, model.meaning), model)
    objective, backend = asked._objective(model.meaning), model.current_backend()
    names = [f"recurrent{i}{end}" for i in range(exact.layout.n_layers) for end in ("", ".reverse")]
    norms: dict[str, list[NDArray[np.float64]]] = {}
    through_time: dict[str, list[NDArray[np.float64]]] = {}
    for batch in labelled.X.batches(BATCH_SIZE, backend):
        n_samples, n_timesteps, _ = batch.X.shape
        (whole,) = chunks(batch.lengths, n_samples, n_timesteps, None)
        samples = labelled.samples(batch, whole)
        gradients = state_gradients(exact, samples, objective, backend)
        for name in (name for name in names if name in gradients):
            for array, into in zip(gradients[name], (norms, through_time), strict=True):
                of_layer = into.setdefault(_called(name), [np.empty(0)] * len(labelled.X))
                # squares of what is left of a gradient far back would be 0
                of_samples = np.hypot.reduce(array, axis=2)
                for row, sample in enumerate(batch.order.tolist()):
                    of_layer[sample] = of_samples[row, : labelled.X.lengths[sample]]
    return norms, through_time


def _estimator_of(found: Fitted) -> Any:
    """The estimator that knows what targets mean; of a model alone one with the defaults."""
    if found.estimator is not found.model:
        return found.estimator
    import elman

    return getattr(elman, found.model.kind)()


def _called(name: str) -> str:
    number, _, direction = name.removeprefix("recurrent").partition(".")
    return f"layer {int(number) + 1}" + (", backward" if direction else "")


def _by_steps_before_the_end(samples: Norms) -> _Curve:
    """Median and percentiles over samples, for each number of steps before their ends."""
    longest = max((len(n) for n in samples), default=0)
    table = np.full((len(samples), longest), np.nan)
    for row, n in zip(table, samples, strict=True):
        row[: len(n)] = n[::-1]
    low, median, high = np.nanpercentile(table, [10, 50, 90], axis=0)
    # a logarithmic axis has no place for 0
    return _Curve(*(np.where(curve > 0, curve, np.nan) for curve in (median, low, high)))


def _same(samples: Norms, through: Norms) -> bool:
    """Whether all of the gradient comes through later steps, but at the last step."""
    pairs = zip(samples, through, strict=True)
    return all(np.allclose(a[:-1], b[:-1], rtol=1e-9, atol=0) for a, b in pairs)


def _left_at_first(samples: Norms) -> float:
    """Median over samples of the norm at the first step in the largest one of the sample."""
    shares = [n[0] / n.max() for n in samples if len(n) and n.max() > 0]
    return float(np.median(shares)) if shares else float("nan")
