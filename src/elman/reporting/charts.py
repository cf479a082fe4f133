"""Numbers in; pictures as SVG text, for use inside a page, out.

The colours are those of the page's style sheet, so that a picture follows the page into the dark
and on paper. Lines differ in their dashes as well as in colour. Each picture has a text that says
what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from elman.reporting.html import cut, name, text

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 10, 38
N_STYLES = 4
"""lines that can be told apart"""


class Line(NamedTuple):
    """A line of a picture; None leaves a gap."""

    name: str
    x: Sequence[float | None]
    y: Sequence[float | None]
    dots: bool = False


class Scale(NamedTuple):
    """Where values lie in a picture, and which of them are written beside the axis."""

    low: float
    high: float
    start: float
    """pixel of `low`"""
    stop: float
    ticks: list[float]
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies, in pixels."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low / 10))
        share = (value - low) / (high - low)
        return self.start + min(max(share, -0.5), 1.5) * (self.stop - self.start)


def lines(
    series: Sequence[Line],
    *,
    alt: str,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    percent: tuple[bool, bool] = (False, False),
    log: bool = False,
    whole: bool = False,
    mark: float | None = None,
    diagonal: bool = False,
    strip: Sequence[tuple[float, float, float | None]] = (),
) -> str:
    """Lines over a common axis.

    Parameters
    ----------
    series : sequence of Line
        At most four.
    alt : str
        What the picture shows, for those who do not see it.
    x_label, y_label : str
    x_range, y_range : tuple of float, optional
        Ends of the axes; by default those of the values.
    percent : tuple of bool
        Whether values of x and of y are shares.
    log : bool
        Whether y has a logarithmic axis.
    whole : bool
        Whether x is a count.
    mark : float, optional
        A value of x to be pointed out.
    diagonal : bool
        Whether to draw the line on which x and y are equal.
    strip : sequence of tuple (from, to, value)
        Bars below the lines, upwards of positive values, downwards of negative ones.

    Returns
    -------
    str
        An <svg>.
    """
    height = HEIGHT + (64 if strip else 0)
    xs = [v for line in series for v in line.x if v is not None]
    ys = [v for line in series for v in line.y if v is not None]
    x = _scale(xs, x_range, LEFT, WIDTH - RIGHT, whole=whole, n=6)
    y = _scale(ys, y_range, HEIGHT - BOTTOM, TOP, log=log, n=5)
    parts = [*_y_axis(y, y_label, percent[1])]
    shift = 64 if strip else 0
    if strip:
        parts += _strip(strip, x, HEIGHT - BOTTOM + 8, 56)
    parts += _x_axis(x, x_label, percent[0], shift)
    if diagonal:
        parts.append(_segment("mark", x(x.low), y(y.low), x(x.high), y(y.high)))
    if mark is not None:
        parts.append(_segment("mark", x(mark), TOP, x(mark), HEIGHT - BOTTOM))
    for k, line in enumerate(series):
        parts += _path(line, k % N_STYLES, x, y)
    return _svg(height, alt, parts)


def bars(
    edges: Sequence[tuple[float, float]], values: Sequence[float], *, alt: str, x_label: str,
    y_label: str,
) -> str:  # fmt: skip
    """Bars from one value of x to another."""
    x = _scale([], (edges[0][0], edges[-1][1]), LEFT, WIDTH - RIGHT, whole=True, n=6)
    y = _scale([], (0, max(values)), HEIGHT - BOTTOM, TOP, n=5, whole=True)
    parts = [*_y_axis(y, y_label, False), *_x_axis(x, x_label, False, 0)]
    for (a, b), value in zip(edges, values, strict=True):
        if value:
            left, width, top = x(a), max(x(b) - x(a) - 1, 1), y(value)
            parts.append(
                f'<rect class="for" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{y(0) - top:.1f}"/>'
            )
    return _svg(HEIGHT, alt, parts)


def key(series: Sequence[str]) -> str:
    """What each line of a picture is, HTML."""
    told = []
    for k, one in enumerate(series):
        style = k % N_STYLES
        sample = (
            '<svg viewBox="0 0 26 8" aria-hidden="true">'
            f'<path class="s s{style}" d="M1 4H25"/></svg>'
        )
        told.append(f'<span class="key">{sample}{name(one, 40)}</span>')
    return "".join(told)


def figure(svg: str, caption: str = "") -> str:
    """A picture with what is said below it (HTML)."""
    told = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{svg}{told}</figure>"


def _svg(height: int, alt: str, parts: Sequence[str]) -> str:
    content = "".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(cut(alt, 600))}">'
        f"{content}</svg>"
    )


def _scale(
    values: Sequence[float],
    ends: tuple[float, float] | None,
    start: float,
    stop: float,
    *,
    n: int,
    log: bool = False,
    whole: bool = False,
) -> Scale:
    low, high = ends or (min(values, default=0), max(values, default=1))
    if log:
        ticks = _log_ticks(low, high)
        return Scale(min(low, ticks[0]), max(high, ticks[-1]), start, stop, ticks, log=True)
    if not high > low:
        room = abs(low) * 0.1 or 0.5
        low, high = low - room, high + room
    ticks = nice_ticks(low, high, n, whole=whole)
    if ends is None and not whole:
        low, high = min(low, ticks[0]), max(high, ticks[-1])
    return Scale(low, high, start, stop, [t for t in ticks if low <= t <= high])


def nice_ticks(low: float, high: float, n: int, *, whole: bool = False) -> list[float]:
    """Some `n` round values from at most `low` to at least `high`."""
    power = 10.0 ** math.floor(math.log10((high - low) / n))
    steps = [m * power for m in (1, 2, 5, 10)]
    step = min(steps, key=lambda s: abs(math.log((high - low) / s / n)))
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [k * step for k in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first <= 3:
        every = [m * 10.0**p for p in range(first, last + 1) for m in (1, 2, 5)]
        inside = [t for t in every if low * 0.999 <= t <= high * 1.001]
        return inside or [low, high]
    stride = -(-(last - first) // 5)
    return [10.0**p for p in range(first, last + 1, stride)]


def _written(value: float, step: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.0f} %"
    if abs(value) >= 1e5 or (value and abs(value) < 1e-3):
        return f"{value:.3g}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 2
    return f"{value:.{min(decimals, 5)}f}".replace("-", "−")


def _y_axis(y: Scale, label: str, percent: bool) -> list[str]:
    parts = []
    step = min((b - a for a, b in zip(y.ticks, y.ticks[1:], strict=False)), default=0)
    if y.log:
        step = 0
    for t in y.ticks:
        shown = f"{t:g}" if y.log else _written(t, step, percent)
        parts.append(_segment("grid", LEFT, y(t), WIDTH - RIGHT, y(t)))
        parts.append(f'<text x="{LEFT - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{shown}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="10" y="{middle}" text-anchor="middle" transform="rotate(-90 10 {middle})">'
        f"{_isolated(label, 34)}</text>"
    )
    return parts


def _x_axis(x: Scale, label: str, percent: bool, shift: int) -> list[str]:
    base = HEIGHT - BOTTOM
    parts = [_segment("axis", LEFT, base, WIDTH - RIGHT, base)]
    step = min((b - a for a, b in zip(x.ticks, x.ticks[1:], strict=False)), default=1)
    for t in x.ticks:
        parts.append(
            f'<text x="{x(t):.1f}" y="{base + 15 + shift}" text-anchor="middle">'
            f"{_written(t, step, percent)}</text>"
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{base + 31 + shift}" text-anchor="middle">'
        f"{_isolated(label, 56)}</text>"
    )
    return parts


def _strip(
    strip: Sequence[tuple[float, float, float | None]], x: Scale, top: float, height: float
) -> list[str]:
    """Bars around a line of zero."""
    largest = max((abs(v) for _, _, v in strip if v is not None), default=0) or 1.0
    lowest = min((v for _, _, v in strip if v is not None), default=0)
    highest = max((v for _, _, v in strip if v is not None), default=0)
    span = max(highest, 0) - min(lowest, 0) or largest
    zero = top + height * max(highest, 0) / span
    parts = [_segment("axis", LEFT, zero, WIDTH - RIGHT, zero)]
    for a, b, value in strip:
        if value:
            tall = height * abs(value) / span
            side, edge = ("for", zero - tall) if value > 0 else ("against", zero)
            parts.append(
                f'<rect class="{side}" x="{x(a):.1f}" y="{edge:.1f}" '
                f'width="{max(x(b) - x(a) - 0.5, 0.7):.1f}" height="{tall:.1f}"/>'
            )
    for value, edge in ((max(highest, 0), top + 8), (min(lowest, 0), top + height)):
        if abs(value) > 0.2 * span:
            parts.append(
                f'<text x="{LEFT - 6}" y="{edge:.1f}" text-anchor="end">'
                f"{f'{value:.2g}'.replace('-', '−')}</text>"
            )
    return parts


def _path(line: Line, style: int, x: Scale, y: Scale) -> list[str]:
    parts, path, pen = [], [], False
    for a, b in zip(line.x, line.y, strict=True):
        if a is None or b is None or (y.log and b <= 0):
            pen = False
            continue
        path.append(f"{'L' if pen else 'M'}{x(a):.1f} {y(b):.1f}")
        pen = True
        if line.dots or len(line.x) == 1:
            parts.append(f'<circle class="d{style}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3"/>')
    return [f'<path class="s s{style}" d="{"".join(path)}"/>', *parts] if path else []


def _segment(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _isolated(label: str, most: int) -> str:
    """A label in a picture, whose direction of writing does not change what stands beside it."""
    return f"\u2068{text(cut(label, most))}\u2069"
