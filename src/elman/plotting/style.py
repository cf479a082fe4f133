"""Colours, axes and the base class of every picture here: numbers in, figures that look alike out.

matplotlib is imported at the call. Outside notebooks a figure belongs to nobody but its owner: no
global figure, no change of the backend, so that pictures work in servers and threads. Where a
person expects figures to show by themselves, pyplot owns them: in a notebook, and in a program that
uses pyplot interactively.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from elman.models.tables import to_frame
from elman.targets.checks import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, which stays apart for every common kind of colour vision.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
GREY = "#9A9A9A"
INK, PAPER = "#222222", "#FFFFFF"
CHALK = "#EEEEEE"
"""The ink of axes whose background is dark."""

DOTTED: Any = (0, (1, 2))
"""The line of what is there to compare with, such as a blind guess."""

DPI = 130
"""Dots per inch of a figure that pyplot does not own."""


class Display:
    """Base of the displays: the numbers of a picture, apart from how they are drawn.

    A subclass stores its numbers in `__init__`, names them in `_columns` and draws them in `_draw`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn last; there after `plot`, which `from_estimator` and its like call.
    figure_ : matplotlib Figure
        The figure that holds `ax_`.
    """

    ax_: Axes
    figure_: Figure

    _SIZE = (6.4, 4.0)
    """inches of a new figure"""

    def _draw(self, ax: Axes) -> None:
        """Draw into `ax`."""
        raise NotImplementedError

    def _columns(self) -> Mapping[str, Any]:
        """The numbers of the picture, as columns of equal length."""
        raise NotImplementedError

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        self
            With `ax_` and `figure_`.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        ax = new_axes(*self._SIZE) if ax is None else ax
        self._draw(ax)
        self.ax_, self.figure_ = ax, root_figure(ax)
        return self

    def frame(self) -> Any:
        """The numbers of the picture as a data frame: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        return to_frame(self._columns(), f"{type(self).__name__}.frame")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: plot() draws it, frame() has its numbers>"

    def _repr_png_(self) -> bytes | None:
        """The picture for a notebook, unless the notebook shows the figure by itself."""
        if not hasattr(self, "figure_") or _is_open_in_pyplot(self.figure_):
            return None
        return png(self.figure_)


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file, on an opaque background."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=figure.dpi)
    return file.getvalue()


def root_figure(ax: Axes) -> Figure:
    """The whole figure that holds `ax`, which may lie in a part of it."""
    figure: Any = ax.figure
    return figure.figure  # type: ignore[no-any-return]


def new_axes(width: float, height: float) -> Axes:
    """Axes in a figure of its own, in inches, on white whatever the theme of a notebook is.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib, which is not installed: pip install 'elman[plot]'"
        ) from error
    options: dict[str, Any] = {
        "figsize": (width, height),
        "layout": "constrained",
        "facecolor": PAPER,
    }
    pyplot = _pyplot()
    figure = Figure(dpi=DPI, **options) if pyplot is None else pyplot.figure(**options)
    return figure.add_subplot(facecolor=PAPER)


def tidy(ax: Axes, *, grid: bool = True) -> None:
    """Give axes the look of all pictures here; call it once title, labels and legend are there."""
    ink = ink_of(ax)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(ink)
    ax.tick_params(colors=ink, which="both")
    if grid:
        ax.grid(color="#E6E6E6" if ink == INK else "#444444", linewidth=0.8)
        ax.set_axisbelow(True)
    else:
        ax.grid(visible=False)
    ax.title.set_fontsize(13)
    ax.title.set_color(ink)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(11)
        label.set_color(ink)
    legend = ax.get_legend()
    if legend is not None:
        for text in (legend.get_title(), *legend.get_texts()):
            text.set_color(ink)


def ink_of(ax: Axes) -> str:
    """The colour of text and lines that can be read on the background of `ax`."""
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = to_rgba(ax.get_facecolor())
    light = (0.2126 * red + 0.7152 * green + 0.0722 * blue) * alpha + 1 - alpha
    return INK if light > 0.4 else CHALK


def integer_axis(axis: Any) -> None:
    """Put ticks of an axis on whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


MOST_STEP_NAMES = 60
"""time steps whose names fit below a picture; of more, steps are numbered"""
LONGEST_STEP_NAME = 14
"""characters of a name there"""


def step_axis(axis: Any, names: Sequence[str] | None, first: int) -> None:
    """Write what the time steps are called below a picture, or number them.

    Parameters
    ----------
    axis : matplotlib axis
    names : sequence of str or None
        Of each step, such as its character or its token. None, or too many to fit, are numbered.
    first : int
        Where the first step is.
    """
    if names is None or len(names) > MOST_STEP_NAMES:
        integer_axis(axis)
        return
    labels = [drawn(shortened(name, LONGEST_STEP_NAME)) for name in names]
    upright = max(map(len, names)) <= 1 or len(names) * max(map(len, labels)) <= UPRIGHT
    size = 9.0 if len(names) <= 40 else 7.0
    axis.set_ticks(
        range(first, first + len(names)), labels, rotation=0 if upright else 90, fontsize=size
    )


def step_label_of(given: str | None, names: Sequence[str] | None, numbered: str) -> str:
    """The label of an axis of time steps: as given, or what stands below it.

    Parameters
    ----------
    given : str or None
        What a user said.
    names : sequence of str or None
        Of each step, as `step_axis` takes them.
    numbered : str
        The label where steps are numbered.
    """
    if given is not None:
        return given
    if names is None or len(names) > MOST_STEP_NAMES:
        return numbered
    return "character" if max(map(len, names), default=0) <= 1 else "token"


UPRIGHT = 60
"""characters that stand side by side below a picture"""


def check_step_names(names: Any, n_timesteps: int) -> list[str] | None:
    """The names of the time steps of a picture, as a list.

    Raises
    ------
    ValueError
        There is not one for each step.
    """
    if names is None:
        return None
    found = [str(name) for name in names]
    if len(found) != n_timesteps:
        raise ValueError(f"step_names has {len(found)} entries for {n_timesteps} time steps")
    return found


def percent(value: float, _position: float | None = None) -> str:
    """A share as a tick label in percent."""
    return f"{value:.0%}"


def shortened(name: str, n_characters: int = 24) -> str:
    """A name that fits beside an axis or into a legend: its middle left out if it is long."""
    if len(name) <= n_characters:
        return name
    tail = (n_characters - 1) // 3
    return f"{name[: n_characters - 1 - tail]}…{name[len(name) - tail :]}"


def drawn(name: object) -> str:
    """A name as text of matplotlib, which draws it letter by letter.

    Dollars are no formula, a name that begins with an underscore still is in the legend, and what
    cannot be seen is spelled out.
    """
    text = visible(name).replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


def short_names(names: Sequence[str], n_characters: int = 24) -> list[str]:
    """Names that fit beside an axis, shortened no further than keeps them apart."""
    longest = max(map(len, names), default=0)
    for n in range(n_characters, longest):
        short = [shortened(name, n) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return [*names]


def _pyplot() -> Any:
    """Pyplot if it would show a figure without being told to; else None."""
    if _in_notebook():
        import matplotlib.pyplot as plt

        return plt
    loaded = sys.modules.get("matplotlib.pyplot")
    return loaded if loaded is not None and loaded.isinteractive() else None


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _is_open_in_pyplot(figure: Figure) -> bool:
    pyplot = sys.modules.get("matplotlib.pyplot")
    number = getattr(figure, "number", None)
    return pyplot is not None and number is not None and bool(pyplot.fignum_exists(number))
