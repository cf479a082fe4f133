"""A recording in; the hidden states of the units that tell most while it is read, drawn, out."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from elman.models.fitted import Fitted, fitted
from elman.plotting.recordings import (
    check_numbers,
    kind_of_steps,
    names_over_time,
    one_recording,
)
from elman.plotting.style import (
    Display,
    check_step_names,
    drawn,
    integer_axis,
    step_axis,
    step_label_of,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED_UNITS = 40
"""With more rows than this the numbers of units would not fit beside them."""


class HiddenStatesDisplay(Display):
    """Hidden states of the most telling units, step by step, while one recording is read.

    A unit tells much if it moves and if the answer depends on how it moves. `from_estimator` ranks
    units of the last layer by how far their state moves in the recording (its largest value minus
    its smallest) times how much the head makes of it: the standard deviation of the unit's weights
    over the classes (weights that are the same for all classes change no probability), or their
    norm where outputs are independent of each other; over several readouts, the root of the sum of
    squares. `from_states` ranks by the move alone.

    Rows are ordered by when the unit was last active, so that those which fall silent first are at
    the top, and those which carry something to the end at the bottom. A unit counts as active while
    its magnitude is at least half the largest that it reaches in the recording.

    Make one with `from_estimator` or `from_states`, which draw it.

    Parameters
    ----------
    states : array-like of shape (n_timesteps, n_all_units)
        Of one recording, of at least one step.
    telling : array-like of shape (n_all_units,) or None
        How much each unit tells; None ranks by how far its state moves.
    n_units : int or None
        How many units to draw; None draws all.
    names : sequence of str or None
        What to call all units; None numbers them from 0.
    step_label : str or None
        Label of the horizontal axis. None says what stands below it: "time step", "character" or
        "token".
    step_names : sequence of str or None
        What to call each time step, such as its character or its token; None numbers them.

    Attributes
    ----------
    states : ndarray of shape (n_timesteps, n_all_units)
    telling : ndarray of shape (n_all_units,)
    units : ndarray of shape (n_units,)
        Numbers of the units that are drawn, from the top.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.data import make_parity
    >>> from elman.plotting import HiddenStatesDisplay
    >>> X, y = make_parity(24, min_length=2, max_length=5, random_state=0)
    >>> clf = RNNClassifier(9, max_iter=2, random_state=0).fit(X, y)
    >>> display = HiddenStatesDisplay.from_estimator(clf, X[0], n_units=3)
    >>> display.states.shape == (len(X[0]), 9)
    True
    >>> len(display.units)
    3
    """

    _SIZE = (7.0, 4.4)

    def __init__(
        self,
        states: ArrayLike,
        *,
        telling: ArrayLike | None = None,
        n_units: int | None = 16,
        names: Sequence[str] | None = None,
        step_label: str | None = None,
        step_names: Sequence[str] | None = None,
    ) -> None:
        self.states = check_numbers("states", states)
        if self.states.ndim != 2 or 0 in self.states.shape:
            raise ValueError(
                f"states must have shape (n_timesteps, n_units), both at least 1, got "
                f"{self.states.shape}"
            )
        n_all = self.states.shape[1]
        moves = np.ptp(self.states, axis=0)
        self.telling = moves if telling is None else check_numbers("telling", telling)
        if self.telling.shape != (n_all,):
            raise ValueError(
                f"telling has shape {self.telling.shape}, expected ({n_all},): one for each unit"
            )
        whole = isinstance(n_units, numbers.Integral) and not isinstance(n_units, bool)
        if n_units is not None and not (whole and n_units >= 1):
            raise ValueError(f"n_units={n_units!r} must be a whole number of at least 1, or None")
        self.names = [str(i) for i in range(n_all)] if names is None else [*names]
        if len(self.names) != n_all:
            raise ValueError(f"names has {len(self.names)} entries for {n_all} units")
        chosen = np.argsort(-self.telling, kind="stable")[:n_units]
        self.units = chosen[last_active_order(self.states[:, chosen])]
        self.step_names = check_step_names(step_names, len(self.states))
        self.step_label = step_label_of(step_label, self.step_names, "time step")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        x: ArrayLike,
        *,
        n_units: int | None = 16,
        step_label: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what a network holds while it reads one recording.

        Parameters
        ----------
        estimator : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
            Fitted. A pipeline has to end in one of the three estimators.
        x : array-like of shape (n_timesteps, n_features)
            One recording; of a model of symbols a text, a list of tokens or a table, whose
            characters or tokens are then written below the picture.
        n_units : int or None, default=16
            How many units to draw, those that tell most; None draws all.
        step_label : str or None
            Label of the horizontal axis. None says what stands below it: "time step",
            "character", "token", or the names of the categorical columns.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        HiddenStatesDisplay

        Raises
        ------
        ImportError
            matplotlib is not installed.
        TypeError, ValueError
            There is no fitted model, or `x` is not one recording of at least one step.
        """
        found = fitted(estimator)
        data = one_recording(found, x)
        states = np.asarray(found.model.hidden_states(data)[0])
        telling = np.ptp(states, axis=0) * _weight_in_the_answer(found)
        names = [str(i) for i in range(states.shape[1])]
        if found.model.network.layout.bidirectional:
            half = len(names) // 2
            names = [f"{i} {arrow}" for arrow in "→←" for i in range(half)]
        called = names_over_time(found, data)
        options: dict[str, Any] = {"step_label": kind_of_steps(found, called, step_label)}
        options["step_names"] = called
        return cls(states, telling=telling, n_units=n_units, names=names, **options).plot(ax)

    @classmethod
    def from_states(
        cls,
        states: ArrayLike,
        *,
        telling: ArrayLike | None = None,
        n_units: int | None = 16,
        step_label: str | None = None,
        step_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw hidden states (n_timesteps, n_all_units), such as `hidden_states` gives them.

        Parameters
        ----------
        states, telling, n_units, step_label, step_names
            As `HiddenStatesDisplay` takes them.
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        HiddenStatesDisplay
        """
        options: dict[str, Any] = {"step_label": step_label, "step_names": step_names}
        return cls(states, telling=telling, n_units=n_units, **options).plot(ax)

    @override
    def _columns(self) -> dict[str, Any]:
        n_timesteps, n_units = len(self.states), len(self.units)
        steps: dict[str, Any] = {"step": np.repeat(np.arange(1, n_timesteps + 1), n_units)}
        if self.step_names is not None:
            steps["name"] = np.repeat(np.array(self.step_names, object), n_units)
        return steps | {
            "unit": np.tile([self.names[i] for i in self.units], n_timesteps),
            "state": self.states[:, self.units].ravel(),
            "telling": np.tile(self.telling[self.units], n_timesteps),
        }

    @override
    def _draw(self, ax: Axes) -> None:
        shown = self.states[:, self.units]
        n_timesteps, n_units = shown.shape
        n_all = self.states.shape[1]
        largest = float(np.abs(shown).max())
        # tanh lives in [-1, 1]; relu does not, and there the recording sets the scale.
        limit = 1.0 if largest <= 1.0 else largest
        image = ax.imshow(
            shown.T,
            aspect="auto",
            interpolation="nearest",
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            extent=(0.5, n_timesteps + 0.5, n_units + 0.5, 0.5),
        )
        ax.set(title="Hidden state while the sequence is read", xlabel=self.step_label)
        which = f"the {n_units} most telling of {n_all} units,\n" if n_units < n_all else "unit, "
        ax.set_ylabel(f"{which}by when last active")
        step_axis(ax.xaxis, self.step_names, 1)
        if n_units <= NAMED_UNITS:
            ticks = np.arange(n_units) + 1
            size = float(np.clip(160 / n_units, 4.5, 10))
            ax.set_yticks(ticks, [drawn(self.names[i]) for i in self.units], fontsize=size)
        else:
            integer_axis(ax.yaxis)
        self._mark_ends(ax, last_active(shown))
        tidy(ax, grid=False)
        bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
        bar.set_label("hidden state", fontsize=11, color=ax.xaxis.label.get_color())
        bar.ax.tick_params(colors=ax.xaxis.label.get_color())
        bar.outline.set(visible=False)

    @staticmethod
    def _mark_ends(ax: Axes, last: NDArray[np.intp]) -> None:
        """Draw a line where units fall silent, if one does before the end."""
        n_timesteps = ax.get_xlim()[1] - 0.5
        ends = last + 1.5
        if (ends > n_timesteps).all():
            return
        from matplotlib.patheffects import withStroke

        edges = np.arange(len(ends) + 1) + 0.5
        # black within white, which neither a dark state nor a dark page hides
        white = [withStroke(linewidth=3.2, foreground="white")]
        line: dict[str, Any] = {"color": "black", "lw": 1.6, "path_effects": white}
        line["label"] = "last active"
        ax.step(np.append(ends, ends[-1]), edges, where="pre", **line)
        place: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1, -0.09)}
        ax.legend(frameon=False, fontsize=10, handlelength=1.2, borderaxespad=0.2, **place)


def last_active_order(states: NDArray[Any]) -> NDArray[np.intp]:
    """Order of the units of `states` (n_timesteps, hidden_size), first to fall silent first.

    Ties, and there are many at the last step, go to the unit that woke first.
    """
    return np.lexsort((_active(states).argmax(axis=0), last_active(states)))


def last_active(states: NDArray[Any]) -> NDArray[np.intp]:
    """Last step (from 0) at which each unit was active; -1 for one that never was."""
    active = _active(states)
    last = len(states) - 1 - active[::-1].argmax(axis=0)
    return np.where(active.any(axis=0), last, -1)


def _active(states: NDArray[Any]) -> NDArray[np.bool_]:
    magnitude = np.abs(states)
    return np.asarray((magnitude >= 0.5 * magnitude.max(axis=0)) & (magnitude > 0))


def _weight_in_the_answer(found: Fitted) -> NDArray[np.float64]:
    """(n_all_units,): how much the head makes of each unit of the last layer.

    Of several readouts the head has weights for each, one block of units after the other.
    """
    network = found.model.network
    W = network.params["head.W"].astype(np.float64)
    by_readout = W.reshape(-1, network.layout.width, W.shape[1])
    if found.model.link == "softmax":
        return np.asarray(np.sqrt((by_readout.std(axis=2) ** 2).sum(axis=0)))
    return np.asarray(np.sqrt((by_readout**2).sum(axis=(0, 2))))
