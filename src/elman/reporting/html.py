"""Values in; pieces of HTML, in which no value of the user can be markup, out."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from elman.targets.checks import visible

SHORT = 15
"""rows of a table that stays on one sheet of paper"""
MOST_ROWS = 40
"""of a table on the page; the JSON has all"""
LONGEST = 60
"""characters of a name that are shown; `title` has more"""


def text(value: object) -> str:
    """Text as HTML has it: nothing in it is markup, and what cannot be seen is spelled out."""
    return html.escape(visible(value), quote=True)


def cut(value: object, most: int = LONGEST) -> str:
    """A text of at most so many characters, not yet as HTML."""
    whole = str(value)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def name(value: object, most: int = LONGEST) -> str:
    """A name that comes from the data: kept apart from what stands around it in its direction."""
    whole = str(value)
    hint = f' title="{text(cut(whole, 1000))}"' if len(whole) > most else ""
    return f"<bdi{hint}>{text(cut(whole, most))}</bdi>"


def names(values: Sequence[Any], most: int = 12) -> str:
    """Names with commas between, and how many more there are."""
    told = ", ".join(name(value, 60) for value in values[:most])
    more = len(values) - most
    return told + (f" and {more:,} more" if more > 0 else "")


def number(value: float | None, digits: int = 3) -> str:
    """A number in so many digits; an en dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    if abs(value) >= 10**digits and abs(value) < 1e7:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share, with one decimal."""
    return "–" if value is None else f"{100 * value:.1f} %".replace("-", "−")


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    flags: Sequence[bool] = (),
    words: Sequence[int] = (0,),
) -> str:
    """A table whose first column names the rows.

    Parameters
    ----------
    caption : str
        HTML.
    head : sequence of str
        HTML of each column's head.
    rows : iterable of sequence of str
        HTML of each cell.
    flags : sequence of bool
        Rows to be pointed out.
    words : sequence of int
        Columns that hold words: all others are set as numbers.
    """
    kinds = ["" if k in words else ' class="n"' for k in range(len(head))]
    heads = "".join(
        f'<th scope="col"{kind}>{cell}</th>' for cell, kind in zip(head, kinds, strict=True)
    )
    lines = []
    for i, row in enumerate(rows):
        first, *cells = row
        flag = ' class="flag"' if i < len(flags) and flags[i] else ""
        data = "".join(
            f"<td{kind}>{cell}</td>" for cell, kind in zip(cells, kinds[1:], strict=True)
        )
        lines.append(f'<tr{flag}><th scope="row">{first}</th>{data}</tr>')
    short = ' class="short"' if len(lines) <= SHORT else ""  # not broken over two sheets
    return scrolled(
        f"<table{short}><caption>{caption}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>\n{chr(10).join(lines)}\n</tbody></table>"
    )


def scrolled(content: str) -> str:
    """What may be wider than the page, which a keyboard can scroll too."""
    return f'<div class="scroll" tabindex="0">{content}</div>'


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Terms, each with what it is."""
    return "<dl>" + "".join(f"<dt>{term}</dt><dd>{value}</dd>" for term, value in items) + "</dl>"


def paragraph(*sentences: str, kind: str = "") -> str:
    """Sentences, HTML, that belong together; empty ones are left out."""
    told = " ".join(sentence for sentence in sentences if sentence)
    return f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{told}</p>" if told else ""


def section(key: str, title: str, *parts: str) -> str:
    """A part of the page with a heading of its own."""
    content = "\n".join(part for part in parts if part)
    return f'<section id="{key}" aria-labelledby="{key}-title">\n' + (
        f'<h2 id="{key}-title">{title}</h2>\n{content}\n</section>'
    )


def bulleted(items: Iterable[str]) -> str:
    """A list."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
