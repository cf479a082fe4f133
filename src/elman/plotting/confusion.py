"""True and predicted labels in; a picture of which classes are taken for which, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.evaluation.scores import confusion_counts
from elman.plotting.style import INK, drawn, ink_of, new_axes, short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, WRONG, EMPTY, PAPER = "#0072B2", "#D55E00", "#F3F3F3", "#FFFFFF"


def plot_confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Counts of each true class (rows) by predicted class (columns): right in blue, wrong in red.

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

    Examples
    --------
    >>> from elman.plotting import plot_confusion_matrix
    >>> ax = plot_confusion_matrix(["do", "mi", "mi"], ["do", "mi", "do"])
    >>> ax.get_title()
    '2 of 3 right (66.7%)'
    """
    classes, counts = confusion_counts(y_true, y_pred, classes)
    n_classes = len(classes)
    if not n_classes:
        raise ValueError("y_true, y_pred and classes are empty: there is nothing to count")
    labels = [drawn(name) for name in short_names([str(c) for c in classes], 20)]
    longest = max(map(len, labels), default=0)
    side = min(12.0, max(4.2, 1.6 + 0.5 * n_classes + 0.06 * longest))
    ax = new_axes(side + 0.3, side) if ax is None else ax
    row_sums = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(row_sums, 1)
    diagonal = np.eye(n_classes, dtype=bool)
    ax.imshow(_colours(share, counts, diagonal), interpolation="nearest", aspect="equal")
    digits = max(2, len(str(counts.max(initial=0))))
    size = float(np.clip(340 / max(n_classes, 1) / digits, 4.5, 12))
    for i, j in np.argwhere((counts > 0) | diagonal):
        dark = share[i, j] > 0.55 and counts[i, j] > 0
        colour = "white" if dark else INK
        weight = "bold" if i == j else "normal"
        text = str(counts[i, j])
        ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=size, weight=weight)
    names = float(np.clip(220 / max(n_classes, 1), 6, 10))
    ax.set_xticks(np.arange(n_classes), labels, fontsize=names)
    ax.set_yticks(np.arange(n_classes), labels, fontsize=names)
    if longest * names / 10 > 28 / max(n_classes, 1) + 2:  # wider than a cell
        ax.tick_params(axis="x", rotation=90)
    ax.set_xticks(np.arange(n_classes + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n_classes + 1) - 0.5, minor=True)
    ax.grid(visible=False, which="major")
    ax.grid(which="minor", color="white", linewidth=1.5 if n_classes <= 15 else 0.8)
    ink = ink_of(ax)
    ax.tick_params(which="both", length=0, colors=ink)
    ax.spines[:].set_visible(False)
    n_right, n_all = int(np.trace(counts)), int(counts.sum())
    title = f"{n_right} of {n_all} right ({n_right / max(n_all, 1):.1%})"
    ax.set_title(title, fontsize=13, color=ink)
    ax.set_xlabel("predicted class", fontsize=11, color=ink)
    ax.set_ylabel("true class", fontsize=11, color=ink)
    return ax


def _colours(
    share: NDArray[Any], counts: NDArray[Any], diagonal: NDArray[np.bool_]
) -> NDArray[Any]:
    """RGB of every cell: blue on the diagonal, red off it, grey where empty."""
    from matplotlib.colors import to_rgb

    pale, empty = np.array(to_rgb(PAPER)), np.array(to_rgb(EMPTY))
    full = np.where(diagonal[..., None], to_rgb(RIGHT), to_rgb(WRONG))
    # The square root lifts single errors out of the white.
    strength = np.where(diagonal, share, 0.12 + 0.88 * np.sqrt(share))[..., None]
    colours = pale + (full - pale) * strength
    colours[(counts == 0) & ~diagonal] = empty
    return np.asarray(colours)
