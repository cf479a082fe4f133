"""Figures look alike, can be read on any background, and leave matplotlib's global state alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from elman.plotting import (
    AccuracyByLengthDisplay,
    AccuracyByShareDisplay,
    AttributionDisplay,
    GradientFlowDisplay,
    HiddenStatesDisplay,
    KnowledgeCurveDisplay,
    LossCurveDisplay,
    plot_confusion_matrix,
)
from elman.plotting.style import CHALK, INK, new_axes, png, root_figure, short_names

matplotlib = pytest.importorskip("matplotlib")

DISPLAYS = {
    "loss": LossCurveDisplay([2, 1], score=[0.5, 0.75], best_epoch=2),
    "states": HiddenStatesDisplay([[0.5, 0.1], [0.5, -1], [0.1, 0.3]]),
    "knowledge": KnowledgeCurveDisplay([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1]], ["a", "b", "c"]),
    "share": AccuracyByShareDisplay([0.5, 1], [0.25, 0.75], commonest=0.5),
    "length": AccuracyByLengthDisplay([1, 2, 40], {"a": [0, 1, 1]}, trained_on=(1, 2)),
    "flow": GradientFlowDisplay({"layer 1": [[1, 2, 4]]}, through_time={"layer 1": [[1, 1, 0]]}),
}


def pixels(figure):
    """(height, width, 4) of its PNG, each from 0 to 1."""
    import io

    from matplotlib.image import imread

    return imread(io.BytesIO(png(figure)))


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_figure_is_opaque_and_white(name):
    image = pixels(DISPLAYS[name].plot().figure_)
    assert (image[..., 3] == 1).all()
    assert (image[0, 0] == 1).all()
    assert (image[..., :3] < 0.5).any()


@pytest.mark.parametrize("name", DISPLAYS)
def test_it_draws_where_it_is_told(name):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subfigures(1, 2)[1].add_subplot()
    display = DISPLAYS[name].plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert DISPLAYS[name].plot().ax_ is not ax


@pytest.mark.parametrize("name", DISPLAYS)
def test_text_can_be_read_on_a_dark_background(name):
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    figure = Figure(facecolor="black")
    ax = figure.add_subplot(facecolor="black")
    DISPLAYS[name].plot(ax)
    figure.draw_without_rendering()
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    if ax.get_legend() is not None:
        texts += ax.get_legend().get_texts()
    assert {to_hex(text.get_color()) for text in texts} == {CHALK.lower()}


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_dark_style_of_the_user_leaves_a_new_figure_legible(name):
    from matplotlib.colors import to_hex

    with matplotlib.rc_context({"text.color": "white", "axes.labelcolor": "white"}):
        display = DISPLAYS[name].plot()
        display.figure_.draw_without_rendering()
    texts = [display.ax_.title, display.ax_.xaxis.label, *display.ax_.get_yticklabels()]
    if display.ax_.get_legend() is not None:
        texts += display.ax_.get_legend().get_texts()
    assert {to_hex(text.get_color()) for text in texts} <= {INK}


def test_global_state_of_matplotlib_is_left_alone():
    script = (
        "import sys; sys.path.insert(0, 'tests/plotting')\n"
        "from test_style import *\n"
        "for display in DISPLAYS.values():\n"
        "    assert display.plot()._repr_png_().startswith(b'\\x89PNG')\n"
        "from elman.plotting import plot_confusion_matrix\n"
        "plot_confusion_matrix([1], [1]).figure.savefig('/dev/null', format='png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert 'IPython' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_pyplot_owns_the_figures_of_an_interactive_program_alone():
    script = (
        "import matplotlib; matplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt\n"
        "from elman.plotting.style import new_axes\n"
        "new_axes(3, 2)\n"
        "assert not plt.get_fignums()\n"
        "plt.ion()\n"
        "ax = new_axes(3, 2)\n"
        "assert plt.gcf() is ax.figure"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for display in DISPLAYS.values():
        with pytest.raises(ImportError, match=r"pip install 'elman\[plot\]'"):
            display.plot()


def test_a_display_that_was_not_drawn_shows_no_picture():
    assert AccuracyByShareDisplay([1], [1])._repr_png_() is None


def test_the_figure_that_holds_an_axes():
    ax = new_axes(3, 2)
    assert root_figure(ax) is ax.figure
    assert np.allclose(ax.figure.get_size_inches(), (3, 2))


def test_short_names_differ_as_the_long_ones_do():
    assert short_names(["do", "mi"], 3) == ["do", "mi"]
    assert short_names(["a" * 30, "b" * 30], 8) == ["aaaaa…aa", "bbbbb…bb"]
    middle = ["a" * 9 + letter + "c" * 9 for letter in "xy"]
    assert len(set(short_names(middle, 7))) == 2


ODD = {
    r"$\frac{$": r"$\frac{$",
    "$5 or $6": "$5 or $6",
    "_hidden": "_hidden",
    "a\nb": r"a\nb",
    "\x1b[31m": r"\x1b[31m",
}
"""names of data, and what a picture has to show of each"""
NAMED = {
    "knowledge": lambda names: KnowledgeCurveDisplay(np.eye(5), names).plot().ax_,
    "attribution": lambda names: AttributionDisplay([[1] * 5], [[1] * 5], names=names).plot().ax_,
    "states": lambda names: HiddenStatesDisplay([[1] * 5], names=names).plot().ax_,
    "length": lambda names: AccuracyByLengthDisplay([1, 2], {n: [0, 1] for n in names}).plot().ax_,
    "flow": lambda names: GradientFlowDisplay({n: [[1, 2]] for n in names}).plot().ax_,
    "confusion": lambda names: plot_confusion_matrix(names, names),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.filterwarnings("error")
def test_names_are_drawn_letter_by_letter(name):
    ax = NAMED[name]([*ODD])
    png(root_figure(ax))
    shown = set()
    for text in ax.figure.findobj(matplotlib.text.Text):
        formula = text.get_text().count("$") - text.get_text().count(r"\$")
        if formula == 0:
            label = text.get_text().removesuffix(" (its answer)")
            shown.add(label.replace(r"\$", "$").lstrip("\u200b"))
    assert set(ODD.values()) <= shown
