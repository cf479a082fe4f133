"""Figures of what a network learned: estimators and recordings in, matplotlib Axes out.

matplotlib is imported at the call, and only its object interface is used: no global figure, no
change of the backend, so the functions work in servers, threads and notebooks alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.evaluation.scores import accuracy_by_share, confusion_counts
from elman.plotting.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    integer_axis,
    new_axes,
    percent,
    tidy,
)
from elman.targets.masked import refuse_masked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "plot_accuracy_by_share",
    "plot_confusion_matrix",
    "plot_hidden_states",
    "plot_loss_curve",
    "plot_probabilities_over_time",
]

_RIVALS = (VERMILLION, ORANGE, PURPLE, SKY)


def plot_loss_curve(estimator: Any, *, ax: Axes | None = None) -> Axes:
    """Training loss by epoch and, where there is one, the validation score beside it.

    Parameters
    ----------
    estimator : fitted RNNClassifier, RNNTagger or RNNRegressor
        Its `loss_curve_` and `validation_scores_` are drawn.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure (`ax.figure`).

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        The estimator was not fitted.
    """
    loss = _fitted(estimator, "loss_curve_")
    scores = getattr(estimator, "validation_scores_", None)
    ax = new_axes(6.4, 4.0) if ax is None else ax
    epochs = np.arange(1, len(loss) + 1)
    marker = "o" if len(loss) < 3 else None
    ax.plot(epochs, loss, color=BLUE, linewidth=2, marker=marker, label="training loss")
    unit = estimator._loss_unit()
    ax.set(title="Learning curve", xlabel="epoch", ylabel=f"training loss\n({unit})")
    ax.set_xlim(0.5 if len(loss) < 3 else 1, max(len(loss), 2))
    integer_axis(ax.xaxis)
    tidy(ax)
    if min(loss) > 0 and max(loss) > 20 * min(loss):
        # What happens after the first few epochs would lie flat on the axis.
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)
    if scores is not None and len(scores):
        right = ax.twinx()
        right.plot(epochs[: len(scores)], scores, color=VERMILLION, linewidth=1.6, marker=marker)
        right.set_ylabel(f"validation {estimator._SCORE}", color=VERMILLION, fontsize=11)
        right.tick_params(axis="y", colors=VERMILLION)
        # R^2 may fall below 0, far below in a first epoch that nobody need see
        right.set_ylim(max(min(0, *(s for s in scores if s is not None)), -1), 1.02)
        if estimator._SCORE == "accuracy":
            right.yaxis.set_major_formatter(percent)
        right.spines[["top", "left"]].set_visible(False)
        ax.yaxis.label.set_color(BLUE)
        ax.tick_params(axis="y", colors=BLUE)
    return ax


def plot_confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Counts of each true class (rows) by predicted class (columns): right in green, wrong in red.

    The colour of a cell is its share of the row, so that rare classes show too.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels.
    classes : array-like of shape (n_classes,) or None
        Order of the rows and columns; None takes the sorted labels that occur.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        The two differ in length, or a label is not among `classes`.
    """
    classes, counts = confusion_counts(y_true, y_pred, classes)
    n_classes = len(classes)
    labels = [str(c) for c in classes]
    side = min(12.0, max(4.2, 1.6 + 0.5 * n_classes))
    ax = new_axes(side + 0.3, side) if ax is None else ax
    row_sums = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(row_sums, 1)
    diagonal = np.eye(n_classes, dtype=bool)
    ax.imshow(_confusion_colours(share, counts, diagonal), interpolation="nearest", aspect="equal")
    size = float(np.clip(170 / max(n_classes, 1), 5, 12))
    for i, j in np.argwhere((counts > 0) | diagonal):
        dark = share[i, j] > 0.55 and counts[i, j] > 0
        colour = "white" if dark else INK
        weight = "bold" if i == j else "normal"
        text = str(counts[i, j])
        ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=size, weight=weight)
    ax.set_xticks(np.arange(n_classes), labels)
    ax.set_yticks(np.arange(n_classes), labels)
    if n_classes > 6 and max(map(len, labels)) > 2:
        ax.tick_params(axis="x", rotation=90)
    ax.set_xticks(np.arange(n_classes + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n_classes + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    n_right, n_all = int(np.trace(counts)), int(counts.sum())
    ax.set_title(f"{n_right} of {n_all} right ({n_right / max(n_all, 1):.1%})", fontsize=13)
    ax.set_xlabel("predicted class", fontsize=11)
    ax.set_ylabel("true class", fontsize=11)
    return ax


def plot_hidden_states(
    estimator: Any, x: ArrayLike, *, step_label: str = "time step", ax: Axes | None = None
) -> Axes:
    """Hidden state over time while one recording is read, units by when they were last active.

    A unit counts as active while its magnitude is at least half the largest it reaches in the
    recording; those which fall silent first are at the top, those which carry something to the end
    at the bottom.

    Parameters
    ----------
    estimator : fitted RNNClassifier
    x : array-like of shape (n_timesteps, n_features)
        One recording.
    step_label : str
        Label of the horizontal axis.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        `x` is not one recording of at least one step.
    """
    states = np.asarray(estimator.hidden_states([_one_recording(x)])[0])
    ax = new_axes(7.0, 4.4) if ax is None else ax
    order = last_active_order(states)
    n_timesteps, n_units = states.shape
    largest = float(np.abs(states).max())
    # tanh lives in [-1, 1]; relu does not, and there the recording sets the scale.
    limit = 1.0 if largest <= 1.0 else largest
    image = ax.imshow(
        states.T[order],
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(0.5, n_timesteps + 0.5, n_units + 0.5, 0.5),
    )
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label("hidden state", fontsize=11)
    bar.outline.set(visible=False)
    ax.set_title("Hidden state while the sequence is read", fontsize=13, loc="left")
    ax.set_xlabel(step_label, fontsize=11)
    ax.set_ylabel("unit, by when it was last active", fontsize=11)
    integer_axis(ax.xaxis)
    integer_axis(ax.yaxis)
    ends = last_active(states)[order] + 1.5
    edges = np.arange(n_units + 1) + 0.5
    ax.step(
        np.append(ends, ends[-1]), edges, where="pre", color="black", lw=1.2, label="last active"
    )
    corner: dict[str, Any] = {
        "loc": "lower right",
        "bbox_to_anchor": (1, 0.99),
        "borderaxespad": 0.2,
    }
    ax.legend(frameon=False, fontsize=10, handlelength=1.2, **corner)
    return ax


def plot_probabilities_over_time(
    estimator: Any,
    x: ArrayLike,
    *,
    true_class: Any = None,
    step_label: str = "time step",
    ax: Axes | None = None,
) -> Axes:
    """Probability of each class had the recording stopped at step t: when did it know?

    Parameters
    ----------
    estimator : fitted RNNClassifier
    x : array-like of shape (n_timesteps, n_features)
        One recording.
    true_class : label or None
        Drawn strongest when given, else the class predicted at the end is.
    step_label : str
        Label of the horizontal axis.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError
        The estimator is not a classifier of sequences.
    ValueError
        `x` is not one recording of at least one step, `true_class` is not a known class, or the
        estimator gives several labels at once, of which none is the answer.
    """
    if not hasattr(estimator, "predict_proba_over_time"):
        raise TypeError(
            f"{type(estimator).__name__} gives a sequence no class whose probability changes over "
            "time: plot what its predict_proba or predict_over_time returns"
        )
    if getattr(estimator, "multilabel_", False):
        raise ValueError(
            "the estimator gives several labels at once, so that there is no one answer to draw: "
            "plot the columns of predict_proba_over_time"
        )
    probabilities = np.asarray(estimator.predict_proba_over_time([_one_recording(x)])[0])
    classes = [str(c) for c in estimator.classes_]
    if true_class is not None and str(true_class) not in classes:
        raise ValueError(f"true_class={true_class!r} is not a known class: {', '.join(classes)}")
    ax = new_axes(7.0, 4.2) if ax is None else ax
    n_timesteps, n_classes = probabilities.shape
    steps = np.arange(1, n_timesteps + 1)
    predicted = int(probabilities[-1].argmax())
    hero = predicted if true_class is None else classes.index(str(true_class))
    # Of two classes one line says it all.
    named = _worth_naming(probabilities, hero) if n_classes > 2 else []
    dots: dict[str, Any] = {"marker": "o" if n_timesteps <= 40 else None}

    name = classes[hero] + (" (the true one)" if true_class is not None else " (its answer)")
    dots["markersize"] = 4
    ax.plot(steps, probabilities[:, hero], color=BLUE, lw=3, label=name, zorder=4, **dots)
    dots["markersize"] = 2.5
    for k, colour in zip(named, _RIVALS, strict=False):
        ax.plot(
            steps, probabilities[:, k], color=colour, lw=1.6, label=classes[k], zorder=3, **dots
        )
    others = sorted(set(range(n_classes)) - {hero, *named}) if n_classes > 2 else []
    for i, k in enumerate(others):
        label = f"{len(others)} other{'s' * (len(others) > 1)}" if i == 0 else None
        ax.plot(steps, probabilities[:, k], color=GREY, lw=0.8, label=label, zorder=2)
    dotted: Any = (0, (1, 2))
    chance = 1 / n_classes
    ax.axhline(chance, color=INK, lw=1, ls=dotted, label="a blind guess", zorder=1)

    known = knows_from(probabilities, hero)
    ax.set(
        title=f"When did it know? {_verdict(known, hero == predicted, n_timesteps)}",
        xlabel=step_label,
        ylabel="probability, had it stopped here",
        xlim=(0.5, n_timesteps + 0.5),
        ylim=(0, 1.03),
    )
    if known is not None and hero == predicted:
        ax.axvspan(known + 0.5, n_timesteps + 0.5, color=BLUE, alpha=0.07, linewidth=0, zorder=0)
    ax.yaxis.set_major_formatter(percent)
    integer_axis(ax.xaxis)
    tidy(ax)
    ax.legend(
        title="class", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=10
    )
    return ax


def plot_accuracy_by_share(
    estimator: Any, X: Any, y: ArrayLike, *, n_shares: int = 20, ax: Axes | None = None
) -> Axes:
    """Accuracy by the share of each recording seen: how early could it have answered?

    Parameters
    ----------
    estimator : fitted RNNClassifier
    X : array-like
        Recordings of at least one time step.
    y : array-like of shape (n_samples,)
    n_shares : int
        Points of the curve, evenly spaced from a share near 0 to the whole recording.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        A label that is masked or not known, a recording without a step, or a network that has no
        answer before a sequence has ended.
    """
    shares, accuracy = accuracy_by_share(estimator, X, y, n_shares)
    ax = new_axes(6.4, 4.0) if ax is None else ax
    ax.plot(shares, accuracy, color=BLUE, lw=2, marker="o", markersize=3)
    dotted: Any = (0, (1, 2))
    ax.axhline(accuracy[-1], color=INK, lw=1, ls=dotted, label="all of it seen", zorder=1)
    ax.set(
        title="How early could it answer?",
        xlabel="share of the recording seen",
        ylabel="accuracy",
        xlim=(0, 1.02),
        ylim=(0, 1.03),
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(percent)
    tidy(ax)
    ax.legend(loc="lower right", frameon=False, fontsize=10)
    return ax


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


def knows_from(probabilities: NDArray[Any], k: int) -> int | None:
    """First step (from 0) from which class `k` stays the likeliest, None if never."""
    lead = probabilities.argmax(axis=1) == k
    if not lead[-1]:
        return None
    behind = np.flatnonzero(~lead)
    return int(behind[-1]) + 1 if len(behind) else 0


def _verdict(known: int | None, right: bool, n_timesteps: int) -> str:
    if known is None or not right:
        return "Not by the end."
    return f"From step {known + 1} of {n_timesteps}."


def _worth_naming(probabilities: NDArray[Any], hero: int) -> list[int]:
    """The rivals a legend should name: those that once stood out, likeliest first."""
    peak = probabilities.max(axis=0)
    rivals = [k for k in np.argsort(-peak, kind="stable") if k != hero]
    threshold = max(0.1, 1.2 / len(peak))
    return [int(k) for k in rivals[: len(_RIVALS)] if peak[k] >= threshold]


def _confusion_colours(
    share: NDArray[Any], counts: NDArray[Any], diagonal: NDArray[np.bool_]
) -> NDArray[Any]:
    """RGB of every cell: green on the diagonal, red off it, grey where empty."""
    from matplotlib.colors import to_rgb

    pale, empty = np.array(to_rgb("#FFFFFF")), np.array(to_rgb("#F3F3F3"))
    full = np.where(diagonal[..., None], to_rgb("#1A7F4B"), to_rgb("#C62F2F"))
    # The square root lifts single errors out of the white.
    strength = np.where(diagonal, share, 0.12 + 0.88 * np.sqrt(share))[..., None]
    colours = pale + (full - pale) * strength
    colours[(counts == 0) & ~diagonal] = empty
    return np.asarray(colours)


def _one_recording(x: ArrayLike) -> NDArray[Any]:
    refuse_masked(x, "x")
    array = np.asarray(x)
    if array.ndim != 2 or not len(array):
        raise ValueError(
            f"x must be one recording of shape (n_timesteps, n_features), got {array.shape}; "
            "pass X[i], not X"
        )
    return array


def _fitted(estimator: Any, attribute: str) -> Sequence[float]:
    value = getattr(estimator, attribute, None)
    if value is None or not len(value):
        name = type(estimator).__name__
        raise ValueError(f"{name} has no {attribute} to draw: call fit first")
    return value  # type: ignore[no-any-return]
