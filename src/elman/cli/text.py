"""Makes text from a file safe to print: control characters are spelled out."""

from __future__ import annotations


def visible(text: object) -> str:
    r"""A text on one line, in which whatever cannot be seen is spelled out.

    An escape code, a line's end or a change of the direction of writing becomes its code, such as
    `\x1b`; every other character stays.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
